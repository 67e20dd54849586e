"""A judge against people: does it agree with a person as often as two people agree, on the same items?

Sources: shares of vote pairs as in Zheng et al. (2023), Judging LLM-as-a-Judge, appendix D.3; jackknife over questions
as in Efron and Stein (1981), The Annals of Statistics 9; adjusted p as in Holm (1979), Scandinavian Journal of Statistics 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Bools, Floats, Ints, check_level, codes, compressed, same_length
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import clustered_means, share_interval, student, wilson
from rating.stats.kappa import Weights, check_values, credits
from rating.stats.patterns import refuse_repeats

BELOW = "below"
"""Verdict: the judge agrees with people less than they do with each other; the interval lies under 0."""
NOT_WORSE = "not worse"
"""Verdict: the interval lies above minus the margin."""
CANNOT_TELL = "cannot tell"
"""Verdict: the interval reaches from below minus the margin over 0, or there is none."""
FEW = "few"
"""Verdict: fewer than FEWEST_ITEMS items or FEWEST_CLUSTERS questions; nothing is claimed."""

FEWEST_ITEMS = 30
FEWEST_CLUSTERS = 5
FEWEST_SHARED = 10

Unit = Literal["pair", "item"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number among people, the same between judge and people, and the difference; None where it is undefined.

    `difference`: judge minus people. `low`, `high`: its t interval from leaving out one question at a time, at a level
    that allows for the number of categories (Bonferroni). `p`: two-sided, for no difference; `p_adjusted`: Holm's over
    the categories that are not FEW, None for one that is. `people_pairs`, `judge_pairs`: vote pairs counted on `items` items of
    `clusters` questions. `verdict`: BELOW, NOT_WORSE, CANNOT_TELL or FEW.
    """

    people: float | None
    judge: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    people_pairs: int
    judge_pairs: int
    items: int
    clusters: int
    verdict: str


@dataclass(frozen=True, slots=True)
class AgainstPeople:
    """A judge against people in one category (its code), or in all (None).

    `raw`: share of equal vote pairs (MT-bench's S1). `decided`: the same without ties (S2); None where no tie is named.
    `corrected`: both shares corrected for chance, each by the values its own pairs use: κ of the table of vote pairs.
    """

    category: int | None
    raw: Comparison
    decided: Comparison | None
    corrected: Comparison


@dataclass(frozen=True, slots=True)
class PairShare:
    """Share of equal vote pairs of a judge and one person, of `pairs`; None without any; ends None with one question."""

    share: float | None
    low: float | None
    high: float | None
    pairs: int


@dataclass(frozen=True, slots=True)
class WithPeople:
    """How often a judge agrees with a person in one category (its code), or in all (None); `decided` without ties."""

    category: int | None
    raw: PairShare
    decided: PairShare | None


@dataclass(frozen=True, slots=True)
class BesidePerson:
    """One person and the judge in that person's place, on the items they share, each against the other people.

    `own`, `judge`: shares of equal vote pairs of `pairs`; `difference`: judge minus own with its interval over
    `clusters` questions, None with fewer than two or without spread. `items`: votes of this person that were used.
    """

    person: int
    own: float
    judge: float
    difference: float
    low: float | None
    high: float | None
    pairs: int
    items: int
    clusters: int


@dataclass(frozen=True, slots=True)
class AmongPeople:
    """Where a judge stands among people, each compared in that person's own place.

    `beaten`: share of the people whom the judge matches or beats, an equal one counting half; `low`, `high`: Wilson's
    interval over people. `rank`: 1 + number of people who do better, of `people` + 1. `median_person`: whether the judge
    is at least as good as the median person. All None without people. `left_out`: people with too few shared items.
    """

    beaten: float | None
    low: float | None
    high: float | None
    rank: int | None
    median_person: bool | None
    people: int
    left_out: int
    persons: tuple[BesidePerson, ...]


def against_people(
    item: ArrayLike,
    judge: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    is_person: ArrayLike,
    machine: int,
    cluster: ArrayLike | None = None,
    category: ArrayLike | None = None,
    tie: int | None = None,
    weights: Weights | None = None,
    unit: Unit = "pair",
    margin: float = 0.05,
    level: float = 0.95,
) -> tuple[AgainstPeople, ...]:
    """The judge `machine` against people, over everything first, then in each category by code.

    `item`, `judge`, `value` (0..values-1), `cluster` (question; the item itself without), `category`: codes (n,);
    `is_person` (n,): 0 or 1. Only items with two people's votes or more and the machine's count; other machines are ignored.
    `tie` names the code of a tie. `weights`: credit for values that are near each other, as those of κ.
    `unit`: what weighs the same. "pair" is the published definition; where items have unequal numbers of votes it gives
    the most voted items more weight among people than between judge and people, so that an exchangeable judge need not
    show 0; "item" weighs each item alike on both sides, and uses only those that have pairs on both.
    `margin`: the loss, as a share, that still passes as not worse. Raises ImpossibleInput, also for two votes of one
    judge on one item, and for an item in two questions or categories.
    """
    if unit not in ("pair", "item"):
        raise ImpossibleInput(f"the unit is pair or item, not {unit!r}")
    if not 0.0 <= margin < 1.0:
        raise ImpossibleInput(f"margin {margin:g} is not a share from 0")
    check_level(level)
    judged = judged_items(item, judge, value, values=values, is_person=is_person, machine=machine, cluster=cluster)
    groups = _per_item(judged, category, "category")
    credit = credits(values, weights)
    everything = _pairs(judged, credit=credit, unit=unit)
    without_ties = None if tie is None else _pairs(_decided(judged, tie), credit=credit, unit=unit)

    def rows(group: Ints, *, family: bool) -> list[tuple[Comparison, Comparison | None, Comparison]]:
        def compare(sums: _Sums, *, corrected: bool) -> list[Comparison]:
            return _comparisons(sums, corrected=corrected, family=family, margin=margin, level=level)

        sums = _sums(everything, group=group, cluster=judged.cluster, credit=credit)
        raw, chance = compare(sums, corrected=False), compare(sums, corrected=True)
        decided: list[Comparison | None] = [None] * len(raw)
        if without_ties is not None:
            sums = _sums(without_ties, group=group, cluster=judged.cluster, credit=credit)
            decided = [*compare(sums, corrected=False)]
        return list(zip(raw, decided, chance, strict=True))

    overall = AgainstPeople(None, *rows(np.zeros_like(judged.cluster), family=False)[0])
    if category is None or not groups.size:
        return (overall,)
    found = zip(np.unique(groups), rows(compressed(groups)[0], family=True), strict=True)
    return (overall, *(AgainstPeople(int(code), *row) for code, row in found))


def with_people(
    item: ArrayLike,
    judge: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    is_person: ArrayLike,
    machine: int,
    cluster: ArrayLike | None = None,
    category: ArrayLike | None = None,
    tie: int | None = None,
    level: float = 0.95,
) -> tuple[WithPeople, ...]:
    """How often the judge `machine` agrees with a person, also on items that one person only has judged.

    Columns and order of rows as in `against_people`. What people make of each other is not in it: these items may be
    easier or harder than those with two people's votes. Wilson's interval at the effective number of votes, clustered by question.
    """
    check_level(level)
    judged = judged_items(
        item, judge, value, values=values, is_person=is_person, machine=machine, cluster=cluster, fewest=1
    )
    groups = _per_item(judged, category, "category")
    everything, decided = np.ones(judged.value.size, dtype=bool), None
    if tie is not None:
        spoken = _decided(judged, tie).said[judged.of] >= 0
        decided = spoken & (judged.value != tie)

    def rows(group: Ints, number: int) -> list[tuple[PairShare, PairShare | None]]:
        raw = _pair_shares(judged, everything, group=group, groups=number, level=level)
        if decided is None:
            return [(share, None) for share in raw]
        return list(zip(raw, _pair_shares(judged, decided, group=group, groups=number, level=level), strict=True))

    overall = WithPeople(None, *rows(np.zeros_like(groups), 1)[0])
    if category is None:
        return (overall,)
    found = zip(np.unique(groups), rows(*compressed(groups)), strict=True)
    return (overall, *(WithPeople(int(code), *row) for code, row in found))


def _pair_shares(judged: JudgedItems, counted: Bools, *, group: Ints, groups: int, level: float) -> list[PairShare]:
    of = judged.of[counted]
    hit = (judged.value[counted] == judged.said[of]).astype(np.float64)
    means = clustered_means(group[of], judged.cluster[of], value=hit, groups=groups)
    low, high = share_interval(means, level=level)
    return [
        PairShare(_number(means.mean[k]), _number(low[k]), _number(high[k]), int(means.n[k])) for k in range(groups)
    ]


def among_people(
    item: ArrayLike,
    judge: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    is_person: ArrayLike,
    machine: int,
    cluster: ArrayLike | None = None,
    fewest: int = FEWEST_SHARED,
    level: float = 0.95,
) -> AmongPeople:
    """Whether the judge `machine` is as good as the median person: leave one person out, put the judge in that place.

    Columns as in `against_people`. People with fewer than `fewest` shared items are counted in `left_out` only.
    """
    check_level(level)
    judged = judged_items(item, judge, value, values=values, is_person=is_person, machine=machine, cluster=cluster)
    persons = _beside_persons(judged, level=level)
    shown = tuple(person for person in persons if person.items >= fewest)
    if not shown:
        return AmongPeople(None, None, None, None, None, 0, len(persons), ())
    gaps = np.array([person.difference for person in shown])
    better, worse = int((gaps < -1e-12).sum()), int((gaps > 1e-12).sum())
    beaten = (worse + (len(shown) - better - worse) / 2) / len(shown)
    low, high = wilson(beaten * len(shown), len(shown), level=level)
    return AmongPeople(
        beaten=beaten,
        low=float(low),
        high=float(high),
        rank=1 + better,
        median_person=beaten >= 0.5,
        people=len(shown),
        left_out=len(persons) - len(shown),
        persons=shown,
    )


@dataclass(frozen=True, slots=True)
class JudgedItems:
    """Items with the machine's vote and enough people's: `counts` (items, V) of people's votes, `said` (items,) by the machine.

    `cluster` (items,) from 0. `person`, `value`, `of` (votes,): people's votes on these items and their item's index.
    `item` (n,): index of each row of the input, -1 where its item is not among these.
    """

    counts: Floats
    said: Ints
    cluster: Ints
    person: Ints
    value: Ints
    of: Ints
    item: Ints


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Vote pairs by item or by question, (k,) or (k, V): number, credit, and what values they use.

    Among people `people_pairs`, `people_same`, `people_used`; between the judge and people `judge_pairs`, `judge_same`
    and, for each side, `judge_used` and `judged_used`. `items`: 1 for an item that has pairs. `counted` keeps the number
    of pairs where each item weighs the same.
    """

    people_pairs: Floats
    people_same: Floats
    people_used: Floats
    judge_pairs: Floats
    judge_same: Floats
    judge_used: Floats
    judged_used: Floats
    counted: Floats
    items: Floats


def judged_items(
    item: ArrayLike,
    judge: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    is_person: ArrayLike,
    machine: int,
    cluster: ArrayLike | None,
    fewest: int = 2,
) -> JudgedItems:
    """The items that `machine` and at least `fewest` people have judged, with people's votes on them.

    Columns (n,) as in `against_people`, which see for what raises ImpossibleInput.
    """
    check_values(values)
    what, who, given = codes(item, "item"), codes(judge, "judge"), codes(value, "value", below=values)
    people = codes(is_person, "is_person", below=2) == 1
    same_length(item=what, judge=who, value=given, is_person=people)
    ours = who == machine
    if (ours & people).any():
        raise ImpossibleInput(f"judge {machine} is a person at row {int(np.flatnonzero(ours & people)[0])}")
    used = ours | people
    refuse_repeats(what[used], who[used])
    index, items = compressed(what)
    said = np.full(items, -1, dtype=np.int64)
    said[index[ours]] = given[ours]
    kept = (np.bincount(index[people], minlength=items) >= fewest) & (said >= 0)
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    votes = people & kept[index]
    of, total = number[index[votes]], int(kept.sum())
    counts = np.bincount(of * values + given[votes], minlength=total * values).reshape(total, values)
    judged = JudgedItems(
        counts=counts.astype(np.float64),
        said=said[kept],
        cluster=np.arange(total),
        person=who[votes],
        value=given[votes],
        of=of,
        item=number[index],
    )
    if cluster is None:
        return judged
    return replace(judged, cluster=compressed(_per_item(judged, cluster, "cluster"))[0])


def _per_item(judged: JudgedItems, column: ArrayLike | None, name: str) -> Ints:
    """The code of each kept item in a column (n,) that must not differ within an item; 0 without one."""
    found = np.zeros(judged.said.size, dtype=np.int64)
    if column is None:
        return found
    given = codes(column, name)
    same_length(item=judged.item, **{name: given})
    kept = judged.item >= 0
    found[judged.item[kept]] = given[kept]
    if (found[judged.item[kept]] != given[kept]).any():
        raise ImpossibleInput(f"one item belongs to two values of {name}")
    return found


def _decided(judged: JudgedItems, tie: int) -> JudgedItems:
    """The same items without votes for a tie; the machine's tie becomes -1."""
    if not 0 <= tie < judged.counts.shape[1]:
        raise ImpossibleInput(f"the tie {tie} is not one of the values 0..{judged.counts.shape[1] - 1}")
    counts = judged.counts.copy()
    counts[:, tie] = 0.0
    return replace(judged, counts=counts, said=np.where(judged.said == tie, -1, judged.said))


def _pairs(judged: JudgedItems, *, credit: Floats, unit: Unit) -> _Pairs:
    counts, said = judged.counts, judged.said
    votes, spoken = counts.sum(axis=1), said >= 0
    near = counts @ credit
    row = np.arange(said.size)
    used = np.zeros_like(counts)
    used[row[spoken], said[spoken]] = votes[spoken]
    found = _Pairs(
        people_pairs=votes * (votes - 1) / 2,
        people_same=((near * counts).sum(axis=1) - votes) / 2,
        people_used=counts * (votes - 1)[:, None],
        judge_pairs=votes * spoken,
        judge_same=np.where(spoken, near[row, said], 0.0),
        judge_used=used,
        judged_used=counts * spoken[:, None],
        counted=np.stack([votes * (votes - 1) / 2, votes * spoken], axis=1),
        items=((votes > 1) | (spoken & (votes > 0))).astype(np.float64),
    )
    return found if unit == "pair" else _each_item_alike(found)


def _each_item_alike(pairs: _Pairs) -> _Pairs:
    both = ((pairs.people_pairs > 0) & (pairs.judge_pairs > 0)).astype(np.float64)
    people, judge = both / np.maximum(pairs.people_pairs, 1), both / np.maximum(pairs.judge_pairs, 1)
    return _Pairs(
        people_pairs=both,
        people_same=pairs.people_same * people,
        people_used=pairs.people_used * people[:, None],
        judge_pairs=both,
        judge_same=pairs.judge_same * judge,
        judge_used=pairs.judge_used * judge[:, None],
        judged_used=pairs.judged_used * judge[:, None],
        counted=pairs.counted * both[:, None],
        items=both,
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """Pairs by (group, question), the group of each, and the credit (V, V) they were counted with."""

    pairs: _Pairs
    group: Ints
    groups: int
    credit: Floats


def _sums(pairs: _Pairs, *, group: Ints, cluster: Ints, credit: Floats) -> _Sums:
    groups = int(group.max(initial=0)) + 1
    cell, cells = compressed(group * (int(cluster.max(initial=0)) + 1) + cluster)
    of_cell = np.zeros(cells, dtype=np.int64)
    of_cell[cell] = group
    summed = _added(pairs, cell, cells)
    some = summed.items > 0
    return _Sums(pairs=_taken(summed, some), group=of_cell[some], groups=groups, credit=credit)


def _added(pairs: _Pairs, index: Ints, size: int) -> _Pairs:
    def add(column: Floats) -> Floats:
        if column.ndim == 1:
            return columns_added([column], index, size=size)[:, 0]
        return columns_added(column.T, index, size=size)

    return _Pairs(*(add(getattr(pairs, name)) for name in _Pairs.__slots__))


def columns_added(columns: Iterable[Floats], index: Ints, *, size: int) -> Floats:
    """Sums (size, k) of k columns (n,) by `index` (n,)."""
    sums = [np.bincount(index, column, minlength=size) for column in columns]
    return np.stack(sums, axis=1).astype(np.float64, copy=False)


def _taken(pairs: _Pairs, rows: Bools | Ints) -> _Pairs:
    return _Pairs(*(getattr(pairs, name)[rows] for name in _Pairs.__slots__))


def _minus(total: _Pairs, part: _Pairs) -> _Pairs:
    return _Pairs(*(getattr(total, name) - getattr(part, name) for name in _Pairs.__slots__))


def _comparisons(sums: _Sums, *, corrected: bool, family: bool, margin: float, level: float) -> list[Comparison]:
    total = _added(sums.pairs, sums.group, sums.groups)
    credit = sums.credit if corrected else None
    people, judge = _figures(total, credit=credit)
    left_people, left_judge = _figures(_minus(_taken(total, sums.group), sums.pairs), credit=credit)
    error, clusters = jackknife(left_judge - left_people, sums.group, groups=sums.groups)
    difference = judge - people
    few = (total.items < FEWEST_ITEMS) | (clusters < FEWEST_CLUSTERS)
    tested = ~few & ~np.isnan(error) & ~np.isnan(difference)
    tests = max(int(tested.sum()), 1) if family else 1
    half = error * student(1 - (1 - level) / tests, clusters - 1)
    furthest = 2.0 if corrected else 1.0  # no two shares, and no two κ, are further apart
    low, high = np.maximum(difference - half, -furthest), np.minimum(difference + half, furthest)
    p = _two_sided(difference, error, freedom=clusters - 1)
    adjusted = np.full(sums.groups, np.nan)
    adjusted[tested] = holm(p[tested]) if family else p[tested]
    return [
        Comparison(
            people=_number(people[k]),
            judge=_number(judge[k]),
            difference=_number(difference[k]),
            low=_number(low[k]),
            high=_number(high[k]),
            p=_number(p[k]),
            p_adjusted=_number(adjusted[k]),
            people_pairs=round(float(total.counted[k, 0])),
            judge_pairs=round(float(total.counted[k, 1])),
            items=round(float(total.items[k])),
            clusters=int(clusters[k]),
            verdict=_verdict(low[k], high[k], few=bool(few[k]), margin=margin),
        )
        for k in range(sums.groups)
    ]


def holm(p: ArrayLike) -> Floats:
    """Holm's adjusted p (k,) of the p (k,) of one family. Raises ImpossibleInput outside 0..1 (NaN is outside)."""
    raw = np.asarray(p, dtype=np.float64)
    if not ((raw >= 0) & (raw <= 1)).all():
        raise ImpossibleInput("a p is a number from 0 to 1")
    order = np.argsort(raw, kind="stable")
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * np.arange(raw.size, 0, -1)), 1.0)
    return adjusted


def _figures(pairs: _Pairs, *, credit: Floats | None) -> tuple[Floats, Floats]:
    """The share (k,) among people and between judge and people, corrected for chance with `credit`; NaN where undefined."""
    people, judge = _ratio(pairs.people_same, pairs.people_pairs), _ratio(pairs.judge_same, pairs.judge_pairs)
    if credit is None:
        return people, judge
    return (
        _beyond_chance(people, pairs.people_used, pairs.people_used, credit),
        _beyond_chance(judge, pairs.judged_used, pairs.judge_used, credit),
    )


def _beyond_chance(share: Floats, one: Floats, other: Floats, credit: Floats) -> Floats:
    credited = (one * (other @ credit)).sum(axis=-1)
    chance = _ratio(credited, one.sum(axis=-1) * other.sum(axis=-1))
    varied = chance < 1 - 1e-12
    return np.where(varied, (share - chance) / np.where(varied, 1 - chance, 1.0), np.nan)


def jackknife(left: Floats, group: Ints, *, groups: int) -> tuple[Floats, Ints]:
    """Standard error (groups,) from the figures without each question (k,), NaN where unknown; and the questions."""
    n = np.bincount(group, minlength=groups)
    mean = np.bincount(group, left, minlength=groups) / np.maximum(n, 1)
    spread = np.bincount(group, (left - mean[group]) ** 2, minlength=groups)
    error = np.sqrt(spread * (n - 1) / np.maximum(n, 1))
    # questions that all show the same do not say how far the next one may be from them
    return np.where((n > 1) & (error > 1e-12), error, np.nan), n.astype(np.int64)


def _two_sided(estimate: Floats, error: Floats, *, freedom: Ints) -> Floats:
    from scipy.special import stdtr

    tail: Floats = 2.0 * stdtr(np.maximum(freedom, 1), -np.abs(estimate / error))
    return tail


def _verdict(low: float, high: float, *, few: bool, margin: float) -> str:
    if few:
        return FEW
    if high < 0:
        return BELOW
    return NOT_WORSE if low > -margin else CANNOT_TELL


def _beside_persons(judged: JudgedItems, *, level: float) -> list[BesidePerson]:
    if judged.person.size == 0:
        return []
    person, persons = compressed(judged.person)
    others: Floats = judged.counts.sum(axis=1)[judged.of] - 1
    own = judged.counts[judged.of, judged.value] - 1
    said = judged.said[judged.of]
    judge = judged.counts[judged.of, said] - (judged.value == said)
    clusters = int(judged.cluster.max()) + 1
    cell, cells = compressed(person * clusters + judged.cluster[judged.of])
    of_cell = np.zeros(cells, dtype=np.int64)
    of_cell[cell] = person
    part = columns_added((own, judge, others), cell, size=cells)
    total = columns_added(part.T, of_cell, size=persons)
    left = total[of_cell] - part
    error, n = jackknife(_ratio(left[:, 1] - left[:, 0], left[:, 2]), of_cell, groups=persons)
    half = error * student(level, n - 1)
    shares = total[:, :2] / total[:, 2:]
    gap = shares[:, 1] - shares[:, 0]
    votes = np.bincount(person, minlength=persons)
    return [
        BesidePerson(
            person=int(code),
            own=float(shares[k, 0]),
            judge=float(shares[k, 1]),
            difference=float(gap[k]),
            low=_number(gap[k] - half[k]),
            high=_number(gap[k] + half[k]),
            pairs=round(float(total[k, 2])),
            items=int(votes[k]),
            clusters=int(n[k]),
        )
        for k, code in enumerate(np.unique(judged.person))
    ]


def _ratio(part: Floats, whole: Floats) -> Floats:
    # what is left of a sum after subtracting all of it is no pair
    some = whole > 1e-9
    result: Floats = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=some)
    return result


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
