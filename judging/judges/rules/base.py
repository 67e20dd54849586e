"""What a machine check is: the value it gives, the row of the table that it is, and the tests of its keys."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import regex

LONGEST_PATTERN = 500  # characters
LONGEST_WRITTEN_OUT = 200_000  # characters of a pattern times all its counted repeats, {3} or {1,3}
LONGEST_SEARCHED = 100_000  # characters of an answer that a pattern is run over
PATTERN_SECONDS = 0.5  # for one pattern on one answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether an answer passed a check, and what was seen."""

    passed: bool
    seen: str


Check = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of check: what it does, and the keys it takes.

    `keys` gives for each key the test that its value has to pass and the words for it; at least one
    of `needs` must be there.
    """

    run: Callable[[str, Check], Outcome]
    keys: Mapping[str, tuple[Callable[[Any], bool], str]]
    needs: Sequence[str]
    also: Callable[[Check], Iterator[str]] = field(default=lambda check: iter(()))


# What their keys must be


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(is_text(item) for item in value)


def is_letter(value: object) -> bool:
    return isinstance(value, str) and value.strip().upper() in tuple("ABCDEFGH")


def is_identifier(value: object) -> bool:
    return isinstance(value, str) and value.isidentifier() and not keyword.iskeyword(value)


def is_finite(value: object) -> bool:
    """A number that can be compared; infinity and not-a-number cannot."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_positive(value: object) -> bool:
    return is_count(value) and value != 0


def is_pattern(value: object) -> bool:
    """A pattern short enough, that compiles.

    Counted repeats are written out when it is compiled: `((a{1000}){1000}){1000}` would take all memory.
    """
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATTERN:
        return False
    repeats = (max(1, int(count)) for count in re.findall(r"[{,]\s*(\d{1,100})\s*\}", value))
    if len(value) * prod(repeats) > LONGEST_WRITTEN_OUT:
        return False
    try:
        regex.compile(value)
    except (regex.error, RecursionError, OverflowError, ValueError):
        return False
    return True


TEXT = (is_text, "a text that is not empty")
TEXTS = (is_texts, "a list of texts that are not empty")
COUNT = (is_count, "a whole number from 0")
FINITE = (is_finite, "a number")
PATTERN = (
    is_pattern,
    f"a pattern that compiles, of up to {LONGEST_PATTERN} characters and without huge repeats",
)
