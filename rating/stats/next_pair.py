"""Which pair should meet next: the one whose battle takes most off the uncertainty of ranks that are not clear yet.

One battle adds p(1 - p) to the information between its two models; what that does to the variance of any difference follows
from Sherman and Morrison (1950), The Annals of Mathematical Statistics 21. A battle is taken to be on a new question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Bools, Floats, Ints, codes
from rating.stats.bradley_terry import POINTS_PER_NAT, Strengths
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import student
from rating.stats.newton import chance, components
from rating.stats.score_sums import inverse_information


@dataclass(frozen=True, slots=True)
class NextPairs:
    """The most useful pairs of models, best first; all (k,).

    `first` < `second`: model indices. `gain`: points² that one battle is expected to take off the summed variance of
    the unclear differences; inf where `links` is true: the two belong to parts that never met, and nothing at all is
    known of the difference. `category`: index of the board that the pair is for, 0 where there is one.
    """

    first: Ints
    second: Ints
    gain: Floats
    links: Bools
    category: Ints


def next_pairs(
    strengths: Strengths, *, among: ArrayLike | None = None, most: int = 20, level: float = 0.95
) -> NextPairs:
    """The `most` most useful pairs, given what is known.

    Unclear: neighbours in rank whose difference has an interval, at `level`, that holds zero; where all are clear, all
    neighbours. `among`: models that can be paired (None: all); a model without battles is a part of its own. Of the pairs that
    link parts, those of the largest parts come first, then those of the models that are known best. Pairs of equal gain come
    in the order of their indices; fewer than two models give no pair. Raises ImpossibleInput.
    """
    known = _Known(strengths.strength, strengths.covariance, strengths.freedom, strengths.component)
    _check(most)
    return _best([_gains(known, _allowed(among, known.strength.size), most=most, level=level)], most=most)


def next_pairs_by_category(
    strengths: Strengths,
    games: Sequence[ArrayLike],
    *,
    among: ArrayLike | None = None,
    most: int = 20,
    level: float = 0.95,
) -> NextPairs:
    """As `next_pairs` over c categories at once, without a fit in any: `games` is battles (m, m) in each, symmetric.

    The strengths are those of the whole board; the covariance in a category is the inverse information of its battles at these
    strengths, as if battles were independent. A model that the board does not rate is taken to be average.
    """
    _check(most)
    strength = np.where(np.isnan(strengths.strength), 0.0, strengths.strength)
    allowed = _allowed(among, strength.size)
    gains = []
    for table in games:
        met = np.asarray(table, dtype=np.float64)
        if met.shape != (strength.size,) * 2 or not (met >= 0).all() or not (met == met.T).all():
            raise ImpossibleInput(
                "battles of a category must be a symmetric table, models by models, of numbers from 0"
            )
        component = components(met)
        covariance = inverse_information(met, strength, component)
        known = _Known(strength, covariance, np.full(strength.size, np.inf), component)
        gains.append(_gains(known, allowed, most=most, level=level))
    return _best(gains, most=most)


@dataclass(frozen=True, slots=True)
class _Known:
    """`strength`, `freedom`, `component` (m,) and `covariance` (m, m), as in Strengths."""

    strength: Floats
    covariance: Floats
    freedom: Floats
    component: Ints


@dataclass(frozen=True, slots=True)
class _Gains:
    """For the best pairs of allowed models: `first` < `second`, `gain` in points², and the order among those that link."""

    first: Ints
    second: Ints
    gain: Floats
    links: Bools
    closeness: Floats


def _check(most: int) -> None:
    if most < 1:
        raise ImpossibleInput(f"{most} pairs asked for; at least 1")


def _allowed(among: ArrayLike | None, models: int) -> Ints:
    return np.arange(models) if among is None else np.unique(codes(among, "among", below=models))


def _gains(known: _Known, allowed: Ints, *, most: int, level: float) -> _Gains:
    """The `most` best pairs, of all, vectorised.

    The gain of a battle is p(1 - p) |row i - row j|² / (1 + p(1 - p) var) of one Gram matrix.
    """
    rated = known.component >= 0
    part = np.where(rated, known.component, known.component.max(initial=-1) + 1 + np.arange(rated.size))
    apart = part[:, None] != part[None, :]
    covariance = np.where(apart | ~rated[:, None], 0.0, known.covariance)
    ends = _unclear(known, allowed, level=level)
    pull = covariance[:, ends[0]] - covariance[:, ends[1]]
    gram = pull @ pull.T
    won = chance(np.where(rated, known.strength, 0.0))
    weight = won * won.T
    gain = weight * _between(gram) / (1.0 + weight * _between(covariance)) * POINTS_PER_NAT**2
    size = np.bincount(part)[part]
    variance = np.where(rated, np.diag(covariance), 0.0)
    first, second = (allowed[side] for side in np.triu_indices(allowed.size, 1))
    links = apart[first, second]
    # larger parts first, then less variance: one battle links as much as it can, between models that are known
    closeness = (size[first] * size[second]).astype(np.float64)
    closeness += 1.0 / (2.0 + variance[first] + variance[second])
    gained = gain[first, second]
    kept = _kept(gained, links, closeness, most)
    first, second, links = first[kept], second[kept], links[kept]
    return _Gains(first, second, np.where(links, np.inf, gained[kept]), links, np.where(links, closeness[kept], 0.0))


def _kept(gain: Floats, links: Bools, closeness: Floats, most: int) -> Ints:
    """Places, in their order, of the `most` pairs that come first in this category: with many models few are of use."""
    linking, inside = np.flatnonzero(links), np.flatnonzero(~links)
    kept = linking[_largest(closeness[linking], most)]
    rest = inside[_largest(_coarse(gain[inside]), most - kept.size)]
    return np.sort(np.concatenate([kept, rest]))


def _largest(values: Floats, most: int) -> Ints:
    """Places of the `most` largest values; of equal ones the first."""
    if values.size <= most:
        return np.arange(values.size)
    if most == 0:
        return np.empty(0, dtype=np.int64)
    least = np.partition(values, values.size - most)[values.size - most]
    above, equal = np.flatnonzero(values > least), np.flatnonzero(values == least)
    return np.concatenate([above, equal[: most - above.size]])


def _coarse(gain: Floats) -> Floats:
    """Gains as parts of the largest, so that those that differ by rounding alone are equal."""
    parts: Floats = (gain / max(float(gain.max(initial=0.0)), 1e-300)).round(9)
    return parts


def _between(form: Floats) -> Floats:
    """Value (m, m) of a quadratic form at the difference of two models; never below 0."""
    diagonal = np.diag(form)
    between: Floats = np.maximum(diagonal[:, None] + diagonal[None, :] - 2 * form, 0.0)
    return between


def _unclear(known: _Known, allowed: Ints, *, level: float) -> tuple[Ints, Ints]:
    """Neighbours in rank, (upper, lower), within each component of the allowed models, that are not clear; or all."""
    upper, lower = [], []
    for part in np.unique(known.component[allowed]):
        if part >= 0:
            members = allowed[known.component[allowed] == part]
            order = members[np.argsort(-known.strength[members], kind="stable")]
            upper.append(order[:-1])
            lower.append(order[1:])
    if not upper:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    above, below = np.concatenate(upper), np.concatenate(lower)
    error = np.sqrt(_between(known.covariance)[above, below])
    freedom = np.minimum(known.freedom[above], known.freedom[below])
    clear = known.strength[above] - known.strength[below] > error * student(level, freedom)  # NaN is not clear
    return (above, below) if clear.all() else (above[~clear], below[~clear])


def _best(gains: list[_Gains], *, most: int) -> NextPairs:
    if not gains:
        nothing = np.empty(0, dtype=np.int64)
        return NextPairs(nothing, nothing, np.empty(0), np.empty(0, dtype=np.bool_), nothing)
    category = np.concatenate([np.full(found.gain.size, k) for k, found in enumerate(gains)])
    first, second, gain, links, closeness = (
        np.concatenate([getattr(found, name) for found in gains])
        for name in ("first", "second", "gain", "links", "closeness")
    )
    # what differs by rounding alone is equal, and equal ones come in the order of their indices
    coarse = _coarse(np.where(links, 0.0, gain))
    order = np.lexsort((second, first, category, -coarse, -closeness, ~links))[:most]
    return NextPairs(
        first=first[order],
        second=second[order],
        gain=gain[order],
        links=links[order],
        category=category[order],
    )
