"""The same votes in a file and in the database: the same keys, the same numbers."""

from __future__ import annotations

import csv
import json
from io import StringIO
from itertools import combinations

import numpy as np
import pytest
from django.core.management import call_command

from arena.models import Answer, Battle
from arena.style import FEATURES
from judging.models import Judge, Preference
from rating import snapshots
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db
MODELS = ("Ash", "Birch", "Cedar", "Dogwood")
WINNERS = {2: "A>>B", 1: "model_a", 0: "tie", -1: "model_b", -2: "B>>A"}
VALUES = {1: "first", 0: "tie", -1: "second"}


def recorded(*, judges: int = 3, people: bool = False, questions: int = 15) -> None:
    """Seeded verdicts of `judges` on all pairs of four models, on questions of two categories; answers differ in style."""
    random = np.random.default_rng(5)
    benchmark = make.benchmark()
    kinds = [make.category("cooking"), make.category("sums")]
    panel = [_judge(place, person=people) for place in range(judges)]
    for n in range(questions):
        question = make.question(benchmark, f"q{n}", category=kinds[n % 2])
        texts = ["word " * random.integers(5, 60) + "**bold** " * random.integers(0, 4) for _ in MODELS]
        Answer.objects.bulk_create(
            [make.answer(question, make.model(name), text) for name, text in zip(MODELS, texts, strict=True)]
        )
        answers = list(question.answers.order_by("model__name"))
        for battle in Battle.objects.pair(list(combinations(answers, 2))):
            for judge in panel:
                make.preference(battle, judge, value=int(random.choice([2, 1, 1, 1, 0, -1, -1, -2])))
    snapshots.take(benchmark)


def _judge(place: int, *, person: bool) -> Judge:
    name = f"judge {place}"
    return make.judge(name, kind="person", user=make.person(name)) if person else make.judge(name)


def votes() -> list[Preference]:
    return list(Preference.objects.select_related("battle__question__category", "judge").order_by("pk"))


def battle_file(folder) -> str:
    """What is on record as a battle file."""
    rows = []
    for vote in votes():
        first, second = vote.battle.first, vote.battle.second
        looks = {f"{name}_{side}": getattr(answer, name) for name in FEATURES for side, answer in zip("ab", (first, second), strict=True)}  # fmt: skip
        about = {"judge": vote.judge.name, "category": vote.battle.question.category.key, "tstamp": vote.pk}
        names = {"model_a": first.model.name, "model_b": second.model.name, "winner": WINNERS[int(vote.value)]}
        rows.append({**names, **about, "question_id": vote.battle.question.key, **looks})
    return _written(folder / "battles.csv", rows)


def vote_file(folder) -> str:
    """What is on record as a vote file: a win, a loss or a tie on each battle."""
    rows = [
        {
            "item": vote.battle_id,
            "annotator": vote.judge.name,
            "value": VALUES[int(np.sign(vote.value))],
            "category": vote.battle.question.category.key,
            "question_id": vote.battle.question.key,
        }
        for vote in votes()
    ]
    return _written(folder / "votes.csv", rows)


def _written(path, rows: list[dict]) -> str:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def told(command: str, *arguments: str) -> dict:
    out = StringIO()
    call_command(command, *arguments, "--format", "json", stdout=out, stderr=StringIO())
    found = json.loads(out.getvalue())
    for row in found.get("rows", []):
        row.pop("n_failed", None)  # a file of battles knows of no verdict that failed
    return found


def assert_same(row: dict, other: dict) -> None:
    """The keys of `other` in their order, and the same numbers and words."""
    assert [key for key in row if key in other] == list(other)
    for key, value in other.items():
        about = 1e-9 if isinstance(value, float) else None
        assert row[key] == (pytest.approx(value, rel=about, abs=about) if about else value), key


@pytest.mark.parametrize("method", ["bt", "elo", "style"])
def test_a_file_has_the_board_of_the_record(tmp_path, method):
    recorded()
    found = told("rate", battle_file(tmp_path), "--method", method, "--group", "category")
    names = [found, *found["groups"]]
    assert [board["category"] for board in names] == ["all", "cooking", "sums"]
    for mine in names:
        theirs = told("leaderboard", "--method", method, "--category", mine["category"])
        assert list(mine) == [*theirs, *(["groups"] if mine is found else [])]
        assert {**theirs, "benchmark": "", "rows": [], "style": []} == {
            **{key: value for key, value in mine.items() if key in theirs}, "benchmark": "", "rows": [], "style": [],
        }  # fmt: skip
        for table in ("rows", "style"):
            for row, other in zip(mine.get(table, []), theirs.get(table, []), strict=True):
                assert list(row) == list(other)
                assert_same(row, other)


def test_one_judge_of_a_file_has_the_board_of_that_judge(tmp_path):
    recorded()
    source = ("--source", "judge:judge 1")
    mine, theirs = told("rate", battle_file(tmp_path), *source), told("leaderboard", *source)
    assert (mine["source"], mine["n"]) == (theirs["source"], theirs["n"]) == ("judge:judge 1", 90)
    for row, other in zip(mine["rows"], theirs["rows"], strict=True):
        assert_same(row, other)


ABOUT = ("judges", "kind", "relation")  # a file does not say who is a person


@pytest.mark.parametrize(("people", "judges", "relation"), [(True, 3, "people"), (False, 2, "judges")])
def test_a_file_has_the_agreement_of_the_record(tmp_path, people, judges, relation):
    recorded(people=people, judges=judges)
    found = told("agree", vote_file(tmp_path), "--values", "3", "--tie", "tie", "--by", "category")
    theirs = told("agreement", "--by", "category")
    rows = [row for row in theirs["rows"] if row.get("relation", relation) == relation]
    assert list(found) == list(theirs) and [row["category"] for row in found["rows"]] == ["all", "cooking", "sums"]
    for row, other in zip(found["rows"], rows, strict=True):
        assert list(row)[: len(other)] == list(other)
        assert_same(row, {key: row[key] if key in ABOUT else value for key, value in other.items()})


def test_a_file_of_marks_has_the_agreement_of_the_grades_on_record(tmp_path):
    random = np.random.default_rng(6)
    benchmark = make.benchmark()
    panel = [_judge(place, person=True) for place in range(3)]
    rows = []
    for question in make.answered(benchmark, *MODELS, questions=20):
        for answer in question.answers.all():
            middle = random.integers(3, 8)
            for judge in panel:
                score = float(middle + random.integers(-2, 3))
                make.grade(answer, judge, score=score)
                rows.append({"item": answer.pk, "annotator": judge.name, "value": score, "question": question.key})
    snapshots.take(benchmark)
    mine = told("agree", _written(tmp_path / "marks.csv", rows), "--level", "interval")["rows"][0]
    theirs = next(row for row in told("agreement")["rows"] if row["judges"] == "people")
    assert_same(mine, {key: mine[key] if key in ABOUT else value for key, value in theirs.items()})
