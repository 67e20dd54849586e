"""Totals over categories with intervals: what the errors of the parts add up to."""

import numpy as np
import pytest

from rating.stats import ImpossibleInput, mean_scores, weighted_total
from rating.stats.intervals import student
from rating.stats.totals import total_intervals

VALUES = [[0.9, 0.6], [0.5, np.nan], [0.3, 0.2]]
ERRORS = [[0.03, 0.04], [0.1, 0.1], [0.02, np.nan]]


@pytest.mark.parametrize(("mode", "error"), [("sum", 0.05), ("mean", 0.025)])
def test_squares_of_errors_add_up(mode, error):
    found = total_intervals(VALUES, [1, 1], error=ERRORS, mode=mode)
    assert found.error[0] == pytest.approx(error)
    assert found.high[0] - found.total[0] == pytest.approx(1.959964 * error)
    assert found.total - found.low == pytest.approx(found.high - found.total, nan_ok=True)
    assert found.total == pytest.approx(weighted_total(VALUES, [1, 1], mode=mode), nan_ok=True)
    assert np.isposinf(found.freedom[0])


def test_without_a_value_there_is_no_total_and_without_an_error_no_interval():
    found = total_intervals(VALUES, [1, 2], error=ERRORS)
    assert np.isnan(found.total).tolist() == [False, True, False]
    for number in (found.error, found.low, found.high, found.freedom):
        assert np.isnan(number).tolist() == [False, True, True]
    one = total_intervals(VALUES, [1, 0], error=ERRORS)
    assert one.low == pytest.approx(np.array([0.9, 0.5, 0.3]) - 1.959964 * np.array([0.03, 0.1, 0.02]))


def test_one_category_alone_has_its_own_t_interval():
    found = total_intervals([[0.4]], [3], error=[[0.1]], freedom=[[4]])
    assert found.freedom == pytest.approx([4])
    assert found.high == pytest.approx(0.4 + 0.1 * student(0.95, 4))


def test_equal_parts_add_their_degrees_and_a_small_error_adds_none():
    equal = total_intervals([[1.0, 2.0]], [1, 1], error=[[0.1, 0.1]], freedom=[[4, 4]])
    assert equal.freedom == pytest.approx([8])
    unequal = total_intervals([[1.0, 2.0]], [1, 1], error=[[0.1, 1e-9]], freedom=[[4, 400]])
    assert unequal.freedom == pytest.approx([4])


def test_a_category_of_one_question_leaves_no_interval():
    found = total_intervals([[1.0, 2.0]], [1, 1], error=[[0.1, 0.1]], freedom=[[4, 0]])
    assert found.total == pytest.approx([1.5])
    assert np.isnan([found.error, found.low, found.freedom]).all()


def test_certain_values_have_a_certain_total():
    found = total_intervals([[1.0, 2.0]], [1, 1], error=[[0.0, 0.0]], freedom=[[4, 4]])
    assert (found.low, found.high) == (1.5, 1.5)


def test_no_models_give_no_totals():
    assert total_intervals(np.empty((0, 2)), [1, 1], error=np.empty((0, 2))).total.size == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"error": [[0.1]]},
        {"error": [[-0.1, 0.1]]},
        {"error": [[np.inf, 0.1]]},
        {"error": [[0.1, 0.1]], "freedom": [[3]]},
        {"error": [[0.1, 0.1]], "level": 95},
        {"error": [[0.1, 0.1]], "mode": "median"},
    ],
)
def test_what_does_not_fit_is_refused(bad):
    with pytest.raises(ImpossibleInput):
        total_intervals([[1.0, 2.0]], [1, 1], **bad)


def test_means_of_scores_say_the_error_of_their_interval():
    random = np.random.default_rng(0)
    means = mean_scores(random.integers(0, 3, 90), random.normal(size=90), np.repeat(np.arange(9), 10), 3)
    assert means.error * student(0.95, means.clusters - 1) == pytest.approx(means.high - means.mean)
    assert np.isnan(mean_scores([0, 0], [1, 1], [0, 1], 1).error).all()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["mean", "sum"])
def test_intervals_of_totals_of_scores_cover_the_truth(mode):
    """1500 models scored in three categories of 6, 12 and 30 questions of which each has its own level. Chance: ±1.1 %."""
    random, weights = np.random.default_rng(1), np.array([3.0, 1.0, 2.0])
    model, sizes, means = np.repeat(np.arange(1500), 4), (6, 12, 30), []
    for questions, noise in zip(sizes, (0.3, 1.0, 2.0), strict=True):
        level = random.normal(0, noise, (1500, questions))
        rows = [
            (model, level[model, q] + random.normal(0, 0.5, model.size), np.full(model.size, q))
            for q in range(questions)
        ]
        means.append(mean_scores(*(np.concatenate(column) for column in zip(*rows, strict=True)), 1500))
    value, error = (np.stack([getattr(part, name) for part in means], axis=1) for name in ("mean", "error"))
    freedom = np.stack([part.clusters - 1 for part in means], axis=1)
    found = total_intervals(value, weights, error=error, freedom=freedom, mode=mode)
    assert 0.935 <= ((found.low <= 0) & (found.high >= 0)).mean() <= 0.965
