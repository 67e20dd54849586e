"""Bradley–Terry's likelihood: its maximum by Newton's method, its information, and the sandwich covariance.

A step is shortened only where theory does not promise that the whole step climbs: Bach (2010), Electronic Journal of
Statistics 4, on self-concordant losses. No likelihood need be computed on the way.
"""

from __future__ import annotations

import numpy as np

from rating.stats.arrays import Bools, Floats, Ints
from rating.stats.errors import NotConverged

SILENT = 1e-9
"""A direction whose spread is a smaller part than this of what independent battles give shows no spread."""

_STEPS = 200
_SURE = 1.5
"""A step that changes no difference by more than this (nats) climbs; up to 1.79 by Bach's bound."""
_EXP = 300.0
"""Strengths up to here (nats) can be taken as powers of e and multiplied."""


def components(games: Floats, *, strong: bool = False) -> Ints:
    """Component (m,) of each model, numbered by lowest model index; -1 for a model that met nobody.

    `games` (m, m): linked where above 0; strong=True asks for links in both directions.
    """
    linked = games > 0
    met = linked.any(axis=1) | linked.any(axis=0)
    result = np.full(games.shape[0], -1, dtype=np.int64)
    inside = linked if met.all() else linked[np.ix_(met, met)]
    if is_one(inside):
        result[met] = 0
        return result
    from scipy.sparse.csgraph import connected_components  # 0.15 s, not at import

    _, label = connected_components(inside, directed=True, connection="strong" if strong else "weak")
    _, lowest, number = np.unique(label, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(lowest))
    result[met] = order[number]
    return result


def is_one(linked: Bools) -> bool:
    """Whether every model reaches every other along `linked` (k, k): forth and back from the first one."""
    return _reaches_all(linked) and _reaches_all(linked.T)


def _reaches_all(linked: Bools) -> bool:
    if not linked.size:
        return True
    reached = np.zeros(linked.shape[0], dtype=np.bool_)
    frontier = reached.copy()
    reached[0] = frontier[0] = True
    while frontier.any():
        frontier = linked[frontier].any(axis=0) & ~reached
        reached |= frontier
    return bool(reached.all())


def solve(wins: Floats, games: Floats, *, start: Floats | None = None) -> Floats:
    """Strengths (k,) in nats, mean zero, that maximise the likelihood of `wins` of `games` (k, k); connected.

    `start` (k,): where to begin, in nats. Raises NotConverged.
    """
    k = wins.shape[0]
    ahead = wins.sum(axis=1)
    strength: Floats = np.zeros(k) if start is None else start - start.mean()
    for _ in range(_STEPS):
        chances = chance(strength)
        gradient = ahead - (games * chances).sum(axis=1)
        information = laplacian(games * chances * chances.T)
        try:
            step = np.linalg.solve(information + np.trace(information) / k**2, gradient)
        except np.linalg.LinAlgError as error:
            raise NotConverged("the battles do not determine the strengths") from error
        width = float(step.max() - step.min())
        if not np.isfinite(width):
            break
        strength = strength + step * _part_of(step, width, games)
        strength -= strength.mean()
        if width < 1e-7:  # what is left is of the order of its square
            return strength
    raise NotConverged(f"no solution after {_STEPS} Newton steps")


def _part_of(step: Floats, width: float, games: Floats) -> float:
    """The part of a Newton step to go: all of it where that surely climbs, else log(1 + D) / D of it.

    D is the largest change of a difference that some battle speaks of; the part is the one for which Bach's lower
    bound of the climb is largest.
    """
    if width <= _SURE:
        return 1.0
    change = float(np.abs(step[:, None] - step[None, :])[games > 0].max())
    return 1.0 if change <= _SURE else float(np.log1p(change) / change)


def chance(strength: Floats) -> Floats:
    """Probability (k, k) that the row beats the column."""
    if np.abs(strength).max(initial=0.0) < _EXP:
        power = np.exp(strength)
        result: Floats = power[:, None] / (power[:, None] + power[None, :])
        return result
    return np.asarray(0.5 * (1.0 + np.tanh((strength[:, None] - strength[None, :]) / 2.0)))


def laplacian(weight: Floats) -> Floats:
    """The matrix (k, k) of Σ w (x_i - x_j)² over pairs; its rows sum to zero. `weight` is symmetric."""
    result = -weight
    np.fill_diagonal(result, weight.sum(axis=1) - weight.diagonal())
    return result


def information_of(games: Floats, strength: Floats) -> Floats:
    """Fisher information (k, k) of `games` at these strengths."""
    chances = chance(strength)
    return laplacian(games * chances * chances.T)


def sandwich(information: Floats, meat: Floats, expected: Floats, *, least: float = 0.0) -> tuple[Floats, bool]:
    """Sandwich covariance (k, k) of mean-zero strengths, and whether some direction shows no spread at all.

    `meat`: second moments of the scores; `expected`: what independent battles would give, the information itself where
    battles weigh alike. Each direction has a ratio of the two. A ratio of zero says that the data are silent, not that
    they are certain: it becomes 1. Under a prior no ratio is below `least` = 1: a model that won everything leaves next
    to no residuals.
    """
    k = information.shape[0]
    try:
        inverse = np.linalg.inv(information + np.trace(information) / k**2)
    except np.linalg.LinAlgError as error:
        raise NotConverged("the battles do not determine the strengths") from error
    flat = False
    if least > 0 or not _speaks(meat, expected):
        meat, flat = floored(meat, expected, least=least)
    covariance = inverse @ meat @ inverse  # the rows of the meat sum to zero, which leaves strengths of mean zero
    return (covariance + covariance.T) / 2, flat


def _speaks(meat: Floats, expected: Floats) -> bool:
    """Whether every direction shows spread: one Cholesky instead of eigenvalues."""
    try:
        np.linalg.cholesky(meat - SILENT * expected + np.trace(meat) / meat.shape[0] ** 2)
    except np.linalg.LinAlgError:
        return False
    return True


def floored(meat: Floats, expected: Floats, *, least: float = 0.0) -> tuple[Floats, bool]:
    """`meat` (k, k) with no direction below what `sandwich` says, and whether one showed no spread.

    The direction in which `expected` is smallest, all strengths together, is left out.
    """
    value, vector = np.linalg.eigh(expected)
    value, vector = value[1:], vector[:, 1:]
    inverse_root = vector / np.sqrt(value)
    ratio, turn = np.linalg.eigh(inverse_root.T @ meat @ inverse_root)
    silent = ratio < SILENT
    turned = (vector * np.sqrt(value)) @ turn
    result: Floats = (turned * np.where(silent, 1.0, np.maximum(ratio, least))) @ turned.T
    return result, bool(silent.any())
