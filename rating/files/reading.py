"""A file of rows in any of four formats, as columns: a batch of rows at a time, and only the columns asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rating.files import delimited, json_objects, json_rows, parquet
from rating.files.columns import Kind, Unfit, Words
from rating.files.problems import BadFile, readable, some
from rating.files.streams import is_packed

FORMATS: Mapping[str, Any] = {".csv": delimited, ".jsonl": json_rows, ".json": json_objects, ".parquet": parquet}
"""Each module has `looked_at(path)`, which returns (names, numeric names), and `batches(path, names)`."""


@dataclass(frozen=True)
class Source:
    """A file that was looked at: the `names` of its columns, and which are `numeric` as far as its first rows tell.

    `batches` takes names of columns and goes through the file once, in batches of rows.
    """

    path: Path
    names: tuple[str, ...]
    numeric: frozenset[str]
    batches: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]

    def find(self, *spellings: str) -> str | None:
        """The column of the first of these names that the file has. Raises BadFile where it has that name twice."""
        name = next((name for name in spellings if name in self.names), None)
        if name and self.names.count(name) > 1:
            raise BadFile(f"{self.path}: has {self.names.count(name)} columns {name}")
        return name

    def need(self, *spellings: str) -> str:
        """The same, but a file without any is refused."""
        name = self.find(*spellings)
        if name is None:
            there = some(self.names, most=20)
            raise BadFile(f"{self.path}: has no column {' or '.join(spellings)}; there are: {there}")
        return name

    def columns(self, kinds: Mapping[str, Kind], *, seen: Callable[[int], None] | None = None) -> dict[str, Any]:
        """These columns, as their kinds take them; `seen` is told how many rows have been. One pass. Raises BadFile."""
        parts: dict[str, list[Any]] = {name: [] for name in kinds}
        row = 0
        with readable(self.path):
            for batch in self.batches(list(kinds)):
                for name, kind in kinds.items():
                    parts[name].append(self._taken(batch.column(name), name, kind, row))
                row += batch.num_rows
                if seen:
                    seen(row)
        columns = {name: kind.joined(parts.pop(name)) for name, kind in kinds.items()}
        pa.default_memory_pool().release_unused()  # half a gigabyte after ten million rows, which the statistics need
        return columns

    def _taken(self, array: pa.Array, name: str, kind: Kind, row: int) -> Any:
        try:
            return kind.taken(array)
        except Unfit as problem:
            raise self.bad(row + problem.row, f"{name} {problem}") from None

    def bad(self, row: int, message: str) -> BadFile:
        """What is wrong in this row, counted from 0."""
        return BadFile(f"{self.path}: row {row + 1}: {message}")

    def full(self, name: str, column: Words | NDArray[Any], at: NDArray[np.intp]) -> None:
        """Raise BadFile where the column (n,) is empty; `at` (n,) says in which rows of the file its values stand."""
        values = column.codes if isinstance(column, Words) else column
        empty = np.isnan(values) if values.dtype.kind == "f" else values < 0
        if empty.any():
            raise self.bad(int(at[empty.argmax()]), f"{name} is empty")


def source(path: Path) -> Source:
    """The file, looked at. Raises BadFile."""
    plain = Path(path.stem) if is_packed(path) else path
    form = FORMATS.get(plain.suffix.lower())
    if form is None or (plain is not path and form is parquet):
        raise BadFile(f"{path}: is not a .csv, .jsonl, .json (or one of these with .gz) or .parquet file")
    with readable(path):
        if not path.exists():
            raise BadFile(f"{path}: cannot be read: it is not there")
        if not path.is_file():
            raise BadFile(f"{path}: cannot be read: it is {'a folder' if path.is_dir() else 'no file'}")
        if path.stat().st_size == 0:
            raise BadFile(f"{path}: is empty")
        names, numeric = form.looked_at(path)
    if not names:
        raise BadFile(f"{path}: holds no rows")
    return Source(path, tuple(names), frozenset(numeric), lambda wanted: form.batches(path, wanted))
