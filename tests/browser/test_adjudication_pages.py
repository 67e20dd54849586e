"""Adjudication, flags and the log in a real Chromium: accessible, whole on a phone, decided by keyboard."""

from __future__ import annotations

import pytest
from django.urls import reverse

from judging import adjudication, assignment
from judging.models import AuditEntry, Preference, Run, VotingItem
from tests.browser.visiting import LOOKS
from tests.judging import voting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SETTLED = 330  # milliseconds after which an item may be decided on


def split_run() -> Run:
    """A run with an item that two people are against each other on; as rows, for this thread has Playwright's loop."""
    run = voting.open_run()
    battle = assignment.pool(run).order_by("pk").first()
    for name, value in (("one", 1.0), ("two", -1.0)):
        said = {"battle": battle, "rubric": run.rubric, "run": run, "status": "ok", "value": value}
        Preference.objects.create(judge=voting.judge(name), note=f"{name} says so", reasons=["style"], **said)
    VotingItem.objects.filter(run=run, battle=battle).update(is_split=True, held=2, done=2)
    return run


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_the_pages_are_accessible_and_fit(visit, theme, language):
    run, lead = split_run(), voting.person("lea", role="lead")
    seat = assignment.next_seat(run, voting.judge("flagger"))
    assignment.leave(seat, "flagged", cause="answer", reason="cut off")
    AuditEntry.note("run_opened", actor=lead, run=run, name=run.name)
    addresses = [reverse(name, args=[run.pk]) for name in ("adjudicate", "flags", "audit")]
    assert visit(lead, theme=theme, language=language).faults(*addresses, addresses[0] + "?votes=1") == []


def test_an_item_is_decided_by_keyboard(signed_in):
    run, judith = split_run(), voting.person("judith", role="adjudicator")
    signed_in.sign_in(judith)
    signed_in.go(reverse("adjudicate", args=[run.pk]))
    signed_in.wait_for_function("() => document.documentElement.dataset.keys")
    signed_in.locator("#why").fill("The date is right in this one.")
    signed_in.keyboard.press("Tab")
    signed_in.wait_for_timeout(SETTLED)
    with signed_in.expect_navigation():
        signed_in.keyboard.press("2")
    made = Preference.objects.get(kept_out="adjudication")
    assert (made.value_shown, made.note) == (-1, "The date is right in this one.")
    assert len(adjudication.adjudicated(run)) == 1


def test_a_look_at_the_votes_loses_nothing_that_was_typed_and_enter_alone_never_looks(signed_in):
    run, judith = split_run(), voting.person("judith", role="adjudicator")
    signed_in.sign_in(judith)
    signed_in.go(reverse("adjudicate", args=[run.pk]))
    signed_in.locator("#why").fill("Half a reason.")
    chip = signed_in.locator("[name=reasons]").first
    signed_in.locator(".chip").first.click()
    chip.press("Enter")
    assert not AuditEntry.objects.filter(act="votes_shown").exists()
    assert not Preference.objects.filter(kept_out="adjudication").exists()
    with signed_in.expect_navigation():
        signed_in.get_by_role("button", name="Show the votes").click()
    assert "two says so" in signed_in.locator("main").inner_text()
    assert signed_in.locator("#why").input_value() == "Half a reason." and chip.is_checked()
    assert AuditEntry.objects.filter(act="votes_shown").count() == 1
