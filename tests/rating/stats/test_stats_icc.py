"""Intraclass correlation: Shrout and Fleiss' own example, the analysis of variance by hand, and what is undefined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats.errors import ImpossibleInput
from rating.stats.icc import NO_SPREAD, NOT_COMPLETE, ONE_JUDGE, icc

quick = settings(max_examples=40, database=None)
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def columns(table):
    """Item, judge and score of a table (items, judges), NaN left out."""
    scores = np.asarray(table, dtype=float)
    item, judge = np.nonzero(~np.isnan(scores))
    return item, judge, scores[item, judge]


def make_table(*, items=12, judges=4, seed=0, severity=1.0, noise=1.0):
    random = np.random.default_rng(seed)
    effect = severity * random.normal(size=judges)
    return random.normal(size=(items, 1)) * 2 + effect + noise * random.normal(size=(items, judges))


def test_the_example_of_shrout_and_fleiss():
    """Six targets, four judges (1979, tables 2 and 4): .17, .29, .62; intervals as in R's psych."""
    found = icc(*columns(SHROUT_FLEISS))
    assert [found.one_way, found.single, found.mean] == pytest.approx([0.17, 0.29, 0.62], abs=0.005)
    assert [found.low, found.high] == pytest.approx([0.019, 0.761], abs=5e-4)
    assert [found.mean_low, found.mean_high] == pytest.approx([0.071, 0.927], abs=5e-4)
    assert (found.items, found.judges, found.left_out, found.note) == (6, 4, 0, "")


def test_it_is_the_analysis_of_variance_by_hand():
    table = make_table()
    n, k = table.shape
    rows, judges, grand = table.mean(axis=1), table.mean(axis=0), table.mean()
    between = k * ((rows - grand) ** 2).sum() / (n - 1)
    severity = n * ((judges - grand) ** 2).sum() / (k - 1)
    rest = sum((table[i, j] - rows[i] - judges[j] + grand) ** 2 for i in range(n) for j in range(k))
    rest /= (n - 1) * (k - 1)
    within = ((table - rows[:, None]) ** 2).sum() / (n * (k - 1))
    found = icc(*columns(table))
    assert found.single == pytest.approx((between - rest) / (between + (k - 1) * rest + k * (severity - rest) / n))
    assert found.mean == pytest.approx((between - rest) / (between + (severity - rest) / n))
    assert found.one_way == pytest.approx((between - within) / (between + (k - 1) * within))


@quick
@given(st.integers(0, 10_000), st.floats(0.1, 50), st.floats(-1e4, 1e4))
def test_scale_origin_and_order_do_not_matter(seed, stretch, shift):
    table = make_table(seed=seed)
    item, judge, score = columns(table)
    plain = icc(item, judge, score)
    order = np.random.default_rng(seed).permutation(item.size)
    moved = icc(9 * item[order] + 2, 5 - judge[order], score[order] * stretch + shift)
    for name in ("single", "low", "high", "mean", "mean_low", "mean_high", "one_way"):
        assert getattr(moved, name) == pytest.approx(getattr(plain, name), abs=1e-6)


@quick
@given(st.integers(0, 10_000))
def test_the_mean_of_judges_is_spearman_and_brown_of_one(seed):
    table = make_table(seed=seed, items=40, noise=0.5)
    found = icc(*columns(table))
    assert found.low < found.single < found.high
    assert found.mean == pytest.approx(4 * found.single / (1 + 3 * found.single))
    assert found.mean_low == pytest.approx(4 * found.low / (1 + 3 * found.low))


def test_severity_counts_against_two_way_agreement():
    table = make_table(severity=0.0, noise=0.1)
    severe = table + [0, 3, 0, 0]
    assert icc(*columns(severe)).single < icc(*columns(table)).single - 0.1


def test_items_without_every_score_are_left_out_and_counted():
    table = make_table()
    table[3, 1] = table[7, 0] = np.nan
    found, rest = icc(*columns(table)), icc(*columns(np.delete(table, [3, 7], axis=0)))
    assert (found.items, found.left_out) == (10, 2)
    assert (found.single, found.low) == (rest.single, rest.low)


@pytest.mark.parametrize(
    ("table", "note"),
    [
        ([[1.0, np.nan], [np.nan, 2.0]], NOT_COMPLETE),
        ([[1.0, 2.0]], NOT_COMPLETE),
        ([[1.0], [2.0]], ONE_JUDGE),
        ([[3.3, 3.3], [3.3, 3.3]], NO_SPREAD),
    ],
)
def test_undefined_is_none_and_says_why(table, note):
    found = icc(*columns(table))
    assert (found.single, found.low, found.mean, found.mean_high, found.one_way) == (None,) * 5
    assert found.note == note


def test_no_scores_and_perfect_scores():
    assert icc([], [], []).note == NOT_COMPLETE
    found = icc(*columns([[1.1, 1.1, 1.1], [2.7, 2.7, 2.7], [0.3, 0.3, 0.3]]))
    assert (found.single, found.mean, found.one_way, found.low) == (1.0, 1.0, 1.0, None)


def test_what_cannot_be_is_named():
    with pytest.raises(ImpossibleInput, match="two votes on item 0"):
        icc([0, 0], [1, 1], [1.0, 2.0])
    with pytest.raises(ImpossibleInput, match="NaN"):
        icc([0, 0], [0, 1], [1.0, float("nan")])
    with pytest.raises(ImpossibleInput, match="confidence"):
        icc([0, 0], [0, 1], [1.0, 2.0], confidence=1.0)


def test_intervals_cover_what_they_should():
    """True ICC(2,1) = 4 / (4 + 1 + 1) with 30 items and 8 judges drawn anew 500 times; the interval is a known approximation."""
    covered = [icc(*columns(make_table(items=30, judges=8, seed=seed))) for seed in range(500)]
    assert 0.92 <= np.mean([found.low <= 2 / 3 <= found.high for found in covered]) <= 0.98
