"""Which battles there are, and which side comes first."""

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.pairing import against, all_pairs, are_connected, shown_swapped, sparse_pairs


def test_every_model_meets_the_baseline_and_the_baseline_not_itself():
    assert against("base", ["x", "base", "y", "x"]) == [("x", "base"), ("y", "base")]


def test_a_baseline_alone_has_nobody_to_meet():
    assert against(1, [1]) == []


def test_all_pairs_keep_the_order_given():
    assert all_pairs(["c", "a", "b", "a"]) == [("c", "a"), ("c", "b"), ("a", "b")]


@given(st.sets(st.integers(), max_size=12))
def test_n_models_give_every_unordered_pair_once(models):
    pairs = all_pairs(sorted(models))
    assert len(pairs) == len({frozenset(pair) for pair in pairs}) == len(models) * (len(models) - 1) // 2


@pytest.mark.parametrize("kind", [int, str, lambda n: UUID(int=n), lambda n: (n, "x")])
def test_the_coin_is_fair_for_every_kind_of_id(kind):
    heads = sum(shown_swapped(7, kind(n), "ann") for n in range(4000))
    assert abs(heads - 2000) < 4 * (4000 * 0.25) ** 0.5


def test_the_coin_falls_the_same_way_again_and_another_seed_is_another_coin():
    first = [shown_swapped("run 1", n) for n in range(200)]
    assert first == [shown_swapped("run 1", n) for n in range(200)]
    assert first != [shown_swapped("run 2", n) for n in range(200)]


def test_the_coin_is_the_same_on_every_machine():
    assert [shown_swapped(1, "a", n) for n in range(12)] == [bool(int(bit)) for bit in "001001010100"]


def test_where_one_id_ends_and_the_next_begins_matters():
    assert any(shown_swapped(0, f"a{n}", "b") != shown_swapped(0, f"a{n}b") for n in range(20))


designs = given(n=st.integers(2, 11), questions=st.integers(0, 70), each=st.integers(1, 12), seed=st.integers(0, 99))


@designs
def test_a_question_has_so_many_different_pairs_or_all(n, questions, each, seed):
    design = sparse_pairs(tuple(range(n)), questions, each=each, seed=seed)
    wanted = min(each, n * (n - 1) // 2)
    assert [len({frozenset(pair) for pair in pairs}) for pairs in design] == [wanted] * questions
    assert all(one != other for pairs in design for one, other in pairs)


@designs
def test_pairs_and_models_come_equally_often(n, questions, each, seed):
    design = sparse_pairs(tuple(range(n)), questions, each=each, seed=seed)
    met = [frozenset(pair) for pairs in design for pair in pairs]
    of_pairs = Counter({frozenset(pair): 0 for pair in all_pairs(range(n))}) + Counter(met)
    counts = [of_pairs[frozenset(pair)] for pair in all_pairs(range(n))]
    assert max(counts) - min(counts) <= 1
    of_models = Counter(model for pair in met for model in pair)
    counts = [of_models[model] for model in range(n)]
    assert max(counts) - min(counts) <= 4


@designs
def test_as_many_pairs_as_can_connect_all_models_do(n, questions, each, seed):
    design = sparse_pairs(tuple(range(n)), questions, each=each, seed=seed)
    met = [pair for pairs in design for pair in pairs]
    assert are_connected(range(n), met) == (len(met) >= n - 1)


@designs
def test_a_further_question_changes_nothing_before_it(n, questions, each, seed):
    models = tuple(range(n))
    longer = sparse_pairs(models, questions + 5, each=each, seed=seed)
    assert longer[:questions] == sparse_pairs(models, questions, each=each, seed=seed)


def test_another_seed_is_another_design_and_no_pair_keeps_to_every_third_question():
    designs = [sparse_pairs((1, 2, 3), 30, each=1, seed=seed) for seed in range(20)]
    assert len(set(designs)) > 1
    assert all(len(set(design[kind::3])) > 1 for design in designs for kind in range(3))


def test_two_pairs_that_share_no_model_are_not_connected():
    assert (
        not are_connected("abcd", ["ab", "cd"]) and are_connected("abcd", ["ab", "cd", "da"]) and are_connected("a", [])
    )
