"""Taking a snapshot: the record read once, rated, and kept for good."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from arena.inserting import insert
from arena.live import ring
from arena.models import Benchmark, Category
from arena.style import FEATURES
from judging.access import figures_ends
from rating import (
    agreeing,
    confusions,
    contrasts,
    counting,
    data,
    failed,
    groupings,
    health,
    matrices,
    pace_of_answers,
    profiles,
    ratings,
    sorting,
)
from rating.models import Agreement, Grouping, Health, Leaderboard, Profile, Rating, Snapshot, SnapshotTable

log = logging.getLogger(__name__)
NUMBERS = (
    "rating",
    "low",
    "high",
    "rank",
    "rank_low",
    "rank_high",
    "n",
    "n_failed",
    "win_rate",
    "inflation",
    "weighted",
)
EDITION = f"{ratings.EDITION} {health.EDITION}"
KEPT = timedelta(days=1)  # how long every passing snapshot is kept


def take(benchmark: Benchmark, *, passing: bool = False) -> Snapshot | None:
    """The benchmark's snapshot as its record now is; the one there is when nothing has changed; None when empty.

    The same judgments, recipe and code give the same digest and no second snapshot. A `passing` one may be thinned out
    later. Everything is computed before the one transaction that writes it, so that no vote waits for it.
    """
    is_counted = counting.catch_up()
    leaderboard, _made = Leaderboard.objects.get_or_create(benchmark=benchmark)
    leaderboard.benchmark = benchmark  # which saves asking for it
    seen = now(leaderboard)
    told, how = recipe(leaderboard)
    record = data.read(benchmark, flips=told["flips"])
    if is_counted and not counting.is_true_to(benchmark, record):
        _count_anew(leaderboard)
    looks = data.looks(benchmark, record.votes.item) if how.wants_style else None
    sorted_by = sorting.sorting(benchmark, how.kinds)
    known = (settings.VERSION, EDITION, str(sorted(record.excluded.items())))
    about = (str(sorted(told.items())), *known, *sorted_by.words)
    digest = record.digest(*about, looks.digest() if looks else "")
    snapshot = leaderboard.snapshots.filter(digest=digest).first()
    if snapshot is None and not record.is_empty:
        rated = list(failed.on_boards(ratings.boards(record, how, looks, sorted_by), record, sorted_by))
        snapshot = _new(leaderboard, record, looks, told, rated, digest=digest, passing=passing)
    elif snapshot and snapshot.passing and not passing:
        snapshot.passing = False
        snapshot.save(update_fields=["passing"])
    Leaderboard.objects.filter(pk=leaderboard.pk).update(seen=seen, current=snapshot)
    leaderboard.live.all().delete()
    ring(f"board-{benchmark.pk}")
    return snapshot


def _count_anew(leaderboard: Leaderboard) -> None:
    """Where counts and record differ though nothing came in between: a question or a judge was changed after it was counted."""
    is_still = counting.is_caught_up(leaderboard.benchmark)
    if is_still and leaderboard.changes == Leaderboard.objects.get(pk=leaderboard.pk).changes:
        log.warning("%s: the standing counts differ from the record and are made anew", leaderboard)
        counting.reset(leaderboard.benchmark)


def now(leaderboard: Leaderboard) -> str:
    """A text that changes whenever a new snapshot could differ from the current one. Two queries, however many votes.

    Votes show in it once they are counted: see `counting.catch_up`.
    """
    told, how = recipe(leaderboard)
    kinds = sorted(how.kinds.items())
    return f"{leaderboard.changes} {sorted(told.items())} {kinds} {settings.VERSION} {EDITION}"


def thin(leaderboard: Leaderboard) -> int:
    """Of the passing snapshots older than a day keep the last of each hour, and the last before votes began, which those who
    vote are shown; how many went. Some fifteen queries, more where very many go."""
    old = leaderboard.snapshots.filter(passing=True, created_at__lt=timezone.now() - KEPT).order_by("pk")
    last_of_hour = {
        made.replace(minute=0, second=0, microsecond=0): pk for pk, made in old.values_list("pk", "created_at")
    }
    kept = {*last_of_hour.values(), *_shown_to_voters(leaderboard)}
    gone = old.exclude(pk__in=kept).exclude(pk=leaderboard.current_id)
    return gone.delete()[1].get("rating.Snapshot", 0)


def _shown_to_voters(leaderboard: Leaderboard) -> set[int]:
    """The newest snapshots from before each moment at which figures end for somebody: see `Seen.latest`. At most three queries."""
    ends = figures_ends(leaderboard.benchmark)
    made = list(leaderboard.snapshots.order_by("pk").values_list("created_at", "pk")) if ends else []
    shown = (max((pk for at, pk in made if at < end), default=None) for end in ends)
    return {pk for pk in shown if pk is not None}


def recipe(leaderboard: Leaderboard) -> tuple[dict, ratings.Recipe]:
    """The recipe as it is kept with the snapshot, and as the ratings take it. At most five queries."""
    chosen = leaderboard.recipe
    profile = Profile.objects.filter(name=chosen["profile"]).first() if chosen.get("profile") else None
    grouping = Grouping.objects.filter(name=chosen["grouping"]).first() if chosen.get("grouping") else None
    weights = profiles.weights_of(profile, sorting.counts(leaderboard.benchmark)) if profile else {}
    told = {
        "level": chosen.get("level", 0.95),
        "k": chosen.get("k", 32),
        "methods": chosen.get("methods", list(Rating.Method.values)),
        "style": chosen.get("style", list(FEATURES)),
        "flips": chosen.get("flips", data.TIE),
        "tie": "half a win for each",
        "total": profile.mode if profile else "mean",
        "weights": weights,
        **({"profile": profile.name, "basis": profile.basis} if profile else {}),
        **({"grouping": _told(grouping)} if grouping else {}),
        **({"few": chosen["few"]} if "few" in chosen else {}),
    }
    categories = Category.objects.values_list("key", "pk") if weights else ()
    by_id = {pk: float(weights[key]) for key, pk in categories if key in weights}
    return told, ratings.Recipe(
        level=told["level"],
        k=told["k"],
        methods=tuple(told["methods"]),
        style=tuple(told["style"]),
        mode=told["total"],
        weights=by_id,
        kinds=_kinds(grouping),
    )


def _told(grouping: Grouping) -> dict:
    return {name: getattr(grouping, name) for name in ("name", "title_en", "title_zh", "kinds")}


def _kinds(grouping: Grouping | None) -> dict[int, int]:
    """The kind of each category by ids: in this grouping, or else its group. One query."""
    if grouping is None:
        return sorting.groups()
    return {category: kind.pk for category, kind in groupings.places(grouping).items()}


def _new(
    leaderboard: Leaderboard,
    record: data.Record,
    looks: data.Looks | None,
    told: dict,
    rated: list[ratings.Rated],
    *,
    digest: str,
    passing: bool,
) -> Snapshot:
    """Write what was rated, with agreement and health; the one another process wrote meanwhile, if it was quicker."""
    agreed = list(agreeing.agreements(record))
    healthy = health.of(leaderboard.benchmark, record, looks)
    if looks is not None and len(record.verdicts) != len(
        record.votes
    ):  # flips are no ties here, and looks are those of votes
        looks = data.looks(leaderboard.benchmark, record.verdicts.item)
    tables = {"matrix": matrices.matrix_of(record), "confusions": confusions.confusions(record, looks)}
    speeds = {str(model): told for model, told in pace_of_answers.speeds(leaderboard.benchmark).items()}
    keys = dict(Category.objects.values_list("pk", "key"))
    snapshot = Snapshot(
        leaderboard=leaderboard,
        recipe=told,
        digest=digest,
        code_version=settings.VERSION,
        n=record.n,
        excluded=record.excluded,
        notes=[{**_place(board, keys), "note": note} for board in rated for note in board.notes],
        judges={str(judge): name for judge, name in sorted(record.names.items())},
        details=[
            *({**_place(board, keys), **board.details} for board in rated if board.details),
            *([{"speed": speeds}] if speeds else []),
        ],
        provenances=list(record.provenances),
        passing=passing,
    )
    try:
        _write(snapshot, rated, agreed, healthy, tables)
    except IntegrityError:
        return leaderboard.snapshots.get(digest=digest)
    return snapshot


def _place(board: ratings.Rated, keys: dict[int, str]) -> dict[str, str | None]:
    place = {"source": board.source, "method": board.method, "category": keys.get(board.category)}
    return {**place, "language": board.language}


@transaction.atomic
def _write(
    snapshot: Snapshot, rated: list[ratings.Rated], agreed: list[dict], healthy: list[dict], tables: dict[str, Any]
) -> None:
    snapshot.save()
    insert(
        Rating,
        ("snapshot", "source", "method", "category", "language", "model", *NUMBERS),
        [
            (snapshot.pk, board.source, board.method, board.category, board.language, model, *map(row.get, NUMBERS))
            for board in rated
            for model, row in board.rows.items()
        ],
    )
    contrasts.keep(
        snapshot, {(board.source, board.method, board.category, board.language): board.contrasts for board in rated}
    )
    Agreement.objects.bulk_create((Agreement(snapshot=snapshot, **row) for row in agreed), batch_size=500)
    Health.objects.bulk_create((Health(snapshot=snapshot, **row) for row in healthy), batch_size=500)
    SnapshotTable.objects.bulk_create(
        SnapshotTable(snapshot=snapshot, name=name, data=data) for name, data in tables.items()
    )
