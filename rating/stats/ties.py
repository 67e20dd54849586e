"""Ties as an outcome of their own: Davidson's and Rao and Kupper's models, and which of them the ties speak for.

Sources: Davidson (1970), JASA 65; Rao and Kupper (1967), JASA 62; Akaike (1974), IEEE Transactions on Automatic
Control 19; the sandwich is that of White (1982), Econometrica 50.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rating.stats.arrays import Floats, Ints
from rating.stats.battles import Battles, Counts, counts
from rating.stats.bradley_terry import ENOUGH_CLUSTERS, FEW_CLUSTERS, MIDDLE, NO_SPREAD, POINTS_PER_NAT
from rating.stats.errors import ImpossibleInput, NotConverged, TooLittleData
from rating.stats.intervals import student
from rating.stats.newton import components, floored, is_one, laplacian, solve
from rating.stats.question_sums import question_sums

Error = Literal["sandwich", "information"]
HALF_WIN, DAVIDSON, RAO_KUPPER = "half_win", "davidson", "rao_kupper"
"""The three ways to read a tie that are compared."""
INDEPENDENT = "independent"
"""Note: battles count as independent; where several share a question, intervals are too narrow and leads too sure."""

_STEPS = 200
_FURTHEST = 50.0
"""Strengths beyond this (nats) are on their way to infinity."""


@dataclass(frozen=True, slots=True)
class TieModel:
    """Strengths of m models under a model in which a tie is an outcome; NaN for a model without battles.

    `strength`: nats, mean zero (m,): e to a difference is the odds of a win against a loss under Davidson.
    `covariance`: of the strengths (m, m). `rating`, `low`, `high`: 1000 + 400/ln 10 · strength with its interval.
    `tie`: the tie parameter with `tie_low`, `tie_high`: Davidson's ν (0 no ties; two equals tie with probability
    ν / (2 + ν)), Rao and Kupper's threshold η in nats (two equals tie with probability tanh(η / 2)).
    `log_likelihood`: a battle, nats. `n`: battles (m,). `freedom`: degrees for t quantiles, questions of the model - 1, inf
    where battles count as independent (m,). `notes`: INDEPENDENT where they do; FEW_CLUSTERS, NO_SPREAD as in Strengths.
    """

    strength: Floats
    covariance: Floats
    rating: Floats
    low: Floats
    high: Floats
    tie: float
    tie_low: float
    tie_high: float
    log_likelihood: float
    n: Ints
    freedom: Floats
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TieComparison:
    """How well three ways to read ties describe the same battles; tuples in the order of `names`.

    `log_likelihood`: a battle, nats, of the outcomes win, tie, loss. `aic`: Akaike's criterion a battle, smaller is
    better; the half-win baseline has one parameter more. `best`: the name with the smallest. `lead`: by how much in all, over all
    battles, the next one is worse; below 2 the battles do not say. `notes`: always INDEPENDENT: battles that share a
    question say less than the criterion takes them for, so that a lead must then be larger by as much as questions
    inflate variances.
    """

    names: tuple[str, ...]
    log_likelihood: tuple[float, ...]
    aic: tuple[float, ...]
    best: str
    lead: float
    notes: tuple[str, ...] = (INDEPENDENT,)


@dataclass(frozen=True, slots=True)
class _Chances:
    """A tie model at some parameters, for pairs (k, k), row against column.

    `win`, `tie`: log probabilities. `win_d`, `win_t`, `tie_d`, `tie_t`: their slopes by the difference d and by the tie
    parameter; `dd`, `dt`, `tt`: minus the second derivatives of the log-likelihood of the counts by pair.
    """

    win: Floats
    tie: Floats
    win_d: Floats
    win_t: Floats
    tie_d: Floats
    tie_t: Floats
    dd: Floats
    dt: Floats
    tt: float


_Model = Callable[[Floats, float, Floats, Floats], _Chances]


@dataclass(frozen=True, slots=True)
class _Meat:
    """Second moments (k + 1, k + 1) of the scores, degrees of freedom of the k models and of the tie parameter."""

    moments: Floats
    freedom: Floats
    tie_freedom: float
    notes: tuple[str, ...]


def davidson(
    table: Counts, *, battles: Battles | None = None, level: float = 0.95, error: Error = "sandwich"
) -> TieModel:
    """Davidson's model by maximum likelihood: win : tie : loss = e^(d/2) : ν : e^(-d/2) at a difference d.

    `battles`: those that `table` counts; given, questions and not battles are independent, as in `fit`: question sums,
    factor G/(G - 1), t quantiles. None: battles are independent, with normal quantiles and the note INDEPENDENT.
    `error`: intervals from the sandwich, which holds where the model is not quite true, or from the inverse
    information, for which battles are independent by definition. Raises ImpossibleInput where battles are shares of a
    win, are not those of the table or go with error="information", TooLittleData without ties, without decided battles
    or where models never met, NotConverged where the strengths are infinite.
    """
    return _fit(table, battles, _davidson, start=0.0, scale=np.exp, level=level, error=error)


def rao_kupper(
    table: Counts, *, battles: Battles | None = None, level: float = 0.95, error: Error = "sandwich"
) -> TieModel:
    """Rao and Kupper's model by maximum likelihood: a win needs a lead of η: P(win) = 1 / (1 + e^(η - d)).

    Arguments and errors as for `davidson`.
    """
    return _fit(table, battles, _rao_kupper, start=0.5, scale=lambda eta: eta, level=level, error=error)


def compare_ties(table: Counts) -> TieComparison:
    """Which describes the outcomes best: half-win strengths with ties equally common in all pairs, Davidson, Rao–Kupper.

    The half-win fit is no model of outcomes: its strengths, which ties draw together, are made one here by a common
    factor on their differences for the battles that are decided, and a chance of a tie that is the same for every
    pair. Errors as for `davidson`.
    """
    members = _members(table)
    won, tied = _block(table.won(), members), _block(table.ties, members)
    n = won.sum() + tied.sum() / 2
    share = tied.sum() / 2 / n
    strength = solve(won + tied / 2, won + won.T + tied)
    half_win = _stretched(won, strength) / n + share * np.log(share) + (1 - share) * np.log(1 - share)
    names = HALF_WIN, DAVIDSON, RAO_KUPPER
    found = float(half_win), davidson(table).log_likelihood, rao_kupper(table).log_likelihood
    parameters = members.size + 1, members.size, members.size
    aic = tuple(2 * k / float(n) - 2 * value for k, value in zip(parameters, found, strict=True))
    first, second = sorted(aic)[:2]
    return TieComparison(names, found, aic, names[aic.index(first)], (second - first) * float(n))


def _stretched(won: Floats, strength: Floats) -> float:
    """Log-likelihood of decided battles at these strengths times the factor that suits them best, by Newton."""
    ahead = strength[:, None] - strength[None, :]
    factor = 1.0
    for _ in range(_STEPS):
        lost = np.exp(-np.logaddexp(0.0, factor * ahead))
        bend = float((won * ahead**2 * lost * (1 - lost)).sum())
        step = float((won * ahead * lost).sum()) / bend if bend > 0 else 0.0
        factor += np.clip(step, -0.5, 0.5)
        if abs(step) < 1e-9:
            return -float((won * np.logaddexp(0.0, -factor * ahead)).sum())
    raise NotConverged("no stretch of the half-win strengths describes the decided battles")


def _fit(
    table: Counts,
    battles: Battles | None,
    model: _Model,
    *,
    start: float,
    scale: Callable[[float], float],
    level: float,
    error: Error,
) -> TieModel:
    if battles is not None and (error != "sandwich" or not _same(table, battles)):
        raise ImpossibleInput("battles must be those of the table, and go with the sandwich only")
    members = _members(table)
    won, tied = _block(table.won(), members), _block(table.ties, members)
    theta, tie, at = _maximum(model, won, tied, start)
    n = won.sum() + tied.sum() / 2
    meat = _meat_alone(at, won, tied) if battles is None else _meat_by_question(at, battles, members, table.models)
    spread = _covariance(at, meat.moments if error == "sandwich" else None)
    m = table.models
    (strength, freedom), covariance = np.full((2, m), np.nan), np.full((m, m), np.nan)
    strength[members], covariance[np.ix_(members, members)] = theta, spread[:-1, :-1]
    freedom[members] = meat.freedom
    half = POINTS_PER_NAT * student(level, freedom) * np.sqrt(covariance.diagonal())
    reach = float(student(level, meat.tie_freedom)) * float(np.sqrt(spread[-1, -1]))
    rating = MIDDLE + POINTS_PER_NAT * strength
    return TieModel(
        strength=strength,
        covariance=covariance,
        rating=rating,
        low=rating - half,
        high=rating + half,
        tie=float(scale(tie)),
        tie_low=float(scale(tie - reach)),
        tie_high=float(scale(tie + reach)),
        log_likelihood=_likelihood(at, won, tied) / float(n),
        n=np.rint(table.games.sum(axis=1)).astype(np.int64),
        freedom=freedom,
        notes=meat.notes,
    )


def _same(table: Counts, battles: Battles) -> bool:
    again = counts(battles, table.models)
    return np.array_equal(again.wins, table.wins) and np.array_equal(again.ties, table.ties)


def _members(table: Counts) -> Ints:
    """The models that met somebody, where a tie model has an answer."""
    won, component = table.won(), components(table.games)
    if component.max(initial=-1) < 0 or not won.any() or not table.ties.any():
        raise TooLittleData("a model of ties needs ties and decided battles")
    if component.max() > 0:
        raise TooLittleData("the models fall into parts that never met: a model of ties needs one")
    members = np.flatnonzero(component == 0)
    if not is_one(_block(table.wins, members) > 0):
        raise NotConverged("some models only won or only lost: their strengths are infinite")
    return members


def _block(table: Floats, members: Ints) -> Floats:
    return table[np.ix_(members, members)]


def _maximum(model: _Model, won: Floats, tied: Floats, start: float) -> tuple[Floats, float, _Chances]:
    """Strengths (k,), mean zero, and the tie parameter of greatest likelihood, by Newton with halved steps."""
    k = won.shape[0]
    theta: Floats = np.zeros(k)
    tie = start
    at = model(theta, tie, won, tied)
    reached = _likelihood(at, won, tied)
    for _ in range(_STEPS):
        information = _information(at)
        information[:k, :k] += np.trace(information) / k**2
        try:
            step = np.linalg.solve(information, _gradient(at, won, tied))
        except np.linalg.LinAlgError as error:
            raise NotConverged("the battles do not determine the strengths") from error
        step[:k] -= step[:k].mean()
        for _ in range(60):
            next_at = model(theta + step[:k], float(tie + step[k]), won, tied)
            value = _likelihood(next_at, won, tied)
            if value >= reached - 1e-12 * abs(reached):
                break
            step /= 2
        theta, tie, at, reached = theta + step[:k], float(tie + step[k]), next_at, value
        if np.abs(theta).max() > _FURTHEST or not np.isfinite(value):
            break
        if np.abs(step).max() < 1e-8:
            return np.asarray(theta - theta.mean()), tie, at
    raise NotConverged("no finite strengths and tie parameter describe these battles")


def _likelihood(at: _Chances, won: Floats, tied: Floats) -> float:
    return float((won * at.win).sum() + (tied * at.tie).sum() / 2)


def _gradient(at: _Chances, won: Floats, tied: Floats) -> Floats:
    slope = won * at.win_d - (won * at.win_d).T + tied * at.tie_d
    return np.append(slope.sum(axis=1), (won * at.win_t).sum() + (tied * at.tie_t).sum() / 2)


def _information(at: _Chances) -> Floats:
    """Information (k + 1, k + 1) of strengths and tie parameter."""
    return _bordered(at.dd, at.dt.sum(axis=1), at.tt)


def _bordered(by_pair: Floats, border: Floats, corner: float) -> Floats:
    k = border.size
    result = np.empty((k + 1, k + 1))
    result[:k, :k], result[k, :k], result[:k, k], result[k, k] = laplacian(by_pair), border, border, corner
    return result


def _covariance(at: _Chances, meat: Floats | None) -> Floats:
    """Covariance (k + 1, k + 1) of mean-zero strengths and the tie parameter; without meat from the information alone."""
    k = at.dd.shape[0]
    information = _information(at)
    information[:k, :k] += np.trace(information) / k**2
    inverse = np.linalg.inv(information)
    if meat is None:
        centring = np.eye(k + 1)
        centring[:k, :k] -= 1.0 / k
        result: Floats = centring @ inverse @ centring
        return result
    spread: Floats = inverse @ meat @ inverse
    return (spread + spread.T) / 2


def _meat_alone(at: _Chances, won: Floats, tied: Floats) -> _Meat:
    squares = won * at.win_d**2
    cross = won * at.win_d * at.win_t
    moments = _bordered(
        squares + squares.T + tied * at.tie_d**2,
        (cross - cross.T + tied * at.tie_d * at.tie_t).sum(axis=1),
        float((won * at.win_t**2).sum() + (tied * at.tie_t**2).sum() / 2),
    )
    return _Meat(moments, np.full(won.shape[0], np.inf), np.inf, (INDEPENDENT,))


def _meat_by_question(at: _Chances, battles: Battles, members: Ints, models: int) -> _Meat:
    """The tie parameter stands in the sums as one model more, in rows of its own behind those of the battles."""
    k, n = members.size, len(battles)
    place = np.zeros(models, dtype=np.int64)
    place[members] = np.arange(k)
    first, second, sign = place[battles.first], place[battles.second], np.sign(battles.value)

    def scores(rows: slice | Ints) -> tuple[Floats, Floats]:
        row = np.arange(2 * n)[rows] if isinstance(rows, slice) else rows
        battle = row % n
        a, b, value = first[battle], second[battle], sign[battle]
        ahead = np.where(value > 0, at.win_d[a, b], np.where(value < 0, -at.win_d[b, a], at.tie_d[a, b]))
        apart = np.where(value > 0, at.win_t[a, b], np.where(value < 0, at.win_t[b, a], at.tie_t[a, b]))
        is_battle = row < n
        return np.where(is_battle, ahead, apart), np.where(is_battle, -ahead, 0.0)

    ends = np.full(n, k)
    sums = question_sums(
        np.append(first, ends),
        np.append(second, ends),
        np.tile(battles.cluster, 2),
        models=k + 1,
        scores=scores,
    )
    factor = sums.total / max(sums.total - 1, 1)
    moments, flat = floored(sums.moments * factor, _information(at))
    seen = sums.seen[:k]
    few = sums.total < ENOUGH_CLUSTERS or (seen < 2).any()
    notes = ((FEW_CLUSTERS, few), (NO_SPREAD, flat))
    freedom = (seen - 1).astype(np.float64)
    return _Meat(moments, freedom, sums.total - 1.0, tuple(name for name, true in notes if true))


def _davidson(theta: Floats, tie: float, won: Floats, tied: Floats) -> _Chances:
    """`tie` is log ν. An exponential family: slopes are what happened minus what was expected."""
    ahead = theta[:, None] - theta[None, :]
    total = np.logaddexp(np.logaddexp(ahead / 2, -ahead / 2), tie)
    p, t = np.exp(ahead / 2 - total), np.exp(tie - total)
    expected = (p - p.T) / 2
    games = won + won.T + tied
    return _Chances(
        win=ahead / 2 - total,
        tie=tie - total,
        win_d=0.5 - expected,
        win_t=-t,
        tie_d=-expected,
        tie_t=1.0 - t,
        dd=games * ((p + p.T) / 4 - expected**2),
        dt=-games * expected * t,
        tt=float((games * t * (1 - t)).sum() / 2),
    )


def _rao_kupper(theta: Floats, tie: float, won: Floats, tied: Floats) -> _Chances:
    """`tie` is η. P(tie) = (e^2η - 1) · P(win) · P(loss), so that only the logs of logistic curves are summed."""
    ahead = theta[:, None] - theta[None, :]
    if tie <= 0:
        nothing = np.full_like(ahead, -1e250)  # no probability: any step back climbs
        return _Chances(nothing, nothing, *(np.zeros_like(ahead),) * 6, 0.0)
    log_p = -np.logaddexp(0.0, tie - ahead)
    lost = -np.expm1(log_p)  # 1 - p
    wide = -np.expm1(-2 * tie)
    weight = (won + tied) * np.exp(log_p) * lost
    return _Chances(
        win=log_p,
        tie=log_p + log_p.T + 2 * tie + np.log(wide),
        win_d=lost,
        win_t=-lost,
        tie_d=lost - lost.T,
        tie_t=2.0 / wide - lost - lost.T,
        dd=weight + weight.T,
        dt=weight.T - weight,
        tt=float(weight.sum() + tied.sum() * 2 * (1 - wide) / wide**2),
    )
