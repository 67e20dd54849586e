"""Win rates: how often each model wins, and the tables of who met whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rating.stats.arrays import Floats, Ints
from rating.stats.battles import Battles, Counts, counts
from rating.stats.intervals import means_of, share_interval
from rating.stats.question_sums import question_sums


@dataclass(frozen=True, slots=True)
class WinRates:
    """Win rates of m models, shares 0..1 with a tie as half a win; NaN for a model without battles. All (m,).

    `win_rate`: of its own battles, with `low`, `high` clustered by question (NaN with fewer than two questions).
    `mean_rate`: mean over the opponents it met of its rate against each, so that a frequent opponent weighs no more.
    `wins`, `ties`, `losses`, `n`: battles by the sign of the preference.
    """

    win_rate: Floats
    low: Floats
    high: Floats
    mean_rate: Floats
    wins: Ints
    ties: Ints
    losses: Ints
    n: Ints


def win_rates(battles: Battles, models: int, *, level: float = 0.95) -> WinRates:
    """Win rates of `models` models, clustered by question. Raises ImpossibleInput for an index out of range."""
    table = counts(battles, models)
    n, rate = _rates(table)
    of = np.nan_to_num(rate)

    def scores(rows: slice | Ints) -> tuple[Floats, Floats]:
        share = battles.share(rows)
        return share - of[battles.first[rows]], 1.0 - share - of[battles.second[rows]]

    sums = question_sums(battles.first, battles.second, battles.cluster, models=models, scores=scores)
    shares = means_of(rate, np.maximum(sums.moments.diagonal(), 0.0), n=n, clusters=sums.seen)
    low, high = share_interval(shares, level=level)
    return _win_rates(table, rate, low, high, wins=_wins(battles, table))


def win_rates_of_counts(table: Counts, *, level: float = 0.95) -> WinRates:
    """Win rates from counts, at a cost that does not depend on the number of battles.

    Battles count as independent: the interval is Wilson's with a normal quantile, at the number of whole battles that
    would have the variance of the shares; where no spread is seen, at the number of battles. Counts do not know the
    sign of battles decided by a share: `wins` and `losses` then hold the sums of their shares, rounded.
    """
    n, rate = _rates(table)
    spread = table.squares.sum(axis=1) - 2.0 * rate * table.wins.sum(axis=1) + rate**2 * n
    shares = means_of(rate, np.maximum(spread, 0.0), n=n, clusters=n)
    low, high = share_interval(shares, level=level, freedom=np.inf)
    return _win_rates(table, rate, low, high, wins=(table.wins - table.ties / 2).sum(axis=1))


def _wins(battles: Battles, table: Counts) -> Floats:
    """Battles (m,) that each model won by the sign of the preference."""
    if battles.is_whole:
        return np.asarray(table.won().sum(axis=1))
    m, ahead, behind = table.models, battles.value > 0, battles.value < 0
    won = np.bincount(battles.first[ahead], minlength=m) + np.bincount(battles.second[behind], minlength=m)
    return won.astype(np.float64)


def _rates(table: Counts) -> tuple[Ints, Floats]:
    """Battles (m,) and the share of them won (m,), NaN without any."""
    n = np.rint(table.games.sum(axis=1)).astype(np.int64)
    return n, np.divide(table.wins.sum(axis=1), n, out=np.full(n.size, np.nan), where=n > 0)


def _win_rates(table: Counts, rate: Floats, low: Floats, high: Floats, *, wins: Floats) -> WinRates:
    won, tied, n = (np.rint(part).astype(np.int64) for part in (wins, table.ties.sum(axis=1), table.games.sum(axis=1)))
    return WinRates(
        win_rate=rate,
        low=low,
        high=high,
        mean_rate=mean_rates(fraction_matrix(table)),
        wins=won,
        ties=tied,
        losses=n - won - tied,
        n=n,
    )


def fraction_matrix(table: Counts, *, ties: bool = True) -> Floats:
    """Share of the row's wins against the column (m, m), NaN where they never met.

    ties=True counts a tie as half a win; False leaves ties out (NaN where all were ties).
    """
    games = table.games if ties else table.games - table.ties
    wins = table.wins if ties else table.wins - table.ties / 2
    return np.divide(wins, games, out=np.full_like(games, np.nan), where=games > 0)


def mean_rates(fractions: Floats) -> Floats:
    """Mean (m,) of each row of a fraction matrix over the opponents met; NaN without any."""
    met = ~np.isnan(fractions)
    total = np.where(met, fractions, 0.0).sum(axis=1)
    means: Floats = np.divide(total, met.sum(axis=1), out=np.full(total.shape, np.nan), where=met.any(axis=1))
    return means


def battle_matrix(battles: Battles, models: int) -> Ints:
    """Number of battles (m, m) between the row and the column, symmetric."""
    return np.rint(counts(battles, models).games).astype(np.int64)
