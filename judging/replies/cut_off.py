"""What counts of a reply that was cut off: only what it can no longer have taken back or gone on with.

A judge that weighs both sides names verdicts on its way to its own, and a `1` at the end may be the beginning of a `10`. So a
verdict counts where it begins the reply, or has a line of its own, in a form that was closed; one in a looser form only where its
line came to an end as well. For what is lost by that there is the repair turn, which asks for the verdict alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from judging.replies.base import Reply

V = TypeVar("V")

_WORDS = (
    "so thus hence therefore my our the final overall total best better verdict winner choice preference judgment judgement "
    "decision rating score mark grade result answer assistant response is a b tie slightly significantly much"
)
_WORDS_OF_CHINESE = "所以 因此 综上 总之 我的 我 最终 更好的 回答 答案 助手 结论 选择 选 判定 裁决 判断 胜者 评分 得分 总分 总评 分数 打分 给分 结果 是 为"
# A label that a verdict may have before it on its line, and what may still follow it.
_LABEL = re.compile(
    rf"(?:(?:{'|'.join(_WORDS.split())})(?![A-Za-z])|{'|'.join(_WORDS_OF_CHINESE.split())}|[\W_])*", re.IGNORECASE
)
_AFTER = re.compile(r"(?:(?:is|better|wins)(?![A-Za-z])|更好|较好|更优|更佳|胜出|获胜|[\W_])*", re.IGNORECASE)
_LONGEST_LABEL = 120
_CONDITION = re.compile(r"\W*(?:if|when|means|for|or)\b|\W*(?:如果|若|表示|代表|或)", re.IGNORECASE)
_OPENING_QUOTES = "\"'“「『`«"
_WORD = re.compile(r"\w")
_WENT_ON = re.compile(r"[.,]?(?:\s|[^\s\d.,/~–-])")


def settled(reply: Reply, start: int, end: int, *, closed: bool = True) -> bool:
    """Whether the verdict that stands there is one for good; in a reply that was not cut off every one is.

    `closed` is what has an end of its own: brackets, a tag, a JSON object.
    """
    if not reply.is_cut_off:
        return True
    text = reply.text
    end = start + len(text[start:end].rstrip())
    line, newline = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    before, after = text[line:start], text[end : len(text) if newline < 0 else newline]
    if len(before) > _LONGEST_LABEL or not _LABEL.fullmatch(before):
        return False
    # A looser form may be a line of the one object that was asked for and never closed; what is closed, or deeper, is a part of it.
    if text.count("{", 0, start) - text.count("}", 0, start) > (0 if closed else 1):
        return False
    if end == len(text) and before and before[-1] in _OPENING_QUOTES:
        return False
    if len(after) <= _LONGEST_LABEL and _AFTER.fullmatch(after):
        return closed or newline >= 0
    return closed and not _WORD.search(text, 0, line) and not _CONDITION.match(after)


def last_settled(reply: Reply, found: Sequence[tuple[int, int, V]]) -> V | None:
    """The verdict that ends last, of those found with where they begin and end.

    Of a reply that was cut off the first that is settled, if all that follow say the same.
    """
    said = sorted(found, key=lambda one: one[1])
    if not reply.is_cut_off:
        return said[-1][2] if said else None
    first = next((number for number, (start, end, _) in enumerate(said) if settled(reply, start, end)), len(said))
    words = [word for _, _, word in said[first:]]
    return words[0] if words and all(word == words[0] for word in words) else None


def settled_matches(reply: Reply, form: re.Pattern[str], *, closed: bool = False) -> Iterator[re.Match[str]]:
    """Where the form stands in the reply and is settled."""
    return (match for match in form.finditer(reply.text) if settled(reply, *match.span(), closed=closed))


def goes_on_after(reply: Reply, end: int) -> bool:
    """Whether a word or number that ends there has come to its end: the reply was not cut off, or goes on with something else."""
    return not reply.is_cut_off or bool(_WENT_ON.match(reply.text, end))


def first_line(reply: Reply) -> str:
    """The first line that says anything; "" where the reply was cut off before it came to an end."""
    lines = reply.text.split("\n")
    whole = lines[:-1] if reply.is_cut_off else lines
    return next((line.strip() for line in whole if line.strip()), "")
