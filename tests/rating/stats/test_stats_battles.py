"""What may be a battle, and how battles become counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import Battles, ImpossibleInput, StatsError, counts

quick = settings(deadline=None, max_examples=60, database=None)


def make_battles(*rows, cluster=None):
    first, second, value = zip(*rows, strict=True) if rows else ((), (), ())
    return Battles(first, second, value, range(len(rows)) if cluster is None else cluster)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([(0, 0, 1)], "against itself at row 0"),
        ([(0, 1, 1), (0, 1, float("nan"))], "NaN or infinity at row 1"),
        ([(0, 1, 2.5)], "outside -2..2"),
        ([(0, 1, float("inf"))], "NaN or infinity"),
        ([(-1, 1, 1)], "first holds a negative number at row 0"),
        ([(0.5, 1, 1)], "first must be whole numbers"),
        ([(0, 1, "tie")], "value must be numbers"),
    ],
)
def test_a_battle_that_cannot_be_is_an_error_with_its_row(rows, says):
    with pytest.raises(ImpossibleInput, match=says):
        make_battles(*rows)


def test_columns_of_unequal_length_are_an_error():
    with pytest.raises(ImpossibleInput, match="unequal length"):
        Battles([0, 1], [1], [1.0], [0])


def test_columns_of_two_dimensions_are_an_error():
    with pytest.raises(ImpossibleInput, match="one dimension"):
        Battles([[0]], [1], [1.0], [0])


def test_a_model_out_of_range_is_an_error():
    with pytest.raises(ImpossibleInput, match=r"second holds 5 at row 0; only 0\.\.2 can be"):
        counts(make_battles((0, 5, 1)), 3)


@pytest.mark.parametrize("models", [0, 100_000])
def test_no_models_and_far_too_many_are_refused_by_name(models):
    with pytest.raises(ImpossibleInput, match="can be rated together"):
        counts(make_battles((0, 1, 1)), models)


def test_every_error_is_one_family():
    assert issubclass(ImpossibleInput, StatsError)


def test_a_tie_is_half_a_win_for_each_and_much_better_counts_as_better():
    table = counts(make_battles((0, 1, 2), (1, 0, -1), (0, 1, 0), (0, 1, -2)), 3)
    assert table.wins[0, 1] == 2.5
    assert table.wins[1, 0] == 1.5
    assert table.games[0, 1] == table.games[1, 0] == 4
    assert table.ties[0, 1] == table.ties[1, 0] == 1
    assert table.games[2].sum() == 0


def test_a_probability_is_that_share_of_a_win():
    table = counts(make_battles((0, 1, 2 * 0.8 - 1)), 2)
    assert table.wins[0, 1] == pytest.approx(0.8)
    assert table.squares[0, 1] == pytest.approx(0.64)
    assert table.squares[1, 0] == pytest.approx(0.04)
    assert table.ties.sum() == 0


rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from([-2, -1, -0.4, 0, 0.25, 1, 2])), max_size=40
).map(lambda drawn: [(a, (a + step) % 4, value) for a, step, value in drawn])


@quick
@given(rows)
def test_swapping_both_answers_and_the_sign_changes_no_count(drawn):
    plain, swapped = make_battles(*drawn), make_battles(*[(b, a, -v) for a, b, v in drawn])
    for name in ("wins", "games", "ties", "squares"):
        np.testing.assert_allclose(getattr(counts(plain, 4), name), getattr(counts(swapped, 4), name), atol=1e-12)


@quick
@given(rows)
def test_wins_of_both_sides_are_the_games(drawn):
    table = counts(make_battles(*drawn), 4)
    np.testing.assert_allclose(table.wins + table.wins.T, table.games, atol=1e-12)


@quick
@given(rows)
def test_counts_of_two_parts_add_up(drawn):
    cut = len(drawn) // 3
    whole, head, tail = (counts(make_battles(*part), 4) for part in (drawn, drawn[:cut], drawn[cut:]))
    np.testing.assert_allclose(whole.wins, head.wins + tail.wins, atol=1e-12)
    np.testing.assert_allclose(whole.squares, head.squares + tail.squares, atol=1e-12)
