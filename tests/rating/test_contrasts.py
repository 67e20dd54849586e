"""What a snapshot keeps of what models have in common: packed, found again, and read by pages and gates."""

from __future__ import annotations

import numpy as np
import pytest
from django.template.loader import render_to_string

from arena.models import Category, LanguageModel
from rating import contrasts, data, snapshots, stats
from rating.boards import Duel, board, duel
from rating.compared_boards import Compared
from rating.contrasts import Contrasts, contrasts_of
from rating.models import BoardContrasts, Profile, Rating
from rating.reporting.gating import gates_of
from tests.rating import make
from tests.rating.stats.test_stats_bradley_terry import make_random
from tests.rating.test_board_history import compared
from tests.rating.test_pages_boards import url, words
from tests.rating.test_snapshots import judged

pytestmark = pytest.mark.django_db


def fitted(models: int = 5):
    """A fit, its half widths in points, and what is kept of it under the ids 11, 12 …"""
    found = stats.fit(make_random(models=models), models)
    half = stats.POINTS_PER_NAT * stats.strength_contrasts(found)
    return found, half, contrasts_of(np.arange(11, 11 + models), found.high - found.rating, half)


def rows(found) -> list[Rating]:
    return [
        Rating(model_id=11 + k, rating=found.rating[k], low=found.low[k], high=found.high[k], n=found.n[k], method="bt")
        for k in range(len(found.rating))
    ]


def keep(snapshot, ratio: float = 0.8, **place) -> None:
    """Say of every two models of the board that their difference is this much as wide as that of independent ones."""
    place = {"source": "all", "method": "bt", "category": None, "language": "", **place}
    ids = np.array(sorted(set(snapshot.ratings.values_list("model", flat=True))))
    kept = Contrasts(ids, np.full((len(ids), len(ids)), ratio))
    contrasts.keep(snapshot, {tuple(place.values()): kept.packed()})


# packing


def test_what_is_packed_comes_back_within_a_ten_thousandth():
    found, half, kept = fitted()
    again, made = Contrasts.unpacked(kept.packed()), rows(found)
    for i in range(5):
        for j in set(range(5)) - {i}:
            assert again.half(made[i], made[j]) == pytest.approx(half[i, j], rel=1e-4)
            assert again.half(made[i], made[j]) == again.half(made[j], made[i])


def test_what_is_not_known_stays_unknown():
    half = np.array([10.0, 20.0, np.nan, 30.0])
    apart = np.full((4, 4), 15.0)
    apart[0, 1] = apart[1, 0] = np.nan
    apart[0, 3] = apart[3, 0] = 0.0  # no spread is no certainty
    kept = Contrasts.unpacked(contrasts_of(np.array([1, 2, 3, 4]), half, apart).packed())
    one, two, three, four = (Rating(model_id=k, low=-h, high=h) for k, h in enumerate(np.nan_to_num(half, nan=5.0), 1))
    assert kept.models.tolist() == [1, 2, 4]
    assert kept.half(one, two) is kept.half(one, three) is kept.half(one, four) is None
    assert kept.half(two, four) == pytest.approx(15.0, rel=1e-4)


@pytest.mark.parametrize("ratio", [1e-9, 1e9])
def test_a_ratio_off_the_scale_is_kept_as_its_end(ratio):
    kept = Contrasts.unpacked(Contrasts(np.array([1, 2]), np.full((2, 2), ratio)).packed())
    assert kept.ratio[0, 1] in (2.0**-8, 2.0**8)


def test_a_board_of_200_models_takes_little():
    random = np.random.default_rng(0)
    ratio = 1 + 0.05 * random.normal(size=(200, 200))
    assert len(Contrasts(np.arange(200), ratio).packed()) < 32_000


def test_an_interval_from_the_mean_of_all_models_is_the_boards_own():
    found, _half, kept = fitted()
    made = rows(found)
    for row in made:
        assert kept.half_from_mean(row, made) == pytest.approx((row.high - row.low) / 2, rel=5e-3)


def test_an_interval_from_the_mean_of_some_is_that_of_the_contrast():
    found, _half, kept = fitted()
    made = rows(found)[:3]
    of = np.array([2 / 3, -1 / 3, -1 / 3, 0, 0])
    error = stats.POINTS_PER_NAT * np.sqrt(of @ found.covariance @ of)
    quantile = (found.high[0] - found.rating[0]) / (stats.POINTS_PER_NAT * np.sqrt(found.covariance[0, 0]))
    assert kept.half_from_mean(made[0], made) == pytest.approx(error * quantile, rel=1e-3)


# what a snapshot keeps


def test_a_snapshot_keeps_what_the_models_of_every_board_with_intervals_have_in_common():
    snapshot = snapshots.take(judged())
    held = set(BoardContrasts.objects.values_list("source", "method", "category__key"))
    assert held == {
        place for place in snapshot.ratings.values_list("source", "method", "category__key") if place[1] != "elo"
    }


def test_what_it_keeps_is_what_the_fit_of_its_votes_says():
    benchmark = judged()
    snapshot = snapshots.take(benchmark)
    record = data.read(benchmark)
    names, codes = np.unique(np.concatenate([record.votes.first, record.votes.second]), return_inverse=True)
    first, second = codes.reshape(2, -1)
    battles = stats.Battles(first, second, record.votes.value, record.votes.cluster)
    half = stats.POINTS_PER_NAT * stats.strength_contrasts(stats.fit(battles, len(names)))
    read = board(benchmark, snapshot=snapshot)
    place = {model: k for k, model in enumerate(names.tolist())}
    for one in read.rows:
        for other in read.rows:
            if one != other:
                told = duel(read, one, other)
                assert told.half == pytest.approx(half[place[one.model_id], place[other.model_id]], rel=1e-4)
                back = duel(read, other, one)
                assert (told.low, told.high) == (-back.high, -back.low)


def test_the_interval_of_two_apart_is_narrower_than_from_end_to_end():
    benchmark = judged()
    read = board(benchmark, snapshot=snapshots.take(benchmark))
    told, wide = duel(read, *read.rows[:2]), Duel(*read.rows[:2])
    assert not told.is_cautious and wide.is_cautious
    assert wide.low < told.low < told.difference < told.high < wide.high


def test_scores_that_differ_by_as_much_on_every_question_have_the_cautious_interval():
    benchmark = judged()
    read = board(benchmark, snapshot=snapshots.take(benchmark), method="score")
    assert read.contrasts and duel(read, *read.rows[:2]).is_cautious


def test_boards_that_are_the_same_are_kept_once():
    snapshot = snapshots.take(judged())
    data_of = [bytes(row.data) for row in BoardContrasts.objects.filter(same_as=None)]
    assert len(data_of) == len(set(data_of)) and all(data_of)
    assert not any(row.data for row in snapshot.contrasts.exclude(same_as=None))


def test_a_board_under_a_second_name_has_what_the_first_has(django_assert_num_queries):
    snapshot = make.snapshot()
    packed = fitted()[2].packed()
    contrasts.keep(snapshot, {(source, "bt", None, ""): packed for source in ("all", "judges", "judge:fair")})
    assert [bool(row.data) for row in snapshot.contrasts.order_by("source")] == [True, False, False]
    with django_assert_num_queries(1):
        assert contrasts.kept(snapshot, ("judges", "bt", None, "")).models.tolist() == [11, 12, 13, 14, 15]
    snapshot.delete()
    assert not BoardContrasts.objects.exists()


def test_what_is_too_much_is_left_out_and_whole_boards_come_first(monkeypatch):
    snapshot, category = make.snapshot(), Category.objects.create(key="sums")
    small, large = (fitted(k)[2].packed() for k in (4, 5))
    monkeypatch.setattr(contrasts, "MOST_BYTES", len(large))
    contrasts.keep(snapshot, {("all", "bt", category.pk, ""): small, ("people", "bt", None, ""): large})
    assert [row.source for row in snapshot.contrasts.all()] == ["people"]


def test_another_edition_of_the_figures_makes_the_next_snapshot(monkeypatch):
    benchmark = judged()
    first = snapshots.take(benchmark)
    monkeypatch.setattr(snapshots, "EDITION", "2 4")
    old = snapshots.take(benchmark)
    old.contrasts.all().delete()
    assert duel(board(benchmark), *board(benchmark).rows[:2]).is_cautious
    monkeypatch.undo()
    assert snapshots.EDITION != "2 4" and snapshots.take(benchmark) == first
    assert not duel(board(benchmark), *board(benchmark).rows[:2]).is_cautious


# pages


def test_two_models_are_told_by_what_they_have_in_common(client):
    snapshot = make.board(3)
    keep(snapshot)
    first, second = LanguageModel.objects.order_by("name")[:2]
    text = words(client.get(url(snapshot, a=first.pk, b=second.pk)))
    half = 0.8 * np.hypot(25, 25)
    low, high = (round(100 / (1 + 10 ** (-(60 + side * half) / 400))) for side in (-1, 1))
    assert f"59% of their battles, between {low}% and {high}%. The data tell the two apart. n = 80 and 80." in text
    assert "wider than it need be" not in text


def test_a_difference_that_may_be_none_is_said_to_be_so(client):
    snapshot = make.board(2)
    Rating.objects.filter(rank=2).update(rank_low=1)
    keep(snapshot, 2.0)
    assert "The interval of their difference holds 0: the data do not tell the two apart." in words(
        client.get(url(snapshot))
    )


def test_an_older_snapshot_says_that_its_interval_is_wider_than_it_need_be(client):
    text = words(client.get(url(make.board(2))))
    assert "59% of their battles, cautiously between 51% and 65%." in text
    assert "wider than it need be: this snapshot does not say what the two have in common" in text


def test_scores_of_two_are_told_by_what_they_have_in_common(client):
    snapshot = make.snapshot()
    made = make.models(2)
    for place, (model, mean) in enumerate(zip(made, (7.5, 7.0), strict=True), start=1):
        row = make.rating(snapshot, model, place, method="score", rating=mean, low=mean - 0.3, high=mean + 0.4 - 0.1)
        row.save()
    keep(snapshot, 0.5, method="score")
    text = words(client.get(url(snapshot, method="score", a=made[0].pk, b=made[1].pk)))
    assert "+0.50 [+0.29, +0.71] The data tell the two apart. n = 80 and 80." in text


def test_a_live_board_takes_what_its_models_had_in_common_when_the_snapshot_was_taken():
    snapshot = make.board(2)
    keep(snapshot)
    read = board(snapshot.leaderboard.benchmark)
    newer = [Rating(model_id=row.model_id, rating=row.rating, low=row.low + 5, high=row.high - 5) for row in read.rows]
    assert read.contrasts.half(*newer) == pytest.approx(0.8 * np.hypot(20, 20), rel=1e-4)


# two boards


def two(after: int = 3, before: int = 3):
    made = make.models(max(after, before))
    first = make.snapshot()
    make.ranking(first, made[:before])
    second = make.snapshot(first.leaderboard.benchmark)
    make.ranking(second, made[:after])
    return first, second


def both(first, second, **which) -> Compared:
    return Compared(*(board(one.leaderboard.benchmark, snapshot=one, **which) for one in (first, second)))


def test_of_two_snapshots_variances_add_up(client):
    first, second = two()
    told = both(first, second)
    assert [row.half for row in told.rows] == [pytest.approx(np.hypot(25, 25))] * 3 and not told.is_cautious
    text = words(compared(client, first, second))
    assert "[−35, +35]" in text and "its interval is rather too wide" in text and "Cautious" not in text


def test_boards_of_people_and_of_machines_have_no_vote_in_common(client):
    _first, second = two()
    for source in ("people", "judges"):
        make.ranking(second, list(LanguageModel.objects.all()), source=source)
    text = words(compared(client, second, second, source="people", other_source="judges"))
    assert "no vote in common" in text and "of the same questions, its interval is rather too wide" in text
    assert "no vote in common" not in words(compared(client, second, second, source="people", other_source="all"))


def test_where_models_differ_the_interval_is_relative_to_those_on_both():
    first, second = two(after=4, before=3)
    keep(second, 1.0)
    assert both(first, second).is_cautious is False
    # before: its own 25; after: 3 of 4 models that are alike and independent, 25 · √(2/3 · …)
    after = 25 * np.sqrt(2 * 2 / 3 - 2 * 6 / 9 / 2)
    assert both(first, second).rows[0].half == pytest.approx(np.hypot(25, after), rel=1e-4)


def test_where_models_differ_and_an_older_snapshot_does_not_say_more_it_goes_from_end_to_end(client):
    first, second = two(after=4, before=3)
    told = both(first, second)
    assert told.is_cautious and (told.rows[0].high - told.rows[0].low) == pytest.approx(100)
    assert "Cautious interval" in words(compared(client, first, second))


# gates


def gate(model, **changes):
    row = {"kind": "board", "benchmark": "kitchen", "op": ">=", "value": 0, "against": "M2 1", "at": "low", **changes}
    return gates_of(model, Profile(name="release", gates=[row])).rows[0]


def test_a_gate_on_a_difference_passes_by_what_the_two_have_in_common():
    snapshot = make.board(2)
    Rating.objects.filter(category=None, rank=2).update(rating=1060, low=1035, high=1085)
    model = LanguageModel.objects.get(name="M1")
    wide = gate(model)
    assert (wide.outcome, wide.low) == ("FAIL", pytest.approx(-10)) and "wider than it need be" in wide.reason
    keep(snapshot)
    found = gate(model)
    assert (found.outcome, found.n, found.value) == ("PASS", 80, 40)
    assert found.low == pytest.approx(40 - 0.8 * np.hypot(25, 25), rel=1e-3)
    assert "n = 80 (the interval takes into account what the two have in common)" in found.reason
    other = gates_of(LanguageModel.objects.get(name="M2"), Profile(gates=[]))
    assert other.outcome == "NOT ENOUGH DATA"


def test_models_that_never_met_have_no_difference_that_a_gate_could_hold():
    note = {"source": "all", "method": "bt", "category": None, "note": "disconnected"}
    make.board(2, notes=[note])
    found = gate(LanguageModel.objects.get(name="M1"), at="value")
    assert found.outcome == "NOT ENOUGH DATA" and "never met" in found.reason


def test_where_mean_scores_and_rank_ranges_differ_it_is_said_what_each_goes_by():
    one, other = (
        Rating(model=LanguageModel(name=name), rating=mean, low=mean - 1, high=mean + 1, n=9, method="score")
        for name, mean in (("Ash", 7.0), ("Birch", 6.0))
    )
    one.rank = one.rank_low = one.rank_high = 1
    other.rank = other.rank_low = other.rank_high = 2
    text = render_to_string("rating/_duel_sure.html", {"duel": Duel(one, other, is_score=True, half=1.2)})
    assert "the questions that both have scores on, tell them apart" in text and "wider than it need be" not in text
    cautious = render_to_string("rating/_duel_sure.html", {"duel": Duel(one, other, is_score=True)})
    assert "which know what the two have in common, tell them apart" in cautious and "wider than it need be" in cautious


def test_where_two_are_apart_and_their_rank_ranges_overlap_it_is_said_why():
    rows = [
        Rating(model=LanguageModel(name=name), rating=mean, low=mean - 1, high=mean + 1, n=9, rank=rank, rank_low=low, rank_high=high)
        for name, mean, rank, low, high in (("Ash", 7.0, 1, 1, 2), ("Birch", 6.0, 3, 2, 3))
    ]  # fmt: skip
    told = [
        render_to_string("rating/_duel_sure.html", {"duel": Duel(*rows, is_score=is_score, half=0.5)})
        for is_score in (False, True)
    ]
    assert (
        "The data tell the two apart. Their rank ranges overlap all the same, as each allows for all other" in told[0]
    )
    assert "leaves out 0. Their rank ranges overlap all the same: they go by the questions that both have" in told[1]
    assert "tell the two apart" not in told[1]
    rows[1].rank_low = 3
    apart = render_to_string("rating/_duel_sure.html", {"duel": Duel(*rows, is_score=True, half=0.5)})
    assert "The data tell the two apart." in apart and "overlap" not in apart
