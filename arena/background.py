"""Asynchronous work seen from ordinary code: results come back in this thread, where the database is."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
END = object()


def arrivals(make: Callable[[], AsyncIterator[T]], *, wait: float = 1.0) -> Iterator[list[T]]:
    """Lists of what has arrived from the asynchronous iterator, at least one list every `wait` seconds.

    The iterator runs on an event loop of its own in a thread, so that it never waits for what the caller does
    with the results, and no transaction is ever open during a call. A list may be empty: a moment for the caller to
    renew a lease. When the caller stops early, the iterator is cancelled. An error inside is raised here, after all
    that had arrived before it.
    """
    ready: queue.Queue = queue.Queue()
    task: list[asyncio.Task] = []

    async def pump() -> None:
        task.append(asyncio.current_task())
        iterator = make()
        try:
            async for result in iterator:
                ready.put(result)
        finally:
            if hasattr(iterator, "aclose"):
                await iterator.aclose()

    def work() -> None:
        try:
            asyncio.run(pump())
            ready.put((END, None))
        except asyncio.CancelledError:
            ready.put((END, None))
        except BaseException as error:  # noqa: BLE001  handed over to the caller's thread
            ready.put((END, error))

    thread = threading.Thread(target=work, name="arrivals", daemon=True)
    thread.start()
    try:
        while True:
            batch, end = _take(ready, wait)
            if batch or end is None:
                yield batch
            if end is not None:
                if end[1] is not None:
                    raise end[1]
                return
    finally:
        if task and thread.is_alive():
            task[0].get_loop().call_soon_threadsafe(task[0].cancel)
        thread.join(10)


def _take(ready: queue.Queue, wait: float) -> tuple[list, tuple | None]:
    """Everything that is ready, waiting up to `wait` seconds for the first; and the end, if it has come."""
    batch: list = []
    try:
        item = ready.get(timeout=wait)
        while True:
            if isinstance(item, tuple) and item and item[0] is END:
                return batch, item
            batch.append(item)
            item = ready.get_nowait()
    except queue.Empty:
        return batch, None
