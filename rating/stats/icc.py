"""Intraclass correlation of scores: how much of their spread is the items', and not the judges' or chance.

Sources: Shrout and Fleiss (1979), Psychological Bulletin 86, cases 1 and 2; interval of case 2 in the form of McGraw and
Wong (1996), Psychological Methods 1, table 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, codes, compressed, floats, same_length
from rating.stats.errors import ImpossibleInput
from rating.stats.patterns import refuse_repeats

NOT_COMPLETE = "fewer than two items with a score of every judge"
ONE_JUDGE = "one judge only"
NO_SPREAD = "all scores are equal"


@dataclass(frozen=True, slots=True)
class Icc:
    """ICC of `items` that each of `judges` has scored; None where undefined, and `note` says why.

    `single`: ICC(2,1), how far one judge's score can be relied on, where judges are a sample and their severity counts;
    `mean`: ICC(2,k), the same for the mean of all k judges; both with the ends of their interval, which takes the items as
    independent. `one_way`: ICC(1,1), as if each item had judges of its own. `left_out`: items without every judge's score.
    """

    single: float | None = None
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    mean_low: float | None = None
    mean_high: float | None = None
    one_way: float | None = None
    items: int = 0
    judges: int = 0
    left_out: int = 0
    note: str = ""


def icc(item: ArrayLike, judge: ArrayLike, score: ArrayLike, *, confidence: float = 0.95) -> Icc:
    """ICC(2,1) and ICC(2,k) of all judges' scores; columns (n,): codes, and a score on any scale.

    The analysis of variance needs complete tables: only items that every judge has scored are used; `left_out` counts the
    others. Raises ImpossibleInput, also where a judge has two scores on one item.
    """
    if not 0.0 < confidence < 1.0:
        raise ImpossibleInput(f"confidence {confidence:g} is not between 0 and 1")
    what, who, said = codes(item, "item"), codes(judge, "judge"), floats(score, "score")
    same_length(item=what, judge=who, score=said)
    refuse_repeats(what, who)
    table, left_out = _complete(what, who, said)
    n, k = table.shape
    if k < 2 or n < 2:
        note = ONE_JUDGE if k < 2 and n else NOT_COMPLETE
        return Icc(items=n, judges=k, left_out=left_out, note=note)
    squares = _mean_squares(table)
    if max(squares.items, squares.judges, squares.rest) == 0:
        return Icc(items=n, judges=k, left_out=left_out, note=NO_SPREAD)
    single, low, high = _two_way(squares, n, k, confidence)
    within = (squares.judges * (k - 1) + squares.rest * (k - 1) * (n - 1)) / (n * (k - 1))
    return Icc(
        single=single,
        low=low,
        high=high,
        mean=_ratio(squares.items - squares.rest, squares.items + (squares.judges - squares.rest) / n),
        mean_low=_of_mean(low, k),
        mean_high=_of_mean(high, k),
        one_way=_ratio(squares.items - within, squares.items + (k - 1) * within),
        items=n,
        judges=k,
        left_out=left_out,
    )


@dataclass(frozen=True, slots=True)
class _Squares:
    """Mean squares between items, between judges, and of what is left."""

    items: float
    judges: float
    rest: float


def _complete(item: Ints, judge: Ints, score: Floats) -> tuple[Floats, int]:
    """Scores (n, k) of the items that all k judges have scored, and how many items are left out."""
    (index, items), (number, judges) = compressed(item), compressed(judge)
    full = np.bincount(index, minlength=items) == judges
    rows = full[index]
    kept = int(full.sum())
    table = np.zeros((kept, judges))
    table[(np.cumsum(full) - 1)[index[rows]], number[rows]] = score[rows]
    return table, items - kept


def _mean_squares(table: Floats) -> _Squares:
    n, k = table.shape
    if np.ptp(table) == 0:
        return _Squares(0.0, 0.0, 0.0)
    centred = table - table.mean()
    row, column = centred.mean(axis=1), centred.mean(axis=0)
    rest = centred - row[:, None] - column
    # what rounding leaves of equal scores is no spread
    least = 1e-24 * float((centred**2).sum())
    sums = (k * float(row @ row), n * float(column @ column), float((rest**2).sum()))
    between, judges, left = (total if total > least else 0.0 for total in sums)
    return _Squares(between / (n - 1), judges / (k - 1), left / ((n - 1) * (k - 1)))


def _two_way(squares: _Squares, n: int, k: int, confidence: float) -> tuple[float | None, float | None, float | None]:
    """ICC(2,1) with its interval; no interval where items do not vary, or judges do not differ at all."""
    from scipy.special import fdtri

    between, judges, rest = squares.items, squares.judges, squares.rest
    value = _ratio(between - rest, between + (k - 1) * rest + k * (judges - rest) / n)
    if value is None or value >= 1 or judges + rest == 0:
        return value, None, None
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    spread = (a * judges) ** 2 / (k - 1) + (b * rest) ** 2 / ((n - 1) * (k - 1))
    if spread == 0:
        return value, None, None
    freedom = (a * judges + b * rest) ** 2 / spread
    if not freedom > 0:
        return value, None, None
    upper = 0.5 + confidence / 2
    above, below = float(fdtri(n - 1, freedom, upper)), float(fdtri(freedom, n - 1, upper))
    common = k * judges + (k * n - k - n) * rest
    low = n * (between - above * rest) / (above * common + n * between)
    high = n * (below * between - rest) / (common + n * below * between)
    return value, float(low), float(min(high, 1.0))


def _of_mean(end: float | None, k: int) -> float | None:
    """What a reliability of one judge is for the mean of k (Spearman and Brown, 1910)."""
    if end is None or 1 + (k - 1) * end <= 0:
        return None
    return k * end / (1 + (k - 1) * end)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
