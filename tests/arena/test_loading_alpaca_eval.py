"""AlpacaEval's files in, and its published numbers out again."""

from __future__ import annotations

import csv
import gzip
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from arena.models import Answer, Question
from judging.models import Preference
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db

BATTLE = {
    "instruction": "Name a tree.",
    "output_1": "The ash.",
    "generator_1": "base",
    "output_2": "Birch!",
    "generator_2": "cand",
    "dataset": "garden",
    "annotator": "weigher",
    "preference": 1.75,
    "price_per_example": 0.01,
    "time_per_example": 0.2,
}


def annotations(folder: Path, *battles: dict, name: str = "annotations.json") -> Path:
    file = folder / name
    text = json.dumps([BATTLE | battle for battle in battles], indent=1)
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return file


def asked(n: int, **said) -> dict:
    return {"instruction": f"Name {n} trees.", **said}


def board(**options) -> dict:
    out = StringIO()
    call_command("leaderboard", method="win_rate", format="json", stdout=out, **options)
    return json.loads(out.getvalue())


def test_an_annotation_brings_its_question_both_answers_and_a_weighted_verdict(tmp_path):
    counts = loaded_twice("alpaca_eval", annotations(tmp_path, {}))
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (1, 2, 1)
    vote = Preference.objects.select_related("run__baseline", "battle__first__model", "judge").get()
    assert vote.battle.first.model.name == "base" and vote.value == -0.5
    assert (vote.judge.name, vote.cost, vote.seconds) == ("weigher", 0.01, 0.2)
    assert vote.details == {"preference": 1.75}
    assert (vote.run.mode, vote.run.baseline.name) == ("baseline", "base")
    assert Question.objects.get().category.key == "garden"


def test_packed_files_are_read_as_they_are(tmp_path):
    assert load("alpaca_eval", annotations(tmp_path, {}, name="annotations.json.gz"))["counts"]["new votes"] == 1


@pytest.mark.parametrize(
    ("preference", "value", "status"),
    [
        (1, 1.0, "ok"),
        (2, -1.0, "ok"),
        (1.5, 0.0, "ok"),
        (0, 0.0, "ok"),
        (-1, None, "parse_error"),
        (None, None, "parse_error"),
    ],
)
def test_a_preference_is_a_share_a_draw_or_a_failure(tmp_path, preference, value, status):
    load("alpaca_eval", annotations(tmp_path, {"preference": preference}))
    vote = Preference.objects.get()
    assert (vote.value, vote.status, bool(vote.error)) == (value, status, status != "ok")


def test_rates_are_of_questions_with_a_verdict_and_failures_are_told_beside_them(tmp_path):
    rows = [asked(1, preference=2), asked(2, preference=1), asked(3, preference=1.5), asked(4, preference=1.9)]
    load("alpaca_eval", annotations(tmp_path, *rows, asked(5, preference=None)), benchmark="garden")
    told = board()
    assert (told["benchmark"], told["baseline"], told["method"]) == ("garden", "base", "win_rate")
    (row,) = told["rows"]
    assert row["model"] == "cand" and row["win_rate"] == pytest.approx((1 + 0 + 0.5 + 0.9) / 4)
    assert [row[name] for name in ("n_wins", "n_wins_base", "n_draws", "n", "n_failed")] == [2, 1, 1, 4, 1]
    assert row["low"] < row["win_rate"] < row["high"]


def test_a_model_whose_verdicts_all_failed_has_no_rate_and_comes_last(tmp_path):
    load("alpaca_eval", annotations(tmp_path, {"generator_2": "a", "preference": -1}, {"preference": 2}))
    rows = board()["rows"]
    assert [(row["model"], row["win_rate"], row["n"], row["n_failed"]) for row in rows] == [
        ("cand", 1, 1, 0),
        ("a", None, 0, 1),
    ]


def test_an_answer_that_is_empty_was_judged_all_the_same(tmp_path):
    load("alpaca_eval", annotations(tmp_path, {"output_2": ""}))
    assert sorted(answer.turns for answer in Answer.objects.all()) == [[""], ["The ash."]]
    assert board()["rows"][0]["n"] == 1


def test_outputs_alone_are_questions_and_answers_and_annotations_find_them(tmp_path):
    output = {"instruction": "Name a tree.", "output": "Birch!", "generator": "cand", "dataset": "garden"}
    (tmp_path / "model_outputs.json").write_text(json.dumps([output]))
    counts = load("alpaca_eval", tmp_path / "model_outputs.json", benchmark="g")["counts"]
    assert (counts["new questions"], counts["new answers"]) == (1, 1)
    counts = load("alpaca_eval", annotations(tmp_path, {}), benchmark="g", kind="judgments")["counts"]
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (0, 1, 1)


def test_a_model_named_on_the_command_wrote_the_second_output(tmp_path):
    load("alpaca_eval", annotations(tmp_path, {}), model="Birch", model_version="2", vendor="us")
    assert {(answer.model.name, answer.model.version) for answer in Answer.objects.select_related("model")} == {
        ("base", "unstated"),
        ("Birch", "2"),
    }
    assert board()["rows"][0]["model"] == "Birch"


def test_a_model_against_itself_is_left_out_and_counted(tmp_path):
    counts = load("alpaca_eval", annotations(tmp_path, {"generator_2": "base"}))["counts"]
    assert counts["verdicts on a model against itself, left out"] == 1 and not Preference.objects.exists()


def test_answers_alone_come_without_their_verdicts(tmp_path):
    load("alpaca_eval", annotations(tmp_path, {}), kind="questions")
    counts = load("alpaca_eval", annotations(tmp_path, {}), kind="answers")["counts"]
    assert (counts["new answers"], counts["judgments left out"]) == (2, 1) and not Preference.objects.exists()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"preference": 2.5}, "preference: is 2.5, not from 1 to 2"),
        ({"preference": "2"}, "preference: is text, not a whole number or a number"),
        ({"annotator": ""}, "annotator: is empty"),
        ({"instruction": None}, "instruction: is missing"),
        ({"output_2": 3}, "output_2: is a whole number, not text"),
        ({"generator_1": None}, "generator_1: is missing"),
    ],
)
def test_a_bad_annotation_is_named_with_its_place_and_field(tmp_path, said, problem):
    file = annotations(tmp_path, asked(1), said)
    lines = len(json.dumps([BATTLE | asked(1)], indent=1).splitlines())
    assert f"{file}:{lines} (item 2): {problem}" in refusal("alpaca_eval", file)


def test_two_files_that_differ_on_one_answer_are_refused(tmp_path):
    annotations(tmp_path, {})
    annotations(tmp_path, {"output_1": "The oak.", "generator_2": "other"}, name="more.json")
    (told,) = refusal("alpaca_eval", tmp_path)
    assert "more.json" in told and "has another text than in annotations.json:" in told


def test_an_answer_that_differs_is_named_with_the_field_that_holds_it(tmp_path):
    load("alpaca_eval", annotations(tmp_path, {}), benchmark="b")
    (told,) = refusal("alpaca_eval", annotations(tmp_path, {"output_1": "The oak."}, name="more.json"), benchmark="b")
    assert ": output_1: " in told and told.endswith("differs from the answer already there")


def test_a_file_cut_short_is_named(tmp_path):
    file = annotations(tmp_path, {})
    file.write_text(file.read_text()[:-2])
    assert refusal("alpaca_eval", file)[0].startswith(f"{file}:")


# --- the real files


@pytest.mark.slow
def test_four_models_come_out_as_published(shared):
    folder = shared / "data" / "alpaca_eval"
    files = sorted(folder.glob("annotations_*.json.gz"))
    counts = loaded_twice("alpaca_eval", *files)
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (805, 5 * 805, 4 * 805)
    rows = {row["model"]: row for row in board(benchmark="alpaca_eval")["rows"]}
    with (folder / "leaderboard_published.csv").open() as file:
        published = {row[""]: row for row in csv.DictReader(file)}
    assert len(rows) == len(published) == 4
    for name, theirs in published.items():
        ours = rows["example" if name == "NullModel" else name]  # what the file itself calls that model
        for number in ("win_rate", "standard_error", "discrete_win_rate"):
            assert 100 * ours[number] == pytest.approx(float(theirs[number]), abs=1e-6)
        assert ours["n"] == int(theirs["n_total"]) and ours["n_failed"] == 0
        for number in ("n_wins", "n_wins_base", "n_draws"):
            assert ours[number] == int(float(theirs[number]))


@pytest.mark.parametrize("name", ["price_per_example", "time_per_example", "preference"])
def test_a_huge_number_is_a_problem_and_never_a_crash(tmp_path, name):
    row = {"instruction": "Hi", "output_1": "a", "generator_1": "base", "output_2": "b", "generator_2": "cand",
           "annotator": "owl", "preference": 1, name: 10**400}  # fmt: skip
    file = write(tmp_path / "annotations.json", json.dumps([row]))
    assert any(f"{name}: is 1000" in told for told in refusal("alpaca_eval", file))
