"""The standing counts: whatever comes, is changed, taken back or deleted, they hold what the record says, and each vote once."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from arena.models import Battle, Benchmark
from judging.models import Grade, Preference, Rubric, Run
from rating import counting, data, snapshots
from rating.models import Leaderboard, PairCount, ScoreCount
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


def person(name: str):
    return make.judge(name, kind="person", user=make.person(name))


@pytest.fixture
def benchmark() -> Benchmark:
    benchmark = make.benchmark()
    for place, question in enumerate(make.answered(benchmark, "Ash", "Birch", "Cedar", questions=4)):
        question.category = make.category(("cooking", "sums")[place % 2])
        question.save()
    return benchmark


@pytest.fixture
def battles(benchmark) -> list[Battle]:
    pairs = []
    for question in benchmark.questions.all():
        answers = list(question.answers.order_by("-pk"))
        pairs += [(answers[0], answers[1]), (answers[0], answers[2]), (answers[1], answers[2])]
    return Battle.objects.pair(pairs)


def standing(benchmark: Benchmark) -> dict:
    """What the counts hold, without what came to nothing: {(category, judge, models …): sums}."""
    pairs = PairCount.objects.filter(benchmark=benchmark, n__gt=0)
    keys = ("category", "judge", "first", "second", "n", "ties", "share", "squares")
    found = {row[:4]: pytest.approx(row[4:]) for row in pairs.values_list(*keys)}
    scores = ScoreCount.objects.filter(benchmark=benchmark, n__gt=0)
    return found | {
        row[:3]: pytest.approx(row[3:])
        for row in scores.values_list("category", "judge", "model", "n", "total", "squares")
    }


def on_record(benchmark: Benchmark) -> dict:
    """The same from the record, vote by vote."""
    record = data.read(benchmark)
    found: dict = defaultdict(lambda: [0, 0, 0.0, 0.0])
    votes = record.votes
    for at in range(len(votes)):
        share = (min(max(votes.value[at], -1.0), 1.0) + 1) / 2
        first, second = int(votes.first[at]), int(votes.second[at])
        if first > second:
            first, second, share = second, first, 1 - share
        cell = found[int(votes.category[at]), 0 if votes.person[at] else int(votes.judge[at]), first, second]
        for place, part in enumerate((1, int(votes.value[at] == 0), share, share**2)):
            cell[place] += part
    marks = record.marks
    for at in range(len(marks)):
        key = int(marks.category[at]), 0 if marks.person[at] else int(marks.judge[at]), int(marks.model[at])
        cell = found.setdefault(key, [0, 0.0, 0.0])
        for place, part in enumerate((1, marks.score[at], marks.score[at] ** 2)):
            cell[place] += part
    return {key: tuple(cell) for key, cell in found.items()}


def test_votes_of_people_are_one_judge_and_machines_are_each_their_own(benchmark, battles):
    make.preference(battles[0], person("ann"), value=1)
    make.preference(battles[0], person("bob"), value=2)
    machine = make.preference(battles[0], value=0).judge
    assert counting.catch_up()
    rows = PairCount.objects.order_by("judge").values_list("judge", "n", "ties", "share", "squares")
    assert list(rows) == [(0, 2, 0, 2.0, 2.0), (machine.pk, 1, 1, 0.5, 0.25)]
    assert standing(benchmark) == on_record(benchmark)


def test_the_pair_is_counted_in_one_order_whichever_answer_is_older(benchmark):
    question = benchmark.questions.first()
    birch = question.answers.get(model__name="Birch")
    question.answers.filter(model__name="Ash").delete()
    ash = make.answer(question, make.model("Ash"))
    ash.save()
    battle = Battle.objects.pair([(ash, birch)])[0]
    assert battle.first == birch
    make.preference(battle, value=1)
    counting.catch_up()
    row = PairCount.objects.get()
    assert (row.first, row.second, row.share) == (ash.model_id, birch.model_id, 0.0)


def test_both_orders_of_a_machine_are_one_vote_also_when_they_come_apart(benchmark, battles):
    run = make.run(benchmark, order=Run.Order.BOTH)
    make.preference(battles[0], value=1, run=run)
    counting.catch_up()
    assert standing(benchmark) == {} == on_record(benchmark), "half a verdict is none"
    make.preference(battles[0], value=-1, swapped=True, run=run)
    counting.catch_up()
    assert standing(benchmark) == on_record(benchmark)
    assert PairCount.objects.get(n=1).ties == 1


def test_a_changed_vote_is_counted_once_and_one_taken_back_not_at_all(benchmark, battles):
    vote = make.preference(battles[0], person("ann"), value=1)
    counting.catch_up()
    Preference.objects.filter(pk=vote.pk).update(superseded_at=timezone.now())
    newer = make.preference(battles[0], vote.judge, value=-1)
    counting.catch_up()
    assert standing(benchmark) == on_record(benchmark) != {}
    Preference.objects.filter(pk=newer.pk).update(superseded_at=timezone.now())
    counting.catch_up()
    assert standing(benchmark) == {} == on_record(benchmark)


def test_a_vote_changed_before_it_was_counted_leaves_nothing_behind(benchmark, battles):
    make.preference(battles[0], person("ann"), value=1, superseded_at=timezone.now())
    make.preference(battles[0], person("bob"), value=1)
    counting.catch_up()
    assert PairCount.objects.get().n == 1 and standing(benchmark) == on_record(benchmark)


def test_deleted_judgments_are_no_longer_counted(benchmark, battles):
    for battle in battles[:3]:
        make.preference(battle, value=1)
        make.grade(battle.first, make.judge(f"g{battle.pk}"), score=7)
    counting.catch_up()
    battles[0].first.delete()
    assert not PairCount.objects.filter(n__lt=0).exists()
    counting.catch_up()
    assert standing(benchmark) == on_record(benchmark) != {}
    Preference.objects.all().delete()
    Grade.objects.all().delete()
    assert standing(benchmark) == {}


def test_deleting_a_question_with_all_that_was_said_of_it_costs_little_more_than_one_judgment(benchmark, battles):
    costs = []
    for question in list(benchmark.questions.all())[:2]:
        mine = [battle for battle in battles if battle.question_id == question.pk][: 1 + 2 * len(costs)]
        for battle in mine:
            for name in ("fair", "odd", "third")[: 1 + 2 * len(costs)]:
                make.preference(battle, make.judge(name))
        counting.catch_up()
        with CaptureQueriesContext(connection) as seen:
            question.delete()
        costs.append(len(seen))
    assert (
        standing(benchmark) == on_record(benchmark) and costs[1] <= costs[0] + 2 * 8
    )  # the savepoint-free look at each


def test_counts_that_a_changed_question_made_wrong_are_found_and_made_anew(benchmark, battles, caplog):
    for battle in battles:
        make.preference(battle, value=1)
    snapshots.take(benchmark)
    assert not caplog.records and standing(benchmark) == on_record(benchmark)
    question = benchmark.questions.first()
    question.category = make.category("riddles")
    question.save()
    snapshots.take(benchmark)
    assert "made anew" in caplog.text
    counting.catch_up()
    assert standing(benchmark) == on_record(benchmark)
    caplog.clear()
    snapshots.take(benchmark)
    assert not caplog.records


def test_grades_under_a_rarer_rubric_are_no_sign_of_wrong_counts(benchmark, battles, caplog):
    for battle in battles:
        make.grade(battle.first, make.judge(f"g{battle.pk}"), score=8)
    make.grade(battles[0].first, make.judge("other"), rubric=make.rubric("out of a hundred"), score=80)
    snapshots.take(benchmark)
    assert not caplog.records


def test_failures_and_dry_runs_are_seen_and_come_to_nothing(benchmark, battles):
    make.preference(battles[0], status="refused", error="no")
    make.preference(battles[1], provenance="dry_run")
    make.grade(battles[0].first, status="parse_error", error="?")
    counting.catch_up()
    assert standing(benchmark) == {} and Leaderboard.objects.get().changes == 3
    assert counting.catch_up() and Leaderboard.objects.get().changes == 3


@pytest.mark.parametrize("seed", range(6))
def test_after_any_story_the_counts_hold_what_the_record_says(benchmark, battles, seed):
    chance = random.Random(seed)
    people = [person(name) for name in ("ann", "bob", "cho")]
    machines = [make.judge("fair"), make.judge("odd")]
    runs = [make.run(benchmark, order=order) for order in (Run.Order.BOTH, Run.Order.RANDOM)]
    for _ in range(60):
        battle, act = chance.choice(battles), chance.random()
        if act < 0.35:
            judge = chance.choice(people)
            Preference.objects.current().filter(battle=battle, judge=judge).update(superseded_at=timezone.now())
            make.preference(battle, judge, value=chance.choice((-2, -1, 0, 1, 2)), swapped=chance.random() < 0.5)
        elif act < 0.7:
            where = {"battle": battle, "judge": chance.choice(machines), "swapped": chance.random() < 0.5}
            Preference.objects.current().filter(**where).update(superseded_at=timezone.now())
            value = chance.choice((-1, 0, 1, 0.25))
            make.preference(where.pop("battle"), where.pop("judge"), value=value, run=chance.choice(runs), **where)
        elif act < 0.85:
            judge, answer = chance.choice(machines), battle.first
            Grade.objects.current().filter(answer=answer, judge=judge).update(superseded_at=timezone.now())
            make.grade(answer, judge, score=chance.randint(1, 10))
        elif act < 0.95:
            counting.catch_up()
        else:
            Preference.objects.current().filter(battle=battle).update(superseded_at=timezone.now())
    counting.catch_up()
    assert standing(benchmark) == on_record(benchmark)
    assert not Preference.objects.new().exists() and not Preference.objects.gone().exists()


def test_a_vote_costs_the_same_queries_whatever_is_on_record(benchmark, battles):
    costs = []
    for size in (1, 10):
        for battle in battles[:size]:
            make.preference(battle, make.judge(f"judge {size} {battle.pk}"))
        counting.catch_up()
        make.preference(battles[0], make.judge(f"last {size}"))
        with CaptureQueriesContext(connection) as seen:
            counting.catch_up()
        costs.append(len(seen))
    assert costs[0] == costs[1] <= 20


def test_what_is_too_much_for_one_go_is_said_and_done_in_the_next(benchmark, battles, monkeypatch):
    monkeypatch.setattr(counting, "AT_ONCE", 2)
    for battle in battles[:5]:
        make.preference(battle, value=1)
    assert counting.catch_up(at_most=2) is False
    assert counting.catch_up(at_most=2) is True
    assert standing(benchmark) == on_record(benchmark)


def test_other_benchmarks_have_counts_of_their_own(benchmark, battles):
    other = make.benchmark("cellar", provenance="demo")
    make.preference(make.battle(make.answered(other)[0]), provenance="demo")
    make.preference(make.battle(other.questions.first()), make.judge("real one"))
    make.preference(battles[0])
    counting.catch_up()
    assert {row.benchmark_id: row.n for row in PairCount.objects.all()} == {benchmark.pk: 1, other.pk: 1}


def test_a_vote_that_comes_while_a_snapshot_is_read_is_no_sign_of_wrong_counts(benchmark, battles, monkeypatch, caplog):
    for battle in battles[:5]:
        make.preference(battle, value=1)
    original = data.read

    def interrupted(of, **how):
        make.preference(battles[5], make.judge("late"))
        return original(of, **how)

    monkeypatch.setattr(snapshots.data, "read", interrupted)
    assert snapshots.take(benchmark).n == 6
    assert not caplog.records and PairCount.objects.filter(n__gt=0).exists()


def test_half_a_verdict_under_a_newer_rubric_leaves_the_older_votes_standing(benchmark, battles, caplog):
    """A run under version 2 has begun: one order has come, so there is no verdict under it yet."""
    old, new = (Rubric.objects.create(name="terse", version=version) for version in (1, 2))
    run = make.run(benchmark, order=Run.Order.BOTH)
    for battle in battles[:6]:
        make.preference(battle, person("ann") if battle is battles[0] else make.judge("p"), value=1, rubric=old)
    make.preference(battles[0], make.judge("fair"), value=1, rubric=new, run=run)
    for _ in range(2):
        assert snapshots.take(benchmark).n == 6
        assert counting.catch_up() and standing(benchmark) == on_record(benchmark)
    assert not caplog.records
    make.preference(battles[0], make.judge("fair"), value=1, swapped=True, rubric=new, run=run)
    assert snapshots.take(benchmark).n == 1 and not caplog.records


def test_a_judgment_deleted_before_it_was_counted_never_is(benchmark, battles):
    make.preference(battles[0], value=1).delete()
    counting.catch_up()
    assert standing(benchmark) == {} == on_record(benchmark)


def test_a_step_that_another_has_done_already_does_not_end_the_work(benchmark, battles, monkeypatch):
    monkeypatch.setattr(counting, "AT_ONCE", 2)
    for battle in battles[:6]:
        make.preference(battle, value=1)
    stale = counting._due(counting.PAIRS)
    seen = iter([stale])
    original = counting._due
    counting.catch_up(at_most=1)
    monkeypatch.setattr(counting, "_due", lambda kind: next(seen, None) or original(kind))
    assert counting.catch_up() and standing(benchmark) == on_record(benchmark)
