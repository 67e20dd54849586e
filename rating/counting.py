"""The standing counts: what stands on record between any two models, kept up vote by vote.

A judgment knows whether the counts hold it (`counted`). What is new, and what was changed, taken back or kept out since, is found by
two small indexes and brought into the counts in the transaction that marks it so: the work depends on what has come, never
on what is there, and nothing is counted twice or forgotten, whoever wrote it and in whatever order writers finish.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from django.db import connection, transaction
from django.db.models import F, Q, Sum

from arena.models import Benchmark
from judging.models import Grade, Judge, Preference, Rubric, Run, Status
from rating.data import ANOTHER_RUBRIC, Record, newest
from rating.models import Leaderboard, PairCount, ScoreCount

PEOPLE = 0  # the judge of all people's votes
AT_ONCE = 1000  # judgments a transaction: a writer waits no longer than these take

Deltas = dict[tuple[int, ...], list[float]]


class Row(NamedTuple):
    """A judgment as the counts see it: on what, by whom, what it says, and whether it stands or stood."""

    pk: int
    item: int
    judge: int
    rubric: int
    turn: int
    trial: int
    status: str
    provenance: str
    kind: str
    order: str | None
    counted: bool
    superseded_at: Any
    kept_out: str
    value: float | None
    swapped: bool
    category: int
    benchmark: int
    models: tuple[int, ...]

    @property
    def stands(self) -> bool:
        return self.superseded_at is None and not self.kept_out

    @property
    def is_person(self) -> bool:
        return self.kind in Judge.PEOPLE

    @property
    def has_failed(self) -> bool:
        """Whether a machine should have given a value here and gave none."""
        return not self.is_person and self.status not in (Status.OK, Status.SKIPPED)

    @property
    def unit(self) -> tuple[int, ...]:
        """What two orders of one verdict share."""
        return self.item, self.judge, self.rubric, self.turn, self.trial


def catch_up(*, at_most: int = 50) -> bool:
    """Bring the counts up to what is on record, in `at_most` steps of AT_ONCE of each kind; whether nothing is left."""
    done = [any(_step(kind) < AT_ONCE for _ in range(at_most)) for kind in (PAIRS, SCORES)]
    return all(done)


def let_go(judgment: Preference | Grade, *, origin: Any) -> None:
    """Take a judgment that is about to be deleted out of the counts, and all others on its question with it.

    What is not deleted comes back with the next `catch_up`. `origin` is what the deletion began with: each question is
    done once in it, so that all judgments of one cost little more than one.
    """
    kind = PAIRS if isinstance(judgment, Preference) else SCORES
    done = origin.__dict__.setdefault("_uncounted", {kind.item: set() for kind in (PAIRS, SCORES)})[kind.item]
    if (item := getattr(judgment, f"{kind.item}_id")) in done:
        return
    question = getattr(judgment, kind.item).question_id
    items = kind.table._meta.get_field(kind.item).related_model.objects.filter(question=question)
    done |= set(items.values_list("pk", flat=True))
    of_question = kind.table.objects.filter(**{f"{kind.item}__question": question}, counted=True)
    _change(kind, of_question, {item}, holds=lambda row: False)


def is_true_to(benchmark: Benchmark, record: Record) -> bool:
    """Whether the counts hold the votes, ties, shares of wins, grades and failures that the record has in each category.

    Five queries.
    """
    held: dict[tuple[str, int], tuple[float, ...]] = {}
    rubrics = list(Rubric.objects.values_list("pk", "name", "version"))
    for name, table, sums in (
        ("votes", PairCount, ("n", "ties", "share", "failed")),
        ("marks", ScoreCount, ("n", "total", "failed")),
    ):
        mine = table.objects.filter(benchmark=benchmark).order_by()
        under = list(mine.values("rubric").annotate(n=Sum("n"), failed=Sum("failed")))
        used, tried = ({row["rubric"] for row in under if row[part]} for part in ("n", "failed"))
        tried = tried if table is PairCount else set()  # grades are of one rubric, and so are those that failed
        known = mine.filter(rubric__in=newest(rubrics, used, tried=tried))
        added = known.values("category").annotate(*(Sum(part) for part in sums))
        held |= {(name, row["category"]): tuple(row[f"{part}__sum"] for part in sums) for row in added}
    told = _told(record)
    if ANOTHER_RUBRIC in record.excluded:  # grades under a rarer rubric are counted too, and not in the record
        held, told = ({key: sums for key, sums in one.items() if key[0] == "votes"} for one in (held, told))
    held = {key: sums for key, sums in held.items() if np.any(sums)}
    return held.keys() == told.keys() and all(np.allclose(held[key], told[key], rtol=1e-9, atol=1e-6) for key in held)


def _told(record: Record) -> dict[tuple[str, int], tuple[float, ...]]:
    """What the record says of each category: votes, ties, shares; grades and their sum; and of either what failed."""
    votes, marks = record.verdicts, record.marks  # which have a flip as a tie, as the counts do
    share = (np.clip(votes.value, -1.0, 1.0) + 1.0) / 2.0
    towards_smaller = np.where(votes.first < votes.second, share, 1.0 - share)
    tables = (
        ("votes", votes.category, (votes.value == 0, towards_smaller), record.failed_votes.category, 2),
        ("marks", marks.category, (marks.score,), record.failed_marks.category, 1),
    )
    found: dict[tuple[str, int], tuple[float, ...]] = {}
    for name, category, parts, failed, models in tables:
        kinds, code = np.unique(np.concatenate([category, failed]), return_inverse=True)
        code, failing = np.split(code.reshape(-1), [len(category)])
        sums = [np.bincount(code, part, len(kinds)) for part in (None, *parts)]
        sums.append(np.bincount(failing, minlength=len(kinds)) / models)
        found |= {(name, kind): told for kind, told in zip(kinds.tolist(), zip(*sums, strict=True), strict=True)}
    return found


def is_caught_up(benchmark: Benchmark) -> bool:
    """Whether everything on this benchmark's record is counted. Four queries at most."""
    return not any(
        rows.filter(**{f"{kind.item}__question__benchmark": benchmark}).exists()
        for kind in (PAIRS, SCORES)
        for rows in (kind.table.objects.new(), kind.table.objects.gone())
    )


@transaction.atomic
def reset(benchmark: Benchmark) -> None:
    """Forget all counts of the benchmark, so that the next `catch_up` makes them anew."""
    _lock([benchmark])
    for kind in (PAIRS, SCORES):
        kind.counts.objects.filter(benchmark=benchmark).delete()
        mine = kind.table.objects.filter(**{f"{kind.item}__question__benchmark": benchmark}, counted=True)
        kind.table.objects.filter(pk__in=mine.values("pk")).update(counted=False)


@dataclass(frozen=True)
class _Kind:
    """Preferences or grades: their table, the counts they go into, and where their item leads to."""

    table: type[Preference] | type[Grade]
    counts: type[PairCount] | type[ScoreCount]
    item: str
    value: str
    models: tuple[str, ...]
    sums: tuple[str, ...]

    def rows(self, found: Any) -> list[Row]:
        """These judgments. One query."""
        swapped = "swapped" if self.table is Preference else "counted"  # a grade has no order
        names = (
            "pk", self.item, "judge", "rubric", "turn", "trial", "status", "provenance", "judge__kind", "run__order", "counted",
            "superseded_at", "kept_out", self.value, swapped, f"{self.item}__question__category",
            f"{self.item}__question__benchmark", *self.models,
        )  # fmt: skip
        told = found.order_by("pk").values_list(*names)
        return [Row(*row[:17], row[17:]) for row in told]


PAIRS = _Kind(
    Preference, PairCount, "battle", "value", ("battle__first_model", "battle__second_model"),
    ("n", "ties", "share", "squares", "failed"),
)  # fmt: skip
SCORES = _Kind(Grade, ScoreCount, "answer", "score", ("answer__model",), ("n", "total", "squares", "failed"))


@transaction.atomic
def _step(kind: _Kind) -> int:
    """Bring in up to AT_ONCE judgments of one kind; how many there were. Ten queries, whatever is on record."""
    seen = _due(kind)
    if seen:
        _change(kind, _of_units(kind, set(seen)), {item for item, _ in seen}, holds=lambda row: row.stands)
    return len(seen)


@transaction.atomic
def _change(kind: _Kind, found: Any, items: set[int], *, holds: Callable[[Row], bool]) -> None:
    """Make the counts hold those of these judgments that they shall, whole units at a time."""
    boards = _locked(kind, items)
    rows = kind.rows(found)  # behind the lock: what another has counted meanwhile is seen as counted
    units: dict[tuple, list[Row]] = defaultdict(list)
    for row in rows:
        units[row.unit].append(row)
    due = [row for row in rows if row.counted != holds(row)]
    deltas: Deltas = {}
    for unit in {row.unit for row in due}:
        counting = [row for row in units[unit] if row.provenance in boards[row.benchmark]]
        _add(deltas, kind, [row for row in counting if row.counted], -1)
        _add(deltas, kind, [row for row in counting if holds(row)], +1)
    _write(kind, deltas)
    in_order = kind.table.objects.filter(pk__in=[row.pk for row in due]).order_by("pk")
    list(
        in_order.select_for_update(of=("self",)).values_list("pk")
    )  # two who lock rows in one order do not block each other
    for held in (True, False):
        kind.table.objects.filter(pk__in=[row.pk for row in due if holds(row) == held]).update(counted=held)
    changes = Counter(row.benchmark for row in due)
    for benchmark, n in changes.items():
        Leaderboard.objects.filter(benchmark=benchmark).update(changes=F("changes") + n)


def _due(kind: _Kind) -> list[tuple[int, int]]:
    """Item and judge of what the counts must let go of or take in. Two queries, each on an index that holds nothing else."""
    due: list[tuple[int, int]] = []
    for rows in (kind.table.objects.gone(), kind.table.objects.new()):
        due += rows.order_by(kind.item).values_list(kind.item, "judge")[: AT_ONCE - len(due)]
    return due


def _locked(kind: _Kind, items: set[int]) -> dict[int, list[str]]:
    """What counts on each of these items' benchmarks, by its id; nobody else counts there until the transaction ends."""
    item = kind.table._meta.get_field(kind.item).related_model
    of = item.objects.filter(pk__in=items).order_by().values("question__benchmark")
    benchmarks = list(Benchmark.objects.filter(pk__in=of))
    _lock(benchmarks)
    return {one.pk: one.counted_provenances for one in benchmarks}


def _lock(benchmarks: list[Benchmark]) -> None:
    """Make others who count on these benchmarks wait until the transaction ends; their leaderboards are made where missing."""
    Leaderboard.objects.bulk_create([Leaderboard(benchmark=one) for one in benchmarks], ignore_conflicts=True)
    list(Leaderboard.objects.select_for_update().filter(benchmark__in=benchmarks).order_by("pk"))


def _of_units(kind: _Kind, seen: set[tuple[int, int]]) -> Any:
    """All judgments, standing or counted, on these items.

    By whom is not asked: SQLite would then go through all that a judge ever said.
    """
    rows = kind.table.objects.filter(Q(counted=True) | Q(superseded_at__isnull=True, kept_out=""))
    return rows.filter(**{f"{kind.item}__in": {item for item, _ in seen}})


def _add(deltas: Deltas, kind: _Kind, rows: Iterable[Row], sign: int) -> None:
    """Add what these judgments of one unit come to, or take it away."""
    decided = [row for row in rows if row.status == Status.OK]
    votes = list(_votes(decided)) if kind is PAIRS else [(row, row.value) for row in decided]
    told = [_pair(row, value) if kind is PAIRS else _score(row, value) for row, value in votes]
    failed = [] if votes else [row for row in rows if row.has_failed][:1]
    told += [((*_where(row), *sorted(row.models)), (0.0,) * (len(kind.sums) - 1) + (1,)) for row in failed]
    for key, sums in told:
        cell = deltas.setdefault(key, [0.0] * len(sums))
        for place, part in enumerate(sums):
            cell[place] += sign * part


def _votes(decided: list[Row]) -> Iterator[tuple[Row, float]]:
    """The votes that preferences of one judge on one battle make: both orders of a machine are one, half is none."""
    machine = [row for row in decided if not row.is_person]
    yield from ((row, row.value) for row in decided if row.is_person)
    if len({row.swapped for row in machine}) == 2:
        one, other = machine
        alike = (one.value > 0) - (one.value < 0) == (other.value > 0) - (other.value < 0)
        yield one, (one.value + other.value) / 2 if alike else 0.0
    elif not any(row.order == Run.Order.BOTH for row in machine):
        yield from ((row, row.value) for row in machine)


def _pair(row: Row, value: float) -> tuple[tuple[int, ...], tuple[float, ...]]:
    share = (min(max(value, -1.0), 1.0) + 1.0) / 2.0
    first, second = row.models
    if first > second:
        first, second, share = second, first, 1.0 - share
    return (*_where(row), first, second), (1, int(value == 0), share, share * share, 0)


def _score(row: Row, value: float) -> tuple[tuple[int, ...], tuple[float, ...]]:
    return (*_where(row), *row.models), (1, value, value * value, 0)


def _where(row: Row) -> tuple[int, ...]:
    return row.benchmark, row.category, row.rubric, PEOPLE if row.is_person else row.judge


def _write(kind: _Kind, deltas: Deltas) -> None:
    """Add these to what the counts hold, in one statement a cell; the same in SQLite and PostgreSQL."""
    table = kind.counts._meta.db_table
    models = ("first", "second") if kind is PAIRS else ("model",)
    keys = ("benchmark_id", "category", "rubric", "judge", *models)
    names = ", ".join((*keys, *kind.sums))
    marks = ", ".join(["%s"] * (len(keys) + len(kind.sums)))
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in kind.sums)
    sql = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {added}"  # noqa: S608
    rows = [(*key, *sums) for key, sums in sorted(deltas.items()) if any(sums)]
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)
