"""Rank ranges: what the data allow, never more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import Battles, ImpossibleInput, fit, rank_ranges

quick = settings(max_examples=40, database=None)


def make_board(*blocks, models, clustered=False):
    rows = [(a, b, v) for a, b, v, times in blocks for _ in range(times)]
    first, second, value = zip(*rows, strict=True)
    return fit(Battles(first, second, value, range(len(rows))), models, clustered=clustered)


def test_models_far_apart_have_one_rank_each():
    ranks = rank_ranges(make_board((0, 1, 1, 900), (0, 1, -1, 100), (1, 2, 1, 900), (1, 2, -1, 100), models=3))
    assert ranks.rank.tolist() == ranks.low.tolist() == ranks.high.tolist() == [1, 2, 3]
    assert ranks.group.tolist() == [1, 2, 3]


def test_models_that_cannot_be_told_apart_share_the_range_and_the_group():
    ranks = rank_ranges(make_board((0, 1, 1, 6), (0, 1, -1, 5), models=2))
    assert ranks.rank.tolist() == [1, 2]
    assert (ranks.low.tolist(), ranks.high.tolist()) == ([1, 1], [2, 2])
    assert ranks.group.tolist() == [1, 1]


def test_equal_ratings_share_a_rank():
    ranks = rank_ranges(make_board((0, 1, 0, 4), (1, 2, 0, 4), (0, 2, 1, 2), (0, 2, -1, 2), models=3))
    assert ranks.rank.tolist() == [1, 1, 1]


def test_models_without_battles_are_not_ranked():
    ranks = rank_ranges(make_board((0, 2, 1, 6), (0, 2, -1, 5), models=3))
    assert ranks.rank[1] == ranks.low[1] == ranks.high[1] == ranks.group[1] == 0


def test_parts_that_never_met_are_ranked_apart():
    ranks = rank_ranges(make_board((0, 1, 1, 90), (0, 1, -1, 10), (2, 3, 1, 10), (2, 3, -1, 90), models=4), level=0.99)
    assert ranks.rank.tolist() == [1, 2, 2, 1]
    assert ranks.high.tolist() == [1, 2, 2, 1]


def test_without_an_interval_every_rank_is_possible():
    battles = Battles([0] * 20, [1] * 20, [1] * 15 + [-1] * 5, [0] * 20)
    ranks = rank_ranges(fit(battles, 2))
    assert (ranks.low.tolist(), ranks.high.tolist()) == ([1, 1], [2, 2])


def test_a_difference_can_be_sure_where_the_two_intervals_overlap():
    """Two models that met often, and a third that both met seldom: their common distance to it is what is uncertain."""
    board = make_board(
        *((0, 1, 1, 620), (0, 1, -1, 380), (0, 2, 1, 5), (0, 2, -1, 2), (1, 2, 1, 4), (1, 2, -1, 2)), models=3
    )
    ranks = rank_ranges(board)
    assert board.low[0] < board.high[1]
    assert (ranks.rank[0], ranks.rank[1]) == (1, 2)
    assert ranks.low[1] == 2


@quick
@given(st.integers(0, 10_000), st.integers(5, 300))
def test_the_rank_lies_in_its_range_and_no_range_is_empty(seed, n):
    random = np.random.default_rng(seed)
    first = random.integers(0, 6, n)
    battles = Battles(
        first,
        (first + random.integers(1, 6, n)) % 6,
        random.choice([-1, 0, 1, 1], n) * np.where(first < 2, 1, -1),
        range(n),
    )
    ranks = rank_ranges(fit(battles, 6))
    assert ((ranks.low <= ranks.rank) & (ranks.rank <= ranks.high)).all()


def make_random(seed, n, models=6):
    random = np.random.default_rng(seed)
    first = random.integers(0, models, n)
    second = (first + random.integers(1, models, n)) % models
    value = random.choice([-1, 0, 1, 1], n) * np.where(first < 2, 1, -1)
    return Battles(first, second, value, random.integers(0, 30, n))


def test_by_overlap_a_model_is_above_when_its_interval_is():
    board = fit(make_random(1, 400), 6)
    ranks = rank_ranges(board, rule="overlap")
    for model in range(6):
        assert ranks.low[model] == 1 + (board.low > board.high[model]).sum()
        assert ranks.high[model] == 6 - (board.high < board.low[model]).sum()


@quick
@given(st.integers(0, 10_000), st.integers(20, 400))
def test_ranges_by_overlap_hold_the_rank_and_widen_with_the_level(seed, n):
    board = fit(make_random(seed, n), 6)
    narrow, wide = (rank_ranges(board, level=level, rule="overlap") for level in (0.8, 0.99))
    assert ((narrow.low <= narrow.rank) & (narrow.rank <= narrow.high)).all()
    assert ((wide.low <= narrow.low) & (wide.high >= narrow.high)).all()


def test_overlap_cannot_tell_what_the_difference_can():
    board = make_board(
        *((0, 1, 1, 620), (0, 1, -1, 380), (0, 2, 1, 5), (0, 2, -1, 2), (1, 2, 1, 4), (1, 2, -1, 2)), models=3
    )
    assert rank_ranges(board).low[1] == 2
    assert rank_ranges(board, rule="overlap").low[1] == 1


def test_another_rule_is_an_error():
    with pytest.raises(ImpossibleInput, match="median"):
        rank_ranges(make_board((0, 1, 1, 6), (0, 1, -1, 5), models=2), rule="median")


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["difference", "overlap"])
def test_rank_ranges_hold_the_true_rank_at_least_as_often_as_promised(rule):
    truth, random, held = np.array([0.5, 0.3, 0.2, 0.0, -0.3, -0.7]), np.random.default_rng(5), 0
    for _ in range(400):
        first = random.integers(0, 6, 1500)
        second = (first + random.integers(1, 6, 1500)) % 6
        chance = 1 / (1 + np.exp(truth[second] - truth[first]))
        value = np.where(random.random(1500) < chance, 1, -1)
        ranks = rank_ranges(fit(Battles(first, second, value, random.integers(0, 80, 1500)), 6), rule=rule)
        held += int(((ranks.low <= np.arange(1, 7)) & (np.arange(1, 7) <= ranks.high)).sum())
    assert held / 2400 > 0.95
