"""The alternative-annotator test, with judges that know nothing as a check on the test itself.

Source: Calderon, Reichart and Dror (2025), The Alternative Annotator Test for LLM-as-a-Judge, ACL; Benjamini and
Yekutieli (2001), The Annals of Statistics 29. Where one value is common, a judge that always gives it can pass: then
passing says nothing, and no verdict is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.against_people import FEWEST_CLUSTERS, JudgedItems, judged_items
from rating.stats.arrays import Bools, Floats, Ints, compressed, floats
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import clustered_means

NULL_PASSES = "a judge that knows nothing passes too"
NOBODY = "nobody has enough items that others and the judge have judged too"
FEW_QUESTIONS = "too few questions for a verdict"
"""Those who were tested judged items of fewer than FEWEST_CLUSTERS questions between them."""
TWO_PEOPLE = "fewer than three people: the judge is compared with single persons, not with a group"

FEWEST_ITEMS = 30
NULL_SEED = 20250120
"""Seed of the judge that draws its values from those that people gave."""


@dataclass(frozen=True, slots=True)
class NullJudge:
    """A judge that knows nothing: always `value`, or drawn from the people's values (None). Rates as in the test."""

    value: int | None
    winning_rate: float
    advantage: float
    passes: bool


@dataclass(frozen=True, slots=True)
class Replaced:
    """One person and the judge in that person's place: `advantage`, the share of `items` on which the judge is at least
    as near to the other people; `p`, one-sided, that the person is ahead by ε or more; `won`: rejected after correction."""

    person: int
    advantage: float
    p: float
    won: bool
    items: int


@dataclass(frozen=True, slots=True)
class AlternativeTest:
    """The test of one judge. None where nobody has enough items.

    `winning_rate` ω: share of `people` whom the judge can replace; `passes` from one half. `advantage` ρ: mean over people.
    `null_passes`: whether some judge that knows nothing passes. `verdict`: None then and with fewer than FEWEST_CLUSTERS questions,
    else it is `passes`; `note` says why.
    `left_out`: people with too few items.
    """

    winning_rate: float | None
    advantage: float | None
    epsilon: float
    passes: bool | None
    null_passes: bool
    verdict: bool | None
    note: str
    people: int
    left_out: int
    persons: tuple[Replaced, ...]
    nulls: tuple[NullJudge, ...]


def alternative_test(
    item: ArrayLike,
    judge: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    is_person: ArrayLike,
    machine: int,
    marks: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    epsilon: float = 0.2,
    fewest: int = FEWEST_ITEMS,
    rate: float = 0.05,
) -> AlternativeTest:
    """Whether the judge `machine` can replace people; columns (n,) as in `against_people`.

    Nearness is the share of the others' equal values, or with `marks` (V,) their root mean square distance. `epsilon`: what a
    person may be ahead (the paper: 0.2 for experts, 0.15 for skilled, 0.1 for crowd workers). `rate`: false discoveries.
    `cluster`: question of each vote, each one observation; the paper takes items. People with fewer than `fewest` items are left out.
    Raises ImpossibleInput.
    """
    if not 0.0 <= epsilon < 1.0 or not 0.0 < rate < 1.0:
        raise ImpossibleInput(f"epsilon {epsilon:g} and rate {rate:g} must be shares")
    if fewest < 2:
        raise ImpossibleInput(f"{fewest} as the fewest items; at least 2")
    judged = judged_items(item, judge, value, values=values, is_person=is_person, machine=machine, cluster=cluster)
    worth = None if marks is None else floats(marks, "marks")
    if worth is not None and worth.size != values:
        raise ImpossibleInput(f"{worth.size} marks for {values} values")
    enough = _with_enough(judged, fewest)
    left_out = int(np.unique(judged.person).size - np.unique(judged.person[enough]).size)
    if not enough.any():
        return AlternativeTest(None, None, epsilon, None, False, None, NOBODY, 0, left_out, (), ())
    seats = _Seats(judged, enough, _distances(judged, worth)[enough])

    winning, advantage, persons = _tried(seats, judged.said, epsilon=epsilon, rate=rate)
    nulls = []
    for constant, said in _null_judges(judged, values):
        null_winning, null_advantage, _ = _tried(seats, said, epsilon=epsilon, rate=rate)
        nulls.append(NullJudge(constant, null_winning, null_advantage, passes=null_winning >= 0.5))
    questions = np.unique(judged.cluster[judged.of[enough]]).size
    few = questions < FEWEST_CLUSTERS
    return _told(winning, advantage, persons, tuple(nulls), epsilon=epsilon, left_out=left_out, few=few)


def false_discovery(p: ArrayLike, rate: float) -> Bools:
    """Which of the hypotheses (k,) Benjamini and Yekutieli's procedure rejects at `rate`, under any dependence."""
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    step = np.arange(1, raw.size + 1)
    below = np.flatnonzero(raw[order] <= step * rate / (raw.size * (1 / step).sum())) if raw.size else step
    rejected = np.zeros(raw.size, dtype=bool)
    rejected[order[: below.max(initial=-1) + 1]] = True
    return rejected


@dataclass(frozen=True, slots=True)
class _Seats:
    """People's votes that count (k of those in `judged`), and each value's distance (k, V) from the others on the item."""

    judged: JudgedItems
    rows: Bools
    distance: Floats


def _with_enough(judged: JudgedItems, fewest: int) -> Bools:
    if judged.person.size == 0:
        return np.zeros(0, dtype=bool)
    person, persons = compressed(judged.person)
    enough: Bools = (np.bincount(person, minlength=persons) >= fewest)[person]
    return enough


def _distances(judged: JudgedItems, worth: Floats | None) -> Floats:
    """How far each value (votes, V) is from the votes of the others on the item, as a sum over them."""
    counts = judged.counts[judged.of]
    if worth is None:
        own = np.zeros_like(counts)
        own[np.arange(own.shape[0]), judged.value] = 1.0
        return own - counts
    centred = worth - worth.mean()
    mark = centred[judged.value]
    others = counts.sum(axis=1) - 1
    once, twice = counts @ centred - mark, counts @ centred**2 - mark**2
    distance: Floats = others[:, None] * centred**2 - 2 * once[:, None] * centred + twice[:, None]
    return distance


def _tried(seats: _Seats, said: Ints, *, epsilon: float, rate: float) -> tuple[float, float, tuple[Replaced, ...]]:
    """ω, ρ and every person, for a judge that said `said` (items,)."""
    judged, row = seats.judged, np.arange(seats.distance.shape[0])
    theirs = seats.distance[row, said[judged.of[seats.rows]]]
    own = seats.distance[row, judged.value[seats.rows]]
    same = np.abs(theirs - own) <= 1e-9 * (1 + np.abs(own))
    ahead = np.where(same, 0.0, np.sign(theirs - own))
    people = judged.person[seats.rows]
    person, persons = compressed(people)
    means = clustered_means(person, judged.cluster[judged.of[seats.rows]], value=ahead, groups=persons)
    p = chance_of_less(means.mean, means.error, epsilon=epsilon, clusters=means.clusters)
    advantage = np.bincount(person, ahead <= 0, minlength=persons) / means.n
    won = false_discovery(p, rate)
    found = tuple(
        Replaced(int(code), float(advantage[k]), float(p[k]), bool(won[k]), int(means.n[k]))
        for k, code in enumerate(np.unique(people))
    )
    return float(won.mean()), float(advantage.mean()), found


def chance_of_less(mean: Floats, error: Floats, *, epsilon: float, clusters: Ints) -> Floats:
    """One-sided p (k,) that the mean of values up to 1 is not below ε, by t; 1 with a single cluster.

    Where all clusters are at the mean c < ε there is no t. A mean of ε leaves at most (1 − ε)/(1 − c) of the clusters
    at c, the others at 1; that all are is its power.
    """
    from scipy.special import stdtr

    estimate, freedom = mean - epsilon, clusters - 1
    spread, below = error > 0, (estimate < -1e-12) & (freedom > 0)
    with_spread = stdtr(np.maximum(freedom, 1), estimate / np.where(spread, error, 1.0))
    most = np.where(below, (1 - epsilon) / (1 - np.where(below, mean, 0.0)), 1.0)
    p: Floats = np.where(spread, with_spread, most**clusters)
    return p


def _null_judges(judged: JudgedItems, values: int) -> list[tuple[int | None, Ints]]:
    items = judged.said.size
    constant: list[tuple[int | None, Ints]] = [(value, np.full(items, value)) for value in range(values)]
    drawn = np.random.default_rng(NULL_SEED).choice(judged.value, size=items)
    return [*constant, (None, drawn)]


def _told(
    winning: float,
    advantage: float,
    persons: tuple[Replaced, ...],
    nulls: tuple[NullJudge, ...],
    *,
    epsilon: float,
    left_out: int,
    few: bool,
) -> AlternativeTest:
    passes, null_passes = winning >= 0.5, any(null.passes for null in nulls)
    return AlternativeTest(
        winning_rate=winning,
        advantage=advantage,
        epsilon=epsilon,
        passes=passes,
        null_passes=null_passes,
        verdict=None if few or null_passes else passes,
        note=FEW_QUESTIONS if few else NULL_PASSES if null_passes else TWO_PEOPLE if len(persons) < 3 else "",
        people=len(persons),
        left_out=left_out,
        persons=persons,
        nulls=nulls,
    )
