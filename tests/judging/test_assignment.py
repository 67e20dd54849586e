"""Seats: whom an item is given to, in which order, and what a vote and its undoing leave on record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from arena.models import Answer, Battle
from judging import assignment, casting, flags
from judging.assignment import next_seat, pool, standing, undo
from judging.items import answers_of, battles_of
from judging.judges.base import OK, Verdict
from judging.models import Assignment, AuditEntry, Gold, Grade, Judge, Preference, Run, VotingItem
from judging.schedule import Member
from tests.judging import at_once, voting

pytestmark = pytest.mark.django_db
A_BETTER = Verdict(status=OK, value=1.0)


def vote(seat: Assignment, verdict: Verdict = A_BETTER):
    with transaction.atomic():
        return assignment.cast(assignment.open_seats().get(pk=seat.pk), verdict)


def vote_all(run: Run, judge: Judge) -> list[Assignment]:
    seats = []
    while seat := next_seat(run, judge):
        vote(seat)
        seats.append(seat)
    return seats


@pytest.mark.parametrize("quota", ["per_day", "per_person"])
@pytest.mark.parametrize("is_given", [True, False], ids=["with an item in hand", "with none"])
@pytest.mark.parametrize("gold_every", [0, 1])
def test_a_tab_that_votes_between_goes_over_no_quota(quota, is_given, gold_every):
    run = voting.open_run(voting={quota: 2, "gold_every": gold_every})
    ann, member = voting.judge(), Member.of(run, None)
    vote(next_seat(run, ann, member=member))
    for battle in Battle.objects.exclude(assignments__judge=ann)[:gold_every]:
        Gold.objects.create(run=run, battle=battle, lowest=1, highest=2)
    seats = run.assignments.filter(judge=ann, status="leased")
    if is_given:
        next_seat(run, ann, member=member)
    before = standing(run, ann, member=member)
    while (seat := next_seat(run, ann, member=member)) and not standing(run, ann, member=member).exhausts(member):
        vote(seat)
    assert standing(run, ann, member=member).exhausts(member) and bool(before.held) is is_given
    seats.delete()
    assert next_seat(run, ann, member=member, now=before) is None


def test_a_quota_that_nobody_is_near_costs_no_query():
    run = voting.open_run(questions=8)
    ann, counts = voting.judge(), []
    vote(next_seat(run, ann))  # which freezes what it used
    for per_day in (0, 9):
        Run.objects.update(voting={"per_day": per_day})
        run.refresh_from_db()
        member = Member.of(run, None)
        now = standing(run, ann, member=member)
        with CaptureQueriesContext(connection) as asked:
            vote(next_seat(run, ann, member=member, now=now))
        counts.append(len(asked))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("mode", ["pairwise", "baseline", "single"])
def test_the_pool_is_what_the_run_judges(mode):
    run = voting.open_run(models=3, mode=mode)
    failed = Answer.objects.filter(question__benchmark=run.benchmark, model=run.candidates.first()).last()
    Battle.objects.filter(Q(first=failed) | Q(second=failed)).delete()
    Answer.objects.filter(pk=failed.pk).update(error="gone", turns=[])
    wanted = answers_of(run) if mode == "single" else battles_of(run)
    assert {item.pk for item in pool(run)} == {item.pk for item in wanted}


def test_missing_battles_are_made_when_nothing_else_is_open():
    run = voting.open_run(models=3)
    Battle.objects.all().delete()
    assert next_seat(run, voting.judge()) is not None
    assert Battle.objects.count() == 4 * 3


def test_a_person_sees_every_item_once():
    run, ann = voting.open_run(models=3), voting.judge()
    seats = vote_all(run, ann)
    assert len({seat.battle_id for seat in seats}) == len(seats) == 12
    assert next_seat(run, ann) is None


def test_a_seat_is_kept_until_it_is_left():
    run, ann = voting.open_run(), voting.judge()
    first = next_seat(run, ann)
    Assignment.objects.filter(pk=first.pk).update(lease_until=timezone.now() + timedelta(seconds=5))
    again = next_seat(run, ann)
    assert (again.pk, again.swapped, again.token) == (first.pk, first.swapped, first.token)
    assert again.lease_until > timezone.now() + timedelta(minutes=9)


def test_no_item_is_given_to_more_people_than_the_overlap():
    run = voting.open_run(questions=3, limits={"overlap": 2})
    for name in ("ann", "bob", "cy"):
        vote_all(run, voting.judge(name))
    assert Counter(Assignment.objects.values_list("battle", flat=True)) == {
        battle.pk: 2 for battle in Battle.objects.all()
    }


def test_what_fewest_people_hold_comes_first():
    run, ann, bob = voting.open_run(), voting.judge("ann"), voting.judge("bob")
    seat = next_seat(run, ann)
    vote(seat)
    assert vote_all(run, bob)[-1].battle_id == seat.battle_id


def test_people_meet_the_items_in_different_orders_and_each_in_their_own():
    run = voting.open_run(questions=12, limits={"overlap": 100})
    orders = [[seat.battle_id for seat in vote_all(run, voting.judge(f"p{number}"))] for number in range(3)]
    assert len({tuple(order) for order in orders}) == 3


def test_categories_take_turns():
    run = voting.open_run(questions=9)
    seen = [seat.battle.question.category_id for seat in vote_all(run, voting.judge())]
    assert all(one != other for one, other in zip(seen[:6], seen[1:6], strict=False))


def test_sides_fall_both_ways():
    run = voting.open_run(questions=40)
    sides = Counter(seat.swapped for seat in vote_all(run, voting.judge()))
    assert min(sides[True], sides[False]) >= 5  # one in 10^5 of fair coins fails this


def test_a_seat_that_ran_out_goes_to_somebody_else_and_not_back():
    run, ann, bob = voting.open_run(questions=1, limits={"overlap": 1}), voting.judge("ann"), voting.judge("bob")
    late = next_seat(run, ann)
    assert next_seat(run, bob) is None
    Assignment.objects.filter(pk=late.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert next_seat(run, bob) is not None
    assert next_seat(run, ann) is None


def test_a_seat_that_ran_out_comes_back_while_nobody_has_it():
    run, ann = voting.open_run(questions=1, limits={"overlap": 1}), voting.judge("ann")
    late = next_seat(run, ann)
    Assignment.objects.filter(pk=late.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert next_seat(run, ann).pk == late.pk


def test_what_was_judged_in_another_run_is_not_asked_again():
    run, ann = voting.open_run(questions=2), voting.judge()
    vote_all(run, ann)
    again = Run.objects.create(name="again", benchmark=run.benchmark, mode="pairwise", rubric=run.rubric, status="open")
    again.candidates.set(run.candidates.all())
    assert next_seat(again, ann) is None


def test_two_runs_that_hold_one_battle_in_hand_both_record_it():
    run, ann = voting.open_run(questions=1), voting.judge()
    again = Run.objects.create(name="again", benchmark=run.benchmark, mode="pairwise", rubric=run.rubric, status="open")
    again.candidates.set(run.candidates.all())
    one, other = next_seat(run, ann), next_seat(again, ann)
    Assignment.objects.update(swapped=False)
    assert (vote(one).trial, vote(other).trial) == (0, 1)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("said", [1.0, -1.0, 0.0])
def test_swapping_the_sides_negates_the_value(swapped, said):
    run, ann = voting.open_run(questions=1), voting.judge()
    seat = next_seat(run, ann)
    Assignment.objects.filter(pk=seat.pk).update(swapped=swapped)
    preference = vote(seat, Verdict(status=OK, value=said))
    preference.refresh_from_db()
    assert preference.value == (-said if swapped else said)
    assert preference.value_shown == said
    assert preference.swapped is swapped


def test_a_vote_freezes_the_judge_the_rubric_and_the_benchmark():
    run, ann = voting.open_run(), voting.judge()
    vote(next_seat(run, ann))
    ann.refresh_from_db()
    run.rubric.refresh_from_db()
    run.benchmark.refresh_from_db()
    assert ann.frozen_at and run.rubric.frozen_at and run.benchmark.frozen_at


@pytest.mark.parametrize(("run_is", "vote_is"), [("demo", "demo"), ("real", "real"), ("imported", "real")])
def test_votes_in_a_demo_run_are_demo_votes(run_is, vote_is):
    run = voting.open_run(provenance=run_is)
    assert vote(next_seat(run, voting.judge())).provenance == vote_is


def test_undo_keeps_the_old_vote_on_record_and_the_sides():
    run, ann = voting.open_run(), voting.judge()
    seat = next_seat(run, ann)
    old = vote(seat)
    reopened = undo(run, ann)
    assert (reopened.pk, reopened.swapped, reopened.status) == (seat.pk, seat.swapped, "leased")
    assert next_seat(run, ann).pk == seat.pk
    new = vote(reopened, Verdict(status=OK, value=0.0, both_bad=True))
    old.refresh_from_db()
    assert old.superseded_at is not None
    assert list(Preference.objects.current()) == [new]
    assert Preference.objects.count() == 2


def test_skips_and_flags_are_undone_in_turn_with_votes():
    run, ann = voting.open_run(), voting.judge()
    left = []
    for leave in (
        vote,
        lambda seat: assignment.leave(seat, "skipped"),
        lambda seat: assignment.leave(seat, "flagged", reason="cut off"),
    ):
        left.append(next_seat(run, ann))
        leave(left[-1])
    assert [undo(run, ann).pk for _turn in left] == [seat.pk for seat in reversed(left)]
    assert undo(run, ann) is None
    assert Preference.objects.current().count() == 0


def test_twenty_can_be_undone_and_no_more():
    run, ann = voting.open_run(questions=25), voting.judge()
    for _turn in range(23):
        vote(next_seat(run, ann))
    next_seat(run, ann)
    reopened = [undo(run, ann) for _turn in range(21)]
    assert [seat is not None for seat in reopened] == [True] * 20 + [False]
    assert Preference.objects.current().count() == 3
    assert next_seat(run, ann).pk == reopened[19].pk


def lapsed(run: Run, judge: Judge, battle: Battle) -> None:
    """A seat of this person that ran out, on an item that somebody else has since."""
    Assignment.objects.create(run=run, judge=judge, battle=battle, lease_until=timezone.now() - timedelta(hours=1))
    VotingItem.objects.filter(run=run, battle=battle).update(held=1)


def test_what_ran_out_and_went_to_somebody_else_is_in_hand_no_longer():
    run, ann = voting.open_run(questions=3, limits={"overlap": 1}, voting={"per_person": 1}), voting.judge()
    lapsed(run, ann, Battle.objects.first())
    vote(next_seat(run, ann))
    now = standing(run, ann)
    assert (now.held, now.done, now.total) == (None, 1, 2)
    assert casting.nothing_because(run, assignment.member_of(run, ann.user), now) == "run"
    VotingItem.objects.update(held=0)
    assert standing(run, ann).held == next_seat(run, ann).pk


def test_seats_that_ran_out_do_not_use_up_what_can_be_undone():
    run, ann = voting.open_run(questions=24, limits={"overlap": 1}), voting.judge()
    vote(next_seat(run, ann))
    for battle in Battle.objects.exclude(assignments__judge=ann)[:22]:
        lapsed(run, ann, battle)
    assert undo(run, ann) is not None


@pytest.mark.parametrize(("status", "cause"), [("flagged", "answer"), ("skipped", "language")])
def test_what_is_undone_stays_in_the_log_and_no_flag_stays_open(status, cause):
    run, ann = voting.open_run(), voting.judge()
    seat = next_seat(run, ann)
    assignment.leave(seat, status, cause=cause, reason="cut off")
    Assignment.objects.update(settled_at=timezone.now())
    undo(run, ann)
    assert not flags.flagged(run).object_list
    seat.refresh_from_db()
    assert (seat.status, seat.cause, seat.reason, seat.settled_at) == ("leased", "", "", None)
    entry = AuditEntry.objects.get(act="vote_undone")
    said = {"seat": str(seat.token), "status": status, "cause": cause, "reason": "cut off"}
    assert (entry.actor, entry.run, entry.facts) == (ann.user, run, said)


def test_undo_of_something_undone_already_does_nothing():
    run, ann = voting.open_run(), voting.judge()
    vote(next_seat(run, ann))
    second = next_seat(run, ann)
    vote(second)
    assert undo(run, ann, last=second.token).pk == second.pk
    assert undo(run, ann, last=second.token) is None
    assert Preference.objects.current().count() == 1


def test_standing_counts_what_is_behind_and_what_is_open():
    run, ann = voting.open_run(questions=4), voting.judge()
    assert (standing(run, ann).done, standing(run, ann).total) == (0, 4)
    seat = next_seat(run, ann)
    vote(seat)
    Assignment.objects.filter(pk=seat.pk).update(closed_at=timezone.now() - timedelta(days=2))
    assignment.leave(next_seat(run, ann), "skipped")
    vote(next_seat(run, ann))
    now = standing(run, ann)
    assert (now.done, now.today, now.left, now.total) == (3, 1, 1, 4)


def test_a_person_is_one_judge_even_where_the_name_is_taken():
    Judge.objects.create(name="ann", kind="rule")
    user = voting.person("ann")
    one = assignment.judge_of(user)
    assert one == assignment.judge_of(user)
    assert (one.kind, one.name, one.version) == ("person", "ann", 2)


def test_single_answers_are_given_out_and_graded():
    run, ann = voting.open_run(questions=2, mode="single"), voting.judge()
    for _turn in range(4):
        vote(next_seat(run, ann), Verdict(status=OK, value=4.0, scores={"right": 4.0, "kind": 4.0}))
    assert next_seat(run, ann) is None
    assert Grade.objects.current().count() == 4
    undo(run, ann)
    assert Grade.objects.current().count() == 3


@pytest.mark.parametrize("questions", [2, 60])
def test_a_seat_costs_the_same_however_long_the_run(questions, django_assert_max_num_queries):
    run, ann = voting.open_run(questions=questions), voting.judge()
    with django_assert_max_num_queries(6):
        next_seat(run, ann)
    with django_assert_max_num_queries(1):
        standing(run, ann)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("practice", [False, True])
def test_tabs_that_are_reloaded_at_once_by_somebody_without_an_item_show_one(practice):
    """Six threads on the file that the tests have; `tests/services` does the same on PostgreSQL."""
    run, ann = voting.open_run(questions=10), voting.person("ann")
    run = at_once.with_practice(run) if practice else run
    assert at_once.seats_of_tabs(run, ann) == {"seats": 1, "shown": 1, "failed": 0}
    assert VotingItem.objects.filter(held=1).count() == int(not practice)


def test_a_crowd_voting_at_once_on_a_real_file_never_exceeds_the_overlap(tmp_path):
    """Eight threads, one SQLite file, each a person who votes until nothing is open; in a process of its own."""
    root = Path(__file__).resolve().parents[2]
    env = {**os.environ, "JURYROOM_DATA": str(tmp_path), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "arena.settings"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.judging.crowd"], cwd=root, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["errors"] == []
    assert said["seats"] == [3] * 10
    assert said["votes"] == 30
