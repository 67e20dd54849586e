"""The deductions and bonuses that a reply finds, and the mark that they come to.

Every finding is of a kind the rubric has, and quotes the passage it is about; a finding that breaks these rules is no
finding, and dropping it would change the mark in silence: the whole reply is a failure then, and the judge is asked again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judging.judges.base import OK, PointKind, Points, RubricText
from judging.replies.base import NO_LIST, NO_QUOTE, NOT_QUOTED, UNKNOWN_KEY, Reading, Reply, failed, why_nothing
from judging.replies.dimensions import names_of
from judging.replies.preparing import plain, prepared, views, without_extras

LIST_NAMES: Mapping[str, tuple[str, ...]] = {
    "deductions": ("deductions", "faults", "扣分", "缺点"),
    "bonuses": ("bonuses", "merits", "加分", "优点"),
}
"""What the two lists of findings may be called."""

_KEYS = ("key", "name", "键", "类别")
_QUOTES = ("quote", "passage", "引文", "原文")


@dataclass(frozen=True, slots=True)
class _Finding:
    kind: PointKind
    quote: str
    sign: int


def parse_points(text: str, rubric: RubricText, *, finish: str = "stop") -> Reading:
    """The findings of a reply about one answer, and the mark that they come to.

    Its quotes have yet to be looked for in the answer: see `check_points`. Raises ValueError where the rubric has no points.
    """
    if rubric.points is None:
        raise ValueError(f"rubric {rubric.name} does not mark by points")
    reply = prepared(text, finish)
    lists = _lists_of(rubric.points)
    said = _last_object(reply, lists) if finish != "refused" else None
    if said is None:
        return why_nothing(reply)
    missing = [name for name in lists if not isinstance(said.get(name), list)]
    if missing:
        return failed(NO_LIST.format(names=", ".join(missing)))
    findings: list[_Finding] = []
    for name, kinds in lists.items():
        for row in said[name]:
            finding = _finding(row, kinds, sign=-1 if name == "deductions" else 1)
            if finding is None:
                return failed(UNKNOWN_KEY.format(key=_called(row), name=name))
            if finding.kind.quoted and not finding.quote.strip():
                return failed(NO_QUOTE.format(key=finding.kind.key))
            findings.append(finding)
    return _counted(findings, rubric, rubric.points)


def check_points(reading: Reading, rubric: RubricText, answer: str) -> Reading:
    """The reading with its quotes looked for in the answer: a failure where one that must be there is not.

    Only letters and digits are compared, and an ellipsis in a quote leaves out what it likes. A passage that is quoted
    twice for the same kind counts once. Where no quote is needed, one that is not in the answer is not kept. What is no
    reading of points stays as it is.
    """
    if reading.status != OK or rubric.points is None:
        return reading
    known = {kind.key: (kind, sign) for sign, kinds in _signed(rubric.points) for kind in kinds}
    findings: dict[tuple[object, ...], _Finding] = {}
    # What is cut of a reply is cut of the quotes in it.
    texts = {text: bare(text) for text in (answer, without_extras(answer))}
    for number, point in enumerate(reading.points):
        kind, sign = known[point["key"]]
        quote = str(point["quote"])
        stands = any(_stands_in(quote, text, whole) for text, whole in texts.items())
        if kind.quoted and not stands:
            return failed(NOT_QUOTED.format(key=kind.key))
        same: tuple[object, ...] = (kind.key, bare(quote) or quote) if kind.quoted else (kind.key, number)
        findings.setdefault(same, _Finding(kind, quote if stands else "", sign))
    return _counted(findings.values(), rubric, rubric.points)


def bare(text: str) -> str:
    """The letters and digits of a text, in plain characters and small letters: what is compared of a quote."""
    return "".join(filter(str.isalnum, plain(unicodedata.normalize("NFC", text)).casefold()))


_ELLIPSIS = re.compile(r"\[?(?:…|\.\.\.)\]?")


def _stands_in(quote: str, answer: str, whole: str) -> bool:
    """Whether all parts of the quote, which ellipses divide, stand in the answer one after the other.

    `whole` is the answer `bare`. A quote without any letter or digit stands there as it is.
    """
    parts = list(filter(None, map(bare, _ELLIPSIS.split(quote))))
    if not parts:
        return quote.strip() in answer
    at = 0
    for part in parts:
        found = whole.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


# What was said


def _signed(points: Points) -> Iterator[tuple[int, tuple[PointKind, ...]]]:
    yield -1, points.deductions
    yield 1, points.bonuses


def _lists_of(points: Points) -> dict[str, tuple[PointKind, ...]]:
    """The lists that a verdict consists of: only those that can hold anything."""
    lists = {"deductions": points.deductions, "bonuses": points.bonuses}
    return {name: kinds for name, kinds in lists.items() if kinds}


def _last_object(reply: Reply, lists: Iterable[str]) -> Mapping[str, Any] | None:
    """The last JSON object with one of the lists, under our names for them; without what is quoted where there is one."""
    for view in views(reply):
        for item in reversed(view.json):
            for found in item.objects:
                said = _renamed(found)
                if any(name in said for name in lists):
                    return said
    return None


def _renamed(found: Mapping[str, Any]) -> dict[str, Any]:
    values = {plain(key).casefold().strip(): value for key, value in found.items()}
    named = {name: [values[each] for each in names if each in values] for name, names in LIST_NAMES.items()}
    return {name: said[0] for name, said in named.items() if said}


def _finding(row: Any, kinds: Sequence[PointKind], *, sign: int) -> _Finding | None:
    """The finding that a row of a list is; None where it names no kind of this list."""
    key = plain(_called(row)).casefold().strip()
    kind = next((kind for kind in kinds if key in names_of(kind)), None)
    return _Finding(kind, _text(row, _QUOTES), sign) if kind else None


def _called(row: Any) -> str:
    """What a row of a list says it is about; "" where it says nothing."""
    return row.strip() if isinstance(row, str) else _text(row, _KEYS)[:60]


def _text(row: Any, names: Sequence[str]) -> str:
    values = [row[name] for name in names if isinstance(row.get(name), str)] if isinstance(row, Mapping) else []
    return values[0] if values else ""


# What it comes to


def _counted(findings: Iterable[_Finding], rubric: RubricText, points: Points) -> Reading:
    """The sum of the findings, each kind as far as it goes, between floor and cap; each finding with what it counted."""
    left = {kind.key: kind.most for _, kinds in _signed(points) for kind in kinds}
    counted: list[Mapping[str, Any]] = []
    for finding in findings:
        kind, most = finding.kind, left[finding.kind.key]
        size = kind.points if most is None else min(kind.points, most)
        left[kind.key] = None if most is None else most - size
        counted.append({"key": kind.key, "points": finding.sign * size, "quote": finding.quote})
    floor = rubric.lowest if points.floor is None else points.floor
    cap = rubric.highest if points.cap is None else points.cap
    total = points.base + sum(point["points"] for point in counted)
    return Reading(value=min(cap, max(floor, total)), points=tuple(counted))
