"""LLMBar's files in: pairs with a right answer, and what evaluators said of them in both orders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arena.models import Benchmark, Question
from judging.models import Judge, Preference
from rating.data import read
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db

PAIR = {"input": "Name a tree.", "output_1": "Ash.", "output_2": "A chair.", "label": 1}


def result(plain: object, swapped: object) -> dict:
    said = {
        "swap = False": {"completion": ["I choose.", "stop"], "winner": plain},
        "swap = True": {"completion": ["I choose again.", "stop"], "winner": swapped},
    }
    return {**PAIR, "results": [said]}


def folder(tmp_path: Path, *results: dict) -> Path:
    home = tmp_path / "Natural"
    write(home / "dataset.json", json.dumps([PAIR]))
    if results:
        write(home / "evaluators" / "Owl-2" / "Vanilla" / "result.json", json.dumps(list(results)))
        write(home / "evaluators" / "Owl-2" / "Vanilla" / "statistics.json", json.dumps({"accuracy": 1}))
    return home


def towards_first(judge: str) -> list[tuple[bool, float | None]]:
    rows = Preference.objects.filter(judge__name=judge).select_related("battle__first__model").order_by("pk")
    signs = [1 if row.battle.first.model.name == "output_1" else -1 for row in rows]
    return [(row.swapped, row.value and sign * row.value) for sign, row in zip(signs, rows, strict=True)]


def test_the_label_is_a_persons_and_both_orders_an_evaluators(tmp_path):
    counts = loaded_twice("llmbar", folder(tmp_path, result("1", "2")))
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (1, 2, 3)
    assert towards_first("LLMBar labels") == [(False, 1)]
    # the winner is told in the file's frame, whichever was shown first
    assert towards_first("Owl-2 Vanilla") == [(False, 1), (True, -1)]
    assert dict(Judge.objects.values_list("name", "kind")) == {
        "LLMBar labels": "imported_person",
        "Owl-2 Vanilla": "imported",
    }
    assert Question.objects.select_related("category").get().category.key == "Natural"
    assert {row.reply for row in Preference.objects.filter(swapped=True)} == {"I choose again."}


def test_no_winner_is_a_failure_in_its_order(tmp_path):
    load("llmbar", folder(tmp_path, result(None, 2)))
    assert towards_first("Owl-2 Vanilla") == [(False, None), (True, -1)]
    assert Preference.objects.failed().get().status == "parse_error"


def test_one_order_alone_is_half_a_verdict_and_does_not_count(tmp_path):
    alone = {**PAIR, "results": [{"swap = False": {"completion": ["I choose.", "stop"], "winner": "1"}}]}
    load("llmbar", folder(tmp_path, alone), benchmark="bar")
    assert towards_first("Owl-2 Vanilla") == [(False, 1)]
    record = read(Benchmark.objects.get(name="bar"))
    assert record.excluded == {"one order only": 1} and len(record.votes) == 1  # the label


def test_the_statistics_beside_a_result_are_left_out_with_a_note(tmp_path):
    notes = load("llmbar", folder(tmp_path, result("1", "1")))["notes"]
    assert any("statistics.json: statistics are left out" in note for note in notes)


def test_subsets_keep_their_pairs_apart(tmp_path):
    folder(tmp_path)
    write(tmp_path / "Adversarial" / "Manual" / "dataset.json", json.dumps([PAIR]))
    load("llmbar", tmp_path)
    assert {(row.category.key) for row in Question.objects.select_related("category")} == {"Natural", "Manual"}


def test_a_result_alone_brings_the_pairs_it_is_about(tmp_path):
    file = folder(tmp_path, result("1", "1")) / "evaluators" / "Owl-2" / "Vanilla" / "result.json"
    assert load("llmbar", file, kind="judgments")["counts"]["new votes"] == 3


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"label": 0}, "label: is 0, not 1 or 2"),
        ({"label": "1"}, "label: is text, not a whole number"),
        ({"output_1": None}, "output_1: is missing"),
        ({"input": ""}, "input: is empty"),
    ],
)
def test_a_bad_pair_is_named_with_its_item_line_and_field(tmp_path, fields, problem):
    file = write(tmp_path / "Natural" / "dataset.json", json.dumps([PAIR, {**PAIR, **fields}]))
    assert f"{file}:1 (item 2): {problem}" in refusal("llmbar", file)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (result("3", "1"), "results[0].swap = False.winner: is '3', not 1, 2 or nothing"),
        (result("1", "tie"), "results[0].swap = True.winner: is 'tie', not 1, 2 or nothing"),
        ({**PAIR, "results": []}, "results: holds 0 results, not one"),
        ({**PAIR, "results": "lost"}, "results: is text, not a list"),
        ({**PAIR, "results": [{"swap": {"winner": "1"}}]}, "results[0]: has no verdict in either order"),
        (
            {**result("1", "1"), "output_2": "A table."},
            "output_2: differs from dataset.json:1 (item 1), which tells of the same pair",
        ),
    ],
)
def test_a_result_that_means_nothing_is_refused(tmp_path, said, problem):
    file = folder(tmp_path, said) / "evaluators" / "Owl-2" / "Vanilla" / "result.json"
    told = refusal("llmbar", tmp_path / "Natural")
    assert any(line.startswith(f"{file}:1 (item 1): {problem}") for line in told), told


@pytest.mark.parametrize(("where", "typed"), [(".", "dataset.json"), (".", "./dataset.json"), ("evaluators", "..")])
def test_the_subset_is_the_folders_however_the_path_is_typed(tmp_path, monkeypatch, where, typed):
    home = folder(tmp_path, result("1", "2"))
    monkeypatch.chdir(home / where)
    load("llmbar", Path(typed))
    assert Question.objects.get().key == "Natural-1"
    assert set(Preference.objects.values_list("judge__name", flat=True)) <= {"LLMBar labels", "Owl-2 Vanilla"}


def test_subset_and_judge_may_be_said(tmp_path):
    file = write(tmp_path / "result.json", json.dumps([result("1", "2")]))
    load("llmbar", file, subset="Manual", judge="Owl-3")
    assert Question.objects.get().key == "Manual-1"
    assert Judge.objects.filter(name="Owl-3", kind="imported").exists()


@pytest.mark.parametrize("winner", [True, [1], {"of": 1}, "3"])
def test_a_winner_that_is_none_is_named_with_its_place(tmp_path, winner):
    home = folder(tmp_path, result(winner, "1"))
    assert any("results[0].swap = False.winner: is " in told for told in refusal("llmbar", home))
