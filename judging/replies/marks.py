"""The mark that a reply gives one answer."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from judging.replies.base import OTHER_SCALE, OUT_OF_SCALE, Reading, Reply, failed, why_nothing
from judging.replies.cut_off import settled_matches
from judging.replies.forms import NUMBER, asked, bracketed, last_line
from judging.replies.preparing import prepared, views

Mark = tuple[float, float | None]
"""A mark, and what it is out of where the judge says so."""


def parse_score(text: str, lowest: float, highest: float, *, finish: str = "stop") -> Reading:
    """The mark of a reply about one answer, on the scale from `lowest` to `highest`."""
    reply = prepared(text, finish)
    for view in views(reply) if finish != "refused" else ():
        for find in (_asked, _labelled, _lone):
            mark = find(view)
            if mark is not None:
                return on_scale(mark, lowest, highest)
    return why_nothing(reply)


def on_scale(mark: Mark, lowest: float, highest: float) -> Reading:
    """The mark, or the failure of one that the scale does not have. Marks are never moved to another scale."""
    value, out_of = mark
    if out_of is not None and out_of != highest:
        return failed(OTHER_SCALE.format(given=out_of, highest=highest))
    if not lowest <= value <= highest:
        return failed(OUT_OF_SCALE.format(mark=value, lowest=lowest, highest=highest))
    return Reading(value=value)


# Not a mark: the beginning of a longer number, of a range, a share in per cent, and stars, whose number nobody tells.
NO_MARK_AFTER = r"(?!\s*(?:[-–~至到]\s*\d|%|stars?\b|颗?星))"
MARK = rf"({NUMBER})(?![\d.,]*\d)\s*(?:分|points?)?(?:\s*[(,]?\s*(?:/|out\s+of|满分(?:为|是)?)\s*(\d{{1,4}}))?\s*分?{NO_MARK_AFTER}"
_LABEL = r"(?:rating|score|mark|grade|总分|总评|评分|得分|分数|打分|给分)"
_BARE = re.compile(rf"(?:(?:final|overall|total|最终)?\s*{_LABEL}\s*[:=为是]?\s*)?<?\s*{MARK}\s*\)?>?", re.IGNORECASE)
_LABELLED = re.compile(
    rf"{_LABEL}(?:\s*\((?:满分|out\s+of)\s*\d{{1,4}}\s*分?\))?[\s\"'”`*]*(?:\bis\b|[:=为是]|(?=[\[(<]))[\s\"'“`*:\[(<]*{MARK}",
    re.IGNORECASE,
)
_TAGGED = re.compile(rf"<(score|rating|mark|grade)>\s*{MARK}\s*</\1>", re.IGNORECASE)
MARK_KEYS = {"score", "rating", "mark", "grade", "overall", "总分", "总评", "评分", "得分", "分数", "打分"}


def mark_of(match: re.Match[str], *, first: int = 1) -> Mark:
    """The mark that MARK has matched, whose first group is that number."""
    number, out_of = match.group(first), match.group(first + 1)
    return float(number), float(out_of) if out_of else None


def mark_word(value: Any) -> Mark | None:
    """The mark that a JSON value is: a number, `"8/10"`, `"8分"` or an object with a mark in it."""
    if isinstance(value, Mapping):
        marks = (mark_word(part) for key, part in value.items() if str(key).casefold() in MARK_KEYS)
        return next((mark for mark in marks if mark is not None), None)
    if isinstance(value, str):
        match = _BARE.fullmatch(value.strip()[:60])
        return mark_of(match) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e6 or math.isnan(value):
        return None
    return float(value), None


def _asked(reply: Reply) -> Mark | None:
    return asked(reply, mark_word, _from_brackets)


def _from_brackets(text: str, quotes_count: bool) -> Iterator[tuple[int, int, Mark]]:
    """Marks in brackets with their places."""
    for start, end, content in bracketed(text, quotes_count):
        found = _BARE.fullmatch(content.strip())
        if found:
            yield start, end, mark_of(found)


def _labelled(reply: Reply) -> Mark | None:
    """The last `Rating: 9/10`, `得分：8` or `<score>8</score>`."""
    found = [(match.end(), mark_of(match)) for match in settled_matches(reply, _LABELLED)]
    tagged = settled_matches(reply, _TAGGED, closed=True)
    found += [(match.end(), mark_of(match, first=2)) for match in tagged]
    return max(found, key=lambda one: one[0])[1] if found else None


def _lone(reply: Reply) -> Mark | None:
    """The mark of a last line that is nothing else. Nobody can tell of a line that was cut off."""
    if reply.is_cut_off:
        return None
    match = _BARE.fullmatch(last_line(reply.text))
    return mark_of(match) if match else None
