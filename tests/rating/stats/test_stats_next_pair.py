"""The next pair: what one more battle would tell about ranks that are not clear."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import Battles, ImpossibleInput, counts, fit
from rating.stats.next_pair import next_pairs, next_pairs_by_category

POINTS = 400 / np.log(10)
quick = settings(max_examples=25, database=None)


def make_board(seed=0, n=300, models=5, *, clustered=True):
    random = np.random.default_rng(seed)
    strength = random.normal(0, 0.8, models)
    first = random.integers(0, models, n)
    second = (first + random.integers(1, models, n)) % models
    value = np.where(random.random(n) < 1 / (1 + np.exp(strength[second] - strength[first])), 1, -1)
    return fit(Battles(first, second, value, random.integers(0, 60, n)), models, clustered=clustered)


def make_known(strength, covariance):
    """A board with these strengths and this covariance, for t quantiles of the normal."""
    m = len(strength)
    return replace(
        make_board(models=m, clustered=False),
        strength=np.asarray(strength, dtype=float),
        covariance=np.asarray(covariance, dtype=float),
        freedom=np.full(m, np.inf),
        component=np.zeros(m, dtype=np.int64),
    )


def unclear(board):
    order = np.argsort(-board.strength)
    pairs = list(zip(order[:-1], order[1:], strict=True))

    def sure(a, b):
        variance = board.covariance[a, a] + board.covariance[b, b] - 2 * board.covariance[a, b]
        return board.strength[a] - board.strength[b] > 1.959963984540054 * np.sqrt(variance)

    return [pair for pair in pairs if not sure(*pair)] or pairs


def test_the_gain_is_the_variance_lost_when_the_information_of_one_battle_is_added():
    board = make_board(clustered=False)
    found = next_pairs(board, most=100)
    # an invertible covariance with the same differences
    whole = board.covariance + np.ones((5, 5))
    assert found.first.size == 10
    for i, j, gain in zip(found.first, found.second, found.gain, strict=True):
        side = (np.arange(5) == i) * 1.0 - (np.arange(5) == j)
        chance = 1 / (1 + np.exp(-side @ board.strength))
        after = np.linalg.inv(np.linalg.inv(whole) + chance * (1 - chance) * np.outer(side, side))
        lost = 0.0
        for a, b in unclear(board):
            x = (np.arange(5) == a) * 1.0 - (np.arange(5) == b)
            lost += x @ (whole - after) @ x
        assert gain == pytest.approx(lost * POINTS**2)


def test_the_best_comes_first():
    found = next_pairs(make_board(), most=100)
    assert (np.diff(found.gain) <= 1e-6).all()
    assert (found.first < found.second).all()
    assert not found.links.any()
    assert (found.category == 0).all()


def test_two_that_cannot_be_told_apart_meet_before_two_that_are_clear():
    covariance = np.full((4, 4), -0.01 / 3)
    np.fill_diagonal(covariance, 0.01)
    found = next_pairs(make_known([3.0, 0.05, -0.05, -3.0], covariance))
    assert (found.first[0], found.second[0]) == (1, 2)


def test_where_all_is_clear_neighbours_are_made_clearer():
    covariance = np.full((3, 3), -0.0005)
    np.fill_diagonal(covariance, 0.001)
    found = next_pairs(make_known([1.0, 0.0, -1.0], covariance))
    assert (found.gain > 0).all()
    assert {(0, 1), (1, 2)} == set(zip(found.first[:2].tolist(), found.second[:2].tolist(), strict=True))


def test_the_least_known_model_is_asked_for():
    battles = Battles([0, 1, 0] * 60 + [0, 3] * 4, [1, 2, 2] * 60 + [3, 1] * 4, [1, -1] * 90 + [1, -1] * 4, range(188))
    found = next_pairs(fit(battles, 4))
    assert found.second[0] == 3


def test_parts_that_never_met_are_linked_first_by_their_best_known_models():
    battles = Battles([0] * 40 + [0] * 4 + [3] * 10, [1] * 40 + [2] * 4 + [4] * 10, [1, -1] * 27, np.arange(54))
    found = next_pairs(fit(battles, 6), most=100)
    assert found.links[: 6 + 5].all()
    assert not found.links[11:].any()
    assert np.isinf(found.gain[:11]).all()
    assert {found.first[0], found.second[0]} <= {0, 3, 4}
    assert np.isfinite(found.gain[11:]).all()


def test_a_model_without_battles_is_a_part_of_its_own():
    board = fit(Battles([0, 0, 1, 0], [1, 1, 0, 1], [1, -1, 1, -1], range(4)), 3)
    found = next_pairs(board)
    assert found.links.tolist() == [True, True, False]
    assert (found.second[:2] == 2).all()


def test_only_the_models_asked_for_are_paired():
    found = next_pairs(make_board(), among=[4, 1, 3], most=100)
    assert set(found.first) | set(found.second) == {1, 3, 4}
    assert found.first.size == 3
    assert next_pairs(make_board(), among=[2]).first.size == 0


def test_without_an_interval_every_difference_is_unclear():
    battles = Battles([0, 1, 0] * 10, [1, 2, 2] * 10, [1, -1] * 15, [0] * 30)
    assert next_pairs(fit(battles, 3)).first.size == 3


@quick
@given(st.integers(0, 1000), st.permutations(range(5)))
def test_renaming_the_models_renames_the_pairs(seed, names):
    board, names = make_board(seed=seed), np.array(names)
    back = np.argsort(names)
    renamed = replace(
        board,
        strength=board.strength[back],
        covariance=board.covariance[np.ix_(back, back)],
        freedom=board.freedom[back],
        component=board.component[back],
    )
    plain, other = next_pairs(board, most=100), next_pairs(renamed, most=100)
    gains = {frozenset((names[i], names[j])): g for i, j, g in zip(plain.first, plain.second, plain.gain, strict=True)}
    for i, j, gain in zip(other.first, other.second, other.gain, strict=True):
        assert gain == pytest.approx(gains[frozenset((i, j))])


def test_one_category_with_all_battles_is_the_board_of_independent_battles():
    random = np.random.default_rng(3)
    first = random.integers(0, 5, 400)
    battles = Battles(first, (first + 1 + random.integers(0, 4, 400)) % 5, random.choice([-1, 1], 400), range(400))
    table, board = counts(battles, 5), fit(battles, 5, clustered=False)
    # squared residuals and their expectation differ a little: take the expectation on both sides
    chance = 1 / (1 + np.exp(board.strength[None, :] - board.strength[:, None]))
    weight = table.games * chance * chance.T
    inverse = np.linalg.inv(np.diag(weight.sum(axis=1)) - weight + 1.0) - 1 / 25
    whole = next_pairs(replace(board, covariance=inverse), most=100)
    found = next_pairs_by_category(board, [table.games], most=100)
    assert found.gain == pytest.approx(whole.gain)
    assert (found.first == whole.first).all()


def test_the_category_with_fewer_battles_comes_first():
    board = make_board(clustered=False)
    games = 10.0 * (1 - np.eye(5))
    found = next_pairs_by_category(board, [games * 10, games], most=200)
    assert found.category[0] == 1
    assert found.first.size == 20
    assert next_pairs_by_category(board, []).first.size == 0


def test_a_category_in_parts_is_linked_first():
    board = make_board(clustered=False)
    apart = np.zeros((5, 5))
    apart[0, 1] = apart[1, 0] = apart[2, 3] = apart[3, 2] = 8.0
    found = next_pairs_by_category(board, [10.0 * (1 - np.eye(5)), apart], most=200)
    assert (found.category[found.links] == 1).all()
    assert found.links[:8].all()
    assert found.links.sum() == 8


def test_bad_input_is_refused_by_name():
    board = make_board()
    with pytest.raises(ImpossibleInput, match="symmetric"):
        next_pairs_by_category(board, [np.eye(4)])
    with pytest.raises(ImpossibleInput, match="symmetric"):
        next_pairs_by_category(board, [np.triu(np.ones((5, 5)), 1)])
    with pytest.raises(ImpossibleInput, match="at least 1"):
        next_pairs(board, most=0)
    with pytest.raises(ImpossibleInput, match="among"):
        next_pairs(board, among=[9])


@quick
@given(st.integers(0, 9999), st.integers(1, 60))
def test_the_first_ones_are_the_beginning_of_all(seed, most):
    random = np.random.default_rng(seed)
    tables = []
    for links in random.choice([0.1, 0.4, 1.0], 3):
        half = np.triu(random.integers(1, 3, (6, 6)) * (random.random((6, 6)) < links), 1)
        tables.append((half + half.T).astype(float))
    board = make_board(seed, models=6, clustered=False)
    whole, some = (next_pairs_by_category(board, tables, most=k) for k in (1000, most))
    assert whole.first.size == 45
    for name in ("first", "second", "gain", "links", "category"):
        assert (getattr(some, name) == getattr(whole, name)[:most]).all()


def test_many_models_in_many_categories_need_no_table_of_all_their_pairs():
    board = make_board(models=5, clustered=False)
    many = 500
    board = replace(
        board,
        strength=np.zeros(many),
        covariance=np.zeros((many, many)),
        freedom=np.full(many, np.inf),
        component=np.zeros(many, dtype=np.int64),
    )
    nothing = np.zeros((many, many))
    tracemalloc.start()
    found = next_pairs_by_category(board, [nothing] * 6, most=20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.first.size == 20
    assert (found.category == 0).all()
    assert found.second.tolist() == list(range(1, 21))
    all_pairs = 6 * many * (many - 1) // 2 * 5 * 8
    assert peak < all_pairs
