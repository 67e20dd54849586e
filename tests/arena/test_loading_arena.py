"""Arena battles in: with their conversations, or nothing but who met whom and who won."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from arena.models import Answer, Question
from judging.models import Judge, Preference
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db

CLEAN = {
    "model_a": "ash",
    "model_b": "birch",
    "winner": "model_b",
    "judge": "arena_user_7",
    "turn": 1,
    "anony": True,
    "language": "Chinese",
    "tstamp": 1700000000.5,
}


def talk(*texts: str) -> list[dict]:
    return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]


FULL = {
    **CLEAN,
    "question_id": "q1",
    "conversation_a": talk("Name a tree.", "The oak."),
    "conversation_b": talk("Name a tree.", "The elm!"),
}


def battles(folder: Path, *rows: dict) -> Path:
    file = folder / "clean_battle.json"
    file.write_text(json.dumps(rows, indent=1))
    return file


def test_a_battle_with_its_conversations_is_a_question_two_answers_and_a_persons_vote(tmp_path):
    counts = loaded_twice("arena", write(tmp_path / "c.jsonl", FULL))
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (1, 2, 1)
    assert counts["anonymous battles"] == 1
    question, vote = Question.objects.get(), Preference.objects.select_related("judge").get()
    assert (question.key, question.turns, question.language) == ("q1", ["Name a tree."], "zh")
    assert {tuple(answer.turns) for answer in Answer.objects.ok()} == {("The oak.",), ("The elm!",)}
    assert (vote.judge.name, vote.judge.kind) == ("arena_user_7", Judge.Kind.IMPORTED_PERSON)
    assert vote.value_shown == -1 and vote.created_at.timestamp() == 1700000000.5
    assert vote.turn == 0, "in the arena a turn says how many there were"


def test_a_battle_without_texts_stands_and_nobody_can_judge_it_again(tmp_path):
    report = load("arena", battles(tmp_path, CLEAN))
    assert report["counts"]["answers whose text was not published"] == 2
    assert any("without texts" in note for note in report["notes"])
    assert Preference.objects.decided().count() == 1 and not Answer.objects.ok().exists()
    assert Answer.objects.filter(length=None).count() == 2, "the length of what is not here is not known"
    assert Question.objects.get().meta == {"published": False}


def test_battles_that_are_alike_are_still_battles_of_their_own(tmp_path):
    counts = loaded_twice("arena", battles(tmp_path, CLEAN, CLEAN))
    assert (counts["new questions"], counts["new votes"]) == (2, 2)


def test_both_bad_is_a_tie_with_a_mark_of_its_own(tmp_path):
    rows = [{**CLEAN, "winner": winner} for winner in ("tie", "tie (bothbad)")]
    load("arena", battles(tmp_path, *rows))
    assert sorted(Preference.objects.values_list("value", "both_bad")) == [(0, False), (0, True)]


def test_the_older_field_for_the_winner_is_read_too(tmp_path):
    old = {name: value for name, value in CLEAN.items() if name not in ("winner", "judge")} | {"win": "model_a"}
    load("arena", battles(tmp_path, old))
    vote = Preference.objects.select_related("judge").get()
    assert vote.value_shown == 1 and vote.judge.is_person and vote.judge.name == "arena visitors"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"anony": False}, "battles with the names shown, left out"),
        ({"model_b": "ash"}, "battles of a model with itself, left out"),
        ({"conversation_a": talk("Name a tree.")}, "battles with an unfinished answer, left out"),
        ({"conversation_a": talk("Name a tree.", "I am Vicuna: oak.")}, "battles whose texts name a model, left out"),
        (
            {"conversation_b": talk("Name a tree.", "**API REQUEST ERROR** Reason: none.")},
            "battles with a failed call, left out",
        ),
    ],
)
def test_what_does_not_count_is_left_out_and_counted(tmp_path, said, why):
    counts = load("arena", write(tmp_path / "c.jsonl", {**FULL, **said}, {**FULL, "question_id": "q2"}))["counts"]
    assert (counts[why], counts["new votes"], counts["anonymous battles"]) == (1, 1, 1)


def test_votes_on_mt_bench_are_about_a_turn_and_repeats_are_trials(tmp_path):
    row = {name: value for name, value in FULL.items() if name not in ("anony", "language", "tstamp")}
    row |= {
        "question_id": 81,
        "judge": "expert_1",
        "turn": 2,
        "conversation_a": talk("Name a tree.", "Oak.", "Another?", "Elm."),
        "conversation_b": talk("Name a tree.", "Ash.", "Another?", "Fir."),
    }
    short = {name: row[name][:2] for name in ("conversation_a", "conversation_b")}
    machine = {**row, "judge": ["gpt-9", "pair-mini"]}
    counts = loaded_twice("arena", write(tmp_path / "c.jsonl", {**row, **short, "turn": 1}, row, row, machine))
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (1, 2, 4)
    told = Preference.objects.order_by("pk").values_list("judge__name", "judge__kind", "turn", "trial")
    assert list(told) == [
        ("expert_1", "imported_person", 1, 0),
        ("expert_1", "imported_person", 2, 0),
        ("expert_1", "imported_person", 2, 1),
        ("gpt-9 pair-mini", "imported", 2, 0),
    ]


def test_votes_go_on_record_in_the_order_of_time(tmp_path):
    load("arena", battles(tmp_path, {**CLEAN, "tstamp": 1700000009}, {**CLEAN, "tstamp": 1700000003}))
    moments = [vote.created_at.timestamp() for vote in Preference.objects.order_by("pk")]
    assert moments == [1700000003, 1700000009]


def test_questions_and_answers_may_be_taken_without_the_votes(tmp_path):
    file = write(tmp_path / "c.jsonl", FULL, CLEAN)
    load("arena", file, kind="questions")
    counts = load("arena", file, kind="answers")["counts"]
    assert (counts["new answers"], counts["judgments left out"], Question.objects.count()) == (2, 2, 1)
    assert not Preference.objects.exists()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"winner": "both"}, "winner: is 'both', not one of model_a, model_b, tie, tie (bothbad), tie (inconsistent)"),
        ({"model_a": None}, "model_a: is missing"),
        ({"anony": "yes"}, "anony: is text, not true or false"),
        ({"judge": ""}, "judge: is empty"),
        ({"conversation_a": "hello"}, "conversation_a: is text, not a list"),
        ({"conversation_b": [3]}, "conversation_b: holds something that is not a message with role and content"),
        ({"conversation_b": talk("Name a bush.", "Box.")}, "conversation_b: asks something else than conversation_a"),
    ],
)
def test_a_bad_battle_is_named_with_its_line_and_field(tmp_path, said, problem):
    file = write(tmp_path / "c.jsonl", FULL, {**FULL, "question_id": "q2", **said})
    assert f"{file}:2: {problem}" in refusal("arena", file)


# --- the real files


def test_the_first_public_battles_give_the_elo_that_was_published(shared):
    """LMSYS, 2023-05-03 (https://lmsys.org/blog/2023-05-03-arena/); to two digits from the same file and rule."""
    counts = load("arena", shared / "data" / "lmsys" / "battles_2023.json")["counts"]
    assert (counts["rows read"], counts["anonymous battles"], counts["new votes"]) == (9841, 4689, 4689)
    assert counts["battles with the names shown, left out"] == 9841 - 4689
    out = StringIO()
    call_command("leaderboard", benchmark="lmsys", method="elo", format="json", stdout=out)
    rows = {row["model"]: round(row["rating"], 2) for row in json.loads(out.getvalue())["rows"]}
    assert len(rows) == 9
    assert (rows["vicuna-13b"], rows["stablelm-tuned-alpha-7b"]) == (1169.46, 858.95)


def test_a_tie_of_two_orders_that_disagreed_is_a_tie_and_told_in_the_details(tmp_path):
    load("arena", battles(tmp_path, {**CLEAN, "winner": "tie (inconsistent)"}, {**CLEAN, "winner": "tie"}))
    flipped, plain = Preference.objects.order_by("pk")
    assert (flipped.value, flipped.both_bad, flipped.details["flip"]) == (0, False, True)
    assert "flip" not in plain.details


def test_messages_in_parts_are_put_together(tmp_path):
    parts = [{"role": "user", "content": [{"type": "text", "text": "Name a tree."}]}, *talk("", "The oak.")[1:]]
    load("arena", write(tmp_path / "c.jsonl", {**FULL, "conversation_a": parts}))
    assert Question.objects.get().turns == ["Name a tree."]


@pytest.mark.parametrize("moment", [10**400, True, [1]])
def test_a_time_of_any_kind_is_a_problem_and_never_a_crash(tmp_path, moment):
    file = write(tmp_path / "c.jsonl", {**FULL, "tstamp": moment})
    assert any(told.startswith(f"{file}:1: tstamp: is ") for told in refusal("arena", file))
