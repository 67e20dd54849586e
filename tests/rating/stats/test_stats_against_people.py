"""A judge against people: pairs counted from counts, intervals over questions, and what few data do not say."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats.against_people import (
    BELOW,
    CANNOT_TELL,
    FEW,
    NOT_WORSE,
    against_people,
    among_people,
    holm,
    with_people,
)
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import student
from rating.stats.kappa import cohen_kappa

quick = settings(max_examples=30, database=None)
MACHINE = 90


def make_votes(items=60, people=3, *, seed=0, values=3, judge=0.6, person=0.6, per_question=3, missing=0.0):
    """Columns as a dict: people and the machine say the truth with their chance, else anything."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, values, items)
    who = np.append(np.arange(people), MACHINE)
    right = random.random((items, people + 1)) < np.append(np.full(people, person), judge)
    said = np.where(right, truth[:, None], random.integers(0, values, (items, people + 1)))
    item, seat = np.nonzero(random.random((items, people + 1)) >= missing)
    return {
        "item": item,
        "judge": who[seat],
        "value": said[item, seat],
        "is_person": seat < people,
        "cluster": item // per_question,
        "category": item // per_question % 3,
    }


def ask(votes, **options):
    return against_people(**votes, values=3, machine=MACHINE, **options)


def shares_by_hand(votes, *, tie=None, rows=None):
    """Share among people and between judge and people, one vote pair after another."""
    rows = np.ones(votes["item"].size, dtype=bool) if rows is None else rows
    among, between = [], []
    for item in np.unique(votes["item"][rows]):
        here = rows & (votes["item"] == item)
        people = list(votes["value"][here & votes["is_person"]])
        machine = list(votes["value"][here & ~votes["is_person"]])
        if len(people) < 2 or not machine:
            continue
        among += [a == b for a, b in combinations(people, 2) if tie not in (a, b)]
        between += [a == machine[0] for a in people if tie not in (a, machine[0])]
    return np.array(among), np.array(between)


@pytest.mark.parametrize("tie", [None, 1])
def test_shares_are_those_of_single_vote_pairs(tie):
    votes = make_votes(missing=0.3)
    row = ask(votes, tie=tie)[0]
    found = row.raw if tie is None else row.decided
    among, between = shares_by_hand(votes, tie=tie)
    assert (found.people, found.people_pairs) == (pytest.approx(among.mean()), among.size)
    assert (found.judge, found.judge_pairs) == (pytest.approx(between.mean()), between.size)
    assert found.difference == pytest.approx(between.mean() - among.mean())
    assert (row.decided is None) == (tie is None)


def test_the_interval_is_the_jackknife_over_questions():
    votes = make_votes(missing=0.2)
    questions = np.unique(votes["cluster"])
    left = []
    for question in questions:
        among, between = shares_by_hand(votes, rows=votes["cluster"] != question)
        left.append(between.mean() - among.mean())
    n = questions.size
    half = student(0.95, n - 1) * np.sqrt((n - 1) / n * ((left - np.mean(left)) ** 2).sum())
    found = ask(votes)[0].raw
    assert (found.low, found.high) == (
        pytest.approx(found.difference - half),
        pytest.approx(found.difference + half),
    )
    assert found.clusters == n


def test_the_corrected_share_of_two_people_is_cohens_kappa_of_the_pairs():
    votes = make_votes(people=2)
    found = ask(votes)[0].corrected
    person, machine = votes["value"][votes["is_person"]], votes["value"][~votes["is_person"]]
    assert found.judge == pytest.approx(cohen_kappa(person, np.repeat(machine, 2), 3))
    both = person.reshape(-1, 2)
    symmetric = cohen_kappa(np.concatenate(both.T), np.concatenate(both.T[::-1]), 3)
    assert found.people == pytest.approx(symmetric)


def corrected_by_hand(pairs, values=3):
    """κ of weighted pairs (weight, one value, the other value)."""
    table = np.zeros((values, values))
    for weight, a, b in pairs:
        table[a, b] += weight
    table /= table.sum()
    chance = table.sum(axis=1) @ table.sum(axis=0)
    return (np.trace(table) - chance) / (1 - chance)


@pytest.mark.parametrize("unit", ["pair", "item"])
def test_corrected_shares_of_unequal_numbers_of_votes_by_hand(unit):
    votes = make_votes(people=5, missing=0.4)
    found = ask(votes, unit=unit)[0].corrected
    among, between = [], []
    for item in np.unique(votes["item"]):
        people = votes["value"][(votes["item"] == item) & votes["is_person"]]
        machine = votes["value"][(votes["item"] == item) & ~votes["is_person"]]
        n = people.size
        if n < 2 or not machine.size:
            continue
        each, every = (1, 1) if unit == "pair" else (1 / (n * (n - 1)), 1 / n)
        among += [(each, people[a], people[b]) for a in range(n) for b in range(n) if a != b]
        between += [(every, person, machine[0]) for person in people]
    assert found.people == pytest.approx(corrected_by_hand(among))
    assert found.judge == pytest.approx(corrected_by_hand(between))


def test_weights_give_credit_for_near_values():
    votes = make_votes(people=2)
    found = ask(votes, weights="quadratic")[0].corrected
    person, machine = votes["value"][votes["is_person"]], votes["value"][~votes["is_person"]]
    assert found.judge == pytest.approx(cohen_kappa(person, np.repeat(machine, 2), 3, weights="quadratic"))


def test_categories_come_in_order_and_pay_for_their_number():
    votes = make_votes(items=300)
    rows = ask(votes)
    assert [row.category for row in rows] == [None, 0, 1, 2]
    only = ask({**votes, "category": None})
    assert (only[0], len(only)) == (rows[0], 1)
    second = rows[2].raw
    mine = votes["category"] == 1
    alone = ask({name: column[mine] for name, column in votes.items()})[1].raw
    assert (second.difference, second.p) == (pytest.approx(alone.difference), pytest.approx(alone.p))
    wider = student(1 - 0.05 / 3, second.clusters - 1) / student(0.95, second.clusters - 1)
    assert second.high - second.low == pytest.approx(wider * (alone.high - alone.low))
    assert [row.raw.p_adjusted for row in rows[1:]] == pytest.approx(holm([row.raw.p for row in rows[1:]]))
    assert rows[0].raw.p_adjusted == rows[0].raw.p


def test_a_judge_that_guesses_is_below_and_one_that_knows_is_not_worse():
    assert ask(make_votes(items=400, judge=0.0))[0].raw.verdict == BELOW
    assert ask(make_votes(items=400, judge=1.0))[0].raw.verdict == NOT_WORSE
    assert ask(make_votes(items=90, judge=0.55))[0].raw.verdict == CANNOT_TELL


def test_few_items_or_questions_claim_nothing():
    assert ask(make_votes(items=29, judge=0.0))[0].raw.verdict == FEW
    assert ask(make_votes(items=40, judge=0.0, per_question=10))[0].raw.verdict == FEW
    rows = ask(make_votes(items=60, judge=0.0))
    assert [row.raw.verdict for row in rows[1:]] == [FEW] * 3
    assert [row.raw.p_adjusted for row in rows[1:]] == [None] * 3


def test_one_question_has_shares_but_no_interval():
    found = ask(make_votes(per_question=60))[0].raw
    assert found.people is not None
    assert (found.low, found.high, found.p, found.clusters) == (None, None, None, 1)


def test_perfect_agreement_has_no_interval_and_nothing_beyond_chance():
    votes = make_votes()
    row = ask({**votes, "value": np.ones_like(votes["value"])}, tie=1)[0]
    assert (row.raw.people, row.raw.judge, row.raw.low, row.raw.verdict) == (1.0, 1.0, None, CANNOT_TELL)
    assert (row.corrected.people, row.corrected.difference) == (None, None)
    assert (row.decided.people, row.decided.items, row.decided.verdict) == (None, 0, FEW)


def test_nothing_in_common_is_one_row_without_numbers():
    votes = make_votes(people=1)
    (row,) = ask(votes)
    assert (row.raw.people, row.raw.difference, row.raw.items, row.raw.clusters, row.raw.verdict) == (
        *(None, None, 0, 0, FEW),
    )
    assert ask({name: [] for name in votes})[0].raw.items == 0
    assert among_people(**{name: column for name, column in votes.items() if name != "category"}, values=3,
                        machine=MACHINE).beaten is None  # fmt: skip


def test_an_exchangeable_judge_shows_no_difference_only_where_items_weigh_alike():
    """Two votes on items where all agree, twenty where they toss a coin: by pairs the coin outweighs the rest."""
    random = np.random.default_rng(3)
    sizes = np.where(np.arange(2000) % 2, 2, 20)
    item = np.repeat(np.arange(2000), sizes + 1)
    last = np.cumsum(sizes + 1) - 1
    coin = random.integers(0, 2, item.size)
    value = np.where(sizes[item] == 2, 2, coin)
    judge = np.arange(item.size) - (last - sizes)[item]
    person = np.ones(item.size, dtype=bool)
    person[last] = False
    judge = np.where(person, judge, MACHINE)
    votes = {"item": item, "judge": judge, "value": value, "is_person": person}
    by_pair, by_item = (ask(votes, unit=unit)[0].raw for unit in ("pair", "item"))
    assert by_pair.low > 0.02
    assert by_item.low < 0 < by_item.high
    assert by_item.people == pytest.approx(0.75, abs=0.01)
    assert by_item.judge_pairs == by_pair.judge_pairs


def test_equal_numbers_of_votes_weigh_alike_either_way():
    votes = make_votes()
    by_pair, by_item = (ask(votes, unit=unit)[0] for unit in ("pair", "item"))
    for a, b in ((by_pair.raw, by_item.raw), (by_pair.corrected, by_item.corrected)):
        assert (a.people, a.judge, a.low) == (pytest.approx(b.people), pytest.approx(b.judge), pytest.approx(b.low))


@quick
@given(st.integers(0, 10_000))
def test_the_order_of_rows_and_the_names_of_items_do_not_matter(seed):
    votes = make_votes(items=40, seed=seed, missing=0.2)
    rows = np.random.default_rng(seed).permutation(votes["item"].size)
    moved = {name: column[rows] for name, column in votes.items()} | {"item": 7 * votes["item"][rows] + 3}
    for before, after in zip(ask(votes, tie=1), ask(moved, tie=1), strict=True):
        for a, b in ((before.raw, after.raw), (before.decided, after.decided), (before.corrected, after.corrected)):
            assert [getattr(a, name) for name in a.__slots__] == [
                pytest.approx(getattr(b, name)) if isinstance(getattr(b, name), float) else getattr(b, name)
                for name in b.__slots__
            ]


def test_the_same_input_gives_the_same_bytes_and_other_machines_do_not_matter():
    votes = make_votes(missing=0.1)
    other = {name: np.concatenate([column, column[:50]]) for name, column in votes.items()}
    other["judge"][-50:], other["is_person"][-50:] = MACHINE + 1 + np.arange(50), False
    assert ask(votes) == ask(votes) == ask(other)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"item": [0, 0, 0, 0], "judge": [0, 1, 1, 9], "is_person": [1, 1, 1, 0]}, "judge 1 has two votes on item 0"),
        ({"item": [0, 0, 0, 0], "judge": [0, 1, 9, 9], "is_person": [1, 1, 0, 0]}, "judge 9 has two votes on item 0"),
        ({"is_person": [1, 1, 1, 1]}, "judge 9 is a person at row 2"),
        ({"is_person": [1, 1, 2, 0]}, "is_person holds 2 at row 2"),
        ({"value": [0, 1, 3, 0]}, "value holds 3"),
        ({"cluster": [0, 0, 1, 0]}, "one item belongs to two values of cluster"),
        ({"category": [0, 0]}, "unequal length"),
        ({"tie": 3}, "the tie 3"),
        ({"unit": "vote"}, "pair or item"),
        ({"margin": -1}, "margin -1"),
        ({"values": 1}, "at least two"),
    ],
)
def test_what_cannot_be_is_named(change, words):
    good = {"item": [0, 0, 0, 1], "judge": [0, 1, 9, 0], "value": [0, 1, 1, 0], "is_person": [1, 1, 0, 1]}
    with pytest.raises(ImpossibleInput, match=words):
        against_people(**{**good, "values": 3, "machine": 9, **change})


def among(votes, **options):
    return among_people(**{name: c for name, c in votes.items() if name != "category"}, values=3, machine=MACHINE,
                        **options)  # fmt: skip


def test_each_person_is_compared_with_the_judge_in_the_same_place():
    votes = make_votes(items=90, people=4, missing=0.2)
    found = among(votes)
    assert [person.person for person in found.persons] == [0, 1, 2, 3]
    person = found.persons[2]
    own, judge = [], []
    for item in np.unique(votes["item"][votes["judge"] == 2]):
        here = votes["item"] == item
        others = votes["value"][here & votes["is_person"] & (votes["judge"] != 2)]
        machine = votes["value"][here & (votes["judge"] == MACHINE)]
        if others.size and machine.size:
            own += list(others == votes["value"][here & (votes["judge"] == 2)])
            judge += list(others == machine)
    assert (person.own, person.judge) == (pytest.approx(np.mean(own)), pytest.approx(np.mean(judge)))
    assert person.pairs == len(own)
    assert person.low < person.difference < person.high


def test_a_judge_that_knows_ranks_first_and_one_that_guesses_last():
    best, worst = among(make_votes(items=300, judge=1.0)), among(make_votes(items=300, judge=0.0))
    assert (best.rank, best.beaten, best.median_person) == (1, 1.0, True)
    assert (worst.rank, worst.beaten, worst.median_person) == (4, 0.0, False)
    assert worst.low == 0.0 < worst.high < 0.6


def test_a_judge_that_copies_a_person_is_level_with_that_person():
    votes = make_votes(items=50)
    machine, first = votes["judge"] == MACHINE, votes["judge"] == 0
    votes["value"][machine] = votes["value"][first]
    person = among(votes).persons[0]
    assert (person.difference, person.own, person.low) == (0.0, person.judge, None)


def test_people_with_few_items_are_counted_but_not_compared():
    votes = make_votes(items=30, people=3)
    votes["judge"] = np.where((votes["judge"] == 2) & (votes["item"] >= 9), 7, votes["judge"])
    found = among(votes)
    assert ([person.person for person in found.persons], found.left_out) == ([0, 1, 7], 1)


def test_a_judge_can_be_compared_with_single_people_too():
    votes = make_votes(people=3, missing=0.5, items=120)
    rows = with_people(**votes, values=3, machine=MACHINE, tie=1)
    said = dict(zip(votes["item"][~votes["is_person"]], votes["value"][~votes["is_person"]], strict=True))
    people = zip(*(votes[name][votes["is_person"]] for name in ("item", "value", "category")), strict=True)
    pairs = np.array([(value, said[item], category) for item, value, category in people if item in said])
    same, decided = pairs[:, 0] == pairs[:, 1], (pairs[:, :2] != 1).all(axis=1)
    assert [row.category for row in rows] == [None, 0, 1, 2]
    assert (rows[0].raw.share, rows[0].raw.pairs) == (pytest.approx(same.mean()), same.size)
    assert rows[0].decided.share == pytest.approx(same[decided].mean())
    mine = pairs[:, 2] == 2
    assert (rows[3].raw.share, rows[3].raw.pairs) == (pytest.approx(same[mine].mean()), mine.sum())
    assert rows[0].raw.low < rows[0].raw.share < rows[0].raw.high


def test_with_people_and_against_people_agree_where_all_items_have_two_votes():
    votes = make_votes(missing=0)
    for one, other in zip(with_people(**votes, values=3, machine=MACHINE), ask(votes), strict=True):
        assert (one.raw.share, one.raw.pairs) == (pytest.approx(other.raw.judge), other.raw.judge_pairs)
        assert one.decided is None


def test_nobody_to_be_compared_with():
    votes = make_votes()
    for rows in (votes["is_person"], ~votes["is_person"], votes["item"] < 0):
        some = {name: column[rows] for name, column in votes.items()}
        (row, *_) = with_people(**some, values=3, machine=MACHINE, tie=1)
        assert (row.raw.share, row.raw.low, row.raw.pairs, row.decided.pairs) == (None, None, 0, 0)


@pytest.mark.parametrize("function", [against_people, with_people, among_people])
@pytest.mark.parametrize("level", [0.0, 1.0, 3, float("nan")])
def test_a_level_that_is_no_share_is_an_error_even_without_votes(function, level):
    for votes in (([], [], []), ([0, 0, 0], [0, 1, 9], [0, 1, 1])):
        with pytest.raises(ImpossibleInput, match="not between 0 and 1"):
            function(*votes, values=2, is_person=[judge < 9 for judge in votes[1]], machine=9, level=level)


def test_repeats_of_machines_that_are_not_asked_do_not_matter():
    votes = [0, 0, 0, 0, 0], [0, 1, 9, 8, 8], [0, 1, 1, 0, 1]
    assert against_people(*votes, values=2, is_person=[1, 1, 0, 0, 0], machine=9)[0].raw.items == 1
    with pytest.raises(ImpossibleInput, match="judge 8 has two votes on item 0: repeats measure consistency"):
        against_people(*votes, values=2, is_person=[1, 1, 0, 0, 0], machine=8)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]).size == 0
    with pytest.raises(ImpossibleInput):
        holm([0.2, float("nan")])


def test_intervals_of_an_exchangeable_judge_cover_zero():
    found = [ask(make_votes(items=120, seed=seed, per_question=4, missing=0.1))[0].raw for seed in range(1000)]
    covered = np.mean([row.low <= 0 <= row.high for row in found])
    assert 0.935 <= covered <= 0.967


def test_no_interval_of_a_difference_reaches_beyond_what_shares_can_differ_by():
    random = np.random.default_rng(3)
    item, judge = np.repeat(np.arange(40), 3), np.tile([0, 1, 9], 40)
    value = random.integers(0, 2, 120)
    value[judge == 9] = np.where(np.arange(40) < 8, 1 - value[judge == 0], value[judge == 0])
    rows = against_people(
        item, judge, value, values=2, is_person=judge < 9, machine=9, cluster=item // 8, category=item // 40
    )
    for row in rows:
        assert -1.0 <= row.raw.low <= row.raw.difference <= row.raw.high <= 1.0
        assert -2.0 <= row.corrected.low <= row.corrected.high <= 2.0
    few = against_people(
        item, judge, value, values=2, is_person=judge < 9, machine=9, cluster=np.minimum(item // 20, 1), level=0.999
    )[0]
    assert (few.raw.low, few.raw.high) == (-1.0, 1.0)
