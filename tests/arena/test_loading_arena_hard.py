"""Arena-Hard's files in."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from arena.models import Answer, Question
from judging.models import Preference
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db

QUESTION = {"uid": "u1", "category": "hard", "cluster": "Trees", "prompt": "Plant a tree."}
JUDGED = {"uid": "u1", "category": "hard", "judge": "owl", "model": "cand", "baseline": "base"}


def answer(model: str) -> dict:
    said = [{"role": "user", "content": "Plant a tree."}, {"role": "assistant", "content": {"answer": f"By {model}."}}]
    return {"uid": "u1", "ans_id": model, "model": model, "messages": said, "metadata": {"token_len": 3}}


def game(score: str | None) -> dict:
    return {"score": score, "judgment": {"answer": f"I say [[{score}]]"}, "prompt": []}


def folder(tmp_path: Path, *games: object) -> Path:
    write(tmp_path / "question.jsonl", QUESTION)
    write(tmp_path / "model_answer" / "all.jsonl", answer("base"), answer("cand"))
    write(tmp_path / "model_judgment" / "owl" / "cand.jsonl", {**JUDGED, "games": list(games)})
    return tmp_path


def towards_candidate() -> list[tuple]:
    rows = Preference.objects.select_related("battle__first__model").order_by("pk")
    signs = [1 if row.battle.first.model.name == "cand" else -1 for row in rows]
    return [row.value and sign * row.value for sign, row in zip(signs, rows, strict=True)]


def test_questions_and_answers_are_loaded_as_they_are(tmp_path):
    counts = loaded_twice("arena_hard", folder(tmp_path, game("A=B"), game("A=B")))
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (1, 2, 2)
    question = Question.objects.select_related("category").get()
    assert (question.key, question.turns, question.category.key) == ("u1", ["Plant a tree."], "hard")
    assert question.meta == {"cluster": "Trees"}
    assert {(answer.turns[0], answer.tokens_out) for answer in Answer.objects.all()} == {
        ("By base.", 3),
        ("By cand.", 3),
    }


def test_the_baseline_is_shown_first_in_the_first_game_and_second_in_the_second(tmp_path):
    load("arena_hard", folder(tmp_path, game("B>>A"), game("A>B")))
    assert towards_candidate() == [2, 1]
    first, second = Preference.objects.select_related("run__baseline").order_by("pk")
    assert (first.swapped, first.value_shown, first.reply) == (False, -2, "I say [[B>>A]]")
    assert (second.swapped, second.value_shown) == (True, 1)
    assert (first.run.mode, first.run.baseline.name, first.run.order) == ("baseline", "base", "both")


@pytest.mark.parametrize("lost", [None, game(None)])
def test_a_lost_game_is_a_failure_in_its_order_and_half_a_verdict_does_not_score(tmp_path, lost):
    load("arena_hard", folder(tmp_path, game("B>A"), lost))
    assert towards_candidate() == [1, None]
    assert Preference.objects.failed().get().status == "parse_error"
    out = StringIO()
    call_command("leaderboard", method="win_rate", format="json", stdout=out)
    told = json.loads(out.getvalue())
    assert [(row["model"], row["win_rate"], row["n_failed"]) for row in told["rows"]] == [("cand", None, 1)]
    assert told["excluded"] == {"one order only": 1, "parse_error": 1}


@pytest.mark.parametrize(
    ("games", "problem"),
    [
        ([game("A>C"), game("A>B")], "games[0].score: is 'A>C', not one of A>>B"),
        ([game("A>B")], "games: has 1 games, not 2"),
        ([game("A>B"), "lost"], "games[1]: is not an object"),
    ],
)
def test_a_bad_game_is_named_with_its_line_and_field(tmp_path, games, problem):
    file = folder(tmp_path, *games) / "model_judgment" / "owl" / "cand.jsonl"
    assert any(told.startswith(f"{file}:1: {problem}") for told in refusal("arena_hard", tmp_path))


def test_an_answer_without_a_text_of_the_assistant_is_refused(tmp_path):
    write(tmp_path / "q.jsonl", QUESTION)
    bad = write(tmp_path / "z.jsonl", {**answer("cand"), "messages": [{"role": "assistant", "content": {}}]})
    assert f"{bad}:1: messages: holds no answer of an assistant, or one that is not text" in refusal(
        "arena_hard", tmp_path
    )


def test_the_published_questions_and_answers_load(shared):
    counts = load("arena_hard", shared / "data" / "arena_hard")["counts"]
    assert (counts["new questions"], counts["new answers"]) == (500, 1000)


def test_a_huge_number_of_tokens_is_a_problem(tmp_path):
    home = folder(tmp_path, game("A=B"), game("A=B"))
    file = write(
        home / "model_answer" / "all.jsonl", answer("base"), {**answer("cand"), "metadata": {"token_len": 10**40}}
    )
    (told,) = refusal("arena_hard", home)
    assert told.startswith(f"{file}:2: metadata.token_len: is 1000") and told.endswith("which is too large")


def test_an_answer_in_parts_is_put_together(tmp_path):
    home = folder(tmp_path, game("A=B"), game("A=B"))
    said = [{"role": "assistant", "content": [{"type": "text", "text": "By "}, {"type": "text", "text": "cand."}]}]
    write(home / "model_answer" / "all.jsonl", answer("base"), {**answer("cand"), "messages": said})
    load("arena_hard", home)
    assert Answer.objects.get(model__name="cand").turns == ["By cand."]
