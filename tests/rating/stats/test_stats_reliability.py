"""Reliability: who agrees with the others beyond chance, and what their votes weigh."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import ImpossibleInput, TooLittleData
from rating.stats.reliability import PSEUDO_VOTES, reliability

quick = settings(max_examples=20, database=None)


def make_votes(seed=0, items=200, right=(0.95, 0.9, 0.9, 0.5), values=2):
    random = np.random.default_rng(seed)
    truth = random.integers(0, values, items)
    item = np.repeat(np.arange(items), len(right))
    annotator = np.tile(np.arange(len(right)), items)
    wrong = (truth[item] + random.integers(1, values, item.size)) % values
    value = np.where(random.random(item.size) < np.array(right)[annotator], truth[item], wrong)
    return item, annotator, value


@pytest.mark.parametrize("method", ["agreement", "dawid_skene"])
def test_who_votes_at_random_weighs_little_and_the_weights_have_mean_one(method):
    item, annotator, value = make_votes()
    result = reliability(item, annotator, value, values=2, method=method)
    assert result.reliability.argmin() == 3
    assert result.reliability[3] < 0.15 < 0.4 < result.reliability[:3].min()
    assert result.weight.mean() == pytest.approx(1)
    assert result.shared.tolist() == [200] * 4


def test_agreement_is_the_one_counted_by_hand():
    item, annotator, value = [0, 0, 0, 1, 1, 2], [5, 6, 7, 5, 6, 7], [1, 1, 0, 0, 0, 1]
    result = reliability(item, annotator, value, values=2)
    chance = 0.5
    above = np.array([((0.5 + 1) / 2 - chance) / 0.5, ((0.5 + 1) / 2 - chance) / 0.5, 0.0])
    shared = np.array([2, 2, 1])
    mean = above @ shared / 5
    assert result.annotators.tolist() == [5, 6, 7]
    assert result.reliability == pytest.approx((above * shared + mean * PSEUDO_VOTES) / (shared + PSEUDO_VOTES))


def test_who_shares_no_item_has_the_mean():
    item, annotator, value = make_votes()
    result = reliability(np.append(item, 999), np.append(annotator, 4), np.append(value, 1), values=2)
    seen = result.shared > 0
    raw = (result.reliability * (result.shared + PSEUDO_VOTES))[seen]
    mean = result.reliability[4]
    assert mean == pytest.approx(((raw - mean * PSEUDO_VOTES).sum()) / result.shared.sum())


def test_own_repeats_are_not_the_agreement_of_others():
    item, annotator, value = make_votes()
    again = [np.append(column, column[annotator == 3]) for column in (item, annotator, value)]
    once, twice = reliability(item, annotator, value, values=2), reliability(*again, values=2)
    assert twice.reliability[3] < 0.3
    assert twice.shared[3] == 2 * once.shared[3]


def test_where_nobody_beats_chance_all_weigh_the_same():
    result = reliability([0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0], values=2)
    assert result.reliability.tolist() == [0, 0]
    assert result.weight.tolist() == [1, 1, 1, 1]


@quick
@given(st.integers(0, 1000))
def test_order_and_codes_do_not_matter(seed):
    item, annotator, value = make_votes(seed=seed, items=40, values=3)
    order = np.random.default_rng(seed).permutation(item.size)
    plain = reliability(item, annotator, value, values=3)
    other = reliability(item[order] * 2 + 1, 50 - annotator[order], 2 - value[order], values=3)
    assert other.weight == pytest.approx(plain.weight[order])


def test_bad_input_is_refused_by_name():
    with pytest.raises(TooLittleData):
        reliability([], [], [], values=2)
    with pytest.raises(ImpossibleInput, match="magic"):
        reliability([0, 0], [0, 1], [1, 1], values=2, method="magic")
