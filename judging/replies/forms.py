"""The forms in which verdicts are written, whatever they are about: JSON and double brackets, numbers, last lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from judging.replies.base import Reply
from judging.replies.cut_off import last_settled

V = TypeVar("V")

NUMBER = r"-?\d{1,6}(?:\.\d{1,6})?"
ANSWER_WORD = r"(?:ANSWER|ASSISTANT|RESPONSE|MODEL|OUTPUT|OPTION|CANDIDATE|回答|助手|答案|回复|选项|模型)"
"""What an answer may be called before its letter."""


def asked(
    reply: Reply,
    from_json: Callable[[Mapping[str, Any]], V | None],
    from_brackets: Callable[[str, bool], Iterator[tuple[int, int, V]]],
) -> V | None:
    """The last verdict in one of the forms that prompts ask for: JSON, or double brackets outside of it."""
    found: list[tuple[int, int, V]] = []
    text = reply.text
    for item in reply.json:
        verdict = next((said for each in item.objects if (said := from_json(each)) is not None), None)
        if verdict is not None:
            found.append((item.start, item.end, verdict))
            text = text[: item.start] + " " * (item.end - item.start) + text[item.end :]
    found.extend(from_brackets(text, reply.quotes_count))
    return last_settled(reply, found)


# Some judges escape brackets, as for Markdown; some put blanks between them.
_BRACKETS = re.compile(
    r"\\?\[ ?\\?\[([^\[\]\n]{1,40}?)\\?\] ?\\?\]|\\boxed\{(?:\\text\{)?([^{}\n]{1,40})\}|[⟦〚]([^⟦⟧〚〛\n]{1,40})[⟧〛]"
)
_OPENING_QUOTES, _CLOSING_QUOTES = "\"'“「『`«", "\"'”」』`»"


def bracketed(text: str, quotes_count: bool) -> Iterator[tuple[int, int, str]]:
    """Where what stands in double brackets begins and ends, and what it is.

    What stands between quotation marks is left out, unless `quotes_count` and the reply ends there: some judges put
    quotation marks around their own verdict.
    """
    for match in _BRACKETS.finditer(text):
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        in_marks = bool(before and after) and before in _OPENING_QUOTES and after in _CLOSING_QUOTES
        if not in_marks or (quotes_count and not re.search(r"\w", text[match.end() : match.end() + 1_000])):
            yield match.start(), match.end(), next(part for part in match.groups() if part)


def last_line(text: str) -> str:
    """The last line that says anything, without brackets, emphasis and a full stop around it; "" where a bracket is left open."""
    for line in reversed(text.splitlines()):
        bare = line.strip(" \t\r*_`\"'“”[]().。#")
        if bare:
            return bare if line.count("[") == line.count("]") else ""
    return ""
