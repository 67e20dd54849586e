"""How far a person is in a run: what is behind them, in hand, and open to them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, FilteredRelation, IntegerField, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from judging.models import Assignment, Grade, Judge, Preference, Run, VotingItem
from judging.schedule import Member
from judging.voting_items import field_of

MOST_LEFT = 500  # open items that are counted

Seat = Assignment.Status
For = Assignment.Purpose


@dataclass(frozen=True)
class Standing:
    """How far a person is in a run.

    `done` items behind them, `today` votes, `left` open to them (at most MOST_LEFT are counted), `last` the seat left last;
    `votes`, `golds`, `repeats` seats of each kind that are behind them or in hand; `held` the seat in hand. `fewest` people
    hold any open item of the run, and `urgency` is the highest among those.
    """

    done: int
    today: int
    left: int
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
        return self.done + self.left

    def exhausts(self, member: Member) -> str:
        """Which quota this person has used up: "day", "run", or none."""
        if member.per_day and self.today >= member.per_day:
            return "day"
        return "run" if member.per_person and self.votes >= member.per_person else ""


def standing(run: Run, judge: Judge, *, member: Member | None = None) -> Standing:
    """How far this person is. One query."""
    of_this_person = Q(assignments__judge=judge) & ~Q(assignments__purpose=For.ADJUDICATION)
    leased, voted = Q(mine__status=Seat.LEASED), Q(mine__status=Seat.DONE)
    counted = ~leased & ~Q(mine__purpose=For.PRACTICE)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    behind = Assignment.objects.filter(run=run, judge=judge).exclude(status=Seat.LEASED)
    behind = behind.exclude(purpose__in=(For.ADJUDICATION, For.PRACTICE)).order_by("-closed_at", "-pk")
    head = VotingItem.objects.open().filter(run=run).order_by("held", "-urgency")
    facts = {
        "done": Count("mine", filter=counted),
        "today": Count("mine", filter=counted & voted & Q(mine__closed_at__gte=midnight)),
        "votes": Count("mine", filter=voted & Q(mine__purpose=For.VOTE)),
        "golds": Count("mine", filter=Q(mine__purpose=For.GOLD)),
        "repeats": Count("mine", filter=Q(mine__purpose=For.REPEAT)),
        "leased": Count("mine", filter=leased),
        "held": Min("mine", filter=leased),
        "free": _Size(open_items(run, judge, member or Member()).order_by().values("pk")[: MOST_LEFT + 1]),
        "fewest": Subquery(head.values("held")[:1]),
        "urgency": Subquery(head.values("urgency")[:1]),
        "last": Subquery(behind.values("token")[:1]),
    }
    of_run = Run.objects.filter(pk=run.pk).order_by().values("pk")
    row = of_run.annotate(mine=FilteredRelation("assignments", condition=of_this_person), **facts).values(*facts).get()
    free = row.pop("free")
    left = row.pop("leased") + min(free, MOST_LEFT)
    return Standing(left=left, is_more=free > MOST_LEFT, **row)


class _Size(Subquery):
    """How many rows a query with a limit has, as a column of another query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) limited)"
    output_field = IntegerField()


def open_items(run: Run, judge: Judge, member: Member) -> QuerySet[VotingItem]:
    """Items below the overlap that this person has neither seen in this run nor judged under this rubric."""
    field = field_of(run)
    seen = Assignment.objects.filter(run=run, judge=judge, **{field: OuterRef(field)})
    table = Grade if run.is_single else Preference
    known = table.objects.current().filter(judge=judge, rubric=run.rubric_id, **{field: OuterRef(field)})
    items = VotingItem.objects.open().filter(run=run)
    if member.languages:
        items = items.filter(language__in=member.languages)
    return items.exclude(Exists(seen)).exclude(Exists(known))
