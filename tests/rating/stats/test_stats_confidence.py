"""Confidence beside what people say: tables by hand, the error and the rank by a second way, laws, and how often intervals hold."""

from __future__ import annotations

import numpy as np
import pytest

from rating import stats
from rating.stats.confidence import ALIKE, DRAWS, FEW, LESS, MORE, MOST_UNITS, NOTHING, _drawn, expected_error
from rating.stats.errors import ImpossibleInput

# 40 verdicts on 40 questions: 20 of 60 % of which 10 are shared, 16 of 90 % of which 12 are, 4 of 100 % of which all are.
SURE = np.repeat([0.6, 0.9, 1.0], [20, 16, 4])
HIT = np.concatenate([np.arange(20) < 10, np.arange(16) < 12, np.ones(4)]).astype(float)


def test_a_table_of_reliability_by_hand():
    told = stats.confidence(SURE, HIT, np.arange(40), is_share=True)
    assert [(one.start, one.end, one.n, one.share) for one in told.levels] == [
        (0.6, 0.6, 20, 0.5), (0.9, 0.9, 16, 0.75), (1.0, 1.0, 4, None),
    ]  # fmt: skip
    low, high = stats.share_of(np.arange(16) < 12, cluster=np.arange(16)).low, told.levels[1].high
    assert told.levels[1].low == pytest.approx(low) and low < 0.75 < high
    assert told.share == pytest.approx(26 / 40)
    assert told.sure == pytest.approx((20 * 0.6 + 16 * 0.9 + 4) / 40)
    assert told.gap == pytest.approx(told.sure - told.share) and told.gap_low < told.gap < told.gap_high


def test_the_calibration_error_as_published_by_hand():
    # |0.6 − 0.5| · 20 + |0.9 − 0.75| · 16 + |1 − 1| · 4, of 40
    assert expected_error(SURE, HIT) == pytest.approx((2 + 2.4 + 0) / 40)


def test_many_confidences_are_taken_together_in_fixed_steps():
    sure = np.array([0.0, 0.49, 0.5, 0.59, 0.6, 0.75, 0.9, 0.95, 0.999, 1.0] * 5)
    told = stats.confidence(sure, np.tile([0.0, 1.0], 25), np.arange(50), is_share=True)
    assert [(one.start, one.end, one.n) for one in told.levels] == [
        (0.0, 0.5, 10), (0.5, 0.6, 10), (0.6, 0.7, 5), (0.7, 0.8, 5), (0.9, 1.0, 20),
    ]  # fmt: skip
    assert told.levels[-1].sure == pytest.approx((0.9 + 0.95 + 0.999 + 1.0) / 4)


def test_the_rank_is_that_of_all_pairs():
    random = np.random.default_rng(2)
    sure, hit = random.integers(0, 9, 60) / 8, random.integers(0, 4, 60) / 3
    surer = (sure[:, None] > sure) + (sure[:, None] == sure) / 2
    weight = hit[:, None] * (1 - hit)
    told = stats.confidence(sure, hit, np.arange(60), is_share=True)
    assert told.rank == pytest.approx((surer * weight).sum() / weight.sum())


def test_the_error_of_the_rank_is_near_that_of_leaving_out_one_question_at_a_time():
    random = np.random.default_rng(3)
    question = np.repeat(np.arange(50), 3)
    sure = random.random(150)
    hit = (random.random(150) < sure).astype(float)
    left = [
        stats.confidence(sure[keep], hit[keep], question[keep], is_share=True).rank
        for keep in (question != one for one in range(50))
    ]
    error = np.sqrt(49 / 50 * ((np.array(left) - np.mean(left)) ** 2).sum())
    told = stats.confidence(sure, hit, question, is_share=True)
    assert told.rank_high - told.rank_low == pytest.approx(2 * 2.01 * error, rel=0.1)


@pytest.mark.parametrize(("turned", "word"), [(False, MORE), (True, LESS)])
def test_a_judge_that_is_surer_where_people_agree_is_told_from_one_that_is_not(turned, word):
    told = stats.confidence(1 - SURE if turned else SURE, np.where(SURE > 0.6, 1.0, 0.0), np.arange(40), is_share=True)
    assert told.word == word and told.rank == (0.0 if turned else 1.0)
    assert 0.0 <= told.rank_low <= told.rank_high <= 1.0


def test_where_confidence_has_nothing_to_do_with_people_nothing_is_said_of_it():
    told = stats.confidence(np.tile([0.6, 0.9], 30), np.repeat([0.0, 1.0], 30), np.arange(60), is_share=True)
    assert (told.word, told.rank) == (NOTHING, 0.5)


def test_one_question_too_few_verdicts_and_one_confidence_have_words_of_their_own():
    few = stats.confidence(SURE[:29], HIT[:29], np.arange(29), is_share=True)
    assert (few.word, few.n, few.share, few.levels) == (FEW, 29, None, ())
    alike = stats.confidence(np.full(40, 0.8), HIT, np.arange(40), is_share=True)
    assert (alike.word, alike.rank, len(alike.levels)) == (ALIKE, 0.5, 1)
    one = stats.confidence(SURE, HIT, np.zeros(40, dtype=int), is_share=True)
    assert (one.word, one.gap_low, one.ece, one.rank_low) == (NOTHING, None, None, None)
    shared = stats.confidence(SURE, np.ones(40), np.arange(40), is_share=True)
    assert (shared.word, shared.rank, shared.share) == (NOTHING, None, 1.0)


def test_confidence_that_claims_no_share_has_levels_and_a_rank_alone():
    told = stats.confidence(np.where(SURE > 0.6, 2.0, 1.0), HIT, np.arange(40), is_share=False)
    assert [(one.start, one.share) for one in told.levels] == [(1.0, 0.5), (2.0, 0.8)]
    assert (told.sure, told.gap, told.ece) == (None, None, None) and told.rank > 0.5


def test_verdicts_on_one_question_are_taken_together():
    alone = stats.confidence(np.tile(SURE, 3), np.tile(HIT, 3), np.arange(120), is_share=True)
    together = stats.confidence(np.tile(SURE, 3), np.tile(HIT, 3), np.tile(np.arange(40), 3), is_share=True)
    once = stats.confidence(SURE, HIT, np.arange(40), is_share=True)
    assert together.gap_high - together.gap_low == pytest.approx(once.gap_high - once.gap_low)
    assert together.gap_high - together.gap_low > 1.5 * (alone.gap_high - alone.gap_low)
    assert together.ece_high > alone.ece_high


def test_the_order_of_the_rows_and_the_names_of_the_questions_change_nothing():
    order = np.random.default_rng(4).permutation(40)
    told = stats.confidence(SURE[order], HIT[order], 1000 + 7 * np.arange(40)[order], is_share=True)
    once = stats.confidence(SURE, HIT, np.arange(40), is_share=True)
    assert told.word == once.word and told.gap_low == pytest.approx(once.gap_low)
    assert (told.rank, told.rank_low, told.ece) == pytest.approx((once.rank, once.rank_low, once.ece))


@pytest.mark.slow
@pytest.mark.parametrize("over", [0.0, 0.5, 1.0])
def test_intervals_hold_the_truth_as_often_as_they_promise(over):
    """Confidence whose log odds count 1 − over of what they claim, with questions that are easier or harder."""
    random, questions, draws = np.random.default_rng(5), 60, 150

    def drawn(questions: int):
        question = np.repeat(np.arange(questions), 2)
        sure = random.beta(4, 1.5, question.size)
        odds = (1 - over) * np.log(sure / (1 - sure)) + random.normal(0, 0.4, questions)[question]
        return sure, 1 / (1 + np.exp(-odds)), question

    sure, chance, _ = drawn(30_000)
    truth = {"gap": (sure - chance).mean(), "ece": expected_error(sure, chance)}
    held = {"gap": 0, "ece": 0}
    for _ in range(draws):
        sure, chance, question = drawn(questions)
        told = stats.confidence(sure, (random.random(sure.size) < chance).astype(float), question, is_share=True)
        for name, value in truth.items():
            held[name] += getattr(told, f"{name}_low") <= value <= getattr(told, f"{name}_high")
    assert all(count >= 0.89 * draws for count in held.values()), held


def plainly_drawn(off, n):
    """The error of resamples of all questions, drawn one by one, as they are and as if the levels were without error."""
    random, questions = np.random.default_rng(1), len(n)
    centred = off - n * off.sum(axis=0) / n.sum(axis=0)
    times = random.multinomial(questions, np.full(questions, 1 / questions), size=DRAWS)
    verdicts = times @ n.sum(axis=1)
    return np.abs(times @ off).sum(axis=1) / verdicts, np.abs(times @ centred).sum(axis=1) / verdicts


def of_questions(questions: int):
    """How far sure and agreed are apart at three levels on so many questions, and the verdicts at each; half as many at the next."""
    random = np.random.default_rng(5)
    n = np.floor(random.random((questions, 3)) * [4, 2.5, 1.6])
    off = n * random.normal([0.02, -0.01, 0.03], 0.3, (questions, 3))
    return off, n


def test_what_is_drawn_is_what_questions_drawn_one_by_one_come_to():
    off, n = of_questions(300)
    for told, plain in zip(_drawn(off, n), plainly_drawn(off, n), strict=True):
        assert told == pytest.approx(plain, rel=1e-9)


def test_of_very_many_questions_random_groups_come_to_the_same():
    off, n = of_questions(2 * MOST_UNITS + 777)
    for told, plain in zip(_drawn(off, n), plainly_drawn(off, n), strict=True):
        assert told.shape == (DRAWS,) and told.mean() == pytest.approx(plain.mean(), abs=5 * plain.std() / DRAWS**0.5)
        assert told.std() == pytest.approx(plain.std(), rel=0.1)  # 3 % by the draws of both, 1 % by the groups
    again, _chance = _drawn(off, n)
    assert (again == _drawn(off, n)[0]).all(), "the draws are seeded"


def test_impossible_columns_are_refused():
    for sure, hit in (([1.2], [1.0]), ([0.5], [2.0]), ([0.5, 0.6], [1.0]), ([np.nan], [1.0])):
        with pytest.raises(ImpossibleInput):
            stats.confidence(sure, hit, np.arange(len(sure)), is_share=True)
    assert stats.confidence([2.0], [1.0], [0], is_share=False).word == FEW
