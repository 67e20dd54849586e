"""Which boards somebody is looking at right now: pages tell it to the workers through the cache, and it fades by itself.

It is a hint and no record: a place that is lost is told again within a moment, and every board is refreshed in any case.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.core.cache import cache

Place = tuple[str, str, int | None]
"""Source, method and category."""
AGAIN = 10.0  # seconds after which a page tells it again
FADES = 3 * AGAIN
SOON = 0.08  # seconds in which votes are gathered before a board is rated anew
MOST = 50  # boards of one benchmark that are kept up at once; further ones wait for the next full refresh


def look_at(benchmark: int, places: Iterable[Place]) -> None:
    """Say that somebody looks at these boards."""
    now = time.time()
    there = _places(benchmark, now) | dict.fromkeys(places, now + FADES)
    latest = sorted(there.items(), key=lambda item: -item[1])[:MOST]
    cache.set(_key(benchmark), latest, FADES)


def looked_at(benchmark: int) -> list[Place]:
    """The boards that somebody looks at; those asked for last come first."""
    return list(_places(benchmark, time.time()))


def due(benchmark: int) -> bool:
    """Whether a refresh of what is looked at must be called for: somebody looks, and none is on its way."""
    return bool(looked_at(benchmark)) and cache.add(f"{_key(benchmark)}-due", 1, FADES)


def begun(benchmark: int) -> None:
    """Say that the refresh reads the record from now on: what comes later needs another."""
    cache.delete(f"{_key(benchmark)}-due")


def _places(benchmark: int, now: float) -> dict[Place, float]:
    return {place: until for place, until in cache.get(_key(benchmark)) or () if until > now}


def _key(benchmark: int) -> str:
    return f"boards-looked-at-{benchmark}"
