"""Calls of one event loop that wait for the tally: many are asked for at once, and none starts without leave."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from arena.chat import ChatError
from arena.chat.pace import Leave, Limits, Tally, Wish, granted
from arena.chat.turnstile import Turnstile


class Shared:
    """A tally in memory, and what was wished of it; raises `trouble` while there is some."""

    def __init__(self, **limits: float) -> None:
        self.limits = Limits.of(limits)
        self.tally = Tally()
        self.wishes: list[Wish] = []
        self.trouble: ChatError | None = None
        self._lock = threading.Lock()

    def ask(self, wish: Wish) -> Leave:
        with self._lock:
            self.wishes.append(wish)
            if self.trouble:
                raise self.trouble
            self.tally, leave = granted(self.tally, wish, self.limits, time.monotonic())
            return leave


class Calls:
    """How many calls are under way, and the most there were."""

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.under_way = self.most = 0

    async def make(self, turnstile: Turnstile, *, seconds: float = 0.0, tokens: float = 0.0, owed: float = 0.0) -> None:
        await turnstile.enter(tokens)
        self.starts.append(time.monotonic())
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(seconds)
        self.under_way -= 1
        turnstile.leave(owed)


def play(scene, *paces: Shared):
    """Plays with a turnstile for each pace, within five seconds."""

    async def bounded():
        turnstiles = [Turnstile(pace) for pace in paces]
        try:
            async with asyncio.timeout(5):
                return await scene(*turnstiles)
        finally:
            for turnstile in turnstiles:
                await turnstile.close()

    return asyncio.run(bounded())


def test_calls_start_evenly_and_none_before_its_time():
    calls = Calls()

    async def scene(turnstile):
        await asyncio.gather(*(calls.make(turnstile) for _ in range(12)))

    play(scene, Shared(rpm=6000))
    assert calls.starts == sorted(calls.starts) and calls.starts[-1] - calls.starts[0] >= 11 * 0.01


def test_many_calls_are_asked_for_at_once():
    pace = Shared(rpm=60_000)

    async def scene(turnstile):
        await asyncio.gather(*(Calls().make(turnstile) for _ in range(200)))

    play(scene, pace)
    assert len(pace.wishes) <= 3


def test_two_loops_share_places_and_each_gets_on():
    pace, calls = Shared(concurrency=3), Calls()

    async def scene(one, other):
        both = [one, other] * 15
        await asyncio.gather(*(calls.make(turnstile, seconds=0.01) for turnstile in both))

    play(scene, pace, pace)
    assert len(calls.starts) == 30 and calls.most == 3


def test_a_place_that_falls_free_goes_to_the_next_call_without_asking():
    pace, calls = Shared(concurrency=2), Calls()

    async def scene(turnstile):
        await asyncio.gather(*(calls.make(turnstile, seconds=0.001) for _ in range(100)))

    play(scene, pace)
    assert calls.most == 2 and len(pace.wishes) < 20


def test_places_and_starts_are_kept_to_together():
    pace, calls = Shared(concurrency=2, rpm=12_000), Calls()

    async def scene(turnstile):
        await asyncio.gather(*(calls.make(turnstile, seconds=0.02) for _ in range(10)))

    play(scene, pace)
    assert calls.most == 2 and len(calls.starts) == 10


def test_what_is_closed_holds_no_place():
    pace = Shared(concurrency=2)

    async def scene(turnstile):
        await turnstile.enter(0)

    play(scene, pace)
    assert pace.tally.places == {}


def test_a_call_that_is_given_up_while_it_waits_takes_no_place():
    pace, calls = Shared(concurrency=1), Calls()

    async def scene(turnstile):
        await turnstile.enter(0)
        gone = asyncio.create_task(calls.make(turnstile))
        here = asyncio.create_task(calls.make(turnstile))
        await asyncio.sleep(0.01)
        gone.cancel()
        turnstile.leave()
        await here

    play(scene, pace)
    assert len(calls.starts) == 1


def test_a_call_that_is_given_up_before_its_moment_leaves_its_place():
    pace, calls = Shared(concurrency=1, rpm=600), Calls()

    async def scene(turnstile):
        await calls.make(turnstile)
        gone = asyncio.create_task(calls.make(turnstile))
        await asyncio.sleep(0.03)
        gone.cancel()
        await calls.make(turnstile)

    play(scene, pace)
    assert len(calls.starts) == 2


def test_a_pause_that_the_endpoint_asks_for_is_told_to_all():
    pace, calls = Shared(rpm=60_000), Calls()

    async def scene(one, other):
        await calls.make(one)
        one.shut(0.1)
        while not pace.tally.shut_until:
            await asyncio.sleep(0.001)
        await calls.make(other)

    play(scene, pace, pace)
    first, second = calls.starts
    assert second - first >= 0.1


def test_tokens_beyond_what_was_expected_are_told_with_the_next_wish():
    pace, calls = Shared(tpm=6_000_000), Calls()

    async def scene(turnstile):
        await calls.make(turnstile, tokens=100, owed=40)
        await calls.make(turnstile, tokens=100, owed=-30)

    play(scene, pace)
    assert [wish.owed for wish in pace.wishes if wish.owed] == [40, -30]


def test_a_tally_that_cannot_be_reached_is_an_error_of_the_call_and_may_be_there_again():
    pace, calls = Shared(rpm=6000), Calls()
    pace.trouble = ChatError("no tally", transient=True)

    async def scene(turnstile):
        with pytest.raises(ChatError, match="no tally") as caught:
            await turnstile.enter(0)
        pace.trouble = None
        await calls.make(turnstile)
        return caught.value

    error = play(scene, pace)
    assert error.transient and error.attempts == 0 and len(calls.starts) == 1
