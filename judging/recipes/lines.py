"""YAML with line numbers: a section knows its file, its keys' lines, and which keys nobody asked for."""

from __future__ import annotations

import json
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from arena.loading.records import BadInput, Problem, Report
from arena.loading.rows import UNSTORABLE, texts_in
from arena.models import storable
from arena.withholding import Path as Steps
from arena.withholding import spelled

WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a section",
}


class Section:
    """A YAML mapping whose values are taken one by one; every problem names file, line and field."""

    def __init__(self, node: yaml.MappingNode, file: Path, report: Report, path: str = "") -> None:
        self.file, self.report, self.path, self.line = file, report, path, node.start_mark.line + 1
        self.nodes: dict[str, yaml.Node] = {}
        self.lines: dict[str, int] = {}
        self.taken: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            self.lines[name] = key.start_mark.line + 1
            if name in self.nodes:
                self.problem(name, "stands here twice")
            self.nodes[name] = value

    def problem(self, name: str, message: str) -> None:
        field = f"{self.path}.{name}".strip(".") if name else self.path
        self.report.problems.append(Problem(str(self.file), self.lines.get(name, self.line), field, message))

    def problem_within(self, name: str, path: Steps, message: str) -> None:
        """A problem of something inside the value of `name`, with its own line."""
        field = f"{self.path}.{name}.{spelled(path)}".strip(".")
        line = _line_within(self.nodes[name], path, self.lines[name])
        self.report.problems.append(Problem(str(self.file), line, field, message))

    def __contains__(self, name: str) -> bool:
        return name in self.nodes and not _is_null(self.nodes[name])

    def names(self) -> list[str]:
        return list(self.nodes)

    def number(
        self, name: str, kind: type, default: Any = None, *, lowest: float | None = None, highest: float | None = None
    ) -> Any:
        """The number `name`, from `lowest` to `highest`; the default and a problem where it is outside."""
        value = self.take(name, kind, default)
        if value is None or value is default:
            return value
        if isinstance(value, float) and not isfinite(value):
            self.problem(name, "is not a finite number")
        elif lowest is not None and value < lowest:
            self.problem(name, f"is below {lowest}")
        elif highest is not None and value > highest:
            self.problem(name, f"is above {highest}")
        else:
            return value
        return default

    def text(self, name: str, default: str = "", *, required: bool = False, longest: int | None = None) -> str:
        """The text `name` of at most `longest` characters; a required one may not be blank."""
        value = self.take(name, str, default, required=required)
        if required and name in self and value and not value.strip():
            self.problem(name, "is empty")
        self.check_length(name, value, longest)
        return value

    def check_length(self, name: str, text: str, longest: int | None) -> None:
        """SQLite keeps any text; PostgreSQL refuses what is longer than its column."""
        if longest is not None and len(text) > longest:
            self.problem(name, f"is {len(text)} characters long; at most {longest} are kept")

    def texts(self, name: str) -> list[str]:
        """A list of texts; [] and a problem where it holds anything else."""
        value = self.take(name, list, [])
        if all(isinstance(item, str) for item in value):
            return value
        self.problem(name, "holds something that is not text")
        return []

    def take(self, name: str, kind: type, default: Any = None, *, required: bool = False) -> Any:
        """The plain value of `name`, of this kind; the default, and perhaps a problem, where it is not."""
        self.taken.add(name)
        if name not in self:
            if required:
                self.problem(name, "is missing")
            return default
        value = self._plain(name)
        if value is None:
            return default
        if kind is str and isinstance(value, int | float | date) and not isinstance(value, bool):
            return self.nodes[name].value  # an unquoted 1.10 is a version, as it was written
        kinds = (int, float) if kind is float else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and kind is not bool):
            self.problem(name, f"is {WORDS.get(type(value), type(value).__name__)}, not {WORDS[kind]}")
            return default
        return value

    def _plain(self, name: str) -> Any:
        """The node's plain value; None and a problem for a tag that is not read, or what JSON could not keep."""
        try:
            value = plain(self.nodes[name])
            if isinstance(value, list | dict):
                json.dumps(value, allow_nan=False)
            if any(storable(text) != text for text in texts_in(value)):
                self.problem(name, UNSTORABLE)
                return None
        except yaml.constructor.ConstructorError as error:
            self.problem(name, f"cannot be read: {error.problem}")
        except (TypeError, ValueError, RecursionError):  # a date, a set, bytes, .nan; a list that holds itself
            self.problem(name, "holds something that is not plain data")
        else:
            return value
        return None

    def one_of(self, name: str, choices, default: str = "", *, required: bool = False) -> str:
        value = self.take(name, str, default, required=required)
        if name in self and value and value not in choices:
            self.problem(name, f"is {value!r}, not one of {', '.join(choices)}")
            return default
        return value

    def section(self, name: str, *, required: bool = False) -> Section | None:
        self.taken.add(name)
        if name not in self:
            if required:
                self.problem(name, "is missing")
            return None
        return self._section(name, self.nodes[name], name)

    def sections(self, name: str, *, required: bool = False) -> list[Section]:
        """The mappings of a list."""
        self.taken.add(name)
        if name not in self:
            if required:
                self.problem(name, "is missing")
            return []
        node = self.nodes[name]
        if not isinstance(node, yaml.SequenceNode):
            self.problem(name, "is not a list")
            return []
        found = [self._section(name, item, f"{name}[{place}]") for place, item in enumerate(node.value)]
        return [section for section in found if section]

    def _section(self, name: str, node: yaml.Node, path: str) -> Section | None:
        if not isinstance(node, yaml.MappingNode):
            self.problem(name, "is not a section of keys and values")
            return None
        return Section(node, self.file, self.report, f"{self.path}.{path}".strip("."))

    def paths(self, name: str) -> list[Path]:
        """Files, relative to the YAML file: one, or a list of them."""
        self.taken.add(name)
        if name not in self:
            return []
        value = self._plain(name)
        values = value if isinstance(value, list) else [value]
        if any(not isinstance(item, str) for item in values):
            self.problem(name, "is not a path or a list of paths")
            return []
        paths = [(self.file.parent / item).resolve() for item in values]
        for path in paths:
            if not path.exists():
                self.problem(name, f"there is no {path}")
        return paths

    def finish(self) -> None:
        """Every key that nobody took is a problem: nothing is silently ignored."""
        for name in self.nodes:
            if name not in self.taken:
                self.problem(
                    name, f"is not a key of {self.path or 'a recipe'}; known here: {', '.join(sorted(self.taken))}"
                )


def open_section(file: Path, report: Report) -> Section:
    """The top of a YAML file. Raises BadInput when it cannot be read at all."""
    try:
        node = yaml.compose(file.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        report.problems.append(Problem(str(file), 0, "", "there is no such file"))
    except (OSError, UnicodeDecodeError) as error:
        report.problems.append(Problem(str(file), 0, "", f"cannot be read: {error}"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        report.problems.append(Problem(str(file), line, "", f"is not YAML: {getattr(error, 'problem', error)}"))
    else:
        return section_of(node, file, report)
    raise BadInput(report)


def section_of(node: yaml.Node | None, file: Path, report: Report) -> Section:
    """The top of a YAML document. Raises BadInput when it is no mapping."""
    if isinstance(node, yaml.MappingNode):
        return Section(node, file, report)
    report.problems.append(Problem(str(file), 1, "", "is not a section of keys and values"))
    raise BadInput(report)


def plain(node: yaml.Node) -> Any:
    """A node as plain Python values; never anything but numbers, texts, lists, mappings."""
    return yaml.constructor.SafeConstructor().construct_document(node)


def _line_within(node: yaml.Node, path: Steps, line: int) -> int:
    """The line of what stands at `path` inside the node; of the last step that can be followed."""
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if str(key.value) == str(step)]
            if not found:
                break
            key, node = found[-1]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _is_null(node: yaml.Node) -> bool:
    # llmuses writes NULL, which YAML 1.1 reads as null; "None" is what its Python says for it
    return isinstance(node, yaml.ScalarNode) and (node.tag.endswith(":null") or node.value in ("None", ""))
