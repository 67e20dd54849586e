"""Votes that stand and are kept out of ratings: left out, counted by why, and let in again."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import F
from django.utils import translation

from arena.models import Battle
from judging.models import Grade, Judge, KeptOut, Preference
from judging.progress import progress
from rating import counting, data, snapshots, words
from rating.data import record as door
from rating.models import Leaderboard, PairCount, ScoreCount
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db

WHY = {
    "practice": "practice",
    "gold": "gold item",
    "repeat": "hidden repeat",
    "adjudication": "adjudication",
    "leak": "names its maker",
    "again": "asked again",
}


def person(name: str) -> Judge:
    return make.judge(name, kind="person", user=make.person(name))


@pytest.fixture
def battles() -> list[Battle]:
    benchmark = make.benchmark()
    return [make.battle(question) for question in make.answered(benchmark, questions=4)]


def counts_hold(benchmark) -> bool:
    assert counting.catch_up()
    return counting.is_true_to(benchmark, data.read(benchmark))


def test_every_reason_has_a_name_of_its_own():
    assert {str(word) for word, _code in door.KEPT_OUT.values()} == set(KeptOut.values) == set(WHY)
    assert {str(word): name for name, (word, _code) in door.KEPT_OUT.items()} == WHY


@pytest.mark.parametrize("why", WHY)
def test_a_vote_that_is_kept_out_is_left_out_and_counted_by_why(battles, why):
    make.preference(battles[0], person("ann"), value=1)
    make.preference(battles[1], person("bob"), value=-1, kept_out=why)
    make.grade(battles[2].first, person("cy"), score=3, kept_out=why)
    record = data.read(battles[0].question.benchmark)
    assert (len(record.votes), len(record.verdicts), len(record.sides), len(record.marks)) == (1, 1, 1, 0)
    assert record.excluded == {WHY[why]: 2} and record.n == 1


@pytest.mark.parametrize("why", WHY)
def test_the_reason_is_told_in_both_languages(why):
    told = words.REASONS[WHY[why]]
    with translation.override("en"):
        assert str(told) and str(told) != WHY[why]


def test_a_vote_set_aside_is_that_whatever_kept_it_out(battles):
    make.preference(battles[0], value=1, kept_out="gold", superseded_at=battles[0].question.benchmark.created_at)
    assert data.read(battles[0].question.benchmark).excluded == {"set aside": 1}


def test_what_a_demo_keeps_out_is_a_demo_on_a_real_board(battles):
    make.preference(battles[0], value=1, kept_out="gold", provenance="demo")
    assert data.read(battles[0].question.benchmark).excluded == {"demo": 1}


def test_a_vote_kept_out_later_leaves_the_counts_and_comes_back_when_it_is_let_in(battles):
    benchmark = battles[0].question.benchmark
    votes = [make.preference(battle, person(f"p{place}"), value=1) for place, battle in enumerate(battles)]
    assert counts_hold(benchmark) and PairCount.objects.get().n == 4
    changes = Leaderboard.objects.get().changes
    Preference.objects.filter(pk=votes[0].pk).update(kept_out="leak")
    assert not counting.is_caught_up(benchmark)
    assert counts_hold(benchmark) and counting.is_caught_up(benchmark) and PairCount.objects.get().n == 3
    assert Leaderboard.objects.get().changes == changes + 1
    Preference.objects.filter(pk=votes[0].pk).update(kept_out="")
    assert counts_hold(benchmark) and PairCount.objects.get().n == 4


def test_the_same_holds_for_grades(battles):
    benchmark = battles[0].question.benchmark
    grades = [
        make.grade(battle.first, value, score=4) for battle, value in zip(battles, [make.judge()] * 4, strict=True)
    ]
    assert counts_hold(benchmark) and ScoreCount.objects.get().n == 4
    Grade.objects.filter(pk=grades[1].pk).update(kept_out="adjudication")
    assert counts_hold(benchmark) and ScoreCount.objects.get().n == 3
    Grade.objects.filter(pk=grades[1].pk).update(kept_out="")
    assert counts_hold(benchmark) and ScoreCount.objects.get().n == 4


def test_one_order_that_is_kept_out_leaves_half_a_verdict(battles):
    benchmark = battles[0].question.benchmark
    run = make.run(benchmark, order="both")
    for swapped in (False, True):
        make.preference(battles[0], value=1, swapped=swapped, run=run)
    assert counts_hold(benchmark) and PairCount.objects.get(n=1)
    Preference.objects.filter(swapped=True).update(kept_out="leak")
    assert counts_hold(benchmark) and not PairCount.objects.filter(n__gt=0).exists()
    assert data.read(benchmark).excluded == {"one order only": 1, "names its maker": 1}


def test_a_snapshot_says_how_many_votes_were_kept_out(battles):
    make.preference(battles[0], person("ann"), value=1)
    make.preference(battles[1], person("bob"), value=1, kept_out="practice")
    snapshot = snapshots.take(battles[0].question.benchmark)
    assert (snapshot.n, snapshot.excluded) == (1, {"practice": 1})


def test_keeping_a_vote_out_makes_another_snapshot_without_a_word_of_wrong_counts(battles, caplog):
    benchmark = battles[0].question.benchmark
    votes = [make.preference(battle, person(f"p{place}"), value=1) for place, battle in enumerate(battles)]
    first = snapshots.take(benchmark)
    Preference.objects.filter(pk=votes[0].pk).update(kept_out="gold")
    second = snapshots.take(benchmark)
    assert (first.n, second.n) == (4, 3) and not caplog.records


def test_what_machines_tried_leaves_out_what_is_kept_out(battles):
    make.preference(battles[0], value=1)
    make.preference(battles[1], value=1, kept_out="leak")
    assert len(data.read(battles[0].question.benchmark).attempts) == 1


def test_progress_counts_the_votes_that_count(battles):
    run = make.run(battles[0].question.benchmark, status="open", limits={"overlap": 1})
    make.preference(battles[0], person("ann"), value=1, run=run)
    make.preference(battles[1], person("bob"), value=1, run=run, kept_out="practice")
    now = progress(run)
    assert (now.done, now.total) == (1, 4) and now.people.kept_out == {"practice": 1}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL chooses by its own figures")
@pytest.mark.parametrize(
    ("read", "index"), [("_preferences", "preferences_as_columns"), ("_grades", "grades_as_columns")]
)
def test_the_columns_are_read_from_an_index_that_covers_them(battles, monkeypatch, read, index):
    make.preference(battles[0])
    make.grade(battles[0].first)
    asked = []
    original = door.columns
    monkeypatch.setattr(
        door, "columns", lambda rows, **wanted: asked.append((rows, wanted)) or original(rows, **wanted)
    )
    getattr(door, read)(door._Shared(battles[0].question.benchmark))
    rows, wanted = asked[-1]
    named = {f"a_{name}": wish if hasattr(wish, "resolve_expression") else F(wish) for name, wish in wanted.items()}
    plan = rows.annotate(**named).order_by().values_list(*named)
    assert f"USING COVERING INDEX {index}" in plan.explain()
