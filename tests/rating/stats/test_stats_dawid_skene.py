"""Dawid and Skene's consensus: what it finds in data it made, its laws, and where it says that it cannot."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats.dawid_skene import UNKNOWN, dawid_skene
from rating.stats.errors import ImpossibleInput, NotConverged, TooLittleData
from rating.stats.reliability import reliability

quick = settings(max_examples=20, database=None)


def make_votes(items=400, annotators=8, *, seed=0, values=3, each=5):
    """Votes drawn from the model: (item, annotator, value), the truth and the confusion matrices."""
    random = np.random.default_rng(seed)
    truth = random.choice(values, items, p=np.arange(values, 0, -1) / np.arange(1, values + 1).sum())
    skill = np.linspace(0.95, 0.4, annotators)
    confusion = np.where(np.eye(values, dtype=bool), skill[:, None, None], ((1 - skill) / (values - 1))[:, None, None])
    who = np.argsort(random.random((items, annotators)), axis=1)[:, :each].ravel()
    item = np.repeat(np.arange(items), each)
    chance = confusion[who, truth[item]].cumsum(axis=1)
    value = (random.random(item.size)[:, None] > chance).sum(axis=1)
    return (item, who, value), truth, confusion


def one_round_by_hand(votes, posterior, *, smoothing, annotators):
    """Confusion matrices, prevalence and the next posterior, one vote after another."""
    items, values = posterior.shape
    confusion = np.full((annotators, values, values), smoothing)
    for i, a, v in zip(*votes, strict=True):
        confusion[a, :, v] += posterior[i]
    confusion /= confusion.sum(axis=2, keepdims=True)
    prevalence = (posterior.sum(axis=0) + smoothing) / (items + values * smoothing)
    joint = np.tile(prevalence, (items, 1))
    for i, a, v in zip(*votes, strict=True):
        joint[i] *= confusion[a, :, v]
    return confusion, prevalence, joint / joint.sum(axis=1, keepdims=True), np.log(joint.sum(axis=1)).sum()


def test_it_ends_where_another_round_by_hand_changes_nothing():
    votes, *_ = make_votes(items=60, annotators=5)
    found = dawid_skene(*votes, values=3, tolerance=1e-13)
    confusion, prevalence, posterior, likelihood = one_round_by_hand(
        votes, found.posterior, smoothing=0.01, annotators=5
    )
    assert np.allclose(confusion, found.confusion, atol=1e-4)
    assert np.allclose(prevalence, found.prevalence, atol=1e-4)
    assert np.allclose(posterior, found.posterior, atol=1e-4)
    assert likelihood == pytest.approx(found.log_likelihood, abs=1e-3)


def test_it_finds_who_is_good_and_what_is_true():
    votes, truth, confusion = make_votes(items=2000)
    found = dawid_skene(*votes, values=3)
    majority = np.array([np.bincount(votes[2][votes[0] == i], minlength=3).argmax() for i in range(2000)])
    assert (found.label == truth).mean() > (majority == truth).mean() + 0.02
    assert np.abs(found.confusion - confusion).max() < 0.1
    assert np.argsort(-found.accuracy).tolist() == list(range(8))
    assert np.allclose(found.accuracy, np.linspace(0.95, 0.4, 8), atol=0.05)


def test_chances_are_chances():
    votes, *_ = make_votes()
    found = dawid_skene(*votes, values=3)
    assert np.allclose(found.posterior.sum(axis=1), 1)
    assert np.allclose(found.confusion.sum(axis=2), 1)
    assert found.prevalence.sum() == pytest.approx(1)
    assert found.votes.sum() == votes[0].size


def test_a_liar_counts_against_what_he_says():
    random = np.random.default_rng(5)
    truth = random.integers(0, 2, 300)
    item, who = np.repeat(np.arange(300), 4), np.tile(np.arange(4), 300)
    honest = random.random(1200) < 0.85
    value = np.where((who == 3) == honest, 1 - truth[item], truth[item])
    found = dawid_skene(item, who, value, values=2)
    assert found.accuracy[3] < 0.25
    assert found.confusion[3, 0, 1] > 0.75


def test_votes_that_are_level_have_no_label():
    item, who, value = np.repeat(np.arange(10), 2), np.tile([0, 1], 10), np.tile([0, 1], 10)
    assert dawid_skene(item, who, value, values=2).label.tolist() == [UNKNOWN] * 10


def test_codes_come_back_as_they_were_given():
    (item, who, value), *_ = make_votes(items=100)
    plain, moved = dawid_skene(item, who, value, values=3), dawid_skene(7 * item + 3, 90 - who, value, values=3)
    assert moved.items.tolist() == (7 * plain.items + 3).tolist()
    assert moved.annotators.tolist() == (90 - plain.annotators[::-1]).tolist()
    assert moved.votes.tolist() == plain.votes[::-1].tolist()
    assert moved.label.tolist() == plain.label.tolist()


@quick
@given(st.integers(0, 10_000))
def test_names_and_order_do_not_matter(seed):
    (item, who, value), *_ = make_votes(items=80, annotators=6, seed=seed)
    random = np.random.default_rng(seed)
    rows, names, values = random.permutation(item.size), random.permutation(6), random.permutation(3)
    before = dawid_skene(item, who, value, values=3)
    after = dawid_skene(item[rows], names[who[rows]], values[value[rows]], values=3)
    assert np.allclose(before.posterior, after.posterior[:, values], atol=1e-6)
    assert np.allclose(before.accuracy, after.accuracy[names], atol=1e-6)
    assert before.log_likelihood == pytest.approx(after.log_likelihood)


@quick
@given(st.integers(0, 10_000))
def test_the_end_fits_no_worse_than_the_first_round(seed):
    votes, *_ = make_votes(items=50, annotators=5, seed=seed)
    found = dawid_skene(*votes, values=3, smoothing=1e-6, tolerance=1e-6)
    majority = np.array([np.bincount(votes[2][votes[0] == i], minlength=3) for i in range(50)])
    *_, first = one_round_by_hand(votes, majority / majority.sum(axis=1, keepdims=True), smoothing=1e-6, annotators=5)
    assert found.log_likelihood >= first - 0.002  # what the pseudo-votes may cost: 1e-6 in each of 78 cells
    assert found.rounds > 1


def test_not_converging_has_a_name():
    votes, *_ = make_votes()
    with pytest.raises(NotConverged, match="after 2 rounds"):
        dawid_skene(*votes, values=3, most_rounds=2)


def test_no_votes_are_too_few():
    with pytest.raises(TooLittleData):
        dawid_skene([], [], [], values=2)


@pytest.mark.parametrize("annotator", [np.arange(30) % 3, np.arange(30) // 2 % 3])
def test_items_that_one_annotator_alone_has_judged_are_too_little(annotator):
    """One vote each, and two of the same annotator: nothing says who is right, and EM would walk for ever."""
    item = np.arange(30) if annotator[0] != annotator[1] else np.arange(30) // 2
    value = np.random.default_rng(0).integers(0, 2, 30)
    with pytest.raises(TooLittleData, match="no item has votes of two annotators"):
        dawid_skene(item, annotator, value, values=2)
    with pytest.raises(TooLittleData, match="no item has votes of two annotators"):
        reliability(item, annotator, value, values=2, method="dawid_skene")


def test_one_item_with_two_annotators_is_enough_to_begin():
    assert dawid_skene([3, 3], [0, 1], [1, 1], values=2).label.tolist() == [1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": [0, 2]}, "value holds 2"),
        ({"item": [0]}, "unequal length"),
        ({"smoothing": 0.0}, "above 0"),
        ({"tolerance": float("nan")}, "above 0"),
        ({"most_rounds": 0}, "one round"),
        ({"values": 1}, "at least two"),
    ],
)
def test_what_cannot_be_is_named(change, words):
    good = {"item": [0, 0], "annotator": [0, 1], "value": [0, 1], "values": 2}
    with pytest.raises(ImpossibleInput, match=words):
        dawid_skene(**{**good, **change})
