"""What is wrong with a file, in one line that names the file, the place and the column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

LONGEST = 60


class BadFile(Exception):
    """A file that cannot be used; the message names file, row or line, and column."""


def quoted(value: object) -> str:
    """The value as a reader finds it in the file, on one line and not too long."""
    told = repr(value)
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}…"


def plain(name: str) -> str:
    """The name as it is, or quoted where it would not stay on one short line."""
    return name if name.isprintable() and len(name) <= LONGEST else quoted(name)


def some(names: Iterable[str], *, most: int = 10) -> str:
    """The names in the order of the alphabet, only the first where there are more than `most`."""
    ordered = sorted(names)
    return ", ".join(map(plain, ordered[:most])) + (f" and {len(ordered) - most} more" if len(ordered) > most else "")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong while the file is opened or decoded into BadFile."""
    try:
        yield
    # UnicodeDecodeError is a ValueError, as is every error of Arrow that is not one of the system
    except (OSError, EOFError, ValueError, pa.ArrowException) as error:
        raise BadFile(f"{path}: cannot be read: {first_line(error)}") from None


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
