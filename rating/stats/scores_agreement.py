"""Krippendorff's α of scores on a continuous scale, from sums and sums of squares: linear in the number of scores.

The same number as `agree(level="interval", marks=…)`, which costs the square of the number of different scores.
Source: Krippendorff (2011), with Σ(x − y)² over the pairs of an item written as 2(m Σx² − (Σx)²).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.agreement import NO_PAIRS, ONE_UNIT, ONE_VALUE, Agreement
from rating.stats.arrays import Floats, Ints, codes, compressed, floats, same_length
from rating.stats.intervals import student
from rating.stats.krippendorff import FEWEST_FOR_JACKKNIFE, bootstrap_counts
from rating.stats.patterns import of_item, refuse_repeats


def agree_on_scores(
    item: ArrayLike, judge: ArrayLike, score: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95
) -> Agreement:
    """α at level interval of all judges' scores, with an interval over questions (or items without `cluster`).

    `item`, `judge`, `cluster`: codes (n,); `score` (n,) on any scale. Raw share, κ and AC1 are None: that two weighted
    totals are equal to the last digit says nothing. Scores are moved to mean zero first, so that sums keep their digits.
    Raises ImpossibleInput where a judge has two scores on one item.
    """
    what, who, said = codes(item, "item"), codes(judge, "judge"), floats(score, "score")
    group = what if cluster is None else codes(cluster, "cluster")
    same_length(item=what, judge=who, score=said, cluster=group)
    refuse_repeats(what, who)
    index, items = compressed(what)
    votes = np.bincount(index, minlength=items)
    kept = votes[index] >= 2
    if not kept.any():
        return _told(n=0, judges=0, note=NO_PAIRS)
    said = said[kept] - said[kept].mean()
    sums, units = _sums_by_unit(index[kept], said, group[kept])
    n, judges = int((votes >= 2).sum()), compressed(who[kept])[1]
    if np.ptp(said) == 0:
        return _told(n=n, judges=judges, clusters=units, alpha=1.0, note=ONE_VALUE)
    middle = float(_alpha(sums.sum(axis=0)))
    if units < 2:
        return _told(n=n, judges=judges, clusters=units, alpha=middle, note=ONE_UNIT)
    ends = _bootstrap(sums, confidence) if n < FEWEST_FOR_JACKKNIFE else _jackknife(sums, middle, confidence)
    return _told(n=n, judges=judges, clusters=units, alpha=middle, ends=ends)


def _sums_by_unit(item: Ints, score: Floats, group: Ints) -> tuple[Floats, int]:
    """(units, 4) of: scores, their sum, their sum of squares, and the items' disagreement Σ 2(mΣx² − (Σx)²)/(m − 1)."""
    index, items = compressed(item)
    m = np.bincount(index, minlength=items)
    once, twice = np.bincount(index, score, items), np.bincount(index, score**2, items)
    apart = 2 * (m * twice - once**2) / (m - 1)
    unit, units = compressed(of_item(group, index, items=items, name="clusters"))
    return np.stack([np.bincount(unit, column, units) for column in (m, once, twice, apart)], axis=1), units


def _alpha(total: Floats) -> Floats:
    """α from sums (…, 4); 1.0 where all scores are the same."""
    n, once, twice, apart = (total[..., column] for column in range(4))
    expected = 2 * (n * twice - once**2)
    ratio = np.divide(
        (n - 1) * apart, expected, out=np.zeros_like(n), where=expected > 1e-12 * np.maximum(n * twice, 1e-300)
    )
    result: Floats = 1.0 - ratio
    return result


def _jackknife(sums: Floats, middle: float, confidence: float) -> tuple[float, float, str]:
    left = _alpha(sums.sum(axis=0) - sums)
    units = len(sums)
    error = np.sqrt((units - 1) / units * ((left - left.mean()) ** 2).sum())
    half = float(student(confidence, units - 1)) * float(error)
    return max(middle - half, -1.0), min(middle + half, 1.0), "jackknife"


def _bootstrap(sums: Floats, confidence: float) -> tuple[float, float, str]:
    drawn = _alpha(bootstrap_counts(len(sums)) @ sums)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high), "bootstrap"


def _told(
    *,
    n: int,
    judges: int,
    clusters: int = 0,
    alpha: float | None = None,
    ends: tuple[float, float, str] | None = None,
    note: str = "",
) -> Agreement:
    low, high, kind = ends or (None, None, "")
    return Agreement(alpha=alpha, low=low, high=high, interval=kind, n=n, judges=judges, clusters=clusters, note=note)
