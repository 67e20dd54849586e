"""How an answer looks, whatever it says: its length and its markdown, as numbers that ratings can be controlled for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FENCE = re.compile(r" {0,3}(```|~~~)")
HEADER = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
BOLD = re.compile(r"\*\*(?=\S)[^*]+?(?<=\S)\*\*|(?<!\w)__(?=\S)[^_]+?(?<=\S)__(?!\w)")


@dataclass(frozen=True, slots=True)
class Style:
    """An answer's `length` in characters, and its number of markdown headers, list items and bold passages outside code."""

    length: int
    headers: int
    lists: int
    bold: int


FEATURES = tuple(Style.__dataclass_fields__)


def style_of(turns: Iterable[str]) -> Style:
    """The style of an answer, over all its turns."""
    length = headers = lists = bold = 0
    for turn in turns:
        length += len(turn)
        for line in _prose(turn):
            headers += HEADER.match(line) is not None
            lists += ITEM.match(line) is not None
            bold += sum(1 for _ in BOLD.finditer(line))
    return Style(length=length, headers=headers, lists=lists, bold=bold)


def _prose(text: str) -> Iterator[str]:
    """The lines outside fenced code; a fence that is never closed holds the rest."""
    fence = ""
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if fence:
            fence = "" if mark and mark[1] == fence else fence
        elif mark:
            fence = mark[1]
        else:
            yield line
