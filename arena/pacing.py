"""The tallies that keep all workers to the limits of an endpoint: in Redis where there is one, else in the database.

Limits are of the endpoint and not of the row: models that are one endpoint's under two names share its tally.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from arena.chat import ChatError
from arena.chat.pace import LEASE, Leave, Limits, Pace, Place, Tally, Wish, granted

if TYPE_CHECKING:
    import redis
    from redis.commands.core import Script

    from arena.models import LanguageModel

GRANTED = Path(__file__).with_name("granted.lua")
REDIS_SECONDS = 5.0  # a Redis that takes longer is not there


def pace_of(model: LanguageModel) -> Pace | None:
    """What all who ask this model keep to; None where its row names no limits. Raises ValueError for limits that are none."""
    limits = Limits.of(model.limits)
    if limits.is_none:
        return None
    if settings.REDIS_URL:
        return RedisPace(tally_of(model), limits)
    return TablePace(tally_of(model), limits)


def tally_of(model: LanguageModel) -> str:
    """The name of the tally of the endpoint that the model is asked at."""
    where = (model.provider, model.base_url.rstrip("/"), model.endpoint_model or model.name, model.key_env)
    return hashlib.sha256("\n".join(where).encode()).hexdigest()


class TablePace:
    """A tally that is a row of the database; starts are handed out some at a time, so a call does not cost a query."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.limits = limits

    def ask(self, wish: Wish) -> Leave:
        """See `Pace.ask`. Five queries or so, on a connection that is given back."""
        try:
            return self._ask(wish)
        except DatabaseError as error:
            raise ChatError(f"the limits of the endpoint cannot be read: {error}", transient=True) from error
        finally:
            if not connection.in_atomic_block:
                connection.close()

    @transaction.atomic
    def _ask(self, wish: Wish) -> Leave:
        rows = apps.get_model("arena", "EndpointTally").objects
        row, _ = rows.select_for_update().get_or_create(name=self.name)
        places = {worker: Place(*place) for worker, place in row.places.items()}
        before = Tally(row.calls_at, row.tokens_at, row.shut_until, places)
        # The clock is read when the row is ours: who waits for it must not be granted what is past.
        tally, leave = granted(before, wish, self.limits, _now())
        row.calls_at, row.tokens_at, row.shut_until = tally.calls_at, tally.tokens_at, tally.shut_until
        row.places = {worker: astuple(place) for worker, place in tally.places.items()}
        row.save()
        return leave


class RedisPace:
    """A tally that is a hash in Redis, by the same rule in Lua; one round trip for all calls that wait."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.limits = limits

    def ask(self, wish: Wish, *, now: float | None = None) -> Leave:
        """See `Pace.ask`; by the clock of Redis, unless a time is given."""
        from redis.exceptions import RedisError

        try:
            waits, places, shut = _script(settings.REDIS_URL)(
                keys=[f"juryroom:pace:{self.name}"], args=self._told(wish, now)
            )
        except RedisError as error:
            raise ChatError(f"the limits of the endpoint cannot be read: {error}", transient=True) from error
        return Leave(tuple(map(float, waits)), int(places) if int(places) >= 0 else None, float(shut))

    def _told(self, wish: Wish, now: float | None) -> list[str | float]:
        limits = self.limits
        return [
            "" if now is None else repr(now),
            limits.seconds_per_call,
            limits.seconds_per_token,
            -1 if limits.concurrency is None else limits.concurrency,
            LEASE,
            wish.worker,
            wish.held,
            wish.wanted,
            wish.owed,
            wish.shut,
            *wish.tokens,
        ]


@lru_cache(maxsize=4)
def _script(url: str) -> Script:
    """The rule, at this Redis; threads share its connections."""
    import redis

    client: redis.Redis = redis.Redis.from_url(
        url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, decode_responses=True
    )
    return client.register_script(GRANTED.read_text())


def _now() -> float:
    """Seconds by the clock that all workers share: the server's, or this machine's where the database is a file on it."""
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])
