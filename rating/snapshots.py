"""Taking a snapshot: the record read once, rated, and kept for good."""

from __future__ import annotations

from contextlib import suppress

from django.conf import settings
from django.db import IntegrityError, transaction

from arena.live import ring
from arena.models import Benchmark, Category
from judging.running import UNHEARD
from rating import agreeing, data, ratings
from rating.models import Agreement, Leaderboard, Profile, Rating, Snapshot


def take(benchmark: Benchmark) -> Snapshot | None:
    """The benchmark's snapshot as its record now is; the one there is when nothing has changed; None when empty.

    The same judgments, recipe and code give the same digest and no second snapshot. One transaction writes it.
    """
    leaderboard, _made = Leaderboard.objects.get_or_create(benchmark=benchmark)
    seen = data.stamp(benchmark)
    record = data.read(benchmark)
    told, recipe = _recipe(leaderboard)
    digest = record.digest(str(sorted(told.items())), settings.VERSION, str(sorted(record.excluded.items())))
    snapshot = leaderboard.snapshots.filter(digest=digest).first()
    if snapshot is None and record.n:
        try:
            snapshot = _write(leaderboard, record, told, recipe, digest)
        except IntegrityError:  # another process took the same one meanwhile
            snapshot = leaderboard.snapshots.get(digest=digest)
    Leaderboard.objects.filter(pk=leaderboard.pk).update(seen=seen)
    with suppress(*UNHEARD):
        ring(f"board-{benchmark.pk}")
    return snapshot


def _recipe(leaderboard: Leaderboard) -> tuple[dict, ratings.Recipe]:
    """The recipe as it is kept with the snapshot, and as the ratings take it."""
    profile = Profile.objects.filter(name=leaderboard.recipe.get("profile", "")).first()
    weights = profile.weights if profile else {}
    told = {
        "level": leaderboard.recipe.get("level", 0.95),
        "k": leaderboard.recipe.get("k", 32),
        "flips": "tie",
        "tie": "half a win for each",
        "total": profile.mode if profile else "mean",
        "weights": weights,
    }
    by_id = {pk: float(weights[key]) for key, pk in Category.objects.values_list("key", "pk") if key in weights}
    return told, ratings.Recipe(level=told["level"], k=told["k"], mode=told["total"], weights=by_id)


@transaction.atomic
def _write(leaderboard: Leaderboard, record: data.Record, told: dict, recipe: ratings.Recipe, digest: str) -> Snapshot:
    boards = list(ratings.boards(record, recipe))
    keys = dict(Category.objects.values_list("pk", "key"))
    snapshot = Snapshot.objects.create(
        leaderboard=leaderboard,
        recipe=told,
        digest=digest,
        code_version=settings.VERSION,
        n=record.n,
        excluded=record.excluded,
        notes=[
            {"source": board.source, "method": board.method, "category": keys.get(board.category), "note": note}
            for board in boards
            for note in board.notes
        ],
        provenances=list(record.provenances),
    )
    Rating.objects.bulk_create(
        (
            Rating(
                snapshot=snapshot,
                source=board.source,
                method=board.method,
                category_id=board.category,
                model_id=model,
                **row,
            )
            for board in boards
            for model, row in board.rows.items()
        ),
        batch_size=500,
    )
    Agreement.objects.bulk_create(
        (Agreement(snapshot=snapshot, **row) for row in agreeing.agreements(record)), batch_size=500
    )
    return snapshot
