"""Mistakes in what is loaded: the wrong order, the same file twice, packed, half a file. Each is told in one way that says what to do."""

from __future__ import annotations

import gzip
import json
from io import StringIO

import pytest
from django.core.management import call_command

from arena.models import Question
from tests.arena.loading_files import load, refusal, write

pytestmark = pytest.mark.django_db
ASKED = {"question_id": 1, "category": "tea", "turns": ["Why?"]}
ANSWERED = {"question_id": 1, "model_id": "ash", "choices": [{"index": 0, "turns": ["So."]}]}
MARKED = {"question_id": 1, "model": "ash", "judge": ["oak", "p"], "score": 7, "turn": 1}
PAIR = {
    "instruction": "Why?",
    "output_1": "So.",
    "output_2": "No.",
    "generator_1": "a",
    "generator_2": "b",
    "annotator": "o",
    "preference": 1,
}


def test_answers_and_judgments_before_their_questions_say_what_to_load(tmp_path):
    answers, marks = write(tmp_path / "ash.jsonl", ANSWERED), write(tmp_path / "oak_single.jsonl", MARKED)
    for file in (answers, marks):
        (told,) = refusal("mt_bench", file)
        assert told.endswith("load the questions first, or together with this")
    load("mt_bench", marks, answers, write(tmp_path / "question.jsonl", ASKED))  # in any order


def test_a_file_that_is_named_twice_or_lies_in_a_folder_named_too_is_read_once(tmp_path):
    file = write(tmp_path / "question.jsonl", ASKED)
    for paths in ((file, file), (tmp_path, file), (file, tmp_path / ".." / tmp_path.name)):
        report = load("mt_bench", *paths, benchmark="b")
        assert report["counts"]["rows read"] == 1
        assert report["notes"] == ["question.jsonl: named more than once, and read once"]
    assert Question.objects.count() == 1


def test_what_stands_in_two_files_is_told_with_the_other_file(tmp_path):
    one, other = write(tmp_path / "a.jsonl", ASKED), write(tmp_path / "b.jsonl", ASKED)
    assert refusal("mt_bench", one, other) == [f"{other}:1: key: 1 is a duplicate of a.jsonl:1"]
    one, other = write(tmp_path / "c.json", json.dumps([PAIR])), write(tmp_path / "d.json", json.dumps([PAIR]))
    assert refusal("alpaca_eval", one, other) == [
        f"{other}:1 (item 1): preference: is a duplicate of c.json:1 (item 1)"
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04...", "is a zip archive or a spreadsheet, not text; save it as CSV (UTF-8) or as JSON lines"),
        (gzip.compress(b"{}"), "is packed with gzip, and its name does not end in .gz"),
        ('{"a": 1}'.encode("utf-16"), "is UTF-16; save it as UTF-8"),
    ],
    ids=["zip", "gzip", "utf16"],
)
@pytest.mark.parametrize(
    ("format_", "name"), [("mt_bench", "q.jsonl"), ("alpaca_eval", "a.json"), ("juryroom", "q.csv")]
)
def test_what_is_no_text_is_called_by_its_name(tmp_path, content, sentence, format_, name):
    (tmp_path / name).write_bytes(content)
    assert refusal(format_, tmp_path / name) == [f"{tmp_path / name}: {sentence}"]


def test_a_list_over_many_lines_is_told_once_where_lines_are_read(tmp_path):
    file = write(tmp_path / "a.json", json.dumps([PAIR], indent=1))
    (told,) = refusal("mt_bench", file)
    assert told == f"{file}:1: is a list over many lines, and one object a line is read here; is it of another format?"


def test_nothing_is_not_said_to_be_loaded(tmp_path):
    out = StringIO()
    file = write(tmp_path / "question.jsonl", ASKED)
    call_command("load", "mt_bench", str(file), kind="judgments", stdout=out)
    assert out.getvalue().splitlines()[-1] == "nothing was loaded"
