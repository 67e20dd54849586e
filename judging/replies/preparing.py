"""Making a reply readable: without thoughts, without what it repeats of the prompt, in plain characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace

from judging.replies.base import Reply
from judging.replies.cut_off import settled
from judging.replies.objects import json_objects

LONGEST_REPLY = 250_000
"""Characters; of a longer reply only the end is read, where verdicts stand."""


def prepared(text: str, finish: str) -> Reply:
    """The reply as it is searched; `finish` is how it ended, see `arena.chat.Completion`."""
    kept, cut_off = _cut(text[-LONGEST_REPLY:])
    raw = unicodedata.normalize("NFC", kept)
    folded = plain(raw)
    return Reply(folded, json_objects(raw, folded), cut_off, finish)


def without_extras(text: str) -> str:
    """The text without what is cut of a reply before it is read: thoughts, and repeated fences with what is between them."""
    return _cut(text)[0]


def _cut(text: str) -> tuple[str, bool]:
    """See `without_extras`; and whether the thinking never came to an end."""
    # Closed fences first: a candidate may write tags of reasoning, and a judge may leave a fence open in its own.
    kept, cut_off = _without_reasoning(_without_fences(text, open_ones=False))
    return _without_fences(kept, open_ones=True), cut_off


def views(reply: Reply) -> Iterator[Reply]:
    """The reply without what it quotes, and then with it: a quoted verdict counts only where there is no other.

    Quoted are lines that start with `>`, which count only where the reply ends with them, and blocks of code, unless they
    are JSON. In a reply that was cut off they never count: what it was going to say of them is not known.
    """
    if (
        ">" not in reply.text and "```" not in reply.text
    ):  # nothing is quoted: both are the same but for quotation marks
        yield _view(reply, reply.text, quotes_count=False)
        if not reply.is_cut_off:
            yield _view(reply, reply.text, quotes_count=True)
        return
    own = _blanked(reply.text, _blocks_of_code(reply.text, open_one=reply.is_cut_off))
    yield _view(reply, _without_quoted_lines(own, len(own)), quotes_count=False)
    if reply.is_cut_off:
        return
    yield _view(reply, _without_quoted_lines(reply.text, _end_of_own(reply.text)), quotes_count=True)


def _view(reply: Reply, text: str, *, quotes_count: bool) -> Reply:
    """The reply with another text of the same length, and the JSON that is left in it."""
    shown = replace(reply, text=text, quotes_count=quotes_count, json=())
    left = [item for item in reply.json if text[item.start] == reply.text[item.start]]
    return replace(shown, json=[item for item in left if settled(shown, item.start, item.end)]) if left else shown


_CODE_FENCE = re.compile(r"(?m)^[ \t]*```([^\n`]*)$")
_JSON = re.compile(r"\s*(?:\[\s*)?\{")


def _blocks_of_code(text: str, *, open_one: bool) -> Iterator[tuple[int, int]]:
    """Where blocks of code stand that are not JSON; one that is never closed is one only with `open_one`."""
    opening: re.Match[str] | None = None
    for fence in _CODE_FENCE.finditer(text):
        if opening is None:
            opening = fence
        elif not fence.group(1).strip():
            if not _JSON.match(text, opening.end()):
                yield opening.start(), fence.end()
            opening = None
    if opening and open_one and not _JSON.match(text, opening.end()):
        yield opening.start(), len(text)


_QUOTED_LINE = re.compile(r"(?m)^[ \t]*>(?!>)[^\n]*")


def _without_quoted_lines(text: str, end: int) -> str:
    return _blanked(text, (match.span() for match in _QUOTED_LINE.finditer(text, 0, end)))


def _end_of_own(text: str) -> int:
    """Where the quoted lines begin with which the text ends; its length where it ends otherwise."""
    end = len(text)
    for line in reversed(text.split("\n")):
        if not _QUOTED_LINE.match(line) and re.search(r"\w", line):
            break
        end -= len(line) + 1
    return max(end, 0)


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with blanks in place of these parts; lines stay lines."""
    kept, at = [], 0
    for start, end in spans:
        kept += [text[at:start], re.sub(r"[^\n]", " ", text[start:end])]
        at = end
    return "".join([*kept, text[at:]])


# Thoughts

_NAMES = "think|thinking|thought|thoughts|reasoning|analysis|reflection|scratchpad"
_OPENS_REASONING = re.compile(
    rf"<(?:{_NAMES})>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>(?:analysis|commentary)[^<\n]{{0,40}}<\|message\|>",
    re.IGNORECASE,
)
_CLOSES_REASONING = re.compile(
    rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|end\|>|(?=<\|channel\|>final)", re.IGNORECASE
)
# Without an opening: the endpoint's template had opened it.
_ENDS_REASONING = re.compile(r"(?im)^[ \t]*(?:</think(?:ing)?>|◁/think▷)|(?:</think(?:ing)?>|◁/think▷)[ \t]*$")


def _without_reasoning(text: str) -> tuple[str, bool]:
    """The text without what is thought aloud, and whether the thinking never came to an end."""
    kept: list[str] = []
    at = 0
    while opening := _OPENS_REASONING.search(text, at):
        closing = _CLOSES_REASONING.search(text, opening.end())
        if closing is None:
            line = text[text.rfind("\n", 0, opening.start()) + 1 : opening.start()]
            if not line.strip():
                return "".join(kept) + text[at : opening.start()], True
            break
        kept.append(text[at : opening.start()])
        at = closing.end()
    rest = "".join(kept) + text[at:]
    ends = list(_ENDS_REASONING.finditer(rest))
    return (rest[ends[-1].end() :] if ends else rest), False


# What is repeated of the prompt

_FENCE = re.compile(r"<<<(?!END )([A-Z][A-Z ]{0,30}) ([0-9a-f]{16})>>>")
_REST_OF_LINE = re.compile(r"[^\S\n]*(?:\n|\Z)")


def _without_fences(text: str, *, open_ones: bool) -> str:
    """The text without the parts of the prompt that the judge repeats between their fences.

    With `open_ones`, an opening fence alone on its line that is never closed takes the rest of the reply
    with it: better no verdict than one that a candidate wrote.
    """
    kept: list[str] = []
    at = 0
    while opening := _FENCE.search(text, at):
        closing = f"<<<END {opening.group(1)} {opening.group(2)}>>>"
        end = text.find(closing, opening.end())
        alone = bool(_REST_OF_LINE.match(text, opening.end()))
        if end < 0 and not (open_ones and alone):
            kept.append(text[at : opening.end()])
            at = opening.end()
            continue
        kept.append(text[at : opening.start()])
        at = len(text) if end < 0 else end + len(closing)
    return "".join(kept) + text[at:]


# Plain characters


class _Plain(dict[int, int]):
    """By code point the plain form of each character, where that is a single one."""

    def __missing__(self, code: int) -> int:
        folded = unicodedata.normalize("NFKC", chr(code))
        self[code] = ord(folded) if len(folded) == 1 else code
        return self[code]


_PLAIN = _Plain({ord(odd): ord(form) for odd, form in zip("【】〔〕〖〗’‘", "[][][]''", strict=True)})


def plain(text: str) -> str:
    """Full-width letters, digits and brackets as their plain forms; each character stays in its place."""
    return text.translate(_PLAIN)
