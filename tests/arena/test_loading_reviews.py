"""Judges' results by number: OpenCompass and EvalScope."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arena.models import Answer, Question
from judging.models import Grade, Preference
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db


def dump(file: Path, value: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return file


# --- OpenCompass


def result(said: str, **gold) -> dict:
    return {"origin_prompt": [{"role": "HUMAN", "prompt": "…"}], "prediction": said, "gold": gold}


def test_opencompass_verdicts_are_the_last_in_the_reply_and_without_one_a_failure(tmp_path):
    pair = {"capability": "writing", "question": "Write.", "answer1": "Ash", "answer2": "Birch"}
    said = ["[[A]] at first, but [[B]]", "选择：A", "I like both [[C]]", "[[A >> B]]", "no idea"]
    file = dump(
        tmp_path / "Ash_Birch_judged-by--owl" / "compare.json",
        {str(n): result(one, **pair) for n, one in enumerate(said)},
    )
    counts = loaded_twice("opencompass", file)
    assert (counts["new questions"], counts["new votes"]) == (5, 5)
    rows = Preference.objects.select_related("judge", "battle__first__model").order_by("pk")
    towards = [row.value and row.value * (1 if row.battle.first.model.name == "Ash" else -1) for row in rows]
    assert towards == [-1, 1, 0, 2, None] and {row.judge.name for row in rows} == {"owl"}
    assert rows[4].status == "parse_error" and rows[4].reply == "no idea"
    assert {answer.error for answer in Answer.objects.all()} == {"its text was not published"}


def test_opencompass_marks_of_one_model_are_grades_on_its_scale(tmp_path):
    said = ["综合得分: 8", "Rating: [[10]]", "[[11]]"]
    file = dump(
        tmp_path / "Ash_judged-by--owl" / "align.json",
        {str(n): result(one, capability="maths") for n, one in enumerate(said)},
    )
    load("opencompass", file)
    assert [(row.score, row.answer.model.name) for row in Grade.objects.order_by("pk")] == [
        (8, "Ash"), (10, "Ash"), (None, "Ash"),
    ]  # fmt: skip


def test_opencompass_questions_stand_as_text_as_an_object_or_as_a_dialogue(tmp_path):
    talk = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "Bye"},
    ]
    rows = [
        {"question": "Why?", "capability": "reasoning", "others": {"n": 1}},
        {"question": {"content": "How?"}, "category": "craft", "difficulty": "easy"},
        {"dialogue": talk, "capability": "chat"},
    ]
    loaded_twice("opencompass", dump(tmp_path / "set.json", rows))
    assert [question.turns for question in Question.objects.order_by("pk")] == [["Why?"], ["How?"], ["Hello", "Bye"]]
    assert refusal("opencompass", dump(tmp_path / "bad.json", [{"capability": "x"}]))[0].endswith(
        "question: is missing (question, dialogue or conversation)"
    )


# --- EvalScope


def review(index: int = 0, **score) -> dict:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"Say {index}."}]
    return {"index": index, "target": [], "messages": messages, "sample_score": {"score": score, "sample_id": index}}


def battle(*games: tuple[str, str, str | None]) -> dict:
    played = [{"model_a": one, "model_b": other, "judgment": said} for one, other, said in games]
    return {"metadata": {"battle_result": {"score": 0.5, "games": played}}, "judge_summary": {"judge_models": ["owl"]}}


def test_evalscope_questions_and_reviews_with_marks(tmp_path):
    write(tmp_path / "qa.jsonl", {"query": "Why?", "response": "So.", "system": "Be brief.", "category": "x"})
    write(tmp_path / "reviews" / "Ash" / "qa_default.jsonl", review(0, value={"acc": 1.0}, prediction="0!"))
    counts = loaded_twice("evalscope", tmp_path)
    assert (counts["new questions"], counts["new answers"]) == (2, 1)
    grade = Grade.objects.select_related("answer__model", "judge", "rubric").get()
    assert (grade.score, grade.judge.name, grade.answer.model.name) == (1, "EvalScope acc", "Ash")
    assert (grade.rubric.lowest, grade.rubric.highest) == (0, 1)


def test_evalscope_games_are_votes_in_their_own_order(tmp_path):
    games = battle(("Ash", "base", "A=B"), ("base", "Ash", "A>>B"))
    file = write(tmp_path / "Ash" / "arena_default.jsonl", review(0, prediction="0!", value={}, **games))
    loaded_twice("evalscope", file)
    first, second = Preference.objects.order_by("pk")
    assert [(first.value_shown, second.value_shown), first.judge.name] == [(0, 2), "owl"]
    assert first.swapped != second.swapped


def test_evalscope_names_what_is_wrong(tmp_path):
    file = write(
        tmp_path / "Ash" / "a.jsonl",
        review(0, value={"acc": 7}),
        review(1, **battle(("Ash", "base", "A?B"))),
        review(2, **battle(("Ash", "Ash", "A>B"))),
    )
    told = refusal("evalscope", file)
    assert told[0] == f"{file}:1: sample_score.score.value.acc: is 7, not from 0 to 1"
    assert "games[0].judgment: is 'A?B', not one of A>>B" in told[1] and "does not name two models" in told[2]
