"""Work for a model on this machine: one thread for each model, which takes what waits as one batch."""

from __future__ import annotations

import asyncio
import atexit
import queue
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from arena.chat.base import ChatError

In = TypeVar("In")
Out = TypeVar("Out")

FAULTS = (RuntimeError, MemoryError, IndexError, ValueError)
"""What torch and transformers raise for what they cannot do, as where memory is full."""
GATHER_SECONDS = 0.005  # that a first call waits for others
PARTING = 10.0  # seconds that a process which ends waits for what a model has under way

closing = threading.Event()
"""Set once this process ends: nothing new begins, and a reply that is being written ends with its next token."""
_busy: set[threading.Thread] = set()


def _part() -> None:
    """Wait for the models at work: a thread that Python ends in the middle of torch takes the whole process with it (SIGABRT)."""
    closing.set()
    until = time.monotonic() + PARTING
    for thread in list(_busy):
        thread.join(max(0.0, until - time.monotonic()))


atexit.register(_part)


@dataclass(frozen=True)
class _Job:
    """Something to do: alone, or together with jobs of the same `group` (None: never together)."""

    group: Hashable
    run: Callable[[Sequence[Any]], Sequence[Any]]
    given: Any
    most: int = 1
    done: Future[Any] = field(default_factory=Future)


class Worker(Generic[In, Out]):
    """A thread that works jobs off in their order; jobs of one group that wait at the same time become one batch.

    The thread is a daemon, and starts with the first job. What a job raises is raised by its future; a future that is
    cancelled before its job began takes it out of the queue.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._aside: list[_Job] = []
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def alone(self, run: Callable[[], Out]) -> Future[Out]:
        """The future of what `run` returns."""
        return self._put(_Job(None, lambda _: [run()], None))

    def together(
        self, group: Hashable, run: Callable[[Sequence[In]], Sequence[Out]], given: In, *, most: int
    ) -> Future[Out]:
        """The future of this item's result; `run` is called with up to `most` items of the group at once."""
        return self._put(_Job(group, run, given, most))

    def _put(self, job: _Job) -> Future[Any]:
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
        self._waiting.put(job)
        return job.done

    def _work(self) -> None:
        while True:
            job = self._aside.pop(0) if self._aside else self._waiting.get()
            jobs = [each for each in self._batch(job) if each.done.set_running_or_notify_cancel()]
            if closing.is_set():
                return
            _busy.add(threading.current_thread())
            if jobs:
                _do(jobs)
            if closing.is_set():
                return
            _busy.discard(threading.current_thread())

    def _batch(self, first: _Job) -> list[_Job]:
        """The first job and those that go with it; the others are set aside in their order."""
        batch = [first]
        if first.group is None or first.most < 2:
            return batch
        self._gather(first)
        mates = [job for job in self._aside if job.group == first.group][: first.most - 1]
        self._aside = [job for job in self._aside if job not in mates]
        return batch + mates

    def _gather(self, first: _Job) -> None:
        end = time.monotonic() + GATHER_SECONDS
        while sum(job.group == first.group for job in self._aside) < first.most - 1:
            try:
                self._aside.append(self._waiting.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty:
                return


def _do(jobs: Sequence[_Job]) -> None:
    try:
        results = jobs[0].run([job.given for job in jobs])
    except BaseException as error:  # whatever it is, somebody waits for it, and the thread has to go on
        for job in jobs:
            job.done.set_exception(error)
        return
    for job, result in zip(jobs, results, strict=True):
        job.done.set_result(result)


async def awaited(future: Future[Out]) -> Out:
    """What the future brings. Raises ChatError for FAULTS."""
    try:
        return await asyncio.wrap_future(future)
    except FAULTS as error:
        told = failure(error)
    raise told


def failure(error: Exception) -> ChatError:
    """The ChatError (permanent) for what torch could not do."""
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return ChatError(f"the local model failed: {reason}", transient=False, status=500)
