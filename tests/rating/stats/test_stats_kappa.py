"""κ, π, AC1 and AC2: what scikit-learn says, what the definitions say, and where there is no number."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from rating.stats.errors import ImpossibleInput
from rating.stats.kappa import ac1, ac2, ac_of_table, cohen_kappa, cohen_of_table, crossed, fleiss_kappa, scott_pi
from rating.stats.pairwise import judge_pairs, pairwise_kappa

quick = settings(max_examples=60, database=None)
WEIGHTS = [None, "linear", "quadratic"]
pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40)


def make_votes(*, items=60, judges=6, values=4, missing=0.4, seed=0):
    """Columns (item, judge, value) in random order."""
    random = np.random.default_rng(seed)
    item, judge = np.nonzero(random.random((items, judges)) >= missing)
    value = np.where(random.random(item.size) < 0.5, item % values, random.integers(0, values, item.size))
    order = random.permutation(item.size)
    return item[order], judge[order], value[order]


def counts_of(a, b, values):
    return np.eye(values)[a] + np.eye(values)[b]


@quick
@given(pairs, st.sampled_from(WEIGHTS))
def test_scotts_pi_is_cohens_kappa_of_both_ways_round(drawn, weights):
    a, b = np.array(drawn).T
    both = cohen_kappa(np.concatenate([a, b]), np.concatenate([b, a]), 4, weights=weights)
    assert scott_pi(a, b, 4, weights=weights) == pytest.approx(both)


@quick
@given(pairs, st.sampled_from(WEIGHTS))
def test_fleiss_of_two_judges_is_scotts_pi(drawn, weights):
    a, b = np.array(drawn).T
    assert fleiss_kappa(counts_of(a, b, 4), weights=weights) == pytest.approx(scott_pi(a, b, 4, weights=weights))


@quick
@given(pairs, st.sampled_from(WEIGHTS))
def test_exchanging_the_judges_changes_nothing(drawn, weights):
    a, b = np.array(drawn).T
    for number in (cohen_kappa, scott_pi):
        assert number(a, b, 4, weights=weights) == pytest.approx(number(b, a, 4, weights=weights))


@quick
@given(pairs, st.integers(2, 5), st.sampled_from(WEIGHTS))
def test_items_alike_can_be_counted_instead_of_repeated(drawn, times, weights):
    a, b = np.array(drawn).T
    rows = counts_of(a, b, 4)
    once, often = np.repeat(rows, times, axis=0), np.full(a.size, float(times))
    assert fleiss_kappa(rows, times=often, weights=weights) == pytest.approx(fleiss_kappa(once, weights=weights))
    assert ac2(rows, times=often, weights=weights) == pytest.approx(ac2(once, weights=weights))
    assert ac1(rows, times=often) == pytest.approx(ac1(once))


def test_ac2_without_weights_is_ac1_and_by_hand():
    """Two items agree, one does not: observed 2/3; shares 5/6, 1/6 give chance 2 * 5/36 with two values, half that with three."""
    rows = np.array([[2.0, 0], [2, 0], [1, 1]])
    expected = (2 / 3 - 10 / 36) / (1 - 10 / 36)
    assert ac1(rows) == pytest.approx(expected)
    assert ac2(rows, weights=None) == ac1(rows)
    three = np.hstack([rows, np.zeros((3, 1))])
    assert ac1(three) == pytest.approx((2 / 3 - 5 / 36) / (1 - 5 / 36))


@quick
@given(pairs, st.sampled_from(WEIGHTS))
def test_gwets_coefficient_of_a_table_is_that_of_the_counts(drawn, weights):
    a, b = np.array(drawn).T
    assert ac_of_table(crossed(a, b, 4), weights=weights) == pytest.approx(ac2(counts_of(a, b, 4), weights=weights))


def test_parts_of_an_item_count_as_parts():
    a, b = np.array([0, 0, 1, 2, 1]), np.array([0, 1, 1, 2, 0])
    assert cohen_of_table(crossed(a, b, 3) * 0.25) == pytest.approx(cohen_kappa(a, b, 3))


def test_without_items_or_spread_there_is_no_number():
    for number in (cohen_kappa, scott_pi):
        assert number([], [], 3) is None
        assert number([1, 1], [1, 1], 3) is None
    for number in (fleiss_kappa, ac1, ac2):
        assert number(np.zeros((0, 3))) is None
    assert fleiss_kappa(np.array([[2.0, 0], [3, 0]])) is None
    assert ac1(np.array([[2.0, 0], [3, 0]])) == 1.0


def test_what_cannot_be_is_named():
    with pytest.raises(ImpossibleInput, match="unequal length"):
        scott_pi([0], [0, 1], 2)
    with pytest.raises(ImpossibleInput, match="weights"):
        ac2(np.array([[2.0, 0]]), weights="cubic")
    with pytest.raises(ImpossibleInput, match="at least two"):
        crossed([0], [0], 1)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_matrix_is_scikit_learns_of_any_two_judges(weights):
    item, judge, value = make_votes()
    found = pairwise_kappa(item, judge * 7 + 3, value, values=4, weights=weights)
    assert found.judges.tolist() == [3, 10, 17, 24, 31, 38]
    for a in range(6):
        for b in range(6):
            one, other = (dict(zip(item[judge == j], value[judge == j], strict=True)) for j in (a, b))
            shared = sorted(one.keys() & other.keys())
            first, second = ([said[i] for i in shared] for said in (one, other))
            assert found.n[a, b] == len(shared)
            assert found.raw[a, b] == pytest.approx(np.mean(np.array(first) == second))
            expected = cohen_kappa_score(first, second, labels=range(4), weights=weights)
            assert found.kappa[a, b] == pytest.approx(expected)


@quick
@given(st.integers(0, 10_000))
def test_the_matrix_is_symmetric_and_does_not_depend_on_the_order_of_rows(seed):
    item, judge, value = make_votes(items=15, judges=4, seed=seed)
    assume(item.size)
    found = pairwise_kappa(item, judge, value, values=4)
    order = np.argsort(item, kind="stable")
    again = pairwise_kappa(item[order] * 1000, judge[order], value[order], values=4)
    assert (found.n == found.n.T).all()
    for one, other in ((found.kappa, found.kappa.T), (found.kappa, again.kappa), (found.raw, again.raw)):
        assert one == pytest.approx(other, nan_ok=True)


def test_judges_who_share_nothing_have_no_number_and_nobody_an_empty_matrix():
    found = pairwise_kappa([0, 1, 2, 2], [0, 1, 0, 2], [0, 1, 1, 1], values=2)
    assert (found.n[0, 1], found.n[0, 2]) == (0, 1)
    assert np.isnan([found.kappa[0, 1], found.raw[0, 1], found.kappa[0, 2]]).all()
    assert pairwise_kappa([], [], [], values=2).kappa.shape == (0, 0)


def test_two_sets_of_items_add_up():
    """Few cells and many pairs: they are counted as they come, not kept until the end."""
    item, judge, value = make_votes(items=500, judges=3, values=2)
    halves = [pairwise_kappa(*(c[item % 2 == h] for c in (item, judge, value)), values=2) for h in (0, 1)]
    whole = pairwise_kappa(item, judge, value, values=2)
    assert (whole.n == halves[0].n + halves[1].n).all()
    assert whole.raw * whole.n == pytest.approx(sum(half.raw * half.n for half in halves))
    assert whole.n.sum() == (np.bincount(item) ** 2).sum()


def test_too_many_judges_for_a_matrix_are_refused(monkeypatch):
    monkeypatch.setattr("rating.stats.pairwise._MOST_SEATS", 35)
    with pytest.raises(ImpossibleInput, match="9 judges with 4 values are too many"):
        pairwise_kappa(*make_votes(judges=9), values=4)


def test_any_two_judges_come_once_with_the_items_they_share():
    item, judge, value = make_votes(judges=4)
    for pair in judge_pairs(item, judge, value):
        assert pair.first < pair.second
        assert (item[pair.row] == item[judge == pair.second][np.isin(item[judge == pair.second],
                item[judge == pair.first])]).all()  # fmt: skip
        assert (value[pair.row] == pair.other).all()
    assert len(list(judge_pairs(item, judge, value))) == 6
