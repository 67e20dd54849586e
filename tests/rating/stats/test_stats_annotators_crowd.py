"""A simulated crowd: who is careless, drifts, leans or hurries is found by that figure, and good people are left alone."""

from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from rating.stats.annotators import DISAGREES, DRIFTS, FIRST_SLOT, WRONG, annotator_table
from rating.stats.pace import HURRIES
from tests.rating import simulated
from tests.rating.simulated import CARELESS, DRIFTING, GOOD, HURRYING, LEANING

SEEDS = 20
RIGHT = {CARELESS: {DISAGREES, WRONG}, DRIFTING: {DRIFTS}, LEANING: {FIRST_SLOT}, HURRYING: {HURRIES}}
FOUND = {CARELESS: 1.0, DRIFTING: 0.8, LEANING: 0.95, HURRYING: 1.0}
DOCS = Path(__file__).resolve().parents[3] / "docs" / "annotators.md"


@cache
def flags() -> list[tuple[str, tuple[str, ...]]]:
    """The kind and flags of every annotator of every crowd."""
    found = []
    for seed in range(SEEDS):
        made = simulated.crowd(seed)
        found += [(made.kinds[row.annotator], row.flags) for row in annotator_table(**made.arrays())]
    return found


@pytest.mark.parametrize("kind", RIGHT)
def test_each_kind_of_odd_annotator_is_found_by_its_own_figure_in_almost_every_crowd(kind):
    mine = [set(told) for one, told in flags() if one == kind]
    assert len(mine) == SEEDS
    assert sum(told >= RIGHT[kind] for told in mine) >= FOUND[kind] * SEEDS


@pytest.mark.parametrize("kind", [LEANING, HURRYING])
def test_leaning_and_hurrying_are_seldom_flagged_as_anything_else(kind):
    wrong = [set(told) - RIGHT[kind] for one, told in flags() if one == kind]
    assert sum(map(bool, wrong)) <= 0.1 * SEEDS


def test_good_annotators_are_seldom_flagged():
    good = [told for kind, told in flags() if kind == GOOD]
    assert len(good) == 8 * SEEDS
    assert sum(map(bool, good)) <= 0.02 * len(good)


def test_the_figures_in_the_documents_are_what_was_measured():
    found, good = Counter(), [told for kind, told in flags() if kind == GOOD]
    for kind, told in flags():
        found[kind] += kind in RIGHT and set(told) >= RIGHT[kind]
    text = DOCS.read_text(encoding="utf-8")
    assert f"| a good one flagged for anything | {sum(map(bool, good))} of {len(good)} |" in text
    for kind in RIGHT:
        assert f"| {kind} | {found[kind]} of {SEEDS} |" in text


def test_who_drifts_shows_it_week_by_week():
    made = simulated.crowd(3)
    rows = annotator_table(**made.arrays())
    drifting = rows[made.kinds.index(DRIFTING)]
    shares = [part.share.value for part in drifting.weeks if part.share.value is not None]
    assert len(shares) >= 6
    assert np.mean(shares[:3]) > np.mean(shares[-2:]) + 0.15
    assert sum(part.share.n for part in drifting.weeks) == drifting.shared


def test_a_week_below_the_fewest_votes_has_no_figure_but_says_how_many_are_wanting():
    item, annotator = np.repeat(np.arange(15), 2), np.tile([0, 1], 15)
    week = np.where(item < 12, 202601, 202602)
    row = annotator_table(item, annotator, np.zeros(30, int), values=2, week=week, category=item % 2)[0]
    assert [(part.code, part.share.n, part.share.wanted) for part in row.weeks] == [(202601, 12, 0), (202602, 3, 7)]
    assert (row.weeks[0].share.value, row.weeks[1].share.value) == (1.0, None)
    assert [part.code for part in row.categories] == [0, 1]


def test_right_says_what_gold_says_and_both_at_once_are_refused():
    made = simulated.crowd(0, good=3, odd=(), items=20).arrays()
    by_gold = annotator_table(**made)
    gold = made.pop("gold")
    right = np.where(gold < 0, -1, made["value"] == gold)
    assert [row.gold for row in annotator_table(**made, right=right)] == [row.gold for row in by_gold]
    with pytest.raises(ValueError, match="not both"):
        annotator_table(**made, gold=gold, right=right)
