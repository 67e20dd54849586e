"""Whether a judge that is sure is right: how often people agree with its verdicts at each level of its confidence.

Sources: table of reliability and expected calibration error, Guo et al. (2017), On Calibration of Modern Neural Networks;
the error of a concordance by question, Obuchowski (1997), Nonparametric Analysis of Clustered ROC Curve Data;
random groups drawn in place of single units, Wolter (2007), Introduction to Variance Estimation, chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, check_level, codes, compressed, floats, same_length
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import ClusteredMeans, clustered_means, share_interval, student

FEWEST = 30  # verdicts, below which nothing is said
FEWEST_AT_LEVEL = 5  # verdicts of one level, below which its share is not told
EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BY_VALUE = 6  # different confidences, up to which each is a level of its own
DRAWS = 999
MOST_UNITS = 5_000
"""Questions that are drawn one by one; of more, random groups are, so many of them. The error of the error that this brings is
1 % of it (1 / √(2 · 5,000)), where the draws bring 2 %."""
MORE, LESS = "being sure means more", "being sure means less"
NOTHING, ALIKE, FEW = "being sure means nothing that can be told", "always equally sure", "too few verdicts"


@dataclass(frozen=True, slots=True)
class Level:
    """Verdicts whose confidence lies from `start` to `end`, at `sure` on average; `share` of people's votes agree with them.

    `low`, `high`: Wilson's interval by question. None where it takes more verdicts, or for the ends more questions.
    """

    start: float
    end: float
    sure: float
    n: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Confidence:
    """What the confidence in n verdicts, on so many `questions`, is worth.

    `share`: of people's votes that agree, `low` to `high`. `rank`: of one verdict that people share and one that they do not,
    how often the judge was surer of the first (0..1, a tie as half): one half is chance. Where confidence is a share itself,
    `sure` is its mean, `gap` is `sure` less `share` (above 0: it claims too much), and `ece` the expected calibration error, the
    mean distance of the two over the levels, less what chance alone makes of it; else they are None. Intervals take the verdicts on one question together.
    `word` is MORE, LESS, NOTHING, ALIKE or FEW; with FEW all numbers but n are None and there are no levels.
    """

    n: int
    questions: int
    word: str
    levels: tuple[Level, ...] = ()
    share: float | None = None
    low: float | None = None
    high: float | None = None
    sure: float | None = None
    gap: float | None = None
    gap_low: float | None = None
    gap_high: float | None = None
    ece: float | None = None
    ece_low: float | None = None
    ece_high: float | None = None
    rank: float | None = None
    rank_low: float | None = None
    rank_high: float | None = None


def confidence(
    sure: ArrayLike, hit: ArrayLike, cluster: ArrayLike, *, is_share: bool, level: float = 0.95
) -> Confidence:
    """What confidence is worth, from columns (n,): how sure a verdict was, the share of people who agree, its question.

    `is_share`: `sure` is from 0 to 1 and claims to be `hit`; else it only ranks. Raises ImpossibleInput for unequal lengths and
    for a share outside 0..1.
    """
    check_level(level)
    claimed, agreed = floats(sure, "sure"), floats(hit, "hit")
    question, questions = compressed(codes(cluster, "cluster"))
    n = same_length(sure=claimed, hit=agreed, cluster=question)
    for share, name in ((agreed, "hit"), *(((claimed, "sure"),) if is_share else ())):
        if n and not 0.0 <= share.min() <= share.max() <= 1.0:
            raise ImpossibleInput(f"{name} is a number from 0 to 1")
    if n < FEWEST:
        return Confidence(n, questions, FEW)
    step, edges = _steps(claimed)
    rank, rank_low, rank_high = _rank(claimed, agreed, question, questions, level=level)
    means = clustered_means(np.zeros_like(question), question, value=agreed, groups=1)
    return Confidence(
        n=n,
        questions=questions,
        word=ALIKE if claimed.min() == claimed.max() else _word(rank_low, rank_high),
        levels=_levels(claimed, agreed, question, step, edges, level=level),
        share=float(means.mean[0]),
        **_ends("", *(end[0] for end in share_interval(means, level=level))),
        **(_claims(claimed, agreed, question, step, questions, level=level) if is_share else {}),
        rank=rank,
        rank_low=rank_low,
        rank_high=rank_high,
    )


def expected_error(sure: ArrayLike, hit: ArrayLike) -> float:
    """The expected calibration error 0..1 as it is published: the distance of both means at each level, weighed by its verdicts.

    `sure`, `hit` (n,) from 0 to 1, at least one. Chance alone makes it larger than 0, the more so the fewer the verdicts.
    """
    claimed, agreed = floats(sure, "sure"), floats(hit, "hit")
    return float(np.abs(np.bincount(_steps(claimed)[0], claimed - agreed)).sum() / claimed.size)


def _steps(sure: Floats) -> tuple[Ints, Floats]:
    """The level (n,) of each verdict, and where each level begins and ends (levels, 2)."""
    values, place = np.unique(sure, return_inverse=True)
    if values.size <= BY_VALUE:
        return place.astype(np.int64), np.column_stack([values, values])
    edges = np.array(EDGES)
    step = np.clip(np.searchsorted(edges, sure, side="right") - 1, 0, edges.size - 2)
    return step.astype(np.int64), np.column_stack([edges[:-1], edges[1:]])


def _levels(sure: Floats, hit: Floats, question: Ints, step: Ints, edges: Floats, *, level: float) -> tuple[Level, ...]:
    """The levels that any verdict is of."""
    groups = len(edges)
    claimed = clustered_means(step, question, value=sure, groups=groups).mean
    agreed = clustered_means(step, question, value=hit, groups=groups)
    low, high = share_interval(agreed, level=level)
    told = []
    for place in np.flatnonzero(agreed.n).tolist():
        n, few = int(agreed.n[place]), {"share": None, "low": None, "high": None}
        ends = {"share": float(agreed.mean[place]), **_ends("", low[place], high[place])}
        start, end = edges[place].tolist()
        told.append(Level(start, end, float(claimed[place]), n, **(few if n < FEWEST_AT_LEVEL else ends)))
    return tuple(told)


def _claims(
    sure: Floats, hit: Floats, question: Ints, step: Ints, questions: int, *, level: float
) -> dict[str, float | None]:
    """The gap with its t interval, and the calibration error with that of a bootstrap of the questions (DRAWS, seeded).

    Chance adds to the error in squares, to that of a resample twice; what it adds is taken off. Where it alone comes as far in
    `level` of all draws, the error may be 0.
    """
    gap = clustered_means(np.zeros_like(question), question, value=sure - hit, groups=1)
    middle, half = float(gap.mean[0]), float((gap.error * student(level, gap.clusters - 1))[0])
    steps = int(step.max()) + 1
    cell, shape = question * steps + step, (questions, steps)
    off: Floats = np.bincount(cell, sure - hit, minlength=questions * steps).reshape(shape).astype(np.float64)
    n: Floats = np.bincount(cell, minlength=questions * steps).reshape(shape).astype(np.float64)
    found = float(np.abs(off.sum(axis=0)).sum() / sure.size)
    drawn, chance = _drawn(off, n)
    by_chance = float(np.mean(chance)) ** 2
    error = float(np.sqrt(max(0.0, found**2 - by_chance)))
    ends = (1 - level) / 2, (1 + level) / 2
    least, most = np.sqrt(np.maximum(0.0, np.quantile(drawn, ends) ** 2 - 2 * by_chance)).tolist()
    low = 0.0 if found <= np.quantile(chance, level) else min(least, error)
    known = {} if questions < 2 else {"ece": error, "ece_low": low, "ece_high": max(most, error)}
    return {"sure": float(sure.mean()), "gap": middle, **_ends("gap_", middle - half, middle + half), **known}


def _drawn(off: Floats, n: Floats) -> tuple[Floats, Floats]:
    """The error (DRAWS,) of resamples of the questions, as they are and as if the levels were without error.

    `off`, `n` (questions, levels): how far confidence and agreement are apart in sum, and the number of verdicts.
    """
    random = np.random.default_rng(1)
    mean = np.divide(off.sum(axis=0), n.sum(axis=0), out=np.zeros(n.shape[1]), where=n.sum(axis=0) > 0)
    sums = _grouped(np.hstack([off, n]), random)
    units = len(sums)
    at_once = max(1, 2_000_000 // units)
    drawn, chance = [], []
    for start in range(0, DRAWS, at_once):
        times = random.multinomial(units, np.full(units, 1 / units), size=min(at_once, DRAWS - start))
        apart, verdicts = np.hsplit(times.astype(np.float64) @ sums, 2)
        drawn.append(np.abs(apart).sum(axis=1) / verdicts.sum(axis=1))
        chance.append(np.abs(apart - verdicts * mean).sum(axis=1) / verdicts.sum(axis=1))
    return np.concatenate(drawn), np.concatenate(chance)


def _grouped(sums: Floats, random: np.random.Generator) -> Floats:
    """These sums (questions, columns) as they are, or of more than MOST_UNITS questions those of so many random groups, whose
    sizes differ by one at the most."""
    questions = len(sums)
    if questions <= MOST_UNITS:
        return sums
    starts = np.arange(MOST_UNITS) * questions // MOST_UNITS
    return np.add.reduceat(sums[random.permutation(questions)], starts, axis=0)


def _rank(
    sure: Floats, hit: Floats, question: Ints, questions: int, *, level: float
) -> tuple[float | None, float | None, float | None]:
    """How often a verdict that people share is the surer one, with Wilson's interval by question; None where all are shared, or none.

    Its n is the number of questions with what is rarer, verdicts that are shared or that are not.
    """
    missed = 1.0 - hit
    hits, misses = float(hit.sum()), float(missed.sum())
    if min(hits, misses) <= 0.0:
        return None, None, None
    place = np.unique(sure, return_inverse=True)[1]
    of_hit, of_miss = np.bincount(place, hit), np.bincount(place, missed)
    less_sure, surer = np.cumsum(of_miss) - of_miss / 2, hits - np.cumsum(of_hit) + of_hit / 2
    rank = float(of_hit @ less_sure / (hits * misses))
    moved = hit * (less_sure[place] / misses - rank) / hits + missed * (surer[place] / hits - rank) / misses
    error = np.sqrt(questions / max(questions - 1, 1) * (np.bincount(question, moved) ** 2).sum())
    rarer = min(int((np.bincount(question, part) > 0).sum()) for part in (hit, missed))
    one = ClusteredMeans(
        np.array([rank]), np.array([error if error > 1e-12 else 0.0]), np.array([hit.size]), np.array([rarer])
    )
    low, high = (float(end[0]) for end in share_interval(one, level=level))
    ends = _ends("", low, high)
    return rank, ends["low"], ends["high"]


def _ends(name: str, low: float, high: float) -> dict[str, float | None]:
    return {
        f"{name}{end}": float(value) if np.isfinite(value) else None for end, value in (("low", low), ("high", high))
    }


def _word(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return NOTHING
    return MORE if low > 0.5 else LESS if high < 0.5 else NOTHING
