"""Split items decided, flags settled, words on items, and the log of it all."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arena.models import Battle
from judging import adjudication, assignment, comments, flags
from judging.assignment import judge_of, next_seat
from judging.judges.base import OK, Verdict
from judging.models import AppendOnly, Assignment, AuditEntry, Comment, Preference, Run, VotingItem
from tests.judging import voting

pytestmark = pytest.mark.django_db
PEOPLE = ("ann", "bob", "cy")


def say(run: Run, judge, battle: Battle, value: float, **more) -> None:
    """A vote towards the battle's first answer, by this person, on this battle."""
    seat = Assignment.objects.create(
        run=run, judge=judge, battle=battle, lease_until=timezone.now(), holds=True, swapped=False
    )
    VotingItem.objects.filter(run=run, battle=battle).update(held=1)
    with transaction.atomic():
        assignment.cast(assignment.open_seats().get(pk=seat.pk), Verdict(status=OK, value=value), **more)


@pytest.fixture
def run():
    """Four battles: agreed on, split two to one, split one to one, and not voted on."""
    run = voting.open_run(questions=4)
    agreed, two_to_one, one_to_one, _ = Battle.objects.order_by("pk")
    people = [voting.judge(name) for name in PEOPLE]
    for judge, values in zip(people, ((1, 1, 1), (1, 1, -1), (1, -1, None)), strict=True):
        for battle, value in zip((agreed, two_to_one, one_to_one), values, strict=True):
            if value is not None:
                say(run, judge, battle, value, note=f"by {judge.name}", reasons=["style"])
    return run


@pytest.fixture
def ada():
    return voting.person("ada", role="adjudicator")


@pytest.fixture
def client(ada):
    client = Client()
    client.force_login(ada)
    return client


def page_of(client, run: Run, query: str = "") -> str:
    return client.get(reverse("adjudicate", args=[run.pk]) + query).text


def token_of(ada) -> str:
    return str(Assignment.objects.get(judge__user=ada, status="leased").token)


def test_the_most_contested_comes_first_and_what_is_agreed_never(run, ada):
    _, two_to_one, one_to_one, _ = Battle.objects.order_by("pk")
    assert adjudication.queue(run, judge_of(ada)) == [one_to_one.pk, two_to_one.pk]


def test_nobody_decides_what_they_voted_on(run):
    judge = judge_of(voting.person("dora", role="adjudicator"))
    say(run, judge, Battle.objects.order_by("pk")[2], 1)
    assert adjudication.queue(run, judge) == [Battle.objects.order_by("pk")[1].pk]


def test_a_decision_is_a_judgment_of_its_own_and_the_votes_stay(run, client, ada):
    before = list(Preference.objects.order_by("pk").values())
    page = page_of(client, run)
    assert "by ann" not in page
    for name, _vendor in voting.NAMES[:2]:
        assert name not in page.split("<main")[1].split("</main>")[0]
    post = {"seat": token_of(ada), "choice": "a", "note": "B misreads the question.", "reasons": "wrong_fact"}
    assert client.post(reverse("adjudicate", args=[run.pk]), post).status_code == 302
    decision = Preference.objects.get(kept_out="adjudication")
    assert (decision.judge.user, decision.note, decision.reasons) == (ada, "B misreads the question.", ["wrong_fact"])
    assert decision.details["saw_votes"] is False
    assert decision not in Preference.objects.counting()
    assert list(Preference.objects.exclude(pk=decision.pk).order_by("pk").values()) == before
    assert list(adjudication.adjudicated(run)) == [decision.battle_id]
    assert adjudication.progress(run) == (1, 2)


def test_who_looked_at_the_votes_is_on_record_and_people_are_numbers(run, client, ada):
    page = page_of(client, run, "?votes=1")
    assert "person 1" in page
    assert "by ann" in page  # the note itself
    assert ">ann<" not in page
    client.post(
        reverse("adjudicate", args=[run.pk]),
        {"seat": token_of(ada), "choice": "tie", "note": "Even.", "saw_votes": "1"},
    )
    assert Preference.objects.get(kept_out="adjudication").details["saw_votes"] is True


def test_votes_are_told_on_the_sides_that_are_shown(run, client, ada):
    page_of(client, run)
    for swapped in (False, True):
        Assignment.objects.filter(judge__user=ada).update(swapped=swapped)
        seat = assignment.open_seats().get(judge__user=ada)
        assert [case.said for case in adjudication.cases(seat)] == (
            ["A is better", "B is better"] if not swapped else ["B is better", "A is better"]
        )


def test_a_decision_without_a_reason_is_none(run, client, ada):
    page_of(client, run)
    answer = client.post(reverse("adjudicate", args=[run.pk]), {"seat": token_of(ada), "choice": "a"})
    assert (answer.status_code, "Say why" in answer.text) == (422, True)
    assert not Preference.objects.filter(kept_out="adjudication").exists()


def test_a_decision_can_be_taken_back_and_passed_on(run, client, ada):
    page_of(client, run)
    first = token_of(ada)
    client.post(reverse("adjudicate", args=[run.pk]), {"seat": first, "choice": "a", "note": "so"})
    client.post(reverse("adjudicate_undo", args=[run.pk]))
    assert token_of(ada) == first
    assert not Preference.objects.current().filter(kept_out="adjudication").exists()
    client.post(reverse("adjudicate_pass", args=[run.pk]), {"seat": first})
    page_of(client, run)
    assert token_of(ada) != first


def test_the_same_decision_twice_is_one(run, client, ada):
    page_of(client, run)
    post = {"seat": token_of(ada), "choice": "a", "note": "so"}
    for _time in range(2):
        client.post(reverse("adjudicate", args=[run.pk]), post)
    assert Preference.objects.filter(kept_out="adjudication").count() == 1


@pytest.mark.parametrize(("role", "status"), [("annotator", 403), ("viewer", 403), ("lead", 200), ("adjudicator", 200)])
def test_who_may_decide(run, role, status):
    client = Client()
    client.force_login(voting.person("pat", role=role))
    assert client.get(reverse("adjudicate", args=[run.pk])).status_code == status


def test_marks_far_apart_are_split_too(ada):
    run = voting.open_run(questions=1, mode="single")
    for name, mark in (("ann", 1.0), ("bob", 5.0)):
        judge = voting.judge(name)
        for _answer in range(2):
            seat = next_seat(run, judge)
            with transaction.atomic():
                assignment.cast(assignment.open_seats().get(pk=seat.pk), Verdict(status=OK, value=mark))
    assert len(adjudication.queue(run, judge_of(ada))) == 2


# comments


def test_a_comment_is_hidden_from_other_annotators_until_the_item_is_closed():
    run, ann, bob = voting.open_run(questions=1, limits={"overlap": 2}), voting.person("ann"), voting.person("bob")
    battle = Battle.objects.get()
    client = Client()
    client.force_login(ann)
    client.get(reverse("ballot", args=[run.pk]))
    token = voting.seat_in_hand(run, ann).token
    client.post(reverse("comment", args=[token]), {"text": "Is Pluto meant?"})
    lead = voting.person("lena", role="lead")
    seen = lambda user: [one.text for one in comments.visible_to(user, battle)]  # noqa: E731
    assert (seen(ann), seen(bob), seen(lead)) == (["Is Pluto meant?"], [], ["Is Pluto meant?"])
    VotingItem.objects.update(done=2)
    assert seen(bob) == ["Is Pluto meant?"]


def test_nobody_comments_from_the_seat_of_somebody_else():
    run, ann, eve = voting.open_run(), voting.person("ann"), voting.person("eve")
    client = Client()
    client.force_login(eve)
    token = next_seat(run, judge_of(ann)).token
    assert client.post(reverse("comment", args=[token]), {"text": "hm"}).status_code == 404
    assert not Comment.objects.exists()


def test_what_a_comment_says_is_text_and_never_html():
    run = voting.open_run(questions=1)
    lead = voting.person("lena", role="lead")
    client = Client()
    client.force_login(lead)
    battle = Battle.objects.get()
    client.post(reverse("comment_on", args=[run.pk]), {"battle": battle.pk, "text": "<script>alert(1)</script>"})
    page = client.get(reverse("battle", args=[battle.pk])).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


# flags


@pytest.fixture
def lead():
    client = Client()
    client.force_login(voting.person("lena", role="lead"))
    return client


def test_an_item_that_is_taken_out_is_given_to_nobody_and_comes_back_with_undo(lead):
    run, ann, bob = voting.open_run(questions=1), voting.judge("ann"), voting.judge("bob")
    seat = next_seat(run, ann)
    assignment.leave(seat, "flagged", cause="answer", reason="cut off")
    where = reverse("flags", args=[run.pk])
    page = lead.get(where).text
    assert "cut off" in page
    assert "ann" in page
    lead.post(where, {"item": seat.battle_id, "act": "out"})
    assert next_seat(run, bob) is None
    lead.post(where, {"item": seat.battle_id, "act": "reopen"})
    assert next_seat(run, bob) is not None
    acts = AuditEntry.objects.order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["item_taken_out", "flag_reopened"]


def test_what_is_settled_goes_to_the_end():
    run, ann, bob = voting.open_run(questions=2), voting.judge("ann"), voting.judge("bob")
    seats = [next_seat(run, ann)]
    assignment.leave(seats[0], "flagged", cause="answer")
    seats.append(next_seat(run, bob))
    assignment.leave(seats[1], "flagged", cause="answer")
    items = [seat.battle_id for seat in seats]
    flags.settle(run, items[0], out=False, by=None)
    if items[0] != items[1]:
        assert [one.item for one in flags.flagged(run)] == [items[1], items[0]]
    assert VotingItem.objects.filter(is_out=True).count() == 0


# the log


def test_the_log_is_written_to_and_never_changed():
    entry = AuditEntry.note("run_opened", facts="of no kind")
    entry.act = "nothing_happened"
    for change in (
        entry.save,
        entry.delete,
        lambda: AuditEntry.objects.update(act="x"),
        AuditEntry.objects.all().delete,
    ):
        with pytest.raises(AppendOnly):
            change()
    assert AuditEntry.objects.get().act == "run_opened"


def test_the_log_outlives_the_run_and_the_person():
    run, ann = voting.open_run(questions=0), voting.person("ann", role="")
    AuditEntry.note("vote_undone", actor=ann, run=run)
    run.delete()
    ann.delete()
    assert AuditEntry.objects.get().actor_name == "ann"


def test_everybody_reads_their_own_rows_and_leads_those_of_a_run(lead):
    run, ann, bob = voting.open_run(questions=0), voting.person("ann"), voting.person("bob")
    AuditEntry.note("vote_undone", actor=ann, run=run)
    AuditEntry.note("item_flagged", actor=bob, run=run, cause="=cmd()")
    client = Client()
    client.force_login(ann)
    page = client.get(reverse("my_log")).text
    assert "took the last vote back" in page
    assert "flagged an item" not in page
    assert client.get(reverse("audit", args=[run.pk])).status_code == 403
    page = lead.get(reverse("audit", args=[run.pk]) + "?who=bob").text
    assert "flagged an item as broken" in page
    assert ">took the last vote back</th>" not in page
    lines = lead.get(reverse("audit", args=[run.pk]) + "?format=csv").getvalue().decode().splitlines()
    assert len(lines) == 3


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_pages_are_there_in_both_languages(lead, run, language):
    lead.cookies["django_language"] = language
    Group.objects.get_or_create(name="adjudicator")
    for name in ("adjudicate", "flags", "audit", "people", "leaks", "run"):
        assert lead.get(reverse(name, args=[run.pk])).status_code == 200
