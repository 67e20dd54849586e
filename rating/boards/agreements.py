"""How far judges agree, as a snapshot has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q

from arena.models import Benchmark
from judging.models import Judge
from rating.boards.board import key_of, latest
from rating.models import Agreement, Snapshot

NUMBERS = (
    "n", "raw", "kappa", "alpha", "low", "high", "kind", "relation", "clusters", "pairs", "raw_decided", "pairs_decided",
    "kappa_kind", "interval", "ac1", "top_share", "difference", "difference_low", "difference_high", "difference_n",
    "p_value", "note",
)  # fmt: skip
"""What a row of agreement says, in the order of its JSON."""


@dataclass(frozen=True)
class Agreements:
    """The rows of agreement of one snapshot, with category loaded, all categories first."""

    benchmark: Benchmark
    snapshot: Snapshot | None
    rows: list[Agreement]

    def of(self, *relations: str) -> list[Agreement]:
        """The rows of these relations, in their order."""
        return [row for row in self.rows if row.relation in relations]

    def as_json(self) -> dict[str, Any]:
        """The rows as plain data; category None is "all", an undefined coefficient null."""
        rows = [
            {"category": key_of(row.category), "judges": row.judges, **{name: getattr(row, name) for name in NUMBERS}}
            for row in self.rows
        ]
        return {"benchmark": self.benchmark.name, "rows": rows}


def agreement_rows(benchmark: Benchmark, *, snapshot: Snapshot | None = None) -> Agreements:
    """How far judges agree, from `snapshot` or else the latest. At most two queries."""
    snapshot = snapshot or latest(benchmark)
    return Agreements(benchmark, snapshot, ordered(snapshot.agreements) if snapshot else [])


def ordered(agreements: Any) -> list[Agreement]:
    """These rows with category and judge: all categories before the single ones, judges in their first order. One query."""
    rows = agreements.select_related("category", "judge").order_by(
        F("category__position").asc(nulls_first=True), "category", "pk"
    )
    return list(rows)


def of_judge(judge: Judge, snapshots: Iterable[int]) -> list[Agreement]:
    """Rows of these snapshots (ids) that this judge is in, with snapshot and benchmark loaded. One query."""
    rows = Agreement.objects.filter(Q(judge=judge) | Q(other=judge), snapshot__in=list(snapshots))
    return ordered(rows.select_related("snapshot__leaderboard__benchmark"))
