"""How often a model beats one baseline, from shares of the win, as AlpacaEval reports it.

Source: Dubois et al. (2023), AlpacaFarm, and the alpaca_eval leaderboards: a preference of 1..2 is a share of 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, floats
from rating.stats.errors import ImpossibleInput, TooLittleData


@dataclass(frozen=True, slots=True)
class BaselineRates:
    """A model against one baseline on n questions, shares 0..1.

    `win_rate`: mean share; `error`: its standard error with n - 1, None for one question. `n_wins`, `n_wins_base`,
    `n_draws`: shares above, below and at one half. `discrete_win_rate`: wins and half the draws, of n.
    """

    win_rate: float
    error: float | None
    n_wins: int
    n_wins_base: int
    n_draws: int
    n: int
    discrete_win_rate: float


def baseline_rates(share: ArrayLike) -> BaselineRates:
    """Rates of a model against its baseline from one share (n,) a question: 1 the model won, 0 the baseline, 0.5 a draw.

    A weighted verdict is a share in between. Raises ImpossibleInput for NaN or a share out of range, TooLittleData
    without any: a verdict that is missing is left out by the caller, never a draw.
    """
    won = shares(share)
    n = won.size
    wins, lost = int((won > 0.5).sum()), int((won < 0.5).sum())
    draws = n - wins - lost
    return BaselineRates(
        win_rate=float(won.mean()),
        error=float(won.std(ddof=1) / np.sqrt(n)) if n > 1 else None,
        n_wins=wins,
        n_wins_base=lost,
        n_draws=draws,
        n=n,
        discrete_win_rate=(wins + draws / 2) / n,
    )


def shares(values: ArrayLike) -> Floats:
    """`values` as shares of a win (n,), 0..1. Raises ImpossibleInput, TooLittleData for none."""
    share = floats(values, "share")
    if share.size == 0:
        raise TooLittleData("no verdicts against the baseline")
    if share.min() < 0 or share.max() > 1:
        raise ImpossibleInput(f"a share of {share[(share < 0) | (share > 1)][0]:g} is outside 0..1")
    return share
