"""Chance-corrected agreement besides α: Cohen's κ of two judges, Fleiss' κ of several, Gwet's AC1.

Sources: Cohen (1960, 1968), Educational and Psychological Measurement 20 and Psychological Bulletin 70;
Fleiss (1971), Psychological Bulletin 76; Gwet (2008), British Journal of Mathematical and Statistical Psychology 61.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, codes, same_length
from rating.stats.errors import ImpossibleInput

Weights = Literal["linear", "quadratic"]


def cohen_kappa(a: ArrayLike, b: ArrayLike, values: int, *, weights: Weights | None = None) -> float | None:
    """Cohen's κ of two judges' values (n,) on the same items, codes 0..values-1 in their order.

    None where it is undefined: no item, or both judges use one and the same value only.
    """
    check_values(values)
    first, second = codes(a, "a", below=values), codes(b, "b", below=values)
    n = same_length(a=first, b=second)
    if n == 0:
        return None
    table = np.bincount(first * values + second, minlength=values * values).reshape(values, values)
    credit = credits(values, weights)
    observed = float((table * credit).sum()) / n
    expected = float(table.sum(axis=1) @ credit @ table.sum(axis=0)) / n**2
    return _corrected(observed, expected)


def fleiss_kappa(counts: Floats, *, weights: Weights | None = None) -> float | None:
    """Fleiss' κ of vote counts (items, V), items with unequal numbers of votes (two or more) allowed.

    None without items, or where only one value occurs.
    """
    if counts.shape[0] == 0:
        return None
    credit = credits(counts.shape[1], weights)
    part = _mean_shares(counts)
    return _corrected(_mean_agreement(counts, credit), float(part @ credit @ part))


def ac1(counts: Floats) -> float | None:
    """Gwet's AC1 of vote counts (items, V); V is the number of values the rubric allows. None without items."""
    if counts.shape[0] == 0:
        return None
    part = _mean_shares(counts)
    chance = float((part * (1 - part)).sum()) / (counts.shape[1] - 1)
    return _corrected(_mean_agreement(counts, credits(counts.shape[1], None)), chance)


def credits(values: int, weights: Weights | None) -> Floats:
    """Credit 0..1 for each two values (V, V): 1 for the same; in between, by distance, when weighted."""
    if weights is None:
        return np.eye(values)
    if weights not in ("linear", "quadratic"):
        raise ImpossibleInput(f"weights are linear or quadratic, not {weights!r}")
    apart = np.abs(np.subtract.outer(np.arange(values), np.arange(values))) / (values - 1)
    return 1.0 - (apart if weights == "linear" else apart**2)


def check_values(values: int) -> None:
    """Raise ImpossibleInput unless judges have two values to choose from."""
    if values < 2:
        raise ImpossibleInput(f"{values} possible values; agreement needs at least two")


def _mean_shares(counts: Floats) -> Floats:
    shares: Floats = (counts / counts.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares


def _mean_agreement(counts: Floats, credit: Floats) -> float:
    votes = counts.sum(axis=1)
    agreeing = (counts * (counts @ credit - 1.0)).sum(axis=1)
    return float((agreeing / (votes * (votes - 1))).mean())


def _corrected(observed: float, expected: float) -> float | None:
    if expected >= 1.0 - 1e-12:
        return None
    return (observed - expected) / (1.0 - expected)
