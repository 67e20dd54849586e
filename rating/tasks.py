"""Doorbells of rating."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from arena.models import Benchmark
from rating import data, snapshots
from rating.models import Leaderboard

PAUSE = timedelta(seconds=30)  # between two snapshots of a board while votes come in


@shared_task
def rate(benchmark_id: int) -> None:
    """Take a snapshot of one benchmark."""
    snapshots.take(Benchmark.objects.get(pk=benchmark_id))


@shared_task
def refresh() -> None:
    """Take a passing snapshot of every board whose record or recipe has changed, and thin out old ones."""
    for benchmark in Benchmark.objects.filter(leaderboard=None):
        if data.has_judgments(benchmark):
            snapshots.take(benchmark, passing=True)
    for leaderboard in Leaderboard.objects.select_related("benchmark", "current"):
        rested = leaderboard.current is None or leaderboard.current.created_at < timezone.now() - PAUSE
        if rested and snapshots.now(leaderboard) != leaderboard.seen:
            snapshots.take(leaderboard.benchmark, passing=True)
            snapshots.thin(leaderboard)
