"""Boards and agreement on a terminal: a table, and how far long work is."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

PATIENCE = 1.0  # seconds before progress is told, and between two tellings


def shown(value: Any) -> str:
    """A cell as people read it: a dash for nothing, numbers with few digits."""
    if value is None:
        return "—"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3f}"
    return str(value)


def width(text: str) -> int:
    """Columns a text takes on a terminal; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A text table: words to the left, numbers to the right."""
    cells = [list(map(shown, row)) for row in rows]
    widths = [max(map(width, column)) for column in zip(head, *cells, strict=True)]
    right = [
        all(isinstance(row[place], int | float | None) for row in rows) and bool(rows) for place in range(len(head))
    ]
    lines = [_line(head, widths, right), "  ".join("─" * size for size in widths)]
    return "\n".join([*lines, *(_line(row, widths, right) for row in cells)])


def _line(cells: Sequence[str], widths: list[int], right: list[bool]) -> str:
    padded = []
    for cell, size, to_right in zip(cells, widths, right, strict=True):
        blanks = " " * (size - width(cell))
        padded.append(blanks + cell if to_right else cell + blanks)
    return "  ".join(padded).rstrip()


@contextmanager
def progress(stream: Any, what: str) -> Iterator[Callable[[int], None]]:
    """A function to call with how many there are so far: on a terminal they are told, in a line that is gone afterwards.

    `stream` is a command's stderr. Nothing is written to anything but a terminal, nor for what is done at once.
    """
    told = time.monotonic()
    is_open = False

    def seen(count: int) -> None:
        nonlocal told, is_open
        if time.monotonic() - told >= PATIENCE:
            told, is_open = time.monotonic(), True
            stream.write(f"\r{count:,} {what}", lambda text: text, ending="")
            stream.flush()

    try:
        yield seen if stream.isatty() else lambda count: None
    finally:
        if is_open:
            stream.write("\r\x1b[K", lambda text: text, ending="")
