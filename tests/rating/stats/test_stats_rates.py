"""Win rates, the tables behind them, and Wilson's interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import Battles, ImpossibleInput, battle_matrix, counts, fraction_matrix, mean_rates, wilson, win_rates
from rating.stats.intervals import clustered_means
from rating.stats.rates import win_rates_of_counts

quick = settings(max_examples=60, database=None)


def make_battles(*rows, cluster=None):
    first, second, value = zip(*rows, strict=True)
    return Battles(first, second, value, range(len(rows)) if cluster is None else cluster)


def test_wins_ties_and_losses_are_counted_by_sign():
    rates = win_rates(make_battles((0, 1, 2), (0, 1, 0.3), (1, 0, 1), (0, 1, 0)), 2)
    assert (rates.wins.tolist(), rates.ties.tolist(), rates.losses.tolist()) == ([2, 1], [1, 1], [1, 2])
    assert rates.n.tolist() == [4, 4]
    assert rates.win_rate[0] == pytest.approx((1 + 0.65 + 0 + 0.5) / 4)


def test_the_mean_rate_weighs_opponents_alike():
    battles = make_battles(*[(0, 1, 1)] * 8, (0, 2, -1), (0, 2, -1))
    rates = win_rates(battles, 3)
    assert rates.win_rate[0] == pytest.approx(0.8)
    assert rates.mean_rate[0] == pytest.approx(0.5)


def test_a_model_without_battles_has_no_rate():
    rates = win_rates(make_battles((0, 1, 1), (0, 1, -1)), 3)
    assert np.isnan([rates.win_rate[2], rates.low[2], rates.high[2], rates.mean_rate[2]]).all()
    assert rates.n[2] == 0


def test_a_model_that_won_everything_is_not_certain_to_win():
    rates = win_rates(make_battles(*[(0, 1, 1)] * 12), 2)
    assert rates.win_rate[0] == 1
    assert 0.6 < rates.low[0] < 0.9
    assert rates.high[0] == pytest.approx(1)


def test_votes_on_one_question_do_not_pass_for_many():
    rows = [(0, 1, 1)] * 60 + [(0, 1, -1)] * 40
    spread = win_rates(make_battles(*rows), 2)
    lumped = win_rates(make_battles(*rows, cluster=np.arange(100) // 10), 2)
    assert lumped.high[0] - lumped.low[0] > 2 * (spread.high[0] - spread.low[0])


def test_one_question_gives_no_interval():
    assert np.isnan(win_rates(make_battles((0, 1, 1), (0, 1, -1), cluster=[3, 3]), 2).low).all()


def test_independent_votes_give_nearly_wilsons_interval():
    rates = win_rates(make_battles(*[(0, 1, 1)] * 120, *[(0, 1, -1)] * 80), 2)
    low, high = wilson(120, 200)
    assert rates.low[0] == pytest.approx(low, abs=1e-3)
    assert rates.high[0] == pytest.approx(high, abs=1e-3)


def test_the_fraction_matrix_with_and_without_ties():
    table = counts(make_battles((0, 1, 1), (0, 1, 0), (0, 2, 0)), 3)
    assert fraction_matrix(table)[0, 1] == 0.75
    assert fraction_matrix(table, ties=False)[0, 1] == 1
    assert np.isnan(fraction_matrix(table, ties=False)[0, 2])
    assert np.isnan(fraction_matrix(table)[1, 2])
    assert mean_rates(fraction_matrix(table))[0] == pytest.approx(0.625)


def test_the_battle_matrix_is_symmetric():
    assert battle_matrix(make_battles((0, 1, 1), (1, 0, 1), (2, 0, 0)), 3).tolist() == [[0, 2, 1], [2, 0, 0], [1, 0, 0]]


def test_wilson_of_33_in_72_is_the_published_interval(golden_value):
    row = golden_value("autoj_pairwise", "agreement_both_orders Summarization")
    low, high = wilson(33, 72)
    assert [100 * low, 100 * high] == pytest.approx(row["wilson95"])


def test_wilson_of_nothing_is_nan_and_of_the_impossible_an_error():
    assert np.isnan(wilson(0, 0)).all()
    with pytest.raises(ImpossibleInput, match="share"):
        wilson(3, 2)


@quick
@given(st.integers(1, 500), st.floats(0, 1), st.floats(0.5, 0.999))
def test_wilson_stays_within_0_and_1_and_around_the_share(n, part, level):
    k = round(n * part)
    low, high = wilson(k, n, level=level)
    assert 0 <= low <= k / n + 1e-12
    assert k / n - 1e-12 <= high <= 1


def make_random(*, seed, n, questions, models=5, shares=False):
    random = np.random.default_rng(seed)
    first = random.integers(0, models, n)
    second = (first + random.integers(1, models, n)) % models
    value = random.uniform(-1, 1, n) if shares else random.choice([-2, -1, 0, 1, 1], n)
    return Battles(first, second, value, random.integers(0, questions, n))


@quick
@given(st.integers(0, 9999), st.integers(1, 200), st.sampled_from([3, 150, 100_000]), st.booleans())
def test_win_rates_are_the_clustered_means_of_both_sides(seed, n, questions, shares):
    battles = make_random(seed=seed, n=n, questions=questions, shares=shares)
    model, cluster = np.concatenate([battles.first, battles.second]), np.tile(battles.cluster, 2)
    share = np.concatenate([battles.share(), 1 - battles.share()])
    means, rates = clustered_means(model, cluster, value=share, groups=5), win_rates(battles, 5)
    assert rates.win_rate == pytest.approx(means.mean, nan_ok=True)
    assert rates.n.tolist() == means.n.tolist()
    assert (np.isnan(rates.low) == (means.clusters < 2)).all()
    sign = np.concatenate([np.sign(battles.value), -np.sign(battles.value)])
    for name, at in (("wins", 1), ("ties", 0), ("losses", -1)):
        assert getattr(rates, name).tolist() == np.bincount(model[sign == at], minlength=5).tolist()


@quick
@given(st.integers(0, 9999), st.integers(1, 120), st.sampled_from([2, 30, 100_000, 10**15]))
def test_the_error_of_clustered_means_is_the_one_written_out(seed, n, questions):
    random = np.random.default_rng(seed)
    group, cluster, value = random.integers(0, 4, n), random.integers(0, questions, n), random.normal(5, 2, n)
    means = clustered_means(group, cluster, value=value, groups=4)
    for g in range(4):
        mine = group == g
        seen = np.unique(cluster[mine])
        assert (means.n[g], means.clusters[g]) == (mine.sum(), seen.size)
        if seen.size > 1:
            sums = [(value[mine & (cluster == c)] - value[mine].mean()).sum() for c in seen]
            assert means.error[g] == pytest.approx(
                np.sqrt(seen.size / (seen.size - 1) * np.square(sums).sum()) / mine.sum()
            )


def test_counts_give_the_rates_of_rows_and_the_interval_of_independent_battles():
    battles = make_random(seed=4, n=3000, questions=3000)
    alone = Battles(battles.first, battles.second, battles.value, np.arange(3000))
    rows, table = win_rates(alone, 6), win_rates_of_counts(counts(battles, 6))
    for name in ("win_rate", "mean_rate", "wins", "ties", "losses", "n"):
        assert getattr(table, name) == pytest.approx(getattr(rows, name), nan_ok=True)
    assert table.low == pytest.approx(rows.low, abs=1e-4, nan_ok=True)
    assert table.high == pytest.approx(rows.high, abs=1e-4, nan_ok=True)


def test_rates_of_counts_without_ties_are_wilsons_for_the_battles():
    table = counts(make_battles(*[(0, 1, 1)] * 30, *[(0, 1, -1)] * 10, *[(0, 2, 1)] * 12), 4)
    rates = win_rates_of_counts(table)
    low, high = wilson(12, 12)
    assert (1 - rates.high[2], 1 - rates.low[2]) == (pytest.approx(low), pytest.approx(high))
    assert np.isnan(rates.win_rate[3])
    low, high = wilson(30 * 39 / 40, 40 * 39 / 40)
    assert (1 - rates.high[1], 1 - rates.low[1]) == (pytest.approx(low), pytest.approx(high))


def test_shares_are_added_up_in_counts():
    rates = win_rates_of_counts(counts(make_battles(*[(0, 1, 0.5)] * 8), 2))
    assert rates.win_rate[0] == 0.75
    assert (rates.wins.tolist(), rates.losses.tolist(), rates.ties.tolist()) == ([6, 2], [2, 6], [0, 0])
