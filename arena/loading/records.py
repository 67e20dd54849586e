"""What any file says, in our words: questions, answers, votes; and what is wrong with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

UNSTATED = "unstated"
LARGEST_LINE = 20_000_000  # characters; a longer line is no answer


@dataclass(frozen=True)
class Problem:
    """One thing that keeps a file from being loaded, with its place."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


@dataclass
class Report:
    """What was found: rows counted, what is new, what was there already, notes, and every problem."""

    counts: Counter = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def as_json(self) -> dict[str, Any]:
        return {
            "counts": dict(self.counts),
            "notes": self.notes,
            "problems": [vars(problem) | {"text": str(problem)} for problem in self.problems],
        }


class BadInput(Exception):
    """Input that cannot be loaded; `report` says all that is wrong. Nothing was written."""

    def __init__(self, report: Report):
        self.report = report
        super().__init__("\n".join(map(str, report.problems)))


@dataclass(frozen=True)
class ModelRecord:
    """Who answered; version and vendor are "unstated" where a published format has no place for them."""

    name: str
    version: str = UNSTATED
    vendor: str = UNSTATED
    extra: tuple[tuple[str, Any], ...] = ()


@dataclass
class Row:
    """One line of a file: its values, taken out one by one, each problem noted with its place."""

    file: Path
    line: int
    values: dict[str, Any]
    report: Report

    def problem(self, field_: str, message: str) -> None:
        self.report.problems.append(Problem(str(self.file), self.line, field_, message))

    def take(self, name: str, kinds: type | tuple[type, ...], *, required: bool = True, default: Any = None) -> Any:
        """The value of field `name`; None and a problem when it is missing or of another kind."""
        value = self.values.get(name)
        if value is None:
            if required:
                self.problem(name, "is missing")
            return default
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in _tuple(kinds)):
            self.problem(name, f"is {_word(value)}, not {' or '.join(_NAMES[kind] for kind in _tuple(kinds))}")
            return default
        return value

    def text(self, name: str, *, required: bool = True) -> str:
        """A text field without blanks at its ends; a required one may not be empty."""
        value = self.take(name, str, required=required, default="")
        if required and isinstance(self.values.get(name), str) and not value.strip():
            self.problem(name, "is empty")
        return value.strip()

    def key(self, name: str) -> str:
        """An id: text or a whole number."""
        value = self.take(name, (str, int))
        return "" if value is None else str(value).strip()

    def texts(self, name: str, *, required: bool = True) -> list[str]:
        """A list of texts; a required one may not be empty."""
        value = self.take(name, list, required=required, default=[])
        if any(not isinstance(item, str) for item in value):
            self.problem(name, "holds something that is not text")
            return []
        if required and isinstance(self.values.get(name), list) and not value:
            self.problem(name, "is an empty list")
        return value


_NAMES = {str: "text", int: "a whole number", float: "a number", list: "a list", dict: "an object", bool: "true or false"}


def _tuple(kinds: type | tuple[type, ...]) -> tuple[type, ...]:
    return kinds if isinstance(kinds, tuple) else (kinds,)


def _word(value: Any) -> str:
    return _NAMES.get(type(value), type(value).__name__)


@dataclass(frozen=True)
class QuestionRecord:
    row: Row
    key: str
    category: str
    turns: list[str]
    language: str = "en"
    system: str = ""
    reference: list[str] = field(default_factory=list)
    checks: list[dict] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AnswerRecord:
    row: Row
    question: str
    model: ModelRecord
    turns: list[str]
    sample: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class VoteRecord:
    """A published verdict on a pair: `value` towards `first`, a model's name."""

    row: Row
    question: str
    first: str
    second: str
    value: float
    judge: str
    is_person: bool
    both_bad: bool = False


@dataclass
class Batch:
    """All that some files hold; references are texts by question, for formats that keep them apart."""

    questions: list[QuestionRecord] = field(default_factory=list)
    answers: list[AnswerRecord] = field(default_factory=list)
    votes: list[VoteRecord] = field(default_factory=list)
    references: dict[str, list[str]] = field(default_factory=dict)
    categories: list[dict] = field(default_factory=list)


def rows_of(path: Path, report: Report) -> Iterator[Row]:
    """The JSON objects of a JSONL file, line by line; whatever is not one is a problem with its line."""
    try:
        with path.open(encoding="utf-8-sig", errors="strict") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                row = _row(path, number, line, report)
                if row is not None:
                    yield row
    except FileNotFoundError:
        report.problems.append(Problem(str(path), 0, "", "there is no such file"))
    except UnicodeDecodeError as error:
        report.problems.append(Problem(str(path), 0, "", f"is not UTF-8 text ({error.reason} at byte {error.start})"))
    except OSError as error:
        report.problems.append(Problem(str(path), 0, "", f"cannot be read: {error.strerror}"))


def _row(path: Path, number: int, line: str, report: Report) -> Row | None:
    if len(line) > LARGEST_LINE:
        report.problems.append(Problem(str(path), number, "", "the line is longer than 20 million characters"))
        return None
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else "nested too deep"
        report.problems.append(Problem(str(path), number, "", f"is not JSON: {reason}"))
        return None
    if not isinstance(values, dict):
        report.problems.append(Problem(str(path), number, "", f"is {_word(values)}, not an object"))
        return None
    report.counts["rows read"] += 1
    return Row(path, number, values, report)


def files_of(paths: list[Path], report: Report, *, endings: tuple[str, ...] = (".jsonl",)) -> list[Path]:
    """The files named, and those with one of `endings` in the folders named, in order."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix in endings and file.is_file())
            if not inside:
                report.problems.append(Problem(str(path), 0, "", f"holds no {' or '.join(endings)} file"))
            found += inside
        else:
            found.append(path)
    return found
