"""How many more votes, questions or items it takes for an interval to be as narrow as wanted.

Widths go with one over the root of the number of questions, and with the t quantile of that number; votes on the same
questions again would help less. What cannot be told is None, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rating.stats.arrays import Bools, Floats
from rating.stats.bradley_terry import POINTS_PER_NAT, Strengths
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import student

FEWEST_UNITS = 5
"""With fewer questions or items the present spread is too rough to say anything of how it will shrink."""
MOST_UNITS = 1e12


@dataclass(frozen=True, slots=True)
class Needed:
    """What m models of one board (of one category) still need; None in a place where it cannot be told.

    `width`: of the intervals now, from end to end, in points (m,). `questions`: more questions on which the model
    takes part (m,); `votes`: more battles of the model, at its present number a question (m,); 0 where the interval is
    narrow enough. `board`: more questions for all models, at their present share of questions; None where one cannot be told.
    All are rounded up, and None where it would take MOST_UNITS or more.
    """

    width: tuple[float | None, ...]
    questions: tuple[int | None, ...]
    votes: tuple[int | None, ...]
    board: int | None


def needed(strengths: Strengths, width: float, *, questions: int | None = None, level: float = 0.95) -> Needed:
    """What is needed for rating intervals of `width` points from end to end; one call for each category.

    `questions`: how many the board has now; without it, the most that any model has. For a fit with clustered=False each
    battle counts as a question. Models without battles or interval, or with fewer than FEWEST_UNITS questions, are None.
    Raises ImpossibleInput for a width that is not above 0, or fewer questions than a model has.
    """
    _check(width)
    alone = np.isinf(strengths.freedom)
    own = np.where(alone, strengths.n, strengths.freedom + 1)
    total = float(np.nanmax(own, initial=0.0)) if questions is None else float(questions)
    if questions is not None and questions < np.nanmax(own, initial=0.0):
        raise ImpossibleInput(f"{questions} questions in all, but a model has {np.nanmax(own):g}")
    error = POINTS_PER_NAT * np.sqrt(np.maximum(np.diag(strengths.covariance), 0.0))
    now = np.asarray(strengths.high - strengths.low)
    more = _units(error, own, half=width / 2, level=level, normal=alone) - own
    told = np.isfinite(more)
    rate = np.divide(strengths.n, own, out=np.zeros(own.size), where=own > 0)
    rated = strengths.component >= 0
    board = np.ceil(more[told] * total / own[told] - 1e-9).max(initial=0.0)
    return Needed(
        width=tuple(None if np.isnan(points) else float(points) for points in now),
        questions=_whole(more),
        votes=_whole(np.ceil(more * rate - 1e-9)),
        board=int(board) if rated.any() and told[rated].all() else None,
    )


def items_needed(
    low: float | None,
    high: float | None,
    items: int,
    *,
    half_width: float,
    middle: float | None = None,
    level: float = 0.95,
) -> int | None:
    """How many more items (or questions, whichever `items` counts) for an interval of plus and minus `half_width`.

    `low`, `high`: the interval now, at `level`, of a coefficient or a share; `middle`: the number itself, where an end may
    have been cut off at the end of the scale. None without an interval, without any width, or below FEWEST_UNITS items.
    """
    _check(half_width)
    if low is None or high is None or items < FEWEST_UNITS:
        return None
    now = (high - low) / 2 if middle is None else max(high - middle, middle - low)
    if not 0 < now < np.inf:
        return None
    error = np.array([now / float(student(level, items - 1))])
    units = _units(error, np.array([float(items)]), half=half_width, level=level, normal=np.zeros(1, dtype=bool))
    return _whole(units - items)[0]


def _check(width: float) -> None:
    if not 0 < width < np.inf:
        raise ImpossibleInput(f"an interval {width:g} wide cannot be asked for")


def _units(error: Floats, units: Floats, *, half: float, level: float, normal: Bools) -> Floats:
    """Units (k,) in all at which the half width is at most `half`, never fewer than now; NaN where it cannot be told."""
    usable = (units >= FEWEST_UNITS) & (error > 0)
    spread = np.where(usable, error * np.sqrt(np.where(usable, units, 1.0)), np.nan)

    def wide(number: Floats) -> Bools:
        too: Bools = spread * student(level, np.where(normal, np.inf, number - 1)) > half * np.sqrt(number) * (
            1 + 1e-12
        )
        return too

    low, high = np.where(usable, units, 1.0) - 1.0, np.full(units.size, MOST_UNITS)
    while (high - low > 1).any():
        middle = np.ceil((low + high) / 2)  # where one model is done, its high is asked again and stays
        above = wide(np.maximum(middle, 2.0))
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(usable & (high < MOST_UNITS), high, np.nan)


def _whole(numbers: Floats) -> tuple[int | None, ...]:
    return tuple(int(round(number)) if np.isfinite(number) else None for number in numbers)
