"""What annotators say is broken, settled by a lead: the item stays, or it is taken out of the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from judging.ballots import flag_causes
from judging.models import Assignment, AuditEntry, Run, VotingItem
from judging.voting_items import TAKEN_OUT, field_of, taken_out

MOST = 200  # flags a page shows


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


def flagged(run: Run) -> list[Flagged]:
    """The items that people flagged, what is not settled first, then the most flagged. Two queries."""
    name = field_of(run)
    seats = run.assignments.filter(status=Assignment.Status.FLAGGED).order_by("-closed_at")
    out = taken_out(run)
    causes = dict(flag_causes())
    found: dict[int, Flagged] = {}
    for seat in seats.select_related("judge", f"{name}__question")[:MOST]:
        pk = getattr(seat, f"{name}_id")
        question = getattr(seat, name).question
        seat.cause_in_words = causes.get(seat.cause, seat.cause)
        found.setdefault(pk, Flagged(pk, question, is_out=pk in out)).flags.append(seat)
    return sorted(found.values(), key=lambda one: (one.is_settled, -len(one.flags)))


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
