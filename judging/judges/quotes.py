"""What a judge quotes of what it was shown, told apart from what it says itself.

A candidate may write a verdict, and a judge may quote it: a reply that ends there would be read as the candidate's
verdict. Here the reply is read twice, as it stands and without what it has in common with what was judged: long passages
wherever they stand, and verdicts of any length that are set as a quotation. A verdict counts where both say the same. A judge that
puts a verdict of its own in quotation marks is read, unless somebody wrote that very verdict for it.

A candidate may also foresee words of the judge and write them down, so that the judge's own verdict seems to be quoted.
Then the two readings differ, no verdict is taken from that reply, and the repair turn asks for the verdict alone, which
is too short to count as a passage.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence

from judging.judges.base import OK, PARSE_ERROR, REFUSED, TRUNCATED, Exhibit
from judging.replies import CUT_OFF, EMPTY, NO_VERDICT, Reading
from judging.replies.objects import json_objects
from judging.replies.preparing import plain

SHORTEST = 40
"""A passage in common is one of at least so many characters, without blanks and marks of quotation. Longer than any
verdict in brackets or fixed words, shorter than what anybody quotes by chance."""

ONLY_QUOTED = "the verdict in the reply may be one that the judge only quotes from what it was shown"

_MARKS = ">*_`\"'“”‘’「」『』«»"
_FENCE = re.compile(r"<<<[^<>\n]+>>>")
_CODE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)


def read_apart(parse: Callable[[str], Reading], exhibit: Exhibit, reply: str) -> Reading:
    """What the judge itself says in its reply, read by `parse`; a failure where its verdict may be a quoted one."""
    whole = parse(reply)
    texts = list(_texts(exhibit))
    rest = without_quoted_verdicts(without_quotes(reply, texts), texts, parse)
    if rest == reply or (whole.status == OK and _is_all_json(reply)):
        return whole
    own = parse(rest)
    if whole.status == OK:
        other = own if own.status == TRUNCATED else Reading(status=PARSE_ERROR, error=ONLY_QUOTED)
        return whole if _says(own) == _says(whole) else other
    # What is quoted may have hidden the verdict (a thought that never ends), or refused in the judge's name.
    return own if own.status == OK or whole.status in (REFUSED, TRUNCATED) else whole


def without_quotes(reply: str, texts: Sequence[str]) -> str:
    """The reply with an ellipsis in place of each passage that it has in common with one of the texts.

    Blanks, quotation marks and marks of emphasis make no difference: a judge that quotes sets them anew.
    """
    bare = _bare(reply)
    shared = [text for text in map(_bare, texts if len(bare) >= SHORTEST else ()) if _share(bare, text)]
    if not shared:
        return reply
    kept, at = [], 0
    for start, end in _apart_from_fences(reply, list(_places(reply, _passages(bare, shared)))):
        kept.append(reply[at:start])
        at = end
    return " … ".join([*kept, reply[at:]])


def without_quoted_verdicts(reply: str, texts: Sequence[str], parse: Callable[[str], Reading]) -> str:
    """The reply with an ellipsis in place of each quotation that stands in one of the texts and says anything to `parse`.

    A quotation is what is set as one: between quotation marks, as a line with `>`, as code. A reply that is nothing but a short one
    is the judge's verdict all the same: nobody can tell.
    """
    quotations = sorted(_quotations(reply))
    known = [_folded(text) for text in texts] if quotations else []
    kept, at = [], 0
    for start, end in quotations:
        if start >= at and _is_of(reply[start:end], known, parse) and not _is_all(reply, start, end):
            kept.append(reply[at:start])
            at = end
    return " … ".join([*kept, reply[at:]])


LONGEST_VERDICT = 24
"""Characters, without blanks and marks of quotation."""

_LINE_OR_CODE = (
    (">", re.compile(r"(?m)^[ \t]*>(?!>)([^\n]*)")),
    ("```", re.compile(r"(?ms)^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```[ \t]*$|\Z)")),
)
_BETWEEN_MARKS = tuple(
    (opening, re.compile(rf"(?<![A-Za-z0-9]){opening}([^{opening}{closing}]+){closing}(?![A-Za-z0-9])"))
    for opening, closing in ('""', "“”", "''", "‘’", "「」", "『』", "«»", "``")
)
_BRACKETED = re.compile(r"\[\[[^\[\]]{1,40}\]\]")


def _quotations(reply: str) -> Iterator[tuple[int, int]]:
    """Where what is set as a quotation begins and ends; the quotation marks of JSON are none."""
    for mark, form in _LINE_OR_CODE:
        if mark in reply:
            yield from (match.span(1) for match in form.finditer(reply))
    prose, at = "", 0
    for found in json_objects(reply, plain(reply)):
        prose += reply[at : found.start] + "{" * (found.end - found.start)
        at = found.end
    prose += reply[at:]
    for mark, form in _BETWEEN_MARKS:
        if mark in prose:
            yield from (match.span(1) for match in form.finditer(prose))


def _is_of(quotation: str, known: Sequence[str], parse: Callable[[str], Reading]) -> bool:
    """Whether one of the texts, which are folded, has brackets of the quotation's in it, or all of it where it says anything."""
    said = _folded(quotation).strip(".…,;:!?。、")
    if any(part in text for part in _BRACKETED.findall(said) for text in known):
        return True
    if not said or not any(said in text for text in known):
        return False
    # The line after it keeps a lone letter or number from being taken for a verdict.
    return parse(f"{quotation}\n…").error not in (NO_VERDICT, CUT_OFF, EMPTY)


def _folded(text: str) -> str:
    return _bare(plain(text)).replace("\\", "").casefold()


def _is_all(reply: str, start: int, end: int) -> bool:
    """Whether the reply is nothing but this quotation, and that no longer than a verdict."""
    around = reply[:start] + reply[end:]
    return not re.search(r"\w", around) and len(_bare(reply[start:end])) <= LONGEST_VERDICT


def _says(reading: Reading) -> tuple[object, ...]:
    return reading.status, reading.value, reading.both_bad, dict(reading.scores)


def _texts(exhibit: Exhibit) -> Iterator[str]:
    yield exhibit.system
    yield from exhibit.turns
    yield from (text or "" for text in exhibit.reference)
    for turns in exhibit.answers:
        yield from turns


def _bare(text: str) -> str:
    """The text without blanks, quotation marks and marks of emphasis. Of all ways to do it this is the fastest by far."""
    bare = "".join(text.split())
    for mark in _MARKS:
        bare = bare.replace(mark, "")
    return bare


def _share(bare: str, text: str) -> bool:
    """Whether they may have a passage in common: one of SHORTEST holds a whole one of these blocks, wherever it begins."""
    block = SHORTEST // 2
    return any(bare[at : at + block] in text for at in range(0, len(bare) - block + 1, block))


def _passages(bare: str, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where the passages in common stand, in their order and apart from one another."""
    known = {text[at : at + SHORTEST] for text in texts for at in range(len(text) - SHORTEST + 1)}
    start = end = -1
    for at in range(len(bare) - SHORTEST + 1):
        if bare[at : at + SHORTEST] not in known:
            continue
        if at > end:
            if end > 0:
                yield start, end
            start = at
        end = at + SHORTEST
    if end > 0:
        yield start, end


def _places(reply: str, passages: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Where in the reply the passages of its bare text stand."""
    places = [at for at, letter in enumerate(reply) if not letter.isspace() and letter not in _MARKS]
    for start, end in passages:
        first, last = places[start], places[end - 1]
        # Within JSON no escape may be halved: the n of \\n may belong to the passage by chance, or the first half of \\\\.
        first += reply[first - 1 : first] == "\\"
        while reply[last] == "\\":
            last -= 1
        yield first, last + 1


def _apart_from_fences(reply: str, places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The places without their ends that are part of a fence: a text that knows our fences has their beginning in common."""
    fences = [match.span() for match in _FENCE.finditer(reply)]
    for start, end in places:
        start = next((after for before, after in fences if before < start < after), start)
        end = next((before for before, after in fences if before < end < after), end)
        if start < end:
            yield start, end


def _is_all_json(reply: str) -> bool:
    """Whether the reply is one JSON object and nothing else: a judge bound to a schema quotes only within its strings."""
    fence = _CODE.fullmatch(reply)
    text = fence.group(1) if fence else reply.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
