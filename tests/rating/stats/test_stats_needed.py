"""How many more: widths shrink with the root of the number of questions, and nothing is promised without grounds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from rating.stats import Battles, ImpossibleInput, fit
from rating.stats.needed import FEWEST_UNITS, items_needed, needed

quick = settings(max_examples=30, database=None)


def make_battles(seed=0, n=400, models=4, *, questions=50):
    random = np.random.default_rng(seed)
    first = random.integers(0, models, n)
    value = random.choice([-1, 0, 1], n)
    return Battles(first, (first + random.integers(1, models, n)) % models, value, random.integers(0, questions, n))


def width_with(board, model, questions):
    """Width of the interval of one model, were its error to shrink by the root of the number of questions."""
    now = board.freedom[model] + 1
    error = np.sqrt(board.covariance[model, model]) * 400 / np.log(10)
    return 2 * error * np.sqrt(now / questions) * t.ppf(0.975, questions - 1)


def test_the_number_is_the_smallest_that_is_narrow_enough():
    board = fit(make_battles(), 4)
    result = needed(board, 40.0)
    for model, more in enumerate(result.questions):
        total = int(board.freedom[model]) + 1 + more
        assert more > 0
        assert width_with(board, model, total) <= 40.0 < width_with(board, model, total - 1)
        assert result.width[model] == pytest.approx(board.high[model] - board.low[model])


def test_an_interval_that_is_narrow_enough_needs_nothing():
    result = needed(fit(make_battles(), 4), 5000.0)
    assert result.questions == (0, 0, 0, 0)
    assert result.votes == (0, 0, 0, 0)
    assert result.board == 0


def test_the_present_width_needs_nothing_more():
    board = fit(make_battles(), 4)
    widest = float((board.high - board.low).max())
    assert needed(board, widest * (1 + 1e-9)).board == 0


@quick
@given(st.integers(0, 200))
def test_half_the_width_takes_about_four_times_the_questions(seed):
    board = fit(make_battles(seed=seed), 4)
    width = float((board.high - board.low)[0])
    now = int(board.freedom[0]) + 1
    assert needed(board, width / 2).questions[0] + now == pytest.approx(4 * now, rel=0.05)


def test_votes_go_with_the_number_a_model_has_on_each_question():
    board = fit(make_battles(), 4)
    result = needed(board, 40.0)
    for model in range(4):
        rate = board.n[model] / (board.freedom[model] + 1)
        assert result.votes[model] == np.ceil(result.questions[model] * rate - 1e-9)


def test_a_model_on_half_the_questions_needs_twice_as_many_of_the_board():
    board = fit(make_battles(), 4)
    half = needed(board, 40.0, questions=100)
    own = board.freedom + 1
    assert half.board == max(int(np.ceil(q * 100 / o - 1e-9)) for q, o in zip(half.questions, own, strict=True))
    assert half.board > needed(board, 40.0).board


def test_independent_battles_are_counted_as_battles():
    board = fit(make_battles(), 4, clustered=False)
    result = needed(board, 40.0)
    width = board.high - board.low
    assert result.questions == tuple(int(np.ceil(n * (w / 40) ** 2)) - n for n, w in zip(board.n, width, strict=True))
    assert result.votes == result.questions


def test_what_cannot_be_told_is_none():
    battles = make_battles(models=4)
    rare = Battles(
        np.append(battles.first, [4, 0, 4]), np.append(battles.second, [0, 4, 1]), np.append(battles.value, [1, 1, -1]),
        np.append(battles.cluster, [0, 1, 2]),
    )  # fmt: skip
    result = needed(fit(rare, 6), 40.0)
    assert result.questions[4] is None
    assert result.questions[5] is None
    assert result.votes[4:] == (None, None)
    assert result.width[5] is None
    assert result.questions[0] > 0
    assert result.board is None
    one = Battles(battles.first, battles.second, battles.value, np.zeros(len(battles)).astype(int))
    assert needed(fit(one, 4), 40.0).questions == (None,) * 4


def test_unrated_models_do_not_keep_the_board_from_an_answer():
    assert needed(fit(make_battles(), 6), 40.0).board > 0


def test_more_questions_do_narrow_the_interval_as_foretold():
    """Simulated: the width at the foretold number of questions is the width that was asked for, give or take a fifth."""
    few = fit(make_battles(seed=1, n=400, questions=50), 4)
    result = needed(few, 60.0, questions=50)
    total = 50 + result.board
    many = fit(make_battles(seed=2, n=8 * total, questions=total), 4)
    assert (many.high - many.low).max() == pytest.approx(60.0, rel=0.2)


def test_impossible_requests_are_refused():
    board = fit(make_battles(), 4)
    for width in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ImpossibleInput, match="wide"):
            needed(board, width)
    with pytest.raises(ImpossibleInput, match="questions"):
        needed(board, 40.0, questions=10)


def test_items_are_the_smallest_number_that_is_narrow_enough():
    more = items_needed(0.3, 0.7, 40, half_width=0.05)
    error = 0.2 / t.ppf(0.975, 39)

    def half(n):
        return error * np.sqrt(40 / n) * t.ppf(0.975, n - 1)

    assert half(40 + more) <= 0.05 < half(40 + more - 1)


def test_an_end_cut_off_at_the_scale_does_not_count():
    assert items_needed(0.8, 1.0, 40, middle=0.95, half_width=0.05) == items_needed(0.8, 1.1, 40, half_width=0.05)


def test_agreement_without_grounds_gets_no_number():
    assert items_needed(None, None, 40, half_width=0.05) is None
    assert items_needed(0.5, 0.5, 40, half_width=0.05) is None
    assert items_needed(0.3, 0.7, FEWEST_UNITS - 1, half_width=0.05) is None
    assert items_needed(0.3, 0.7, 40, half_width=0.5) == 0
    assert items_needed(0.0, 1.0, 10, half_width=1e-9) is None
    with pytest.raises(ImpossibleInput):
        items_needed(0.3, 0.7, 40, half_width=0.0)


def test_no_spread_is_not_a_reason_to_promise():
    board = fit(make_battles(), 4)
    silent = replace(board, covariance=np.zeros((4, 4)), low=board.rating, high=board.rating)
    assert needed(silent, 40.0).questions == (None,) * 4


def test_models_that_are_narrow_enough_need_nothing_while_others_need_more():
    random = np.random.default_rng(8)
    first = random.integers(0, 5, 3000)
    second = np.where(random.random(3000) < 0.02, 5, (first + random.integers(1, 5, 3000)) % 5)
    board = fit(Battles(first, second, random.choice([-1, 1], 3000), random.integers(0, 320, 3000)), 6)
    result = needed(board, float(np.median(board.high - board.low)) + 1.0)
    assert min(result.questions) == 0 == min(result.votes) and max(result.questions) > 0
