"""Who matters: what each annotator moves, and the fewest votes on which the leader rests."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import SEPARATED, Battles, TooLittleData, counts, fit, fit_counts
from rating.stats.influence import NOT_FOUND, TIED, leave_one_out, overturn_leader

quick = settings(max_examples=20, database=None)


def make_votes(seed=0, n=600, models=5, *, annotators=12, spread=0.6):
    random = np.random.default_rng(seed)
    strength = random.normal(0, spread, models)
    first = random.integers(0, models, n)
    second = (first + random.integers(1, models, n)) % models
    chance = 1 / (1 + np.exp(strength[second] - strength[first]))
    value = np.where(random.random(n) < 0.15, 0, np.where(random.random(n) < chance, 1, -1))
    return Battles(first, second, value, np.arange(n)), random.integers(0, annotators, n)


def kept(battles, rows):
    return Battles(battles.first[rows], battles.second[rows], battles.value[rows], battles.cluster[rows])


def without(battles, rows):
    return kept(battles, np.setdiff1d(np.arange(len(battles)), rows))


def test_an_exact_refit_is_the_fit_of_the_others():
    battles, who = make_votes()
    result = leave_one_out(battles, who, 5, exact=True)
    whole = fit(battles, 5)
    for k, code in enumerate(result.annotators):
        others = fit(kept(battles, np.flatnonzero(who != code)), 5)
        assert result.change[k] == pytest.approx(others.rating - whole.rating, abs=1e-4)
        assert result.leaders[k] == np.argmax(others.rating)
        lead = others.rating[result.leader] - np.delete(others.rating, result.leader).max()
        assert result.lead[k] == pytest.approx(lead, abs=1e-4)
    assert result.votes.sum() == 600


def test_one_step_is_close_to_the_refit():
    battles, who = make_votes(n=3000, annotators=60)
    step, exact = leave_one_out(battles, who, 5), leave_one_out(battles, who, 5, exact=True)
    assert np.abs(exact.change).max() > 2
    assert 1e-6 < np.abs(step.change - exact.change).max() < 0.03 * np.abs(exact.change).max()
    assert (step.leaders == exact.leaders).all()


def test_whoever_has_a_large_part_is_left_out_by_a_refit():
    for seed in range(40):
        battles, who = make_votes(seed=seed, n=60, models=4, annotators=3)
        quick_one, exact = leave_one_out(battles, who, 4), leave_one_out(battles, who, 4, exact=True)
        assert quick_one.change == pytest.approx(exact.change, abs=1e-6, nan_ok=True)
        assert quick_one.leaders.tolist() == exact.leaders.tolist()


def test_no_leader_is_changed_without_a_refit():
    """Two models that are nearly level, and many annotators with few votes each."""
    changed = 0
    for seed in range(20):
        battles, who = make_votes(seed=seed, n=3000, models=3, annotators=80, spread=0.03)
        step, exact = leave_one_out(battles, who, 3), leave_one_out(battles, who, 3, exact=True)
        assert step.leaders.tolist() == exact.leaders.tolist()
        moved = step.leaders != step.leader
        assert step.lead[moved] == pytest.approx(exact.lead[moved], abs=1e-6)
        changed += int(moved.sum())
    assert changed > 20


@pytest.mark.parametrize("value", [1, -1])
def test_without_the_only_battle_there_is_no_leader_to_change(value):
    result = leave_one_out(Battles([0], [1], [value], [0]), [7], 2)
    assert result.leader == (0 if value > 0 else 1)
    assert result.leaders.tolist() == [-1]
    assert np.isnan(result.change).all() and np.isnan(result.lead).all()


def test_who_only_draws_level_has_not_taken_the_lead():
    battles = Battles([0, 0, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 1], range(5))
    result = leave_one_out(battles, [0, 0, 0, 0, 1], 2)
    assert result.leader == 1
    assert result.leaders.tolist() == [-1, 1]
    assert result.lead[1] == pytest.approx(0, abs=1e-9)


def test_changes_sum_to_zero_for_each_annotator():
    battles, who = make_votes()
    assert leave_one_out(battles, who, 5).change.sum(axis=1) == pytest.approx(np.zeros(12), abs=1e-8)


@quick
@given(st.integers(0, 1000), st.permutations(range(5)))
def test_names_of_models_and_annotators_do_not_matter(seed, names):
    battles, who = make_votes(seed=seed)
    names = np.array(names)
    renamed = Battles(names[battles.first], names[battles.second], battles.value, battles.cluster)
    plain, other = leave_one_out(battles, who, 5), leave_one_out(renamed, 100 - who, 5)
    assert other.change[::-1][:, names] == pytest.approx(plain.change)
    assert names[plain.leader] == other.leader


def test_an_annotator_who_alone_makes_the_leader_is_found():
    fair = [(0, 1, 1)] * 10 + [(0, 1, -1)] * 10
    odd = [(1, 0, 1)] * 8 + [(1, 0, -1)] * 1
    first, second, value = zip(*fair, (0, 1, 1), *odd, strict=True)
    who = [0] * 10 + [1] * 11 + [2] * 9
    battles = Battles(first, second, value, np.arange(len(value)))
    result = leave_one_out(battles, who, 2, exact=True)
    assert result.leader == 1
    # without 0, who voted for model 0 alone, model 1 is as clearly ahead as before and more
    assert result.leaders.tolist()[2] == 0
    assert result.lead[2] < 0


def test_an_annotator_without_whom_the_models_fall_apart_has_no_figure():
    battles = Battles([0] * 8 + [1] * 4, [1] * 8 + [2] * 4, [1, -1] * 4 + [1, -1] * 2, np.arange(12))
    result = leave_one_out(battles, [0] * 4 + [1] * 4 + [7] * 4, 3)
    assert np.isnan(result.change[2]).all()
    assert not np.isnan(result.change[:2]).any()
    assert result.annotators.tolist() == [0, 1, 7]
    assert result.leaders[2] == -1
    assert np.isnan(result.lead[2])


def test_models_without_battles_have_no_change():
    battles, who = make_votes()
    result = leave_one_out(battles, who, 7)
    assert np.isnan(result.change[:, 5:]).all()
    assert not np.isnan(result.change[:, :5]).any()
    assert (result.leaders < 5).all()


def test_a_model_that_only_wins_is_measured_under_the_prior_and_said():
    battles = Battles([0] * 12 + [1] * 8, [1] * 6 + [2] * 6 + [2] * 8, [1] * 12 + [1, -1] * 4, np.arange(20))
    result = leave_one_out(battles, np.arange(20) % 4, 3)
    assert result.notes == (SEPARATED,)
    assert not np.isnan(result.change).any()


def test_without_battles_nobody_matters():
    empty = Battles([], [], [], [])
    with pytest.raises(TooLittleData):
        leave_one_out(empty, [], 3)
    with pytest.raises(TooLittleData):
        overturn_leader(empty, 3)


def test_two_models_are_overturned_by_one_more_than_the_surplus():
    battles = Battles([0] * 30, [1] * 30, [1] * 17 + [-1] * 13, np.arange(30))
    result = overturn_leader(battles, 2)
    assert (result.leader, result.rival, result.votes, result.of) == (0, 1, 5, 30)
    assert result.share == pytest.approx(5 / 30)
    assert result.rows.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seed", [0, 1, 3, 5])
def test_the_set_really_overturns_and_one_vote_less_of_it_does_not(seed):
    battles, _ = make_votes(seed=seed)
    result = overturn_leader(battles, 5)
    after = fit_counts(counts(without(battles, result.rows), 5)).strength
    assert np.argmax(after) == result.rival != result.leader
    assert result.rows.size == np.unique(result.rows).size == result.votes > 1
    gone = counts(kept(battles, result.rows), 5)
    assert gone.wins[result.leader].sum() + gone.wins[:, result.rival].sum() > 0


def test_no_smaller_set_overturns_in_small_arenas():
    tried = 0
    for seed in range(20):
        battles, _ = make_votes(seed=seed, n=22, models=3, spread=0.4)
        result = overturn_leader(battles, 3)
        if result.notes or result.votes not in (1, 2, 3):
            continue
        tried += 1
        for rows in combinations(range(22), result.votes - 1):
            after = fit_counts(counts(without(battles, list(rows)), 3)).strength
            assert np.nanmax(after) <= after[result.leader] + 1e-9
    assert tried >= 8


@quick
@given(st.integers(0, 1000), st.permutations(range(5)))
def test_the_number_does_not_depend_on_names_or_sides(seed, names):
    battles, _ = make_votes(seed=seed, n=300)
    names = np.array(names)
    other = Battles(names[battles.second], names[battles.first], -battles.value, battles.cluster)
    plain, renamed = overturn_leader(battles, 5), overturn_leader(other, 5)
    assert renamed.leader == names[plain.leader]
    # equal first-order gains are taken in another order, which can cost a vote
    assert abs(renamed.votes - plain.votes) <= 1


def test_more_of_the_same_votes_take_as_much_more_to_overturn():
    battles, _ = make_votes(seed=2)
    ten = Battles(*(np.tile(getattr(battles, name), 10) for name in ("first", "second", "value", "cluster")))
    once, more = overturn_leader(battles, 5), overturn_leader(ten, 5)
    assert 9 * (once.votes - 1) <= more.votes <= 10 * once.votes + 1


def test_two_that_lead_together_need_no_vote_to_go():
    result = overturn_leader(Battles([0, 0, 1, 1], [1, 1, 0, 0], [1, -1, 1, -1], range(4)), 2)
    assert (result.votes, result.notes, result.rows.size) == (0, (TIED,), 0)


def test_a_leader_that_only_a_lost_link_could_unseat_is_not_overturned():
    result = overturn_leader(Battles([0], [1], [1], [0]), 2)
    assert result.votes is None
    assert result.share is None
    assert NOT_FOUND in result.notes


def test_a_leader_alone_in_its_part_cannot_be_asked_for():
    battles = Battles([0, 0, 2, 2, 2], [1, 1, 3, 3, 3], [1, -1, 1, 1, -1], range(5))
    assert overturn_leader(battles, 4).leader == 2


def test_narrow_columns_give_the_same_answer():
    battles, _ = make_votes()
    narrow = Battles(
        *(column.astype(np.int8) for column in (battles.first, battles.second, battles.value)), battles.cluster
    )
    assert overturn_leader(narrow, 5).votes == overturn_leader(battles, 5).votes
