"""Online Elo: ratings moved battle by battle, and how much the order of the battles matters.

Source: Elo (1978), The Rating of Chessplayers; constants as LMSYS used them in 2023.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rating.stats.arrays import Floats, Ints
from rating.stats.battles import Battles, check_models
from rating.stats.errors import ImpossibleInput


def online_elo(
    battles: Battles, models: int, *, k: float = 32.0, scale: float = 400.0, base: float = 10.0, initial: float = 1000.0
) -> Floats:
    """Elo rating (m,) after all battles in row order; NaN for a model without battles.

    `k`: points at stake; `scale`: points of odds base:1. The order matters: give the rows in time order.
    """
    check_models(battles, models)
    rise = _rise(k, scale, base)
    columns = battles.first.tolist(), battles.second.tolist(), battles.share().tolist()
    return _seen(battles, np.array(_walk(*columns, models=models, k=k, rise=rise, initial=initial)))


@dataclass(frozen=True, slots=True)
class ShuffledElo:
    """Elo over seeded shuffles of the battles: `median`, `low`, `high` (central 95 % of orders), all (m,) in points."""

    median: Floats
    low: Floats
    high: Floats


def shuffled_elo(
    battles: Battles,
    models: int,
    *,
    shuffles: int = 100,
    seed: int = 0,
    k: float = 32.0,
    scale: float = 400.0,
    base: float = 10.0,
    initial: float = 1000.0,
) -> ShuffledElo:
    """What Elo says when the same battles come in other orders; the same seed gives the same numbers.

    The spread is that of the order alone, not a confidence interval. NaN for a model without battles.
    """
    check_models(battles, models)
    if shuffles < 1:
        raise ImpossibleInput(f"{shuffles} shuffles; at least one is needed")
    rise = _rise(k, scale, base)
    random = np.random.default_rng(seed)
    share = battles.share()
    walks = np.empty((shuffles, models))
    for row in walks:
        order: Ints = random.permutation(len(battles))
        columns = battles.first[order].tolist(), battles.second[order].tolist(), share[order].tolist()
        row[:] = _walk(*columns, models=models, k=k, rise=rise, initial=initial)
    low, median, high = np.quantile(walks, [0.025, 0.5, 0.975], axis=0)
    return ShuffledElo(median=_seen(battles, median), low=_seen(battles, low), high=_seen(battles, high))


def _walk(
    first: list[int], second: list[int], share: list[float], *, models: int, k: float, rise: float, initial: float
) -> list[float]:
    # plain floats: an array element costs ten times a list element, and no step can be done before the last
    rating = [float(initial)] * models
    for i, j, won in zip(first, second, share, strict=True):
        change = k * (won - 1.0 / (1.0 + rise ** (rating[j] - rating[i])))
        rating[i] += change
        rating[j] -= change
    return rating


def _rise(k: float, scale: float, base: float) -> float:
    """Factor on the odds for one point. Steps larger than the scale swing without end: refused."""
    if not (np.isfinite(scale) and base > 1 and 0 < k <= scale):
        raise ImpossibleInput(f"Elo with k {k:g}, scale {scale:g} and base {base:g} cannot be")
    return float(base ** (1.0 / scale))


def _seen(battles: Battles, rating: Floats) -> Floats:
    n = np.bincount(battles.first, minlength=rating.size) + np.bincount(battles.second, minlength=rating.size)
    return np.where(n > 0, rating, np.nan)
