"""What a judge leans to that has nothing to do with quality: the first slot, the order, length, markdown, its own family.

A figure alone proves nothing: people too prefer longer answers. `beside` puts the judge's figure next to the people's.
Source of the names: Zheng et al. (2023), Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.against_people import jackknife
from rating.stats.arrays import Bools, Floats, Ints, codes, floats, same_length
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import clustered_means, share_interval, student, wilson


@dataclass(frozen=True, slots=True)
class Share:
    """A share 0..1 of n cases with its interval; None where there is no case, or no interval (one question)."""

    share: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Cases:
    """n cases that a share counts: `hit` (n,), what each adds to it (0..1), and `cluster` (n,), its question.

    Raises ImpossibleInput for unequal lengths and for a hit outside 0..1.
    """

    hit: Floats
    cluster: Ints

    def __post_init__(self) -> None:
        object.__setattr__(self, "hit", floats(self.hit, "hit"))
        object.__setattr__(self, "cluster", codes(self.cluster, "cluster"))
        same_length(hit=self.hit, cluster=self.cluster)
        if self.hit.size and not 0.0 <= self.hit.min() <= self.hit.max() <= 1.0:
            raise ImpossibleInput("a hit is a number from 0 to 1")


@dataclass(frozen=True, slots=True)
class Beside:
    """A judge's share beside the people's, over the `clusters` questions that both have cases of.

    `difference`: judge minus people; `low`, `high`: its t interval from leaving out one question at a time. All None
    without a common question; the ends also with one only, or where all show the same.
    """

    judge: Share
    people: Share
    difference: float | None
    low: float | None
    high: float | None
    clusters: int


@dataclass(frozen=True, slots=True)
class SelfPreference:
    """How often a judge's own family wins, over all cases of each side: judged by itself, by other judges, by people.

    `over_judges`, `over_people`: the same with the difference, over the questions both sides have cases of.
    """

    itself: Share
    judges: Share
    people: Share
    over_judges: Beside
    over_people: Beside


def share_of(hits: Bools, *, cluster: ArrayLike | None = None, level: float = 0.95) -> Share:
    """The share of `hits` (n,) with Wilson's interval, at the effective number of votes where `cluster` (n,) is given."""
    n = int(hits.size)
    if n == 0:
        return Share(None, None, None, 0)
    if cluster is None:
        low, high = wilson(hits.sum(), n, level=level)
    else:
        group = np.zeros(n, dtype=np.int64)
        means = clustered_means(group, codes(cluster, "cluster"), value=hits.astype(np.float64), groups=1)
        low, high = (end[0] for end in share_interval(means, level=level))
    return Share(float(hits.mean()), _number(low), _number(high), n)


def beside(judge: Cases, people: Cases, *, level: float = 0.95) -> Beside:
    """The judge's share beside the people's, paired by question: cases on questions that only one side has are left out."""
    common = np.intersect1d(judge.cluster, people.cluster)
    ours, theirs = _within(judge, common), _within(people, common)
    shares = share_of_cases(ours, level=level), share_of_cases(theirs, level=level)
    if common.size == 0:
        return Beside(*shares, None, None, None, 0)
    (our_sum, our_n), (their_sum, their_n) = _totals(ours, common), _totals(theirs, common)
    difference = float(our_sum.sum() / our_n.sum() - their_sum.sum() / their_n.sum())
    if common.size == 1:
        return Beside(*shares, difference, None, None, 1)
    left = _left_out(our_sum, our_n) - _left_out(their_sum, their_n)
    error, clusters = jackknife(left, np.zeros(common.size, dtype=np.int64), groups=1)
    half = float((error * student(level, clusters - 1))[0])
    return Beside(*shares, difference, _number(difference - half), _number(difference + half), common.size)


def self_preference(itself: Cases, judges: Cases, people: Cases, *, level: float = 0.95) -> SelfPreference:
    """What a judge gives its own family beside what the other judges, and people, give it.

    A case is one verdict on an answer of the family against another's; hit: 1 it won, one half a tie, 0 it lost.
    """
    return SelfPreference(
        itself=share_of_cases(itself, level=level),
        judges=share_of_cases(judges, level=level),
        people=share_of_cases(people, level=level),
        over_judges=beside(itself, judges, level=level),
        over_people=beside(itself, people, level=level),
    )


def first_slot_cases(value_shown: ArrayLike, cluster: ArrayLike) -> Cases:
    """Decided votes, by whether they went to the answer shown first; columns (n,) as in `first_slot_share`."""
    value, question = floats(value_shown, "value_shown"), codes(cluster, "cluster")
    same_length(value_shown=value, cluster=question)
    decided = value != 0
    return Cases(hit=(value[decided] > 0).astype(np.float64), cluster=question[decided])


def flip_cases(value_ab: ArrayLike, value_ba: ArrayLike, cluster: ArrayLike) -> Cases:
    """Items judged in both orders, by whether the decided side flips; columns (n,) as in `flip_rate`."""
    ab, ba = _both(value_ab, value_ba)
    return Cases(hit=(ab * ba < 0).astype(np.float64), cluster=codes(cluster, "cluster"))


def richer_cases(value: ArrayLike, feature_first: ArrayLike, feature_second: ArrayLike, cluster: ArrayLike) -> Cases:
    """Decided votes on answers that differ in a feature, by whether the one with more won; columns as in `richer_share`."""
    hits, counted = _richer(value, feature_first, feature_second)
    question = codes(cluster, "cluster")
    same_length(value=hits, cluster=question)
    return Cases(hit=hits[counted].astype(np.float64), cluster=question[counted])


def first_slot_share(value_shown: ArrayLike, *, cluster: ArrayLike | None = None, level: float = 0.95) -> Share:
    """Share of decided votes that went to the answer shown first; one half is fair.

    `value_shown` (n,): preference towards the answer shown first; 0 is a tie and left out.
    """
    value = floats(value_shown, "value_shown")
    decided = value != 0
    return share_of(value[decided] > 0, cluster=_some(cluster, decided), level=level)


def flip_rate(
    value_ab: ArrayLike, value_ba: ArrayLike, *, cluster: ArrayLike | None = None, level: float = 0.95
) -> Share:
    """Share of items judged in both orders whose decided side changes with the order; a tie is no side.

    Both columns (n,) are preferences towards the *same* answer, shown first in ab and second in ba.
    """
    ab, ba = _both(value_ab, value_ba)
    return share_of(ab * ba < 0, cluster=_some(cluster, np.ones(ab.size, dtype=bool)), level=level)


def consistency(
    value_ab: ArrayLike, value_ba: ArrayLike, *, cluster: ArrayLike | None = None, level: float = 0.95
) -> Share:
    """Share of items judged in both orders with the same outcome (win, tie or loss); columns as in `flip_rate`."""
    ab, ba = _both(value_ab, value_ba)
    return share_of(np.sign(ab) == np.sign(ba), cluster=_some(cluster, np.ones(ab.size, dtype=bool)), level=level)


def longer_share(
    value: ArrayLike,
    length_first: ArrayLike,
    length_second: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Share:
    """Share of decided votes on answers of unequal length that went to the longer one.

    `value` (n,): preference towards the answer whose length is `length_first`; the unit of length does not matter.
    """
    return richer_share(value, length_first, length_second, cluster=cluster, level=level)


def richer_share(
    value: ArrayLike,
    feature_first: ArrayLike,
    feature_second: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Share:
    """Share of decided votes on answers that differ in a feature (headers, lists, bold) that went to the one with more.

    `value` (n,): preference towards the answer whose feature is `feature_first`; the feature is any number.
    """
    hits, counted = _richer(value, feature_first, feature_second)
    return share_of(hits[counted], cluster=_some(cluster, counted), level=level)


def _richer(value: ArrayLike, feature_first: ArrayLike, feature_second: ArrayLike) -> tuple[Bools, Bools]:
    """Whether each vote went to the answer with more of the feature, and which votes count."""
    preference = floats(value, "value")
    first, second = floats(feature_first, "feature_first"), floats(feature_second, "feature_second")
    same_length(value=preference, feature_first=first, feature_second=second)
    return (preference > 0) == (first > second), (preference != 0) & (first != second)


def share_of_cases(cases: Cases, *, level: float = 0.95) -> Share:
    """The mean hit of these cases with its interval, in which the cases on one question are one observation."""
    if cases.hit.size == 0:
        return Share(None, None, None, 0)
    means = clustered_means(np.zeros_like(cases.cluster), cases.cluster, value=cases.hit, groups=1)
    low, high = (end[0] for end in share_interval(means, level=level))
    return Share(float(means.mean[0]), _number(low), _number(high), int(cases.hit.size))


def _within(cases: Cases, common: Ints) -> Cases:
    kept = np.isin(cases.cluster, common)
    return Cases(hit=cases.hit[kept], cluster=cases.cluster[kept])


def _totals(cases: Cases, common: Ints) -> tuple[Floats, Floats]:
    """Sum of hits, and cases, on each of the questions `common` (k,)."""
    index = np.searchsorted(common, cases.cluster)
    n = np.bincount(index, minlength=common.size).astype(np.float64)
    return np.bincount(index, cases.hit, minlength=common.size).astype(np.float64, copy=False), n


def _left_out(total: Floats, n: Floats) -> Floats:
    share: Floats = (total.sum() - total) / (n.sum() - n)
    return share


def _both(value_ab: ArrayLike, value_ba: ArrayLike) -> tuple[Floats, Floats]:
    ab, ba = floats(value_ab, "value_ab"), floats(value_ba, "value_ba")
    same_length(value_ab=ab, value_ba=ba)
    return ab, ba


def _some(cluster: ArrayLike | None, rows: Bools) -> ArrayLike | None:
    if cluster is None:
        return None
    question = codes(cluster, "cluster")
    same_length(cluster=question, value=rows)
    return question[rows]


def _number(value: Floats | float) -> float | None:
    return None if np.isnan(value) else float(value)
