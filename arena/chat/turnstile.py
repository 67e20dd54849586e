"""Where the calls of one event loop wait for the tally that all workers share: asked for many at once, and seldom."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from arena.chat.base import ChatError
from arena.chat.pace import LEASE, Leave, Pace, Wish

AHEAD = 0.25
"""Seconds of starts that are taken from the tally at once: what is lost of the limit where a worker is killed."""
GATHER = 0.01
"""Seconds between two questions to the tally at the least, so that calls that end together are one question."""
LOOK = 0.25
"""Seconds between two looks for places, while calls wait for one or others may be waiting for ours."""
RENEW = LEASE / 3


@dataclass(eq=False, slots=True)
class _Caller:
    """A call that waits: for its turn, then for its moment."""

    tokens: float
    turn: asyncio.Future[None]
    is_in: bool = False


class Turnstile:
    """Lets calls through as the tally grants them, in the order they came; for one event loop.

    While calls wait or are under way a task talks to the tally. A place that falls free goes to the next call without asking.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._limits = pace.limits
        self._is_metered = bool(pace.limits.rpm or pace.limits.tpm)
        self._worker = uuid.uuid4().hex
        self._queue: deque[_Caller] = deque()
        self._inside = 0
        self._places = 0
        self._owed = 0.0
        self._shut = 0.0
        self._next_at = -inf
        self._asked_at = -inf
        self._bell = asyncio.Event()
        self._talk: asyncio.Task[None] | None = None

    async def enter(self, tokens: float) -> None:
        """Wait until a call of about so many tokens may start. Raises ChatError where the tally cannot be reached."""
        caller = _Caller(tokens, asyncio.get_running_loop().create_future())
        self._queue.append(caller)
        self._let_in_those_with_a_place()
        if not caller.is_in:
            self._ring()
        try:
            await caller.turn
        except BaseException:
            if caller.is_in:
                self.leave()
            else:
                with suppress(ValueError):
                    self._queue.remove(caller)
            raise

    def leave(self, owed: float = 0.0) -> None:
        """A call is over; it took `owed` tokens more than was expected of it."""
        self._inside -= 1
        self._owed += owed
        self._let_in_those_with_a_place()
        self._ring()

    def shut(self, seconds: float) -> None:
        """The endpoint asks to be left alone so long, by everybody."""
        self._shut = max(self._shut, seconds)
        self._ring()

    async def close(self) -> None:
        """Give back what is held."""
        if self._talk is None:
            return
        self._talk.cancel()
        with suppress(asyncio.CancelledError):
            await self._talk
        self._talk = None
        with suppress(ChatError):
            await asyncio.to_thread(self._pace.ask, Wish(self._worker, owed=self._owed, shut=self._shut))

    @property
    def _is_full(self) -> bool:
        return self._limits.concurrency is not None and self._inside >= self._places

    def _let_in_those_with_a_place(self) -> None:
        """A place is enough where starts have no moment of their own."""
        while self._queue and not self._is_metered and not self._is_full:
            self._let_in(0.0)

    def _let_in(self, wait: float) -> None:
        caller = self._queue.popleft()
        caller.is_in = True
        self._inside += 1
        loop = asyncio.get_running_loop()
        self._next_at = loop.time() + wait
        loop.call_at(self._next_at, _go, caller.turn) if wait > 0 else _go(caller.turn)

    def _ring(self) -> None:
        self._bell.set()
        if self._talk is None or self._talk.done():
            self._asked_at = -inf
            self._talk = asyncio.create_task(self._talk_to_the_tally())

    async def _talk_to_the_tally(self) -> None:
        while self._queue or self._shut or (self._limits.concurrency and (self._inside or self._places)):
            await self._until_due()
            wish = self._wish()
            # What is not told as under way may be lent to others before the answer is here.
            self._places = min(self._places, self._inside)
            self._owed, self._shut = 0.0, 0.0
            try:
                leave = await asyncio.to_thread(self._pace.ask, wish)
            except ChatError as error:
                self._refuse(error)
            except Exception as error:  # noqa: BLE001  whoever waits must hear of it: nobody else will ask
                self._refuse(ChatError(f"the tally of calls cannot be read: {error}", transient=True))
            else:
                self._take(leave)
            self._asked_at = asyncio.get_running_loop().time()

    async def _until_due(self) -> None:
        """Wait as long as there is nothing to say; a call that comes or goes may change that."""
        self._bell.clear()
        while (seconds := self._due() - asyncio.get_running_loop().time()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), seconds)
            self._bell.clear()

    def _due(self) -> float:
        """The loop's time at which the tally is to be asked again."""
        if self._shut:
            return -inf
        if self._queue and not self._is_full:
            return max(self._next_at - AHEAD, self._asked_at + GATHER)
        is_wanting = self._queue or self._places > self._inside
        return self._asked_at + (LOOK if is_wanting else RENEW)

    def _wish(self) -> Wish:
        tokens, seconds = [], 0.0
        for caller in self._queue:
            tokens.append(caller.tokens)
            seconds += max(self._limits.seconds_per_call, caller.tokens * self._limits.seconds_per_token)
            if seconds >= AHEAD:
                break
        wanted = self._inside + len(self._queue)
        return Wish(self._worker, self._inside, wanted, tuple(tokens), self._owed, self._shut)

    def _take(self, leave: Leave) -> None:
        if leave.places is not None:
            self._places = leave.places
        if not self._is_metered:
            self._let_in_those_with_a_place()
            return
        for wait in leave.waits[: len(self._queue)]:
            self._let_in(wait)

    def _refuse(self, error: ChatError) -> None:
        """Let nobody wait for a tally that cannot be reached: each call has its own patience."""
        while self._queue:
            turn = self._queue.popleft().turn
            if not turn.done():
                turn.set_exception(ChatError(str(error), transient=True, attempts=0))


def _go(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
