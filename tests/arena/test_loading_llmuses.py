"""The reviews and judge prompts of llmuses in."""

from __future__ import annotations

from collections import Counter

import pytest

from arena.models import Answer, Question
from judging.models import Grade, Preference, Rubric
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db

ABOUT = {"question_id": 3, "category": "generic", "question": "Why rest?", "tstamp": 1700000000.0, "language": "NA"}
PAIR = {**ABOUT, "model_a": "ash:1", "model_b": "birch", "scores": [6, 8], "win": "model_b", "review_text": "6 8"}
SWAP = {**ABOUT, "model_a": "ash:1", "model_b": "birch", "win_1": "model_b", "win_2": "model_b",
        "review_text_1": "[[B]]", "review_text_2": "[[A]]"}  # fmt: skip
SINGLE = {**ABOUT, "model": "ash:1", "score": 7, "review_text": "[[7]]"}


def test_a_review_of_a_pair_brings_its_question_and_is_a_vote(tmp_path):
    file = write(tmp_path / "review_owl.jsonl", PAIR)
    assert loaded_twice("llmuses", file)["new votes"] == 1
    vote = Preference.objects.select_related("judge", "battle__first__model", "battle__second__model").get()
    models = {(side.model.name, side.model.version) for side in (vote.battle.first, vote.battle.second)}
    assert models == {("ash", "1"), ("birch", "unstated")}
    assert vote.value_shown == -1 and vote.details == {"scores": [6, 8]}
    assert (vote.judge.name, vote.judge.is_person, vote.reply) == ("llmuses review_owl", False, "6 8")
    question = Question.objects.select_related("category").get()
    assert (question.key, question.turns, question.category.key) == ("3", ["Why rest?"], "generic")


def test_a_review_in_both_orders_is_two_votes_for_the_same_winner(tmp_path):
    load("llmuses", write(tmp_path / "r.jsonl", SWAP))
    rows = Preference.objects.select_related("battle__first__model").order_by("swapped")
    assert [(row.battle.first.model.name, row.value, row.swapped, row.reply) for row in rows] == [
        ("ash", -1, False, "[[B]]"),
        ("ash", -1, True, "[[A]]"),
    ]


def test_a_mark_is_a_grade_and_none_is_a_failure(tmp_path):
    rows = [SINGLE, {**SINGLE, "model": "birch", "score": -1}, {**SINGLE, "model": "cedar", "score": None}]
    load("llmuses", write(tmp_path / "r.jsonl", *rows))
    told = Grade.objects.order_by("answer__model__name").values_list("score", "status")
    assert list(told) == [(7, "ok"), (None, "parse_error"), (None, "parse_error")]


def test_an_unknown_winner_is_a_failure_and_never_a_tie(tmp_path):
    load("llmuses", write(tmp_path / "r.jsonl", {**PAIR, "win": "unknown", "scores": None}))
    vote = Preference.objects.get()
    assert (vote.value, vote.status) == (None, "parse_error") and "unknown" in vote.error


def test_that_a_review_may_be_of_a_dry_run_is_said(tmp_path):
    notes = load("llmuses", write(tmp_path / "r.jsonl", PAIR, SINGLE))["notes"]
    assert sum("dry runs write random verdicts" in note for note in notes) == 1


def test_two_versions_of_one_model_are_judged_as_two(tmp_path):
    load("llmuses", write(tmp_path / "r.jsonl", {**PAIR, "model_b": "ash"}))
    assert {answer.model.version for answer in Answer.objects.select_related("model")} == {"1", "unstated"}
    assert Preference.objects.get().value_shown == -1


def test_reviews_find_the_questions_and_answers_of_their_files(tmp_path):
    asked = {"question_id": 3, "text": "Why rest?", "category": "generic"}
    write(tmp_path / "question.jsonl", asked)
    write(tmp_path / "answer_ash.jsonl", {"question_id": 3, "model_id": "ash:1", "answer": "To wake."})
    write(tmp_path / "answer_birch.jsonl", {"question_id": 3, "model_id": "birch", "answer": "To grow."})
    write(tmp_path / "review.jsonl", PAIR)
    counts = loaded_twice("llmuses", tmp_path)
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (1, 2, 1)
    assert counts["answers whose text was not published"] == 0


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({**PAIR, "win": "model_c"}, "win: is 'model_c', not one of model_a, tie, model_b, unknown"),
        ({**SWAP, "win_2": None}, "win_2: is missing"),
        ({**SINGLE, "score": 11}, "score: is 11, which is off the scale from 0 to 10"),
        ({**SINGLE, "model": 5}, "model: is a whole number, not text"),
        ({**SINGLE, "question": "Why work?"}, "key: 3 has another text than in r.jsonl:1"),
    ],
)
def test_a_bad_review_is_named_with_its_line_and_field(tmp_path, said, problem):
    file = write(tmp_path / "r.jsonl", {**SINGLE, "model": "cedar"}, said)
    assert f"{file}:2: {problem}" in refusal("llmuses", file)


def test_the_defaults_of_an_old_judge_prompt_are_put_into_it(tmp_path):
    prompt = {
        "name": "old",
        "type": "single",
        "system_prompt": "",
        "prompt_template": "{prompt}\n{question}\n{answer}",
        "defaults": {"prompt": "Mark from {1} to 10."},
        "output_format": "[[rating]]",
        "prompt_id": 1,
    }
    load("llmuses", write(tmp_path / "prompts.jsonl", prompt), kind="prompts")
    assert Rubric.objects.get().text().template.prompt == "Mark from {{1}} to 10.\n{question}\n{answer}"


# --- the real files


def test_the_published_reviews_load_beside_their_questions_and_answers(shared):
    folder = shared / "data" / "llmuses"
    counts = loaded_twice("llmuses", folder)
    assert (counts["new questions"], counts["new answers"]) == (80, 320)
    assert (counts["new votes"], counts["new grades"]) == (80 + 160 + 2 * 160, 240)
    assert counts["answers whose text was not published"] == 80  # of gpt-3.5-turbo without a version
    said = Counter(Preference.objects.values_list("judge__name", flat=True))
    assert said == {
        "llmuses review_gpt4": 80,
        "llmuses review_alpaca_eval": 160,
        "llmuses review_gpt4_pair_baseline": 320,
    }


def test_the_outputs_of_a_battle_are_its_answers(tmp_path):
    row = {**PAIR, "output_a": "To heal.", "output_b": ""}
    counts = loaded_twice("llmuses", write(tmp_path / "battle.jsonl", row))
    assert (counts["new answers"], counts["answers whose text was not published"]) == (2, 0)
    assert {answer.model.name: answer.turns for answer in Answer.objects.select_related("model")} == {
        "ash": ["To heal."],
        "birch": [""],
    }


def test_outputs_that_are_no_text_are_refused(tmp_path):
    file = write(tmp_path / "battle.jsonl", {**PAIR, "output_a": ["To heal."], "output_b": "x"})
    assert f"{file}:1: output_a: is a list, not text" in refusal("llmuses", file)
