"""Pairwise contrasts: how far the difference of any two models of one board may lie from the one that was found.

The variance of a difference is that of both less twice what they have in common, all from one sandwich clustered by question,
so that what a question does to both models at once is counted once. Rank ranges read the same widths.
"""

from __future__ import annotations

import numpy as np

from rating.stats.arrays import Floats, Ints
from rating.stats.bradley_terry import Strengths
from rating.stats.intervals import student

ROUNDING = 1e-9
"""Of the variance of two that have nothing in common: what is smaller is none."""


def strength_contrasts(strengths: Strengths, *, level: float = 0.95) -> Floats:
    """Half the width (m, m), in nats, of the interval of the difference of every two strengths.

    NaN between components and where a model has no interval. Raises ImpossibleInput for a bad level.
    """
    return contrasts(strengths.covariance, strengths.freedom, level=level)


def contrasts(covariance: Floats, freedom: Floats | Ints, *, level: float) -> Floats:
    """Half the width (m, m) of the interval of every difference, from a covariance (m, m) and degrees of freedom (m,).

    The t quantile has the smaller of the two degrees of freedom. 0 where the two move together throughout;
    NaN where a part of it is not known. Raises ImpossibleInput for a bad level.
    """
    variance = np.diag(covariance)
    alone = variance[:, None] + variance[None, :]
    square = alone - 2 * covariance
    # what is left after rounding of two that move together is no spread
    error = np.sqrt(np.where(square <= ROUNDING * alone, 0.0, square))
    quantile = student(level, freedom)  # falls with freedom: of two, the larger goes with the smaller
    half: Floats = error * np.maximum(quantile[:, None], quantile[None, :])
    return half
