"""Win rates against a baseline as published, and length-controlled ones: near the published, exact by other means."""

import csv
import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from rating.stats.baseline_rates import baseline_rates
from rating.stats.bradley_terry import SEPARATED
from rating.stats.errors import ImpossibleInput, TooLittleData
from rating.stats.length_control import (
    EXTRAPOLATED,
    SAME_LENGTH,
    difficulty_from,
    length_controlled,
    predicted_rate,
)

quick = settings(max_examples=25, database=None)
REAL = ("claude-2", "gpt-3.5-turbo-1106", "vicuna-13b")
MODELS = ("NullModel", *REAL)


def make_case(n=400, *, seed=0, model=-0.4, length=0.9, difficulty=0.7, gap=-60):
    """Shares, lengths, the baseline's lengths and difficulties of a model whose answers are `gap` longer."""
    random = np.random.default_rng(seed)
    base = random.normal(400, 80, n)
    own = base + random.normal(gap, 100, n)
    hard = random.normal(0, 1, n)
    longer = own - base
    ahead = model + length * np.tanh(longer / longer.std(ddof=1)) + difficulty * hard
    share = (random.random(n) < 1 / (1 + np.exp(-ahead))).astype(float)
    return share, own, base, hard


@pytest.fixture(scope="module")
def published(shared):
    """Per model: its shares, its lengths and the baseline's in characters; and the published rows."""
    folder = shared / "data" / "alpaca_eval"
    judged = {}
    for model in MODELS:
        with gzip.open(folder / f"annotations_{model}.json.gz", "rt", encoding="utf-8") as lines:
            rows = json.load(lines)
        judged[model] = (
            np.array([row["preference"] for row in rows]) - 1,
            np.array([len(row["output_2"]) for row in rows]),
            np.array([len(row["output_1"]) for row in rows]),
        )
    with (folder / "leaderboard_published.csv").open(encoding="utf-8", newline="") as lines:
        return judged, {row[""]: row for row in csv.DictReader(lines)}


def controlled(judged, model, *, by_difficulty=True):
    others = [judged[other][0] for other in REAL if other != model]
    return length_controlled(*judged[model], difficulty=difficulty_from(others) if by_difficulty else None)


@pytest.mark.parametrize("model", MODELS)
def test_win_rates_against_the_baseline_are_the_published_ones(published, model):
    judged, rows = published
    rates, row = baseline_rates(judged[model][0]), rows[model]
    assert 100 * rates.win_rate == pytest.approx(float(row["win_rate"]), abs=1e-6)
    assert 100 * rates.error == pytest.approx(float(row["standard_error"]), abs=1e-6)
    assert 100 * rates.discrete_win_rate == pytest.approx(float(row["discrete_win_rate"]), abs=1e-6)
    counted = {"n_wins": rates.n_wins, "n_wins_base": rates.n_wins_base, "n_draws": rates.n_draws, "n_total": rates.n}
    assert counted == {name: int(row[name]) for name in counted}


@pytest.mark.parametrize("model", MODELS)
def test_the_controlled_rate_is_within_three_points_of_the_published_one(published, model):
    """Three points: what is not at hand are the difficulties of a joint fit of some 120 models, for which two or
    three others stand in, and the judged variants of the baseline; our own standard errors are 1.2 to 3.2 points."""
    judged, rows = published
    found, told = controlled(judged, model), float(rows[model]["length_controlled_winrate"])
    assert 100 * found.rate == pytest.approx(told, abs=3.0)
    assert abs(100 * found.rate - told) < abs(100 * found.win_rate - told)
    assert abs(100 * found.rate - told) < 2.5 * 100 * found.error


def test_controlled_models_stand_in_the_published_order(published):
    judged, rows = published
    ours = sorted(MODELS, key=lambda model: controlled(judged, model).rate)
    assert ours == sorted(MODELS, key=lambda model: float(rows[model]["length_controlled_winrate"]))


def test_without_difficulties_a_model_with_short_answers_is_far_off_and_it_is_said(published):
    judged, rows = published
    plain = controlled(judged, "gpt-3.5-turbo-1106", by_difficulty=False)
    assert plain.notes == (EXTRAPOLATED,)
    assert 100 * plain.rate - float(rows["gpt-3.5-turbo-1106"]["length_controlled_winrate"]) > 10
    assert plain.error > controlled(judged, "gpt-3.5-turbo-1106").error


def test_our_error_is_that_of_leaving_out_one_question_and_far_wider_than_the_published_one(published):
    judged, rows = published
    found, told = controlled(judged, "NullModel"), float(rows["NullModel"]["lc_standard_error"])
    assert 100 * found.error == pytest.approx(1.24, abs=0.02)
    assert 100 * found.error > 5 * told


def test_the_error_is_the_jackknife_by_brute_force():
    share, own, base, hard = make_case(n=120)
    found = length_controlled(share, own, base, difficulty=hard)
    rows = np.arange(120)
    left = np.array([
        length_controlled(share[rows != k], own[rows != k], base[rows != k], difficulty=hard[rows != k]).rate
        for k in rows
    ])  # fmt: skip
    assert found.error == pytest.approx(np.sqrt(119 / 120 * ((left - left.mean()) ** 2).sum()), rel=0.02)


def test_scikit_learn_finds_the_same_coefficients():
    share, own, base, hard = make_case()
    share = 0.9 * share + 0.05
    longer = own - base
    design = np.column_stack([np.ones(share.size), np.tanh(longer / longer.std(ddof=1)), hard])
    witness = LogisticRegression(C=1e12, fit_intercept=False, tol=1e-10, max_iter=10_000)
    outcome = np.repeat([1, 0], share.size)
    witness.fit(np.vstack([design, design]), outcome, sample_weight=np.concatenate([share, 1 - share]))
    found = length_controlled(share, own, base, difficulty=hard)
    assert [found.model, found.length, found.difficulty] == pytest.approx(witness.coef_[0], abs=1e-4)
    equal = design * [1, 0, 1]
    assert found.rate == pytest.approx(witness.predict_proba(equal)[:, 1].mean(), abs=1e-5)


def test_padding_is_controlled_away():
    """The same model judged with answers cut and padded: rates as judged differ, controlled ones do not."""
    cut, padded = (make_case(n=8000, seed=1, gap=gap) for gap in (-80, 80))
    short, long = (length_controlled(*case[:3], difficulty=case[3]) for case in (cut, padded))
    assert long.win_rate - short.win_rate > 0.15
    assert abs(long.rate - short.rate) < 3 * np.hypot(long.error, short.error)
    assert short.low < 0.42 < short.high


@quick
@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_neither_the_order_of_rows_nor_the_unit_of_length_nor_that_of_difficulty_matters(seed, unit):
    share, own, base, hard = make_case(seed=seed)
    plain = length_controlled(share, own, base, difficulty=hard)
    order = np.random.default_rng(seed).permutation(share.size)
    other = length_controlled(
        share[order], own[order] * unit, base[order] * unit, difficulty=hard[order] * unit, level=0.95
    )
    assert (other.rate, other.error, other.low) == pytest.approx((plain.rate, plain.error, plain.low))
    assert other.length == pytest.approx(plain.length)


@quick
@given(st.integers(0, 10_000))
def test_seen_from_the_baseline_everything_is_turned_round(seed):
    share, own, base, hard = make_case(seed=seed)
    plain = length_controlled(share, own, base, difficulty=hard)
    turned = length_controlled(1 - share, base, own, difficulty=-hard)
    assert turned.rate == pytest.approx(1 - plain.rate)
    assert (turned.low, turned.high) == pytest.approx((1 - plain.high, 1 - plain.low))
    assert (turned.model, turned.length) == pytest.approx((-plain.model, plain.length))


def test_copies_on_one_question_do_not_narrow_the_interval():
    share, own, base, hard = make_case()
    once = length_controlled(share, own, base, difficulty=hard)
    tiled = [np.tile(column, 4) for column in (share, own, base)]
    question = np.tile(np.arange(share.size), 4)
    four = length_controlled(*tiled, difficulty=np.tile(hard, 4), cluster=question)
    assert four.rate == pytest.approx(once.rate, rel=1e-3)
    assert four.error == pytest.approx(once.error, rel=0.02)
    assert length_controlled(*tiled, difficulty=np.tile(hard, 4)).error < 0.6 * once.error


def test_answers_as_long_as_the_baseline_leave_the_win_rate_as_it_is():
    share, _, base, _ = make_case()
    found = length_controlled(share, base, base)
    assert found.notes == (SAME_LENGTH,)
    assert found.length is None and found.difficulty is None
    assert found.rate == pytest.approx(share.mean())
    assert found.error == pytest.approx(baseline_rates(share).error, rel=1e-3)


def test_a_model_that_wins_everything_gets_the_named_prior():
    _, own, base, _ = make_case()
    found = length_controlled(np.ones(own.size), own, base)
    assert SEPARATED in found.notes
    assert 0.95 < found.rate < 1
    assert found.low < found.rate < found.high < 1


def test_one_question_has_no_error():
    found = length_controlled([0.7], [10], [10])
    assert found.rate == pytest.approx(0.7)
    assert found.error is None and found.low is None and found.high is None
    assert baseline_rates([0.7]).error is None


def test_what_cannot_be_told_apart_is_refused():
    share, own, base, hard = make_case()
    with pytest.raises(TooLittleData, match="the same length"):
        length_controlled(share, base + 7, base)
    with pytest.raises(ImpossibleInput, match="told apart"):
        length_controlled(share, own, base, difficulty=np.full(share.size, 2.0))


def test_impossible_shares_and_unequal_columns_are_refused():
    share, own, base, hard = make_case()
    with pytest.raises(ImpossibleInput, match="outside 0..1"):
        length_controlled(share + 1, own, base)
    with pytest.raises(ImpossibleInput, match="NaN"):
        baseline_rates([0.5, np.nan])
    with pytest.raises(ImpossibleInput, match="unequal"):
        length_controlled(share, own[1:], base)
    with pytest.raises(TooLittleData):
        length_controlled([], [], [])
    with pytest.raises(TooLittleData):
        baseline_rates([])


def test_draws_are_half_a_win_and_no_win():
    rates = baseline_rates([1, 1, 0.5, 0, 0.6])
    assert (rates.n_wins, rates.n_draws, rates.n_wins_base, rates.n) == (3, 1, 1, 5)
    assert rates.win_rate == pytest.approx(0.62)
    assert rates.discrete_win_rate == pytest.approx(0.7)


def test_difficulties_are_mean_log_odds_and_a_certain_verdict_counts_six_nats():
    assert difficulty_from([[0.5, 1.0], [0.8, 0.0]]) == pytest.approx([np.log(4) / 2, 0.0])
    assert difficulty_from([1.0, 0.0, 0.5]) == pytest.approx([6, -6, 0])
    with pytest.raises(TooLittleData):
        difficulty_from([])


def test_known_coefficients_predict_what_the_fit_says_and_two_models_share_the_win():
    share, own, base, hard = make_case()
    found = length_controlled(share, own, base, difficulty=hard)
    mine, other = (found.model, found.difficulty), (0.4, 1.1)
    assert predicted_rate(mine, hard) == pytest.approx(found.rate)
    assert predicted_rate(mine, hard, against=other) + predicted_rate(other, hard, against=mine) == pytest.approx(1)
    assert predicted_rate(mine, hard, against=mine) == 0.5
    with pytest.raises(TooLittleData):
        predicted_rate(mine, [])


@pytest.mark.slow
def test_intervals_cover_the_controlled_rate():
    """600 simulated models on new questions each; the truth from a million questions."""
    hard = np.random.default_rng(1).normal(0, 1, 1_000_000)
    truth = (1 / (1 + np.exp(0.4 - 0.7 * hard))).mean()
    covered = 0
    for seed in range(600):
        share, own, base, difficulty = make_case(seed=seed)
        found = length_controlled(share, own, base, difficulty=difficulty)
        covered += found.low < truth < found.high
    assert 0.925 < covered / 600 < 0.975
