"""Asynchronous work seen from ordinary code: what arrives, when it stops, and what goes wrong inside."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest

from arena import background
from arena.background import LARGEST, ROOM, arrivals, unburdened


async def numbers(count: int, *, pause: float = 0.0):
    for number in range(count):
        if pause:
            await asyncio.sleep(pause)
        yield number


def alive() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "arrivals"]


def test_everything_arrives_once_and_in_order():
    batches = list(arrivals(lambda: numbers(1000)))
    assert [number for batch in batches for number in batch] == list(range(1000))
    assert max(map(len, batches)) <= LARGEST


def test_nothing_gives_nothing():
    assert [number for batch in arrivals(lambda: numbers(0)) for number in batch] == []


def test_a_result_is_handed_over_when_it_is_there_and_not_at_the_end():
    got, began = [], time.monotonic()
    for batch in arrivals(lambda: numbers(3, pause=0.4)):
        got += [(number, time.monotonic() - began) for number in batch]
    assert all(at < 0.4 * (number + 1) + 0.7 for number, at in got) and len(got) == 3


def test_what_arrives_together_is_handed_over_together():
    batches = [batch for batch in arrivals(lambda: numbers(60, pause=0.002)) if batch]
    assert [number for batch in batches for number in batch] == list(range(60)) and len(batches) < 20


def test_a_stream_without_a_lull_is_handed_over_all_the_same():
    first = next(arriving := arrivals(lambda: numbers(1000, pause=0.001)))
    arriving.close()
    assert 0 < len(first) < 1000


@pytest.mark.parametrize(("took", "rest"), [(0.0, None), (0.4, None), (1.0, 0.02), (2.0, 0.04), (60.0, 0.05)])
def test_the_loop_rests_after_results_that_took_long_and_wakes_for_several_at_once(monkeypatch, took, rest):
    rests = []
    monkeypatch.setattr(background, "sleep", rests.append)
    got = [number for batch in arrivals(lambda: numbers(5, pause=0.01), took=lambda _number: took) for number in batch]
    assert got == list(range(5))
    assert rests == ([rest] * 5 if rest else [])


def test_results_that_are_there_together_are_one_rest(monkeypatch):
    rests = []
    monkeypatch.setattr(background, "sleep", rests.append)
    took = [1.0, 2.0, 1.5]
    assert [number for batch in arrivals(lambda: numbers(3), took=took.__getitem__) for number in batch] == [0, 1, 2]
    assert rests == [0.04]


def test_what_took_long_is_waited_for_longer():
    async def trickling():
        for number in range(24):
            await asyncio.sleep(0.04)
            yield number

    def batches(took: float) -> int:
        return len([batch for batch in arrivals(trickling, took=lambda _number: took) if batch])

    assert batches(5.0) < batches(0.1)


def test_what_is_there_is_no_burden_to_the_collector_for_a_while():
    before, often = gc.get_freeze_count(), gc.get_threshold()
    with unburdened():
        assert gc.get_freeze_count() > before + 10_000
        assert gc.get_threshold() > often
    assert (gc.get_freeze_count(), gc.get_threshold()) == (0, often)


def test_an_empty_list_comes_when_nothing_arrives_for_a_while():
    batches = list(arrivals(lambda: numbers(1, pause=0.3), wait=0.05))
    assert batches.count([]) >= 3 and [0] in batches


def test_a_failure_is_raised_here_after_all_that_arrived_before_it():
    async def failing():
        yield 1
        yield 2
        raise LookupError("inside")

    got = []
    with pytest.raises(LookupError, match="inside"):
        for batch in arrivals(failing):
            got += batch
    assert got == [1, 2]


def test_what_cannot_even_begin_is_raised_here():
    def refuses():
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        list(arrivals(refuses))


def test_stopping_early_cancels_what_is_under_way_and_closes_the_iterator():
    closed = []

    async def endless():
        try:
            while True:
                yield 0
                await asyncio.sleep(0.01)
        finally:
            closed.append(True)

    arriving = arrivals(endless)
    next(arriving)
    arriving.close()
    assert closed == [True] and not alive()


def test_an_error_of_the_caller_stops_the_work_too():
    with pytest.raises(ZeroDivisionError):
        for _batch in arrivals(lambda: numbers(10_000, pause=0.001)):
            1 / 0  # noqa: B018
    assert not alive()


def test_ending_again_and_again_leaves_no_thread_and_no_closed_loop_behind():
    for count in range(200):
        assert sum(map(len, arrivals(lambda count=count: numbers(count % 3)))) == count % 3
    assert not alive()


def test_results_do_not_pile_up_while_the_caller_is_slow():
    made = []

    async def eager():
        for number in range(10 * ROOM):
            made.append(number)
            yield number

    arriving = arrivals(eager)
    first = next(arriving)
    time.sleep(0.2)
    assert len(made) <= ROOM + len(first) + 1
    assert len(first) + sum(map(len, arriving)) == 10 * ROOM == len(made)


def test_stopping_early_while_results_wait_for_room_ends_the_thread():
    async def eager():
        for number in range(10 * ROOM):
            yield number

    arriving = arrivals(eager)
    next(arriving)
    time.sleep(0.1)
    began = time.monotonic()
    arriving.close()
    assert not alive() and time.monotonic() - began < 2


def test_calls_go_on_while_results_wait_for_room():
    ticks = []

    async def eager():
        async def tick():
            while True:
                ticks.append(time.monotonic())
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        try:
            for number in range(2 * ROOM):
                yield number
        finally:
            ticking.cancel()

    arriving = arrivals(eager)
    next(arriving)
    time.sleep(0.1)
    before = len(ticks)
    time.sleep(0.3)
    assert len(ticks) > before + 5
    assert sum(map(len, arriving)) > ROOM
