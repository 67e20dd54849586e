"""Files read row by row, and what is wrong with them: file, line and field of each problem."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import IO, Any, TypeVar

from arena.loading.said import either
from arena.loading.said import said as _
from arena.models import storable

_T = TypeVar("_T")

LARGEST_LINE = 20_000_000  # characters; a longer line is no answer
LARGEST_NUMBER = 10**15
LONGEST_SHOWN = 80  # characters of a value in a problem
UNSTORABLE = _("holds a NUL or half a character (a lone surrogate), which no database keeps")


@dataclass(frozen=True)
class Problem:
    """One thing that keeps a file from being loaded, with its place; `item` counts the objects of a JSON list, from 1."""

    file: str
    line: int
    field: str
    message: str
    item: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        place += f" (item {self.item})" if self.item else ""
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


@dataclass
class Row:
    """One line of a file, or one item of a list in it: its values, taken out one by one, each problem noted with its place."""

    file: Path
    line: int
    values: dict[str, Any]
    report: Report
    item: int = 0

    @property
    def place(self) -> str:
        """Where it is, in a few words: its line, in another file than the one at hand perhaps."""
        return f"{self.file.name}:{self.line}" + (f" (item {self.item})" if self.item else "")

    def problem(self, field_: str, message: str) -> None:
        self.report.problems.append(Problem(str(self.file), self.line, field_, message, self.item))

    def take(self, name: str, kinds: type | tuple[type, ...], *, required: bool = True, default: Any = None) -> Any:
        """The value of field `name`; None and a problem when it is missing or of another kind."""
        value = self.values.get(name)
        if value is None:
            if required:
                self.problem(name, _("is missing"))
            return default
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in _tuple(kinds)):
            self.problem(
                name,
                _(
                    "is %(kind)s, not %(known)s",
                    kind=_word(value),
                    known=either([_NAMES[kind] for kind in _tuple(kinds)]),
                ),
            )
            return default
        return value

    def text(self, name: str, *, required: bool = True) -> str:
        """A text field without blanks at its ends; a required one may not be empty."""
        value = self.take(name, str, required=required, default="")
        if required and isinstance(self.values.get(name), str) and not value.strip():
            self.problem(name, _("is empty"))
        return value.strip()

    def key(self, name: str) -> str:
        """An id: text or a whole number, never empty."""
        value = self.take(name, (str, int))
        if isinstance(value, str) and not value.strip():
            self.problem(name, _("is empty"))
        return "" if value is None else str(value).strip()

    def texts(self, name: str, *, required: bool = True) -> list[str]:
        """A list of texts; a required one may not be an empty list."""
        value = self.take(name, list, required=required, default=[])
        if any(not isinstance(item, str) for item in value):
            self.problem(name, _("holds something that is not text"))
            return []
        if required and isinstance(self.values.get(name), list) and not value:
            self.problem(name, _("is an empty list"))
        return value

    def label(self, name: str, known: Mapping[str, _T]) -> _T | None:
        """What the label in field `name` stands for; None and a problem for one that is not among the `known`."""
        label = self.take(name, str)
        if label is not None and label not in known:
            self.problem(name, _("is %(value)s, not one of %(known)s", value=short(label), known=", ".join(known)))
        return known.get(label) if label is not None else None

    def number(self, name: str, *, required: bool = False) -> float | None:
        """A number, or None where it is missing; a problem where it is larger than any that is meant."""
        value = self.take(name, (int, float), required=required)
        if value is not None and abs(value) > LARGEST_NUMBER:
            self.problem(name, _("is %(value)s, which is too large", value=short(value)))
            return None
        return value

    def extra(self, **names: str) -> dict[str, Any]:
        """Numbers that a verdict may have, from these fields of the row; those that are missing are left out."""
        found = {ours: self.number(theirs) for ours, theirs in names.items()}
        return {ours: value for ours, value in found.items() if value is not None}

    def asked(self, name: str) -> list[str]:
        """The turns of a question: a list of texts, none of them blank."""
        turns = self.texts(name)
        if any(not turn.strip() for turn in turns):
            self.problem(name, _("holds an empty text"))
        return turns


_NAMES = {
    str: _("text"),
    int: _("a whole number"),
    float: _("a number"),
    list: _("a list"),
    dict: _("an object"),
    bool: _("true or false"),
    type(None): "null",
}


def _tuple(kinds: type | tuple[type, ...]) -> tuple[type, ...]:
    return kinds if isinstance(kinds, tuple) else (kinds,)


def _word(value: Any) -> str:
    return _NAMES.get(type(value), type(value).__name__)


def rows_of(path: Path, report: Report) -> Iterator[Row]:
    """The JSON objects of a JSONL file, line by line; whatever is not one is a problem with its line."""
    for number, line in lines_of(path, report):
        if line.strip() in ("[", "[{"):  # how a list begins that goes over many lines
            message = _("is a list over many lines, and one object a line is read here; is it of another format?")
            report.problems.append(Problem(str(path), number, "", message))
            return
        row = _row(path, number, line, report) if line.strip() else None
        if row is not None:
            yield row


UNREADABLE = (OSError, EOFError, zlib.error)
"""What opening or unpacking a file may raise."""


def ending_of(path: Path) -> str:
    """The ending of a file's name, of a packed file that of what is in it."""
    return Path(path.name.removesuffix(".gz")).suffix


def opened(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked where its name ends in .gz. Reading may raise any of UNREADABLE."""
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def why_unreadable(error: Exception) -> str:
    """One of UNREADABLE in a few words."""
    return getattr(error, "strerror", None) or str(error)


KNOWN_BEGINNINGS = (
    (b"PK\x03\x04", _("is a zip archive or a spreadsheet, not text; save it as CSV (UTF-8) or as JSON lines")),
    (b"\xd0\xcf\x11\xe0", _("is an old spreadsheet or document, not text; save it as CSV (UTF-8)")),
    (b"%PDF", _("is a PDF, not text")),
    (b"PAR1", _("is a Parquet file; save it as JSON lines")),
    (b"\x1f\x8b", _("is packed with gzip, and its name does not end in .gz")),
    (b"\xff\xfe", _("is UTF-16; save it as UTF-8")),
    (b"\xfe\xff", _("is UTF-16; save it as UTF-8")),
)
"""How files begin that are no text, and what they are."""


def why_no_text(head: bytes) -> str:
    """What a file that begins so is, where that is known to be no text; "" elsewhere."""
    return next((reason for beginning, reason in KNOWN_BEGINNINGS if head.startswith(beginning)), "")


def lines_of(path: Path, report: Report) -> Iterator[tuple[int, str]]:
    """The numbered lines of a text file; ends with a problem where it cannot be read on, or has none."""
    number = 0
    try:
        with opened(path) as file:
            for number, raw in enumerate(file, start=1):
                if number == 1 and (reason := why_no_text(raw)):
                    report.problems.append(Problem(str(path), 0, "", reason))
                    return
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except FileNotFoundError:
        report.problems.append(Problem(str(path), 0, "", _("there is no such file")))
    except UnicodeDecodeError as error:
        message = _(
            "is not UTF-8 text (%(reason)s at byte %(byte)s of the line); save it as UTF-8",
            reason=error.reason,
            byte=error.start + 1,
        )
        report.problems.append(Problem(str(path), number, "", message))
    except UNREADABLE as error:
        report.problems.append(Problem(str(path), 0, "", _("cannot be read: %(reason)s", reason=why_unreadable(error))))
    else:
        if not number:
            report.problems.append(Problem(str(path), 0, "", _("is empty")))


def text_of(path: Path, report: Report) -> str | None:
    """The whole text of a file; None and a problem where it cannot be read."""
    before = len(report.problems)
    text = "\n".join(line for _number, line in lines_of(path, report))
    return text if len(report.problems) == before else None


def _row(path: Path, number: int, line: str, report: Report) -> Row | None:
    if len(line) > LARGEST_LINE:
        report.problems.append(Problem(str(path), number, "", _("the line is longer than 20 million characters")))
        return None
    try:
        values = json.loads(line, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        report.problems.append(Problem(str(path), number, "", _("is not JSON: %(reason)s", reason=_reason(error))))
        return None
    return row_of(values, line, Row(path, number, {}, report))


def row_of(values: Any, source: str, row: Row) -> Row | None:
    """The row with these values, read from the text `source`; None and a problem when they are no object."""
    if not isinstance(values, dict):
        row.problem("", _("is %(kind)s, not an object", kind=_word(values)))
        return None
    row.values = values
    if "\\u0000" in source or "\\ud" in source.lower():
        for name, value in values.items():
            if any(storable(text) != text for text in texts_in({name: value})):
                row.problem(name, UNSTORABLE)
    row.report.counts["rows read"] += 1
    return row


def object_of(path: Path, report: Report) -> Row | None:
    """The one JSON object that a file is; None and a problem where it is none."""
    text = text_of(path, report)
    if text is None:
        return None
    row = Row(path, 1, {}, report)
    try:
        values = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        row.line = getattr(error, "lineno", 1)
        row.problem("", _("is not JSON: %(reason)s", reason=_reason(error)))
        return None
    return row_of(values, text, row)


def objects_of(path: Path, report: Report) -> Iterator[Row]:
    """The objects of a file that is one JSON list, or JSON lines; as `rows_of`."""
    try:
        with opened(path) as file:
            is_list = file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
    except UNREADABLE:
        is_list = False  # lines_of says why
    yield from _items_of(path, report) if is_list else rows_of(path, report)


def _items_of(path: Path, report: Report) -> Iterator[Row]:
    """The objects of a JSON list, one by one, each with the line it starts on."""
    text = text_of(path, report)
    if text is None:
        return
    place, line, counted, item = text.find("[") + 1, 1, 0, 0
    try:
        place = _BLANKS.match(text, place).end()
        while text[place : place + 1] != "]" or item:
            line, counted, item = line + text.count("\n", counted, place), place, item + 1
            values, end = _DECODER.raw_decode(text, place)
            if row := row_of(values, text[place:end], Row(path, line, {}, report, item)):
                yield row
            place = _BLANKS.match(text, end).end()
            if text[place : place + 1] != ",":
                break
            place = _BLANKS.match(text, place + 1).end()
        if text[place:].strip() != "]":
            raise json.JSONDecodeError("Expecting ',' or the list's end", text, place)
    except (ValueError, RecursionError) as error:
        at = error.lineno if isinstance(error, json.JSONDecodeError) else line
        report.problems.append(Problem(str(path), at, "", _("is not JSON: %(reason)s", reason=_reason(error)), item))


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else _refuse(text)


_BLANKS = re.compile(r"\s*")
_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return _("%(what)s at column %(column)s", what=error.msg.removesuffix(" at"), column=error.colno)
    return _("nested too deep") if isinstance(error, RecursionError) else str(error).split(";")[0]


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


def short(value: Any) -> str:
    """A value of a file as a problem shows it: in a few characters, whatever it is."""
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def is_number(value: Any) -> bool:
    """Whether a value of a file is a number, and not larger than any that is meant."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER


def plain_text(content: Any) -> str | None:
    """What a message says: its text, or those of its parts together; None where a part is no text."""
    parts = content if isinstance(content, list) and content else [content]
    texts = [
        part.get("text") if isinstance(part, dict) and part.get("type", "text") == "text" else part for part in parts
    ]
    return "".join(texts) if all(isinstance(text, str) for text in texts) else None


def files_of(paths: list[Path], report: Report, *, endings: tuple[str, ...] = (".jsonl",)) -> list[Path]:
    """The files named, and those in the folders named whose names have one of the `endings`, in order, each once."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.name.endswith(endings) and file.is_file())
            if not inside:
                report.problems.append(Problem(str(path), 0, "", _("holds no %(known)s file", known=either(endings))))
            found += inside
        else:
            found.append(path)
    once: dict[Path, Path] = {}
    for file in found:
        if once.setdefault(file.resolve(), file) is not file:
            report.note(_("%(file)s: named more than once, and read once", file=file.name))
    return list(once.values())
