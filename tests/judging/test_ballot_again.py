"""A ballot shown again with what was filled in: after Undo, a refusal, or a sign-in, also without scripts."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from judging import filled
from judging.models import Assignment, Comment, Grade, KeptOut, Membership, Preference, Rubric, Run
from judging.people import VOTES_A_MINUTE, guest_may_vote
from tests.judging import voting
from tests.judging.test_ballots import POINTS, single_with
from tests.judging.voting import seat_in_hand

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
SAID = "X-Juryroom-Said"


@pytest.fixture
def ann():
    return voting.person("ann")


@pytest.fixture
def client(ann):
    client = Client()
    client.force_login(ann)
    return client


def address(run: Run) -> str:
    return reverse("ballot", args=[run.pk])


def opened(client, run: Run, ann) -> Assignment:
    client.get(address(run))
    return seat_in_hand(run, ann)


def act(client, what: str, seat: Assignment, *, htmx: bool = True, **post):
    return client.post(reverse(what, args=[seat.token]), post, **(HTMX if htmx else {}))


def undone(client, run: Run) -> list[str]:
    """What the page says after Undo: at once, and where it is asked for again."""
    return [client.post(reverse("undo", args=[run.pk]), **HTMX).text, client.get(address(run)).text]


def checked(page: str) -> dict[str, str]:
    """The radio buttons that are pressed, by the name of their row."""
    return dict(re.findall(r'type="radio" name="([^"]+)" value="([^"]+)"[^>]* checked', page)) | {"side": ""}


def area(page: str, name: str) -> str:
    return re.search(rf'<textarea[^>]* name="{name}"[^>]*>([^<]*)</textarea>', page)[1]


# Undo


@pytest.mark.parametrize("swapped", [False, True])
def test_undo_shows_what_was_chosen_of_each_dimension(client, ann, swapped):
    run = voting.open_run(voting={"ballot": "dimensions"})
    seat = opened(client, run, ann)
    Assignment.objects.filter(pk=seat.pk).update(swapped=swapped)
    chosen = {"choice-right": "b", "choice-kind": "tie", "choice-overall": "bad"}
    act(client, "cast", seat, **chosen, note="half right", reasons=["style"])
    for page in undone(client, run):
        assert checked(page) == chosen | {"side": ""}
        assert area(page, "note") == "half right"
        assert 'value="style" checked' in page


def test_undo_shows_what_was_chosen_on_each_turn(client, ann):
    run = voting.open_run(turns=2, voting={"ballot": "five"})
    Run.objects.update(turns="each")
    chosen = {"choice-1-overall": "b2", "choice-2-overall": "a"}
    act(client, "cast", opened(client, run, ann), **chosen)
    assert all(checked(page) == chosen | {"side": ""} for page in undone(client, run))


def test_undo_shows_the_marks_of_each_turn(client, ann):
    run = voting.open_run(turns=2, mode="single")
    Run.objects.update(turns="each")
    marks = {"mark-1-right": "2", "mark-1-kind": "5", "mark-2-right": "1", "mark-2-kind": "3"}
    act(client, "cast", opened(client, run, ann), **marks)
    assert all(checked(page) == marks | {"side": ""} for page in undone(client, run))


@pytest.mark.parametrize("mark", ["87.5", "40"])
def test_undo_shows_a_mark_that_was_typed(client, ann, mark):
    run = single_with(dimensions=[], highest=100)
    act(client, "cast", opened(client, run, ann), **{"mark-overall": mark})
    assert all(f'name="mark-overall" value="{mark}"' in page for page in undone(client, run))


def test_undo_shows_the_passages_and_the_points(client, ann):
    run = single_with(points=POINTS, dimensions=[], lowest=1, highest=10)
    quoted = "made of basalt\nof green cheese"
    act(client, "cast", opened(client, run, ann), **{"points-invented": quoted, "points-extra": "2"})
    assert Grade.objects.count() == 1
    for page in undone(client, run):
        assert area(page, "points-invented") == quoted
        assert 'name="points-extra" value="2"' in page


def test_undo_shows_the_vote_before_and_not_an_older_one(client, ann):
    run = voting.open_run(voting={"ballot": "dimensions"})
    seat = opened(client, run, ann)
    for word in ("a", "tie"):
        act(client, "cast", seat, **{"choice-right": word, "choice-kind": word, "choice-overall": word}, note=word)
        page = undone(client, run)[1]
    assert set(checked(page).values()) == {"tie", ""}
    assert area(page, "note") == "tie"


def test_the_note_of_a_pair_comes_back_with_it_and_the_next_pair_has_none(client, ann):
    run = voting.open_run()
    assert area(act(client, "cast", opened(client, run, ann), choice="a", note="A is right").text, "note") == ""
    assert [area(page, "note") for page in undone(client, run)] == ["A is right"] * 2


def test_a_hidden_repeat_does_not_show_what_was_said_at_first(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    act(client, "cast", seat, choice="a", note="first time")
    undone(client, run)
    seat.purpose = Assignment.Purpose.REPEAT
    assert not filled.taken_back(seat).fields
    Preference.objects.update(kept_out=KeptOut.REPEAT)
    assert filled.taken_back(seat).fields["note"] == "first time"


# what the page is told


def test_the_page_is_told_in_a_word_what_became_of_a_vote(client, ann):
    run = voting.open_run(voting={"note": "required"})
    seat = opened(client, run, ann)
    told = [act(client, "cast", seat, choice="a").headers[SAID]]
    told.append(act(client, "cast", seat, choice="a", note="so", rubric="4711").headers[SAID])
    told.append(act(client, "cast", seat, choice="a", note="so").headers[SAID])
    told.append(act(client, "cast", seat, choice="b", note="so").headers[SAID])
    told.append(client.post(reverse("undo", args=[run.pk]), **HTMX).headers[SAID])
    told.append(act(client, "skip", seat).headers[SAID])
    seat = seat_in_hand(run, ann)
    told.append(act(client, "flag", seat, reason="cut off").headers[SAID])
    Run.objects.update(status="done")
    told.append(act(client, "cast", seat, choice="a").headers[SAID])
    assert told == ["unreadable", "rubric", "recorded", "already", "shown", "skipped", "flagged", "closed"]


# without scripts


def guest_who_must_wait(run: Run) -> Client:
    guest, client = voting.person("guest", role=""), Client()
    Membership.objects.create(run=run, user=guest, is_guest=True)
    client.force_login(guest)
    client.get(address(run))
    assert all(guest_may_vote(guest) for _vote in range(VOTES_A_MINUTE))
    return client


def test_a_guest_who_must_wait_keeps_what_was_filled_in(ann):
    run = voting.open_run(mode="single", voting={"open_to": "guests"})
    client = guest_who_must_wait(run)
    seat = Assignment.objects.get(status="leased")
    marks = {"mark-right": "2", "mark-kind": "4"}
    page = act(client, "cast", seat, htmx=False, **marks, note="slowly", reasons=["unsafe"])
    assert page.status_code == 429
    assert "wait a little" in page.text
    assert checked(page.text) == marks | {"side": ""}
    assert (area(page.text, "note"), 'value="unsafe" checked' in page.text) == ("slowly", True)
    assert f'data-token="{seat.token}"' in page.text


def test_changed_guidelines_keep_what_was_filled_in_and_the_next_press_counts(client, ann):
    run = voting.open_run(mode="single")
    seat = opened(client, run, ann)
    before = run.rubric_id
    newer = Rubric.objects.create(name="plain", version=9, dimensions=voting.DIMENSIONS, lowest=1, highest=5)
    Run.objects.update(rubric=newer)
    marks = {"mark-right": "2", "mark-kind": "4"}
    page = act(client, "cast", seat, htmx=False, **marks, rubric=before)
    assert page.status_code == 409
    assert "guidelines changed" in page.text
    assert checked(page.text) == marks | {"side": ""}
    assert f'name="rubric" value="{newer.pk}"' in page.text
    assert act(client, "cast", seat, htmx=False, **marks, rubric=newer.pk).status_code == 302
    assert Grade.objects.get().rubric == newer


def test_a_skip_and_a_flag_that_are_refused_keep_their_words(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    Run.objects.update(voting={"note": "on_flag"})
    assert '<option value="leak" selected' in act(client, "flag", seat, htmx=False, cause="leak").text
    Run.objects.update(rubric=Rubric.objects.create(name="plain", version=9))
    page = act(client, "skip", seat, htmx=False, cause="language", reason="no Latin", rubric=run.rubric_id).text
    assert '<option value="language" selected' in page
    assert 'value="no Latin"' in page


@pytest.mark.parametrize("what", ["skip", "flag"])
def test_what_was_filled_in_beside_a_skip_or_flag_that_is_refused_is_kept(client, ann, what):
    run = voting.open_run(mode="single", voting={"note": "on_flag"})
    seat = opened(client, run, ann)
    marks = {"mark-right": "2", "mark-kind": "4"}
    why = {"skip-cause": "language", "skip-reason": "no Latin", "flag-cause": "leak", "flag-reason": ""}
    before = run.rubric_id
    Run.objects.update(rubric=Rubric.objects.create(name="plain", version=9, dimensions=voting.DIMENSIONS, highest=5))
    page = act(client, what, seat, htmx=False, rubric=before, note="slowly", reasons=["unsafe"], **marks, **why)
    assert page.status_code == 409
    for _time in range(2):
        assert checked(page.text) == marks | {"side": ""}
        assert (area(page.text, "note"), 'value="unsafe" checked' in page.text) == ("slowly", True)
        assert '<option value="language" selected' in page.text and '<option value="leak" selected' in page.text
        assert area(page.text, "skip-reason") == "no Latin"
        page = act(client, "flag", seat, htmx=False, note="slowly", reasons=["unsafe"], **marks, **why)
        assert page.status_code == 422
    assert act(client, "skip", seat, htmx=False, **marks, **why).status_code == 302
    seat.refresh_from_db()
    assert (seat.status, seat.cause, seat.reason) == ("skipped", "language", "no Latin")


def test_points_and_passages_beside_a_flag_that_is_refused_are_kept(client, ann):
    run = single_with(points=POINTS, dimensions=[], lowest=1, highest=10)
    Run.objects.update(voting={"note": "on_flag"})
    seat = opened(client, run, ann)
    fields = {"points-invented": "made of basalt", "points-extra": "2", "flag-cause": "leak", "flag-reason": " "}
    page = act(client, "flag", seat, htmx=False, **fields)
    assert page.status_code == 422
    assert area(page.text, "points-invented") == "made of basalt"
    assert 'name="points-extra" value="2"' in page.text


def test_a_flag_without_scripts_says_what_its_own_fields_say(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    why = {"skip-cause": "unsure", "skip-reason": "", "flag-cause": "leak", "flag-reason": "says\r\nBirch"}
    assert act(client, "flag", seat, htmx=False, note="", **why).status_code == 302
    seat.refresh_from_db()
    assert (seat.status, seat.cause, seat.reason) == ("flagged", "leak", "says\r\nBirch")


@pytest.mark.parametrize("words", ["which law is meant?", " "])
def test_what_was_filled_in_beside_a_comment_without_scripts_is_kept(client, ann, words):
    run = voting.open_run(mode="single")
    seat = opened(client, run, ann)
    marks = {"mark-right": "2", "mark-kind": "4"}
    beside = {"note": "slowly", "reasons": ["unsafe"], "flag-cause": "leak", "skip-reason": "no Latin"}
    page = client.post(
        reverse("comment", args=[seat.token]), {"comment-text": words, **marks, **beside}, follow=True
    ).text
    assert Comment.objects.count() == bool(words.strip())
    for shown in (page, client.get(address(run)).text):
        assert checked(shown) == marks | {"side": ""}
        assert (area(shown, "note"), area(shown, "skip-reason"), area(shown, "comment-text")) == (
            "slowly",
            "no Latin",
            "",
        )
        assert 'value="unsafe" checked' in shown and '<option value="leak" selected' in shown
        assert "You had been signed out" not in shown
    act(client, "cast", seat, htmx=False, **marks)
    assert checked(client.get(address(run)).text) == {"side": ""} and filled.UNSENT not in client.session


def test_a_comment_not_yet_said_is_kept_beside_what_is_refused(client, ann):
    run = voting.open_run(mode="single")
    seat = opened(client, run, ann)
    page = act(client, "flag", seat, htmx=False, **{"flag-reason": " ", "comment-text": "which law is meant?"})
    assert page.status_code == 422 and area(page.text, "comment-text") == "which law is meant?"
    assert not Comment.objects.exists()


def test_undo_goes_before_what_was_filled_in_beside_a_comment_and_that_comes_after_it(client, ann):
    run = voting.open_run(mode="single")
    first = opened(client, run, ann)
    act(client, "cast", first, htmx=False, **{"mark-right": "1", "mark-kind": "1"})
    second, marks = opened(client, run, ann), {"mark-right": "2", "mark-kind": "4"}
    act(client, "comment", second, htmx=False, **{"comment-text": "which law?", **marks})
    page = client.post(reverse("undo", args=[run.pk]), follow=True).text
    assert f'data-token="{first.token}"' in page
    act(client, "cast", first, htmx=False, **{"mark-right": "1", "mark-kind": "1"})
    page = client.get(address(run)).text
    assert f'data-token="{second.token}"' in page and checked(page) == marks | {"side": ""}


def signed_out_with(seat: Assignment, what: str, **post) -> tuple[Client, str]:
    """A browser without a session from which this was posted, and where it was led after the sign-in."""
    client = Client()
    response = act(client, what, seat, htmx=False, **post)
    assert response.status_code == 302
    assert response.url == f"{reverse('login')}?next={reverse(what, args=[seat.token])}"
    assert "note" not in response.url and "text" not in response.url
    return client, response.url


def sign_in(client: Client, name: str, where: str):
    user = voting.User.objects.get(username=name)
    user.set_password("correct horse battery")
    user.save()
    return client.post(where, {"username": name, "password": "correct horse battery"}, follow=True)


def test_a_plain_form_outlives_the_end_of_a_session(client, ann):
    run = voting.open_run(mode="single")
    seat = opened(client, run, ann)
    marks = {"mark-right": "2", "mark-kind": "4"}
    browser, where = signed_out_with(seat, "cast", **marks, note="see line 2", reasons=["made_up"])
    page = sign_in(browser, "ann", where).text
    assert "You had been signed out" in page
    assert checked(page) == marks | {"side": ""}
    assert (area(page, "note"), 'value="made_up" checked' in page) == ("see line 2", True)
    act(browser, "cast", seat, htmx=False, **marks)
    assert Grade.objects.get().scores == {"right": 2.0, "kind": 4.0}
    page = browser.get(address(run)).text
    assert "You had been signed out" not in page
    assert filled.UNSENT not in browser.session


def test_a_form_that_waited_is_shown_also_where_its_item_was_given_to_others(client, ann):
    run = voting.open_run(limits={"overlap": 1})
    seat = opened(client, run, ann)
    browser, where = signed_out_with(seat, "cast", choice="a", note="late")
    Assignment.objects.update(lease_until=timezone.now(), holds=False)
    run.items.update(held=1)
    page = sign_in(browser, "ann", where).text
    assert f'data-token="{seat.token}"' in page
    assert area(page, "note") == "late"


def test_a_comment_outlives_the_end_of_a_session(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    browser, where = signed_out_with(seat, "comment", text="which law is meant?")
    assert area(sign_in(browser, "ann", where).text, "text") == "which law is meant?"
    act(browser, "comment", seat, htmx=False, text="which law is meant?")
    assert Comment.objects.count() == 1
    assert area(browser.get(address(run)).text, "text") == ""


def test_whoever_signs_in_instead_is_not_shown_what_another_had_filled_in(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    browser, _where = signed_out_with(seat, "cast", choice="a", note="for ann alone")
    voting.person("ben")
    assert "for ann alone" not in sign_in(browser, "ben", f"{reverse('login')}?next={address(run)}").text


@pytest.mark.parametrize("note", ["x" * 50_000, ""])
def test_what_is_too_large_or_of_no_seat_is_not_kept(client, ann, note):
    run = voting.open_run()
    seat = opened(client, run, ann)
    if not note:
        Assignment.objects.all().delete()
    browser, _where = signed_out_with(seat, "cast", choice="a", note=note)
    assert filled.UNSENT not in browser.session
