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
from rating.stats.battles import Counts
from rating.stats.bradley_terry import MIDDLE, POINTS_PER_NAT
from rating.stats.errors import NotConverged, TooLittleData
from rating.stats.intervals import student
from rating.stats.newton import components, is_one, laplacian, solve

Error = Literal["sandwich", "information"]
HALF_WIN, DAVIDSON, RAO_KUPPER = "half_win", "davidson", "rao_kupper"
"""The three ways to read a tie that are compared."""

_STEPS = 200
_FURTHEST = 50.0
"""Strengths beyond this (nats) are on their way to infinity."""


@dataclass(frozen=True, slots=True)
class TieModel:
    """Strengths of m models under a model in which a tie is an outcome; NaN for a model without battles.

    `strength`: nats, mean zero (m,): e to a difference is the odds of a win against a loss under Davidson.
    `covariance`: of the strengths (m, m). `rating`, `low`, `high`: 1000 + 400/ln 10 · strength with a normal interval.
    `tie`: the tie parameter with `tie_low`, `tie_high`: Davidson's ν (0 no ties; two equals tie with probability
    ν / (2 + ν)), Rao and Kupper's threshold η in nats (two equals tie with probability tanh(η / 2)).
    `log_likelihood`: a battle, nats. `n`: battles (m,).
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


@dataclass(frozen=True, slots=True)
class TieComparison:
    """How well three ways to read ties describe the same battles; tuples in the order of `names`.

    `log_likelihood`: a battle, nats, of the outcomes win, tie, loss. `aic`: Akaike's criterion a battle, smaller is
    better; the half-win baseline has one parameter more. `best`: the name with the smallest. `lead`: by how much in all, over all
    battles, the next one is worse; below 2 the battles do not say.
    """

    names: tuple[str, ...]
    log_likelihood: tuple[float, ...]
    aic: tuple[float, ...]
    best: str
    lead: float


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


def davidson(table: Counts, *, level: float = 0.95, error: Error = "sandwich") -> TieModel:
    """Davidson's model by maximum likelihood: win : tie : loss = e^(d/2) : ν : e^(-d/2) at a difference d.

    `error`: intervals from the sandwich, which holds where the model is not quite true, or from the inverse
    information. Raises ImpossibleInput where battles are shares of a win, TooLittleData without ties, without decided
    battles or where models never met, NotConverged where the strengths are infinite.
    """
    return _fit(table, _davidson, start=0.0, scale=np.exp, level=level, error=error)


def rao_kupper(table: Counts, *, level: float = 0.95, error: Error = "sandwich") -> TieModel:
    """Rao and Kupper's model by maximum likelihood: a win needs a lead of η: P(win) = 1 / (1 + e^(η - d)).

    Arguments and errors as for `davidson`.
    """
    return _fit(table, _rao_kupper, start=0.5, scale=lambda eta: eta, level=level, error=error)


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
    table: Counts, model: _Model, *, start: float, scale: Callable[[float], float], level: float, error: Error
) -> TieModel:
    members = _members(table)
    won, tied = _block(table.won(), members), _block(table.ties, members)
    theta, tie, at = _maximum(model, won, tied, start)
    n = won.sum() + tied.sum() / 2
    spread = _covariance(at, won, tied, sandwich=error == "sandwich")
    m, quantile = table.models, float(student(level, np.inf))
    strength, covariance = np.full(m, np.nan), np.full((m, m), np.nan)
    strength[members], covariance[np.ix_(members, members)] = theta, spread[:-1, :-1]
    half = POINTS_PER_NAT * quantile * np.sqrt(covariance.diagonal())
    reach = quantile * float(np.sqrt(spread[-1, -1]))
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
    )


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


def _covariance(at: _Chances, won: Floats, tied: Floats, *, sandwich: bool) -> Floats:
    """Covariance (k + 1, k + 1) of mean-zero strengths and the tie parameter."""
    k = won.shape[0]
    information = _information(at)
    information[:k, :k] += np.trace(information) / k**2
    inverse = np.linalg.inv(information)
    if not sandwich:
        centring = np.eye(k + 1)
        centring[:k, :k] -= 1.0 / k
        result: Floats = centring @ inverse @ centring
        return result
    squares = won * at.win_d**2
    cross = won * at.win_d * at.win_t
    meat = _bordered(
        squares + squares.T + tied * at.tie_d**2,
        (cross - cross.T + tied * at.tie_d * at.tie_t).sum(axis=1),
        float((won * at.win_t**2).sum() + (tied * at.tie_t**2).sum() / 2),
    )
    spread: Floats = inverse @ meat @ inverse
    return spread


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
