"""Rubrics as data (JSON, YAML, forms) and as values: what is wrong with such data, and the way there and back.

The data are the fields of a rubric as they are kept: `instructions_en`, `dimensions`, `points`, `template`, `variants` … An
example of each is in docs/rubrics.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from judging.judges.base import Case, Dimension, Level, PointKind, Points, RubricText, Template
from judging.judges.rubric_problems import MULTI, SINGLE, WITH, WITHOUT, Problems, cases_of, check_rubric
from judging.prompts.templates import names_in

LANGUAGES = ("en", "zh")
WAYS_OF_MARKING = ("dimensions", "points")


class BadRubric(ValueError):
    """Data that are no rubric; `problems` are pairs of field and message, never empty."""

    def __init__(self, name: str, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = list(problems)
        told = "; ".join(f"{field}: {message}" if field else message for field, message in self.problems)
        super().__init__(f"rubric {name}: {told}")


class PublishedPrompt(Protocol):
    """What a file says of a judge prompt, see `arena.loading.records.RubricRecord`."""

    @property
    def prompt(self) -> str: ...

    @property
    def system(self) -> str: ...

    @property
    def form(self) -> str: ...

    @property
    def categories(self) -> Sequence[str]: ...

    @property
    def description(self) -> str: ...


def problems(data: Any) -> list[tuple[str, str]]:
    """All that is wrong with the data of a rubric, as (field, message); [] when nothing is.

    A field is spelled as in `dimensions[1].levels[0].mark`; "" is the whole.
    """
    found = Problems()
    check_rubric(data, found)
    return found.found


def text_of(name: str, data: Mapping[str, Any]) -> RubricText:
    """The rubric that data without problems are. A variant takes from the rubric what it does not say itself."""
    rubric = RubricText(
        name=name,
        instructions=_words(data, "instructions"),
        dimensions=tuple(_dimension(row) for row in data.get("dimensions") or ()),
        lowest=float(data.get("lowest", 1.0)),
        highest=float(data.get("highest", 10.0)),
        points=_points(data.get("points")),
        only_variants=bool(data.get("only_variants", False)),
    )
    rubric = _asking(rubric, data.get("template"))
    variants = {key: _variant(rubric, key, said) for key, said in (data.get("variants") or {}).items()}
    return replace(rubric, variants=variants)


def data_of(text: RubricText) -> dict[str, Any]:
    """The data that `text_of` makes this rubric of; what is empty or usual is left out, in variants what is the rubric's."""
    data = {**_own_data(text), "lowest": text.lowest, "highest": text.highest}
    variants = {key: _variant_data(text, variant) for key, variant in text.variants.items()}
    if variants:
        data["variants"] = variants
    if text.only_variants:
        data["only_variants"] = True
    return data


def missing_variants(rubric: RubricText, categories: Iterable[str]) -> list[str]:
    """The categories, each once, that this rubric has nothing for; a run over them cannot be."""
    wanted = dict.fromkeys(categories)
    return [category for category in wanted if rubric.only_variants and category not in rubric.variants]


def missing_cases(rubric: RubricText, asked: Iterable[tuple[str, Case]]) -> list[tuple[str, Case]]:
    """Those of these categories and cases, each once, that this rubric has no template for though it has some for others."""
    wanted = dict.fromkeys(asked)
    texts = {category: rubric.variants.get(category, rubric) for category, _case in wanted}
    return [
        (category, case) for category, case in wanted if texts[category].cases and case not in texts[category].cases
    ]


EVERY_CATEGORY = ("general", "")
"""What published prompts say that stand for any category."""


def rubric_data_of_template(record: PublishedPrompt) -> dict[str, Any]:
    """The data of the rubric that a published judge prompt is.

    One for all categories holds its template itself; one for some categories has a variant for each of them, and
    judges no other.
    """
    template = {"prompt": record.prompt, "form": form_of(record.form)}
    if record.system:
        template["system"] = record.system
    data: dict[str, Any] = {"lowest": 1.0, "highest": 10.0}
    if record.description:
        data["title_en"] = record.description
    if all(category in EVERY_CATEGORY for category in record.categories):
        return {**data, "template": template}
    variants = {category: {"template": dict(template)} for category in record.categories}
    return {**data, "variants": variants, "only_variants": True}


def rubric_data_of_templates(records: Sequence[PublishedPrompt]) -> dict[str, Any] | None:
    """The data of one rubric that chooses among published prompts by what a question has, as MT-bench does; each prompt
    shows itself what it is for. None where they ask for verdicts of several forms, or two are for one case, or there is only one.
    """
    templates = [Template(record.prompt, record.system, form_of(record.form)) for record in records]
    cases = {case_shown(template): template for template in templates}
    if len({template.form for template in templates}) != 1 or not 1 < len(cases) == len(records):
        return None
    rows = [_case_data(case, template) for case, template in sorted(cases.items(), key=lambda one: one[0])]
    return {"lowest": 1.0, "highest": 10.0, "template": {"cases": rows}}


def case_shown(template: Template) -> Case:
    """The case that a published prompt is for, by the names it shows: a reference, a second turn."""
    names = names_in(template)
    numbers = [int(number) for name in names if (number := name.rpartition("_")[2]).isdigit()]
    return Case(any(name.startswith("ref_answer") for name in names), max(numbers, default=1) > 1)


def form_of(published: str) -> str:
    """The form of verdict by the name we have for it: without blanks, and "ranks" for llmuses' list of ranks."""
    bare = "".join(published.split())
    return "ranks" if "'rank'" in bare or '"rank"' in bare else bare


# From data to values


def _words(row: Mapping[str, Any], name: str) -> dict[str, str]:
    """The texts of a field by language; languages without one are left out."""
    texts = {language: row.get(f"{name}_{language}") for language in LANGUAGES}
    return {language: text for language, text in texts.items() if text}


def _names(row: Mapping[str, Any]) -> dict[str, str]:
    return {**dict.fromkeys(LANGUAGES, str(row["key"])), **_words(row, "name")}


def _dimension(row: Mapping[str, Any]) -> Dimension:
    return Dimension(
        key=row["key"],
        name=_names(row),
        weight=float(row.get("weight", 1)),
        description=_words(row, "description"),
        levels=tuple(Level(float(level["mark"]), _words(level, "words")) for level in row.get("levels") or ()),
        veto=_number(row.get("veto")),
    )


def _points(row: Mapping[str, Any] | None) -> Points | None:
    if not row:
        return None
    return Points(
        base=float(row["base"]),
        deductions=tuple(_point_kind(kind) for kind in row.get("deductions") or ()),
        bonuses=tuple(_point_kind(kind) for kind in row.get("bonuses") or ()),
        floor=_number(row.get("floor")),
        cap=_number(row.get("cap")),
    )


def _point_kind(row: Mapping[str, Any]) -> PointKind:
    return PointKind(
        key=row["key"],
        points=float(row["points"]),
        name=_names(row),
        description=_words(row, "description"),
        most=_number(row.get("most")),
        quoted=bool(row.get("quoted", True)),
    )


def _template(row: Mapping[str, Any] | None) -> Template | None:
    return Template(row["prompt"], row.get("system") or "", row.get("form") or "[[A]]") if row else None


def _asking(text: RubricText, row: Mapping[str, Any] | None) -> RubricText:
    """The rubric with this template, or with the template of each case, or with none: in place of what it had."""
    text = replace(text, template=None, cases={})
    if not row or "cases" not in row:
        return replace(text, template=_template(row))
    rows = [(cases_of(one), _template(one)) for one in row["cases"]]
    return replace(text, cases={case: replace(text, template=made) for cases, made in rows for case in cases})


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _variant(rubric: RubricText, category: str, said: Mapping[str, Any]) -> RubricText:
    """The rubric for one category. Who says how to mark, by dimensions or by points, says it in place of the rubric."""
    own: dict[str, Any] = {}
    if any(f"instructions_{language}" in said for language in LANGUAGES):
        own["instructions"] = {**rubric.instructions, **_words(said, "instructions")}
    if any(name in said for name in WAYS_OF_MARKING):
        own["dimensions"] = tuple(_dimension(row) for row in said.get("dimensions") or ())
        own["points"] = _points(said.get("points"))
    variant = replace(rubric, name=f"{rubric.name}, {category}", only_variants=False, **own)
    if "template" in said:
        return _asking(variant, said["template"])
    cases = {case: replace(variant, template=one.template, cases={}) for case, one in rubric.cases.items()}
    return replace(variant, cases=cases)


# From values to data


def _own_data(text: RubricText) -> dict[str, Any]:
    """What a rubric and a variant both can say."""
    data: dict[str, Any] = dict(_words_data("instructions", text.instructions))
    if text.dimensions:
        data["dimensions"] = [_dimension_data(dimension) for dimension in text.dimensions]
    if text.points:
        data["points"] = _points_data(text.points)
    if text.template:
        data["template"] = _template_data(text.template)
    elif text.cases:
        data["template"] = {"cases": [_case_data(case, one.template) for case, one in text.cases.items()]}
    return data


def _variant_data(rubric: RubricText, variant: RubricText) -> dict[str, Any]:
    """What the variant says otherwise than the rubric, of which both ways of marking are one thing."""
    data = _own_data(variant)
    if variant.instructions == rubric.instructions:
        data = {name: value for name, value in data.items() if not name.startswith("instructions_")}
    if (variant.dimensions, variant.points) == (rubric.dimensions, rubric.points):
        data = {name: value for name, value in data.items() if name not in WAYS_OF_MARKING}
    elif not variant.dimensions and not variant.points:
        data["dimensions"] = []
    if _templates(variant) == _templates(rubric):
        data.pop("template", None)
    elif "template" not in data:
        data["template"] = {}
    return data


def _templates(text: RubricText) -> tuple[Template | None, dict[Case, Template | None]]:
    """The template, and those of the cases."""
    return text.template, {case: one.template for case, one in text.cases.items()}


def _words_data(name: str, words: Mapping[str, str], *, unless: str = "") -> dict[str, str]:
    return {f"{name}_{language}": words[language] for language in LANGUAGES if words.get(language, unless) != unless}


def _dimension_data(item: Dimension) -> dict[str, Any]:
    data: dict[str, Any] = {"key": item.key, "weight": item.weight}
    data |= _words_data("name", item.name, unless=item.key)
    data |= _words_data("description", item.description)
    if item.levels:
        data["levels"] = [{"mark": level.mark, **_words_data("words", level.words)} for level in item.levels]
    if item.veto is not None:
        data["veto"] = item.veto
    return data


def _points_data(points: Points) -> dict[str, Any]:
    ends = {name: getattr(points, name) for name in ("floor", "cap") if getattr(points, name) is not None}
    lists = {
        name: [_point_data(kind) for kind in kinds]
        for name, kinds in (("deductions", points.deductions), ("bonuses", points.bonuses))
        if kinds
    }
    return {"base": points.base, **ends, **lists}


def _point_data(kind: PointKind) -> dict[str, Any]:
    data: dict[str, Any] = {"key": kind.key, "points": kind.points}
    data |= _words_data("name", kind.name, unless=kind.key)
    data |= _words_data("description", kind.description)
    if kind.most is not None:
        data["most"] = kind.most
    if not kind.quoted:
        data["quoted"] = False
    return data


def _template_data(template: Template) -> dict[str, Any]:
    data = {"prompt": template.prompt, "form": template.form}
    return {**data, "system": template.system} if template.system else data


def _case_data(case: Case, template: Template | None) -> dict[str, Any]:
    if template is None:
        raise ValueError(f"{case} has no template")
    told = {"reference": WITH if case.has_reference else WITHOUT, "turns": MULTI if case.is_multi else SINGLE}
    return {**told, **_template_data(template)}
