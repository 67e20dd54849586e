"""Judges judged: how often each says what people say of the same pairs, by a policy that is printed with the number.

Public judge tests (Auto-J, PandaLM, LLMBar, FairEval) are such benchmarks; what they publish depends on what is made of ties,
of verdicts that turn round with the order and of replies that could not be read, so that is never left unsaid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.models import Benchmark, Category
from rating import data, stats
from rating.data import STATES, Record, Votes

TIE, ABSTAIN, WRONG = "tie", "abstain", "wrong"
FLIPS = (WRONG, TIE, ABSTAIN)
"""What a verdict is that changes with the order: no agreement with anybody, a tie, or nothing."""
LEAVE_OUT = "leave_out"
UNREAD = (LEAVE_OUT, TIE, WRONG)
"""What a pair is whose reply could not be read: left out (and counted), a tie, or no agreement with anybody."""
NO_ONE = 3  # the code of a verdict that agrees with nobody, beside first, tie and second

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Policy:
    """What is made of flips and of unread replies. Raises ValueError for words that are not among FLIPS and UNREAD."""

    flips: str = WRONG
    unread: str = LEAVE_OUT

    def __post_init__(self) -> None:
        for name, known in (("flips", FLIPS), ("unread", UNREAD)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)!r}")

    def __str__(self) -> str:
        flips = {
            WRONG: "a verdict that changes with the order agrees with nobody",
            TIE: "it is a tie",
            ABSTAIN: "it is left out",
        }
        unread = {
            LEAVE_OUT: "unread replies are left out",
            TIE: "unread replies are ties",
            WRONG: "unread replies agree with nobody",
        }
        return f"{flips[self.flips]}; {unread[self.unread]}; people by majority, pairs without one left out"


@dataclass(frozen=True)
class Compared:
    """One judge beside people in a category (None: all): shares 0..1 over `n` pairs, with 95 % intervals by question.

    `agreement` is how often it says what the people say; `no_ties` the same where both decided (`n_no_ties` pairs); `kappa` is
    Cohen's, None where it is undefined. `consistency` is how often both orders of a pair say the same, over `n_both`.
    `n_failed` pairs have a reply that could not be read, `n_flipped` a verdict that changes with the order, whatever the policy.
    """

    judge: str
    category: str | None
    agreement: float | None
    low: float | None
    high: float | None
    n: int
    no_ties: float | None
    n_no_ties: int
    kappa: float | None
    consistency: float | None
    n_both: int
    n_flipped: int
    n_failed: int
    policy: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Items:
    """A judge's pairs that people agree on, one row each: codes 0 second, 1 tie, 2 first, of people and of the judge.

    `said` is NO_ONE for a flip and for a failure; `both` where it was seen in both orders.
    """

    people: Ints
    said: Ints
    cluster: Ints
    category: Ints
    both: NDArray[np.bool_]
    flipped: NDArray[np.bool_]
    failed: NDArray[np.bool_]

    def where(self, mask: NDArray[np.bool_]) -> Items:
        return Items(**{name: column[mask] for name, column in vars(self).items()})


def compare(benchmark: Benchmark, *, judge: str | None = None, policy: Policy | None = None) -> list[Compared]:
    """Every machine judge (or the one of this name) beside the people, over all categories first."""
    policy = policy or Policy()
    record = data.read(benchmark)
    truth = majority(record.verdicts)
    keys = dict(Category.objects.values_list("pk", "key"))
    found = []
    for pk in np.unique(record.attempts.judge):
        name = record.names[int(pk)]
        if judge in (None, name):
            found += list(_compared(name, items_of(record, int(pk), truth), keys, policy))
    return found


def majority(verdicts: Votes) -> dict[int, int]:
    """What most people say of each item: −1, 0 or 1; items without a majority are not in it."""
    people = verdicts.where(verdicts.person)
    items, place = np.unique(people.item, return_inverse=True)
    counts = np.zeros((len(items), 3), dtype=np.int64)
    np.add.at(counts, (place, np.sign(people.value).astype(np.int64) + 1), 1)
    most = counts.max(axis=1, initial=0)
    alone = (counts == most[:, None]).sum(axis=1) == 1
    return {int(item): int(code) - 1 for item, code in zip(items[alone], counts[alone].argmax(axis=1), strict=True)}


def items_of(record: Record, judge: int, truth: dict[int, int]) -> Items:
    """What this judge said of the items that people agree on; also of those where a reply of it could not be read."""
    tried = record.attempts.where((record.attempts.judge == judge) & np.isin(record.attempts.item, list(truth)))
    items, at = np.unique(tried.item, return_index=True)
    sides = record.sides.where((record.sides.judge == judge) & np.isin(record.sides.item, items))
    place = np.searchsorted(items, sides.item)
    said = np.sign(sides.value).astype(np.int64)
    low, high = np.full(len(items), 2), np.full(len(items), -2)
    np.minimum.at(low, place, said)
    np.maximum.at(high, place, said)
    seen = np.bincount(place, minlength=len(items))
    lost = np.isin(items, tried.item[tried.state != STATES["ok"]])
    failed = lost | (seen == 0)
    flipped = ~failed & (low != high)
    return Items(
        people=np.array([truth[int(item)] for item in items], dtype=np.int64) + 1,
        said=np.where(failed | flipped, NO_ONE, high + 1),
        cluster=tried.cluster[at],
        category=tried.category[at],
        both=~failed & (seen > 1),
        flipped=flipped,
        failed=failed,
    )


def _compared(judge: str, items: Items, keys: dict[int, str], policy: Policy) -> Iterator[Compared]:
    if not len(items.people):
        return
    for category in (None, *np.unique(items.category)):
        mine = items if category is None else items.where(items.category == category)
        yield _of_items(judge, None if category is None else keys[int(category)], mine, policy)


def _of_items(judge: str, category: str | None, items: Items, policy: Policy) -> Compared:
    both = items.where(items.both)
    counted = items.where(_counted(items, policy))
    said = _said(counted, policy)
    hit = (said == counted.people).astype(np.float64)
    share = stats.share_of_cases(stats.Cases(hit=hit, cluster=counted.cluster))
    decided = (counted.people != 1) & (said != 1) & (said != NO_ONE)
    return Compared(
        judge=judge,
        category=category,
        agreement=share.share,
        low=share.low,
        high=share.high,
        n=share.n,
        no_ties=float(hit[decided].mean()) if decided.any() else None,
        n_no_ties=int(decided.sum()),
        kappa=stats.cohen_kappa(counted.people, said, NO_ONE + 1) if len(said) else None,
        consistency=float(1 - both.flipped.mean()) if len(both.people) else None,
        n_both=len(both.people),
        n_flipped=int(items.flipped.sum()),
        n_failed=int(items.failed.sum()),
        policy=str(policy),
    )


def _counted(items: Items, policy: Policy) -> NDArray[np.bool_]:
    gone = np.zeros(len(items.people), dtype=bool)
    if policy.unread == LEAVE_OUT:
        gone |= items.failed
    if policy.flips == ABSTAIN:
        gone |= items.flipped
    return ~gone


def _said(items: Items, policy: Policy) -> Ints:
    """The judge's codes, with flips and failures as the policy has them."""
    said = items.said.copy()
    if policy.flips == TIE:
        said[items.flipped] = 1
    if policy.unread == TIE:
        said[items.failed] = 1
    return said
