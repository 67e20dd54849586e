"""Which battles there are, and which side comes first."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.pairing import against, all_pairs, shown_swapped


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
