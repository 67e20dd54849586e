"""Parquet files, a batch of rows at a time; words that repeat stay encoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

ROWS = 1 << 18


def looked_at(path: Path) -> tuple[list[str], list[str]]:
    """The names of the columns, and of those that hold numbers."""
    with pa.parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
    numeric = [field.name for field in schema if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)]
    return schema.names, numeric


def batches(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows, with these columns."""
    with pa.parquet.ParquetFile(path) as file:
        words = [field.name for field in file.schema_arrow if pa.types.is_string(field.type) and field.name in names]
    with pa.parquet.ParquetFile(path, read_dictionary=words) as file:
        yield from file.iter_batches(batch_size=ROWS, columns=list(names))
