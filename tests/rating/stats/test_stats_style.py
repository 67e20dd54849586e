"""Style control: golden numbers, another solver, the gradient and the sandwich written out, laws, and honest refusals."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from rating.stats import style_newton as module
from rating.stats.battles import Battles
from rating.stats.bradley_terry import DISCONNECTED, FEW_CLUSTERS, NO_SPREAD, SEPARATED, fit
from rating.stats.errors import ImpossibleInput, NotConverged, TooLittleData
from rating.stats.ranks import rank_ranges
from rating.stats.style import CONSTANT_FEATURE, OFF_CENTRE, STYLE_DECIDES, fit_styled, relative_difference

POINTS = 400 / np.log(10)
VALUE = {"model_a": 1, "model_b": -1, "tie": 0}
quick = settings(max_examples=25, database=None)


def make_case(n=600, models=5, *, questions=40, seed=0, coefficient=(0.6, -0.3)):
    """Battles of which style decides a part, and the covariates by name."""
    random = np.random.default_rng(seed)
    strength = random.normal(0, 0.6, models)
    first = random.integers(0, models, n)
    second = (first + random.integers(1, models, n)) % models
    counts = random.integers(0, 12, (2, len(coefficient), n))
    style = {
        name: relative_difference(counts[0, k], counts[1, k], add_one=True)
        for k, name in enumerate(("length", "headers", "bold")[: len(coefficient)])
    }
    ahead = strength[first] - strength[second] + np.array(coefficient) @ np.array([*style.values()])
    won = random.random(n) < 1 / (1 + np.exp(-ahead))
    value = np.where(random.random(n) < 0.2, 0, np.where(won, 1, -1))
    return Battles(first, second, value, random.integers(0, questions, n)), style


def one_hot(battles, models):
    side = np.zeros((len(battles), models))
    side[np.arange(len(battles)), battles.first] = 1
    side[np.arange(len(battles)), battles.second] = -1
    return side


def z_scores(style):
    return np.column_stack([(x - x.mean()) / x.std() for x in style.values()])


@pytest.fixture(scope="module")
def golden(gold, shared):
    """20,000 battles of 12 models with four features, their covariates, and the golden file."""
    told = gold("style20k.json")
    with (shared / "gold" / "style20k.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = sorted(told["mle"]["theta"])
    battles = Battles(
        [names.index(row["model_a"]) for row in rows],
        [names.index(row["model_b"]) for row in rows],
        [VALUE[row["winner"]] for row in rows],
        range(len(rows)),
    )
    style = {
        name: relative_difference(
            [int(row[f"{name}_a"]) for row in rows], [int(row[f"{name}_b"]) for row in rows], add_one=True
        )
        for name in told["features"]
    }
    return battles, style, told


def test_strengths_coefficients_and_their_errors_hold_to_the_digits_given(golden):
    battles, style, told = golden
    board = fit_styled(battles, 12, style=style, clustered=False)
    mle = {name: np.array([*values.values()]) for name, values in told["mle"].items()}
    assert board.strength == pytest.approx(mle["theta"], abs=1e-10)
    assert board.rating == pytest.approx(mle["elo"], abs=1e-7)
    assert board.coefficient == pytest.approx(mle["beta"], abs=1e-10)
    quantile = 1.959963984540054
    assert (board.high - board.rating) / quantile == pytest.approx(mle["sandwich_se_elo"], abs=1e-6)
    assert (board.coefficient_high - board.coefficient) / quantile == pytest.approx(mle["sandwich_se_beta"], abs=1e-9)
    assert board.features == tuple(told["features"])
    assert board.notes == ()


def test_features_are_prepared_as_the_reference_does(golden):
    battles, style, told = golden
    board = fit_styled(battles, 12, style=style, clustered=False)
    assert board.mean == pytest.approx(told["feature_mean"], abs=1e-14)
    assert board.std == pytest.approx(told["feature_std"], abs=1e-13)


def test_the_regularised_reference_is_near_but_pulled_towards_zero(golden):
    battles, style, told = golden
    board = fit_styled(battles, 12, style=style, clustered=False)
    pulled = np.array([*told["fastchat_reg0.5"]["elo_centred_1000"].values()])
    assert board.rating == pytest.approx(pulled, abs=0.02)
    assert np.abs(pulled - 1000).sum() < np.abs(board.rating - 1000).sum()


def test_each_battle_its_own_question_gives_the_independent_errors_with_the_small_sample_factor(golden):
    battles, style, _ = golden
    alone, clustered = (fit_styled(battles, 12, style=style, clustered=by) for by in (False, True))
    n = len(battles)
    assert clustered.covariance == pytest.approx(alone.covariance * n / (n - 1), rel=1e-9)


def test_length_alone_is_a_choice_of_what_is_given(golden):
    battles, style, told = golden
    length = told["features"][0]
    board = fit_styled(battles, 12, style={length: style[length]}, clustered=False)
    both = fit_styled(battles, 12, style=style, clustered=False)
    assert board.features == (length,)
    assert board.log_likelihood < both.log_likelihood


def test_without_features_it_is_bradley_terry():
    battles, _ = make_case()
    for clustered in (True, False):
        plain, styled = fit(battles, 5, clustered=clustered), fit_styled(battles, 5, style={}, clustered=clustered)
        assert styled.rating == pytest.approx(plain.rating)
        assert styled.covariance == pytest.approx(plain.covariance)
        assert (styled.freedom == plain.freedom).all()
        assert styled.coefficient.size == 0


def test_scikit_learn_finds_the_same_solution():
    battles, style = make_case()
    design, share = np.hstack([one_hot(battles, 5), z_scores(style)]), battles.share()
    witness = LogisticRegression(C=1e12, fit_intercept=False, tol=1e-10, max_iter=10_000)
    outcome = np.repeat([1, 0], len(battles))
    witness.fit(np.vstack([design, design]), outcome, sample_weight=np.concatenate([share, 1 - share]))
    strength = witness.coef_[0, :5]
    board = fit_styled(battles, 5, style=style)
    assert board.strength == pytest.approx(strength - strength.mean(), abs=1e-4)
    assert board.coefficient == pytest.approx(witness.coef_[0, 5:], abs=1e-4)


def test_the_sandwich_is_the_one_written_out_question_by_question():
    battles, style = make_case()
    board = fit_styled(battles, 5, style=style)
    design = np.hstack([one_hot(battles, 5), z_scores(style)])
    ahead = design @ np.concatenate([board.strength, board.coefficient])
    chance = 1 / (1 + np.exp(-ahead))
    scores = (battles.share() - chance)[:, None] * design
    assert np.abs(scores.sum(axis=0)).max() < 1e-9
    sums = np.array([scores[battles.cluster == question].sum(axis=0) for question in np.unique(battles.cluster)])
    bread = np.linalg.pinv(design.T @ (design * (chance * (1 - chance))[:, None]))
    sandwich = bread @ sums.T @ sums @ bread * len(sums) / (len(sums) - 1)
    assert board.covariance == pytest.approx(sandwich[:5, :5], abs=1e-12)
    quantile = 2.022690920036761  # t, 39 degrees of freedom
    assert board.coefficient_high - board.coefficient == pytest.approx(quantile * np.sqrt(np.diag(sandwich)[5:]))
    likelihood = (battles.share() * np.log(chance) + (1 - battles.share()) * np.log(1 - chance)).sum()
    assert board.log_likelihood == pytest.approx(likelihood)


def test_the_gradient_is_the_slope_of_the_likelihood_and_the_information_its_slope():
    battles, style = make_case(n=200)
    z = z_scores(style).T.copy()
    rows = module.Rows(
        5, battles.first, battles.second, battles.cluster, battles.first * 5 + battles.second, battles.share(), z
    )
    none = module.Prior(np.zeros((5, 5)), 0.0)
    point = np.random.default_rng(3).normal(0, 0.5, 7)
    gradient, information = module._slope(rows, point, none)
    for k, step in enumerate(np.eye(7) * 1e-5):
        rise = (module.likelihood(rows, point + step) - module.likelihood(rows, point - step)) / 2e-5
        assert gradient[k] == pytest.approx(rise, abs=1e-5)
        bend = (module._slope(rows, point + step, none)[0] - module._slope(rows, point - step, none)[0]) / 2e-5
        assert information[k] == pytest.approx(-bend, abs=1e-5)


def test_the_solution_has_no_gradient_left():
    battles, style = make_case(n=5000, models=20, coefficient=(2.0, -1.0, 0.5))
    board = fit_styled(battles, 20, style=style)
    design = np.hstack([one_hot(battles, 20), z_scores(style)])
    chance = 1 / (1 + np.exp(-design @ np.concatenate([board.strength, board.coefficient])))
    assert np.abs(design.T @ (battles.share() - chance)).max() < 1e-9 * np.abs(design).sum(axis=0).min()


@quick
@given(st.integers(0, 10_000), st.permutations(range(5)))
def test_renaming_the_models_only_renames_the_ratings(seed, names):
    (battles, style), names = make_case(seed=seed), np.array(names)
    renamed = Battles(names[battles.first], names[battles.second], battles.value, battles.cluster)
    plain, other = fit_styled(battles, 5, style=style), fit_styled(renamed, 5, style=style)
    assert other.rating[names] == pytest.approx(plain.rating)
    assert other.high[names] == pytest.approx(plain.high)
    assert other.coefficient == pytest.approx(plain.coefficient)


@quick
@given(st.integers(0, 10_000))
def test_the_order_of_rows_and_of_features_does_not_matter_nor_swapping_all_sides(seed):
    battles, style = make_case(seed=seed)
    order = np.random.default_rng(seed).permutation(len(battles))
    mixed = Battles(battles.second[order], battles.first[order], -battles.value[order], battles.cluster[order] + 3)
    turned = {name: -style[name][order] for name in reversed(style)}
    plain, other = fit_styled(battles, 5, style=style), fit_styled(mixed, 5, style=turned)
    assert other.rating == pytest.approx(plain.rating)
    assert other.covariance == pytest.approx(plain.covariance)
    assert other.coefficient[::-1] == pytest.approx(plain.coefficient)
    assert other.coefficient_low[::-1] == pytest.approx(plain.coefficient_low)


@quick
@given(st.integers(0, 10_000))
def test_swapping_single_battles_does_not_matter_unless_centred(seed):
    battles, style = make_case(seed=seed)
    turn = np.where(np.random.default_rng(seed).random(len(battles)) < 0.5, -1, 1)
    first, second = (
        np.where(turn > 0, *pair) for pair in ((battles.first, battles.second), (battles.second, battles.first))
    )
    turned = Battles(first, second, battles.value * turn, battles.cluster)
    unit = {name: x / np.sqrt((x * x).mean()) for name, x in style.items()}
    plain = fit_styled(battles, 5, style=unit, centred=False)
    other = fit_styled(turned, 5, style={name: x * turn for name, x in unit.items()}, centred=False)
    assert other.rating == pytest.approx(plain.rating)
    assert other.coefficient / other.std == pytest.approx(plain.coefficient / plain.std)


@quick
@given(st.integers(0, 10_000), st.floats(1e-3, 1e3))
def test_the_unit_of_a_feature_does_not_matter(seed, unit):
    random = np.random.default_rng(seed)
    battles, _ = make_case(seed=seed)
    long, short = random.integers(1, 900, (2, len(battles)))
    plain = fit_styled(battles, 5, style={"length": relative_difference(long, short)})
    scaled = fit_styled(battles, 5, style={"length": relative_difference(long * unit, short * unit)})
    assert scaled.rating == pytest.approx(plain.rating)
    assert scaled.coefficient == pytest.approx(plain.coefficient)


def test_copies_of_a_vote_on_one_question_do_not_narrow_the_clustered_interval():
    battles, style = make_case(questions=600)
    copied = Battles(*(np.tile(getattr(battles, name), 5) for name in ("first", "second", "value", "cluster")))
    five = fit_styled(copied, 5, style={name: np.tile(x, 5) for name, x in style.items()})
    once = fit_styled(battles, 5, style=style)
    assert five.high == pytest.approx(once.high)
    assert five.coefficient_high == pytest.approx(once.coefficient_high)


def test_blocks_and_runs_and_lone_questions_add_up_to_the_whole(monkeypatch):
    battles, style = make_case(n=900, questions=300)
    whole = fit_styled(battles, 5, style=style)
    monkeypatch.setattr(module, "BLOCK", 64)
    monkeypatch.setattr(module, "_CELLS", 100)
    pieces = fit_styled(battles, 5, style=style)
    assert pieces.covariance == pytest.approx(whole.covariance, rel=1e-9)
    assert (pieces.freedom == whole.freedom).all()
    design = np.hstack([one_hot(battles, 5), z_scores(style)])
    ahead = design @ np.concatenate([whole.strength, whole.coefficient])
    scores = (battles.share() - 1 / (1 + np.exp(-ahead)))[:, None] * design
    sums = np.array([scores[battles.cluster == question].sum(axis=0) for question in np.unique(battles.cluster)])
    rows = module.Rows(
        5,
        battles.first,
        battles.second,
        battles.cluster,
        battles.first * 5 + battles.second,
        battles.share(),
        z_scores(style).T.copy(),
    )
    spread = module.clustered_spread(rows, np.concatenate([whole.strength, whole.coefficient]), whole.component)
    assert spread.meat == pytest.approx(sums.T @ sums * len(sums) / (len(sums) - 1), abs=1e-9)


def test_both_routes_to_the_covariance_agree(monkeypatch):
    battles, style = make_case()
    quickly = fit_styled(battles, 6, style=style)
    monkeypatch.setattr(module, "_speaks", lambda spread: False)
    slowly = fit_styled(battles, 6, style=style)
    assert slowly.covariance[:5, :5] == pytest.approx(quickly.covariance[:5, :5], rel=1e-8)
    assert slowly.coefficient_low == pytest.approx(quickly.coefficient_low)
    assert np.isnan(slowly.covariance[5]).all() and np.isnan(quickly.covariance[:, 5]).all()
    assert slowly.notes == quickly.notes == ()


def in_parts(*, models=3, questions=(6, 6), shared=False, won=False, n=240, seed=2):
    """Two parts of models that never met; `won`: the last model of the second part wins all it fights."""
    random = np.random.default_rng(seed)
    part, first = np.arange(n) % 2, random.integers(0, models, n)
    second = (first + random.integers(1, models, n)) % models
    question = random.integers(0, np.take(questions, part)) + 1000 * part * (not shared)
    value = random.choice([-1, 0, 1], n)
    if won:
        value = np.where((part == 1) & (first == models - 1), 1, value)
        value = np.where((part == 1) & (second == models - 1), -1, value)
    return Battles(first + models * part, second + models * part, value, question)


SIDES = {
    "one part": make_case()[0],
    "two parts": in_parts(),
    "unequal parts": in_parts(questions=(3, 60)),
    "parts that share questions": in_parts(questions=(12, 12), shared=True),
    "few shared questions": in_parts(questions=(4, 5), shared=True),
    "a separated part": in_parts(won=True, questions=(12, 12)),
    "a separated part, silent other": in_parts(won=True, questions=(2, 12)),
    "all separated": Battles([0, 0, 1] * 8, [1, 2, 2] * 8, [1] * 24, np.arange(24) % 12),
    "only ties": Battles([0, 0, 1] * 8, [1, 2, 2] * 8, [0] * 24, np.arange(24) % 12),
    "one question": Battles([0, 1, 2] * 8, [1, 2, 0] * 8, [1, 1, 0, -1] * 6, np.zeros(24, int)),
    "a model on one question": Battles(
        [0, 1] * 30 + [2] * 2, [1, 0] * 30 + [0] * 2, [1, 1, 0] * 20 + [1, -1], [*range(60), 3, 3]
    ),
}


@pytest.mark.parametrize("clustered", [True, False])
@pytest.mark.parametrize("prior", [None, 2.0])
@pytest.mark.parametrize("name", SIDES)
def test_without_style_the_board_is_that_of_fit(name, prior, clustered):
    battles = SIDES[name]
    how = {"prior": prior, "clustered": clustered}
    plain, board = fit(battles, 7, **how), fit_styled(battles, 7, style={}, **how)
    assert board.notes == plain.notes
    assert board.strength == pytest.approx(plain.strength, abs=1e-9, nan_ok=True)
    assert board.covariance == pytest.approx(plain.covariance, rel=1e-9, abs=1e-12, nan_ok=True)
    assert board.freedom == pytest.approx(plain.freedom, nan_ok=True)
    assert board.high == pytest.approx(plain.high, abs=1e-6, nan_ok=True)


def test_a_style_of_no_account_leaves_each_part_its_own_factor():
    battles = in_parts(questions=(5, 50), n=2000)
    plain = fit(battles, 6)
    board = fit_styled(battles, 6, style={"length": np.random.default_rng(1).normal(size=2000)})
    of_parts, expected = (side.covariance.diagonal().reshape(2, 3).sum(axis=1) for side in (board, plain))
    assert of_parts == pytest.approx(expected, rel=0.05)  # 5 questions, not 55, are a factor of 1.25
    assert FEW_CLUSTERS in board.notes


def test_a_separated_part_widens_no_other_part():
    """The other part's questions each cancel out nearly: far less spread than independent battles."""
    value = np.tile([1, -1], 60)
    value[0] = -1
    calm = Battles(np.zeros(120, int), np.ones(120, int), value, np.arange(120) // 4)
    won = Battles(np.full(120, 2), np.full(120, 3), np.ones(120, int), 500 + np.arange(120) // 4)
    both = Battles(
        *(np.concatenate([getattr(side, of) for side in (calm, won)]) for of in ("first", "second", "value", "cluster"))
    )
    style = np.random.default_rng(3).normal(size=240)
    board, alone = fit_styled(both, 4, style={"length": style}), fit_styled(calm, 2, style={"length": style[:120]})
    width = board.high - board.low
    assert width[0] < 2 * (alone.high - alone.low)[0]
    assert width[2] > 100
    assert SEPARATED in board.notes


def test_weights_and_strong_wins_count_as_in_fit_without_style():
    battles, style = make_case()
    battles = Battles(battles.first, battles.second, battles.value * (1 + (np.arange(600) % 3 == 0)), battles.cluster)
    weight = np.random.default_rng(0).uniform(0, 2, 600) * (np.arange(600) % 7 > 0)
    for how in ({"weight": weight}, {"strong": 3.0}, {"weight": weight, "strong": 3.0, "clustered": False}):
        plain, board = fit(battles, 5, **how), fit_styled(battles, 5, style={}, **how)
        assert board.covariance == pytest.approx(plain.covariance, rel=1e-9)
        assert board.rating == pytest.approx(plain.rating, abs=1e-6)
        assert board.n.tolist() == plain.n.tolist()


def test_a_strong_win_counts_as_so_many_battles_with_style():
    battles, style = make_case()
    strong = np.arange(600) % 3 == 0
    big = Battles(battles.first, battles.second, battles.value * (1 + strong), battles.cluster)
    times = np.where(strong & (battles.value != 0), 3, 1)
    copied = battles.where(np.repeat(np.arange(600), times))
    board = fit_styled(big, 5, style=style, centred=False, strong=3.0)
    again = fit_styled(copied, 5, style={name: np.repeat(x, times) for name, x in style.items()}, centred=False)
    assert board.rating == pytest.approx(again.rating, abs=1e-6)
    assert board.covariance == pytest.approx(again.covariance, rel=1e-8)
    assert board.coefficient / board.std == pytest.approx(again.coefficient / again.std)
    assert board.log_likelihood == pytest.approx(again.log_likelihood)
    assert fit_styled(battles, 5, style=style, strong=3.0).rating == pytest.approx(
        fit_styled(battles, 5, style=style).rating
    )


def test_a_battle_of_no_weight_is_left_out_with_its_style():
    battles, style = make_case()
    kept = np.arange(600) % 4 > 0
    board = fit_styled(battles, 5, style=style, weight=kept * 2.5)
    alone = fit_styled(battles.where(kept), 5, style={name: x[kept] for name, x in style.items()})
    assert board.rating == pytest.approx(alone.rating)
    assert board.coefficient_low == pytest.approx(alone.coefficient_low)
    assert board.mean == pytest.approx(alone.mean)
    assert board.n.tolist() == alone.n.tolist()


def test_fewer_questions_than_models_leave_silent_directions_and_a_note():
    battles, style = make_case(questions=4)
    board = fit_styled(battles, 5, style=style)
    assert NO_SPREAD in board.notes
    assert (board.high - board.low > 10).all()


def test_style_control_takes_away_what_length_alone_had_won():
    """Equal models, of which one writes longer answers, and judges who prefer length."""
    random = np.random.default_rng(5)
    first = random.integers(0, 4, 6000)
    second = (first + random.integers(1, 4, 6000)) % 4
    length = random.lognormal(5, 0.5, (2, 6000)) * np.where(np.stack([first, second]) == 0, 2.0, 1.0)
    x = relative_difference(*length)
    value = np.where(random.random(6000) < 1 / (1 + np.exp(-2.0 * x)), 1, -1)
    battles = Battles(first, second, value, np.arange(6000) // 6)
    plain, styled = fit(battles, 4), fit_styled(battles, 4, style={"length": x}, centred=False)
    assert plain.low[0] > 1040
    assert ((styled.low < 1000) & (styled.high > 1000)).all()
    low, high = styled.odds_ratio_interval
    assert low[0] < np.exp(2.0 * styled.std[0]) < high[0]
    assert styled.odds_ratio == pytest.approx(np.exp(styled.coefficient))


def test_a_baseline_that_always_stands_first_is_noted_and_controlled_only_uncentred():
    random = np.random.default_rng(6)
    second = random.integers(1, 4, 4000)
    x = relative_difference(random.lognormal(5, 0.3, 4000), random.lognormal(5.7, 0.3, 4000))
    value = np.where(random.random(4000) < 1 / (1 + np.exp(-2.0 * x)), 1, -1)
    battles = Battles(np.zeros(4000, dtype=int), second, value, np.arange(4000) // 4)
    centred = fit_styled(battles, 4, style={"length": x})
    assert centred.notes == (OFF_CENTRE,)
    assert centred.high[0] < 980
    honest = fit_styled(battles, 4, style={"length": x}, centred=False)
    assert honest.notes == ()
    assert honest.low[0] < 1000 < honest.high[0]


def test_ranks_are_read_from_styled_strengths():
    battles, style = make_case(n=4000)
    board = fit_styled(battles, 5, style=style)
    ranks = rank_ranges(board)
    assert ranks.rank.tolist() == (1 + np.argsort(np.argsort(-board.rating))).tolist()
    assert (ranks.low <= ranks.rank).all() and (ranks.rank <= ranks.high).all()


def test_a_constant_feature_is_left_out_by_name_and_changes_nothing():
    battles, style = make_case()
    plain = fit_styled(battles, 5, style=style)
    board = fit_styled(battles, 5, style={"flat": np.full(len(battles), 1 / 3), **style})
    assert board.notes == (CONSTANT_FEATURE,)
    assert board.left_out == ("flat",)
    assert np.isnan(board.coefficient[0])
    assert board.coefficient[1:] == pytest.approx(plain.coefficient)
    assert board.rating == pytest.approx(plain.rating)


def test_features_that_cannot_be_told_apart_are_named():
    battles, style = make_case()
    with pytest.raises(ImpossibleInput, match="each other: length, copy$"):
        fit_styled(battles, 5, style={**style, "copy": 3 - 2 * style["length"]})
    habit = np.array([1.0, 3.0, 4.0, 7.0, 7.5])
    with pytest.raises(ImpossibleInput, match="the models or from each other: habit$"):
        fit_styled(battles, 5, style={**style, "habit": habit[battles.first] - habit[battles.second]}, centred=False)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_feature_that_is_no_number_is_refused_by_name(bad):
    battles, style = make_case()
    with pytest.raises(ImpossibleInput, match="headers holds NaN or infinity at row 0"):
        fit_styled(battles, 5, style={**style, "headers": np.append(bad, style["headers"][1:])})
    with pytest.raises(ImpossibleInput, match="unequal length"):
        fit_styled(battles, 5, style={"length": style["length"][1:]})


def test_no_battles_are_too_little_data_with_or_without_features():
    with pytest.raises(TooLittleData):
        fit_styled(Battles([], [], [], []), 3, style={"length": []})


def test_style_that_decides_everything_gets_a_finite_coefficient_and_a_note():
    battles, style = make_case(n=300)
    decided = Battles(battles.first, battles.second, np.sign(style["length"]), battles.cluster)
    kept = decided.value != 0
    decided = Battles(*(getattr(decided, name)[kept] for name in ("first", "second", "value", "cluster")))
    x = {"length": style["length"][kept]}
    board = fit_styled(decided, 5, style=x, centred=False)
    assert board.notes == (STYLE_DECIDES,)
    assert 2 < board.coefficient[0] < 40
    assert board.coefficient_low[0] > 0
    with pytest.raises(NotConverged, match="none that is finite"):
        fit_styled(decided, 5, style=x, centred=False, prior=0)


def test_a_model_that_only_wins_gets_the_named_prior_and_a_note():
    battles, style = make_case()
    value = np.where(battles.first == 0, 1, np.where(battles.second == 0, -1, battles.value))
    won = Battles(battles.first, battles.second, value, battles.cluster)
    board = fit_styled(won, 5, style=style)
    assert board.notes == (SEPARATED,)
    assert board.rating.argmax() == 0
    assert 1000 < board.rating[0] < 3000
    assert board.high[0] - board.low[0] > 100
    with pytest.raises(NotConverged, match="infinite"):
        fit_styled(won, 5, style=style, prior=0)


def test_a_prior_pulls_strengths_and_coefficients_towards_the_middle():
    battles, style = make_case()
    free, held = fit_styled(battles, 5, style=style), fit_styled(battles, 5, style=style, prior=50.0)
    assert np.abs(held.strength).sum() < np.abs(free.strength).sum()
    assert (np.abs(held.coefficient) < np.abs(free.coefficient)).all()
    assert held.notes == ()
    with pytest.raises(ImpossibleInput, match="prior"):
        fit_styled(battles, 5, style=style, prior=-1)


def test_parts_that_never_met_share_the_coefficient_and_nothing_else():
    one, style = make_case(models=3, seed=1)
    two, other = make_case(models=3, seed=2)
    both = Battles(
        np.concatenate([one.first, two.first + 4]),
        np.concatenate([one.second, two.second + 4]),
        np.concatenate([one.value, two.value]),
        np.concatenate([one.cluster, two.cluster + 40]),
    )
    board = fit_styled(both, 7, style={name: np.concatenate([style[name], other[name]]) for name in style})
    assert board.notes == (DISCONNECTED,)
    assert board.component.tolist() == [0, 0, 0, -1, 1, 1, 1]
    assert board.strength[:3].sum() == pytest.approx(0, abs=1e-9)
    assert board.strength[4:].sum() == pytest.approx(0, abs=1e-9)
    assert np.isnan(board.covariance[0, 4]) and np.isnan(board.rating[3]) and np.isnan(board.freedom[3])
    assert not np.isnan(board.low[[0, 1, 2, 4, 5, 6]]).any()
    assert rank_ranges(board).rank[3] == 0
    alone = [fit_styled(*pair, style=x).coefficient[0] for *pair, x in ((one, 3, style), (two, 3, other))]
    assert min(alone) < board.coefficient[0] < max(alone)


def test_few_questions_are_noted_and_one_gives_no_interval():
    battles, style = make_case(questions=5)
    assert FEW_CLUSTERS in fit_styled(battles, 5, style=style).notes
    one = Battles(battles.first, battles.second, battles.value, np.zeros(len(battles), dtype=int))
    board = fit_styled(one, 5, style=style)
    assert np.isnan(board.low).all() and np.isnan(board.coefficient_low).all()
    assert not np.isnan(board.coefficient).any()


def test_the_anchor_has_its_rating_and_differences_stay():
    battles, style = make_case()
    plain, moved = (fit_styled(battles, 5, style=style, anchor=anchor) for anchor in (None, (2, 1200.0)))
    assert moved.rating[2] == pytest.approx(1200)
    assert moved.rating - plain.rating == pytest.approx(np.full(5, 1200 - plain.rating[2]))
    with pytest.raises(ImpossibleInput, match="anchor"):
        fit_styled(battles, 6, style=style, anchor=(5, 1000))


def test_the_relative_difference_is_a_share_of_both_and_nothing_against_nothing_is_equal():
    assert relative_difference([3, 0, 0, 5], [1, 0, 4, 5]).tolist() == [0.5, 0, -1, 0]
    assert relative_difference([3, 0], [1, 0], add_one=True) == pytest.approx([0.4, 0])
    assert relative_difference([], []).size == 0
    with pytest.raises(ImpossibleInput, match="below zero"):
        relative_difference([1, -1], [1, 1])
    with pytest.raises(ImpossibleInput, match="unequal"):
        relative_difference([1, 1], [1])


@pytest.mark.slow
def test_intervals_cover_the_truth_with_questions_that_lean_to_style():
    """400 simulated arenas: each question leans to one model; the true coefficient is that of the mixture."""
    random, covered, cells = np.random.default_rng(9), np.zeros(2), 0
    truth = np.array([0.5, 0.1, -0.6])
    for _ in range(400):
        question = np.repeat(np.arange(60), 20)
        first = random.integers(0, 3, 1200)
        second = (first + random.integers(1, 3, 1200)) % 3
        x = random.uniform(-1, 1, 1200)
        lean = random.choice([-0.5, 0.5], (60, 3))
        ahead = truth[first] - truth[second] + 0.8 * x
        chance = 1 / (1 + np.exp(-ahead)) + 0.15 * (lean[question, first] - lean[question, second])
        value = np.where(random.random(1200) < np.clip(chance, 0, 1), 1, -1)
        board = fit_styled(Battles(first, second, value, question), 3, style={"length": x}, centred=False)
        target = 1000 + POINTS * (truth - truth.mean())
        low, high = board.coefficient_low[0] / board.std[0], board.coefficient_high[0] / board.std[0]
        covered += [((board.low < target) & (target < board.high)).mean(), low < 0.8 < high]
        cells += 1
    assert (covered / cells > 0.925).all() and (covered / cells < 0.975).all()


def test_a_direction_of_which_battles_tell_nothing_at_all_is_floored_without_a_warning():
    from rating.stats.style_newton import _floored

    laplacian = np.array([[1.0, -1.0], [-1.0, 1.0]])
    expected = np.zeros((4, 4))
    expected[:2, :2], expected[2, 2], expected[3, 3] = laplacian, 1.0, -1e-18
    meat, silent = _floored(np.zeros((4, 4)), expected, np.array([0, 0]), least=1.0)
    assert silent and np.isfinite(meat).all() and meat[2, 2] == pytest.approx(1.0)
