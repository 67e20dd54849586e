"""Figures of judges beside people, kept for the next reader: a test of 500 judges takes seconds to count."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from hashlib import sha256
from typing import TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db.models import Max
from django.utils.translation import get_language

from arena.models import Benchmark
from judging.models import Preference
from rating.models import Leaderboard

Made = TypeVar("Made")
KEPT = 300.0  # seconds, where nothing was judged since; names and categories may have changed
PATIENCE = 10.0  # times as long as it took, whatever was judged since


def kept(benchmark: Benchmark, about: Hashable, made: Callable[[], Made]) -> Made:
    """What `made` returns, or returned a while ago: it is made anew where something was judged since, but never so often
    that it takes more than a tenth of the time. Five queries where it is kept."""
    key = f"meta-{sha256(repr((settings.VERSION, get_language(), benchmark.pk, about)).encode()).hexdigest()}"
    state, now = _state(benchmark), time.time()
    found = cache.get(key)
    if found is not None:
        was, at, took, value = found
        if now - at < (KEPT if state is not None and was == state else PATIENCE * took):
            return value
    value = made()
    cache.set(key, (state, now, time.time() - now, value), KEPT)
    return value


def _state(benchmark: Benchmark) -> tuple[int, ...] | None:
    """What changes with every judgment on record; None where nobody keeps count of it. Five queries at most, of indexes."""
    changes = Leaderboard.objects.filter(benchmark=benchmark).values_list("changes", flat=True).first()
    if changes is None:
        return None
    mine = Preference.objects.filter(battle__question__benchmark=benchmark)
    last = Preference.objects.aggregate(last=Max("pk"))["last"] or 0
    return changes, last, mine.new().count(), mine.gone().count()
