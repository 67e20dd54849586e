"""CSV for people's spreadsheets: no cell that one of them would take for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
WINDOWS = "\r\n"


def as_csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A head and rows, a line each; see `cell`."""
    return line(head) + "".join(map(line, rows))


def line(cells: Iterable[Any]) -> str:
    """One line with its end; see `cell`."""
    out = io.StringIO()
    # with both as its end, a cell that has either is quoted
    csv.writer(out, lineterminator=WINDOWS).writerow(map(cell, cells))
    return out.getvalue().removesuffix(WINDOWS) + "\n"


def cell(value: Any) -> Any:
    """What stands for this value: nothing as an empty cell, a text that a spreadsheet would take for a formula after an apostrophe.

    Numbers stay numbers, those below zero too.
    """
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value
