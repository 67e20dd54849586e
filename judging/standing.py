"""How far a person is in a run: what is behind them, in hand, and open to them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, FilteredRelation, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

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


def standing(run: Run, judge: Judge, *, member: Member | None = None) -> Standing:
    """How far this person is. One query."""
    member = member or Member()
    of_this_person = Q(assignments__judge=judge) & ~Q(assignments__purpose=For.ADJUDICATION)
    behind, voted, ordinary = ~Q(mine__status=Seat.LEASED), Q(mine__status=Seat.DONE), Q(mine__purpose=For.VOTE)
    counted = behind & ~Q(mine__purpose=For.PRACTICE)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    left = Assignment.objects.filter(run=run, judge=judge).exclude(status=Seat.LEASED)
    left = left.exclude(purpose__in=(For.ADJUDICATION, For.PRACTICE)).order_by("-closed_at", "-pk")
    head = VotingItem.objects.open().filter(run=run).order_by("held", "-urgency")
    hand = in_hand(run, judge).order_by()
    facts = {
        "done": Count("mine", filter=counted),
        "today": Count("mine", filter=counted & voted & Q(mine__closed_at__gte=midnight)),
        "votes": Count("mine", filter=voted & ordinary),
        "golds": Count("mine", filter=Q(mine__purpose=For.GOLD)),
        "repeats": Count("mine", filter=Q(mine__purpose=For.REPEAT)),
        "left": Count("mine", filter=behind & ordinary),
        "in_hand": _Size(hand.filter(purpose=For.VOTE).values("pk")),
        "held": Subquery(hand.order_by("pk").values("pk")[:1]),
        "free": _Size(open_items(run, judge, member).order_by().values("pk")[: MOST_LEFT + 1]),
        "fewest": Subquery(head.values("held")[:1]),
        "urgency": Subquery(head.values("urgency")[:1]),
        "last": Subquery(left.values("token")[:1]),
    }
    if Voting.of(run).gold_every:
        facts["unseen"] = _Size(unseen_golds(run, judge, member).order_by().values("pk"))
    of_run = Run.objects.filter(pk=run.pk).order_by().values("pk")
    row = of_run.annotate(mine=FilteredRelation("assignments", condition=of_this_person), **facts).values(*facts).get()
    free, unseen = row.pop("free"), row.pop("unseen", 0)
    items = row.pop("left") + row.pop("in_hand") + min(free, MOST_LEFT)
    checks = checks_with(run, judge, items=items, golds=row["golds"], unseen=unseen, repeats=row["repeats"])
    return Standing(items=items, checks=checks, is_more=free > MOST_LEFT, **row)


def in_hand(run: Run, judge: Judge) -> QuerySet[Assignment]:
    """The seats this person has not left; those that were let go only while their item still wants people."""
    field = field_of(run)
    mine = Assignment.objects.filter(run=run, judge=judge, status=Seat.LEASED).exclude(purpose=For.ADJUDICATION)
    wanting = VotingItem.objects.open().filter(run=run, **{field: OuterRef(field)})
    return mine.filter(Q(holds=True) | ~Q(purpose=For.VOTE) | Exists(wanting))


class _Size(Subquery):
    """How many rows a query with a limit has, as a column of another query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) limited)"
    output_field = IntegerField()


def open_items(run: Run, judge: Judge, member: Member) -> QuerySet[VotingItem]:
    """Items below the overlap that this person has neither seen in this run nor judged under this rubric, in languages with votes left."""
    field = field_of(run)
    seen = Assignment.objects.filter(run=run, judge=judge, **{field: OuterRef(field)})
    table = Grade if run.is_single else Preference
    known = table.objects.current().filter(judge=judge, rubric=run.rubric_id, **{field: OuterRef(field)})
    items = VotingItem.objects.open().filter(run=run)
    if member.languages:
        items = items.filter(language__in=member.languages)
    for language, most in Voting.of(run).per_language.items():
        used = _votes_in(run, judge, language)[most - 1 : most]
        items = items.exclude(Q(language=language) & Q(Exists(used)))
    return items.exclude(Exists(seen)).exclude(Exists(known))


def _votes_in(run: Run, judge: Judge, language: str) -> QuerySet[Assignment]:
    """What this person voted on in a language; the checks among it do not count, as they do not in other quotas for the run."""
    voted = Assignment.objects.filter(run=run, judge=judge, purpose=For.VOTE, status=Seat.DONE)
    return voted.filter(**{f"{field_of(run)}__question__language": language}).order_by("pk")
