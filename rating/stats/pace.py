"""How fast each person decides, beside what the others need for items of like length.

Sources: interval of a median as in Woodruff (1952), Journal of the American Statistical Association 47.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, check_level, codes, compressed, floats, same_length
from rating.stats.errors import ImpossibleInput
from rating.stats.figure import Figure, figure_of
from rating.stats.intervals import clustered_means, share_interval

HURRIES = "hurries"
"""Flag: surely decides in less than a share of the time that the others need for items of like length."""
HURRIED = 0.5
"""The share of the others' time below which somebody hurries."""
FEWEST_TIMED = 10
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
    """One row for each annotator, by code; an empty input has none.

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
    if not who.size:
        return ()
    return _paces(who, took, long, where, share=share, fewest=fewest, level=level)


def _paces(
    who: Ints, took: Floats, long: Floats, where: Ints, *, share: float, fewest: int, level: float
) -> tuple[Pace, ...]:
    people, (person, number) = np.unique(who), compressed(who)
    rows = [np.flatnonzero(person == k) for k in range(number)]
    logs = np.log(np.maximum(took, SHORTEST))
    adjusted = logs - _by_length(logs, person, long)
    usual = np.array([np.median(adjusted[mine]) for mine in rows])
    timed = np.array([mine.size for mine in rows]) >= fewest
    strict = 1 - (1 - level) / max(int(timed.sum()), 1)
    found = []
    for k, mine in enumerate(rows):
        others = np.delete(usual, k)[np.delete(timed, k)]
        tempo, sure = Figure(None, None, None, mine.size, max(fewest - mine.size, 0)), False
        if others.size and timed[k]:
            beside = adjusted[mine] - np.median(others)
            tempo = figure_of(*np.exp(_median(beside, where[mine], level)), n=mine.size, fewest=fewest)
            sure = bool(_median(beside, where[mine], strict)[2] < np.log(share))
        seconds = float(np.median(took[mine])) if timed[k] else None
        found.append(Pace(int(people[k]), seconds, tempo, sure))
    return tuple(found)


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


def _median(value: Floats, cluster: Ints, level: float) -> Floats:
    """Median of `value` (n,) with the ends of its interval; the ends are NaN where there is one question only."""
    middle = float(np.median(value))
    below = (value < middle) + 0.5 * (value == middle)
    group = np.zeros(value.size, dtype=np.int64)
    low, high = share_interval(clustered_means(group, cluster, value=below, groups=1), level=level)
    if np.isnan(low[0]):
        return np.array([middle, np.nan, np.nan])
    ends = np.quantile(value, [low[0], high[0]], method="inverted_cdf")
    return np.array([middle, min(ends[0], middle), max(ends[1], middle)])
