"""Label Studio's export of pairwise tasks in: who selected which text, and what was cancelled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arena.models import LanguageModel, Question
from judging.models import Preference
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db

DATA = {"prompt": "Name a tree.", "text1": "Ash.", "text2": "A chair."}


def region(selected: str) -> dict:
    return {"from_name": "pw", "to_name": "text1,text2", "type": "pairwise", "value": {"selected": selected}}


def choice(*words: str) -> dict:
    return {"from_name": "tie", "to_name": "text1", "type": "choices", "value": {"choices": list(words)}}


def annotation(*result: object, by: object = 3, **fields) -> dict:
    return {"id": 9, "completed_by": by, "was_cancelled": False, "result": list(result), "lead_time": 12.5, **fields}


def export(tmp_path: Path, *annotations: dict, data: dict | None = None) -> Path:
    task = {"id": 5, "data": DATA if data is None else data, "annotations": list(annotations), "predictions": []}
    return write(tmp_path / "export.json", json.dumps([task]))


def towards_text1() -> list[float]:
    rows = Preference.objects.select_related("battle__first__model").order_by("pk")
    return [row.value * (1 if row.battle.first.model.name == "text1" else -1) for row in rows]


def test_a_selection_is_the_vote_of_a_numbered_person_with_its_seconds(tmp_path):
    file = export(tmp_path, annotation(region("left")), annotation(region("right"), by={"id": 4}))
    counts = loaded_twice("label_studio", file)
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (1, 2, 2)
    assert towards_text1() == [1, -1]
    votes = Preference.objects.select_related("judge").order_by("pk")
    assert [(vote.judge.name, vote.judge.kind, vote.seconds) for vote in votes] == [
        ("annotator 3", "imported_person", 12.5),
        ("annotator 4", "imported_person", 12.5),
    ]
    assert Question.objects.get().key == "5"


@pytest.mark.parametrize("word", ["tie", "Equal", "Both", "平局"])
def test_a_choice_that_says_tie_is_a_tie(tmp_path, word):
    load("label_studio", export(tmp_path, annotation(choice(word))))
    assert towards_text1() == [0]


def test_cancelled_annotations_are_left_out_and_counted(tmp_path):
    file = export(tmp_path, annotation(region("left"), was_cancelled=True), annotation(region("left"), by=4))
    counts = load("label_studio", file)["counts"]
    assert (counts["new votes"], counts["cancelled annotations left out"]) == (1, 1)


def test_the_models_may_be_named_in_the_data(tmp_path):
    load(
        "label_studio", export(tmp_path, annotation(region("left")), data={**DATA, "model1": "ash", "model2": "birch"})
    )
    assert set(LanguageModel.objects.values_list("name", flat=True)) == {"ash", "birch"}


def test_a_time_that_is_no_number_is_no_zero(tmp_path):
    load("label_studio", export(tmp_path, annotation(region("left"), lead_time=None)))
    assert Preference.objects.get().seconds is None


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (annotation(region("middle")), "annotations[0].result[0].value.selected: is 'middle', not one of left, right"),
        (annotation(region("left"), region("right")), "annotations[0].result: says two things at once"),
        (annotation(region("left"), choice("tie")), "annotations[0].result: says two things at once"),
        (annotation(), "annotations[0].result: has neither a side selected nor a choice that says tie"),
        (annotation(choice("fine")), "annotations[0].result: has neither a side selected nor a choice that says tie"),
        (annotation(region("left"), by=None), "annotations[0].completed_by: does not say who it was"),
        (annotation(region("left"), by=True), "annotations[0].completed_by: does not say who it was"),
        ("lost", "annotations[0]: is not an object"),
    ],
)
def test_an_annotation_that_means_nothing_is_refused(tmp_path, said, problem):
    file = export(tmp_path, said)
    assert f"{file}:1 (item 1): {problem}" in refusal("label_studio", file)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({**DATA, "text2": None}, "data.text2: is missing or is not text"),
        ({**DATA, "prompt": " "}, "data: has no question; it is looked for in prompt, question, instruction, text"),
        ([], "data: is a list, not an object"),
    ],
)
def test_a_task_without_a_question_or_two_texts_is_refused(tmp_path, data, problem):
    file = export(tmp_path, annotation(region("left")), data=data)
    assert f"{file}:1 (item 1): {problem}" in refusal("label_studio", file)


def test_one_person_twice_on_one_task_is_refused(tmp_path):
    file = export(tmp_path, annotation(region("left")), annotation(region("right")))
    (told,) = refusal("label_studio", file)
    assert "annotations[1].result[0].value.selected: is a duplicate" in told


def test_questions_alone_leave_the_votes_out(tmp_path):
    counts = load("label_studio", export(tmp_path, annotation(region("left"))), kind="questions")["counts"]
    assert (counts["new questions"], counts["judgments left out"]) == (1, 1)
    assert not Preference.objects.exists()
