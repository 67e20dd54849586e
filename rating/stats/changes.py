"""What changed between two sets of battles of the same models: two judges, two dates, two versions of a rubric.

Where both sides share questions the difference is paired by question: what makes a question easy for a model does
so on both sides, and cancels. Source: joint sandwich of two estimates, Liang and Zeger (1986), Biometrika 73.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rating.stats.arrays import Bools, Floats, Ints, compressed
from rating.stats.battles import Battles, counts
from rating.stats.bradley_terry import (
    DISCONNECTED,
    FEW_CLUSTERS,
    MIDDLE,
    NO_SPREAD,
    POINTS_PER_NAT,
    SEPARATED,
    Strengths,
    fit,
)
from rating.stats.errors import TooLittleData
from rating.stats.intervals import student
from rating.stats.ranks import Ranks, rank_ranges
from rating.stats.score_sums import asked, inverse_information, moment, regular, score_sums, summed

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ALONE = "alone"
"""Note: some models are on one side only, or linked to no other model on both sides: no difference for them."""
UNPAIRED = "unpaired"
"""Note: the sides share fewer than two questions; the interval is that of independent sides."""

_NOTHING = 1e-12  # a smaller part of the sides' own variances is what rounding leaves


@dataclass(frozen=True, slots=True)
class Changes:
    """After less before for m models; NaN where the model is not on both sides or nothing can be said. All (m,).

    `before`, `after`: the numbers compared. `difference` with `low`, `high` at the level asked for. `moved`: 1 surely up, -1
    surely down, 0 not sure, at a level that allows for the number of models compared (Bonferroni).
    `only_before`, `only_after`: models that are on one side alone. `shared`: questions on both sides.
    `notes`: ALONE, UNPAIRED, NO_SPREAD (where no question differs, so that there is no interval); for ratings also
    DISCONNECTED, SEPARATED, FEW_CLUSTERS and NO_SPREAD of either side's board.
    """

    before: Floats
    after: Floats
    difference: Floats
    low: Floats
    high: Floats
    moved: Ints
    only_before: Ints
    only_after: Ints
    shared: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RatingChanges:
    """Changes of ratings, and the rank ranges of the models on both sides, among these alone; each within its component.

    `ranks_before`, `ranks_after`: 0 for other models. `rank_moved` (m,): 1 where the whole range after lies above
    (a smaller number than) the whole range before, -1 below, 0 where they overlap.
    """

    ratings: Changes
    ranks_before: Ranks
    ranks_after: Ranks
    rank_moved: Ints


def rating_changes(before: Battles, after: Battles, models: int, *, level: float = 0.95) -> RatingChanges:
    """How the ratings of `models` models differ, in points; question codes mean the same on both sides.

    Ratings have no zero of their own: both sides are given relative to the mean, MIDDLE, of the models that both
    sides rate and link, and so is what moved. A side that is separated, or silent in some direction, adds to the
    variance what its board's floor adds, as if the other side knew nothing of it. Raises TooLittleData where a side has no battles, ImpossibleInput, NotConverged.
    """
    pairing = _paired(before, after)
    boards = fit(before, models, level=level), fit(after, models, level=level)
    group = _linked_on_both(boards[0].component, boards[1].component)
    one, other = (
        score_sums(side, board.strength, group=question, groups=pairing.questions)
        for side, board, question in zip((before, after), boards, pairing.question, strict=True)
    )
    left, right = (_moves(side, board) for side, board in zip((before, after), boards, strict=True))
    squares = left @ moment(one, one) @ left.T, right @ moment(other, other) @ right.T
    cross = left @ moment(one, other) @ right.T * (pairing.shared >= 2)
    # what a board's floor adds is ignorance, which no question of the other side takes away
    floors = sum(_floor(board, square) for board, square in zip(boards, squares, strict=True))
    centre = _centring(group)
    own, common, floor = (np.diag(centre @ part @ centre.T) for part in (sum(squares), cross + cross.T, floors))
    variance = np.where(own - common > _NOTHING * own, own - common + floor, 0.0)
    changes = _changes(
        *(MIDDLE + POINTS_PER_NAT * (centre @ np.nan_to_num(board.strength)) for board in boards),
        variance=POINTS_PER_NAT**2 * variance,
        freedom=np.minimum(boards[0].freedom, boards[1].freedom),
        present=(boards[0].component >= 0, boards[1].component >= 0),
        compared=group >= 0,
        shared=pairing.shared,
        level=level,
        told={*boards[0].notes, *boards[1].notes},
    )
    ranks = [rank_ranges(replace(board, component=group), level=level) for board in boards]
    moved = (ranks[1].high < ranks[0].low).astype(np.int64) - (ranks[1].low > ranks[0].high)
    return RatingChanges(changes, ranks[0], ranks[1], moved)


def win_rate_changes(before: Battles, after: Battles, models: int, *, level: float = 0.95) -> Changes:
    """How the win rates of `models` models differ, shares 0..1 with a tie as half; question codes mean the same on both sides.

    A win rate depends on whom a model met: where opponents differ between the sides, ratings compare better.
    Raises TooLittleData where a side has no battles, ImpossibleInput.
    """
    pairing = _paired(before, after)
    one, other = (
        _rate_sums(side, question, (pairing.questions, models))
        for side, question in zip((before, after), pairing.question, strict=True)
    )
    shared = np.asarray(one.sums.multiply(other.sums).sum(axis=0)).ravel()
    cross = shared * np.sqrt(one.factor * other.factor) * (pairing.shared >= 2)
    variance = one.square * one.factor + other.square * other.factor - 2 * cross
    present = one.questions > 0, other.questions > 0
    return _changes(
        one.rate,
        other.rate,
        variance=variance,
        freedom=np.minimum(one.questions, other.questions) - 1.0,
        present=present,
        compared=present[0] & present[1],
        shared=pairing.shared,
        level=level,
    )


@dataclass(frozen=True, slots=True)
class _Pairing:
    """`question`: of the battles before and after, on one numbering of `questions`, of which `shared` are on both sides."""

    question: tuple[Ints, Ints]
    questions: int
    shared: int


def _paired(before: Battles, after: Battles) -> _Pairing:
    if len(before) == 0 or len(after) == 0:
        raise TooLittleData("one side has no battles: there is nothing to compare")
    both = np.concatenate([before.cluster, after.cluster]).astype(np.int64, copy=False)
    question, questions = compressed(both)
    sides = question[: len(before)], question[len(before) :]
    here, there = (np.bincount(side, minlength=questions) > 0 for side in sides)
    shared = int((here & there).sum())
    return _Pairing(sides, questions, shared)


def _linked_on_both(one: Ints, other: Ints) -> Ints:
    """Group (m,) of models that are in one component before and in one after; -1 for a model that is alone in its group."""
    both = (one >= 0) & (other >= 0)
    code = np.where(both, one * (other.max() + 1) + other, 0)
    size = np.bincount(code[both], minlength=int(code.max()) + 1)
    kept = both & (size[code] > 1)
    group = np.full(one.size, -1, dtype=np.int64)
    group[kept] = compressed(code[kept])[0]
    return group


def _centring(group: Ints) -> Floats:
    """Matrix (m, m) that takes the mean of its group off each model, and makes 0 of a model without a group."""
    same = (group[:, None] == group[None, :]) & (group[:, None] >= 0)
    centring: Floats = np.diag((group >= 0).astype(np.float64)) - same / np.maximum(same.sum(axis=1, keepdims=True), 1)
    return centring


def _moves(battles: Battles, board: Strengths) -> Floats:
    """What a score moves (m, m), times the root of G/(G - 1) of the component: the moments of moves are the covariance of
    `fit` without its floor, so that what two sides have in common cancels in the difference."""
    table, component = counts(battles, board.strength.size), board.component
    bread = inverse_information(regular(table.wins, table.games)[1], board.strength, component)
    _, factor = asked(battles.cluster, component[battles.first], parts=int(component.max()) + 1)
    return bread * np.where(component >= 0, np.sqrt(factor)[component], 0.0)[:, None]


def _floor(board: Strengths, square: Floats) -> Floats:
    """What the floor of a separated or silent board added to its moments (m, m); nothing to other boards."""
    if SEPARATED not in board.notes and NO_SPREAD not in board.notes:
        return np.zeros_like(square)
    return np.where(np.isnan(board.covariance), 0.0, board.covariance - square)


@dataclass(frozen=True, slots=True)
class _RateSums:
    """Win `rate` (m,), what each question adds to its error (`sums`, questions by models, and their `square` (m,)),
    number of `questions` (m,) of each model, and `factor` G/(G - 1) (m,)."""

    rate: Floats
    sums: csr_matrix
    square: Floats
    questions: Ints
    factor: Floats


def _rate_sums(battles: Battles, question: Ints, shape: tuple[int, int]) -> _RateSums:
    table = counts(battles, shape[1])
    n = table.games.sum(axis=1)
    rate = np.divide(table.wins.sum(axis=1), n, out=np.full(n.size, np.nan), where=n > 0)
    share, each = battles.share(), 1.0 / np.where(n > 0, n, 1.0)
    of_first = (share - rate[battles.first]) * each[battles.first]
    of_second = (1.0 - share - rate[battles.second]) * each[battles.second]
    sums = summed(battles, of_first, of_second, group=question, shape=shape)
    once = np.ones(len(battles))
    seen = np.asarray(summed(battles, once, once, group=question, shape=shape).getnnz(axis=0), dtype=np.int64)
    square = np.asarray(sums.multiply(sums).sum(axis=0), dtype=np.float64).ravel()
    return _RateSums(rate, sums, square, seen, seen / np.maximum(seen - 1, 1))


def _changes(
    before: Floats,
    after: Floats,
    *,
    variance: Floats,
    freedom: Floats,
    present: tuple[Bools, Bools],
    compared: Bools,
    shared: int,
    level: float,
    told: Collection[str] = (),
) -> Changes:
    difference = np.where(compared, after - before, np.nan)
    # sides that differ nowhere show no spread, which is not the same as being sure; nor is what rounding leaves
    scale = np.nanmax(np.abs([before, after]), initial=1.0)
    error = np.where(compared & (variance > (1e-9 * scale) ** 2), np.sqrt(np.maximum(variance, 0.0)), np.nan)
    half = error * student(level, freedom)
    strict = 1 - (1 - level) / max(int(compared.sum()), 1)
    sure = np.abs(difference) > error * student(strict, freedom)  # NaN is not sure
    notes = (
        (ALONE, ((present[0] | present[1]) & ~compared).any()),
        (UNPAIRED, shared < 2),
        (NO_SPREAD, NO_SPREAD in told or (compared & np.isnan(error)).any()),
        *((name, name in told) for name in (DISCONNECTED, SEPARATED, FEW_CLUSTERS)),
    )
    return Changes(
        before=np.where(compared, before, np.nan),
        after=np.where(compared, after, np.nan),
        difference=difference,
        low=difference - half,
        high=difference + half,
        moved=np.where(sure, np.sign(difference), 0).astype(np.int64),
        only_before=np.flatnonzero(present[0] & ~present[1]),
        only_after=np.flatnonzero(present[1] & ~present[0]),
        shared=shared,
        notes=tuple(name for name, true in notes if true),
    )
