"""Items with the same counts of votes are one pattern, so that a million items cost as much as a few."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

import numpy as np

from rating.stats.arrays import Floats, Ints, compressed
from rating.stats.errors import ImpossibleInput

_DIGITS = 52
"""Bits of a float64 in which sums of whole numbers stay exact."""
_SEATS = 2**26


@dataclass(frozen=True, slots=True)
class Patterns:
    """Different rows of vote counts: `counts` (P, V), `times` (P,) items with each, `of_item` (items,) by the item's code.

    `of_item` is -1 for a code without a vote.
    """

    counts: Floats
    times: Floats
    of_item: Ints


def patterns(item: Ints, value: Ints, *, values: int) -> Patterns:
    """The patterns of votes, `item` codes with few gaps (see `without_gaps`) and `value` 0..values-1, both (n,)."""
    items = int(item.max(initial=-1)) + 1
    if items == 0:
        return Patterns(np.zeros((0, values)), np.zeros(0), np.zeros(0, dtype=np.int64))
    # most sets have about as many votes on each item; where the guess is too small, votes are lost and it shows
    found = _patterns(item, value, values=values, most=-(-item.size // items))
    if found is None or int(found.counts.sum(axis=1) @ found.times) != item.size:
        found = _patterns(item, value, values=values, most=int(np.bincount(item).max()))
    if found is None:
        raise AssertionError("an item has more votes than the most voted one")
    return _without_empty(found)


def without_gaps(code: Ints) -> Ints:
    """`code` (n,) itself where its codes are few enough for a table, else renumbered in their order."""
    return code if code.max(initial=0) < 4 * code.size + 1024 else compressed(code)[0]


def refuse_repeats(item: Ints, judge: Ints) -> None:
    """Raise ImpossibleInput where a judge has two votes on one item: repeats measure consistency, not agreement."""
    if item.size == 0:
        return
    index, number = without_gaps(item), judge
    items, judges = int(index.max()) + 1, int(judge.max()) + 1
    if items * judges > _SEATS:
        number, judges = compressed(judge)
    seat = index * judges + number
    if items * judges <= max(_SEATS, 8 * seat.size):
        taken = np.zeros(items * judges, dtype=np.bool_)
        taken[seat] = True
        if np.count_nonzero(taken) == seat.size:
            return
    ordered = np.sort(seat)
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    if twice.size:
        row = np.flatnonzero(seat == ordered[twice[0]])[0]
        raise ImpossibleInput(
            f"judge {int(judge[row])} has two votes on item {int(item[row])}: repeats measure consistency, not agreement"
        )


def of_item(column: Ints, index: Ints, *, items: int, name: str) -> Ints:
    """The code (items,) that all rows of an item have in `column` (n,), 0 without rows. Raises ImpossibleInput."""
    found = np.zeros(items, dtype=np.int64)
    found[index] = column
    if (found[index] != column).any():
        raise ImpossibleInput(f"one item belongs to two {name}")
    return found


def tallied(key: Ints, *, below: int) -> tuple[Ints, Ints]:
    """Different keys, all 0..below-1, in their order (k,), and how often each occurs (k,)."""
    if _by_table(key, below):
        times = np.bincount(key, minlength=below)
        found = np.flatnonzero(times)
        return found, times[found]
    found, times = np.unique(key, return_counts=True)
    return found, times


def counted(key: Ints, *, below: int) -> tuple[Ints, Ints, Ints]:
    """Different keys in their order (k,), the place of each row's key among them (n,), and how often each occurs (k,)."""
    if _by_table(key, below):
        found, times = tallied(key, below=below)
        place = np.zeros(below, dtype=np.int64)
        place[found] = np.arange(found.size)
        return found, place[key], times
    found, index, times = np.unique(key, return_inverse=True, return_counts=True)
    return found, index.astype(np.int64, copy=False), times


def _by_table(key: Ints, below: int) -> bool:
    return below <= max(2 * key.size, 2**16)


def _patterns(item: Ints, value: Ints, *, values: int, most: int) -> Patterns | None:
    """Each item's counts as the digits of one number, for up to `most` votes on an item; None where that is too few."""
    base = most + 1
    width = max(1, int(_DIGITS / log2(base)))
    whole: Patterns | None = None
    for start in range(0, values, width):
        stop = min(start + width, values)
        digits = base ** np.arange(stop - start, dtype=np.int64)
        worth = np.zeros(values)
        worth[start:stop] = digits
        key = np.bincount(item, worth[value])
        if key.max() >= float(base) ** (stop - start):
            return None
        found, index, times = counted(key.astype(np.int64), below=base ** (stop - start))
        part = Patterns((found[:, None] // digits % base).astype(np.float64), times.astype(np.float64), index)
        whole = part if whole is None else _joined(whole, part)
    return whole


def _joined(one: Patterns, other: Patterns) -> Patterns:
    size = other.times.size
    found, index, times = counted(one.of_item * size + other.of_item, below=one.times.size * size)
    counts = np.concatenate([one.counts[found // size], other.counts[found % size]], axis=1)
    return Patterns(counts, times.astype(np.float64), index)


def _without_empty(found: Patterns) -> Patterns:
    some = found.counts.any(axis=1)
    if some.all():
        return found
    place = np.where(some, np.cumsum(some) - 1, -1)
    return Patterns(found.counts[some], found.times[some], place[found.of_item])
