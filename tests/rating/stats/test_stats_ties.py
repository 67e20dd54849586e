"""Ties as an outcome: closed forms, other solvers as witnesses, laws, and which model the ties speak for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar

from rating.stats import (
    FEW_CLUSTERS,
    NO_SPREAD,
    Battles,
    Counts,
    ImpossibleInput,
    NotConverged,
    TooLittleData,
    counts,
    fit_counts,
    ties,
)
from rating.stats.intervals import student
from rating.stats.ties import compare_ties, davidson, rao_kupper

quick = settings(max_examples=25, database=None)
MODELS = [davidson, rao_kupper]


def make_table(*blocks, models):
    rows = [(a, b, v) for a, b, v, times in blocks for _ in range(times)]
    first, second, value = zip(*rows, strict=True) if rows else ((), (), ())
    return counts(Battles(first, second, value, range(len(rows))), models)


def make_random(seed=0, *, models=5, n=800, kind=davidson, tie=0.6):
    """Battles drawn from one of the two models."""
    random = np.random.default_rng(seed)
    theta = random.normal(0, 0.8, models)
    first = random.integers(0, models, n)
    second = (first + random.integers(1, models, n)) % models
    d = theta[first] - theta[second]
    if kind is davidson:
        total = np.exp(d / 2) + np.exp(-d / 2) + tie
        win, loss = np.exp(d / 2) / total, np.exp(-d / 2) / total
    else:
        win, loss = 1 / (1 + np.exp(tie - d)), 1 / (1 + np.exp(tie + d))
    drawn = random.random(n)
    value = np.where(drawn < win, 1, np.where(drawn < win + loss, -1, 0))
    return counts(Battles(first, second, value, range(n)), models)


def log_likelihood(model, table, theta, tie):
    """The same, from the formulas as the papers print them, with strengths as powers."""
    power = np.exp(theta)
    own, other = np.meshgrid(power, power, indexing="ij")
    if model is davidson:
        total = own + other + tie * np.sqrt(own * other)
        win, draw = own / total, tie * np.sqrt(own * other) / total
    else:
        eta = np.exp(tie)
        win = own / (own + eta * other)
        draw = (eta**2 - 1) * own * other / ((own + eta * other) * (other + eta * own))
    return (table.won() * np.log(win)).sum() + (table.ties * np.log(draw)).sum() / 2


def test_two_models_have_the_shares_that_were_seen():
    table = make_table((0, 1, 1, 50), (0, 1, 0, 30), (0, 1, -1, 20), models=2)
    found = davidson(table)
    assert found.strength[0] - found.strength[1] == pytest.approx(np.log(50 / 20))
    assert found.tie == pytest.approx(30 / np.sqrt(50 * 20))
    threshold = rao_kupper(table)
    assert 1 / (1 + np.exp(threshold.tie - 2 * threshold.strength[0])) == pytest.approx(0.5)
    assert 1 / (1 + np.exp(threshold.tie + 2 * threshold.strength[0])) == pytest.approx(0.2)
    shares = 0.5 * np.log(0.5) + 0.3 * np.log(0.3) + 0.2 * np.log(0.2)
    assert found.log_likelihood == pytest.approx(shares)
    assert threshold.log_likelihood == pytest.approx(shares)


def test_two_equals_tie_as_often_as_the_docstring_says():
    table = make_table((0, 1, 1, 30), (0, 1, 0, 40), (0, 1, -1, 30), models=2)
    nu, eta = davidson(table).tie, rao_kupper(table).tie
    assert nu / (2 + nu) == pytest.approx(0.4)
    assert np.tanh(eta / 2) == pytest.approx(0.4)


@pytest.mark.parametrize("model", MODELS)
def test_another_solver_finds_the_same_maximum(model):
    table = make_random(3)
    found = model(table)

    def loss(free):
        return -log_likelihood(model, table, np.append(free[:-1], -free[:-1].sum()), np.exp(free[-1]))

    witness = minimize(loss, np.append(np.zeros(4), -0.5), method="BFGS", options={"gtol": 1e-6})
    assert found.strength == pytest.approx(np.append(witness.x[:-1], -witness.x[:-1].sum()), abs=1e-4)
    assert found.tie == pytest.approx(np.exp(witness.x[-1]), abs=1e-4)
    assert found.log_likelihood * table.games.sum() / 2 == pytest.approx(-witness.fun, abs=1e-6)


@pytest.mark.parametrize(("chances", "at"), [(ties._davidson, -0.4), (ties._rao_kupper, 0.7)])
def test_slopes_and_information_are_finite_differences_of_the_likelihood(chances, at):
    table, theta = make_random(5), np.array([0.4, -0.2, 0.1, -0.6, 0.3])
    won, tied = table.won(), table.ties

    def value(x):
        return ties._likelihood(chances(x[:-1], x[-1], won, tied), won, tied)

    def gradient(x):
        return ties._gradient(chances(x[:-1], x[-1], won, tied), won, tied)

    x, steps = np.append(theta, at), np.eye(6) * 1e-5
    slopes = [(value(x + step) - value(x - step)) / 2e-5 for step in steps]
    assert gradient(x) == pytest.approx(slopes, abs=1e-5)
    bends = [(gradient(x - step) - gradient(x + step)) / 2e-5 for step in steps]
    assert ties._information(chances(theta, at, won, tied)) == pytest.approx(np.array(bends), abs=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_the_sandwich_is_the_one_written_out_battle_by_battle(model):
    table = make_random(7, models=4, n=200)
    found, k = model(table), 4
    chances = ties._davidson if model is davidson else ties._rao_kupper
    tie = np.log(found.tie) if model is davidson else found.tie
    at = chances(found.strength, tie, table.won(), table.ties)
    meat = np.zeros((k + 1, k + 1))
    for a in range(k):
        for b in range(k):
            for times, d, t in (
                (table.won()[a, b], at.win_d[a, b], at.win_t[a, b]),
                (table.ties[a, b] / 2, at.tie_d[a, b], at.tie_t[a, b]),
            ):
                score = np.append((np.arange(k) == a) * d - (np.arange(k) == b) * d, t)
                meat += times * np.outer(score, score)
    inverse = np.linalg.pinv(ties._information(at), rcond=1e-12)
    assert found.covariance == pytest.approx((inverse @ meat @ inverse)[:k, :k], abs=1e-10)
    plain = model(table, error="information")
    assert plain.covariance == pytest.approx(inverse[:k, :k], abs=1e-10)


@pytest.mark.parametrize("model", MODELS)
@quick
@given(seed=st.integers(0, 9999), names=st.permutations(range(5)), times=st.integers(2, 9))
def test_renaming_and_repeating_change_what_they_should(model, seed, names, times):
    table, names = make_random(seed), np.array(names)
    plain = model(table)
    tables = [getattr(table, name) for name in ("wins", "games", "ties", "squares")]
    renamed = model(Counts(*(part[np.ix_(names, names)] for part in tables)))
    assert renamed.rating == pytest.approx(plain.rating[names], abs=1e-6)
    assert renamed.tie == pytest.approx(plain.tie)
    more = model(Counts(*(part * times for part in tables)))
    assert more.rating == pytest.approx(plain.rating, abs=1e-6)
    assert (more.high - more.low) * np.sqrt(times) == pytest.approx(plain.high - plain.low)
    assert more.log_likelihood == pytest.approx(plain.log_likelihood)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_without_battles_has_no_strength(model):
    blocks = [(0, 2, 1, 5), (0, 2, 0, 4), (0, 2, -1, 3)]
    found, pair = (
        model(make_table(*blocks, models=3)),
        model(make_table(*((0, 1, v, k) for _, _, v, k in blocks), models=2)),
    )
    assert np.isnan(found.rating[1])
    assert np.isnan(found.low[1])
    assert found.rating[[0, 2]] == pytest.approx(pair.rating)
    assert found.n.tolist() == [12, 0, 12]


@pytest.mark.parametrize("model", [*MODELS, compare_ties])
@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([], TooLittleData),
        ([(0, 1, 1, 5), (0, 1, -1, 5)], TooLittleData),
        ([(0, 1, 0, 5)], TooLittleData),
        ([(0, 1, 1, 5), (0, 1, 0, 2), (0, 1, -1, 5), (2, 3, 1, 5), (2, 3, 0, 5)], TooLittleData),
        ([(0, 1, 1, 5), (0, 1, -1, 5), (0, 1, 0, 3), (0, 2, 1, 5)], NotConverged),
        ([(0, 1, 0.5, 5)], ImpossibleInput),
    ],
)
def test_where_there_is_no_answer_the_error_says_so(model, blocks, error):
    with pytest.raises(error):
        model(make_table(*blocks, models=4))


@pytest.mark.parametrize("model", MODELS)
def test_ties_and_one_sided_wins_have_no_finite_answer(model):
    with pytest.raises(NotConverged):
        model(make_table((0, 1, 1, 5), (0, 1, 0, 5), models=2))


@pytest.mark.parametrize(("kind", "name"), [(davidson, "davidson"), (rao_kupper, "rao_kupper")])
def test_the_model_the_battles_came_from_is_found(kind, name):
    table = make_random(2, models=6, n=60_000, kind=kind, tie=1.2)
    found = compare_ties(table)
    assert found.best == name
    assert found.lead > 2
    assert found.aic[found.names.index(name)] == min(found.aic)


def test_ties_that_strike_all_pairs_alike_speak_for_the_half_win_baseline():
    random = np.random.default_rng(4)
    first = random.integers(0, 5, 40_000)
    second = (first + random.integers(1, 5, 40_000)) % 5
    chance = 1 / (1 + np.exp(0.5 * (second - first)))
    value = np.where(random.random(40_000) < 0.3, 0, np.where(random.random(40_000) < chance, 1, -1))
    found = compare_ties(counts(Battles(first, second, value, range(40_000)), 5))
    assert found.best == "half_win"


def test_all_three_are_compared_by_the_likelihood_of_the_same_outcomes():
    table = make_random(6)
    found = compare_ties(table)
    n = table.games.sum() / 2
    assert found.log_likelihood[1] == davidson(table).log_likelihood
    assert found.aic == pytest.approx(
        [2 * k / n - 2 * value for k, value in zip((6, 5, 5), found.log_likelihood, strict=True)]
    )
    first, second = sorted(found.aic)[:2]
    assert found.lead == pytest.approx((second - first) * n)
    two = compare_ties(make_table((0, 1, 1, 30), (0, 1, 0, 30), (0, 1, -1, 30), models=2))
    assert two.log_likelihood == pytest.approx([np.log(1 / 3)] * 3)
    assert two.lead == pytest.approx(0, abs=1e-9)


def test_the_half_win_baseline_stretches_its_strengths_as_decided_battles_ask():
    table = make_random(8)
    found, won = compare_ties(table), table.won()
    strength, share = fit_counts(table).strength, table.ties.sum() / table.games.sum()

    def loss(factor):
        return (won * np.logaddexp(0, factor * (strength[None, :] - strength[:, None]))).sum()

    stretched = minimize_scalar(loss, bounds=(0.1, 10), method="bounded").fun / (table.games.sum() / 2)
    outcomes = share * np.log(share) + (1 - share) * np.log(1 - share)
    assert found.log_likelihood[0] == pytest.approx(outcomes - stretched, abs=1e-7)


def make_grouped(seed=0, *, questions=40, each=12, models=4, lean=0.0):
    """Battles with ties, on questions that may lean to some models."""
    random = np.random.default_rng(seed)
    question = np.repeat(np.arange(questions), each)
    first = random.integers(0, models, question.size)
    second = (first + random.integers(1, models, question.size)) % models
    leaning = random.normal(0, lean, (questions, models))
    d = leaning[question, first] - leaning[question, second] + random.logistic(size=question.size)
    return Battles(first, second, np.where(np.abs(d) < 0.5, 0, np.sign(d)).astype(int), question)


@pytest.mark.parametrize("model", MODELS)
def test_questions_of_one_battle_give_the_independent_sandwich_but_for_the_factor(model):
    plain = make_grouped(1, questions=300, each=1)
    table = counts(plain, 4)
    alone, by_question = model(table), model(table, battles=plain)
    assert by_question.covariance == pytest.approx(alone.covariance * 300 / 299)
    assert by_question.rating == pytest.approx(alone.rating)
    assert alone.notes == (ties.INDEPENDENT,)
    assert np.isposinf(alone.freedom).all()
    assert by_question.notes == ()
    seen = [
        len({q for a, b, q in zip(plain.first, plain.second, plain.cluster, strict=True) if i in (a, b)})
        for i in range(4)
    ]
    assert by_question.freedom.tolist() == [n - 1 for n in seen]


@pytest.mark.parametrize("model", MODELS)
def test_the_clustered_sandwich_is_the_one_written_out_question_by_question(model):
    battles, k = make_grouped(2, lean=1.0), 4
    table = counts(battles, k)
    found = model(table, battles=battles)
    tie = np.log(found.tie) if model is davidson else found.tie
    at = (ties._davidson if model is davidson else ties._rao_kupper)(found.strength, tie, table.won(), table.ties)
    sums = np.zeros((40, k + 1))
    for a, b, value, q in zip(battles.first, battles.second, battles.value, battles.cluster, strict=True):
        up, down = (a, b) if value >= 0 else (b, a)
        slope, apart = (at.win_d, at.win_t) if value else (at.tie_d, at.tie_t)
        sums[q, up] += slope[up, down]
        sums[q, down] -= slope[up, down]
        sums[q, k] += apart[up, down]
    inverse = np.linalg.pinv(ties._information(at), rcond=1e-12)
    whole = inverse @ (sums.T @ sums) @ inverse * 40 / 39
    assert found.covariance == pytest.approx(whole[:k, :k], abs=1e-10)
    reach = student(0.95, 39) * np.sqrt(whole[k, k])
    assert found.tie_high == pytest.approx(found.tie * np.exp(reach) if model is davidson else found.tie + reach)


@pytest.mark.parametrize("model", MODELS)
def test_copies_of_a_vote_on_its_question_do_not_narrow_the_interval(model):
    battles = make_grouped(3)
    four = Battles(*(np.tile(getattr(battles, name), 4) for name in ("first", "second", "value", "cluster")))
    once, more = model(counts(battles, 4), battles=battles), model(counts(four, 4), battles=four)
    assert more.low == pytest.approx(once.low, abs=1e-5)
    assert more.tie_low == pytest.approx(once.tie_low)


def test_few_questions_and_silent_directions_are_told():
    few = make_grouped(4, questions=3, each=100)
    found = davidson(counts(few, 4), battles=few)
    assert found.notes == (FEW_CLUSTERS, NO_SPREAD)
    assert np.isfinite(found.low).all()
    one = Battles(few.first, few.second, few.value, np.zeros(len(few), dtype=int))
    assert np.isnan(davidson(counts(one, 4), battles=one).low).all()


def test_battles_of_another_table_or_with_the_information_alone_are_refused():
    battles = make_grouped(5)
    with pytest.raises(ImpossibleInput, match="those of the table"):
        davidson(counts(make_grouped(6), 4), battles=battles)
    with pytest.raises(ImpossibleInput, match="sandwich"):
        davidson(counts(battles, 4), battles=battles, error="information")


def test_the_comparison_says_that_it_takes_battles_as_independent():
    assert compare_ties(make_random()).notes == (ties.INDEPENDENT,)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_clustered_intervals_of_tie_models_cover_the_truth_and_independent_ones_do_not(model):
    """400 arenas of 40 questions that lean, all models worth 1000. Chance alone: ±1.1 %."""
    covered, naive = 0, 0
    for seed in range(400):
        battles = make_grouped(seed, lean=1.2)
        table = counts(battles, 4)
        found, plain = model(table, battles=battles), model(table)
        covered += int(((found.low < 1000) & (found.high > 1000)).sum())
        naive += int(((plain.low < 1000) & (plain.high > 1000)).sum())
    assert 0.93 < covered / 1600 < 0.97
    assert naive / 1600 < 0.9
