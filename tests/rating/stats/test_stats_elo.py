"""Online Elo: one step by hand, the published LMSYS table, and what shuffling shows."""

import json

import numpy as np
import pytest

from rating.stats import Battles, ImpossibleInput, counts, elo, online_elo, shuffled_elo

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


def make_arena(n, models, *, seed=0, rare=0, parts=1):
    """n battles of `models` models; the last one has `rare` battles where that is above 0."""
    random = np.random.default_rng(seed)
    usual = models - (rare > 0)
    first = random.integers(0, usual, n)
    step = parts * random.integers(1, usual // parts, n)
    second = (first + step) % usual
    if rare:
        first[-rare:] = usual
    strength = random.normal(0, 1, models)
    value = np.where(random.random(n) < 1 / (1 + np.exp(strength[second] - strength[first])), 1, -1)
    return Battles(first, second, value, np.arange(n))


RISE = 10 ** (1 / 400)


def make_tails(battles, models, *, shuffles=5, k=32.0):
    random = np.random.default_rng(1)
    return elo._tails(battles, models, battles.share(), random, shuffles=shuffles, k=k, rise=RISE, initial=1000.0)


@pytest.mark.parametrize("k", [32.0, 64.0])
def test_the_last_battles_of_an_order_decide_as_the_whole_order_does(k):
    battles, random = make_arena(30_000, 10), np.random.default_rng(3)
    start, length = elo._start_and_length(counts(battles, 10), k=k, rise=RISE, initial=1000.0)
    assert 2 * length <= len(battles)
    for _ in range(4):
        order = random.permutation(len(battles))
        whole = online_elo(
            Battles(*(getattr(battles, name)[order] for name in ("first", "second", "value", "cluster"))), 10, k=k
        )
        tail = start[None, None, :].copy()
        elo._walk_together(tail, battles, battles.share(), order[-length:, None], k=k, rise=RISE)
        assert tail[0, 0] == pytest.approx(whole, abs=0.01)


def test_many_orders_walked_together_are_the_walks_one_by_one():
    battles, random = make_arena(2500, 7), np.random.default_rng(4)
    orders = np.stack([random.permutation(2500) for _ in range(6)], axis=1)
    ratings = np.stack([np.full((6, 7), 1000.0), np.full((6, 7), 900.0)])
    elo._walk_together(ratings, battles, battles.share(), orders, k=24.0, rise=RISE)
    for column in range(6):
        order = orders[:, column]
        rows = Battles(*(getattr(battles, name)[order] for name in ("first", "second", "value", "cluster")))
        for start, walked in zip((1000, 900), ratings, strict=True):
            assert walked[column] == pytest.approx(online_elo(rows, 7, k=24, initial=start), abs=1e-8)


def test_the_spread_over_tails_is_that_over_whole_orders(monkeypatch):
    """Of two independent samples of 200 orders, medians differ by about 0.13, widths by about a tenth of the spread."""
    battles = make_arena(12_000, 6)
    short = shuffled_elo(battles, 6, shuffles=200)
    monkeypatch.setattr(elo, "_tails", lambda *columns, **settings: None)
    whole = shuffled_elo(battles, 6, shuffles=200, seed=1)
    deviation = (whole.high - whole.low) / 3.92
    assert np.abs((short.median - whole.median) / deviation).max() < 0.55
    assert np.log((short.high - short.low) / (whole.high - whole.low)) == pytest.approx(np.zeros(6), abs=0.35)


@pytest.mark.parametrize(
    "battles",
    [make_arena(3000, 60), make_arena(20_000, 8, rare=12), make_arena(20_000, 8, parts=2)],
    ids=["few", "rare", "parts"],
)
def test_where_the_end_of_an_order_does_not_decide_orders_are_walked_whole(battles):
    assert make_tails(battles, 60) is None


def test_tails_that_still_feel_the_start_are_made_longer(monkeypatch):
    battles = make_arena(20_000, 6)
    plan, lengths = elo._start_and_length, []
    monkeypatch.setattr(elo, "_start_and_length", lambda *columns, **settings: (plan(*columns, **settings)[0], 20))
    walk = elo._walk_together
    monkeypatch.setattr(
        elo,
        "_walk_together",
        lambda *columns, **settings: (lengths.append(len(columns[3])), walk(*columns, **settings)),
    )
    assert make_tails(battles, 6) is not None
    assert lengths[:3] == [20, 40, 80]
    assert lengths[-1] > 200


def test_orders_in_small_groups_are_as_good(monkeypatch):
    battles = make_arena(20_000, 6)
    monkeypatch.setattr(elo, "_MOST_STEPS", 30_000)
    tails = make_tails(battles, 6, shuffles=40)
    assert tails.shape == (40, 6)
    assert np.unique(tails[:, 0]).size == 40
    assert tails.mean(axis=1) == pytest.approx(np.full(40, 1000.0))


def test_a_model_without_battles_stays_without_rating_in_tails():
    spread = shuffled_elo(make_arena(20_000, 6), 7, shuffles=4)
    assert np.isnan(spread.median[6])
    assert not np.isnan(spread.median[:6]).any()
