"""The bootstrap as a second opinion on the intervals of ratings: battles or questions drawn again, all draws at once.

Sources: Efron (1979), Annals of Statistics 7; whole clusters drawn as in Davison and Hinkley (1997), chapter 3; that the
percentiles of few draws' units are too narrow, and by how much: Hesterberg (2015), The American Statistician 69.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Bools, Floats, Indices, Ints, compressed
from rating.stats.battles import Battles, Counts, check_models, counts
from rating.stats.bradley_terry import (
    ENOUGH_CLUSTERS,
    FEW_CLUSTERS,
    MIDDLE,
    NO_SPREAD,
    POINTS_PER_NAT,
    SEPARATED_PRIOR,
    Strengths,
    fit_counts,
    in_order,
    row_weights,
)
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import student
from rating.stats.newton import information_of, is_one, solve

_TOGETHER = 1 << 18
"""Cells of the tables worked on at a time: a few megabytes."""
_CHORDS = 20
_FAR = 300.0
_STILL = 1e-6
"""Draws that differ by no more than this (nats) differ by what the solver leaves."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Ratings of m models in seeded draws of the battles; NaN for a model without battles.

    `rating`: of the battles as they are (m,). `low`, `high`: quantiles over the draws (m,), for questions moved away from
    the rating as `bootstrap_questions` says. `error`: standard error, points (m,). `draws`: the rating in each draw
    (draws, m); each component has mean 1000. `separated`: draws that had no finite solution and were given
    SEPARATED_PRIOR. `covariance`: of the strengths, nats (m, m), NaN between components; `freedom`: degrees for t
    quantiles to go with it, questions of the model - 1, inf where battles were drawn (m,). `notes`: as in Strengths;
    NO_SPREAD: all draws gave some model the same rating. It has NaN for low, high, error and covariance, as a model has that
    was seen on one question only.
    """

    rating: Floats
    low: Floats
    high: Floats
    error: Floats
    draws: Floats
    separated: int
    covariance: Floats
    freedom: Floats
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Units:
    """What is drawn: `factor`, n / (n - 1) where n whole questions are, `freedom` of each model (m,), `few` of them."""

    factor: float
    freedom: Floats
    few: bool


def bootstrap_counts(
    table: Counts, *, draws: int = 1000, seed: int = 0, level: float = 0.95, prior: float | None = None
) -> Bootstrap:
    """Percentile intervals from multinomial draws of as many battles, each independent of the others, from counts.

    The cost depends on the number of models and draws alone. `prior` as in `fit`, but for draws: one that has no finite
    solution gets SEPARATED_PRIOR also under 0, and is counted. Raises ImpossibleInput where battles are shares of a
    win, TooLittleData without battles, NotConverged where under a prior of 0 the battles themselves have no solution.
    """
    board = fit_counts(table, prior=prior)
    first, second = np.nonzero(np.triu(table.games))
    won = table.won()
    cells = np.stack([won[first, second], table.ties[first, second], won[second, first]])
    n = int(np.rint(cells.sum()))
    random = np.random.default_rng(seed)

    def drawn(size: int) -> tuple[Floats, Floats]:
        again = random.multinomial(n, cells.ravel() / cells.sum(), size=size).reshape(size, 3, -1)
        return again[:, 0] + again[:, 1] / 2, again.sum(axis=1, dtype=np.float64)

    batches = (drawn(size) for size in _sizes(draws, table.models**2))
    units = _Units(1.0, np.where(board.component >= 0, np.inf, np.nan), few=False)
    return _bootstrap(board, table, first, second, batches, units=units, level=level, prior=prior)


def bootstrap_questions(
    battles: Battles,
    models: int,
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    prior: float | None = None,
    weight: ArrayLike | None = None,
    strong: float = 1.0,
) -> Bootstrap:
    """Percentile intervals from draws of as many questions, each with all its battles.

    Percentiles of few questions are too narrow. Their distances from the rating are therefore multiplied by t / z, with t
    of the model's questions - 1 degrees, and by √(G / (G - 1)) for G questions; so is the error, by the root alone. From
    thirty questions on this is 6 % or less. Any value is taken, shares too. `prior` as in `bootstrap_counts`;
    `weight` (n,), `strong` as in `fit`: questions are drawn, so that heavier battles are not more of them.
    Raises ImpossibleInput, TooLittleData without battles, NotConverged as `bootstrap_counts`.
    """
    check_models(battles, models)
    weights = row_weights(battles, weight, strong)
    if weights is not None and not weights.all():
        kept = weights > 0
        battles, weights = battles.where(kept), weights[kept]
    table = counts(battles, models, weight=weights)
    board = fit_counts(table, prior=prior)
    first, second = np.nonzero(np.triu(table.games))
    question, questions = compressed(battles.cluster)
    won, met = _by_question(battles, models, first * models + second, question, questions, weights)
    random = np.random.default_rng(seed)

    def drawn(size: int) -> tuple[Floats, Floats]:
        times = np.empty((questions, size))
        for draw in range(size):
            times[:, draw] = np.bincount(random.integers(0, questions, questions), minlength=questions)
        return (won @ times).T, (met @ times).T

    batches = (drawn(size) for size in _sizes(draws, max(models**2, questions)))
    units = _units(board, met, first, second, questions)
    return _bootstrap(board, table, first, second, batches, units=units, level=level, prior=prior)


def _units(board: Strengths, met: Any, first: Indices, second: Indices, questions: int) -> _Units:
    """Questions as units, of which `met` (pairs, questions) tells who was seen on which."""
    from scipy.sparse import csr_array

    pairs, m = np.arange(first.size), board.strength.size
    sides = np.concatenate([first, second]), np.concatenate([pairs, pairs])
    of_pair = csr_array((np.ones(2 * first.size), sides), shape=(m, first.size))
    seen = np.diff((of_pair @ met).tocsr().indptr)
    rated = board.component >= 0
    few = questions < ENOUGH_CLUSTERS or bool((seen[rated] < 2).any())
    return _Units(questions / max(questions - 1, 1), np.where(rated, seen - 1.0, np.nan), few)


def _sizes(draws: int, cells: int) -> list[int]:
    """Sizes of the batches of draws, so that a batch of tables stays small."""
    if draws < 2:
        raise ImpossibleInput(f"{draws} draws; an interval needs at least two")
    most = max(1, _TOGETHER // cells)
    return [most] * (draws // most) + [draws % most] * (draws % most > 0)


def _by_question(
    battles: Battles, models: int, pair: Ints, question: Ints, questions: int, weight: Floats | None
) -> tuple[Any, Any]:
    """Weights of wins and of battles of the smaller index of each pair on each question: two sparse tables (pairs, questions)."""
    from scipy.sparse import csr_array  # 0.3 s, not at import

    low, high = np.minimum(battles.first, battles.second), np.maximum(battles.first, battles.second)
    row = np.searchsorted(pair, np.multiply(low, models, dtype=np.int64) + high)
    n = row.size
    sorting = csr_array((np.ones(n, dtype=np.int8), row, np.arange(n + 1)), shape=(n, pair.size)).tocsc()
    order, edges = sorting.indices, sorting.indptr
    share = np.where(low == battles.first, battles.share(), 1.0 - battles.share())[order]
    shape, columns = (pair.size, questions), question[order]
    each = np.ones(n) if weight is None else weight[order]
    return csr_array((share * each, columns, edges), shape=shape), csr_array((each, columns, edges), shape=shape)


def _bootstrap(
    board: Strengths,
    table: Counts,
    first: Indices,
    second: Indices,
    batches: Iterator[tuple[Floats, Floats]],
    *,
    units: _Units,
    level: float,
    prior: float | None,
) -> Bootstrap:
    """Each batch: wins of the first of each pair, and battles (draws, pairs)."""
    student(level, np.inf)  # a bad level is refused before the draws
    parts = [np.flatnonzero(board.component == part) for part in range(int(board.component.max()) + 1)]
    found, separated = [], 0
    for won, met in batches:
        games, wins = (np.zeros((won.shape[0], table.models, table.models)) for _ in range(2))
        games[:, first, second] = games[:, second, first] = met
        wins[:, first, second], wins[:, second, first] = won, met - won
        strength = np.full((won.shape[0], table.models), np.nan)
        lost = np.zeros(won.shape[0], dtype=np.bool_)
        for members in parts:
            block = (slice(None), members[:, None], members[None, :])
            linked = table.games[np.ix_(members, members)] > 0
            inside, pitiful = _solve_all(wins[block], games[block], board.strength[members], linked, prior)
            strength[:, members] = inside
            lost |= pitiful
        found.append(MIDDLE + POINTS_PER_NAT * strength)
        separated += int(lost.sum())
    return _told(board, np.concatenate(found), units, separated=separated, level=level)


def _told(board: Strengths, ratings: Floats, units: _Units, *, separated: int, level: float) -> Bootstrap:
    """The intervals of these draws (draws, m)."""
    covariance = np.atleast_2d(np.cov(ratings / POINTS_PER_NAT, rowvar=False)) * units.factor
    one_part = board.component[:, None] == board.component[None, :]
    error = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    still = error <= _STILL
    silent = still | ~(units.freedom >= 1)
    covariance[~one_part | silent[:, None] | silent[None, :]] = np.nan
    below, above = np.quantile(ratings, [(1 - level) / 2, (1 + level) / 2], axis=0) - board.rating
    wider = np.where(silent, np.nan, student(level, units.freedom) / student(level, np.inf) * np.sqrt(units.factor))
    more = (FEW_CLUSTERS, units.few), (NO_SPREAD, still.any())
    return Bootstrap(
        rating=board.rating,
        low=board.rating + np.minimum(below, 0.0) * wider,
        high=board.rating + np.maximum(above, 0.0) * wider,
        error=np.where(silent, np.nan, POINTS_PER_NAT * error),
        draws=ratings,
        separated=separated,
        covariance=covariance,
        freedom=units.freedom,
        notes=in_order({*(set(board.notes) - {NO_SPREAD}), *(name for name, true in more if true)}),
    )


def _solve_all(wins: Floats, games: Floats, start: Floats, linked: Bools, prior: float | None) -> tuple[Floats, Bools]:
    """Strengths (draws, k) for `wins` of `games` (draws, k, k), and which draws needed a prior (draws,).

    A prior goes to the pairs that met on record (`linked`), whether or not they met in the draw.
    """
    if prior:
        needy = np.zeros(wins.shape[0], dtype=np.bool_)
        pseudo = np.full(wins.shape[0], prior)
    else:
        needy = ~np.array([is_one(won > 0) for won in wins])
        pseudo = needy * SEPARATED_PRIOR
    if pseudo.any():
        met = linked * pseudo[:, None, None]
        wins, games = wins + met / 2, games + met
    strength, settled = _by_chords(wins, games, start)
    for draw in np.flatnonzero(~settled):
        strength[draw] = solve(wins[draw], games[draw], start=start)
    return strength, needy


def _by_chords(wins: Floats, games: Floats, start: Floats) -> tuple[Floats, Bools]:
    """Newton steps for all draws with the information of their mean, and which draws (draws,) they settled.

    One inverse serves all: draws differ little from each other, and each step then leaves a small part of the error.
    """
    k = start.size
    information = information_of(games.mean(axis=0), start)
    inverse = np.linalg.inv(information + np.trace(information) / k**2)
    ahead = wins.sum(axis=2)
    strength = np.tile(start, (wins.shape[0], 1))
    settled = np.zeros(wins.shape[0], dtype=np.bool_)
    for _ in range(_CHORDS):
        power = np.exp(np.clip(strength, -_FAR, _FAR))
        expected = power * (games / (power[:, :, None] + power[:, None, :])).sum(axis=2)
        # einsum and not @: for so little work, waiting for a second thread costs more than the work
        step = np.einsum("di,ij->dj", ahead - expected, inverse)
        strength += step
        settled = np.abs(step).max(axis=1) < 1e-8
        if settled.all():
            break
    return strength - strength.mean(axis=1, keepdims=True), settled
