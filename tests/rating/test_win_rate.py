"""How often each model beats the baseline: from votes on record, by the command."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from arena.models import Answer, Battle, Benchmark, Category, LanguageModel, Question
from judging.models import Judge, Preference, Rubric, Run

pytestmark = pytest.mark.django_db


class Garden:
    """A benchmark with a run against a baseline; `vote` puts verdicts on record."""

    def __init__(self, baseline: str = "base"):
        self.benchmark, _made = Benchmark.objects.get_or_create(name="garden", version="1")
        self.rubric, _made = Rubric.objects.get_or_create(name="garden")
        self.baseline = self.model(baseline)
        self.run = Run.objects.create(
            name="r",
            benchmark=self.benchmark,
            mode=Run.Mode.BASELINE,
            baseline=self.baseline,
            rubric=self.rubric,
            order=Run.Order.FIXED,
        )

    @staticmethod
    def model(name: str, version: str = "1") -> LanguageModel:
        return LanguageModel.objects.get_or_create(name=name, version=version, defaults={"vendor": "us"})[0]

    def answer(self, question: str, model: LanguageModel, category: str) -> Answer:
        category, _made = Category.objects.get_or_create(key=category)
        asked, _made = Question.objects.get_or_create(
            benchmark=self.benchmark, key=question, defaults={"category": category, "turns": ["?"]}
        )
        return Answer.objects.get_or_create(question=asked, model=model, defaults={"turns": ["!"]})[0]

    def vote(
        self,
        question: str,
        model: LanguageModel,
        towards: float | None,
        *,
        judge: str = "owl",
        kind: str = Judge.Kind.IMPORTED,
        category: str = "trees",
    ) -> None:
        """A verdict on this model against the baseline, from 2 for it to −2; None for one that failed."""
        pair = self.answer(question, self.baseline, category), self.answer(question, model, category)
        (battle,) = Battle.objects.pair([pair])
        value = towards if towards is None or battle.first.model == model else -towards
        judge, _made = Judge.objects.get_or_create(name=judge, kind=kind)
        said = {"status": "parse_error", "error": "nothing to read"} if towards is None else {"status": "ok"}
        Preference.objects.create(judge=judge, rubric=self.rubric, run=self.run, battle=battle, value=value, **said)


def said(**options) -> str:
    out = StringIO()
    call_command("leaderboard", method="win_rate", stdout=out, **options)
    return out.getvalue()


def told(**options) -> dict:
    return json.loads(said(format="json", **options))


def refused(**options) -> str:
    with pytest.raises(CommandError) as error:
        call_command("leaderboard", stdout=StringIO(), **options)
    return str(error.value)


def numbers(row: dict) -> tuple:
    return tuple(row[name] for name in ("win_rate", "n_wins", "n_wins_base", "n_draws", "n", "n_failed"))


def test_a_much_better_answer_wins_once_and_a_failure_never():
    garden = Garden()
    ash = garden.model("ash")
    for question, towards in {"q1": 2, "q2": -1, "q3": 0, "q4": 0.5, "q5": None}.items():
        garden.vote(question, ash, towards)
    (row,) = told()["rows"]
    assert (row["model"], *numbers(row)) == ("ash", (1 + 0 + 0.5 + 0.75) / 4, 2, 1, 1, 4, 1)
    assert row["discrete_win_rate"] == 2.5 / 4


def test_a_question_counts_once_however_many_judged_it():
    garden = Garden()
    ash = garden.model("ash")
    garden.vote("q1", ash, 1, judge="owl")
    garden.vote("q1", ash, -1, judge="jay")
    garden.vote("q1", ash, -1, judge="kite")
    garden.vote("q2", ash, 1)
    (row,) = told()["rows"]
    assert (row["win_rate"], row["n"], row["n_wins"], row["n_wins_base"]) == (pytest.approx((1 / 3 + 1) / 2), 2, 1, 1)


def test_the_best_comes_first_and_one_question_has_no_error():
    garden = Garden()
    garden.vote("q1", garden.model("ash"), -1)
    garden.vote("q1", garden.model("birch"), 1)
    rows = told()["rows"]
    assert [row["model"] for row in rows] == ["birch", "ash"]
    assert [(row["standard_error"], row["low"], row["high"]) for row in rows] == [(None, None, None)] * 2


def test_rates_are_cut_by_category_and_source():
    garden = Garden()
    ash = garden.model("ash")
    garden.vote("q1", ash, 1)
    garden.vote("q2", ash, -1, category="herbs")
    garden.vote("q1", ash, -1, judge="Ann", kind=Judge.Kind.IMPORTED_PERSON)
    garden.vote("q2", ash, None, judge="jay", category="herbs")
    assert numbers(told(category="herbs")["rows"][0]) == (0, 0, 1, 0, 1, 1)
    assert numbers(told(source="people")["rows"][0]) == (0, 0, 1, 0, 1, 0)
    assert numbers(told(source="judges")["rows"][0]) == (0.5, 1, 1, 0, 2, 1)
    assert numbers(told(source="judge:owl")["rows"][0]) == (0.5, 1, 1, 0, 2, 0)


def test_two_versions_of_a_model_are_told_apart():
    garden = Garden()
    garden.vote("q1", garden.model("ash", "1"), 1)
    garden.vote("q1", garden.model("ash", "2"), -1)
    assert [row["model"] for row in told()["rows"]] == ["ash 1", "ash 2"]


def test_any_model_may_be_the_baseline_and_one_must_be():
    garden = Garden()
    garden.vote("q1", garden.model("ash"), 1)
    assert [(row["model"], row["win_rate"]) for row in told(baseline="ash")["rows"]] == [("base", 0)]
    assert refused(method="win_rate", baseline="yew") == "no model 'yew' was in a battle of garden v1"
    Garden("other")
    assert refused(method="win_rate").startswith("there are several baselines: base, other;")
    Preference.objects.update(run=None)
    Run.objects.all().delete()
    assert refused(method="win_rate").startswith("nothing in garden v1 was judged against a baseline")


def test_what_is_not_there_is_refused_by_name():
    garden = Garden()
    garden.vote("q1", garden.model("ash"), 1)
    assert refused(method="win_rate", source="judge:jay").startswith("no source 'judge:jay'")
    assert refused(method="win_rate", category="moss").startswith("no category 'moss'")
    assert refused(method="bt", baseline="base") == "--baseline goes with --method win_rate"


def test_people_read_the_rate_with_its_interval_n_and_failures():
    garden = Garden()
    ash, birch = garden.model("ash"), garden.model("birch")
    for question in "abcd":
        garden.vote(question, ash, 1 if question != "d" else -1)
    garden.vote("a", birch, None)
    text = said()
    assert text.splitlines()[0] == "garden · all · votes: all · wins against base · n = 4"
    (line,) = [line for line in text.splitlines() if line.startswith("ash")]
    assert line.split()[1] == "0.750" and line.split()[-5:] == ["3", "1", "0", "4", "0"]
    assert "95 % interval" in text and "not judged on equally many questions" in text
    assert "left out: 1 no verdict could be read" in text


def test_rates_as_csv_have_the_same_numbers():
    garden = Garden()
    garden.vote("q1", garden.model("ash"), 1)
    garden.vote("q2", garden.model("ash"), -1)
    (row,) = csv.DictReader(StringIO(said(format="csv")))
    assert (row["model"], float(row["win_rate"]), float(row["standard_error"])) == ("ash", 0.5, 0.5)


def test_the_number_of_queries_does_not_grow_with_the_votes():
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            said()
        return len(captured)

    garden = Garden()
    garden.vote("q0", garden.model("ash"), 1)
    few = queries()
    for n in range(20):
        garden.vote(f"q{n + 1}", garden.model(f"ash{n % 3}"), 1)
    assert queries() == few
