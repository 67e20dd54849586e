"""The form of a verdict: the sentence that asks for it, and the JSON schema that a reply can be bound to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from judging.judges.base import PointKind, RubricText
from judging.prompts.wording import WORDINGS

THREE, FIVE = "three", "five"
FIVE_WORDS = ("A>>B", "A>B", "A=B", "B>A", "B>>A")


def kind_of(rubric: RubricText, *, is_pair: bool, scale: str = THREE, one_token: bool = False) -> str:
    """Which form of verdict is asked for: "pair", "five", "score", "scores", "points" or one of a single token."""
    if one_token:
        return "pair_token" if is_pair else "score_token"
    if is_pair:
        return "five" if scale == FIVE else "pair"
    if rubric.points:
        return "points"
    return "scores" if rubric.dimensions else "score"


def form(kind: str, rubric: RubricText, *, language: str, schema_bound: bool = False) -> str:
    """The sentence that says how the verdict is to be written."""
    text: str = getattr(WORDINGS[language], f"{kind}_schema_form" if schema_bound else f"{kind}_form")
    return text.format_map(_facts(rubric))


def repair_form(kind: str, rubric: RubricText, *, language: str) -> str:
    """The form alone, for who has not kept to it."""
    text: str = getattr(WORDINGS[language], f"{kind}_repair")
    return text.format_map(_facts(rubric))


def schema_of(kind: str, rubric: RubricText) -> dict[str, Any]:
    """The JSON schema of a verdict of this kind.

    Marks are whole numbers on scales with at least five of them: grammars bound to a schema keep whole numbers within
    limits, but not fractions.
    """
    if kind in ("pair", "five"):
        return _object({"verdict": {"type": "string", "enum": list(FIVE_WORDS) if kind == "five" else ["A", "B", "C"]}})
    if kind == "points":
        return _object({name: _findings(kinds) for name, kinds in _lists(rubric).items()})
    whole = float(rubric.lowest).is_integer() and float(rubric.highest).is_integer()
    if whole and rubric.highest - rubric.lowest >= 4:
        mark = {"type": "integer", "minimum": int(rubric.lowest), "maximum": int(rubric.highest)}
    else:
        mark = {"type": "number", "minimum": rubric.lowest, "maximum": rubric.highest}
    return _object({dimension.key: mark for dimension in rubric.dimensions} or {"score": mark})


def _findings(kinds: tuple[PointKind, ...]) -> dict[str, Any]:
    """A list of findings, each of a kind there is."""
    text = {"type": "string"}
    one = _object({"key": {"type": "string", "enum": [kind.key for kind in kinds]}, "quote": text, "reason": text})
    return {"type": "array", "items": one}


def _lists(rubric: RubricText) -> dict[str, tuple[PointKind, ...]]:
    """The lists that a verdict in points consists of: only those that can hold anything."""
    points = rubric.points
    lists = {"deductions": points.deductions, "bonuses": points.bonuses} if points else {}
    return {name: kinds for name, kinds in lists.items() if kinds}


def _facts(rubric: RubricText) -> Mapping[str, str]:
    """What the forms have to say of the scale and the dimensions.

    No form holds a mark as an example: it would be an anchor, and a judge that only repeats the form must
    have given no verdict.
    """
    lowest, highest = f"{rubric.lowest:g}", f"{rubric.highest:g}"
    marks = (f"{json.dumps(item.key, ensure_ascii=False)}: <{lowest}-{highest}>" for item in rubric.dimensions)
    finding = '[{"key": <key>, "quote": <quote>, "reason": <reason>}, …]'
    return {
        "lowest": lowest,
        "highest": highest,
        "shape": "{" + ", ".join(marks) + "}",
        "points_shape": "{" + ", ".join(f'"{name}": {finding}' for name in _lists(rubric)) + "}",
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
