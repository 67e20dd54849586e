"""α of scores from sums: the same number as from the table of values, at a cost that does not grow with their variety."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating import stats
from rating.stats.scores_agreement import agree_on_scores


def scored(seed, *, items, judges, questions, values=9):
    """Random scores of every judge on a random two thirds of the items: item, judge, code, question; (n,) each."""
    random = np.random.default_rng(seed)
    item, judge = np.divmod(np.arange(items * judges), judges)
    there = random.random(item.size) < 2 / 3
    item, judge = item[there], judge[there]
    code = np.clip((item % values) + random.integers(-2, 3, item.size), 0, values - 1)
    return item, judge, code, item % questions


@pytest.mark.parametrize(("items", "questions"), [(20, 10), (120, 30)])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_same_number_as_from_the_table_of_values(seed, items, questions):
    item, judge, code, question = scored(seed, items=items, judges=4, questions=questions)
    marks = np.arange(9) * 0.75 + 1
    table = stats.agree(item, judge, code, values=9, level="interval", marks=marks, cluster=question)
    sums = agree_on_scores(item, judge, marks[code], cluster=question)
    assert (sums.n, sums.judges, sums.interval) == (table.n, table.judges, table.interval)
    assert sums.alpha == pytest.approx(table.alpha, abs=1e-12)
    if sums.interval == "jackknife":  # the bootstraps draw the same units in another order
        assert (sums.low, sums.high) == pytest.approx((table.low, table.high), abs=1e-9)
    else:
        assert (sums.low, sums.high) == pytest.approx((table.low, table.high), abs=0.06)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.1, 50), st.floats(-1e6, 1e6))
def test_scale_and_origin_do_not_matter(seed, stretch, shift):
    item, judge, code, question = scored(seed, items=60, judges=3, questions=20)
    plain = agree_on_scores(item, judge, code, cluster=question)
    moved = agree_on_scores(item, judge, code * stretch + shift, cluster=question)
    assert moved.alpha == pytest.approx(plain.alpha, abs=1e-6)


def test_equal_scores_agree_fully_and_say_why():
    found = agree_on_scores([0, 0, 1, 1], [0, 1, 0, 1], [7.5] * 4)
    assert (found.alpha, found.note) == (1.0, stats.ONE_VALUE)


def test_no_item_with_two_scores_is_no_number_with_a_reason():
    found = agree_on_scores([0, 1], [0, 1], [7.0, 8.0])
    assert (found.alpha, found.n, found.note) == (None, 0, stats.NO_PAIRS)


def test_one_question_alone_has_no_interval():
    found = agree_on_scores([0, 0, 1, 1], [0, 1, 0, 1], [1.0, 2.0, 3.0, 3.5], cluster=[5, 5, 5, 5])
    assert (found.low, found.high, found.note) == (None, None, stats.ONE_UNIT)


@pytest.mark.parametrize(("questions", "kind", "note"), [(5, "jackknife", "few questions"), (40, "bootstrap", "")])
def test_few_items_are_bootstrapped_but_never_questions(questions, kind, note):
    item, judge, code, question = scored(3, items=40, judges=4, questions=questions)
    found = agree_on_scores(item, judge, code, cluster=question)
    assert (found.interval, found.note) == (kind, note)


@pytest.mark.parametrize("items", [4, 60])
@pytest.mark.parametrize("clustered", [False, True])
def test_full_agreement_in_several_scores_has_no_interval_and_says_why(items, clustered):
    item = np.repeat(np.arange(items), 3)
    score = (item % 7) * 0.1 + 1e4
    found = agree_on_scores(item, np.tile([0, 1, 2], items), score, cluster=item % 2 if clustered else None)
    assert found.alpha == pytest.approx(1.0)
    assert (found.low, found.high, found.interval, found.note) == (None, None, "", "no disagreement seen")


@pytest.mark.parametrize("confidence", [0.0, 1.5, float("nan")])
@pytest.mark.parametrize("items", [0, 2, 60])
def test_a_confidence_that_is_no_share_is_an_error(confidence, items):
    item, score = np.repeat(np.arange(items), 2), np.arange(2 * items) % 5
    with pytest.raises(stats.ImpossibleInput, match="not between 0 and 1"):
        agree_on_scores(item, np.tile([0, 1], items), score, confidence=confidence)


def test_two_scores_of_one_judge_on_one_item_are_refused():
    with pytest.raises(stats.ImpossibleInput, match="repeats"):
        agree_on_scores([0, 0], [1, 1], [3.0, 4.0])
