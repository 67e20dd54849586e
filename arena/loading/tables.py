"""Our own files as tables: CSV with a head, each row as the JSON object that `own` reads."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from arena.loading.rows import Problem, Report, Row, lines_of, row_of
from arena.loading.said import said as _

NUMBERED = re.compile(r"(turn|reference)_?(\d{0,2})")
LISTS = {"turn": "turns", "reference": "reference"}
WHOLE, DECIMAL = {"sample", "tokens_in", "tokens_out"}, {"first_token_s", "seconds"}
AS_JSON = {"checks", "meta", "trace"}
DELIMITERS = ",;\t"
FORMULA = ("=", "+", "-", "@")


def table_rows_of(path: Path, report: Report) -> Iterator[Row]:
    """The rows of a CSV file as objects; empty cells are left out. Whatever is wrong is a problem with its line.

    Columns `turn_1`, `turn_2` … are the turns, `turns` alone is the only one or a JSON list; `reference` goes the same way.
    `tags` are divided by semicolons; `checks`, `meta` and `trace` are JSON. Commas, semicolons and tabs divide cells,
    whichever the head has most of. A cell that begins like a formula is text like any other; that there are some is noted.
    """
    lines = (f"{line}\n" for _number, line in lines_of(path, report))
    first = next(lines, None)
    if first is None:
        return
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(_chained(first, lines), delimiter=delimiter, strict=True)
    try:
        head = [name.strip() for name in next(reader)]
        if not _is_head(head, path, report):
            return
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells) and (row := _row(head, cells, Row(path, line, {}, report))):
                yield row
            line = reader.line_num + 1
    except csv.Error as error:
        report.problems.append(
            Problem(str(path), reader.line_num, "", _("is no CSV: %(reason)s", reason=_reason(error)))
        )


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _reason(error: csv.Error) -> str:
    if "field limit" in str(error):
        return _("a cell is longer than 131,072 characters, or a quotation mark is missing; long texts go into JSONL")
    return str(error)


def _is_head(head: list[str], path: Path, report: Report) -> bool:
    twice = sorted({name for name in head if head.count(name) > 1})
    if "" in head:
        report.problems.append(Problem(str(path), 1, "", _("column %(n)s has no name", n=head.index("") + 1)))
    elif twice:
        report.problems.append(Problem(str(path), 1, twice[0], _("stands twice in the head")))
    else:
        return True
    return False


def _row(head: list[str], cells: list[str], row: Row) -> Row | None:
    if len(cells) != len(head):
        row.problem("", _("has %(n)s cells, and the head has %(there)s", n=len(cells), there=len(head)))
        return None
    values: dict[str, Any] = {}
    for name, cell in zip(head, cells, strict=True):
        if cell.strip():
            _take(name, cell, values, row)
            if cell.startswith(FORMULA) and len(cell) > 1 and not _is_number(cell):
                row.report.note(
                    _(
                        "%(file)s:%(line)s: %(name)s: begins like a formula; such cells are taken as text",
                        file=row.file.name,
                        line=row.line,
                        name=name,
                    )
                )
    return row_of(values, json.dumps(values), row)


def _take(name: str, cell: str, values: dict[str, Any], row: Row) -> None:
    """Put one cell among the values, as the kind of value that its column holds."""
    if found := NUMBERED.fullmatch(name):
        values.setdefault(LISTS[found[1]], []).append(cell)
    elif name == "turns":
        values["turns"] = _texts(cell)
    elif name in AS_JSON:
        try:
            values[name] = json.loads(cell)
            json.dumps(values[name], allow_nan=False)
        except (ValueError, RecursionError):
            row.problem(name, _("is not JSON that can be kept"))
    elif name == "tags":
        values["tags"] = [tag.strip() for tag in cell.split(";") if tag.strip()]
    elif name in WHOLE | DECIMAL:
        values[name] = _number(cell, name, row)
    else:
        values[name] = cell


def _texts(cell: str) -> list[Any]:
    """The JSON list that a cell holds, or the cell as the only text."""
    if cell.lstrip().startswith("["):
        try:
            found = json.loads(cell)
        except (ValueError, RecursionError):
            return [cell]
        if isinstance(found, list) and all(isinstance(text, str) for text in found):
            return found
    return [cell]


def _number(cell: str, name: str, row: Row) -> int | float | None:
    try:
        return int(cell) if name in WHOLE else float(cell)
    except ValueError:
        row.problem(
            name,
            _(
                "is %(kind)s, not %(known)s",
                kind=repr(cell[:40]),
                known=_("a whole number") if name in WHOLE else _("a number"),
            ),
        )
        return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
