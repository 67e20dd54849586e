"""Changes: two sets of battles side by side, paired by question, with nothing guessed for who is on one side only."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from rating.stats import (
    DISCONNECTED,
    FEW_CLUSTERS,
    NO_SPREAD,
    SEPARATED,
    Battles,
    TooLittleData,
    fit,
    rank_ranges,
    win_rates,
)
from rating.stats.changes import ALONE, UNPAIRED, rating_changes, win_rate_changes

POINTS = 400 / np.log(10)
quick = settings(max_examples=20, database=None)
TRUTH = np.array([0.6, 0.2, -0.2, -0.6])


def make_sides(seed=0, *, questions=60, each=12, moved=0.0, lean=1.0):
    """Two judges on the same questions, each of which favours one model or another; model 0 is worth `moved` more to the second."""
    random = np.random.default_rng(seed)
    question = np.repeat(np.arange(questions), each)
    leaning = random.choice([-1.0, 1.0], size=(questions, 4)) * lean
    sides = []
    for change in (0.0, moved):
        strength = TRUTH + change * (np.arange(4) == 0)
        first = random.integers(0, 4, question.size)
        second = (first + random.integers(1, 4, question.size)) % 4
        ahead = strength[first] - strength[second] + leaning[question, first] - leaning[question, second]
        value = np.where(random.random(question.size) < 1 / (1 + np.exp(-ahead)), 1, -1)
        sides.append(Battles(first, second, value, question))
    return sides


def on_questions_from(battles, start):
    return Battles(battles.first, battles.second, battles.value, battles.cluster + start)


def quantile(one, other):
    """Of the model's fewer questions on either side."""
    return t.ppf(0.975, np.minimum(one.freedom, other.freedom))


def test_differences_are_those_of_the_ratings():
    before, after = make_sides(moved=0.5)
    changes = rating_changes(before, after, 4)
    expected = fit(after, 4).rating - fit(before, 4).rating
    assert changes.ratings.difference == pytest.approx(expected)
    assert changes.ratings.after - changes.ratings.before == pytest.approx(expected)
    assert changes.ratings.shared == 60
    assert changes.ratings.notes == ()
    assert changes.ranks_after.rank.tolist() == rank_ranges(fit(after, 4)).rank.tolist()


def test_the_variance_is_the_one_written_out_question_by_question():
    before, after = make_sides()
    changes = rating_changes(before, after, 4)
    moved, boards = [], []
    for battles in (before, after):
        board = fit(battles, 4)
        boards.append(board)
        bread, score = np.zeros((4, 4)), np.zeros((60, 4))
        for q, a, b, v in zip(battles.cluster, battles.first, battles.second, battles.value, strict=True):
            x = (np.arange(4) == a) * 1.0 - (np.arange(4) == b)
            chance = 1 / (1 + np.exp(-x @ board.strength))
            bread += chance * (1 - chance) * np.outer(x, x)
            score[q] += ((v + 1) / 2 - chance) * x
        moved.append(score @ np.linalg.pinv(bread, rcond=1e-9))
    error = POINTS * np.sqrt(((moved[1] - moved[0]) ** 2).sum(axis=0) * 60 / 59)
    half = quantile(*boards) * error
    assert changes.ratings.high - changes.ratings.difference == pytest.approx(half)


def test_sides_on_other_questions_add_their_variances():
    before, after = make_sides()
    apart = on_questions_from(after, 1000)
    changes, one, other = rating_changes(before, apart, 4), fit(before, 4), fit(apart, 4)
    error = POINTS * np.sqrt(np.diag(one.covariance) + np.diag(other.covariance))
    assert changes.ratings.high - changes.ratings.difference == pytest.approx(quantile(one, other) * error)
    assert changes.ratings.notes == (UNPAIRED,)
    assert changes.ratings.shared == 0


@pytest.mark.parametrize(
    "compare", [lambda *sides: rating_changes(*sides, 4).ratings, lambda *sides: win_rate_changes(*sides, 4)]
)
def test_pairing_by_question_narrows_the_interval(compare):
    before, after = make_sides()
    paired, apart = compare(before, after), compare(before, on_questions_from(after, 1000))
    assert paired.difference == pytest.approx(apart.difference)
    assert (paired.high - paired.low < 0.9 * (apart.high - apart.low)).all()


def test_a_model_that_moved_is_found_and_the_others_are_not():
    before, after = make_sides(questions=200, moved=1.2)
    changes = rating_changes(before, after, 4)
    assert changes.ratings.moved[0] == 1
    assert rating_changes(after, before, 4).ratings.moved[0] == -1
    assert win_rate_changes(before, after, 4).moved[0] == 1
    again = make_sides(questions=200)
    assert (rating_changes(*again, 4).ratings.moved == 0).all()


def test_a_rank_range_that_left_the_old_one_is_found():
    high = Battles([0, 1, 2] * 40, [1, 2, 0] * 40, ([1, 1, -1] * 4 + [-1, -1, 1]) * 8, np.arange(120))
    low = Battles([0, 1, 2] * 40, [1, 2, 0] * 40, ([-1, -1, 1] * 4 + [1, 1, -1]) * 8, np.arange(120))
    changes = rating_changes(high, low, 3)
    assert changes.rank_moved.tolist() == [-1, 0, 1]
    assert rating_changes(low, high, 3).rank_moved.tolist() == [1, 0, -1]


@quick
@given(st.integers(0, 1000), st.permutations(range(4)))
def test_turning_the_sides_round_and_renaming_change_signs_and_places_only(seed, names):
    before, after = make_sides(seed=seed)
    names = np.array(names)

    def renamed(battles):
        return Battles(names[battles.first], names[battles.second], battles.value, battles.cluster * 2 + 9)

    for compare in (lambda a, b: rating_changes(a, b, 4).ratings, lambda a, b: win_rate_changes(a, b, 4)):
        plain, turned = compare(before, after), compare(renamed(after), renamed(before))
        assert turned.difference[names] == pytest.approx(-plain.difference)
        assert turned.high[names] == pytest.approx(-plain.low)
        assert (turned.moved[names] == -plain.moved).all()


def test_who_is_on_one_side_only_is_listed_and_not_guessed():
    before, after = make_sides()
    keep = np.flatnonzero((after.first != 3) & (after.second != 3))
    fewer = Battles(after.first[keep], after.second[keep], after.value[keep], after.cluster[keep])
    changes = rating_changes(before, fewer, 6)
    assert changes.ratings.only_before.tolist() == [3]
    assert changes.ratings.only_after.tolist() == []
    assert np.isnan(changes.ratings.difference[3:]).all()
    assert changes.ratings.notes == (ALONE,)
    assert changes.ratings.difference[:3].sum() == pytest.approx(0, abs=1e-9)
    assert changes.ranks_before.rank[3] == 0
    assert set(changes.ranks_before.rank[:3]) == {1, 2, 3}
    assert win_rate_changes(before, fewer, 6).only_before.tolist() == [3]
    assert rating_changes(fewer, before, 6).ratings.only_after.tolist() == [3]


def test_who_has_no_common_opponents_is_not_compared():
    before = Battles([0, 0, 2, 2] * 12, [1, 1, 3, 3] * 12, [1, -1] * 24, np.arange(48))
    after = Battles([0, 0, 1, 1] * 12, [2, 2, 3, 3] * 12, [1, -1] * 24, np.arange(48))
    changes = rating_changes(before, after, 4)
    assert np.isnan(changes.ratings.difference).all()
    assert changes.ratings.notes[0] == ALONE
    assert changes.ratings.only_before.size == changes.ratings.only_after.size == 0


def test_the_same_battles_twice_differ_nowhere_and_that_is_no_certainty():
    before, _ = make_sides()
    for changes in (rating_changes(before, before, 4).ratings, win_rate_changes(before, before, 4)):
        assert changes.difference == pytest.approx(np.zeros(4))
        assert np.isnan(changes.low).all()
        assert changes.notes == (NO_SPREAD,)


def two_parts(seed=0, *, questions=(12, 40)):
    random = np.random.default_rng(seed)
    part, first = np.arange(300) % 2, random.integers(0, 3, 300)
    second = (first + random.integers(1, 3, 300)) % 3
    question = np.where(part == 0, random.integers(0, questions[0], 300), 100 + random.integers(0, questions[1], 300))
    return Battles(first + 3 * part, second + 3 * part, random.integers(-1, 2, 300), question)


def all_won(seed=0, start=0):
    """Model 0 wins all its battles; the other two are about equal."""
    value = np.where(np.arange(60) % 3 < 2, 1, np.random.default_rng(seed).choice([-1, 1], 60))
    return Battles([0, 0, 1] * 20, [1, 2, 2] * 20, value, start + np.arange(60) % 20)


@pytest.mark.parametrize("side", [two_parts(), all_won(), Battles([0, 1] * 20, [1, 0] * 20, [0] * 40, range(40))])
def test_the_same_battles_differ_nowhere_in_parts_separated_and_silent(side):
    order = np.random.default_rng(1).permutation(len(side))
    for again in (side, side.where(order)):
        changes = rating_changes(side, again, 6).ratings
        there = fit(side, 6).component >= 0
        assert changes.difference[there] == pytest.approx(np.zeros(there.sum()), abs=1e-9)
        assert np.isnan(changes.low).all()
        assert NO_SPREAD in changes.notes


def test_two_parts_of_unequal_size_add_their_own_variances():
    before, after = two_parts(), on_questions_from(two_parts(1), 1000)
    changes, one, other = rating_changes(before, after, 6).ratings, fit(before, 6), fit(after, 6)
    error = POINTS * np.sqrt(np.diag(one.covariance) + np.diag(other.covariance))
    assert changes.high - changes.difference == pytest.approx(quantile(one, other) * error, rel=1e-9)


def test_a_separated_side_keeps_the_width_of_its_floor():
    before, after = all_won(), two_parts(1).where(np.arange(0, 300, 2))
    changes, one, other = rating_changes(before, after, 3).ratings, fit(before, 3), fit(after, 3)
    half = changes.high - changes.difference
    apart = rating_changes(before, on_questions_from(after, 1000), 3).ratings
    error = POINTS * np.sqrt(np.diag(one.covariance) + np.diag(other.covariance))
    assert apart.high - apart.difference == pytest.approx(quantile(one, other) * error, rel=1e-9)
    # model 0 won everything before: what is not known of it stays, whatever the other side says
    assert half[0] > 0.7 * (apart.high - apart.difference)[0]


def test_what_was_said_of_either_side_is_said_of_the_change():
    changes = rating_changes(all_won(), two_parts(1, questions=(5, 40)), 6).ratings
    assert {SEPARATED, DISCONNECTED, FEW_CLUSTERS} < {*changes.notes}
    whole, other = make_sides()
    assert rating_changes(whole, other, 4).ratings.notes == ()


def test_win_rates_and_their_widths_are_those_of_each_side():
    before, after = make_sides()
    changes = win_rate_changes(before, on_questions_from(after, 1000), 4)
    assert changes.before == pytest.approx(win_rates(before, 4).win_rate)
    assert changes.after == pytest.approx(win_rates(after, 4).win_rate)
    squares = np.zeros(4)
    for battles in (before, after):
        rate, n = win_rates(battles, 4).win_rate, win_rates(battles, 4).n
        residual, seen = np.zeros((60, 4)), np.zeros((60, 4))
        for q, a, b, v in zip(battles.cluster, battles.first, battles.second, battles.value, strict=True):
            residual[q, a] += (v + 1) / 2 - rate[a]
            residual[q, b] += (1 - v) / 2 - rate[b]
            seen[q, [a, b]] = 1
        g = seen.sum(axis=0)
        squares += (residual**2).sum(axis=0) / n**2 * g / (g - 1)
    error = (changes.high - changes.difference) / np.sqrt(squares)
    assert ((error > 1.99) & (error < 2.01)).all()


def test_an_empty_side_is_too_little_data():
    before, _ = make_sides()
    empty = Battles([], [], [], [])
    for compare in (rating_changes, win_rate_changes):
        with pytest.raises(TooLittleData):
            compare(before, empty, 4)


@pytest.mark.slow
def test_paired_intervals_cover_where_unpaired_ones_are_too_wide():
    """Strengths over leaning questions are nearer to each other than TRUTH; both sides share them, so the change is 0."""
    covered, apart, rates, width = 0, 0, 0, []
    for seed in range(500):
        before, after = make_sides(seed=seed)
        paired = rating_changes(before, after, 4).ratings
        unpaired = rating_changes(before, on_questions_from(after, 1000), 4).ratings
        rate = win_rate_changes(before, after, 4)
        covered += int((np.sign(paired.low) != np.sign(paired.high)).sum())
        apart += int((np.sign(unpaired.low) != np.sign(unpaired.high)).sum())
        rates += int((np.sign(rate.low) != np.sign(rate.high)).sum())
        width.append((paired.high - paired.low).mean() / (unpaired.high - unpaired.low).mean())
    assert 0.93 < covered / 2000 < 0.97
    assert 0.93 < rates / 2000 < 0.97
    assert apart / 2000 > 0.98
    assert np.mean(width) < 0.8


@pytest.mark.slow
def test_few_surely_moved_where_nothing_moved():
    false = sum(bool(rating_changes(*make_sides(seed=seed), 4).ratings.moved.any()) for seed in range(500))
    assert false / 500 < 0.07
