"""The one table: each row is what the single functions say of its votes, categories pay for their number, orders do not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from rating.stats.against_people import against_people
from rating.stats.agreement import NO_PAIRS, ONE_VALUE, agree
from rating.stats.agreement_table import JUDGES, PEOPLE, PEOPLE_JUDGE, agreement_table
from rating.stats.errors import ImpossibleInput
from rating.stats.icc import icc

quick = settings(max_examples=12, database=None)
FIRST, SECOND = 7, 9  # the machines


def make_votes(*, items=90, people=3, machines=(FIRST, SECOND), missing=0.2, seed=0, values=3):
    """Columns of votes in random order: three items a question, three categories (codes 2, 5, 8)."""
    random = np.random.default_rng(seed)
    names = np.array([*range(people), *machines])
    item, seat = np.nonzero(random.random((items, names.size)) >= missing)
    truth = random.integers(0, values, items)
    value = np.where(random.random(item.size) < 0.5, random.integers(0, values, item.size), truth[item])
    order = random.permutation(item.size)
    item, seat, value = item[order], seat[order], value[order]
    return {
        "item": item,
        "judge": names[seat],
        "value": value,
        "is_person": (seat < people).astype(int),
        "cluster": item // 3,
        "category": np.array([2, 5, 8])[item // 3 % 3],
    }


def some(votes, rows):
    return {name: column[rows] for name, column in votes.items()}


def agreed(votes, rows, **options):
    mine = some(votes, rows)
    return agree(mine["item"], mine["judge"], mine["value"], values=3, cluster=mine["cluster"], **options)


def numbers(row):
    found = row.agreement if hasattr(row, "agreement") else row
    return {name: getattr(found, name) for name in found.__slots__ if getattr(found, name) is not None}


def find(rows, category, relation, judge=None):
    return next(r for r in rows if (r.category, r.relation, r.judge) == (category, relation, judge))


def test_all_comes_first_then_each_category_with_people_judges_and_pairs():
    rows = agreement_table(**make_votes(), values=3, tie=1)
    one = [(PEOPLE, None, None), (PEOPLE_JUDGE, FIRST, None), (PEOPLE_JUDGE, SECOND, None), (JUDGES, FIRST, SECOND)]
    assert [(r.category, r.relation, r.judge, r.other) for r in rows] == [
        (category, *row) for category in (None, 2, 5, 8) for row in one
    ]


@pytest.mark.parametrize("category", [None, 5])
def test_people_and_pairs_of_machines_are_what_agree_says(category):
    votes = make_votes(items=300)
    rows = agreement_table(**votes, values=3, tie=1, weights="quadratic")
    mine = np.ones(votes["item"].size, bool) if category is None else votes["category"] == category
    people = agreed(votes, mine & (votes["is_person"] == 1), tie=1, weights="quadratic")
    assert numbers(find(rows, category, PEOPLE)) == pytest.approx(numbers(people))
    machines = agreed(votes, mine & (votes["is_person"] == 0), tie=1, weights="quadratic")
    assert numbers(find(rows, category, JUDGES, FIRST)) == pytest.approx(numbers(machines))


def test_a_machine_and_one_person_are_two_judges():
    votes = make_votes(people=1, machines=(FIRST,), items=200)
    row = find(agreement_table(**votes, values=3, tie=1, level="ordinal"), None, PEOPLE_JUDGE, FIRST)
    both = agreed(votes, np.ones(votes["item"].size, bool), tie=1, level="ordinal")
    assert numbers(row) == pytest.approx(numbers(both))
    assert (row.against, row.difference, row.verdict, row.p_value) == (None, None, "", None)


def test_a_machine_with_people_is_by_vote_pairs_and_corrected_with_each_item_alike():
    votes = make_votes(items=200, machines=(FIRST,))
    row = find(agreement_table(**votes, values=3, tie=1), None, PEOPLE_JUDGE, FIRST).agreement
    machine, person = some(votes, votes["judge"] == FIRST), some(votes, votes["is_person"] == 1)
    said = dict(zip(machine["item"], machine["value"], strict=True))
    pairs = np.array([(i, v, said[i]) for i, v in zip(person["item"], person["value"], strict=True) if i in said])
    equal, decided = pairs[:, 1] == pairs[:, 2], (pairs[:, 1:] != 1).all(axis=1)
    assert (row.raw, row.pairs) == (pytest.approx(equal.mean()), equal.size)
    assert (row.raw_decided, row.pairs_decided) == (pytest.approx(equal[decided].mean()), decided.sum())
    weight = 1 / np.bincount(pairs[:, 0])[pairs[:, 0]]
    assert row.kappa == pytest.approx(cohen_kappa_score(pairs[:, 1], pairs[:, 2], sample_weight=weight))
    share = (np.bincount(pairs[:, 1], weight) + np.bincount(pairs[:, 2], weight)) / (2 * weight.sum())
    chance = (share * (1 - share)).sum() / 2
    assert row.ac1 == pytest.approx(((weight @ equal) / weight.sum() - chance) / (1 - chance))
    n = 2 * weight.sum()
    disagreed = 1 - (weight @ equal) / weight.sum()
    assert row.alpha == pytest.approx(1 - (n - 1) / n * disagreed / (1 - (share**2).sum()))
    assert (row.n, row.judges, row.kappa_kind) == (np.unique(pairs[:, 0]).size, 4, "cohen")
    assert row.low < row.alpha < row.high
    assert row.raw_low < row.raw < row.raw_high


def test_the_difference_is_that_of_against_people():
    votes = make_votes(items=400)
    rows = agreement_table(**votes, values=3, tie=1)
    for found in against_people(**votes, values=3, machine=SECOND, tie=1):
        row = find(rows, found.category, PEOPLE_JUDGE, SECOND)
        assert row.against == found
        assert (row.difference, row.difference_low, row.difference_high) == (
            *(found.raw.difference, found.raw.low, found.raw.high),
        )
        assert (row.difference_n, row.p_value, row.verdict) == (
            found.raw.items,
            found.raw.p_adjusted,
            found.raw.verdict,
        )
    assert find(rows, None, PEOPLE).against is None
    plain = agreement_table(**votes, values=3, tie=1, compare=False)
    assert [r.agreement for r in plain] == [r.agreement for r in rows]
    assert {r.against for r in plain} == {None}


def test_scores_have_the_intraclass_correlation():
    votes = make_votes(items=120, values=5, missing=0)
    rows = agreement_table(**votes, values=5, level="ordinal", marks=[1, 2, 3, 4, 5], weights="linear")
    people = some(votes, (votes["is_person"] == 1) & (votes["category"] == 5))
    row = find(rows, 5, PEOPLE)
    assert row.icc == icc(people["item"], people["judge"], people["value"] + 1)
    assert row.agreement.kappa_kind == "fleiss_linear"
    machines = some(votes, votes["is_person"] == 0)
    pair = find(rows, None, JUDGES, FIRST).icc
    assert pair.single == pytest.approx(icc(machines["item"], machines["judge"], machines["value"]).single)
    assert find(rows, None, PEOPLE_JUDGE, FIRST).icc is None
    assert find(agreement_table(**votes, values=5), None, PEOPLE).icc is None


@quick
@given(st.integers(0, 10_000))
def test_order_of_rows_and_names_do_not_matter(seed):
    votes = make_votes(items=40, seed=seed)
    order = np.random.default_rng(seed).permutation(votes["item"].size)
    moved = some(votes, order)
    moved["item"] = 10**7 - moved["item"] * 13
    moved["cluster"] = moved["cluster"] + 100
    for before, after in zip(
        agreement_table(**votes, values=3, tie=1), agreement_table(**moved, values=3, tie=1), strict=True
    ):
        assert (before.category, before.relation, before.judge) == (after.category, after.relation, after.judge)
        one, other = numbers(before), numbers(after)
        if one.get("interval") == "bootstrap":  # the units are drawn in another order
            one, other = ({k: v for k, v in each.items() if k not in ("low", "high")} for each in (one, other))
        assert one == pytest.approx(other)
        assert before.difference == pytest.approx(after.difference)


def test_a_question_in_two_categories_is_one_question_over_all():
    votes = make_votes(items=90)
    votes["cluster"] = votes["item"] % 10
    rows = agreement_table(**votes, values=3)
    assert find(rows, None, PEOPLE).agreement.clusters == 10
    assert all(find(rows, c, PEOPLE).agreement.clusters <= 10 for c in (2, 5, 8))


def test_few_items_say_how_many_more_and_a_common_value_shows():
    votes = make_votes(items=24)
    votes["value"] = np.where(votes["item"] % 8 == 0, votes["value"], 2)
    row = find(agreement_table(**votes, values=3), 5, PEOPLE).agreement
    assert row.wanted == 30 - row.n > 20
    assert (row.skewed, row.top_share > 0.8) == (True, True)
    plain = find(agreement_table(**make_votes(items=200), values=3), None, PEOPLE).agreement
    assert (plain.wanted, plain.skewed) == (0, False)


def test_nothing_in_common_is_said():
    votes = {"item": [0, 1, 2], "judge": [0, FIRST, SECOND], "value": [0, 1, 2], "is_person": [1, 0, 0]}
    rows = agreement_table(**votes, values=3)
    assert [(r.relation, r.agreement.note, r.agreement.n) for r in rows] == [
        (PEOPLE, NO_PAIRS, 0),
        (PEOPLE_JUDGE, NO_PAIRS, 0),
        (PEOPLE_JUDGE, NO_PAIRS, 0),
        (JUDGES, NO_PAIRS, 0),
    ]
    assert agreement_table([], [], [], values=3, is_person=[]) == ()


def test_one_value_used_is_one_and_says_why():
    votes = make_votes()
    rows = agreement_table(**(votes | {"value": np.ones_like(votes["value"])}), values=3)
    assert {(r.agreement.alpha, r.agreement.note, r.agreement.kappa) for r in rows} == {(1.0, ONE_VALUE, None)}


def test_people_alone_and_machines_alone():
    votes = make_votes()
    people = agreement_table(**some(votes, votes["is_person"] == 1), values=3)
    machines = agreement_table(**some(votes, votes["is_person"] == 0), values=3)
    assert {r.relation for r in people} == {PEOPLE}
    assert {r.relation for r in machines} == {JUDGES}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_person": [1, 0, 0, 0]}, "judge 0 is a person on some rows only"),
        ({"category": [0, 1, 0, 0]}, "two categories"),
        ({"cluster": [0, 1, 0, 0]}, "two clusters"),
        ({"judge": [0, 0, 0, 9], "item": [4, 4, 5, 5]}, "judge 0 has two votes on item 4"),
        ({"is_person": [1, 1, 1]}, "unequal length"),
        ({"tie": 3}, "the tie 3"),
        ({"value": [0, 1, 2, 3]}, "value holds 3"),
        ({"unit": "vote"}, "pair or item"),
    ],
)
def test_what_cannot_be_is_named(change, words):
    good = {"item": [4, 4, 5, 5], "judge": [0, 9, 0, 9], "value": [0, 1, 1, 0], "is_person": [1, 0, 1, 0]}
    with pytest.raises(ImpossibleInput, match=words):
        agreement_table(**{**good, "values": 3, **change})
