"""JSON files that hold one list of objects, parsed one object at a time."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from rating.files.problems import BadFile, quoted
from rating.files.streams import byte_stream, check_text

BLOCK = 1 << 20
ROWS = 1 << 16
FIRST = 1000  # rows that say which columns there are, and of which type
SPLIT = 16  # characters before the end of a block within which an error may come from the cut alone
BLANK = re.compile(r"[ \t\r\n]*")
NESTED = pa.struct([])

Row = tuple[str, dict[str, Any]]
"""Where an object stands in its file, in words, and the object."""


def looked_at(path: Path) -> tuple[list[str], list[str]]:
    """The names of the columns of the first rows, and of those that hold numbers. Raises BadFile."""
    return names_of(shape(objects(path)))


def batches(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows, with these columns. Raises BadFile."""
    return as_batches(path, objects(path), shape(objects(path)), names)


def shape(rows: Iterator[Row]) -> dict[str, pa.DataType]:
    """The type of each column in the first rows; float64 where some numbers are whole and some not."""
    found: dict[str, pa.DataType] = {}
    for _, row in islice(rows, FIRST):
        for name, value in row.items():
            found[name] = _common(found.get(name, pa.null()), _type(value))
    return {name: pa.string() if kind == pa.null() else kind for name, kind in found.items()}


def names_of(found: dict[str, pa.DataType]) -> tuple[list[str], list[str]]:
    """The names of all columns of a shape, and of those that hold numbers."""
    return list(found), [name for name, kind in found.items() if kind in (pa.int64(), pa.float64())]


def as_batches(
    path: Path, rows: Iterator[Row], found: dict[str, pa.DataType], names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """The rows as columns of these types. Raises BadFile where a value has another type than in the first rows."""
    while chunk := list(islice(rows, ROWS)):
        columns = [_column(path, chunk, name, found[name]) for name in names]
        yield pa.RecordBatch.from_arrays(columns, list(names))


def objects(path: Path) -> Iterator[Row]:
    """Each object of the list, as "row N". Raises BadFile for what is none."""
    for number, value in enumerate(_values(path), 1):
        if not isinstance(value, dict):
            raise BadFile(f"{path}: row {number}: is {quoted(value)}, not an object")
        yield f"row {number}", value


class Twice(ValueError):
    """A name that comes twice in one object."""


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs, for JSON's `object_pairs_hook`. Raises Twice."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise Twice(f"has {next(name for name in names if names.count(name) > 1)} twice")
    return made


def refusal(error: Exception) -> str:
    """What is wrong with a text that is JSON and still cannot be taken."""
    if isinstance(error, Twice):
        return str(error)
    return "is nested too deeply" if isinstance(error, RecursionError) else "holds a number that is too long"


def _column(path: Path, rows: list[Row], name: str, kind: pa.DataType) -> pa.Array:
    values = [row.get(name) for _, row in rows]
    if not set(map(type, values)) <= _HELD.get(kind, set()):
        for (place, _), value in zip(rows, values, strict=True):
            if not _fits(value, kind):
                raise BadFile(
                    f"{path}: {place}: {name} is {quoted(value)}, not {_NAMES.get(kind, 'a word or a number')}"
                )
    try:
        return pa.array(values, kind, from_pandas=True)
    except UnicodeEncodeError as error:
        place = next(place for (place, _), value in zip(rows, values, strict=True) if value == error.object)
        raise BadFile(f"{path}: {place}: {name} is {quoted(error.object)}, which holds half a character") from None
    except (pa.ArrowInvalid, OverflowError):
        raise BadFile(f"{path}: {rows[0][0]} or a later one: {name} holds a number that is too long") from None


_HELD: dict[pa.DataType, set[type]] = {
    pa.string(): {str, type(None)},
    pa.bool_(): {bool, type(None)},
    pa.int64(): {int, type(None)},
    pa.float64(): {int, float, type(None)},
}
_NAMES = {
    pa.string(): "a word as in the first rows",
    pa.bool_(): "true or false as in the first rows",
    pa.int64(): "a whole number as in the first rows",
    pa.float64(): "a number as in the first rows",
}


def _fits(value: Any, kind: pa.DataType) -> bool:
    if _type(value) == NESTED:
        return False
    return _type(value) in (kind, pa.null()) or (kind == pa.float64() and _type(value) == pa.int64())


def _type(value: Any) -> pa.DataType:
    if value is None or value != value:  # JSON as Python writes it may hold NaN
        return pa.null()
    return next((kind for kind, held in _HELD.items() if type(value) in held), NESTED)


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The type for values of both; that of the first where there is none."""
    if one == pa.null():
        return other
    return pa.float64() if {one, other} == {pa.int64(), pa.float64()} else one


def _values(path: Path) -> Iterator[Any]:
    """The values of the list; in memory are one block of the text and the value at hand."""
    text = _Text(path)
    if text.take() != "[":
        raise BadFile(f"{path}: is not a list of objects")
    number = 0
    mark = text.take() if text.next() == "]" else ","
    while mark == ",":
        number += 1
        yield text.value(number)
        mark = text.take()
    if mark != "]":
        raise BadFile(
            f"{path}: row {number}: is followed by {quoted(mark) if mark else 'the end of the file'}, not by , or ]"
        )
    if text.next():
        raise BadFile(f"{path}: something follows the list")


class _Text:
    """A window on a text that is read block by block; `at` is the next character in `held`."""

    def __init__(self, path: Path):
        self.path = path
        self.held, self.at = "", 0
        self.blocks = self._decoded()
        self.decoder = json.JSONDecoder(object_pairs_hook=unique)

    def next(self) -> str:
        """The next character that is not blank; "" at the end."""
        while True:
            self.at = BLANK.match(self.held, self.at).end()  # type: ignore[union-attr]  # blanks may be none
            if self.at < len(self.held):
                return self.held[self.at]
            if not self._more():
                return ""

    def take(self) -> str:
        """The same, and step over it."""
        found = self.next()
        self.at += len(found)
        return found

    def value(self, number: int) -> Any:
        """The JSON value that starts here. Raises BadFile where there is none."""
        self.next()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.held, self.at)
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated") or error.pos > len(self.held) - SPLIT
                if not (is_cut and self._more()):
                    raise BadFile(f"{self.path}: row {number}: is not JSON: {error.msg}") from None
            except (ValueError, RecursionError) as error:
                raise BadFile(f"{self.path}: row {number}: {refusal(error)}") from None
            else:
                self.at = end
                return value

    def _more(self) -> bool:
        block = next(self.blocks, None)
        if block is None:
            return False
        self.held, self.at = self.held[self.at :] + block, 0
        return True

    def _decoded(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        with byte_stream(self.path) as stream:
            while block := stream.read(BLOCK):
                try:
                    yield decoder.decode(block)
                except UnicodeDecodeError:
                    check_text(self.path)
                    raise
