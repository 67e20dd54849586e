"""Columns of a file as arrays: words as codes, numbers, times and flags, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rating.files.problems import plain, quoted

EMPTY = -1
FLAGS = {"true": True, "1": True, "false": False, "0": False}


class Unfit(Exception):
    """A value that its column cannot hold; `row` counts from 0 within the batch."""

    def __init__(self, row: int, message: str):
        self.row = row
        super().__init__(message)


@dataclass(frozen=True)
class Words:
    """A column of words: `codes` (n,) int32 into `names`, EMPTY where the file says nothing."""

    codes: NDArray[np.int32]
    names: pa.StringArray

    def __getitem__(self, rows: NDArray[Any]) -> Words:
        return Words(self.codes[rows], self.names)

    def __len__(self) -> int:
        return len(self.codes)

    def name(self, row: int) -> str:
        """What stands in this row, for a message."""
        return plain(self.names[int(self.codes[row])].as_py())

    def parts(self) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Each name that occurs, in the order of the alphabet, and its rows."""
        order = np.argsort(self.codes, kind="stable")
        ends = np.cumsum(np.bincount(self.codes, minlength=len(self.names)))
        names = self.names.to_pylist()
        for code in sorted(range(len(names)), key=names.__getitem__):
            rows = order[ends[code - 1] if code else 0 : ends[code]]
            if rows.size:
                yield names[code], rows

    def used(self) -> set[str]:
        """The names that occur."""
        names = self.names.to_pylist()
        return {names[code] for code in np.flatnonzero(np.bincount(self.codes + 1)[1:])}  # EMPTY is -1

    def code(self, name: str) -> int:
        """The code of this word; EMPTY for one that the column never had."""
        return int(pc.index(self.names, pa.scalar(name, self.names.type)).as_py())


class Kind(Protocol):
    """How a column is taken: each batch's array at a time, then all of them joined."""

    def taken(self, array: pa.Array) -> Any: ...

    def joined(self, parts: list[Any]) -> Any: ...


class AsWords:
    """Words, whole numbers and flags as Words; an empty word is none."""

    def taken(self, array: pa.Array) -> pa.DictionaryArray:
        if pa.types.is_dictionary(array.type):
            try:
                words = _as_text(array.dictionary)
            except Unfit as problem:
                row = int(pc.index(array.indices.cast(pa.int64()), problem.row).as_py())
                raise Unfit(max(row, 0), str(problem)) from None
            return pa.DictionaryArray.from_arrays(array.indices.cast(pa.int32()), words)
        return _as_text(array).dictionary_encode()

    def joined(self, parts: list[pa.DictionaryArray]) -> Words:
        if not parts:
            return Words(np.empty(0, dtype=np.int32), pa.array([], pa.string()))
        # one dictionary a batch would repeat the names of every batch
        whole = pa.chunked_array(parts).unify_dictionaries()
        names = whole.chunk(0).dictionary
        codes = np.concatenate([chunk.indices.fill_null(EMPTY).to_numpy() for chunk in whole.chunks])
        blank = int(pc.index(names, pa.scalar("", names.type)).as_py())
        if blank >= 0:
            codes[codes == blank] = EMPTY
        return Words(codes, names)


class AsFew(AsWords):
    """Words of which there may be `most` different ones: the batch that brings more is refused, not the whole file read."""

    def __init__(self, most: int, what: str):
        self.most, self.what = most, what
        self.seen: set[str] = set()

    def taken(self, array: pa.Array) -> pa.DictionaryArray:
        words = super().taken(array)
        new = [name for name in words.dictionary.to_pylist() if name and name not in self.seen]
        over = self.most - len(self.seen)
        if len(new) > over:
            row = pc.index(words.indices, pc.index(words.dictionary, new[over])).as_py()
            raise Unfit(max(row, 0), f"is one {self.what} more than the {self.most} there may be")
        self.seen.update(new)
        return words


class AsNumbers:
    """Finite numbers as float64 (n,), NaN where the file says nothing."""

    def taken(self, array: pa.Array) -> NDArray[np.float64]:
        numbers = _floats(_plain(array))
        endless = np.flatnonzero(np.isinf(numbers))
        if endless.size:
            raise Unfit(int(endless[0]), f"is {array[int(endless[0])].as_py()}, not a finite number")
        return numbers

    def joined(self, parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        return np.concatenate(parts) if parts else np.empty(0)


class AsTimes(AsNumbers):
    """Points in time as numbers that grow with time: numbers as they are, dates as seconds since 1970."""

    def __init__(self) -> None:
        self.type: pa.DataType | None = None

    def taken(self, array: pa.Array) -> NDArray[np.float64]:
        plain = _plain(array)
        if pa.types.is_string(plain.type):
            # the first batch decides for all: seconds in one and dates in another would not compare
            self.type = self.type or _time_type(plain)
            plain = _cast(plain, self.type or pa.float64(), "a point in time")
        if pa.types.is_temporal(plain.type):
            return _seconds(plain)
        return super().taken(plain)


class AsFlags:
    """Yes and no as int8 (n,): 1, 0, and EMPTY where the file says nothing."""

    def taken(self, array: pa.Array) -> NDArray[np.int8]:
        words = AsWords().joined([AsWords().taken(array)])
        values = np.full(len(words.names) + 1, EMPTY, dtype=np.int8)
        for code, name in enumerate(words.names.to_pylist()):
            if name and name.lower() not in FLAGS:
                raise Unfit(int((words.codes == code).argmax()), f"is {quoted(name)}, neither true nor false")
            values[code] = FLAGS[name.lower()] if name else EMPTY
        return values[words.codes]

    def joined(self, parts: list[NDArray[np.int8]]) -> NDArray[np.int8]:
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int8)


def _plain(array: pa.Array) -> pa.Array:
    array = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
    is_text = pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type)
    return array.cast(pa.string()) if is_text else array


def _as_text(array: pa.Array) -> pa.StringArray:
    array = _plain(array)
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), None, array)
    if pa.types.is_nested(array.type) or pa.types.is_binary(array.type) or pa.types.is_temporal(array.type):
        raise Unfit(0, f"holds {array.type}, not words")
    text = array.cast(pa.string())
    try:
        text.validate(full=True)  # Arrow's Parquet reader does not look whether text is UTF-8
    except pa.ArrowInvalid:
        row = next(row for row, value in enumerate(text) if not _is_utf8(value))
        raise Unfit(row, "is not UTF-8 text") from None
    return text


def _is_utf8(value: pa.StringScalar) -> bool:
    try:
        value.as_py()
    except UnicodeDecodeError:
        return False
    return True


def _floats(array: pa.Array) -> NDArray[np.float64]:
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    is_number = pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)
    if pa.types.is_string(array.type):
        array = _cast(array, pa.float64(), "a number")
    elif not is_number:
        raise Unfit(0, f"holds {array.type}, not numbers")
    return array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _cast(text: pa.StringArray, to: pa.DataType, what: str) -> pa.Array:
    text = pc.if_else(pc.equal(text, ""), None, text)
    try:
        return text.cast(to)
    except pa.ArrowInvalid:
        row = next(row for row, value in enumerate(text) if not _can(value, to))
        raise Unfit(row, f"is {quoted(text[row].as_py())}, not {what}") from None


def _can(value: pa.Scalar, to: pa.DataType) -> bool:
    try:
        value.cast(to)
    except pa.ArrowInvalid:
        return False
    return True


def _time_type(text: pa.StringArray) -> pa.DataType | None:
    """How the first time in this batch is written; None where none is, or in no way that is known."""
    said = next((value for value in text if value.is_valid and value.as_py()), None)
    if said is None:
        return None
    ways = (pa.float64(), pa.timestamp("us"), pa.timestamp("us", "UTC"))
    return next((way for way in ways if _can(said, way)), None)


def _seconds(array: pa.Array) -> NDArray[np.float64]:
    zone = getattr(array.type, "tz", None)
    ticks = array.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
    return ticks.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) / 1e6
