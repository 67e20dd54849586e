"""Live boards: the same ratings as a snapshot would give, from counts alone, shown until the next snapshot."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from arena.models import Battle
from judging.models import Preference
from rating import boards, counting, live, snapshots, tasks
from rating.models import Leaderboard, LiveBoard, Rating
from tests.judging import recorded as make
from tests.rating.test_snapshots import judged

pytestmark = pytest.mark.django_db


def refreshed(benchmark) -> dict:
    """The live boards by source, method and category."""
    assert counting.catch_up()
    leaderboard = Leaderboard.objects.get(benchmark=benchmark)
    live.refresh(leaderboard, snapshots.recipe(leaderboard)[1])
    rows = LiveBoard.objects.filter(leaderboard=leaderboard)
    return {(row.source, row.method, row.category_id): row for row in rows}


def test_a_live_board_is_the_one_that_a_snapshot_of_the_same_votes_has():
    benchmark = judged(questions=20)
    snapshot = snapshots.take(benchmark)
    found = refreshed(benchmark)
    saved = snapshot.ratings.filter(method__in=("bt", "score")).exclude(source="calibrated")
    assert set(found) == set(saved.order_by().values_list("source", "method", "category").distinct())
    for row in saved:
        (mine,) = [one for one in found[row.source, row.method, row.category_id].rows if one["model"] == row.model_id]
        assert mine["rating"] == pytest.approx(row.rating, abs=1e-6) and mine["n"] == row.n
        assert mine["win_rate"] == pytest.approx(row.win_rate) and mine.get("weighted") == pytest.approx(row.weighted)


def test_its_intervals_are_as_wide_as_the_snapshot_found_for_questions():
    benchmark = judged(questions=60)
    snapshot = snapshots.take(benchmark)
    found = refreshed(benchmark)["people", "bt", None]
    for row in snapshot.ratings.filter(source="people", method="bt", category=None):
        (mine,) = [one for one in found.rows if one["model"] == row.model_id]
        assert mine["high"] - mine["low"] == pytest.approx((row.high - row.low) * max(1.0, 1 / row.inflation) ** 0.5)


def test_a_refresh_costs_the_same_queries_for_few_votes_as_for_many():
    costs = []
    for size in (4, 40):
        benchmark = judged(f"of {size}", questions=size)
        snapshots.take(benchmark)
        leaderboard = Leaderboard.objects.get(benchmark=benchmark)
        recipe = snapshots.recipe(leaderboard)[1]
        with CaptureQueriesContext(connection) as seen:
            live.refresh(leaderboard, recipe)
        costs.append(len(seen))
    assert costs[0] == costs[1] <= 17


def test_between_two_snapshots_the_page_shows_the_live_board_and_says_so(client):
    benchmark = judged()
    tasks.refresh()
    snapshot = Leaderboard.objects.get(benchmark=benchmark).current
    address = f"/leaderboard/{benchmark.pk}/"
    assert "Live: votes have come" not in client.get(address).content.decode()
    make.preference(Battle.objects.first(), make.judge("third"))
    tasks.refresh()
    assert Leaderboard.objects.get(benchmark=benchmark).current == snapshot, "it rests"
    page = client.get(address).content.decode()
    assert "Live: votes have come" in page
    board = boards.board(benchmark, live=True)
    assert board.live and board.n == boards.board(benchmark).n + 1
    assert "Live: votes have come" not in client.get(f"/snapshots/{snapshot.pk}/").content.decode()


def test_the_next_snapshot_takes_the_place_of_the_live_boards():
    benchmark = judged()
    tasks.refresh()
    make.preference(Battle.objects.first(), make.judge("third"))
    tasks.refresh()
    assert LiveBoard.objects.exists()
    snapshots.take(benchmark)
    assert not LiveBoard.objects.exists() and boards.board(benchmark, live=True).live is None


def test_counts_that_lag_behind_are_not_shown(monkeypatch):
    judged()
    tasks.refresh()
    make.preference(Battle.objects.first(), make.judge("third"))
    monkeypatch.setattr(counting, "catch_up", lambda: False)
    tasks.refresh()
    assert not LiveBoard.objects.exists()


def test_a_large_board_rests_longer_between_snapshots():
    benchmark = judged()
    tasks.refresh()
    leaderboard = Leaderboard.objects.get(benchmark=benchmark)
    leaderboard.current.n = 10 * tasks.PER_PAUSE
    leaderboard.current.created_at = timezone.now() - 5 * tasks.PAUSE
    assert not tasks._is_due(leaderboard)
    leaderboard.current.n = 100
    assert tasks._is_due(leaderboard)


def test_when_every_vote_is_taken_back_nothing_is_live():
    benchmark = judged(questions=2)
    snapshots.take(benchmark)
    Preference.objects.update(superseded_at=timezone.now())
    found = refreshed(benchmark)
    assert not [key for key, board in found.items() if key[1] == Rating.Method.BT and board.rows]


def live_of(benchmark) -> dict:
    return {
        (row.source, row.method, row.category_id): row
        for row in LiveBoard.objects.filter(leaderboard__benchmark=benchmark)
    }


def test_a_source_that_lost_all_its_votes_is_empty_and_not_as_it_was(client):
    benchmark = judged()
    snapshots.take(benchmark)
    Preference.objects.filter(judge__kind="person").update(superseded_at=timezone.now())
    found = refreshed(benchmark)
    assert found["people", "bt", None].rows == [] and found["all", "bt", None].rows
    assert "No ratings for this choice" in client.get(f"/leaderboard/{benchmark.pk}/?source=people").content.decode()


def test_nothing_is_kept_where_a_snapshot_was_taken_meanwhile(monkeypatch):
    benchmark = judged()
    snapshots.take(benchmark)
    make.preference(Battle.objects.first(), make.judge("third"))
    counting.catch_up()
    leaderboard = Leaderboard.objects.get(benchmark=benchmark)
    original = live._of_scores

    def overtaken(*rest):
        snapshots.take(benchmark)
        return original(*rest)

    monkeypatch.setattr(live, "_of_scores", overtaken)
    live.refresh(leaderboard, snapshots.recipe(leaderboard)[1])
    assert not live_of(benchmark)


def test_a_changed_recipe_gives_a_snapshot_at_once_and_no_live_board():
    benchmark = judged()
    tasks.refresh()
    Leaderboard.objects.update(recipe={"level": 0.5})
    tasks.refresh()
    assert Leaderboard.objects.get(benchmark=benchmark).current.recipe["level"] == 0.5 and not live_of(benchmark)


def test_a_recipe_without_a_method_has_no_live_board_of_it():
    benchmark = judged()
    Leaderboard.objects.create(benchmark=benchmark, recipe={"methods": ["elo", "score"]})
    snapshots.take(benchmark)
    assert {method for _, method, _ in refreshed(benchmark)} == {"score"}


def test_the_overview_of_categories_is_the_snapshots_also_where_the_board_is_live(client):
    benchmark = judged()
    snapshots.take(benchmark)
    Preference.objects.update(value=-1 * F("value"))
    make.preference(Battle.objects.first(), make.judge("third"))
    refreshed(benchmark)
    context = client.get(f"/leaderboard/{benchmark.pk}/").context
    assert context["board"].live
    leader = boards.board(benchmark).rows[0].model
    assert context["heat"].leader == leader and context["heat"].models[0] == leader


def test_a_model_that_is_gone_since_is_left_out_of_the_live_board(client):
    benchmark = judged()
    snapshots.take(benchmark)
    refreshed(benchmark)
    row = LiveBoard.objects.get(source="all", method="bt", category=None)
    row.rows[0]["model"] = 999_999
    row.save()
    assert client.get(f"/leaderboard/{benchmark.pk}/").status_code == 200


def test_one_board_that_cannot_be_rated_keeps_no_other_waiting(monkeypatch, caplog):
    first, second = judged("attic"), judged("cellar")
    original = snapshots.take

    def broken(benchmark, **rest):
        if benchmark == first:
            raise RuntimeError("as if it had failed")
        return original(benchmark, **rest)

    monkeypatch.setattr(snapshots, "take", broken)
    tasks.refresh()
    assert Leaderboard.objects.get(benchmark=second).current and "as if it had failed" in caplog.text
