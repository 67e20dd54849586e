"""First slot, flips, consistency and length, each with its interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import ImpossibleInput, consistency, first_slot_share, flip_rate, longer_share, wilson

quick = settings(deadline=None, max_examples=40, database=None)


def test_the_first_slot_share_counts_decided_votes_only():
    share = first_slot_share([1, 2, 0.4, 0, 0, -1])
    assert (share.share, share.n) == (0.75, 4)
    assert (share.low, share.high) == pytest.approx(wilson(3, 4))


def test_nothing_decided_is_no_share():
    share = first_slot_share([0, 0])
    assert (share.share, share.low, share.high, share.n) == (None, None, None, 0)


def test_a_judge_that_always_takes_the_first_slot_flips_always():
    assert flip_rate([1, 1, 1], [-1, -1, -1]).share == 1
    assert consistency([1, 1, 1], [-1, -1, -1]).share == 0


def test_a_tie_in_one_order_is_no_flip_but_not_consistent_either():
    assert flip_rate([1, 1], [0, 1]).share == 0
    assert consistency([1, 1], [0, 2]).share == 0.5


def test_two_ties_are_consistent():
    assert consistency([0], [0]).share == 1


def test_the_longer_share_leaves_out_ties_and_equal_lengths():
    share = longer_share([1, -1, 1, 0, 1], [200, 100, 50, 300, 70], [100, 200, 80, 100, 70])
    assert (share.share, share.n) == (pytest.approx(2 / 3), 3)


def test_votes_on_one_question_count_together():
    value = np.repeat([1, -1, 1, 1, -1, 1, 1, -1, 1, 1], 10)
    apart, lumped = first_slot_share(value), first_slot_share(value, cluster=np.arange(100) // 10)
    assert lumped.share == apart.share
    assert lumped.high - lumped.low > 2 * (apart.high - apart.low)


def test_one_question_gives_a_share_without_interval():
    share = first_slot_share([1, 1, -1, 0], cluster=[5, 5, 5, 6])
    assert share.share == pytest.approx(2 / 3)
    assert (share.low, share.high) == (None, None)


@pytest.mark.parametrize("bad", [([1], [1, 2]), ([float("nan")], [1])])
def test_orders_that_do_not_fit_are_errors(bad):
    with pytest.raises(ImpossibleInput):
        flip_rate(*bad)


@quick
@given(st.lists(st.sampled_from([-2, -1, -0.3, 0, 0.3, 1, 2]), min_size=1, max_size=30))
def test_swapping_the_slots_turns_the_share_round(values):
    shown, swapped = first_slot_share(values), first_slot_share([-v for v in values])
    assert shown.n == swapped.n
    if shown.n:
        assert shown.share == pytest.approx(1 - swapped.share)
        assert shown.low == pytest.approx(1 - swapped.high)
