"""How many calls an endpoint gets, by what it says: as many as the caller likes, half, one more each round, none, one."""

from __future__ import annotations

import asyncio

import pytest

from arena.chat import ChatError, throttle
from arena.chat.breaker import FAILURES_IN_A_ROW
from arena.chat.throttle import Throttle, Ticket


def error(status: int | None = 500, **facts) -> ChatError:
    return ChatError(f"HTTP {status}", transient=facts.pop("transient", True), status=status, **facts)


def scene(play):
    """Plays on an event loop that ends after five seconds, whatever waits."""

    async def bounded():
        async with asyncio.timeout(5):
            return await play(Throttle())

    return asyncio.run(bounded())


async def enter(door: Throttle, count: int) -> list[Ticket]:
    return [await door.enter() for _ in range(count)]


async def waits(door: Throttle) -> bool:
    """Whether one more has to wait now; it does not stay."""
    waiting = asyncio.create_task(door.enter())
    await asyncio.sleep(0)
    if waiting.done():
        door.dropped(waiting.result())
        return False
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return True


async def round_of(door: Throttle, size: int, *, refused: int = 0, status: int | None = 429) -> None:
    tickets = await enter(door, size)
    for at, ticket in enumerate(tickets):
        door.failed(ticket, error(status)) if at < refused else door.answered(ticket)


def test_as_many_as_the_caller_likes_may_be_under_way():
    async def play(door):
        await enter(door, 500)
        assert not await waits(door)

    scene(play)


@pytest.mark.parametrize("status", [429, 503, 529, 504, None])
def test_an_endpoint_that_is_asked_too_much_gets_half_and_only_once_a_round_trip(status):
    async def play(door):
        tickets = await enter(door, 64)
        for ticket in tickets:
            door.failed(ticket, error(status))
        return door.window

    assert 28 <= scene(play) <= 32


def test_every_round_of_answers_lets_one_more_in():
    async def play(door):
        await round_of(door, 16, refused=16)
        sizes = []
        for _ in range(3):
            sizes.append(int(door.window + 0.01))
            await round_of(door, sizes[-1])
        return [later - size for size, later in zip(sizes, sizes[1:], strict=False)]

    assert scene(play) == [1, 1]


def test_nobody_enters_beyond_the_window_until_another_leaves():
    async def play(door):
        await round_of(door, 16, refused=16)
        tickets = await enter(door, int(door.window))
        assert await waits(door)
        waiting = asyncio.create_task(door.enter())
        await asyncio.sleep(0)
        door.answered(tickets[0])
        await asyncio.sleep(0)
        assert waiting.done()

    scene(play)


def test_what_happens_now_and_then_is_chance_and_halves_nothing():
    async def play(door):
        for _ in range(20):
            await round_of(door, 64, refused=4)
        return door.window

    assert scene(play) == float("inf")


def test_an_endpoint_that_asks_to_be_asked_again_at_once_gets_as_many_as_before():
    async def play(door):
        for ticket in await enter(door, 64):
            door.failed(ticket, error(429, retry_after=0.0))
        return door.window

    assert scene(play) == float("inf")


@pytest.mark.parametrize("status", [500, 502, 400])
def test_errors_of_another_kind_halve_nothing(status):
    async def play(door):
        for at in range(15):
            ticket = await door.enter()
            door.failed(ticket, error(status, transient=status != 400)) if at % 2 else door.answered(ticket)
        return door.window

    assert scene(play) == float("inf")


def test_while_the_endpoint_asks_for_a_pause_nobody_asks_it():
    async def play(door):
        door.failed(await door.enter(), error(429, retry_after=0.05))
        loop = asyncio.get_running_loop()
        began = loop.time()
        first = await door.enter()
        return first.began - began

    assert scene(play) >= 0.049


def test_an_endpoint_that_asks_for_an_hour_is_given_up():
    async def play(door):
        ticket, _ = await enter(door, 2)
        waiting = [asyncio.create_task(door.enter()) for _ in range(3)]
        door.failed(ticket, error(429, retry_after=3600.0))
        await asyncio.gather(*waiting, return_exceptions=True)
        with pytest.raises(ChatError) as caught:
            await door.enter()
        return caught.value

    refused = scene(play)
    assert refused.down and not refused.transient and refused.attempts == 0 and refused.retry_after == 3600


async def break_down(door: Throttle) -> None:
    for ticket in await enter(door, FAILURES_IN_A_ROW):
        door.failed(ticket, error(500))


def test_after_too_many_failures_in_a_row_one_tries_at_a_time(monkeypatch):
    monkeypatch.setattr(throttle, "COOL_DOWN", 0.02)

    async def play(door):
        await break_down(door)
        assert await waits(door)
        probe = await door.enter()
        assert probe.is_probe and await waits(door)
        door.answered(probe)
        assert not await waits(door)

    scene(play)


def test_each_try_that_fails_doubles_the_pause(monkeypatch):
    monkeypatch.setattr(throttle, "COOL_DOWN", 0.02)

    async def play(door):
        await break_down(door)
        pauses, loop = [], asyncio.get_running_loop()
        for _ in range(3):
            began = loop.time()
            probe = await door.enter()
            pauses.append(probe.began - began)
            door.failed(probe, error(500))
        return pauses

    one, two, three = scene(play)
    assert one >= 0.019 and two >= 0.039 and three >= 0.079


def test_a_try_that_is_broken_off_lets_another_try(monkeypatch):
    monkeypatch.setattr(throttle, "COOL_DOWN", 0.01)

    async def play(door):
        await break_down(door)
        probe = await door.enter()
        waiting = asyncio.create_task(door.enter())
        await asyncio.sleep(0)
        door.dropped(probe)
        return (await waiting).is_probe

    assert scene(play)


@pytest.mark.parametrize("has_answered", [True, False])
def test_an_endpoint_that_does_not_come_back_is_given_up_with_its_own_words(monkeypatch, has_answered):
    monkeypatch.setattr(throttle, "COOL_DOWN", 0.01)
    monkeypatch.setattr(throttle, "GIVE_UP" if has_answered else "GIVE_UP_AT_FIRST", 0.02)

    async def play(door):
        if has_answered:
            door.answered(await door.enter())
        await break_down(door)
        with pytest.raises(ChatError, match="HTTP 502") as caught:
            while True:
                door.failed(await door.enter(), error(502))
        return caught.value

    assert scene(play).down


def test_an_answer_of_any_kind_ends_a_row_of_failures():
    async def play(door):
        for _ in range(3):
            for ticket in await enter(door, FAILURES_IN_A_ROW - 1):
                door.failed(ticket, error(500))
            door.failed(await door.enter(), error(400, transient=False))
        assert not await waits(door)

    scene(play)


def test_who_stops_waiting_takes_nobodys_place():
    async def play(door):
        await round_of(door, 8, refused=8)
        (*_, last) = await enter(door, int(door.window))
        gone, here = asyncio.create_task(door.enter()), asyncio.create_task(door.enter())
        await asyncio.sleep(0)
        door.answered(last)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        return gone.cancelled(), await here

    was_cancelled, ticket = scene(play)
    assert was_cancelled and isinstance(ticket, Ticket)
