"""MT-bench's judgments and judge prompts in."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from arena.models import Answer, Question
from judging.judges.base import Exhibit
from judging.models import Grade, Preference, Rubric
from judging.prompts import Asking
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db

QUESTION = {"question_id": 7, "category": "math", "turns": ["What is 6 times 7?", "Add 8."]}
SINGLE = {
    "question_id": 7,
    "model": "ash",
    "judge": ["owl", "single-mini"],
    "user_prompt": "Please mark this.",
    "judgment": "Right. Rating: [[9]]",
    "score": 9,
    "turn": 1,
    "tstamp": 1700000100.0,
}
PAIR = {
    "question_id": 7,
    "model_1": "ash",
    "model_2": "birch",
    "g1_winner": "model_1",
    "g2_winner": "tie",
    "judge": ["owl", "pair-mini"],
    "g1_user_prompt": "First ash, then birch.",
    "g1_judgment": "[[A]]",
    "g2_user_prompt": "First birch, then ash.",
    "g2_judgment": "[[C]]",
    "turn": 2,
    "tstamp": 1700000100.0,
}
PROMPT = {
    "name": "pair-mini",
    "type": "pairwise",
    "system_prompt": "Judge fairly and end with [[A]], [[B]] or [[C]].",
    "prompt_template": "Asked: {question}\nA: {answer_a}\nB: {answer_b}",
    "description": "for tests",
    "category": "general",
    "output_format": "[[A]]",
}


def answer(model: str) -> dict:
    return {"question_id": 7, "answer_id": model, "model_id": model, "choices": [{"index": 0, "turns": ["42", "50"]}]}


def folder(tmp_path: Path, *judgments: dict) -> Path:
    """One question, two models' answers, and these judgments."""
    write(tmp_path / "question.jsonl", QUESTION)
    write(tmp_path / "model_answer" / "both.jsonl", answer("ash"), answer("birch"))
    write(tmp_path / "model_judgment" / "owl.jsonl", *judgments)
    return tmp_path


def test_a_mark_is_a_grade_of_its_turn_with_prompt_and_reply(tmp_path):
    counts = loaded_twice("mt_bench", folder(tmp_path, SINGLE, {**SINGLE, "turn": 2, "score": 3.5}))
    assert counts["new grades"] == 2
    first, second = Grade.objects.select_related("judge", "rubric", "answer__model").order_by("turn")
    assert (first.score, first.turn, second.score, second.turn) == (9, 1, 3.5, 2)
    assert (first.judge.name, first.rubric.lowest, first.rubric.highest) == ("owl", 1, 10)
    assert (first.answer.model.name, first.reply, first.provenance) == ("ash", "Right. Rating: [[9]]", "imported")
    assert first.prompt == [{"role": "user", "content": "Please mark this."}]
    assert first.details == {"template": "single-mini"} and first.created_at.timestamp() == 1700000100


def test_a_mark_of_minus_one_is_a_failure(tmp_path):
    load("mt_bench", folder(tmp_path, {**SINGLE, "score": -1}))
    grade = Grade.objects.get()
    assert (grade.score, grade.status) == (None, "parse_error") and grade.error


def test_both_games_of_a_pair_are_told_by_the_winner_not_by_the_place_it_was_shown_in(tmp_path):
    wins = {"g1_winner": "model_1", "g2_winner": "model_1"}
    counts = loaded_twice("mt_bench", folder(tmp_path, {**PAIR, **wins}))
    assert counts["new votes"] == 2
    rows = Preference.objects.select_related("battle__first__model", "run").order_by("swapped")
    assert [row.battle.first.model.name for row in rows] == ["ash", "ash"]
    assert [(row.swapped, row.value, row.value_shown, row.turn) for row in rows] == [
        (False, 1, 1, 2),
        (True, 1, -1, 2),
    ]
    assert [row.reply for row in rows] == ["[[A]]", "[[C]]"]
    assert {row.run.order for row in rows} == {"both"}


def test_an_error_in_one_game_is_a_failure_of_that_order_alone(tmp_path):
    report = load("mt_bench", folder(tmp_path, {**PAIR, "g2_winner": "error", "g2_judgment": "$ERROR$"}))
    assert report["counts"]["of the new votes, failures without a verdict"] == 1
    assert list(Preference.objects.order_by("swapped").values_list("swapped", "value", "status")) == [
        (False, 1, "ok"),
        (True, None, "parse_error"),
    ]


def test_an_old_file_has_one_winner_and_one_order(tmp_path):
    old = {name: value for name, value in PAIR.items() if not name.startswith("g")} | {"winner": "model_2"}
    report = load("mt_bench", folder(tmp_path, old))
    vote = Preference.objects.get()
    assert (vote.value, vote.swapped, vote.run.order) == (-1, False, "fixed")
    assert any("the order the answers were shown in is not said" in note for note in report["notes"])


def test_judgments_may_come_after_their_questions_and_alone(tmp_path):
    folder(tmp_path, SINGLE, PAIR)
    load("mt_bench", tmp_path, kind="questions", benchmark="b")
    report = load("mt_bench", tmp_path / "model_judgment", kind="judgments", benchmark="b")
    assert (report["counts"]["new votes"], report["counts"]["new grades"]) == (2, 1)
    assert report["counts"]["answers whose text was not published"] == 2
    assert not Answer.objects.ok().exists(), "nobody can judge an answer without its text"


def test_the_text_of_an_answer_that_comes_later_takes_its_place_and_keeps_what_was_said_of_it(tmp_path):
    folder(tmp_path, SINGLE, PAIR)
    load("mt_bench", tmp_path, kind="questions", benchmark="b")
    load("mt_bench", tmp_path / "model_judgment", benchmark="b")
    verdicts = [list(table.objects.order_by("pk").values()) for table in (Grade, Preference)]
    counts = loaded_twice("mt_bench", tmp_path / "model_answer", benchmark="b")
    assert counts["new answers"] == 2
    assert [(row.turns, row.error, row.length) for row in Answer.objects.all()] == [(["42", "50"], "", 4)] * 2
    assert [list(table.objects.order_by("pk").values()) for table in (Grade, Preference)] == verdicts


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({**PAIR, "g1_winner": "model_3"}, "g1_winner: is 'model_3', not one of model_1, tie, model_2, error"),
        ({**PAIR, "g2_winner": None}, "g2_winner: is missing"),
        ({**PAIR, "model_2": "ash"}, "g1_winner: is about two answers of ash"),
        ({**PAIR, "turn": 3}, "turn: is 3; question 7 has 2"),
        ({**PAIR, "turn": 0}, "turn: is 0, not 1 or more"),
        ({**PAIR, "judge": []}, "judge: is not a name, or a list of a name and a template"),
        ({**SINGLE, "score": 11}, "score: is 11, which is off the scale from 1 to 10"),
        ({**SINGLE, "score": "9"}, "score: is text, not a whole number or a number"),
        ({**SINGLE, "score": None}, "score: is missing"),
        ({**SINGLE, "question_id": 8}, "score: is about question 8, which is not among the questions"),
        ({**SINGLE, "model": ""}, "model: is empty"),
    ],
)
def test_a_bad_judgment_is_named_with_its_line_and_field(tmp_path, said, problem):
    folder(tmp_path, {**SINGLE, "turn": 2}, said)
    assert f"{tmp_path}/model_judgment/owl.jsonl:2: {problem}" in refusal("mt_bench", tmp_path)


def test_a_judgment_that_changed_or_is_told_twice_is_refused(tmp_path):
    load("mt_bench", folder(tmp_path, SINGLE))
    file = write(tmp_path / "model_judgment" / "owl.jsonl", {**SINGLE, "score": 8})
    assert refusal("mt_bench", tmp_path) == [
        f"{file}:1: score: on question 7 differs from the grade already there",
    ]
    write(file, SINGLE, SINGLE)
    assert refusal("mt_bench", tmp_path) == [f"{file}:2: score: is a duplicate of line 1"]


def test_checking_judgments_alone_finds_what_is_wrong_and_writes_nothing(tmp_path):
    report = load("mt_bench", folder(tmp_path, SINGLE, PAIR), check=True)
    assert report["counts"]["new votes"] == 2 and not Question.objects.exists() and not Preference.objects.exists()
    write(tmp_path / "model_judgment" / "owl.jsonl", {**SINGLE, "score": 12})
    (told,) = refusal("mt_bench", tmp_path, check=True)
    assert told.endswith("is 12, which is off the scale from 1 to 10")


# --- judge prompts


def test_a_judge_prompt_is_a_rubric_and_makes_no_benchmark(tmp_path):
    file = write(tmp_path / "judge_prompts.jsonl", PROMPT)
    assert loaded_twice("mt_bench", file, kind="prompts")["new rubrics"] == 1
    text = Rubric.objects.get().text()
    assert (text.template.prompt, text.template.form) == (PROMPT["prompt_template"], "[[A]]")
    assert text.template.system == PROMPT["system_prompt"] and not Question.objects.exists()


def test_a_prompt_for_one_category_judges_no_other(tmp_path):
    load("mt_bench", write(tmp_path / "p.jsonl", {**PROMPT, "category": ["math", "coding"]}))
    rubric = Rubric.objects.get()
    assert rubric.only_variants and sorted(rubric.variants) == ["coding", "math"]


def test_a_prompt_that_changed_is_the_next_version(tmp_path):
    load("mt_bench", write(tmp_path / "p.jsonl", PROMPT))
    load("mt_bench", write(tmp_path / "p.jsonl", {**PROMPT, "system_prompt": "Be fair."}))
    assert sorted(Rubric.objects.values_list("name", "version")) == [("pair-mini", 1), ("pair-mini", 2)]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"prompt_template": ""}, "prompt_template: is empty"),
        ({"name": None}, "name: is missing"),
        ({"output_format": "thumbs"}, "template.form: thumbs is not known"),
        ({"prompt_template": "A: {answer_a}\nB: {answer_b}\n{secret}"}, "template"),
    ],
)
def test_a_prompt_that_no_judge_could_use_is_refused(tmp_path, said, problem):
    file = write(tmp_path / "p.jsonl", PROMPT, {**PROMPT, "name": "other", **said})
    assert any(told.startswith(f"{file}:2: {problem}") for told in refusal("mt_bench", file, kind="prompts"))


# --- the real files


def test_the_published_judgments_load_with_their_errors_as_failures(shared):
    folder = shared / "data" / "mt_bench"
    counts = loaded_twice("mt_bench", folder)
    assert (counts["new questions"], counts["new answers"], counts["new rubrics"]) == (80, 80, 10)
    assert (counts["new votes"], counts["new grades"]) == (150, 160)
    pairs = [json.loads(line) for line in (folder / "model_judgment_gpt-4_pair.jsonl").read_text().splitlines()]
    said = Counter(pair[game] for pair in pairs for game in ("g1_winner", "g2_winner"))
    assert Preference.objects.failed().count() == said["error"] == 3
    rows = Preference.objects.decided().select_related("battle__first__model")
    won = Counter(
        "tie"
        if row.value == 0
        else "model_1"
        if (row.value > 0) == (row.battle.first.model.name == "phi-3")
        else "model_2"
        for row in rows
    )
    assert won == {name: n for name, n in said.items() if name != "error"}
    singles = [json.loads(line) for line in (folder / "model_judgment_gpt-4_single.jsonl").read_text().splitlines()]
    assert sum(Grade.objects.values_list("score", flat=True)) == sum(row["score"] for row in singles)
    names = {json.loads(line)["name"] for line in (folder / "judge_prompts.jsonl").read_text().splitlines()}
    together = {"pair by question", "single by question"}
    assert {rubric.name for rubric in Rubric.objects.exclude(template={}, variants={})} == names | together


def test_the_published_prompts_are_one_rubric_that_chooses_by_reference_and_turns(shared):
    load("mt_bench", shared / "data" / "mt_bench" / "judge_prompts.jsonl", kind="prompts")
    asking = Asking(Rubric.objects.get(name="pair by question").text())
    chosen = {}
    for reference in ((), ("42", "43")):
        for turns in (("How many?",), ("How many?", "And then?")):
            answers = (tuple(f"a{turn}" for turn in turns), tuple(f"b{turn}" for turn in turns))
            exhibit = Exhibit(1, turns, answers, reference=reference[: len(turns)])
            chosen[bool(reference), len(turns)] = asking.rubric_of(exhibit).template
            assert "None" not in asking.render(exhibit)[1].content
    prompts = {
        (name.startswith("pair-math"), 2 if "multi" in name else 1): Rubric.objects.get(name=name).as_data()
        for name in ("pair-v2", "pair-v2-multi-turn", "pair-math-v1", "pair-math-v1-multi-turn")
    }
    for case, data in prompts.items():
        template = data.get("template") or next(iter(data["variants"].values()))["template"]
        assert (chosen[case].prompt, chosen[case].system) == (template["prompt"], template["system"])


def said(text: str, **fields) -> dict:
    return {"question_id": 7, "choices": [{"index": 0, "turns": [text, text]}], **fields}


def test_who_answered_is_the_files_name_where_the_rows_do_not_say(tmp_path, monkeypatch):
    write(tmp_path / "question.jsonl", QUESTION)
    write(tmp_path / "model_answer" / "ash-7b-v1.5.jsonl", said("By ash."))
    write(tmp_path / "model_answer_birch.jsonl", said("By birch."))
    monkeypatch.chdir(tmp_path)
    load("mt_bench", Path(), kind="questions")
    load("mt_bench", Path())
    assert set(Answer.objects.values_list("model__name", flat=True)) == {"ash-7b-v1.5", "birch"}


def test_references_are_told_by_the_folder_however_the_path_is_typed(tmp_path, monkeypatch):
    write(tmp_path / "question.jsonl", QUESTION)
    write(tmp_path / "reference_answer" / "owl.jsonl", said("Right.", model_id="owl"))
    monkeypatch.chdir(tmp_path / "reference_answer")
    load("mt_bench", Path("owl.jsonl"), Path("../question.jsonl"))
    assert Question.objects.get().reference == ["Right.", "Right."] and not Answer.objects.exists()


def test_a_folder_far_above_makes_no_answer_a_reference(tmp_path):
    home = tmp_path / "reference_answers_of_may" / "run"
    write(home / "question.jsonl", QUESTION)
    write(home / "model_answer" / "ash.jsonl", said("By ash.", model_id="ash"))
    load("mt_bench", home)
    assert Answer.objects.get().model.name == "ash"


@pytest.mark.parametrize(("judge", "reference"), [("", "By heron."), ("owl", "By owl.")])
def test_the_references_of_one_judge_stand_and_the_others_are_counted(tmp_path, judge, reference):
    write(tmp_path / "question.jsonl", QUESTION)
    for name in ("heron", "owl"):
        write(tmp_path / "reference_answer" / f"{name}.jsonl", said(f"By {name}.", model_id=name))
    told = load("mt_bench", tmp_path, judge=judge)
    assert Question.objects.get().reference == [reference, reference]
    assert any("reference" in note for note in told["notes"])
