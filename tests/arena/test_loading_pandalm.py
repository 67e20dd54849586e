"""PandaLM's files in: pairs that three people judged, and a judge's results on them."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from arena.models import Question
from judging.models import Preference, Run
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db

PAIR = {
    "idx": 0,
    "motivation_app": "Notes",
    "cmp_key": "ash-7b_birch-7b",
    "instruction": "Shorten this.",
    "input": "A long walk in the rain.",
    "response1": "A wet walk.",
    "response2": "",
    "annotator1": "1",
    "annotator2": "0",
    "annotator3": "2",
}


def folder(tmp_path: Path, *results: dict, **fields) -> Path:
    write(tmp_path / "testset.json", json.dumps([{**PAIR, **fields}], indent=1))
    if results:
        write(tmp_path / "judge.json", json.dumps(list(results)))
    return tmp_path


def towards_ash(**where) -> list[float | None]:
    rows = Preference.objects.filter(**where).select_related("battle__first__model").order_by("judge__name")
    return [row.value if row.value is None or row.battle.first.model.name == "ash-7b" else -row.value for row in rows]


def test_the_labels_are_three_peoples(tmp_path):
    counts = loaded_twice("pandalm", folder(tmp_path))
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (1, 2, 3)
    assert towards_ash() == [1, 0, -1]
    names = [f"PandaLM annotator{n}" for n in (1, 2, 3)]
    assert list(Preference.objects.order_by("judge__name").values_list("judge__name", flat=True)) == names
    question = Question.objects.select_related("category").get()
    assert (question.key, question.category.key) == ("0", "Notes")
    assert question.turns == ["Shorten this.\n\nA long walk in the rain."]


@pytest.mark.parametrize(("word", "value"), [("1", 1), ("2", -1), ("Tie", 0), ("0", 0), (2, -1), ("garbage", None)])
def test_a_judges_result_is_a_verdict_and_garbage_its_failure(tmp_path, word, value):
    load("pandalm", folder(tmp_path, {"idx": 0, "gpt_result": word, "gpt_reason": "It is shorter."}))
    assert towards_ash(judge__name="gpt") == [value]
    vote = Preference.objects.get(judge__name="gpt")
    assert (vote.reply, vote.judge.kind) == ("It is shorter.", "imported")
    assert vote.status == ("parse_error" if value is None else "ok")


def test_a_result_may_stand_before_its_pair_and_is_joined_by_id(tmp_path):
    write(tmp_path / "a.json", json.dumps([{"idx": 5, "pandalm_result": "2"}]))
    load("pandalm", folder(tmp_path, idx=5))
    assert towards_ash(judge__name="pandalm") == [-1]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"annotator2": "3"}, "annotator2: is '3', not one of 0 (tie), 1, 2"),
        ({"annotator2": None}, "annotator2: is missing"),
        ({"annotator2": "Tie"}, "annotator2: is 'Tie', not one of 0 (tie), 1, 2"),
        ({"cmp_key": "ash"}, "cmp_key: does not name two models, as in one_other"),
        ({"idx": None}, "idx: is missing"),
        ({"response1": 3}, "response1: is a whole number, not text"),
    ],
)
def test_a_bad_pair_is_named_with_its_item_line_and_field(tmp_path, fields, problem):
    file = write(tmp_path / "t.json", json.dumps([PAIR, {**PAIR, "idx": 1, **fields}], indent=1))
    told = refusal("pandalm", file)
    assert f"{file}:{2 + len(PAIR) + 2} (item 2): {problem}" in told


def test_peoples_verdicts_are_one_run_of_people_that_wanted_as_many_as_there_are(tmp_path):
    load("pandalm", folder(tmp_path, {"idx": 0, "gpt_result": "1"}))
    runs = {run.name: (run.limits, run.judges.count()) for run in Run.objects.all()}
    assert runs == {"people: as published": ({"overlap": 3}, 0), "gpt: as published": ({}, 1)}


def test_a_packed_file_is_read(tmp_path):
    (tmp_path / "testset.json.gz").write_bytes(gzip.compress(json.dumps([PAIR]).encode()))
    assert load("pandalm", tmp_path / "testset.json.gz")["counts"]["new votes"] == 3


def test_a_list_in_another_encoding_is_named_once(tmp_path):
    file = tmp_path / "t.json"
    file.write_bytes(json.dumps([{**PAIR, "input": "caf\xe9"}], ensure_ascii=False).encode("cp1252"))
    (told,) = refusal("pandalm", file)
    assert told.startswith(f"{file}:1: is not UTF-8 text") and told.endswith("save it as UTF-8")


def test_results_that_come_later_are_about_the_pairs_that_are_there(tmp_path):
    results = ({"idx": 0, "gpt_result": "1"}, {"idx": 7, "gpt_result": "2"})
    file = folder(tmp_path, results[0]) / "judge.json"
    load("pandalm", tmp_path / "testset.json", benchmark="tests")
    assert loaded_twice("pandalm", file, benchmark="tests")["new votes"] == 1
    assert towards_ash(judge__name="gpt") == [1.0]
    write(file, json.dumps(results))
    (told,) = refusal("pandalm", file, benchmark="tests")
    assert told.startswith(f"{file}:1 (item 2): idx: is '7', which is not among the pairs")


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ({"idx": 0, "gpt_result": "both"}, "gpt_result: is 'both', not one of 0, 1, 2, Tie, garbage"),
        ({"idx": 0, "gpt_result": None}, "gpt_result: is missing"),
        (
            {"idx": 9, "gpt_result": "1"},
            "idx: is '9', which is not among the pairs; load it together with its test set, or into the benchmark that has it",
        ),
        ({"idx": 0}, "has 0 fields that end in _result, not one"),
        ({"idx": 0, "a_result": "1", "b_result": "1"}, "has 2 fields that end in _result, not one"),
    ],
)
def test_a_result_that_means_nothing_is_refused(tmp_path, result, problem):
    file = folder(tmp_path, result) / "judge.json"
    assert f"{file}:1 (item 1): {problem}" in refusal("pandalm", tmp_path)


def test_answers_alone_leave_the_verdicts_out_and_count_them(tmp_path):
    file = folder(tmp_path, {"idx": 0, "gpt_result": "1"})
    load("pandalm", file, kind="questions")
    counts = Counter(load("pandalm", file, kind="answers")["counts"])
    assert (counts["new answers"], counts["judgments left out"]) == (2, 2)
    assert not Preference.objects.exists()


def test_pairs_loaded_before_it_was_kept_whose_answer_stood_first_are_told_and_learn_it_from_their_test_set(tmp_path):
    file = folder(tmp_path, {"idx": 0, "gpt_result": "2"}) / "judge.json"
    load("pandalm", tmp_path / "testset.json", benchmark="tests")
    Question.objects.update(meta={"note": "ours"})
    (told,) = refusal("pandalm", file, benchmark="tests")
    assert told.endswith(
        "idx: is '0', a pair that was loaded before it was kept whose answer stood first; load its test set again into this "
        "benchmark, then this file"
    )
    counts = loaded_twice("pandalm", tmp_path / "testset.json", benchmark="tests")
    assert counts["of the questions already there, told more of now"] == 1
    assert Question.objects.get().meta == {"cmp_key": "ash-7b_birch-7b", "note": "ours"}
    assert load("pandalm", file, benchmark="tests")["counts"]["new votes"] == 1
    assert towards_ash(judge__name="gpt") == [-1.0]
