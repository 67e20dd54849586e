"""How fast each person decides, beside what the others need for items of like length.

Sources: interval of a median as in Woodruff (1952), Journal of the American Statistical Association 47.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Bools, Floats, Ints, check_level, codes, compressed, floats, same_length
from rating.stats.errors import ImpossibleInput
from rating.stats.figure import Figure, figure_of, number
from rating.stats.intervals import clustered_means, share_interval

HURRIES = "hurries"
"""Flag: surely decides in less than a share of the time that the others need for items of like length."""
HURRIED = 0.5
"""The share of the others' time below which somebody hurries."""
FEWEST_TIMED = 10
LONGEST_PAUSE = 1800.0
"""Seconds after which the next vote belongs to another sitting, and says nothing of the pace."""
SHORTEST = 0.05  # seconds; below that a clock says nothing


@dataclass(frozen=True, slots=True)
class Pace:
    """One person (the code): `seconds`, the median of a vote; `tempo`, the median of their seconds by those the others need.

    `tempo` 1 is as the others, 0.1 ten times as fast. `n` timed votes; `hurries`: surely below the share.
    """

    annotator: int
    seconds: float | None
    tempo: Figure
    hurries: bool


@dataclass(frozen=True, slots=True)
class Paces:
    """The paces of k annotators, by code: `tempo` with its ends (3, k), NaN unknown; the rest (k,). See Pace."""

    annotator: Ints
    seconds: Floats
    tempo: Floats
    n: Ints
    hurries: Bools
    fewest: int

    def row(self, k: int) -> Pace:
        n = int(self.n[k])
        tempo = figure_of(*self.tempo[:, k].tolist(), n=n, fewest=self.fewest)
        return Pace(int(self.annotator[k]), number(self.seconds[k]), tempo, bool(self.hurries[k]))


@dataclass(frozen=True, slots=True)
class Tempos:
    """The paces of those who were timed, and the `place` (k,) of each of k people among them, -1 for who was not."""

    paces: Paces
    place: Ints

    @classmethod
    def of(cls, paces: Paces, people: int) -> Tempos:
        place = np.full(people, -1)
        place[paces.annotator] = np.arange(paces.annotator.size)
        return cls(paces, place)

    @property
    def hurries(self) -> Bools:
        return np.append(self.paces.hurries, False)[self.place]

    @property
    def seconds(self) -> Floats:
        return np.append(self.paces.seconds, np.nan)[self.place]

    def figure(self, k: int) -> Figure:
        if self.place[k] < 0:
            return Figure(None, None, None, 0, self.paces.fewest)
        return self.paces.row(int(self.place[k])).tempo


def paces(
    annotator: ArrayLike,
    seconds: ArrayLike,
    *,
    length: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    share: float = HURRIED,
    fewest: int = FEWEST_TIMED,
    level: float = 0.95,
) -> tuple[Pace, ...]:
    """One row for each annotator, by code; an empty input has none. See `paces_of`."""
    found = paces_of(
        annotator, seconds, length=length, cluster=cluster, share=share, fewest=fewest, level=level
    )  # fmt: skip
    return tuple(found.row(k) for k in range(found.n.size))


def paces_of(
    annotator: ArrayLike,
    seconds: ArrayLike,
    *,
    length: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    share: float = HURRIED,
    fewest: int = FEWEST_TIMED,
    level: float = 0.95,
) -> Paces:
    """The paces of all annotators, by code.

    `annotator`, `cluster` (question): codes (n,). `seconds` (n,) above 0, `length` (n,) of what was to be read, on any
    scale, 0 where it is not known. Long items take everybody longer, by a power of their length. What the others need is the median over them, each counting once, so that
    neither one who votes very often nor a few who hurry move it. Someone alone has seconds and no tempo. The interval
    takes the votes on one question together; `hurries` holds at a level that allows for the number of people.
    Raises ImpossibleInput.
    """
    who, took = codes(annotator, "annotator"), floats(seconds, "seconds")
    long = np.zeros(who.size) if length is None else floats(length, "length")
    where = np.arange(who.size) if cluster is None else codes(cluster, "cluster")
    same_length(annotator=who, seconds=took, length=long, cluster=where)
    check_level(level)
    if fewest < 1:
        raise ImpossibleInput(f"{fewest} as the fewest timed votes; at least 1")
    if not 0 < share < 1:
        raise ImpossibleInput(f"a share of {share:g} of the others' time; between 0 and 1")
    if took.size and took.min() <= 0:
        raise ImpossibleInput(f"seconds are {took.min():g} at row {int(took.argmin())}; above 0 is meant")
    return _paces(who, took, long, where, share=share, fewest=fewest, level=level)


def _paces(who: Ints, took: Floats, long: Floats, where: Ints, *, share: float, fewest: int, level: float) -> Paces:
    people, (person, size) = np.unique(who), compressed(who)
    logs = np.log(np.maximum(took, SHORTEST))
    adjusted = logs - _by_length(logs, person, long)
    n = np.bincount(person, minlength=size)
    timed = n >= fewest
    others = _of_others(medians(person, adjusted, size), timed)
    rows = np.flatnonzero(~np.isnan(others[person]))
    beside = _Beside(adjusted[rows] - others[person[rows]], person[rows], where[rows], size)
    strict = 1 - (1 - level) / max(int(timed.sum()), 1)
    return Paces(
        annotator=people,
        seconds=np.where(timed, medians(person, took, size), np.nan),
        tempo=np.exp(np.vstack([beside.middle, *beside.ends(level)])),
        n=n,
        hurries=beside.ends(strict)[1] < np.log(share),
        fewest=fewest,
    )


def _of_others(usual: Floats, timed: Bools) -> Floats:
    """The median (k,) of what is usual for the other people who were timed; NaN for who was not, and where nobody else was."""
    found = np.full(usual.size, np.nan)
    who = np.flatnonzero(timed)
    if who.size > 1:
        ordered, rank = np.sort(usual[who]), np.empty(who.size, dtype=np.int64)
        rank[np.argsort(usual[who], kind="stable")] = np.arange(who.size)
        ends = [ordered[middle + (middle >= rank)] for middle in ((who.size - 2) // 2, (who.size - 1) // 2)]
        found[who] = (ends[0] + ends[1]) / 2
    return found


def medians(group: Ints, value: Floats, groups: int) -> Floats:
    """Median (groups,) of `value` (n,) in each group, NaN in an empty one."""
    n = np.bincount(group, minlength=groups)
    ordered = np.append(value[np.lexsort((value, group))], np.nan)
    start = np.cumsum(n) - n
    low, high = start + np.maximum(n - 1, 0) // 2, start + n // 2
    return np.where(n > 0, (ordered[low] + ordered[np.minimum(high, value.size)]) / 2, np.nan)


def _by_length(logs: Floats, person: Ints, long: Floats) -> Floats:
    """What a vote (n,) takes more, in logs, for the length of its item: a power of it, the same for all people.

    The power is that of least squares within people, so that who is given long items does not seem slow; never below 0.
    """
    known = long > 0
    if not known.any():
        return np.zeros(logs.size)
    size = np.log(np.where(known, long, np.median(long[known])))
    n = np.bincount(person)
    apart = size - (np.bincount(person, size) / n)[person]
    slower = logs - (np.bincount(person, logs) / n)[person]
    spread = float(apart @ apart)
    power = max(float(apart @ slower) / spread, 0.0) if spread > 1e-9 * size.size else 0.0
    more: Floats = power * (size - np.median(size))
    return more


def gaps(who: Ints, time: Floats, people: int) -> Floats:
    """The median (people,) of the seconds from one vote to the next, of votes (n,) in the order of person and time; NaN unknown."""
    gap = np.diff(time)
    counted = (np.diff(who) == 0) & (gap <= LONGEST_PAUSE)
    return medians(who[1:][counted], gap[counted], people)


class _Beside:
    """The medians (groups,) of `value` (n,) in groups, and their intervals; the votes of one cluster are one observation."""

    def __init__(self, value: Floats, group: Ints, cluster: Ints, groups: int) -> None:
        self.middle = medians(group, value, groups)
        middle = self.middle[group]
        below = (value < middle) + 0.5 * (value == middle)
        self._below = clustered_means(group, cluster, value=below, groups=groups)
        self._ordered = value[np.lexsort((value, group))]
        self._n = np.bincount(group, minlength=groups)

    def ends(self, level: float) -> tuple[Floats, Floats]:
        """The ends (groups,) of the intervals; NaN where there is one cluster only."""
        low, high = (self._quantile(share) for share in share_interval(self._below, level=level))
        return np.minimum(low, self.middle), np.maximum(high, self.middle)

    def _quantile(self, share: Floats) -> Floats:
        """The value of each group that so large a share of its values is not above; NaN for a share of NaN."""
        known = np.flatnonzero(~np.isnan(share))
        place = np.maximum(np.ceil(self._n[known] * share[known] - 1), 0).astype(np.int64)
        found = np.full(share.size, np.nan)
        found[known] = self._ordered[(np.cumsum(self._n) - self._n)[known] + place]
        return found
