"""The fit behind style control: one Newton for strengths and coefficients, and how the scores scatter around it.

The unknowns are one point (m + f,): strengths of m models in nats, then coefficients of f features. No matrix of n rows
and m columns is made: sides are counted, features multiplied, block by block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from rating.stats.arrays import Bools, Floats, Ints, compressed
from rating.stats.battles import Counts
from rating.stats.bradley_terry import ENOUGH_CLUSTERS, SEPARATED_PRIOR, Strengths
from rating.stats.errors import ImpossibleInput, NotConverged
from rating.stats.newton import SILENT, laplacian, sandwich
from rating.stats.score_sums import asked, members_of, pseudo_battles

BLOCK = 12_288
"""Rows worked on at a time: a block's columns stay in the cache, and its products are too small to be worth threads."""

_CELLS = 1_000_000
_STEPS = 40
_CLOSE = 1e-7  # the Newton step after one so small ends within its square
_APART = 1e-8  # share of a feature's own information that must be left once the rest is known

_Weigh = Callable[[Floats, Floats, Floats | float], Floats]
Slope = Callable[[Floats], tuple[Floats, Floats]]
"""Gradient (k,) and information (k, k) at a point (k,)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The battles as the fit reads them: `cell` = first * models + second (n,), `z` the covariates (f, n).

    `weight` (n,): what each battle counts; None is 1 for each.
    """

    models: int
    first: Ints
    second: Ints
    cluster: Ints
    cell: Ints
    share: Floats
    z: Floats
    weight: Floats | None = None

    def blocks(self) -> Iterator[slice]:
        # each block fills tables of models², which must not cost more than its rows
        size = max(BLOCK, self.models**2)
        return (slice(start, start + size) for start in range(0, self.share.size, size))

    def where(self, which: Bools) -> Rows:
        """The rows chosen; nothing is copied when these are all."""
        if which.all():
            return self
        first, second, cluster = self.first[which], self.second[which], self.cluster[which]
        weight = None if self.weight is None else self.weight[which]
        return Rows(self.models, first, second, cluster, self.cell[which], self.share[which], self.z[:, which], weight)

    def weights(self, block: slice) -> Floats | float:
        return 1.0 if self.weight is None else self.weight[block]

    def ahead(self, point: Floats, block: slice) -> Floats:
        """How far first is ahead of second, in nats, in each battle of the block."""
        strength, coefficient = point[: self.models], point[self.models :]
        gap: Floats = (strength[:, None] - strength[None, :]).ravel().take(self.cell[block])
        for value, z in zip(coefficient, self.z, strict=True):
            gap += value * z[block]
        return gap


@dataclass(frozen=True, slots=True)
class Prior:
    """Tied pseudo-battles: `pairs` between two models (m, m), `feature` between equals one deviation apart."""

    pairs: Floats
    feature: float

    @property
    def any(self) -> bool:
        return bool(self.feature > 0 or (self.pairs > 0).any())


@dataclass(frozen=True, slots=True)
class Spread:
    """Second moments of the scores (m + f, m + f); t degrees of freedom of the models (m,) and of the coefficients."""

    meat: Floats
    freedom: Floats
    coefficients: float
    few: bool = False


def solved(
    rows: Rows, table: Counts, start: Strengths, *, prior: float | None, names: tuple[str, ...]
) -> tuple[Floats, Floats, Prior]:
    """The point (m + f,) of the largest likelihood, the information there, and the prior that it needed."""
    pairs = pseudo_battles(table.wins, table.games, start.component, prior=prior)
    first = np.concatenate([np.nan_to_num(start.strength), np.zeros(len(names))])
    try:
        added = Prior(pairs, prior or 0.0)
        return *_newton(rows, first, added, component=start.component, names=names), added
    except NotConverged:
        if prior is not None or not names:
            raise
    added = Prior(pairs, SEPARATED_PRIOR)
    return *_newton(rows, first, added, component=start.component, names=names), added


def _newton(
    rows: Rows, point: Floats, prior: Prior, *, component: Ints, names: tuple[str, ...]
) -> tuple[Floats, Floats]:
    """The point where the gradient is zero, and the information there. Raises ImpossibleInput, NotConverged."""
    begin = _slope(rows, point, prior)
    held = _held(component, len(names), scale=float(np.trace(begin[1])) / point.size)
    _check_apart(begin[1] + held, names)
    return climbed(lambda there: _slope(rows, there, prior), point, begin=begin, held=held)


def climbed(slope: Slope, point: Floats, *, begin: tuple[Floats, Floats], held: Floats) -> tuple[Floats, Floats]:
    """The top (k,) of a concave function, and the information (k, k) there. Raises NotConverged.

    `slope`: gradient and information at a point; `begin`: the same at `point`. `held` (k, k) is added to the
    information: it keeps still what nothing moves. Along a step the slope only falls: a step is halved while the slope
    at its end points back by more than half of what it pointed ahead, so no likelihood is needed on the way.
    """
    gradient, information = begin
    for _ in range(_STEPS):
        step = _divided(gradient, information + held)
        if np.abs(step).max(initial=0.0) < _CLOSE:
            return point + step, information
        rise = gradient @ step
        for _ in range(30):
            gradient, information = slope(point + step)
            if gradient @ step >= -0.5 * rise:
                break
            step, rise = step / 2, rise / 2
        point = point + step
    raise NotConverged(f"no solution after {_STEPS} Newton steps: the data have none that is finite")


def _held(component: Ints, features: int, *, scale: float) -> Floats:
    """What holds still (m + f, m + f) that no battle can move: each component's mean, and models without battles."""
    m = component.size
    held = np.zeros((m + features, m + features))
    same = (component[:, None] == component[None, :]) & (component >= 0)
    held[:m, :m] = scale * (same / np.maximum(same.sum(axis=1, keepdims=True), 1) + np.diag(component < 0))
    return held


def _divided(right: Floats, matrix: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise NotConverged("the battles do not determine strengths and coefficients") from error


def _check_apart(information: Floats, names: tuple[str, ...]) -> None:
    """Raise ImpossibleInput naming the features that models and other features determine."""
    f = len(names)
    own, models = information[-f:, -f:], information[:-f, :-f]
    if f == 0:
        return
    left = own - information[-f:, :-f] @ _divided(information[:-f, -f:], models)
    unit = np.sqrt(np.diag(own))
    value, vector = np.linalg.eigh(left / unit[:, None] / unit[None, :])
    involved = (np.abs(vector[:, value < _APART]) > 0.1).any(axis=1)
    if involved.any():
        which = ", ".join(name for name, one in zip(names, involved, strict=True) if one)
        raise ImpossibleInput(f"style features that cannot be told apart from the models or from each other: {which}")


def _slope(rows: Rows, point: Floats, prior: Prior) -> tuple[Floats, Floats]:
    """Gradient (m + f,) and information (m + f, m + f) of the log-likelihood with its prior."""
    m = rows.models
    gradient, information = _sums(rows, point, lambda chance, residual, weight: chance * (1.0 - chance) * weight)
    if prior.any:
        chance = _chance(point[:m, None] - point[None, :m])
        gradient[:m] += (prior.pairs * (0.5 - chance)).sum(axis=1)
        information[:m, :m] += laplacian(prior.pairs * chance * chance.T)
        apart = _chance(point[m:])
        gradient[m:] += prior.feature * (0.5 - apart)
        information[m:, m:] += np.diag(prior.feature * apart * (1.0 - apart))
    return gradient, information


def _sums(rows: Rows, point: Floats, weigh: _Weigh) -> tuple[Floats, Floats]:
    """Scores (m + f,) summed over the battles, and second moments (m + f, m + f) of their sides and styles.

    `weigh` gives each battle's weight in the moments from its chance, its residual and what it counts. No matrix of n rows and m
    columns is made: sides are counted, styles multiplied, block by block.
    """
    m, f = rows.models, rows.z.shape[0]
    score, pairs = np.zeros((2, m * m))
    cross, styles = np.zeros((m, f)), np.zeros((f + 1, f))
    for block in rows.blocks():
        cell, z = rows.cell[block], rows.z[:, block]
        chance = _chance(rows.ahead(point, block))
        weighted = np.empty((f + 1, cell.size))
        residual = np.subtract(rows.share[block], chance, out=weighted[f])
        residual *= rows.weights(block)
        weight = weigh(chance, residual, rows.weights(block))
        score += np.bincount(cell, residual, minlength=m * m)
        pairs += np.bincount(cell, weight, minlength=m * m)
        np.multiply(z, weight, out=weighted[:f])
        styles += weighted @ z.T
        for feature in range(f):
            cross[:, feature] += np.bincount(rows.first[block], weighted[feature], minlength=m)
            cross[:, feature] -= np.bincount(rows.second[block], weighted[feature], minlength=m)
    score, pairs = score.reshape(m, m), pairs.reshape(m, m)
    gradient = np.concatenate([score.sum(axis=1) - score.sum(axis=0), styles[f]])
    return gradient, np.block([[laplacian(pairs + pairs.T), cross], [cross.T, styles[:f]]])


def _chance(ahead: Floats) -> Floats:
    """Probability of winning when `ahead` nats ahead; tanh never overflows."""
    chance: Floats = np.tanh(0.5 * ahead)
    chance += 1.0
    chance *= 0.5
    return chance


def likelihood(rows: Rows, point: Floats) -> float:
    total = 0.0
    for block in rows.blocks():
        ahead = rows.ahead(point, block)
        own = rows.share[block] * ahead - np.maximum(ahead, 0.0) - np.log1p(np.exp(-np.abs(ahead)))
        total += float((own * rows.weights(block)).sum())
    return total


def expected_spread(rows: Rows, point: Floats, prior: Prior) -> Floats:
    """Second moments (m + f, m + f) that independent battles are expected to give: with weights squared, and the prior."""
    return _slope(rows if rows.weight is None else replace(rows, weight=rows.weight**2), point, prior)[1]


def independent_spread(rows: Rows, point: Floats) -> Spread:
    _, meat = _sums(rows, point, lambda chance, residual, weight: residual * residual)
    return Spread(meat=meat, freedom=np.full(rows.models, np.inf), coefficients=np.inf)


def covariance_of(
    information: Floats, meat: Floats, expected: Floats, component: Ints, *, prior: Prior
) -> tuple[Floats, bool]:
    """Sandwich covariance (m + f, m + f), NaN where none can be, and whether some direction shows no spread.

    `expected`: what independent battles would give; it stands in directions without spread, which are silent and not
    certain, and wherever under a prior the spread falls below it, as in rating.stats.newton.sandwich.
    """
    m = component.size
    if information.shape[0] == m:
        return _by_component(information, meat, expected, component, prior)
    # features tie the components together: no direction is one component's own, and the floor of one that has a prior
    # takes the features along
    held = _held(component, information.shape[0] - m, scale=float(np.trace(information)) / information.shape[0])
    inverse, flat = _divided(np.eye(information.shape[0]), information + held), False
    if prior.any:
        given = (component >= 0) & (prior.feature > 0 or prior.pairs.any(axis=1))
        meat, _ = _floored(meat, expected, np.where(given, component, -1), least=1.0)
    if not _speaks(meat - SILENT * expected + held):
        meat, flat = _floored(meat, expected, component, least=0.0)
    covariance = inverse @ meat @ inverse
    covariance[:m, :m][component[:, None] != component[None, :]] = np.nan
    unmet = np.flatnonzero(component < 0)
    covariance[unmet] = np.nan
    covariance[:, unmet] = np.nan
    return (covariance + covariance.T) / 2, flat


def _by_component(
    information: Floats, meat: Floats, expected: Floats, component: Ints, prior: Prior
) -> tuple[Floats, bool]:
    """As `covariance_of` where there are no features: each component's sandwich by itself, as in `fit`."""
    covariance, silent = np.full_like(information, np.nan), False
    for members in members_of(component):
        block = np.ix_(members, members)
        least = 1.0 if prior.pairs[block].any() else 0.0
        covariance[block], flat = sandwich(information[block], meat[block], expected[block], least=least)
        silent |= flat and not least
    return covariance, silent


def _speaks(spread: Floats) -> bool:
    """Whether every direction shows spread: one Cholesky instead of eigenvalues."""
    try:
        np.linalg.cholesky(spread)
    except np.linalg.LinAlgError:
        return False
    return True


def _floored(meat: Floats, expected: Floats, component: Ints, *, least: float) -> tuple[Floats, bool]:
    """`meat` with no ratio to `expected` below `least`, among the features and the models of a component from 0.

    Apart from rating.stats.newton's: there one direction, here the mean of each component is not estimated.
    """
    kept = np.concatenate([np.flatnonzero(component >= 0), np.arange(component.size, meat.shape[0])])
    block = np.ix_(kept, kept)
    value, vector = np.linalg.eigh(expected[block])
    means = np.unique(component[component >= 0]).size
    value, vector = value[means:], vector[:, means:]
    # where a feature all but decides, battles tell next to nothing of it, and rounding may leave less than nothing
    value = np.maximum(value, 1e-12 * max(float(value.max(initial=0.0)), 1e-12))
    inverse_root = vector / np.sqrt(value)
    ratio, turn = np.linalg.eigh(inverse_root.T @ meat[block] @ inverse_root)
    silent = ratio < SILENT
    turned = (vector * np.sqrt(value)) @ turn
    floored = meat.copy()
    floored[block] = (turned * np.where(silent, 1.0, np.maximum(ratio, least))) @ turned.T
    return floored, bool(silent.any())


def clustered_spread(rows: Rows, point: Floats, component: Ints) -> Spread:
    """Second moments of the question sums of the scores, and how many questions each model has.

    Each model's scores count by the factor G/(G - 1) of its component, as in `fit`; coefficients, which all components
    share, by that of all questions.
    """
    cluster, total = compressed(rows.cluster)
    parts = int(component.max()) + 1
    questions_in, factor_in = asked(rows.cluster, component[rows.first], parts=parts)
    meat, seen = np.zeros((point.size, point.size)), np.zeros(rows.models, dtype=np.int64)
    if 4 * total > cluster.size:  # then many battles may be alone on their question, and need no question sums
        alone = np.bincount(cluster)[cluster] == 1
        single = rows.where(alone)
        meat += independent_spread(single, point).meat
        seen += np.bincount(single.first, minlength=rows.models)
        seen += np.bincount(single.second, minlength=rows.models)
        rows = rows.where(~alone)
    shared, questions = _question_moments(rows, point)
    meat, seen = meat + shared, seen + questions
    factor = np.full(point.size, total / (total - 1) if total > 1 else 1.0)
    factor[: component.size] = np.where(component >= 0, factor_in[component], 1.0)
    root = np.sqrt(factor)
    return Spread(
        meat=meat * root[:, None] * root[None, :],
        freedom=seen.astype(np.float64) - 1.0,
        coefficients=total - 1.0,
        few=bool((questions_in < ENOUGH_CLUSTERS).any() or (seen[component >= 0] < 2).any()),
    )


def _question_moments(rows: Rows, point: Floats) -> tuple[Floats, Ints]:
    """Second moments (m + f, m + f) of question sums, and questions of each model (m,), by runs of questions."""
    m = rows.models
    cluster, total = compressed(rows.cluster)
    residual = np.empty(cluster.size)
    for block in rows.blocks():
        np.subtract(rows.share[block], _chance(rows.ahead(point, block)), out=residual[block])
        residual[block] *= rows.weights(block)
    meat, seen = np.zeros((point.size, point.size)), np.zeros(m, dtype=np.int64)
    for part, start, stop in _runs(cluster, total, width=max(1, _CELLS // m, -(-total // 65_536))):
        place, left, questions = cluster[part] - start, residual[part], stop - start
        ahead, behind = place * m + rows.first[part], place * m + rows.second[part]
        score = np.empty((questions, point.size))
        sides = np.bincount(ahead, left, minlength=questions * m)
        sides -= np.bincount(behind, left, minlength=questions * m)
        score[:, :m] = sides.reshape(questions, m)
        for feature, z in enumerate(rows.z):
            score[:, m + feature] = np.bincount(place, left * z[part], minlength=questions)
        meat += score.T @ score
        met = np.zeros(questions * m, dtype=np.bool_)
        met[ahead] = met[behind] = True
        seen += met.reshape(questions, m).sum(axis=0)
    return meat, seen


def _runs(cluster: Ints, total: int, *, width: int) -> Iterator[tuple[Ints | slice, int, int]]:
    """(rows, first cluster, last + 1) for runs of `width` clusters; without sorting when one run holds all."""
    if total <= width:
        yield slice(None), 0, total
        return
    run = (cluster // width).astype(np.uint16)  # short numbers sort by radix, ten times faster
    order = np.argsort(run, kind="stable")
    cuts = np.concatenate([[0], np.cumsum(np.bincount(run))])
    for place, start in enumerate(range(0, total, width)):
        yield order[cuts[place] : cuts[place + 1]], start, min(start + width, total)
