"""A rubric as a form: its data as fields with their problems, and back from what was posted to the same data.

A field of the form is spelled as `judging.judges.rubrics.problems` spells it: `dimensions[1].levels[0].mark`. Variants are rows as
well, with their category in a field: `variants[0].dimensions[1].key`. So a problem finds its field by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from arena.models import storable
from judging.judges.rubrics import WAYS_OF_MARKING, problems
from judging.rubric_fields import (
    FLAG,
    INSTRUCTIONS,
    LISTS,
    NUMBER,
    POINT_LISTS,
    POINTS,
    TEMPLATE,
    TOP,
    USUAL_FORM,
    Box,
    Listed,
)
from judging.rubric_words import in_words

LONGEST_TITLE = 200
STEP = re.compile(r"\[(\d{1,4})\]|([A-Za-z_]\w*)")
NAME = re.compile(r"[A-Za-z_]\w*(\[\d{1,4}\]|\.[A-Za-z_]\w*)*")
OWN = "own"
USUAL_SCALE = {"lowest": 1.0, "highest": 10.0}
State = dict[str, Any]
Errors = Mapping[str, Sequence[str]]


@dataclass
class Draft:
    """A rubric being edited. `state` is its data, but for `variants`: rows of {category, is_open, …what the variant says}.

    `at` names the field or row that was worked on last: there the reader goes on.
    """

    state: State
    at: str = ""
    found: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Draft:
        """The draft that such data are; a rubric of few variants shows them all."""
        said = {name: value for name, value in data.items() if name != "variants"}
        variants = data.get("variants") or {}
        rows = [{**_spelled(row), "category": key, "is_open": len(variants) < 2} for key, row in variants.items()]
        return cls({**USUAL_SCALE, **_spelled(said), "variants": rows})

    @classmethod
    def read(cls, post: Mapping[str, str]) -> Draft:
        """The draft that was posted; rows stay where they are, empty ones too."""
        tree = _tree(post)
        state = _boxes(tree, TOP) | _said(tree)
        state["variants"] = [_variant(row) for row in _rows(tree, "variants")]
        return cls(state)

    def data(self) -> dict[str, Any]:
        """The rubric's data: without rows that nobody filled in, and of two variants of one category the later."""
        said = {name: value for name, value in self.tidy().state.items() if name != "variants"}
        rows = self.tidy().state["variants"]
        variants = {row["category"]: _without(row, "category", "is_open") for row in rows}
        return {**said, "variants": variants} if variants else said

    def tidy(self) -> Draft:
        """The same without the rows that nobody filled in."""
        state = _filled(self.state)
        state["variants"] = [_filled(row) for row in self.state["variants"] if row.get("category") or _says(row)]
        return Draft(state, self.at, self.found)

    def checked(self) -> Draft:
        """The same, tidy, with all that is wrong with it in `found`; variants with a problem are open."""
        tidy = self.tidy()
        tidy.found = [(name, in_words(message)) for name, message in _own_problems(tidy.state)]
        tidy.found += [(tidy._in_form(name), in_words(message)) for name, message in problems(tidy.data())]
        for place, row in enumerate(tidy.state["variants"]):
            row["is_open"] |= any(name.startswith(f"variants[{place}]") for name, _message in tidy.found)
        return tidy

    @property
    def errors(self) -> dict[str, list[str]]:
        """What is wrong, by the name of the field."""
        told: dict[str, list[str]] = {}
        for name, message in self.found:
            told.setdefault(name, []).append(message)
        return told

    def _in_form(self, name: str) -> str:
        """The form's name of a field of the data: `variants.math.points` is `variants[0].points`."""
        for place, row in sorted(enumerate(self.state["variants"]), key=lambda one: -len(one[1]["category"])):
            own = f"variants.{row['category']}"
            if name == own or name.startswith(f"{own}."):
                return f"variants[{place}]{name.removeprefix(own)}"
        return name

    def acted(self, act: str) -> Draft:
        """The draft after a button: `add:`, `remove:`, `up:`, `down:`, `open:` or `close:` and the name of a list or a row.

        What names nothing that is there changes nothing.
        """
        verb, _colon, name = act.partition(":")
        draft = Draft(deepcopy(self.state), name)
        if NAME.fullmatch(name):
            if verb == "add":
                draft._add(name)
            elif verb in ("remove", "up", "down"):
                draft._shift(verb, name)
            elif verb in ("open", "close") and isinstance(row := _at(draft.state, _steps(name)), dict):
                row["is_open"] = verb == "open"
        return draft

    def _add(self, name: str) -> None:
        *before, last = _steps(name)
        holder = _at(self.state, before)
        if last not in LISTS or (holder is None and before[-1:] not in (["points"], ["template"])):
            return
        if (
            holder is None
        ):  # the first deduction of a rubric that has no points yet, the first case of one without a prompt
            holder = _at(self.state, before[:-1]).setdefault(before[-1], {})
        rows = holder.setdefault(last, [])
        rows.append(deepcopy(LISTS[last].blank))
        self.at = f"{name}[{len(rows) - 1}]"

    def _shift(self, verb: str, name: str) -> None:
        *before, place = _steps(name)
        rows = _at(self.state, before)
        if not isinstance(rows, list) or not isinstance(place, int) or place >= len(rows):
            return
        row = rows.pop(place)
        where = max(0, place - 1) if verb == "up" else place + 1
        if verb != "remove":
            rows.insert(where, row)
        stem = name[: name.rindex("[")]
        self.at = f"{stem}[{min(where, len(rows) - 1)}]" if rows and verb != "remove" else stem


def _spelled(said: Mapping[str, Any]) -> State:
    """A copy in which each dimension says its weight, as the form does."""
    copy = deepcopy(dict(said))
    if isinstance(copy.get("dimensions"), list):
        copy["dimensions"] = [{"weight": 1, **row} for row in copy["dimensions"]]
    return copy


def _steps(name: str) -> list[str | int]:
    return [int(number) if number else word for number, word in STEP.findall(name)]


def _at(state: Any, steps: Sequence[str | int]) -> Any:
    """What stands there; None where nothing does."""
    for step in steps:
        if isinstance(state, dict) and isinstance(step, str):
            state = state.get(step)
        elif isinstance(state, list) and isinstance(step, int) and step < len(state):
            state = state[step]
        else:
            return None
    return state


def _tree(post: Mapping[str, str]) -> State:
    """The fields of a form as nested mappings, by names and by the numbers of rows."""
    tree: State = {}
    for name in post:
        if not NAME.fullmatch(name):
            continue
        here, steps = tree, _steps(name)
        for step in steps[:-1]:
            inner = here.setdefault(step, {})
            if not isinstance(inner, dict):
                break
            here = inner
        else:
            here.setdefault(steps[-1], storable(post[name]).replace("\r\n", "\n"))
    return tree


def _section(tree: State, name: str) -> State:
    inner = tree.get(name)
    return inner if isinstance(inner, dict) else {}


def _rows(tree: State, name: str) -> list[State]:
    """The rows of a list, in the order of their numbers."""
    rows = _section(tree, name)
    return [
        rows[number] for number in sorted(key for key in rows if isinstance(key, int)) if isinstance(rows[number], dict)
    ]


def _boxes(tree: State, boxes: Sequence[Box]) -> State:
    """What these fields say; an empty text is not said, and a number that must be there is None."""
    said: State = {}
    for box in boxes:
        value = _value(tree, box)
        if value != box.usual or (value is None and box.is_needed):
            said[box.key] = value
    return said


def _value(tree: State, box: Box) -> Any:
    text = tree.get(box.key, "")
    text = text if isinstance(text, str) else ""
    if box.kind == FLAG:
        return bool(text)
    return _number(text.strip()) if box.kind == NUMBER else text


def _number(text: str) -> float | str | None:
    """The number that a text is; None for an empty one, and the text itself where it is no number."""
    if not text:
        return None
    for kind in (int, float):
        try:
            return kind(text) if "_" not in text else text
        except ValueError:
            continue
    return text


def _listed(tree: State, of: Listed) -> list[State]:
    found = []
    for row in _rows(tree, of.key):
        said = _boxes(row, of.boxes)
        for inner in of.lists:
            if rows := _listed(row, inner):
                said[inner.key] = rows
        found.append(said)
    return found


def _said(tree: State) -> State:
    """What a rubric and a variant both say: dimensions, points, a template; in their usual order."""
    said = _boxes(tree, INSTRUCTIONS)
    if rows := _listed(tree, LISTS["dimensions"]):
        said["dimensions"] = rows
    counted = _section(tree, "points")
    points = _boxes(counted, POINTS)
    points |= {of.key: rows for of in POINT_LISTS if (rows := _listed(counted, of))}
    if any(value is not None for value in points.values()):
        said["points"] = points
    if template := _template(_section(tree, "template")):
        said["template"] = template
    return said


def _template(tree: State) -> State:
    """The one prompt, or that of each case; where both are posted both stand, which is a problem to be told."""
    template = _boxes(tree, TEMPLATE)
    cases = _listed(tree, LISTS["cases"])
    one = {"form": USUAL_FORM, **template} if set(template) - {"form"} else {}
    return {**one, "cases": cases} if cases else one


def _variant(row: State) -> State:
    """A variant as it was posted: closed ones bring their data along in one field."""
    category = row.get("category", "")
    base = {"category": category.strip() if isinstance(category, str) else "", "is_open": "said" not in row}
    if "said" in row:
        return {**_kept(row["said"]), **base}
    said = _said(row)
    if row.get("marks") == OWN and not any(name in said for name in WAYS_OF_MARKING):
        said["dimensions"] = []
    if row.get("asks") == OWN and "template" not in said:
        said["template"] = {}
    return {**said, **base}


def _kept(text: Any) -> State:
    """What a closed variant said; nothing where it cannot be read, which only a form of somebody's own making is."""
    try:
        said = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _without(row: State, *names: str) -> State:
    return {name: value for name, value in row.items() if name not in names}


def _says(row: State) -> bool:
    return bool(_without(_filled(row), "category", "is_open"))


def _filled(said: State) -> State:
    """The same, where no list has a row that nobody filled in; a list that is left with none is not said, if it had some."""
    kept: State = {}
    for name, value in said.items():
        if name == "points" and isinstance(value, dict):
            if any(part not in (None, [], "") for part in _filled(value).values()):
                kept[name] = _filled(value)
        elif name == "template" and isinstance(value, dict) and "cases" in value:
            if filled := _filled(value):
                kept[name] = filled
        elif name in LISTS and name != "variants" and isinstance(value, list):
            rows = [_filled(row) if isinstance(row, dict) else row for row in value if not _is_blank(row, LISTS[name])]
            if rows or not value:
                kept[name] = rows
        else:
            kept[name] = value
    return kept


def _is_blank(row: Any, of: Listed) -> bool:
    if not isinstance(row, dict):
        return False
    said = {name: value for name, value in _filled(row).items() if value not in (None, "")}
    return all(of.blank.get(name) == value for name, value in said.items())


def _own_problems(state: State) -> list[tuple[str, str]]:
    """What the data cannot show any more: two variants of one category, one of none, a title too long for its column."""
    found, seen = [], set()
    for name in ("title_en", "title_zh"):
        if isinstance(text := state.get(name), str) and len(text) > LONGEST_TITLE:
            found.append((name, f"is {len(text)} characters long; at most {LONGEST_TITLE} are kept"))
    for place, row in enumerate(state["variants"]):
        category = row.get("category", "")
        if not category:
            found.append((f"variants[{place}].category", "is missing"))
        elif category in seen:
            found.append((f"variants[{place}].category", f"'{category}' stands here twice"))
        seen.add(category)
    return found
