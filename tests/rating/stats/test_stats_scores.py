"""Mean scores and their ranks, and weighted totals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rating.stats import ALL_EQUAL, ONE_QUESTION, ImpossibleInput, mean_scores, rank_means, weighted_total
from rating.stats.scores import battles_of_scores

quick = settings(max_examples=60, database=None)


def make_grid(scores):
    """Columns for scores (models, questions), NaN where there is none."""
    scores = np.asarray(scores, dtype=float)
    model, question = np.nonzero(~np.isnan(scores))
    return model, scores[model, question], question


def test_one_score_a_question_gives_the_plain_t_interval():
    marks = [7, 8, 6, 9, 5]
    means = mean_scores(*make_grid([marks]), 1)
    half = stats.sem(marks) * stats.t.ppf(0.975, 4)
    assert means.mean[0] == 7
    assert means.high[0] - 7 == pytest.approx(half)
    assert means.low[0] == pytest.approx(7 - half)
    assert (means.n[0], means.clusters[0], means.notes) == (5, 5, ())


def test_repeats_on_a_question_do_not_narrow_the_interval():
    model, score, question = make_grid([[7, 8, 6, 9, 5]])
    once = mean_scores(model, score, question, 1)
    ten = mean_scores(np.tile(model, 10), np.tile(score, 10), np.tile(question, 10), 1)
    assert ten.high == pytest.approx(once.high)
    assert ten.n[0] == 50


def test_one_question_gives_a_mean_without_interval_and_a_note():
    means = mean_scores([0, 0], [3, 5], [9, 9], 2)
    assert means.mean[0] == 4
    assert np.isnan(means.low[0])
    assert np.isnan(means.mean[1])
    assert means.notes == (ONE_QUESTION,)


def test_equal_scores_are_not_called_certain():
    means = mean_scores(*make_grid([[0.1] * 7]), 1)
    assert means.mean[0] == pytest.approx(0.1)
    assert np.isnan(means.low[0])
    assert means.notes == (ALL_EQUAL,)


@pytest.mark.parametrize(
    "columns", [([0], [float("nan")], [0]), ([0, 1], [1.0], [0]), ([2], [1.0], [0]), ([0], [1.0], [-1])]
)
def test_scores_that_cannot_be_are_errors(columns):
    with pytest.raises(ImpossibleInput):
        mean_scores(*columns, 2)


def test_paired_differences_rank_what_separate_intervals_cannot():
    hard = np.array([1, 9, 2, 8, 3, 7, 1, 9, 4, 6], dtype=float)
    better = hard + np.array([0.9, 1.1] * 5)
    grid = make_grid([hard, better])
    means, ranks = mean_scores(*grid, 2), rank_means(*grid, 2)
    assert means.low[1] < means.high[0]
    assert ranks.rank.tolist() == ranks.low.tolist() == ranks.high.tolist() == [2, 1]


def test_the_paired_test_is_the_textbook_one():
    random = np.random.default_rng(1)
    for _ in range(200):
        a, b = random.normal(0, 1, 12), random.normal(0.5, 1, 12)
        ranks = rank_means(*make_grid([a, b]), 2)
        sure = stats.ttest_rel(a, b).pvalue < 0.05
        assert (ranks.high.min() == 1) == sure


def test_models_without_a_shared_question_are_not_told_apart():
    nothing = float("nan")
    ranks = rank_means(*make_grid([[9, 9.5, nothing, nothing], [nothing, nothing, 1, 1.5]]), 2)
    assert ranks.rank.tolist() == [1, 2]
    assert (ranks.low.tolist(), ranks.high.tolist()) == ([1, 1], [2, 2])


@pytest.mark.parametrize(("questions", "sure"), [(5, False), (6, True)])
def test_the_same_difference_everywhere_is_judged_by_the_sign_test(questions, sure):
    ranks = rank_means(*make_grid([[5] * questions, [4] * questions]), 2)
    assert (ranks.high[0] == 1) == sure


def test_the_rank_lies_in_its_range_even_where_means_and_pairs_disagree():
    nothing = float("nan")
    first = [2, 3.1, 2, 3.2, 2, 3] + [nothing] * 6
    second = [1, 2, 1, 2, 1, 2] + [9.0] * 6
    ranks = rank_means(*make_grid([first, second]), 2)
    assert ranks.rank.tolist() == [2, 1]
    assert ((ranks.low <= ranks.rank) & (ranks.rank <= ranks.high)).all()


@pytest.mark.parametrize(
    ("weights", "mode", "total"), [([1, 1, 1], "sum", 2.25), ([50, 30, 20], "mean", 0.78), ([1, 3, 1], "mean", 0.69)]
)
def test_totals_weigh_categories_as_asked(weights, mode, total):
    assert weighted_total([[0.9, 0.6, 0.75]], weights, mode=mode) == pytest.approx([total])


def test_a_total_without_one_of_its_categories_is_no_total():
    values = [[0.9, np.nan], [0.5, 0.7]]
    assert np.isnan(weighted_total(values, [1, 1])[0])
    assert weighted_total(values, [1, 0]).tolist() == [0.9, 0.5]


@pytest.mark.parametrize("weights", [[0, 0], [1, -1], [1], [1, np.nan]])
def test_weights_that_cannot_be_are_errors(weights):
    with pytest.raises(ImpossibleInput):
        weighted_total([[0.9, 0.5]], weights)


def test_an_unknown_kind_of_total_is_an_error():
    with pytest.raises(ImpossibleInput, match="median"):
        weighted_total([[0.9]], [1], mode="median")


def rows_of(battles):
    return sorted(zip(*(getattr(battles, n).tolist() for n in ("first", "second", "value", "cluster")), strict=True))


def test_on_each_question_the_higher_score_wins_and_equal_ones_tie():
    battles = battles_of_scores([2, 0, 1, 0, 1], [7, 9, 7, 3, 5], [4, 4, 4, 6, 6])
    assert rows_of(battles) == [(0, 1, -1, 6), (0, 1, 1, 4), (0, 2, 1, 4), (1, 2, 0, 4)]


def test_scores_within_the_band_tie_also_where_decimals_are_not_exact():
    scores = [0.3, 0.1 + 0.2 + 0.1, 0.6]
    assert rows_of(battles_of_scores([0, 1, 2], scores, [0] * 3, band=0.1)) == [
        (0, 1, 0, 0),
        (0, 2, -1, 0),
        (1, 2, -1, 0),
    ]
    assert rows_of(battles_of_scores([0, 1], [0.3, 0.1 + 0.2], [0, 0])) == [(0, 1, 0, 0)]


def test_only_scores_of_one_judge_are_compared():
    model, score, question = [0, 1, 0, 1], [9, 8, 3, 4], [5] * 4
    assert len(battles_of_scores(model, score, question)) == 4
    assert rows_of(battles_of_scores(model, score, question, judge=[7, 7, 9, 9])) == [(0, 1, -1, 5), (0, 1, 1, 5)]


def test_a_model_does_not_meet_itself_and_nothing_gives_no_battles():
    assert len(battles_of_scores([0, 0, 0], [1, 2, 3], [0, 0, 0])) == 0
    assert len(battles_of_scores([], [], [])) == 0


@pytest.mark.parametrize("bad", [{"band": -1}, {"band": float("nan")}, {"judge": [0]}, {"judge": [-1, 0]}])
def test_bands_and_judges_that_cannot_be_are_errors(bad):
    with pytest.raises(ImpossibleInput):
        battles_of_scores([0, 1], [1, 2], [0, 0], **bad)


@quick
@given(st.integers(0, 9999), st.integers(0, 40), st.booleans(), st.sampled_from([0.0, 1.0]))
def test_battles_of_scores_are_the_pairs_written_out(seed, n, judged, band):
    random = np.random.default_rng(seed)
    model, score, question, judge = (random.integers(0, k, n) for k in (4, 5, 6, 2))
    found = battles_of_scores(model, score, question, band=band, judge=judge if judged else None)
    expected = []
    for a in range(n):
        for b in range(n):
            if question[a] == question[b] and model[a] < model[b] and (not judged or judge[a] == judge[b]):
                lead = int(score[a]) - int(score[b])
                expected.append((model[a], model[b], 0 if abs(lead) <= band else np.sign(lead), question[a]))
    assert rows_of(found) == sorted(expected)


@quick
@given(st.integers(0, 9999), st.integers(1, 40))
def test_battles_of_scores_know_only_the_order_of_scores(seed, n):
    random = np.random.default_rng(seed)
    model, score, question = random.integers(0, 4, n), random.integers(0, 5, n), random.integers(0, 6, n)
    plain = battles_of_scores(model, score, question)
    assert rows_of(battles_of_scores(model, np.exp(score), question)) == rows_of(plain)
    order = random.permutation(n)
    assert rows_of(battles_of_scores(model[order], score[order], question[order])) == rows_of(plain)


def test_more_pairs_of_scores_than_fit_in_memory_are_refused_by_name():
    n = 10_001
    with pytest.raises(ImpossibleInput, match="50005000 pairs of scores share a question"):
        battles_of_scores(np.arange(n), np.zeros(n), np.zeros(n, dtype=int))
