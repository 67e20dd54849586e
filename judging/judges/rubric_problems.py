"""What is wrong with the data of a rubric: every fault with the field it is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

from judging.judges.base import CASES, Case, Template
from judging.prompts.templates import FORMS, is_known, names_in

SAID_BY_VARIANTS = frozenset({"instructions_en", "instructions_zh", "dimensions", "points", "template"})
SAID_BY_RUBRICS = SAID_BY_VARIANTS | {"title_en", "title_zh", "lowest", "highest", "variants", "only_variants"}
NAMES = frozenset({"key", "name_en", "name_zh", "description_en", "description_zh"})
DIMENSION = NAMES | {"weight", "levels", "veto"}
LEVEL = frozenset({"mark", "words_en", "words_zh"})
POINTS = frozenset({"base", "floor", "cap", "deductions", "bonuses"})
POINT_KIND = NAMES | {"points", "most", "quoted"}
TEMPLATE = frozenset({"system", "prompt", "form"})
WITH, WITHOUT = "with", "without"
SINGLE, MULTI = "single", "multi"
CASE = TEMPLATE | {"reference", "turns"}

_TEXTS = frozenset({"title", "instructions", "name", "description", "words"})


@dataclass
class Problems:
    """The problems found so far, and the scale that marks must be on."""

    found: list[tuple[str, str]] = field(default_factory=list)
    lowest: float = 1.0
    highest: float = 10.0

    def add(self, where: str, message: str) -> None:
        self.found.append((where, message))

    def section(self, where: str, data: Any, keys: frozenset[str]) -> Mapping[str, Any] | None:
        """The data where they are a section with no other keys than these, else None; texts in it are text."""
        if not isinstance(data, Mapping):
            self.add(where, "is not a section of keys and values")
            return None
        for key, value in data.items():
            if key not in keys:
                self.add(_at(where, str(key)), f"is not known; there are {', '.join(sorted(keys))}")
            elif str(key).rpartition("_")[0] in _TEXTS and not isinstance(value, str):
                self.add(_at(where, str(key)), "is not text")
        return data

    def rows(self, where: str, data: Any, keys: frozenset[str]) -> list[tuple[str, Mapping[str, Any]]]:
        """The rows of a list, each with its place; [] where it is no list."""
        if data is None:
            return []
        if not isinstance(data, Sequence) or isinstance(data, str | bytes):
            self.add(where, "is not a list")
            return []
        places = [(f"{where}[{number}]", row) for number, row in enumerate(data)]
        return [(place, row) for place, row in places if self.section(place, row, keys) is not None]

    def number(self, where: str, value: Any, *, missing: str = "is missing") -> float | None:
        """The value as a number; None and a problem where it is none. `missing` "" allows None."""
        if value is None:
            if missing:
                self.add(where, missing)
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.add(where, "is not a number")
            return None
        number = _as_float(value)
        if not isfinite(number):
            self.add(where, "is not a finite number")
            return None
        return number

    def mark(self, where: str, value: Any, *, missing: str = "is missing") -> float | None:
        """The value as a mark on the scale."""
        number = self.number(where, value, missing=missing)
        if number is not None and not self.lowest <= number <= self.highest:
            self.add(where, f"is outside the scale from {self.lowest:g} to {self.highest:g}")
            return None
        return number

    def flag(self, where: str, value: Any) -> None:
        if value is not None and not isinstance(value, bool):
            self.add(where, "is neither true nor false")


def check_rubric(data: Any, problems: Problems) -> None:
    """Note all that is wrong with a rubric."""
    found = problems.section("", data, SAID_BY_RUBRICS)
    if found is None:
        return
    _check_scale(found, problems)
    _check_said("", found, problems)
    problems.flag("only_variants", found.get("only_variants"))
    variants = found.get("variants") or {}
    if not isinstance(variants, Mapping):
        problems.add("variants", "is not a section with a rubric for each category")
        return
    if found.get("only_variants") is True and not variants:
        problems.add("only_variants", "there are no variants: nothing could be judged")
    for category, said in variants.items():
        where = f"variants.{category}"
        if not isinstance(category, str):
            problems.add(where, "is not text: put the category in quotation marks")
        elif problems.section(where, said, SAID_BY_VARIANTS) is not None:
            _check_said(where, said, problems)


def _check_scale(data: Mapping[str, Any], problems: Problems) -> None:
    lowest = problems.number("lowest", data.get("lowest", 1))
    highest = problems.number("highest", data.get("highest", 10))
    if lowest is not None and highest is not None and lowest >= highest:
        problems.add("highest", f"is not above the lowest mark, {lowest:g}")
    elif lowest is not None and highest is not None:
        problems.lowest, problems.highest = lowest, highest


def _check_said(where: str, data: Mapping[str, Any], problems: Problems) -> None:
    """What a rubric and a variant both can say."""
    _check_dimensions(_at(where, "dimensions"), data.get("dimensions"), problems)
    if data.get("points"):
        _check_points(_at(where, "points"), data["points"], problems)
        if data.get("dimensions"):
            problems.add(_at(where, "points"), "stand beside dimensions: a mark is counted by the one or by the other")
    if data.get("template"):
        _check_template(_at(where, "template"), data["template"], problems)


def _check_dimensions(where: str, data: Any, problems: Problems) -> None:
    rows = problems.rows(where, data, DIMENSION)
    _check_keys(rows, problems)
    weights = [_check_weight(_at(place, "weight"), row.get("weight", 1), problems) for place, row in rows]
    if rows and all(weight == 0 for weight in weights):
        problems.add(where, "all weights are 0")
    for place, row in rows:
        veto = problems.mark(_at(place, "veto"), row.get("veto"), missing="")
        if veto == problems.lowest:
            problems.add(_at(place, "veto"), "is the lowest mark: no mark is below it")
        _check_levels(_at(place, "levels"), row.get("levels"), problems)


def _check_weight(where: str, value: Any, problems: Problems) -> float | None:
    weight = problems.number(where, value)
    if weight is not None and weight < 0:
        problems.add(where, "is below 0")
    return weight


def _check_levels(where: str, data: Any, problems: Problems) -> None:
    seen: set[float] = set()
    for place, row in problems.rows(where, data, LEVEL):
        mark = problems.mark(_at(place, "mark"), row.get("mark"))
        if mark in seen:
            problems.add(_at(place, "mark"), f"{mark:g} stands here twice")
        elif mark is not None:
            seen.add(mark)
        if not any(_has_text(row, f"words_{language}") for language in ("en", "zh")):
            problems.add(place, "has no words: words_en, words_zh or both")


def _check_points(where: str, data: Any, problems: Problems) -> None:
    found = problems.section(where, data, POINTS)
    if found is None:
        return
    base = problems.mark(_at(where, "base"), found.get("base"))
    floor = problems.mark(_at(where, "floor"), found.get("floor"), missing="")
    cap = problems.mark(_at(where, "cap"), found.get("cap"), missing="")
    if base is not None and floor is not None and floor > base:
        problems.add(_at(where, "floor"), f"is above the base, {base:g}")
    if base is not None and cap is not None and cap < base:
        problems.add(_at(where, "cap"), f"is below the base, {base:g}")
    kinds = [
        kind
        for name in ("deductions", "bonuses")
        for kind in problems.rows(_at(where, name), found.get(name), POINT_KIND)
    ]
    if not kinds:
        problems.add(where, "has neither deductions nor bonuses")
    _check_keys(kinds, problems)
    for place, row in kinds:
        for name, missing in (("points", "is missing"), ("most", "")):
            size = problems.number(_at(place, name), row.get(name), missing=missing)
            if size is not None and size <= 0:
                problems.add(_at(place, name), "is not above 0")
        problems.flag(_at(place, "quoted"), row.get("quoted"))


def _check_keys(rows: Sequence[tuple[str, Mapping[str, Any]]], problems: Problems) -> None:
    """Keys are text, and no two are the same."""
    seen: set[str] = set()
    for place, row in rows:
        key = row.get("key")
        if not _has_text(row, "key"):
            problems.add(_at(place, "key"), "is missing" if key is None else "is not text, or empty")
        elif key in seen:
            problems.add(_at(place, "key"), f"'{key}' stands here twice")
        else:
            seen.add(str(key))


def _check_template(where: str, data: Any, problems: Problems) -> None:
    if not isinstance(data, Mapping) or "cases" not in data:
        _check_prompt(where, problems.section(where, data, TEMPLATE | {"cases"}), problems)
        return
    for name in sorted(data.keys() & TEMPLATE):
        problems.add(_at(where, name), "stands beside cases: each of them says its own")
    problems.section(where, data, TEMPLATE | {"cases"})
    _check_cases(_at(where, "cases"), data["cases"], problems)


def _check_cases(where: str, data: Any, problems: Problems) -> None:
    """Each case of questions has at most one template, and all ask for a verdict on the same."""
    rows = problems.rows(where, data, CASE)
    if not rows and isinstance(data, Sequence) and not isinstance(data, str | bytes):
        problems.add(where, "is empty")
    taken: set[Case] = set()
    kinds: set[str] = set()
    for place, row in rows:
        for name, words in (("reference", (WITH, WITHOUT)), ("turns", (SINGLE, MULTI))):
            if row.get(name) not in ("", None, *words):
                problems.add(_at(place, name), f"is not one of {', '.join(words)}")
        cases = cases_of(row)
        if taken.intersection(cases):
            problems.add(place, "is for a case that one before it is for")
        taken.update(cases)
        _check_prompt(place, row, problems)
        _check_case(place, row, cases, problems)
        kinds.update(kind for kind in (FORMS.get(str(row.get("form") or "[[A]]")),) if kind)
    if len(kinds) > 1:
        problems.add(where, "ask for verdicts on one answer and on two")


def _check_case(where: str, row: Mapping[str, Any], cases: Sequence[Case], problems: Problems) -> None:
    """A template shows nothing that one of its cases does not have: no reference, no second turn."""
    for part in ("system", "prompt"):
        text = row.get(part)
        for name in dict.fromkeys(names_in(Template(text)) if isinstance(text, str) else ()):
            number = name.rpartition("_")[2]
            lacks_turn = number.isdigit() and number != "1" and not all(case.is_multi for case in cases)
            if lacks_turn or (name.startswith("ref_answer") and not all(case.has_reference for case in cases)):
                problems.add(_at(where, part), f"{{{name}}} is not there in every case it is for")


def cases_of(row: Mapping[str, Any]) -> tuple[Case, ...]:
    """The cases that a template is for; what it does not say is all the same to it."""
    return tuple(
        case
        for case in CASES
        if row.get("reference") in ("", None, WITH if case.has_reference else WITHOUT)
        and row.get("turns") in ("", None, MULTI if case.is_multi else SINGLE)
    )


def _check_prompt(where: str, found: Mapping[str, Any] | None, problems: Problems) -> None:
    if found is None:
        return
    for name in ("system", "form"):
        if not isinstance(found.get(name, ""), str):
            problems.add(_at(where, name), "is not text")
            return
    if not _has_text(found, "prompt"):
        problems.add(_at(where, "prompt"), "is missing or empty")
        return
    template = Template(found["prompt"], found.get("system") or "", found.get("form") or "[[A]]")
    if template.form not in FORMS:
        problems.add(_at(where, "form"), f"{template.form} is not known; there are {', '.join(FORMS)}")
    for part, text in (("system", template.system), ("prompt", template.prompt)):
        for name in dict.fromkeys(name for name in names_in(Template(text)) if not is_known(name)):
            problems.add(_at(where, part), f"{{{name}}} is not known")
    names = names_in(template)
    for slot in ("answer_a", "answer_b") if FORMS.get(template.form) == "pair" else ("answer",):
        if template.form in FORMS and not any(_is_of(name, slot) for name in names):
            problems.add(_at(where, "prompt"), f"does not show {{{slot}}}")


def _as_float(value: float) -> float:
    """The number; infinity for a whole number so large that there is no other for it."""
    try:
        return float(value)
    except OverflowError:
        return inf


def _is_of(name: str, slot: str) -> bool:
    """Whether the name is that of this answer, or of one of its turns."""
    return name == slot or (name.startswith(f"{slot}_") and name.removeprefix(f"{slot}_").isdigit())


def _has_text(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name)
    return isinstance(value, str) and bool(value.strip())


def _at(where: str, name: str) -> str:
    return f"{where}.{name}".lstrip(".")
