"""The home page's cards: one leaderboard each, with its three best models."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from arena.models import Question
from rating.models import Leaderboard, Rating, Snapshot
from rating.seen import Seen


@dataclass(frozen=True)
class Card:
    """One leaderboard; `snapshot` is None before anything was rated, `best` holds at most three ratings.

    `is_held` says that newer figures are kept from whoever reads it.
    """

    leaderboard: Leaderboard
    snapshot: Snapshot | None
    best: list[Rating]
    categories: int
    is_held: bool = False

    @property
    def method(self) -> str:
        return self.best[0].method if self.best else Rating.Method.BT


def cards(seen: Seen) -> list[Card]:
    """All leaderboards with what their current snapshots say, or those that are seen. Three queries, and one for each
    benchmark of which figures are kept back."""
    shown = [
        (row, seen.latest(row.benchmark) if seen.is_held(row.benchmark) else row.current)
        for row in Leaderboard.objects.select_related("benchmark", "current")
    ]
    snapshots = {snapshot.pk: snapshot for _row, snapshot in shown if snapshot}
    best, counts = _best(snapshots), _categories(snapshots)
    return [
        Card(
            row,
            one,
            best.get(one.pk, []) if one else [],
            counts.get(one.pk, 0) if one else 0,
            seen.is_held(row.benchmark),
        )
        for row, one in shown
    ]


def _best(snapshots: dict[int, Snapshot]) -> dict[int, list[Rating]]:
    """The three first of each snapshot by Bradley–Terry, or by score where there are only scores. One query."""
    rows = Rating.objects.filter(snapshot__in=snapshots, source=Rating.ALL, category=None, language="", rank__lte=3)
    by_method: dict[tuple[int, str], list[Rating]] = {}
    for row in rows.select_related("model").order_by("rank", "model__name"):
        by_method.setdefault((row.snapshot_id, row.method), []).append(row)
    methods = Rating.Method.values
    return {pk: next((by_method[pk, m] for m in methods if (pk, m) in by_method), [])[:3] for pk in snapshots}


def _categories(snapshots: dict[int, Snapshot]) -> dict[int, int]:
    """How many categories each snapshot rates. One query."""
    rows = Rating.objects.filter(snapshot__in=snapshots, category__in=Question.objects.values("category")).order_by()
    return dict(rows.values_list("snapshot").annotate(Count("category", distinct=True)))
