"""The alternative-annotator test: as published, and silent where a judge that knows nothing passes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, ttest_1samp

from rating.stats.alternative_annotator import (
    FEW_QUESTIONS,
    NOBODY,
    NULL_PASSES,
    TWO_PEOPLE,
    alternative_test,
    chance_of_less,
    false_discovery,
)
from rating.stats.errors import ImpossibleInput

quick = settings(max_examples=30, database=None)
MACHINE = 50


def make_votes(items=100, people=4, *, seed=0, values=3, judge=0.7, person=0.7, missing=0.1, common=None):
    """Columns as a dict; with `common`, the truth is value 0 with that chance."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, values, items)
    if common is not None:
        truth = np.where(random.random(items) < common, 0, truth)
    right = random.random((items, people + 1)) < np.append(np.full(people, person), judge)
    said = np.where(right, truth[:, None], random.integers(0, values, (items, people + 1)))
    item, seat = np.nonzero(random.random((items, people + 1)) >= missing)
    who = np.append(np.arange(people), MACHINE)
    return {"item": item, "judge": who[seat], "value": said[item, seat], "is_person": seat < people}


def ask(votes, **options):
    return alternative_test(**votes, values=3, machine=MACHINE, **options)


def by_hand(votes, person, *, marks, epsilon):
    """Mean of the judge's indicators and p of one person, item by item, from the paper's definitions."""
    judge, gaps = [], []
    for item in np.unique(votes["item"][votes["judge"] == person]):
        here = votes["item"] == item
        own = votes["value"][here & (votes["judge"] == person)][0]
        others = votes["value"][here & votes["is_person"] & (votes["judge"] != person)]
        machine = votes["value"][here & (votes["judge"] == MACHINE)]
        if not others.size or not machine.size:
            continue

        def score(value, others=others):
            if marks is None:
                return np.mean(value == others)
            return -np.sqrt(np.mean((marks[value] - marks[others]) ** 2))

        judge.append(score(machine[0]) >= score(own))
        gaps.append(int(score(own) >= score(machine[0])) - int(judge[-1]))
    return np.mean(judge), ttest_1samp(gaps, epsilon, alternative="less").pvalue


@pytest.mark.parametrize("marks", [None, np.array([1.0, 2.0, 7.0])])
def test_each_person_is_the_papers_t_test(marks):
    votes = make_votes()
    found = ask(votes, marks=marks, epsilon=0.1)
    assert [person.person for person in found.persons] == [0, 1, 2, 3]
    for person in found.persons:
        advantage, p = by_hand(votes, person.person, marks=marks, epsilon=0.1)
        assert (person.advantage, person.p) == (pytest.approx(advantage), pytest.approx(p))
    assert found.advantage == pytest.approx(np.mean([person.advantage for person in found.persons]))
    assert found.winning_rate == np.mean([person.won for person in found.persons])


def test_a_judge_that_knows_passes_and_one_that_guesses_does_not():
    good, bad = ask(make_votes(judge=1.0, items=200)), ask(make_votes(judge=0.0, items=200))
    assert (good.winning_rate, good.passes, good.verdict, good.null_passes, good.note) == (1.0, True, True, False, "")
    assert (bad.winning_rate, bad.passes, bad.verdict) == (0.0, False, False)


def test_where_a_constant_judge_passes_there_is_no_verdict():
    found = ask(make_votes(common=0.9, judge=1.0, items=300))
    assert (found.passes, found.null_passes, found.verdict, found.note) == (True, True, None, NULL_PASSES)
    assert {null.value: null.passes for null in found.nulls}[0]
    assert [null.value for null in found.nulls] == [0, 1, 2, None]


def test_two_people_are_no_group():
    assert ask(make_votes(people=2, judge=1.0, items=200)).note == TWO_PEOPLE


def test_people_with_few_items_are_left_out():
    votes = make_votes(items=60, missing=0)
    votes["judge"] = np.where((votes["judge"] == 1) & (votes["item"] >= 29), 9, votes["judge"])
    found = ask(votes)
    assert ([person.person for person in found.persons], found.left_out) == ([0, 2, 3, 9], 1)
    nobody = ask(make_votes(items=20))
    assert (nobody.winning_rate, nobody.verdict, nobody.note, nobody.left_out) == (None, None, NOBODY, 4)
    assert ask(make_votes(people=1)).note == NOBODY


def test_a_judge_in_full_agreement_wins_without_any_spread():
    votes = make_votes(missing=0)
    found = ask({**votes, "value": votes["item"] % 3})
    assert [person.p for person in found.persons] == pytest.approx([0.8**100] * 4)
    assert (found.winning_rate, found.advantage) == (1.0, 1.0)
    level = ask({**votes, "value": votes["item"] % 3}, epsilon=0.0)
    assert [person.p for person in level.persons] == [1.0] * 4


@pytest.mark.parametrize(
    ("questions", "verdict", "note"), [(2, None, FEW_QUESTIONS), (4, None, FEW_QUESTIONS), (20, True, "")]
)
def test_few_questions_without_spread_give_no_verdict(questions, verdict, note):
    votes = make_votes(items=120, missing=0)
    votes["value"] = votes["item"] % 3
    found = ask(votes, cluster=votes["item"] % questions)
    assert (found.verdict, found.note) == (verdict, note)
    assert [person.p for person in found.persons] == pytest.approx([0.8**questions] * 4)


@pytest.mark.parametrize("clusters", [2, 3, 6])
@pytest.mark.parametrize(("mean", "epsilon"), [(-1.0, 0.2), (0.0, 0.2), (-0.5, 0.0), (0.1, 0.3)])
def test_p_without_spread_is_the_largest_chance_that_all_questions_are_there(clusters, mean, epsilon):
    """By a search over all distributions on a grid up to 1 whose mean is ε: two points do, the mean seen and another."""
    others = np.linspace(epsilon, 1.0, 2001)[1:]
    most = ((others - epsilon) / (others - mean)).max() ** clusters
    p = chance_of_less(np.array([mean]), np.zeros(1), epsilon=epsilon, clusters=np.array([clusters]))
    assert p[0] == pytest.approx(most)


def test_one_question_alone_is_never_evidence():
    p = chance_of_less(np.array([-1.0, 0.5]), np.zeros(2), epsilon=0.2, clusters=np.array([1, 7]))
    assert p.tolist() == [1.0, 1.0]


def test_questions_count_once():
    votes = make_votes(items=60, judge=0.8)
    copied = {name: np.tile(column, 3) for name, column in votes.items()}
    copied["item"] = votes["item"].size * np.repeat([0, 1, 2], votes["item"].size) + copied["item"]
    once, clustered = ask(votes), ask(copied, cluster=np.tile(votes["item"], 3))
    assert [p.p for p in clustered.persons] == pytest.approx([p.p for p in once.persons])
    assert max(p.p for p in ask(copied).persons) < max(p.p for p in once.persons)


@quick
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 0.3))
def test_false_discoveries_are_those_of_scipy(p, rate):
    adjusted = false_discovery_control(p, method="by")
    clear = np.abs(adjusted - rate) > 1e-9
    assert (false_discovery(p, rate)[clear] == (adjusted <= rate)[clear]).all()


@quick
@given(st.integers(0, 10_000))
def test_the_order_of_rows_and_the_scale_of_marks_do_not_matter(seed):
    votes = make_votes(items=50, seed=seed)
    rows = np.random.default_rng(seed).permutation(votes["item"].size)
    moved = {name: column[rows] for name, column in votes.items()}
    before, after = ask(votes, marks=[1, 2, 4]), ask(moved, marks=[10.1, 10.2, 10.4])
    assert (before.winning_rate, before.persons) == (after.winning_rate, after.persons)


def test_the_same_input_gives_the_same_bytes():
    assert ask(make_votes()) == ask(make_votes())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epsilon": 1.0}, "epsilon 1"),
        ({"rate": 0.0}, "rate 0"),
        ({"marks": [1, 2]}, "2 marks for 3 values"),
        ({"fewest": 1}, "at least 2"),
        ({"cluster": [0]}, "unequal length"),
    ],
)
def test_what_cannot_be_is_named(options, words):
    with pytest.raises(ImpossibleInput, match=words):
        ask(make_votes(), **options)
