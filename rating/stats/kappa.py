"""Chance-corrected agreement besides α: Cohen's κ and Scott's π of two judges, Fleiss' κ of several, Gwet's AC1 and AC2.

Sources: Scott (1955), Public Opinion Quarterly 19; Cohen (1960, 1968), Educational and Psychological Measurement 20 and
Psychological Bulletin 70; Fleiss (1971), Psychological Bulletin 76; Gwet (2008), British Journal of Mathematical and
Statistical Psychology 61, weighted as in his Handbook of Inter-Rater Reliability (2014), chapter 4.
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
    return cohen_of_table(crossed(a, b, values), weights=weights)


def cohen_of_table(table: Floats, *, weights: Weights | None = None) -> float | None:
    """Cohen's κ from how often (V, V) one judge said a and the other b; parts of an item may count. None as above."""
    observed, one, other = _shares_of(table, weights)
    return None if observed is None else _corrected(observed, float(one @ credits(table.shape[0], weights) @ other))


def scott_pi(a: ArrayLike, b: ArrayLike, values: int, *, weights: Weights | None = None) -> float | None:
    """Scott's π of two judges' values (n,): as Cohen's κ, by chance from the values that both use together."""
    return scott_of_table(crossed(a, b, values), weights=weights)


def scott_of_table(table: Floats, *, weights: Weights | None = None) -> float | None:
    """Scott's π from how often (V, V) one judge said a and the other b; parts of an item may count. None as above."""
    observed, one, other = _shares_of(table, weights)
    part = (one + other) / 2
    return None if observed is None else _corrected(observed, float(part @ credits(part.size, weights) @ part))


def ac_of_table(table: Floats, *, weights: Weights | None = None) -> float | None:
    """Gwet's AC1, or AC2 with weights, of two judges from such a table; None without items."""
    observed, one, other = _shares_of(table, weights)
    return None if observed is None else _gwet(observed, (one + other) / 2, credits(one.size, weights))


def crossed(a: ArrayLike, b: ArrayLike, values: int) -> Floats:
    """How often (V, V) the judge of `a` (n,) said one value and the judge of `b` (n,) another. Raises ImpossibleInput."""
    check_values(values)
    first, second = codes(a, "a", below=values), codes(b, "b", below=values)
    same_length(a=first, b=second)
    table = np.bincount(first * values + second, minlength=values * values)
    return table.reshape(values, values).astype(np.float64)


def fleiss_kappa(counts: Floats, *, times: Floats | None = None, weights: Weights | None = None) -> float | None:
    """Fleiss' κ of vote counts (items, V), items with unequal numbers of votes (two or more) allowed.

    `times` (items,): how many items have the same counts. None without items, or where only one value occurs.
    """
    often = _often(counts, times)
    if not often.any():
        return None
    credit, part = credits(counts.shape[1], weights), _mean_shares(counts, often)
    return _corrected(_mean_agreement(counts, often, credit), float(part @ credit @ part))


def ac1(counts: Floats, *, times: Floats | None = None) -> float | None:
    """Gwet's AC1 of vote counts (items, V); V is the number of values the rubric allows. None without items.

    `times` (items,): how many items have the same counts.
    """
    return ac2(counts, times=times, weights=None)


def ac2(counts: Floats, *, times: Floats | None = None, weights: Weights | None = "quadratic") -> float | None:
    """Gwet's AC2 of vote counts (items, V): AC1 with credit for values that are near each other. As `ac1` otherwise."""
    often = _often(counts, times)
    if not often.any():
        return None
    credit, part = credits(counts.shape[1], weights), _mean_shares(counts, often)
    return _gwet(_mean_agreement(counts, often, credit), part, credit)


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


def _shares_of(table: Floats, weights: Weights | None) -> tuple[float | None, Floats, Floats]:
    """Observed agreement (None without items) and the share of each value (V,) of both judges."""
    credit, n = credits(table.shape[0], weights), float(table.sum())
    if n == 0:
        return None, table.sum(axis=1), table.sum(axis=0)
    return float((table * credit).sum()) / n, table.sum(axis=1) / n, table.sum(axis=0) / n


def _gwet(observed: float, part: Floats, credit: Floats) -> float | None:
    """Gwet's coefficient from the observed agreement, the mean share of each value (V,) and the credits (V, V)."""
    values = part.size
    chance = float(credit.sum()) / (values * (values - 1)) * float((part * (1 - part)).sum())
    return _corrected(observed, chance)


def _often(counts: Floats, times: Floats | None) -> Floats:
    return np.ones(counts.shape[0]) if times is None else times


def _mean_shares(counts: Floats, often: Floats) -> Floats:
    shares: Floats = often @ (counts / counts.sum(axis=1, keepdims=True)) / often.sum()
    return shares


def _mean_agreement(counts: Floats, often: Floats, credit: Floats) -> float:
    votes = counts.sum(axis=1)
    agreeing = (counts * (counts @ credit - 1.0)).sum(axis=1)
    return float(often @ (agreeing / (votes * (votes - 1))) / often.sum())


def _corrected(observed: float, expected: float) -> float | None:
    if expected >= 1.0 - 1e-12:
        return None
    return (observed - expected) / (1.0 - expected)
