"""Comments: bound to one's own seat, hidden from other annotators until the item closes."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from judging import assignment, comments
from judging.models import Assignment, AuditEntry, Comment, VotingItem
from tests.judging import voting

pytestmark = pytest.mark.django_db


@pytest.fixture
def said():
    """A comment by ann on the item of her seat: its run, battle and author."""
    run, ann = voting.open_run(), voting.person("ann")
    seat = assignment.next_seat(run, assignment.judge_of(ann))
    client = Client()
    client.force_login(ann)
    client.post(reverse("comment", args=[seat.token]), {"text": " which year is meant? "})
    return run, seat.battle, ann


def texts(user, battle) -> list[str]:
    return [one.text for one in comments.visible_to(user, battle)]


def test_the_author_reads_it_and_other_annotators_do_not(said):
    run, battle, ann = said
    assert texts(ann, battle) == ["which year is meant?"]
    assert texts(voting.person("bob"), battle) == []
    assert "which year" not in Client().get(reverse("battle", args=[battle.pk])).text


@pytest.mark.parametrize("role", ["lead", "adjudicator"])
def test_leads_and_adjudicators_read_all(said, role):
    assert texts(voting.person("x", role=role), said[1]) == ["which year is meant?"]


def test_it_is_open_to_others_once_as_many_voted_as_were_wanted(said):
    run, battle, _ann = said
    VotingItem.objects.filter(run=run, battle=battle).update(done=3)
    assert texts(voting.person("bob"), battle) == ["which year is meant?"]


def test_it_is_open_to_others_once_the_run_is_over(said):
    run, battle, _ann = said
    type(run).objects.filter(pk=run.pk).update(status="done")
    assert texts(voting.person("bob"), battle) == ["which year is meant?"]


def test_nobody_comments_from_the_seat_of_another(said):
    seat = Assignment.objects.get()
    client = Client()
    client.force_login(voting.person("bob"))
    assert client.post(reverse("comment", args=[seat.token]), {"text": "mine"}).status_code == 404
    assert Comment.objects.count() == 1


def test_whoever_may_vote_no_longer_comments_no_longer(said):
    _run, battle, ann = said
    ann.groups.clear()
    client = Client()
    client.force_login(ann)
    seat = Assignment.objects.get()
    assert client.post(reverse("comment", args=[seat.token]), {"text": "and which month?"}).status_code == 403
    assert texts(ann, battle) == ["which year is meant?"]


def test_an_empty_comment_is_none(said):
    run, battle, ann = said
    assert comments.say(run, battle, ann, "  ") is None


@pytest.mark.parametrize("headers", [{}, {"HTTP_HX_REQUEST": "true"}])
def test_the_same_words_sent_twice_are_one_comment(said, headers):
    _run, _battle, ann = said
    client, seat = Client(), Assignment.objects.get()
    client.force_login(ann)
    for text in ("which year is meant?", "which year is meant? ", "and which calendar?"):
        client.post(reverse("comment", args=[seat.token]), {"text": text}, **headers)
    assert list(Comment.objects.values_list("text", flat=True)) == ["which year is meant?", "and which calendar?"]
    assert AuditEntry.objects.filter(act="comment_made").count() == 2


def test_a_comment_after_the_session_ended_leads_to_the_sign_in_page(said):
    run, _battle, _ann = said
    token, here = Assignment.objects.get().token, f"http://testserver{reverse('ballot', args=[run.pk])}"
    headers = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": here}
    answer = Client().post(reverse("comment", args=[token]), {"text": "late"}, **headers)
    assert answer.headers["HX-Redirect"] == f"{reverse('login')}?next={reverse('ballot', args=[run.pk])}"
    assert answer.text == "" and Comment.objects.count() == 1


def test_the_address_of_comments_leads_to_the_ballot(said):
    run, _battle, ann = said
    client = Client()
    client.force_login(ann)
    answer = client.get(reverse("comment", args=[Assignment.objects.get().token]))
    assert answer.url == reverse("ballot", args=[run.pk])
