"""How far each annotator can be relied on, and weights for votes that follow from it: an option, never the default.

Weights by agreement favour those who vote as most do, which is not the same as voting well: ratings say when they are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, codes, compressed, same_length
from rating.stats.dawid_skene import dawid_skene
from rating.stats.errors import ImpossibleInput, TooLittleData
from rating.stats.kappa import check_values

PSEUDO_VOTES = 10.0
"""An annotator's reliability counts as much as the mean reliability does with this many shared votes."""

_LEVEL = 1e-9


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far each of a annotators can be relied on, and the weight of each of n votes that follows.

    `annotators`, `shared` (votes on items that others judged too), `reliability` (a,): 0 as good as chance, 1 without
    fault, after shrinking towards the mean by PSEUDO_VOTES. `weight` (n,): of each vote, mean 1, so that the
    number of votes does not change.
    """

    annotators: Ints
    shared: Ints
    reliability: Floats
    weight: Floats


def reliability(
    item: ArrayLike,
    annotator: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    method: Literal["agreement", "dawid_skene"] = "agreement",
) -> Reliability:
    """How reliable annotators are, and a weight for each vote: the reliability over its mean.

    `item`, `annotator`, `value` (0..values-1): codes (n,). "agreement": the share of the others' votes on the same items that
    are equal to this one, corrected for chance by the shares of the values; "dawid_skene": accuracy by that model,
    corrected for the chance of always saying the commonest value. Nobody is below 0. An annotator without shared
    votes has the mean. Where all are at 0, all weigh the same. Raises TooLittleData without votes, ImpossibleInput, NotConverged.
    """
    check_values(values)
    what, who, said = codes(item, "item"), codes(annotator, "annotator"), codes(value, "value", below=values)
    n = same_length(item=what, annotator=who, value=said)
    if n == 0:
        raise TooLittleData("no votes: nobody's reliability is known")
    (index, people), (place, items) = compressed(who), compressed(what)
    others, equal = _others(place * people + index, place, said, items=items, values=values)
    shared = np.bincount(index[others > 0], minlength=people)
    if method == "agreement":
        credit = np.divide(equal, others, out=np.zeros(n), where=others > 0)
        right = np.bincount(index, credit, minlength=people) / np.maximum(shared, 1)
        chance = float(((np.bincount(said) / n) ** 2).sum())
    elif method == "dawid_skene":
        consensus = dawid_skene(what, who, said, values=values)
        right, chance = consensus.accuracy, float(consensus.prevalence.max())
    else:
        raise ImpossibleInput(f"reliability by {method!r} is not known; agreement and dawid_skene are")
    above = np.maximum(right - chance, 0.0) / max(1.0 - chance, _LEVEL)
    mean = float(above @ shared) / max(int(shared.sum()), 1)
    shrunk = (above * shared + mean * PSEUDO_VOTES) / (shared + PSEUDO_VOTES)
    weight = shrunk[index]
    level = float(weight.mean())
    return Reliability(
        annotators=np.unique(who),
        shared=shared,
        reliability=shrunk,
        weight=weight / level if level > _LEVEL else np.ones(n),
    )


def _others(seat: Ints, item: Ints, value: Ints, *, items: int, values: int) -> tuple[Floats, Floats]:
    """Votes of others on the item of each vote (n,), and those of them that are equal; own repeats are not others'.

    `seat` (n,): one code for each annotator on each item.
    """
    own, seats = compressed(seat)
    table = np.bincount(item * values + value, minlength=items * values).reshape(items, values)
    mine, kinds = compressed(own * values + value)
    total = table.sum(axis=1)[item] - np.bincount(own, minlength=seats)[own]
    equal = table[item, value] - np.bincount(mine, minlength=kinds)[mine]
    return total.astype(np.float64), equal.astype(np.float64)
