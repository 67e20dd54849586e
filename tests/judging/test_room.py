"""What Undo brings back to somebody: nothing that goes over a quota of theirs, or over how many people an item is for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from judging import assignment
from judging.assignment import NoRoom, next_seat, undo
from judging.judges.base import OK, Verdict
from judging.models import Assignment, AuditEntry, Preference, Run, VotingItem
from tests.judging import voting

pytestmark = pytest.mark.django_db
QUOTAS = [{"per_day": 2}, {"per_person": 2}, {"per_language": {"en": 2}}]


def vote(seat: Assignment) -> Assignment:
    with transaction.atomic():
        assignment.cast(assignment.open_seats().get(pk=seat.pk), Verdict(status=OK, value=1.0))
    return seat


def skip(seat: Assignment, status: str = "skipped") -> Assignment:
    assignment.leave(seat, status)
    return seat


def refused(run: Run, judge, **facts) -> NoRoom:
    before = list(Assignment.objects.values()), list(VotingItem.objects.values())
    with pytest.raises(NoRoom) as full:
        undo(run, judge, **facts)
    assert before == (list(Assignment.objects.values()), list(VotingItem.objects.values()))
    assert not AuditEntry.objects.filter(act="vote_undone", facts__status__in=["skipped", "flagged"]).exists()
    return full.value


@pytest.mark.parametrize("quota", QUOTAS, ids=str)
@pytest.mark.parametrize("status", ["skipped", "flagged"])
def test_what_was_left_without_a_vote_does_not_come_back_over_a_quota(quota, status):
    run, ann = voting.open_run(questions=6, voting=quota), voting.judge()
    first, left, last = vote(next_seat(run, ann)), skip(next_seat(run, ann), status), vote(next_seat(run, ann))
    assert undo(run, ann).pk == last.pk
    full = refused(run, ann)
    assert (full.why, full.before) == ("quota", first.token)
    assert refused(run, ann, last=left.token).before == first.token
    assert undo(run, ann, last=first.token).pk == first.pk
    assert refused(run, ann).before is None
    while seat := next_seat(run, ann):
        vote(seat)
    assert Preference.objects.current().count() == 2


@pytest.mark.parametrize("quota", [{"per_day": 3}, {"per_person": 3}, {"per_language": {"en": 3, "zh": 1}}], ids=str)
def test_what_was_left_without_a_vote_comes_back_where_a_quota_has_room(quota):
    run, ann = voting.open_run(questions=6, voting=quota), voting.judge()
    vote(next_seat(run, ann))
    left = skip(next_seat(run, ann))
    next_seat(run, ann)
    assert undo(run, ann).pk == left.pk
    while seat := next_seat(run, ann):
        vote(seat)
    assert Preference.objects.count() == 3


def test_a_vote_of_yesterday_is_not_taken_back_where_today_has_no_room_for_it():
    run, ann = voting.open_run(voting={"per_day": 1}), voting.judge()
    vote(next_seat(run, ann))
    Assignment.objects.update(closed_at=timezone.now() - timedelta(days=1))
    today = vote(next_seat(run, ann))
    assert undo(run, ann).pk == today.pk
    assert refused(run, ann).why == "quota" and Preference.objects.current().count() == 1


def test_a_check_that_was_skipped_comes_back_over_a_quota_it_does_not_count_for():
    run, ann = voting.open_run(voting={"per_person": 1}), voting.judge()
    check = next_seat(run, ann)
    skip(check)
    Assignment.objects.update(purpose="gold")
    vote(next_seat(run, ann))
    undo(run, ann)
    assert undo(run, ann).pk == check.pk


@pytest.mark.parametrize("status", ["skipped", "flagged"])
@pytest.mark.parametrize("meanwhile", ["filled", "taken out"])
def test_an_item_that_enough_others_have_by_now_does_not_come_back(status, meanwhile):
    run, ann = voting.open_run(questions=1, limits={"overlap": 1}), voting.judge()
    skip(next_seat(run, ann), status)
    if meanwhile == "filled":
        next_seat(run, voting.judge("bob"))
    else:
        VotingItem.objects.update(is_out=True)
    full = refused(run, ann)
    assert (full.why, full.before) == ("item", None)


def test_a_vote_on_an_item_that_enough_people_have_is_taken_back():
    run, ann = voting.open_run(questions=1, limits={"overlap": 1}), voting.judge()
    seat = vote(next_seat(run, ann))
    assert undo(run, ann).pk == seat.pk and VotingItem.objects.get().held == 1


def test_an_older_seat_is_not_reopened_where_one_with_room_was_left_since():
    run, ann = voting.open_run(), voting.judge()
    first = vote(next_seat(run, ann))
    skip(next_seat(run, ann))
    assert undo(run, ann, last=first.token) is None
