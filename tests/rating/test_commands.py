"""The commands that print: shapes for programs, tables for people, one clear line for what there is not."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from arena.models import LanguageModel
from arena.sheets import as_csv
from rating import snapshots
from rating.models import Snapshot
from rating.printing import shown, table, width
from tests.judging import recorded as make
from tests.rating.test_snapshots import MODELS, judged

pytestmark = pytest.mark.django_db


def said(command: str, *arguments, **options) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


def told(command: str, **options) -> dict:
    return json.loads(said(command, format="json", **options))


def refused(command: str, *arguments, **options) -> str:
    with pytest.raises(CommandError) as problem:
        said(command, *arguments, **options)
    assert problem.value.returncode != 0
    return str(problem.value)


# --- leaderboard


def test_a_leaderboard_for_programs_has_these_keys_and_no_others():
    judged()
    board = told("leaderboard")
    assert list(board) == ["benchmark", "category", "source", "method", "n", "rows"]
    about = {name: board[name] for name in ("benchmark", "category", "source", "method", "n")}
    assert about == {"benchmark": "pantry", "category": "all", "source": "all", "method": "bt", "n": 108}
    keys = ["model", "rating", "low", "high", "rank", "rank_low", "rank_high", "n", "n_failed", "win_rate"]
    assert all(list(row) == keys for row in board["rows"])
    assert [row["model"] for row in board["rows"]] == list(MODELS) and [row["rank"] for row in board["rows"]] == [
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(
    ("options", "n"),
    [
        ({"category": "sums"}, 54),
        ({"source": "people"}, 36),
        ({"source": "judges"}, 72),
        ({"source": "judge:odd"}, 36),
        ({"method": "elo"}, 108),
        ({"method": "score"}, 36),
        ({"method": "score", "category": "cooking", "source": "judges"}, 18),
        ({"benchmark": "pantry"}, 108),
    ],
)
def test_a_leaderboard_is_cut_by_category_source_and_method(options, n):
    judged()
    board = told("leaderboard", **options)
    assert board["n"] == n and len(board["rows"]) == 3
    assert all(board[name] == value for name, value in options.items())


def test_a_leaderboard_as_csv_has_the_same_numbers():
    judged()
    rows = list(csv.DictReader(StringIO(said("leaderboard", format="csv"))))
    assert [row["model"] for row in rows] == list(MODELS)
    assert [float(row["rating"]) for row in rows] == [row["rating"] for row in told("leaderboard")["rows"]]
    assert set(rows[0]) == {
        "rank",
        "rank_low",
        "rank_high",
        "model",
        "rating",
        "low",
        "high",
        "n",
        "n_failed",
        "win_rate",
    }


def test_a_leaderboard_for_people_says_what_it_shows_and_what_was_left_out():
    benchmark = judged()
    make.preference(benchmark.questions.first().battles.first(), make.judge("mute"), status="refused", error="no")
    text = said("leaderboard")
    assert text.startswith("pantry · all · votes: all · bt · n = 108")
    assert "left out: 1 the judge refused" in text and "Ash" in text


def test_demo_data_is_labelled_on_the_terminal_too():
    judged(provenance="demo")
    assert "DEMO DATA" in said("leaderboard").splitlines()[0]


def test_scores_are_shown_where_there_are_no_pairs():
    benchmark = make.benchmark()
    for question in make.answered(benchmark, *MODELS, questions=3):
        for place, answer in enumerate(question.answers.order_by("model__name")):
            make.grade(answer, score=8 - place)
    board = told("leaderboard")
    assert board["method"] == "score" and [row["rating"] for row in board["rows"]] == [8, 7, 6]
    assert [row["win_rate"] for row in board["rows"]] == [None] * 3


def test_the_board_rated_last_is_shown_and_a_refresh_rates_what_has_come():
    first, _unrated = judged("pantry"), make.benchmark("zoo")
    snapshots.take(first)
    assert told("leaderboard")["benchmark"] == "pantry"
    judged("cellar")
    assert told("leaderboard", benchmark="cellar")["benchmark"] == told("leaderboard")["benchmark"] == "cellar"
    make.preference(first.questions.first().battles.first(), make.judge("late"))
    assert told("leaderboard", benchmark="pantry")["n"] == 108
    assert told("leaderboard", benchmark="pantry", refresh=True)["n"] == 109
    assert Snapshot.objects.count() == 3


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"benchmark": "attic"}, "there is no benchmark 'attic'; there are: pantry"),
        ({"category": "dance"}, "no category 'dance'; there are: all, cooking, sums"),
        (
            {"source": "cats"},
            "there is no source 'cats'; there are: all, calibrated, judge:fair, judge:odd, judges, people",
        ),
    ],
)
def test_what_there_is_not_is_one_line_that_says_what_there_is(options, line):
    judged()
    assert refused("leaderboard", **options) == line


def test_nothing_loaded_is_one_line():
    assert refused("leaderboard") == refused("agreement") == "there is no benchmark yet: load one"


def test_a_benchmark_nobody_judged_is_an_empty_board():
    make.answered(make.benchmark())
    assert told("leaderboard")["rows"] == [] and told("agreement") == {"benchmark": "pantry", "rows": []}
    assert "nothing has been rated this way" in said("leaderboard")
    assert "nobody has judged" in said("agreement")


# --- agreement


def test_agreement_for_programs_has_these_keys_and_no_others():
    judged()
    found = told("agreement")
    assert list(found) == ["benchmark", "rows"] and found["benchmark"] == "pantry"
    keys = ["category", "judges", "n", "raw", "kappa", "alpha", "low", "high"]
    keys += ["kind", "relation", "clusters", "pairs", "raw_decided", "pairs_decided", "kappa_kind", "interval", "ac1"]
    keys += ["top_share", "difference", "difference_low", "difference_high", "difference_n", "p_value", "note"]
    assert all(list(row) == keys for row in found["rows"])
    assert {row["category"] for row in found["rows"]} == {"all"}
    by_name = {row["judges"]: row for row in found["rows"]}
    assert by_name["people–fair"]["n"] == 36 and 0 < by_name["fair–odd"]["raw"] < 1


def test_agreement_as_csv_has_what_the_json_has():
    judged()
    rows = list(csv.DictReader(StringIO(said("agreement", by="category", format="csv"))))
    found = told("agreement", by="category")["rows"]
    assert len(rows) == len(found) > 3 and list(rows[0]) == list(found[0])
    assert [row["alpha"] for row in rows] == ["" if row["alpha"] is None else str(row["alpha"]) for row in found]


def test_agreement_by_category_has_a_row_for_each():
    judged()
    rows = told("agreement", by="category")["rows"]
    assert {row["category"] for row in rows if row["judges"] == "fair–odd"} == {"all", "cooking", "sums"}


def test_consistency_of_a_judge_with_itself_is_another_table():
    benchmark = make.benchmark()
    run = make.run(benchmark, order="both")
    for n, question in enumerate(make.answered(benchmark, questions=4)):
        for swapped in (False, True):
            make.preference(make.battle(question), value=1 if n or swapped else -1, swapped=swapped, run=run)
    rows = told("agreement", consistency=True)["rows"]
    assert [row["raw"] for row in rows][:2] == [0.75, 0.25]
    assert "first_slot" in said("agreement", consistency=True)


# --- evaluate: what it refuses


def test_evaluate_names_what_is_wrong_with_a_recipe_and_writes_nothing(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("mode: single\nbenchmark: {name: b}\nmodels: [{name: Ash, version: 1, vendor: N}]\nspeed: 9\n")
    assert refused("evaluate", recipe) == (
        f"{recipe}:4: speed: is not a key of a recipe; known here: "
        "baseline, benchmark, budget, cache, judges, limits, mode, models, name, order, rubric, seed, stages, turns\nnothing was written"
    )
    recipe.write_text("mode: single\nbenchmark: {name: b}\nmodels: [{name: Ash, version: 1, vendor: N}]\n")
    assert refused("evaluate", recipe).startswith(f"{recipe}: benchmark.questions: b v1 has no questions")
    assert not LanguageModel.objects.exists()
    assert refused("evaluate", recipe, limit=0) == "--limit: is below 1"


def test_a_model_that_is_there_with_other_settings_is_refused_with_the_recipes_line(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    make.question(make.benchmark("b"))
    make.model("Ash", provider="openai", endpoint_model="ash-7b", options={"temperature": 1})
    recipe.write_text(
        "mode: single\nbenchmark: {name: b}\nmodels:\n"
        '  - {name: Ash, version: "1", vendor: Northmoor, provider: openai, model: ash-7b, options: {temperature: 0}}\n'
        "rubric: unheard of\n"
    )
    lines = refused("evaluate", recipe).splitlines()
    assert (
        lines[0] == f"{recipe}:4: models.Ash.options: Ash 1 is there with {{'temperature': 1}}; give it another version"
    )
    assert lines[1:] == [f"{recipe}: rubric: there is no rubric 'unheard of'", "nothing was written"]


# --- doctor


def test_the_doctor_finds_nothing_wrong_here(monkeypatch):
    findings = {row["what"]: row["state"] for row in json.loads(said("doctor", format="json"))}
    assert findings == {"python": "ok", "data folder": "ok", "database": "ok", "migrations": "ok", "redis": "ok"}


def test_a_key_that_is_not_set_is_a_note_and_no_problem(monkeypatch):
    make.model("Ash", key_env="ASH_KEY_OF_TESTS")
    monkeypatch.delenv("ASH_KEY_OF_TESTS", raising=False)
    told = said("doctor")
    assert (
        "note  key            Ash cannot be asked. The environment variable ASH_KEY_OF_TESTS, which holds its" in told
    )
    monkeypatch.setenv("ASH_KEY_OF_TESTS", "sesame")
    assert "ASH_KEY_OF_TESTS is set, for Ash" in said("doctor") and "sesame" not in said("doctor")


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "telephone"])
def test_a_redis_that_does_not_answer_is_a_problem_and_exit_code_1(url):
    out = StringIO()
    with override_settings(REDIS_URL=url), pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=out)
    assert ended.value.code == 1 and "PROBLEM  redis" in out.getvalue()


def test_a_data_folder_that_is_not_there_is_a_problem(tmp_path):
    out = StringIO()
    with override_settings(DATA_DIR=tmp_path / "absent"), pytest.raises(SystemExit):
        call_command("doctor", stdout=out)
    assert "PROBLEM  data folder" in out.getvalue() and "JURYROOM_DATA" in out.getvalue()


# --- printing


def test_cells_are_short_and_nothing_is_a_dash():
    assert [shown(cell) for cell in (None, 0.123456, -12.0, 1034.6, 7, "Ash")] == [
        "—",
        "0.123",
        "-12.000",
        "1035",
        "7",
        "Ash",
    ]


def test_chinese_takes_two_columns_and_the_table_stays_straight():
    lines = table(("model", "n"), [("模型", 5), ("Ash", 120)]).splitlines()
    assert {width(line) for line in lines} == {10} and width("模型a") == 5


def test_csv_quotes_what_needs_it_and_leaves_nothing_empty():
    assert as_csv(("a", "b"), [("x,y", None), ('say "hi"', 0)]) == 'a,b\n"x,y",\n"say ""hi""",0\n'
