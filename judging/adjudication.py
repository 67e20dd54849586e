"""What people are split on, decided by somebody who says why; the votes that were cast stay as they are."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log2

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from judging import assignment
from judging.judges.base import Verdict
from judging.models import Assignment, AuditEntry, Grade, Judge, KeptOut, Preference, Run, VotingItem
from judging.models.assignment import LEASE
from judging.schedule import KEPT_OUT
from judging.undecided import undecided_by
from judging.voting_items import field_of

LOOKED_AT = 500  # split items that are put in order of how contested they are

Seat = Assignment.Status
FOR = Assignment.Purpose.ADJUDICATION


@dataclass(frozen=True)
class Case:
    """One vote on a split item as an adjudicator may see it: person 1, 2 …, what was said as it is shown here, and why.

    `turn` is 0 where the whole conversation was judged.
    """

    who: str
    said: str
    reasons: list[str]
    note: str
    turn: int = 0


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
    split = undecided_by(VotingItem.objects.for_adjudicators().filter(run=run), Q(judge=judge))
    split = split.exclude(Exists(_elsewhere(run, judge)))
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
    """The seat this adjudicator holds, or one on the most contested item; None where nothing is left to decide.

    One at a time for a run, so that no two are given one item.
    """
    with transaction.atomic():
        _one_at_a_time(run)
        mine = Assignment.objects.filter(run=run, judge=judge, purpose=FOR, status=Seat.LEASED)
        mine.filter(Q(**{f"{field_of(run)}__in": adjudicated(run)}) | Exists(_elsewhere(run, judge))).delete()
        held = mine.order_by("pk").first() or _new_case(run, judge)
        if held is None:
            return None
        Assignment.objects.filter(pk=held.pk).update(lease_until=timezone.now() + LEASE)
    return assignment.open_seats().get(pk=held.pk)


def _new_case(run: Run, judge: Judge) -> Assignment | None:
    items = queue(run, judge)
    if not items:
        return None
    where = {"run": run, "judge": judge, "trial": 0, f"{field_of(run)}_id": items[0]}
    swapped = not run.is_single and bool(secrets.randbits(1))
    new = {"purpose": FOR, "swapped": swapped, "lease_until": timezone.now() + LEASE}
    return Assignment.objects.get_or_create(**where, defaults=new)[0]


def _one_at_a_time(run: Run) -> None:
    """Let no other adjudicator of the run get further until this transaction ends; votes go on. One query."""
    Run.objects.select_for_update(of=("self",), no_key=True).get(pk=run.pk)


def _elsewhere(run: Run, judge: Judge) -> QuerySet[Assignment]:
    """Seats in which another adjudicator is at the item of an outer row."""
    field = field_of(run)
    others = Assignment.objects.filter(purpose=FOR, status=Seat.LEASED, lease_until__gt=timezone.now())
    return others.filter(run=run, **{field: OuterRef(field)}).exclude(judge=judge)


class TooLate(Exception):
    """The seat was left, or somebody else decided its item, before this could be done; the message says which."""


def decide(
    seat: Assignment, verdicts: Sequence[tuple[int, Verdict]], *, why: str, reasons: Sequence[str], saw_votes: bool
) -> Preference | Grade:
    """Put the decision on record, as a judgment of the adjudicator's own that ratings leave out. Raises TooLate."""
    told = [(turn, replace(verdict, details={**verdict.details, "saw_votes": saw_votes})) for turn, verdict in verdicts]
    with transaction.atomic():
        _still_open(seat)
        if _decisions(seat).exists():
            raise TooLate(
                _("Somebody else has decided this item meanwhile. Their decision stands; yours was not recorded.")
            )
        judgment = assignment.cast(seat, told, note=why, reasons=reasons)
        AuditEntry.note("item_adjudicated", actor=seat.judge.user, run=seat.run, saw_votes=saw_votes, **seat.item)
    return judgment


def pass_on(seat: Assignment) -> None:
    """Leave the item to another adjudicator. Raises TooLate."""
    with transaction.atomic():
        _still_open(seat)
        assignment.leave(seat, Seat.SKIPPED)


def _still_open(seat: Assignment) -> None:
    """Lock the run's adjudication; raises TooLate where another tab left the seat before."""
    _one_at_a_time(seat.run)
    if not Assignment.objects.filter(pk=seat.pk, status=Seat.LEASED).exists():
        raise TooLate(_("That one was decided or passed on already."))


def _decisions(seat: Assignment) -> QuerySet[Preference] | QuerySet[Grade]:
    """The decisions on the seat's item that stand, whoever made them."""
    table = Grade if seat.answer_id else Preference
    return table.objects.current().filter(run=seat.run, kept_out=KeptOut.ADJUDICATION, **seat.item)


def look(seat: Assignment) -> None:
    """Put on record that the votes on this item were shown to its adjudicator; once for each seat."""
    if not has_looked(seat):
        AuditEntry.note("votes_shown", actor=seat.judge.user, run=seat.run, seat=str(seat.token))


def has_looked(seat: Assignment) -> bool:
    """Whether the adjudicator was shown the votes at any time, whatever the page says that is posted. One query."""
    looks = AuditEntry.objects.filter(at__gte=seat.created_at, run=seat.run, actor=seat.judge.user, act="votes_shown")
    return looks.filter(facts__seat=str(seat.token)).exists()


def take_back(run: Run, judge: Judge) -> Assignment | None:
    """Reopen what this adjudicator decided or passed on last; its judgment is superseded. None where there is nothing.

    Raises TooLate where that was passed on, and somebody else has decided it since or is at it.
    """
    with transaction.atomic():
        _one_at_a_time(run)
        mine = Assignment.objects.filter(run=run, judge=judge, purpose=FOR).exclude(status=Seat.LEASED)
        seat = mine.order_by("-closed_at", "-pk").first()
        if seat is None:
            return None
        if _decisions(seat).exclude(judge=judge).exists():
            raise TooLate(_("What you passed on last was decided by somebody else since; that decision stands."))
        if mine.filter(Exists(_elsewhere(run, judge)), pk=seat.pk).exists():
            raise TooLate(_("Somebody else is at the item that you passed on last; nothing was undone."))
        _decisions(seat).update(superseded_at=timezone.now())
        # what is in hand goes back to the queue
        Assignment.objects.filter(run=run, judge=judge, purpose=FOR, status=Seat.LEASED).delete()
        until = timezone.now() + LEASE
        Assignment.objects.filter(pk=seat.pk).update(status=Seat.LEASED, closed_at=None, lease_until=until)
        AuditEntry.note("adjudication_undone", actor=judge.user, run=run, **seat.item)
    return seat


def adjudicated(run: Run) -> dict[int, Preference | Grade]:
    """The standing decision on each item of the run that has one, on the whole conversation; by battle's or answer's id."""
    table = Grade if run.is_single else Preference
    found = table.objects.decided().filter(run=run, kept_out=KeptOut.ADJUDICATION).order_by("pk")
    return {getattr(one, f"{field_of(run)}_id"): one for one in found}


def cases(seat: Assignment) -> list[Case]:
    """The votes on this item as they stand, turn after turn, turned to the sides that the adjudicator sees. One query.

    A person has the same number in every turn.
    """
    said = list(votes_on(seat.run).filter(**seat.item).select_related("judge").order_by("turn", "pk"))
    numbers = {pk: number for number, pk in enumerate(dict.fromkeys(one.judge_id for one in said), start=1)}
    return [
        Case(
            _("person %(number)d") % {"number": numbers[one.judge_id]},
            _said(one, seat),
            list(one.reasons),
            one.note,
            one.turn,
        )
        for one in said
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
