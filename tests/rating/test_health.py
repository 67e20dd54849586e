"""Health of machine judges, from real rows: what fails, what they lean to beside people, what they cost, whether they drift."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
import pytest

from arena.models import Answer, Battle, Benchmark
from judging.models import Judge
from rating import data, health, snapshots, stats
from rating.models import Health
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db
PLAIN, LONG = "Six minutes.", "Six minutes, if you like the yolk soft, and nine if you do not; eight is the middle."
MARKED = "**Six** minutes:\n\n- soft\n- warm\n"
AUTUMN, WINTER = datetime(2026, 10, 7, tzinfo=UTC), datetime(2026, 12, 9, tzinfo=UTC)


def battles(of: Benchmark, *texts: str, questions: int, families=("oak", "elm"), **fields) -> list[Battle]:
    """A battle on each of so many new questions: Ash answers with the first text, Birch with the second."""
    models = [make.model(name, family=family) for name, family in zip(("Ash", "Birch"), families, strict=True)]
    made = []
    for _ in range(questions):
        asked = make.question(of, f"q{of.questions.count() + 1}", **fields)
        for model, text in zip(models, texts or (PLAIN, PLAIN), strict=True):
            make.answer(asked, model, text).save()
        made.append(make.battle(asked))
    return made


def person(name: str = "ann") -> Judge:
    return make.judge(name, kind="person", user=make.person(name))


def read(benchmark: Benchmark) -> dict[tuple[str, str | None], dict]:
    """What is told of each judge, by its name and category; from the rows that a snapshot keeps."""
    snapshot = snapshots.take(benchmark)
    rows = Health.objects.filter(snapshot=snapshot).select_related("judge", "category")
    return {(row.judge.name, row.category and row.category.key): row.told for row in rows}


@pytest.fixture
def benchmark() -> Benchmark:
    return make.benchmark()


def test_what_fails_is_a_share_of_all_that_was_tried_by_judge_and_category(benchmark):
    cooking = battles(benchmark, questions=8)
    sums = battles(benchmark, questions=4, category=make.category("sums"))
    for place, battle in enumerate(cooking):
        failed = ("parse_error", "truncated", "refused", "api_error")[place : place + 1]
        fields = {"status": failed[0], "error": "?"} if failed else {"value": 1}
        make.preference(battle, make.judge("frail"), **fields)
    for battle in sums:
        make.preference(battle, make.judge("frail"))
        make.preference(battle, make.judge("sound"))
    found = read(benchmark)
    assert set(found) == {("frail", None), ("frail", "cooking"), ("frail", "sums"), ("sound", None), ("sound", "sums")}
    told = found["frail", "cooking"]["failures"]
    assert {name: one["share"] for name, one in told.items()} == {
        "parse_error": 0.125, "truncated": 0.125, "refused": 0.125, "api_error": 0.125, "skipped": 0.0, "mute": 0.375,
    }  # fmt: skip
    expected = stats.share_of(np.arange(8) < 3, cluster=np.arange(8))
    assert told["mute"] == pytest.approx(asdict(expected)) and told["mute"]["low"] < 0.375 < told["mute"]["high"]
    assert found["frail", None]["failures"]["parse_error"]["n"] == 12
    assert found["sound", None]["failures"]["mute"]["share"] == 0.0


def test_a_judge_that_only_failed_has_health_and_no_verdicts(benchmark):
    (battle,) = battles(benchmark, questions=1)
    make.preference(battle, make.judge("mute"), status="refused", error="no")
    make.preference(battle, make.judge("sound"))
    told = read(benchmark)["mute", None]
    assert told["failures"]["refused"]["share"] == 1.0 and "verdicts" not in told and "longer" not in told


def test_what_was_set_aside_or_is_of_people_fails_nobody(benchmark):
    one, other = battles(benchmark, questions=2)
    make.preference(one, make.judge("fair"), status="parse_error", error="?", superseded_at=AUTUMN)
    make.preference(one, make.judge("fair"))
    make.preference(other, person(), status="skipped", error="cannot judge")
    found = read(benchmark)
    assert list(found) == [("fair", None), ("fair", "cooking")]
    # of one question there is no interval
    assert found["fair", None]["failures"]["parse_error"] == {"share": 0.0, "low": None, "high": None, "n": 1}


def test_wins_of_the_longer_answer_stand_beside_peoples_on_the_same_questions(benchmark):
    shared, alone = battles(benchmark, PLAIN, LONG, questions=10), battles(benchmark, PLAIN, LONG, questions=5)
    ann = person()
    for place, battle in enumerate(shared):
        make.preference(battle, make.judge("wordy"), value=-1)
        make.preference(battle, ann, value=-1 if place < 4 else 1)
    for battle in alone:
        make.preference(battle, make.judge("wordy"), value=1)
    told = read(benchmark)["wordy", None]["longer"]
    assert told["share"] == pytest.approx(10 / 15) and told["n"] == 15
    assert told["low"] < told["share"] < told["high"]
    assert (told["beside"], told["questions"], told["theirs"]) == ("people", 10, pytest.approx(0.4))
    assert told["difference"] == pytest.approx(0.6)
    assert told["difference_low"] < 0.6 < told["difference_high"] and told["difference_low"] > 0


def test_ties_and_answers_of_one_length_are_no_case_of_a_longer_one(benchmark):
    uneven, even = battles(benchmark, PLAIN, LONG, questions=3), battles(benchmark, questions=3)
    for battle in uneven:
        make.preference(battle, value=0)
    for battle in even:
        make.preference(battle, value=1)
    assert "longer" not in read(benchmark)["steady", None]


def test_wins_of_the_answer_with_more_markdown_are_counted_apart_from_length(benchmark):
    for battle in battles(benchmark, LONG, MARKED, questions=6):
        make.preference(battle, value=-1)
    told = read(benchmark)["steady", None]
    assert told["markdown"]["share"] == 1.0 and told["longer"]["share"] == 0.0
    assert told["markdown"]["n"] == 6 and "theirs" not in told["markdown"]


def own_family(benchmark: Benchmark, *, with_people: bool) -> dict:
    oak = make.judge("oak judge", kind="llm", model=make.model("Acorn", family="Oak "))
    kin = make.judge("oak kin", kind="llm", model=make.model("Twig", family="oak"))
    other = make.judge("pine judge", kind="llm", model=make.model("Cone", family="pine"))
    ann = person() if with_people else None
    for place, battle in enumerate(battles(benchmark, questions=8)):
        make.preference(battle, oak, value=1 if place < 6 else 0)
        make.preference(battle, kin, value=1)
        make.preference(battle, other, value=1 if place < 2 else -1)
        if ann:
            make.preference(battle, ann, value=1 if place < 4 else -1)
    return read(benchmark)


def test_its_own_family_wins_beside_what_people_give_it_a_tie_as_half(benchmark):
    found = own_family(benchmark, with_people=True)
    told = found["oak judge", None]["own_family"]
    assert (told["share"], told["n"]) == (pytest.approx(7 / 8), 8)
    assert (told["beside"], told["theirs"], told["questions"]) == ("people", 0.5, 8)
    assert told["difference"] == pytest.approx(3 / 8)
    assert "own_family" not in found["pine judge", None]  # no answer here is of its family


def test_without_people_its_own_family_stands_beside_judges_of_other_families(benchmark):
    told = own_family(benchmark, with_people=False)["oak judge", None]["own_family"]
    assert (told["beside"], told["theirs"]) == ("judges", pytest.approx(0.25))


def test_two_models_of_the_family_against_each_other_are_no_case(benchmark):
    oak = make.judge("oak judge", kind="llm", model=make.model("Acorn", family="oak"))
    for battle in battles(benchmark, questions=3, families=("oak", "OAK")):
        make.preference(battle, oak)
    assert "own_family" not in read(benchmark)["oak judge", None]


def test_verdicts_are_counted_as_the_two_answers_were_shown(benchmark):
    made = battles(benchmark, questions=6)
    for battle, value, swapped in zip(
        made, (2, 1, 0, -1, -2, 2), (False, False, False, False, False, True), strict=True
    ):
        make.preference(battle, value=value, swapped=swapped)
    assert read(benchmark)["steady", None]["verdicts"] == [1, 1, 1, 1, 2]


def test_scores_have_a_bar_each_and_fine_ones_ten_steps(benchmark):
    made = battles(benchmark, questions=30)
    answers = list(Answer.objects.order_by("pk"))
    for place, answer in enumerate(answers):
        make.grade(answer, make.judge("coarse"), score=place % 3 + 1)
        make.grade(answer, make.judge("fine"), score=place / 10)
    found = read(benchmark)
    assert len(made) == 30
    assert found["coarse", None]["scores"] == [{"from": n, "to": n, "n": 20} for n in (1.0, 2.0, 3.0)]
    fine = found["fine", None]["scores"]
    assert len(fine) == 10 and sum(one["n"] for one in fine) == 60
    assert (fine[0]["from"], fine[-1]["to"]) == (0.0, 5.9)


def test_cost_seconds_and_the_cached_share_count_failed_calls_too(benchmark):
    made = battles(benchmark, questions=4)
    run = make.run(benchmark, order="fixed")
    fair = make.judge("fair")
    make.preference(made[0], fair, run=run, asked=1, cost=0.25, seconds=2.0)
    make.preference(made[1], fair, run=run, asked=2, cost=0.5, seconds=4.0)
    make.preference(made[2], fair, run=run, asked=1, cost=0.25, seconds=3.0, status="api_error", error="503")
    make.preference(made[3], fair, run=run, cached=True, cost=0.0)
    found = read(benchmark)
    spent = found["fair", None]["spent"]
    assert spent == {
        "judgments": 4, "verdicts": 3, "asked": 4, "cached": 1, "cost": 1.0, "priced": 4, "seconds": 9.0, "timed": 3,
    }  # fmt: skip
    assert found["fair", "cooking"]["spent"] == spent


def judged_twice(of: list[Battle], then: float, now: float, judge: Judge) -> None:
    """The same battles in two weeks, as two trials."""
    for battle in of:
        make.preference(battle, judge, value=then, created_at=AUTUMN)
        make.preference(battle, judge, value=now, trial=1, created_at=WINTER)


def test_a_judge_drifts_where_its_last_week_differs_from_its_first_on_the_anchor_questions(benchmark):
    anchors = battles(benchmark, questions=6, tags=["anchor"])
    others = battles(benchmark, questions=6)
    judged_twice(anchors[:5], 1, -1, make.judge("moving"))
    judged_twice(anchors[5:], 1, -0.5, make.judge("moving"))
    judged_twice(others, 2, 2, make.judge("moving"))
    judged_twice(anchors, 1, 1, make.judge("still"))
    found = read(benchmark)
    drift = found["moving", None]["drift"]
    assert drift["anchored"] and drift["items"] == 6 and drift["note"] == health.CHANGED
    assert drift["difference"] < -0.4 and drift["high"] < 0
    assert [week["week"] for week in drift["weeks"]] == ["2026-W41", "2026-W50"]
    assert [week["n"] for week in drift["weeks"]] == [6, 6]
    still = found["still", None]["drift"]
    assert (still["difference"], still["low"], still["note"]) == (0.0, None, health.SAME)


def test_marks_drift_on_the_scale_of_their_rubric(benchmark):
    for battle in battles(benchmark, questions=4):
        place = {"rubric": make.rubric(), "by": make.judge("strict")}
        make.grade(battle.first, score=9, created_at=AUTUMN, **place)
        make.grade(battle.first, score=5, trial=1, created_at=WINTER, **place)
    scale = make.rubric()
    told = read(benchmark)["strict", "cooking"]["drift"]
    assert told["difference"] == pytest.approx(-4 / (scale.highest - scale.lowest))
    assert told["items"] == 4 and told["weeks"][0]["share"] > told["weeks"][1]["share"]


def test_drift_compares_only_what_was_judged_in_both_weeks(benchmark):
    made = battles(benchmark, questions=6)
    for battle in made[:3]:
        make.preference(battle, make.judge("fair"), created_at=AUTUMN)
    for battle in made[3:]:
        make.preference(battle, make.judge("fair"), value=-1, created_at=WINTER)
        make.preference(battle, make.judge("new"), value=-1, created_at=WINTER)
    found = read(benchmark)
    assert found["fair", None]["drift"]["note"] == health.NOTHING_TWICE
    assert "difference" not in found["fair", None]["drift"] and not found["fair", None]["drift"]["anchored"]
    assert found["new", None]["drift"]["note"] == health.ONE_WEEK


def test_a_benchmark_too_large_to_look_at_needs_an_anchor_set(benchmark, monkeypatch):
    monkeypatch.setattr("rating.data.effort.MOST", 3)
    made = battles(benchmark, questions=4)
    for battle in made:
        make.preference(battle)
    assert read(benchmark)["steady", None]["drift"] == {"note": health.NO_ANCHORS}
    benchmark.questions.filter(pk=made[0].question_id).update(tags=["anchor"])
    assert data.dates(benchmark).is_anchored and len(data.dates(benchmark).rows) == 1


def test_a_large_anchor_set_is_read_whole(benchmark, monkeypatch):
    monkeypatch.setattr("rating.data.effort.MOST", 3)
    for battle in battles(benchmark, questions=6, tags=["anchor"]):
        make.preference(battle)
    assert len(data.dates(benchmark).rows) == 6


def test_the_alternative_annotator_test_needs_people_on_enough_items(benchmark):
    made = battles(benchmark, questions=40)
    people = [person(name) for name in ("ann", "bob", "cid")]
    for place, battle in enumerate(made):
        truth = 1 if place % 2 else -1
        for seat, judge in enumerate(people):
            make.preference(battle, judge, value=truth if (place + seat) % 7 else -truth)
        make.preference(battle, make.judge("fair"), value=truth)
        if place < 5:
            make.preference(battle, make.judge("rare"), value=truth)
    found = read(benchmark)
    told = found["fair", None]["alternative"]
    assert told["verdict"] is True and told["people"] == 3 and told["winning_rate"] == 1.0
    assert "alternative" not in found["rare", None]


def test_health_takes_as_many_queries_for_few_judgments_as_for_many(django_assert_max_num_queries):
    counts = []
    for size in (2, 20):
        benchmark = make.benchmark(f"of {size}")
        for battle in battles(benchmark, PLAIN, LONG, questions=size):
            make.preference(battle)
            make.preference(battle, make.judge("second"))
        record = data.read(benchmark)
        with django_assert_max_num_queries(12) as seen:
            assert len(health.of(benchmark, record)) == 4
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_where_no_machine_judged_nothing_is_asked(benchmark, django_assert_num_queries):
    make.preference(battles(benchmark, questions=1)[0], person())
    record = data.read(benchmark)
    with django_assert_num_queries(0):
        assert health.of(benchmark, record) == []
