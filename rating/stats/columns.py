"""Votes that have passed the checks, and the scale that their values are on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Bools, Floats, Ints, check_level, codes, floats, same_length
from rating.stats.errors import ImpossibleInput
from rating.stats.kappa import Weights, check_values, credits
from rating.stats.krippendorff import Level
from rating.stats.patterns import of_item, refuse_repeats, without_gaps


@dataclass(frozen=True, slots=True)
class Scale:
    """How values compare: `values` of them at a `level`, `worth` (V,) each, with the weights of κ and the code of a tie."""

    values: int
    level: Level
    worth: Floats
    weights: Weights | None
    tie: int | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Columns:
    """Votes that have passed the checks: codes (n,) of item (with few gaps), judge and value, and the question or None."""

    item: Ints
    judge: Ints
    value: Ints
    cluster: Ints | None

    def where(self, rows: Bools | Ints | slice) -> Columns:
        """Some of the rows."""
        cluster = None if self.cluster is None else self.cluster[rows]
        return Columns(self.item[rows], self.judge[rows], self.value[rows], cluster)

    def question(self, items: int) -> Ints | None:
        """The question of each item's code (items,). Raises ImpossibleInput where an item has two."""
        return None if self.cluster is None else of_item(self.cluster, self.item, items=items, name="clusters")


def scale_of(
    values: int,
    *,
    level: Level,
    weights: Weights | None,
    tie: int | None,
    marks: ArrayLike | None,
    confidence: float,
) -> Scale:
    """The scale, checked. Raises ImpossibleInput."""
    check_values(values)
    check_level(confidence)
    if level not in ("nominal", "ordinal", "interval"):
        raise ImpossibleInput(f"level is nominal, ordinal or interval, not {level!r}")
    if tie is not None and not 0 <= tie < values:
        raise ImpossibleInput(f"the tie {tie} is not one of the values 0..{values - 1}")
    credits(2, weights)
    worth = np.arange(values, dtype=np.float64) if marks is None else floats(marks, "marks")
    if worth.size != values:
        raise ImpossibleInput(f"{worth.size} marks for {values} values")
    return Scale(values, level, worth, weights, tie, confidence)


def columns_of(
    item: ArrayLike, judge: ArrayLike, value: ArrayLike, *, cluster: ArrayLike | None, scale: Scale
) -> Columns:
    """The columns, checked: codes of one length, one vote of a judge on an item. Raises ImpossibleInput."""
    what, who, said = codes(item, "item"), codes(judge, "judge"), codes(value, "value", below=scale.values)
    where = None if cluster is None else codes(cluster, "cluster")
    same_length(item=what, judge=who, value=said, cluster=what if where is None else where)
    refuse_repeats(what, who)
    return Columns(without_gaps(what), who, said, where)
