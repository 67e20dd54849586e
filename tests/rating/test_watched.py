"""A vote reaches the boards that somebody looks at within a moment; all others with the next full refresh."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from arena.models import Battle, Category
from judging.models import Preference
from rating import counting, live, snapshots, tasks, watched
from rating.models import Leaderboard, LiveBoard
from tests.judging import recorded as make
from tests.rating.test_snapshots import judged, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_looks():
    cache.clear()
    yield
    cache.clear()


def board():
    """A rated benchmark with all of its votes counted, and its leaderboard."""
    benchmark = judged(questions=20)
    snapshots.take(benchmark)
    assert counting.catch_up()
    return benchmark, Leaderboard.objects.select_related("benchmark", "current").get(benchmark=benchmark)


def places(leaderboard) -> dict:
    rows = LiveBoard.objects.filter(leaderboard=leaderboard)
    return {(row.source, row.method, row.category_id): row for row in rows}


def test_a_board_rated_alone_is_the_one_that_a_full_refresh_gives():
    benchmark, leaderboard = board()
    home = make.category("home")
    Category.objects.filter(key__in=("cooking", "sums")).update(group=home)
    recipe = snapshots.recipe(leaderboard)[1]
    live.refresh(leaderboard, recipe)
    whole = places(leaderboard)
    wanted = [place for place in whole if place[0] in ("all", "people", "judge:fair")]
    assert {place[1] for place in wanted} == {"bt", "score"} and (("all", "bt", home.pk)) in wanted
    LiveBoard.objects.all().delete()
    assert set(live.refresh_places(leaderboard, recipe, wanted)) == set(wanted)
    alone = places(leaderboard)
    assert set(alone) == set(wanted)
    for place in wanted:
        mine, theirs = ({row["model"]: row for row in found[place].rows} for found in (alone, whole))
        assert mine.keys() == theirs.keys()
        for model, row in mine.items():
            for name in ("rating", "low", "high", "n", "rank", "rank_low", "rank_high", "win_rate", "weighted"):
                assert row.get(name) == pytest.approx(theirs[model].get(name), abs=1e-6), (place, name)


def test_only_what_is_looked_at_is_rated_after_a_vote():
    benchmark, leaderboard = board()
    watched.look_at(benchmark.pk, [("people", "bt", None)])
    make.preference(Battle.objects.first(), make.judge("guest", kind="imported_person"))
    tasks.refresh_watched(benchmark.pk)
    found = places(leaderboard)
    assert set(found) == {("people", "bt", None)}
    votes = Preference.objects.filter(judge__kind__in=("person", "imported_person")).count()
    assert sum(row["n"] for row in found["people", "bt", None].rows) == 2 * votes


def test_where_nobody_looks_nothing_is_called_for():
    benchmark, leaderboard = board()
    assert not watched.due(benchmark.pk)
    tasks.refresh_watched(benchmark.pk)
    assert not places(leaderboard)


def test_votes_that_come_together_call_for_one_refresh_and_a_later_one_for_another():
    watched.look_at(7, [("all", "bt", None)])
    assert watched.due(7) and not watched.due(7)
    watched.begun(7)
    assert watched.due(7)


def test_looks_fade_and_the_oldest_go_first(monkeypatch):
    watched.look_at(7, [("all", "bt", None)])
    before = watched.time.time
    monkeypatch.setattr(watched.time, "time", lambda: before() + watched.FADES / 2)
    watched.look_at(7, [("all", "bt", number) for number in range(watched.MOST)])
    assert len(watched.looked_at(7)) == watched.MOST and ("all", "bt", None) not in watched.looked_at(7)
    monkeypatch.setattr(watched.time, "time", lambda: before() + 2 * watched.FADES)
    assert watched.looked_at(7) == []


def test_a_snapshot_that_came_meanwhile_is_not_written_over():
    benchmark, leaderboard = board()
    make.preference(Battle.objects.last(), person(), trial=1)
    seen = Leaderboard.objects.get(pk=leaderboard.pk)
    snapshots.take(benchmark)
    assert Leaderboard.objects.get(pk=leaderboard.pk).current_id != seen.current_id
    assert live._keep(seen, [live.Rated("all", "bt", None, {})]) == [] and not places(leaderboard)
