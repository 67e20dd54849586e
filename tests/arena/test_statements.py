"""Statements that are put together once: they hold what the same query set holds, whatever goes into their slots."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Count, DateTimeField, Exists, F, FloatField, OuterRef, UUIDField
from django.utils import timezone

from arena.statements import Slot, Statement
from judging.assignment import next_seat
from judging.models import Assignment, VotingItem
from tests.judging import voting


@pytest.fixture
def seats(db):
    """A seat each of three people, in one run."""
    run = voting.open_run()
    return [next_seat(run, voting.judge(name)) for name in ("ann", "bob", "cyd")]


def test_rows_are_those_of_the_query_set_with_related_rows_and_annotations(seats, django_assert_num_queries):
    of_a_judge = Statement(
        lambda: (
            Assignment.objects.filter(judge=Slot("judge"))
            .select_related("battle__question__category", "judge")
            .annotate(open=Exists(VotingItem.objects.filter(battle=OuterRef("battle"), held__gt=Slot("held"))))
        )
    )
    for seat in seats:
        assert of_a_judge.rows(judge=seat.judge_id, held=0) == [seat]
        found = of_a_judge.first(judge=seat.judge_id, held=9)
        assert found.open is False and of_a_judge.first(judge=seat.judge_id, held=0).open is True
        with django_assert_num_queries(0):
            assert found.battle.question.category.key and found.judge == seat.judge
            assert (found.token, found.lease_until) == (seat.token, seat.lease_until)
    assert of_a_judge.first(judge=0, held=0) is None and of_a_judge.rows(judge=0, held=0) == []


def test_a_field_says_how_a_value_is_written(seats):
    """A token and a moment are text in SQLite."""
    by_token = Statement(lambda: Assignment.objects.filter(token=Slot("token", UUIDField())).values("pk"))
    assert [by_token.first(token=seat.token) for seat in seats] == [{"pk": seat.pk} for seat in seats]
    assert by_token.first(token=uuid4()) is None
    until = Slot("until", DateTimeField())
    later = Statement(lambda: Assignment.objects.filter(lease_until__gte=until).values_list("token", flat=True))
    assert set(later.rows(until=timezone.now())) == {seat.token for seat in seats}
    assert later.rows(until=timezone.now() + timedelta(days=1)) == []


def test_counts_and_sums_hold_slots(seats):
    counted = Statement(
        lambda: (
            Assignment.objects.filter(run=Slot("run"))
            .values("run")
            .annotate(n=Count("pk"), far=F("run") * Slot("times", FloatField()))
            .order_by()
        )
    )
    run = seats[0].run_id
    assert counted.first(run=run, times=0.5) == {"run": run, "n": 3, "far": run * 0.5}
    assert counted.first(run=run, times=2.0)["far"] == run * 2.0


def test_it_is_put_together_once_and_leaves_other_query_sets_alone(seats):
    built = []

    def build():
        built.append(1)
        return Assignment.objects.filter(judge=Slot("judge")).order_by("pk")

    statement = Statement(build)
    for seat in seats:
        assert statement.first(judge=seat.judge_id) == seat
    assert built == [1]
    sql, places = statement.sql(judge=seats[1].judge_id)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM ({sql}) found", places)
        assert cursor.fetchone() == (1,)
    assert Assignment.objects.filter(judge=seats[0].judge).count() == 1


def test_a_slot_without_a_value_is_an_error(seats):
    with pytest.raises(KeyError, match="judge"):
        Statement(lambda: Assignment.objects.filter(judge=Slot("judge"))).rows(run=1)


@pytest.mark.django_db(transaction=True)
def test_threads_ask_on_connections_of_their_own():
    run = voting.open_run()
    seats = {name: next_seat(run, voting.judge(name)) for name in ("ann", "bob", "cyd")}
    statement = Statement(lambda: Assignment.objects.filter(judge__user__username=Slot("name")))
    found: dict[str, list[Assignment]] = {}
    begins = threading.Barrier(3)

    def ask(name: str) -> None:
        try:
            begins.wait(30)
            found[name] = [statement.first(name=name) for _ in range(20)]
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=[name]) for name in seats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {name: [seat] * 20 for name, seat in seats.items()}
