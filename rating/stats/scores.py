"""Single scores: mean of each model with an interval clustered by question, and ranks from paired differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Bools, Floats, Indices, Ints, codes, compressed, floats, indices, same_length
from rating.stats.battles import Battles
from rating.stats.contrasts import contrasts
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import clustered_means, student
from rating.stats.question_sums import question_sums
from rating.stats.ranks import Ranks, ranked

ONE_QUESTION = "one_question"
"""Note: some model was scored on one question only: its mean has no interval."""
ALL_EQUAL = "all_equal"
"""Note: all questions of some model gave the same score: how far it would vary is not known, so no interval."""

MOST_PAIRS = 50_000_000
"""More pairs of scores than this would need columns of gigabytes: refused by name."""


@dataclass(frozen=True, slots=True)
class Means:
    """Mean score of m models with interval; NaN where there is none. `n` scores, `clusters` questions; all (m,).

    `error`: the standard error, clustered by question, NaN where there is no interval (m,).
    """

    mean: Floats
    low: Floats
    high: Floats
    n: Ints
    clusters: Ints
    notes: tuple[str, ...]
    error: Floats


def mean_scores(model: ArrayLike, score: ArrayLike, cluster: ArrayLike, models: int, *, level: float = 0.95) -> Means:
    """Mean score of each model over its rows, with a t interval in which each question is one observation.

    `model` indices, `score` numbers, `cluster` question indices: all (n,). Raises ImpossibleInput.
    """
    which, mark, question = _columns(model, score, cluster, models)
    means = clustered_means(which, question, value=mark, groups=models)
    half = means.error * student(level, means.clusters - 1)
    flat = (means.clusters > 1) & (means.error == 0)
    half = np.where(flat, np.nan, half)
    notes = ((ONE_QUESTION, (means.clusters == 1).any()), (ALL_EQUAL, flat.any()))
    return Means(
        mean=means.mean,
        low=means.mean - half,
        high=means.mean + half,
        n=means.n,
        clusters=means.clusters,
        notes=tuple(name for name, true in notes if true),
        error=np.where(flat, np.nan, means.error),
    )


def mean_contrasts(
    model: ArrayLike, score: ArrayLike, cluster: ArrayLike, means: Means, *, level: float = 0.95
) -> Floats:
    """Half the width (m, m) of the interval of the difference of every two means; `model`, `score`, `cluster` (n,) made `means`.

    Scores of two models on one question belong together: with one score of each on every question this is the paired t
    interval. NaN where a model has no interval. Raises ImpossibleInput.
    """
    models = means.mean.size
    which, mark, question = _columns(model, score, cluster, models)
    residual = mark - means.mean[which]
    nothing = np.zeros_like(residual)
    sums = question_sums(which, which, question, models=models, scores=lambda rows: (residual[rows], nothing[rows]))
    # a mean without an error has none beside another either; where there is one, questions are two or more
    known = np.flatnonzero(~np.isnan(means.error))
    each = np.full(models, np.nan)
    each[known] = np.sqrt(means.clusters[known] / (means.clusters[known] - 1)) / means.n[known]
    return contrasts(sums.moments * each[:, None] * each[None, :], means.clusters - 1, level=level)


def rank_means(model: ArrayLike, score: ArrayLike, cluster: ArrayLike, models: int, *, level: float = 0.95) -> Ranks:
    """Rank ranges of mean scores, from differences paired by question; only shared questions compare two models.

    Surely above: the t interval of the mean difference lies above zero; where all shared questions show
    the same difference, so that the interval has no width, the sign test decides (six questions at 95 %).
    """
    which, mark, question = _columns(model, score, cluster, models)
    means = clustered_means(which, question, value=mark, groups=models)
    above = _surely_above(*_by_question(which, mark, question, models), level=level)
    return ranked(means.mean, above, component=np.where(means.n > 0, 0, -1))


def battles_of_scores(
    model: ArrayLike, score: ArrayLike, cluster: ArrayLike, *, band: float = 0.0, judge: ArrayLike | None = None
) -> Battles:
    """Single scores as battles: on each question every two models meet once for each two of their scores.

    The higher score wins, value 1 for the first; scores no more than `band` apart are a tie. `model`, `score`,
    `cluster` (question): (n,). `judge` (n,): only scores by one judge are compared; None compares all of a question.
    Battles come question by question; `first` is the smaller index. They are not independent: keep them clustered.
    No scores, or none to compare: no battles. Raises ImpossibleInput, also for more than MOST_PAIRS pairs of scores.
    """
    which, mark, question = indices(model, "model"), floats(score, "score"), indices(cluster, "cluster")
    same_length(model=which, score=mark, cluster=question)
    if not (np.isfinite(band) and band >= 0):
        raise ImpossibleInput(f"a tie band of {band:g} cannot be")
    group = question if judge is None else _by_judge(question, indices(judge, "judge"))
    order = np.lexsort((which, group))
    one, other = _pairs(group[order])
    first, second = order[one], order[other]
    apart = which[first] != which[second]
    first, second = first[apart], second[apart]
    lead = mark[first] - mark[second]
    # scores like 0.1 are not exact: what lies outside the band by rounding alone is a tie
    slack = band + 1e-12 * (np.abs(mark[first]) + np.abs(mark[second]))
    value = np.where(np.abs(lead) <= slack, 0, np.sign(lead)).astype(np.int8)
    return Battles(which[first], which[second], value, question[first])


def _by_judge(question: Indices, judge: Indices) -> Ints:
    same_length(cluster=question, judge=judge)
    seats, judges = compressed(judge)
    return compressed(question)[0] * max(judges, 1) + seats


def _pairs(group: Indices) -> tuple[Ints, Ints]:
    """All pairs of rows of one group, as positions of the earlier and the later; `group` (n,) is sorted."""
    left = np.searchsorted(group, group, side="right") - np.arange(group.size) - 1
    if left.sum() > MOST_PAIRS:
        raise ImpossibleInput(
            f"{int(left.sum())} pairs of scores share a question; at most {MOST_PAIRS} can be compared"
        )
    earlier = np.repeat(np.arange(group.size), left)
    before = np.cumsum(left) - left
    return earlier, earlier + 1 + np.arange(earlier.size) - before[earlier]


def _columns(model: ArrayLike, score: ArrayLike, cluster: ArrayLike, models: int) -> tuple[Ints, Floats, Ints]:
    which = codes(model, "model", below=models)
    mark, question = floats(score, "score"), codes(cluster, "cluster")
    same_length(model=which, score=mark, cluster=question)
    return which, mark, question


def _by_question(which: Ints, mark: Floats, question: Ints, models: int) -> tuple[Floats, Floats]:
    """Mean score of each model on each question, (questions, models), 0 where absent; and presence as 0 or 1."""
    index, total = compressed(question)
    cell = index * models + which
    centre = mark.mean() if mark.size else 0.0  # smaller numbers, smaller rounding in the sums of squares
    n = np.bincount(cell, minlength=total * models).reshape(total, models)
    sums = np.bincount(cell, mark - centre, minlength=total * models).reshape(total, models)
    return sums / np.maximum(n, 1), (n > 0).astype(np.float64)


def _surely_above(mean: Floats, present: Floats, *, level: float) -> Bools:
    shared = present.T @ present
    total = mean.T @ present - present.T @ mean
    squares = (mean**2).T @ present + present.T @ mean**2 - 2 * mean.T @ mean
    pairs = np.maximum(shared, 1)
    difference = total / pairs
    spread = squares - shared * difference**2
    flat = spread <= 1e-9 * (1 + squares)
    error = np.sqrt(np.maximum(spread, 0.0) / np.maximum(shared - 1, 1) / pairs)
    sure = difference > error * student(level, shared - 1)
    by_sign = (difference > 1e-9) & (2.0 ** (1 - shared) <= 1 - level)
    result: Bools = np.where(flat, by_sign, sure)
    return result
