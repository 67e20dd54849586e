"""CSV files: quoted values may hold line breaks; every wanted column is read as text."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from rating.files.problems import BadFile
from rating.files.streams import Text, arrow_stream, check_text, lines

BLOCK = 1 << 22
LONGEST = 1 << 30  # characters of one value
MISSING = ["", "NaN", "nan", "NA", "N/A", "null", "NULL"]


def looked_at(path: Path) -> tuple[list[str], list[str]]:
    """The names of the columns, and of those that hold numbers in the first block. Raises BadFile."""
    with arrow_stream(path) as stream, _opened(Text(stream), path) as reader:
        schema = reader.schema
        names = schema.names
    numeric = [field.name for field in schema if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)]
    return names, numeric


def batches(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows, with these columns as text. Raises BadFile."""
    convert = pa.csv.ConvertOptions(
        include_columns=list(names),
        column_types={name: pa.string() for name in names},
        strings_can_be_null=True,
        null_values=MISSING,
    )
    with arrow_stream(path) as stream:
        text = Text(stream)
        with _opened(text, path, convert) as reader:
            yield from reader
    if text.quotes % 2:  # one may never have been closed
        _check_quotes(path)


@contextmanager
def _opened(
    text: Text, path: Path, convert: pa.csv.ConvertOptions | None = None
) -> Iterator[pa.csv.CSVStreamingReader]:
    uneven: list[pa.csv.InvalidRow] = []

    def refused(row: pa.csv.InvalidRow) -> str:
        uneven.append(row)  # Arrow swallows what is raised here
        return "error"

    try:
        with pa.csv.open_csv(
            pa.PythonFile(text, mode="r"),
            read_options=pa.csv.ReadOptions(block_size=BLOCK, use_threads=False),  # with threads rows have no numbers
            parse_options=pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=refused),
            convert_options=convert,
        ) as reader:
            yield reader
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        check_text(path)
        if "straddling" in str(error):
            _check_quotes(path)
            raise BadFile(f"{path}: has a row that is longer than {BLOCK >> 20} MB") from None
        if "Empty CSV" in str(error):  # as Arrow says of a header without a line break
            raise BadFile(f"{path}: holds no rows") from None
        if uneven:
            row = uneven[0]
            told = f"has {row.actual_columns} values for {row.expected_columns} columns"
            raise BadFile(f"{path}: row {row.number - 1}: {told}") from None
        raise


def _check_quotes(path: Path) -> None:
    """Raise BadFile where a quotation mark is open at the end: all that follows it would be one value."""
    csv.field_size_limit(LONGEST)
    rows = csv.reader((text for _, text in lines(path)), strict=True)
    place = 0
    try:
        for place, _ in enumerate(rows, 1):  # noqa: B007
            pass
    except csv.Error as error:
        if "end of data" in str(error):
            raise BadFile(f"{path}: row {place}: a quotation mark is never closed") from None
