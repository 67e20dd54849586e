"""Calling again, in one place, and calling many at once without calling all at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar, cast

from arena.chat.base import ChatError, Completion

T = TypeVar("T")

ATTEMPTS = 16
"""Calls for one completion. Where two in five fail, one in two million is still without: 0.4 ** 16."""
LONGEST_WAIT = 120.0
"""Seconds. An endpoint that asks for a longer pause than this is not waited for: its error goes up."""
TOO_MUCH = frozenset({429, 503, 504, 529})
"""HTTP statuses that say "not so many"."""
SLOWER = 10
"""How much longer pauses are after those, where the endpoint does not say itself how long."""


async def patiently(
    call: Callable[[], Awaitable[Completion]],
    *,
    attempts: int = ATTEMPTS,
    base: float = 0.05,
    cap: float = 1.0,
    rng: random.Random | None = None,
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
) -> Completion:
    """The completion of a call that is made again while its errors are transient.

    The k-th pause is drawn from [0, min(cap, base · 2^k)] seconds (exponential back-off with full jitter), from SLOWER
    times that where the endpoint was asked too much and does not say how long to wait, and lasts at least as long as the
    endpoint asked for. The completion's `attempts`, or those of the ChatError raised at last, count every call made.
    Permanent errors are raised at once.
    """
    made = 0
    for turn in range(attempts):
        try:
            completion = await call()
        except ChatError as exc:
            made += exc.attempts
            exc.attempts = made
            asked = exc.retry_after or 0.0
            if not exc.transient or turn + 1 >= attempts or asked > LONGEST_WAIT:
                raise
            slower = SLOWER if exc.status in TOO_MUCH and exc.retry_after is None else 1
            pause = max(asked, (rng or random).uniform(0.0, slower * min(cap, base * 2**turn)))
        else:
            return replace(completion, attempts=made + completion.attempts) if made else completion
        await sleep(pause)
    raise ValueError("attempts must be at least 1")


async def many(calls: Iterable[Callable[[], Awaitable[T]]], *, concurrency: int) -> AsyncGenerator[T, None]:
    """The results of the calls in the order they are ready, never more than `concurrency` under way.

    `calls` is read only as fast as it is worked through, so it may be endless or expensive. The first
    exception of a call is raised, and the rest is cancelled; so it is when the caller stops early.
    A call that must not stop the others catches its own errors.
    """
    if concurrency < 1:
        raise ValueError("concurrency must be at least 1")
    waiting = iter(calls)
    # Bounded, so that a slow reader slows the calls down and results do not pile up.
    ready: asyncio.Queue[tuple[T | None, BaseException | None]] = asyncio.Queue(4 * concurrency)

    stopping = False

    async def work() -> None:
        try:
            for call in waiting:
                await ready.put((await call(), None))
        except BaseException as exc:
            # A call that was cancelled from elsewhere is a failure like others; only our own cancelling is not.
            if stopping:
                raise
            await ready.put((None, exc))

    async def work_all() -> None:
        await asyncio.gather(*(work() for _ in range(concurrency)))
        await ready.put((None, StopAsyncIteration()))

    boss = asyncio.create_task(work_all())
    try:
        while True:
            result, failure = await ready.get()
            if isinstance(failure, StopAsyncIteration):
                return
            if failure is not None:
                raise failure
            yield cast(T, result)
    finally:
        stopping = True
        boss.cancel()
        with suppress(asyncio.CancelledError):
            await boss
