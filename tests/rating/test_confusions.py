"""How verdicts of any two fall together: against counting one by one, on random records."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from rating.confusions import MOST_COLUMNS, MOST_PEOPLE, confusions
from rating.data import Attempts, Looks, Marks, Orders, Record, Votes

NOTHING = np.zeros(0, dtype=np.int64)


def votes(rows) -> Votes:
    """(item, judge, person, value, category) as votes; the question is the item."""
    item, judge, person, value, category = (np.asarray(column) for column in zip(*rows, strict=True))
    whole = dict.fromkeys(("first", "second", "turn"), np.zeros(len(item), dtype=np.int64))
    return Votes(
        item=item, judge=judge, person=person.astype(bool), value=value.astype(float), shown=value.astype(float),
        cluster=item, category=category, **whole,
    )  # fmt: skip


def marks(rows) -> Marks:
    item, judge, person, score, category = (np.asarray(column) for column in zip(*rows, strict=True))
    zeros = np.zeros(len(item), dtype=np.int64)
    return Marks(
        item=item, judge=judge, person=person.astype(bool), score=score.astype(float), cluster=item, category=category,
        model=zeros, turn=zeros,
    )  # fmt: skip


def record(pairs=None, scores=None) -> Record:
    none = Votes(
        *[NOTHING] * 3, NOTHING.astype(float), NOTHING.astype(float), *[NOTHING] * 3, NOTHING.astype(bool), NOTHING
    )
    pairs = pairs or none
    scores = scores or Marks(NOTHING, NOTHING, NOTHING.astype(float), *[NOTHING] * 3, NOTHING.astype(bool), NOTHING)
    orders = Orders(*[NOTHING] * 4, NOTHING.astype(float), NOTHING.astype(float))
    return Record(
        votes=pairs, sides=pairs, orders=orders, marks=scores, excluded={}, provenances=("real",), verdicts=pairs,
        attempts=Attempts(*[NOTHING] * 5),
    )  # fmt: skip


def crowd(seed: int):
    dice = np.random.default_rng(seed)
    judges = [(11, False), (12, False), (13, False), *((pk, True) for pk in range(21, 26))]
    return [
        (item, judge, person, float(dice.integers(-1, 2)), 1 + item % 2)
        for item in range(100, 160)
        for judge, person in judges
        if dice.random() < 0.6
    ]


def by_hand(rows, one: int, other: int, category: int | None) -> Counter:
    """The same, counted pair by pair; 0 is all people."""
    found: Counter = Counter()
    people = {judge for _, judge, person, _, _ in rows if person}
    for a, b in itertools.permutations(rows, 2):
        is_one = a[1] == one or (one == 0 and a[1] in people)
        is_other = b[1] == other or (other == 0 and b[1] in people)
        if a[0] == b[0] and a[1] != b[1] and is_one and is_other and category in (None, a[4]):
            found[int(a[3]) + 1, int(b[3]) + 1] += 1
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_every_table_is_what_counting_pair_by_pair_gives(seed):
    rows = crowd(seed)
    told = confusions(record(votes(rows)))["pairs"]
    assert told["values"] == ["second", "tie", "first"]
    seen = set()
    for one, other, category, n, share, _kappa, counts in told["tables"]:
        expected = by_hand(rows, one, other, category)
        assert counts == [expected[i, j] for i in range(3) for j in range(3)], (one, other, category)
        assert n * (2 if one == other else 1) == sum(counts)
        assert share == pytest.approx(sum(expected[i, i] for i in range(3)) / sum(counts), abs=1e-4)
        seen.add((one, other, category))
    assert {(0, 0, None), (0, 11, 1), (0, 12, 2)} <= seen and (21, 22, 1) not in seen and (0, 21, None) not in seen
    assert len([pair for pair in seen if pair[2] is None]) == 1 + 3 + 3 + 3 * 5 + 10


def test_only_one_value_gives_no_kappa_and_not_nan():
    rows = [(item, judge, False, 1, 1) for item in range(4) for judge in (11, 12)]
    [table, _in_category] = confusions(record(votes(rows)))["pairs"]["tables"]
    assert table == [11, 12, None, 4, 1.0, None, [0, 0, 0, 0, 0, 0, 0, 0, 4]]


def test_fine_scores_fall_into_steps_and_few_stay_themselves():
    rows = [(item, judge, False, item * 0.37 % 10, 1) for item in range(60) for judge in (11, 12)]
    told = confusions(record(scores=marks(rows)))["scores"]
    assert len(told["values"]) == 10 and told["values"][0][0] == 0.0
    assert sum(told["tables"][0][-1]) == 60 == told["tables"][0][3] and told["tables"][0][4] == 1.0
    few = [(item, judge, False, item % 3, 1) for item in range(60) for judge in (11, 12)]
    assert confusions(record(scores=marks(few)))["scores"]["values"] == [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]


def test_nothing_judged_twice_is_nothing():
    assert confusions(record(votes([(1, 11, False, 1, 1), (2, 12, False, 1, 1)]))) == {}
    assert confusions(record()) == {}


def test_of_a_large_crowd_the_busiest_have_tables_of_their_own():
    rows = [(item, 100 + who, True, 1 - 2 * (who % 2), 1) for item in range(30) for who in range(item, 40)]
    told = confusions(record(votes(rows)))["pairs"]
    assert len(told["people"]) == MOST_PEOPLE and told["left_out"] == 40 - MOST_PEOPLE
    assert told["people"][0] == 129, "who voted most comes first, of equals the lowest id"
    machines = [(item, 100 + who, False, 1, 1) for item in range(3) for who in range(90)]
    many = confusions(record(votes(machines)))["pairs"]
    assert len({table[0] for table in many["tables"]} | {table[1] for table in many["tables"]}) <= MOST_COLUMNS // 3


def test_what_people_take_is_told_with_n_and_the_longer_one_only_where_lengths_are_known():
    rows = [(item, judge, True, 1 if item % 4 else -1, 1) for item in range(40) for judge in (21, 22)]
    made = record(votes(rows))
    plain = confusions(made)["pairs"]["habits"]
    assert plain[0][:3] == [21, 40, 0.75] and plain[0][5:] == [0, None, None, None]
    lengths = np.zeros((80, 4))
    lengths[:, 0] = 100
    looks = Looks(lengths, lengths / 2, np.ones(80, dtype=bool))
    assert confusions(made, looks)["pairs"]["habits"][0][5:7] == [40, 0.75]
