"""What a method says beside its ratings, as plain data: the same for a board of the record and for one of a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from rating.stats.style import Styled


def coefficients(fitted: Styled) -> list[dict[str, Any]]:
    """What one standard deviation more of each feature does to the odds of winning, with its interval."""
    low, high = fitted.odds_ratio_interval
    columns = zip(fitted.features, fitted.odds_ratio, low, high, fitted.std, strict=True)
    return [
        {
            "feature": feature,
            "odds_ratio": number(ratio),
            "low": number(lowest),
            "high": number(highest),
            "std": number(std),
        }
        for feature, ratio, lowest, highest, std in columns
    ]


def number(value: float) -> float | None:
    """A float for JSON and the database; None for what is not a number."""
    return float(value) if np.isfinite(value) else None
