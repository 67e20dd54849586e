"""Judges beside the people of a benchmark: how often each says what the people say, with the policy that makes the figure.

Published figures of one kind come from different policies: Auto-J counts a verdict that turns round with the order as wrong,
PandaLM a verdict that cannot be read as a tie, LLMBar both orders as a verdict each. None of them is silent here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.models import Benchmark, Category
from rating import stats
from rating.agreeing import last_words
from rating.boards import ALL
from rating.data import Orders, Record, Votes, read
from rating.data.unread import Unread, unread
from rating.stats.kappa import cohen_of_table

WRONG, TIE, ABSTAIN, BOTH, LEAVE_OUT = "wrong", "tie", "abstain", "both", "leave_out"
FLIPS = {
    WRONG: "a verdict that changes with the order agrees with nobody",
    TIE: "a verdict that changes with the order is a tie",
    ABSTAIN: "a verdict that changes with the order is left out",
    BOTH: "each order is half a verdict",
}
UNREAD = {
    LEAVE_OUT: "a battle without a readable verdict is left out",
    TIE: "a battle without a readable verdict is a tie",
    WRONG: "a battle without a readable verdict agrees with nobody",
}
"""What becomes of two orders that differ, and of a verdict that nobody can read; in words."""
SECOND, EVEN, FIRST, NEITHER = range(4)
"""Outcomes. NEITHER is what no person says: a verdict that counts as wrong whatever they say."""
OUTCOMES = 4
TURNS = 32_768  # one more than the column holds
MOST_PEOPLE = 10
"""Of more people than these the pairs are not listed."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class NothingToCompare(ValueError):
    """There are no people, no machines, or no such judge; the message says which, and what there is."""


@dataclass(frozen=True)
class Policy:
    """What becomes of verdicts that are no plain word: one of FLIPS and one of UNREAD. Raises ValueError for another."""

    flips: str = WRONG
    unread: str = LEAVE_OUT

    def __post_init__(self) -> None:
        for name, word, known in (("flips", self.flips, FLIPS), ("unread", self.unread, UNREAD)):
            if word not in known:
                raise ValueError(f"{name}: there is no rule {word!r}; there are: {', '.join(known)}")

    def __str__(self) -> str:
        return f"{FLIPS[self.flips]}; {UNREAD[self.unread]}; people by majority, battles without one left out"


@dataclass(frozen=True)
class Compared:
    """A judge beside the people on the battles of one category, of a group of them, or of all.

    `agreement` (0..1) is the share of `n` battles where the judge says what the people say, with its 95 % interval by question;
    `agreement_no_ties` the same over the `n_no_ties` battles that both decide, which a verdict that changes with the order does
    only where each order counts; `kappa` is Cohen's. `consistency`: of the `n_both` battles read in both orders, the share with
    one verdict. `n_failed` battles have no readable verdict of this judge, `n_flipped` one that changes with the order, whatever
    the policy. None where there is no battle, no interval (one question), or nothing to correct for.
    """

    judge: str
    category: str
    agreement: float | None
    low: float | None
    high: float | None
    agreement_no_ties: float | None
    kappa: float | None
    consistency: float | None
    n: int
    n_no_ties: int
    n_both: int
    n_failed: int
    n_flipped: int
    policy: str


@dataclass(frozen=True)
class PersonPair:
    """Two people beside each other: on `n` battles the share where they say the same, and Cohen's κ."""

    one: str
    other: str
    agreement: float | None
    kappa: float | None
    n: int


@dataclass(frozen=True)
class Comparison:
    """The rows, all categories first; two people at a time, none of more than MOST_PEOPLE; what was left out, counted."""

    benchmark: Benchmark
    policy: Policy
    rows: list[Compared]
    people: list[PersonPair]
    n_people: int
    n_items: int
    n_undecided: int
    excluded: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return {
            "benchmark": self.benchmark.name,
            "version": self.benchmark.version,
            "flips": self.policy.flips,
            "unread": self.policy.unread,
            "policy": str(self.policy),
            "people": self.n_people,
            "battles": self.n_items,
            "undecided": self.n_undecided,
            "rows": [asdict(row) for row in self.rows],
            "pairs_of_people": [asdict(pair) for pair in self.people],
            "excluded": self.excluded,
        }


def compare(benchmark: Benchmark, *, judge: str | None = None, policy: Policy | None = None) -> Comparison:
    """Each machine judge of pairs beside what most people say of the same battles.

    The people's word on a battle is what more of them say than anything else; where there is no such word the battle is left
    out and counted. `judge` is one judge's name, None is all. Raises NothingToCompare. A fixed number of queries.
    """
    policy = policy or Policy()
    record = read(benchmark, flips=BOTH)
    people = last_words(_apart(record.verdicts.where(record.verdicts.person)))
    if not len(people):
        raise NothingToCompare(f"no person has judged a pair of {benchmark}")
    labels, undecided = _labels(people)
    readings, failed = _apart(record.votes.where(~record.votes.person)), _apart(unread(benchmark))
    halves = _halves(_apart(record.sides.where(~record.sides.person)), readings)
    tried = np.unique(np.concatenate([table.judge for table in (readings, failed, halves)]))
    judges = _chosen(record, benchmark, tried.tolist(), judge)
    places = _places(labels)
    shared = record.orders.where(np.isin(record.orders.item, labels.item // TURNS))
    rows = []
    for one in judges:
        said = _said(one, readings, failed, halves, labels)
        orders = shared.where(shared.judge == one)
        rows += [_row(record.names[one], name, said, orders, mine, policy) for name, mine in places]
    rows = [row for row in rows if row.n or row.n_failed or row.n_flipped]
    if not rows:
        raise NothingToCompare(f"people and machines have judged no pair of {benchmark} together")
    who = np.unique(people.judge).tolist()
    return Comparison(
        benchmark, policy, rows, list(_pairs(who, people, record)), len(who), len(labels), undecided, record.excluded
    )  # fmt: skip


def words_of_people(benchmark: Benchmark) -> Votes:
    """What most people say of each battle of the benchmark that has such a word, a row each: `value` is −1, 0 or 1, `item` the
    battle times TURNS plus the turn. A fixed number of queries."""
    verdicts = read(benchmark).verdicts
    return _labels(last_words(_apart(verdicts.where(verdicts.person))))[0]


def _apart(table: Any) -> Any:
    """The table with each turn of a battle as an item of its own."""
    return replace(table, item=table.item * TURNS + table.turn, turn=np.zeros_like(table.turn))


def _outcome(value: Floats) -> Ints:
    return np.sign(value).astype(np.int64) + 1


def _labels(people: Votes) -> tuple[Votes, int]:
    """One row for each battle with what most people say as its value; and how many have no such word."""
    items, first, place = np.unique(people.item, return_index=True, return_inverse=True)
    counts = np.zeros((len(items), 3), dtype=np.int64)
    np.add.at(counts, (place, _outcome(people.value)), 1)
    most = counts.max(axis=1)
    decided = (counts == most[:, None]).sum(axis=1) == 1
    labels = replace(people.where(first), value=counts.argmax(axis=1).astype(np.float64) - 1)
    return labels.where(decided), int((~decided).sum())


def _halves(sides: Votes, readings: Votes) -> Unread:
    """What was read in one of two orders only: it is on the record, and no verdict."""
    width = 1 + int(max(sides.judge.max(initial=0), readings.judge.max(initial=0)))
    whole = np.isin(sides.item * width + sides.judge, readings.item * width + readings.judge)
    rest = sides.where(~whole)
    return Unread(rest.item, rest.judge, rest.cluster, rest.category, rest.turn)


def _chosen(record: Record, benchmark: Benchmark, there: list[int], name: str | None) -> list[int]:
    """The ids of the machine judges to tell of, by name. Raises NothingToCompare."""
    if not there:
        raise NothingToCompare(f"no machine has judged a pair of {benchmark}")
    there.sort(key=lambda one: record.names[one])
    if name is None:
        return there
    chosen = [one for one in there if record.names[one] == name]
    if not chosen:
        known = ", ".join(record.names[one] for one in there)
        raise NothingToCompare(f"no machine {name!r} has judged a pair of {benchmark}; there are: {known}")
    return chosen


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


def _said(judge: int, readings: Votes, failed: Unread, halves: Unread, labels: Votes) -> Said:
    mine = readings.where(readings.judge == judge)
    tried = np.concatenate([mine.item, failed.item[failed.judge == judge], halves.item[halves.judge == judge]])
    found = labels.where(np.isin(labels.item, tried))
    order = np.argsort(found.item)
    found = found.where(order)
    mine = mine.where(np.isin(mine.item, found.item))
    times = np.zeros((len(found), 3), dtype=np.int64)
    np.add.at(times, (np.searchsorted(found.item, mine.item), _outcome(mine.value)), 1)
    return Said(_outcome(found.value), times, found.cluster, found.category)


def _places(labels: Votes) -> list[tuple[str, Ints | None]]:
    """All, each group of categories, each category: its key, and the ids of its categories; None is all of them."""
    found = Category.objects.filter(pk__in=np.unique(labels.category).tolist()).select_related("group")
    groups: dict[str, list[int]] = {}
    for category in found:
        if category.group:
            groups.setdefault(category.group.key, []).append(category.pk)
    single = [(category.key, np.array([category.pk])) for category in found]
    return [(ALL, None), *((name, np.array(ids)) for name, ids in groups.items()), *single]


def _row(judge: str, category: str, said: Said, orders: Orders, ids: Ints | None, policy: Policy) -> Compared:
    if ids is not None:
        said = said.where(np.isin(said.category, ids))
        orders = orders.where(np.isin(orders.category, ids))
    weight = weighed(said, policy)
    counted = weight.any(axis=1)
    label, weight, cluster = said.label[counted], weight[counted], said.cluster[counted]
    hit = weight[np.arange(len(label)), label]
    share = stats.share_of_cases(stats.Cases(hit=hit, cluster=cluster))
    same = stats.consistency(orders.plain, orders.swapped, cluster=orders.cluster)
    no_ties, n_no_ties = _without_ties(label, weight)
    return Compared(
        judge=judge, category=category, agreement=share.share, low=share.low, high=share.high,
        agreement_no_ties=no_ties, kappa=_kappa(label, weight), consistency=same.share, n=share.n, n_no_ties=n_no_ties,
        n_both=same.n, n_failed=int((~said.is_read).sum()), n_flipped=int(said.flips.sum()), policy=str(policy),
    )  # fmt: skip


def weighed(said: Said, policy: Policy) -> Floats:
    """How much of each battle goes to each outcome (n, OUTCOMES): 1 in all, or nothing where it is left out."""
    weight = np.zeros((len(said.label), OUTCOMES))
    weight[:, :NEITHER] = said.times / np.maximum(said.times.sum(axis=1, keepdims=True), 1)
    for rows, rule in ((said.flips, policy.flips), (~said.is_read, policy.unread)):
        if rule != BOTH:
            weight[rows] = 0.0
        if rule in COUNTED_AS:
            weight[rows, COUNTED_AS[rule]] = 1.0
    return weight


COUNTED_AS = {TIE: EVEN, WRONG: NEITHER}


def _without_ties(label: Ints, weight: Floats) -> tuple[float | None, int]:
    """The agreement over battles that the people decide, and the judge at least in part; and how many those are."""
    part = weight[:, [SECOND, FIRST]].sum(axis=1)
    decided = (label != EVEN) & (part > 0)
    hit = weight[decided, label[decided]]
    return (float(hit.sum() / part[decided].sum()), int(decided.sum())) if decided.any() else (None, 0)


def _kappa(label: Ints, weight: Floats) -> float | None:
    table = np.zeros((OUTCOMES, OUTCOMES))
    np.add.at(table, label, weight)
    return cohen_of_table(table)


def _pairs(who: list[int], people: Votes, record: Record) -> Iterator[PersonPair]:
    """Any two people on the battles that both judged; nothing of more than MOST_PEOPLE."""
    for one, other in combinations(who, 2) if len(who) <= MOST_PEOPLE else ():
        mine, theirs = (people.where(people.judge == person) for person in (one, other))
        _common, at, there = np.intersect1d(mine.item, theirs.item, return_indices=True)
        first, second = _outcome(mine.value[at]), _outcome(theirs.value[there])
        share = float((first == second).mean()) if len(at) else None
        kappa = stats.cohen_kappa(first, second, OUTCOMES)
        yield PersonPair(record.names[one], record.names[other], share, kappa, len(at))
