"""How fast people decide: by hand, whatever the length of their items, and flagged only where it is sure."""

import numpy as np
import pytest

from rating.stats.errors import ImpossibleInput
from rating.stats.pace import paces


def make_times(people=6, votes=60, *, seed=0, factor=None, spread=0.4):
    """Columns (annotator, seconds, length): 25 seconds for 2,000 characters, times each person's own factor."""
    random = np.random.default_rng(seed)
    own = np.ones(people) if factor is None else np.asarray(factor)
    annotator = np.repeat(np.arange(people), votes)
    length = np.exp(random.normal(np.log(2000), 0.6, annotator.size))
    seconds = 25 * own[annotator] * np.sqrt(length / 2000) * np.exp(random.normal(0, spread, annotator.size))
    return annotator, seconds, length


def test_tempo_is_the_median_of_the_seconds_by_those_of_the_others():
    annotator = np.repeat([0, 1, 2], 11)
    rows = paces(annotator, np.repeat([4.0, 20.0, 30.0], 11))
    assert [row.seconds for row in rows] == [4.0, 20.0, 30.0]
    assert rows[0].tempo.value == pytest.approx(4 / np.sqrt(20 * 30))
    assert rows[1].tempo.value == pytest.approx(20 / np.sqrt(4 * 30))


def test_only_who_is_surely_below_half_of_the_others_hurries():
    annotator, seconds, length = make_times(factor=[0.08, 0.9, 1, 1.1, 1, 0.8])
    rows = paces(annotator, seconds, length=length)
    assert [row.hurries for row in rows] == [True] + [False] * 5
    assert rows[0].tempo.low < rows[0].tempo.value < rows[0].tempo.high < 0.5
    assert rows[1].tempo.low < 0.9 < rows[1].tempo.high


def test_who_is_given_short_items_does_not_hurry():
    random = np.random.default_rng(2)
    annotator, _, _ = make_times()
    length = np.where(annotator == 0, 200.0, 4000.0) * np.exp(random.normal(0, 0.8, annotator.size))
    seconds = 25 * length / 2000 * np.exp(random.normal(0, 0.3, annotator.size))
    told = paces(annotator, seconds, length=length)[0]
    assert paces(annotator, seconds)[0].hurries
    assert not told.hurries


def test_a_few_who_hurry_do_not_hide_each_other():
    rows = paces(*make_times(people=7, factor=[0.1, 0.1, 1, 1, 1, 1, 1])[:2])
    assert [row.hurries for row in rows] == [True, True] + [False] * 5


def test_one_who_votes_very_often_does_not_make_the_others_fast():
    annotator = np.concatenate([np.zeros(2000, int), np.repeat([1, 2, 3], 20)])
    seconds = np.concatenate([np.full(2000, 2.0), np.full(60, 25.0)])
    rows = paces(annotator, seconds)
    assert rows[0].hurries and rows[1].tempo.value == pytest.approx(1.0)


def test_below_the_fewest_votes_nothing_is_said():
    rows = paces([0] * 9 + [1] * 12, [1.0] * 9 + [20.0] * 12)
    assert (rows[0].seconds, rows[0].tempo.value, rows[0].tempo.wanted, rows[0].hurries) == (None, None, 1, False)
    assert rows[1].tempo.value is None and rows[1].seconds == 20.0
    assert paces([], []) == ()


def test_questions_count_once():
    annotator, seconds, _ = make_times(people=3, votes=40, factor=[0.5, 1, 1])
    once = paces(annotator, seconds, cluster=np.arange(120))[0].tempo
    again = paces(np.tile(annotator, 3), np.tile(seconds, 3), cluster=np.tile(np.arange(120), 3))[0].tempo
    assert (again.low, again.high) == (pytest.approx(once.low), pytest.approx(once.high))
    one = paces(annotator, seconds, cluster=np.zeros(120, int))[0]
    assert (one.tempo.low, one.hurries) == (None, False)


def test_the_interval_holds_the_median_as_often_as_it_promises():
    held = 0
    for seed in range(300):
        row = paces(*make_times(people=2, votes=30, seed=seed, factor=[0.7, 1])[:2])[0]
        other = np.median(make_times(people=2, votes=30, seed=seed, factor=[0.7, 1])[1][30:])
        held += row.tempo.low <= 25 * 0.7 / other <= row.tempo.high
    assert 0.92 <= held / 300 <= 0.995


def test_scales_do_not_matter():
    annotator, seconds, length = make_times()
    for one, two in zip(paces(annotator, seconds, length=length), paces(annotator, 60 * seconds, length=3 * length), strict=True):  # fmt: skip
        assert one.tempo.value == pytest.approx(two.tempo.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seconds": [0.0, 1.0]}, "above 0"),
        ({"seconds": [float("nan"), 1.0]}, "seconds holds NaN"),
        ({"length": [1.0]}, "unequal length"),
        ({"share": 1.0}, "between 0 and 1"),
        ({"fewest": 0}, "at least 1"),
        ({"level": 1.0}, "level"),
    ],
)
def test_what_cannot_be_is_named(change, words):
    with pytest.raises(ImpossibleInput, match=words):
        paces(**{"annotator": [0, 1], "seconds": [1.0, 2.0], **change})
