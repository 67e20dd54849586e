"""Several samples of one verdict: when enough have been drawn, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import median_low

from judging.judges.base import API_ERROR, OK
from judging.judges.reading import points_of
from judging.replies import Reading

MOST_SAMPLES = 15

_NOT_DRAWN = Reading(status=API_ERROR, error="the endpoint went down before the others were drawn")


def fewest(wanted: int, *, is_pair: bool) -> int:
    """The samples that are drawn at the least: more than half of those of a pair, which can be settled by then."""
    return wanted // 2 + 1 if is_pair else wanted


def settled(readings: Sequence[Reading], wanted: int, *, strongest: float | None) -> bool:
    """Whether no more samples are to be drawn.

    For a pair, `strongest` is the largest value that a sample can have: it is settled once those still to come cannot change
    which answer the sum favours. For marks it is None, and all are drawn. What can no longer be read by a
    majority is settled too.
    """
    to_come = wanted - len(readings)
    read = _values(readings, strongest=strongest)
    if to_come <= 0 or len(read) + to_come < fewest(wanted, is_pair=True):
        return True
    enough = strongest is not None and len(read) >= fewest(wanted, is_pair=True)
    return strongest is not None and enough and abs(sum(read)) > strongest * to_come


def pooled(readings: Sequence[Reading], wanted: int, *, strongest: float | None) -> Reading:
    """What the samples come to: the mean of those that could be read, where these are a majority of those wanted.

    For a pair no sample weighs more than `strongest`, whatever word it chose, and both are bad only where all say so; for one
    answer `strongest` is None. Points cannot be averaged: with them the median sample stands, as a whole. Where too few
    could be read, the last failure stands and tells of it.
    """
    if wanted == 1:
        return readings[-1]
    read = [reading for reading in readings if reading.status == OK]
    if len(read) < fewest(wanted, is_pair=True):
        failure = next((reading for reading in reversed(readings) if reading.status != OK), _NOT_DRAWN)
        return replace(failure, error=f"{len(read)} of {len(readings)} samples could be read: {failure.error}")
    values = _values(read, strongest=strongest)
    if any(points_of(reading) for reading in read):
        middle = median_low(values)
        return next(reading for reading in read if reading.value == middle)
    value = _mean(values)
    if strongest is not None:
        return Reading(value=value, both_bad=value == 0 and all(reading.both_bad for reading in read))
    keys = read[0].scores
    return Reading(value=value, scores={key: _mean(reading.scores[key] for reading in read) for key in keys})


def _values(readings: Iterable[Reading], *, strongest: float | None) -> list[float]:
    values = [reading.value for reading in readings if reading.value is not None]
    return values if strongest is None else [min(strongest, max(-strongest, value)) for value in values]


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)
