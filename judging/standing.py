"""How far a person is in a run: what is behind them, in hand, and open to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import (
    BigIntegerField,
    Count,
    DateTimeField,
    Exists,
    FilteredRelation,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
)
from django.utils import timezone

from arena.statements import Slot, Statement
from judging.models import Assignment, Grade, Judge, Preference, Run, VotingItem
from judging.schedule import Member, checks_with, unseen_golds
from judging.voting import Voting
from judging.voting_items import field_of

MOST_LEFT = 500  # open items that are counted

Seat = Assignment.Status
For = Assignment.Purpose


@dataclass(frozen=True)
class Standing:
    """How far a person is in a run.

    `done` items behind them, `today` votes, `last` the seat left last; `items` that are ordinary ones, behind them, in hand
    or open (at most MOST_LEFT open ones are counted: `is_more`), and `checks`, as many gold items and hidden repeats as go
    with those. `votes`, `golds`, `repeats` seats of each kind that are behind them or in hand; `held` the seat in hand.
    `fewest` people hold any open item of the run, and `urgency` is the highest among those.
    """

    done: int
    today: int
    items: int
    checks: int
    last: UUID | None
    votes: int = 0
    golds: int = 0
    repeats: int = 0
    held: int | None = None
    fewest: int | None = None
    urgency: float | None = None
    is_more: bool = False

    @property
    def total(self) -> int:
        """Items behind and to come. It tells nobody a check from a vote: no item that is given out or left changes it."""
        return self.done + self.left

    @property
    def left(self) -> int:
        """Items to come; MOST_LEFT where there are more."""
        return MOST_LEFT if self.is_more else max(0, self.items + self.checks - self.done)

    def exhausts(self, member: Member) -> str:
        """Which quota this person has used up: "day", "run", or none."""
        if member.per_day and self.today >= member.per_day:
            return "day"
        return "run" if member.per_person and self.votes >= member.per_person else ""


@dataclass(frozen=True)
class Shape:
    """What of a run and a person decides the words of a statement; their numbers go into its slots, see `numbers`."""

    field: str
    languages: tuple[str, ...] = ()
    per_language: tuple[tuple[str, int], ...] = ()
    has_golds: bool = False

    @classmethod
    def of(cls, run: Run, member: Member) -> Shape:
        voting = Voting.of(run)
        return cls(field_of(run), member.languages, tuple(voting.per_language.items()), voting.gold_every > 0)


RUN, JUDGE, RUBRIC = Slot("run"), Slot("judge"), Slot("rubric")
MOST_SHAPES = 64  # whose statements are kept; of most sites there are two


def numbers(run: Run, judge: Judge) -> dict[str, Any]:
    """What goes into RUN, JUDGE and RUBRIC."""
    return {"run": run.pk, "judge": judge.pk, "rubric": run.rubric_id}


def standing(run: Run, judge: Judge, *, member: Member | None = None, gives: bool = False) -> Standing:
    """How far this person is. One query. Raises Run.DoesNotExist where the run was deleted since it was read.

    With `gives`, for who gives out a seat next, no other tab of this person's does so in this run until the transaction ends.
    """
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    gives = gives and connection.vendor == "postgresql"  # SQLite's transactions wait for each other
    asked = _counted(Shape.of(run, member or Member()), gives=gives)
    row = asked.first(midnight=midnight, tabs=_tabs(run, judge), **numbers(run, judge))
    if row is None:
        raise Run.DoesNotExist
    row.pop("turn", None)
    free, unseen = row.pop("free"), row.pop("unseen", 0)
    items = row.pop("left") + row.pop("in_hand") + min(free, MOST_LEFT)
    checks = checks_with(run, judge, items=items, golds=row["golds"], unseen=unseen, repeats=row["repeats"])
    return Standing(items=items, checks=checks, is_more=free > MOST_LEFT, **row)


class _Turn(Func):
    """Waits for whoever holds the same number, and holds it until the transaction ends.

    No row is locked for it: a vote that is being recorded locks those of the judge, the seat and its item, and would wait for us
    while we wait for it.
    """

    function = "pg_advisory_xact_lock"
    output_field = TextField()

    def get_group_by_cols(self) -> list:
        return []


def take_turn(run: Run, judge: Judge) -> None:
    """Wait for this person's other tabs in this run, and let them wait until the transaction ends: see `standing`.

    What is asked after it knows what they did. At most one query.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_tabs(run, judge)])


def _tabs(run: Run, judge: Judge) -> int:
    digest = blake2b(repr((run.pk, judge.pk)).encode(), digest_size=8, person=b"juryroom tabs").digest()
    return int.from_bytes(digest, signed=True)


@lru_cache(MOST_SHAPES)
def _counted(shape: Shape, *, gives: bool) -> Statement:
    return Statement(lambda: _counts(shape, gives=gives))


def _counts(shape: Shape, *, gives: bool) -> QuerySet:
    """What `standing` is made of, in one row."""
    of_this_person = Q(assignments__judge=JUDGE) & ~Q(assignments__purpose=For.ADJUDICATION)
    behind, voted, ordinary = ~Q(mine__status=Seat.LEASED), Q(mine__status=Seat.DONE), Q(mine__purpose=For.VOTE)
    counted = behind & ~Q(mine__purpose=For.PRACTICE)
    today = Q(mine__closed_at__gte=Slot("midnight", DateTimeField()))
    left = Assignment.objects.filter(run=RUN, judge=JUDGE).exclude(status=Seat.LEASED)
    left = left.exclude(purpose__in=(For.ADJUDICATION, For.PRACTICE)).order_by("-closed_at", "-pk")
    head = VotingItem.objects.open().filter(run=RUN).order_by("held", "-urgency")
    hand = seats_in_hand(shape.field, RUN, JUDGE).order_by()
    facts = {
        "done": Count("mine", filter=counted),
        "today": Count("mine", filter=counted & voted & today),
        "votes": Count("mine", filter=voted & ordinary),
        "golds": Count("mine", filter=Q(mine__purpose=For.GOLD)),
        "repeats": Count("mine", filter=Q(mine__purpose=For.REPEAT)),
        "left": Count("mine", filter=behind & ordinary),
        "in_hand": _Size(hand.filter(purpose=For.VOTE).values("pk")),
        "held": Subquery(hand.order_by("pk").values("pk")[:1]),
        "free": _Size(open_items(shape).order_by().values("pk")[: MOST_LEFT + 1]),
        "fewest": Subquery(head.values("held")[:1]),
        "urgency": Subquery(head.values("urgency")[:1]),
        "last": Subquery(left.values("token")[:1]),
    }
    if shape.has_golds:
        facts["unseen"] = _Size(unseen_golds(shape.field, RUN, JUDGE, shape.languages).order_by().values("pk"))
    if gives:
        facts["turn"] = _Turn(Slot("tabs", BigIntegerField()))
    of_run = Run.objects.filter(pk=RUN).order_by().values("pk")
    return of_run.annotate(mine=FilteredRelation("assignments", condition=of_this_person), **facts).values(*facts)


def in_hand(run: Run, judge: Judge) -> QuerySet[Assignment]:
    """The seats this person has not left; those that were let go only while their item still wants people."""
    return seats_in_hand(field_of(run), run.pk, judge.pk)


def seats_in_hand(field: str, run: Any, judge: Any) -> QuerySet[Assignment]:
    """The same by numbers, or slots for them."""
    mine = Assignment.objects.filter(run=run, judge=judge, status=Seat.LEASED).exclude(purpose=For.ADJUDICATION)
    wanting = VotingItem.objects.open().filter(run=run, **{field: OuterRef(field)})
    return mine.filter(Q(holds=True) | ~Q(purpose=For.VOTE) | Exists(wanting))


class _Size(Subquery):
    """How many rows a query with a limit has, as a column of another query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) limited)"
    output_field = IntegerField()


def open_items(shape: Shape, run: Any = RUN, judge: Any = JUDGE, rubric: Any = RUBRIC) -> QuerySet[VotingItem]:
    """Items below the overlap that this person has neither seen in this run nor judged under this rubric, in languages with votes left.

    Of the run, person and rubric by numbers, or in their slots.
    """
    field = shape.field
    seen = Assignment.objects.filter(run=run, judge=judge, **{field: OuterRef(field)})
    table = Grade if field == "answer" else Preference
    known = table.objects.current().filter(judge=judge, rubric=rubric, **{field: OuterRef(field)})
    items = VotingItem.objects.open().filter(run=run)
    if shape.languages:
        items = items.filter(language__in=shape.languages)
    for language, most in shape.per_language:
        voted = Assignment.objects.filter(run=run, judge=judge, purpose=For.VOTE, status=Seat.DONE)
        # the checks among it do not count, as they do not in other quotas for the run
        used = voted.filter(**{f"{field}__question__language": language}).order_by("pk")[most - 1 : most]
        items = items.exclude(Q(language=language) & Q(Exists(used)))
    return items.exclude(Exists(seen)).exclude(Exists(known))
