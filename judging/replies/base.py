"""What was read of a reply, and the names of the ways in which there is nothing to read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from judging.judges.base import OK, PARSE_ERROR, REFUSED, TRUNCATED

EMPTY = "the reply is empty"
CUT_OFF = "the reply was cut off before its verdict"
NO_VERDICT = "the reply holds no verdict"
ERROR_MARK = "the reply is an error mark"
DECLINED = "the judge declined to judge"
OUT_OF_SCALE = "the mark {mark:g} is outside the scale from {lowest:g} to {highest:g}"
OTHER_SCALE = "the mark is out of {given:g}, the scale ends at {highest:g}"
NEGATIVE_SCORES = "a score below zero is no score"
NO_MARK = "the reply holds no mark for {keys}"
NO_LIST = "the reply holds no list of {names}"
UNKNOWN_KEY = "the reply names {key} among the {name}, and the rubric has none by that name"
NO_QUOTE = "the reply quotes nothing for {key}"
NOT_QUOTED = "the passage quoted for {key} is not in the answer"
CUT_NUMBER = "the reply was cut off where its mark may go on"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: a value, or the reason why not.

    `status` is "ok", "parse_error", "truncated" or "refused"; `value` is None unless it is "ok". For a pair the value
    in [-2, 2] points towards the answer shown first; for one answer it is the mark (with dimensions the
    total of `scores`, with points their sum). `points` are the deductions and bonuses, {"key", "points" (signed), "quote"}.
    `probabilities` are those of each verdict (`"A"`, `"7"`) where it was weighed; they add up to 1.
    """

    value: float | None = None
    both_bad: bool = False
    scores: Mapping[str, float] = field(default_factory=dict)
    status: str = OK
    error: str = ""
    points: tuple[Mapping[str, Any], ...] = ()
    probabilities: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A JSON object in a reply: where it stands, and the objects within it, the outermost first, later ones before earlier."""

    start: int
    end: int
    objects: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply ready to be searched: `text` without thoughts and repeated fences, in plain characters.

    With `quotes_count`, a verdict in quotation marks is one too, if nothing is said after it.
    """

    text: str
    json: Sequence[Found]
    cut_off: bool
    finish: str
    quotes_count: bool = False

    @property
    def is_cut_off(self) -> bool:
        return self.cut_off or self.finish == "length"


def failed(error: str, *, status: str = PARSE_ERROR) -> Reading:
    """The reading of a reply that says nothing, for this reason."""
    return Reading(status=status, error=error)


def why_nothing(reply: Reply) -> Reading:
    """The name of the failure of a reply in which no verdict was found."""
    if reply.finish == "refused":
        return failed(DECLINED, status=REFUSED)
    if reply.is_cut_off:
        return failed(CUT_OFF, status=TRUNCATED)
    if not reply.text.strip():
        return failed(EMPTY)
    if "$ERROR$" in reply.text:
        return failed(ERROR_MARK)
    if _REFUSAL.match(reply.text):
        return failed(DECLINED, status=REFUSED)
    return failed(NO_VERDICT)


_REFUSAL = re.compile(
    r"""\W*(?:
      (?:i\b|i'm|sorry|apolog|my\s+apolog|unfortunately|as\s+an?\s+(?:ai|language|assistant)).{0,120}?
      (?:sorry|unable|can(?:no|')t|can\s+not|won't|will\s+not|would\s+rather\s+not|'d\s+rather\s+not|not\s+able
         |decline|refuse|not\s+comfortable).{0,60}?
      (?:assist|help|judge|evaluat|compar|comply|provide|rate|rating|mark\b|grade|engage|continue|fulfil|participate|discuss
         |choose|verdict|request)
    | (?:我|抱歉|对不起|很遗憾|非常抱歉|很抱歉|作为|由于|您好|你好).{0,40}?(?:不能|无法|不便|不会|不宜|拒绝|不愿).{0,20}?
      (?:评判|评价|评估|评分|打分|比较|协助|帮助|提供|处理|满足|参与|讨论|继续|判断|选择|回应|回答)
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
