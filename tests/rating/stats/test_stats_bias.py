"""First slot, flips, consistency and length, each with its interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import ImpossibleInput, consistency, first_slot_share, flip_rate, longer_share, wilson
from rating.stats.bias import Cases, beside, first_slot_cases, flip_cases, richer_cases, richer_share, self_preference
from rating.stats.intervals import student

quick = settings(max_examples=40, database=None)


def test_the_first_slot_share_counts_decided_votes_only():
    share = first_slot_share([1, 2, 0.4, 0, 0, -1])
    assert (share.share, share.n) == (0.75, 4)
    assert (share.low, share.high) == pytest.approx(wilson(3, 4))


def test_nothing_decided_is_no_share():
    share = first_slot_share([0, 0])
    assert (share.share, share.low, share.high, share.n) == (None, None, None, 0)


def test_a_judge_that_always_takes_the_first_slot_flips_always():
    assert flip_rate([1, 1, 1], [-1, -1, -1]).share == 1
    assert consistency([1, 1, 1], [-1, -1, -1]).share == 0


def test_a_tie_in_one_order_is_no_flip_but_not_consistent_either():
    assert flip_rate([1, 1], [0, 1]).share == 0
    assert consistency([1, 1], [0, 2]).share == 0.5


def test_two_ties_are_consistent():
    assert consistency([0], [0]).share == 1


def test_the_longer_share_leaves_out_ties_and_equal_lengths():
    share = longer_share([1, -1, 1, 0, 1], [200, 100, 50, 300, 70], [100, 200, 80, 100, 70])
    assert (share.share, share.n) == (pytest.approx(2 / 3), 3)


def test_votes_on_one_question_count_together():
    value = np.repeat([1, -1, 1, 1, -1, 1, 1, -1, 1, 1], 10)
    apart, lumped = first_slot_share(value), first_slot_share(value, cluster=np.arange(100) // 10)
    assert lumped.share == apart.share
    assert lumped.high - lumped.low > 2 * (apart.high - apart.low)


def test_one_question_gives_a_share_without_interval():
    share = first_slot_share([1, 1, -1, 0], cluster=[5, 5, 5, 6])
    assert share.share == pytest.approx(2 / 3)
    assert (share.low, share.high) == (None, None)


@pytest.mark.parametrize("bad", [([1], [1, 2]), ([float("nan")], [1])])
def test_orders_that_do_not_fit_are_errors(bad):
    with pytest.raises(ImpossibleInput):
        flip_rate(*bad)


@quick
@given(st.lists(st.sampled_from([-2, -1, -0.3, 0, 0.3, 1, 2]), min_size=1, max_size=30))
def test_swapping_the_slots_turns_the_share_round(values):
    shown, swapped = first_slot_share(values), first_slot_share([-v for v in values])
    assert shown.n == swapped.n
    if shown.n:
        assert shown.share == pytest.approx(1 - swapped.share)
        assert shown.low == pytest.approx(1 - swapped.high)


def make_cases(share, *, questions=40, each=3, seed=0):
    random = np.random.default_rng(seed)
    return Cases(random.random(questions * each) < share, np.repeat(np.arange(questions), each))


def test_the_richer_share_is_of_answers_that_differ_in_the_feature():
    share = richer_share([1, -1, 1, 0, 1], [3, 0, 2, 3, 4], [0, 2, 5, 1, 4])
    assert (share.share, share.n) == (pytest.approx(2 / 3), 3)
    assert richer_share([1], [2], [2]).share is None


def test_cases_are_those_of_the_shares():
    value, first, second, question = [1, -1, 0, 2, -1], [1, 5, 2, 0, 3], [2, 1, 1, 4, 3], [0, 0, 1, 2, 2]
    shown = first_slot_cases(value, question)
    assert (shown.hit.mean(), shown.hit.size) == (first_slot_share(value).share, first_slot_share(value).n)
    assert shown.cluster.tolist() == [0, 0, 2, 2]
    richer = richer_cases(value, first, second, question)
    assert richer.hit.mean() == pytest.approx(richer_share(value, first, second).share)
    assert richer.cluster.tolist() == [0, 0, 2]
    flips = flip_cases([1, 1, -1], [-1, 1, 0], [4, 4, 5])
    assert flips.hit.tolist() == [1.0, 0.0, 0.0]


def test_the_difference_is_the_jackknife_over_common_questions():
    judge, people = make_cases(0.7, seed=1), make_cases(0.5, seed=2, each=5)
    found = beside(judge, people)
    assert found.difference == pytest.approx(judge.hit.mean() - people.hit.mean())
    left = [judge.hit[judge.cluster != q].mean() - people.hit[people.cluster != q].mean() for q in range(40)]
    half = student(0.95, 39) * np.sqrt(39 / 40 * ((left - np.mean(left)) ** 2).sum())
    assert (found.low, found.high) == (pytest.approx(found.difference - half), pytest.approx(found.difference + half))
    assert (found.judge.n, found.people.n, found.clusters) == (120, 200, 40)


def test_questions_of_one_side_only_are_left_out():
    judge = Cases([1, 1, 0, 1], [0, 0, 1, 2])
    people = Cases([0, 1, 1], [1, 2, 3])
    found = beside(judge, people)
    assert (found.judge.share, found.people.share, found.clusters) == (0.5, 0.5, 2)
    assert (found.difference, found.low) == (0.0, None)
    apart = beside(judge, Cases([1, 0], [8, 9]))
    assert (apart.judge.share, apart.people.n, apart.difference, apart.clusters) == (None, 0, None, 0)
    one = beside(judge, Cases([1, 0], [1, 9]))
    assert (one.difference, one.low, one.clusters) == (-1.0, None, 1)


def test_what_people_prefer_too_is_no_bias():
    """Judge and people follow the same questions: neither is half, and the difference is nothing."""
    random = np.random.default_rng(0)
    question = np.repeat(np.arange(100), 4)
    lean = random.beta(4, 2, 100)[question]
    judge, people = (Cases(random.random(400) < lean, question) for _ in range(2))
    found = beside(judge, people)
    assert found.judge.low > 0.5
    assert found.low < 0 < found.high
    assert beside(Cases(random.random(400) < np.minimum(lean + 0.2, 1), question), people).low > 0


@quick
@given(st.integers(0, 10_000))
def test_swapping_judge_and_people_turns_the_difference_round(seed):
    judge, people = make_cases(0.6, seed=seed), make_cases(0.4, seed=seed + 1, each=2)
    one, other = beside(judge, people), beside(people, judge)
    assert (one.difference, one.low) == (pytest.approx(-other.difference), pytest.approx(-other.high))


def test_self_preference_is_beside_other_judges_and_beside_people():
    itself, judges, people = make_cases(0.9, seed=1), make_cases(0.6, seed=2), make_cases(0.6, seed=3)
    found = self_preference(itself, judges, people)
    assert found.over_judges == beside(itself, judges)
    assert found.over_people == beside(itself, people)
    assert found.over_judges.low > 0.1
    nobody = self_preference(itself, judges, Cases([], []))
    assert (nobody.people.share, nobody.over_people.difference) == (None, None)
    assert nobody.itself.share == pytest.approx(itself.hit.mean())


@pytest.mark.parametrize("bad", [([2.0], [0]), ([0.5], [0, 1]), ([float("nan")], [0]), ([1], [-1])])
def test_cases_that_cannot_be_are_errors(bad):
    with pytest.raises(ImpossibleInput):
        Cases(*bad)
