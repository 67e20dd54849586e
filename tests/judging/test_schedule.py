"""Practice, gold items, hidden repeats, quotas, a third on disagreement: when each comes, and what becomes of its vote."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from arena.models import Battle
from judging import assignment, flags
from judging.assignment import member_of, next_seat, standing, undo
from judging.casting import beat
from judging.judges.base import OK, Verdict
from judging.models import Assignment, Gold, Membership, Preference, Run, VotingItem
from judging.people import resume
from judging.schedule import close_practice, practice_of
from judging.voting_items import are_split, let_all_go, prepare, rewant
from tests.judging import voting
from tests.judging.voting import seat_in_hand

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


def vote(seat: Assignment, value: float = 1.0):
    with transaction.atomic():
        return assignment.cast(assignment.open_seats().get(pk=seat.pk), Verdict(status=OK, value=value))


def towards_first(seat: Assignment, value: float):
    """A vote for the battle's first answer, whichever side it is on."""
    return vote(seat, -value if seat.swapped else value)


def vote_all(run: Run, judge, value: float = 1.0) -> list[Assignment]:
    seats = []
    while seat := next_seat(run, judge, member=member_of(run, judge.user)):
        vote(seat, value)
        seats.append(seat)
    return seats


def gold(run: Run, number: int, *, value: float = 1.0, **fields) -> Gold:
    battle = Battle.objects.order_by("pk")[number]
    return Gold.objects.create(run=run, battle=battle, lowest=value, highest=value, **fields)


def test_practice_comes_first_tells_what_was_right_and_does_not_count():
    run, ann = voting.open_run(questions=6, voting={"practice": 2, "pass_mark": 1.0}), voting.person("ann")
    golds = [gold(run, number, is_practice=True, why_en="Because of the dates.") for number in (0, 1)]
    client = Client()
    client.force_login(ann)
    page = client.get(reverse("ballot", args=[run.pk])).text
    assert "Practice: these votes do not count" in page
    for number in (0, 1):
        seat = seat_in_hand(run, ann)
        assert (seat.purpose, seat.battle_id) == ("practice", golds[number].battle_id)
        right = "b" if seat.swapped else "a"
        said = client.post(reverse("cast", args=[seat.token]), {"choice": right}, **HTMX).text
        assert "Right." in said
        assert "Because of the dates." in said
    assert "From here on your votes count" in said
    assert seat_in_hand(run, ann).purpose == "vote"
    assert set(Preference.objects.values_list("kept_out", flat=True)) == {"practice"}
    assert not Preference.objects.counting().exists()


@pytest.mark.parametrize("act", ["skip", "flag"])
def test_a_round_whose_last_item_is_left_is_not_passed_by_that(act):
    run, ann = voting.open_run(questions=6, voting={"practice": 2, "pass_mark": 1.0}), voting.person("ann")
    for number in (0, 1):
        gold(run, number, is_practice=True)
    client = Client()
    client.force_login(ann)
    client.get(reverse("ballot", args=[run.pk]))
    seat = seat_in_hand(run, ann)
    client.post(reverse("cast", args=[seat.token]), {"choice": "b" if seat.swapped else "a"}, **HTMX)
    left = client.post(reverse(act, args=[seat_in_hand(run, ann).token]), {"reason": "cut off"}, **HTMX).text
    assert "1 of 2 right, which is too few" in left
    assert seat_in_hand(run, ann).purpose == "practice"


def test_a_round_that_is_not_passed_comes_again_and_after_three_the_person_waits_for_the_lead():
    run, ann = voting.open_run(questions=4, voting={"practice": 1}), voting.person("ann")
    gold(run, 0, is_practice=True)
    client = Client()
    client.force_login(ann)
    client.get(reverse("ballot", args=[run.pk]))
    for _round in range(3):
        seat = seat_in_hand(run, ann)
        said = client.post(reverse("cast", args=[seat.token]), {"choice": "a" if seat.swapped else "b"}, **HTMX).text
        assert "which is too few" in said
    assert "Your voting here is paused" in said
    assert Preference.objects.current().count() == 3


@pytest.mark.parametrize("language", ["en", "zh"])
def test_whoever_did_not_pass_for_the_last_time_is_told_so_in_their_language_and_not_to_try_again(language):
    run, ann = voting.open_run(questions=4, voting={"practice": 1}), voting.person("ann")
    gold(run, 0, is_practice=True)
    client = Client()
    client.force_login(ann)
    client.get(reverse("ballot", args=[run.pk]))
    for number in range(3):
        seat = seat_in_hand(run, ann)
        said = client.post(reverse("cast", args=[seat.token]), {"choice": "a" if seat.swapped else "b"}, **HTMX).text
        assert ("Try once more" in said) is (number < 2)
    assert "That was the end of your last round: 0 of 1 right, which is too few." in said
    assert Membership.objects.get().paused_why == "practice_not_passed"
    client.cookies["django_language"] = {"en": "en", "zh": "zh-hans"}[language]
    words = {"en": "The practice round was not passed.", "zh": "未通过练习轮。"}
    assert words[language] in client.get(reverse("ballot", args=[run.pk])).text
    lead = Client()
    lead.force_login(voting.person("lea", role="lead"))
    assert words["en"] in lead.get(reverse("person", args=[run.pk, ann.pk])).text


def test_whoever_goes_on_after_a_pause_for_practice_has_three_tries_again():
    run, ann = voting.open_run(questions=4, voting={"practice": 1}), voting.judge()
    gold(run, 0, is_practice=True)
    for number in range(1, 5):
        member = member_of(run, ann.user)
        vote(practice := next_seat(run, ann, member=member), 1.0 if practice.swapped else -1.0)
        assert close_practice(run, ann, member).is_last is (number == 3)
        if number == 3:
            resume(run, ann.user, by=ann.user)
    assert Membership.objects.get().paused_at is None


@pytest.mark.parametrize("is_practice", [True, False])
def test_gold_that_a_lead_took_out_is_given_to_nobody_until_that_is_taken_back(is_practice):
    run = voting.open_run(questions=12, voting={"practice": 1, "gold_every": 1}, limits={"overlap": 9})
    item = gold(run, 0, is_practice=is_practice).battle_id
    lea = voting.person("lea", role="lead")

    def seen_by(name: str) -> set[str]:
        return {seat.purpose for seat in vote_all(run, voting.judge(name)) if seat.battle_id == item}

    kind = "practice" if is_practice else "gold"
    assert seen_by("ann") == {kind}
    flags.settle(run, item, out=True, by=lea)
    assert seen_by("bob") == set()
    flags.reopen(run, item, by=lea)
    assert seen_by("cy") == {kind}
    flags.settle(run, item, out=False, by=lea)
    assert seen_by("dee") == {kind}


def test_gold_and_practice_are_in_the_languages_of_the_person():
    run = voting.open_run(questions=12, voting={"practice": 3, "gold_every": 2}, limits={"overlap": 9})
    golds = [gold(run, number, is_practice=number % 2 == 0) for number in range(6)]
    zh = {one.battle.question_id for one in golds[:2]}
    run.benchmark.questions.filter(pk__in=zh).update(language="zh")
    VotingItem.objects.filter(battle__question__in=zh).update(language="zh")
    ann = voting.judge()
    Membership.objects.create(run=run, user=ann.user, languages=["en"])
    seats = vote_all(run, ann)
    assert not {seat.battle.question_id for seat in seats} & zh
    assert Counter(seat.purpose for seat in seats) == {"practice": 2, "gold": 2, "vote": 6}


def test_nobody_practises_on_what_they_have_voted_on():
    run, ann = voting.open_run(questions=3), voting.judge()
    vote_all(run, ann)
    run.voting = {"practice": 1}
    gold(run, 0, is_practice=True)
    assert next_seat(run, ann, member=member_of(run, ann.user)) is None


@pytest.mark.parametrize(("turns", "right"), [((1.0, 1.0), 1), ((1.0, 0.0), 1), ((1.0, -1.0), 0), ((-1.0, 1.0), 0)])
def test_practice_on_several_turns_holds_their_mean_against_the_truth(turns, right):
    run, ann = voting.open_run(questions=4, turns=2, voting={"practice": 1}), voting.judge()
    Run.objects.update(turns="each")
    run.refresh_from_db()
    gold(run, 0, is_practice=True)
    Gold.objects.update(lowest=0.5, highest=2.0)
    seat = next_seat(run, ann, member=member_of(run, ann.user))
    said = [(n, Verdict(status=OK, value=-v if seat.swapped else v)) for n, v in enumerate(turns, start=1)]
    with transaction.atomic():
        assignment.cast(assignment.open_seats().get(pk=seat.pk), said)
    assert practice_of(run, ann, member_of(run, ann.user)).right == right


def test_gold_items_come_unannounced_about_as_often_as_asked_and_are_kept_out():
    run = voting.open_run(questions=30, voting={"gold_every": 5}, limits={"overlap": 1})
    for number in range(4):
        gold(run, number)
    ann = voting.judge()
    seats = vote_all(run, ann)
    kinds = Counter(seat.purpose for seat in seats)
    assert kinds == {"vote": 26, "gold": 4}
    assert set(
        Preference.objects.filter(battle__in=Gold.objects.values("battle")).values_list("kept_out", flat=True)
    ) == {"gold"}
    places = [place for place, seat in enumerate(seats) if seat.purpose == "gold"]
    assert len({after - before for before, after in zip(places, places[1:], strict=False)}) > 1


def test_the_html_of_a_gold_item_or_a_repeat_is_that_of_any_other():
    run, ann = voting.open_run(questions=2, limits={"overlap": 1}), voting.person("ann")
    client = Client()
    client.force_login(ann)
    pages = set()
    for purpose in ("vote", "gold", "repeat"):
        client.get(reverse("ballot", args=[run.pk]))
        Assignment.objects.update(purpose=purpose, holds=purpose == "vote")
        page = client.get(reverse("ballot", args=[run.pk])).text
        main = page[page.index("<main") : page.index("</main>")]
        pages.add(re.sub(r'csrfmiddlewaretoken" value="\w+"', "", main))
    assert len(pages) == 1


def test_progress_tells_nobody_a_check_from_a_vote():
    run = voting.open_run(questions=40, voting={"gold_every": 4, "repeat_every": 5}, limits={"overlap": 1})
    for number in range(5):
        gold(run, number)
    ann, told, kinds = voting.judge(), set(), Counter()
    while seat := next_seat(run, ann):
        kinds[seat.purpose] += 1
        shown = [standing(run, ann)]
        if kinds.total() % 7:
            vote(seat)
        else:
            assignment.leave(seat, "skipped")
        shown.append(standing(run, ann))
        told |= {now.total for now in shown}
        assert [now.done for now in shown] == [kinds.total() - 1, kinds.total()]
    assert kinds["gold"] == 5 and kinds["repeat"] > 3
    assert len(told) == 1 and kinds.total() <= told.pop() <= kinds.total() + 3


def test_progress_keeps_its_measure_where_more_are_open_than_are_counted(monkeypatch):
    monkeypatch.setattr("judging.standing.MOST_LEFT", 3)
    run = voting.open_run(questions=12, voting={"gold_every": 2}, limits={"overlap": 1})
    for number in range(2):
        gold(run, number)
    ann = voting.judge()
    for done in range(5):
        seat = next_seat(run, ann)
        assert [(now.done, now.left, now.is_more) for now in (standing(run, ann),)] == [(done, 3, True)]
        vote(seat)
    assert Assignment.objects.filter(purpose="gold").exists()


def test_a_repeat_comes_twenty_items_later_with_the_sides_changed_and_is_kept_out():
    run, ann = voting.open_run(questions=60, voting={"repeat_every": 6}, limits={"overlap": 1}), voting.judge()
    seats = vote_all(run, ann)
    place = {seat.battle_id: number for number, seat in enumerate(seats) if seat.purpose == "vote"}
    repeats = [(number, seat) for number, seat in enumerate(seats) if seat.purpose == "repeat"]
    first = {seat.battle_id: seat for seat in seats if seat.purpose == "vote"}
    assert 5 <= len(repeats) <= 10
    for number, seat in repeats:
        assert number - place[seat.battle_id] >= 20
        assert seat.swapped is not first[seat.battle_id].swapped
    assert Preference.objects.filter(kept_out="repeat").count() == len(repeats)
    assert VotingItem.objects.filter(done=1).count() == 60


def test_undo_of_a_repeat_leaves_the_first_vote_alone():
    run, ann = voting.open_run(questions=40, voting={"repeat_every": 1}, limits={"overlap": 1}), voting.judge()
    while (seat := next_seat(run, ann)).purpose != "repeat":
        vote(seat)
    vote(seat)
    assert undo(run, ann).pk == seat.pk
    assert Preference.objects.current().filter(battle=seat.battle).count() == 1
    assert Preference.objects.current().get(battle=seat.battle).kept_out == ""


@pytest.mark.parametrize(
    ("ballot", "second", "people"),
    [
        ("four", 1.0, 2), ("four", -1.0, 3), ("four", 0.0, 3),
        ("five", 2.0, 2), ("five", 0.0, 2), ("five", -1.0, 3), ("dimensions", 0.0, 3),
    ],
)  # fmt: skip
def test_a_third_is_asked_where_two_are_apart_on_the_scale_of_the_ballot(ballot, second, people):
    run = voting.open_run(questions=1, limits={"overlap": 3}, voting={"third": True, "ballot": ballot})
    judges = [voting.judge(name) for name in ("ann", "bob", "cy")]
    towards_first(next_seat(run, judges[0]), 1.0)
    towards_first(next_seat(run, judges[1]), second)
    assert (next_seat(run, judges[2]) is not None) == (people == 3)
    item = VotingItem.objects.get()
    assert (item.is_split, item.wanted) == (people == 3, people)


def test_people_are_split_in_any_turn_and_marks_by_how_far_they_lie_apart():
    run = voting.open_run(questions=1)
    assert not are_split(run, [(1, 1.0), (1, 1.0), (2, -1.0), (2, -1.0)])
    assert are_split(run, [(1, 1.0), (1, 1.0), (2, -1.0), (2, 0.0)])
    run.mode = "single"  # marks from 1 to 5
    assert not are_split(run, [(0, 3.0), (0, 4.0)])
    assert are_split(run, [(0, 3.0), (0, 4.5)])


def test_a_vote_that_is_taken_back_splits_nothing():
    run = voting.open_run(questions=1, limits={"overlap": 3}, voting={"third": True})
    ann, bob = voting.judge("ann"), voting.judge("bob")
    towards_first(next_seat(run, ann), 1.0)
    towards_first(next_seat(run, bob), -1.0)
    undo(run, bob)
    item = VotingItem.objects.get()
    assert (item.is_split, item.wanted, item.held, item.done) == (False, 2, 2, 1)


@pytest.mark.parametrize(("setting", "word"), [("per_day", "enough for today"), ("per_person", "that is your share")])
def test_a_quota_ends_the_day_or_the_share(setting, word):
    run, ann = voting.open_run(questions=6, voting={setting: 2}), voting.person("ann")
    client = Client()
    client.force_login(ann)
    client.get(reverse("ballot", args=[run.pk]))
    for _vote in range(2):
        answer = client.post(reverse("cast", args=[seat_in_hand(run, ann).token]), {"choice": "a"}, **HTMX)
    assert word in answer.text
    assert Assignment.objects.count() == 2
    if setting == "per_day":
        Assignment.objects.update(closed_at=timezone.now() - timedelta(days=1))
        assert 'data-ballot="pair"' in client.get(reverse("ballot", args=[run.pk])).text


def test_a_person_is_given_their_languages_alone():
    run, ann = voting.open_run(questions=6), voting.judge()
    zh = run.benchmark.questions.all()[:2]
    run.benchmark.questions.filter(pk__in=zh).update(language="zh")
    VotingItem.objects.filter(battle__question__in=zh).update(language="zh")
    Membership.objects.create(run=run, user=ann.user, languages=["zh"])
    assert {seat.battle.question_id for seat in vote_all(run, ann)} == {question.pk for question in zh}
    assert standing(run, ann, member=member_of(run, ann.user)).left == 0


def test_a_quota_of_a_language_leaves_the_other_languages():
    run, ann = voting.open_run(questions=8, voting={"per_language": {"zh": 2}}, limits={"overlap": 9}), voting.judge()
    zh = run.benchmark.questions.order_by("pk")[:5].values_list("pk", flat=True)
    run.benchmark.questions.filter(pk__in=list(zh)).update(language="zh")
    VotingItem.objects.filter(battle__question__language="zh").update(language="zh")
    votes = Counter(seat.battle.question.language for seat in vote_all(run, ann))
    assert votes == {"zh": 2, "en": 3}
    assert standing(run, ann).left == 0
    assert undo(run, ann) is not None and next_seat(run, ann) is not None
    assert Counter(seat.battle.question.language for seat in vote_all(run, voting.judge("bob"))) == votes


def test_what_is_paused_keeps_every_vote_and_is_given_nothing():
    run, ann = voting.open_run(), voting.person("ann")
    client = Client()
    client.force_login(ann)
    client.get(reverse("ballot", args=[run.pk]))
    client.post(reverse("cast", args=[seat_in_hand(run, ann).token]), {"choice": "a"}, **HTMX)
    Membership.objects.create(run=run, user=ann, paused_at=timezone.now(), paused_why="Let us talk first.")
    page = client.get(reverse("ballot", args=[run.pk])).text
    assert "Let us talk first." in page
    assert Preference.objects.counting().count() == 1


def test_a_beat_holds_the_seat_and_says_when_it_is_lost():
    run, ann = voting.open_run(questions=1, limits={"overlap": 1}), voting.judge("ann")
    seat = next_seat(run, ann)
    soon = timezone.now() + timedelta(seconds=5)
    Assignment.objects.update(lease_until=soon)
    assert beat(seat.token, ann.user)
    seat.refresh_from_db()
    assert seat.lease_until > soon
    assert not beat(seat.token, voting.person("eve"))
    Assignment.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert let_all_go() == 1
    assert not beat(seat.token, ann.user)
    assert VotingItem.objects.get().held == 0


def test_a_late_vote_counts_even_where_somebody_else_has_the_item():
    run, ann, bob = voting.open_run(questions=1, limits={"overlap": 1}), voting.judge("ann"), voting.judge("bob")
    late = next_seat(run, ann)
    Assignment.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    other = next_seat(run, bob)
    assert other is not None
    vote(late)
    vote(other)
    item = VotingItem.objects.get()
    assert (item.held, item.done, Preference.objects.count()) == (2, 2, 2)


@pytest.mark.parametrize("leave_as", ["skipped", "flagged"])
def test_what_is_skipped_or_flagged_goes_to_somebody_else(leave_as):
    run, ann, bob = voting.open_run(questions=1, limits={"overlap": 1}), voting.judge("ann"), voting.judge("bob")
    assignment.leave(next_seat(run, ann), leave_as, cause="other")
    assert VotingItem.objects.get().held == 0
    assert next_seat(run, bob) is not None


def test_an_item_that_was_taken_out_is_given_to_nobody():
    run = voting.open_run(questions=1)
    VotingItem.objects.update(is_out=True)
    assert next_seat(run, voting.judge()) is None


def test_after_all_are_covered_the_most_urgent_comes_first():
    run = voting.open_run(questions=8, limits={"overlap": 2})
    last = VotingItem.objects.order_by("-place").first()
    VotingItem.objects.filter(pk=last.pk).update(urgency=0.9)
    ann, bob = voting.judge("ann"), voting.judge("bob")
    assert vote_all(run, ann)[0].battle_id == last.battle_id
    assert vote_all(run, bob)[0].battle_id == last.battle_id


def test_more_answers_make_more_items_and_keep_the_counts():
    run, ann = voting.open_run(questions=2), voting.judge()
    vote(next_seat(run, ann))
    VotingItem.objects.all().delete()
    assert prepare(run)
    assert not prepare(run)
    assert sorted(VotingItem.objects.values_list("held", "done")) == [(0, 0), (1, 1)]


def test_items_made_after_the_votes_know_what_people_are_split_on():
    run = voting.open_run(questions=2, limits={"overlap": 2})
    ann, bob = voting.judge("ann"), voting.judge("bob")
    for _item in range(2):
        towards_first(next_seat(run, ann), 1.0)
    seats = [next_seat(run, bob)]
    towards_first(seats[0], -1.0)
    seats.append(next_seat(run, bob))
    towards_first(seats[1], 1.0)
    VotingItem.objects.all().delete()
    assert prepare(run)
    assert VotingItem.objects.get(is_split=True).battle_id == seats[0].battle_id


def test_another_overlap_is_wanted_of_every_item():
    run = voting.open_run(questions=2, limits={"overlap": 3})
    run.limits = {"overlap": 5}
    rewant(run)
    assert set(VotingItem.objects.values_list("wanted", flat=True)) == {5}


@pytest.mark.parametrize("questions", [30, 300])
def test_a_vote_costs_twelve_queries_however_long_the_run(questions):
    run, ann = voting.open_run(questions=questions), voting.person("ann")
    client = Client()
    client.force_login(ann)
    client.get(reverse("ballot", args=[run.pk]))
    client.post(reverse("cast", args=[seat_in_hand(run, ann).token]), {"choice": "a"}, **HTMX)
    seat = seat_in_hand(run, ann)
    with CaptureQueriesContext(connection) as captured:
        answer = client.post(reverse("cast", args=[seat.token]), {"choice": "a"}, **HTMX)
    assert 'data-ballot="pair"' in answer.text
    assert (
        sum("SAVEPOINT" not in query["sql"] for query in captured) <= 12
    )  # the test's own transaction makes savepoints
