"""Calling again and calling many."""

import asyncio
import random
from typing import Any

import pytest

from arena.chat import ATTEMPTS, ChatError, Completion, Endpoint, Message, many, open_chat, patiently
from tests.openai_server import serve


class Flaky:
    """A call that raises these errors one after the other and then completes; notes the pauses between."""

    def __init__(self, *errors: ChatError) -> None:
        self.errors = list(errors)
        self.pauses: list[float] = []

    async def __call__(self) -> Completion:
        if self.errors:
            raise self.errors.pop(0)
        return Completion("done")

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def busy(**facts: Any) -> ChatError:
    return ChatError("busy", transient=True, **facts)


def run(call: Flaky, **how: Any) -> Completion:
    return asyncio.run(patiently(call, sleep=call.sleep, rng=random.Random(1), **how))


def test_transient_errors_are_outlived_and_attempts_counted():
    call = Flaky(busy(), busy(attempts=2))
    assert run(call).attempts == 4


def test_a_permanent_error_is_raised_at_once():
    call = Flaky(ChatError("no", transient=False))
    with pytest.raises(ChatError):
        run(call)
    assert call.pauses == []


def test_the_last_error_is_raised_and_tells_the_attempts():
    call = Flaky(*(busy() for _ in range(9)))
    with pytest.raises(ChatError) as caught:
        run(call, attempts=3)
    assert caught.value.attempts == 3 and len(call.pauses) == 2


def test_pauses_are_drawn_below_a_doubling_ceiling():
    tries = [Flaky(*(busy() for _ in range(6))) for _ in range(200)]
    rng = random.Random(7)
    for call in tries:
        asyncio.run(patiently(call, attempts=7, base=1, cap=10, rng=rng, sleep=call.sleep))
    for turn, ceiling in enumerate([1, 2, 4, 8, 10, 10]):
        drawn = [call.pauses[turn] for call in tries]
        assert 0 <= min(drawn) < 0.1 * ceiling and 0.9 * ceiling < max(drawn) <= ceiling


@pytest.mark.parametrize(
    ("facts", "longest"), [({"status": 503}, 10.0), ({"status": 503, "retry_after": 0.0}, 1.0), ({"status": 500}, 1.0)]
)
def test_an_endpoint_that_is_asked_too_much_has_longer_pauses_unless_it_says_how_long(facts, longest):
    rng = random.Random(7)
    tries = [Flaky(busy(**facts)) for _ in range(200)]
    for call in tries:
        asyncio.run(patiently(call, base=1, cap=60, rng=rng, sleep=call.sleep))
    assert 0.9 * longest < max(call.pauses[0] for call in tries) <= longest


def test_two_errors_in_five_are_outlived_by_as_good_as_every_call():
    assert 0.4**ATTEMPTS < 1e-6


def test_a_pause_lasts_at_least_as_long_as_the_endpoint_asks():
    call = Flaky(busy(retry_after=33.0))
    run(call)
    assert call.pauses == [33.0]


def test_an_endpoint_that_asks_for_an_hour_is_not_waited_for():
    call = Flaky(busy(retry_after=3600.0))
    with pytest.raises(ChatError):
        run(call)
    assert call.pauses == []


def test_sixty_four_calls_at_once_are_sixty_four_and_no_more():
    async def work(url):
        async with open_chat(Endpoint("openai", "m", url)) as chat:
            calls = (lambda n=n: chat.complete([Message("user", f"Number {n}")]) for n in range(400))
            return [completion async for completion in many(calls, concurrency=64)]

    with serve(latency=0.05) as server:
        got = asyncio.run(work(server.base_url))
        assert len(got) == server.count == 400
        assert 32 < server.peak <= 64


def test_results_come_in_the_order_they_are_ready():
    async def after(seconds):
        await asyncio.sleep(seconds)
        return seconds

    async def work():
        calls = [lambda s=s: after(s) for s in (0.09, 0.01, 0.05)]
        return [result async for result in many(calls, concurrency=3)]

    assert asyncio.run(work()) == [0.01, 0.05, 0.09]


def test_calls_are_taken_only_as_fast_as_results_are_read():
    taken = 0

    async def one():
        return 1

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield one

    async def work():
        results = many(endless(), concurrency=4)
        async for _ in results:
            await asyncio.sleep(0.01)
            if taken > 10:
                break
        await results.aclose()

    asyncio.run(work())
    assert taken <= 30


def test_an_error_stops_the_rest():
    finished = []

    async def good():
        await asyncio.sleep(0.05)
        finished.append(1)

    async def bad():
        raise KeyError("broken")

    async def work():
        async for _ in many([good, bad, good], concurrency=2):
            pass

    with pytest.raises(KeyError):
        asyncio.run(work())
    assert finished == []


def test_a_call_cancelled_from_elsewhere_does_not_hang_the_others():
    async def cancelled():
        raise asyncio.CancelledError

    async def work():
        async with asyncio.timeout(2):
            async for _ in many([cancelled], concurrency=1):
                pass

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(work())


def test_no_calls_give_no_results():
    async def work():
        return [result async for result in many([], concurrency=3)]

    assert asyncio.run(work()) == []
