"""Runs of verdicts that were given elsewhere: nobody is asked in them, and nothing of them is set aside."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from judging.models import AuditEntry, Gold, Invitation, Preference, Run
from rating.worth import Worth
from tests.arena.loading_files import load, write
from tests.judging import recorded as make
from tests.rating.api_client import Program
from tests.rating.test_pages_boards import words

pytestmark = pytest.mark.django_db
BATTLE = {
    "question_id": "q1",
    "model_a": "ash",
    "model_b": "fir",
    "winner": "model_b",
    "turn": 1,
    **{
        f"conversation_{side}": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": text}]
        for side, text in (("a", "So."), ("b", "Because."))
    },
}
ANNOTATION = {
    "instruction": "Why?",
    "output_1": "So.",
    "output_2": "Because.",
    "generator_1": "ash",
    "generator_2": "fir",
    "annotator": "oak",
    "preference": None,
}


@pytest.fixture
def lead(client):
    client.force_login(make.person("lea", "lead"))
    return client


def of_people(folder, *names: str) -> Run:
    load("arena", write(folder / f"{names[0]}.json", *({**BATTLE, "judge": name} for name in names)), benchmark="b")
    return Run.objects.get()


def of_a_machine(folder) -> Run:
    folder.joinpath("annotations.json").write_text(json.dumps([ANNOTATION]), encoding="utf-8")
    load("alpaca_eval", folder / "annotations.json", benchmark="b")
    return Run.objects.get()


def test_nobody_is_asked_to_vote_in_a_run_of_imported_people(lead, tmp_path):
    run = of_people(tmp_path, "arena_user_1")
    page = words(lead.get(reverse("run", args=[run.pk])))
    assert "Open for votes" not in page and "Who may vote" not in page and "Gold items" not in page
    assert "Took" not in page and "Votes on each item 1" in page
    for name in ("run_open", "run_voting"):
        answer = lead.post(reverse(name, args=[run.pk]), follow=True)
        assert (
            "The verdicts of this run were made elsewhere: nobody is asked in it. Duplicate it to ask here."
            in words(answer)
        )
    run.refresh_from_db()
    assert run.status == "done" and run.limits == {"overlap": 1}


def test_what_failed_elsewhere_stays_on_record_and_is_not_asked_for(lead, tmp_path):
    run = of_a_machine(tmp_path)
    page = words(lead.get(reverse("run", args=[run.pk])))
    assert "the file has no preference" in page
    assert "Retry" not in page and "Run again" not in page and "Read replies again" not in page
    for name in ("run_retry", "run_start"):
        assert "made elsewhere" in words(lead.post(reverse(name, args=[run.pk]), follow=True))
    refused = Program(User.objects.get(username="lea")).post(f"runs/{run.pk}/start")
    run.refresh_from_db()
    assert run.status == "done" and Preference.objects.get().superseded_at is None
    assert (refused.status_code, refused.json()["word"]) == (409, "no_machine") and "made elsewhere" in refused.text


ACTS = [
    "run_open", "run_voting", "run_start", "run_retry", "run_pause", "run_cancel", "run_close", "gold", "gold_import", "gold_remove",
    "people", "person", "password_link", "invitation_revoke", "adjudicate", "adjudicate_pass", "adjudicate_undo", "flags",
]  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
def test_pages_and_acts_of_those_who_are_asked_say_that_nobody_is(lead, tmp_path, name):
    run = of_people(tmp_path, "arena_user_1")
    more = {"gold_remove": 1, "person": 1, "password_link": 1, "invitation_revoke": 1}
    address = reverse(name, args=[run.pk, more[name]] if name in more else [run.pk])
    for answer in (lead.get(address, follow=True), lead.post(address, {"role": "annotator", "days": 3}, follow=True)):
        if answer.status_code != 405:  # an address that only acts
            assert answer.redirect_chain == [(reverse("run", args=[run.pk]), 302)]
            assert "made elsewhere: nobody is asked in it" in words(answer)
    assert not (Gold.objects.exists() or Invitation.objects.exists() or AuditEntry.objects.exists())


@pytest.mark.parametrize("made", [of_people, of_a_machine])
def test_an_invitation_that_an_earlier_version_made_can_be_taken_back_and_nothing_else_be_done(lead, tmp_path, made):
    run = made(tmp_path, "arena_user_1") if made is of_people else made(tmp_path)
    page, address = reverse("run", args=[run.pk]), reverse("people", args=[run.pk])
    assert address not in lead.get(page).text
    invitation, token = Invitation.issue(run, role="annotator", created_by=None, note="for Nova")
    assert address in lead.get(page).text
    text = words(lead.get(address))
    assert (
        "for Nova" in text and "Take back" in text and "Make a link" not in text and "Nobody has taken part" not in text
    )
    for name, more in (("people", []), ("person", [1]), ("password_link", [1])):
        refused = lead.post(reverse(name, args=[run.pk, *more]), {"role": "annotator", "days": 3}, follow=True)
        assert "made elsewhere: nobody is asked in it" in words(refused)
    assert not AuditEntry.objects.exists() and Invitation.objects.count() == 1
    done = lead.post(reverse("invitation_revoke", args=[run.pk, invitation.pk]), follow=True)
    assert (
        "its link lets nobody in" in words(done)
        and reverse("invitation_revoke", args=[run.pk, invitation.pk]) not in done.text
    )
    assert AuditEntry.objects.get().act == "invitation_revoked"
    assert lead.get(reverse("join", args=[token])).status_code == 410


def test_pages_about_what_was_judged_stay_as_they_are(lead, tmp_path):
    run = of_people(tmp_path, "arena_user_1")
    assert {
        lead.get(reverse(name, args=[run.pk])).status_code for name in ("leaks", "audit", "annotators", "run_recipe")
    } == {200}


def test_who_is_not_signed_in_or_may_not_decide_is_told_that_first(client, tmp_path):
    address = reverse("adjudicate", args=[of_people(tmp_path, "arena_user_1").pk])
    assert "login" in client.get(address).url or "sign" in client.get(address).url
    client.force_login(make.person("ann", "annotator"))
    assert client.get(address).status_code == 403


def test_votes_on_each_item_follow_what_later_files_bring(tmp_path):
    assert of_people(tmp_path, "arena_user_1").limits == {"overlap": 1}
    assert of_people(tmp_path, "arena_user_2", "arena_user_3").limits == {"overlap": 3}


def test_a_run_that_was_made_twice_takes_what_comes_and_breaks_nothing(tmp_path):
    run = of_people(tmp_path, "arena_user_1")
    Run.objects.create(
        **{
            field: getattr(run, field)
            for field in ("name", "benchmark", "rubric", "mode", "order", "turns", "provenance")
        }
    )
    load("arena", write(tmp_path / "more.json", {**BATTLE, "judge": "arena_user_2"}), benchmark="b")
    assert set(Preference.objects.values_list("run", flat=True)) == {run.pk}


def test_the_share_of_kept_replies_is_none_where_nobody_was_asked():
    spent = {"judgments": 3, "verdicts": 3, "asked": 0, "cached": 0}
    told = [
        Worth.cached.fget(type("Row", (), {"spent": {**spent, **more}})) for more in ({}, {"asked": 4}, {"cached": 3})
    ]
    assert told == [None, 0.0, 1.0]
