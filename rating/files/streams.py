"""The bytes of a file, unpacked where its name ends in .gz."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa

from rating.files.problems import BadFile

PACKED = ".gz"


def is_packed(path: Path) -> bool:
    return path.suffix.lower() == PACKED


def arrow_stream(path: Path) -> pa.NativeFile:
    """The file's bytes for Arrow; a truncated .gz raises OSError where it ends."""
    return pa.input_stream(str(path), compression="gzip" if is_packed(path) else None)


def byte_stream(path: Path) -> IO[bytes] | gzip.GzipFile:
    """The file's bytes for Python; a truncated .gz raises EOFError where it ends."""
    return gzip.open(path, "rb") if is_packed(path) else path.open("rb")


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1. Raises BadFile for one that is not UTF-8."""
    with byte_stream(path) as stream:
        for number, line in enumerate(stream, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise BadFile(f"{path}: line {number}: byte {error.start + 1} is not UTF-8 text") from None
            if not text.isspace():
                yield number, text


def check_text(path: Path) -> None:
    """Raise BadFile for the first line that is not UTF-8."""
    for _ in lines(path):
        pass
