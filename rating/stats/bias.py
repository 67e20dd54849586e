"""What a judge leans to that has nothing to do with quality: the first slot, the longer answer, the order shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Bools, Floats, codes, floats, same_length
from rating.stats.intervals import clustered_means, share_interval, wilson


@dataclass(frozen=True, slots=True)
class Share:
    """A share 0..1 of n cases with its interval; None where there is no case, or no interval (one question)."""

    share: float | None
    low: float | None
    high: float | None
    n: int


def share_of(hits: Bools, *, cluster: ArrayLike | None = None, level: float = 0.95) -> Share:
    """The share of `hits` (n,) with Wilson's interval, at the effective number of votes where `cluster` (n,) is given."""
    n = int(hits.size)
    if n == 0:
        return Share(None, None, None, 0)
    if cluster is None:
        low, high = wilson(hits.sum(), n, level=level)
    else:
        group = np.zeros(n, dtype=np.int64)
        means = clustered_means(group, codes(cluster, "cluster"), value=hits.astype(np.float64), groups=1)
        low, high = (end[0] for end in share_interval(means, level=level))
    return Share(float(hits.mean()), _number(low), _number(high), n)


def first_slot_share(value_shown: ArrayLike, *, cluster: ArrayLike | None = None, level: float = 0.95) -> Share:
    """Share of decided votes that went to the answer shown first; one half is fair.

    `value_shown` (n,): preference towards the answer shown first; 0 is a tie and left out.
    """
    value = floats(value_shown, "value_shown")
    decided = value != 0
    return share_of(value[decided] > 0, cluster=_some(cluster, decided), level=level)


def flip_rate(
    value_ab: ArrayLike, value_ba: ArrayLike, *, cluster: ArrayLike | None = None, level: float = 0.95
) -> Share:
    """Share of items judged in both orders whose decided side changes with the order; a tie is no side.

    Both columns (n,) are preferences towards the *same* answer, shown first in ab and second in ba.
    """
    ab, ba = _both(value_ab, value_ba)
    return share_of(ab * ba < 0, cluster=_some(cluster, np.ones(ab.size, dtype=bool)), level=level)


def consistency(
    value_ab: ArrayLike, value_ba: ArrayLike, *, cluster: ArrayLike | None = None, level: float = 0.95
) -> Share:
    """Share of items judged in both orders with the same outcome (win, tie or loss); columns as in `flip_rate`."""
    ab, ba = _both(value_ab, value_ba)
    return share_of(np.sign(ab) == np.sign(ba), cluster=_some(cluster, np.ones(ab.size, dtype=bool)), level=level)


def longer_share(
    value: ArrayLike,
    length_first: ArrayLike,
    length_second: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Share:
    """Share of decided votes on answers of unequal length that went to the longer one.

    `value` (n,): preference towards the answer whose length is `length_first`; the unit of length does not matter.
    """
    preference = floats(value, "value")
    first, second = floats(length_first, "length_first"), floats(length_second, "length_second")
    same_length(value=preference, length_first=first, length_second=second)
    counted = (preference != 0) & (first != second)
    hits = (preference > 0) == (first > second)
    return share_of(hits[counted], cluster=_some(cluster, counted), level=level)


def _both(value_ab: ArrayLike, value_ba: ArrayLike) -> tuple[Floats, Floats]:
    ab, ba = floats(value_ab, "value_ab"), floats(value_ba, "value_ba")
    same_length(value_ab=ab, value_ba=ba)
    return ab, ba


def _some(cluster: ArrayLike | None, rows: Bools) -> ArrayLike | None:
    if cluster is None:
        return None
    question = codes(cluster, "cluster")
    same_length(cluster=question, value=rows)
    return question[rows]


def _number(value: Floats) -> float | None:
    return None if np.isnan(value) else float(value)
