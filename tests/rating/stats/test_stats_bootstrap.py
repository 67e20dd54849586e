"""The bootstrap: every draw is the fit of its battles, and its intervals are a second opinion on the sandwich."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import (
    DISCONNECTED,
    FEW_CLUSTERS,
    NO_SPREAD,
    SEPARATED,
    Battles,
    Counts,
    ImpossibleInput,
    NotConverged,
    TooLittleData,
    bootstrap,
    counts,
    fit,
    fit_counts,
)
from rating.stats.bootstrap import bootstrap_counts, bootstrap_questions

quick = settings(max_examples=25, database=None)


def make_battles(*blocks):
    rows = [(a, b, v) for a, b, v, times in blocks for _ in range(times)]
    first, second, value = zip(*rows, strict=True) if rows else ((), (), ())
    return Battles(first, second, value, range(len(rows)))


def make_random(seed=0, *, n=2000, models=5, questions=100, shares=False):
    random = np.random.default_rng(seed)
    strength = random.normal(0, 0.7, models)
    first = random.integers(0, models, n)
    second = (first + random.integers(1, models, n)) % models
    chance = 1 / (1 + np.exp(strength[second] - strength[first]))
    value = np.where(random.random(n) < 0.2, 0, np.where(random.random(n) < chance, 1, -1))
    return Battles(first, second, value * 0.8 if shares else value, random.integers(0, questions, n))


@quick
@given(st.integers(0, 9999), st.integers(0, 40))
def test_each_draw_is_the_fit_of_its_battles(seed, sparse):
    random = np.random.default_rng(seed)
    table = counts(make_random(seed, n=150 + 10 * sparse), 5)
    board = fit_counts(table)
    games = np.stack([np.triu(random.poisson(table.games), 1) for _ in range(8)]).astype(float)
    wins = np.floor(games * random.uniform(0.2, 0.8, games.shape))
    wins, games = wins + (games - wins).transpose(0, 2, 1), games + games.transpose(0, 2, 1)
    found, needy = bootstrap._solve_all(wins, games, board.strength, table.games > 0, None)
    for draw in np.flatnonzero(~needy):
        one = Counts(wins=wins[draw], games=games[draw], ties=0 * games[draw], squares=wins[draw])
        assert found[draw] == pytest.approx(fit_counts(one).strength, abs=1e-7)


def test_where_chords_do_not_settle_newton_does(monkeypatch):
    table = counts(make_random(1), 5)
    quick_ones = bootstrap_counts(table, draws=50)
    monkeypatch.setattr(bootstrap, "_CHORDS", 1)
    assert bootstrap_counts(table, draws=50).draws == pytest.approx(quick_ones.draws, abs=1e-5)


def test_the_same_seed_gives_the_same_draws_and_another_does_not():
    table = counts(make_random(), 5)
    once, again = bootstrap_counts(table, draws=20, seed=3), bootstrap_counts(table, draws=20, seed=3)
    assert (once.draws == again.draws).all()
    assert (once.draws != bootstrap_counts(table, draws=20, seed=4).draws).all()


@pytest.mark.parametrize("which", ["counts", "questions"])
def test_draws_scatter_as_the_sandwich_says(which):
    """1500 draws give a standard deviation to 1.8 %; five models, four such errors, and a little for the sandwich."""
    battles = make_random(2, n=4000, questions=400)
    if which == "counts":
        found, board = bootstrap_counts(counts(battles, 5), draws=1500), fit(battles, 5, clustered=False)
    else:
        found, board = bootstrap_questions(battles, 5, draws=1500), fit(battles, 5)
    sandwich = np.sqrt(np.diag(board.covariance)) * 400 / np.log(10)
    assert found.error == pytest.approx(sandwich, rel=0.09)
    assert found.rating == pytest.approx(board.rating)
    assert ((found.low < found.rating) & (found.rating < found.high)).all()
    assert found.draws.mean(axis=1) == pytest.approx(np.full(1500, 1000.0))


def test_copies_of_each_vote_on_its_question_do_not_narrow_the_draws_of_questions():
    battles = make_random(3, questions=200)
    four = Battles(*(np.tile(getattr(battles, name), 4) for name in ("first", "second", "value", "cluster")))
    once, more = (bootstrap_questions(rows, 5, draws=40) for rows in (battles, four))
    assert more.draws == pytest.approx(once.draws, abs=1e-4)
    assert (bootstrap_counts(counts(four, 5), draws=40).error < once.error * 0.75).all()


def test_questions_of_shares_can_be_drawn_and_cells_of_shares_cannot():
    battles = make_random(4, shares=True)
    found, board = bootstrap_questions(battles, 5, draws=400), fit(battles, 5)
    assert found.error == pytest.approx(np.sqrt(np.diag(board.covariance)) * 400 / np.log(10), rel=0.25)
    with pytest.raises(ImpossibleInput, match="shares"):
        bootstrap_counts(counts(battles, 5), draws=10)


def test_the_side_a_model_stands_on_does_not_matter():
    battles = make_random(5)
    turned = Battles(battles.second, battles.first, -battles.value, battles.cluster)
    one, other = (bootstrap_questions(rows, 5, draws=30) for rows in (battles, turned))
    assert other.draws == pytest.approx(one.draws, abs=1e-5)


def test_parts_that_never_met_and_models_without_battles_are_kept_apart():
    battles = make_battles((0, 1, 1, 60), (0, 1, -1, 40), (2, 3, 1, 30), (2, 3, -1, 70))
    for found in (bootstrap_counts(counts(battles, 5), draws=100), bootstrap_questions(battles, 5, draws=100)):
        assert np.isnan(found.low[4])
        assert found.rating[:4] == pytest.approx([1035.2183, 964.7817, 926.4046, 1073.5954], abs=1e-4)
        assert found.draws[:, :2].mean(axis=1) == pytest.approx(np.full(100, 1000.0))
        assert found.separated == 0


def test_draws_without_a_finite_answer_get_the_prior_and_are_counted():
    battles = make_battles((0, 1, 1, 9), (0, 1, -1, 1), (1, 2, 1, 5), (1, 2, -1, 5))
    found = bootstrap_counts(counts(battles, 3), draws=400)
    missing = 400 * (1 - 1 / 20) ** 20
    assert missing * 0.7 < found.separated < missing * 1.4
    assert np.abs(found.draws - 1000).max() < 1500
    sure = bootstrap_counts(counts(make_battles((0, 1, 1, 10)), 2), draws=30)
    assert sure.separated == 30
    assert (sure.draws[:, 0] < 1400).all()


def test_a_prior_asked_for_goes_to_every_draw():
    table = counts(make_battles((0, 1, 1, 9), (0, 1, -1, 1)), 2)
    found = bootstrap_counts(table, draws=60, prior=2.0)
    assert found.separated == 0
    assert found.rating == pytest.approx(fit_counts(table, prior=2.0).rating)
    assert found.draws[:, 0].max() == pytest.approx(1000 + 200 / np.log(10) * np.log(11 / 1))


@pytest.mark.parametrize("bad", [{"draws": 1}, {"level": 1.0}])
def test_draws_and_levels_that_cannot_be_are_errors(bad):
    battles = make_random()
    with pytest.raises(ImpossibleInput):
        bootstrap_counts(counts(battles, 5), **bad)
    with pytest.raises(ImpossibleInput):
        bootstrap_questions(battles, 5, **bad)


def test_nothing_to_draw_from_is_too_little_data():
    with pytest.raises(TooLittleData):
        bootstrap_counts(counts(make_battles(), 3))
    with pytest.raises(TooLittleData):
        bootstrap_questions(make_battles(), 3)


def test_one_question_gives_ratings_without_an_interval():
    battles = make_random(6, n=200, questions=1)
    found = bootstrap_questions(battles, 5, draws=30)
    assert found.rating == pytest.approx(fit(battles, 5).rating)
    for number in (found.low, found.high, found.error, found.covariance):
        assert np.isnan(number).all()
    assert found.notes == (FEW_CLUSTERS, NO_SPREAD)
    assert (found.freedom == 0).all()


def test_ties_alone_show_no_spread_in_questions_or_battles():
    battles = make_battles((0, 1, 0, 20))
    for found in (bootstrap_questions(battles, 2, draws=30), bootstrap_counts(counts(battles, 2), draws=30)):
        assert found.rating == pytest.approx(1000)
        assert np.isnan([found.low, found.high, found.error]).all()
        assert found.notes == (NO_SPREAD,)


def test_a_model_seen_on_one_question_has_no_interval_and_the_others_keep_theirs():
    battles = make_random(7, n=600, models=3, questions=40)
    more = Battles(
        np.append(battles.first, [3, 3, 0]),
        np.append(battles.second, [0, 1, 3]),
        np.append(battles.value, [1, -1, 1]),
        np.append(battles.cluster, [7, 7, 7]),
    )
    found = bootstrap_questions(more, 4, draws=60)
    assert np.isnan(found.low).tolist() == [False, False, False, True]
    assert FEW_CLUSTERS in found.notes
    assert found.freedom == pytest.approx(fit(more, 4).freedom)


def test_what_the_reader_must_be_told_is_told():
    won = make_battles((0, 1, 1, 6), (2, 3, 1, 8), (2, 3, -1, 6))
    found = bootstrap_counts(counts(won, 4), draws=60)
    assert {DISCONNECTED, SEPARATED} <= set(found.notes)
    assert FEW_CLUSTERS not in found.notes
    assert bootstrap_questions(make_random(questions=9), 5, draws=10).notes == (FEW_CLUSTERS,)
    assert bootstrap_questions(make_random(questions=10), 5, draws=10).notes == ()


def test_the_covariance_is_that_of_the_sandwich_and_nothing_between_parts():
    battles = make_random(2, n=4000, questions=400)
    found, board = bootstrap_questions(battles, 5, draws=1500), fit(battles, 5)
    scale = np.diag(board.covariance).max()
    assert np.abs(found.covariance - board.covariance).max() < 0.12 * scale
    assert np.diag(found.covariance) ** 0.5 * 400 / np.log(10) == pytest.approx(found.error)
    apart = make_battles((0, 1, 1, 60), (0, 1, -1, 40), (2, 3, 1, 30), (2, 3, -1, 70))
    across = bootstrap_questions(apart, 5, draws=60).covariance
    assert np.isnan(across[:2, 2:]).all()
    assert np.isnan(across[4]).all()
    assert np.isfinite(across[:2, :2]).all()


@quick
@given(st.integers(0, 9999))
def test_each_draw_of_weighted_questions_is_the_weighted_fit_of_its_battles(seed):
    random = np.random.default_rng(seed)
    battles = make_random(seed, n=300, questions=15)
    battles = Battles(battles.first, battles.second, battles.value * random.choice([1, 2], 300), battles.cluster)
    weight = random.choice([0.0, 0.5, 2.0], 300)
    found = bootstrap_questions(battles, 5, draws=3, seed=seed, weight=weight, strong=3.0)
    assert found.rating == pytest.approx(fit(battles, 5, weight=weight, strong=3.0).rating, abs=1e-5)
    kept = battles.where(weight > 0)
    question = np.unique(kept.cluster)
    draws = np.random.default_rng(seed)
    for draw in range(3):
        drawn = question[draws.integers(0, question.size, question.size)]
        rows = np.concatenate([np.flatnonzero(kept.cluster == each) for each in drawn])
        again = fit(kept.where(rows), 5, weight=weight[weight > 0][rows], strong=3.0)
        if not found.separated:
            assert found.draws[draw] == pytest.approx(again.rating, abs=1e-4)


def test_strong_preferences_and_weights_do_not_make_battles_more():
    battles = make_random(8, n=1500, questions=150)
    plain = bootstrap_questions(battles, 5, draws=40)
    heavy = bootstrap_questions(battles, 5, draws=40, weight=np.full(1500, 9.0))
    assert heavy.draws == pytest.approx(plain.draws, abs=1e-5)
    twice = Battles(battles.first, battles.second, battles.value * 2, battles.cluster)
    strong = bootstrap_questions(twice, 5, draws=400, strong=3.0)
    sandwich = np.sqrt(np.diag(fit(twice, 5, strong=3.0).covariance)) * 400 / np.log(10)
    assert strong.error == pytest.approx(sandwich, rel=0.25)
    with pytest.raises(ImpossibleInput, match="weight"):
        bootstrap_questions(battles, 5, weight=[1.0])


def test_a_prior_of_zero_insists_on_the_record_and_not_on_draws():
    with pytest.raises(NotConverged):
        bootstrap_counts(counts(make_battles((0, 1, 1, 9)), 2), prior=0)
    battles = make_battles((0, 1, 1, 9), (0, 1, -1, 1))
    for found in (bootstrap_counts(counts(battles, 2), prior=0), bootstrap_questions(battles, 2, prior=0)):
        assert 200 < found.separated < 500
        assert np.isfinite(found.draws).all()


@pytest.mark.slow
@pytest.mark.parametrize(("questions", "sets"), [(5, 600), (10, 500), (20, 400)])
def test_intervals_of_few_questions_cover_the_truth(questions, sets):
    """Two equal models on questions that lean to one of them. Chance alone: ±2 %."""
    covered = 0
    for seed in range(sets):
        random = np.random.default_rng(seed)
        question = np.repeat(np.arange(questions), 20)
        chance = 1 / (1 + np.exp(-random.normal(size=questions)))
        value = np.where(random.random(question.size) < chance[question], 1, -1)
        ends = np.zeros_like(question), np.ones_like(question)
        found = bootstrap_questions(Battles(*ends, value, question), 2, draws=300, seed=seed)
        covered += bool(found.low[0] <= 1000 <= found.high[0])
    assert 0.925 <= covered / sets <= 0.975
