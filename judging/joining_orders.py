"""The two orders of a judge that came in files of their own, one after the other: one run that was asked in both."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, OuterRef

from arena.loading.records import Report
from arena.loading.said import said as _
from arena.models import Benchmark, Provenance
from judging.models import Preference, Run
from judging.signals import orders_joined

VERDICT = ("battle", "judge", "rubric", "turn", "trial")
"""What the two orders of one verdict share."""


def join_orders(names: Collection[str], rubrics: Collection[int], benchmark: Benchmark, report: Report) -> None:
    """Say of the imported runs of these names that they were asked in both orders, where every verdict is on record in both.

    Until then each was taken for the only one. A run that has a verdict in one order alone stays as it is, or that would no
    longer count; what is there in both is one verdict in any run. A few queries for each run.
    """
    told = {"benchmark": benchmark, "provenance": Provenance.IMPORTED, "order": Run.Order.FIXED}
    joined = []
    for run in Run.objects.filter(**told, name__in=names, rubric__in=rubrics).order_by("pk"):
        both, alone = _both_and_alone(run)
        if both and not alone:
            joined.append(run)
        elif both:
            report.note(
                _(
                    "of the verdicts of %(judge)s some are here in both orders, each of which counts as one verdict, and "
                    "%(alone)s in one order alone, which count as they are",
                    judge=_judges_of(run),
                    alone=alone,
                )
            )
    if not joined:
        return
    orders_joined.send(Run, benchmark=benchmark)
    Run.objects.filter(pk__in=[run.pk for run in joined]).update(order=Run.Order.BOTH)
    for judge in dict.fromkeys(map(_judges_of, joined)):
        report.note(
            _("both orders of %(judge)s are here now: they are read as two orders of the same verdicts", judge=judge)
        )


def _judges_of(run: Run) -> str:
    return ", ".join(run.judges.order_by("name").values_list("name", flat=True))


def _both_and_alone(run: Run) -> tuple[int, int]:
    """How many of the run's verdicts are on record the other way round too, in a run of its name, and how many are not. Two queries."""
    current = Preference.objects.current().filter(provenance=Provenance.IMPORTED).order_by()
    same = {name: OuterRef(name) for name in VERDICT}
    other = current.filter(**same, run__name=run.name).exclude(swapped=OuterRef("swapped"))
    mine = current.filter(run=run).annotate(is_turned=Exists(other))
    return mine.filter(is_turned=True).count(), mine.filter(is_turned=False).count()
