"""Any two judges beside each other: people and models in one matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, codes, compressed, same_length
from rating.stats.errors import ImpossibleInput
from rating.stats.kappa import Weights, check_values, credits
from rating.stats.patterns import refuse_repeats, without_gaps

_MOST_SEATS = 2**13


@dataclass(frozen=True, slots=True)
class PairwiseKappa:
    """Any two judges over the items both have judged: Cohen's `kappa` and `raw` share of equal values (J, J), `n` items.

    `judges` (J,): their codes, in the order of rows and columns. NaN where two share no item, and κ also where both use
    one and the same value only. The diagonal is a judge with itself.
    """

    judges: Ints
    kappa: Floats
    raw: Floats
    n: Ints


def pairwise_kappa(
    item: ArrayLike, judge: ArrayLike, value: ArrayLike, *, values: int, weights: Weights | None = None
) -> PairwiseKappa:
    """Cohen's κ of any two judges, people and models alike; columns (n,) of codes in any order.

    `values`: how many the rubric allows. One pass over the pairs of votes on an item, whatever the number of judges;
    an empty input gives empty matrices. Raises ImpossibleInput, also for two votes of one judge on one item.
    """
    check_values(values)
    what, who, said = codes(item, "item"), codes(judge, "judge"), codes(value, "value", below=values)
    same_length(item=what, judge=who, value=said)
    refuse_repeats(what, who)
    number, judges = compressed(who)
    if judges * values > _MOST_SEATS:
        raise ImpossibleInput(f"{judges} judges with {values} values are too many for one matrix")
    table = _crossings(without_gaps(what), number * values + said, judges * values)
    table = table.reshape(judges, values, judges, values)
    n, equal = table.sum(axis=(1, 3)), np.einsum("iaja->ij", table)
    some, credit = np.where(n > 0, n, np.nan), credits(values, weights)
    near = np.einsum("iajb,ab->ij", table, credit)
    used = table.sum(axis=3).transpose(0, 2, 1)
    chance = np.einsum("ija,jia->ij", used @ credit, used) / some**2
    varied = chance < 1 - 1e-12
    kappa = np.where(varied, (near / some - chance) / np.where(varied, 1 - chance, 1.0), np.nan)
    return PairwiseKappa(np.unique(who), kappa, equal / some, n.astype(np.int64))


@dataclass(frozen=True, slots=True)
class PairOfJudges:
    """Two judges (codes), and on the items both have judged their values `one` and `other`; `row`: a row of each item."""

    first: int
    second: int
    one: Ints
    other: Ints
    row: Ints


def judge_pairs(item: Ints, judge: Ints, value: Ints) -> Iterator[PairOfJudges]:
    """Any two judges, by code; `item` (n,) with few gaps. Memory as for the input, whatever the number of pairs."""
    number, judges = compressed(judge)
    order = np.argsort(number.astype(np.uint16) if judges < 2**16 else number, kind="stable")
    ends = np.cumsum(np.bincount(number, minlength=judges))
    names = judge[order[ends - 1]]
    what, said = item[order], value[order]
    of_first = np.full(int(item.max(initial=-1)) + 1, -1, dtype=np.int64)
    for a in range(judges):
        own = slice(ends[a - 1] if a else 0, ends[a])
        of_first[what[own]] = said[own]
        for b in range(a + 1, judges):
            theirs = slice(ends[b - 1], ends[b])
            one = of_first[what[theirs]]
            both = np.flatnonzero(one >= 0)
            yield PairOfJudges(int(names[a]), int(names[b]), one[both], said[theirs][both], order[theirs][both])
        of_first[what[own]] = -1


def _crossings(item: Ints, seat: Ints, seats: int) -> Floats:
    """How often (seats, seats) two seats, each a judge with a value, are taken on one item; a seat with itself by its votes."""
    order = _by_item(item)
    what, taken = item[order], seat[order]
    cells = seats * seats
    total, keys, waiting = np.zeros(cells), [np.zeros(0, dtype=np.int64)], 0
    row, step = np.arange(what.size - 1), 1
    while row.size:
        row = row[what[row] == what[row + step]]
        keys.append(taken[row] * seats + taken[row + step])
        waiting += row.size
        step += 1
        row = row[row + step < what.size]
        if waiting >= cells or not row.size:
            total += np.bincount(np.concatenate(keys), minlength=cells)
            keys, waiting = [np.zeros(0, dtype=np.int64)], 0
    table = total.reshape(seats, seats)
    both: Floats = table + table.T + np.diag(np.bincount(seat, minlength=seats))
    return both


def _by_item(item: Ints) -> Ints:
    """Rows (n,) by item, without comparing them: a counting sort."""
    if (item[1:] >= item[:-1]).all():
        return np.arange(item.size)
    from scipy.sparse import coo_array

    row = np.arange(item.size, dtype=np.int32 if item.size < 2**31 else np.int64)
    table = coo_array((row, (item, row)), shape=(int(item.max()) + 1, item.size)).tocsr()
    order: Ints = table.indices.astype(np.int64)
    return order
