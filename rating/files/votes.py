"""Vote files, read without a database: who said what of which item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rating.files.columns import AsNumbers, AsTimes, AsWords, Kind, Words
from rating.files.problems import BadFile
from rating.files.reading import Source, source

ANNOTATOR = ("annotator", "judge", "worker")
QUESTION = ("question_id", "question", "cluster")
TIME = ("time", "tstamp")

Level = Literal["nominal", "ordinal", "interval"]


@dataclass(frozen=True)
class VoteFile:
    """The n votes of a file. `item`, `annotator`: codes int32 (n,), with the annotators' names by code.

    `value`: its code int32 (n,) into `scale`, the numbers in their order (V,), or at level nominal, where `scale` is None,
    into `words`, in the order of the alphabet. `cluster`, `time`: (n,), None where the file has none; `category` likewise.
    """

    name: str
    level: Level
    item: NDArray[np.int32]
    annotator: NDArray[np.int32]
    annotators: list[str]
    value: NDArray[np.int32]
    words: list[str]
    scale: NDArray[np.float64] | None
    cluster: NDArray[np.int32] | None
    category: Words | None
    time: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.item)

    @property
    def values(self) -> int:
        """How many different values there are."""
        return len(self.words) if self.scale is None else self.scale.size

    @property
    def names(self) -> list[str]:
        """The values as words, by code."""
        return self.words if self.scale is None else [f"{mark:.15g}" for mark in self.scale]

    def categories(self) -> Iterator[tuple[str, VoteFile]]:
        """The votes of each category, in the order of the categories' names."""
        for name, rows in self.category.parts() if self.category else ():
            columns = ("item", "annotator", "value", "cluster", "time")
            parts = {name: part[rows] for name in columns if (part := getattr(self, name)) is not None}
            yield name, replace(self, **parts, category=None)


def read_votes(
    path: Path,
    *,
    level: Level = "nominal",
    values: int | None = None,
    category: bool = False,
    seen: Callable[[int], None] | None = None,
) -> VoteFile:
    """The votes of a CSV, JSON, JSON lines or Parquet file.

    Columns: item; annotator, judge or worker; value: words at level nominal, else numbers; optional question_id, question
    or cluster; time or tstamp; and category, which is read where asked for. `values`: how many values there may be.
    `seen` is called with the number of rows read so far.
    Raises BadFile, also where somebody has two votes on one item: repeats measure consistency, not agreement.
    """
    file = source(path)
    annotator, question, time = file.need(*ANNOTATOR), file.find(*QUESTION), file.find(*TIME)
    kinds: dict[str, Kind] = {"value": AsWords() if level == "nominal" else AsNumbers()}
    words = [file.need("item"), annotator, question, file.need("category") if category else None]
    kinds |= {name: AsWords() for name in words if name}
    kinds |= {time: AsTimes()} if time else {}
    file.need("value")
    columns = file.columns(kinds, seen=seen)
    if not len(columns["item"]):
        raise BadFile(f"{path}: holds no votes")
    at = np.arange(len(columns["item"]))
    for name, column in columns.items():
        file.full(name, column, at)
    is_words = level == "nominal"
    value, words, scale = _coded_words(columns["value"]) if is_words else _coded_numbers(columns["value"])
    item, who = columns["item"], columns[annotator]
    if question:
        _check_question(file, item, columns[question], question)
    made = VoteFile(
        name=path.name,
        level=level,
        item=item.codes,
        annotator=who.codes,
        annotators=who.names.to_pylist(),
        value=value,
        words=words,
        scale=scale,
        cluster=columns[question].codes if question else None,
        category=columns["category"] if category else None,
        time=columns[time] if time else None,
    )
    if values is not None and made.values > values:
        raise _one_more(file, made, values)
    _check_single(file, item, who)
    return made


def _coded_words(column: Words) -> tuple[NDArray[np.int32], list[str], None]:
    """Codes (n,) of the words in the order of the alphabet, and the words."""
    words = sorted(column.used())
    code = {name: place for place, name in enumerate(words)}
    lookup = np.array([code.get(name, 0) for name in column.names.to_pylist()], dtype=np.int32)
    return lookup[column.codes], words, None


def _coded_numbers(column: NDArray[np.float64]) -> tuple[NDArray[np.int32], list[str], NDArray[np.float64]]:
    """Codes (n,) of the numbers in their order, and the numbers."""
    encoded = pa.array(column).dictionary_encode()
    numbers = encoded.dictionary.to_numpy()
    order = np.argsort(numbers)
    place = np.empty(order.size, dtype=np.int32)
    place[order] = np.arange(order.size)
    return place[encoded.indices.to_numpy()], [], numbers[order]


def _one_more(file: Source, votes: VoteFile, values: int) -> BadFile:
    """What is wrong with the row that brings one value more than there may be."""
    first = np.full(votes.values, len(votes))
    np.minimum.at(first, votes.value, np.arange(len(votes)))
    code = int(np.argsort(first)[values])
    return file.bad(int(first[code]), f"value {votes.names[code]!r} is one more than the {values} there may be")


def _check_single(file: Source, item: Words, who: Words) -> None:
    seat = item.codes.astype(np.int64) * len(who.names) + who.codes
    sorted_seats = np.sort(seat)
    if (sorted_seats[1:] > sorted_seats[:-1]).all():
        return
    order = np.argsort(seat, kind="stable")  # ten times as slow: only where there is somebody to name
    twice = np.flatnonzero(seat[order[1:]] == seat[order[:-1]])
    if twice.size:
        # the earliest second vote in the file, not in the order of the items
        row, before = min((int(order[place + 1]), int(order[place])) for place in twice)
        told = f"{who.name(row)} has judged item {item.name(row)} already, in row {before + 1}"
        raise file.bad(row, told)


def _check_question(file: Source, item: Words, question: Words, name: str) -> None:
    of_item = np.zeros(len(item.names), dtype=np.int32)
    of_item[item.codes[::-1]] = question.codes[::-1]
    other = of_item[item.codes] != question.codes
    if other.any():
        row = int(other.argmax())
        before = int((item.codes == item.codes[row]).argmax())
        told = (
            f"{name} of item {item.name(row)} is {question.name(row)}, but {question.name(before)} in row {before + 1}"
        )
        raise file.bad(row, told)
