"""Each annotator beside the others: agreement, gold, repeats, slots, severity and drift, flagged only where it is sure.

Sources: leave-one-out agreement as in Passonneau and Carpenter (2014), TACL 2; jackknife over questions as in Efron and
Stein (1981), The Annals of Statistics 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.against_people import columns_added, jackknife
from rating.stats.arrays import Bools, Floats, Ints, codes, compressed, floats, same_length
from rating.stats.errors import ImpossibleInput
from rating.stats.figure import Figure, figure_of, number
from rating.stats.intervals import ClusteredMeans, clustered_means, share_interval, student
from rating.stats.kappa import Weights, check_values, credits
from rating.stats.pace import HURRIES, Tempos, gaps, medians, paces_of
from rating.stats.parts import Part, SharesByPart

DISAGREES = "disagrees"
"""Flag: agrees with the others less than the others do with each other and with this annotator."""
WRONG = "wrong"
"""Flag: right on gold less often than the others."""
INCONSISTENT = "inconsistent"
"""Flag: gives the same answer again less often than the others."""
FIRST_SLOT = "first slot"
LAST_SLOT = "last slot"
LONGER = "longer"
SHORTER = "shorter"
SEVERE = "severe"
LENIENT = "lenient"
DRIFTS = "drifts"

FEWEST_SHARED = 10
"""With fewer cases than this no figure is shown: it says how many are wanting."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The first third of an annotator's votes against the last: means, and `z` of last minus first (None unknown)."""

    first: float | None
    last: float | None
    z: float | None
    wanted: int


@dataclass(frozen=True, slots=True)
class Annotator:
    """One annotator (the code); every figure is over items, or questions where given, each one observation.

    `votes`: first votes on an item; `shared`: those on items that others judged too. `agreement`: mean share (credit with
    weights) of the others' votes on the item that are equal to this one. `correlation`: Spearman's with the mean of the
    others' marks; `severity`: mean difference from it. `gold`: share right where the truth is known. `repeats`: share of
    second and later votes on an item equal to the first; `apart`: their mean difference in marks; `gap`: median seconds.
    `first_slot`, `longer`: shares of decided votes, repeats too. `drift`: of agreement, `severity_drift`: of severity.
    `pace`: median seconds from one vote to the next, or of a vote where they are given. `tempo`: median of the seconds by
    those that the others need for items of like length, 1 as they. `weeks`, `categories`: agreement in each, in their order.
    `flags`: what holds at a level that allows for the number of annotators.
    """

    annotator: int
    votes: int
    shared: int
    agreement: Figure
    correlation: Figure
    severity: Figure
    gold: Figure
    repeats: Figure
    apart: float | None
    gap: float | None
    first_slot: Figure
    longer: Figure
    drift: Drift
    severity_drift: Drift
    pace: float | None
    tempo: Figure
    weeks: tuple[Part, ...]
    categories: tuple[Part, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Annotators:
    """All annotators: their `codes` (k,) in order, and the flags of each. Their figures are known; rows are made on demand."""

    codes: Ints
    flags: list[tuple[str, ...]]
    _columns: _Columns
    _rule: _Rule

    def rows(self, asked: Iterable[int] | None = None) -> tuple[Annotator, ...]:
        """The rows of these codes, None: of all, by code. What is no annotator's code has none."""
        is_asked = np.ones(self.codes.size, dtype=bool) if asked is None else np.isin(self.codes, list(asked))
        none: list[tuple[Part, ...]] = [()] * self.codes.size
        weeks, categories = (
            none if parts is None else parts.of(is_asked, fewest=self._rule.fewest, level=self._rule.level)
            for parts in (self._columns.weeks, self._columns.categories)
        )
        return tuple(
            _row(int(self.codes[k]), k, self._columns, self._rule, flags=self.flags[k], parts=_Of(weeks, categories))
            for k in np.flatnonzero(is_asked).tolist()
        )


def annotator_table(item: ArrayLike, annotator: ArrayLike, value: ArrayLike, **more: Any) -> tuple[Annotator, ...]:
    """One row for each annotator, by code; an empty input has none. See `annotators`."""
    return annotators(item, annotator, value, **more).rows()


def annotators(
    item: ArrayLike,
    annotator: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    cluster: ArrayLike | None = None,
    weights: Weights | None = None,
    marks: ArrayLike | None = None,
    gold: ArrayLike | None = None,
    right: ArrayLike | None = None,
    shown: ArrayLike | None = None,
    longer: ArrayLike | None = None,
    time: ArrayLike | None = None,
    seconds: ArrayLike | None = None,
    size: ArrayLike | None = None,
    week: ArrayLike | None = None,
    category: ArrayLike | None = None,
    fewest: int = FEWEST_SHARED,
    level: float = 0.95,
) -> Annotators:
    """All annotators: their flags, and rows of those that are asked for.

    `item`, `annotator`, `value` (0..values-1), `cluster` (question): codes (n,). `marks` (V,): what the values are worth,
    for scores. `gold` (n,): the true value, -1 where it is not known; or `right` (n,), 1 right, 0 wrong, -1 not known,
    where more than one value may be right. `shown`, `longer` (n,): preference towards the
    answer shown first, and towards the longer one, 0 for neither. `time` (n,): seconds on any clock; without it the rows
    are in the order of time, and there is no pace. `seconds` (n,) that each vote took, 0 where they are not known, and
    `size` (n,) of what was to be read give the tempo; `week`, `category`: codes (n,) of the parts. A second vote of one
    annotator on one item is a repeat. Raises ImpossibleInput.
    """
    if fewest < 1:
        raise ImpossibleInput(f"{fewest} as the fewest cases; at least 1")
    votes = _votes(item, annotator, value, values=values, cluster=cluster, time=time)
    rule = _Rule(fewest=fewest, level=level)
    worth = None if marks is None else _worth(marks, values)
    first = _taken(votes, np.flatnonzero(votes.first))
    shared, equal, others = _equal(first, credits(values, weights))
    timed = _timed(votes, seconds, size, rule)
    columns = _Columns(
        votes=np.bincount(first.who, minlength=votes.codes.size),
        beside=_beside(first, shared, equal, others, worth=worth, values=values, rule=rule),
        weeks=_parts(shared, equal, week, "week"),
        categories=_parts(shared, equal, category, "category"),
        gold=_gold(votes, _right(votes, gold, right, values=values), rule),
        again=_again(votes, rule, worth=worth, timed=time is not None),
        slot=_side(votes, shown, "shown", rule),
        length=_side(votes, longer, "longer", rule),
        pace=timed.seconds if seconds is not None or time is None else gaps(votes.who, votes.time, votes.codes.size),
        tempo=timed,
    )
    return Annotators(votes.codes, _flags(columns), columns, rule)


def _row(code: int, k: int, columns: _Columns, rule: _Rule, *, flags: tuple[str, ...], parts: _Of) -> Annotator:
    beside, again = columns.beside, columns.again
    return Annotator(
        annotator=code,
        votes=int(columns.votes[k]),
        shared=int(beside.agreement.n[k]),
        agreement=beside.agreement.figure(k, rule),
        correlation=beside.correlation.figure(k, rule),
        severity=beside.severity.figure(k, rule),
        gold=columns.gold.figure(k, rule),
        repeats=again.same.figure(k, rule),
        apart=number(again.apart[k]),
        gap=number(again.gap[k]),
        first_slot=columns.slot.figure(k, rule),
        longer=columns.length.figure(k, rule),
        drift=beside.drift.row(k, rule),
        severity_drift=beside.severity_drift.row(k, rule),
        pace=number(columns.pace[k]),
        tempo=columns.tempo.figure(k),
        weeks=parts.weeks[k],
        categories=parts.categories[k],
        flags=flags,
    )


def _flags(columns: _Columns) -> list[tuple[str, ...]]:
    beside, same = columns.beside, columns.again.same
    raised = (
        (DISAGREES, beside.agreement.flag_high < beside.agreement.rest),
        (WRONG, columns.gold.flag_high < columns.gold.rest),
        (INCONSISTENT, same.flag_high < same.rest),
        (FIRST_SLOT, columns.slot.flag_low > 0.5),
        (LAST_SLOT, columns.slot.flag_high < 0.5),
        (LONGER, columns.length.flag_low > columns.length.rest),
        (SHORTER, columns.length.flag_high < columns.length.rest),
        (SEVERE, beside.severity.flag_high < 0),
        (LENIENT, beside.severity.flag_low > 0),
        (DRIFTS, beside.drift.sure | beside.severity_drift.sure),
        (HURRIES, columns.tempo.hurries),
    )
    return [tuple(name for name, holds in raised if holds[k]) for k in range(columns.votes.size)]


@dataclass(frozen=True, slots=True)
class _Rule:
    fewest: int
    level: float

    def for_flags(self, n: Ints) -> float:
        """The level at which one of the annotators with enough cases is flagged by chance as rarely as at `level` alone."""
        return 1 - (1 - self.level) / max(int((n >= self.fewest).sum()), 1)


@dataclass(frozen=True, slots=True)
class _Votes:
    """Votes sorted by annotator and time, all (n,) but `codes`, the annotators' codes (k,).

    `who`: annotator from 0; `item`, `cluster`: from 0; `first`: no repeat; `row`: row of the input.
    """

    codes: Ints
    who: Ints
    item: Ints
    value: Ints
    cluster: Ints
    time: Floats
    first: Bools
    row: Ints


@dataclass(frozen=True, slots=True)
class _Column:
    """A figure of all annotators with its ends, the ends for flags, its cases, and the figure of the rest; all (k,)."""

    value: Floats
    low: Floats
    high: Floats
    flag_low: Floats
    flag_high: Floats
    n: Ints
    rest: Floats

    def figure(self, k: int, rule: _Rule) -> Figure:
        return figure_of(self.value[k], self.low[k], self.high[k], n=int(self.n[k]), fewest=rule.fewest)


@dataclass(frozen=True, slots=True)
class _Drifts:
    """Means of the first and last third, z, whether it is surely not 0, and the votes in all three; all (k,)."""

    first: Floats
    last: Floats
    z: Floats
    sure: Bools
    n: Ints

    def row(self, k: int, rule: _Rule) -> Drift:
        wanted = max(3 * rule.fewest - int(self.n[k]), 0)
        if wanted:
            return Drift(None, None, None, wanted)
        return Drift(number(self.first[k]), number(self.last[k]), number(self.z[k]), 0)


@dataclass(frozen=True, slots=True)
class _Beside:
    agreement: _Column
    correlation: _Column
    severity: _Column
    drift: _Drifts
    severity_drift: _Drifts


@dataclass(frozen=True, slots=True)
class _Again:
    same: _Column
    apart: Floats
    gap: Floats


@dataclass(frozen=True, slots=True)
class _Of:
    """The parts of each annotator (k,), of those that are asked for."""

    weeks: list[tuple[Part, ...]]
    categories: list[tuple[Part, ...]]


@dataclass(frozen=True, slots=True)
class _Columns:
    votes: Ints
    beside: _Beside
    gold: _Column
    again: _Again
    slot: _Column
    length: _Column
    pace: Floats
    tempo: Tempos
    weeks: SharesByPart | None
    categories: SharesByPart | None


def _votes(
    item: ArrayLike,
    annotator: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    cluster: ArrayLike | None,
    time: ArrayLike | None,
) -> _Votes:
    check_values(values)
    what, who, said = codes(item, "item"), codes(annotator, "annotator"), codes(value, "value", below=values)
    where = what if cluster is None else codes(cluster, "cluster")
    when = np.arange(what.size, dtype=np.float64) if time is None else floats(time, "time")
    same_length(item=what, annotator=who, value=said, cluster=where, time=when)
    (index, items), (number, _) = compressed(what), compressed(who)
    place = np.empty(what.size, dtype=np.int64)
    place[np.argsort(when, kind="stable")] = np.arange(what.size)
    row = np.argsort(number * what.size + place)
    return _Votes(
        codes=np.unique(who),
        who=number[row],
        item=index[row],
        value=said[row],
        cluster=compressed(where)[0][row],
        time=when[row],
        first=_first(number[row] * items + index[row]),
        row=row,
    )


def _first(seat: Ints) -> Bools:
    """Which rows (n,) are the first on their seat."""
    ordered = np.sort(seat)
    if (ordered[1:] != ordered[:-1]).all():
        return np.ones(seat.size, dtype=bool)
    first = np.zeros(seat.size, dtype=bool)
    first[np.unique(seat, return_index=True)[1]] = True
    return first


def _taken(votes: _Votes, rows: Ints) -> _Votes:
    return _Votes(votes.codes, *(getattr(votes, name)[rows] for name in _Votes.__slots__ if name != "codes"))


def _worth(marks: ArrayLike, values: int) -> Floats:
    worth = floats(marks, "marks")
    if worth.size != values:
        raise ImpossibleInput(f"{worth.size} marks for {values} values")
    return worth


def _equal(first: _Votes, credit: Floats) -> tuple[_Votes, Floats, Ints]:
    """The votes on items that others judged too, with the share of the others that is equal, and how many those are; (n,)."""
    values = credit.shape[0]
    items = int(first.item.max(initial=-1)) + 1
    counts = np.bincount(first.item * values + first.value, minlength=items * values).reshape(items, values)
    others = counts.sum(axis=1)[first.item] - 1
    rows = np.flatnonzero(others > 0)
    shared, others = _taken(first, rows), others[rows]
    equal: Floats = ((counts @ credit)[shared.item, shared.value] - 1.0) / others
    return shared, equal, others


def _beside(
    first: _Votes, shared: _Votes, equal: Floats, others: Ints, *, worth: Floats | None, values: int, rule: _Rule
) -> _Beside:
    """Each annotator's votes beside those of the others on the same items."""
    agreement, drift = _shares(shared, equal, rule), _drift(shared, equal, rule)
    if worth is None:
        size = first.codes.size
        return _Beside(agreement, _unknown(size), _unknown(size), drift, _no_drift(size))
    mark = worth[shared.value]
    mean = (np.bincount(first.item, worth[first.value])[shared.item] - mark) / others
    return _Beside(
        agreement=agreement,
        correlation=_correlations(shared, mark, mean, rule),
        severity=_averages(shared, mark - mean, rule),
        drift=drift,
        severity_drift=_drift(shared, mark - mean, rule),
    )


def _shares(votes: _Votes, value: Floats, rule: _Rule) -> _Column:
    """Mean of shares (n,) with Wilson's interval at the effective number of votes."""
    means = clustered_means(votes.who, votes.cluster, value=value, groups=votes.codes.size)
    low, high = share_interval(means, level=rule.level)
    flag_low, flag_high = share_interval(means, level=rule.for_flags(means.n))
    return _column(means, (low, high), (flag_low, flag_high), rule)


def _averages(votes: _Votes, value: Floats, rule: _Rule) -> _Column:
    """Mean of numbers (n,) with a t interval."""
    means = clustered_means(votes.who, votes.cluster, value=value, groups=votes.codes.size)
    error = np.where(means.error > 0, means.error, np.nan)

    def ends(level: float) -> tuple[Floats, Floats]:
        half = error * student(level, means.clusters - 1)
        return means.mean - half, means.mean + half

    return _column(means, ends(rule.level), ends(rule.for_flags(means.n)), rule)


def _column(
    means: ClusteredMeans, ends: tuple[Floats, Floats], flag_ends: tuple[Floats, Floats], rule: _Rule
) -> _Column:
    enough = means.n >= rule.fewest
    total = np.where(means.n > 0, means.mean, 0.0) * means.n
    left = means.n.sum() - means.n
    rest = np.divide(total.sum() - total, left, out=np.full(left.size, np.nan), where=left > 0)
    flag_low, flag_high = (np.where(enough, end, np.nan) for end in flag_ends)
    return _Column(means.mean, *ends, flag_low, flag_high, means.n, rest)


def _unknown(size: int) -> _Column:
    empty = np.full(size, np.nan)
    return _Column(empty, empty, empty, empty, empty, np.zeros(size, dtype=np.int64), empty)


def _no_drift(size: int) -> _Drifts:
    empty = np.full(size, np.nan)
    return _Drifts(empty, empty, empty, np.zeros(size, dtype=bool), np.zeros(size, dtype=np.int64))


def _correlations(votes: _Votes, mark: Floats, mean: Floats, rule: _Rule) -> _Column:
    """Spearman's correlation of an annotator's marks with the means (n,) of the others' on the same items.

    The interval leaves out one question at a time, and keeps the ranks as they are.
    """
    size = votes.codes.size
    x, y = _ranks_within(votes.who, mark, size), _ranks_within(votes.who, mean, size)
    cell, cells = compressed(votes.who * (int(votes.cluster.max(initial=0)) + 1) + votes.cluster)
    of_cell = np.zeros(cells, dtype=np.int64)
    of_cell[cell] = votes.who
    part = columns_added((np.ones_like(x), x, y, x * x, y * y, x * y), cell, size=cells)
    total = columns_added(part.T, of_cell, size=size)
    value = _pearson(total)
    error, clusters = jackknife(_pearson(total[of_cell] - part), of_cell, groups=size)
    n = np.bincount(votes.who, minlength=size)

    def ends(level: float) -> tuple[Floats, Floats]:
        half = error * student(level, clusters - 1)
        return np.maximum(value - half, -1.0), np.minimum(value + half, 1.0)

    return _Column(value, *ends(rule.level), *ends(rule.for_flags(n)), n, np.full(size, np.nan))


def _pearson(sums: Floats) -> Floats:
    """Correlation (k,) from sums (k, 6) of 1, x, y, x², y² and xy; NaN where either is the same throughout."""
    n, x, y, xx, yy, xy = sums.T
    spread = np.maximum(n * xx - x * x, 0.0) * np.maximum(n * yy - y * y, 0.0)
    some = spread > 1e-18 * np.maximum(n, 1.0) ** 4
    correlation: Floats = np.divide(n * xy - x * y, np.sqrt(spread), out=np.full(n.size, np.nan), where=some)
    return correlation


def _ranks_within(group: Ints, value: Floats, groups: int) -> Floats:
    """Mid-ranks (n,) of `value` within its group, with mean zero."""
    order = np.lexsort((value, group))
    run = np.ones(value.size, dtype=bool)
    run[1:] = (np.diff(group[order]) != 0) | (np.diff(value[order]) != 0)
    number = np.cumsum(run) - 1
    place = np.arange(value.size, dtype=np.float64)
    mid = np.bincount(number, place) / np.maximum(np.bincount(number), 1)
    ranks = np.empty_like(value)
    ranks[order] = mid[number]
    n = np.maximum(np.bincount(group, minlength=groups), 1)
    centred: Floats = ranks - (np.bincount(group, ranks, minlength=groups) / n)[group]
    return centred


def _drift(votes: _Votes, value: Floats, rule: _Rule) -> _Drifts:
    size = votes.codes.size
    n = np.bincount(votes.who, minlength=size)
    position = np.arange(votes.who.size) - (np.cumsum(n) - n)[votes.who]
    third = (3 * position) // np.maximum(n, 1)[votes.who]
    means = clustered_means(3 * votes.who + third, votes.cluster, value=value, groups=3 * size)
    (first, _, last), error = means.mean.reshape(size, 3).T, means.error.reshape(size, 3)
    spread = np.sqrt(error[:, 0] ** 2 + error[:, 2] ** 2)
    known = (n >= 3 * rule.fewest) & (spread > 0)
    z = np.divide(last - first, spread, out=np.full(size, np.nan), where=known)
    freedom = means.clusters.reshape(size, 3)[:, [0, 2]].sum(axis=1) - 2
    limit = student(rule.for_flags(np.where(known, n, 0)), freedom)
    return _Drifts(first=first, last=last, z=z, sure=known & (np.abs(z) > limit), n=n)


def _right(votes: _Votes, gold: ArrayLike | None, right: ArrayLike | None, *, values: int) -> Ints | None:
    """Whether each vote (n,) is right, -1 where the truth is not known; None where nothing is known."""
    if gold is not None and right is not None:
        raise ImpossibleInput("gold says what is right, or right does; not both")
    if right is not None:
        return _whole(votes, right, "right", below=2)
    if gold is None:
        return None
    truth = _whole(votes, gold, "gold", below=values)
    return np.where(truth < 0, -1, votes.value == truth).astype(np.int64)


def _whole(votes: _Votes, given: ArrayLike, name: str, *, below: int) -> Ints:
    array = np.asarray(given)
    same_length(item=votes.row, **{name: array})
    if array.dtype.kind not in "biu":
        raise ImpossibleInput(f"{name} must be whole numbers, not {array.dtype}")
    outside = np.flatnonzero((array < -1) | (array >= below))
    if outside.size:
        raise ImpossibleInput(f"{name} holds {array[outside[0]]} at row {outside[0]}; only -1..{below - 1} can be")
    taken: Ints = array[votes.row].astype(np.int64)
    return taken


def _gold(votes: _Votes, right: Ints | None, rule: _Rule) -> _Column:
    if right is None:
        return _unknown(votes.codes.size)
    known = np.flatnonzero(votes.first & (right >= 0))
    return _shares(_taken(votes, known), right[known].astype(np.float64), rule)


def _parts(shared: _Votes, equal: Floats, part: ArrayLike | None, name: str) -> SharesByPart | None:
    where = None if part is None else codes(part, name)[shared.row]
    return None if where is None else SharesByPart(shared.who, where, shared.cluster, equal)


def _timed(votes: _Votes, seconds: ArrayLike | None, size: ArrayLike | None, rule: _Rule) -> Tempos:
    """The pace of each annotator, from all their votes that were timed, repeats too."""
    took = np.zeros(votes.row.size) if seconds is None else floats(seconds, "seconds")
    long = np.zeros(took.size) if size is None else floats(size, "size")
    same_length(item=votes.row, seconds=took, size=long)
    took, long = took[votes.row], long[votes.row]
    rows = np.flatnonzero(took > 0)
    who, where = votes.who[rows], votes.cluster[rows]
    found = paces_of(who, took[rows], length=long[rows], cluster=where, fewest=rule.fewest, level=rule.level)
    return Tempos.of(found, votes.codes.size)


def _again(votes: _Votes, rule: _Rule, *, worth: Floats | None, timed: bool) -> _Again:
    """Second and later votes on an item, against the same annotator's first."""
    size = votes.codes.size
    rows = np.flatnonzero(~votes.first)
    later, start = _taken(votes, rows), _start(votes, rows)
    same = _shares(later, (later.value == votes.value[start]).astype(np.float64), rule)
    apart, gap = np.full(size, np.nan), np.full(size, np.nan)
    if worth is not None:
        moved = np.abs(worth[later.value] - worth[votes.value[start]])
        np.divide(np.bincount(later.who, moved, minlength=size), same.n, out=apart, where=same.n > 0)
    if timed:
        gap = medians(later.who, later.time - votes.time[start], size)
    return _Again(same=same, apart=apart, gap=gap)


def _start(votes: _Votes, rows: Ints) -> Ints:
    """The row of the first vote on the seat of each of `rows`."""
    seat = votes.who * (int(votes.item.max(initial=0)) + 1) + votes.item
    first = np.flatnonzero(votes.first)
    order = np.argsort(seat[first])
    found: Ints = first[order[np.searchsorted(seat[first][order], seat[rows])]]
    return found


def _side(votes: _Votes, preference: ArrayLike | None, name: str, rule: _Rule) -> _Column:
    if preference is None:
        return _unknown(votes.codes.size)
    given = floats(preference, name)
    same_length(item=votes.row, **{name: given})
    towards = given[votes.row]
    decided = np.flatnonzero(towards)
    return _shares(_taken(votes, decided), (towards[decided] > 0).astype(np.float64), rule)
