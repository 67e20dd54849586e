"""Asking for new snapshots once a setting that decides them is saved. Nothing is judged again, and old snapshots stay."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial

from django.db import transaction

from arena.live import UNHEARD
from rating.models import Leaderboard

log = logging.getLogger(__name__)


def ask(benchmarks: Iterable[int]) -> None:
    """Ask for a snapshot of each of these benchmarks, by id, once what was saved is committed."""
    for benchmark in benchmarks:
        transaction.on_commit(partial(_ask, benchmark))


def _ask(benchmark: int) -> None:
    from rating import tasks  # which know all that rates

    try:
        tasks.rate.delay(benchmark)
    except UNHEARD as error:  # the next look at all boards finds that the recipe has changed
        log.warning("benchmark %s: no worker could be asked for a snapshot (%s)", benchmark, error)


def boards_with(name: str, value: str) -> list[Leaderboard]:
    """The boards whose recipe names this value, with benchmark loaded, such as ("profile", "business"). One query."""
    boards = Leaderboard.objects.select_related("benchmark")
    return [board for board in boards if board.recipe.get(name) == value]
