"""The page of judges, the judge's own, the line on a board and the command: who may be trusted where, and why."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from judging.models import Judge, Seat
from rating import boards, snapshots, worth
from rating.models import Health
from rating.trust import FEW, Reason, Standing, standing
from tests.judging import recorded
from tests.rating import make
from tests.rating.test_pages_boards import words

pytestmark = pytest.mark.django_db

GOOD = {"alpha": 0.68, "low": 0.6, "high": 0.75, "difference": 0.0, "difference_low": -0.02, "difference_high": 0.02}
POOR = {"alpha": 0.2, "low": 0.1, "high": 0.3, "difference": -0.3, "difference_low": -0.4, "difference_high": -0.2}


def share(of: float, *, n: int = 100, half: float = 0.04, **fields) -> dict:
    return {"share": of, "low": of - half, "high": of + half, "n": n, **fields}


def favoured(by: float) -> dict:
    """A share of wins so much above the people's, on a narrow interval."""
    ends = {"difference_low": by - 0.02, "difference_high": by + 0.02}
    return share(0.5 + by, beside="people", theirs=0.5, difference=by, questions=80, **ends)


def healthy(of, judge: Judge, category=None, **told) -> Health:
    """A row of health; by default of a judge that gave pairs and never failed."""
    failures = {"mute": share(0.0, half=0.0)}
    told = {"failures": failures, "verdicts": [5, 40, 10, 40, 5], **told}
    return Health.objects.create(snapshot=of, judge=judge, category=category, told=told)


def agreeing(of, judge: Judge, *, n: int = 60, category=None, **numbers) -> None:
    fields = {**GOOD, **numbers, "n": n, "difference_n": n, "category": category}
    make.agreement(of, "people_judge", f"people–{judge.name}", **fields)


@pytest.fixture
def snapshot():
    found = make.snapshot()
    make.agreement(found, alpha=0.7, low=0.65, high=0.75)
    return found


def page(client, snapshot) -> str:
    return words(client.get(reverse("trust", args=[snapshot.leaderboard.benchmark_id])))


def rows(told: str) -> str:
    return told[told.index("Own family wins") :]


# --- the label


def decided(snapshot, *, agreement: dict | None = None, flips: dict | None = None, **told) -> tuple:
    people, judge = snapshot.agreements.first(), make.judge()
    if agreement is not None:
        agreeing(snapshot, judge, **agreement)
    if flips is not None:
        make.agreement(snapshot, "flips", "fair", kappa=None, alpha=None, **flips)
    mine = {row.relation: row for row in snapshot.agreements.exclude(pk=people.pk)}
    return standing(mine.get("people_judge"), people, mine.get("flips"), told)


STEADY, TURNING = {"raw": 0.02, "low": 0.0, "high": 0.06}, {"raw": 0.5, "low": 0.4, "high": 0.6}


@pytest.mark.parametrize(
    ("agreement", "flips", "word", "reasons"),
    [
        ({}, STEADY, Standing.TRUSTED, [Reason.CLOSE]),
        ({}, None, Standing.TRUSTED, [Reason.CLOSE]),
        (POOR, STEADY, Standing.NOT, [Reason.BELOW]),
        ({}, TURNING, Standing.NOT, [Reason.TURNING]),
        (POOR, TURNING, Standing.NOT, [Reason.BELOW, Reason.TURNING]),
        ({"n": FEW - 1}, STEADY, Standing.FEW, [Reason.FEW]),
        (None, STEADY, Standing.FEW, [Reason.FEW]),
        (None, TURNING, Standing.NOT, [Reason.TURNING]),
        ({"difference_low": -0.2, "difference_high": 0.1}, None, Standing.FEW, [Reason.UNSURE]),
    ],
)
def test_a_judge_is_trusted_where_it_is_close_to_people_and_nothing_speaks_against_it(
    snapshot, agreement, flips, word, reasons
):
    assert decided(snapshot, agreement=agreement, flips=flips) == (word, reasons)


@pytest.mark.parametrize(
    ("mute", "word"),
    [
        (share(0.3), Standing.NOT),
        (share(0.3, n=FEW - 1), Standing.TRUSTED),
        (share(0.12, half=0.05), Standing.TRUSTED),
        ({"share": 0.5, "low": None, "high": None, "n": 40}, Standing.TRUSTED),
    ],
)
def test_a_judge_that_is_mute_too_often_is_not_trusted_by_a_whole_interval(snapshot, mute, word):
    assert decided(snapshot, agreement={}, failures={"mute": mute})[0] == word


def test_leanings_and_drift_are_told_and_decide_nothing(snapshot):
    told = {"longer": favoured(0.2), "own_family": favoured(0.1), "markdown": favoured(0.04)}
    told["drift"] = {"note": "changed since the first week"}
    found = decided(snapshot, agreement={}, **told)
    assert found == (Standing.TRUSTED, [Reason.CLOSE, Reason.OWN_FAMILY, Reason.LONGER, Reason.DRIFT])


# --- the page


def test_the_page_says_in_one_row_what_a_judge_is_worth(client, snapshot):
    judge = make.judge("fair")
    agreeing(snapshot, judge)
    make.agreement(snapshot, "flips", "fair", kappa=None, alpha=None, raw=0.02, low=0.0, high=0.06)
    make.agreement(snapshot, "first_slot", "fair", kappa=None, alpha=None, raw=0.52, low=0.48, high=0.56)
    spent = {
        "judgments": 80, "verdicts": 50, "asked": 60, "cached": 20, "cost": 0.5, "priced": 60, "seconds": 90, "timed": 60,
    }  # fmt: skip
    healthy(snapshot, judge, longer=favoured(0.1), spent=spent)
    told = rows(page(client, snapshot))
    assert "fair rule trusted here agrees with people as they do with each other favours long answers" in told
    assert "0.68 [0.60, 0.75] n 60 people 0.70" in told
    assert "2% [0%, 6%] n 60 takes the first shown: 52% [48%, 56%] n 60 0% [0%, 0%] n 100" in told
    assert "60% [56%, 64%] n 100 people 50%: +10.0 [+8.0, +12.0]" in told
    assert "10.00 1.5 s each 25% from the cache" in told


def test_judges_that_are_not_trusted_stand_first_and_the_counts_above_them(client, snapshot):
    for name, numbers in (("able", {}), ("young", {"n": 5}), ("zeal", POOR)):
        agreeing(snapshot, make.judge(name), **numbers)
        healthy(snapshot, Judge.objects.get(name=name))
    told = page(client, snapshot)
    assert "1 · trusted here 1 · not enough data 1 · not trusted here" in told
    told = rows(told)
    assert told.index("zeal") < told.index("young") < told.index("able")


def test_each_category_has_its_own_label(client, snapshot):
    judge, (writing, _, maths, _) = make.judge("fair"), make.categories()
    for category, numbers in ((None, {}), (writing, {}), (maths, POOR)):
        make.agreement(snapshot, category=category, alpha=0.7, low=0.65, high=0.75)
        agreeing(snapshot, judge, category=category, **numbers)
        healthy(snapshot, judge, category)
    told = page(client, snapshot)
    told = told[told.index("by category") :]
    assert "Judge Writing Maths and reasoning fair trusted here not trusted here agrees with people less" in told


def test_what_is_not_known_is_a_dash_and_never_a_zero(client, snapshot):
    healthy(snapshot, make.judge("new"))
    told = rows(page(client, snapshot))
    assert "new rule not enough data people have judged too few of the same items — people 0.70 — 0%" in told
    assert "None" not in told and "nan" not in told.casefold()


def test_pairs_and_scores_of_one_judge_are_two_rows(client, snapshot):
    judge = make.judge("both")
    agreeing(snapshot, judge)
    healthy(snapshot, judge, scores=[{"from": 1, "to": 1, "n": 3}])
    found = worth.judges(snapshot.leaderboard.benchmark)
    assert [(one.kind, one.standing) for one in found.rows] == [("grade", "few"), ("preference", "trusted")]
    told = rows(page(client, snapshot))
    assert "rule · scores" in told and "rule · pairs" in told


def test_a_member_of_a_panel_is_marked_as_one(client, snapshot):
    healthy(snapshot, make.judge("quiet"), silent=True)
    assert "speaks through its panel" in rows(page(client, snapshot))


def test_without_judges_the_page_says_what_to_do(client):
    told = page(client, make.snapshot())
    assert "No machine has judged here yet" in told and "Back to the leaderboard" in told
    assert client.get(reverse("trust", args=[999])).status_code == 404


def test_before_any_snapshot_the_page_is_empty_and_no_error(client):
    benchmark = make.benchmark("new")
    assert client.get(reverse("trust", args=[benchmark.pk])).status_code == 200


def test_a_demo_says_so_on_the_page_of_judges(client):
    snapshot = make.snapshot(provenances=["demo"])
    healthy(snapshot, make.judge())
    assert "Demo data." in page(client, snapshot)


def test_the_page_costs_the_same_queries_for_2_judges_and_for_30(client, snapshot, django_assert_num_queries):
    address = reverse("trust", args=[snapshot.leaderboard.benchmark_id])
    kinds = make.categories()
    for size in (2, 30):
        for place in range(size):
            judge = make.judge(f"of {size} {place}")
            for category in (None, *kinds):
                healthy(snapshot, judge, category)
                agreeing(snapshot, judge, category=category)
        with django_assert_num_queries(5):
            client.get(address)


# --- the judge's page


def test_the_judges_own_page_shows_its_histogram_failures_drift_and_the_test_against_people(client, snapshot):
    judge = make.judge("fair")
    agreeing(snapshot, judge)
    weeks = [{"week": "2026-W41", **share(0.6)}, {"week": "2026-W50", **share(0.4)}]
    drift = {"anchored": True, "weeks": weeks, "items": 30, "difference": -0.2, "low": -0.3, "high": -0.1}
    alternative = {
        "winning_rate": 2 / 3, "advantage": 0.9, "epsilon": 0.2, "verdict": True, "passes": True, "note": "", "people": 3,
    }  # fmt: skip
    failures = {"mute": share(0.05), "parse_error": share(0.05), "refused": share(0.0)}
    healthy(
        snapshot,
        judge,
        alternative=alternative,
        failures=failures,
        drift={**drift, "note": "changed since the first week"},
    )
    told = words(client.get(reverse("judge", args=[judge.pk])))
    assert "first, much better 5 5% first 40 40% neither 10 10% second 40 40%" in told
    assert "no verdict could be read 5% [1%, 9%] n 100" in told and "the judge refused 0%" not in told
    assert "Drift on the anchor questions −20.0 [−30.0, −10.0] n 30 · changed since the first week" in told
    assert "2026-W41: 60% n 100 2026-W50: 40% n 100" in told
    assert "it can stand in for a person: it can replace 67% of 3 people" in told


def test_a_judge_with_health_and_nobody_to_agree_with_has_its_place_too(client):
    snapshot = make.snapshot()
    judge = make.judge("alone")
    healthy(snapshot, judge)
    told = words(client.get(reverse("judge", args=[judge.pk])))
    assert "Kitchen table" in told and "not enough data" in told and "Not compared with anyone yet" not in told


# --- the board


def board(client, **query) -> str:
    told = words(client.get(reverse("leaderboard", args=[query.pop("pk")]), query))
    return told[: told.index("How this was computed")]


def test_a_board_says_of_the_judges_it_counts_where_they_are_trusted(client):
    snapshot = make.board(2)
    maths = snapshot.ratings.filter(category__key="maths").first().category
    for name, numbers in (("able", {}), ("zeal", POOR)):
        judge = make.judge(name)
        for category in (None, maths):
            agreeing(snapshot, judge, category=category, **(numbers if category else {}))
            healthy(snapshot, judge, category)
    for category in (None, maths):
        make.agreement(snapshot, category=category, alpha=0.7, low=0.65, high=0.75)
    healthy(snapshot, make.judge("quiet"), silent=True)
    pk = snapshot.leaderboard.benchmark_id
    assert "Judges counted here: able trusted here zeal trusted here why" in board(client, pk=pk)
    assert "Judges counted here: zeal not trusted here able trusted here why" in board(client, pk=pk, category="maths")


def test_a_board_of_one_judge_names_that_one_and_a_board_of_people_none(client):
    snapshot = make.board(2)
    for source in ("people", "judge:able"):
        make.ranking(
            snapshot, [row.model for row in snapshot.ratings.filter(category=None, source="all")], source=source
        )
    for name in ("able", "zeal"):
        healthy(snapshot, make.judge(name))
    pk = snapshot.leaderboard.benchmark_id
    assert "Judges counted here: able not enough data why" in board(client, pk=pk, source="judge:able")
    assert "Judges counted here" not in board(client, pk=pk, source="people")


def test_a_board_of_scores_asks_about_scores(client):
    snapshot = make.board(2)
    make.ranking(snapshot, [row.model for row in snapshot.ratings.filter(category=None)], method="score")
    healthy(snapshot, make.judge("pairs only"))
    healthy(snapshot, make.judge("marks"), verdicts=None, scores=[{"from": 1, "to": 1, "n": 3}])
    Health.objects.filter(judge__name="marks").update(told={"scores": [{"from": 1, "to": 1, "n": 3}]})
    found = boards.board(snapshot.leaderboard.benchmark, method="score")
    assert [str(one.judge) for one in worth.counted(found)] == ["marks"]


def test_the_members_of_a_panel_are_not_said_to_be_counted():
    benchmark = recorded.benchmark()
    jury, member = recorded.judge("jury", kind="panel"), recorded.judge("left")
    Seat.objects.create(panel=jury, member=member)
    run = recorded.run(benchmark, order="fixed", judges=[jury])
    for question in recorded.answered(benchmark, questions=6):
        for judge in (jury, member):
            recorded.preference(recorded.battle(question), judge, run=run)
    snapshots.take(benchmark)
    assert [str(one.judge) for one in worth.counted(boards.board(benchmark))] == ["jury"]
    assert [str(one.judge) for one in worth.counted(boards.board(benchmark, source="judge:left"))] == ["left"]


def test_a_swayed_member_of_a_panel_warns_of_nothing_on_a_board_that_does_not_count_it():
    snapshot = make.board(2)
    make.ranking(snapshot, [row.model for row in snapshot.ratings.filter(category=None)], source="judge:quiet")
    judge = make.judge("quiet")
    make.agreement(snapshot, "flips", "quiet", kappa=None, alpha=None, raw=0.5, low=0.4, high=0.6)
    assert [row.judges for row in boards.board(snapshot.leaderboard.benchmark).swayed] == ["quiet"]
    healthy(snapshot, judge, silent=True)
    assert boards.board(snapshot.leaderboard.benchmark).swayed == []


# --- the command


def said(**options) -> str:
    out = io.StringIO()
    call_command("health", stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def judged():
    benchmark = recorded.benchmark()
    for question in recorded.answered(benchmark, questions=8):
        recorded.preference(recorded.battle(question), recorded.judge("fair"))
    return benchmark


def test_the_command_prints_every_judge_and_category_for_people(judged):
    told = said(benchmark=judged.name)
    head, line, all_of_it, cooking = told.splitlines()
    assert head.split()[:4] == ["judge", "about", "category", "here"]
    assert all_of_it.split()[:6] == ["fair", "preference", "all", "not", "enough", "data"] and "cooking" in cooking


def test_for_programs_it_is_json_with_everything_known(judged):
    told = json.loads(said(benchmark=judged.name, format="json"))
    assert told["benchmark"] == "pantry" and len(told["rows"]) == 2
    row = told["rows"][0]
    assert (row["judge"], row["category"], row["kind"], row["standing"]) == ("fair", "all", "preference", "few")
    assert row["verdicts"] == [0, 8, 0, 0, 0] and row["failures"]["mute"]["n"] == 8 and row["people_judge"] is None


def test_for_tables_it_is_csv_with_one_row_a_judge_and_category(judged):
    told = list(csv.DictReader(io.StringIO(said(benchmark=judged.name, format="csv"))))
    assert [row["category"] for row in told] == ["all", "cooking"] and tuple(told[0]) == worth.HEAD
    assert told[0]["mute_share"] == "0.0" and told[0]["people_judge_alpha"] == ""


def test_without_a_judge_it_says_so_and_an_unknown_benchmark_is_named():
    recorded.benchmark()
    assert said() == "no machine has judged pantry v1 yet\n"
    with pytest.raises(CommandError, match="there is no benchmark 'attic'; there are: pantry"):
        said(benchmark="attic")
