"""How fast a model answered: medians and 95th percentiles of what was timed, from its newest answers."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from django.db.models import Count, Q

from arena.models import UNFINISHED, Answer, Benchmark, LanguageModel
from rating.reporting.report import SpeedLine, Timing

NEWEST = 5_000
"""Answers that timings are taken from: a model may have hundreds of thousands, and their rows are long."""
_NORMAL = 1.959964


def speed_of(model: LanguageModel) -> tuple[SpeedLine, ...]:
    """For each benchmark that the model answered: how many answers there are, and how fast they came. Three queries."""
    counts = _counts(model)
    timed = _timed(model)
    benchmarks = Benchmark.objects.filter(pk__in=counts)
    return tuple(
        SpeedLine(one.pk, one.title, str(one), *counts[one.pk], *_timings(timed.get(one.pk, []))) for one in benchmarks
    )


def _counts(model: LanguageModel) -> dict[int, tuple[int, int]]:
    """Good and failed answers of each benchmark (its id). One query."""
    rows = Answer.objects.filter(model=model).exclude(error=UNFINISHED).order_by().values("question__benchmark")
    failed = Count("pk", filter=~Q(error=""))
    return {
        row["question__benchmark"]: (row["n"] - row["bad"], row["bad"])
        for row in rows.annotate(n=Count("pk"), bad=failed)
    }


def _timed(model: LanguageModel) -> dict[int, list[tuple]]:
    """(first token, seconds, tokens) of the newest timed answers, by benchmark. One query."""
    rows = model.answers.ok().filter(seconds__isnull=False).order_by("-pk")
    found = defaultdict(list)
    columns = ("question__benchmark", "first_token_s", "seconds", "tokens_out")
    for benchmark, *row in rows.values_list(*columns)[:NEWEST]:
        found[benchmark].append(tuple(row))
    return found


def _timings(rows: list[tuple]) -> tuple[Timing, Timing, Timing]:
    first = [first for first, _, _ in rows if first is not None]
    seconds = [seconds for _, seconds, _ in rows]
    rates = [tokens / seconds for _, seconds, tokens in rows if seconds and tokens]
    # of a rate the slow end is the low one
    return timing(first), timing(seconds), timing(rates, slow_is_low=True)


def timing(values: list[float], *, slow_is_low: bool = False) -> Timing:
    """The median and the slow 5 % of these values, each with the 95-per-cent interval that ranks give; empty where there are none."""
    if not values:
        return Timing()
    ordered = np.sort(np.asarray(values, dtype=float))
    middle, tail = _quantile(ordered, 0.5), _quantile(ordered, 0.05 if slow_is_low else 0.95)
    return Timing(*middle, *tail, n=len(values))


def _quantile(ordered: np.ndarray, share: float) -> tuple[float, float | None, float | None]:
    """A quantile of sorted values with its binomial interval; no end where the ranks run out."""
    n = ordered.size
    half = _NORMAL * np.sqrt(n * share * (1 - share))
    below, above = int(np.floor(n * share - half)) - 1, int(np.ceil(n * share + half))
    low = float(ordered[below]) if below >= 0 else None
    high = float(ordered[above]) if above < n else None
    return float(np.quantile(ordered, share)), low, high
