"""Flags: listed by item for leads, settled either way, taken back, each on record."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from judging import assignment, flags
from judging.models import Assignment, AuditEntry, Gold, VotingItem
from tests.judging import voting

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    """A run whose only item two people flagged."""
    run = voting.open_run(questions=1)
    for name in ("ann", "bob"):
        seat = assignment.next_seat(run, voting.judge(name))
        assignment.leave(seat, "flagged", cause="answer", reason=f"{name} says cut off")
    return run


@pytest.fixture
def client():
    client = Client()
    client.force_login(voting.person("lea", role="lead"))
    return client


def settle(client, run, act: str):
    item = VotingItem.objects.get(run=run)
    return client.post(reverse("flags", args=[run.pk]), {"item": item.battle_id, "act": act})


def test_a_lead_reads_who_flagged_an_item_and_why_in_one_row(client, run):
    (one,) = flags.flagged(run)
    assert len(one.flags) == 2
    page = client.get(reverse("flags", args=[run.pk])).text
    assert "ann says cut off" in page
    assert "bob says cut off" in page


def test_an_item_that_stays_is_given_out_and_its_flags_are_settled(client, run):
    settle(client, run, "keep")
    assert not Assignment.objects.filter(status="flagged", settled_at=None).exists()
    assert assignment.next_seat(run, voting.judge("new"))
    assert AuditEntry.objects.filter(act="flag_settled", run=run).count() == 1


def test_an_item_that_is_taken_out_is_given_to_nobody_until_that_is_taken_back(client, run):
    settle(client, run, "out")
    assert assignment.next_seat(run, voting.judge("new")) is None
    settle(client, run, "reopen")
    assert Assignment.objects.filter(status="flagged", settled_at=None).count() == 2
    assert assignment.next_seat(run, voting.judge("newer"))
    assert set(AuditEntry.objects.values_list("act", flat=True)) >= {"item_taken_out", "flag_reopened"}


def test_a_gold_item_stays_out_of_ordinary_votes_whatever_becomes_of_its_flags(client, run):
    Gold.objects.create(run=run, battle_id=VotingItem.objects.get(run=run).battle_id, lowest=1, highest=2)
    settle(client, run, "keep")
    settle(client, run, "reopen")
    assert VotingItem.objects.get(run=run).is_out


def test_nobody_but_a_lead_sees_or_settles_flags(run):
    client = Client()
    client.force_login(voting.person("cy"))
    assert client.get(reverse("flags", args=[run.pk])).status_code == 403
    assert settle(client, run, "out").status_code == 403
    assert not VotingItem.objects.get(run=run).is_out


def test_flags_are_paged_by_item_what_is_open_first_and_the_count_says_all(client, monkeypatch):
    monkeypatch.setattr(flags, "PAGE", 2)
    run = voting.open_run(questions=5)
    items = list(assignment.pool(run).order_by("pk"))
    for number, battle in enumerate(items):
        seat = {"run": run, "battle": battle, "lease_until": run.created_at, "status": "flagged", "cause": "answer"}
        Assignment.objects.create(judge=voting.judge(f"flagger {number}"), closed_at=run.created_at, **seat)
    for battle in items[1:]:
        flags.settle(run, battle.pk, out=False, by=None)
    first = flags.flagged(run)
    assert [one.item for one in first][0] == items[0].pk and len(first) == 2
    assert (first.paginator.count, first.paginator.num_pages, flags.open_items(run)) == (5, 3, 1)
    page = client.get(reverse("flags", args=[run.pk])).text
    assert "5 items are flagged: 1 is not settled." in page and "Page 1 of 3" in page
    seen = [one.item for number in (1, 2, 3) for one in flags.flagged(run, page=number)]
    assert sorted(seen) == [one.pk for one in items]
    answer = client.post(reverse("flags", args=[run.pk]) + "?page=3", {"item": items[0].pk, "act": "keep"})
    assert answer.url.endswith("?page=3") and flags.open_items(run) == 0


def test_an_item_that_is_out_stays_on_the_page_when_its_flag_is_taken_back(client):
    run, ann = voting.open_run(questions=1), voting.judge("ann")
    seat = assignment.next_seat(run, ann)
    assignment.leave(seat, "flagged", cause="answer", reason="cut off")
    assignment.undo(run, ann)
    flags.settle(run, seat.battle_id, out=True, by=None)
    (item,) = flags.flagged(run)
    assert (item.item, item.is_out, item.flags) == (seat.battle_id, True, [])
    assert "taken out" in client.get(reverse("flags", args=[run.pk])).text
    flags.reopen(run, item.item, by=None)
    assert not list(flags.flagged(run))
