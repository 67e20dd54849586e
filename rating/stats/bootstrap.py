"""The bootstrap as a second opinion on the intervals of ratings: battles or questions drawn again, all draws at once.

Sources: Efron (1979), Annals of Statistics 7; whole clusters drawn as in Davison and Hinkley (1997), chapter 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rating.stats.arrays import Bools, Floats, Indices, Ints, compressed
from rating.stats.battles import Battles, Counts, counts
from rating.stats.bradley_terry import MIDDLE, POINTS_PER_NAT, SEPARATED_PRIOR, Strengths, fit_counts
from rating.stats.errors import ImpossibleInput
from rating.stats.newton import information_of, is_one, solve

_TOGETHER = 1 << 18
"""Cells of the tables worked on at a time: a few megabytes."""
_CHORDS = 20
_FAR = 300.0


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Ratings of m models in seeded draws of the battles; NaN for a model without battles.

    `rating`: of the battles as they are (m,). `low`, `high`: quantiles over the draws (m,). `error`: standard
    deviation over the draws, points (m,). `draws`: the rating in each draw (draws, m); each component has mean 1000.
    `separated`: draws that had no finite solution and were given SEPARATED_PRIOR.
    """

    rating: Floats
    low: Floats
    high: Floats
    error: Floats
    draws: Floats
    separated: int


def bootstrap_counts(
    table: Counts, *, draws: int = 1000, seed: int = 0, level: float = 0.95, prior: float | None = None
) -> Bootstrap:
    """Percentile intervals from multinomial draws of as many battles, each independent of the others, from counts.

    The cost depends on the number of models and draws alone. `prior` as in `fit`. Raises ImpossibleInput where battles
    are shares of a win, TooLittleData without battles.
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

    sizes = _sizes(draws, table.models**2)
    return _bootstrap(board, table, first, second, (drawn(size) for size in sizes), level=level, prior=prior)


def bootstrap_questions(
    battles: Battles, models: int, *, draws: int = 1000, seed: int = 0, level: float = 0.95, prior: float | None = None
) -> Bootstrap:
    """Percentile intervals from draws of as many questions, each with all its battles.

    Too narrow with few questions: below some twenty trust the t interval of `fit`. Any value is taken, shares too.
    Raises ImpossibleInput, TooLittleData without battles.
    """
    table = counts(battles, models)
    board = fit_counts(table, prior=prior)
    first, second = np.nonzero(np.triu(table.games))
    question, questions = compressed(battles.cluster)
    won, met = _by_question(battles, models, first * models + second, question, questions)
    random = np.random.default_rng(seed)

    def drawn(size: int) -> tuple[Floats, Floats]:
        times = np.empty((questions, size))
        for draw in range(size):
            times[:, draw] = np.bincount(random.integers(0, questions, questions), minlength=questions)
        return (won @ times).T, (met @ times).T

    sizes = _sizes(draws, max(models**2, questions))
    return _bootstrap(board, table, first, second, (drawn(size) for size in sizes), level=level, prior=prior)


def _sizes(draws: int, cells: int) -> list[int]:
    """Sizes of the batches of draws, so that a batch of tables stays small."""
    if draws < 2:
        raise ImpossibleInput(f"{draws} draws; an interval needs at least two")
    most = max(1, _TOGETHER // cells)
    return [most] * (draws // most) + [draws % most] * (draws % most > 0)


def _by_question(battles: Battles, models: int, pair: Ints, question: Ints, questions: int) -> tuple[Any, Any]:
    """Wins and battles of the smaller index of each pair on each question: two sparse tables (pairs, questions)."""
    from scipy.sparse import csr_array  # 0.3 s, not at import

    low, high = np.minimum(battles.first, battles.second), np.maximum(battles.first, battles.second)
    row = np.searchsorted(pair, np.multiply(low, models, dtype=np.int64) + high)
    n = row.size
    sorting = csr_array((np.ones(n, dtype=np.int8), row, np.arange(n + 1)), shape=(n, pair.size)).tocsc()
    order, edges = sorting.indices, sorting.indptr
    share = np.where(low == battles.first, battles.share(), 1.0 - battles.share())[order]
    shape = (pair.size, questions)
    columns = question[order]
    return csr_array((share, columns, edges), shape=shape), csr_array((np.ones(n), columns, edges), shape=shape)


def _bootstrap(
    board: Strengths,
    table: Counts,
    first: Indices,
    second: Indices,
    batches: Iterator[tuple[Floats, Floats]],
    *,
    level: float,
    prior: float | None,
) -> Bootstrap:
    """Each batch: wins of the first of each pair, and battles (draws, pairs)."""
    if not 0.0 < level < 1.0:
        raise ImpossibleInput(f"level {level:g} is not between 0 and 1")
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
    ratings = np.concatenate(found)
    low, high = np.quantile(ratings, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Bootstrap(
        rating=board.rating,
        low=low,
        high=high,
        error=ratings.std(axis=0, ddof=1),
        draws=ratings,
        separated=separated,
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
