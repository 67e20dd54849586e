"""What any file says, in our words: questions, answers, votes; and what is wrong with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from arena.models import storable

UNSTATED = "unstated"
LARGEST_LINE = 20_000_000  # characters; a longer line is no answer
UNSTORABLE = "holds a NUL or half a character (a lone surrogate), which no database keeps"


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
        """An id: text or a whole number, never empty."""
        value = self.take(name, (str, int))
        if isinstance(value, str) and not value.strip():
            self.problem(name, "is empty")
        return "" if value is None else str(value).strip()

    def texts(self, name: str, *, required: bool = True) -> list[str]:
        """A list of texts; a required one may not be an empty list."""
        value = self.take(name, list, required=required, default=[])
        if any(not isinstance(item, str) for item in value):
            self.problem(name, "holds something that is not text")
            return []
        if required and isinstance(self.values.get(name), list) and not value:
            self.problem(name, "is an empty list")
        return value

    def asked(self, name: str) -> list[str]:
        """The turns of a question: a list of texts, none of them blank."""
        turns = self.texts(name)
        if any(not turn.strip() for turn in turns):
            self.problem(name, "holds an empty text")
        return turns


_NAMES = {
    str: "text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
    bool: "true or false",
}


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
    """A published verdict on a pair: `value` in [-2, 2] towards `first`, a model's name, which was shown first.

    A failed one has `value` None and says why in `error`; `status` is then one of "parse_error", "refused", "api_error",
    "skipped". `turn` is the turn judged, 0 for the whole conversation; `trial` counts repeats of one judge. `both_ways`: the
    judge was asked in both orders, so that one order alone is half a verdict.
    """

    row: Row
    question: str
    first: str
    second: str
    value: float | None
    judge: str
    is_person: bool
    both_bad: bool = False
    status: str = "ok"
    error: str = ""
    reply: str = ""
    prompt: str = ""
    turn: int = 0
    trial: int = 0
    both_ways: bool = False
    sample_first: int = 0
    sample_second: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GradeRecord:
    """A published mark for one answer: `score` on the scale from `lowest` to `highest`; see VoteRecord for the rest."""

    row: Row
    question: str
    model: str
    score: float | None
    judge: str
    is_person: bool
    lowest: float = 1.0
    highest: float = 10.0
    scores: dict[str, float] = field(default_factory=dict)
    status: str = "ok"
    error: str = ""
    reply: str = ""
    prompt: str = ""
    turn: int = 0
    trial: int = 0
    sample: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RubricRecord:
    """A published judge prompt; `form` is the verdict it asks for, see `judging.judges.base.Template`."""

    row: Row
    name: str
    prompt: str
    system: str = ""
    form: str = "[[A]]"
    categories: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class ReferenceRecord:
    """A reference answer, for formats that keep it apart from its question."""

    row: Row
    question: str
    turns: list[str]


@dataclass
class Batch:
    """All that some files hold."""

    questions: list[QuestionRecord] = field(default_factory=list)
    answers: list[AnswerRecord] = field(default_factory=list)
    votes: list[VoteRecord] = field(default_factory=list)
    grades: list[GradeRecord] = field(default_factory=list)
    rubrics: list[RubricRecord] = field(default_factory=list)
    references: list[ReferenceRecord] = field(default_factory=list)
    categories: list[dict] = field(default_factory=list)


def rows_of(path: Path, report: Report) -> Iterator[Row]:
    """The JSON objects of a JSONL file, line by line; whatever is not one is a problem with its line."""
    for number, line in lines_of(path, report):
        row = _row(path, number, line, report) if line.strip() else None
        if row is not None:
            yield row


def lines_of(path: Path, report: Report) -> Iterator[tuple[int, str]]:
    """The numbered lines of a text file; ends with a problem where it cannot be read on, or has none."""
    number = 0
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except FileNotFoundError:
        report.problems.append(Problem(str(path), 0, "", "there is no such file"))
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 text ({error.reason} at byte {error.start + 1} of the line)"
        report.problems.append(Problem(str(path), number, "", message))
    except OSError as error:
        report.problems.append(Problem(str(path), 0, "", f"cannot be read: {error.strerror}"))
    else:
        if not number:
            report.problems.append(Problem(str(path), 0, "", "is empty"))


def _row(path: Path, number: int, line: str, report: Report) -> Row | None:
    if len(line) > LARGEST_LINE:
        report.problems.append(Problem(str(path), number, "", "the line is longer than 20 million characters"))
        return None
    try:
        values = json.loads(line, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        report.problems.append(Problem(str(path), number, "", f"is not JSON: {_reason(error)}"))
        return None
    if not isinstance(values, dict):
        report.problems.append(Problem(str(path), number, "", f"is {_word(values)}, not an object"))
        return None
    row = Row(path, number, values, report)
    if "\\u0000" in line or "\\ud" in line.lower():
        for name, value in values.items():
            if any(storable(text) != text for text in texts_in({name: value})):
                row.problem(name, UNSTORABLE)
    report.counts["rows read"] += 1
    return row


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else _refuse(text)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "nested too deep" if isinstance(error, RecursionError) else str(error).split(";")[0]


def texts_in(value: Any) -> Iterator[str]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts_in(name)
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


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


def is_other_kind(row: Row, kinds: dict[str, tuple[str, ...]]) -> bool:
    """Whether a row is of a kind that its format has and we do not load, told by its fields; then it is counted as left out."""
    for kind, names in kinds.items():
        if any(name in row.values for name in names):
            row.report.counts[f"{kind} left out"] += 1
            row.report.note(f"{row.file.name}: {kind} are left out; questions and answers are loaded")
            return True
    return False
