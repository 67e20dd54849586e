"""JSON lines: one object a line, read by Arrow; what Arrow refuses is read again in Python, which names the line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.json

from rating.files.json_objects import NESTED, Row, as_batches, names_of, refusal, shape, unique
from rating.files.problems import BadFile, quoted
from rating.files.streams import Text, arrow_stream, lines

BLOCK = 1 << 23


def looked_at(path: Path) -> tuple[list[str], list[str]]:
    """The names of the columns of the first lines, and of those that hold numbers. Raises BadFile."""
    return names_of(shape(objects(path)))


def batches(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows, with these columns. Raises BadFile."""
    found = shape(objects(path))
    done = 0
    try:
        if NESTED not in [found[name] for name in names]:
            for batch in _by_arrow(path, pa.schema([(name, found[name]) for name in names])):
                done += batch.num_rows
                yield batch
            return
    except (pa.ArrowInvalid, UnicodeDecodeError):
        pass
    yield from as_batches(path, islice(objects(path), done, None), found, names)


def objects(path: Path) -> Iterator[Row]:
    """Each object, as "line N". Raises BadFile for a line that holds none."""
    for number, text in lines(path):
        try:
            value = json.loads(text, object_pairs_hook=unique)
        except json.JSONDecodeError as error:
            raise BadFile(f"{path}: line {number}: is not JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            raise BadFile(f"{path}: line {number}: {refusal(error)}") from None
        if not isinstance(value, dict):
            raise BadFile(f"{path}: line {number}: is {quoted(value)}, not an object")
        yield f"line {number}", value


def _by_arrow(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    with arrow_stream(path) as stream:
        reader = pa.json.open_json(
            pa.PythonFile(Text(stream), mode="r"),
            read_options=pa.json.ReadOptions(block_size=BLOCK),
            parse_options=pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
        for batch in reader:
            yield batch.select(schema.names)
