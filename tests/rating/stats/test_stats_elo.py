"""Online Elo: one step by hand, the published LMSYS table, and what shuffling shows."""

import json

import numpy as np
import pytest

from rating.stats import Battles, ImpossibleInput, online_elo, shuffled_elo

# Chatbot Arena, 2023-05-03 (https://lmsys.org/blog/2023-05-03-arena/): first and last to two digits, the blog cuts the rest
PUBLISHED = {
    "vicuna-13b": 1169.46,
    "koala-13b": 1082,
    "oasst-pythia-12b": 1065,
    "alpaca-13b": 1008,
    "chatglm-6b": 985,
    "fastchat-t5-3b": 951,
    "dolly-v2-12b": 944,
    "llama-13b": 932,
    "stablelm-tuned-alpha-7b": 858.95,
}


def make_battles(*rows):
    first, second, value = zip(*rows, strict=True) if rows else ((), (), ())
    return Battles(first, second, value, range(len(rows)))


def make_lmsys(shared, *, key=None):
    rows = json.loads((shared / "data" / "lmsys" / "battles_2023.json").read_text(encoding="utf-8"))
    rows = sorted((row for row in rows if row["anony"]), key=key or (lambda row: 0))
    names = sorted({row["model_a"] for row in rows})
    value = {"model_a": 1, "model_b": -1, "tie": 0, "tie (bothbad)": 0}
    battles = make_battles(
        *((names.index(row["model_a"]), names.index(row["model_b"]), value[row["win"]]) for row in rows)
    )
    return battles, names


def test_a_win_between_equals_moves_half_of_k():
    assert online_elo(make_battles((0, 1, 1)), 2).tolist() == [1016, 984]


def test_the_second_win_moves_less():
    rating = online_elo(make_battles((0, 1, 1), (0, 1, 1)), 2)
    assert rating[0] == pytest.approx(1016 + 32 * (1 - 1 / (1 + 10 ** (-32 / 400))))


def test_a_tie_between_equals_moves_nothing():
    assert online_elo(make_battles((0, 1, 0)), 2).tolist() == [1000, 1000]


def test_points_are_neither_made_nor_lost():
    random = np.random.default_rng(3)
    first = random.integers(0, 4, 500)
    battles = Battles(first, (first + random.integers(1, 4, 500)) % 4, random.choice([-1, 0, 1], 500), range(500))
    assert online_elo(battles, 4, k=64).mean() == pytest.approx(1000)


def test_the_order_matters():
    forth = online_elo(make_battles((0, 1, 1), (1, 2, 1), (0, 1, -1)), 3)
    back = online_elo(make_battles((0, 1, -1), (1, 2, 1), (0, 1, 1)), 3)
    assert not np.allclose(forth, back)


def test_a_model_without_battles_has_no_rating():
    assert np.isnan(online_elo(make_battles((0, 2, 1)), 3)[1])
    assert np.isnan(shuffled_elo(make_battles((0, 2, 1)), 3, shuffles=3).median[1])


@pytest.mark.parametrize("bad", [{"k": 0}, {"k": 500}, {"scale": -1}, {"base": 1}, {"k": float("nan")}])
def test_settings_that_cannot_be_are_errors(bad):
    with pytest.raises(ImpossibleInput, match="cannot be"):
        online_elo(make_battles((0, 1, 1)), 2, **bad)


def test_the_published_lmsys_table_is_reproduced_in_time_order(shared):
    battles, names = make_lmsys(shared, key=lambda row: row["tstamp"])
    assert len(battles) == 4689
    rating = dict(zip(names, online_elo(battles, len(names)), strict=True))
    assert round(rating["vicuna-13b"], 2) == 1169.46
    assert round(rating["stablelm-tuned-alpha-7b"], 2) == 858.95
    assert {name: int(points) for name, points in rating.items()} == {n: int(p) for n, p in PUBLISHED.items()}


def test_shuffling_the_lmsys_battles_shows_how_much_the_order_decides(shared):
    battles, names = make_lmsys(shared)
    spread = shuffled_elo(battles, len(names), shuffles=60)
    assert (spread.low < spread.median).all()
    assert (spread.median < spread.high).all()
    assert 30 < np.mean(spread.high - spread.low) / 2 < 80


def test_the_same_seed_gives_the_same_numbers_and_another_does_not():
    random = np.random.default_rng(5)
    first = random.integers(0, 4, 200)
    battles = Battles(first, (first + random.integers(1, 4, 200)) % 4, random.choice([-1, 1], 200), range(200))
    once, again = shuffled_elo(battles, 4, shuffles=9, seed=4), shuffled_elo(battles, 4, shuffles=9, seed=4)
    assert (once.median == again.median).all()
    assert (once.low != shuffled_elo(battles, 4, shuffles=9, seed=5).low).any()


def test_shuffles_of_nothing_are_refused():
    with pytest.raises(ImpossibleInput, match="at least one"):
        shuffled_elo(make_battles((0, 1, 1)), 2, shuffles=0)
