"""Agreement: what is counted, what is undefined and says so, and the laws of α and κ."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from rating.stats.agreement import (
    ALL_ALIKE,
    FEW_UNITS,
    NO_DISAGREEMENT,
    NO_PAIRS,
    ONE_UNIT,
    ONE_VALUE,
    agree,
    pairwise_table,
)
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import clustered_means, share_interval
from rating.stats.kappa import ac1, ac2, cohen_kappa, fleiss_kappa, scott_pi
from rating.stats.krippendorff import alpha, alpha_interval, jackknife_error, votes_by_item

quick = settings(max_examples=60, database=None)


def make_votes(*lists):
    """Columns (item, judge, value) from one list of votes per item, None where a judge did not vote."""
    rows = [(i, j, v) for i, votes in enumerate(lists) for j, v in enumerate(votes) if v is not None]
    return tuple(np.array(column, dtype=int) for column in zip(*rows, strict=True)) if rows else ([], [], [])


def make_random(items, judges, values, *, seed=0, noise=0.5, missing=0.2):
    random = np.random.default_rng(seed)
    truth = random.integers(0, values, items)
    said = np.where(random.random((items, judges)) < noise, random.integers(0, values, (items, judges)), truth[:, None])
    item, judge = np.nonzero(random.random((items, judges)) >= missing)
    return item, judge, said[item, judge]


def by_hand(item, value, *, level, values):
    """Krippendorff's α from its definition, one pair of votes after another."""
    pairs = np.zeros((values, values))
    for i in np.unique(item):
        votes = value[item == i]
        for a in range(len(votes)):
            for b in range(len(votes)):
                if a != b:
                    pairs[votes[a], votes[b]] += 1 / (len(votes) - 1)
    margin = pairs.sum(axis=0)
    distance = np.zeros_like(pairs)
    for c in range(values):
        for k in range(values):
            low, high = min(c, k), max(c, k)
            between = margin[low : high + 1].sum() - (margin[c] + margin[k]) / 2
            distance[c, k] = {"nominal": float(c != k), "ordinal": between**2, "interval": (c - k) ** 2}[level]
    return 1 - (margin.sum() - 1) * (pairs * distance).sum() / (np.outer(margin, margin) * distance).sum()


def test_the_raw_share_is_by_vote_pairs_not_by_items():
    table = agree(*make_votes([0, 0, 0, 0], [0, 1]), values=2)
    assert (table.raw, table.pairs, table.n) == (pytest.approx(6 / 7), 7, 2)


def test_ties_are_left_out_of_the_decided_share():
    table = agree(*make_votes([0, 0, 1], [2, 2, 1], [0, 2, 1]), values=3, tie=1)
    assert (table.raw, table.pairs) == (pytest.approx(2 / 9), 9)
    assert (table.raw_decided, table.pairs_decided) == (pytest.approx(2 / 3), 3)
    assert agree(*make_votes([0, 0]), values=3).raw_decided is None


def test_two_judges_have_cohens_kappa_and_three_fleiss():
    two = agree(*make_votes([0, 0], [1, 1], [0, 1], [1, 1]), values=2)
    assert (two.kappa_kind, two.judges) == ("cohen", 2)
    assert two.kappa == pytest.approx(cohen_kappa_score([0, 1, 0, 1], [0, 1, 1, 1]))
    three = agree(*make_votes([0, 0, 1], [1, 1, 1], [0, 1, 0]), values=2, weights="linear")
    assert (three.kappa_kind, three.judges) == ("fleiss_linear", 3)


def test_an_item_with_one_vote_says_nothing():
    with_single = agree(*make_votes([0, 0], [1, 0], [1, None]), values=2)
    without = agree(*make_votes([0, 0], [1, 0]), values=2)
    assert with_single == without


def test_no_item_with_two_votes_is_empty_and_says_why():
    for table in (agree(*make_votes([0, None], [None, 1]), values=2), agree([], [], [], values=2)):
        assert table.note == NO_PAIRS
        assert (table.raw, table.kappa, table.alpha, table.low, table.ac1, table.n) == (None, None, None, None, None, 0)


def test_one_value_used_by_all_is_one_and_says_why():
    table = agree(*make_votes([2, 2], [2, 2], [2, 2]), values=3)
    assert (table.alpha, table.raw, table.top_share, table.note) == (1.0, 1.0, 1.0, ONE_VALUE)
    assert (table.kappa, table.low, table.high) == (None, None, None)


def test_one_question_gives_no_interval_and_says_why():
    table = agree(*make_votes([0, 0], [1, 0], [1, 1]), values=2, cluster=[7] * 6)
    assert (table.low, table.high, table.note) == (None, None, ONE_UNIT)
    assert table.alpha is not None


@pytest.mark.parametrize("cluster", [None, [0, 0, 0, 0, 1, 1]])
def test_full_agreement_in_several_values_has_no_interval_and_says_why(cluster):
    table = agree(*make_votes([0, 0], [1, 1], [2, 2]), values=3, cluster=cluster)
    assert (table.alpha, table.low, table.high, table.interval) == (1.0, None, None, "")
    assert table.note == NO_DISAGREEMENT


def test_the_same_disagreement_everywhere_has_no_interval_and_says_why():
    table = agree(*make_votes(*[[0, 1]] * 40), values=2)
    assert table.alpha < 0
    assert (table.low, table.high, table.note) == (None, None, ALL_ALIKE)


@pytest.mark.parametrize(
    ("questions", "note", "wanted"), [(9, FEW_UNITS, 1), (2, FEW_UNITS, 8), (10, "", 0), (36, "", 0)]
)
def test_an_interval_from_few_questions_says_so(questions, note, wanted):
    item, judge, value = make_random(36, 3, 3, missing=0)
    table = agree(item, judge, value, values=3, cluster=item % questions)
    assert (table.note, table.questions_wanted, table.wanted) == (note, wanted, 0)
    assert table.low < table.alpha < table.high


def test_few_items_without_questions_are_told_by_the_items_wanted_alone():
    table = agree(*make_random(8, 3, 3, missing=0), values=3)
    assert (table.note, table.wanted, table.questions_wanted) == ("", 22, 0)


def test_one_value_and_one_question_are_told_before_few_questions():
    item, judge, value = make_random(36, 3, 3, missing=0)
    assert agree(item, judge, 0 * value, values=3, cluster=item % 4).note == ONE_VALUE
    alone = agree(item, judge, value, values=3, cluster=0 * item)
    assert (alone.note, alone.questions_wanted) == (ONE_UNIT, 9)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"confidence": 1.5}, "not between 0 and 1"),
        ({"item": np.array([2**63 + 5, 4], dtype=np.uint64)}, r"item holds 9223372036854775813 at row 0; 2\*\*63 - 1"),
        ({"value": [0, 5]}, r"only 0\.\.2 can be"),
        ({"judge": [1, 1]}, "two votes on item 4"),
        ({"cluster": [0, 1]}, "two clusters"),
        ({"level": "ratio"}, "level"),
        ({"values": 1}, "at least two"),
        ({"marks": [1, 2]}, "2 marks for 3"),
        ({"tie": 3}, "tie 3"),
        ({"judge": [0]}, "unequal length"),
        ({"weights": "cubic"}, "weights"),
        ({"value": [0.0, 1.5]}, "whole numbers"),
    ],
)
def test_votes_that_cannot_be_are_errors(change, says):
    votes = {"item": [4, 4], "judge": [0, 1], "value": [0, 1], "values": 3} | change
    with pytest.raises(ImpossibleInput, match=says):
        agree(**votes)


def test_the_number_of_values_comes_from_the_rubric_for_ac1():
    lists = [[0, 0]] * 6 + [[0, 2]] * 3 + [[2, 2]] * 3
    declared, seen = agree(*make_votes(*lists), values=3), agree(*make_votes(*(np.array(lists) // 2)), values=2)
    assert declared.ac1 > seen.ac1
    assert declared.alpha == pytest.approx(seen.alpha)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_what_its_definition_says(level):
    item, judge, value = make_random(40, 4, 4)
    paired = np.isin(item, np.flatnonzero(np.bincount(item) >= 2))
    expected = by_hand(item[paired], value[paired], level=level, values=4)
    assert agree(item, judge, value, values=4, level=level).alpha == pytest.approx(expected)


def test_krippendorffs_own_example():
    """Four observers, 12 units (Krippendorff 2011): .743 nominal, .815 ordinal, .849 interval."""
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    lists = [[None if v is None else v - 1 for v in unit] for unit in zip(*observers, strict=True)]
    found = [agree(*make_votes(*lists), values=5, level=level).alpha for level in ("nominal", "ordinal", "interval")]
    assert found == pytest.approx([0.743, 0.815, 0.849], abs=5e-4)


def test_marks_say_what_interval_values_are_worth():
    item, judge, value = make_random(40, 3, 3)
    stretched = agree(item, judge, value, values=3, level="interval", marks=[10, 20, 30])
    assert stretched.alpha == pytest.approx(agree(item, judge, value, values=3, level="interval").alpha)
    uneven = agree(item, judge, value, values=3, level="interval", marks=[0, 1, 100])
    assert uneven.alpha != pytest.approx(stretched.alpha)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("clustered", [False, True])
def test_the_jackknife_is_the_brute_force_one(level, clustered):
    item, _, value = make_random(30, 3, 3, missing=0.3, seed=2)
    cluster = item // 4 if clustered else None
    unit = item if cluster is None else cluster
    votes = votes_by_item(item, value, values=3, cluster=cluster)
    without = []
    for left_out in np.unique(unit):
        kept = unit != left_out
        if (np.bincount(item[~kept]) >= 2).any():
            without.append(alpha(votes_by_item(item[kept], value[kept], values=3), level=level))
    spread = np.sum((np.array(without) - np.mean(without)) ** 2)
    expected = np.sqrt((len(without) - 1) / len(without) * spread)
    assert jackknife_error(votes, level=level) == pytest.approx(expected)


@pytest.mark.parametrize("clustered", [False, True])
def test_blocks_of_units_give_the_whole(monkeypatch, clustered):
    item, _, value = make_random(90, 3, 4)
    votes = votes_by_item(item, value, values=4, cluster=item // 3 if clustered else None)
    whole = jackknife_error(votes, level="ordinal")
    monkeypatch.setattr("rating.stats.krippendorff._CELLS", 50)
    assert jackknife_error(votes, level="ordinal") == pytest.approx(whole)


def test_few_items_get_the_bootstrap_and_always_the_same_one():
    votes = make_random(30, 3, 3)
    once, again = agree(*votes, values=3), agree(*votes, values=3)
    assert once.interval == "bootstrap"
    assert (once.low, once.high) == (again.low, again.high)
    assert once.low < once.alpha < once.high
    assert agree(*make_random(80, 3, 3), values=3).interval == "jackknife"


def test_the_bootstrap_and_the_jackknife_say_about_the_same(monkeypatch):
    item, _, value = make_random(200, 3, 3)
    votes = votes_by_item(item, value, values=3)
    jackknife = alpha_interval(votes)
    monkeypatch.setattr("rating.stats.krippendorff.FEWEST_FOR_JACKKNIFE", 1000)
    bootstrap = alpha_interval(votes)
    assert bootstrap.low == pytest.approx(jackknife.low, abs=0.02)
    assert bootstrap.high == pytest.approx(jackknife.high, abs=0.02)


def test_items_of_one_question_widen_the_interval():
    item, judge, value = make_random(60, 3, 3)
    copies = [np.concatenate([item + 60 * k for k in range(5)]), np.tile(judge, 5), np.tile(value, 5)]
    lumped = agree(*copies, values=3, cluster=np.tile(item, 5))
    apart = agree(*copies, values=3)
    assert (lumped.high - lumped.low) > 2 * (apart.high - apart.low)


lists = st.lists(st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=3, max_size=3), min_size=2, max_size=12)


@quick
@given(lists, st.permutations(range(3)), st.randoms())
def test_the_order_of_votes_and_the_names_of_judges_do_not_matter(drawn, names, random):
    item, judge, value = make_votes(*drawn)
    assume(len(item))
    order = list(range(len(item)))
    random.shuffle(order)
    mixed = agree(item[order] * 3 + 1, np.array(names)[judge[order]], value[order], values=4, level="ordinal")
    plain = agree(item, judge, value, values=4, level="ordinal")
    assert mixed.alpha == pytest.approx(plain.alpha)
    assert (mixed.raw, mixed.n, mixed.pairs, mixed.kappa_kind) == (plain.raw, plain.n, plain.pairs, plain.kappa_kind)
    assert mixed.kappa == pytest.approx(plain.kappa)


@quick
@given(lists, st.permutations(range(4)))
def test_renaming_the_values_changes_nothing_nominal(drawn, names):
    item, judge, value = make_votes(*drawn)
    assume(len(item))
    plain, renamed = agree(item, judge, value, values=4), agree(item, judge, np.array(names)[value], values=4)
    assert renamed.alpha == pytest.approx(plain.alpha)
    assert renamed.kappa == pytest.approx(plain.kappa)
    assert renamed.ac1 == pytest.approx(plain.ac1)


@quick
@given(lists)
def test_turning_an_ordinal_scale_round_changes_nothing(drawn):
    item, judge, value = make_votes(*drawn)
    assume(len(item))
    plain = agree(item, judge, value, values=4, level="ordinal")
    assert agree(item, judge, 3 - value, values=4, level="ordinal").alpha == pytest.approx(plain.alpha)


@quick
@given(lists, st.sampled_from(["nominal", "ordinal", "interval"]))
def test_alpha_is_one_exactly_when_nobody_disagrees(drawn, level):
    item, judge, value = make_votes(*drawn)
    assume(len(item))
    table = agree(item, judge, value, values=4, level=level)
    assume(table.n)
    assert (table.alpha == 1.0) == (table.raw == 1.0)


@quick
@given(lists, st.sampled_from(["nominal", "ordinal", "interval"]))
def test_nothing_is_ever_nan_and_the_interval_is_one(drawn, level):
    table = agree(*make_votes(*drawn), values=4, level=level, tie=1)
    numbers = [
        table.raw,
        table.raw_decided,
        table.kappa,
        table.alpha,
        table.low,
        table.high,
        table.ac1,
        table.top_share,
    ]
    assert not any(number is not None and np.isnan(number) for number in numbers)
    assert table.low is None or table.low <= table.high <= 1
    assert (table.low is None) == (table.note != "")


@quick
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40),
    st.sampled_from([None, "linear", "quadratic"]),
)
def test_cohens_kappa_is_scikit_learns(pairs, weights):
    a, b = np.array(pairs).T
    assume(np.unique(a).size > 1 or np.unique(b).size > 1 or a[0] != b[0])
    expected = cohen_kappa_score(a, b, labels=range(5), weights=weights)
    assert cohen_kappa(a, b, 5, weights=weights) == pytest.approx(expected)


def test_kappa_is_undefined_without_items_or_with_one_value():
    assert cohen_kappa([], [], 3) is None
    assert cohen_kappa([1, 1], [1, 1], 3) is None
    assert fleiss_kappa(np.zeros((0, 3))) is None
    assert fleiss_kappa(np.array([[2.0, 0], [3, 0]])) is None
    assert ac1(np.zeros((0, 3))) is None


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_the_table_of_two_judges_has_scott_and_gwet_too(weights):
    item, judge, value = make_random(80, 2, 4, missing=0)
    table = agree(item, judge, value, values=4, weights=weights)
    a, b = value[judge == 0], value[judge == 1]
    assert table.fleiss == pytest.approx(scott_pi(a, b, 4, weights=weights))
    assert table.kappa == pytest.approx(cohen_kappa_score(a, b, labels=range(4), weights=weights))
    counts = np.eye(4)[a] + np.eye(4)[b]
    assert table.ac1 == pytest.approx(ac1(counts))
    assert table.ac2 == (None if weights is None else pytest.approx(ac2(counts, weights=weights)))


@pytest.mark.parametrize("clustered", [False, True])
def test_wilsons_interval_of_the_raw_share_is_by_questions(clustered):
    """Two judges: each item is one pair, so that without questions it is Wilson's with a t quantile for so many items."""
    item, judge, value = make_random(80, 2, 3, missing=0)
    question = item // 4 if clustered else item
    table = agree(item, judge, value, values=3, tie=1, cluster=question if clustered else None)
    equal = (value[judge == 0] == value[judge == 1]).astype(float)
    means = clustered_means(np.zeros(80, int), question[judge == 0], value=equal, groups=1)
    low, high = share_interval(means, level=0.95)
    assert (table.raw_low, table.raw_high) == (pytest.approx(low[0]), pytest.approx(high[0]))
    assert table.decided_low < table.raw_decided < table.decided_high
    assert table.clusters == (20 if clustered else 80)


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_the_pairwise_table_is_agree_of_each_two_judges(level):
    item, judge, value = make_random(90, 4, 3, missing=0.3)
    options = {"values": 3, "level": level, "tie": 1, "weights": "linear"}
    for pair in pairwise_table(item, judge, value, cluster=item // 3, **options):
        mine = (judge == pair.first) | (judge == pair.second)
        alone = agree(item[mine], judge[mine], value[mine], cluster=item[mine] // 3, **options)
        for name in alone.__slots__:
            if name not in ("low", "high"):
                assert getattr(pair.agreement, name) == pytest.approx(getattr(alone, name), abs=1e-12)
        assert [pair.agreement.low, pair.agreement.high] == pytest.approx([alone.low, alone.high], abs=0.02)


@quick
@given(lists, lists)
def test_two_sets_of_items_have_the_pairs_of_both(one, other):
    whole, first, second = (agree(*make_votes(*drawn), values=4) for drawn in (one + other, one, other))
    assert (whole.n, whole.pairs) == (first.n + second.n, first.pairs + second.pairs)
    equal = [table.raw * table.pairs for table in (whole, first, second) if table.pairs]
    assert equal[:1] == pytest.approx([sum(equal[1:])] if equal else [])


@quick
@given(lists, st.permutations(range(3)))
def test_which_judge_gave_which_vote_does_not_matter_to_alpha(drawn, names):
    exchanged = [[votes[k] for k in names] if i % 2 else votes for i, votes in enumerate(drawn)]
    plain, mixed = agree(*make_votes(*drawn), values=4), agree(*make_votes(*exchanged), values=4)
    assert (mixed.alpha, mixed.raw, mixed.fleiss) == (
        *(pytest.approx(plain.alpha), pytest.approx(plain.raw), pytest.approx(plain.fleiss)),
    )


def test_the_pairwise_table_has_each_two_judges_once_over_what_they_share():
    item, judge, value = make_votes([0, 0, None], [1, 1, None], [0, 1, None], [None, 1, 1], [None, 0, 1])
    table = pairwise_table(item, judge, value, values=2, cluster=item)
    assert [(row.first, row.second, row.agreement.n) for row in table] == [(0, 1, 3), (0, 2, 0), (1, 2, 2)]
    assert table[0].agreement.raw == pytest.approx(2 / 3)
    assert table[1].agreement.note == NO_PAIRS
