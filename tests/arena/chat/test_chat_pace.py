"""The rule by which all workers share an endpoint's limits, with a clock that is made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.chat.pace import LEASE, TURN, Limits, Tally, Wish, granted

NOW = 1_000.0


def starts_of(limits: Limits, wishes: list[tuple[float, Wish]]) -> list[float]:
    """When the calls of these wishes start, each wished for so many seconds after the one before."""
    tally, now, starts = Tally(), NOW, []
    for pause, wish in wishes:
        now += pause
        tally, leave = granted(tally, wish, limits, now)
        starts += [now + wait for wait in leave.waits]
    return starts


def places_of(limit: int, *wanted: int, now: float = NOW) -> list[int]:
    """What workers are lent that want so many each, once all have told."""
    tally, lent = Tally(), []
    for _ in range(2):
        lent = []
        for at, count in enumerate(wanted):
            tally, leave = granted(tally, Wish(str(at), wanted=count), Limits(concurrency=limit), now)
            lent.append(leave.places)
    return lent


wishes = st.tuples(
    st.floats(0, 20), st.builds(Wish, st.sampled_from("abc"), tokens=st.lists(st.just(0.0), max_size=9).map(tuple))
)


@given(st.integers(1, 600), st.lists(wishes, max_size=40))
def test_in_no_minute_do_more_calls_start_than_may(rpm, wished):
    starts = starts_of(Limits(rpm=rpm), wished)
    assert all(start >= NOW for start in starts)
    assert all(later - start >= 60 for start, later in zip(starts, starts[rpm:], strict=False))


@pytest.mark.parametrize("rpm", [1, 60, 600, 6000])
def test_while_somebody_waits_all_calls_start_that_may(rpm):
    """Two workers wish for what a quarter of a second holds, each time a moment before it is used up."""
    portion = max(1, rpm // 240)
    step = 0.5 * portion * 60 / rpm
    starts = starts_of(Limits(rpm=rpm), [(step, Wish("ab"[n % 2], tokens=(0.0,) * portion)) for n in range(200)])
    minutes = (starts[-1] - starts[0]) / 60
    assert (len(starts) - 1) / minutes == pytest.approx(rpm, rel=0.002)


def test_starts_are_evenly_spaced_and_the_first_is_at_once():
    starts = starts_of(Limits(rpm=60), [(0, Wish("a", tokens=(0.0,) * 4))])
    assert starts[0] == NOW and [later - NOW for later in starts] == pytest.approx([0, 1, 2, 3], rel=0.002)


def test_a_pause_saves_nothing_up():
    starts = starts_of(Limits(rpm=60), [(0, Wish("a", tokens=(0.0,))), (3600, Wish("a", tokens=(0.0, 0.0)))])
    assert starts[2] - starts[1] == pytest.approx(1, rel=0.002)


@given(st.lists(st.floats(1, 500), min_size=1, max_size=60))
def test_in_no_minute_do_calls_take_more_tokens_than_may_but_for_the_last(tokens):
    starts = starts_of(Limits(tpm=1000), [(0.5, Wish("a", tokens=(count,))) for count in tokens])
    for at, start in enumerate(starts):
        inside = [count for count, other in zip(tokens, starts, strict=True) if start <= other < start + 60]
        assert sum(inside[:-1]) <= 1000 and at + len(inside) <= len(tokens)


@pytest.mark.parametrize(("owed", "wait"), [(0.0, 6.0), (-50.0, 3.0), (100.0, 12.0), (-1000.0, 0.0)])
def test_tokens_that_were_guessed_wrong_are_set_right(owed, wait):
    limits = Limits(tpm=1000)
    tally, _ = granted(Tally(), Wish("a", tokens=(100.0,)), limits, NOW)
    _, leave = granted(tally, Wish("a", tokens=(100.0,), owed=owed), limits, NOW)
    assert leave.waits == pytest.approx((wait,), rel=0.002)


def test_an_endpoint_that_asks_for_a_pause_has_it_from_all_workers():
    limits = Limits(rpm=60_000)
    tally, _ = granted(Tally(), Wish("a", shut=5.0), limits, NOW)
    _, leave = granted(tally, Wish("b", tokens=(0.0,)), limits, NOW + 1)
    assert (leave.waits, leave.shut) == ((4.0,), 4.0)


@pytest.mark.parametrize(
    ("limit", "wanted", "lent"),
    [(4, [9], [4]), (4, [2], [2]), (4, [9, 9], [2, 2]), (8, [1, 9, 9], [1, 3, 4]), (9, [1, 1, 9], [1, 1, 7])],
)
def test_places_are_split_evenly_between_those_who_want_some(limit, wanted, lent):
    assert sorted(places_of(limit, *wanted)) == lent


def test_fewer_places_than_workers_go_round():
    first = [places_of(1, 1, 1, 1, now=turn * TURN).index(1) for turn in range(6)]
    assert first[:3] == first[3:] and set(first) == {0, 1, 2}


steps = st.tuples(
    st.sampled_from("abcd"), st.integers(0, 9), st.floats(0, LEASE / 4), st.floats(0, 1, exclude_min=False)
)


@given(st.integers(1, 7), st.lists(steps, max_size=60))
def test_workers_who_keep_to_their_places_are_never_too_many(limit, moves):
    """Each has as many calls under way as it may, ends a share of them and wants some number more; all ask in time."""
    tally, now, under_way = Tally(), NOW, dict.fromkeys("abcd", 0)
    for mover, wanted, pause, share in moves:
        now += pause
        for worker in "abcd":  # nobody's lease runs out
            held = under_way[worker]
            more = wanted if worker == mover else 0
            if worker == mover:
                held = under_way[worker] = int(held * share)
            wish = Wish(worker, held, held + more, (0.0,) * more)
            tally, leave = granted(tally, wish, Limits(concurrency=limit), now)
            under_way[worker] += len(leave.waits)
            assert sum(under_way.values()) <= limit


def test_places_of_a_worker_that_no_longer_asks_come_back():
    limits = Limits(concurrency=2)
    tally, _ = granted(Tally(), Wish("killed", 0, 2, (0.0, 0.0)), limits, NOW)
    _, soon = granted(tally, Wish("b", 0, 2, (0.0, 0.0)), limits, NOW + LEASE - 1)
    _, later = granted(tally, Wish("b", 0, 2, (0.0, 0.0)), limits, NOW + LEASE + 1)
    assert (soon.waits, later.waits) == ((), (0.0, 0.0))


def test_limits_are_read_from_a_row_and_an_empty_one_has_none():
    assert Limits.of({"rpm": 60, "concurrency": 4}) == Limits(60, None, 4)
    assert Limits.of({}).is_none and Limits.of({"rpm": None}).is_none and not Limits.of({"tpm": 1}).is_none


@pytest.mark.parametrize("row", [{"rpm": 0}, {"rpm": "60"}, {"tpm": -1}, {"concurrency": True}, {"rps": 1}])
def test_a_limit_that_is_none_is_an_error_that_names_it(row):
    with pytest.raises(ValueError, match=next(iter(row))):
        Limits.of(row)
