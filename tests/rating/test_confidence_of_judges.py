"""Confidence of machine judges beside people, from real rows to the page, the files and the API."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import translation

from judging.models import Judge
from rating import data, snapshots
from rating.models import Health
from tests.judging import recorded as make
from tests.rating.test_pages_boards import words

pytestmark = pytest.mark.django_db


def battles(benchmark, questions: int = 40, key: str = "cooking") -> list:
    made = []
    for _ in range(questions):
        asked = make.question(benchmark, f"q{benchmark.questions.count() + 1}", category=make.category(key))
        for name in ("Ash", "Birch"):
            make.answer(asked, make.model(name)).save()
        made.append(make.battle(asked))
    return made


def person(name: str = "ann") -> Judge:
    return make.judge(name, kind="person", user=make.person(name))


def weighed(a: float, b: float, **fields) -> dict:
    return {"value": a - b, "details": {"probabilities": {"A": a, "B": b, "C": 1 - a - b}}, **fields}


def told(benchmark, judge: str, category: str | None = None) -> dict | None:
    snapshot = snapshots.take(benchmark)
    return Health.objects.get(snapshot=snapshot, judge__name=judge, category__key=category).told.get("confidence")


@pytest.fixture
def benchmark():
    return make.benchmark()


@pytest.fixture
def sure(benchmark):
    """A judge by probabilities, that people agree with where it is 90 % sure, and in half of the cases where it is 60 %."""
    ann, judge = person(), make.llm_judge("weigher")
    for place, battle in enumerate(battles(benchmark)):
        make.preference(battle, judge, **(weighed(0.9, 0.05) if place < 20 else weighed(0.6, 0.3)))
        make.preference(battle, ann, value=1 if place < 30 else -1)
    return judge


def test_probabilities_stand_beside_what_people_say(benchmark, sure):
    found = told(benchmark, "weigher")
    assert (found["basis"], found["n"], found["word"]) == ("probabilities", 40, "being sure means more")
    assert [(level["start"], level["n"], level["share"]) for level in found["levels"]] == [
        (0.6, 20, 0.5),
        (0.9, 20, 1.0),
    ]
    assert found["gap"] == pytest.approx(0.75 - 0.75)
    assert told(benchmark, "weigher", "cooking") == found


def test_the_other_order_is_a_reply_of_its_own_and_its_letters_are_of_what_was_shown_first(benchmark):
    ann, judge = person(), make.llm_judge("weigher")
    for battle in battles(benchmark, 20):
        make.preference(battle, ann, value=1)
        make.preference(battle, judge, **weighed(0.9, 0.1))
        swapped = weighed(0.2, 0.7, swapped=True)
        make.preference(battle, judge, **{**swapped, "value": 0.5})
    found = told(benchmark, "weigher")
    assert [(level["start"], level["share"], level["n"]) for level in found["levels"]] == [
        (0.7, 1.0, 20),
        (0.9, 1.0, 20),
    ]


def test_samples_members_and_strength_tell_it_too_and_a_tie_that_people_call_one_is_shared(benchmark):
    ann, drawn, panel, strong = (
        person(),
        make.llm_judge("drawn"),
        make.judge("panel", kind="panel"),
        make.judge(),
    )
    samples = [
        {"replies": 1, "value": 0},
        {"replies": 1, "value": 0},
        {"replies": 1, "value": 1},
        {"status": "refused"},
    ]
    members = [
        {"judge": "a", "value": -1, "weight": 3.0, "counted": True},
        {"judge": "b", "value": 1, "weight": 1.0, "counted": True},
        {"judge": "c", "value": 1, "weight": 5.0, "counted": False, "why": "of its own family"},
    ]
    for place, battle in enumerate(battles(benchmark, 30)):
        make.preference(battle, ann, value=0 if place else 1)
        make.preference(battle, drawn, value=0, details={"samples": samples})
        make.preference(battle, panel, value=-1, details={"members": members})
        make.preference(battle, strong, value=2 if place % 2 else 1)
    found = {name: told(benchmark, name) for name in ("drawn", "panel", "steady")}
    assert {name: one["basis"] for name, one in found.items()} == {
        "drawn": "samples", "panel": "members", "steady": "strength",
    }  # fmt: skip
    assert (found["drawn"]["levels"][0]["sure"], found["drawn"]["share"]) == (
        pytest.approx(2 / 3),
        pytest.approx(29 / 30),
    )
    assert (found["panel"]["levels"][0]["sure"], found["panel"]["share"]) == (0.75, 0.0)
    assert [level["start"] for level in found["steady"]["levels"]] == [1.0, 2.0] and found["steady"]["gap"] is None


def test_without_people_or_with_one_strength_nothing_is_told(benchmark):
    alone, plain = make.llm_judge("weigher"), make.judge("plain")
    ann = person()
    for place, battle in enumerate(battles(benchmark, 4)):
        make.preference(battle, plain, value=1 if place else -1)
        make.preference(battle, ann)
    for battle in battles(benchmark, 4, key="sums"):
        make.preference(battle, alone, **weighed(0.9, 0.05))
    assert told(benchmark, "weigher") is None and told(benchmark, "plain") is None


def test_older_rubrics_kept_out_votes_and_details_of_a_file_are_not_read(benchmark, sure):
    first = make.battle(benchmark.questions.first())
    old = make.rubric("old one")
    newer = type(old).objects.create(name=old.name, version=2, title_en="New", title_zh="新")
    make.preference(first, sure, rubric=old, **weighed(0.99, 0.0))
    make.preference(first, sure, rubric=newer, **weighed(0.8, 0.1))
    make.preference(first, sure, trial=1, kept_out="again", **weighed(0.7, 0.2))
    make.preference(first, sure, trial=2, provenance="imported", value=1, details={"probabilities": "of the file"})
    record = data.read(benchmark)
    seen = data.sure(benchmark, record)
    assert sorted(set(seen.sure.tolist())) == [0.6, 0.8, 0.9] and len(seen) == 41


def test_the_pages_show_it_in_both_languages(client, benchmark, sure):
    told(benchmark, "weigher")
    page = words(client.get(reverse("judge", args=[sure.pk])))
    assert "Yes: where it is surer, people agree more often." in page
    assert "It is 75% sure on average, and people agree with 75%: 0.0 points" in page
    assert "90% 20 90% 100%" in page and "the probability of the word it chose" in page
    assert "surer means people agree more often" in words(client.get(reverse("trust", args=[benchmark.pk])))
    with translation.override("zh-hans"):
        client.cookies["django_language"] = "zh-hans"
        assert "有意义：它越有把握，与人一致的时候越多。" in words(client.get(reverse("judge", args=[sure.pk])))


def test_a_category_with_few_says_so_and_shows_no_share(client, benchmark, sure):
    ann = Judge.objects.get(name="ann")
    for battle in battles(benchmark, 6, key="sums"):
        make.preference(battle, sure, **weighed(0.9, 0.05))
        make.preference(battle, ann, value=-1)
    few = told(benchmark, "weigher", "sums")
    assert (few["n"], few["share"], few["levels"]) == (6, None, [])
    page = words(client.get(reverse("judge", args=[sure.pk])))
    by_category = page[page.index("What its confidence is worth, by category") :]
    assert "Sums not enough data — — n 6 — —" in by_category


def test_files_and_the_api_have_it(client, benchmark, sure):
    told(benchmark, "weigher")
    out = io.StringIO()
    call_command("health", "--benchmark", benchmark.name, "--format", "csv", stdout=out)
    row = next(csv.DictReader(io.StringIO(out.getvalue())))
    assert (row["confidence_basis"], row["confidence_n"], row["confidence_share"]) == ("probabilities", "40", "0.75")
    assert row["confidence_levels"] == "0.6:0.5:20 0.9:1:20"
    rows = json.loads(client.get(f"/api/v1/boards/{benchmark.pk}/judges").content)["rows"]
    assert rows[0]["confidence"]["levels"][1]["share"] == 1.0
