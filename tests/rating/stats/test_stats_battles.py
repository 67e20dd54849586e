"""What may be a battle, and how battles become counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import Battles, ImpossibleInput, StatsError, counts

quick = settings(max_examples=60, database=None)


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


@pytest.mark.parametrize("width", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32, np.uint64])
def test_integer_columns_of_any_width_give_the_same_counts(width):
    random = np.random.default_rng(1)
    first = random.integers(0, 100, 3000)
    second, value = (first + random.integers(1, 100, 3000)) % 100, random.integers(-2, 3, 3000)
    narrow = Battles(first.astype(width), second.astype(width), value.astype(np.int8), np.arange(3000))
    wide = Battles(first, second, value.astype(float), np.arange(3000))
    for name in ("wins", "games", "ties", "squares"):
        assert (getattr(counts(narrow, 101), name) == getattr(counts(wide, 101), name)).all()


def test_signed_columns_are_kept_and_not_copied():
    first, second = np.zeros(4, dtype=np.int16), np.ones(4, dtype=np.int8)
    value, cluster = np.ones(4, dtype=np.int8), np.arange(4, dtype=np.int32)
    battles = Battles(first, second, value, cluster)
    assert battles.first is first
    assert battles.second is second
    assert battles.value is value
    assert battles.cluster is cluster


@pytest.mark.parametrize("value", [np.array([0, -3], dtype=np.int8), np.array([1, -128], dtype=np.int8), [0.5, -2.25]])
def test_a_value_out_of_range_is_named_with_its_row(value):
    with pytest.raises(ImpossibleInput, match=r"value -\d+(\.25)? at row 1 is outside -2\.\.2"):
        Battles([0, 0], [1, 1], value, [0, 1])


@pytest.mark.parametrize("value", [1, 0.25])
@pytest.mark.parametrize("models", [3, 900])
def test_a_model_against_itself_is_found_whether_or_not_the_table_is_small(value, models):
    with pytest.raises(ImpossibleInput, match="against itself at row 2"):
        make_battles((0, 1, value), (1, models - 1, 1), (models - 1, models - 1, value))


def test_a_table_larger_than_its_columns_is_not_kept_and_the_counts_are_the_same():
    few, many = make_battles((0, 1, 1), (1, 2, -2), (2, 0, 0)), make_battles((0, 1, 1), (1, 899, -2), (899, 0, 0))
    assert few.is_whole
    assert not many.is_whole
    small, large = counts(few, 3), counts(many, 900)
    seen = np.ix_([0, 1, 899], [0, 1, 899])
    for name in ("wins", "games", "ties", "squares"):
        assert (getattr(large, name)[seen] == getattr(small, name)).all()
        assert getattr(large, name).sum() == getattr(small, name).sum()


def test_weights_are_repeats_where_they_are_whole():
    random = np.random.default_rng(2)
    rows = [
        (a, (a + 1) % 3, v) for a, v in zip(random.integers(0, 3, 50), random.choice([-1, 0, 0.3, 1], 50), strict=True)
    ]
    times = random.integers(0, 4, 50)
    weighted = counts(make_battles(*rows), 3, weight=times.astype(float))
    repeated = counts(make_battles(*(row for row, k in zip(rows, times, strict=True) for _ in range(k))), 3)
    for name in ("wins", "games", "ties", "squares"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name))


def test_outright_wins_are_told_from_ties_but_not_from_shares():
    assert counts(make_battles((0, 1, 1), (1, 0, 2), (0, 1, 0)), 2).won().tolist() == [[0, 1], [1, 0]]
    with pytest.raises(ImpossibleInput, match="shares"):
        counts(make_battles((0, 1, 0.5)), 2).won()


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


@pytest.mark.parametrize("weight", [[1.0], [1.0, -1.0], [1.0, np.nan], [1.0, np.inf], [1e308, 1e308], [[1.0, 1.0]]])
def test_weights_that_cannot_be_are_refused(weight):
    with pytest.raises(ImpossibleInput, match="weight|length"):
        counts(make_battles((0, 1, 1), (1, 0, 1)), 2, weight=np.array(weight))


@pytest.mark.parametrize("value", [[True, False], np.array([False])])
def test_true_and_false_are_no_preferences(value):
    with pytest.raises(ImpossibleInput, match="value must be preferences -2..2, not bool"):
        Battles([0] * len(value), [1] * len(value), value, range(len(value)))
