"""A rubric as YAML or JSON that people read, keep and paste; every problem of such a text with its line and field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext as _

from arena.loading.records import BadInput, Report
from arena.models import storable
from judging.judges.rubrics import problems
from judging.recipes.lines import Section, plain, section_of
from judging.rubric_words import in_words

YAML, JSON = "yaml", "json"
FORMATS = {YAML: "YAML", JSON: "JSON"}
LONGEST = 500_000  # characters
PASTED = Path("text")
ODD = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff]")  # what YAML takes for a line break, or not at all


@dataclass(frozen=True)
class Fault:
    """What is wrong in a text; line 0 where no line can be named."""

    line: int
    field: str
    message: str


@dataclass(frozen=True)
class Pasted:
    """What a text says: the rubric's name ("" where it says none) and data; or what is wrong with it."""

    name: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


class _Plain(yaml.SafeDumper):
    """Writes long texts as blocks, and everything out where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if ODD.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Plain.add_representer(str, _text)


def written(data: Mapping[str, Any], how: str = YAML, *, name: str = "") -> str:
    """The data as a text in YAML or JSON, with the rubric's name first if there is one; `read` makes the same of it."""
    said = {"name": name, **data} if name else dict(data)
    if how == JSON:
        return json.dumps(said, ensure_ascii=False, indent=2) + "\n"
    return yaml.dump(said, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=100) if said else ""


def read(text: str) -> Pasted:
    """The rubric in a text of YAML or JSON, alone or under `rubric:` as in a recipe, or all that is wrong with it."""
    text = storable(text).replace("\r\n", "\n")
    if len(text) > LONGEST:
        return _wrong(0, _("is longer than %(most)d characters") % {"most": LONGEST})
    if not text.strip():
        return _wrong(0, _("is empty"))
    if text.lstrip().startswith("{"):
        try:
            text = _shown(json.loads(text), text)
        except (ValueError, RecursionError) as error:
            return _wrong(
                getattr(error, "lineno", 0), _("is not JSON: %(why)s") % {"why": getattr(error, "msg", error)}
            )
    try:
        return _read(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or str(error)
        return _wrong(mark.line + 1 if mark else 0, _("is not YAML: %(why)s") % {"why": why})
    except BadInput:
        return _wrong(1, _("is not a section of keys and values"))
    except (RecursionError, ValueError, TypeError):
        return _wrong(0, _("cannot be read"))


def _shown(said: Any, text: str) -> str:
    """The JSON as YAML can read it: the text itself, for its lines, unless that holds what only JSON takes."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if plain(node) == said:
            return text
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        pass
    return yaml.dump(said, Dumper=_Plain, allow_unicode=True)


def _read(text: str) -> Pasted:
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
        return _wrong(0, _("holds an alias (*…), which is not read: write out what it stands for"))
    report = Report()
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    top = section_of(node, PASTED, report)
    if top.names() == ["rubric"] and isinstance(top.nodes["rubric"], yaml.MappingNode):
        node = top.nodes["rubric"]
        top = section_of(node, PASTED, report)
    data = plain(node)
    name = data.pop("name", "")
    faults = [Fault(problem.line, problem.field, problem.message) for problem in report.problems]
    if not isinstance(name, str):
        faults.append(Fault(top.lines.get("name", 0), "name", in_words("is not text")))
    faults += [Fault(_line(top, where), where, in_words(message)) for where, message in problems(data)]
    return Pasted(name if isinstance(name, str) else "", {} if faults else data, tuple(faults))


def _line(top: Section, where: str) -> int:
    """The line of a field such as `dimensions[1].key`: of as much of its path as there is."""
    first, *steps = _steps(where) or ("",)
    if first not in top.nodes:
        return top.line
    before = len(top.report.problems)
    top.problem_within(str(first), tuple(steps), "")
    line = top.report.problems[before].line
    del top.report.problems[before:]
    return line


def _steps(where: str) -> list[str | int]:
    return [int(number) if number else word for number, word in re.findall(r"\[(\d+)\]|([^.\[\]]+)", where)]


def _wrong(line: int, message: str) -> Pasted:
    return Pasted(faults=(Fault(line, "", message),))
