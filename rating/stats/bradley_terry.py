"""Bradley–Terry: strengths from who beat whom, with intervals that know which battles share a question.

Source: Bradley and Terry (1952), Biometrika 39; the interval is the sandwich of Huber (1967) and White (1982)
with cluster sums as in Liang and Zeger (1986).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, compressed, floats, same_length
from rating.stats.battles import Battles, Counts, check_models, counts
from rating.stats.errors import ImpossibleInput, NotConverged, TooLittleData
from rating.stats.intervals import student
from rating.stats.newton import chance, components, information_of, is_one, laplacian, sandwich, solve
from rating.stats.question_sums import question_sums

POINTS_PER_NAT = 400.0 / np.log(10.0)
"""Rating points of one nat of strength: 400 points are odds of ten to one."""
MIDDLE = 1000.0
"""The rating of strength zero."""

DISCONNECTED = "disconnected"
"""Note: not every model is linked to every other by battles; each part has a mean and ranks of its own."""
SEPARATED = "separated"
"""Note: some models only won or only lost against the rest; SEPARATED_PRIOR keeps their strengths finite."""
FEW_CLUSTERS = "few_clusters"
"""Note: fewer than ENOUGH_CLUSTERS questions, or a model seen on one question only: the intervals are rough."""
NO_SPREAD = "no_spread"
"""Note: in some direction the questions show no spread (only ties, or fewer questions than models): there the
interval is that of independent battles."""
WIDENED = "widened"
"""Note: the interval is that of independent battles, widened by an inflation measured on other battles: each is at least as wide."""

SEPARATED_PRIOR = 0.5
"""Pseudo-battles, all ties, added to each pair that met, where the battles alone have no finite solution."""
ENOUGH_CLUSTERS = 10

_FURTHEST = 20.0
_NOTES = (DISCONNECTED, SEPARATED, FEW_CLUSTERS, NO_SPREAD, WIDENED)


@dataclass(frozen=True, slots=True)
class Strengths:
    """What m models are worth, from their battles; a model without battles has NaN and component -1.

    `strength`: nats, mean zero over its component (m,). `covariance`: of the strengths (m, m), NaN between
    components. `freedom`: degrees of freedom for t quantiles, questions of the model - 1, inf when battles
    count as independent (m,). `rating`, `low`, `high`: 1000 + 400/ln 10 · strength and its interval (m,), NaN where
    no interval can be given. `component`: which connected part a model belongs to (m,). `n`: battles (m,).
    `notes`: names of what the reader must be told: DISCONNECTED, SEPARATED, FEW_CLUSTERS, NO_SPREAD, WIDENED.
    `inflation`: variance of each rating, clustered by question, over that of independent battles (m,); NaN where
    battles counted as independent or where there is no clustered variance. A ratio of variances and no more: what makes
    an interval of independent battles as wide as the clustered one is `widening`.
    """

    strength: Floats
    covariance: Floats
    freedom: Floats
    rating: Floats
    low: Floats
    high: Floats
    component: Ints
    n: Ints
    converged: bool
    notes: tuple[str, ...]
    inflation: Floats = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if self.inflation.size != self.strength.size:
            object.__setattr__(self, "inflation", np.full(self.strength.size, np.nan))

    def widening(self, *, level: float = 0.95) -> Floats:
        """Ratio (m,) of the square of each interval's width to that of independent battles with a normal quantile.

        inflation · (t / z)² at `level`, with t of the model's degrees of freedom: what `fit_counts` takes, so that few
        questions stay few. NaN where there is no inflation or no interval. Raises ImpossibleInput for a bad level.
        """
        ratio: Floats = self.inflation * (student(level, self.freedom) / student(level, np.inf)) ** 2
        return ratio


@dataclass(frozen=True, slots=True)
class _Spread:
    """How scores scatter: second moments (m, m), factor G/(G - 1) of each component, questions seen - 1 (m,)."""

    meat: Floats
    factor: Floats
    freedom: Floats
    few: bool = False


@dataclass(frozen=True, slots=True)
class _Solution:
    """Strengths (m,) by component (m,), and the pseudo-battles each pair of a component was given (parts,)."""

    strength: Floats
    component: Ints
    pseudo: Floats

    @property
    def parts(self) -> int:
        return self.pseudo.size

    def games(self, games: Floats) -> Floats:
        """`games` (m, m) with pseudo-battles between those that met."""
        if not self.pseudo.any():
            return games
        return games + (games > 0) * np.where(self.component >= 0, self.pseudo[self.component], 0.0)

    def chance(self) -> Floats:
        """Probability (m, m) that the row beats the column; nonsense between components, where nobody met."""
        return chance(np.nan_to_num(self.strength))


def fit(
    battles: Battles,
    models: int,
    *,
    prior: float | None = None,
    anchor: tuple[int, float] | None = None,
    clustered: bool = True,
    level: float = 0.95,
    weight: ArrayLike | None = None,
    strong: float = 1.0,
    start: Floats | None = None,
) -> Strengths:
    """Maximum-likelihood strengths of `models` models; a tie is half a win for each.

    `prior`: tied pseudo-battles added to each pair that met. None adds none, and SEPARATED_PRIOR with a note
    where the battles have no finite solution; 0 insists on none. `anchor`: (model, rating) moves that
    model's component so that it has this rating; intervals stay those relative to the mean.
    `clustered`: questions, not battles, are independent: sandwich over question sums with factor
    G/(G - 1) and t quantiles; False treats battles as independent, from counts alone, with normal quantiles.
    `weight` (n,): how far each battle is trusted, from 0 (left out), relative to the others. `strong`: what a ±2 counts
    as, 1 or more; 3 is Arena-Hard's choice (Li et al. 2024). Both weigh in the likelihood; neither makes battles more:
    `n` counts them as they are, and the interval is the sandwich's.
    `start` (m,): strengths to begin from, NaN where unknown; it changes the time and not the result.
    Raises ImpossibleInput, TooLittleData (no battle), NotConverged.
    """
    check_models(battles, models)
    weights = row_weights(battles, weight, strong)
    if weights is not None and not weights.all():
        kept = weights > 0
        battles, weights = battles.where(kept), weights[kept]
    table = counts(battles, models, weight=weights)
    # the moments of weighted scores need weights squared
    double = table if weights is None else counts(battles, models, weight=weights * weights)
    solution = _solved(table, prior, start)
    spread = _clustered_spread(battles, solution, weights) if clustered else None
    result = _strengths(table, double, solution, spread, prior=prior, anchor=anchor, level=level)
    return result if weights is None else replace(result, n=_battles_of(counts(battles, models)))


def fit_counts(
    table: Counts,
    *,
    prior: float | None = None,
    anchor: tuple[int, float] | None = None,
    level: float = 0.95,
    start: Floats | None = None,
    inflation: Floats | None = None,
    freedom: Floats | None = None,
    few: bool = False,
) -> Strengths:
    """As `fit` with clustered=False, from counts: the cost does not depend on the number of battles.

    `inflation` (m,): `widening` of an earlier clustered fit of these models at the same level; the variances are
    multiplied by it, so that counts alone give intervals for battles that share questions. Never below 1: an interval is
    not narrowed, and the note WIDENED says that one is wider. A model that has none (NaN) gets the median of the
    others; where no model has one there is no interval. `freedom` (m,): to take t quantiles here, with the plain
    `inflation` of the earlier fit; None is inf, for `widening` has them already. `few`: that the earlier fit was of
    few questions, which adds the note FEW_CLUSTERS.
    """
    solution = _solved(table, prior, start)
    result = _strengths(table, table, solution, None, prior=prior, anchor=anchor, level=level)
    if inflation is not None:
        result = _widened(result, inflation, freedom, level)
    return _with_notes(result, FEW_CLUSTERS) if few else result


def _solved(table: Counts, prior: float | None, start: Floats | None) -> _Solution:
    if prior is not None and not (np.isfinite(prior) and prior >= 0):
        raise ImpossibleInput(f"a prior of {prior:g} pseudo-battles cannot be")
    component = components(table.games)
    if component.max(initial=-1) < 0:
        raise TooLittleData("no battles to rate")
    begin = _start(start, table.models)
    strength = np.full(table.models, np.nan)
    pseudo = np.zeros(int(component.max()) + 1)
    for part in range(pseudo.size):
        members = np.flatnonzero(component == part)
        wins, games = _block(table.wins, members), _block(table.games, members)
        pseudo[part] = _pseudo_battles(wins, prior)
        met = (games > 0) * pseudo[part]
        strength[members] = solve(wins + met / 2, games + met, start=None if begin is None else begin[members])
    return _Solution(strength, component, pseudo)


def _start(start: Floats | None, models: int) -> Floats | None:
    if start is None:
        return None
    if start.shape != (models,):
        raise ImpossibleInput(f"strengths of {start.size} models to start from, for {models} models")
    return np.clip(np.nan_to_num(start), -_FURTHEST, _FURTHEST)


def _block(table: Floats, members: Ints) -> Floats:
    return table if members.size == table.shape[0] else table[np.ix_(members, members)]


def _pseudo_battles(wins: Floats, prior: float | None) -> float:
    """Pseudo-battles per pair for one component; raises NotConverged where 0 is insisted on and none is no answer."""
    if prior is not None and prior > 0:
        return prior
    if is_one(wins > 0):
        return 0.0
    if prior is None:
        return SEPARATED_PRIOR
    raise NotConverged("some models only won or only lost: without a prior their strengths are infinite")


def _strengths(
    table: Counts,
    double: Counts,
    solution: _Solution,
    spread: _Spread | None,
    *,
    prior: float | None,
    anchor: tuple[int, float] | None,
    level: float,
) -> Strengths:
    """Intervals around a solution. `spread` None: battles are independent, from `double`, counts of weights squared."""
    strength, component, m = solution.strength, solution.component, table.models
    covariance, inflation = np.full((m, m), np.nan), np.full(m, np.nan)
    freedom = np.where(component >= 0, np.inf, np.nan) if spread is None else spread.freedom
    alone = _independent_meat(double, solution)
    games, doubled = solution.games(table.games), solution.games(double.games)
    notes = set()
    for part in range(solution.parts):
        members = np.flatnonzero(component == part)
        block = members if members.size == m else np.ix_(members, members)
        least = 1.0 if solution.pseudo[part] > 0 else 0.0
        information = information_of(_block(games, members), strength[members])
        expected = information_of(_block(doubled, members), strength[members])
        independent, flat = sandwich(information, _block(alone, members), expected, least=least)
        covariance[block] = independent
        if spread is not None:
            meat = _block(spread.meat, members) * spread.factor[part]
            covariance[block], flat = sandwich(information, meat, expected, least=least)
            inflation[members] = np.where(freedom[members] >= 1, _ratio(covariance, independent, members), np.nan)
        if flat and not least:
            notes.add(NO_SPREAD)
    told = (
        (DISCONNECTED, solution.parts > 1),
        (SEPARATED, prior is None and solution.pseudo.any()),
        (FEW_CLUSTERS, spread is not None and spread.few),
        (NO_SPREAD, NO_SPREAD in notes),
    )
    rating = MIDDLE + POINTS_PER_NAT * strength + _shift(strength, component, anchor)
    half = _half(covariance, freedom, level)
    return Strengths(
        strength=strength,
        covariance=covariance,
        freedom=freedom,
        rating=rating,
        low=rating - half,
        high=rating + half,
        component=component,
        n=_battles_of(table),
        converged=True,
        notes=tuple(note for note, true in told if true),
        inflation=inflation,
    )


def _ratio(clustered: Floats, independent: Floats, members: Ints) -> Floats:
    ratio: Floats = clustered.diagonal()[members] / independent.diagonal()
    return ratio


def _half(covariance: Floats, freedom: Floats, level: float) -> Floats:
    """Half the width (m,) of the interval in points."""
    half: Floats = POINTS_PER_NAT * np.sqrt(np.maximum(covariance.diagonal(), 0.0)) * student(level, freedom)
    return half


def _battles_of(table: Counts) -> Ints:
    n: Ints = np.rint(table.games.sum(axis=1)).astype(np.int64)
    return n


def _shift(strength: Floats, component: Ints, anchor: tuple[int, float] | None) -> Floats:
    """Points (m,) to add so that the anchor has its rating; other components stay where they are."""
    if anchor is None:
        return np.zeros_like(strength)
    model, rating = anchor
    if not 0 <= model < strength.size or component[model] < 0 or not np.isfinite(rating):
        raise ImpossibleInput(f"model {model} cannot be the anchor: it has no battles, or {rating:g} is no rating")
    points = rating - (MIDDLE + POINTS_PER_NAT * strength[model])
    return np.where(component == component[model], points, 0.0)


def _widened(board: Strengths, inflation: Floats, freedom: Floats | None, level: float) -> Strengths:
    """The board with variances times `inflation`, at least 1; covariances times the root of both models'."""
    known = np.isfinite(inflation) & (inflation > 0)
    if inflation.shape != board.strength.shape or (inflation <= 0).any() or np.isinf(inflation).any():
        raise ImpossibleInput("inflation must be finite and above 0, one number for each model")
    if freedom is not None and freedom.shape != inflation.shape:
        raise ImpossibleInput("freedom must have one number for each model")
    usual = float(np.median(inflation[known])) if known.any() else np.nan
    root = np.sqrt(np.maximum(np.where(known, inflation, usual), 1.0))
    covariance = board.covariance * root[:, None] * root[None, :]
    degrees = np.where(board.component >= 0, np.inf if freedom is None else freedom, np.nan)
    half = _half(covariance, degrees, level)
    wider = half > (board.high - board.low) / 2 * (1 + 1e-9)
    result = replace(
        board,
        covariance=covariance,
        freedom=degrees,
        low=board.rating - half,
        high=board.rating + half,
        inflation=root**2,
    )
    return _with_notes(result, WIDENED) if wider.any() else result


def _with_notes(board: Strengths, *more: str) -> Strengths:
    return replace(board, notes=in_order({*board.notes, *more}))


def in_order(notes: set[str]) -> tuple[str, ...]:
    """Notes of ratings in the order in which they are told."""
    return tuple(note for note in _NOTES if note in notes)


def row_weights(battles: Battles, weight: ArrayLike | None, strong: float) -> Floats | None:
    """What each battle counts (n,), None where all count 1; reliabilities have mean 1, so that a prior keeps its size."""
    if not (np.isfinite(strong) and strong >= 1):
        raise ImpossibleInput(f"a much better that counts {strong:g} times a better cannot be")
    if weight is None and strong == 1:
        return None
    total = 1.0 + (strong - 1.0) * np.maximum(np.abs(battles.value * 1.0) - 1.0, 0.0)
    if weight is not None:
        trust = floats(weight, "weight")
        same_length(first=battles.first, weight=trust)
        if (trust < 0).any():
            raise ImpossibleInput(f"weight holds a negative number at row {int(trust.argmin())}")
        if not trust.any():
            raise TooLittleData("no battle with a weight above 0")
        trust = trust / trust.max()  # the sum of large numbers is none
        total *= trust / trust[trust > 0].mean()
    return total


def _independent_meat(double: Counts, solution: _Solution) -> Floats:
    chances = solution.chance()
    residual = double.squares - 2.0 * chances * double.wins + chances**2 * double.games
    return laplacian(residual)


def _clustered_spread(battles: Battles, solution: _Solution, weight: Floats | None) -> _Spread:
    """Second moments of the question sums of the scores; a question that two components share is one in each."""
    chances = solution.chance().ravel()
    m, parts, component = solution.component.size, solution.parts, solution.component

    def scores(rows: slice | Ints) -> tuple[Floats, Floats]:
        pair = np.multiply(battles.first[rows], m, dtype=np.int64) + battles.second[rows]
        residual = battles.share(rows) - chances[pair]
        if weight is not None:
            residual *= weight[rows]
        return residual, -residual

    cluster = battles.cluster
    if parts > 1:
        cluster = compressed(cluster)[0] * parts + component[battles.first]
    sums = question_sums(battles.first, battles.second, cluster, models=m, scores=scores)
    if parts > 1:
        total = np.bincount(np.unique(cluster) % parts, minlength=parts)
    else:
        total = np.array([sums.total])
    few = bool((total < ENOUGH_CLUSTERS).any() or (sums.seen[component >= 0] < 2).any())
    factor = np.where(total > 1, total / np.maximum(total - 1, 1), 1.0)
    return _Spread(sums.moments, factor, np.where(component >= 0, sums.seen - 1.0, np.nan), few)
