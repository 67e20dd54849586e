"""FastChat's newer rating method, in our words: the published package carries only the older, slower functions.

After lm-sys/FastChat, fastchat/serve/monitor/rating_systems.py (2024, Apache-2.0): the same steps on the same kinds of
arrays, so that the time is theirs; nothing is copied. Runs in the peers' environment.
"""

from __future__ import annotations

import math
import multiprocessing
import os
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

LOG_TEN = math.log(10.0)
SIGNS = np.array([1.0, -1.0])


def pairs(frame: pd.DataFrame) -> tuple[np.ndarray, pd.Index]:
    """Model numbers (n, 2) of a table with names in model_a, model_b; and the names."""
    number, names = pd.factorize(pd.concat([frame["model_a"], frame["model_b"]]))
    return np.column_stack([number[: len(frame)], number[len(frame) :]]), names


def shares(frame: pd.DataFrame) -> np.ndarray:
    share = np.full(len(frame), 0.5)
    share[frame["winner"] == "model_a"] = 1.0
    share[frame["winner"] == "model_b"] = 0.0
    return share


def unique_rows(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.Index]:
    """The different (model, model, outcome), and how often each occurs."""
    rows = np.ones((len(frame), 3), dtype=np.int32)
    rows[:, :2], names = pairs(frame)
    rows[frame["winner"] == "model_a", 2] = 2
    rows[frame["winner"] == "model_b", 2] = 0
    different, often = np.unique(rows, axis=0, return_counts=True)
    return different[:, :2], different[:, 2] / 2.0, often.astype(np.float64), names


def loss(rating: np.ndarray, pair: np.ndarray, share: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """Minus the log-likelihood and its gradient."""
    chance = expit(LOG_TEN * (rating[pair[:, 0]] - rating[pair[:, 1]]))
    likely = (np.log(chance) * share + np.log(1.0 - chance) * (1.0 - share)) * weight
    slope = np.zeros_like(rating)
    np.add.at(slope, pair, (-LOG_TEN * (share - chance) * weight)[:, None] * SIGNS)
    return -likely.sum(), slope


def fitted(pair: np.ndarray, share: np.ndarray, weight: np.ndarray, models: int) -> np.ndarray:
    """Ratings by L-BFGS-B, in units of the scale."""
    options = {"maxiter": 100, "gtol": 1e-6}
    found = minimize(loss, np.zeros(models), args=(pair, share, weight), jac=True, method="L-BFGS-B", options=options)
    return found.x


def bradley_terry(frame: pd.DataFrame) -> pd.Series:
    pair, share, weight, names = unique_rows(frame)
    return pd.Series(400.0 * fitted(pair, share, weight, len(names)) + 1000.0, index=names)


def bootstrap(frame: pd.DataFrame, draws: int) -> pd.DataFrame:
    """Ratings (draws, models): counts of the different rows drawn anew, fitted in a pool of processes."""
    pair, share, weight, names = unique_rows(frame)
    drawn = np.random.default_rng(0).multinomial(len(frame), weight / weight.sum(), size=draws) / len(frame)
    one = partial(fitted, pair, share, models=len(names))
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        ratings = list(pool.imap_unordered(one, drawn))
    return pd.DataFrame(400.0 * np.array(ratings) + 1000.0, columns=names)


def online_elo(frame: pd.DataFrame, *, k: float) -> pd.Series:
    pair, names = pairs(frame)
    rating = np.full(len(names), 1000.0)
    for (one, other), share in zip(pair, shares(frame), strict=True):
        change = k * (share - 1.0 / (1.0 + math.exp(LOG_TEN / 400.0 * (rating[other] - rating[one]))))
        rating[one] += change
        rating[other] -= change
    return pd.Series(rating, index=names)


def style_control(frame: pd.DataFrame, style: np.ndarray) -> tuple[pd.Series, np.ndarray]:
    """Ratings and coefficients of standardised features, all rows one by one; no interval."""
    pair, names = pairs(frame)
    feature = (style - style.mean(axis=0)) / style.std(axis=0)
    start = np.zeros(len(names) + feature.shape[1])
    options: dict[str, Any] = {"maxiter": 100, "gtol": 1e-6}
    given = (pair, feature, shares(frame), len(names))
    found = minimize(_style_loss, start, args=given, jac=True, method="L-BFGS-B", options=options)
    return pd.Series(400.0 * found.x[: len(names)] + 1000.0, index=names), found.x[len(names) :]


def _style_loss(
    unknown: np.ndarray, pair: np.ndarray, feature: np.ndarray, share: np.ndarray, models: int, ridge: float = 0.5
) -> tuple[float, np.ndarray]:
    rating = unknown[:models]
    chance = expit(LOG_TEN * (rating[pair[:, 0]] - rating[pair[:, 1]]) + feature @ unknown[models:])
    likely = (np.log(chance) * share + np.log(1.0 - chance) * (1.0 - share)).sum()
    left = share - chance
    slope = ridge * unknown
    np.add.at(slope[:models], pair, (-LOG_TEN * left)[:, None] * SIGNS)
    slope[models:] -= feature.T @ left
    return -likely + ridge / 2 * unknown @ unknown, slope
