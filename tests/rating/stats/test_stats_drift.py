"""Drift beyond a judge's own noise: sizes of the test, its power, and what it says at the edges."""

from __future__ import annotations

import numpy as np
import pytest

from rating.stats.drift import DRIFTS, FEW, STABLE, change
from rating.stats.errors import ImpossibleInput


def drawn(random, n: int, noise: float, turned: float = 0.0):
    """Pairs' verdicts of a judge asked three times, of which `noise` are turned each time, and now `turned` for good."""
    truth = random.integers(0, 2, n).astype(float)
    now = np.where(random.random(n) < turned, 1 - truth, truth)
    return [np.where(random.random(n) < noise, 1 - one, one) for one in (truth, now, now)]


def test_a_judge_that_never_varies_and_turns_is_sure_from_five_questions_on():
    for questions, word in ((4, FEW), (5, DRIFTS), (8, DRIFTS)):
        ones, zeros = np.ones(questions), np.zeros(questions)
        told = change(ones, zeros, zeros, np.arange(questions), is_pair=True)
        assert (told.word, told.difference, told.low, told.shift) == (word, 1.0, None, -1.0)
        assert change(ones, ones, ones, np.arange(questions), is_pair=True).word == (FEW if word == FEW else STABLE)
    assert told.p == pytest.approx(3.0**-8, abs=5e-4)


def test_a_judge_that_only_varies_is_said_to_drift_no_more_often_than_alpha():
    random = np.random.default_rng(5)
    question = np.repeat(np.arange(20), 2)
    said = [change(*drawn(random, 40, 0.25), question, is_pair=True).word for _ in range(400)]
    assert 4 <= said.count(DRIFTS) <= 32


def test_a_judge_that_varies_and_turns_is_found():
    random = np.random.default_rng(6)
    said = [change(*drawn(random, 40, 0.1, 0.35), np.arange(40), is_pair=True).word for _ in range(100)]
    assert said.count(DRIFTS) >= 80


def test_marks_are_told_by_how_far_they_are_and_which_way():
    random = np.random.default_rng(7)
    then = random.random(30) * 0.5
    now, twin = then + 0.2, then + 0.3
    told = change(then, now, twin, np.arange(30), is_pair=False)
    assert told.word == DRIFTS
    assert (told.changed.share, told.noise.share) == (pytest.approx(0.25), pytest.approx(0.1))
    assert (told.difference, told.shift) == (pytest.approx(0.15), pytest.approx(0.25))


def test_verdicts_on_one_question_are_taken_together():
    n, question = 40, np.repeat(np.arange(4), 10)
    ones = np.ones(n)
    told = change(ones, 0 * ones, 0 * ones, question, is_pair=True)
    assert (told.word, told.questions, told.n) == (FEW, 4, 40)


def test_a_stricter_alpha_needs_more_questions():
    ones = np.ones(5)
    assert change(ones, 0 * ones, 0 * ones, np.arange(5), is_pair=True, alpha=0.004).word == FEW


def test_columns_of_two_lengths_and_an_impossible_alpha_are_refused():
    with pytest.raises(ImpossibleInput):
        change([1.0, 0.0], [1.0], [1.0], [0], is_pair=True)
    with pytest.raises(ImpossibleInput):
        change([1.0], [1.0], [1.0], [0], is_pair=True, alpha=0)
