"""Doorbells of rating."""

import logging
import time
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from arena.live import ring
from arena.models import Benchmark, Upload
from rating import counting, live, snapshots, uploading, urgency, watched
from rating.models import Leaderboard

log = logging.getLogger(__name__)
PAUSE = timedelta(seconds=30)  # between two snapshots of a board while votes come in
PER_PAUSE = 100_000  # judgments that a pause is long enough for: larger boards rest longer, their live boards do not


@shared_task
def rate(benchmark_id: int) -> None:
    """Take a snapshot of one benchmark."""
    snapshots.take(Benchmark.objects.get(pk=benchmark_id))


@shared_task
def refresh() -> None:
    """Count what has come; of every board that has changed take a passing snapshot, or refresh its live boards until it is due.

    Then say which items of open runs are the most urgent. What goes wrong with one board is logged and keeps no other waiting.
    """
    is_counted = counting.catch_up()
    for leaderboard in Leaderboard.objects.select_related("benchmark", "current"):
        try:
            _refresh(leaderboard, is_counted=is_counted)
        except Exception:
            log.exception("%s could not be rated", leaderboard)
    try:
        urgency.refresh()
    except Exception:
        log.exception("what is urgent could not be found")


@shared_task
def refresh_watched(benchmark_id: int) -> None:
    """Rate the boards of a benchmark that somebody looks at anew, from the standing counts, a moment after a vote."""
    time.sleep(watched.SOON)  # here, because a worker looks at what is due later once a second only
    watched.begun(benchmark_id)
    leaderboard = Leaderboard.objects.select_related("benchmark", "current").filter(benchmark=benchmark_id).first()
    if leaderboard is None or leaderboard.current is None or not counting.catch_up():
        return
    if live.refresh_places(leaderboard, snapshots.recipe(leaderboard)[1], watched.looked_at(benchmark_id)):
        ring(f"board-{benchmark_id}")


def _refresh(leaderboard: Leaderboard, *, is_counted: bool) -> None:
    if snapshots.now(leaderboard) == leaderboard.seen:
        return
    told, recipe = snapshots.recipe(leaderboard)
    if _is_due(leaderboard) or told != leaderboard.current.recipe:
        snapshots.take(leaderboard.benchmark, passing=True)
        snapshots.thin(leaderboard)
    elif is_counted:  # counts that lag behind would show fewer votes than the snapshot
        live.refresh(leaderboard, recipe)


def _is_due(leaderboard: Leaderboard) -> bool:
    if leaderboard.current is None:
        return True
    rest = PAUSE * max(1.0, leaderboard.current.n / PER_PAUSE)
    return leaderboard.current.created_at < timezone.now() - rest


@shared_task
def check_uploads(ids: list[int]) -> None:
    """Look at uploaded files, in this order."""
    for upload in _uploads(ids, Upload.Status.CHECKING):
        uploading.check(upload)


@shared_task
def load_uploads(ids: list[int]) -> None:
    """Load uploaded files that were claimed, in this order, up to the first that cannot be."""
    uploading.load_in_turn(_uploads(ids, Upload.Status.LOADING))


def _uploads(ids: list[int], status: str) -> list[Upload]:
    found = Upload.objects.filter(status=status).in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]
