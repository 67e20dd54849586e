"""The table of agreement that page, API and CSV share: columns in, one row for each category and relation out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.against_people import AgainstPeople, Unit, against_people
from rating.stats.agreement import (
    NO_PAIRS,
    Agreement,
    agreement_between,
    agreement_by_pair,
    agreement_of,
)
from rating.stats.arrays import Bools, Ints, codes, compressed, same_length
from rating.stats.columns import Columns, Scale, columns_of, scale_of
from rating.stats.errors import ImpossibleInput
from rating.stats.icc import Icc, icc
from rating.stats.kappa import Weights
from rating.stats.krippendorff import Level
from rating.stats.patterns import of_item, patterns

PEOPLE: Literal["people"] = "people"
"""Relation: people among each other."""
PEOPLE_JUDGE: Literal["people_judge"] = "people_judge"
"""Relation: a machine judge with each person on the item."""
JUDGES: Literal["judges"] = "judges"
"""Relation: two machine judges."""

Relation = Literal["people", "people_judge", "judges"]


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """What judges agree on in one category (its code), or in all (None).

    `judge`: the machine, None among people; `other`: the second one where both are machines. `against`: the judge minus
    people among themselves, on items that both have, None for other relations and where no item has two people's votes
    and the judge's. `icc`: of scores, None at the nominal level and between a judge and people.
    """

    category: int | None
    relation: Relation
    judge: int | None
    other: int | None
    agreement: Agreement
    against: AgainstPeople | None
    icc: Icc | None

    @property
    def difference(self) -> float | None:
        """Share of equal vote pairs, judge with people minus people with each other."""
        return None if self.against is None else self.against.raw.difference

    @property
    def difference_low(self) -> float | None:
        """End of the interval of `difference`, by question, at a level that allows for the number of categories."""
        return None if self.against is None else self.against.raw.low

    @property
    def difference_high(self) -> float | None:
        """The other end."""
        return None if self.against is None else self.against.raw.high

    @property
    def difference_n(self) -> int:
        """Items that both shares of `difference` are of."""
        return 0 if self.against is None else self.against.raw.items

    @property
    def p_value(self) -> float | None:
        """Two-sided p for no difference, adjusted for the number of categories."""
        return None if self.against is None else self.against.raw.p_adjusted

    @property
    def verdict(self) -> str:
        """What the difference says, in the words of `against_people`; empty without one."""
        return "" if self.against is None else self.against.raw.verdict


def agreement_table(
    item: ArrayLike,
    judge: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    is_person: ArrayLike,
    cluster: ArrayLike | None = None,
    category: ArrayLike | None = None,
    level: Level = "nominal",
    weights: Weights | None = None,
    tie: int | None = None,
    marks: ArrayLike | None = None,
    compare: bool = True,
    unit: Unit = "pair",
    margin: float = 0.05,
    confidence: float = 0.95,
) -> tuple[AgreementRow, ...]:
    """Agreement over everything first, then in each category by code: among people, of each machine with people, of any two machines.

    `item`, `judge`, `value` (0..values-1), `cluster` (question), `category`: codes (n,), rows in any order; `is_person`
    (n,): 0 or 1, the same for all votes of a judge. Other options as in `agree`; `compare`, `unit` and `margin` as in
    `against_people`, without which `against` is None. A category has the rows of the judges who have a vote in it; where
    no item can be compared the row says NO_PAIRS. No row among people without a person; no votes, no rows.
    Raises ImpossibleInput, also for two votes of one judge on one item, and for an item in two questions or categories.
    """
    scale = scale_of(values, level=level, weights=weights, tie=tie, marks=marks, confidence=confidence)
    columns = columns_of(item, judge, value, cluster=cluster, scale=scale)
    people = codes(is_person, "is_person", below=2) == 1
    groups = np.zeros_like(columns.item) if category is None else codes(category, "category")
    same_length(item=columns.item, is_person=people, category=groups)
    if columns.item.size == 0:
        return ()
    _check_kinds(columns.judge, people)
    sorted_by_category = _by_category(columns, people, groups)
    beside: dict[tuple[int | None, int], AgainstPeople] = {}
    if compare and people.any():
        for machine in np.unique(columns.judge[~people]):
            found = against_people(
                columns.item,
                columns.judge,
                columns.value,
                values=values,
                is_person=people,
                machine=int(machine),
                cluster=columns.cluster,
                category=None if category is None else groups,
                tie=tie,
                weights=weights,
                unit=unit,
                margin=margin,
                level=confidence,
            )
            beside.update({(row.category, int(machine)): row for row in found if row.raw.items})
    return tuple(
        replace(row, against=beside.get((row.category, row.judge)))
        if row.relation == PEOPLE_JUDGE and row.judge is not None
        else row
        for part in sorted_by_category.parts(with_categories=category is not None)
        for row in _rows(part, scale)
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """The votes of one category, or of all; `people` (n,) says whose they are."""

    category: int | None
    columns: Columns
    people: Bools


@dataclass(frozen=True, slots=True)
class _ByCategory:
    """Votes sorted by category, items numbered in that order: category `names[c]` has rows and items up to `ends[c]`."""

    columns: Columns
    people: Bools
    names: Ints
    row_ends: Ints
    item_ends: Ints

    def parts(self, *, with_categories: bool) -> Iterator[_Part]:
        yield _Part(None, self.columns, self.people)
        for c in range(self.names.size if with_categories else 0):
            rows = slice(self.row_ends[c - 1] if c else 0, self.row_ends[c])
            mine = self.columns.where(rows)
            first = self.item_ends[c - 1] if c else 0
            yield _Part(int(self.names[c]), replace(mine, item=mine.item - first), self.people[rows])


def _by_category(columns: Columns, people: Bools, groups: Ints) -> _ByCategory:
    group, number = compressed(groups)
    index, items = compressed(columns.item)
    home = of_item(group, index, items=items, name="categories")
    if columns.cluster is not None:
        of_item(columns.cluster, index, items=items, name="clusters")
    place = np.empty(items, dtype=np.int64)
    place[np.argsort(home, kind="stable")] = np.arange(items)
    order = np.argsort(group.astype(np.uint16) if number < 2**16 else group, kind="stable")
    chosen = replace(columns, item=place[index]).where(order)
    return _ByCategory(
        columns=chosen,
        people=people[order],
        names=np.unique(groups),
        row_ends=np.cumsum(np.bincount(group, minlength=number)),
        item_ends=np.cumsum(np.bincount(home, minlength=number)),
    )


def _check_kinds(judge: Ints, people: Bools) -> None:
    number, judges = compressed(judge)
    votes, personal = np.bincount(number, minlength=judges), np.bincount(number[people], minlength=judges)
    both = np.flatnonzero((personal > 0) & (personal < votes))
    if both.size:
        raise ImpossibleInput(f"judge {int(np.unique(judge)[both[0]])} is a person on some rows only")


def _rows(part: _Part, scale: Scale) -> Iterator[AgreementRow]:
    people = part.columns.where(part.people)
    machines = part.columns.where(~part.people)
    if people.item.size:
        found = agreement_of(people, scale)
        yield AgreementRow(part.category, PEOPLE, None, None, found, None, _icc(people, scale))
        yield from _with_people(part, people, machines, scale)
    for pair in agreement_by_pair(machines, scale) if machines.item.size else ():
        scores = None
        if scale.level != "nominal":
            scores = _icc(machines.where((machines.judge == pair.first) | (machines.judge == pair.second)), scale)
        yield AgreementRow(part.category, JUDGES, pair.first, pair.second, pair.agreement, None, scores)


def _with_people(part: _Part, people: Columns, machines: Columns, scale: Scale) -> Iterator[AgreementRow]:
    """Each machine with the people of the same items."""
    items = int(part.columns.item.max()) + 1
    found = patterns(people.item, people.value, values=scale.values)
    of = np.full(items, -1, dtype=np.int64)
    of[: found.of_item.size] = found.of_item
    person, _ = compressed(people.judge)
    for machine in np.unique(machines.judge):
        mine = machines.where(machines.judge == machine)
        rows = np.flatnonzero(of[mine.item] >= 0)
        shared = np.zeros(items, dtype=np.bool_)
        shared[mine.item[rows]] = True
        judges = int(np.count_nonzero(np.bincount(person[shared[people.item]]))) + 1
        agreement = (
            agreement_between(
                mine.value[rows],
                found.counts,
                of[mine.item[rows]],
                question=None if mine.cluster is None else mine.cluster[rows],
                judges=judges,
                scale=scale,
            )
            if rows.size
            else Agreement(note=NO_PAIRS)
        )
        yield AgreementRow(part.category, PEOPLE_JUDGE, int(machine), None, agreement, None, None)


def _icc(columns: Columns, scale: Scale) -> Icc | None:
    if scale.level == "nominal":
        return None
    return icc(columns.item, columns.judge, scale.worth[columns.value], confidence=scale.confidence)
