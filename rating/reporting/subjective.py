"""What people and judges made of a model's answers: its places on the boards of each benchmark's current snapshot."""

from __future__ import annotations

from django.db.models import F

from arena.models import LanguageModel
from rating.boards import FEW
from rating.models import Rating
from rating.reporting.report import RatedLine, SnapshotLine
from rating.seen import Seen

METHODS = (Rating.Method.BT, Rating.Method.SCORE)
SOURCES = (Rating.PEOPLE, Rating.JUDGES, Rating.ALL)


def ratings_of(model: LanguageModel, seen: Seen) -> tuple[RatedLine, ...]:
    """The model's ratings and mean scores on what is seen of each benchmark, by it, category and source. One query."""
    found = model.ratings.filter(snapshot__in=seen.current()).filter(
        method__in=METHODS, source__in=SOURCES, language=""
    )
    found = found.select_related("category", "snapshot__leaderboard__benchmark").order_by(
        "snapshot__leaderboard__benchmark__name",
        "snapshot__leaderboard__benchmark__version",
        F("category__position").asc(nulls_first=True),
        F("category__key").asc(nulls_first=True),
        "method",
        "source",
    )
    return tuple(_line(row) for row in found)


def _line(row: Rating) -> RatedLine:
    benchmark = row.snapshot.leaderboard.benchmark
    names = ("source", "method", "rating", "low", "high", "rank", "rank_low", "rank_high", "n", "win_rate", "inflation")
    return RatedLine(
        benchmark_pk=benchmark.pk,
        benchmark=benchmark.title,
        benchmark_key=str(benchmark),
        category=row.category.key if row.category else "",
        category_name=row.category.name if row.category else "",
        level=float(row.snapshot.recipe.get("level", 0.95)),
        few=int(row.snapshot.recipe.get("few") or FEW),
        snapshot=SnapshotLine(
            pk=row.snapshot.pk,
            benchmark=benchmark.title,
            digest=row.snapshot.digest,
            code_version=row.snapshot.code_version,
            n=row.snapshot.n,
            at=row.snapshot.created_at,
            provenances=tuple(row.snapshot.provenances),
        ),
        **{name: getattr(row, name) for name in names},
    )
