"""Krippendorff's α with an interval that resamples items or questions, never vote pairs.

Sources: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; jackknife as in Efron and Stein (1981), The
Annals of Statistics 9. Any level but the nominal one is squared distance between positions on a line (of ordinal values:
their mean rank), so that the disagreement is a sum of squares minus a quadratic form, and no table of V × V is needed
for each resample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rating.stats.arrays import Floats, Ints, check_level, codes, compressed, same_length
from rating.stats.intervals import student
from rating.stats.patterns import Patterns, counted, of_item, patterns, tallied, without_gaps

Level = Literal["nominal", "ordinal", "interval"]

FEWEST_FOR_JACKKNIFE = 50
"""With fewer items than this, each a unit of its own, the interval comes from the bootstrap: the jackknife is too narrow when
one value is rare. Never for questions: percentiles of a few of them know no t quantile, and are far too narrow."""
BOOTSTRAP_DRAWS = 2000
BOOTSTRAP_SEED = 20240607
NO_SPREAD = 1e-12
"""An error of α, or a range of its draws, up to this is rounding: units all alike do not say how far the next may be."""

_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Kinds:
    """Items that can be paired, those alike as one kind: what `times` (k,) items of a kind add to α; all others (k, V).

    The coincidences of an item are (left rightᵀ + right leftᵀ)/2 − diag(own), and `counts` are their sums by value.
    """

    counts: Floats
    left: Floats
    right: Floats
    own: Floats
    times: Floats

    @property
    def agreeing(self) -> Floats:
        """The part of each kind's coincidences (k,) that are of equal values."""
        total: Floats = (self.left * self.right - self.own).sum(axis=1)
        return total

    def quadratic(self, position: Floats) -> Floats:
        """Σ o_ab x_a x_b of each kind (…, k) over its coincidences o, for positions x (…, V)."""
        form: Floats = (position @ self.left.T) * (position @ self.right.T) - position**2 @ self.own.T
        return form

    def coincidences(self) -> Floats:
        """The coincidence matrix (V, V) of all items."""
        half = (self.left * self.times[:, None]).T @ self.right
        total: Floats = (half + half.T) / 2 - np.diag(self.times @ self.own)
        return total


@dataclass(frozen=True, slots=True)
class Units:
    """What is resampled together: `size` (u,) units that are alike; of each, `often` items of a kind: `unit`, `kind`, `often` (e,)."""

    size: Floats
    unit: Ints
    kind: Ints
    often: Floats

    @property
    def total(self) -> int:
        """How many units there are: items, or questions where votes are clustered."""
        return round(float(self.size.sum()))

    def add(self, by_kind: Floats) -> Floats:
        """Sums over each unit (u,) of a number that each kind (k,) has."""
        return np.bincount(self.unit, by_kind[self.kind] * self.often, minlength=self.size.size).astype(
            np.float64, copy=False
        )

    def quadratic(self, kinds: Kinds, position: Floats) -> Floats:
        """Σ o_ab x_a x_b of each unit (u,) over the coincidences o of its items, for positions x (u, V) of its own."""
        units, many = self.size.size, kinds.times.size
        if units * many <= 4 * self.unit.size:
            table = np.bincount(self.unit * many + self.kind, self.often, minlength=units * many)
            whole: Floats = _row_sums(table.reshape(units, many) * kinds.quadratic(position))
            return whole
        there = position[self.unit]
        one, other = (there * kinds.left[self.kind]).sum(axis=1), (there * kinds.right[self.kind]).sum(axis=1)
        form = one * other - (there**2 * kinds.own[self.kind]).sum(axis=1)
        return np.bincount(self.unit, form * self.often, minlength=units).astype(np.float64, copy=False)

    def blocks(self, step: int) -> Iterator[Units]:
        """The same in parts of up to `step` units that are not alike."""
        for start in range(0, self.size.size, step):
            stop = min(start + step, self.size.size)
            rows = slice(*np.searchsorted(self.unit, [start, stop]))
            yield Units(self.size[start:stop], self.unit[rows] - start, self.kind[rows], self.often[rows])


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes on the items that have two or more: by `kinds` of items, and by `resampled` units of them."""

    kinds: Kinds
    resampled: Units

    @property
    def items(self) -> int:
        """Items with two votes or more."""
        return round(float(self.kinds.times.sum()))

    @property
    def units(self) -> int:
        """Questions of these items; the items themselves where votes are not clustered."""
        return self.resampled.total


@dataclass(frozen=True, slots=True)
class Interval:
    """Ends of an interval, and how it was made: "jackknife" or "bootstrap"."""

    low: float
    high: float
    kind: str


def votes_by_item(item: ArrayLike, value: ArrayLike, *, values: int, cluster: ArrayLike | None = None) -> Votes:
    """Votes as counts by item, without the items that have a single vote; columns (n,) of codes, in any order.

    Raises ImpossibleInput, also where votes on one item name different clusters.
    """
    what, said = codes(item, "item"), codes(value, "value", below=values)
    where = None if cluster is None else codes(cluster, "cluster")
    same_length(item=what, value=said, cluster=what if where is None else where)
    index = without_gaps(what)
    found = patterns(index, said, values=values)
    question = None if where is None else of_item(where, index, items=found.of_item.size, name="clusters")
    return votes_of_patterns(found, question=question)


def votes_of_patterns(found: Patterns, *, question: Ints | None) -> Votes:
    """Votes from their patterns, without those of a single vote; `question` (items,) of each item's code, None for none."""
    votes = found.counts.sum(axis=1)
    paired = votes >= 2
    counts, of = found.counts, found.of_item
    if not paired.all():
        counts, votes = counts[paired], votes[paired]
        of = np.append(np.where(paired, np.cumsum(paired) - 1, -1), -1)[of]
    share = counts / (votes[:, None] - 1)
    kinds = Kinds(counts=counts, left=share, right=counts, own=share, times=found.times[paired])
    return Votes(kinds, _units(kinds, of, question))


def votes_between(said: Ints, others: Floats, of: Ints, *, question: Ints | None) -> Votes:
    """Votes of one judge, `said` (items,), each paired with one vote of `others` (P, V), the counts of each pattern.

    `of` (items,): pattern of the others' votes on each item, at least one. Every item weighs the same; α is that of two
    judges, the second one drawn from the others.
    """
    values = others.shape[1]
    found, kind, times = counted(of * values + said, below=others.shape[0] * values)
    mine = np.zeros((found.size, values))
    mine[np.arange(found.size), found % values] = 1.0
    theirs = others[found // values] / others[found // values].sum(axis=1, keepdims=True)
    kinds = Kinds(mine + theirs, mine, 2 * theirs, np.zeros_like(mine), times.astype(np.float64))
    return Votes(kinds, _units(kinds, kind, question))


def alpha(votes: Votes, *, level: Level = "nominal", marks: Floats | None = None) -> float | None:
    """Krippendorff's α; None without an item with two votes, 1.0 when only one value is used.

    `marks` (V,): what the values are worth at level "interval", default 0..V-1.
    """
    if votes.items == 0:
        return None
    whole = votes.kinds.coincidences()
    margin, agreeing = whole.sum(axis=1)[None], np.trace(whole)[None]
    return float(
        _alphas(margin, agreeing, lambda x: np.einsum("ka,ab,kb->k", x, whole, x), level=level, marks=marks)[0]
    )


def alpha_interval(
    votes: Votes, *, level: Level = "nominal", marks: Floats | None = None, confidence: float = 0.95
) -> Interval | None:
    """Interval of α over units (items, or questions where votes are clustered); None with fewer than two, or all alike.

    Exact delete-one jackknife with t quantiles; below FEWEST_FOR_JACKKNIFE items that are each a unit the percentile
    bootstrap with a fixed seed. Resamples that hold one value only count as 1.0. Raises ImpossibleInput for a bad `confidence`.
    """
    check_level(confidence)
    middle = alpha(votes, level=level, marks=marks)
    if middle is None or votes.units < 2:
        return None
    if by_bootstrap(items=votes.items, units=votes.units):
        return percentiles(_bootstrap(votes, level=level, marks=marks), confidence)
    return about(middle, jackknife_error(votes, level=level, marks=marks), units=votes.units, confidence=confidence)


def by_bootstrap(*, items: int, units: int) -> bool:
    """Whether the interval of so many items in so many units is the bootstrap's."""
    return items < FEWEST_FOR_JACKKNIFE and units == items


def percentiles(draws: Floats, confidence: float) -> Interval | None:
    """The middle `confidence` of the draws of α (draws,); None where they are all the same."""
    if np.ptp(draws) <= NO_SPREAD:
        return None
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), "bootstrap")


def about(middle: float, error: float, *, units: int, confidence: float) -> Interval | None:
    """The t interval about α of its jackknife `error` over `units`, within -1..1; None without an error."""
    if error <= NO_SPREAD:
        return None
    half = float(student(confidence, units - 1)) * error
    return Interval(max(middle - half, -1.0), min(middle + half, 1.0), "jackknife")


def jackknife_error(votes: Votes, *, level: Level = "nominal", marks: Floats | None = None) -> float:
    """Standard error of α by leaving out each unit once, exactly; NaN with fewer than two units."""
    if votes.units < 2:
        return float("nan")
    whole = votes.kinds.coincidences()
    step = max(1, _CELLS // whole.shape[0])
    left = np.concatenate(
        [_left_out(votes.kinds, units, whole, level=level, marks=marks) for units in votes.resampled.blocks(step)]
    )
    often, n = votes.resampled.size, votes.units
    centred = left - (often @ left) / n
    return float(np.sqrt((n - 1) / n * (often @ centred**2)))


def _units(kinds: Kinds, of: Ints, question: Ints | None) -> Units:
    """Units of items, `of` (items,) their kinds (-1 for none) and `question` (items,) their clusters."""
    size = kinds.times.size
    if question is None:
        each = np.arange(size)
        return Units(size=kinds.times, unit=each, kind=each, often=np.ones(size))
    there = of >= 0
    if not there.all():
        of, question = of[there], question[there]
    unit, units = compressed(question)
    found, often = tallied(unit * size + of, below=units * size)
    return Units(np.ones(units), found // max(size, 1), found % max(size, 1), often.astype(np.float64))


def _left_out(kinds: Kinds, units: Units, whole: Floats, *, level: Level, marks: Floats | None) -> Floats:
    """α without each of `units` (u,), from the coincidences of all items and those of the unit."""
    margin = whole.sum(axis=1) - np.stack([units.add(column) for column in kinds.counts.T], axis=1)
    agreeing = np.trace(whole) - units.add(kinds.agreeing)

    def quadratic(position: Floats) -> Floats:
        left: Floats = _row_sums(position @ whole * position) - units.quadratic(kinds, position)
        return left

    return _alphas(margin, agreeing, quadratic, level=level, marks=marks)


@lru_cache(maxsize=64)
def bootstrap_counts(units: int) -> NDArray[np.uint16]:
    """How often each of `units` is drawn in BOOTSTRAP_DRAWS resamples (draws, units), always the same ones; read-only."""
    drawn = np.random.default_rng(BOOTSTRAP_SEED).integers(0, units, size=(BOOTSTRAP_DRAWS, units))
    cell = drawn + units * np.arange(BOOTSTRAP_DRAWS)[:, None]
    counts = np.bincount(cell.ravel(), minlength=BOOTSTRAP_DRAWS * units).reshape(BOOTSTRAP_DRAWS, units)
    often = counts.astype(np.uint16)
    often.flags.writeable = False
    return often


def _bootstrap(votes: Votes, *, level: Level, marks: Floats | None) -> Floats:
    """α of BOOTSTRAP_DRAWS resamples of the units (draws,)."""
    kinds, units = votes.kinds, votes.resampled
    within = np.zeros((units.size.size, kinds.times.size))
    within[units.unit, units.kind] = units.often
    each = np.repeat(within, units.size.astype(np.int64), axis=0)
    # in parts too small for a thread of its own: on a busy machine waiting for one costs more than the product
    drawn = np.concatenate([part @ each for part in np.array_split(bootstrap_counts(units.total), 8)])
    return _alphas(
        drawn @ kinds.counts,
        drawn @ kinds.agreeing,
        lambda position: (drawn * kinds.quadratic(position)).sum(axis=1),
        level=level,
        marks=marks,
    )


def _alphas(
    margin: Floats,
    agreeing: Floats,
    quadratic: Callable[[Floats], Floats],
    *,
    level: Level,
    marks: Floats | None,
) -> Floats:
    """α (k,) of sets of coincidences with sums `margin` (k, V), of which `agreeing` (k,) are of equal values.

    `quadratic`: Σ o_ab x_a x_b (k,) for positions x (k, V). 1.0 where one value only is left.
    """
    margin = np.where(margin > 1e-9, margin, 0.0)  # what is left of a sum after subtracting all of it
    n = _row_sums(margin)
    varied = _row_sums(margin > 0) > 1
    if level == "nominal":
        spread, apart = n - _row_sums(margin**2) / np.maximum(n, 1.0), n - agreeing
    else:
        position = _positions(margin, n, level=level, marks=marks)
        spread = _row_sums(margin * position**2)
        apart = spread - quadratic(position)
    varied &= spread > 0
    # sums of squares that should cancel leave a rest in the last digits
    apart = np.where(apart > 1e-13 * spread, apart, 0.0)
    ratio = np.divide((n - 1) * apart, n * spread, out=np.zeros_like(n), where=varied)
    result: Floats = 1.0 - ratio
    return result


def _positions(margin: Floats, n: Floats, *, level: Level, marks: Floats | None) -> Floats:
    """Where the values lie (k, V), their mean at 0: by ranks in between, or by marks."""
    if level == "ordinal":
        place = np.cumsum(margin, axis=1) - margin / 2
    else:
        place = np.broadcast_to(np.arange(margin.shape[1]) if marks is None else marks, margin.shape)
    mean = _row_sums(margin * place) / np.maximum(n, 1.0)
    result: Floats = place - mean[:, None]
    return result


def _row_sums(table: NDArray[Any]) -> Floats:
    """Sums (k,) of the rows of a table (k, V): over short rows ten times faster column by column than row by row."""
    total = table[:, 0].astype(np.float64)
    for column in range(1, table.shape[1]):
        total += table[:, column]
    return total
