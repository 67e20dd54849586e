"""A benchmark's judgments as integer columns, and what was left out and why."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from django.db.models import BigIntegerField, Case, F, IntegerField, Max, QuerySet, Value, When
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from arena.models import Answer, Battle, Benchmark, Provenance, Question
from judging.models import Grade, Judge, KeptOut, Preference, Rubric, Run, Status
from rating.data.bulk import columns
from rating.data.members import silent_members

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Raw = dict[str, NDArray[Any]]
Table = TypeVar("Table", bound="Columns")

SET_ASIDE = "set aside"
ONE_ORDER = "one order only"
OLDER_RUBRIC = "older rubric version"
ANOTHER_RUBRIC = "another rubric"
FLIPPED = "turned round with the order"
MEMBER = "member of a panel"

TIE, ABSTAIN, BOTH = "tie", "abstain", "both"
FLIPS = (TIE, ABSTAIN, BOTH)
"""What two orders of one verdict come to where they decide against each other: a tie; nothing; two votes, one for each side.

With "both" every order is a vote of its own also where they agree, so n doubles. Intervals take the votes on one
question together and do not get narrower by it.
"""


@dataclass(frozen=True)
class Columns:
    """Columns of one length, each an attribute."""

    item: Ints

    def __len__(self) -> int:
        return len(self.item)

    def where(self: Table, mask: NDArray[Any]) -> Table:
        """The rows of a mask, or at these places in their order."""
        return type(self)(**{column.name: getattr(self, column.name)[mask] for column in fields(self)})


@dataclass(frozen=True)
class Votes(Columns):
    """Preferences in time order, one row each, `n` rows: integer ids of the database, and the value.

    `first` and `second` are models, `item` the battle, `cluster` the question; `value` (n,) in [-2, 2] towards `first`;
    `shown` (n,) the value towards the answer that was shown first; `person` (n,) bool; `turn` 0 is the whole conversation.
    """

    first: Ints
    second: Ints
    value: Floats
    shown: Floats
    cluster: Ints
    category: Ints
    judge: Ints
    person: Bools
    turn: Ints


@dataclass(frozen=True)
class Marks(Columns):
    """Grades in time order: `item` is the answer, `model` who wrote it, `score` (n,) on the rubric's scale."""

    model: Ints
    score: Floats
    cluster: Ints
    category: Ints
    judge: Ints
    person: Bools
    turn: Ints


@dataclass(frozen=True)
class Orders(Columns):
    """Battles that one machine judge saw both ways round: towards the battle's first, unswapped and swapped; (n,) each."""

    judge: Ints
    cluster: Ints
    category: Ints
    plain: Floats
    swapped: Floats


@dataclass(frozen=True)
class Attempts(Columns):
    """Every judgment that machine judges tried on what counts here, with a value or not: `state` is one of STATES."""

    judge: Ints
    cluster: Ints
    category: Ints
    state: Ints


@dataclass(frozen=True)
class Failed(Columns):
    """Verdicts of machines that should count here and have no value, a row for each model that they are about.

    A verdict on a battle is about two models. Both orders of one verdict are one, as in the votes: it failed where an order
    failed and no vote came of the rest. `n` (n,) is how many votes it would have been.
    """

    model: Ints
    cluster: Ints
    category: Ints
    judge: Ints
    n: Ints

    @classmethod
    def none(cls) -> Failed:
        return cls(**{column.name: np.empty(0, dtype=np.int64) for column in fields(cls)})


@dataclass(frozen=True)
class Record:
    """Everything about one benchmark that ratings and agreement are computed from.

    `votes` has the votes that rate, by the rule for flips: one row per verdict, both orders of a machine folded into one,
    unless both count. `verdicts` has one row per verdict whatever the rule, a flip as a tie: what agreement is computed
    from. `sides` has every single preference, as it was shown; `attempts` also those without a value. `failed_votes` and
    `failed_marks` are the verdicts that failed where the votes and the marks come from. `silent` are the ids of judges that speak here through their panel alone: their rows are in all tables, and on no board but their own.
    `excluded` counts what was left out, by reason. `rubrics` are the ids of those that the preferences were given under.
    """

    votes: Votes
    sides: Votes
    orders: Orders
    marks: Marks
    excluded: dict[str, int]
    provenances: tuple[str, ...]
    verdicts: Votes
    attempts: Attempts
    names: dict[int, str] = field(default_factory=dict)
    silent: tuple[int, ...] = ()
    failed_votes: Failed = field(default_factory=Failed.none)
    failed_marks: Failed = field(default_factory=Failed.none)
    rubrics: tuple[int, ...] = ()

    @property
    def n(self) -> int:
        """Judgments that speak: both orders of a machine as the rule for flips has it, members of panels not at all."""
        return len(self.votes) + len(self.marks) - self.excluded.get(MEMBER, 0)

    @property
    def is_empty(self) -> bool:
        return not (len(self.votes) or len(self.marks))

    def speaks(self, table: Votes | Marks | Failed) -> Bools:
        """Which rows (n,) of the table are of judges that speak for themselves."""
        return ~np.isin(table.judge, self.silent)

    def digest(self, *seasoning: str) -> str:
        """SHA-256 over the columns that count, the names of those who judged, and whatever else decides the result."""
        total = hashlib.sha256()
        who = np.unique(np.concatenate([self.sides.judge, self.marks.judge])).tolist()
        seasoning = (*seasoning, *self.provenances, *(f"{judge} {self.names[judge]}" for judge in who))
        seasoning = (*seasoning, *(f"{judge} is silent" for judge in who if judge in self.silent))
        for table in (self.sides, self.marks, self.failed_votes, self.failed_marks):
            for column in fields(table):
                total.update(column.name.encode() + _compact(getattr(table, column.name)))
        total.update(_compact(self.votes.item) + _compact(self.votes.value))
        for word in seasoning:
            total.update(word.encode() + b"\0")
        return total.hexdigest()


def _compact(column: NDArray[Any]) -> bytes:
    """The column's bytes, the same on every machine; whole numbers in four bytes where they fit."""
    if column.dtype.kind != "f":
        column = column.astype("<i4" if column.max(initial=0) < 2**31 else "<i8")
    return column.tobytes()


def newest(rubrics: Iterable[tuple[int, str, int]], used: Collection[int], *, tried: Collection[int] = ()) -> list[int]:
    """Of rubrics (id, name, version), the newest version of each name among those `used`: ratings never mix versions.

    Of a name without any, the newest among those that were only `tried`, with no verdict that could be read.
    """
    known = list(rubrics)
    found: dict[str, tuple[int, int]] = {}
    for among in (used, tried):
        new: dict[str, tuple[int, int]] = {}
        for pk, name, version in known:
            if pk in among and name not in found:
                new[name] = max(new.get(name, (0, 0)), (version, pk))
        found |= new
    return [pk for _, pk in found.values()]


def read(benchmark: Benchmark, *, flips: str = TIE) -> Record:
    """The benchmark's record as columns, one row a judgment. A fixed number of queries; no model instances.

    `flips` is one of FLIPS. Raises ValueError for another.
    """
    if flips not in FLIPS:
        raise ValueError(f"there is no rule {flips!r} for flips; there are: {', '.join(FLIPS)}")
    excluded: Counter[str] = Counter()
    shared = _Shared(benchmark)
    preferences, grades = _preferences(shared), _grades(shared)  # before all that their ids are looked up in
    attempts = _attempts((preferences, grades), shared)
    failed_preferences, failed_grades = _failing(preferences, shared), _failing(grades, shared)
    preferences = _counting(preferences, shared, excluded)
    whole = ~_halves(preferences, shared)
    failed_votes = _failed_votes(failed_preferences, preferences, whole, shared, flips=flips)
    preferences = _latest(preferences, shared, excluded, whole=whole)
    grades = _counting(grades, shared, excluded)
    grades = _most_used(_latest(grades, shared, excluded), excluded)
    failed_marks = _failed_marks(failed_grades, grades, shared)
    sides, votes, verdicts, orders = _folded(preferences, shared, excluded, flips=flips)
    marks, silent = _marks(grades, shared), silent_members(benchmark)
    excluded[MEMBER] += sum(int(np.isin(table.judge, silent).sum()) for table in (votes, marks))
    kinds = np.unique(np.concatenate([preferences["kind"], grades["kind"]]))
    return Record(
        votes=votes,
        sides=sides,
        orders=orders,
        marks=marks,
        excluded={reason: n for reason, n in sorted(excluded.items()) if n},
        provenances=tuple(sorted(name for name, code in KINDS.items() if code in kinds)),
        verdicts=verdicts,
        attempts=attempts,
        names=shared.names,
        silent=tuple(silent),
        failed_votes=failed_votes,
        failed_marks=failed_marks,
        rubrics=tuple(np.unique(preferences["rubric"]).tolist()),
    )


class Moved(RuntimeError):
    """The benchmark lost questions while it was read: read it again."""


class _Shared:
    """What every row's meaning is looked up in: small tables, each read once, after the judgments that name their rows."""

    def __init__(self, benchmark: Benchmark):
        self.benchmark = benchmark
        self.counted = [KINDS[Provenance(name)] for name in benchmark.counted_provenances]
        # with room for what may be made while the judgments are read
        rubrics, runs = (table.objects.aggregate(last=Max("pk"))["last"] or 0 for table in (Rubric, Run))
        self.radix = rubrics + 1_000, runs + 100_000

    @cached_property
    def judges(self) -> list[Judge]:
        return list(Judge.objects.all())

    @property
    def names(self) -> dict[int, str]:
        return {judge.pk: str(judge) for judge in self.judges}

    @cached_property
    def both(self) -> list[int]:
        return list(Run.objects.filter(benchmark=self.benchmark, order=Run.Order.BOTH).values_list("pk", flat=True))

    @cached_property
    def rubrics(self) -> list[tuple[int, str, int]]:
        return list(Rubric.objects.values_list("pk", "name", "version"))

    @cached_property
    def category(self) -> Lookup:
        return Lookup(columns(Question.objects.filter(benchmark=self.benchmark), pk="pk", category="category"))

    def is_person(self, judge: Ints) -> Bools:
        return np.isin(judge, [judge.pk for judge in self.judges if judge.is_person])

    def category_of(self, question: Ints) -> Ints:
        """The category of each question (n,). Raises Moved for one that is no longer there."""
        place, known = self.category.place(question)
        if not known.all():
            raise Moved(f"{self.benchmark} lost questions while it was read")
        return self.category.table["category"][place] if len(question) else question


class Lookup:
    """Columns found by the id in column `pk`; `has` and `of` are (n,) for ids (n,)."""

    def __init__(self, table: Mapping[str, NDArray[Any]]):
        order = np.argsort(table["pk"], kind="stable")
        self.pk = table["pk"][order]
        self.table = {name: column[order] for name, column in table.items()}

    def __len__(self) -> int:
        return len(self.pk)

    def place(self, ids: Ints) -> tuple[Ints, Bools]:
        """Where each id stands, and whether it is there at all."""
        if not len(self.pk):
            return np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=bool)
        if self.pk[-1] - self.pk[0] == len(self.pk) - 1:
            place = np.clip(ids - self.pk[0], 0, len(self.pk) - 1)
        else:
            place = np.minimum(np.searchsorted(self.pk, ids), len(self.pk) - 1)
        return place, self.pk[place] == ids


STATES = {
    Status.OK: 0,
    Status.PARSE_ERROR: 1,
    Status.REFUSED: 2,
    Status.API_ERROR: 3,
    Status.SKIPPED: 4,
    Status.TRUNCATED: 5,
}
ASIDE = 6
KEPT_OUT = {
    "practice": (KeptOut.PRACTICE, 7),
    "gold item": (KeptOut.GOLD, 8),
    "hidden repeat": (KeptOut.REPEAT, 9),
    "adjudication": (KeptOut.ADJUDICATION, 10),
    "names its maker": (KeptOut.LEAK, 11),
    "asked again": (KeptOut.AGAIN, 12),
}
"""Why a judgment that stands does not count, by the name in `Record.excluded`: the word on its row, and its state here."""
FAILING = [code for status, code in STATES.items() if status not in (Status.OK, Status.SKIPPED)]
"""States of judgments that should have a value and have none; see `JudgmentQuerySet.failed`."""
KINDS = {Provenance.REAL: 0, Provenance.IMPORTED: 1, Provenance.DRY_RUN: 2, Provenance.DEMO: 3}


def _state() -> Any:
    """State and provenance of a judgment in one whole number; 0, the commonest, is asked for first."""
    state = Case(
        When(superseded_at__isnull=False, then=Value(ASIDE)),
        When(kept_out="", then=_coded("status", STATES)),
        default=_coded("kept_out", dict(KEPT_OUT.values())),
        output_field=IntegerField(),
    )
    plain = When(superseded_at__isnull=True, kept_out="", status=Status.OK, provenance=Provenance.REAL, then=Value(0))
    return Case(plain, default=state * 4 + _coded("provenance", KINDS), output_field=IntegerField())


TRIALS = 32_768


def _unit() -> Any:
    """Turn and trial in one number: judgments of two turns, as of two trials, are two verdicts."""
    return F("turn") * Value(TRIALS, BigIntegerField()) + F("trial")


def _coded(name: str, codes: Mapping[str, int]) -> Case:
    return Case(*(When(**{name: key}, then=Value(code)) for key, code in codes.items()), output_field=IntegerField())


def _read(rows: QuerySet, name: str, ids: Lookup, shared: _Shared, **wanted: Any) -> Raw:
    """The wanted columns of the rows that belong to these items, with the items' own; sorted by item, judge, rubric, trial.

    Asks for the rows between the first and the last item: a range of an index, where a join would look up every row.
    Judge, rubric and run come as one number, as does what else is small: half of the time goes into numbers read.
    """
    rubrics, runs = shared.radix
    wanted |= {
        "pk": "pk",
        "item": name,
        "who": (F("judge") * Value(rubrics, BigIntegerField()) + F("rubric")) * Value(runs, BigIntegerField())
        + Coalesce("run", 0),
    }
    if not len(ids):
        rows = rows.none()
    else:
        rows = rows.filter(**{f"{name}__gte": int(ids.pk[0]), f"{name}__lte": int(ids.pk[-1])})
    table = columns(rows, **wanted)
    place, mine = ids.place(table["item"])
    if not mine.all():
        table, place = _some(table, mine), place[mine]
    table |= {key: column[place] for key, column in ids.table.items() if key != "pk"}
    return _sorted(_unpacked(table, rubrics, runs))


def _unpacked(table: Raw, rubrics: int, runs: int) -> Raw:
    who, flags = table.pop("who"), table.pop("flags")
    who, table["run"] = np.divmod(who, runs)
    table["judge"], table["rubric"] = np.divmod(who, rubrics)
    flags, table["swapped"] = flags >> 1, flags & 1
    flags, table["kind"] = flags >> 2, flags & 3
    table["trial"], table["state"] = flags >> 4, flags & 15
    return table


def _sorted(table: Raw) -> Raw:
    """The table by item, judge, rubric, trial and order, which is how SQLite's index gives it already."""
    keys = [table[name] for name in ("pk", "swapped", "trial", "rubric", "judge", "item")]
    if _rises(keys[:0:-1]):
        return table
    order = np.lexsort(keys)
    return {name: column[order] for name, column in table.items()}


def _rises(keys: list[Ints]) -> bool:
    """Whether rows are sorted by these columns, the first one first; rows that are equal in all of them are not."""
    higher = np.zeros(max(len(keys[0]) - 1, 0), dtype=bool)
    for key in reversed(keys):
        step = np.diff(key)
        higher = (step > 0) | ((step == 0) & higher)
    return bool(higher.all())


def _preferences(shared: _Shared) -> Raw:
    battles = Battle.objects.filter(question__benchmark=shared.benchmark)
    ids = Lookup(columns(battles, pk="pk", cluster="question", first="first_model", second="second_model"))
    swapped = Case(When(swapped=True, then=Value(1)), default=Value(0))
    flags = (_unit() * 64 + _state()) * 2 + swapped
    return _read(Preference.objects.all(), "battle", ids, shared, flags=flags, value=Coalesce("value", 0.0))


def _grades(shared: _Shared) -> Raw:
    answers = Answer.objects.filter(question__benchmark=shared.benchmark)
    answers = answers if Grade.objects.exists() else answers.none()
    ids = Lookup(columns(answers, pk="pk", cluster="question", model="model"))
    flags = (_unit() * 64 + _state()) * 2
    return _read(Grade.objects.all(), "answer", ids, shared, flags=flags, score=Coalesce("score", 0.0))


def _counting(table: Raw, shared: _Shared, excluded: Counter[str]) -> Raw:
    """The rows with a value that count here; the others are counted by why they do not."""
    here = np.isin(table["kind"], shared.counted)
    current = table["state"] != ASIDE
    excluded[SET_ASIDE] += int((here & ~current).sum())
    for name, code in KINDS.items():
        excluded[name] += 0 if code in shared.counted else int((current & (table["kind"] == code)).sum())
    for name, code in STATES.items():
        excluded[name] += 0 if name == Status.OK else int((here & (table["state"] == code)).sum())
    for name, (_word, code) in KEPT_OUT.items():
        excluded[name] += int((here & (table["state"] == code)).sum())
    return _some(table, here & (table["state"] == STATES[Status.OK]))


def _failing(table: Raw, shared: _Shared) -> Raw:
    """The rows of machines that would count here and have no value."""
    failing = np.isin(table["kind"], shared.counted) & np.isin(table["state"], FAILING)
    return _some(table, failing & ~shared.is_person(table["judge"]))


def _failed_votes(failed: Raw, preferences: Raw, whole: Bools, shared: _Shared, *, flips: str) -> Failed:
    """Of `failed` preferences those that cost a vote; votes are made of those of `preferences` that are `whole` (n,)."""
    read, halves = _some(preferences, whole), _some(preferences, ~whole)
    used, tried = (set(np.unique(table["rubric"]).tolist()) for table in (read, failed))
    failed = _some(failed, np.isin(failed["rubric"], newest(shared.rubrics, used, tried=tried)))
    near = [_some(table, np.isin(table["item"], failed["item"])) for table in (read, halves)]
    unit, of_read, of_halves = _units(failed, *near)
    orders = np.bincount(np.concatenate([unit, of_halves]))[unit] if flips == BOTH else np.ones_like(unit)
    rows = _some(failed | {"n": orders}, ~np.isin(unit, of_read) & _is_first(unit))
    twice = {name: np.tile(rows[name], 2) for name in ("item", "cluster", "judge", "n")}
    return _failed(twice | {"model": np.concatenate([rows["first"], rows["second"]])}, shared)


def _failed_marks(failed: Raw, grades: Raw, shared: _Shared) -> Failed:
    """Of `failed` grades those under the rubric that the grades are of."""
    rows = _some(failed | {"n": np.ones_like(failed["item"])}, np.isin(failed["rubric"], grades["rubric"]))
    return _failed(rows, shared)


def _failed(rows: Raw, shared: _Shared) -> Failed:
    told = {name: rows[name] for name in ("item", "model", "cluster", "judge", "n")}
    return Failed(**told, category=shared.category_of(rows["cluster"]))


def alike(*keys: Ints) -> Ints:
    """A number (n,) for each row of these columns, from 0 on: the same where all columns are."""
    order = np.lexsort(keys)
    differs = np.zeros(len(order), dtype=bool)
    for key in keys:
        column = key[order]
        differs[1:] |= column[1:] != column[:-1]
    found = np.empty(len(order), dtype=np.int64)
    found[order] = np.cumsum(differs)
    return found


def _units(*tables: Raw) -> list[Ints]:
    """For each table a number (n,) for each of its rows: the same for the orders of one verdict, in whichever table."""
    keys = [np.concatenate([table[name] for table in tables]) for name in ("item", "judge", "rubric", "trial")]
    return np.split(alike(*keys), np.cumsum([len(table["item"]) for table in tables])[:-1])


def _is_first(unit: Ints) -> Bools:
    """Which rows (n,) are the first with their number."""
    first = np.zeros(len(unit), dtype=bool)
    first[np.unique(unit, return_index=True)[1]] = True
    return first


def _attempts(tables: Iterable[Raw], shared: _Shared) -> Attempts:
    """What machines tried, of the rows that stand, are not kept out and would count here."""
    parts = []
    for table in tables:
        stands = np.isin(table["kind"], shared.counted) & (table["state"] < ASIDE)
        parts.append(_some(table, stands & ~shared.is_person(table["judge"])))
    found = {name: np.concatenate([part[name] for part in parts]) for name in ("item", "judge", "cluster", "state")}
    return Attempts(**found, category=shared.category_of(found["cluster"]))


def _some(table: Raw, mask: Bools) -> Raw:
    return table if mask.all() else {name: column[mask] for name, column in table.items()}


def _latest(table: Raw, shared: _Shared, excluded: Counter[str], *, whole: Bools | None = None) -> Raw:
    """The rows under the newest version of each rubric that has any verdict that is `whole` (n,), or any at all."""
    used = table["rubric"] if whole is None or not whole.any() else table["rubric"][whole]
    keep = np.isin(table["rubric"], newest(shared.rubrics, set(np.unique(used).tolist())))
    excluded[OLDER_RUBRIC] += int((~keep).sum())
    return _some(table, keep)


def _most_used(table: Raw, excluded: Counter[str]) -> Raw:
    """Grades under the rubric that most of them were given under; scales of two rubrics do not mix."""
    rubrics, times = np.unique(table["rubric"], return_counts=True)
    if len(rubrics) < 2:
        return table
    most = rubrics[times == times.max()].max()
    excluded[ANOTHER_RUBRIC] += int((table["rubric"] != most).sum())
    return _some(table, table["rubric"] == most)


def _folded(table: Raw, shared: _Shared, excluded: Counter[str], *, flips: str) -> tuple[Votes, Votes, Votes, Orders]:
    """Every single preference as it was shown; the votes that they make; the verdicts; what one judge saw both ways round.

    Both orders of a machine's verdict are one verdict, whichever runs asked for them: their mean when they decide alike, a
    tie when they do not. A battle that was to be asked both ways but was read in one alone is left out and counted,
    whatever the rule for flips: half a verdict is no verdict. The verdict stands where the first order stood.
    """
    person = shared.is_person(table["judge"])
    one, other = _pairs(table, person)
    value = table["value"].copy()
    alike = np.sign(value[one]) == np.sign(value[other])
    value[one] = np.where(alike, (value[one] + value[other]) / 2, 0.0)
    half = _halves(table, shared)
    excluded[ONE_ORDER] += int(half.sum())
    keep = ~half
    keep[other] = False
    swapped = table["swapped"] == 1
    sides = Votes(
        item=table["item"],
        first=table["first"],
        second=table["second"],
        value=table["value"],
        shown=np.where(swapped, -table["value"], table["value"]),
        cluster=table["cluster"],
        category=shared.category_of(table["cluster"]),
        judge=table["judge"],
        person=person,
        turn=table["trial"] // TRIALS,
    )

    def in_time(rows: Bools) -> Ints:
        kept = np.flatnonzero(rows)
        return kept[_in_time(table["pk"][kept])]

    verdicts = votes = replace(sides, value=value).where(in_time(keep))
    against = np.sign(table["value"][one]) * np.sign(table["value"][other]) < 0
    if flips == ABSTAIN and against.any():
        excluded[FLIPPED] += 2 * int(against.sum())
        keep[one[against]] = False
        votes = replace(sides, value=value).where(in_time(keep))
    elif flips == BOTH and len(one):
        votes = sides.where(in_time(~half))
    turned = swapped[one]
    orders = Orders(
        item=table["item"][one],
        judge=table["judge"][one],
        cluster=table["cluster"][one],
        category=sides.category[one],
        plain=np.where(turned, table["value"][other], table["value"][one]),
        swapped=np.where(turned, table["value"][one], table["value"][other]),
    )
    return sides, votes, verdicts, orders


def _halves(table: Raw, shared: _Shared) -> Bools:
    """Which rows (n,) are one order of a machine's verdict that was to be asked in both."""
    person = shared.is_person(table["judge"])
    paired = np.zeros(len(person), dtype=bool)
    paired[np.concatenate(_pairs(table, person))] = True
    return np.isin(table["run"], shared.both) & ~person & ~paired


def _pairs(table: Raw, person: Bools) -> tuple[Ints, Ints]:
    """Rows of machines that are two orders of one verdict: the places of the older and of the newer row, (p,) each."""
    machine = np.flatnonzero(~person)
    alike = np.ones(max(len(machine) - 1, 0), dtype=bool)
    for name in ("item", "judge", "rubric", "trial"):
        column = table[name][machine]
        alike &= column[1:] == column[:-1]
    twin = np.flatnonzero(alike)
    one, other = machine[twin], machine[twin + 1]
    older = table["pk"][one] < table["pk"][other]
    return np.where(older, one, other), np.where(older, other, one)


def _in_time(pk: Ints) -> Ints:
    """The places of these ids in their order. Where ids are dense, each goes to its own place, without comparisons."""
    low, high = int(pk.min(initial=0)), int(pk.max(initial=0))
    if high - low > 4 * len(pk):
        return np.argsort(pk, kind="stable")
    place = np.full(high - low + 1, -1, dtype=np.int64)
    place[pk - low] = np.arange(len(pk))
    return place[place >= 0]


def _marks(table: Raw, shared: _Shared) -> Marks:
    return Marks(
        item=table["item"],
        model=table["model"],
        score=table["score"].astype(np.float64),
        cluster=table["cluster"],
        category=shared.category_of(table["cluster"]),
        judge=table["judge"],
        person=shared.is_person(table["judge"]),
        turn=table["trial"] // TRIALS,
    ).where(_in_time(table["pk"]))
