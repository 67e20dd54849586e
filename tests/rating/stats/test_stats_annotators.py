"""Single annotators beside the others: each figure by hand, flags that are rare by chance, and little data kept quiet."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from rating.stats.annotators import (
    DISAGREES,
    DRIFTS,
    FIRST_SLOT,
    INCONSISTENT,
    LAST_SLOT,
    LENIENT,
    LONGER,
    SEVERE,
    WRONG,
    annotator_table,
    annotators,
)
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import wilson

quick = settings(max_examples=25, database=None)


def make_votes(items=120, annotators=5, *, seed=0, values=3, right=0.7, missing=0.2):
    """Columns (item, annotator, value) and the truth of each row; `right` may differ by annotator."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, values, items)
    knows = random.random((items, annotators)) < np.broadcast_to(right, annotators)
    said = np.where(knows, truth[:, None], random.integers(0, values, (items, annotators)))
    item, annotator = np.nonzero(random.random((items, annotators)) >= missing)
    return (item, annotator, said[item, annotator]), truth[item]


def table(votes, **options):
    return annotator_table(*votes, values=3, **options)


def test_agreement_is_the_mean_share_of_the_others_by_item():
    votes, _ = make_votes()
    item, annotator, value = votes
    row = table(votes)[2]
    shares = []
    for i in item[annotator == 2]:
        others = value[(item == i) & (annotator != 2)]
        if others.size:
            shares.append((others == value[(item == i) & (annotator == 2)]).mean())
    assert (row.agreement.value, row.agreement.n) == (pytest.approx(np.mean(shares)), len(shares))
    assert (row.annotator, row.shared, row.votes) == (2, len(shares), int((annotator == 2).sum()))
    assert row.agreement.low < row.agreement.value < row.agreement.high


def test_votes_of_two_annotators_have_wilsons_interval():
    votes, _ = make_votes(annotators=2, missing=0)
    item, annotator, value = votes
    row = table(votes)[0]
    same = int((value[annotator == 0] == value[annotator == 1]).sum())
    low, high = wilson(same, 120)
    assert row.agreement.value == pytest.approx(same / 120)
    assert (row.agreement.low, row.agreement.high) == (pytest.approx(low, abs=2e-3), pytest.approx(high, abs=2e-3))


def test_near_values_get_credit_with_weights():
    item, annotator = np.repeat(np.arange(12), 2), np.tile([0, 1], 12)
    value = np.tile([0, 1], 12)
    assert annotator_table(item, annotator, value, values=3)[0].agreement.value == 0
    assert annotator_table(item, annotator, value, values=3, weights="linear")[0].agreement.value == 0.5


def test_gold_counts_only_known_truth():
    votes, truth = make_votes()
    item, annotator, value = votes
    known = np.where(item % 2, truth, -1)
    row = table(votes, gold=known)[1]
    mine = (annotator == 1) & (item % 2 == 1)
    assert (row.gold.value, row.gold.n) == (pytest.approx((value == truth)[mine].mean()), mine.sum())
    assert table(votes)[1].gold.n == 0


def test_gold_counts_the_first_vote_only():
    item, annotator = np.tile(np.arange(20), 2), np.zeros(40, int)
    value = np.repeat([0, 1], 20)
    (row,) = annotator_table(item, annotator, value, values=2, gold=np.zeros(40, int))
    assert (row.gold.value, row.gold.n, row.repeats.value) == (1.0, 20, 0.0)


def test_severity_and_correlation_are_against_the_mean_of_the_others():
    votes, _ = make_votes(seed=4)
    item, annotator, value = votes
    marks = np.array([1.0, 2.0, 5.0])
    row = table(votes, marks=marks)[3]
    own, others = [], []
    for i in item[annotator == 3]:
        rest = marks[value[(item == i) & (annotator != 3)]]
        if rest.size:
            own.append(marks[value[(item == i) & (annotator == 3)][0]])
            others.append(rest.mean())
    assert row.severity.value == pytest.approx(np.mean(own) - np.mean(others))
    assert row.correlation.value == pytest.approx(spearmanr(own, others)[0])
    assert row.correlation.low < row.correlation.value < row.correlation.high
    assert table(votes)[3].severity.n == 0


def test_a_second_vote_on_an_item_is_a_repeat_in_the_order_of_time():
    item, annotator = np.repeat(np.arange(15), 3), np.tile([0, 1, 0], 15)
    value = np.tile([2, 2, 0], 15)
    row = table((item, annotator, value), marks=[0, 1, 4])[0]
    assert (row.repeats.value, row.repeats.n, row.votes, row.apart) == (0.0, 15, 15, 4.0)
    assert (row.agreement.value, row.gap) == (1.0, None)
    backwards = table((item, annotator, value), time=-10.0 * np.arange(45))[0]
    assert (backwards.agreement.value, backwards.gap) == (0.0, 20.0)


def test_slots_and_length_leave_out_what_is_not_decided():
    item, annotator = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    shown = np.tile([1.0, 0.0], 20)
    shown[:4] = -1.0
    first, second = table((item, annotator, np.zeros(40, int)), shown=shown, longer=-shown)
    assert (first.first_slot.value, first.first_slot.n) == (pytest.approx(18 / 20), 20)
    assert first.longer.value == pytest.approx(2 / 20)
    assert (second.first_slot.value, second.first_slot.n, second.first_slot.wanted) == (None, 2, 8)


def test_pace_leaves_out_pauses():
    time = np.cumsum([0.0, 30, 30, 40, 7200, 50, 20])
    (row,) = annotator_table(np.arange(7), np.zeros(7, int), np.zeros(7, int), values=2, time=time)
    assert row.pace == 30.0
    assert annotator_table([0], [0], [0], values=2, time=[5.0])[0].pace is None


def test_below_the_fewest_items_a_figure_says_how_many_are_wanting():
    votes, truth = make_votes(items=9, missing=0)
    row = table(votes, gold=truth, marks=[0, 1, 2])[0]
    for figure in (row.agreement, row.gold, row.severity, row.correlation):
        assert (figure.value, figure.low, figure.high, figure.n, figure.wanted) == (None, None, None, 9, 1)
    assert (row.drift.z, row.drift.wanted, row.flags) == (None, 21, ())
    assert table(votes, fewest=9)[0].agreement.value is not None


def test_someone_alone_has_no_figures():
    (row,) = annotator_table(np.arange(40), np.zeros(40, int), np.zeros(40, int), values=2)
    assert (row.votes, row.shared, row.agreement.value, row.agreement.wanted, row.flags) == (40, 0, None, 10, ())
    assert annotator_table([], [], [], values=2) == ()


def test_a_careless_annotator_is_flagged_and_careful_ones_are_not():
    votes, truth = make_votes(items=300, right=[0.9, 0.9, 0.9, 0.9, 0.1])
    rows = table(votes, gold=truth)
    assert rows[4].flags == (DISAGREES, WRONG)
    assert {flag for row in rows[:4] for flag in row.flags} == set()


def test_what_leans_is_flagged_with_its_direction():
    votes, _ = make_votes(items=200, annotators=4, missing=0)
    item, annotator, value = votes
    random = np.random.default_rng(1)
    shown = random.choice([-1.0, 1.0], item.size)
    shown[annotator == 0] = np.where(random.random(200) < 0.8, 1.0, -1.0)
    shown[annotator == 1] = np.where(random.random(200) < 0.8, -1.0, 1.0)
    longer = np.where(random.random(item.size) < np.where(annotator == 2, 0.9, 0.6), 1.0, -1.0)
    shifted = np.clip(value + (annotator == 2) - (annotator == 3), 0, 2)
    rows = table((item, annotator, shifted), marks=[0, 1, 2], shown=shown, longer=longer)
    assert FIRST_SLOT in rows[0].flags
    assert LAST_SLOT in rows[1].flags
    assert {LONGER, LENIENT} <= set(rows[2].flags)
    assert SEVERE in rows[3].flags
    assert LONGER not in rows[0].flags + rows[1].flags


def test_an_annotator_who_tires_drifts():
    random = np.random.default_rng(2)
    truth = random.integers(0, 3, 300)
    said = np.stack([truth, np.where(random.random(300) < np.arange(300) / 300, 2 - truth, truth), truth], axis=1)
    rows = table((np.repeat(np.arange(300), 3), np.tile(np.arange(3), 300), said.ravel()))
    assert rows[1].drift.first > 0.8 > 0.6 > rows[1].drift.last
    assert rows[1].drift.z < -4
    assert DRIFTS in rows[1].flags
    asleep = np.where(np.arange(300) < 200, truth, (truth + 1) % 3)
    steady = table((np.repeat(np.arange(300), 2), np.tile([0, 1], 300), np.stack([truth, asleep], axis=1).ravel()))
    assert (steady[0].drift.first, steady[0].drift.last, steady[0].drift.z) == (1.0, 0.0, None)


def test_inconsistent_annotators_are_compared_with_the_others():
    item, annotator = np.tile(np.repeat(np.arange(60), 4), 2), np.tile(np.arange(4), 120)
    random = np.random.default_rng(3)
    value = random.integers(0, 2, 240)
    again = np.where((annotator[240:] == 3) & (random.random(240) < 0.5), 1 - value, value)
    again[:8] = 1 - again[:8]
    rows = annotator_table(item, annotator, np.concatenate([value, again]), values=2)
    assert [INCONSISTENT in row.flags for row in rows] == [False, False, False, True]


def test_equal_annotators_are_seldom_flagged():
    """Flags allow for the number of annotators: about one table in twenty has one, for each kind of figure."""
    flagged = 0
    for seed in range(60):
        votes, truth = make_votes(items=150, annotators=12, seed=seed)
        flagged += any(row.flags for row in table(votes, gold=truth, shown=votes[0] % 2 * 2.0 - 1))
    assert flagged <= 0.05 * 4 * 60


def test_questions_count_once():
    votes, _ = make_votes(items=120, missing=0)
    item, annotator, value = votes
    copied = (np.concatenate([item, item + 120]), np.tile(annotator, 2), np.tile(value, 2))
    once = table(votes)[0].agreement
    twice = table(copied, cluster=copied[0] % 120)[0].agreement
    assert (twice.value, twice.low, twice.high) == (pytest.approx(once.value), pytest.approx(once.low),
                                                    pytest.approx(once.high))  # fmt: skip
    naive = table(copied)[0].agreement
    assert naive.high - naive.low < 0.8 * (once.high - once.low)


@quick
@given(st.integers(0, 10_000))
def test_the_order_of_rows_and_names_of_items_do_not_matter_where_time_is_given(seed):
    votes, truth = make_votes(items=60, seed=seed)
    random = np.random.default_rng(seed)
    time = random.permutation(truth.size).astype(float)
    shown = random.integers(-1, 2, truth.size).astype(float)
    rows = random.permutation(truth.size)
    before = table(votes, gold=truth, time=time, shown=shown)
    moved = (5 * votes[0][rows] + 2, votes[1][rows], votes[2][rows])
    after = table(moved, gold=truth[rows], time=time[rows], shown=shown[rows])
    for a, b in zip(before, after, strict=True):
        for name in ("agreement", "gold", "first_slot"):
            one, two = getattr(a, name), getattr(b, name)
            assert (one.value, one.low, one.n) == (pytest.approx(two.value), pytest.approx(two.low), two.n)
        assert (a.pace, a.drift.first, a.flags) == (pytest.approx(b.pace), pytest.approx(b.drift.first), b.flags)


def test_the_same_input_gives_the_same_bytes():
    votes, truth = make_votes()
    assert table(votes, gold=truth, marks=[0, 1, 2]) == table(votes, gold=truth, marks=[0, 1, 2])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": [0, 3]}, "value holds 3"),
        ({"gold": [0, -2]}, "gold holds -2 at row 1"),
        ({"gold": [3, -1]}, "gold holds 3 at row 0"),
        ({"gold": [0.5, 1]}, "gold must be whole numbers"),
        ({"gold": [0]}, "unequal length"),
        ({"marks": [1, 2]}, "2 marks for 3 values"),
        ({"shown": [1.0]}, "unequal length"),
        ({"time": [0.0, float("nan")]}, "time holds NaN"),
        ({"values": 1}, "at least two"),
        ({"fewest": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_is_named(change, words):
    good = {"item": [0, 0], "annotator": [0, 1], "value": [0, 1], "values": 3}
    with pytest.raises(ImpossibleInput, match=words):
        annotator_table(**{**good, **change})


def test_the_crowd_of_a_public_arena_has_a_row_each(shared):
    with (shared / "data" / "llmfao" / "llmfao.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    item = np.unique([row["id"] for row in rows], return_inverse=True)[1]
    worker = np.array([int(row["worker"]) for row in rows])
    value = np.array([{"left": 0, "tie": 1, "right": 2}[row["winner"]] for row in rows])
    prompt = np.array([int(row["prompt"]) for row in rows])
    found = annotator_table(item, worker, value, values=3, shown=1.0 - value, cluster=prompt)
    assert len(found) == np.unique(worker).size == 124
    assert sum(row.votes + row.repeats.n for row in found) == len(rows) == 8931


def test_rows_of_some_are_those_of_all():
    random = np.random.default_rng(4)
    n = 900
    columns = {
        "item": random.integers(0, 120, n),
        "annotator": random.integers(3, 12, n),
        "value": random.integers(0, 3, n),
    }
    more = {
        "values": 3,
        "cluster": columns["item"] // 3,
        "time": np.cumsum(random.random(n) * 60),
        "seconds": random.random(n) * 40,
        "size": random.integers(0, 900, n),
        "week": random.integers(0, 3, n),
        "category": columns["item"] % 2,
        "shown": random.integers(-1, 2, n),
    }
    whole = annotator_table(**columns, **more)
    table = annotators(**columns, **more)
    assert table.codes.tolist() == list(range(3, 12)) and table.flags == [row.flags for row in whole]
    assert table.rows([7, 4, 99]) == (whole[1], whole[4]) and table.rows([]) == ()
