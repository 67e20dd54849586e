"""How far two leaderboards agree on the order: Kendall's τ-b and Spearman's ρ over the models that both rate.

Intervals: Fisher's z with the standard errors of Bonett and Wright (2000), Psychometrika 65. They treat the models
as a sample of models; how sure each board is of its own order, its rank ranges say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import student

FEW_MODELS = "few_models"
"""Note: fewer than FEWEST_MODELS models are on both boards: no coefficient."""
ALL_TIED = "all_tied"
"""Note: one board gives all models the same number: there is no order to agree with."""
SAME_ORDER = "same_order"
"""Note: a coefficient of 1 or -1: how far it would vary is not known, so no interval for it."""
FEWEST_MODELS = 4
METHOD = "Fisher z, Bonett and Wright"

_DIGITS = 9


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """Kendall's τ-b (`tau`) and Spearman's ρ (`rho`) over `models` that are on both boards, each with its interval.

    None where there is no coefficient or no interval, with the reason in `notes`: FEW_MODELS, ALL_TIED, SAME_ORDER. For τ
    the interval wants five models. `method`: how the intervals are made.
    """

    tau: float | None
    tau_low: float | None
    tau_high: float | None
    rho: float | None
    rho_low: float | None
    rho_high: float | None
    models: int
    method: str
    notes: tuple[str, ...]


def rank_agreement(one: ArrayLike, other: ArrayLike, *, level: float = 0.95) -> RankAgreement:
    """Agreement of two boards: ratings, win rates or scores (m,) of the same models, NaN where a board has none.

    Numbers that are equal to nine digits after the point are a tie. Raises ImpossibleInput for unequal lengths or infinity.
    """
    a, b = _common(one, other)
    if a.size < FEWEST_MODELS:
        return _none(a.size, FEW_MODELS)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return _none(a.size, ALL_TIED)
    tau, rho = _kendall(a, b), _pearson(_ranks(a), _ranks(b))
    # 0.437 and 1 + ρ²/2 in place of the 1 of Pearson's
    of_tau = _interval(tau, variance=0.437 / (a.size - 4) if a.size > 4 else None, level=level)
    of_rho = _interval(rho, variance=(1 + rho**2 / 2) / (a.size - 3), level=level)
    return RankAgreement(
        tau, *of_tau, rho, *of_rho, a.size, METHOD, (SAME_ORDER,) if max(abs(tau), abs(rho)) == 1.0 else ()
    )


def _none(models: int, note: str) -> RankAgreement:
    return RankAgreement(None, None, None, None, None, None, models, METHOD, (note,))


def _common(one: ArrayLike, other: ArrayLike) -> tuple[Floats, Floats]:
    """The numbers of the models that both boards have, rounded so that equal ones are equal."""
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ImpossibleInput(f"two boards must be two columns of one length, not {a.shape} and {b.shape}")
    if np.isinf(a).any() or np.isinf(b).any():
        raise ImpossibleInput("a rating cannot be infinite")
    both = ~(np.isnan(a) | np.isnan(b))
    return a[both].round(_DIGITS), b[both].round(_DIGITS)


def _kendall(a: Floats, b: Floats) -> float:
    """τ-b: concordant less discordant pairs, over the root of the pairs not tied in one times those not tied in the other."""
    upper = np.triu_indices(a.size, 1)
    first, second = (np.sign(x[upper[0]] - x[upper[1]]).astype(np.int64) for x in (a, b))
    agreeing, of_first, of_second = (int(x @ y) for x, y in ((first, second), (first, first), (second, second)))
    # whole numbers up to here, so that a perfect order is exactly 1
    if agreeing * agreeing == of_first * of_second:
        return float(np.sign(agreeing))
    return agreeing / float(np.sqrt(float(of_first) * of_second))


def _ranks(x: Floats) -> Floats:
    """Twice the mid-ranks less their mean (m,), whole numbers."""
    _, place, times = np.unique(x, return_inverse=True, return_counts=True)
    doubled = 2 * np.cumsum(times) - times + 1
    ranks: Floats = (doubled[place] - (x.size + 1)).astype(np.float64)
    return ranks


def _pearson(a: Floats, b: Floats) -> float:
    both, of_a, of_b = (int(x @ y) for x, y in ((a, b), (a, a), (b, b)))
    if both * both == of_a * of_b:
        return float(np.sign(both))
    return both / float(np.sqrt(float(of_a) * of_b))


def _interval(value: float, *, variance: float | None, level: float) -> tuple[float | None, float | None]:
    half = float(student(level, np.inf))
    if variance is None or abs(value) == 1.0:
        return None, None
    middle = np.arctanh(value)
    return float(np.tanh(middle - half * variance**0.5)), float(np.tanh(middle + half * variance**0.5))
