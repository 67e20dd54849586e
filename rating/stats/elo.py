"""Online Elo: ratings moved battle by battle, and how much the order of the battles matters.

Source: Elo (1978), The Rating of Chessplayers; constants as LMSYS used them in 2023.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rating.stats.arrays import Floats, Indices, Ints
from rating.stats.battles import Battles, Counts, check_models, counts, row_blocks
from rating.stats.bradley_terry import fit_counts
from rating.stats.errors import ImpossibleInput
from rating.stats.newton import information_of

_FORGOTTEN = 0.01
"""A start is forgotten when it moves no rating by this many points."""
_FURTHEST = 5000.0
"""A start is forgotten as if it were this far off (points): some 500 in truth, and ten times that for the walk's swings."""
_NEVER = 1 << 62
_MOST_STEPS = 20_000_000


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
    Elo forgets: where the last half or less of an order decides the ratings to 0.01 points, only that part is walked,
    from the Bradley-Terry ratings, and that the start no longer matters is checked with another start. Where some
    model has few battles, or the models fall into parts that never met, every order is walked whole.
    """
    check_models(battles, models)
    if shuffles < 1:
        raise ImpossibleInput(f"{shuffles} shuffles; at least one is needed")
    rise = _rise(k, scale, base)
    random = np.random.default_rng(seed)
    share = battles.share()
    walks = _tails(battles, models, share, random, shuffles=shuffles, k=k, rise=rise, initial=initial)
    if walks is None:
        walks = np.empty((shuffles, models))
        for row in walks:
            order: Ints = random.permutation(len(battles))
            columns = battles.first[order].tolist(), battles.second[order].tolist(), share[order].tolist()
            row[:] = _walk(*columns, models=models, k=k, rise=rise, initial=initial)
    low, median, high = np.quantile(walks, [0.025, 0.5, 0.975], axis=0)
    return ShuffledElo(median=_seen(battles, median), low=_seen(battles, low), high=_seen(battles, high))


def _tails(
    battles: Battles,
    models: int,
    share: Floats,
    random: np.random.Generator,
    *,
    shuffles: int,
    k: float,
    rise: float,
    initial: float,
) -> Floats | None:
    """Ratings (shuffles, m) from the last battles of each order; None where all battles have to be walked."""
    start, length = _start_and_length(counts(battles, models), k=k, rise=rise, initial=initial)
    n = len(battles)
    while 2 * length <= n:
        most = max(1, _MOST_STEPS // length)
        walks = np.empty((shuffles, models))
        for done in range(0, shuffles, most):
            size = min(most, shuffles - done)
            orders = np.empty((length, size), dtype=np.int32)
            for column in range(size):
                orders[:, column] = random.choice(n, length, replace=False)
            both = np.stack([np.tile(start, (size, 1)), np.full((size, models), initial)])
            _walk_together(both, battles, share, orders, k=k, rise=rise)
            walks[done : done + size] = both[0]
            if np.abs(np.nan_to_num(both[0] - both[1])).max() > _FORGOTTEN:
                break
        else:
            return walks
        length *= 2
    return None


def _start_and_length(table: Counts, *, k: float, rise: float, initial: float) -> tuple[Floats, int]:
    """Bradley-Terry ratings (m,) on this Elo scale, and after how many battles a start is forgotten.

    A battle pulls the ratings towards those of Bradley-Terry by k · ln(rise) times the information of one battle, on
    average; the slowest direction is that of its smallest eigenvalue (Fiedler's, which the rarest model bounds).
    """
    games = table.games.sum(axis=1)
    met = games > 0
    start = np.full(table.models, np.nan)
    n = games.sum() / 2
    if met.sum() < 2:
        return start, _NEVER
    pull = k * np.log(rise)
    times = np.log(_FURTHEST / _FORGOTTEN) / pull
    if 4.0 * times > games[met].min():  # the eigenvalue is half the rarest model's battles at most: more than n / 2
        return start, _NEVER
    board = fit_counts(table)
    if board.component.max() > 0:
        return start, _NEVER
    information = information_of(table.games[np.ix_(met, met)], board.strength[met])
    slowest = np.linalg.eigvalsh(information)[1] / n
    return initial + board.strength / np.log(rise), int(min(times / max(slowest, 1e-300), _NEVER))


def _walk_together(ratings: Floats, battles: Battles, share: Floats, orders: Indices, *, k: float, rise: float) -> None:
    """Move `ratings` (starts, orders, m) in place through `orders` (battles, orders), all one battle on at a time."""
    starts, columns, models = ratings.shape
    flat = ratings.reshape(-1)
    offset = np.arange(starts * columns) * models
    steepness = np.log(rise)
    for rows in row_blocks(orders.shape[0], size=1024):
        part = np.tile(orders[rows], (1, starts))
        firsts, seconds, shares = battles.first[part] + offset, battles.second[part] + offset, k * share[part]
        for i, j, won in zip(firsts, seconds, shares, strict=True):
            change = flat[j]
            change -= flat[i]
            change *= steepness
            np.exp(change, out=change)
            change += 1.0
            np.divide(-k, change, out=change)
            change += won
            flat[i] += change
            flat[j] -= change


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
