"""Chats as they are opened, at real servers on the loopback: held back as much as the endpoint wants, and no more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from arena.chat import ChatError, Completion, Endpoint, Message, many, open_chat, patiently, steady
from arena.chat.pace import Leave, Limits, Tally, Wish, granted
from tests.openai_server import Served, read_body, run_app, send_json, serve


class Shared:
    """A tally in memory, and what was wished of it."""

    def __init__(self, **limits: float) -> None:
        self.limits, self.tally, self.wishes = Limits.of(limits), Tally(), list[Wish]()

    def ask(self, wish: Wish) -> Leave:
        self.wishes.append(wish)
        self.tally, leave = granted(self.tally, wish, self.limits, time.monotonic())
        return leave


def hello(n: int = 0) -> list[Message]:
    return [Message("user", f"How far away is the Moon? {n}")]


def ask_many(where: Endpoint, count: int, *, concurrency: int, **how: Any) -> list[Completion]:
    async def work() -> list[Completion]:
        async with open_chat(where) as chat:
            calls = (lambda n=n: patiently(lambda: chat.complete(hello(n), **how), base=0.001) for n in range(count))
            return [completion async for completion in many(calls, concurrency=concurrency)]

    return asyncio.run(work())


def at(server: Served, **more: Any) -> Endpoint:
    return Endpoint("openai", "m", server.base_url, timeout=5.0, **more)


def test_an_endpoint_of_few_places_answers_all_and_is_soon_asked_no_more_than_it_takes():
    with serve(latency=0.02, capacity=8) as server:
        got = ask_many(at(server), 200, concurrency=64)
        refused = sum(call.outcome == "busy" for call in server.calls)
        late = [call.outcome for call in sorted(server.calls, key=lambda call: call.came)][-60:]
    assert len(got) == 200 and refused < 200
    assert late.count("busy") < 20


@pytest.mark.parametrize("share", [0.05, 0.4])
def test_errors_of_the_endpoint_lose_nothing(share):
    with serve(fail=share) as server:
        got = ask_many(at(server), 300, concurrency=32)
        assert len(got) == 300 == server.answered and server.failed > 5
        assert sum(completion.attempts for completion in got) == server.count


def test_while_the_endpoint_asks_for_a_pause_none_of_the_calls_comes():
    came: list[float] = []

    async def app(scope, receive, send):
        await read_body(receive)
        came.append(time.monotonic())
        if len(came) == 1:
            return await send_json(send, 429, {"error": {"message": "slow down"}}, {"retry-after-ms": "150"})
        return await send_json(send, 200, {"choices": [{"message": {"content": "Hi."}, "finish_reason": "stop"}]})

    async def work(url: str) -> None:
        async with open_chat(Endpoint("openai", "m", url)) as chat:
            with pytest.raises(ChatError):
                await chat.complete(hello())
            await asyncio.gather(*(chat.complete(hello(n)) for n in range(5)))

    with run_app(app) as address:
        asyncio.run(work(f"{address}/v1"))
    assert len(came) == 6 and min(came[1:]) - came[0] >= 0.14


def test_the_time_that_a_call_waited_is_not_the_endpoints():
    with serve() as server:
        got = ask_many(at(server, pace=Shared(rpm=600)), 4, concurrency=4)
    assert max(completion.seconds for completion in got) < 0.25


@pytest.mark.parametrize("how", [{}, {"stream": True}])
def test_no_more_calls_than_all_may_have_are_under_way(how):
    with serve(latency=0.02) as server:
        assert len(ask_many(at(server, pace=Shared(concurrency=3)), 30, concurrency=16, **how)) == 30
        assert server.peak <= 3


def pieces_then(leave: Callable[[Any], Any]) -> Shared:
    pace = Shared(concurrency=1)

    async def work(where: Endpoint) -> None:
        async with open_chat(where) as chat:
            await leave(chat)
            await asyncio.wait_for(chat.complete(hello()), 5)

    with serve() as server:
        asyncio.run(work(at(server, pace=pace)))
    return pace


def test_a_stream_read_to_its_end_gives_its_place_back():
    async def read(chat):
        assert isinstance([piece async for piece in chat.stream(hello())][-1], Completion)

    assert pieces_then(read).tally.places == {}


def test_a_stream_that_nobody_reads_on_gives_its_place_back():
    async def stop(chat):
        pieces = chat.stream(hello())
        await anext(pieces)
        await pieces.aclose()

    assert pieces_then(stop).tally.places == {}


def test_a_call_that_is_broken_off_gives_its_place_back():
    async def cancel(chat):
        call = asyncio.create_task(chat.complete(hello()))
        await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    assert pieces_then(cancel).tally.places == {}


def test_calls_that_failed_take_no_tokens_of_the_limit_and_the_others_what_they_took(monkeypatch):
    monkeypatch.setattr(steady, "FIRST_GUESS", 1000.0)
    pace = Shared(tpm=60_000_000)
    with serve(fail=0.5) as server:
        got = ask_many(at(server, pace=pace), 20, concurrency=1)
        assert server.failed
    told = sum(sum(wish.tokens) for wish in pace.wishes if wish.tokens) + sum(wish.owed for wish in pace.wishes)
    assert told == pytest.approx(sum(completion.tokens_in + completion.tokens_out for completion in got), rel=0.01)


def test_without_limits_there_is_no_tally():
    pace = Shared()
    with serve() as server:
        ask_many(at(server, pace=pace), 5, concurrency=5)
    assert pace.wishes == []


def test_a_pace_is_no_part_of_what_an_endpoint_is():
    one, other = Endpoint("openai", "m", pace=Shared(rpm=1)), Endpoint("openai", "m")
    assert one == other and "pace" not in repr(one)
