"""Who may see what of runs and of the record."""

from __future__ import annotations

from django.db.models import QuerySet

from arena.frame import is_annotator, is_lead
from arena.models import Benchmark
from judging.models import Run


def runs_seen_by(user) -> QuerySet[Run]:
    """Leads see every run; everybody else sees those that ended well, as the origin of what the boards show."""
    return Run.objects.all() if is_lead(user) else Run.objects.filter(status=Run.Status.DONE)


def is_blind_on(user, benchmark: Benchmark) -> bool:
    """Whether this person is still asked to vote on the benchmark, and so must see no names and no verdicts of others.

    Leads set the runs up and see all. At most three queries; none for a visitor.
    """
    if not is_annotator(user) or is_lead(user):
        return False
    return Run.objects.filter(benchmark=benchmark, status=Run.Status.OPEN).exists()
