"""Weighted totals over categories, and their intervals.

Source of the degrees of freedom of a sum of estimates: Satterthwaite (1946), Biometrics Bulletin 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Bools, Floats
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import student

Mode = Literal["mean", "sum"]


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of m models over categories; NaN for a model that has none. All (m,).

    `total` in the units of the values, with `error`, its standard error, and `low`, `high`: NaN where a category that
    counts has no error. `freedom`: degrees for the t quantile, inf where all errors are those of many observations.
    """

    total: Floats
    error: Floats
    low: Floats
    high: Floats
    freedom: Floats


def weighted_total(values: ArrayLike, weights: ArrayLike, *, mode: Mode = "mean") -> Floats:
    """Total (m,) of `values` (m, c) over c categories: Σwx / Σw for "mean", Σwx for "sum".

    NaN for a model whose value is missing (NaN) in a category with weight above 0: a total over other categories
    would not compare. Raises ImpossibleInput for unequal shapes, negative or NaN weights, or no weight at all.
    """
    table = np.asarray(values, dtype=np.float64)
    part, counted = _parts(table, weights, mode)
    total: Floats = table[:, counted] @ part
    return total


def total_intervals(
    values: ArrayLike,
    weights: ArrayLike,
    *,
    error: ArrayLike,
    freedom: ArrayLike | None = None,
    mode: Mode = "mean",
    level: float = 0.95,
) -> Totals:
    """Totals of `values` (m, c), as `weighted_total` makes them, with t intervals from the standard errors of the values.

    `error`, `freedom` (m, c): standard error of each value and its degrees of freedom, questions - 1 where it is
    clustered by question; None is inf. Categories have questions of their own, so that their values are independent and
    the variance of the total is Σw² error², over (Σw)² for the mean; its degrees of freedom are Satterthwaite's. Where a
    category with weight above 0 has no value there is no total, where one has no error (NaN) no interval.
    Raises ImpossibleInput as `weighted_total`, for a negative or infinite error, for a bad level.
    """
    table, spread = np.asarray(values, dtype=np.float64), np.asarray(error, dtype=np.float64)
    part, counted = _parts(table, weights, mode)
    degrees = np.full_like(table, np.inf) if freedom is None else np.asarray(freedom, dtype=np.float64)
    if spread.shape != table.shape or degrees.shape != table.shape:
        raise ImpossibleInput(f"values {table.shape}, errors {spread.shape}, freedom {degrees.shape} do not fit")
    if (spread < 0).any() or np.isinf(spread).any():
        raise ImpossibleInput("a standard error must be a number from 0, or NaN where there is none")
    total: Floats = table[:, counted] @ part
    known = degrees[:, counted] >= 1
    variance = np.where(known, (part * spread[:, counted]) ** 2, np.nan)
    whole = np.where(np.isnan(total), np.nan, variance.sum(axis=1))
    lost = (variance**2 / np.where(known, degrees[:, counted], 1.0)).sum(axis=1)
    joint = np.where(
        np.isnan(whole), np.nan, np.divide(whole**2, lost, out=np.full_like(whole, np.inf), where=lost > 0)
    )
    half = np.sqrt(whole) * student(level, joint)
    return Totals(total=total, error=np.sqrt(whole), low=total - half, high=total + half, freedom=joint)


def _parts(table: Floats, weights: ArrayLike, mode: str) -> tuple[Floats, Bools]:
    """What each category with a weight adds to the total for a value of 1, and which categories (c,) these are."""
    weight = np.asarray(weights, dtype=np.float64)
    if mode not in ("mean", "sum"):
        raise ImpossibleInput(f"a total is a mean or a sum, not {mode!r}")
    if table.ndim != 2 or weight.shape != table.shape[1:]:
        raise ImpossibleInput(f"values {table.shape} and weights {weight.shape} do not fit")
    if not np.isfinite(weight).all() or (weight < 0).any() or not (weight > 0).any():
        raise ImpossibleInput("weights must be numbers from 0, not all 0")
    counted = weight > 0
    return weight[counted] / (weight.sum() if mode == "mean" else 1.0), counted
