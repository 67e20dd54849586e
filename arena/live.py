"""Doorbells for open pages: a message says that something changed, the page asks again for its fragment."""

from __future__ import annotations

import asyncio
import logging

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
UNHEARD = (OSError, RedisError, OperationalError)  # what ringing raises when the broker is not there


class ThreadSafeInMemoryLayer(InMemoryChannelLayer):
    """An in-memory layer that any thread of the one process may ring.

    Channels' own layer may be used on one event loop only, and our worker runs in a thread beside the
    server: so every queue operation hops to the loop that first called `receive`, the one with the sockets.
    """

    home: asyncio.AbstractEventLoop | None = None

    async def receive(self, channel):
        if self.home is None or self.home.is_closed():
            self.home = asyncio.get_running_loop()
        return await super().receive(channel)

    async def _at_home(self, operation, *args):
        home = self.home
        if home is None or home.is_closed() or home is asyncio.get_running_loop():
            return await operation(*args)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(operation(*args), home))

    async def send(self, channel, message):
        return await self._at_home(super().send, channel, message)

    async def group_send(self, group, message):
        return await self._at_home(super().group_send, group, message)

    async def group_add(self, group, channel):
        return await self._at_home(super().group_add, group, channel)

    async def group_discard(self, group, channel):
        return await self._at_home(super().group_discard, group, channel)

    def ring(self, group: str, message: dict[str, str]) -> None:
        """`group_send` for ordinary code."""
        async_to_sync(self.group_send)(group, message)


def ring(topic: str) -> None:
    """Tell every open page on `topic` that something changed; a bell nobody hears is no loss, and no error."""
    try:
        get_channel_layer().ring(topic, {"type": "rang", "topic": topic})
    except UNHEARD as error:
        log.warning("%s: nobody could be told (%s)", topic, error)
