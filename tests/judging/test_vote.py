"""The ballot over HTTP: who may vote, what is sent before the vote, and that every press counts once."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from arena.models import Answer, Battle, LanguageModel
from judging import assignment, casting, room
from judging.models import Assignment, Gold, Grade, Judge, Membership, Preference, Run
from judging.signals import judged
from tests.judging import voting
from tests.judging.voting import seat_in_hand

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def ann():
    return voting.person("ann")


@pytest.fixture
def client(ann):
    client = Client()
    client.force_login(ann)
    return client


def ballot(run: Run) -> str:
    return reverse("ballot", args=[run.pk])


def act(client, what: str, seat: Assignment, **data):
    return client.post(reverse(what, args=[seat.token]), data, **HTMX)


def opened(client, run: Run, user) -> Assignment:
    """The seat this person has after opening the ballot."""
    client.get(ballot(run))
    return seat_in_hand(run, user)


@pytest.mark.parametrize(
    ("choice", "value", "both_bad"), [("a", 1, False), ("b", -1, False), ("tie", 0, False), ("bad", 0, True)]
)
def test_each_choice_is_recorded_towards_what_was_shown_first(client, ann, choice, value, both_bad):
    run = voting.open_run()
    seat = opened(client, run, ann)
    act(client, "cast", seat, choice=choice, note=" the second one rambles ")
    preference = Preference.objects.get()
    assert (preference.value_shown, preference.both_bad) == (value, both_bad)
    assert (preference.swapped, preference.judge.user, preference.run) == (seat.swapped, ann, run)
    assert preference.note == "the second one rambles"
    seat.refresh_from_db()
    assert seat.status == "done"


def test_a_plain_post_leads_back_to_the_ballot(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    response = client.post(reverse("cast", args=[seat.token]), {"choice": "a"})
    assert (response.status_code, response.url) == (302, ballot(run))
    assert "Recorded" in client.get(ballot(run)).text


def test_htmx_gets_the_next_item_as_a_fragment(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    response = act(client, "cast", seat, choice="a")
    assert response.status_code == 200
    assert "<html" not in response.text
    assert response.text.startswith("<") and response.text.endswith(">")
    assert f'data-token="{seat_in_hand(run, ann).token}"' in response.text
    assert "1 of 4" in response.text
    assert "today 1" in response.text


def test_the_same_ballot_twice_is_one_vote(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    act(client, "cast", seat, choice="a")
    in_hand = seat_in_hand(run, ann)
    second = act(client, "cast", seat, choice="b")
    assert Preference.objects.get().value_shown == 1
    assert "that vote stands" in second.text
    assert f'data-token="{in_hand.token}"' in second.text
    assert Preference.objects.count() == 1


def test_two_tabs_show_one_seat_and_make_one_vote(client, ann):
    run = voting.open_run()
    one, other = client.get(ballot(run)), client.get(ballot(run))
    tokens = {re.search(r'data-token="([^"]+)"', page.text)[1] for page in (one, other)}
    assert len(tokens) == 1
    seat = seat_in_hand(run, ann)
    for choice in ("a", "tie"):
        client.post(reverse("cast", args=[seat.token]), {"choice": choice})
    assert Preference.objects.count() == 1


def test_a_skipped_item_cannot_be_voted_on_from_another_tab(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    act(client, "skip", seat, reason="I do not know Latin")
    assert "Undo to come back" in act(client, "cast", seat, choice="a").text
    seat.refresh_from_db()
    assert (seat.status, seat.reason) == ("skipped", "I do not know Latin")
    assert Preference.objects.count() == 0


def test_a_flag_wants_a_reason_and_keeps_it_for_the_lead(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    assert "what is broken" in act(client, "flag", seat, reason=" ").text
    seat.refresh_from_db()
    assert seat.status == "leased"
    act(client, "flag", seat, reason="cut off in the middle")
    seat.refresh_from_db()
    assert (seat.status, seat.reason) == ("flagged", "cut off in the middle")


def test_undo_shows_the_last_pair_on_the_same_sides(client, ann):
    run = voting.open_run(text="", questions=3)
    first_page = client.get(ballot(run)).text
    seat = seat_in_hand(run, ann)
    act(client, "cast", seat, choice="a")
    response = client.post(reverse("undo", args=[run.pk]), {"last": seat.token}, **HTMX)
    assert PANE.findall(response.text) == PANE.findall(first_page)
    act(client, "cast", seat, choice="b")
    assert [vote.value_shown for vote in Preference.objects.order_by("pk")] == [1, -1]
    assert Preference.objects.current().get().value_shown == -1


def test_undo_pressed_twice_takes_back_one_vote(client, ann):
    run = voting.open_run()
    for _turn in range(2):
        seat = opened(client, run, ann)
        act(client, "cast", seat, choice="a")
    for _turn in range(2):
        client.post(reverse("undo", args=[run.pk]), {"last": seat.token}, **HTMX)
    assert Preference.objects.current().count() == 1


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_who_is_paused_takes_nothing_back(client, ann, headers):
    run = voting.open_run()
    seat = opened(client, run, ann)
    act(client, "cast", seat, choice="a")
    Membership.objects.update_or_create(
        run=run, user=ann, defaults={"paused_at": timezone.now(), "paused_why": "Ask me first."}
    )
    page = client.post(reverse("undo", args=[run.pk]), {"last": seat.token}, follow=True, **headers)
    assert "Ask me first." in page.text and Preference.objects.current().count() == 1


def test_a_late_vote_counts_and_says_so(client, ann):
    run = voting.open_run(questions=1, limits={"overlap": 1})
    seat = opened(client, run, ann)
    Assignment.objects.update(lease_until=timezone.now() - timedelta(hours=1))
    assert assignment.next_seat(run, voting.judge("bob")) is not None
    assert "You were away" in act(client, "cast", seat, choice="a").text
    assert Preference.objects.count() == 1


def test_a_vote_that_is_sent_again_after_the_run_was_closed_is_said_to_stand(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    act(client, "cast", seat, choice="a")
    Run.objects.update(status="done")
    response = act(client, "cast", seat, choice="a")
    assert "that vote stands" in response.text and "not recorded" not in response.text
    assert response["X-Juryroom-Said"] == "already" and Preference.objects.count() == 1


def test_a_run_closed_meanwhile_takes_no_vote_and_says_so(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    Run.objects.update(status="done")
    response = act(client, "cast", seat, choice="a")
    assert "closed meanwhile" in response.text
    assert 'data-ballot="closed"' in response.text
    assert Preference.objects.count() == 0
    assert 'data-ballot="closed"' in client.get(ballot(run)).text


def test_the_end_says_thank_you_and_offers_undo(client, ann):
    run = voting.open_run(questions=1)
    seat = opened(client, run, ann)
    assert 'data-ballot="done"' in act(client, "cast", seat, choice="a").text
    page = client.get(ballot(run)).text
    assert 'data-ballot="done"' in page
    assert str(seat.token) in page
    assert reverse("vote") in page


@pytest.mark.parametrize("choice", ["", "c", "1", "A"])
def test_an_unknown_choice_is_a_clear_error_and_no_vote(client, ann, choice):
    run = voting.open_run()
    seat = opened(client, run, ann)
    response = act(client, "cast", seat, choice=choice)
    assert "Choose one of those on the ballot" in response.text
    assert f'data-token="{seat.token}"' in response.text
    assert Preference.objects.count() == 0


# single answers


def test_marks_are_recorded_with_their_weighted_total(client, ann):
    run = voting.open_run(mode="single")
    seat = opened(client, run, ann)
    response = act(client, "cast", seat, **{"mark-right": "5", "mark-kind": "1"})
    grade = Grade.objects.get()
    assert (grade.score, grade.scores, grade.answer) == (4.0, {"right": 5.0, "kind": 1.0}, seat.answer)
    assert "4.00 in all" in response.text


@pytest.mark.parametrize("wrong", ["", "0", "6", "nan", "inf", "five"])
def test_a_missing_or_wrong_mark_is_named_and_the_rest_is_kept(client, ann, wrong):
    run = voting.open_run(mode="single")
    seat = opened(client, run, ann)
    page = act(client, "cast", seat, **{"mark-right": "2", "mark-kind": wrong}, note="half done").text
    assert page.count("data-error") == 1
    assert 'id="error-mark-kind"' in page
    assert re.search(r'name="mark-right" value="2" data-digit="2" checked', page)
    assert "half done" in page
    assert Grade.objects.count() == 0


def test_a_rubric_without_dimensions_asks_for_one_mark(client, ann):
    run = voting.open_run(mode="single", dimensions=[])
    act(client, "cast", opened(client, run, ann), **{"mark-overall": "3"})
    assert (Grade.objects.get().score, Grade.objects.get().scores) == (3.0, {})


def test_a_long_scale_is_typed(client, ann):
    run = voting.open_run(mode="single")
    run.rubric.highest = 100
    run.rubric.save()
    seat = opened(client, run, ann)
    page = client.get(ballot(run)).text
    assert 'type="number" name="mark-right"' in page
    assert 'max="100"' in page
    act(client, "cast", seat, **{"mark-right": "87.5", "mark-kind": "50"})
    assert Grade.objects.get().scores == {"right": 87.5, "kind": 50.0}


# what a page shows


def names_of_makers() -> list[str]:
    """Everything that tells who wrote an answer."""
    found: set[str] = set()
    for model in LanguageModel.objects.all():
        found |= {model.name, model.version, model.vendor, model.family, model.endpoint_model, *model.aliases}
    return sorted(found)


def assets(page: str) -> dict[str, str]:
    """Every file of ours that the page asks for, and what these import, by address."""
    found: dict[str, str] = {}
    waiting = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    while waiting:
        address = waiting.pop()
        if address in found:
            continue
        with open(finders.find(address.removeprefix("/static/")), encoding="utf-8") as file:  # noqa: PTH123
            found[address] = file.read()
        folder = address.rsplit("/", 1)[0]
        waiting += [
            f"{folder}/{name}"
            for name in re.findall(r'from "\./([^"]+)"|import "\./([^"]+)"', found[address])
            for name in name
            if name
        ]
    return found


@pytest.mark.parametrize("mode", ["pairwise", "baseline", "single"])
@pytest.mark.parametrize("turns", [1, 2])
def test_nothing_sent_before_the_vote_tells_who_wrote_what(client, ann, mode, turns):
    run = voting.open_run(models=4, mode=mode, turns=turns)
    sent: list[str] = []
    for number in range(5):
        page = client.get(ballot(run))
        seat = seat_in_hand(run, ann)
        leave = [
            {"choice": "a", "mark-right": "3", "mark-kind": "3"},
            "skip",
            {"choice": "no"},
            "flag",
            {"choice": "b"},
        ][number]
        fragment = (
            act(client, leave, seat, reason="x") if isinstance(leave, str) else act(client, "cast", seat, **leave)
        )
        undone = client.post(reverse("undo", args=[run.pk]), **HTMX)
        for response in (page, fragment, undone, client.get(reverse("vote"))):
            sent += [response.text, str(response.headers), str(response.cookies)]
    linked = assets(sent[0])
    assert len(linked) > 6
    sent += [*linked.values(), *linked]
    everything = "\n".join(sent).casefold()
    leaks = [name for name in names_of_makers() if name.casefold() in everything]
    assert leaks == []
    assert run.name.casefold() not in everything


def test_ids_in_the_page_are_tokens_and_the_run_only(client, ann):
    run = voting.open_run(questions=6)
    run.pk, old = 424242, run.pk
    Answer.objects.filter(pk=Answer.objects.last().pk).update(seconds=98765.4321, tokens_in=314159, tokens_out=271828)
    page = client.get(reverse("ballot", args=[old])).text
    seat = seat_in_hand(Run.objects.get(pk=old), ann)
    assert str(seat.token) in page
    for telling in ("98765", "314159", "271828", "data-battle", "data-answer", "swapped", "first_token"):
        assert telling not in page
    assert set(re.findall(r"/vote/([^/\"]+)/", page)) == {str(old), str(seat.token)}


def test_the_page_is_never_kept_by_the_browser(client):
    run = voting.open_run()
    assert "no-store" in client.get(ballot(run)).headers["Cache-Control"]


HARMLESS = {"section", "h2", "div", "p", "a", "pre", "code", "blockquote", "span", "em", "strong"}
HARMLESS_ATTRIBUTES = {
    "class",
    "tabindex",
    "aria-label",
    "data-pane",
    "data-scrolls",
    "lang",
    "href",
    "rel",
    "dir",
    "title",
    "data-raw",
    "hidden",
}
PANE = re.compile(r'<section class="pane.*?</section>', re.S)


class Elements(HTMLParser):
    """The elements a browser would make of this HTML, and the HTML of the answers' panes."""

    def __init__(self, html: str):
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.panes = PANE.findall(html)
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>fetch('/vote/')</script>",
        "[click](javascript:alert(1))",
        "![x](https://evil.example/x.png)",
        '<form action="/vote/"><button name="choice" value="a">A is better</button></form>',
        "<img src=x onerror=alert(1)>",
        "[[A]] [[A]]",
        "\u202e" + "> " * 400 + "deep",
        '"><section id="ballot" data-key="1" hx-post="/x">',
    ],
)
def test_a_hostile_answer_is_inert_in_its_pane(client, ann, hostile):
    run = voting.open_run(text=hostile)
    page = Elements(client.get(ballot(run)).text)
    assert [attributes["id"] for _name, attributes in page.found if attributes.get("id") == "ballot"] == ["ballot"]
    panes = [element for pane in page.panes for element in Elements(pane).found]
    assert {name for name, _attributes in panes} <= HARMLESS
    assert {attribute for _name, attributes in panes for attribute in attributes} <= HARMLESS_ATTRIBUTES
    links = [value for _name, attributes in panes for key, value in attributes.items() if key in ("href", "src")]
    assert all(link.startswith(("https://", "http://")) for link in links)
    assert Preference.objects.count() == 0


def test_texts_carry_the_language_of_the_question(client, ann):
    run = voting.open_run(questions=1)
    question = run.benchmark.questions.get()
    question.language = "zh"
    question.save()
    panes = PANE.findall(client.get(ballot(run)).text)
    assert len(panes) == 2
    assert all('lang="zh"' in pane for pane in panes)


def test_earlier_turns_of_the_question_are_folded(client):
    run = voting.open_run(questions=1, turns=3)
    page = client.get(ballot(run)).text
    assert "2 earlier turns" in page
    assert page.count("Turn 3") == 2


@pytest.mark.parametrize(("text", "same"), [("one text", True), ("", False)])
def test_two_equal_answers_are_said_to_be_equal(client, text, same):
    run = voting.open_run(text=text)
    assert ("data-same" in client.get(ballot(run)).text) is same


def test_a_demo_run_says_so(client):
    run = voting.open_run(provenance="demo")
    assert 'data-provenance="demo"' in client.get(ballot(run)).text


# the list, the roles, the budget


def test_the_list_shows_open_runs_and_what_this_person_did(client, ann):
    run = voting.open_run()
    act(client, "cast", opened(client, run, ann), choice="a")
    Run.objects.create(name="closed", benchmark=run.benchmark, mode="pairwise", rubric=run.rubric, status="done")
    page = client.get(reverse("vote")).text
    assert re.findall(r'data-run="(\d+)"', page) == [str(run.pk)]
    assert "<dd data-mine>1</dd>" in page


def test_practice_is_no_vote_in_the_list(client, ann):
    run = voting.open_run()
    act(client, "cast", opened(client, run, ann), choice="a")
    Assignment.objects.filter(run=run).update(purpose=Assignment.Purpose.PRACTICE)
    page = client.get(reverse("vote"))
    assert "<dd data-mine>0</dd>" in page.text and page.context["runs"][0].all == 0


def test_the_list_without_open_runs_says_what_happens_next(client):
    assert "data-empty" in client.get(reverse("vote")).text


def test_a_draft_is_no_ballot(client):
    run = voting.open_run()
    Run.objects.update(status="draft")
    assert client.get(ballot(run)).status_code == 404


@pytest.mark.parametrize(("role", "status"), [("annotator", 200), ("lead", 403), ("", 403), ("stakeholder", 403)])
def test_annotators_vote_and_nobody_else(role, status):
    run = voting.open_run()
    client = Client()
    client.force_login(voting.person("somebody", role=role))
    assert client.get(reverse("vote")).status_code == status
    assert client.get(ballot(run)).status_code == status
    for address in (reverse("undo", args=[run.pk]), reverse("cast", args=[uuid.uuid4()])):
        assert (client.post(address).status_code == 403) is (status == 403)
    assert Judge.objects.exists() is (status == 200)


def test_a_lead_is_told_why_there_is_no_ballot_and_votes_only_as_an_annotator_too():
    run, client, user = voting.open_run(), Client(), voting.person("lea", role="lead")
    client.force_login(user)
    for address in (reverse("vote"), ballot(run)):
        assert "their votes would not be blind" in client.get(address).text
    user.groups.add(Group.objects.get_or_create(name="annotator")[0])
    assert client.get(ballot(run)).status_code == 200


def test_a_superuser_is_a_lead_and_no_annotator(admin_client):
    response = admin_client.get(reverse("vote"))
    assert response.status_code == 403 and "their votes would not be blind" in response.text


def test_who_asks_for_the_headers_alone_takes_no_seat(client):
    run = voting.open_run()
    for address in (ballot(run), reverse("vote")):
        assert client.head(address).status_code == 200
    assert not Assignment.objects.exists() and not Judge.objects.exists()


def another_tab_votes_once_quotas_were_looked_at(monkeypatch, client, seat) -> None:
    asked = casting.nothing_because

    def meanwhile(*facts) -> str:
        monkeypatch.setattr(casting, "nothing_because", asked)
        why = asked(*facts)
        assert act(client, "cast", seat, choice="a").status_code == 200
        return why

    monkeypatch.setattr(casting, "nothing_because", meanwhile)


def test_a_quota_that_another_tab_used_up_just_now_is_told_as_one(client, ann, monkeypatch):
    run = voting.open_run(voting={"per_day": 1})
    another_tab_votes_once_quotas_were_looked_at(monkeypatch, client, opened(client, run, ann))
    assert 'data-ballot="day"' in client.get(ballot(run)).text
    assert Preference.objects.count() == 1 and not Assignment.objects.filter(status="leased").exists()


def nothing_in_the_list(client) -> list[str]:
    page = client.get(reverse("vote")).text
    assert ("Go on voting" in page or "Start voting" in page) is ("data-nothing" not in page)
    return re.findall(r'data-nothing="(\w+)"', page)


@pytest.mark.parametrize(
    ("voting_", "nothing"), [({}, []), ({"per_day": 1}, ["day"]), ({"per_person": 1}, ["run"]), ({"per_day": 2}, [])]
)
def test_the_list_says_where_a_quota_is_used_up(client, ann, voting_, nothing):
    run = voting.open_run(voting=voting_)
    assert nothing_in_the_list(client) == []
    act(client, "cast", opened(client, run, ann), choice="a")
    if nothing:
        assert nothing_in_the_list(client) == nothing
    else:
        assert "Go on voting" in client.get(reverse("vote")).text


def test_an_item_in_hand_goes_before_a_quota_in_the_list_as_on_the_ballot(client, ann):
    run = voting.open_run(voting={"per_day": 2})
    act(client, "cast", opened(client, run, ann), choice="a")
    Run.objects.update(voting={"per_day": 1})
    assert 'data-ballot="pair"' in client.get(ballot(run)).text
    assert nothing_in_the_list(client) == []
    act(client, "cast", seat_in_hand(run, ann), choice="a")
    assert nothing_in_the_list(client) == ["day"]


@pytest.mark.parametrize(("headers", "status"), [(HTMX, 200), ({}, 409)])
def test_undo_says_that_a_skip_does_not_come_back_and_goes_on_with_the_one_before(client, ann, headers, status):
    run = voting.open_run(voting={"per_person": 2})
    first = opened(client, run, ann)
    act(client, "cast", first, choice="a")
    skipped = seat_in_hand(run, ann)
    act(client, "skip", skipped)
    page = client.post(reverse("undo", args=[run.pk]), {"last": skipped.token}, **headers)
    assert page.status_code == status and "does not come back" in page.text and "Undo again" in page.text
    assert 'data-ballot="pair"' in page.text and f'name="last" value="{first.token}"' in page.text
    page = client.post(reverse("undo", args=[run.pk]), {"last": first.token}, **HTMX)
    assert "Undone" in page.text and f'data-token="{first.token}"' in page.text


def test_undo_is_no_longer_offered_where_nothing_that_was_left_comes_back(client, ann):
    run = voting.open_run(voting={"per_person": 1})
    act(client, "skip", opened(client, run, ann))
    page = client.post(reverse("undo", args=[run.pk]), **HTMX)
    assert page["X-Juryroom-Said"] == "full" and "Undo again" not in page.text
    assert re.search(r'data-key="u"[^>]* disabled', page.text) and 'name="last" value=""' in page.text


def test_the_words_beside_an_item_are_those_after_the_vote_of_another_tab(client, ann, monkeypatch):
    run = voting.open_run(voting={"per_day": 9})
    another_tab_votes_once_quotas_were_looked_at(monkeypatch, client, opened(client, run, ann))
    page = client.get(ballot(run)).text
    assert "1 of 4" in page and "today 1 of 9" in page


@pytest.mark.parametrize("what", ["ballot", "cast", "undo"])
def test_a_run_that_is_deleted_meanwhile_is_not_found(client, ann, monkeypatch, what):
    run = voting.open_run(questions=1)
    seat, read = opened(client, run, ann), assignment.standing

    def meanwhile(one, *facts, **options):
        Preference.objects.all().delete()
        Run.objects.filter(pk=run.pk).delete()
        return read(one, *facts, **options)

    for module in (assignment, room):
        monkeypatch.setattr(module, "standing", meanwhile)
    answers = {
        "ballot": lambda: client.get(ballot(run)),
        "cast": lambda: act(client, "cast", seat, choice="a"),
        "undo": lambda: client.post(reverse("undo", args=[run.pk]), **HTMX),
    }
    assert answers[what]().status_code == 404


def test_the_list_says_where_all_is_done_and_where_others_did_it(client, ann):
    run = voting.open_run(questions=1, limits={"overlap": 1})
    ben = voting.person("ben")
    act(client, "cast", opened(client, run, ann), choice="a")
    assert nothing_in_the_list(client) == ["done"] and "Thank you, that is all" in client.get(reverse("vote")).text
    client.post(reverse("undo", args=[run.pk]))
    assert nothing_in_the_list(client) == []
    act(client, "cast", seat_in_hand(run, ann), choice="a")
    client.force_login(ben)
    assert nothing_in_the_list(client) == ["done"] and "Enough people have voted" in client.get(reverse("vote")).text


def test_a_practice_round_without_items_is_nothing_to_go_on_with(client, ann):
    run = voting.open_run(questions=1, limits={"overlap": 1}, voting={"practice": 2})
    act(client, "cast", opened(client, run, ann), choice="a")
    assert 'data-ballot="done"' in client.get(ballot(run)).text
    assert nothing_in_the_list(client) == ["done"]
    where = {"battle": Battle.objects.first(), "lowest": 1, "highest": 1}
    Gold.objects.create(run=run, is_practice=True, **where)
    assert nothing_in_the_list(client) == []


def test_the_list_says_where_a_person_is_paused(client, ann):
    run = voting.open_run()
    Membership.objects.create(run=run, user=ann, paused_at=timezone.now(), paused_why="talk to me")
    assert nothing_in_the_list(client) == ["paused"]


def test_looking_at_the_list_makes_nobody_a_judge(client):
    voting.open_run()
    assert "<dd data-mine>0</dd>" in client.get(reverse("vote")).text
    assert not Judge.objects.exists()


def test_what_no_database_takes_is_left_out_of_notes_and_reasons(client, ann):
    run = voting.open_run()
    act(client, "cast", opened(client, run, ann), choice="a", note="cut\x00 off")
    act(client, "skip", seat_in_hand(run, ann), reason="no\x00 Latin")
    act(client, "flag", seat_in_hand(run, ann), reason="\x00 it is " + "long " * 100)
    assert Preference.objects.get().note == "cut off"
    reasons = Assignment.objects.exclude(reason="").order_by("pk").values_list("reason", flat=True)
    assert reasons[0] == "no Latin" and reasons[1].startswith("it is long") and len(reasons[1]) == 200


def test_a_vote_is_kept_where_no_bell_can_be_rung(client, ann, monkeypatch, caplog, django_capture_on_commit_callbacks):
    async def no_layer(*_):
        raise ConnectionRefusedError("no Redis here")

    def no_broker(**_):
        raise OperationalError("no broker here")

    run = voting.open_run()
    seat = opened(client, run, ann)
    monkeypatch.setattr(get_channel_layer(), "group_send", no_layer)
    judged.connect(no_broker)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            assert act(client, "cast", seat, choice="a").status_code == 200
        with django_capture_on_commit_callbacks(execute=True):
            undone = client.post(reverse("undo", args=[run.pk]), {"last": seat.token}, **HTMX)
    finally:
        judged.disconnect(no_broker)
    assert undone.status_code == 200 and Preference.objects.count() == 1
    assert "no Redis here" in caplog.text and "no broker here" in caplog.text


def test_signing_in_leads_back_to_the_ballot():
    run = voting.open_run()
    response = Client().get(ballot(run))
    assert (response.status_code, response.url) == (302, f"{reverse('login')}?next={ballot(run)}")


def test_a_vote_after_the_session_ended_leads_htmx_to_the_sign_in_page_and_back(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    client.logout()
    here = f"http://testserver{ballot(run)}"
    response = client.post(reverse("cast", args=[seat.token]), {"choice": "a"}, HTTP_HX_CURRENT_URL=here, **HTMX)
    assert response.headers["HX-Redirect"] == f"{reverse('login')}?next={ballot(run)}"
    assert Preference.objects.count() == 0


@pytest.mark.parametrize("what", ["cast", "skip", "flag"])
def test_another_persons_seat_is_not_there(client, ann, what):
    run = voting.open_run()
    seat = assignment.next_seat(run, voting.judge("bob"))
    assert act(client, what, seat, choice="a", reason="mine now").status_code == 404
    seat.refresh_from_db()
    assert seat.status == "leased"


@pytest.mark.parametrize("what", ["cast", "skip", "flag"])
def test_reading_a_posting_address_leads_to_the_ballot(client, ann, what):
    run = voting.open_run()
    seat = opened(client, run, ann)
    response = client.get(reverse(what, args=[seat.token]))
    assert urlsplit(response.url).path == ballot(run)
    seat.refresh_from_db()
    assert seat.status == "leased"


def test_a_post_without_a_csrf_token_is_refused(ann):
    run = voting.open_run()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ann)
    seat = assignment.next_seat(run, assignment.judge_of(ann))
    assert strict.post(reverse("cast", args=[seat.token]), {"choice": "a"}).status_code == 403
    assert Preference.objects.count() == 0


def queries_of_a_vote(client, ann, run: Run, count) -> list[str]:
    act(client, "cast", opened(client, run, ann), choice="a")  # the first vote also freezes judge and rubric
    seat = seat_in_hand(run, ann)
    with count as captured:
        act(client, "cast", seat, choice="a")
    guards = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return [query["sql"] for query in captured.captured_queries if not query["sql"].startswith(guards)]


@pytest.mark.parametrize("questions", [4, 80])
def test_a_vote_takes_at_most_twelve_queries_however_long_the_run(
    client, ann, questions, django_assert_max_num_queries
):
    run = voting.open_run(questions=questions, models=3)
    queries = queries_of_a_vote(client, ann, run, django_assert_max_num_queries(100))
    assert len(queries) <= 12, "\n".join(query[:150] for query in queries)


def test_the_list_takes_the_same_queries_for_one_run_and_for_many(client, django_assert_max_num_queries):
    run = voting.open_run(questions=1)
    client.get(reverse("vote"))
    counts = []
    for _turn in range(2):
        with django_assert_max_num_queries(10) as captured:
            client.get(reverse("vote"))
        counts.append(len(captured))
        for number in range(20):
            Run.objects.create(
                name=f"r{number}", benchmark=run.benchmark, mode="single", rubric=run.rubric, status="open"
            )
    assert counts[0] == counts[1]


def test_the_ballot_works_in_chinese(client, ann):
    run = voting.open_run()
    client.cookies["django_language"] = "zh-hans"
    page = client.get(ballot(run)).text
    assert '<html lang="zh-hans"' in page
    seat = seat_in_hand(run, ann)
    assert act(client, "cast", seat, choice="bad").status_code == 200
    assert Preference.objects.get().both_bad


def test_messages_after_a_plain_post_are_shown_once(client, ann):
    run = voting.open_run()
    seat = opened(client, run, ann)
    response = client.post(reverse("cast", args=[seat.token]), {"choice": "a"})
    assert [str(message) for message in get_messages(response.wsgi_request)] == ["Recorded."]
