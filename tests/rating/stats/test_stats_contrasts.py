"""Differences of two models: the fit that has the other as its zero, the paired t interval and draws as witnesses."""

import numpy as np
import pytest
from scipy import stats as witness

from rating import stats
from rating.stats import Battles, fit, mean_contrasts, mean_scores, strength_contrasts
from tests.rating.stats.test_stats_bradley_terry import make_battles, make_random


def with_a_model_as_zero(battles: Battles, models: int, zero: int):
    """Strengths less that of `zero`, and their covariance: logistic regression without the column of `zero`, sandwich by question."""
    design = np.zeros((len(battles), models))
    rows = np.arange(len(battles))
    design[rows, battles.first] = 1
    design[rows, battles.second] = -1
    design = np.delete(design, zero, axis=1)
    share = (np.asarray(battles.value) + 1) / 2
    beta = np.zeros(models - 1)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ beta))
        information = design.T @ (design * (chance * (1 - chance))[:, None])
        beta = beta + np.linalg.solve(information, design.T @ (share - chance))
    scores = design * (share - chance)[:, None]
    question, code = np.unique(battles.cluster, return_inverse=True)
    sums = np.array([scores[code == k].sum(axis=0) for k in range(question.size)])
    bread = np.linalg.inv(information)
    return beta, bread @ (sums.T @ sums) @ bread * question.size / (question.size - 1)


@pytest.mark.parametrize("zero", [0, 3])
def test_the_interval_of_a_difference_is_that_of_the_fit_with_the_other_model_as_zero(zero):
    battles = make_random()
    board, half = fit(battles, 5), strength_contrasts(fit(battles, 5))
    beta, covariance = with_a_model_as_zero(battles, 5, zero)
    others = [model for model in range(5) if model != zero]
    assert board.strength[others] - board.strength[zero] == pytest.approx(beta, abs=1e-8)
    seen = [np.unique(battles.cluster[(battles.first == m) | (battles.second == m)]).size - 1 for m in range(5)]
    freedom = [min(seen[model], seen[zero]) for model in others]
    assert half[others, zero] == pytest.approx(np.sqrt(np.diag(covariance)) * witness.t.ppf(0.975, freedom), rel=1e-8)


def test_of_two_models_alone_the_difference_is_twice_each():
    board = fit(make_battles((0, 1, 1, 7), (0, 1, -1, 3)), 2)
    half = stats.POINTS_PER_NAT * strength_contrasts(board)
    assert half[0, 1] == pytest.approx(board.high[0] - board.low[0])


def test_differences_spread_as_they_do_over_questions_drawn_anew():
    battles = make_random(2000, questions=120, seed=3)
    half = strength_contrasts(fit(battles, 5))
    draws = stats.bootstrap_questions(battles, 5, draws=1500, seed=1).draws
    spread = (draws[:, :, None] - draws[:, None, :]).std(axis=0) / stats.POINTS_PER_NAT
    pairs = np.triu_indices(5, 1)
    assert half[pairs] == pytest.approx(spread[pairs] * witness.t.ppf(0.975, 119), rel=0.08)


def test_swapping_the_models_or_the_sides_changes_nothing():
    battles = make_random()
    half = strength_contrasts(fit(battles, 5))
    turned = Battles(battles.second, battles.first, -np.asarray(battles.value), battles.cluster)
    assert half == pytest.approx(half.T) and strength_contrasts(fit(turned, 5)) == pytest.approx(half)


def test_a_difference_between_models_that_never_met_has_no_interval():
    board = fit(make_battles((0, 1, 1, 7), (0, 1, -1, 5), (2, 3, 1, 7), (2, 3, -1, 5)), 4)
    half = strength_contrasts(board)
    assert np.isnan(half[:2, 2:]).all() and half[0, 1] > 0 and half[2, 3] > 0


def test_rank_ranges_are_those_of_these_intervals():
    board = fit(make_random(900), 5)
    above = board.strength[:, None] - board.strength[None, :] > strength_contrasts(board)
    assert stats.rank_ranges(board).low.tolist() == (1 + above.sum(axis=0)).tolist()


def scored(seed=0, questions=30):
    random = np.random.default_rng(seed)
    table = random.normal(size=(questions, 1)) + np.array([0.4, 0.1, 0.0]) + 0.4 * random.normal(size=(questions, 3))
    question, model = np.divmod(np.arange(3 * questions), 3)
    return table, (model, table.ravel(), question)


def test_of_scores_on_the_same_questions_it_is_the_paired_t_interval():
    table, columns = scored()
    half = mean_contrasts(*columns, mean_scores(*columns, 3))
    low, high = witness.ttest_rel(table[:, 0], table[:, 1]).confidence_interval(0.95)
    assert half[0, 1] == pytest.approx((high - low) / 2, rel=1e-10)


def test_of_scores_on_questions_apart_variances_add_up():
    table, (model, score, question) = scored()
    columns = model, score, 3 * question + model
    means = mean_scores(*columns, 3)
    half = mean_contrasts(*columns, means)
    assert half[0, 1] == pytest.approx(np.hypot(*(means.high - means.mean)[:2]), rel=1e-10)


def test_a_mean_without_an_interval_has_none_beside_another():
    columns = [0, 0, 1, 1, 2], [1.0, 2.0, 3.0, 3.0, 5.0], [0, 1, 0, 1, 0]
    half = mean_contrasts(*columns, mean_scores(*columns, 4))
    assert np.isnan(half[0, 1:]).all() and np.isnan(half[3]).all()


def test_scores_that_are_always_as_far_apart_have_no_spread_not_even_by_rounding():
    random = np.random.default_rng(0)
    for first in random.integers(1, 10, size=(50, 7)) / 10:
        columns = np.repeat([0, 1], 7), np.append(first, first + 0.3), np.tile(np.arange(7), 2)
        half = mean_contrasts(*columns, mean_scores(*columns, 2))
        assert half[0, 1] == half[1, 0] == 0
