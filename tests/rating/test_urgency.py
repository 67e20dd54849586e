"""What people are asked next once everything is covered: where judges are apart, people are split, or little is known."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from judging.assignment import cast, next_seat, open_seats, prepare
from judging.judges.base import Verdict
from judging.models import Assignment, Judge, Preference, Run, VotingItem
from rating import snapshots, tasks, urgency
from tests.judging import recorded as make
from tests.judging.voting import judge, open_run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_seen():
    cache.clear()


def voted(run: Run, by: Judge) -> Assignment:
    """The seat that this person is given next, once they have voted from it."""
    seat = open_seats().get(pk=next_seat(run, by).pk)
    cast(seat, Verdict("ok", value=1.0))
    return seat


def apart(item: VotingItem) -> None:
    """Two machine judges decide against each other on the item."""
    for name, value in (("owl", 1), ("crow", -1)):
        make.preference(item.battle, make.judge(name), value=value)


def test_where_judges_are_apart_a_further_vote_tells_most():
    run = open_run()
    contested, *others = VotingItem.objects.filter(run=run)
    apart(contested)
    for item in others:
        for name in ("owl", "crow"):
            make.preference(item.battle, make.judge(name), value=1)
    urgency.weigh(run)
    told = dict(VotingItem.objects.filter(run=run).values_list("pk", "urgency"))
    assert told.pop(contested.pk) == 2.0 and set(told.values()) == {1.0}, "no interval is known yet"


def test_after_coverage_the_contested_item_is_given_first_and_not_before():
    run = open_run(questions=6, limits={"overlap": 2})
    contested = VotingItem.objects.filter(run=run).order_by("-place").first()
    apart(contested)
    first, second = judge("ann"), judge("bob")
    urgency.weigh(run)
    seats = []
    for _ in range(6):
        seats.append(voted(run, first))
    assert {seat.battle_id for seat in seats} == set(VotingItem.objects.values_list("battle", flat=True))
    assert next_seat(run, second).battle_id == contested.battle_id


def test_coverage_comes_before_what_is_urgent():
    run = open_run(questions=3, limits={"overlap": 2})
    contested = VotingItem.objects.filter(run=run).first()
    apart(contested)
    urgency.weigh(run)
    seats = [next_seat(run, judge(name)) for name in ("ann", "bob", "cy")]
    assert seats[0].battle_id == contested.battle_id and len({seat.battle_id for seat in seats}) == 3


def test_items_that_people_are_split_on_and_pairs_with_wide_intervals_are_more_urgent():
    run = open_run(questions=12, models=3)
    one, two, _three = run.candidates.order_by("pk")
    items = list(VotingItem.objects.filter(run=run).select_related("battle"))
    for place, item in enumerate(items):
        pair = {item.battle.first_model_id, item.battle.second_model_id}
        if pair == {one.pk, two.pk}:
            for number in range(6):
                make.preference(item.battle, make.judge(f"j{number}"), value=1 if (place + number) % 3 else -1)
        elif place % 4 == 0:
            make.preference(item.battle, make.judge("j0"), value=1 if place % 8 else -1)
    snapshots.take(run.benchmark)
    Preference.objects.all().delete()
    split = items[0]
    VotingItem.objects.filter(pk=split.pk).update(is_split=True)
    urgency.weigh(run)
    known = [item.pk for item in items if {item.battle.first_model_id, item.battle.second_model_id} == {one.pk, two.pk}]
    told = dict(VotingItem.objects.filter(run=run).values_list("pk", "urgency"))
    narrow = {told[pk] for pk in known if pk != split.pk}
    wide = {value for pk, value in told.items() if pk not in known and pk != split.pk}
    assert max(narrow) <= max(wide) and all(0 < value <= 1 for value in narrow | wide)
    plain = next(
        item
        for item in items[1:]
        if item.battle.first_model_id == split.battle.first_model_id
        and item.battle.second_model_id == split.battle.second_model_id
        and item.category_id == split.category_id
    )
    assert told[split.pk] == pytest.approx(told[plain.pk] + 0.5)


def test_marks_of_machines_that_lie_apart_make_an_answer_urgent():
    run = open_run(mode="single")
    contested, other, *_ = VotingItem.objects.filter(run=run)
    for name, score in (("owl", 1), ("crow", 5)):
        make.grade(contested.answer, make.judge(name), score=score, rubric=run.rubric)
        make.grade(other.answer, make.judge(name), score=4, rubric=run.rubric)
    urgency.weigh(run)
    contested.refresh_from_db()
    other.refresh_from_db()
    assert (contested.urgency, other.urgency) == (1.0, 0.0)


def test_what_does_not_count_makes_nothing_urgent():
    run = open_run()
    item = VotingItem.objects.filter(run=run).first()
    apart(item)
    Preference.objects.update(kept_out="leak")
    urgency.weigh(run)
    item.refresh_from_db()
    assert item.urgency == 1.0


def test_weighing_writes_the_urgency_alone():
    run = open_run()
    voted(run, judge())
    fields = [field.name for field in VotingItem._meta.fields if field.name != "urgency"]
    before = list(VotingItem.objects.order_by("pk").values(*fields))
    assert urgency.weigh(run) == len(before) and urgency.weigh(run) == 0
    assert list(VotingItem.objects.order_by("pk").values(*fields)) == before


def test_the_queries_do_not_grow_with_the_items_of_a_chunk():
    counts = []
    for questions in (2, 40):
        run = open_run(questions=questions) if questions == 2 else _more(Run.objects.get(), questions)
        with CaptureQueriesContext(connection) as seen:
            urgency.weigh(run)
        counts.append(len(seen))
    assert counts[1] <= counts[0] + 1, "another chunk is looked for; bulk updates are one"


def _more(run: Run, questions: int) -> Run:
    models = list(run.candidates.all())
    for number in range(questions):
        question = make.question(run.benchmark, f"more {number}")
        for model in models:
            make.answer(question, model).save()
    prepare(run)
    VotingItem.objects.update(urgency=0.0)
    return run


def test_the_clock_looks_at_most_once_a_minute_and_only_where_something_came(monkeypatch):
    run = open_run()
    weighed = []
    monkeypatch.setattr(urgency, "weigh", lambda run: weighed.append(run.pk))
    tasks.refresh()
    tasks.refresh()
    assert weighed == [run.pk], "not twice in a minute"
    cache.delete(f"urgency-looked-{run.pk}")
    tasks.refresh()
    assert weighed == [run.pk], "nothing came"
    cache.delete(f"urgency-looked-{run.pk}")
    voted(run, judge())
    tasks.refresh()
    assert weighed == [run.pk] * 2


@pytest.mark.parametrize("fields", [{"status": "done"}, {"voting": {"urgent": False}}])
def test_runs_that_are_closed_or_do_not_ask_for_it_are_left_alone(fields):
    run = open_run()
    Run.objects.filter(pk=run.pk).update(**fields)
    tasks.refresh()
    assert set(VotingItem.objects.values_list("urgency", flat=True)) == {0.0}
    assert not Assignment.objects.exists()
