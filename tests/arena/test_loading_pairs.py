"""Files whose rows hold a question, two answers and a verdict: Auto-J, PandaLM, LLMBar, Label Studio."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arena.models import Answer, Question
from judging.models import Preference
from tests.arena.loading_files import load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db


def dump(file: Path, value: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return file


def towards(model: str) -> dict[str, list[float | None]]:
    """By judge, the verdicts towards this model, in the order they were written."""
    told: dict[str, list[float | None]] = {}
    for row in Preference.objects.select_related("judge", "battle__first__model").order_by("pk"):
        sign = 1 if row.battle.first.model.name == model else -1
        told.setdefault(row.judge.name, []).append(row.value and sign * row.value)
    return told


# --- Auto-J


def pair(label: int, prompt: str = "Name a tree.", scenario: str = "chitchat", **more) -> dict:
    return {"scenario": scenario, "label": label, "prompt": prompt, "response 1": "Oak.", "response 2": "Fir.", **more}


def auto_j(tmp_path: Path, outputs: list, exchanged: list, *labels: int) -> list[Path]:
    return [
        write(
            tmp_path / "testdata_pairwise.jsonl", *(pair(label, f"Name tree {n}.") for n, label in enumerate(labels))
        ),
        write(tmp_path / "pairwise_owl_output.jsonl", *({"output": output} for output in outputs)),
        write(tmp_path / "pairwise_exchange_owl_output.jsonl", *({"output": output} for output in exchanged)),
    ]


def test_auto_js_outputs_are_joined_by_line_and_the_exchanged_ones_are_of_the_other_order(tmp_path):
    counts = loaded_twice("auto_j", *auto_j(tmp_path, [0, 1, 2], [1, 1, 2], 0, 1, 2))
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (3, 6, 9)
    assert towards("response 1") == {"Auto-J annotators": [1, -1, 0], "pairwise_owl_output": [1, -1, 0, 1, 1, 0]}
    rows = Preference.objects.filter(judge__name="pairwise_owl_output").order_by("pk")
    assert [row.swapped for row in rows] == [False] * 3 + [True] * 3
    assert Preference.objects.filter(judge__kind="imported_person").count() == 3


def test_auto_j_refuses_what_cannot_be_joined_and_labels_that_mean_nothing(tmp_path):
    questions, outputs, exchanged = auto_j(tmp_path, [0, 3], [1], 0, 1)
    assert refusal("auto_j", questions, outputs, exchanged) == [
        f"{outputs}:2: output: is 3, not one of 0 (first), 1 (second), 2 (tie)",
        f"{exchanged}: has 1 outputs for 2 pairs; load it together with its test data",
    ]
    assert "load it together with its test data" in refusal("auto_j", outputs)[0]
    write(questions, pair(7))
    assert refusal("auto_j", questions) == [f"{questions}:1: label: is 7, not one of 0 (first), 1 (second), 2 (tie)"]


def test_only_what_is_asked_for_is_loaded(tmp_path):
    files = auto_j(tmp_path, [0], [1], 0)
    load("auto_j", *files, kind="questions")
    assert Question.objects.count() == 1 and not Answer.objects.exists() and not Preference.objects.exists()


def test_the_real_auto_j_files_load(shared):
    folder = shared / "data" / "auto_j"
    names = ("testdata_pairwise", "pairwise_example_output", "pairwise_exchange_example_output")
    counts = load("auto_j", *(folder / f"{name}.jsonl" for name in names))["counts"]
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (1392, 2784, 4176)


# --- PandaLM


def panda(idx: int = 1, **more) -> dict:
    row = {"idx": idx, "motivation_app": "letters", "cmp_key": "ash_birch", "instruction": "Write.", "input": "To Ann"}
    return {
        **row,
        "response1": "Dear Ann",
        "response2": "Hi",
        **dict.fromkeys(("annotator1", "annotator2"), "1"),
        "annotator3": 0,
        **more,
    }


def test_pandalms_three_people_and_its_judges_are_votes_of_their_own(tmp_path):
    tests = dump(tmp_path / "testset-v1.json", [panda(1), panda(2, annotator1="2")])
    results = dump(
        tmp_path / "gpt.json",
        [{"idx": 1, "gpt_result": "Tie", "gpt_reason": "alike"}, {"idx": 2, "gpt_result": "garbage"}],
    )
    counts = loaded_twice("pandalm", tests, results)
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (2, 4, 8)
    assert towards("ash") == {
        "PandaLM annotator1": [1, -1], "PandaLM annotator2": [1, 1], "PandaLM annotator3": [0, 0], "gpt": [0, None],
    }  # fmt: skip
    assert Question.objects.order_by("pk")[0].turns == ["Write.\n\nTo Ann"]
    assert Preference.objects.failed().get().status == "parse_error"
    assert Preference.objects.get(judge__name="gpt", status="ok").reply == "alike"


def test_pandalm_names_what_is_wrong_with_item_and_field(tmp_path):
    tests = dump(tmp_path / "t.json", [panda(1, annotator2="3"), panda(2, cmp_key="ash")])
    results = dump(tmp_path / "r.json", [{"idx": 9, "gpt_result": "1"}, {"idx": 1, "gpt_result": "left"}])
    assert [line.partition("(")[2] for line in refusal("pandalm", tests, results)] == [
        "item 1): annotator2: is '3', not one of 0 (tie), 1, 2",
        "item 2): cmp_key: does not name two models, as in one_other",
        "item 1): idx: is '9', which is not among the pairs; load it together with its test set",
        "item 2): gpt_result: is 'left', not one of 0, 1, 2, Tie, garbage",
    ]


# --- LLMBar


def bar(label: int, **more) -> dict:
    return {"input": f"Say {label}.", "output_1": "one", "output_2": "two", "label": label, **more}


def said(winner: str | None) -> dict:
    return {"completion": [f"Output ({winner})", "stop"], "winner": winner}


def test_llmbars_winners_are_told_in_the_files_own_frame_in_both_orders(tmp_path):
    folder = tmp_path / "Dataset" / "Natural"
    data = dump(folder / "dataset.json", [bar(1), bar(2)])
    results = [{"swap = False": said("1"), "swap = True": said("1")}]
    other = [{"swap = False": said("1"), "swap = True": said(None)}]
    file = dump(
        folder / "evaluators" / "Owl" / "Plain" / "result.json", [bar(1, results=results), bar(2, results=other)]
    )
    counts = loaded_twice("llmbar", data, file)
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (2, 4, 6)
    assert towards("output_1") == {"LLMBar labels": [1, -1], "Owl Plain": [1, 1, 1, None]}
    rows = Preference.objects.filter(judge__name="Owl Plain").order_by("pk")
    assert [row.swapped for row in rows] == [False, True, False, True] and rows[0].reply == "Output (1)"
    assert {question.key for question in Question.objects.all()} == {"Natural-1", "Natural-2"}


def test_llmbar_refuses_labels_and_winners_that_mean_nothing(tmp_path):
    file = dump(tmp_path / "Natural" / "dataset.json", [bar(3), bar(1, results=[{"swap = False": said("A")}])])
    assert [line.partition("(item ")[2] for line in refusal("llmbar", file)] == [
        "1): label: is 3, not 1 or 2",
        "2): results[0].swap = False.winner: is 'A', not 1, 2 or nothing",
    ]


# --- Label Studio


def task(*annotations: dict, **data) -> dict:
    return {
        "id": 5,
        "data": {"prompt": "Hello", "text1": "Hi", "text2": "Hm", **data},
        "annotations": list(annotations),
    }


def annotated(who: object, selected: str = "left", **more) -> dict:
    region = {"from_name": "pw", "to_name": "text1,text2", "type": "pairwise", "value": {"selected": selected}}
    return {"id": 9, "completed_by": who, "was_cancelled": False, "lead_time": 12.5, "result": [region], **more}


def test_label_studios_annotators_are_people_whose_cancelled_tasks_are_left_out(tmp_path):
    tie = {"from_name": "same", "type": "choices", "value": {"choices": ["Tie"]}}
    file = dump(
        tmp_path / "export.json",
        [
            task(
                annotated(3),
                annotated(4, "right"),
                annotated({"id": 7}, result=[tie]),
                annotated(8, was_cancelled=True),
            )
        ],
    )
    counts = loaded_twice("label_studio", file)
    assert (counts["new votes"], counts["cancelled annotations left out"]) == (3, 1)
    assert towards("text1") == {"annotator 3": [1], "annotator 4": [-1], "annotator 7": [0]}
    assert {row.seconds for row in Preference.objects.all()} == {12.5}


def test_label_studios_models_are_those_that_the_data_name(tmp_path):
    load("label_studio", dump(tmp_path / "e.json", [task(annotated(3), model1="Ash", model2="Birch")]))
    assert towards("Ash") == {"annotator 3": [1]}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"result": []}, "annotations[0].result: has neither a side selected nor a choice that says tie"),
        ({"completed_by": None}, "annotations[0].completed_by: does not say who it was"),
        (
            {"result": [{"type": "pairwise", "value": {"selected": "middle"}}]},
            "annotations[0].result[0].value.selected: is 'middle', not one of left, right",
        ),
    ],
)
def test_label_studio_names_what_is_wrong(tmp_path, change, problem):
    file = dump(tmp_path / "e.json", [task({**annotated(3), **change})])
    assert any(problem in line for line in refusal("label_studio", file))
