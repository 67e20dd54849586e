"""Battles on which engines disagree: what ours says of each, by name, and that it is nothing any of them says wrongly."""

import numpy as np
import pytest

from rating.stats import (
    DISCONNECTED,
    NO_SPREAD,
    SEPARATED,
    Battles,
    ImpossibleInput,
    NotConverged,
    TooLittleData,
    counts,
    fit,
    rank_ranges,
    shuffled_elo,
    win_rates,
)
from rating.stats.bootstrap import bootstrap_counts
from rating.stats.ties import davidson

VALUE = {"model_a": 1, "model_b": -1, "tie": 0}
POINTS = 400 / np.log(10)
NOTED = {
    "all_win_model": (SEPARATED,),
    "all_lose_model": (SEPARATED,),
    "weak_not_strong": (SEPARATED,),
    "single_battle": (SEPARATED,),
    "disconnected": (DISCONNECTED,),
    "only_ties": (NO_SPREAD,),
    "two_models_7_3": (),
}
PARTED = [name for name, notes in NOTED.items() if SEPARATED in notes]


def make_case(case):
    """Battles of a golden case, their number of models, and the names in order."""
    names = sorted({name for a, b, *_ in case["battles"] for name in (a, b)})
    rows = [
        (names.index(a), names.index(b), VALUE[winner]) for a, b, winner, times in case["battles"] for _ in range(times)
    ]
    first, second, value = zip(*rows, strict=True)
    return Battles(first, second, value, range(len(rows))), len(names), names


@pytest.fixture
def case(gold):
    return lambda name: make_case(gold("edge_cases.json")[name])


@pytest.mark.parametrize("name", NOTED)
def test_what_the_engines_disagree_on_gets_a_named_note_and_a_sane_number(case, name):
    battles, models, _ = case(name)
    board = fit(battles, models, clustered=False)
    assert board.notes == NOTED[name]
    assert ((board.rating > 400) & (board.rating < 1800)).all()
    assert (board.high - board.low > 60).all()
    assert np.isfinite(board.covariance[board.component == 0][:, board.component == 0]).all()


@pytest.mark.parametrize("name", NOTED)
def test_clustered_by_battle_the_same_is_said(case, name):
    battles, models, _ = case(name)
    board = fit(battles, models)
    assert set(NOTED[name]) <= set(board.notes)
    assert board.rating == pytest.approx(fit(battles, models, clustered=False).rating)
    if name != "single_battle":  # on one question there is no interval
        assert (board.high - board.low > 60).all()


@pytest.mark.parametrize("name", PARTED)
def test_the_engines_disagree_by_hundreds_of_points_and_ours_is_none_of_them(gold, case, name):
    golden = gold("edge_cases.json")[name]
    battles, models, names = case(name)
    board = fit(battles, models, clustered=False)
    engines = [golden["evalica"]["elo"], golden["fastchat"], golden["arena_rank"]["ratings"]]
    said = np.array([[engine[model] for model in names] for engine in engines])
    assert np.ptp(said, axis=0).max() > 500
    assert (np.abs(said - board.rating).max(axis=1) > 30).all()


def test_a_model_that_won_all_is_first_with_an_interval_that_says_how_little_is_known(case):
    battles, models, names = case("all_win_model")
    board = fit(battles, models, clustered=False)
    best = names.index("A")
    assert board.rating.argmax() == best
    assert board.high[best] - board.low[best] > 300  # arena-rank prints ±0.005 points
    # each pair that met has half a tied battle more: odds of 10.25 to 0.25 against B alone bound the gap
    assert board.rating[best] - board.rating[names.index("B")] < POINTS * np.log(10.25 / 0.25)


def test_a_model_that_lost_all_is_last_and_the_rest_keeps_its_order(case):
    battles, models, names = case("all_lose_model")
    board = fit(battles, models, clustered=False)
    assert [names[model] for model in np.argsort(-board.rating)] == ["A", "B", "C"]
    assert board.high[2] - board.low[2] > 200


def test_winning_and_losing_are_mirror_images(case):
    battles, models, _ = case("all_win_model")
    turned = Battles(battles.first, battles.second, -battles.value, battles.cluster)
    board, mirror = (fit(rows, models, clustered=False) for rows in (battles, turned))
    assert mirror.rating - 1000 == pytest.approx(1000 - board.rating)
    assert mirror.high - mirror.low == pytest.approx(board.high - board.low)


@pytest.mark.parametrize("name", PARTED)
def test_insisting_on_no_prior_is_an_error_and_not_5300(case, name):
    battles, models, _ = case(name)
    with pytest.raises(NotConverged, match="infinite"):
        fit(battles, models, prior=0)


def test_the_ridge_that_was_printed_is_a_prior_by_another_name(gold):
    """One unit of ridge pulls as hard as pseudo-battles would: ours lies between no ridge and a strong one."""
    golden = gold("edge_cases.json")["all_win_model"]
    battles, models, names = make_case(golden)
    board = fit(battles, models, clustered=False)
    weak, strong = (golden[f"own_newton_L2={ridge}"]["elo"]["A"] for ridge in ("0.01", "1.0"))
    assert strong < board.rating[names.index("A")] < weak


def test_parts_that_never_met_have_the_ratings_of_each_on_its_own(gold):
    golden = gold("edge_cases.json")["disconnected"]
    battles, models, names = make_case(golden)
    board = fit(battles, models, clustered=False)
    assert board.component.tolist() == [0, 0, 1, 1]
    for engine in (golden["fastchat"], golden["arena_rank"]["ratings"]):
        assert board.rating == pytest.approx([engine[name] for name in names], abs=1e-3)
    assert np.isnan(board.covariance[:2, 2:]).all()
    assert rank_ranges(board).rank.tolist() == [1, 2, 2, 1]


def test_one_battle_links_two_pairs_but_says_little(case):
    """Five wins of A over C are all that links them: the engines' 1,900 to 3,400 points between A and C are not in the data."""
    battles, models, names = case("weak_not_strong")
    board = fit(battles, models, clustered=False)
    gap = board.rating[names.index("A")] - board.rating[names.index("C")]
    assert gap == pytest.approx(POINTS * np.log(5.25 / 0.25), abs=1e-6)
    assert (board.high - board.low).min() > 200


def test_only_ties_are_equal_and_not_certain(case):
    battles, models, _ = case("only_ties")
    board = fit(battles, models, clustered=False)
    assert board.rating == pytest.approx([1000] * 3)
    assert (board.high - board.low > 100).all()  # arena-rank prints ±0
    assert rank_ranges(board).high.tolist() == [3, 3, 3]
    with pytest.raises(TooLittleData, match="decided"):
        davidson(counts(battles, models))


def test_a_single_battle_puts_the_winner_ahead_by_five_to_one(case):
    battles, models, _ = case("single_battle")
    board = fit(battles, models, clustered=False)
    assert board.rating[0] - board.rating[1] == pytest.approx(POINTS * np.log(5))
    assert board.low[0] < board.high[1]
    assert rank_ranges(board).low.tolist() == [1, 1]


def test_a_model_against_itself_is_refused_with_its_row_where_engines_skip_it(gold):
    with pytest.raises(ImpossibleInput, match="against itself at row 10"):
        make_case(gold("edge_cases.json")["self_battle"])


def test_seven_to_three_is_the_one_case_all_agree_on(gold):
    golden = gold("edge_cases.json")["two_models_7_3"]
    battles, models, names = make_case(golden)
    board = fit(battles, models, clustered=False)
    exact = (
        golden["own_newton_L2=0.0"]["elo"],
        golden["evalica"]["elo"],
        golden["fastchat"],
        golden["arena_rank"]["ratings"],
    )
    for engine in exact:
        assert board.rating == pytest.approx([engine[name] for name in names], abs=1e-3)
    assert board.low == pytest.approx([golden["arena_rank"]["lower"][name] for name in names], abs=6e-3)


@pytest.mark.parametrize("name", NOTED)
def test_the_other_estimates_stay_sane_too(case, name):
    battles, models, _ = case(name)
    spread = shuffled_elo(battles, models, shuffles=5)
    assert ((spread.median > 800) & (spread.median < 1200)).all()
    rates = win_rates(battles, models)
    assert ((rates.win_rate >= 0) & (rates.win_rate <= 1)).all()
    draws = bootstrap_counts(counts(battles, models), draws=50)
    assert ((draws.draws > 400) & (draws.draws < 1800)).all()
