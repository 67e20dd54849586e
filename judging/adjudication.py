"""What people are split on, decided by somebody who says why; the votes that were cast stay as they are."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log2

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from judging import assignment
from judging.judges.base import Verdict
from judging.models import Assignment, AuditEntry, Grade, Judge, KeptOut, Preference, Run, VotingItem
from judging.models.assignment import LEASE
from judging.schedule import KEPT_OUT
from judging.voting_items import field_of

LOOKED_AT = 500  # split items that are put in order of how contested they are

Seat = Assignment.Status
FOR = Assignment.Purpose.ADJUDICATION


@dataclass(frozen=True)
class Case:
    """One vote on a split item as an adjudicator may see it: person 1, 2 …, what was said as it is shown here, and why."""

    who: str
    said: str
    reasons: list[str]
    note: str


def votes_on(run: Run, items: Sequence[int] | None = None):
    """The votes of people in this run that stand, but checks and adjudications; on these items, or on all."""
    table = Grade if run.is_single else Preference
    said = table.objects.decided().filter(run=run, judge__kind__in=Judge.PEOPLE)
    said = said.exclude(kept_out__in=set(KEPT_OUT.values()))
    return said if items is None else said.filter(**{f"{field_of(run)}__in": items})


def queue(run: Run, judge: Judge) -> list[int]:
    """Split items that this adjudicator may decide, the most contested first: ids of battles or answers. Three queries.

    Not those that are decided already in this run, that another adjudicator is at, that were taken out, or that this
    person voted on.
    """
    field = field_of(run)
    here = {"run": run, field: OuterRef(field)}
    table = Grade if run.is_single else Preference
    decided = table.objects.current().filter(kept_out=KeptOut.ADJUDICATION, **here)
    mine = Assignment.objects.filter(judge=judge, **here).exclude(purpose=FOR, status=Seat.LEASED)
    others = Assignment.objects.filter(purpose=FOR, status=Seat.LEASED, lease_until__gt=timezone.now(), **here)
    split = VotingItem.objects.for_adjudicators().filter(run=run).exclude(Exists(decided))
    split = split.exclude(Exists(mine)).exclude(Exists(others.exclude(judge=judge)))
    items = list(split.order_by("place").values_list(field, flat=True)[:LOOKED_AT])
    contested = _contested(run, items)
    return sorted(items, key=lambda item: -contested.get(item, 0.0))


def _contested(run: Run, items: Sequence[int]) -> dict[int, float]:
    """How evenly people are divided on each item: the entropy of their votes in bits; of marks, how far they lie apart."""
    value = "score" if run.is_single else "value"
    said: dict[int, list[float]] = {}
    for item, worth in votes_on(run, items).values_list(field_of(run), value):
        said.setdefault(item, []).append(worth)
    if run.is_single:
        return {item: max(values) - min(values) for item, values in said.items()}
    return {item: _entropy([(worth > 0) - (worth < 0) for worth in values]) for item, values in said.items()}


def _entropy(signs: Sequence[int]) -> float:
    n = len(signs)
    return -sum(count / n * log2(count / n) for count in Counter(signs).values())


def next_case(run: Run, judge: Judge) -> Assignment | None:
    """The seat this adjudicator holds, or one on the most contested item; None where nothing is left to decide."""
    field = field_of(run)
    with transaction.atomic():
        mine = Assignment.objects.filter(run=run, judge=judge, purpose=FOR)
        mine.filter(status=Seat.LEASED, **{f"{field}__in": adjudicated(run)}).delete()  # somebody else was first
        held = mine.filter(status=Seat.LEASED).order_by("pk").first()
        if held is None:
            items = queue(run, judge)
            if not items:
                return None
            where = {"run": run, "judge": judge, "trial": 0, f"{field}_id": items[0]}
            swapped = not run.is_single and bool(secrets.randbits(1))
            new = {"purpose": FOR, "swapped": swapped, "lease_until": timezone.now() + LEASE}
            held, _made = Assignment.objects.get_or_create(**where, defaults=new)
        Assignment.objects.filter(pk=held.pk).update(lease_until=timezone.now() + LEASE)
    return assignment.open_seats().get(pk=held.pk)


def decide(
    seat: Assignment, verdicts: Sequence[tuple[int, Verdict]], *, why: str, reasons: Sequence[str], saw_votes: bool
) -> Preference | Grade:
    """Put the decision on record, as a judgment of the adjudicator's own that ratings leave out. Call it in a transaction."""
    told = [(turn, replace(verdict, details={**verdict.details, "saw_votes": saw_votes})) for turn, verdict in verdicts]
    judgment = assignment.cast(seat, told, note=why, reasons=reasons)
    AuditEntry.note("item_adjudicated", actor=seat.judge.user, run=seat.run, saw_votes=saw_votes, **seat.item)
    return judgment


def look(seat: Assignment) -> None:
    """Put on record that the votes on this item were shown to its adjudicator; once for each seat."""
    if not has_looked(seat):
        AuditEntry.note("votes_shown", actor=seat.judge.user, run=seat.run, seat=str(seat.token))


def has_looked(seat: Assignment) -> bool:
    """Whether the adjudicator was shown the votes at any time, whatever the page says that is posted. One query."""
    looks = AuditEntry.objects.filter(at__gte=seat.created_at, run=seat.run, actor=seat.judge.user, act="votes_shown")
    return looks.filter(facts__seat=str(seat.token)).exists()


def take_back(run: Run, judge: Judge) -> Assignment | None:
    """Reopen what this adjudicator decided or passed on last; its judgment is superseded. None where there is nothing."""
    with transaction.atomic():
        mine = Assignment.objects.filter(run=run, judge=judge, purpose=FOR).exclude(status=Seat.LEASED)
        seat = mine.order_by("-closed_at", "-pk").first()
        if seat is None:
            return None
        table = Grade if seat.answer_id else Preference
        said = table.objects.current().filter(run=run, judge=judge, kept_out=KeptOut.ADJUDICATION, **seat.item)
        said.update(superseded_at=timezone.now())
        # what is in hand goes back to the queue
        Assignment.objects.filter(run=run, judge=judge, purpose=FOR, status=Seat.LEASED).delete()
        Assignment.objects.filter(pk=seat.pk).update(status=Seat.LEASED, closed_at=None)
        AuditEntry.note("adjudication_undone", actor=judge.user, run=run, **seat.item)
    return seat


def adjudicated(run: Run) -> dict[int, Preference | Grade]:
    """The standing decision on each item of the run that has one, on the whole conversation; by battle's or answer's id."""
    table = Grade if run.is_single else Preference
    found = table.objects.decided().filter(run=run, kept_out=KeptOut.ADJUDICATION).order_by("pk")
    return {getattr(one, f"{field_of(run)}_id"): one for one in found}


def cases(seat: Assignment) -> list[Case]:
    """The votes on this item as they stand, turned to the sides that the adjudicator sees. One query."""
    said = votes_on(seat.run).filter(**seat.item).select_related("judge").order_by("pk")
    return [
        Case(_("person %(number)d") % {"number": number}, _said(one, seat), list(one.reasons), one.note)
        for number, one in enumerate(said, start=1)
    ]


def _said(one: Preference | Grade, seat: Assignment) -> str:
    if isinstance(one, Grade):
        return f"{one.score:g}"
    value = -one.value if seat.swapped else one.value
    if one.both_bad:
        return _("both bad")
    if value == 0:
        return _("tie")
    words = {
        (True, False): _("A is better"),
        (True, True): _("A is much better"),
        (False, False): _("B is better"),
        (False, True): _("B is much better"),
    }
    return words[value > 0, abs(value) > 1]


def progress(run: Run) -> tuple[int, int]:
    """How many items are decided, and how many are split. Two queries."""
    table = Grade if run.is_single else Preference
    decided = table.objects.current().filter(run=run, kept_out=KeptOut.ADJUDICATION)
    items = decided.order_by().values(field_of(run)).distinct().count()
    return items, VotingItem.objects.for_adjudicators().filter(run=run).count()
