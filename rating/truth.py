"""What most people say of each battle of a benchmark, and what each machine judge said of the same: columns, and no figures."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from arena.models import Benchmark, Category
from rating.agreeing import last_words
from rating.boards import ALL
from rating.data import Orders, Record, Votes, read
from rating.data.parts import split
from rating.data.record import BOTH
from rating.data.unread import Unread, unread

SECOND, EVEN, FIRST, NEITHER = range(4)
"""Outcomes. NEITHER is what no person says: a verdict that counts as wrong whatever they say."""
TURNS = 32_768  # one more than the column holds
GROUP = "group:"

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class NothingToCompare(ValueError):
    """There are no people, no machines, or no such judge; the message says which, and what there is."""


class NoPeople(NothingToCompare):
    """No person has judged a pair."""


class NoMachines(NothingToCompare):
    """No machine has judged a pair, or none that people judged."""


@dataclass(frozen=True)
class Said:
    """What one judge said on battles that people judged, a row each, (n,).

    `label` is the people's outcome. `times` (n, 3) says how often the judge came to each outcome, over both orders and repeats;
    all 0 where nothing could be read.
    """

    label: Ints
    times: Ints
    cluster: Ints
    category: Ints

    @property
    def is_read(self) -> Bools:
        return self.times.any(axis=1)

    @property
    def flips(self) -> Bools:
        return (self.times > 0).sum(axis=1) > 1

    def where(self, mask: Bools) -> Said:
        return Said(**{column.name: getattr(self, column.name)[mask] for column in fields(self)})


@dataclass(frozen=True)
class Place:
    """All battles, those of a group of categories, or of one category: its key, its name in the reader's language, and the ids
    of its categories; None is all of them."""

    key: str
    name: str
    ids: Ints | None = None
    is_group: bool = False

    @property
    def address(self) -> str:
        """What tells it from the others in an address: a group may have the key of a category."""
        return f"{GROUP}{self.key}" if self.is_group else self.key

    def of(self, table: Any) -> Any:
        """The rows of a table that are here."""
        return table if self.ids is None else table.where(np.isin(table.category, self.ids))


@dataclass(frozen=True)
class Truth:
    """People's words and what machines said of the same battles.

    `labels` has a row for each battle with what most people say as its value; `n_undecided` battles have no such word. `votes`
    are all last words of people. `said` and `orders` are those of each machine judge by its id; `places` are all, the groups and
    the categories; `names` the names of judges.
    """

    benchmark: Benchmark
    labels: Votes
    n_undecided: int
    votes: Votes
    said: dict[int, Said]
    orders: dict[int, Orders]
    places: list[Place]
    names: dict[int, str]
    provenances: tuple[str, ...]
    excluded: dict[str, int] = field(default_factory=dict)

    @property
    def people(self) -> list[int]:
        """Ids of those who judged."""
        return np.unique(self.votes.judge).tolist()

    @property
    def judges(self) -> list[int]:
        """Ids of the machine judges, by name."""
        return sorted(self.said, key=lambda one: self.names[one])


def gather(benchmark: Benchmark) -> Truth:
    """The truth of a benchmark. Raises NoPeople. A fixed number of queries."""
    record = read(benchmark, flips=BOTH)
    people = last_words(_apart(record.verdicts.where(record.verdicts.person)))
    if not len(people):
        raise NoPeople(_("no person has judged a pair of %(benchmark)s") % {"benchmark": benchmark})
    labels, undecided = _labels(people)
    orders = record.orders.where(np.isin(record.orders.item, labels.item // TURNS))
    return Truth(
        benchmark=benchmark,
        labels=labels,
        n_undecided=undecided,
        votes=people,
        said=_said(benchmark, record, labels),
        orders=split(orders, orders.judge),
        places=_places(labels),
        names=record.names,
        provenances=record.provenances,
        excluded=record.excluded,
    )


def words_of_people(benchmark: Benchmark) -> Votes:
    """What most people say of each battle of the benchmark that has such a word, a row each: `value` is −1, 0 or 1, `item` the
    battle times TURNS plus the turn. A fixed number of queries."""
    verdicts = read(benchmark).verdicts
    return _labels(last_words(_apart(verdicts.where(verdicts.person))))[0]


def _apart(table: Any) -> Any:
    """The table with each turn of a battle as an item of its own."""
    return replace(table, item=table.item * TURNS + table.turn, turn=np.zeros_like(table.turn))


def outcome(value: Floats) -> Ints:
    """SECOND, EVEN or FIRST (n,) of preferences (n,)."""
    return np.sign(value).astype(np.int64) + 1


def _labels(people: Votes) -> tuple[Votes, int]:
    """One row for each battle with what most people say as its value, by battle; and how many have no such word."""
    items, first, place = np.unique(people.item, return_index=True, return_inverse=True)
    counts = np.zeros((len(items), 3), dtype=np.int64)
    np.add.at(counts, (place, outcome(people.value)), 1)
    decided = is_decided(counts)
    labels = replace(people.where(first), value=counts.argmax(axis=1).astype(np.float64) - 1)
    return labels.where(decided), int((~decided).sum())


def is_decided(counts: Ints) -> Bools:
    """Of which rows (n,) of these counts of outcomes (n, 3) one is larger than the others."""
    most = counts.max(axis=1)
    return (counts == most[:, None]).sum(axis=1) == 1


def _said(benchmark: Benchmark, record: Record, labels: Votes) -> dict[int, Said]:
    """What each machine judge said, by its id: everyone that has judged a pair of the benchmark."""
    readings, failed = _apart(record.votes.where(~record.votes.person)), _apart(unread(benchmark))
    halves = _halves(_apart(record.sides.where(~record.sides.person)), readings)
    read_by, failed_by, halves_by = (split(table, table.judge) for table in (readings, failed, halves))
    none = np.empty(0, dtype=np.int64)
    found = {}
    for judge in {*read_by, *failed_by, *halves_by}:
        mine = read_by[judge] if judge in read_by else readings.where(none)
        lacking = [parts[judge].item for parts in (failed_by, halves_by) if judge in parts]
        found[judge] = _of_one(mine, np.concatenate([mine.item, *lacking]), labels)
    return found


def _halves(sides: Votes, readings: Votes) -> Unread:
    """What was read in one of two orders only: it is on the record, and no verdict."""
    width = 1 + int(max(sides.judge.max(initial=0), readings.judge.max(initial=0)))
    whole = np.isin(sides.item * width + sides.judge, readings.item * width + readings.judge)
    rest = sides.where(~whole)
    return Unread(rest.item, rest.judge, rest.cluster, rest.category, rest.turn)


def _of_one(mine: Votes, tried: Ints, labels: Votes) -> Said:
    """One judge's word on the labelled battles that it `tried`; `labels` are sorted by battle."""
    found = labels.where(np.isin(labels.item, tried))
    mine = mine.where(np.isin(mine.item, found.item))
    times = np.zeros((len(found), 3), dtype=np.int64)
    np.add.at(times, (np.searchsorted(found.item, mine.item), outcome(mine.value)), 1)
    return Said(outcome(found.value), times, found.cluster, found.category)


def _places(labels: Votes) -> list[Place]:
    """All, each group of categories, each category. One query."""
    found = Category.objects.filter(pk__in=np.unique(labels.category).tolist()).select_related("group")
    groups: dict[Category, list[int]] = {}
    for category in found:
        if category.group:
            groups.setdefault(category.group, []).append(category.pk)
    return [
        Place(ALL, _("All")),
        *(Place(group.key, group.name, np.array(ids), is_group=True) for group, ids in groups.items()),
        *(Place(category.key, category.name, np.array([category.pk])) for category in found),
    ]
