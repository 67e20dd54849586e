"""Bradley–Terry: strengths from who beat whom, with intervals that know which battles share a question.

Source: Bradley and Terry (1952), Biometrika 39; the interval is the sandwich of Huber (1967) and White (1982)
with cluster sums as in Liang and Zeger (1986).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rating.stats.arrays import Bools, Floats, Ints, compressed
from rating.stats.battles import Battles, Counts, counts
from rating.stats.errors import ImpossibleInput, NotConverged, TooLittleData
from rating.stats.intervals import student

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

SEPARATED_PRIOR = 0.5
"""Pseudo-battles, all ties, added to each pair that met, where the battles alone have no finite solution."""
ENOUGH_CLUSTERS = 10

_STEPS = 100
_CELLS = 10_000_000


@dataclass(frozen=True, slots=True)
class Strengths:
    """What m models are worth, from their battles; a model without battles has NaN and component -1.

    `strength`: nats, mean zero over its component (m,). `covariance`: of the strengths (m, m), NaN between
    components. `freedom`: degrees of freedom for t quantiles, questions of the model - 1, inf when battles
    count as independent (m,). `rating`, `low`, `high`: 1000 + 400/ln 10 · strength and its interval (m,), NaN where
    no interval can be given. `component`: which connected part a model belongs to (m,). `n`: battles (m,).
    `notes`: names of what the reader must be told: DISCONNECTED, SEPARATED, FEW_CLUSTERS, NO_SPREAD.
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


@dataclass(frozen=True, slots=True)
class _Spread:
    """How the scores of one component scatter: their second moments (k, k) and t degrees of freedom (k,)."""

    meat: Floats
    freedom: Floats
    few: bool = False


_SpreadOf = Callable[[Ints, Floats], _Spread]


def fit(
    battles: Battles,
    models: int,
    *,
    prior: float | None = None,
    anchor: tuple[int, float] | None = None,
    clustered: bool = True,
    level: float = 0.95,
) -> Strengths:
    """Maximum-likelihood strengths of `models` models; a tie is half a win for each.

    `prior`: tied pseudo-battles added to each pair that met. None adds none, and SEPARATED_PRIOR with a note
    where the battles have no finite solution; 0 insists on none. `anchor`: (model, rating) moves that
    model's component so that it has this rating; intervals stay those relative to the mean.
    `clustered`: questions, not battles, are independent: sandwich over question sums with factor
    G/(G - 1) and t quantiles; False treats battles as independent, from counts alone, with normal quantiles.
    Raises ImpossibleInput, TooLittleData (no battle), NotConverged.
    """
    table = counts(battles, models)
    if not clustered:
        return fit_counts(table, prior=prior, anchor=anchor, level=level)

    def spread(members: Ints, strength: Floats) -> _Spread:
        return _clustered_spread(battles, members, strength, models)

    return _fit(table, spread, prior=prior, anchor=anchor, level=level)


def fit_counts(
    table: Counts, *, prior: float | None = None, anchor: tuple[int, float] | None = None, level: float = 0.95
) -> Strengths:
    """As `fit` with clustered=False, from counts: the cost does not depend on the number of battles."""

    def spread(members: Ints, strength: Floats) -> _Spread:
        return _independent_spread(table, members, strength)

    return _fit(table, spread, prior=prior, anchor=anchor, level=level)


def components(games: Floats, *, strong: bool = False) -> Ints:
    """Component (m,) of each model, numbered by lowest model index; -1 for a model that met nobody.

    `games` (m, m): linked where above 0; strong=True asks for links in both directions.
    """
    from scipy.sparse.csgraph import connected_components  # 0.15 s, not at import

    linked = games > 0
    _, label = connected_components(linked, directed=True, connection="strong" if strong else "weak")
    met = linked.any(axis=1) | linked.any(axis=0)
    _, lowest, number = np.unique(label[met], return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(lowest))
    result = np.full(games.shape[0], -1, dtype=np.int64)
    result[met] = order[number]
    return result


def _fit(
    table: Counts, spread_of: _SpreadOf, *, prior: float | None, anchor: tuple[int, float] | None, level: float
) -> Strengths:
    if prior is not None and not (np.isfinite(prior) and prior >= 0):
        raise ImpossibleInput(f"a prior of {prior:g} pseudo-battles cannot be")
    component = components(table.games)
    if component.max(initial=-1) < 0:
        raise TooLittleData("no battles to rate")
    m = table.models
    strength, freedom = np.full(m, np.nan), np.full(m, np.nan)
    covariance = np.full((m, m), np.nan)
    parts = int(component.max()) + 1
    notes = {DISCONNECTED} if parts > 1 else set()
    for part in range(parts):
        members = np.flatnonzero(component == part)
        block = np.ix_(members, members)
        pseudo = _pseudo_battles(table.wins[block], prior)
        if prior is None and pseudo > 0:
            notes.add(SEPARATED)
        met = (table.games[block] > 0) * pseudo
        games = table.games[block] + met
        solution = solve(table.wins[block] + met / 2, games)
        spread = spread_of(members, solution)
        if spread.few:
            notes.add(FEW_CLUSTERS)
        strength[members], freedom[members] = solution, spread.freedom
        information = _information(games, solution)
        covariance[block], flat = _covariance(information, spread.meat, least=1.0 if pseudo > 0 else 0.0)
        if flat and not pseudo:
            notes.add(NO_SPREAD)
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    half = POINTS_PER_NAT * error * student(level, freedom)
    rating = MIDDLE + POINTS_PER_NAT * strength + _shift(strength, component, anchor)
    return Strengths(
        strength=strength,
        covariance=covariance,
        freedom=freedom,
        rating=rating,
        low=rating - half,
        high=rating + half,
        component=component,
        n=np.rint(table.games.sum(axis=1)).astype(np.int64),
        converged=True,
        notes=tuple(note for note in (DISCONNECTED, SEPARATED, FEW_CLUSTERS, NO_SPREAD) if note in notes),
    )


def _pseudo_battles(wins: Floats, prior: float | None) -> float:
    """Pseudo-battles per pair for one component; raises NotConverged where 0 is insisted on and none is no answer."""
    if prior is not None and prior > 0:
        return prior
    finite = components(wins, strong=True).max(initial=0) == 0
    if finite:
        return 0.0
    if prior is None:
        return SEPARATED_PRIOR
    raise NotConverged("some models only won or only lost: without a prior their strengths are infinite")


def _shift(strength: Floats, component: Ints, anchor: tuple[int, float] | None) -> Floats:
    """Points (m,) to add so that the anchor has its rating; other components stay where they are."""
    if anchor is None:
        return np.zeros_like(strength)
    model, rating = anchor
    if not 0 <= model < strength.size or component[model] < 0 or not np.isfinite(rating):
        raise ImpossibleInput(f"model {model} cannot be the anchor: it has no battles, or {rating:g} is no rating")
    points = rating - (MIDDLE + POINTS_PER_NAT * strength[model])
    return np.where(component == component[model], points, 0.0)


def solve(wins: Floats, games: Floats) -> Floats:
    """Strengths (k,) in nats, mean zero, that maximise the likelihood of `wins` of `games` (k, k); connected.

    Newton with halved steps. Raises NotConverged.
    """
    k = wins.shape[0]
    strength: Floats = np.zeros(k)
    reached = _likelihood(wins, strength)
    for _ in range(_STEPS):
        gradient = (wins - games * _chance(strength)).sum(axis=1)
        information = _information(games, strength)
        try:
            step = np.linalg.solve(information + np.trace(information) / k**2, gradient)
        except np.linalg.LinAlgError as error:
            raise NotConverged("the battles do not determine the strengths") from error
        step -= step.mean()
        for _ in range(30):
            value = _likelihood(wins, strength + step)
            if value >= reached - 1e-12 * abs(reached):
                break
            step /= 2
        strength, reached = strength + step, value
        if np.abs(step).max() < 1e-9:
            centred: Floats = strength - strength.mean()
            return centred
    raise NotConverged(f"no solution after {_STEPS} Newton steps")


def _chance(strength: Floats) -> Floats:
    """Probability (k, k) that the row beats the column; tanh never overflows."""
    return 0.5 * (1.0 + np.tanh((strength[:, None] - strength[None, :]) / 2.0))


def _likelihood(wins: Floats, strength: Floats) -> float:
    return -float((wins * np.logaddexp(0.0, strength[None, :] - strength[:, None])).sum())


def _information(games: Floats, strength: Floats) -> Floats:
    """Fisher information (k, k), a graph Laplacian: its rows sum to zero."""
    chance = _chance(strength)
    weight = games * chance * chance.T
    return np.diag(weight.sum(axis=1)) - weight


def _covariance(information: Floats, meat: Floats, *, least: float) -> tuple[Floats, bool]:
    """Sandwich covariance (k, k) of mean-zero strengths, and whether some direction shows no spread at all.

    Each direction has a ratio to what independent battles would give. A ratio of zero says that the data are
    silent, not that they are certain: it becomes 1. Under a prior no ratio is below `least` = 1: a model that won
    everything leaves next to no residuals.
    """
    value, vector = np.linalg.eigh(information)
    root = vector[:, 1:] / np.sqrt(value[1:])  # the first direction, all strengths together, is not estimated
    ratio, turn = np.linalg.eigh(root.T @ meat @ root)
    flat = ratio < 1e-9
    ratio = np.where(flat, 1.0, np.maximum(ratio, least))
    turned = root @ turn
    covariance: Floats = (turned * ratio) @ turned.T
    return covariance, bool(flat.any())


def _independent_spread(table: Counts, members: Ints, strength: Floats) -> _Spread:
    block = np.ix_(members, members)
    chance = _chance(strength)
    residual = table.squares[block] - 2.0 * chance * table.wins[block] + chance**2 * table.games[block]
    np.fill_diagonal(residual, 0.0)
    meat = np.diag(residual.sum(axis=1)) - residual
    return _Spread(meat=meat, freedom=np.full(members.size, np.inf))


def _clustered_spread(battles: Battles, members: Ints, strength: Floats, models: int) -> _Spread:
    """Second moments of the question sums of the scores, one question after another in blocks of bounded memory."""
    place = np.full(models, -1, dtype=np.int64)
    place[members] = np.arange(members.size)
    first, second = place[battles.first], place[battles.second]
    inside: Bools = first >= 0
    if not inside.all():
        first, second = first[inside], second[inside]
    cluster, total = compressed(battles.cluster if inside.all() else battles.cluster[inside])
    share = battles.share() if inside.all() else battles.share()[inside]
    residual = share - 0.5 * (1.0 + np.tanh((strength[first] - strength[second]) / 2.0))
    k = members.size
    meat, seen = np.zeros((k, k)), np.zeros(k)
    for rows, start, stop in _cluster_blocks(cluster, total, width=max(1, _CELLS // k)):
        size = (stop - start) * k
        ahead = (cluster[rows] - start) * k + first[rows]
        behind = (cluster[rows] - start) * k + second[rows]
        score = np.bincount(ahead, residual[rows], minlength=size) - np.bincount(behind, residual[rows], minlength=size)
        met = np.bincount(ahead, minlength=size) + np.bincount(behind, minlength=size)
        score = score.reshape(stop - start, k)
        meat += score.T @ score
        seen += (met.reshape(stop - start, k) > 0).sum(axis=0)
    factor = total / (total - 1) if total > 1 else 1.0
    few = total < ENOUGH_CLUSTERS or bool((seen < 2).any())
    return _Spread(meat=meat * factor, freedom=seen - 1.0, few=few)


def _cluster_blocks(cluster: Ints, total: int, *, width: int) -> list[tuple[Ints | slice, int, int]]:
    """(rows, first cluster, last + 1) for runs of `width` clusters; one run without sorting when all fit."""
    if total <= width:
        return [(slice(None), 0, total)]
    order = np.argsort(cluster, kind="stable")
    edges = list(range(0, total, width)) + [total]
    cuts = np.searchsorted(cluster[order], edges)
    return [(order[cuts[i] : cuts[i + 1]], edges[i], edges[i + 1]) for i in range(len(edges) - 1)]
