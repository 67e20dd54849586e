"""Asynchronous work seen from ordinary code: results come back in this thread, where the database is."""

from __future__ import annotations

import asyncio
import gc
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import TypeVar

import uvloop

T = TypeVar("T")
END = object()
LARGEST = 200  # results handed over at once
ROOM = 2 * LARGEST  # results that may wait to be handed over; the iterator waits when there are more
LULL = 0.02  # seconds without another result after which those that came are handed over
GATHERED = 0.1  # seconds after which they are handed over though more keep coming
FEW = 16  # results that are too few to be handed over at the first lull: what trickles in is waited for
TRICKLE, LONGEST_TRICKLE = 0.15, 0.5  # seconds that they wait for more: a fifth of what a result takes
SHORTEST_REST, LONGEST_REST = 0.01, 0.05  # seconds that the loop rests: a fiftieth, where that is not too short


def arrivals(
    make: Callable[[], AsyncIterator[T]], *, wait: float = 1.0, took: Callable[[T], float] = lambda _result: 0.0
) -> Iterator[list[T]]:
    """Lists of what has arrived from the asynchronous iterator, at least one list every `wait` + LONGEST_TRICKLE seconds.

    The iterator runs on an event loop of its own in a thread, so that it never waits for what the caller does
    with the results, unless ROOM of them pile up, and no transaction is ever open during a call. What arrives together is
    handed over together: the caller works while the loop waits, and not beside it, for the two take turns. A list may be
    empty: a moment for the caller to renew a lease.

    `took` says how many seconds a result was in the making. Where that is long the loop rests for a fiftieth of it after each,
    and what trickles in is waited for a fifth of it: to wake up for every single result takes half as much again of the
    processor. The loop's own work is later by up to LONGEST_REST, that for quicker results too, so whoever measures how long a first
    token takes has no `took`.

    When the caller stops early, the iterator is cancelled. An error inside is raised here, after all that had arrived
    before it.
    """
    tray = _Tray()
    task: list[asyncio.Task] = []

    async def pump() -> None:
        task.append(asyncio.current_task())
        iterator = make()
        try:
            async for result in iterator:
                await tray.put(result, took(result))
        finally:
            if hasattr(iterator, "aclose"):
                await iterator.aclose()

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(pump())
            tray.end(None)
        except asyncio.CancelledError:
            tray.end(None)
        except BaseException as error:  # noqa: BLE001  handed over to the caller's thread
            tray.end(error)

    thread = threading.Thread(target=work, name="arrivals", daemon=True)
    thread.start()
    end = None
    try:
        while end is None:
            batch, end = tray.take(wait)
            if batch or end is None:
                yield batch
        if end[1] is not None:
            raise end[1]
    finally:
        if end is None and task:
            with suppress(RuntimeError):  # the loop has just come to its own end
                task[0].get_loop().call_soon_threadsafe(task[0].cancel)
        thread.join(10)


YOUNG = (20_000, 20, 20)  # objects, and rounds, after which the garbage collector looks at what is new


@contextmanager
def unburdened() -> Iterator[None]:
    """Keeps the garbage collector from what is there already: looking through a loaded process holds up every thread for a
    tenth of a second, again and again while results come in. What is new it looks through more seldom, for that takes a
    tenth of a judgment's time. What becomes garbage meanwhile is found afterwards."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*YOUNG)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class _Tray:
    """What has arrived: put down within the loop, taken up by the caller. How long it waits for company goes by how long it took."""

    def __init__(self) -> None:
        self._ready: queue.SimpleQueue = queue.SimpleQueue()
        self._over = threading.Event()  # nothing more will come
        self._trickle = TRICKLE
        self._rest = 0.0

    async def put(self, result: object, took: float) -> None:
        """Put this down, once there is room for it, and let the loop rest when what waits in it is done."""
        while self._ready.qsize() >= ROOM:  # and not a bounded queue: a loop that blocks would keep every call waiting
            await asyncio.sleep(LULL)
        self._ready.put(result)
        self._trickle = min(max(TRICKLE, took / 5), LONGEST_TRICKLE)
        rest = min(took / 50, LONGEST_REST)
        if rest < SHORTEST_REST:
            return
        if not self._rest:
            asyncio.get_running_loop().call_soon(self._sleep)
        self._rest = max(rest, self._rest)

    def end(self, error: BaseException | None) -> None:
        """Say that nothing more will come, and why, where that is a failure."""
        self._ready.put((END, error))
        self._over.set()

    def take(self, wait: float) -> tuple[list, tuple | None]:
        """What is ready, at most LARGEST, waiting up to `wait` seconds for the first; and the end, if it has come."""
        batch: list = []
        try:
            item = self._ready.get(timeout=wait)
            self._gather()
            while not (isinstance(item, tuple) and item and item[0] is END):
                batch.append(item)
                if len(batch) == LARGEST:
                    return batch, None
                item = self._ready.get_nowait()
        except queue.Empty:
            return batch, None
        return batch, item

    def _gather(self) -> None:
        """Wait while more keeps coming: for GATHERED seconds at the longest, its trickle where only a FEW came, and not for more than
        is handed over at once."""
        began, had, over = monotonic(), -1, self._over
        while had < (has := self._ready.qsize()) < LARGEST and monotonic() < began + GATHERED and not over.wait(LULL):
            had = has
        if has < FEW:
            over.wait(max(0.0, began + self._trickle - monotonic()))

    def _sleep(self) -> None:
        sleep(self._rest)
        self._rest = 0.0
