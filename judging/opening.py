"""A run for people opened for votes, closed, and opened again; its settings changed while it is open."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy

from arena.live import ring
from judging import notifying
from judging.assignment import rewant
from judging.models import AuditEntry, Run, VotingItem
from judging.voting import BadVoting, Voting
from judging.voting_form import ANOTHER_BALLOT, as_initial, has_votes

ELSEWHERE = gettext_lazy(
    "The verdicts of this run were made elsewhere: nobody is asked in it. Duplicate it to ask here."
)
CLOSED = (Run.Status.DRAFT, Run.Status.PAUSED, Run.Status.DONE, Run.Status.CANCELLED)


def is_for_people(run: Run) -> bool:
    """Whether people vote in it: no machine judges, and its votes are none from elsewhere. At most one query."""
    return not run.is_imported and not run.judges.machines().exists()


def close(run: Run, *, by: Any = None) -> bool:
    """Close the run for votes: it is done, and what was voted stays. False where it was not open."""
    closed = Run.objects.filter(pk=run.pk, status=Run.Status.OPEN)
    with transaction.atomic():
        if not closed.update(status=Run.Status.DONE, finished_at=timezone.now()):
            return False
        AuditEntry.note("run_closed", actor=by, run=run, name=run.name)
    ring(f"run-{run.pk}")
    notifying.note(run)
    return True


def reopen(run: Run, *, by: Any = None) -> bool:
    """Open the run for votes, or open it again. False where it is open or under way, or is none for people."""
    shut = Run.objects.filter(pk=run.pk, status__in=CLOSED)
    with transaction.atomic():
        if not is_for_people(run) or not shut.update(status=Run.Status.OPEN, finished_at=None, error=""):
            return False
        Run.objects.filter(pk=run.pk, started_at=None).update(started_at=timezone.now())
        AuditEntry.note("run_opened", actor=by, run=run, name=run.name)
    ring(f"run-{run.pk}")
    notifying.note(run)
    return True


def change(run: Run, settings: Voting, *, by: Any = None) -> list[str]:
    """Bring a run to other settings of how people vote; the names of what changed, empty where nothing did.

    Who was asked already stays asked: an item that more people have seen than are wanted now is full. Raises BadVoting
    for another kind of ballot once somebody has voted on the one there is.
    """
    with transaction.atomic():
        held = Run.objects.select_for_update(of=("self",), no_key=True).get(pk=run.pk)
        old, new = as_initial(Voting.of(held)), as_initial(settings)
        changed = {name: [old[name], new[name]] for name in new if old[name] != new[name]}
        if not changed:
            return []
        if "ballot" in changed and has_votes(held):
            raise BadVoting({"ballot": ANOTHER_BALLOT})
        held.voting, held.limits = settings.as_data(), {**held.limits, "overlap": settings.overlap}
        held.save(update_fields=["voting", "limits"])
        rewant(held)
        if not settings.urgent:
            VotingItem.objects.filter(run=held).exclude(urgency=0.0).update(urgency=0.0)
        AuditEntry.note("voting_changed", actor=by, run=held, name=held.name, changed=changed)
    ring(f"run-{run.pk}")
    return list(changed)
