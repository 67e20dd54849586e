"""Objective scores: numbers measured elsewhere, by benchmark, with totals over categories and what is missing to the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rating.models import Score
from rating.reporting.report import AVERAGE, SHARE, ScoreGroup, ScoreLine, Total
from rating.stats import wilson

SIZES = {SHARE: 1.0, "%": 100.0}
"""What one whole is in the units of a share."""


def line_of(score: Score) -> ScoreLine:
    """The row as a value; a share of n cases has Wilson's interval, unless it is a share of nothing."""
    low, high = interval(score.value, score.unit, score.n)
    names = (
        "benchmark",
        "category",
        "metric",
        "value",
        "unit",
        "n",
        "target",
        "lower_is_better",
        "source",
        "provenance",
    )
    return ScoreLine(**{name: getattr(score, name) for name in names}, low=low, high=high)


def interval(value: float, unit: str, n: int | None) -> tuple[float | None, float | None]:
    """Wilson's 95-per-cent interval of a share of `n` cases, in its unit; (None, None) for other units, without n, outside 0..1."""
    whole = SIZES.get(unit)
    if whole is None or not n or not 0 <= value <= whole:
        return None, None
    low, high = wilson(value / whole * n, n)
    return float(low) * whole, float(high) * whole


def groups(lines: Iterable[ScoreLine], basis: str) -> tuple[ScoreGroup, ...]:
    """The lines by benchmark, each with its totals on this basis."""
    ordered = sorted(lines, key=lambda line: line.benchmark)
    return tuple(
        ScoreGroup(name, tuple(rows), tuple(totals(rows, basis)))
        for name, found in groupby(ordered, key=lambda line: line.benchmark)
        for rows in [list(found)]
    )


def totals(lines: Sequence[ScoreLine], basis: str) -> list[Total]:
    """What the categories of one benchmark come to: one total for each metric, unit and source with two categories or more."""
    found = []
    for key in dict.fromkeys((line.metric, line.unit, line.source, line.lower_is_better) for line in lines):
        mine = [line for line in lines if (line.metric, line.unit, line.source, line.lower_is_better) == key]
        parts = [line for line in mine if line.category]
        whole = next((line for line in mine if not line.category), None)
        if len(parts) > 1:
            found.append(_total(parts, whole, basis))
    return found


def _total(parts: Sequence[ScoreLine], whole: ScoreLine | None, basis: str) -> Total:
    first, weights = parts[0], [line.n for line in parts]
    values = [line.value for line in parts]
    return Total(
        benchmark=first.benchmark,
        metric=first.metric,
        unit=first.unit,
        source=first.source,
        lower_is_better=first.lower_is_better,
        categories=len(parts),
        n=_sum(weights),
        avg=sum(values) / len(values),
        weighted_avg=weighted(values, weights),
        basis=basis,
        target=_target(parts, whole, basis),
    )


def _target(parts: Sequence[ScoreLine], whole: ScoreLine | None, basis: str) -> float | None:
    """The benchmark's own target, else those of its categories averaged on the same basis."""
    if whole is not None and whole.target is not None:
        return whole.target
    targets = [line.target for line in parts]
    if None in targets:
        return None
    return sum(targets) / len(targets) if basis == AVERAGE else weighted(targets, [line.n for line in parts])


def weighted(values: Sequence[float], weights: Sequence[int | None]) -> float | None:
    """The mean of the values by these weights; None where a weight is not known, or all are 0."""
    total = _sum(weights)
    return sum(value * n for value, n in zip(values, weights, strict=True)) / total if total else None


def _sum(weights: Sequence[int | None]) -> int | None:
    return None if None in weights else sum(weights)
