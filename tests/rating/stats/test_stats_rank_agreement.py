"""Rank agreement: exact on ties, silent where there is nothing to say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, norm, spearmanr

from rating.stats import ImpossibleInput
from rating.stats.rank_agreement import ALL_TIED, FEW_MODELS, METHOD, SAME_ORDER, rank_agreement

quick = settings(max_examples=100, database=None)
columns = st.integers(4, 30).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(0, 6), min_size=n, max_size=n) for _ in range(2)))
)


@quick
@given(columns)
def test_both_are_those_of_scipy_ties_and_all(pair):
    one, other = (np.array(column, dtype=float) for column in pair)
    found = rank_agreement(one, other)
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        assert (found.tau, found.rho, found.notes) == (None, None, (ALL_TIED,))
        return
    assert found.tau == pytest.approx(kendalltau(one, other).statistic, abs=1e-12)
    assert found.rho == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)


@quick
@given(columns, st.integers(0, 1000))
def test_order_of_models_and_of_boards_and_any_rising_scale_do_not_matter(pair, seed):
    one, other = (np.array(column, dtype=float) for column in pair)
    order = np.random.default_rng(seed).permutation(one.size)
    plain, mixed = rank_agreement(one, other), rank_agreement(np.exp(other[order]), 3 * one[order] - 7)
    assert mixed == plain


@quick
@given(columns)
def test_turning_one_board_round_turns_the_sign(pair):
    one, other = (np.array(column, dtype=float) for column in pair)
    plain, turned = rank_agreement(one, other), rank_agreement(one, -other)
    if plain.tau is not None:
        assert turned.tau == pytest.approx(-plain.tau)
        assert turned.rho == pytest.approx(-plain.rho)
    if plain.rho_low is not None:
        assert turned.rho_high == pytest.approx(-plain.rho_low)


def test_the_intervals_are_those_of_bonett_and_wright():
    random = np.random.default_rng(0)
    one = random.normal(size=20)
    found = rank_agreement(one, one + random.normal(size=20))
    z = norm.ppf(0.975)
    middle, error = np.arctanh(found.rho), np.sqrt((1 + found.rho**2 / 2) / 17)
    assert (found.rho_low, found.rho_high) == pytest.approx(tuple(np.tanh([middle - z * error, middle + z * error])))
    middle, error = np.arctanh(found.tau), np.sqrt(0.437 / 16)
    assert (found.tau_low, found.tau_high) == pytest.approx(tuple(np.tanh([middle - z * error, middle + z * error])))
    assert found.method == METHOD
    assert found.notes == ()


def test_only_models_on_both_boards_count():
    one = np.array([5.0, 4, np.nan, 3, 2, 1, 9])
    other = np.array([4.0, 5, 1, 3, 1, 2, np.nan])
    found = rank_agreement(one, other)
    assert found.models == 5
    assert found == rank_agreement(one[[0, 1, 3, 4, 5]], other[[0, 1, 3, 4, 5]])


def test_below_four_models_there_is_no_number():
    found = rank_agreement([1.0, 2, 3, np.nan], [1.0, 2, 3, 4])
    assert (found.tau, found.rho, found.models, found.notes) == (None, None, 3, (FEW_MODELS,))
    assert rank_agreement([], []).notes == (FEW_MODELS,)


def test_four_models_give_an_interval_for_rho_alone():
    found = rank_agreement([1.0, 2, 3, 4], [2.0, 1, 3, 4])
    assert found.tau == pytest.approx(4 / 6)
    assert found.tau_low is None
    assert found.rho_low is not None


def test_the_same_order_is_one_and_no_certainty():
    found = rank_agreement([0.1, 0.2, 0.30000000001, 0.4, 0.9], [1.0, 2, 3, 4, 5])
    assert (found.tau, found.rho) == (1.0, 1.0)
    assert (found.tau_low, found.rho_high) == (None, None)
    assert found.notes == (SAME_ORDER,)
    assert rank_agreement([1.0, 2, 3, 4, 5], [5.0, 4, 3, 2, 1]).tau == -1.0


def test_what_differs_by_rounding_is_a_tie():
    one = np.array([1000.0, 1000.0 + 1e-13 * 1000, 1100, 900, 800])
    assert rank_agreement(one, [1.0, 2, 3, 4, 5]).tau == pytest.approx(kendalltau([2, 2, 3, 1, 0], [1, 2, 3, 4, 5])[0])


def test_bad_input_is_refused_by_name():
    with pytest.raises(ImpossibleInput, match="one length"):
        rank_agreement([1.0, 2], [1.0])
    with pytest.raises(ImpossibleInput, match="infinite"):
        rank_agreement([1.0, np.inf, 2, 3], [1.0, 2, 3, 4])
    with pytest.raises(ImpossibleInput, match="level"):
        rank_agreement([1.0, 2, 3, 4, 5], [1.0, 3, 2, 4, 5], level=2.0)


@pytest.mark.slow
def test_intervals_cover_where_models_are_a_sample():
    correlation, covered, random = 0.7, 0, np.random.default_rng(4)
    target = 2 / np.pi * np.arcsin(correlation)
    for _ in range(2000):
        one = random.normal(size=25)
        found = rank_agreement(one, correlation * one + np.sqrt(1 - correlation**2) * random.normal(size=25))
        covered += found.tau_low < target < found.tau_high
    assert 0.93 < covered / 2000 < 0.97
