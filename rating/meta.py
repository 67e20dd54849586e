"""Judges beside the people of a benchmark: how often each says what the people say, with the policy that makes the figure.

Published figures of one kind come from different policies: Auto-J counts a verdict that turns round with the order as wrong,
PandaLM a verdict that cannot be read as a tie, LLMBar both orders as a verdict each. None of them is silent here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import combinations
from typing import Any

import numpy as np
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from arena.models import Benchmark
from arena.sheets import as_csv as sheet
from rating import stats
from rating.stats.bias import Cases
from rating.stats.kappa import cohen_of_table
from rating.trust import FEW
from rating.truth import (
    EVEN,
    FIRST,
    NEITHER,
    SECOND,
    Bools,
    Floats,
    Ints,
    NoMachines,
    NothingToCompare,
    Place,
    Said,
    Truth,
    gather,
    is_decided,
    outcome,
)

WRONG, TIE, ABSTAIN, BOTH, LEAVE_OUT = "wrong", "tie", "abstain", "both", "leave_out"
FLIPS = {
    WRONG: _("a verdict that changes with the order agrees with nobody"),
    TIE: _("a verdict that changes with the order is a tie"),
    ABSTAIN: _("a verdict that changes with the order is left out"),
    BOTH: _("each order is half a verdict"),
}
UNREAD = {
    LEAVE_OUT: _("a battle without a readable verdict is left out"),
    TIE: _("a battle without a readable verdict is a tie"),
    WRONG: _("a battle without a readable verdict agrees with nobody"),
}
"""What becomes of two orders that differ, and of a verdict that nobody can read; in words."""
OUTCOMES = 4
MOST_PEOPLE = 10
"""Of more people than these the pairs are not listed."""


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

    `difference` is the agreement minus that of the best judge here, over the `questions` that both judged, with its 95 % interval
    paired by question; None for the best itself, and where they share no question.
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
    judge_id: int
    is_group: bool = False
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    questions: int | None = None

    @property
    def is_there(self) -> bool:
        """Whether this judge was heard here at all."""
        return bool(self.n or self.n_failed or self.n_flipped)

    @property
    def is_few(self) -> bool:
        return self.n < FEW


@dataclass(frozen=True)
class PersonPair:
    """Two people beside each other: on `n` battles the share where they say the same, and Cohen's κ."""

    one: str
    other: str
    agreement: float | None
    kappa: float | None
    n: int
    one_id: int
    other_id: int

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("one", "other", "agreement", "kappa", "n")}


@dataclass(frozen=True)
class Ceiling:
    """How often one person says what most of the others say: `agreement` (0..1) of `n` votes, with its 95 % interval by question.

    Votes on battles where the others have no such word are left out. What a judge is measured by is at most as good as this.
    """

    category: str
    agreement: float
    low: float | None
    high: float | None
    n: int
    is_group: bool = False


@dataclass(frozen=True)
class Comparison:
    """The rows, all categories first; two people at a time, none of more than MOST_PEOPLE; people among themselves, [] of one
    person; what was left out, counted."""

    benchmark: Benchmark
    policy: Policy
    rows: list[Compared]
    people: list[PersonPair]
    ceilings: list[Ceiling]
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
            "people_among_themselves": [asdict(row) for row in self.ceilings],
            "pairs_of_people": [pair.as_json() for pair in self.people],
            "excluded": self.excluded,
        }


def as_csv(found: Comparison) -> str:
    """The rows as the command, the page and programs hand them out."""
    names = [column.name for column in fields(Compared)]
    return sheet(names, [[getattr(row, name) for name in names] for row in found.rows])


def compare(benchmark: Benchmark, *, judge: str | None = None, policy: Policy | None = None) -> Comparison:
    """Each machine judge of pairs beside what most people say of the same battles.

    The people's word on a battle is what more of them say than anything else; where there is no such word the battle is left
    out and counted. `judge` is one judge's name, None is all. Raises NothingToCompare. A fixed number of queries.
    """
    truth = gather(benchmark)
    found = compared(truth, policy or Policy(), judges=_chosen(truth, judge))
    if not found.rows:
        text = gettext("people and machines have judged no pair of %(benchmark)s together")
        raise NoMachines(text % {"benchmark": benchmark})
    return found


def compared(truth: Truth, policy: Policy, *, judges: Sequence[int]) -> Comparison:
    """These judges in every place where they were heard; the distance from the best is that from the best of all. No query."""
    by_judge: dict[int, list[Compared]] = {one: [] for one in judges}
    for place in truth.places:
        for row in rows_at(truth, place, policy):
            if row.judge_id in by_judge:
                by_judge[row.judge_id].append(row)
    return Comparison(
        benchmark=truth.benchmark,
        policy=policy,
        rows=[row for one in judges for row in by_judge[one]],
        people=list(pairs_of_people(truth)),
        ceilings=[found for place in truth.places if (found := ceiling(truth, place))],
        n_people=len(truth.people),
        n_items=len(truth.labels),
        n_undecided=truth.n_undecided,
        excluded=truth.excluded,
    )


def _chosen(truth: Truth, name: str | None) -> list[int]:
    """The ids of the machine judges to tell of, by name. Raises NothingToCompare."""
    there = truth.judges
    if not there:
        raise NoMachines(gettext("no machine has judged a pair of %(benchmark)s") % {"benchmark": truth.benchmark})
    if name is None:
        return there
    chosen = [one for one in there if truth.names[one] == name]
    if not chosen:
        text = gettext("no machine '%(name)s' has judged a pair of %(benchmark)s; there are: %(known)s")
        known = pgettext("between names", ", ").join(truth.names[one] for one in there)
        raise NothingToCompare(text % {"name": name, "benchmark": truth.benchmark, "known": known})
    return chosen


def rows_at(truth: Truth, place: Place, policy: Policy) -> list[Compared]:
    """Every judge that was heard here, by name, with its distance from the best. No query."""
    counted = {judge: _counted(truth.said[judge], place, policy) for judge in truth.judges}
    rows = [row for judge, one in counted.items() if (row := _row(truth, judge, place, one, policy)).is_there]
    best = best_of(rows)
    if best is None:
        return rows
    theirs = counted[best.judge_id].cases
    return [row if row is best else _beside(row, counted[row.judge_id].cases, theirs) for row in rows]


def rows_of(truth: Truth, judge: int, policy: Policy) -> list[Compared]:
    """One judge in each place where it was heard, without its distance from others. No query."""
    rows = (_row(truth, judge, place, _counted(truth.said[judge], place, policy), policy) for place in truth.places)
    return [row for row in rows if row.is_there]


def best_of(rows: Iterable[Compared]) -> Compared | None:
    """Who agrees with people most often, of those with enough battles for a word where there are any."""
    heard = [row for row in rows if row.agreement is not None]
    return max(heard, key=lambda row: (not row.is_few, row.agreement), default=None)


@dataclass(frozen=True)
class _Counted:
    """The battles that a policy counts, a row each, (n,), with how much of a verdict goes to each outcome (n, OUTCOMES); and all."""

    all: Said
    label: Ints
    weight: Floats
    cases: Cases


def _counted(said: Said, place: Place, policy: Policy) -> _Counted:
    said = place.of(said)
    weight = weighed(said, policy)
    kept = weight.any(axis=1)
    label, weight = said.label[kept], weight[kept]
    hit = weight[np.arange(len(label)), label]
    return _Counted(said, label, weight, Cases(hit=hit, cluster=said.cluster[kept]))


def _row(truth: Truth, judge: int, place: Place, counted: _Counted, policy: Policy) -> Compared:
    share = stats.share_of_cases(counted.cases)
    no_ties, n_no_ties = _without_ties(counted.label, counted.weight)
    consistency, n_both = _consistency(truth, judge, place)
    return Compared(
        judge=truth.names[judge], category=place.key, agreement=share.share, low=share.low, high=share.high,
        agreement_no_ties=no_ties, kappa=_kappa(counted.label, counted.weight), consistency=consistency, n=share.n,
        n_no_ties=n_no_ties, n_both=n_both, n_failed=int((~counted.all.is_read).sum()),
        n_flipped=int(counted.all.flips.sum()), policy=str(policy), judge_id=judge, is_group=place.is_group,
    )  # fmt: skip


def _consistency(truth: Truth, judge: int, place: Place) -> tuple[float | None, int]:
    if judge not in truth.orders:
        return None, 0
    orders = place.of(truth.orders[judge])
    same = stats.consistency(orders.plain, orders.swapped, cluster=orders.cluster)
    return same.share, same.n


def _beside(row: Compared, mine: Cases, best: Cases) -> Compared:
    found = stats.beside(mine, best)
    if found.difference is None:
        return row
    return replace(
        row,
        difference=found.difference,
        difference_low=found.low,
        difference_high=found.high,
        questions=found.clusters,
    )


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


def ceiling(truth: Truth, place: Place) -> Ceiling | None:
    """People among themselves here; None where no battle has a vote and a word of the others. No query."""
    votes = place.of(truth.votes)
    battle = np.unique(votes.item, return_inverse=True)[1]
    own = outcome(votes.value)
    counts = np.zeros((len(votes), 3), dtype=np.int64)
    np.add.at(counts, (battle, own), 1)
    others = counts[battle]
    others[np.arange(len(own)), own] -= 1
    known: Bools = is_decided(others)
    if not known.any():
        return None
    hit = (others.argmax(axis=1) == own)[known].astype(np.float64)
    share = stats.share_of_cases(Cases(hit=hit, cluster=votes.cluster[known]))
    return Ceiling(place.key, share.share, share.low, share.high, share.n, place.is_group)


def pairs_of_people(truth: Truth) -> Iterator[PersonPair]:
    """Any two people on the battles that both judged; nothing of more than MOST_PEOPLE."""
    who, people, names = truth.people, truth.votes, truth.names
    for one, other in combinations(who, 2) if len(who) <= MOST_PEOPLE else ():
        mine, theirs = (people.where(people.judge == person) for person in (one, other))
        _common, at, there = np.intersect1d(mine.item, theirs.item, return_indices=True)
        first, second = outcome(mine.value[at]), outcome(theirs.value[there])
        share = float((first == second).mean()) if len(at) else None
        kappa = stats.cohen_kappa(first, second, OUTCOMES)
        yield PersonPair(names[one], names[other], share, kappa, len(at), one, other)
