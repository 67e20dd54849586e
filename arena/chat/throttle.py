"""How many calls may be under way at an endpoint, by how it takes them; and when it is left alone, or given up.

As many as the caller likes, until the endpoint says that they are too many: then half of them, and one more with every round
of answers (additive increase, multiplicative decrease: Chiu and Jain 1989). Where all calls fail, one tries at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from arena.chat.base import ChatError
from arena.chat.breaker import FAILURES_IN_A_ROW
from arena.chat.patience import LONGEST_WAIT, TOO_MUCH

SPORADIC = 1 / 8
"""The share of a round's answers up to which such errors are chance: halving at every one would leave hardly a call."""
COOL_DOWN = 1.0
"""Seconds from the last of FAILURES_IN_A_ROW to the first call that tries again; twice as long after each."""
LONGEST_COOL_DOWN = 30.0
GIVE_UP = 90.0
"""Seconds without an answer after which the endpoint is given up."""
GIVE_UP_AT_FIRST = 15.0
"""The same for one that has never answered: more likely the address is wrong than that it is busy."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call under way: when it began, by the loop's clock, and whether everything depends on it."""

    began: float
    is_probe: bool = False


def is_too_much(error: ChatError) -> bool:
    """Whether the error says that the endpoint is asked too much, as no answer at all does; and not to ask again at once."""
    if not error.transient or error.retry_after == 0:
        return False
    return error.status is None or error.status in TOO_MUCH


class Throttle:
    """Lets calls through in the order they came; for one event loop. Every ticket comes back: answered, failed or dropped."""

    def __init__(self) -> None:
        self.window = inf
        self.shut_until = -inf
        self._queue: deque[asyncio.Future[Ticket]] = deque()
        self._inside = 0
        self._cut_at = -inf
        self._round = 0
        self._refused = 0
        self._good = 0
        self._failures = 0
        self._cool_down = 0.0
        self._rest_until = -inf
        self._failing_since = -inf
        self._probe: Ticket | None = None
        self._given_up: ChatError | None = None
        self._has_answered = False
        self._alarm: asyncio.TimerHandle | None = None

    async def enter(self) -> Ticket:
        """Wait until a call may begin. Raises ChatError (down) once the endpoint is given up."""
        if self._given_up:
            raise _again(self._given_up)
        if not self._queue and self._may_begin():
            return self._begin()
        turn: asyncio.Future[Ticket] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._let_in()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.dropped(turn.result())
            else:
                with suppress(ValueError):
                    self._queue.remove(turn)
            raise

    async def opened(self) -> None:
        """Wait while the endpoint is to be left alone: a call that has waited elsewhere may have missed that."""
        loop = asyncio.get_running_loop()
        while (seconds := self.shut_until - loop.time()) > 0:
            await asyncio.sleep(seconds)

    def answered(self, ticket: Ticket) -> None:
        """The call brought an answer."""
        self._over(ticket)
        self._alive()
        self._count(ticket, refused=0)
        self._good += 1
        if self._good >= self.window:
            self.window, self._good = self.window + 1, 0
        self._let_in()

    def failed(self, ticket: Ticket, error: ChatError) -> None:
        """The call brought an error."""
        self._over(ticket)
        if error.transient:
            self._heed(ticket, error)
        else:
            self._alive()
        self._let_in()

    def dropped(self, ticket: Ticket) -> None:
        """The call was broken off by us."""
        self._over(ticket)
        self._let_in()

    def _heed(self, ticket: Ticket, error: ChatError) -> None:
        wait = error.retry_after or 0.0
        if wait > LONGEST_WAIT:
            self._give_up(error)
            return
        self.shut_until = max(self.shut_until, asyncio.get_running_loop().time() + wait)
        self._count(ticket, refused=int(is_too_much(error)))
        self._failures += 1
        is_open = bool(self._cool_down)
        if (ticket.is_probe and is_open) or (self._failures >= FAILURES_IN_A_ROW and not is_open):
            self._leave_alone(error)

    def _count(self, ticket: Ticket, *, refused: int) -> None:
        """Half of the calls once a round has brought more than chance; of those under way then, none counts again."""
        if ticket.began < self._cut_at:
            return
        size = min(self.window, self._inside + 1)
        self._round += 1
        self._refused += refused
        if self._refused > SPORADIC * size:
            self.window = max(1.0, size // 2)
            self._cut_at = asyncio.get_running_loop().time()
            self._round = self._refused = self._good = 0
        elif self._round >= size:
            self._round = self._refused = 0

    def _alive(self) -> None:
        self._failures, self._cool_down, self._rest_until = 0, 0.0, -inf
        self._has_answered = True

    def _leave_alone(self, error: ChatError) -> None:
        """Too many failures in a row, or one more: nobody asks for a while, and then one."""
        now = asyncio.get_running_loop().time()
        if not self._cool_down:
            self._failing_since = now
        elif now - self._failing_since > (GIVE_UP if self._has_answered else GIVE_UP_AT_FIRST):
            self._give_up(error)
            return
        self._cool_down = min(2 * self._cool_down, LONGEST_COOL_DOWN) or COOL_DOWN
        self._rest_until = now + self._cool_down

    def _give_up(self, error: ChatError) -> None:
        error.down = True
        self._given_up = error
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_exception(_again(error))

    def _may_begin(self) -> bool:
        if self._inside + 1 > self.window or self._closed_for() > 0:
            return False
        return not (self._cool_down and self._probe)

    def _closed_for(self) -> float:
        return max(self.shut_until, self._rest_until) - asyncio.get_running_loop().time()

    def _begin(self) -> Ticket:
        self._inside += 1
        ticket = Ticket(asyncio.get_running_loop().time(), is_probe=bool(self._cool_down))
        if ticket.is_probe:
            self._probe = ticket
        return ticket

    def _over(self, ticket: Ticket) -> None:
        self._inside -= 1
        if ticket is self._probe:
            self._probe = None

    def _let_in(self) -> None:
        while self._queue and self._may_begin():
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(self._begin())
        wait = self._closed_for()
        if self._queue and wait > 0 and self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(wait, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._let_in()


def _again(error: ChatError) -> ChatError:
    """The same for somebody who was not asked for: no call was made."""
    return ChatError(
        str(error), transient=False, status=error.status, retry_after=error.retry_after, attempts=0, down=True
    )
