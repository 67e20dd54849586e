"""Whether judges that were asked anew about their anchor sets have changed, in numbers and one word, by category."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from itertools import takewhile
from typing import Any

import numpy as np

from arena.models import Benchmark, Category
from judging.models import Judge
from rating import data
from rating.data import Again
from rating.stats.drift import DRIFTS, FEW, FEWEST, STABLE, change

__all__ = ["DRIFTS", "FEW", "FEWEST", "STABLE", "drifts", "of_judges", "places"]

ALPHA = 0.05
"""How often a judge that is as it was may be said to drift at one asking: over all, and in any of its categories together."""

Told = dict[str, Any]
Place = int | None


def of_judges(benchmark: Benchmark, *, judge: Judge | None = None) -> dict[int, dict[Place, Told]]:
    """By judge and category (None: all) what its askings tell, as plain data: see `drifts`. At most five queries, one where nobody
    was asked anew."""
    found: dict[int, list[Again]] = {}
    for one in data.askings(benchmark, judge=judge):
        found.setdefault(one.judge, []).append(one)
    return {pk: drifts(askings) for pk, askings in found.items()}


def drifts(askings: Iterable[Again]) -> dict[Place, Told]:
    """What the askings of one judge, in time order, tell in each category that it was asked about.

    Each has its `trial`, the date `at`, and the figures of `stats.drift.change`. The last one is the judge's: `items`,
    `difference`, `low`, `high`, `note` (the word), and `since`: the date of the first of those that say so without a break,
    where it drifts.
    """
    by_place: dict[Place, list[Told]] = {}
    for one in askings:
        places = np.unique(one.category).tolist()
        for place in [None, *places]:
            mask = np.ones(len(one.cluster), dtype=bool) if place is None else one.category == place
            alpha = ALPHA if place is None else ALPHA / len(places)
            told = asdict(change(*one.of(mask), is_pair=one.is_pair, alpha=alpha))
            by_place.setdefault(place, []).append({"trial": one.trial, "at": one.at.date().isoformat(), **told})
    return {place: _summed_up(rows) for place, rows in by_place.items()}


def _summed_up(rows: list[Told]) -> Told:
    last = rows[-1]
    told = {"anchored": True, "askings": rows, "items": last["n"], "note": last["word"]}
    told |= {name: last[name] for name in ("difference", "low", "high")}
    if last["word"] == DRIFTS:
        told["since"] = [*takewhile(lambda row: row["word"] == DRIFTS, reversed(rows))][-1]["at"]
    return told


def places(benchmark: Benchmark, judge: Judge) -> list[tuple[Category | None, Told]]:
    """What a judge's askings tell over all (None) and in each category, in their order. At most six queries."""
    told = of_judges(benchmark, judge=judge).get(judge.pk, {})
    categories = Category.objects.filter(pk__in=[pk for pk in told if pk]).order_by("position", "pk") if told else []
    return [(place, told[place and place.pk]) for place in (None, *categories)] if told else []
