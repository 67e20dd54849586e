"""A number with its interval and its cases, kept quiet where the cases are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean or share over `n` cases with its interval; None below the fewest cases, of which `wanted` are wanting.

    `low`, `high` are also None where there is one question only, or for a mean without spread.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    wanted: int


def figure_of(value: float, low: float, high: float, *, n: int, fewest: int) -> Figure:
    """The figure of these numbers (NaN: unknown), without any of them where there are fewer than `fewest` cases."""
    if n < fewest:
        return Figure(None, None, None, n, fewest - n)
    return Figure(number(value), number(low), number(high), n, 0)


def number(value: float) -> float | None:
    """The value, or None for NaN."""
    return None if np.isnan(value) else float(value)
