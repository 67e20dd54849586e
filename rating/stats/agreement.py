"""Agreement between judges: the raw share, chance-corrected numbers and an interval, together or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, compressed
from rating.stats.columns import Columns, Scale, columns_of, scale_of
from rating.stats.intervals import ClusteredMeans, share_interval
from rating.stats.kappa import (
    Weights,
    ac1,
    ac2,
    ac_of_table,
    cohen_of_table,
    crossed,
    fleiss_kappa,
    scott_of_table,
)
from rating.stats.krippendorff import NO_SPREAD, Level, Votes, alpha, alpha_interval, votes_between, votes_of_patterns
from rating.stats.pairwise import judge_pairs
from rating.stats.patterns import Patterns, patterns

NO_PAIRS = "no item with two votes"
ONE_VALUE = "only one value used"
ONE_UNIT = "one question only"
NO_DISAGREEMENT = "no disagreement seen"
"""The votes on each item are equal, in several values over all: how far the next item may be from that is not known."""
ALL_ALIKE = "questions all alike"
"""α is the same without any one question (item, without questions): they do not say how far the next may be from them."""
FEW_UNITS = "few questions"
"""Fewer than FEWEST_QUESTIONS questions, with several items each, carry the interval of α: it is rough, and wide."""

FEWEST_QUESTIONS = 10
FEWEST_ITEMS = 30
"""Fewer items than this say little: shown grey, with how many are wanting."""
SKEWED = 0.8
"""Where the commonest value has a larger share, chance-corrected numbers fall for no fault of the judges: AC1 is shown."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two judges or more agree on. None stands for what is undefined, and `note` says why; FEW_UNITS, that α's ends are rough.

    `raw`: share of vote pairs on one item that are equal (MT-bench's S1), of `pairs` pairs; `raw_decided`: the same
    without ties (S2), of `pairs_decided`; None where no tie is named; each with the ends of Wilson's interval at the effective
    number of questions. `kappa`: Cohen's for two judges, Fleiss' for more, named in `kappa_kind`
    ("cohen", "fleiss", with "_linear" or "_quadratic"). `alpha`: Krippendorff's, with `low`, `high` from `interval`
    ("jackknife", "bootstrap" or ""). `ac1`: Gwet's, worth showing when `top_share`, the share of the
    commonest value, passes 0.8. For exports: `fleiss`, which of two judges is Scott's π, and `ac2`, both with the weights of
    κ; `ac2` is None without. `n`: items with two votes or more, of `clusters` questions (items without questions);
    `judges`: judges with a vote on them.
    """

    raw: float | None = None
    raw_decided: float | None = None
    kappa: float | None = None
    kappa_kind: str = ""
    alpha: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    ac1: float | None = None
    top_share: float | None = None
    n: int = 0
    judges: int = 0
    pairs: int = 0
    pairs_decided: int = 0
    note: str = ""
    raw_low: float | None = None
    raw_high: float | None = None
    decided_low: float | None = None
    decided_high: float | None = None
    clusters: int = 0
    fleiss: float | None = None
    ac2: float | None = None

    @property
    def wanted(self) -> int:
        """How many more items it takes for the numbers to say something."""
        return max(FEWEST_ITEMS - self.n, 0)

    @property
    def questions_wanted(self) -> int:
        """How many more questions it takes, where more items of the same ones would not help."""
        return max(FEWEST_QUESTIONS - self.clusters, 0) if self.note in (ONE_UNIT, FEW_UNITS) else 0

    @property
    def skewed(self) -> bool:
        """Whether one value is so common that AC1 should stand beside α."""
        return self.top_share is not None and self.top_share > SKEWED


def note_of(alpha: float | None, *, items: int, units: int, has_interval: bool) -> str:
    """Why `alpha` of so many items in so many units (questions, or the items) has no interval, or a rough one; "" for neither."""
    if units < 2:
        return ONE_UNIT
    if not has_interval:
        return ALL_ALIKE if alpha is None or alpha < 1 - NO_SPREAD else NO_DISAGREEMENT
    return FEW_UNITS if units < min(items, FEWEST_QUESTIONS) else ""


@dataclass(frozen=True, slots=True)
class JudgePair:
    """Two judges (their codes) and what they agree on, over the items both have judged."""

    first: int
    second: int
    agreement: Agreement


def agree(
    item: ArrayLike,
    judge: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    level: Level = "nominal",
    cluster: ArrayLike | None = None,
    weights: Weights | None = None,
    tie: int | None = None,
    marks: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Agreement:
    """Agreement of all judges over all items; votes may be missing, rows in any order.

    `item`, `judge`, `value`: codes (n,), value in 0..values-1 in their order; `values` is the number the rubric allows,
    not the number that occurs. `level`: "nominal", "ordinal" or "interval" (then `marks` (V,) may say what the values
    are worth). A tie between a and b is the middle of three ordinal values; `tie` names its code, for the share
    without ties. `cluster` (n,): question of each vote; the interval resamples questions, not items. `weights` are those of κ.
    Raises ImpossibleInput, also where a judge has two votes on one item: repeats measure consistency, not agreement.
    """
    scale = scale_of(values, level=level, weights=weights, tie=tie, marks=marks, confidence=confidence)
    return agreement_of(columns_of(item, judge, value, cluster=cluster, scale=scale), scale)


def pairwise_table(
    item: ArrayLike,
    judge: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    level: Level = "nominal",
    cluster: ArrayLike | None = None,
    weights: Weights | None = None,
    tie: int | None = None,
    marks: ArrayLike | None = None,
    confidence: float = 0.95,
) -> tuple[JudgePair, ...]:
    """`agree` for any two judges, ordered by their codes; two who share no item have the note NO_PAIRS."""
    scale = scale_of(values, level=level, weights=weights, tie=tie, marks=marks, confidence=confidence)
    return agreement_by_pair(columns_of(item, judge, value, cluster=cluster, scale=scale), scale)


def agreement_of(columns: Columns, scale: Scale) -> Agreement:
    """`agree`, from columns that have passed the checks."""
    found = patterns(columns.item, columns.value, values=scale.values)
    votes = votes_of_patterns(found, question=columns.question(found.of_item.size))
    if votes.items == 0:
        return Agreement(note=NO_PAIRS)
    counts, times = votes.kinds.counts, votes.kinds.times
    judges, table = _who(columns, found, scale.values)
    fleiss = fleiss_kappa(counts, times=times, weights=scale.weights)
    evidence = _Evidence(
        votes=votes,
        pairs=_pairs(counts),
        decided=None if scale.tie is None else _pairs(np.delete(counts, scale.tie, axis=1)),
        kappa_kind="fleiss" if table is None else "cohen",
        kappa=fleiss if table is None else cohen_of_table(table, weights=scale.weights),
        fleiss=fleiss,
        ac1=ac1(counts, times=times),
        ac2=None if scale.weights is None else ac2(counts, times=times, weights=scale.weights),
        judges=judges,
    )
    return _told(evidence, scale)


def agreement_between(
    said: Ints, others: Floats, of: Ints, *, question: Ints | None, judges: int, scale: Scale
) -> Agreement:
    """Agreement of one judge with each of the others on an item; the others with each other do not count.

    `said` (items,): the judge's values; `of` (items,): the pattern of the others' votes, whose counts are `others` (P, V).
    `raw` and `raw_decided` are of vote pairs; in κ, α and AC1 each item weighs the same: two judges, one of them drawn
    from the others.
    """
    if said.size == 0:
        return Agreement(note=NO_PAIRS)
    kept = compressed(of)[0]
    others = others[np.bincount(of, minlength=others.shape[0]) > 0]
    votes = votes_between(said, others, kept, question=question)
    mine, theirs, times = votes.kinds.left, votes.kinds.right / 2, votes.kinds.times
    many = _of_kinds(others.sum(axis=1), said, kept, values=scale.values)
    table = (mine * times[:, None]).T @ theirs
    evidence = _Evidence(
        votes=votes,
        pairs=np.stack([many * (mine * theirs).sum(axis=1), many], axis=1),
        decided=None if scale.tie is None else _decided(mine, theirs * many[:, None], scale.tie),
        kappa_kind="cohen",
        kappa=cohen_of_table(table, weights=scale.weights),
        fleiss=scott_of_table(table, weights=scale.weights),
        ac1=ac_of_table(table, weights=None),
        ac2=None if scale.weights is None else ac_of_table(table, weights=scale.weights),
        judges=judges,
    )
    return _told(evidence, scale)


def agreement_by_pair(columns: Columns, scale: Scale) -> tuple[JudgePair, ...]:
    """`pairwise_table`, from columns that have passed the checks."""
    alone = np.eye(scale.values)
    question = columns.question(int(columns.item.max(initial=-1)) + 1)
    return tuple(
        JudgePair(
            pair.first,
            pair.second,
            agreement_between(
                pair.one,
                alone,
                pair.other,
                question=None if question is None else question[columns.item[pair.row]],
                judges=2,
                scale=scale,
            ),
        )
        for pair in judge_pairs(columns.item, columns.judge, columns.value)
    )


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Votes, and by kind of item the equal vote pairs and all of them, with and without ties: `pairs`, `decided` (k, 2)."""

    votes: Votes
    pairs: Floats
    decided: Floats | None
    kappa_kind: str
    kappa: float | None
    fleiss: float | None
    ac1: float | None
    ac2: float | None
    judges: int


@dataclass(frozen=True, slots=True)
class _Share:
    """A share of n vote pairs with its interval; None without pairs, ends None with one unit."""

    share: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0


def _told(evidence: _Evidence, scale: Scale) -> Agreement:
    votes = evidence.votes
    used = votes.kinds.times @ votes.kinds.counts
    one_value = int((used > 0).sum()) == 1
    raw = _share(votes, evidence.pairs, scale.confidence)
    decided = _Share() if evidence.decided is None else _share(votes, evidence.decided, scale.confidence)
    level, marks = scale.level, scale.worth
    middle = alpha(votes, level=level, marks=marks)
    interval = None if one_value else alpha_interval(votes, level=level, marks=marks, confidence=scale.confidence)
    return Agreement(
        raw=raw.share,
        raw_decided=decided.share,
        kappa=evidence.kappa,
        kappa_kind=evidence.kappa_kind + ("" if scale.weights is None else f"_{scale.weights}"),
        alpha=middle,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        interval="" if interval is None else interval.kind,
        ac1=evidence.ac1,
        top_share=float(used.max() / used.sum()),
        n=votes.items,
        judges=evidence.judges,
        pairs=raw.n,
        pairs_decided=decided.n,
        note=ONE_VALUE
        if one_value
        else note_of(middle, items=votes.items, units=votes.units, has_interval=interval is not None),
        raw_low=raw.low,
        raw_high=raw.high,
        decided_low=decided.low,
        decided_high=decided.high,
        clusters=votes.units,
        fleiss=evidence.fleiss,
        ac2=evidence.ac2,
    )


def _share(votes: Votes, pairs: Floats, confidence: float) -> _Share:
    """Share of equal vote pairs, from the equal ones and all (k, 2) of a kind of item."""
    equal, every = votes.kinds.times @ pairs
    n = round(float(every))
    if n == 0:
        return _Share()
    units, share = votes.resampled, float(equal / every)
    mine, total = units.add(pairs[:, 0]), units.add(pairs[:, 1])
    clusters = round(float(units.size @ (total > 0)))
    spread = float(units.size @ (mine - share * total) ** 2) * clusters / max(clusters - 1, 1)
    error = np.sqrt(spread) / every if spread > 1e-12 * every else 0.0
    one = ClusteredMeans(np.array([share]), np.array([error]), np.array([n]), np.array([clusters]))
    low, high = (float(end[0]) for end in share_interval(one, level=confidence))
    return _Share(share, None if np.isnan(low) else low, None if np.isnan(high) else high, n)


def _who(columns: Columns, found: Patterns, values: int) -> tuple[int, Floats | None]:
    """Judges with a vote on an item that has two, and the table (V, V) of their values where they are two."""
    votes = found.counts.sum(axis=1)
    judge, said, item = columns.judge, columns.value, columns.item
    if (votes < 2).any():
        rows = np.flatnonzero((votes >= 2)[found.of_item[item]])
        judge, said, item = judge[rows], said[rows], item[rows]
    number, judges = compressed(judge)
    if judges != 2:
        return judges, None
    first, second = np.full(found.of_item.size, -1), np.full(found.of_item.size, -1)
    mine = number == 0
    first[item[mine]], second[item[~mine]] = said[mine], said[~mine]
    both = first >= 0
    return 2, crossed(first[both], second[both], values)


def _pairs(counts: Floats) -> Floats:
    """Equal vote pairs and all of them (k, 2) on an item with `counts` (k, V)."""
    votes = counts.sum(axis=1)
    return np.stack([(counts * (counts - 1)).sum(axis=1), votes * (votes - 1)], axis=1) / 2


def _decided(mine: Floats, theirs: Floats, tie: int) -> Floats:
    """Equal vote pairs and all (k, 2) without ties: `mine` (k, V) is 1 at the judge's value, `theirs` the others' counts."""
    one, other = np.delete(mine, tie, axis=1), np.delete(theirs, tie, axis=1)
    return np.stack([(one * other).sum(axis=1), one.sum(axis=1) * other.sum(axis=1)], axis=1)


def _of_kinds(votes: Floats, said: Ints, of: Ints, *, values: int) -> Floats:
    """How many of the others' votes (k,) the kinds of `votes_between` have, in their order."""
    found = np.unique(of * values + said)
    many: Floats = votes[found // values]
    return many
