"""Ranks as ranges: how high and how low a model may stand, from intervals of differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rating.stats.arrays import Bools, Floats, Ints
from rating.stats.bradley_terry import POINTS_PER_NAT, Strengths
from rating.stats.contrasts import strength_contrasts
from rating.stats.errors import ImpossibleInput
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


def rank_ranges(
    strengths: Strengths, *, level: float = 0.95, rule: Literal["difference", "overlap"] = "difference"
) -> Ranks:
    """Rank ranges of strengths, never across components.

    By "difference", a model is surely above another when the interval of their difference, at `level`, lies above zero;
    the t quantile has the smaller of the two models' degrees of freedom. By "overlap", when its own interval lies
    above the other's: LMArena's rule (Chiang et al. 2024), which knows less, so that its ranges are the wider ones.
    With no interval nothing is sure. Raises ImpossibleInput for another rule.
    """
    if rule not in ("difference", "overlap"):
        raise ImpossibleInput(f"ranks come from the difference or the overlap of intervals, not from {rule!r}")
    above = _by_difference(strengths, level) if rule == "difference" else _by_overlap(strengths, level)
    np.fill_diagonal(above, False)
    return ranked(strengths.strength, above, component=strengths.component)


def _by_difference(strengths: Strengths, level: float) -> Bools:
    ahead = strengths.strength[:, None] - strengths.strength[None, :]
    above: Bools = ahead > strength_contrasts(strengths, level=level)  # NaN compares false: not sure
    return above


def _by_overlap(strengths: Strengths, level: float) -> Bools:
    half = POINTS_PER_NAT * np.sqrt(np.maximum(np.diag(strengths.covariance), 0.0)) * student(level, strengths.freedom)
    above: Bools = (strengths.rating - half)[:, None] > (strengths.rating + half)[None, :]
    return above


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
