"""The two orders of a judge that came in files of their own, one after the other: one run that was asked in both."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, OuterRef

from arena.loading.records import Report
from arena.loading.said import said as _
from arena.models import Benchmark, Provenance
from judging.models import Judge, Preference, Run
from judging.signals import orders_joined

VERDICT = ("battle", "judge", "rubric", "turn", "trial")
"""What the two orders of one verdict share."""


def join_orders(judges: Collection[int], rubrics: Collection[int], benchmark: Benchmark, report: Report) -> None:
    """Say of the imported runs of these judges that they were asked in both orders, where both are on record.

    Until then each was taken for the only one. Three queries, and a few for each run that is changed.
    """
    told = {"benchmark": benchmark, "provenance": Provenance.IMPORTED, "order": Run.Order.FIXED}
    runs = Run.objects.filter(**told, rubric__in=rubrics, judges__in=judges).distinct().order_by("pk")
    joined = [run for run in runs if _has_both(run, judges)]
    if not joined:
        return
    orders_joined.send(Run, benchmark=benchmark)
    Run.objects.filter(pk__in=[run.pk for run in joined]).update(order=Run.Order.BOTH)
    for judge in Judge.objects.filter(pk__in=judges, runs__in=joined).distinct().order_by("pk"):
        report.note(
            _(
                "both orders of %(judge)s are here now: they are read as two orders of the same verdicts",
                judge=judge.name,
            )
        )


def _has_both(run: Run, judges: Collection[int]) -> bool:
    """Whether one of the run's verdicts by these judges is on record the other way round too."""
    current = Preference.objects.current().filter(provenance=Provenance.IMPORTED, judge__in=judges).order_by()
    same = {name: OuterRef(name) for name in VERDICT}
    return any(
        current.filter(Exists(current.filter(**same, swapped=not way)), run=run, swapped=way).exists()
        for way in (False, True)
    )
