"""Doorbells of rating."""

from celery import shared_task

from arena.models import Benchmark
from rating import data, snapshots


@shared_task
def rate(benchmark_id: int) -> None:
    """Take a snapshot of one benchmark."""
    snapshots.take(Benchmark.objects.get(pk=benchmark_id))


@shared_task
def refresh() -> None:
    """Take a snapshot of every benchmark whose record has changed since the last look."""
    for benchmark in Benchmark.objects.select_related("leaderboard"):
        leaderboard = getattr(benchmark, "leaderboard", None)
        now = data.stamp(benchmark)
        if now != (leaderboard.seen if leaderboard else "None/0/0 None/0/0"):
            snapshots.take(benchmark)
