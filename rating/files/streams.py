"""The bytes of a file, unpacked where its name ends in .gz."""

from __future__ import annotations

import codecs
import gzip
import io
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


class Text(io.RawIOBase):
    """Bytes on their way to Arrow, which does not look at columns that nobody asked for: all must be UTF-8, or
    UnicodeDecodeError is raised. `quotes` counts the quotation marks passing through."""

    def __init__(self, stream: pa.NativeFile):
        self.stream = stream
        self.quotes = 0
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.is_inside = False  # of a character that the last block began

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.stream.read(None if size < 0 else size)
        self.quotes += data.count(b'"')
        if self.is_inside or not data or not data.isascii():
            self.decoder.decode(data, final=not data)
            self.is_inside = bool(self.decoder.getstate()[0])
        return data


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
            if text.strip():
                yield number, text


def check_text(path: Path) -> None:
    """Raise BadFile for the first line that is not UTF-8."""
    for _ in lines(path):
        pass
