"""Ranks as ranges: how high and how low a model may stand, from intervals of differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rating.stats.arrays import Bools, Floats, Ints
from rating.stats.bradley_terry import Strengths
from rating.stats.intervals import student


@dataclass(frozen=True, slots=True)
class Ranks:
    """Ranks of m models, each within its component; 0 where a model is not ranked. All int64 (m,).

    `rank`: place by rating, equal ratings share it. `low`, `high`: best and worst place the data allow
    (low <= rank <= high): 1 + the number of models surely above; number of models - those surely below.
    `group`: models of one group cannot be told from the best one of the group; 1 is the top group.
    """

    rank: Ints
    low: Ints
    high: Ints
    group: Ints


def rank_ranges(strengths: Strengths, *, level: float = 0.95) -> Ranks:
    """Rank ranges from the intervals of the differences of strengths, never across components.

    A model is surely above another when the interval of their difference, at `level`, lies above zero; with no
    interval nothing is sure. The t quantile has the smaller of the two models' degrees of freedom.
    """
    variance = np.diag(strengths.covariance)
    error = np.sqrt(np.maximum(variance[:, None] + variance[None, :] - 2 * strengths.covariance, 0.0))
    freedom = np.minimum(strengths.freedom[:, None], strengths.freedom[None, :])
    ahead = strengths.strength[:, None] - strengths.strength[None, :]
    above = ahead > error * student(level, freedom)  # NaN compares false: not sure
    np.fill_diagonal(above, False)
    return ranked(strengths.strength, above, component=strengths.component)


def ranked(value: Floats, above: Bools, *, component: Ints) -> Ranks:
    """Ranks by `value` (m,), given which model is surely above which (m, m); component -1 is not ranked."""
    m = value.size
    rank, low, high, group = (np.zeros(m, dtype=np.int64) for _ in range(4))
    for part in np.unique(component[component >= 0]):
        members = np.flatnonzero(component == part)
        block = above[np.ix_(members, members)]
        rank[members] = _places(value[members])
        # paired differences and means over unequal questions can disagree: the range always holds the rank
        low[members] = np.minimum(1 + block.sum(axis=0), rank[members])
        high[members] = np.maximum(members.size - block.sum(axis=1), rank[members])
        group[members] = _groups(value[members], block)
    return Ranks(rank=rank, low=low, high=high, group=group)


def _places(value: Floats) -> Ints:
    """1 + number of larger values; what differs by rounding alone is equal."""
    places: Ints = 1 + (value[None, :] > value[:, None] + 1e-9).sum(axis=1)
    return places


def _groups(value: Floats, above: Bools) -> Ints:
    """Group number of each model: a new group starts at the first one surely below the group's best."""
    group = np.zeros(value.size, dtype=np.int64)
    best, number = -1, 0
    for model in np.argsort(-value, kind="stable"):
        if best < 0 or above[best, model]:
            best, number = model, number + 1
        group[model] = number
    return group
