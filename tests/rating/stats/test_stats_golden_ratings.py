"""Ratings against golden numbers made with evalica, FastChat, arena-rank and scikit-learn."""

import csv

import numpy as np
import pytest

from rating.stats import (
    DISCONNECTED,
    NO_SPREAD,
    SEPARATED,
    Battles,
    ImpossibleInput,
    counts,
    fit,
    fraction_matrix,
    mean_rates,
    online_elo,
    rank_ranges,
    win_rates,
)

VALUE = {"model_a": 1, "model_b": -1, "tie": 0}


@pytest.fixture(scope="module")
def synthetic(gold, shared):
    """20,000 battles of 12 models, and golden values by name as arrays in the same order of models."""
    golden = gold("synthetic20k.json")
    names = golden["models"]
    with (shared / "gold" / "synthetic20k.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    first, second = ([names.index(row[side]) for row in rows] for side in ("model_a", "model_b"))
    battles = Battles(first, second, [VALUE[row["winner"]] for row in rows], range(len(rows)))
    return battles, lambda name: np.array([golden[name][model] for model in names])


def test_strengths_and_ratings_hold_to_the_digits_given(synthetic):
    battles, golden = synthetic
    board = fit(battles, 12, clustered=False)
    assert board.notes == ()
    assert board.strength == pytest.approx(golden("bt_mle_theta"), abs=2e-12)
    assert board.rating == pytest.approx(golden("bt_mle_elo"), abs=2e-9)


def test_sandwich_intervals_hold_to_the_digits_given(synthetic):
    battles, golden = synthetic
    board = fit(battles, 12, clustered=False)
    interval = golden("bt_sandwich_ci95_elo")
    assert board.low == pytest.approx(interval[:, 0], abs=2e-9)
    assert board.high == pytest.approx(interval[:, 1], abs=2e-9)
    variance = np.diag(board.covariance)
    to_first = np.sqrt(variance + variance[0] - 2 * board.covariance[0]) * 400 / np.log(10)
    assert to_first == pytest.approx(golden("bt_sandwich_se_diff_to_first_model"), abs=2e-9)


def test_ranks_of_differences_are_never_wider_than_ranks_of_separate_intervals(synthetic):
    battles, golden = synthetic
    ranks = rank_ranges(fit(battles, 12, clustered=False))
    assert (ranks.low >= golden("rank_ub_from_sandwich")).all()
    assert (ranks.rank == np.argsort(np.argsort(-golden("bt_mle_elo"))) + 1).all()


@pytest.mark.parametrize("k", [4, 32])
def test_online_elo_holds_to_the_digits_given(synthetic, k):
    battles, golden = synthetic
    assert online_elo(battles, 12, k=k) == pytest.approx(golden(f"elo_online_k{k}"), abs=2e-9)


def test_win_rates_hold_to_the_digits_given(synthetic):
    battles, golden = synthetic
    rates = win_rates(battles, 12)
    assert rates.win_rate == pytest.approx(golden("win_rate_ties_half"), abs=1e-10)
    assert rates.mean_rate == pytest.approx(golden("average_win_rate_ties_half"), abs=1e-10)
    without = mean_rates(fraction_matrix(counts(battles, 12), ties=False))
    assert without == pytest.approx(golden("average_win_rate_no_ties"), abs=1e-10)
    for name in ("wins", "ties", "losses"):
        assert (getattr(rates, name) == golden(name)).all()
    assert (rates.n == golden("games")).all()


def make_case(case):
    names = sorted({name for a, b, *_ in case["battles"] for name in (a, b)})
    rows = [
        (names.index(a), names.index(b), VALUE[winner]) for a, b, winner, times in case["battles"] for _ in range(times)
    ]
    first, second, value = zip(*rows, strict=True)
    return Battles(first, second, value, range(len(rows))), len(names)


NOTED = {
    "all_win_model": (SEPARATED,),
    "all_lose_model": (SEPARATED,),
    "weak_not_strong": (SEPARATED,),
    "single_battle": (SEPARATED,),
    "disconnected": (DISCONNECTED,),
    "only_ties": (NO_SPREAD,),
    "two_models_7_3": (),
}


@pytest.mark.parametrize("name", NOTED)
def test_what_the_engines_disagree_on_gets_a_named_note_and_a_sane_number(gold, name):
    board = fit(*make_case(gold("edge_cases.json")[name]), clustered=False)
    assert board.notes == NOTED[name]
    assert ((board.rating > 400) & (board.rating < 1800)).all()
    assert (board.high - board.low > 60).all()


def test_the_edge_cases_that_have_an_answer_have_that_answer(gold):
    cases = gold("edge_cases.json")
    for name, engine in (("disconnected", "fastchat"), ("two_models_7_3", "own_newton_L2=0.0")):
        golden = cases[name][engine].get("elo", cases[name][engine])
        board = fit(*make_case(cases[name]), clustered=False)
        assert board.rating == pytest.approx([golden[model] for model in sorted(golden)], abs=1e-3)


def test_a_model_against_itself_is_refused_where_engines_skip_it(gold):
    with pytest.raises(ImpossibleInput, match="against itself"):
        make_case(gold("edge_cases.json")["self_battle"])
