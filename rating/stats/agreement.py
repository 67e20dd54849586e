"""Agreement between judges: the raw share, chance-corrected numbers and an interval, together or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, codes, compressed, floats, same_length
from rating.stats.errors import ImpossibleInput
from rating.stats.kappa import Weights, ac1, check_values, cohen_kappa, fleiss_kappa
from rating.stats.krippendorff import Level, Votes, alpha, alpha_interval, votes_by_item

NO_PAIRS = "no item with two votes"
ONE_VALUE = "only one value used"
ONE_UNIT = "one question only"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two judges or more agree on. None stands for what is undefined, and `note` says why.

    `raw`: share of vote pairs on one item that are equal (MT-bench's S1), of `pairs` pairs; `raw_decided`: the same
    without ties (S2), of `pairs_decided`; None where no tie is named. `kappa`: Cohen's for two judges, Fleiss' for more, named in `kappa_kind`
    ("cohen", "fleiss", with "_linear" or "_quadratic"). `alpha`: Krippendorff's, with `low`, `high` from `interval`
    ("jackknife", "bootstrap" or ""). `ac1`: Gwet's, worth showing when `top_share`, the share of the
    commonest value, passes 0.8. `n`: items with two votes or more; `judges`: judges with a vote on them.
    """

    raw: float | None
    raw_decided: float | None
    kappa: float | None
    kappa_kind: str
    alpha: float | None
    low: float | None
    high: float | None
    interval: str
    ac1: float | None
    top_share: float | None
    n: int
    judges: int
    pairs: int
    pairs_decided: int
    note: str


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
    """Agreement of all judges over all items; votes may be missing.

    `item`, `judge`, `value`: codes (n,), value in 0..values-1 in their order; `values` is the number the rubric allows,
    not the number that occurs. `level`: "nominal", "ordinal" or "interval" (then `marks` (V,) may say what the values
    are worth). A tie between a and b is the middle of three ordinal values; `tie` names its code, for the share
    without ties. `cluster` (n,): question of each vote; the interval resamples questions, not items. `weights` are those of κ.
    Raises ImpossibleInput, also where a judge has two votes on one item: repeats measure consistency, not agreement.
    """
    check_values(values)
    worth = _worth(values, level=level, marks=marks)
    paired = _paired(item, judge, value, values=values, cluster=cluster)
    if paired.votes.items == 0:
        return _NOTHING
    used = paired.votes.counts.sum(axis=0)
    one_value = int((used > 0).sum()) == 1
    # α does not see values that nobody used: smaller tables, the same number
    votes, worth = replace(paired.votes, counts=paired.votes.counts[:, used > 0]), worth[used > 0]
    interval = None if one_value else alpha_interval(votes, level=level, marks=worth, confidence=confidence)
    raw, pairs = _raw(paired.votes.counts)
    decided, pairs_decided = (None, 0) if tie is None else _raw(_without(paired.votes.counts, tie))
    kind, kappa = _kappa(paired, values=values, weights=weights)
    return Agreement(
        raw=raw,
        raw_decided=decided,
        kappa=kappa,
        kappa_kind=kind,
        alpha=alpha(votes, level=level, marks=worth),
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        interval="" if interval is None else interval.kind,
        ac1=ac1(paired.votes.counts),
        top_share=float(used.max() / used.sum()),
        n=votes.items,
        judges=paired.judges,
        pairs=pairs,
        pairs_decided=pairs_decided,
        note=ONE_VALUE if one_value else ONE_UNIT if interval is None else "",
    )


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
    items, judges = codes(item, "item"), codes(judge, "judge")
    given, questions = np.asarray(value), None if cluster is None else np.asarray(cluster)

    def both(first: int, second: int) -> Agreement:
        rows = np.flatnonzero((judges == first) | (judges == second))
        return agree(
            items[rows],
            judges[rows],
            given[rows],
            values=values,
            level=level,
            cluster=None if questions is None else questions[rows],
            weights=weights,
            tie=tie,
            marks=marks,
            confidence=confidence,
        )

    codes_seen = [int(code) for code in np.unique(judges)]
    return tuple(JudgePair(a, b, both(a, b)) for a, b in combinations(codes_seen, 2))


@dataclass(frozen=True, slots=True)
class _Paired:
    """Votes on items with two or more, by `judges` judges: as counts, and as codes sorted by item, then judge."""

    votes: Votes
    judges: int
    value: Ints


_NOTHING = Agreement(
    raw=None,
    raw_decided=None,
    kappa=None,
    kappa_kind="",
    alpha=None,
    low=None,
    high=None,
    interval="",
    ac1=None,
    top_share=None,
    n=0,
    judges=0,
    pairs=0,
    pairs_decided=0,
    note=NO_PAIRS,
)


def _paired(item: ArrayLike, judge: ArrayLike, value: ArrayLike, *, values: int, cluster: ArrayLike | None) -> _Paired:
    what, who, said = codes(item, "item"), codes(judge, "judge"), codes(value, "value", below=values)
    where = None if cluster is None else codes(cluster, "cluster")
    same_length(item=what, judge=who, value=said, cluster=what if where is None else where)
    votes = votes_by_item(what, said, values=values, cluster=where)
    (index, items), (number, judges) = compressed(what), compressed(who)
    seat = index * max(judges, 1) + number
    order = np.argsort(seat, kind="stable")
    twice = np.flatnonzero(np.diff(seat[order]) == 0)
    if twice.size:
        row = order[twice[0]]
        raise ImpossibleInput(f"judge {int(who[row])} has two votes on item {int(what[row])}")
    shared = order[np.bincount(index, minlength=items)[index[order]] >= 2]
    return _Paired(votes=votes, judges=compressed(who[shared])[1], value=said[shared])


def _worth(values: int, *, level: Level, marks: ArrayLike | None) -> Floats:
    if level not in ("nominal", "ordinal", "interval"):
        raise ImpossibleInput(f"level is nominal, ordinal or interval, not {level!r}")
    if marks is None:
        return np.arange(values, dtype=np.float64)
    worth = floats(marks, "marks")
    if worth.size != values:
        raise ImpossibleInput(f"{worth.size} marks for {values} values")
    return worth


def _kappa(paired: _Paired, *, values: int, weights: Weights | None) -> tuple[str, float | None]:
    suffix = "" if weights is None else f"_{weights}"
    if paired.judges == 2:
        return "cohen" + suffix, cohen_kappa(paired.value[0::2], paired.value[1::2], values, weights=weights)
    return "fleiss" + suffix, fleiss_kappa(paired.votes.counts, weights=weights)


def _without(counts: Floats, tie: int) -> Floats:
    if not 0 <= tie < counts.shape[1]:
        raise ImpossibleInput(f"the tie {tie} is not one of the values 0..{counts.shape[1] - 1}")
    return np.delete(counts, tie, axis=1)


def _raw(counts: Floats) -> tuple[float | None, int]:
    """Share of equal vote pairs on one item, and the number of pairs."""
    votes = counts.sum(axis=1)
    pairs = float((votes * (votes - 1)).sum()) / 2
    equal = float((counts * (counts - 1)).sum()) / 2
    return (equal / pairs if pairs else None), round(pairs)
