"""Calibrated ratings: people decide where they lie, the judge only how narrow they are."""

from importlib import import_module
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import SEPARATED, Battles, ImpossibleInput, TooLittleData, fit
from rating.stats.calibrated import (
    FEW_PAIRED,
    NOTHING_MORE,
    PEOPLE_SEPARATED,
    calibrated,
    calibrated_mean,
)

POINTS = 400 / np.log(10)
quick = settings(max_examples=15, database=None)
TRUTH = np.linspace(0.8, -0.8, 5)


def make_arena(seed=0, *, votes=150, questions=200, alike=0.6, bias=0.8, leaning=False):
    """People's votes on a sample of the battles that a judge, who favours model 2, judged all; people follow TRUTH.

    `alike`: how often the judge's whim on a battle is a person's. `leaning`: people vote on model 0's battles more often.
    """
    random = np.random.default_rng(seed)
    pairs = np.array(list(combinations(range(5), 2)))
    first, second = (np.tile(pairs[:, side], questions) for side in (0, 1))
    question = np.repeat(np.arange(questions), len(pairs))
    whim = random.logistic(size=question.size)
    own = np.where(random.random(question.size) < alike, whim, random.logistic(size=question.size))
    seen = TRUTH + bias * (np.arange(5) == 2)
    person = np.where(TRUTH[first] - TRUTH[second] + whim > 0, 1, -1)
    judge = np.where(seen[first] - seen[second] + own > 0, 1, -1)
    odds = 1.0 + 3.0 * leaning * (first == 0)
    rows = random.choice(question.size, votes, replace=False, p=odds / odds.sum())
    everything = Battles(first, second, person, question)
    return everything.where(rows), Battles(first, second, judge, question), everything


def in_two_parts(seed, *, questions=(6, 6)):
    """People's coin tosses in two parts of three models that never met, on other questions, and a judge of ten times as many."""
    random = np.random.default_rng(seed)

    def tosses(n):
        part, first = np.arange(n) % 2, random.integers(0, 3, n)
        second = (first + random.integers(1, 3, n)) % 3
        question = np.where(part == 0, random.integers(0, questions[0], n), 100 + random.integers(0, questions[1], n))
        return first + 3 * part, second + 3 * part, random.choice([-1, 1], n), question

    mine, other = tosses(240), tosses(2400)
    shown = (mine[0], mine[1], random.choice([-1, 1], 240), mine[3])
    return Battles(*mine), Battles(*(np.concatenate(both) for both in zip(shown, other, strict=True)))


def taken(battles, rows):
    return Battles(battles.first[rows], battles.second[rows], battles.value[rows], battles.cluster[rows])


def test_the_judge_narrows_the_intervals_and_the_people_alone_are_never_hidden():
    people, judge, _ = make_arena()
    result = calibrated(people, judge, 5)
    alone = fit(people, 5)
    assert result.human.rating == pytest.approx(alone.rating)
    assert result.human.high == pytest.approx(alone.high)
    assert (result.combined.high - result.combined.low).sum() < (alone.high - alone.low).sum()
    assert 0 < result.weight < 1
    assert result.equivalent_votes > result.votes == result.paired == 150
    assert result.judged == 2000
    assert result.notes == ()


def test_the_estimate_solves_the_equation_written_out():
    people, judge, _ = make_arena()
    result = calibrated(people, judge, 5)
    own, weight = fit(judge, 5).strength, result.weight
    said = {(q, a, b): v for q, a, b, v in zip(judge.cluster, judge.first, judge.second, judge.value, strict=True)}
    score = np.zeros(5)
    for q, a, b, v in zip(people.cluster, people.first, people.second, people.value, strict=True):
        side = np.zeros(5)
        side[a], side[b] = 1, -1
        human = (v + 1) / 2 - 1 / (1 + np.exp(-side @ result.combined.strength))
        machine = (said[q, a, b] + 1) / 2 - 1 / (1 + np.exp(-side @ own))
        score += (human - weight * machine) * side
    assert np.abs(score).max() < 1e-6


def test_the_covariance_is_the_one_written_out_question_by_question():
    people, judge, _ = make_arena(votes=80, questions=60)
    result = calibrated(people, judge, 5)
    own, theta, weight = fit(judge, 5).strength, result.combined.strength, result.weight
    said = {(q, a, b): v for q, a, b, v in zip(judge.cluster, judge.first, judge.second, judge.value, strict=True)}

    def side(a, b):
        return (np.arange(5) == a) * 1.0 - (np.arange(5) == b)

    def chance(x, strength):
        return 1 / (1 + np.exp(-x @ strength))

    def weighed(rows, strength):
        return sum(np.outer(x, x) * chance(x, strength) * (1 - chance(x, strength)) for x in rows)

    human_rows = [side(a, b) for a, b in zip(people.first, people.second, strict=True)]
    judge_rows = [side(a, b) for a, b in zip(judge.first, judge.second, strict=True)]
    share_of_all = weighed(human_rows, own) @ np.linalg.pinv(weighed(judge_rows, own), rcond=1e-9)
    score = np.zeros((60, 5))
    for x, q, a, b, v in zip(human_rows, people.cluster, people.first, people.second, people.value, strict=True):
        score[q] += ((v + 1) / 2 - chance(x, theta)) * x
        score[q] -= weight * ((said[q, a, b] + 1) / 2 - chance(x, own)) * x
    for x, q, v in zip(judge_rows, judge.cluster, judge.value, strict=True):
        score[q] += weight * share_of_all @ (((v + 1) / 2 - chance(x, own)) * x)
    bread = np.linalg.pinv(weighed(human_rows, theta), rcond=1e-9)
    asked = np.unique(people.cluster).size
    expected = bread @ score.T @ score @ bread * asked / (asked - 1)
    assert result.combined.covariance == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("questions", [(6, 6), (5, 40)])
def test_a_judge_who_is_not_believed_leaves_the_covariance_of_the_people_alone(questions):
    """A judge of weight 0 adds nothing to `fit`, which counts the questions of each part."""
    module = import_module("rating.stats.calibrated")
    people, judge = in_two_parts(3, questions=questions)
    human = fit(people, 6)
    parts = module._parts(people, module._paired(people, judge, 6), 6)
    combined = module._combined(parts, human, weight=0.0, level=0.95)
    assert combined.strength == pytest.approx(human.strength, abs=1e-9)
    assert combined.covariance == pytest.approx(human.covariance, rel=1e-9, nan_ok=True)
    assert combined.high == pytest.approx(human.high, rel=1e-9)


def test_a_judge_who_tosses_coins_helps_in_two_parts_as_little_as_in_one():
    boards = [calibrated(*in_two_parts(seed), 6) for seed in range(40)]
    help_of = [board.equivalent_votes / board.votes for board in boards if board.weight > 0]
    assert len(help_of) > 10
    assert np.median(help_of) < 1.06


def test_the_weight_makes_the_summed_variance_smallest(monkeypatch):
    module = import_module("rating.stats.calibrated")
    people, judge, _ = make_arena(seed=5)
    tuned = calibrated(people, judge, 5)
    sums = []
    for weight in (tuned.weight - 0.2, tuned.weight, tuned.weight + 0.2):
        monkeypatch.setattr(module, "_weight", lambda parts, human, at=weight: at)
        sums.append(np.trace(calibrated(people, judge, 5).combined.covariance))
    assert sums[1] < min(sums[0], sums[2])


def test_a_judge_that_votes_as_people_do_counts_like_a_person_and_gives_their_ratings_on_everything():
    people, _, everything = make_arena()
    result = calibrated(people, everything, 5)
    full = fit(everything, 5)
    assert result.weight == pytest.approx(1, abs=0.15)
    assert result.equivalent_votes > 5 * result.votes
    assert np.abs(result.combined.rating - full.rating).max() < np.abs(result.human.rating - full.rating).max() / 2


def test_a_judge_without_a_clue_changes_next_to_nothing():
    people, judge, _ = make_arena(votes=600, alike=0.0)
    noise = np.random.default_rng(2).choice([-1, 1], len(judge))
    result = calibrated(people, Battles(judge.first, judge.second, noise, judge.cluster), 5)
    assert result.weight < 0.15
    assert result.equivalent_votes == pytest.approx(600, rel=0.05)


def test_a_constant_judge_leaves_the_people_alone_and_says_so():
    people, judge, _ = make_arena()
    result = calibrated(people, Battles(judge.first, judge.second, np.zeros(len(judge)), judge.cluster), 5)
    assert NOTHING_MORE in result.notes
    assert result.combined is result.human
    assert (result.weight, result.equivalent_votes) == (0, 150)


def test_a_judge_that_judged_only_what_people_did_adds_nothing():
    people, judge, _ = make_arena()
    keys = set(zip(people.cluster, people.first, people.second, strict=True))
    rows = [k for k in range(len(judge)) if (judge.cluster[k], judge.first[k], judge.second[k]) in keys]
    assert NOTHING_MORE in calibrated(people, taken(judge, rows), 5).notes


@quick
@given(st.integers(0, 1000), st.permutations(range(5)))
def test_names_sides_orders_and_codes_of_questions_do_not_matter(seed, names):
    people, judge, _ = make_arena(seed=seed, votes=120)
    plain, names, random = calibrated(people, judge, 5), np.array(names), np.random.default_rng(seed)

    def other(battles):
        order = random.permutation(len(battles))
        turn = np.where(random.random(len(battles)) < 0.5, 1, -1)
        a, b = np.where(turn == 1, battles.first, battles.second), np.where(turn == 1, battles.second, battles.first)
        return Battles(names[a][order], names[b][order], (battles.value * turn)[order], battles.cluster[order] * 3 + 5)

    changed = calibrated(other(people), other(judge), 5)
    assert changed.weight == pytest.approx(plain.weight)
    assert changed.combined.rating[names] == pytest.approx(plain.combined.rating)
    assert changed.combined.high[names] == pytest.approx(plain.combined.high)


def test_verdicts_in_both_orders_are_one_battle_and_their_mean():
    people, judge, _ = make_arena()
    twice = Battles(*(np.tile(getattr(judge, name), 2) for name in ("first", "second", "value", "cluster")))
    once, both = calibrated(people, judge, 5), calibrated(people, twice, 5)
    assert both.judged == once.judged
    assert both.combined.high == pytest.approx(once.combined.high)
    flipped = Battles(
        np.append(judge.first, judge.second),
        np.append(judge.second, judge.first),
        np.tile(judge.value, 2),
        np.tile(judge.cluster, 2),
    )
    assert NOTHING_MORE in calibrated(people, flipped, 5).notes


def test_narrow_columns_do_not_overflow():
    people, judge, _ = make_arena(questions=120)
    narrow = [
        Battles(*(column.astype(np.int8) for column in (b.first, b.second, b.value, b.cluster)))
        for b in (people, judge)
    ]
    assert calibrated(*narrow, 5).combined.high == pytest.approx(calibrated(people, judge, 5).combined.high)


def test_votes_that_the_judge_has_not_judged_count_all_the_same():
    people, judge, _ = make_arena()
    unseen = Battles(people.first, people.second, people.value, people.cluster + 10_000)
    more = Battles(
        *(np.append(getattr(people, name), getattr(unseen, name)) for name in ("first", "second", "value", "cluster"))
    )
    result = calibrated(more, judge, 5)
    assert (result.votes, result.paired) == (300, 150)
    assert result.equivalent_votes > 300


def test_too_few_pairs_leave_the_people_alone():
    people, judge, _ = make_arena(votes=29)
    result = calibrated(people, judge, 5)
    assert FEW_PAIRED in result.notes
    assert result.combined is result.human
    elsewhere = Battles(judge.first, judge.second, judge.value, judge.cluster + 1000)
    assert calibrated(make_arena()[0], elsewhere, 5).paired == 0
    nothing = taken(judge, np.arange(0))
    assert FEW_PAIRED in calibrated(make_arena()[0], nothing, 5).notes


def test_few_questions_leave_the_people_alone():
    people, judge, _ = make_arena(votes=80, questions=9)
    assert FEW_PAIRED in calibrated(people, judge, 5).notes


def test_people_whose_votes_have_no_finite_answer_cannot_be_corrected():
    people, judge, _ = make_arena()
    always = Battles(people.first, people.second, np.where(people.first == 0, 1, people.value), people.cluster)
    result = calibrated(always, judge, 5)
    assert {SEPARATED, PEOPLE_SEPARATED} <= set(result.notes)
    assert result.combined is result.human


def test_models_that_people_did_not_judge_are_not_rated():
    people, judge, _ = make_arena(votes=400)
    some = taken(people, np.flatnonzero((people.first != 4) & (people.second != 4)))
    result = calibrated(some, judge, 5)
    assert np.isnan(result.combined.rating[4])
    assert np.isnan(result.combined.covariance[4]).all()
    assert result.combined.strength[:4].sum() == pytest.approx(0, abs=1e-9)
    assert result.weight > 0


def test_parts_that_people_never_linked_are_rated_apart():
    people, judge, _ = make_arena(votes=700)
    apart = taken(people, np.flatnonzero((people.first < 2) == (people.second < 2)))
    result = calibrated(apart, judge, 5)
    assert result.combined.strength[:2].sum() == pytest.approx(0, abs=1e-9)
    assert result.combined.strength[2:].sum() == pytest.approx(0, abs=1e-9)
    assert np.isnan(result.combined.covariance[0, 2])
    assert result.weight > 0


def test_a_judge_for_whom_one_model_always_loses_is_still_of_use():
    people, judge, _ = make_arena(votes=400)
    value = np.where(judge.second == 4, 1, judge.value)
    result = calibrated(people, Battles(judge.first, judge.second, value, judge.cluster), 5)
    assert result.weight > 0
    assert np.abs(result.combined.rating - result.human.rating).max() < 120


def test_without_votes_there_is_nothing_to_calibrate():
    people, judge, _ = make_arena()
    with pytest.raises(TooLittleData):
        calibrated(taken(people, np.arange(0)), judge, 5)
    with pytest.raises(TooLittleData):
        calibrated_mean([], [], [1.0])
    with pytest.raises(ImpossibleInput):
        calibrated(people, judge, 4)


def make_shares(seed=0, n=100, rest=900):
    random = np.random.default_rng(seed)
    whim = random.normal(size=n + rest)
    people = (whim + random.normal(size=n + rest) * 0.7 > 0).astype(float)
    judge = (whim + 0.5 + random.normal(size=n + rest) * 0.7 > 0).astype(float)
    return people, judge


def test_a_mean_is_the_published_formula():
    people, judge = make_shares()
    result = calibrated_mean(people[:100], judge[:100], judge[100:])
    # PPI++ (2023), section 6.1: λ = cov(Y, f) / ((1 + n/N) var(f)), with N the items that people have not seen
    published = result.weight * 900 / 1000
    covariance = np.cov(people[:100], judge[:100], ddof=0)[0, 1]
    spread = 0.9 * judge[:100].var() + 0.1 * judge[100:].var()
    assert published == pytest.approx(covariance / ((1 + 100 / 900) * spread))
    assert result.mean == pytest.approx(people[:100].mean() + published * (judge[100:].mean() - judge[:100].mean()))
    assert result.human == people[:100].mean()
    assert result.equivalent_votes > 115
    assert result.high - result.low < result.human_high - result.human_low


def test_one_question_for_each_item_is_the_same_as_no_questions():
    people, judge = make_shares()
    plain = calibrated_mean(people[:100], judge[:100], judge[100:])
    named = calibrated_mean(
        people[:100], judge[:100], judge[100:], cluster=np.arange(100) + 7, rest_cluster=np.arange(900) + 500
    )
    assert named == plain


def test_copies_on_the_same_questions_do_not_narrow_a_mean():
    people, judge = make_shares()
    arguments = (people[:100], judge[:100], judge[100:])
    clusters = (np.arange(100), np.arange(900) + 100)
    once = calibrated_mean(*arguments, cluster=clusters[0], rest_cluster=clusters[1])
    twice = calibrated_mean(
        *(np.tile(x, 2) for x in arguments), cluster=np.tile(clusters[0], 2), rest_cluster=np.tile(clusters[1], 2)
    )
    assert twice.high == pytest.approx(once.high)
    assert twice.weight == pytest.approx(once.weight)


def test_means_say_why_people_stand_alone():
    people, judge = make_shares()
    assert calibrated_mean(people[:20], judge[:20], judge[100:]).notes == (FEW_PAIRED,)
    constant = calibrated_mean(people[:100], np.ones(100), np.ones(900))
    assert constant.notes == (NOTHING_MORE,)
    assert (constant.mean, constant.low) == (constant.human, constant.human_low)
    none = calibrated_mean(people[:100], judge[:100], [])
    assert none.notes == (NOTHING_MORE,)
    single = calibrated_mean([1.0], [1.0], [0.0])
    assert (single.low, single.human_low) == (None, None)
    unanimous = calibrated_mean(np.full(100, 0.3), judge[:100], judge[100:])
    assert (unanimous.low, unanimous.human_low) == (None, None)
    assert unanimous.mean == pytest.approx(0.3)


def test_questions_are_for_both_parts_and_of_their_length():
    people, judge = make_shares()
    with pytest.raises(ImpossibleInput, match="both"):
        calibrated_mean(people[:100], judge[:100], judge[100:], cluster=np.arange(100))
    with pytest.raises(ImpossibleInput, match="900 items"):
        calibrated_mean(people[:100], judge[:100], judge[100:], cluster=np.arange(100), rest_cluster=np.arange(5))


def test_on_auto_j_a_hundred_people_count_as_about_a_hundred_and_forty(data):
    """Public set: one person's and Auto-J's verdict (mean of both orders) on 1,392 pairs; mean share of the first answer."""
    marks, human, machine = {"a": 1.0, "b": 0.0, "tie": 0.5}, {}, {}
    for row in data("auto_j/votes/votes"):
        if row["kind"] == "human":
            human[row["item"]] = marks[row["value"]]
        else:
            machine.setdefault(row["item"], []).append(marks[row["value"]])
    people = np.array([human[item] for item in sorted(human)])
    judge = np.array([np.mean(machine[item]) for item in sorted(human)])
    counted, covered = [], 0
    for seed in range(200):
        order = np.random.default_rng(seed).permutation(people.size)
        seen, rest = order[:100], order[100:]
        result = calibrated_mean(people[seen], judge[seen], judge[rest])
        counted.append(result.equivalent_votes)
        covered += result.low <= people.mean() <= result.high
    assert 130 < np.mean(counted) < 160
    assert covered / 200 > 0.92


@pytest.mark.slow
@pytest.mark.parametrize("case", [{}, {"votes": 100}, {"alike": 0.9}, {"leaning": True}])
def test_intervals_cover_the_truth_of_people_whatever_the_judge_favours(case):
    target, covered, misled, wider, gained = 1000 + POINTS * TRUTH, 0, 0, 0, []
    spread, alone = [], []
    for seed in range(600):
        people, judge, _ = make_arena(seed=seed, **case)
        result = calibrated(people, judge, 5)
        covered += int(((result.combined.low < target) & (target < result.combined.high)).sum())
        board = fit(judge, 5)
        misled += int(((board.low < target) & (target < board.high)).sum())
        wider += (result.combined.high - result.combined.low).sum() > (result.human.high - result.human.low).sum()
        gained.append(result.equivalent_votes / result.votes)
        spread.append(result.combined.rating - target)
        alone.append(result.human.rating - target)
    assert 0.93 < covered / 3000 < 0.97
    assert misled / 3000 < 0.35
    assert wider / 600 < 0.05
    # the gain that is promised is the gain that is had
    assert np.mean(gained) == pytest.approx(np.mean(np.square(alone)) / np.mean(np.square(spread)), rel=0.12)


@pytest.mark.slow
def test_intervals_of_means_cover():
    covered = 0
    for seed in range(2000):
        people, judge = make_shares(seed)
        result = calibrated_mean(people[:100], judge[:100], judge[100:])
        covered += result.low < 0.5 < result.high
    assert 0.93 < covered / 2000 < 0.97
