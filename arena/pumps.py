"""Many people with one page open: what it shows is made once for all of them, at most once a second, and handed to each.

A pump belongs to a topic (a run, a benchmark's boards) in one process. It hears the topic's bell once for all sockets, asks
`make` once for what all of them show, and gives each its own. Two hundred readers of one page cost what one does, and one
send each.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Collection, Hashable, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer

EVERY = 1.0  # seconds between two fragments, however often the bell rings
SHARE = (
    4  # a fragment that takes long to make is made less often: at most one part in so many of a core goes to a topic
)
FORBIDDEN = 4403
logger = logging.getLogger(__name__)

Make = Callable[[Collection[Hashable]], Mapping[Hashable, str | None]]
"""What readers of these kinds are shown, as HTML; None, or no entry, for a kind that may see nothing (any more)."""


class Reader:
    """One socket: it holds the newest message only, so that a slow reader misses some and holds nobody up.

    `kind` is all that what it is shown depends on.
    """

    def __init__(self, kind: Hashable) -> None:
        self.kind = kind
        self._newest: str | None = None
        self._told = ""
        self._is_out = False
        self._news = asyncio.Event()

    def knows(self, html: str) -> bool:
        """Whether it was told just this last."""
        return html == self._told

    def tell(self, html: str, message: str) -> None:
        """Give it the message about this HTML."""
        self._told, self._newest = html, message
        self._news.set()

    def shut_out(self) -> None:
        """They may not see it any more."""
        self._is_out = True
        self._news.set()

    async def next(self) -> str | None:
        """The newest message that was not given yet; None once they may see nothing."""
        await self._news.wait()
        self._news.clear()
        return None if self._is_out else self._newest


class Pump:
    """All sockets of this process on one topic: one ear for its bell, one fragment for each kind of reader.

    With `stale` it looks again after so many seconds without a bell.
    """

    def __init__(self, topic: str, make: Make, *, every: float = EVERY, stale: float | None = None) -> None:
        self.topic, self.make, self.every, self.stale = topic, make, every, stale
        self.readers: set[Reader] = set()
        self.bell = asyncio.Event()
        self.seq = 0
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._work())]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        for task in self.tasks:
            with suppress(asyncio.CancelledError):
                await task

    def made(self, html: Mapping[Hashable, str | None]) -> None:
        """Hears what was just made; for a pump that looks again sooner or later by what it says."""

    async def _listen(self) -> None:
        """Hear the bell for everybody."""
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(self.topic, channel)
        try:
            while True:
                await layer.receive(channel)
                self.bell.set()
        finally:
            await layer.group_discard(self.topic, channel)

    async def _work(self) -> None:
        """A fragment for each bell; bells that ring while one is made, or before the next is due, are one."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.bell.wait(), self.stale)
            self.bell.clear()
            began = time.monotonic()
            try:
                await self._tell()
            except Exception:
                logger.exception("%s could not be sent", self.topic)
            await asyncio.sleep(max(self.every, (SHARE - 1) * (time.monotonic() - began)))

    async def _tell(self) -> None:
        readers = list(self.readers)
        if not readers:
            return
        html = await database_sync_to_async(self.make)({reader.kind for reader in readers})
        self.made(html)
        for reader in readers:
            if html.get(reader.kind) is None:
                reader.shut_out()
        curious = [one for one in readers if (text := html.get(one.kind)) is not None and not one.knows(text)]
        if not curious:
            return
        self.seq += 1
        messages = {kind: json.dumps({"seq": self.seq, "html": html[kind]}) for kind in {one.kind for one in curious}}
        for reader in curious:
            reader.tell(html[reader.kind] or "", messages[reader.kind])


_pumps: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Pump]] = WeakKeyDictionary()


def join(topic: str, reader: Reader, pump: Callable[[], Pump]) -> None:
    """Let this reader have the topic's fragments from now on, by a new pump where there is none; the first at once."""
    pumps = _pumps.setdefault(asyncio.get_running_loop(), {})
    mine = pumps.get(topic)
    if mine is None:
        mine = pumps[topic] = pump()
        mine.start()
    mine.readers.add(reader)
    mine.bell.set()


async def leave(topic: str, reader: Reader) -> None:
    """Take the reader out; with the last one the topic is listened to no more."""
    pumps = _pumps.setdefault(asyncio.get_running_loop(), {})
    mine = pumps.get(topic)
    if mine is None:
        return
    mine.readers.discard(reader)
    if not mine.readers:
        del pumps[topic]
        await mine.stop()


class FragmentSocket(AsyncWebsocketConsumer):
    """A socket that is sent {seq, html} whenever its topic's bell rings; refuses at subscribe time.

    A subclass says in `subscribe` which topic, which kind of reader, and how the topic's pump is made.
    """

    topic = ""
    reader: Reader | None = None
    sending: asyncio.Task[None] | None = None

    async def subscribe(self) -> tuple[str, Hashable, Callable[[], Pump]] | None:
        """Topic, kind of reader, maker of the pump; None for somebody who may see nothing."""
        raise NotImplementedError

    async def connect(self) -> None:
        found = await self.subscribe()
        if found is None:
            await self.close(code=FORBIDDEN)
            return
        self.topic, kind, pump = found
        await self.accept()
        self.reader = Reader(kind)
        self.sending = asyncio.create_task(self._send_what_comes(self.reader))
        join(self.topic, self.reader, pump)

    async def disconnect(self, code: int) -> None:
        if self.reader:
            await leave(self.topic, self.reader)
        if self.sending:
            self.sending.cancel()
            with suppress(asyncio.CancelledError):
                await self.sending

    async def _send_what_comes(self, reader: Reader) -> None:
        try:
            while (message := await reader.next()) is not None:
                await self.send(text_data=message)
            await self.close(code=FORBIDDEN)
        except OSError:
            return  # the reader left while a fragment was on its way
        except Exception:
            logger.exception("%s could not be sent to a reader", self.topic)
            await self.close(code=1011)


def asked_of(scope: Mapping[str, Any]) -> str:
    """The query string of the socket's address."""
    return scope["query_string"].decode("latin-1")
