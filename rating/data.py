"""The only door from rows to arrays: a benchmark's judgments as integer columns, and what was left out and why."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, fields, replace

import numpy as np
from django.db.models import Count, Max, Q
from numpy.typing import NDArray

from arena.models import Benchmark, Provenance
from judging.models import Grade, Judge, Preference, Rubric, Run, Status

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SET_ASIDE = "set aside"


@dataclass(frozen=True)
class Votes:
    """Preferences in time order, one row each, `n` rows: integer ids of the database, and the value.

    `first` and `second` are models, `item` the battle, `cluster` the question; `value` (n,) in [-2, 2] towards `first`;
    `shown` (n,) the value towards the answer that was shown first; `person` (n,) bool.
    """

    item: Ints
    first: Ints
    second: Ints
    value: Floats
    shown: Floats
    cluster: Ints
    category: Ints
    judge: Ints
    person: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.item)

    def where(self, mask: NDArray[np.bool_]) -> Votes:
        return Votes(**{column.name: getattr(self, column.name)[mask] for column in fields(self)})


@dataclass(frozen=True)
class Marks:
    """Grades in time order: `item` is the answer, `model` who wrote it, `score` (n,) on the rubric's scale."""

    item: Ints
    model: Ints
    score: Floats
    cluster: Ints
    category: Ints
    judge: Ints
    person: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.item)

    def where(self, mask: NDArray[np.bool_]) -> Marks:
        return Marks(**{column.name: getattr(self, column.name)[mask] for column in fields(self)})


@dataclass(frozen=True)
class Orders:
    """Battles that one machine judge saw both ways round: towards the battle's first, unswapped and swapped; (n,) each."""

    item: Ints
    judge: Ints
    cluster: Ints
    category: Ints
    plain: Floats
    swapped: Floats

    def __len__(self) -> int:
        return len(self.item)

    def where(self, mask: NDArray[np.bool_]) -> Orders:
        return Orders(**{column.name: getattr(self, column.name)[mask] for column in fields(self)})


@dataclass(frozen=True)
class Record:
    """Everything about one benchmark that ratings and agreement are computed from.

    `votes` has one row per verdict that counts: both orders of a machine are folded into one; `sides` has every single
    preference, as it was shown. `excluded` counts what was left out, by reason.
    """

    votes: Votes
    sides: Votes
    orders: Orders
    marks: Marks
    excluded: dict[str, int]
    provenances: tuple[str, ...]
    names: dict[int, str] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return len(self.votes) + len(self.marks)

    def digest(self, *seasoning: str) -> str:
        """SHA-256 over the columns that count and whatever else decides the result."""
        total = hashlib.sha256()
        for table in (self.votes, self.sides, self.marks):
            for column in fields(table):
                total.update(column.name.encode() + np.ascontiguousarray(getattr(table, column.name)).tobytes())
        for word in seasoning:
            total.update(word.encode() + b"\0")
        return total.hexdigest()


def counted_provenances(benchmark: Benchmark) -> list[str]:
    """What counts on this benchmark's board: real and imported rows; on a demo's board, demo rows."""
    return [Provenance.DEMO] if benchmark.is_demo else [Provenance.REAL, Provenance.IMPORTED]


def has_judgments(benchmark: Benchmark) -> bool:
    """Whether anybody has judged anything of this benchmark. At most two queries."""
    battles = Preference.objects.filter(battle__question__benchmark=benchmark)
    return battles.exists() or Grade.objects.filter(answer__question__benchmark=benchmark).exists()


def stamp(benchmark: Benchmark) -> str:
    """A short text that changes whenever a judgment of this benchmark was added or set aside. Two queries."""
    parts = []
    for table, path in ((Preference, "battle__question__benchmark"), (Grade, "answer__question__benchmark")):
        seen = table.objects.filter(**{path: benchmark}).aggregate(
            last=Max("pk"), n=Count("pk"), aside=Count("pk", filter=Q(superseded_at__isnull=False))
        )
        parts.append(f"{seen['last']}/{seen['n']}/{seen['aside']}")
    return " ".join(parts)


def read(benchmark: Benchmark) -> Record:
    """The benchmark's record as columns. A fixed number of queries; no model instances."""
    excluded: Counter[str] = Counter()
    counted = counted_provenances(benchmark)
    preferences = Preference.objects.current().filter(battle__question__benchmark=benchmark)
    grades = Grade.objects.current().filter(answer__question__benchmark=benchmark)
    for rows in (preferences, grades):
        _count_failures(rows, counted, excluded)
    excluded[SET_ASIDE] = _set_aside(benchmark, counted)
    preferences = preferences.decided().filter(provenance__in=counted)
    grades = grades.decided().filter(provenance__in=counted)
    provenances = {*preferences.values_list("provenance", flat=True).distinct()}
    provenances |= {*grades.values_list("provenance", flat=True).distinct()}
    sides, asked = _sides(preferences, excluded)
    votes, orders = _fold(sides, asked, excluded)
    marks = _marks(grades, excluded)
    return Record(
        votes=votes,
        sides=sides,
        orders=orders,
        marks=marks,
        excluded={reason: n for reason, n in sorted(excluded.items()) if n},
        provenances=tuple(sorted(provenances)),
        names={judge.pk: str(judge) for judge in Judge.objects.all()},
    )


def _set_aside(benchmark: Benchmark, counted: list[str]) -> int:
    """How many judgments were changed, taken back or asked for again. They only ever grow in number, so a record that
    comes back to what it was (a vote and its undoing) still has a digest of its own."""
    aside = {"superseded_at__isnull": False, "provenance__in": counted}
    preferences = Preference.objects.filter(battle__question__benchmark=benchmark, **aside)
    return preferences.count() + Grade.objects.filter(answer__question__benchmark=benchmark, **aside).count()


def _count_failures(rows, counted: list[str], excluded: Counter[str]) -> None:
    for row in rows.values("status", "provenance").annotate(n=Count("pk")).order_by():
        if row["provenance"] not in counted:
            excluded[row["provenance"]] += row["n"]
        elif row["status"] != Status.OK:
            excluded[row["status"]] += row["n"]


def _latest_rubrics(rows, excluded: Counter[str]) -> list[int]:
    """Ids of the newest version of each rubric among the rows: ratings never mix versions of one."""
    used = Rubric.objects.filter(pk__in=rows.values("rubric")).order_by("version")
    newest = {rubric.name: rubric.pk for rubric in used}
    keep = list(newest.values())
    excluded["older rubric version"] += rows.exclude(rubric__in=keep).count()
    return keep


def _columns(rows, names: tuple[str, ...]) -> list[tuple]:
    columns = list(zip(*rows.order_by("pk").values_list(*names).iterator(chunk_size=20_000), strict=True))
    return columns or [()] * len(names)


def _ints(values) -> Ints:
    return np.array(values, dtype=np.int64)


def _people(kinds) -> NDArray[np.bool_]:
    return np.array([kind in Judge.PEOPLE for kind in kinds], dtype=bool)


@dataclass(frozen=True)
class _Asked:
    """How each of `n` preferences was asked for; all (n,). `both`: by a machine in a run of both orders."""

    machine: NDArray[np.bool_]
    both: NDArray[np.bool_]
    swapped: NDArray[np.bool_]
    key: Ints


def _sides(rows, excluded: Counter[str]) -> tuple[Votes, _Asked]:
    """Every decided preference in time order, and how each was asked for."""
    rows = rows.filter(rubric__in=_latest_rubrics(rows, excluded))
    names = (
        "battle", "battle__first__model", "battle__second__model", "value", "battle__question",
        "battle__question__category", "judge", "judge__kind", "swapped", "rubric", "trial", "run__order",
    )  # fmt: skip
    item, first, second, value, question, category, judge, kind, swapped, rubric, trial, order = _columns(rows, names)
    values, is_swapped = np.array(value, dtype=np.float64), np.array(swapped, dtype=bool)
    votes = Votes(
        item=_ints(item),
        first=_ints(first),
        second=_ints(second),
        value=values,
        shown=np.where(is_swapped, -values, values),
        cluster=_ints(question),
        category=_ints(category),
        judge=_ints(judge),
        person=_people(kind),
    )
    both = np.array([asked == Run.Order.BOTH for asked in order], dtype=bool)
    key = np.stack([votes.judge, _ints(rubric), votes.item, _ints(trial)], axis=1)
    return votes, _Asked(~votes.person, both & ~votes.person, is_swapped, key)


def _fold(sides: Votes, asked: _Asked, excluded: Counter[str]) -> tuple[Votes, Orders]:
    """Both orders of a machine's verdict as one vote: their mean when they decide alike, a tie when they do not.

    Two orders are one verdict whichever runs asked for them. A battle that was to be asked both ways but was read in
    one alone is left out and counted: half a verdict is no verdict. The vote stands where the first order stood.
    """
    if not len(sides):
        return sides, Orders(*(np.empty(0, dtype=np.int64),) * 4, *(np.empty(0),) * 2)
    _, index, inverse = np.unique(asked.key, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.ravel()
    table = np.full((len(index), 2), np.nan)
    table[inverse[asked.machine], asked.swapped[asked.machine].astype(int)] = sides.value[asked.machine]
    whole = ~np.isnan(table).any(axis=1)
    half = ~whole & (np.bincount(inverse, weights=asked.both) > 0)
    excluded["one order only"] += int(half.sum())
    agreed = np.sign(table[:, 0]) == np.sign(table[:, 1])
    folded = np.where(whole, np.where(agreed, table.mean(axis=1), 0.0), np.nan)[inverse]
    first = _mask(index, len(sides))
    keep = np.where(whole[inverse], first, ~half[inverse])
    value = np.where(whole[inverse], folded, sides.value)
    votes = replace(sides, value=value).where(keep)
    pairs, plain, swapped = first & whole[inverse], table[inverse, 0], table[inverse, 1]
    orders = Orders(sides.item, sides.judge, sides.cluster, sides.category, plain, swapped).where(pairs)
    return votes, orders


def _mask(index: Ints, size: int) -> NDArray[np.bool_]:
    mask = np.zeros(size, dtype=bool)
    mask[index] = True
    return mask


def _marks(rows, excluded: Counter[str]) -> Marks:
    """Decided grades under the rubric that most of them were given under; scales of two rubrics do not mix."""
    keep = _latest_rubrics(rows, excluded)
    rows = rows.filter(rubric__in=keep)
    most = rows.values("rubric").annotate(n=Count("pk")).order_by("-n", "-rubric").first()
    if most:
        excluded["another rubric"] += rows.exclude(rubric=most["rubric"]).count()
        rows = rows.filter(rubric=most["rubric"])
    names = (
        "answer",
        "answer__model",
        "score",
        "answer__question",
        "answer__question__category",
        "judge",
        "judge__kind",
    )
    item, model, score, question, category, judge, kind = _columns(rows, names)
    return Marks(
        item=_ints(item),
        model=_ints(model),
        score=np.array(score, dtype=np.float64),
        cluster=_ints(question),
        category=_ints(category),
        judge=_ints(judge),
        person=_people(kind),
    )
