"""Length-controlled win rate: how often a model would beat the baseline with answers as long as the baseline's.

Source: Dubois, Galambosi, Liang and Hashimoto (2024), "Length-Controlled AlpacaEval: A Simple Way to Debias Automatic
Evaluators". The logistic model is theirs: model + tanh(length difference) + difficulty of the question. Left out is their
pull towards judged variants of the baseline, which is data of their own. Their published standard error is the
spread of the predictions alone; ours holds what the fit does not know as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, codes, compressed, floats, same_length
from rating.stats.baseline_rates import shares
from rating.stats.bradley_terry import SEPARATED, SEPARATED_PRIOR
from rating.stats.errors import ImpossibleInput, NotConverged, TooLittleData
from rating.stats.intervals import student
from rating.stats.style_newton import Slope, climbed

SAME_LENGTH = "same_length"
"""Note: all answers were as long as the baseline's; there is nothing to control for."""
EXTRAPOLATED = "extrapolated"
"""Note: hardly any answers of the model are longer, or hardly any shorter, than the baseline's, so that equal
length lies at the edge of what was seen and the rate leans on the form of the model."""

_RARE = 0.1
_FURTHEST = 6.0


@dataclass(frozen=True, slots=True)
class LengthControlled:
    """A model's win rate against its baseline at equal length, shares 0..1.

    `rate`, with `error` (standard error) and the interval `low`, `high`, None with one question; `win_rate`: as judged.
    `model`, `length`, `difficulty`: coefficients in nats, for the model itself, for tanh = 1 (a positive one:
    longer is preferred) and for one unit of the given difficulties; None where there is no such term. `spread`:
    standard deviation of the length differences, their unit. `notes`: SAME_LENGTH, EXTRAPOLATED, SEPARATED.
    """

    rate: float
    error: float | None
    low: float | None
    high: float | None
    win_rate: float
    model: float
    length: float | None
    difficulty: float | None
    spread: float
    n: int
    notes: tuple[str, ...]


def length_controlled(
    share: ArrayLike,
    length: ArrayLike,
    baseline_length: ArrayLike,
    *,
    difficulty: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> LengthControlled:
    """The mean predicted share with the length term set to zero, from one row (n,) for each judged answer.

    `share`: 1 the model won, 0 the baseline, or between. `length`, `baseline_length`: of the two answers, in
    characters or any unit. `difficulty`: how models do on the row's question against this baseline, higher is
    better for the model, as `difficulty_from` gives it; without it a model whose answers are all short or all long is
    controlled poorly. `cluster`: question of each row; None is one row a question. The error is that of leaving out
    one question, by one Newton step. Where there is no finite fit, SEPARATED_PRIOR ties are added for each coefficient,
    and noted. Raises ImpossibleInput, TooLittleData.
    """
    won = shares(share)
    own, other = floats(length, "length"), floats(baseline_length, "baseline_length")
    question = np.arange(won.size) if cluster is None else codes(cluster, "cluster")
    same_length(share=won, length=own, baseline_length=other, cluster=question)
    longer = own - other
    spread = float(longer.std(ddof=1)) if won.size > 1 else 0.0
    controlled = bool(longer.any())
    if controlled and spread <= 1e-9 * np.abs(longer).max():
        raise TooLittleData("all answers are longer by the same length: its part cannot be told from the model's")
    design = [np.ones(won.size)]
    if controlled:
        design.append(np.tanh(longer / spread))
    hard = None if difficulty is None else floats(difficulty, "difficulty")
    if hard is not None:
        same_length(share=won, difficulty=hard)
        design.append(hard)
    columns = np.column_stack(design)
    _check_apart(columns)
    point, information, forced = _fitted(columns, won)
    equal = columns.copy()
    equal[:, 1 : 1 + controlled] = 0.0
    error, questions = _error(columns, won, point, information, equal=equal, cluster=question)
    rate = float(_chance(equal @ point).mean())
    half = None if error is None else float(student(level, questions - 1)) * error / (rate * (1 - rate))
    ahead = np.log(rate / (1 - rate))
    rare = controlled and min((longer > 0).mean(), (longer < 0).mean()) < _RARE
    said = ((SAME_LENGTH, not controlled), (EXTRAPOLATED, rare), (SEPARATED, forced))
    return LengthControlled(
        rate=rate,
        error=error,
        low=None if half is None else float(_chance(ahead - half)),
        high=None if half is None else float(_chance(ahead + half)),
        win_rate=float(won.mean()),
        model=float(point[0]),
        length=float(point[1]) if controlled else None,
        difficulty=None if hard is None else float(point[-1]),
        spread=spread,
        n=won.size,
        notes=tuple(note for note, true in said if true),
    )


def difficulty_from(others: ArrayLike) -> Floats:
    """How other models do on each question (n,): mean log-odds of their shares (models, n), each within ±6 nats.

    In place of the difficulties of the paper's joint fit. Raises ImpossibleInput, TooLittleData for no model.
    """
    table = np.atleast_2d(np.asarray(others, dtype=np.float64))
    if table.ndim != 2 or table.size == 0:
        raise TooLittleData("difficulties need other models' shares, one row a model")
    edge = 1.0 / (1.0 + np.exp(_FURTHEST))
    part = np.clip(np.stack([shares(row) for row in table]), edge, 1.0 - edge)
    return np.asarray(np.log(part / (1.0 - part)).mean(axis=0))


def predicted_rate(
    model: tuple[float, float], difficulty: ArrayLike, *, against: tuple[float, float] = (0.0, 0.0)
) -> float:
    """The win rate at equal length that known coefficients predict, of one model against another, 0..1.

    `model`, `against`: (coefficient of the model, coefficient of difficulty) in nats, from fits with the same
    baseline, whose own are (0, 0). `difficulty` (n,): of each question.
    """
    hard = floats(difficulty, "difficulty")
    if hard.size == 0:
        raise TooLittleData("no questions to predict")
    return float(_chance((model[0] - against[0]) + (model[1] - against[1]) * hard).mean())


def _check_apart(columns: Floats) -> None:
    """Raise unless the terms can be told apart: a difficulty that is the same for all questions is no term."""
    unit = columns / np.maximum(np.abs(columns).max(axis=0), np.finfo(np.float64).tiny)
    if np.linalg.matrix_rank(unit, tol=1e-8 * np.sqrt(len(unit))) < columns.shape[1]:
        raise ImpossibleInput("model, length and difficulty cannot be told apart on these questions")


def _fitted(columns: Floats, won: Floats) -> tuple[Floats, Floats, bool]:
    """Coefficients (k,), information (k, k), and whether they needed the prior to be finite."""
    k = columns.shape[1]

    def slope_with(prior: float) -> Slope:
        def slope(point: Floats) -> tuple[Floats, Floats]:
            chance, alone = _chance(columns @ point), _chance(point)
            gradient = columns.T @ (won - chance) + prior * (0.5 - alone)
            information = (columns * (chance * (1 - chance))[:, None]).T @ columns
            return gradient, information + np.diag(prior * alone * (1 - alone))

        return slope

    for prior in (0.0, SEPARATED_PRIOR):
        slope, start = slope_with(prior), np.zeros(k)
        try:
            point, information = climbed(slope, start, begin=slope(start), held=np.zeros((k, k)))
        except NotConverged:
            continue
        return point, information, prior > 0
    raise NotConverged("no finite coefficients for these verdicts")


def _error(
    columns: Floats, won: Floats, point: Floats, information: Floats, *, equal: Floats, cluster: Ints
) -> tuple[float | None, int]:
    """Standard error of the controlled rate, and questions: what the rate changes when one question is left out."""
    index, questions = compressed(cluster)
    if questions < 2:
        return None, questions
    chance, even = _chance(columns @ point), _chance(equal @ point)
    inverse = np.linalg.inv(information)
    leverage = ((columns @ inverse) * columns).sum(axis=1) * chance * (1 - chance)
    pull = inverse @ (equal.T @ (even * (1 - even))) / won.size
    moved = (columns @ pull) * (won - chance) / np.maximum(1 - leverage, 0.1) + (even - even.mean()) / won.size
    total = np.bincount(index, moved)
    return float(np.sqrt((total**2).sum() * (questions - 1) / questions)), questions


def _chance(ahead: Floats) -> Floats:
    return 0.5 * (1.0 + np.tanh(0.5 * ahead))
