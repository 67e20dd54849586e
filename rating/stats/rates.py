"""Win rates: how often each model wins, and the tables of who met whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rating.stats.arrays import Floats, Ints
from rating.stats.battles import Battles, Counts, check_models, counts
from rating.stats.intervals import clustered_means, share_interval


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
    """Win rates of `models` models. Raises ImpossibleInput for an index out of range."""
    check_models(battles, models)
    share = battles.share()
    model = np.concatenate([battles.first, battles.second])
    cluster = np.concatenate([battles.cluster, battles.cluster])
    rates = clustered_means(model, cluster, value=np.concatenate([share, 1.0 - share]), groups=models)
    low, high = share_interval(rates, level=level)
    sign = np.concatenate([np.sign(battles.value), -np.sign(battles.value)])
    won, tied, lost = (np.bincount(model[sign == s], minlength=models).astype(np.int64) for s in (1, 0, -1))
    table = fraction_matrix(counts(battles, models))
    return WinRates(
        win_rate=rates.mean,
        low=low,
        high=high,
        mean_rate=mean_rates(table),
        wins=won,
        ties=tied,
        losses=lost,
        n=rates.n,
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
