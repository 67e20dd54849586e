"""Verdicts that failed are counted for each model and category, shown, and models judged less often are named."""

from __future__ import annotations

import json
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone, translation

from arena.models import Battle, Benchmark
from judging.models import Preference, Run, Seat, Status
from rating import boards, counting, data, live, snapshots
from rating.models import Leaderboard, LiveBoard, PairCount
from tests.judging import recorded as make
from tests.rating import make as shown
from tests.rating.test_pages_boards import url, words

pytestmark = pytest.mark.django_db
FAILED = {"status": Status.PARSE_ERROR, "error": "no verdict"}


def pairs(name: str = "pantry", *, questions: int = 8) -> list[Battle]:
    """Ash against Birch and Ash against Cedar on each question; cooking and sums in turn."""
    benchmark = make.benchmark(name)
    found = []
    for place, question in enumerate(make.answered(benchmark, "Ash", "Birch", "Cedar", questions=questions)):
        question.category = make.category(("cooking", "sums")[place % 2])
        question.save()
        ash, birch, cedar = (question.answers.get(model__name=one) for one in ("Ash", "Birch", "Cedar"))
        found += [(ash, birch), (ash, cedar)]
    return Battle.objects.pair(found)


def benchmark_of(battles: list[Battle]) -> Benchmark:
    return battles[0].question.benchmark


def judged(battles: list[Battle], *, failing: int = 3) -> Benchmark:
    """A machine's word on every battle; on the first `failing` of Ash and Birch it could not be read."""
    for place, battle in enumerate(battles):
        told = FAILED if place % 2 == 0 and place // 2 < failing else {"value": 1 if place % 3 else -1}
        make.preference(battle, make.judge("fair"), **told)
    return benchmark_of(battles)


def counted(rows) -> dict[str, tuple[int, int | None]]:
    return {row.model.name: (row.n, row.n_failed) for row in rows}


def live_board(benchmark: Benchmark, **place) -> dict[int, tuple[int, int]]:
    assert counting.catch_up()
    leaderboard = Leaderboard.objects.get(benchmark=benchmark)
    live.refresh(leaderboard, snapshots.recipe(leaderboard)[1])
    found = LiveBoard.objects.get(
        **{"leaderboard": leaderboard, "source": "all", "method": "bt", "category": None, **place}
    )
    return {row["model"]: (row["n"], row["n_failed"]) for row in found.rows}


def test_a_failed_verdict_on_a_battle_concerns_both_models_and_each_category_knows_its_own():
    benchmark = judged(pairs())
    snapshots.take(benchmark)
    assert counted(boards.board(benchmark).rows) == {"Ash": (13, 3), "Birch": (5, 3), "Cedar": (8, 0)}
    assert counted(boards.board(benchmark, category="cooking").rows) == {
        "Ash": (6, 2),
        "Birch": (2, 2),
        "Cedar": (4, 0),
    }
    assert counted(boards.board(benchmark, category="sums").rows) == {"Ash": (7, 1), "Birch": (3, 1), "Cedar": (4, 0)}


def test_a_board_counts_what_failed_of_its_own_judges_alone():
    battles = pairs()
    benchmark = judged(battles)
    ann = make.judge("ann", kind="person", user=make.person("ann"))
    for battle in battles:
        make.preference(battle, ann)
    make.preference(battles[1], make.judge("mute"), **FAILED)
    snapshots.take(benchmark)
    failed = {
        source: {row.model.name: row.n_failed for row in boards.board(benchmark, source=source).rows}
        for source in ("people", "judges", "all", "judge:fair", "calibrated")
    }
    assert failed["people"] == {"Ash": 0, "Birch": 0, "Cedar": 0}
    assert failed["judges"] == failed["all"] == {"Ash": 4, "Birch": 3, "Cedar": 1}
    assert failed["judge:fair"] == {"Ash": 3, "Birch": 3, "Cedar": 0}
    assert failed["calibrated"] == {"Ash": None, "Birch": None, "Cedar": None}


def test_what_is_skipped_set_aside_kept_out_or_does_not_count_here_has_not_failed():
    battles = pairs()
    benchmark = judged(battles, failing=0)
    other = make.judge("other")
    for battle, told in zip(
        battles,
        (
            {"status": Status.SKIPPED, "error": "no way"},
            {**FAILED, "superseded_at": timezone.now()},
            {**FAILED, "kept_out": "practice"},
            {**FAILED, "provenance": "dry_run"},
        ),
        strict=False,
    ):
        make.preference(battle, other, **told)
    snapshots.take(benchmark)
    assert {row.n_failed for row in boards.board(benchmark).rows} == {0}
    assert {failed for _n, failed in live_board(benchmark).values()} == {0}


def test_two_orders_are_one_verdict_which_failed_where_either_did():
    battles = pairs()
    benchmark, judge = benchmark_of(battles), make.judge("fair")
    run = make.run(benchmark, order=Run.Order.BOTH)
    orders = [({"value": 1}, {"value": 1}), (FAILED, FAILED), ({"value": 1}, FAILED)]
    for battle, told in zip(battles[::2], orders, strict=False):
        for swapped, one in zip((False, True), told, strict=True):
            make.preference(battle, judge, run=run, swapped=swapped, **one)
    snapshots.take(benchmark)
    assert counted(boards.board(benchmark).rows) == {"Ash": (1, 2), "Birch": (1, 2)}
    assert sorted(live_board(benchmark).values()) == [(1, 2), (1, 2)]
    Leaderboard.objects.update(recipe={"flips": "both"})
    snapshots.take(benchmark)
    assert counted(boards.board(benchmark).rows) == {"Ash": (2, 4), "Birch": (2, 4)}


def test_an_order_that_failed_costs_nothing_where_the_other_makes_the_vote():
    battles = pairs()
    judge = make.judge("fair")
    make.preference(battles[0], judge, swapped=False)
    make.preference(battles[0], judge, swapped=True, **FAILED)
    snapshots.take(benchmark_of(battles))
    assert {row.n_failed for row in boards.board(benchmark_of(battles)).rows} == {0}
    assert set(live_board(benchmark_of(battles)).values()) == {(1, 0)}


def test_what_failed_under_an_older_version_of_the_rubric_is_not_of_this_board():
    battles = pairs()
    benchmark = judged(battles, failing=0)
    make.preference(battles[0], rubric=make.rubric("unread", version=1), **FAILED)
    old = make.rubric("strict", version=1)
    new = type(old).objects.create(name="strict", version=2, title_en="S", title_zh="S")
    make.preference(battles[0], make.judge("strict"), rubric=old, **FAILED)
    make.preference(battles[0], make.judge("strict"), rubric=new)
    snapshots.take(benchmark)
    # a rubric under which nothing could be read at all is still one of the board's
    assert counted(boards.board(benchmark).rows)["Birch"] == (9, 1)
    assert counting.is_true_to(benchmark, data.read(benchmark))


def test_members_of_a_panel_fail_on_their_own_boards_alone():
    battles = pairs()
    benchmark = judged(battles)
    panel = make.judge("jury", kind="panel")
    Seat.objects.create(panel=panel, member=make.judge("fair"), position=0)
    make.run(benchmark, judges=[panel])
    for battle in battles:
        make.preference(battle, panel)
    snapshots.take(benchmark)
    assert {row.n_failed for row in boards.board(benchmark).rows} == {0}
    assert counted(boards.board(benchmark, source="judge:fair").rows)["Birch"] == (5, 3)


def test_a_model_of_which_every_verdict_failed_stands_on_the_board_without_a_rating():
    battles = pairs()
    benchmark = judged(battles, failing=8)
    snapshots.take(benchmark)
    found = boards.board(benchmark)
    last = found.rows[-1]
    assert (last.model.name, last.rating, last.rank, last.n, last.n_failed) == ("Birch", None, None, 0, 8)
    assert live_board(benchmark)[last.model_id] == (0, 8)


def test_failed_grades_are_counted_for_their_model_by_snapshot_and_live_board_alike():
    battles = pairs()
    benchmark, judge = benchmark_of(battles), make.judge("fair")
    for battle in battles[::2]:
        make.grade(battle.first, judge)
        make.grade(battle.second, judge, **(FAILED if battle.question.category.key == "sums" else {"score": 5}))
    snapshots.take(benchmark)
    told = counted(boards.board(benchmark, method="score").rows)
    assert sorted(told.values()) == [(4, 4), (8, 0)]
    assert sorted(live_board(benchmark, method="score").values()) == [(4, 4), (8, 0)]


def test_live_boards_count_as_the_next_snapshot_does_also_after_a_retry():
    battles = pairs()
    benchmark = judged(battles)
    snapshots.take(benchmark)
    row = Preference.objects.failed().first()
    Preference.objects.filter(pk=row.pk).update(superseded_at=timezone.now())
    make.preference(row.battle, row.judge)
    late = live_board(benchmark)
    category = make.category("cooking")
    here = live_board(benchmark, category=category)
    leaderboard = Leaderboard.objects.get(benchmark=benchmark)
    assert live.refresh_places(leaderboard, snapshots.recipe(leaderboard)[1], [("all", "bt", category.pk)])
    again = LiveBoard.objects.get(leaderboard=leaderboard, source="all", method="bt", category=category)
    assert {row["model"]: (row["n"], row["n_failed"]) for row in again.rows} == here
    saved = snapshots.take(benchmark).ratings.filter(source="all", method="bt", language="")
    for place, told in ((None, late), (category, here)):
        assert {row.model_id: (row.n, row.n_failed) for row in saved.filter(category=place)} == told
    assert Preference.objects.failed().count() == 2


def test_the_counts_let_go_of_a_failure_that_is_deleted_and_hold_what_the_record_has():
    battles = pairs()
    benchmark = judged(battles)
    make.grade(battles[0].first, make.judge("fair"), **FAILED)
    make.grade(battles[0].second, make.judge("fair"))
    assert counting.catch_up() and counting.is_true_to(benchmark, data.read(benchmark))
    Preference.objects.failed().first().delete()
    assert counting.catch_up() and counting.is_true_to(benchmark, data.read(benchmark))
    assert sorted(PairCount.objects.values_list("failed", flat=True)) == [0, 0, 1, 1]


def test_another_failure_is_another_snapshot():
    battles = pairs()
    benchmark = judged(battles)
    first = snapshots.take(benchmark)
    Preference.objects.filter(pk=Preference.objects.failed().first().pk).update(superseded_at=timezone.now())
    make.preference(battles[1], make.judge("late"), **FAILED)
    assert snapshots.take(benchmark).digest != first.digest


def test_the_migration_lets_older_counts_take_in_what_failed():
    benchmark = judged(pairs())
    assert counting.catch_up()
    PairCount.objects.update(failed=0)  # as it was before they were counted
    import_module("rating.migrations.0006_count_what_failed").count_what_failed(apps, None)
    assert counting.catch_up() and counting.is_true_to(benchmark, data.read(benchmark))
    assert sum(PairCount.objects.values_list("failed", flat=True)) == 3


def test_a_failure_that_was_set_aside_before_the_migration_is_not_taken_away_from_counts_that_never_held_it():
    benchmark = judged(pairs())
    assert counting.catch_up()
    PairCount.objects.update(failed=0)
    Preference.objects.failed().update(superseded_at=timezone.now())  # and nobody has counted since
    import_module("rating.migrations.0006_count_what_failed").count_what_failed(apps, None)
    counting.catch_up()
    assert counting.is_true_to(benchmark, data.read(benchmark))
    assert set(PairCount.objects.values_list("failed", flat=True)) == {0}


# --- which models lack judgments


def told(rows: list[tuple[int, int | None]], *, method: str = "score") -> list[tuple[str, int]]:
    """The gaps of a board with these n and n_failed."""
    snapshot = shown.snapshot()
    for model, (n, failed) in zip(shown.models(len(rows)), rows, strict=True):
        shown.rating(snapshot, model, n=n, n_failed=failed, method=method).save()
    found = boards.board(snapshot.leaderboard.benchmark, method=method)
    return [(gap.row.model.name, gap.due) for gap in found.gaps]


@pytest.mark.parametrize(
    "rows, expected",
    [
        ([(1000, 0), (550, 450)], ["M2"]),
        ([(1000, 0), (550, None)], ["M2"]),
        ([(1000, 0), (950, 50)], []),
        ([(1000, 0), (949, 51)], ["M2"]),
        ([(700, 300), (700, 300)], []),
        ([(700, 300), (660, 340), (640, 360)], ["M3"]),
        ([(1000, 0), (0, 1000), (600, 0)], ["M2", "M3"]),
    ],
)
def test_who_lacks_over_5_percent_and_that_much_more_than_the_best_is_named(rows, expected):
    assert [name for name, _due in told(rows)] == expected


def test_a_baseline_that_is_in_every_battle_is_no_measure():
    assert told([(3000, 0), (1000, 0), (1000, 0), (1000, 0)], method="bt") == []


def test_nor_is_it_where_some_of_its_battles_failed():
    assert told([(1950, 450), (1000, 0), (550, 450), (400, 0)], method="bt") == [("M4", 1000), ("M3", 1000)]


# --- where readers see it


def uneven() -> Benchmark:
    benchmark = judged(pairs())
    snapshots.take(benchmark)
    return benchmark


def test_the_page_shows_failures_and_names_who_was_judged_less(client):
    snapshot = boards.latest(uneven())
    text = words(client.get(url(snapshot)))
    assert "Failed verdicts without a value" in text and "5 3 (38%)" in text
    assert "Judged less often than the others (of 8): Birch 5 (3 failed). Compare intervals, not points." in text
    with translation.override("zh-hans"):
        assert (
            "被评判的次数少于其他模型（应有 8 次）：Birch 5 次（失败 3 次）。"
            in boards.board(snapshot.leaderboard.benchmark).notes[0]
        )


def test_the_page_says_nothing_of_failures_where_nothing_failed(client):
    benchmark = judged(pairs(), failing=0)
    text = words(client.get(url(snapshots.take(benchmark))))
    assert "verdicts without a value" not in text and "Judged less often" not in text


def test_a_snapshot_that_did_not_count_them_shows_no_zero(client):
    snapshot = shown.board(2)
    assert "verdicts without a value" not in words(client.get(url(snapshot)))
    assert {row.n_failed for row in boards.board(snapshot.leaderboard.benchmark).rows} == {None}


def test_rows_can_be_sorted_by_what_failed():
    uneven()
    found = boards.board(Benchmark.objects.get())
    order = [line.name for line in boards.Shown(found, boards.Wanted.of({"sort": "-failed"})).lines]
    assert order[0] == "Cedar" and {*order[1:]} == {"Ash", "Birch"}


def test_the_command_tells_it_in_its_table_json_and_csv():
    uneven()
    out = {}
    for form in ("table", "json", "csv", "md"):
        stream = StringIO()
        call_command("leaderboard", format=form, stdout=stream)
        out[form] = stream.getvalue()
    assert "note: Judged less often than the others (of 8): Birch 5 (3 failed)." in out["table"]
    said = json.loads(out["json"])
    assert {row["model"]: row["n_failed"] for row in said["rows"]} == {"Ash": 3, "Birch": 3, "Cedar": 0}
    assert said["uneven"] == [{"model": "Birch", "n": 5, "n_failed": 3, "due": 8}]
    assert "n_failed" in out["csv"].splitlines()[0]
    assert "| failed |" in out["md"] and "* note: Judged less often" in out["md"]


def test_files_and_the_api_tell_it(client):
    snapshot = boards.latest(uneven())
    told = client.get(f"/snapshots/{snapshot.pk}/export/json/").json()
    assert told["uneven"][0]["model"] == "Birch" and {row["n_failed"] for row in told["rows"]} == {0, 3}
    assert "n_failed" in client.get(f"/snapshots/{snapshot.pk}/export/csv/").content.decode().splitlines()[0]
    row = client.get(f"/api/v1/snapshots/{snapshot.pk}/board").json()
    assert row["uneven"] == [{"model": "Birch", "n": 5, "n_failed": 3, "due": 8}]
    assert {one["n_failed"] for one in row["rows"]} == {0, 3}
