"""α from patterns of counts: the same as from rows, whatever the counts, clusters and levels; and what its interval covers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit

from rating.stats.errors import ImpossibleInput
from rating.stats.krippendorff import (
    Kinds,
    Units,
    alpha,
    alpha_interval,
    jackknife_error,
    votes_between,
    votes_by_item,
)
from rating.stats.patterns import patterns, refuse_repeats, without_gaps

quick = settings(max_examples=60, database=None)
LEVELS = ["nominal", "ordinal", "interval"]
votes_lists = st.lists(st.lists(st.integers(0, 6), max_size=9), min_size=1, max_size=12)


def columns(lists):
    rows = [(i, v) for i, votes in enumerate(lists) for v in votes]
    return tuple(np.array(rows, dtype=np.int64).reshape(-1, 2).T)


def make_votes(*, items=30, values=4, most=5, seed=0, noise=0.5):
    """Columns (item, value), 1 to `most` votes an item, in random order."""
    random = np.random.default_rng(seed)
    item = np.repeat(np.arange(items), random.integers(1, most + 1, items))
    truth = random.integers(0, values, items)
    value = np.where(random.random(item.size) < noise, random.integers(0, values, item.size), truth[item])
    order = random.permutation(item.size)
    return item[order], value[order]


def by_hand(item, value, *, level, values, marks=None):
    """α from its definition, one pair of votes after another."""
    pairs = np.zeros((values, values))
    for i in np.unique(item):
        votes = value[item == i]
        for a in range(len(votes)):
            for b in range(len(votes)):
                if a != b:
                    pairs[votes[a], votes[b]] += 1 / (len(votes) - 1)
    margin = pairs.sum(axis=0)
    worth = np.arange(values) if marks is None else np.asarray(marks)
    distance = np.zeros_like(pairs)
    for c in range(values):
        for k in range(values):
            low, high = min(c, k), max(c, k)
            between = margin[low : high + 1].sum() - (margin[c] + margin[k]) / 2
            distance[c, k] = {
                "nominal": float(c != k),
                "ordinal": between**2 if c != k else 0.0,
                "interval": (worth[c] - worth[k]) ** 2,
            }[level]
    expected = (np.outer(margin, margin) * distance).sum()
    return 1 - (margin.sum() - 1) * (pairs * distance).sum() / expected if expected else 1.0


@quick
@given(votes_lists)
def test_patterns_are_the_rows_of_counts(lists):
    item, value = columns(lists)
    found = patterns(item, value, values=7)
    for code, votes in enumerate(lists[: found.of_item.size]):
        number = found.of_item[code]
        assert (number == -1) == (not votes)
        if votes:
            assert found.counts[number].tolist() == np.bincount(votes, minlength=7).tolist()
    voted = [tuple(np.bincount(votes, minlength=7)) for votes in lists if votes]
    assert sorted(map(tuple, found.counts)) == sorted(set(voted))
    assert found.times.tolist() == [voted.count(tuple(row)) for row in found.counts]


@pytest.mark.parametrize("values", [2, 5, 40, 200])
def test_patterns_of_many_values_and_many_votes(values):
    random = np.random.default_rng(1)
    item = np.concatenate([random.integers(0, 300, 900), np.full(700, 7)])
    value = random.integers(0, values, item.size)
    found = patterns(item, value, values=values)
    table = np.bincount(item * values + value, minlength=int(item.max() + 1) * values).reshape(-1, values)
    voted = np.flatnonzero(table.any(axis=1))
    assert (found.counts[found.of_item[voted]] == table[voted]).all()
    assert (found.times @ found.counts == table.sum(axis=0)).all()
    assert len(np.unique(found.counts, axis=0)) == len(found.counts)


def test_an_item_with_more_votes_than_the_rest_is_not_lost():
    item, value = np.array([0] * 9 + [1, 2, 3, 4]), np.array([0] * 9 + [0, 1, 0, 1])
    assert patterns(item, value, values=2).counts.max() == 9


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("values", [2, 5, 30])
def test_alpha_from_patterns_is_alpha_from_its_definition(level, values):
    item, value = make_votes(values=values)
    paired = np.isin(item, np.flatnonzero(np.bincount(item) >= 2))
    marks = np.linspace(0, 3, values) ** 2
    expected = by_hand(item[paired], value[paired], level=level, values=values, marks=marks)
    assert alpha(votes_by_item(item, value, values=values), level=level, marks=marks) == pytest.approx(expected)


@quick
@given(votes_lists, st.integers(1, 10**9))
def test_names_of_items_do_not_matter(lists, stretch):
    item, value = columns(lists)
    plain = alpha(votes_by_item(item, value, values=7), level="ordinal")
    assert alpha(votes_by_item(item * stretch + 5, value, values=7), level="ordinal") == plain


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("values", "size"), [(3, 1), (3, 5), (12, 5)])
def test_the_jackknife_is_the_brute_force_one_with_and_without_questions(level, values, size):
    item, value = make_votes(values=values, seed=3)
    question = item // size
    votes = votes_by_item(item, value, values=values, cluster=question)
    left = []
    for one in np.unique(question):
        kept = question != one
        if (np.bincount(item[~kept]) >= 2).any():
            left.append(alpha(votes_by_item(item[kept], value[kept], values=values), level=level))
    n = len(left)
    assert votes.units == n
    expected = np.sqrt((n - 1) / n * ((np.array(left) - np.mean(left)) ** 2).sum())
    assert jackknife_error(votes, level=level) == pytest.approx(expected)
    if size == 1:
        apart = votes_by_item(item, value, values=values)
        assert jackknife_error(apart, level=level) == pytest.approx(expected)


@pytest.mark.parametrize("kinds", [3, 60])
def test_the_quadratic_form_of_a_unit_is_that_of_its_items(kinds):
    """A table of units by kinds where it is small, single entries where it would be nearly empty: the same sums."""
    random = np.random.default_rng(2)
    counts = random.integers(0, 3, (kinds, 4)) + 1.0
    share = counts / (counts.sum(axis=1, keepdims=True) - 1)
    table = Kinds(counts, share, counts, share, np.ones(kinds))
    unit, kind = np.repeat(np.arange(20), 2), random.integers(0, kinds, 40)
    units = Units(np.ones(20), unit, kind, random.integers(1, 4, 40).astype(float))
    position = random.normal(size=(20, 4))
    for u in range(20):
        whole = sum(
            often * Kinds(*(column[[k]] for column in (counts, share, counts, share)), np.ones(1)).coincidences()
            for k, often in zip(kind[unit == u], units.often[unit == u], strict=True)
        )
        assert units.quadratic(table, position)[u] == pytest.approx(position[u] @ whole @ position[u])


@quick
@given(votes_lists, votes_lists)
def test_coincidences_of_two_sets_add_up(one, other):
    whole, first, second = (votes_by_item(*columns(lists), values=7).kinds for lists in (one + other, one, other))
    assert whole.coincidences() == pytest.approx(first.coincidences() + second.coincidences())


@quick
@given(votes_lists, st.integers(2, 4))
def test_repeating_all_items_moves_alpha_only_by_the_small_sample_factor(lists, times):
    once, often = votes_by_item(*columns(lists), values=7), votes_by_item(*columns(lists * times), values=7)
    if alpha(once) is None:
        assert alpha(often) is None
        return
    n = float(once.kinds.coincidences().sum())
    factor = (1 - 1 / (times * n)) / (1 - 1 / n)
    assert 1 - alpha(often) == pytest.approx((1 - alpha(once)) * factor, abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_one_judge_with_one_other_is_two_judges(level):
    random = np.random.default_rng(4)
    a = random.integers(0, 4, 80)
    b = np.where(random.random(80) < 0.5, a, random.integers(0, 4, 80))
    question = np.arange(80) // 4
    two = votes_by_item(np.tile(np.arange(80), 2), np.concatenate([a, b]), values=4, cluster=np.tile(question, 2))
    between = votes_between(a, np.eye(4), b, question=question)
    assert alpha(between, level=level) == pytest.approx(alpha(two, level=level))
    assert jackknife_error(between, level=level) == pytest.approx(jackknife_error(two, level=level))
    assert (between.items, between.units) == (80, 20)


def test_one_judge_with_several_others_is_with_each_in_turn():
    """Six copies of each item, one for each of two or three others: the same coincidences, six times."""
    said, others = np.array([0, 1, 2, 1]), [[0, 1], [1, 1, 2], [2, 0], [0, 0, 1]]
    counts = np.array([np.bincount(votes, minlength=3) for votes in others], dtype=float)
    between = votes_between(said, counts, np.arange(4), question=None)
    copies = [[mine, votes[k % len(votes)]] for mine, votes in zip(said, others, strict=True) for k in range(6)]
    apart = votes_by_item(*columns(copies), values=3)
    assert 6 * between.kinds.coincidences() == pytest.approx(apart.kinds.coincidences())


def test_all_alike_is_one_even_when_sums_are_large():
    item = np.repeat(np.arange(2000), 3)
    value = (item % 7) * (item % 7 < 3)
    for level in LEVELS:
        votes = votes_by_item(item, value, values=7, cluster=item // 9)
        assert alpha(votes, level=level) == 1.0
        assert alpha_interval(votes, level=level) is None


def make_lumped(random, questions, each, *, judges=3):
    """Columns (item, value, question): questions that are clear or not, three values, judges who guess on unclear ones."""
    question = np.repeat(np.arange(questions), each)
    guess = random.beta(1, 1.5, questions)[question]
    truth, size = random.integers(0, 3, question.size), (judges, question.size)
    value = np.where(random.random(size) < guess, random.integers(0, 3, size), truth)
    return np.tile(np.arange(question.size), judges), value.ravel(), np.tile(question, judges)


@pytest.mark.parametrize(("questions", "each"), [(2, 20), (5, 9), (8, 6), (48, 1), (60, 1)])
def test_few_items_are_bootstrapped_but_never_questions(questions, each):
    item, value, question = make_lumped(np.random.default_rng(1), questions, each)
    votes = votes_by_item(item, value, values=3, cluster=question)
    found = alpha_interval(votes)
    if questions == 48:
        assert found.kind == "bootstrap"
        return
    half = stdtrit(questions - 1, 0.975) * jackknife_error(votes)
    assert found.kind == "jackknife"
    assert found.low == pytest.approx(max(alpha(votes) - half, -1))
    assert found.high == pytest.approx(min(alpha(votes) + half, 1))


@pytest.mark.parametrize("items", [3, 49, 50, 80])
@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("level", LEVELS)
def test_units_all_alike_have_no_interval(items, clustered, level):
    """In full agreement on several values, and where every item is the same disagreement: no width stands for certainty."""
    item, question = np.repeat(np.arange(items), 2), np.repeat(np.arange(items) % 3, 2) if clustered else None
    agreed = votes_by_item(item, item % 3, values=3, cluster=question)
    assert (alpha(agreed, level=level), alpha_interval(agreed, level=level)) == (1.0, None)
    if items % 3 == 0 or not clustered:
        apart = votes_by_item(item, np.tile([0, 2], items), values=3, cluster=question)
        assert alpha(apart, level=level) < 0
        assert alpha_interval(apart, level=level) is None


@pytest.mark.parametrize("confidence", [0.0, 1.0, 1.5, 95, -1, float("nan")])
def test_a_confidence_that_is_no_share_is_an_error(confidence):
    for items in (3, 80):
        votes = votes_by_item(np.repeat(np.arange(items), 2), np.arange(2 * items) % 3, values=3)
        with pytest.raises(ImpossibleInput, match="not between 0 and 1"):
            alpha_interval(votes, confidence=confidence)
    with pytest.raises(ImpossibleInput, match="not between 0 and 1"):
        alpha_interval(votes_by_item([], [], values=2), confidence=confidence)


def test_nothing_to_pair_is_none_without_an_interval():
    for votes in (votes_by_item([0, 1], [0, 1], values=2), votes_by_item([], [], values=2, cluster=[])):
        assert (votes.items, votes.units, alpha(votes), alpha_interval(votes)) == (0, 0, None, None)
        assert np.isnan(jackknife_error(votes))


def test_an_item_in_two_questions_is_an_error():
    with pytest.raises(ImpossibleInput, match="two clusters"):
        votes_by_item([0, 0], [0, 1], values=2, cluster=[0, 1])
    with pytest.raises(ImpossibleInput, match="value holds 2"):
        votes_by_item([0, 0], [0, 2], values=2)


@pytest.mark.parametrize("seats", [2**26, 4])
def test_a_second_vote_is_found_by_table_and_by_sorting(monkeypatch, seats):
    monkeypatch.setattr("rating.stats.patterns._SEATS", seats)
    random = np.random.default_rng(5)
    item, judge = (column[random.permutation(600)] for column in (np.repeat(np.arange(200), 3), np.zeros(600, int)))
    seat = random.permutation(6000)[:600]
    item, judge = seat // 30 * 10**6, seat % 30 * 10**5
    refuse_repeats(item, judge)
    with pytest.raises(ImpossibleInput, match=f"judge {judge[17]} has two votes on item {item[17]}"):
        refuse_repeats(np.append(item, item[17]), np.append(judge, judge[17]))
    refuse_repeats(item[:0], judge[:0])


def test_codes_with_gaps_are_renumbered_in_their_order():
    assert without_gaps(np.array([10**9, 3, 10**9, 5])).tolist() == [2, 0, 2, 1]
    assert without_gaps(np.array([7, 3])).tolist() == [7, 3]


def make_pool(*, common, judges, seed=0):
    """Chance of the first of two values on each of 200,000 items, and the α of so many judges on all of them."""
    random = np.random.default_rng(seed)
    chance = np.where(random.random(200_000) < 0.5, random.beta(8 * common, 8 * (1 - common), 200_000), common)
    ones = random.binomial(judges, chance)
    item = np.repeat(np.arange(chance.size), judges)
    value = (np.tile(np.arange(judges), chance.size) < ones[item]).astype(np.int64)
    return chance, alpha(votes_by_item(item, value, values=2))


@pytest.mark.slow
@pytest.mark.parametrize(("items", "judges", "common"), [(40, 3, 0.5), (100, 3, 0.5), (100, 10, 0.5), (300, 3, 0.8)])
def test_nominal_95_percent_intervals_cover_94_to_96(items, judges, common):
    """Items of unequal difficulty, drawn anew 2,000 times; the limits leave room for two standard errors of that number."""
    chance, truth = make_pool(common=common, judges=judges)
    random = np.random.default_rng(20240607)
    item, hits, draws = np.repeat(np.arange(items), judges), 0, 2000 if items >= 50 else 600
    for _ in range(draws):
        ones = random.binomial(judges, chance[random.integers(0, chance.size, items)])
        value = (np.tile(np.arange(judges), items) < ones[item]).astype(np.int64)
        found = alpha_interval(votes_by_item(item, value, values=2))
        hits += found.low <= truth <= found.high
    noise = 2 * np.sqrt(0.95 * 0.05 / draws)
    assert 0.94 - noise <= hits / draws <= 0.96 + noise


@pytest.mark.slow
@pytest.mark.parametrize(("questions", "each"), [(2, 20), (3, 16), (5, 9), (8, 6)])
def test_intervals_over_few_questions_cover_90_percent_or_more(questions, each):
    """The bootstrap over questions covered 0.52, 0.80, 0.84 and 0.85 here: t quantiles are what keeps the promise."""
    item, value, question = make_lumped(np.random.default_rng(0), 6000, each)
    truth = alpha(votes_by_item(item, value, values=3, cluster=question))
    random = np.random.default_rng(20240607)
    drawn = [make_lumped(random, questions, each) for _ in range(1000)]
    found = [alpha_interval(votes_by_item(item, value, values=3, cluster=question)) for item, value, question in drawn]
    hits = [one.low <= truth <= one.high for one in found if one is not None]
    assert len(hits) > 980
    assert 0.9 <= np.mean(hits) <= 0.98
