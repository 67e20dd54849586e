"""Label Studio's export of pairwise tasks: a list of tasks with two texts each, and what annotators selected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from arena.loading.pairs import add_pair, vote
from arena.loading.records import JUDGMENTS, UNSTATED, Batch, ModelRecord, Report, Row, is_left_out, objects_of

SIDES = {"left": 1.0, "right": -1.0}
TIES = ("tie", "equal", "same", "both", "平局", "一样", "相同")
QUESTION_FIELDS = ("prompt", "question", "instruction", "text")
TEXTS = ("text1", "text2")


def read(files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str) -> Batch:
    """Tasks with their annotations. The models are `model1` and `model2` of the task's data, else the texts' own names."""
    batch = Batch()
    for path in files:
        for row in objects_of(path, report):
            _task(row, batch, kinds, language)
    return batch


def _task(row: Row, batch: Batch, kinds: Sequence[str], language: str) -> None:
    key, data = row.key("id"), row.take("data", dict, default={})
    texts = [data.get(name) for name in TEXTS]
    for name, text in zip(TEXTS, texts, strict=True):
        if not isinstance(text, str):
            row.problem(f"data.{name}", "is missing or is not text")
    asked = next((data[name] for name in QUESTION_FIELDS if isinstance(data.get(name), str) and data[name].strip()), "")
    if not asked:
        row.problem("data", f"has no question; it is looked for in {', '.join(QUESTION_FIELDS)}")
    if not asked or not all(isinstance(text, str) for text in texts):
        return
    names = _models(data)
    answers = {name: (ModelRecord(name), text) for name, text in zip(names, texts, strict=True)}
    category = data.get("category") if isinstance(data.get("category"), str) else ""
    add_pair(batch, row, key, category or UNSTATED, asked, language=language, answers=answers)
    if is_left_out(row, JUDGMENTS, kinds):
        return
    for number, annotation in enumerate(row.take("annotations", list, default=[])):
        _annotation(row, key, names, f"annotations[{number}]", annotation, batch)


def _models(data: Mapping[str, Any]) -> tuple[str, str]:
    first, second = (data.get(name) for name in ("model1", "model2"))
    if isinstance(first, str) and isinstance(second, str) and first.strip() and second.strip() and first != second:
        return first.strip(), second.strip()
    return TEXTS


def _annotation(row: Row, key: str, names: tuple[str, str], place: str, said: Any, batch: Batch) -> None:
    """One person's verdict: the side selected, or a choice that says tie. Cancelled ones are left out and counted."""
    if not isinstance(said, dict):
        row.problem(place, "is not an object")
        return
    if said.get("was_cancelled"):
        row.report.counts["cancelled annotations left out"] += 1
        return
    value, where = _selected(row, place, said.get("result"))
    who, seconds = said.get("completed_by"), said.get("lead_time")
    if isinstance(who, dict):
        who = who.get("id")
    if isinstance(who, bool) or not isinstance(who, int | str) or who == "":
        row.problem(f"{place}.completed_by", "does not say who it was")
    elif value is not None:
        took = float(seconds) if isinstance(seconds, int | float) and not isinstance(seconds, bool) else None
        batch.votes.append(
            vote(row, key, names, value, f"annotator {who}", told_in=where, is_person=True, seconds=took)
        )


def _selected(row: Row, place: str, result: Any) -> tuple[float | None, str]:
    """The verdict in a list of regions, and its field; None and a problem where there is none, or not one alone."""
    found: list[tuple[float, str]] = []
    for number, region in enumerate(result if isinstance(result, list) else []):
        value = region.get("value") if isinstance(region, dict) else None
        where = f"{place}.result[{number}].value"
        if not isinstance(value, dict):
            continue
        if region.get("type") == "pairwise":
            side = value.get("selected")
            if side not in SIDES:
                row.problem(f"{where}.selected", f"is {side!r}, not one of {', '.join(SIDES)}")
                return None, where
            found.append((SIDES[side], f"{where}.selected"))
        elif region.get("type") == "choices" and _says_tie(value.get("choices")):
            found.append((0.0, f"{where}.choices"))
    if len({value for value, _where in found}) != 1:
        told = "says two things at once" if found else "has neither a side selected nor a choice that says tie"
        row.problem(f"{place}.result", told)
        return None, place
    return found[0]


def _says_tie(choices: Any) -> bool:
    return isinstance(choices, list) and any(
        isinstance(choice, str) and choice.strip().casefold() in TIES for choice in choices
    )
