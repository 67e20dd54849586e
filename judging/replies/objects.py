"""JSON in a reply, wherever it stands and however carelessly it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from judging.replies.base import Found

MOST_TRIED = 200
MOST_MENDED = 20
LONGEST_MENDED = 20_000  # characters: what is mended is searched by Python, not by C


def json_objects(raw: str, folded: str) -> list[Found]:
    """The JSON objects in a text, in their order; `folded` is the text in plain characters, each in its place.

    Of very many only the last MOST_TRIED are tried. Read is what was written; where that is no JSON, its plain form
    (full-width braces), then what a careless writer will have meant: see `_mended`.
    """
    at, mended = 0, 0
    found: list[Found] = []
    for start in [match.start() for match in _OPENING.finditer(folded)][-MOST_TRIED:]:
        if start < at:
            continue
        said = _decoded(raw, start) or _decoded(folded, start)
        if said is None and mended < MOST_MENDED:
            mended += 1
            said = _mended(raw, folded, start)
        if said is not None:
            value, at = said
            found.append(Found(start, at, _objects_within(value)))
    return found


# Within strings quotation marks are escaped, so that the braces there are not tried.
_OPENING = re.compile(r"""\{(?=\s*["'“”„«}])""")
# Line breaks within strings are no JSON, and many judges write them.
_DECODER = json.JSONDecoder(strict=False)


def _decoded(text: str, start: int) -> tuple[Any, int] | None:
    """The value that begins there and where it ends; None where none begins."""
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None


_STRING_OR_BRACE = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}]', re.DOTALL)
_CURLY = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|["\\/bfnrt])?')
_WORDS = {"None": "null", "True": "true", "False": "false"}


def _mended(raw: str, folded: str, start: int) -> tuple[Any, int] | None:
    """As `_decoded`, of an object with commas before its end, quotation marks of other kinds, backslashes as in formulas."""
    end = _end_of(folded[start : start + LONGEST_MENDED])
    if end is None:
        return None
    source = raw if raw[start] == "{" else folded
    text = source[start : start + end].translate(_CURLY)
    if '"' not in text:
        text = text.replace("'", '"')
    text = re.sub(r",(\s*[}\]])", r"\1", text)
    text = _ESCAPE.sub(lambda match: match.group() if match.group(1) else r"\\", text)
    text = re.sub(r"(?<=[:,\[]) *(None|True|False)\b", lambda match: _WORDS[match.group(1)], text)
    said = _decoded(text, 0)
    return (said[0], start + end) if said and said[1] == len(text) else None


def _end_of(text: str) -> int | None:
    """Where the object that the text begins with ends, by its braces outside of strings."""
    depth = 0
    for match in _STRING_OR_BRACE.finditer(text):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return match.end()
    return None


def _objects_within(value: Any) -> list[Mapping[str, Any]]:
    """The object and those within it; the outermost first, of those side by side the last first."""
    objects, left = [], [value]
    while left:
        part = left.pop()
        if isinstance(part, Mapping):
            objects.append(part)
            left.extend(part.values())
        elif isinstance(part, list):
            left.extend(part)
    return objects
