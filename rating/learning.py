"""What a judge can learn from the people of a benchmark: the weights of a panel's members, the tie band of a reward model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from arena.models import Benchmark
from judging.editing_judges import around
from judging.models import AuditEntry, Judge
from rating import panel_weights, tie_bands
from rating.panel_weights import Learnt, NothingToLearn
from rating.tie_bands import Fitted

ACT = "judge_learnt"
LEARNERS = (Judge.Kind.PANEL, Judge.Kind.REWARD)


@dataclass(frozen=True)
class Lesson:
    """What a judge would learn: the weights of its members, or its tie band."""

    judge: Judge
    benchmark: Benchmark
    weights: Sequence[Learnt] = ()
    band: Fitted | None = None

    def facts(self) -> dict[str, Any]:
        """What is kept of it, beside the benchmark's name."""
        told = self.band.as_json() if self.band else {"members": [one.as_json() for one in self.weights]}
        return {**told, "benchmark": f"{self.benchmark.title} v{self.benchmark.version}"}


def lesson(judge: Judge, benchmark: Benchmark) -> Lesson:
    """What the judge would learn here; nothing is written. Raises NothingToLearn."""
    if judge.kind == Judge.Kind.REWARD:
        return Lesson(judge, benchmark, band=tie_bands.fit(judge, benchmark))
    return Lesson(judge, benchmark, weights=panel_weights.learn(judge, benchmark))


def learn(what: Lesson, *, by: Any = None) -> Judge:
    """The judge's next version, which has learnt it, noted in the log; the judge itself where it knew. Raises Meanwhile."""
    if what.band:
        made = tie_bands.next_version(what.judge, what.band)
    else:
        made = panel_weights.next_version(what.judge, list(what.weights))
    if made != what.judge:
        AuditEntry.note(ACT, actor=by, name=str(made), **{**what.facts(), "judge": made.pk})
    return made


def learnt_by(judge: Judge) -> dict[str, Any] | None:
    """What this version learnt, as it was noted; None where it learnt nothing. One query."""
    found = AuditEntry.objects.filter(act=ACT, facts__judge=judge.pk).first()
    return {**found.facts, "at": found.at} if found else None


def places(judge: Judge) -> list[Benchmark]:
    """The benchmarks of the runs that this judge, its members, other versions of it or panels around it sit in. A few queries."""
    near = Q(pk__in=[one.pk for one in around(judge)]) | Q(seats_held__panel=judge) | Q(name=judge.name)
    judges = Judge.objects.filter(near).values("pk")
    return list(Benchmark.objects.filter(runs__judges__in=judges).distinct().order_by("-pk"))


__all__ = ["LEARNERS", "Lesson", "NothingToLearn", "learn", "learnt_by", "lesson", "places"]
