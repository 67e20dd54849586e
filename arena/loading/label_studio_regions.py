"""What an annotator said in Label Studio: a list of regions, each with a name, a type and a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from arena.loading.records import Row
from arena.loading.rows import is_number, short
from arena.loading.said import said as _

SIDES = {"left": 1.0, "right": -1.0}
TIES = ("tie", "equal", "same", "both", "平局", "一样", "相同")
BAD = ("both bad", "both are bad", "neither", "都不好", "都差")
WORDS: dict[str, tuple[float, bool]] = {
    "a much better": (2.0, False),
    "a better": (1.0, False),
    "a is better": (1.0, False),
    "b better": (-1.0, False),
    "b is better": (-1.0, False),
    "b much better": (-2.0, False),
    **dict.fromkeys(TIES, (0.0, False)),
    **dict.fromkeys(BAD, (0.0, True)),
}
"""Choices that decide: the value towards the left answer, and whether both are bad."""

REASONS, NOTE, TOTAL = "reasons", "note", "score"
DIMENSION, MARK = "dimension-", "mark-"
KINDS = {"selected": "pairwise", "choices": "choices", "rating": "rating", "number": "number", "text": "textarea"}
"""The type of a region, by the field that its value has."""

OF_THE_TASK = re.compile(
    r"(?:id|annotator|annotation_id|created_at|updated_at|lead_time|category|language|system|lowest|highest"
    r"|(?:prompt|question|instruction|text|answer|response|output|model|version|vendor|sample).*)"
)
"""Names in a row of JSON-MIN that are fields of the task and never an annotator's words."""


@dataclass(frozen=True)
class Said:
    """Who it was ("" and a problem where that is not told), and what else is told besides the verdict."""

    who: str
    extra: dict[str, Any]


@dataclass(frozen=True)
class PairVerdict:
    """`value` towards the left answer, told in the field `told_in`."""

    value: float
    both_bad: bool
    told_in: str


@dataclass(frozen=True)
class Marks:
    """The mark for an answer, those on its dimensions, and whether all of them are stars."""

    score: float
    told_in: str
    is_stars: bool
    scores: dict[str, float] = field(default_factory=dict)


def said_by(row: Row, place: str, said: Mapping[str, Any]) -> Said:
    """Who made an annotation, when, in how many seconds, with which reasons and note.

    Numbers of people are those of one project, where it is named: another project's number 3 may be somebody else.
    """
    dot = f"{place}." if place else ""
    who = said.get("completed_by")
    if isinstance(who, dict):
        who = who.get("id") or who.get("email")
    if isinstance(who, bool) or not isinstance(who, int | str) or who == "":
        row.problem(f"{dot}completed_by" if place else "annotator", _("does not say who it was"))
        who = None
    extra: dict[str, Any] = {}
    if is_number(seconds := said.get("lead_time")):
        extra["seconds"] = float(seconds)
    if isinstance(moment := said.get("created_at"), str):
        try:
            extra["tstamp"] = datetime.fromisoformat(moment).timestamp()
        except ValueError:
            row.problem(f"{dot}created_at", _("is not a date and time"))
    project = said.get("project", row.values.get("project"))
    of = f" of project {project}" if isinstance(who, int) and isinstance(project, int) else ""
    return Said("" if who is None else f"annotator {who}{of}", extra | _besides(said.get("result")))


def _besides(result: Any) -> dict[str, Any]:
    """Reasons, note and choices on dimensions, kept as they are."""
    told: dict[str, Any] = {}
    for name, kind, value, _where in _regions("", result):
        if name == REASONS and kind == "choices":
            told["reasons"] = value.get("choices")
        elif name == NOTE and kind == "textarea":
            told["note"] = value.get("text")
        elif name.startswith(DIMENSION) and kind == "choices":
            told.setdefault("dimensions", {})[name.removeprefix(DIMENSION)] = value.get("choices")
    return told


def _regions(place: str, result: Any) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Name, type, value and place of each region that has a value."""
    for number, region in enumerate(result if isinstance(result, list) else []):
        value = region.get("value") if isinstance(region, dict) else None
        if isinstance(value, dict):
            dot = f"{place}." if place else ""
            name = region.get("from_name")
            yield name if isinstance(name, str) else "", region.get("type"), value, f"{dot}result[{number}].value"


def preference_of(row: Row, place: str, result: Any) -> PairVerdict | None:
    """The verdict in a list of regions; None and a problem where there is none, or not one alone.

    A side and a choice may say the same twice; then the stronger one counts.
    """
    found: list[PairVerdict] = []
    for name, kind, value, where in _regions(place, result):
        if kind == "pairwise":
            side = value.get("selected")
            if not isinstance(side, str) or side not in SIDES:
                row.problem(
                    f"{where}.selected",
                    _("is %(value)s, not one of %(known)s", value=short(side), known=", ".join(SIDES)),
                )
                return None
            found.append(PairVerdict(SIDES[side], both_bad=False, told_in=f"{where}.selected"))
        elif kind == "choices" and name != REASONS and not name.startswith(DIMENSION):
            words = [_word(choice) for choice in _list(value.get("choices"))]
            found += [PairVerdict(*WORDS[word], told_in=f"{where}.choices") for word in words if word in WORDS]
    if len({((one.value > 0) - (one.value < 0), one.both_bad) for one in found}) != 1:
        told = _("says two things at once") if found else _("has neither a side selected nor a choice that says tie")
        row.problem(f"{place}.result" if place else "", told)
        return None
    return max(found, key=lambda one: abs(one.value))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _word(choice: Any) -> str:
    return choice.strip().casefold() if isinstance(choice, str) else ""


def grade_of(row: Row, place: str, result: Any) -> Marks | None:
    """The marks in a list of regions; None and a problem where there is no total among several, or none at all."""
    found: dict[str, tuple[float, str, bool]] = {}
    for name, kind, value, where in _regions(place, result):
        if kind not in ("rating", "number"):
            continue
        mark = value.get(kind)
        if not is_number(mark):
            row.problem(f"{where}.{kind}", _("is %(value)s, not a number", value=short(mark)))
            return None
        if name in found:
            row.problem(f"{where}.{kind}", _("is a second mark named %(name)s", name=name))
            return None
        found[name] = (float(mark), f"{where}.{kind}", kind == "rating")
    total = found.get(TOTAL) or (next(iter(found.values())) if len(found) == 1 else None)
    if total is None:
        told = (
            _("has several marks and none named %(name)s", name=TOTAL)
            if found
            else _("has neither a rating nor a number")
        )
        row.problem(f"{place}.result" if place else "", told)
        return None
    scores = {name.removeprefix(MARK): mark for name, (mark, *_more) in found.items() if name.startswith(MARK)}
    return Marks(total[0], total[1], all(is_stars for _mark, _where, is_stars in found.values()), scores)


def regions_of_min(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The regions of a row of JSON-MIN: it has them by their names, and a single choice as its word alone."""
    regions = []
    for name, value in values.items():
        if OF_THE_TASK.fullmatch(name):
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and (name == NOTE or _word(one) in WORDS or name.startswith(DIMENSION)):
                one = {"text": [one]} if name == NOTE else {"choices": [one]}
            elif isinstance(one, str) and name == REASONS:
                one = {"choices": [one]}
            kind = next((KINDS[key] for key in KINDS if key in one), None) if isinstance(one, dict) else None
            if kind:
                regions.append({"from_name": name, "type": kind, "value": one})
    return regions
