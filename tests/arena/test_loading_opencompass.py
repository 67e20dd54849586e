"""OpenCompass's subjective files in: lists of questions, and results of judges by number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arena.models import Question
from judging.models import Grade, Preference
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db

GOLD = {"capability": "writing", "question": "Write a line.", "answer1": "ash", "answer2": "birch"}


def results(tmp_path: Path, *replies: str, models: str = "ash-birch", **gold) -> Path:
    rows = {str(number): {"prediction": reply, "gold": {**GOLD, **gold}} for number, reply in enumerate(replies)}
    return write(tmp_path / f"{models}_judged-by--owl" / "lines.json", json.dumps(rows))


def towards_ash() -> list[float | None]:
    rows = Preference.objects.select_related("battle__first__model").order_by("pk")
    return [row.value if row.value is None or row.battle.first.model.name == "ash" else -row.value for row in rows]


def test_questions_stand_as_text_in_an_object_or_in_a_dialogue(tmp_path):
    turns = [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "Two?"},
    ]
    rows = [
        {"question": "Plain?", "capability": "talk", "others": {"from": "us"}},
        {"question": {"content": "Inside?"}, "category": "talk", "difficulty": 2},
        {"dialogue": turns, "capability": "talk"},
        {"conversation": turns},
    ]
    file = write(tmp_path / "lines.json", json.dumps(rows))
    assert loaded_twice("opencompass", file)["new questions"] == 4
    found = Question.objects.select_related("category").order_by("position")
    assert [(row.key, row.turns, row.category.key) for row in found] == [
        ("lines-1", ["Plain?"], "talk"),
        ("lines-2", ["Inside?"], "talk"),
        ("lines-3", ["One?", "Two?"], "talk"),
        ("lines-4", ["One?", "Two?"], "unstated"),
    ]
    assert [row.meta for row in found[:2]] == [{"others": {"from": "us"}}, {"difficulty": 2}]


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("I find [[A>>B]]", 2),
        ("First [[B]], no: [[A]]", 1),
        ("[[ A = B ]]", 0),
        ("[[C]]", 0),
        ("[[A<B]]", -1),
        ("[[B>>A]]", -2),
        ("选择：A", 1),
        ("选择: [[B]]", -1),
        ("I cannot say.", None),
        ("", None),
        ("[[D]]", None),
    ],
)
def test_a_reply_is_kept_and_read_and_one_without_a_verdict_is_a_failure(tmp_path, reply, value):
    loaded_twice("opencompass", results(tmp_path, reply))
    assert towards_ash() == [value]
    vote = Preference.objects.get()
    assert (vote.reply, vote.judge.name, vote.judge.kind) == (reply, "owl", "imported")
    assert vote.status == ("ok" if value is not None else "parse_error")


def test_the_answer_shown_first_is_the_one_named_first(tmp_path):
    load("opencompass", results(tmp_path, "[[A]]", answer1="birch", answer2="ash"))
    assert towards_ash() == [-1]


def test_a_result_of_one_model_is_a_mark_and_one_out_of_scale_a_failure(tmp_path):
    replies = ("Fine. [[8]]", "{'综合得分': 6.5}", "Overall Score: 99", "no word")
    load("opencompass", results(tmp_path, *replies, models="ash", answer1=None, answer2=None))
    grades = Grade.objects.select_related("answer__model").order_by("pk")
    assert [(row.score, row.status) for row in grades] == [
        (8, "ok"),
        (6.5, "ok"),
        (None, "parse_error"),
        (None, "parse_error"),
    ]
    assert {row.answer.model.name for row in grades} == {"ash"}


def test_a_result_is_about_the_question_at_its_number(tmp_path):
    write(tmp_path / "lines.json", json.dumps([{"question": "Write a line.", "capability": "writing"}]))
    results(tmp_path, "[[A]]")
    counts = load("opencompass", tmp_path)["counts"]
    assert (counts["new questions"], counts["new votes"]) == (1, 1)
    assert Preference.objects.get().battle.question.key == "lines-1"


def test_a_result_that_tells_of_another_question_is_refused(tmp_path):
    write(tmp_path / "lines.json", json.dumps([{"question": "Sing a line.", "capability": "writing"}]))
    file = results(tmp_path, "[[A]]")
    (told,) = refusal("opencompass", tmp_path)
    assert told.startswith(f"{file}:1 (item 1): key: lines-1 has another text than in lines.json:1")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"capability": "talk"}, "question: is missing (question, dialogue or conversation)"),
        ({"question": "  "}, "question: holds no text of a user"),
        ({"dialogue": [{"role": "assistant", "content": "Hm."}]}, "dialogue: holds no text of a user"),
    ],
)
def test_a_bad_question_is_named_with_its_item_and_field(tmp_path, row, problem):
    file = write(tmp_path / "lines.json", json.dumps([{"question": "Well?"}, row]))
    assert f"{file}:1 (item 2): {problem}" in refusal("opencompass", file)


def test_a_bad_result_is_named_with_its_item_and_field(tmp_path):
    rows = {"0": {"prediction": 7, "gold": GOLD}, "1": {"prediction": "[[A]]", "gold": []}, "2": "lost"}
    file = write(tmp_path / "ash-birch_judged-by--owl" / "lines.json", json.dumps(rows))
    told = refusal("opencompass", file)
    assert f"{file}:1 (item 1): prediction: is a whole number, not text" in told
    assert f"{file}:1 (item 2): gold: is a list, not an object" in told
    assert f"{file}:1 (item 3): is text, not an object" in told


def test_results_that_are_no_object_are_refused(tmp_path):
    file = write(tmp_path / "a_judged-by--owl" / "lines.json", "[1, 2]")
    assert refusal("opencompass", file)


def test_questions_alone_leave_the_results_out(tmp_path):
    write(tmp_path / "lines.json", json.dumps([{"question": "Write a line."}]))
    results(tmp_path, "[[A]]")
    counts = load("opencompass", tmp_path, kind="questions")["counts"]
    assert (counts["new questions"], counts["judgments left out"]) == (1, 1)


@pytest.mark.parametrize(
    ("where", "typed"), [("ash-birch_judged-by--owl", "."), ("ash-birch_judged-by--owl", "./lines.json")]
)
def test_the_judge_is_the_folders_however_the_path_is_typed(tmp_path, monkeypatch, where, typed):
    results(tmp_path, "[[A]]")
    monkeypatch.chdir(tmp_path / where)
    load("opencompass", Path(typed), benchmark="lines")
    assert Preference.objects.get().judge.name == "owl" and Question.objects.get().key == "lines-1"


def test_results_out_of_their_folder_ask_who_judged(tmp_path):
    file = results(tmp_path, "[[A]]").rename(tmp_path / "lines.json")
    (told,) = refusal("opencompass", file)
    assert told.startswith(f"{file}:1: judge: who judged is not known") and "--judge" in told
    load("opencompass", file, judge="owl")
    assert Preference.objects.get().judge.name == "owl"


def test_marks_out_of_their_folder_ask_who_answered(tmp_path):
    file = results(tmp_path, "[[8]]", answer1=None, answer2=None).rename(tmp_path / "lines.json")
    (told,) = refusal("opencompass", file, judge="owl")
    assert "model: who answered is not known" in told and "--model" in told


def test_a_question_that_is_not_in_the_results_stands_with_its_list_or_without_text(tmp_path):
    results(tmp_path, "[[A]]", question=None)
    load("opencompass", tmp_path)
    assert Question.objects.get().meta == {"published": False}
    other = tmp_path / "other"
    write(other / "lines.json", json.dumps([{"dialogue": [{"role": "user", "content": text} for text in "ab"]}]))
    results(other, "[[A]]", question=None)
    load("opencompass", other)
    assert Question.objects.get(benchmark__name="other").turns == ["a", "b"]


def test_both_orders_of_a_question_are_two_judgments(tmp_path):
    asked = [{**GOLD, "question": "One?"}, {**GOLD, "question": "Two?"}]
    turned = [{**gold, "answer1": "birch", "answer2": "ash"} for gold in asked]
    replies = ("[[A]]", "[[C]]", "[[B]]", "[[A]]")
    rows = {
        str(number): {"prediction": reply, "gold": gold}
        for number, (reply, gold) in enumerate(zip(replies, asked + turned, strict=True))
    }
    counts = loaded_twice("opencompass", write(tmp_path / "a_judged-by--owl" / "lines.json", json.dumps(rows)))
    assert (counts["new questions"], counts["new votes"]) == (2, 4)
    rows = Preference.objects.select_related("battle__question", "run").order_by("pk")
    assert [row.battle.question.key for row in rows] == ["lines-1", "lines-2", "lines-1", "lines-2"]
    assert towards_ash() == [1, 0, 1, -1]
    assert {row.run.order for row in rows} == {"both"}


def test_marks_of_compass_arena_are_from_0_to_5(tmp_path):
    replies = ("最终打分结果为：[[3分]]。", "[[0分]]", "[[7分]]", "no word")
    load("opencompass", results(tmp_path, *replies, models="ash", answer1=None, answer2=None))
    grades = Grade.objects.select_related("rubric").order_by("pk")
    assert [row.score for row in grades] == [3, 0, None, None]
    assert {(row.rubric.lowest, row.rubric.highest) for row in grades} == {(0, 5)}


@pytest.mark.parametrize(("reply", "value"), [("Choice: B", -1), ("Choice：[[A]]", 1), ("My choice: all", None)])
def test_a_choice_in_english_is_read_as_one_in_chinese(tmp_path, reply, value):
    load("opencompass", results(tmp_path, reply))
    assert towards_ash() == [value]


def test_broken_json_is_told_with_its_line(tmp_path):
    file = write(tmp_path / "a_judged-by--owl" / "lines.json", '{"0": {\n"prediction": "x",,\n}}')
    (told,) = refusal("opencompass", file)
    assert told.startswith(f"{file}:2: is not JSON: ")
