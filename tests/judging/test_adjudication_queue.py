"""What people are split on: the queue, the blind page, decisions beside the votes, taken back; who may."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from judging import adjudication, assignment
from judging.judges.base import OK, Verdict
from judging.models import Assignment, AuditEntry, Grade, Membership, Preference, VotingItem
from judging.models.assignment import LEASE
from tests.judging import voting

pytestmark = pytest.mark.django_db


def vote(run, judge, *values: float, note: str = "") -> None:
    """Votes of this person on the first items of the run, in the order of their ids; each towards the first answer."""
    field = "answer" if run.is_single else "battle"
    for item, value in zip(assignment.pool(run).order_by("pk"), values, strict=False):
        seat = Assignment.objects.create(run=run, judge=judge, lease_until=run.created_at, holds=True, **{field: item})
        VotingItem.objects.filter(run=run, **{field: item}).update(held=1)
        with transaction.atomic():
            assignment.cast(assignment.open_seats().get(pk=seat.pk), Verdict(status=OK, value=value), note=note)


def split_run(**fields):
    """A run in whose first two items two people are against each other, and agree on the third."""
    run = voting.open_run(**fields)
    vote(run, voting.judge("one"), 1, 1, 1, note="the first is kinder")
    vote(run, voting.judge("two"), -1, -1, 1)
    return run


def page_of(user, run) -> tuple[Client, str]:
    client = Client()
    client.force_login(user)
    return client, reverse("adjudicate", args=[run.pk])


@pytest.fixture
def run():
    return split_run()


@pytest.fixture
def judith():
    return voting.person("judith", role="adjudicator")


def decide(client, address, **data):
    seat = Assignment.objects.get(purpose="adjudication", status="leased", judge__user=client.session["_auth_user_id"])
    told = {"seat": seat.token, "choice": "a", "note": "It has the date right.", **data}
    return client.post(address, told)


def test_only_split_items_are_queued_and_the_most_contested_first(run):
    first, second, _third, _fourth = assignment.pool(run).order_by("pk")
    vote(run, voting.judge("three"), 1)
    assert adjudication.queue(run, voting.judge("judge")) == [second.pk, first.pk]


def test_an_item_that_was_voted_on_taken_out_or_is_in_other_hands_is_not_queued(run):
    first, second, *_ = assignment.pool(run).order_by("pk")
    assert set(adjudication.queue(run, voting.judge("x"))) == {first.pk, second.pk}
    voter = Assignment.objects.filter(run=run).first().judge
    assert adjudication.queue(run, voter) == []
    held = adjudication.next_case(run, voting.judge("other"))
    assert adjudication.queue(run, voting.judge("y")) == [({first.pk, second.pk} - {held.battle_id}).pop()]
    VotingItem.objects.filter(run=run).update(is_out=True)
    assert adjudication.queue(run, voting.judge("z")) == []


def test_a_decision_stands_beside_the_votes_and_counts_in_no_rating(run, judith):
    client, address = page_of(judith, run)
    before = list(Preference.objects.counting().values_list("pk", flat=True))
    client.get(address)
    assert decide(client, address, reasons=["wrong_fact"]).status_code == 302
    made = Preference.objects.get(kept_out="adjudication")
    assert (made.value_shown, made.note, made.reasons) == (1, "It has the date right.", ["wrong_fact"])
    assert (made.judge.user, made.details["saw_votes"]) == (judith, False)
    assert list(Preference.objects.counting().values_list("pk", flat=True)) == before
    assert adjudication.adjudicated(run) == {made.battle_id: made}
    client.get(address)
    decide(client, address)
    assert "data-empty" in client.get(address).text
    assert len(adjudication.adjudicated(run)) == 2


def test_a_decision_without_a_reason_is_refused_and_keeps_the_item(run, judith):
    client, address = page_of(judith, run)
    client.get(address)
    answer = decide(client, address, note=" ")
    assert answer.status_code == 422
    assert "Say why" in answer.text
    assert not adjudication.adjudicated(run)


def test_the_page_names_no_model_and_shows_no_vote_until_it_is_asked_to(run, judith):
    client, address = page_of(judith, run)
    page = client.get(address).text
    for hidden in ("Zephyrion", "Quorlabs", "Blatherskite", "the first is kinder", "person 1"):
        assert hidden not in page
    page = client.get(address + "?votes=1").text
    assert "the first is kinder" in page
    assert "person 2" in page
    assert "Zephyrion" not in page
    assert "one" not in [cell.strip() for cell in page.replace("<", ">").split(">")]


def test_whoever_looked_at_the_votes_is_remembered_though_the_post_says_nothing(run, judith):
    client, address = page_of(judith, run)
    client.get(address + "?votes=1")
    client.get(address)
    decide(client, address)
    assert Preference.objects.get(kept_out="adjudication").details["saw_votes"] is True
    assert AuditEntry.objects.filter(act="votes_shown", actor=judith).count() == 1


def test_a_decision_is_taken_back_and_the_item_comes_again_on_its_sides(run, judith):
    client, address = page_of(judith, run)
    client.get(address)
    seat = Assignment.objects.get(purpose="adjudication")
    decide(client, address)
    client.post(reverse("adjudicate_undo", args=[run.pk]))
    assert not adjudication.adjudicated(run)
    assert Preference.objects.filter(kept_out="adjudication", superseded_at__isnull=False).count() == 1
    again = adjudication.next_case(run, assignment.judge_of(judith))
    assert (again.token, again.swapped) == (seat.token, seat.swapped)
    decide(client, address, choice="b")
    assert len(adjudication.adjudicated(run)) == 1


def test_what_is_passed_on_goes_to_another_adjudicator(run, judith):
    client, address = page_of(judith, run)
    client.get(address)
    seat = Assignment.objects.get(purpose="adjudication")
    client.post(reverse("adjudicate_pass", args=[run.pk]), {"seat": seat.token})
    judge = assignment.judge_of(judith)
    assert seat.battle_id not in adjudication.queue(run, judge)
    assert seat.battle_id in adjudication.queue(run, voting.judge("another"))


def test_an_item_that_somebody_else_decided_meanwhile_is_given_up(run, judith):
    client, address = page_of(judith, run)
    client.get(address)
    mine = Assignment.objects.get(purpose="adjudication")
    Assignment.objects.filter(pk=mine.pk).update(lease_until=run.created_at)
    other = voting.judge("other")
    seat = adjudication.next_case(run, other)
    while seat.battle_id != mine.battle_id:
        assignment.leave(seat, "skipped")
        seat = adjudication.next_case(run, other)
    with transaction.atomic():
        verdict = Verdict(status=OK, value=1.0)
        adjudication.decide(seat, [(0, verdict)], why="so", reasons=[], saw_votes=False)
    client.post(address, {"seat": mine.token, "choice": "b", "note": "too late"})
    assert [one.judge for one in adjudication.adjudicated(run).values()] == [other]


def test_marks_far_apart_are_decided_by_marks():
    run = voting.open_run(mode="single", dimensions=[])
    items = list(assignment.pool(run).order_by("pk"))
    low, high = voting.judge("low"), voting.judge("high")
    for judge, mark in ((low, 1.0), (high, 5.0)):
        seat = Assignment.objects.create(run=run, judge=judge, answer=items[-1], lease_until=run.created_at)
        with transaction.atomic():
            assignment.cast(assignment.open_seats().get(pk=seat.pk), Verdict(status=OK, value=mark))
    client, address = page_of(voting.person("judith", role="adjudicator"), run)
    client.get(address)
    seat = Assignment.objects.get(purpose="adjudication")
    client.post(address, {"seat": seat.token, "mark-overall": "4", "note": "nearly all of it"})
    assert Grade.objects.get(kept_out="adjudication").score == 4


@pytest.mark.parametrize(
    ("role", "status"), [("adjudicator", 200), ("lead", 200), ("admin", 200), ("annotator", 403), ("viewer", 403)]
)
def test_the_role_decides_who_may(run, role, status):
    client, address = page_of(voting.person("p", role=role), run)
    assert client.get(address).status_code == status


def test_a_member_adjudicates_in_this_run_and_no_other(run):
    user = voting.person("mem", role="")
    Membership.objects.create(run=run, user=user, role="adjudicator")
    client, address = page_of(user, run)
    assert client.get(address).status_code == 200
    other = type(run).objects.create(
        name="x", benchmark=run.benchmark, rubric=run.rubric, mode="pairwise", status="open"
    )
    assert client.get(reverse("adjudicate", args=[other.pk])).status_code == 403


@pytest.mark.parametrize("role", ["adjudicator", "lead"])
def test_a_beat_holds_an_adjudicators_item_until_the_role_is_taken(run, role):
    user = voting.person("judith", role=role)
    client, address = page_of(user, run)
    client.get(address)
    run.status = "done"  # adjudicators go on when votes have ended
    run.save()
    beat = reverse("beat", args=[Assignment.objects.get(judge__user=user).token])
    assert client.post(beat).json() == {"held": True}
    user.groups.clear()
    assert client.post(beat).json() == {"held": False}


def seat_of(judge, battle, run) -> Assignment:
    """This adjudicator's seat on this item, whoever else has one."""
    told = {"purpose": "adjudication", "lease_until": timezone.now() + LEASE}
    seat = Assignment.objects.create(run=run, judge=judge, battle=battle, **told)
    return assignment.open_seats().get(pk=seat.pk)


def test_the_second_of_two_decisions_on_one_item_is_told_and_not_recorded(run, judith):
    client, address = page_of(judith, run)
    client.get(address)
    mine = Assignment.objects.get(purpose="adjudication")
    Assignment.objects.filter(pk=mine.pk).update(lease_until=run.created_at)
    other = voting.judge("other")
    first = adjudication.decide(
        seat_of(other, mine.battle, run), [(0, Verdict(status=OK, value=1.0))], why="so", reasons=[], saw_votes=False
    )
    page = client.post(address, {"seat": mine.token, "choice": "b", "note": "too late"}, follow=True).text
    assert "Somebody else has decided this item meanwhile" in page and "Decided." not in page
    assert Preference.objects.filter(kept_out="adjudication").get() == first


def test_one_seat_is_decided_once_whoever_holds_an_older_copy_of_it(run):
    judge = voting.judge("judge")
    adjudication.next_case(run, judge)
    one, other = (assignment.open_seats().get(purpose="adjudication") for _tab in range(2))
    told = {"why": "so", "reasons": [], "saw_votes": False}
    made = adjudication.decide(one, [(0, Verdict(status=OK, value=1.0))], **told)
    with pytest.raises(adjudication.TooLate):
        adjudication.decide(other, [(0, Verdict(status=OK, value=-1.0))], **told)
    with pytest.raises(adjudication.TooLate):
        adjudication.pass_on(other)
    assert Preference.objects.filter(kept_out="adjudication").get() == made
    assert Assignment.objects.get(pk=one.pk).status == "done"


def test_an_item_that_went_to_another_adjudicator_while_one_was_away_is_given_up(run):
    away, here = voting.judge("away"), voting.judge("here")
    first = adjudication.next_case(run, away)
    Assignment.objects.filter(pk=first.pk).update(lease_until=run.created_at)
    seat_of(here, first.battle, run)
    again = adjudication.next_case(run, away)
    assert again is None or again.battle_id != first.battle_id


def test_undo_does_not_say_undone_where_the_decision_of_another_stands(run, judith):
    client, address = page_of(judith, run)
    client.get(address)
    seat = Assignment.objects.get(purpose="adjudication")
    client.post(reverse("adjudicate_pass", args=[run.pk]), {"seat": seat.token})
    other = voting.judge("other")
    held = seat_of(other, seat.battle, run)
    page = client.post(reverse("adjudicate_undo", args=[run.pk]), follow=True).text
    assert "Somebody else is at the item that you passed on last" in page and "Undone" not in page
    adjudication.decide(held, [(0, Verdict(status=OK, value=1.0))], why="so", reasons=[], saw_votes=False)
    page = client.post(reverse("adjudicate_undo", args=[run.pk]), follow=True).text
    assert "was decided by somebody else since" in page and "Undone" not in page
    assert Assignment.objects.get(pk=seat.pk).status == "skipped" and not AuditEntry.objects.filter(
        act="adjudication_undone"
    )


def test_showing_the_votes_keeps_what_was_typed_and_ticked_and_decides_nothing(run, judith):
    client, address = page_of(judith, run)
    page = client.get(address).text
    assert 'name="show"' in page and "the first is kinder" not in page
    post = {"seat": Assignment.objects.get(purpose="adjudication").token, "note": "half a reason", "reasons": ["style"]}
    page = client.post(address, {**post, "show": "votes"}).text
    assert "the first is kinder" in page and ">half a reason</textarea>" in page
    assert 'value="style" checked' in page
    assert not Preference.objects.filter(kept_out="adjudication").exists()
    assert AuditEntry.objects.filter(act="votes_shown").count() == 1


def test_turns_are_headed_and_a_person_has_one_number_in_all_of_them(judith):
    run = voting.open_run(questions=1, turns=2)
    run.turns = "each"
    run.save()
    for name, sign in (("one", 1), ("two", -1)):
        seat = Assignment.objects.create(
            run=run, judge=voting.judge(name), battle=assignment.pool(run).get(), lease_until=run.created_at, holds=True
        )
        VotingItem.objects.update(held=1)
        told = [(turn, Verdict(status=OK, value=float(sign))) for turn in (1, 2)]
        with transaction.atomic():
            assignment.cast(assignment.open_seats().get(pk=seat.pk), told)
    client, address = page_of(judith, run)
    page = client.get(address + "?votes=1").text
    assert page.count('<h2 class="ballot__part">') == 2 and ">Turn 2</h2>" in page
    seat = assignment.open_seats().get(purpose="adjudication")
    assert [(case.turn, case.who) for case in adjudication.cases(seat)] == [
        (1, "person 1"), (1, "person 2"), (2, "person 1"), (2, "person 2"),
    ]  # fmt: skip


def test_many_adjudicators_at_once_hold_an_item_each_and_one_decision_stands(tmp_path):
    environment = {
        **os.environ, "JURYROOM_DATA": str(tmp_path), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "arena.settings",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.judging.many_adjudicators"],
        cwd=Path(__file__).resolve().parents[2], env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "held": 6, "items": 6, "told": ["decided", "late"], "stand": 1,
    }  # fmt: skip
