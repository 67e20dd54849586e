"""What annotators say is broken, settled by a lead: the item stays, or it is taken out of the run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import Case, Count, Max, When
from django.utils import timezone

from arena.models import Answer, Battle
from judging.ballots import flag_causes
from judging.models import Assignment, AuditEntry, Run, VotingItem
from judging.voting_items import TAKEN_OUT, field_of, taken_out

PAGE = 50  # items


@dataclass
class Flagged:
    """An item with the flags on it; `is_out` says whether it was taken out of the run."""

    item: int
    question: Any
    flags: list[Assignment] = field(default_factory=list)
    is_out: bool = False

    @property
    def is_settled(self) -> bool:
        return all(flag.settled_at for flag in self.flags)


def flagged(run: Run, *, page: object = 1) -> Page[Flagged]:
    """A page of the items that people flagged, what is not settled first, then the most flagged; last those that are out
    though whoever flagged them took that back. Five queries."""
    name = field_of(run)
    of_run = run.assignments.filter(status=Assignment.Status.FLAGGED)
    order = {
        "open": Max(Case(When(settled_at=None, then=1), default=0)),
        "flags": Count("pk"),
        "last": Max("closed_at"),
    }
    items = of_run.order_by().values(f"{name}_id").annotate(**order).order_by("-open", "-flags", "-last", f"{name}_id")
    known, out = list(items.values_list(f"{name}_id", flat=True)), taken_out(run)
    found = Paginator([*known, *sorted(out - set(known))], PAGE).get_page(page)
    found.object_list = _with_flags(run, list(found.object_list), out)
    return found


def _with_flags(run: Run, items: list[int], out: Collection[int]) -> list[Flagged]:
    """These items in their order, each with its flags, the latest first. Two queries."""
    name = field_of(run)
    causes = dict(flag_causes())
    table = Answer if run.is_single else Battle
    rows = table.objects.filter(pk__in=items).select_related("question").only("question")
    found = {row.pk: Flagged(row.pk, row.question, is_out=row.pk in out) for row in rows}
    seats = run.assignments.filter(status=Assignment.Status.FLAGGED, **{f"{name}__in": items}).order_by("-closed_at")
    for seat in seats.select_related("judge"):
        seat.cause_in_words = causes.get(seat.cause, seat.cause)
        found[getattr(seat, f"{name}_id")].flags.append(seat)
    return [found[pk] for pk in items if pk in found]


def open_items(run: Run) -> int:
    """How many items have a flag that no lead has settled. One query."""
    unsettled = run.assignments.filter(status=Assignment.Status.FLAGGED, settled_at=None)
    return unsettled.order_by().values(field_of(run)).distinct().count()


@transaction.atomic
def settle(run: Run, item: int, *, out: bool, by: Any) -> None:
    """Settle the flags on an item: `out` takes it out of the run, so that nobody is given it, as gold or to practise on
    neither; votes stay as they are."""
    _mark(run, item, settled_at=timezone.now(), out=out)
    AuditEntry.note(TAKEN_OUT if out else "flag_settled", actor=by, run=run, **{field_of(run): item})


@transaction.atomic
def reopen(run: Run, item: int, *, by: Any) -> None:
    """Take a settlement back: the flags are open again, and the item is given out again."""
    _mark(run, item, settled_at=None, out=False)
    AuditEntry.note("flag_reopened", actor=by, run=run, **{field_of(run): item})


def _mark(run: Run, item: int, *, settled_at: Any, out: bool) -> None:
    name = field_of(run)
    is_gold = run.golds.filter(**{name: item}).exists()  # which is out of the ordinary items, whatever is said of it
    seats = run.assignments.filter(status=Assignment.Status.FLAGGED, **{name: item})
    seats.update(settled_at=settled_at)
    VotingItem.objects.filter(run=run, **{name: item}).update(is_out=out or is_gold)
