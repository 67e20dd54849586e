"""EvalScope's files in: questions, reviews of models, and the games of its arena."""

from __future__ import annotations

from pathlib import Path

import pytest

from arena.models import Answer, Question
from judging.models import Grade, Preference, Run
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db


def review(score: dict, index: int = 0, **fields) -> dict:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a tree."}]
    return {"index": index, "target": [""], "messages": messages, "sample_score": {"score": score}, **fields}


def arena(*games: object, prediction: str = "Ash.") -> dict:
    summary = {"status": "ok", "judge_models": ["owl"]}
    result = {"score": 0.5, "games": list(games)}
    return {"value": {}, "prediction": prediction, "judge_summary": summary, "metadata": {"battle_result": result}}


def game(judgment: str | None, first: str = "cand", second: str = "base") -> dict:
    return {"model_a": first, "model_b": second, "judgment": judgment}


def reviews(tmp_path: Path, *rows: dict, model: str = "cand") -> Path:
    return write(tmp_path / "reviews" / model / "trees_easy.jsonl", *rows)


def towards_candidate() -> list[tuple[bool, float | None]]:
    rows = Preference.objects.select_related("battle__first__model").order_by("pk")
    signs = [1 if row.battle.first.model.name == "cand" else -1 for row in rows]
    return [(row.value_shown, row.value and sign * row.value) for sign, row in zip(signs, rows, strict=True)]


def test_questions_are_loaded_with_their_reference_and_system_prompt(tmp_path):
    row = {"query": "Name a tree.", "response": "Ash.", "system": "Be brief.", "category": "trees", "level": 2}
    file = write(tmp_path / "easy.jsonl", row, {"query": "Another?"})
    assert loaded_twice("evalscope", file)["new questions"] == 2
    first, second = Question.objects.select_related("category").order_by("position")
    assert (first.key, first.turns, first.reference, first.system) == (
        "easy-1",
        ["Name a tree."],
        ["Ash."],
        "Be brief.",
    )
    assert (first.category.key, first.meta) == ("trees", {"level": 2})
    assert (second.category.key, second.reference) == ("unstated", [])


def test_a_review_brings_the_answer_and_a_mark_for_each_metric(tmp_path):
    file = reviews(tmp_path, review({"value": {"acc": 1, "f1": 0.25}, "prediction": "Ash."}))
    counts = loaded_twice("evalscope", file)
    assert (counts["new questions"], counts["new answers"], counts["new grades"]) == (1, 1, 2)
    grades = Grade.objects.order_by("judge__name").values_list("judge__name", "score", "answer__model__name")
    assert list(grades) == [("EvalScope acc", 1.0, "cand"), ("EvalScope f1", 0.25, "cand")]
    question = Question.objects.get()
    assert (question.key, question.system, question.turns) == ("trees_easy-0", "Be brief.", ["Name a tree."])


def test_reviews_of_several_models_meet_on_the_same_question(tmp_path):
    for model in ("ash", "birch"):
        reviews(tmp_path, review({"value": {"acc": 1}, "prediction": f"By {model}."}), model=model)
    load("evalscope", tmp_path / "reviews")
    assert Question.objects.count() == 1
    assert set(Answer.objects.values_list("model__name", flat=True)) == {"ash", "birch"}


def test_the_games_of_the_arena_are_verdicts_in_both_orders(tmp_path):
    games = game("A=B"), game("A>B", "base", "cand")
    counts = loaded_twice("evalscope", reviews(tmp_path, review(arena(*games))))
    assert (counts["new votes"], counts["answers whose text was not published"]) == (2, 1)
    assert towards_candidate() == [(0, 0), (1, -1)]
    first, second = Preference.objects.select_related("judge", "run").order_by("pk")
    assert (first.judge.name, first.run.order) == ("owl", "both")
    assert first.swapped != second.swapped


def test_a_lost_game_is_a_failure(tmp_path):
    load("evalscope", reviews(tmp_path, review(arena(game("A>>B"), game(None, "base", "cand")))))
    assert towards_candidate() == [(2, 2), (None, None)]
    assert Preference.objects.failed().count() == 1


@pytest.mark.parametrize(
    ("score", "problem"),
    [
        (arena(game("A?B")), "sample_score.score.metadata.battle_result.games[0].judgment: is 'A?B', not one of A>>B"),
        (
            arena(game("A>B", "cand", "cand")),
            "sample_score.score.metadata.battle_result.games[0]: does not name two models",
        ),
        (arena("lost"), "sample_score.score.metadata.battle_result.games[0]: does not name two models"),
        (arena(), "sample_score.score.metadata.battle_result.games: is missing or is not a list"),
        ({"value": {"acc": 7}}, "sample_score.score.value.acc: is 7, not from 0 to 1"),
        ({"value": {"acc": "good"}}, "sample_score.score.value.acc: is not a number"),
        ({"value": {"acc": True}}, "sample_score.score.value.acc: is not a number"),
        ([], "sample_score.score: is missing or is not an object"),
    ],
)
def test_a_bad_review_is_named_with_its_line_and_field(tmp_path, score, problem):
    file = reviews(tmp_path, review({"value": {}, "prediction": "Ash."}), review(score, index=1))
    assert any(told.startswith(f"{file}:2: {problem}") for told in refusal("evalscope", file))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"index": None}, "index: is missing"),
        ({"messages": []}, "messages: holds no text of a user"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages: holds no text of a user"),
    ],
)
def test_a_review_of_no_question_is_refused(tmp_path, fields, problem):
    file = reviews(tmp_path, review({"value": {"acc": 1}, "prediction": "Ash."}, **fields))
    assert f"{file}:1: {problem}" in refusal("evalscope", file)


def test_answers_alone_leave_the_marks_out(tmp_path):
    file = reviews(tmp_path, review({"value": {"acc": 1}, "prediction": "Ash."}))
    load("evalscope", file, kind="questions")
    counts = load("evalscope", file, kind="answers")["counts"]
    assert (counts["new answers"], counts["judgments left out"]) == (1, 1)
    assert not Grade.objects.exists()


def test_a_question_without_a_query_is_refused(tmp_path):
    file = write(tmp_path / "easy.jsonl", {"response": "Ash."})
    assert f"{file}:1: query: is missing" in refusal("evalscope", file)


@pytest.mark.parametrize(
    ("where", "typed"), [("reviews/cand", "."), ("reviews/cand", "./trees_easy.jsonl"), ("reviews", "..")]
)
def test_the_model_is_the_folders_however_the_path_is_typed(tmp_path, monkeypatch, where, typed):
    reviews(tmp_path, review({"value": {"acc": 1}, "prediction": "Ash."}))
    monkeypatch.chdir(tmp_path / where)
    load("evalscope", Path(typed), benchmark="trees")
    assert Answer.objects.get().model.name == "cand"
    assert Question.objects.get().key == "trees_easy-0"


def failed(status: str, value: dict) -> dict:
    summary = {"status": status, "judge_models": ["owl"], "failures": {"timeout": 2}}
    return {"value": value, "prediction": "Ash.", "judge_summary": summary}


def test_a_review_that_failed_is_a_failure_with_or_without_a_value(tmp_path):
    rows = [
        review({"value": {"acc": 1}, "prediction": "Oak."}),
        review(failed("failed", {"acc": 0.0}), index=1),
        review(failed("excluded", {}), index=2),
        review({"value": {"acc": None}, "prediction": "Ash."}, index=3),
    ]
    counts = loaded_twice("evalscope", reviews(tmp_path, *rows))
    assert counts["of the new grades, failures without a verdict"] == 3
    told = Grade.objects.order_by("answer__question__key").values_list("score", "error")
    assert list(told) == [
        (1.0, ""),
        (None, "the file says failed: timeout"),
        (None, "the file says excluded: timeout"),
        (None, "the file has no value here"),
    ]


def test_a_battle_that_failed_is_a_failure_in_both_orders(tmp_path):
    row = review({**failed("excluded", {}), "metadata": {}})
    row["sample_score"]["sample_metadata"] = {"answer_1": "Ash.", "model_1": "cand", "model_2": "base"}
    counts = loaded_twice("evalscope", reviews(tmp_path, row, model="Arena"))
    assert (counts["new votes"], counts["of the new votes, failures without a verdict"]) == (2, 2)
    assert set(Answer.objects.values_list("model__name", flat=True)) == {"cand", "base"}


def test_games_are_against_the_baseline_and_candidates_meet_on_its_questions(tmp_path):
    for name in ("ash", "birch"):
        games = game("A>B", name, "base"), game("A=B", "base", name)
        row = review(arena(*games, prediction=f"By {name}."), target=["By base."])
        write(tmp_path / "reviews" / "Arena" / f"general_arena_qa&easy@{name}&base.jsonl", row)
    load("evalscope", tmp_path)
    assert {row.baseline.name for row in Run.objects.filter(mode="baseline")} == {"base"}
    assert Question.objects.get().key == "general_arena_qa&easy-0"
    assert {answer.model.name: answer.turns for answer in Answer.objects.select_related("model")} == {
        name: [f"By {name}."] for name in ("ash", "birch", "base")
    }


def test_predictions_beside_the_reviews_are_left_out_and_counted(tmp_path):
    reviews(tmp_path, review({"value": {"acc": 1}, "prediction": "Ash."}))
    row = {"index": 0, "model": "cand", "model_output": {"choices": []}, "messages": []}
    write(tmp_path / "predictions" / "cand" / "trees_easy.jsonl", row)
    told = load("evalscope", tmp_path)
    assert (told["counts"]["predictions left out"], told["counts"]["new grades"]) == (1, 1)


def test_texts_in_parts_are_put_together(tmp_path):
    said = [{"role": "user", "content": [{"type": "text", "text": "Name "}, {"type": "text", "text": "a tree."}]}]
    load("evalscope", reviews(tmp_path, review({"value": {"acc": 1}, "prediction": "Ash."}, messages=said)))
    assert Question.objects.get().turns == ["Name a tree."]


@pytest.mark.parametrize(
    ("score", "problem"),
    [
        (arena(game(["A>B"])), "games[0].judgment: is ['A>B'], not one of A>>B"),
        ({"value": {"acc": 10**400}}, "sample_score.score.value.acc: is 1000"),
    ],
)
def test_values_of_any_kind_are_problems_and_never_a_crash(tmp_path, score, problem):
    assert any(problem in told for told in refusal("evalscope", reviews(tmp_path, review(score))))
