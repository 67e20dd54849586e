"""Label Studio's export of pairwise tasks in: who selected which text, and what was cancelled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arena.models import LanguageModel, Question
from judging.models import Grade, Preference
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


PAIR = {"question": "Name a tree.", "answer_a": "Ash.", "answer_b": "A chair.", "model_a": "ash", "model_b": "birch"}
ONE = {"question": "Name a tree.", "answer": "Ash.", "model": "ash", "version": "2", "vendor": "Wood"}


def mark(name: str, value: float, *, kind: str = "rating") -> dict:
    return {"from_name": name, "to_name": "answer", "type": kind, "value": {kind: value}}


def minimal(tmp_path: Path, *rows: dict) -> Path:
    return write(tmp_path / "min.json", json.dumps(list(rows)))


def towards(name: str) -> list[tuple[float, bool]]:
    rows = Preference.objects.select_related("battle__first__model").order_by("pk")
    return [(row.value * (1 if row.battle.first.model.name == name else -1), row.both_bad) for row in rows]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("A much better", (2, False)),
        ("a better", (1, False)),
        ("B better", (-1, False)),
        ("B much better", (-2, False)),
        ("both bad", (0, True)),
        ("都不好", (0, True)),
    ],
)
def test_a_choice_says_which_is_better_and_by_how_much(tmp_path, word, said):
    load("label_studio", export(tmp_path, annotation(choice(word)), data=PAIR))
    assert towards("ash") == [said]


def test_a_side_and_a_choice_that_say_the_same_are_one_vote_the_stronger(tmp_path):
    load("label_studio", export(tmp_path, annotation(region("left"), choice("A much better")), data=PAIR))
    assert towards("ash") == [(2, False)]


@pytest.mark.parametrize("other", ["B better", "tie", "both bad"])
def test_a_side_and_a_choice_against_it_are_refused(tmp_path, other):
    file = export(tmp_path, annotation(region("left"), choice(other)), data=PAIR)
    assert f"{file}:1 (item 1): annotations[0].result: says two things at once" in refusal("label_studio", file)


def test_reasons_notes_and_dimensions_are_kept_and_decide_nothing(tmp_path):
    besides = [
        {"from_name": "reasons", "type": "choices", "value": {"choices": ["tie", "style"]}},
        {"from_name": "dimension-facts", "type": "choices", "value": {"choices": ["B better"]}},
        {"from_name": "note", "type": "textarea", "value": {"text": ["short"]}},
    ]
    load("label_studio", export(tmp_path, annotation(region("left"), *besides), data=PAIR))
    assert towards("ash") == [(1, False)]
    details = Preference.objects.get().details
    assert (details["reasons"], details["note"]) == (["tie", "style"], ["short"])
    assert details["dimensions"] == {"facts": ["B better"]}


def test_tasks_nobody_annotated_are_questions_and_answers(tmp_path):
    file = minimal(
        tmp_path, {"id": 1, "data": PAIR}, {"id": 2, "data": {**PAIR, "answer_a": "Elm.", "category": "woods"}}
    )
    counts = loaded_twice("label_studio", file)
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (2, 4, 0)
    assert set(Question.objects.values_list("key", "category__key")) == {("1", "unstated"), ("2", "woods")}


def test_a_task_without_answers_is_a_question(tmp_path):
    file = minimal(tmp_path, {"id": 1, "data": {"prompt": "Name a tree.", "language": "zh", "system": "Be short."}})
    assert load("label_studio", file, kind="questions")["counts"]["new questions"] == 1
    asked = Question.objects.get()
    assert (asked.turns, asked.language, asked.system) == (["Name a tree."], "zh", "Be short.")


def test_a_task_of_one_answer_is_an_answer_of_the_model_it_names(tmp_path):
    file = minimal(tmp_path, {"id": 1, "data": ONE})
    load("label_studio", file, kind="questions")
    assert load("label_studio", file, kind="answers")["counts"]["new answers"] == 1
    assert LanguageModel.objects.values_list("name", "version", "vendor").get() == ("ash", "2", "Wood")


def test_a_single_answer_of_nobody_is_refused_unless_the_command_says_whose_it_is(tmp_path):
    data = {"question": "Name a tree.", "answer": "Ash."}
    file = minimal(tmp_path, {"id": 1, "data": data})
    problem = "data.model: is missing: who answered? --model says it for the whole file"
    assert f"{file}:1 (item 1): {problem}" in refusal("label_studio", file)
    load("label_studio", file, model="elm")
    assert LanguageModel.objects.get().name == "elm"


def test_ratings_of_one_answer_are_grades_with_their_dimensions(tmp_path):
    said = annotation(mark("mark-facts", 4), mark("mark-style", 2), mark("score", 3.5, kind="number"))
    counts = loaded_twice("label_studio", export(tmp_path, said, data={**ONE, "lowest": 1, "highest": 5}))
    assert counts["new grades"] == 1
    grade = Grade.objects.select_related("judge").get()
    assert (grade.score, grade.scores, grade.judge.name) == (3.5, {"facts": 4, "style": 2}, "annotator 3")


def test_a_single_rating_is_the_grade_in_stars(tmp_path):
    load("label_studio", export(tmp_path, annotation(mark("stars", 4)), data=ONE))
    grade = Grade.objects.select_related("rubric").get()
    assert (grade.score, grade.rubric.lowest, grade.rubric.highest) == (4, 1, 5)


@pytest.mark.parametrize(
    ("said", "data", "problem"),
    [
        (annotation(), ONE, "annotations[0].result: has neither a rating nor a number"),
        (annotation(mark("a", 1), mark("b", 2)), ONE, "annotations[0].result: has several marks and none named score"),
        (annotation(mark("a", 1), mark("a", 2)), ONE, "annotations[0].result[1].value.rating: is a second mark named a"),
        (annotation(mark("a", True)), ONE, "annotations[0].result[0].value.rating: is True, not a number"),
        (annotation(mark("a", 9)), ONE, "annotations[0].result[0].value.rating: is 9, which is off the scale from 1 to 5"),
        (annotation(mark("a", 3, kind="number")), ONE, "data.lowest: and highest are missing: a number has no scale without them"),
        (annotation(mark("a", 3)), {**ONE, "lowest": 5, "highest": 1}, "data.lowest: is not below highest"),
        (annotation(region("left"), juryroom=[]), PAIR, "annotations[0].juryroom: is not an object"),
        (annotation(region("left"), juryroom={"swapped": 1}), PAIR, "annotations[0].juryroom.swapped: is not true or false"),
        (annotation(region("left"), juryroom={"trial": -1}), PAIR, "annotations[0].juryroom.trial: is -1, not a whole number from 0 to 32767"),
        (annotation(region("left"), created_at="soon"), PAIR, "annotations[0].created_at: is not a date and time"),
        (annotation(region("left")), {**PAIR, "sample_a": "x"}, "data.sample_a: is 'x', not a whole number from 0 to 32767"),
        (annotation(region("left")), {**PAIR, "question_turns": "x"}, "data.question_turns: is not a list of texts"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_vote_is_refused_with_its_field(tmp_path, said, data, problem):
    file = export(tmp_path, said, data=data)
    assert f"{file}:1 (item 1): {problem}" in refusal("label_studio", file)


def test_a_vote_on_swapped_sides_is_towards_what_that_person_saw_first(tmp_path):
    load("label_studio", export(tmp_path, annotation(region("left"), juryroom={"swapped": True}), data=PAIR))
    preference = Preference.objects.select_related("battle__first__model").get()
    assert towards("ash") == [(1, False)]
    assert preference.swapped == (preference.battle.first.model.name == "ash")


def test_json_min_has_a_row_for_each_annotation(tmp_path):
    rows = [
        {**PAIR, "id": 1, "preference": [{"selected": "left"}], "annotator": 3, "annotation_id": 1, "lead_time": 2.5},
        {
            **PAIR,
            "id": 1,
            "verdict": "both bad",
            "reasons": {"choices": ["style", "unsafe"]},
            "annotator": "al@example.org",
        },
        {**PAIR, "id": 2, "answer_a": "Same", "verdict": "B much better", "note": "long", "annotator": 3},
    ]
    counts = loaded_twice("label_studio", minimal(tmp_path, *rows))
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (2, 4, 3)
    assert towards("ash") == [(1, False), (0, True), (-2, False)]
    judges = Preference.objects.order_by("pk").values_list("judge__name", "seconds")
    assert list(judges) == [("annotator 3", 2.5), ("annotator al@example.org", None), ("annotator 3", None)]


def test_json_min_has_grades_too(tmp_path):
    load("label_studio", minimal(tmp_path, {**ONE, "id": 1, "stars": [{"rating": 2}], "annotator": 3}))
    assert Grade.objects.get().score == 2


def test_a_row_of_json_min_without_an_annotator_is_a_task(tmp_path):
    counts = load("label_studio", minimal(tmp_path, {**PAIR, "id": 1}))["counts"]
    assert counts["new answers"] == 2
    assert not Preference.objects.exists()


def test_a_row_of_json_min_that_decides_nothing_is_refused(tmp_path):
    file = minimal(tmp_path, {**PAIR, "id": 1, "annotator": 3})
    assert f"{file}:1 (item 1): has neither a side selected nor a choice that says tie" in refusal("label_studio", file)


@pytest.mark.parametrize("selected", [["left"], {"side": "left"}, 10**400, True])
def test_a_side_of_any_kind_is_a_problem_and_never_a_crash(tmp_path, selected):
    (told, *_more) = refusal("label_studio", export(tmp_path, annotation(region(selected))))
    assert "annotations[0].result[0].value.selected: is " in told


def test_huge_marks_and_ends_of_a_scale_are_problems(tmp_path):
    mark = {"from_name": "score", "type": "number", "value": {"number": 10**400}}
    data = {"prompt": "Name a tree.", "answer": "Ash.", "model": "ash", "lowest": 0, "highest": 10}
    assert any(
        "value.number: is 1000" in told
        for told in refusal("label_studio", export(tmp_path, annotation(mark), data=data))
    )
    mark = {**mark, "value": {"number": 3}}
    vast = {**mark, "value": {"number": 3e9}}
    told = refusal("label_studio", export(tmp_path, annotation(vast), data={**data, "highest": 10**12}))
    assert any("marks are not larger than 1e+09" in line for line in told)
    data = {**data, "highest": 10**400}
    assert refusal("label_studio", export(tmp_path, annotation(mark), data=data))


def test_predictions_are_left_out_counted_and_told(tmp_path):
    task = {
        "id": 5,
        "data": DATA,
        "annotations": [annotation(region("left"))],
        "predictions": [{"result": [region("right")]}],
    }
    told = load("label_studio", write(tmp_path / "export.json", json.dumps([task])))
    assert (told["counts"]["predictions left out"], told["counts"]["new votes"]) == (1, 1)
    assert any("predictions are left out" in note for note in told["notes"])


def test_annotators_of_two_projects_are_two_people(tmp_path):
    for project in (1, 2):
        task = {"id": 5, "project": project, "data": DATA, "annotations": [annotation(region("left"))]}
        load("label_studio", write(tmp_path / f"{project}" / "export.json", json.dumps([task])))
    assert set(Preference.objects.values_list("judge__name", flat=True)) == {
        "annotator 3 of project 1",
        "annotator 3 of project 2",
    }
