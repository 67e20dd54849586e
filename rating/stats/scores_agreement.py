"""Krippendorff's α of scores on a continuous scale, from sums and sums of squares: linear in the number of scores.

The same number as `agree(level="interval", marks=…)`, which costs the square of the number of different scores.
Source: Krippendorff (2011), with Σ(x − y)² over the pairs of an item written as 2(m Σx² − (Σx)²).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.agreement import NO_PAIRS, ONE_VALUE, Agreement, note_of
from rating.stats.arrays import Floats, Ints, check_level, codes, compressed, floats, same_length
from rating.stats.krippendorff import Interval, about, bootstrap_counts, by_bootstrap, percentiles
from rating.stats.patterns import of_item, refuse_repeats


def agree_on_scores(
    item: ArrayLike, judge: ArrayLike, score: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95
) -> Agreement:
    """α at level interval of all judges' scores, with an interval over questions (or items without `cluster`).

    `item`, `judge`, `cluster`: codes (n,); `score` (n,) on any scale. Raw share, κ and AC1 are None: that two weighted
    totals are equal to the last digit says nothing. Scores are moved to mean zero first, so that sums keep their digits.
    Raises ImpossibleInput, also where a judge has two scores on one item.
    """
    check_level(confidence)
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
    ends = _interval(sums, middle, items=n, confidence=confidence)
    note = note_of(middle, items=n, units=units, has_interval=ends is not None)
    return _told(n=n, judges=judges, clusters=units, alpha=middle, ends=ends, note=note)


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


def _interval(sums: Floats, middle: float, *, items: int, confidence: float) -> Interval | None:
    units = len(sums)
    if units < 2:
        return None
    if by_bootstrap(items=items, units=units):
        return percentiles(_alpha(bootstrap_counts(units) @ sums), confidence)
    left = _alpha(sums.sum(axis=0) - sums)
    error = float(np.sqrt((units - 1) / units * ((left - left.mean()) ** 2).sum()))
    return about(middle, error, units=units, confidence=confidence)


def _told(
    *,
    n: int,
    judges: int,
    clusters: int = 0,
    alpha: float | None = None,
    ends: Interval | None = None,
    note: str = "",
) -> Agreement:
    return Agreement(
        alpha=alpha,
        low=None if ends is None else ends.low,
        high=None if ends is None else ends.high,
        interval="" if ends is None else ends.kind,
        n=n,
        judges=judges,
        clusters=clusters,
        note=note,
    )
