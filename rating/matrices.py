"""Who met whom, and who won: from the standing counts as they are now, or as a snapshot kept it."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import QuerySet, Sum
from numpy.typing import NDArray

from arena.models import Benchmark
from judging.models import Judge, Rubric
from rating import live, stats
from rating.counting import PEOPLE
from rating.data import Record, newest, silent_members
from rating.models import PairCount, Rating, Snapshot
from rating.ratings import sources

Floats = NDArray[np.float64]
FINE = 10_000  # shares of a win are kept to this part of one
NAME = "matrix"
"""Under this name the snapshot's tables hold what `matrix_of` says."""


@dataclass(frozen=True)
class Met:
    """Battles of m models with each other: `models` are ids, the tables (m, m), row against column.

    `n` counts battles, `ties` those without a winner, `share` sums the row's share of each, a tie as half.
    """

    models: list[int]
    n: Floats
    ties: Floats
    share: Floats

    @property
    def battles(self) -> Floats:
        """How many battles each model was in, (m,)."""
        return self.n.sum(axis=1)


@dataclass(frozen=True)
class Fractions:
    """Of `n` (m, m) battles the share that the row won, with Wilson's interval; NaN where there is none."""

    n: Floats
    value: Floats
    low: Floats
    high: Floats


def fractions(met: Met, *, ties: bool, level: float) -> Fractions:
    """Who won: of all battles with a tie as half a win, or without `ties` of those that had a winner.

    The interval takes battles as independent of each other.
    """
    n = met.n if ties else met.n - met.ties
    won = np.clip(met.share if ties else met.share - met.ties / 2, 0.0, n)
    value = np.divide(won, n, out=np.full(n.shape, np.nan), where=n > 0)
    low, high = stats.wilson(won, n, level=level)
    return Fractions(n, value, low, high)


# What a snapshot keeps


def matrix_of(record: Record) -> dict[str, Any]:
    """Who met whom in the record over all categories, as plain data: `models` (ids) and for each source its packed counts.

    Each is the upper triangle, row by row, of battles, ties and shares of the first in parts of `FINE`; packed, since a
    board of 200 models has 20,000 pairs. A source with the same rows as one before is that one's name.
    """
    votes = record.votes
    models, codes = np.unique(np.concatenate([votes.first, votes.second]), return_inverse=True)
    first, second = codes.reshape(2, -1)
    share = (np.clip(votes.value, -1.0, 1.0) + 1.0) / 2.0
    towards = np.where(first < second, share, 1.0 - share)
    cell = np.minimum(first, second) * len(models) + np.maximum(first, second)
    upper = np.triu_indices(len(models), 1)
    told: dict[str, str] = {}
    for source, mask in sources(votes, record):
        weights = np.ones(int(mask.sum())), votes.value[mask] == 0, np.round(towards[mask] * FINE)
        sums = [np.bincount(cell[mask], weight, len(models) ** 2) for weight in weights]
        told[source] = _packed(np.stack([table.reshape(len(models), -1)[upper] for table in sums]))
    return {"models": models.tolist(), "sources": _each_once(told)}


def _each_once(told: Mapping[str, str]) -> dict[str, str]:
    first: dict[str, str] = {}
    return {
        source: f"={first[text]}" if first.setdefault(text, source) != source else text for source, text in told.items()
    }


def _packed(columns: Floats) -> str:
    return base64.b64encode(zlib.compress(columns.astype("<i8").tobytes(), 6)).decode()


def _unpacked(text: str) -> Floats:
    columns = np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype="<i8").reshape(3, -1)
    return columns.astype(np.float64)


def kept_sources(snapshot: Snapshot) -> list[str]:
    """The sources whose battles the snapshot kept; empty for one from before they were kept."""
    return list((_kept(snapshot) or {"sources": {}})["sources"])


def kept(snapshot: Snapshot, source: str) -> Met | None:
    """Who met whom by this source when the snapshot was taken; None where it kept nothing of the kind."""
    told = _kept(snapshot)
    text = told["sources"].get(source) if told else None
    if not told or text is None:
        return None
    if text.startswith("="):
        text = told["sources"][text[1:]]
    models = told["models"]
    upper = np.triu_indices(len(models), 1)
    n, ties, share = _unpacked(text)
    return _met(models, upper, (n, ties, share / FINE))


def _kept(snapshot: Snapshot) -> dict[str, Any] | None:
    row = snapshot.tables.filter(name=NAME).first()
    return row.data if row else None


def _met(models: list[int], cells: tuple[NDArray[Any], ...], columns: tuple[Floats, ...]) -> Met:
    """The full tables from one row for each pair."""
    n, ties, share = (np.zeros((len(models), len(models))) for _ in range(3))
    rows, others = cells
    for table, column in zip((n, ties, share), columns, strict=True):
        np.add.at(table, (rows, others), column)
    return Met(models, n + n.T, ties + ties.T, share + (n - share).T)


# What the standing counts say


@dataclass(frozen=True)
class Standing:
    """The counts of a benchmark that stand under the newest rubrics: its categories and machine judges by id and name."""

    rows: QuerySet[PairCount]
    categories: list[int]
    judges: dict[str, int]
    silent: list[int]

    @classmethod
    def of(cls, benchmark: Benchmark) -> Standing:
        """At most five queries, however many votes."""
        mine = PairCount.objects.filter(benchmark=benchmark, n__gt=0).order_by()
        places = set(mine.values_list("category", "rubric", "judge").distinct())
        rubrics = newest(Rubric.objects.values_list("pk", "name", "version"), {rubric for _, rubric, _ in places})
        places = {place for place in places if place[1] in rubrics}
        machines = {judge for _, _, judge in places} - {PEOPLE}
        names = {f"judge:{judge}": judge.pk for judge in Judge.objects.filter(pk__in=machines)}
        categories = sorted({category for category, _, _ in places})
        return cls(mine.filter(rubric__in=rubrics), categories, names, silent_members(benchmark))

    @property
    def sources(self) -> list[str]:
        return [Rating.ALL, Rating.PEOPLE, Rating.JUDGES, *sorted(self.judges)]

    def met(self, source: str, *, category: int | None = None) -> Met | None:
        """Who met whom by this source, in one category or in all; None for a source there is not. One query."""
        rows = self._by(source)
        if rows is None:
            return None
        rows = rows if category is None else rows.filter(category=category)
        told = list(rows.values_list("first", "second").annotate(Sum("n"), Sum("ties"), Sum("share")))
        models = sorted({model for row in told for model in row[:2]})
        table = np.array([row[2:] for row in told], dtype=np.float64).reshape(-1, 3).T
        pairs = np.array([row[:2] for row in told], dtype=np.int64).reshape(-1, 2).T
        cells = tuple(np.searchsorted(models, side) for side in pairs)
        return _met(models, cells, tuple(table))

    def _by(self, source: str) -> QuerySet[PairCount] | None:
        if source == Rating.PEOPLE:
            return self.rows.filter(judge=PEOPLE)
        if source in (Rating.ALL, Rating.JUDGES):
            rows = self.rows.exclude(judge__in=self.silent)
            return rows if source == Rating.ALL else rows.exclude(judge=PEOPLE)
        return self.rows.filter(judge=self.judges[source]) if source in self.judges else None


def is_now(snapshot: Snapshot) -> bool:
    """Whether the standing counts speak for this snapshot: it is the board's current one, and its recipe counts as they do."""
    board = snapshot.leaderboard
    return board.current_id == snapshot.pk and live.is_possible(board)
