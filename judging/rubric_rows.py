"""The form of a rubric as it is drawn: fields and rows with their values, their problems and where the reader goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judging.judges.rubrics import WAYS_OF_MARKING
from judging.rubric_fields import (
    CASES,
    CATEGORY,
    CHOICE,
    FLAG,
    INSTRUCTIONS,
    LISTS,
    POINT_LISTS,
    POINTS,
    TEMPLATE,
    TOP,
    USUAL_FORM,
    Box,
    Listed,
)
from judging.rubric_form import Draft, State

Errors = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Drawn:
    """One field."""

    name: str
    box: Box
    value: Any
    errors: Sequence[str]
    is_first: bool = False

    @property
    def choices(self) -> list[str]:
        """What may be chosen; a value that is none of them is shown all the same, with its problem."""
        known = list(self.box.choices)
        return known if self.value in known else [*known, self.value]

    @property
    def options(self) -> list[tuple[str, Any]]:
        """The choices, each with what the reader sees of it."""
        return [(choice, self.box.words.get(choice, choice)) for choice in self.choices]

    @property
    def is_wide(self) -> bool:
        return self.box.kind == "area"


@dataclass(frozen=True)
class Row:
    """One row of a list: its fields, its own lists, its place."""

    name: str
    number: int
    title: str
    fields: list[Drawn]
    lists: list[Rows]
    errors: Sequence[str]
    is_last: bool
    is_open: bool


@dataclass(frozen=True)
class Rows:
    """A list with its rows; `is_here`: what the reader worked on last."""

    name: str
    of: Listed
    rows: list[Row]
    errors: Sequence[str]
    is_here: bool


@dataclass(frozen=True)
class Part:
    """What a rubric and a variant both say."""

    name: str
    instructions: list[Drawn]
    dimensions: Rows
    points: list[Drawn]
    points_errors: Sequence[str]
    point_lists: list[Rows]
    template: list[Drawn]
    template_errors: Sequence[str]
    cases: Rows
    has_points: bool
    has_template: bool


@dataclass(frozen=True)
class Variant:
    """One variant: open with its fields, or closed with its data in one."""

    name: str
    number: int
    category: Drawn
    is_open: bool
    is_last: bool
    said: str
    marks: bool
    asks: bool
    dimensions: int
    part: Part | None
    errors: Sequence[str]


@dataclass(frozen=True)
class Fields:
    """The whole form."""

    top: list[Drawn]
    part: Part
    variants: list[Variant]
    variants_errors: Sequence[str]
    errors: Sequence[str]


def drawn(draft: Draft) -> Fields:
    """The draft as it is drawn; nothing is asked of the database."""
    state, errors = draft.state, draft.errors
    pen = _Pen(errors, draft.at)
    return Fields(
        top=pen.boxes("", state, TOP),
        part=pen.part("", state),
        variants=[pen.variant(place, row, len(state["variants"])) for place, row in enumerate(state["variants"])],
        variants_errors=errors.get("variants", ()),
        errors=errors.get("", ()),
    )


@dataclass(frozen=True)
class _Pen:
    errors: Errors
    at: str

    def boxes(self, stem: str, said: Any, boxes: Sequence[Box]) -> list[Drawn]:
        said = said if isinstance(said, dict) else {}
        found = []
        for place, box in enumerate(boxes):
            name = f"{stem}{box.key}"
            here = place == 0 and bool(stem) and self.at == stem.rstrip(".")
            found.append(Drawn(name, box, _shown(box, said), self.errors.get(name, ()), here))
        return found

    def rows(self, stem: str, said: Any, of: Listed) -> Rows:
        name = f"{stem}{of.key}"
        held = said.get(of.key) if isinstance(said, dict) else None
        held = held if isinstance(held, list) else []
        rows = [self.row(f"{name}[{place}]", place, row, of, len(held)) for place, row in enumerate(held)]
        return Rows(name, of, rows, self.errors.get(name, ()), self.at == name)

    def row(self, name: str, place: int, said: Any, of: Listed, n: int) -> Row:
        said = said if isinstance(said, dict) else {}
        wrong = any(one == name or one.startswith(f"{name}.") for one in self.errors)
        return Row(
            name=name,
            number=place + 1,
            title=str(said.get("key") or said.get("mark") or ""),
            fields=self.boxes(f"{name}.", said, of.boxes),
            lists=[self.rows(f"{name}.", said, inner) for inner in of.lists],
            errors=self.errors.get(name, ()),
            is_last=place == n - 1,
            is_open=wrong or self.at.startswith(name) or not said.get("key"),
        )

    def part(self, stem: str, said: State) -> Part:
        points, template = said.get("points") or {}, said.get("template") or {}
        return Part(
            name=stem,
            instructions=self.boxes(stem, said, INSTRUCTIONS),
            dimensions=self.rows(stem, said, LISTS["dimensions"]),
            points=self.boxes(f"{stem}points.", points, POINTS),
            points_errors=self.errors.get(f"{stem}points", ()),
            point_lists=[self.rows(f"{stem}points.", points, of) for of in POINT_LISTS],
            template=self.boxes(f"{stem}template.", template, TEMPLATE),
            template_errors=self.errors.get(f"{stem}template", ()),
            cases=self.rows(f"{stem}template.", template, CASES),
            has_points=bool(points) or self.at.startswith(f"{stem}points"),
            has_template=bool(template) or any(name.startswith(f"{stem}template") for name in (*self.errors, self.at)),
        )

    def variant(self, place: int, row: State, n: int) -> Variant:
        name = f"variants[{place}]"
        said = {key: value for key, value in row.items() if key not in ("category", "is_open")}
        category = self.boxes(f"{name}.", row, (CATEGORY,))[0]
        return Variant(
            name=name,
            number=place + 1,
            category=category,
            is_open=bool(row.get("is_open")),
            is_last=place == n - 1,
            said=json.dumps(said, ensure_ascii=False),
            marks=any(way in said for way in WAYS_OF_MARKING),
            asks="template" in said,
            dimensions=len(said.get("dimensions") or ()),
            part=self.part(f"{name}.", said) if row.get("is_open") else None,
            errors=self.errors.get(name, ()),
        )


def _shown(box: Box, said: Mapping[str, Any]) -> Any:
    value = said.get(box.key, box.usual)
    if box.kind == FLAG:
        return bool(value)
    if box.kind == CHOICE:
        return value or ("" if "" in box.choices else USUAL_FORM)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return "" if value is None else value
