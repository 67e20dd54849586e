"""Weighted totals over categories."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats
from rating.stats.errors import ImpossibleInput


def weighted_total(values: ArrayLike, weights: ArrayLike, *, mode: Literal["mean", "sum"] = "mean") -> Floats:
    """Total (m,) of `values` (m, c) over c categories: Σwx / Σw for "mean", Σwx for "sum".

    NaN for a model whose value is missing (NaN) in a category with weight above 0: a total over other categories
    would not compare. Raises ImpossibleInput for unequal shapes, negative or NaN weights, or no weight at all.
    """
    table, weight = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if mode not in ("mean", "sum"):
        raise ImpossibleInput(f"a total is a mean or a sum, not {mode!r}")
    if table.ndim != 2 or weight.shape != table.shape[1:]:
        raise ImpossibleInput(f"values {table.shape} and weights {weight.shape} do not fit")
    if not np.isfinite(weight).all() or (weight < 0).any() or not (weight > 0).any():
        raise ImpossibleInput("weights must be numbers from 0, not all 0")
    counted = weight > 0
    total: Floats = table[:, counted] @ weight[counted]
    return total / weight.sum() if mode == "mean" else total
