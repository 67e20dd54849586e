"""Giving out seats: which item a person judges next, on which sides; votes recorded, and taken back.

Items stand in a table of their own (`VotingItem`) with how many people hold them, so that the next one is a look-up in an
index. PostgreSQL locks the one row and skips those that others are just taking; SQLite's transactions begin IMMEDIATE.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import (
    Case,
    Exists,
    F,
    FloatField,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    UUIDField,
    When,
)
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from arena.frame import LEADS
from arena.models import Answer, Battle, Provenance
from arena.statements import Slot, Statement
from judging.judges.base import Verdict
from judging.leaking import seat_leaks
from judging.models import Assignment, AuditEntry, Grade, Judge, KeptOut, Membership, Preference, Run, VotingItem
from judging.models.assignment import LEASE
from judging.room import NoRoom, Room
from judging.running import tell
from judging.schedule import KEPT_OUT, Due, Member, check_due, practice_due
from judging.standing import (
    JUDGE,
    MOST_SHAPES,
    RUN,
    Shape,
    Standing,
    in_hand,
    numbers,
    open_items,
    seats_in_hand,
    standing,
    take_turn,
)
from judging.voting import MARK, Voting
from judging.voting_items import are_split, field_of, let_go, pool, prepare, rewant

__all__ = [
    "NoRoom",
    "Standing",
    "cast",
    "given",
    "judge_of",
    "leave",
    "next_seat",
    "open_seats",
    "pool",
    "prepare",
    "rewant",
    "seat_to_leave",
    "standing",
    "undo",
    "with_item",
]

UNDOABLE = 20  # seats that can be reopened one after another

Seat = Assignment.Status
For = Assignment.Purpose


def judge_of(user) -> Judge:
    """The judge that this user is, made on their first vote. One query, more the first time."""
    known = Judge.objects.filter(user=user).first()
    if known:
        return known
    name = user.get_username()[:120]
    taken = Judge.objects.filter(name=name).aggregate(last=Max("version"))["last"] or 0
    try:
        with transaction.atomic():
            return Judge.objects.create(user=user, kind=Judge.Kind.PERSON, name=name, version=taken + 1)
    except IntegrityError:  # made by this person's other tab meanwhile
        return Judge.objects.get(user=user)


def member_of(run: Run, user) -> Member:
    """What the run knows of this person. One query."""
    return Member.of(run, Membership.objects.filter(run=run, user=user).first())


def next_seat(
    run: Run, judge: Judge, *, member: Member | None = None, now: Standing | None = None
) -> Assignment | None:
    """The seat this person holds, or a new one; None when nothing in this run is open to them.

    New are, in this order: practice, a gold item or hidden repeat that is due, the item that the fewest people hold. One query
    more before the last vote that a quota lets this person cast. `now` is this person's standing, for who `gives`, in the same
    transaction.
    """
    member = member or Member.of(run, None)
    with transaction.atomic(savepoint=False):
        return given(run, judge, member, now or standing(run, judge, gives=True))[0]


@transaction.atomic(savepoint=False)
def given(run: Run, judge: Judge, member: Member, now: Standing) -> tuple[Assignment | None, Standing]:
    """The same, with this person's standing: `now`, or what was read after it because another tab has voted since, or may have."""
    if now.held and (seat := _held_seat(run, judge)):
        return seat, now if seat.pk == now.held else standing(run, judge, member=member)
    is_stale = bool(now.held) or _is_near(now, member)
    while is_stale:  # a quota can be used up
        now = standing(run, judge, member=member)
        if now.held and (seat := _held_seat(run, judge)):
            return seat, now
        is_stale = bool(now.held)
    return (None if now.exhausts(member) else _given(run, judge, member, now)), now


def _given(run: Run, judge: Judge, member: Member, now: Standing) -> Assignment | None:
    """A new seat, or one that another tab was given since `now`; None where there is none."""
    due = practice_due(run, judge, member)
    due = due or check_due(run, judge, member, votes=now.votes, golds=now.golds, repeats=now.repeats)
    if due:
        return _held_seat(run, judge) or _seat(run, judge, due)
    seat = _new_seat(run, judge, member, level=(now.fewest, now.urgency))
    if seat := seat or _held_seat(run, judge):
        return seat
    more = let_go(run) or prepare(run)
    return _new_seat(run, judge, member, level=(None, None)) if more else None


def _is_near(now: Standing, member: Member) -> bool:
    """Whether one vote more uses up a quota of this person's."""
    return bool(replace(now, today=now.today + 1, votes=now.votes + 1).exhausts(member))


def cast(
    seat: Assignment,
    verdicts: Verdict | Sequence[tuple[int, Verdict]],
    *,
    note: str = "",
    reasons: Sequence[str] = (),
    active_ms: int | None = None,
) -> Preference | Grade:
    """Record this vote from a seat that is still open, and close the seat; the last judgment. Call it in a transaction.

    `verdicts` are one on the whole, or one for each turn. A lease that ran out does not matter: the vote is kept, even
    where the item was given to somebody else since.
    """
    run, demo = seat.run, seat.run.provenance == Provenance.DEMO
    where = {
        "judge": seat.judge,
        "rubric": run.rubric,
        "run": run,
        "provenance": Provenance.DEMO if demo else Provenance.REAL,
        "trial": seat.next_trial,
        "note": note,
        "reasons": list(reasons),
        "kept_out": _kept_out(seat),
    }
    told = [(0, verdicts)] if isinstance(verdicts, Verdict) else verdicts
    leave(seat, Seat.DONE, active_ms=active_ms)
    for turn, verdict in told:
        judgment = _recorded(seat, verdict, turn=turn, **where)
    if seat.is_for_the_count:
        _weigh(seat)
    for used in (seat.judge, run.rubric, run.benchmark):
        used.freeze()
    transaction.on_commit(lambda: tell(run))
    return judgment


def _recorded(seat: Assignment, verdict: Verdict, **where: Any) -> Preference | Grade:
    if seat.answer_id:
        judgment = Grade.record(verdict, answer=seat.answer, **where)
    else:
        judgment = Preference.record(verdict, battle=seat.battle, swapped=seat.swapped, **where)
    judgment.save(force_insert=True)
    return judgment


def _kept_out(seat: Assignment) -> str:
    """Why ratings leave out what this seat says; "" where they do not."""
    if seat.purpose in KEPT_OUT:
        return KEPT_OUT[seat.purpose]
    return KeptOut.LEAK if Voting.of(seat.run).leaks == MARK and seat_leaks(seat) else ""


def leave(seat: Assignment, status: str, *, cause: str = "", reason: str = "", active_ms: int | None = None) -> None:
    """Close the seat as voted, skipped or flagged, and let go of its item unless it was voted on. Two updates."""
    holds = seat.is_for_the_count and status == Seat.DONE
    if seat.is_for_the_count:
        _count(seat, held=holds - seat.holds, done=int(status == Seat.DONE))
    seat.status, seat.cause, seat.reason, seat.holds = status, cause, reason, holds
    seat.closed_at = timezone.now()
    seat.active_ms = (seat.active_ms or 0) + active_ms if active_ms is not None else seat.active_ms
    seat.save(update_fields=["status", "cause", "reason", "holds", "closed_at", "active_ms"])


def _count(seat: Assignment, *, held: int, done: int) -> None:
    """Add to the counts of the seat's item, which nobody else changes until the transaction ends."""
    items = VotingItem.objects.filter(run=seat.run_id, **seat.item)
    items.update(held=F("held") + held, done=F("done") + done)


def _weigh(seat: Assignment) -> None:
    """Put on the item whether people decided against each other on it, and ask for a third where the run says so."""
    run, voting = seat.run, Voting.of(seat.run)
    if voting.overlap < 2:
        return
    field = field_of(run)
    split = are_split(run, _SAID[field].rows(run=run.pk, item=seat.item[field]))
    changes = {"is_split": split} | ({"wanted": voting.overlap if split else voting.wanted} if voting.third else {})
    if split or seat.was_split:
        VotingItem.objects.filter(run=run, **seat.item).update(**changes)


def _said(field: str) -> QuerySet:
    """What people say of an item, (turn, value) each."""
    table, value = (Grade, "score") if field == "answer" else (Preference, "value")
    said = table.objects.decided().filter(run=Slot("run"), judge__kind__in=Judge.PEOPLE, **{field: Slot("item")})
    return said.exclude(kept_out__in=set(KEPT_OUT.values())).values_list("turn", value)


_SAID = {"answer": Statement(lambda: _said("answer")), "battle": Statement(lambda: _said("battle"))}


def undo(run: Run, judge: Judge, *, last: UUID | None = None, member: Member | None = None) -> Assignment | None:
    """Reopen the seat this person left last, on the same sides; its vote is superseded and stays on record.

    `last` is what the person saw as their last seat: when another tab has undone it already, or left another since, nothing
    happens; those are passed over that there is no room for. None when there is nothing to take back, or the last 20 were taken
    back already. Raises NoRoom where a quota, or the people the item is for, would be exceeded by the vote that could follow.
    What a skip or a flag said is kept in the log, and nowhere else.
    """
    with transaction.atomic():
        take_turn(run, judge)
        room = Room.of(run, judge, member or Member.of(run, None))
        seat, before, why = _to_reopen(run, judge, last, room)
        if seat is None or room.in_hand > UNDOABLE:
            return None
        if why:
            raise NoRoom(why, before=before)
        voted = seat.status == Seat.DONE
        said = {"status": seat.status, "cause": seat.cause, "reason": seat.reason}
        AuditEntry.note("vote_undone", actor=seat.judge.user, run=run, seat=str(seat.token), **said)
        if voted:
            _take_back(seat)
        _hold(seat, done=-int(voted))
        if voted and seat.is_for_the_count:
            seat.was_split = True
            _weigh(seat)
        return seat


def _to_reopen(run: Run, judge: Judge, last: UUID | None, room: Room) -> tuple[Assignment | None, UUID | None, str]:
    """The seat that is meant by `last`, locked; what was left before it; and what it lacks room in. Two queries for each passed over."""
    mine = Assignment.objects.filter(run=run, judge=judge).exclude(purpose__in=(For.ADJUDICATION, For.PRACTICE))
    left = mine.exclude(status=Seat.LEASED).order_by("-closed_at", "-pk")
    left = left.select_for_update(of=("self",)).select_related(
        "run__rubric", "judge__user", f"{field_of(run)}__question"
    )
    for place in range(UNDOABLE):
        seat, before = [*left[place : place + 2], None, None][:2]
        if seat is None:
            break
        why = room.lacks(seat)
        if last in (None, seat.token):
            return seat, before and before.token, why
        if not why:
            break
    return None, None, ""


def _take_back(seat: Assignment) -> None:
    run = seat.run
    table = Grade if seat.answer_id else Preference
    said = table.objects.current().filter(run=run, judge=seat.judge, **seat.item)
    of_this_seat = Q(kept_out=KeptOut.REPEAT)
    said = said.filter(of_this_seat if seat.purpose == For.REPEAT else ~of_this_seat)
    said.update(superseded_at=timezone.now())
    transaction.on_commit(lambda: tell(run))


def _hold(seat: Assignment, *, done: int = 0) -> None:
    """Lease the seat from now on; its item is held again if it was let go. Two updates at most."""
    takes = seat.is_for_the_count and not seat.holds
    if takes or done:
        _count(seat, held=int(takes), done=done if seat.is_for_the_count else 0)
    seat.status, seat.closed_at, seat.settled_at = Seat.LEASED, None, None
    seat.cause = seat.reason = ""
    seat.lease_until = timezone.now() + LEASE
    seat.holds = seat.is_for_the_count
    told = ["status", "closed_at", "settled_at", "cause", "reason", "lease_until", "holds"]
    seat.save(update_fields=told)


def beat(seat: Assignment) -> bool:
    """Hold on to a seat while its page is looked at; whether nobody let go of it meanwhile. One update."""
    return bool(_under_lease().filter(pk=seat.pk).update(lease_until=timezone.now() + LEASE))


def seats_to_hold() -> QuerySet[Assignment]:
    """Seats that a beat may hold on to, with their run and what is asked of their persons: see `open_seats`. One query."""
    return _with_persons(_under_lease().select_related("run"))


def _under_lease() -> QuerySet[Assignment]:
    """Seats that nobody has left, and that were not let go."""
    return Assignment.objects.filter(Q(holds=True) | ~Q(purpose=For.VOTE), status=Seat.LEASED)


def open_seats() -> QuerySet[Assignment]:
    """Seats with all that a vote needs, in one query.

    `next_trial` counts this person's repeats of the item under this rubric, `was_split` says whether people were against
    each other on it, `annotates` and `leads` whether the person does so on the site, `member` is their membership's id.
    """

    def trial(table, name: str):
        mine = table.objects.current().filter(judge=OuterRef("judge"), rubric=OuterRef("run__rubric"))
        last = mine.filter(**{name: OuterRef(name)}).order_by("-trial").values("trial")[:1]
        return Coalesce(Subquery(last, output_field=IntegerField()) + 1, 0)

    def split(name: str):
        return Exists(VotingItem.objects.filter(run=OuterRef("run"), is_split=True, **{name: OuterRef(name)}))

    is_grade = When(answer__isnull=False, then=trial(Grade, "answer"))
    related = ["run__rubric", "run__benchmark", "judge", "battle__first", "battle__second", "answer"]
    related += ["battle__question", "answer__question"]
    return _with_persons(Assignment.objects.select_related(*related)).annotate(
        next_trial=Case(is_grade, default=trial(Preference, "battle"), output_field=IntegerField()),
        was_split=Case(When(answer__isnull=False, then=split("answer")), default=split("battle")),
    )


def seat_to_leave(token: UUID, user: Any) -> Assignment | None:
    """This person's seat with all that a vote needs, locked until the transaction ends. One query."""
    return _TO_LEAVE.first(token=token, user=user.pk)


_TO_LEAVE = Statement(
    lambda: (
        open_seats()
        .filter(token=Slot("token", UUIDField()), judge__user=Slot("user"))
        .select_for_update(of=("self",))
        .order_by()
    )
)


def _with_persons(seats: QuerySet[Assignment]) -> QuerySet[Assignment]:
    groups = _groups().objects.filter(user=OuterRef("judge__user"))
    membership = Membership.objects.filter(run=OuterRef("run"), user=OuterRef("judge__user"))
    return seats.annotate(
        annotates=Exists(groups.filter(group__name="annotator")),
        leads=Exists(groups.filter(group__name__in=LEADS)),
        member=Subquery(membership.order_by().values("pk")[:1]),
    )


def _groups():
    return Judge._meta.get_field("user").related_model.groups.through


def _held_seat(run: Run, judge: Judge) -> Assignment | None:
    """The oldest seat this person has in hand, held anew."""
    # locked: a vote on it that is just being recorded is waited for, and such a seat is held no longer
    seat = _with_item(in_hand(run, judge), run).select_for_update(of=("self",)).order_by("pk").first()
    if seat:
        _hold(seat)
    return seat


def with_item(seat: Assignment) -> Assignment:
    """This seat with its item, question and category loaded. One query."""
    return _with_item(Assignment.objects.filter(pk=seat.pk), seat.run).get()


def _with_item(seats: QuerySet, run: Run) -> QuerySet:
    field = field_of(run)
    return seats.select_related(*(f"{field}__{name}" for name in _related(field)))


def _related(field: str) -> tuple[str, ...]:
    return ("question__category",) if field == "answer" else ("question__category", "first", "second")


def _seat(run: Run, judge: Judge, due: Due) -> Assignment:
    """A seat that is not for the count, made unless this person's other tab has made it. Up to three queries."""
    field = field_of(run)
    where = {"run": run, "judge": judge, "trial": due.trial, f"{field}_id": due.item}
    swapped = bool(secrets.randbits(1)) if due.swapped is None else due.swapped
    new = {"purpose": due.purpose, "swapped": swapped and not run.is_single, "lease_until": timezone.now() + LEASE}
    made, _ = Assignment.objects.get_or_create(**where, defaults=new)
    return _with_item(Assignment.objects.filter(pk=made.pk), run).get()


def _new_seat(run: Run, judge: Judge, member: Member, *, level: tuple[int | None, float | None]) -> Assignment | None:
    """A seat on the item that the fewest people hold, from a place on that is this person's own. Three queries.

    Among equals those go first of which a further vote tells most. None for somebody who has a seat in hand.
    """
    shape = Shape.of(run, member)
    item = _take(shape, run, judge, level=level)
    if item is None:
        return None
    swapped = not run.is_single and bool(secrets.randbits(1))
    until = timezone.now() + LEASE
    told = {shape.field: _ITEMS[shape.field].first(item=item)}
    return Assignment.objects.create(run=run, judge=judge, swapped=swapped, holds=True, lease_until=until, **told)


def _take(shape: Shape, run: Run, judge: Judge, *, level: tuple[int | None, float | None]) -> int | None:
    """The item for this person, held by one more from now on: of the `level` (held, urgency) where that is known. One query.

    On PostgreSQL those are passed over that others are just taking; where no other is left, what they leave is waited for.
    """
    held, urgency = level
    values = numbers(run, judge) | {"held": held, "urgency": urgency, "share": _share(run, judge)}
    for skip in (True, False) if connection.features.has_select_for_update_skip_locked else (True,):
        ways = [_in_order(shape, skip=skip).sql(**values)]
        if held is not None:
            ways.insert(0, _ahead(shape, skip=skip).sql(**values))
        found = ", ".join(f"({sql})" for sql, _ in ways)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE judging_votingitem SET held = held + 1 WHERE id = COALESCE({found}, NULL) RETURNING {shape.field}_id",
                [value for _, filled in ways for value in filled],
            )
            if rows := cursor.fetchall():
                return rows[0][0]
    return None


@lru_cache(MOST_SHAPES)
def _ahead(shape: Shape, *, skip: bool) -> Statement:
    """The first open item of a level, from this person's own place on."""
    begins = Subquery(
        VotingItem.objects.filter(run=RUN).order_by("-place").values("place")[:1], output_field=FloatField()
    )
    level = {"held": Slot("held"), "urgency": Slot("urgency")}
    place = Cast(begins * Slot("share", FloatField()), IntegerField())  # as its index has it
    return Statement(lambda: _locked(_open_to(shape).filter(place__gte=place, **level).order_by("place"), skip=skip))


@lru_cache(MOST_SHAPES)
def _in_order(shape: Shape, *, skip: bool) -> Statement:
    """The first open item of all."""
    return Statement(lambda: _locked(_open_to(shape).order_by("held", "-urgency", "place"), skip=skip))


def _open_to(shape: Shape) -> QuerySet[VotingItem]:
    """What is open to somebody who has no seat in hand."""
    return open_items(shape).exclude(Exists(seats_in_hand(shape.field, RUN, JUDGE)))


def _locked(items: QuerySet[VotingItem], *, skip: bool) -> QuerySet:
    """The first of these, locked until the transaction ends; with `skip` the first that nobody else has locked."""
    skip = skip and connection.features.has_select_for_update_skip_locked
    return items.select_for_update(skip_locked=skip, no_key=True).values("pk")[:1]


def _share(run: Run, judge: Judge) -> float:
    """Where among the run's items this person begins, from 0 to 1: anywhere, always the same."""
    digest = blake2b(repr((run.pk, run.seed, judge.pk)).encode(), digest_size=4, person=b"juryroom seats").digest()
    return int.from_bytes(digest) / 2**32


_ITEMS = {
    "answer": Statement(lambda: Answer.objects.select_related(*_related("answer")).filter(pk=Slot("item"))),
    "battle": Statement(lambda: Battle.objects.select_related(*_related("battle")).filter(pk=Slot("item"))),
}
