"""Which of two answers a reply prefers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from judging.replies.base import NEGATIVE_SCORES, Reading, Reply, failed, why_nothing
from judging.replies.cut_off import first_line, settled_matches
from judging.replies.forms import ANSWER_WORD, NUMBER, asked, bracketed, last_line
from judging.replies.preparing import prepared, views

Pair = tuple[float, bool]
"""A preference, and whether both are bad."""

_Placed = tuple[int, int, Pair]
"""Where a verdict begins and ends, and what it is."""


def parse_pair(text: str, *, finish: str = "stop") -> Reading:
    """The preference of a reply about two answers; `finish` is how the reply ended, see `Completion`."""
    reply = prepared(text, finish)
    return pair_of(reply) or why_nothing(reply)


def pair_of(reply: Reply) -> Reading | None:
    """The preference in any of the forms there are; None where there is none. A refusal by the endpoint has none."""
    for view in views(reply) if reply.finish != "refused" else ():
        for find in (_asked, _ranked, _labelled, _lone):
            word = find(view)
            if word is not None:
                return Reading(value=float(word[0]), both_bad=word[1])
        scores = two_scores(first_line(view) if view.is_cut_off else view.text)
        if scores is not None:
            return compared(*scores)
    return None


def compared(first: float, second: float) -> Reading:
    """The preference of whoever gives both a score: the higher one is better, by how much says nothing."""
    return failed(NEGATIVE_SCORES) if min(first, second) < 0 else Reading(value=_sign(first - second))


def _sign(difference: float) -> float:
    return float((difference > 0) - (difference < 0))


_EVEN = (
    "TIE TIED DRAW EQUAL EVEN 平局 平手 相当 两者相当 旗鼓相当 不分高下 不分上下 不相上下 难分高下 难分伯仲 势均力敌"
)
_BOTH_BAD = "BOTHBAD BOTHAREBAD TIEBOTHBAD 都差 都不好 都很差 两个都差 两者都差 两个都不好 两者都不好"
_WORDS: Mapping[str, Pair] = {
    "A": (1, False),
    "B": (-1, False),
    "C": (0, False),
    "A>>B": (2, False),
    "A>B": (1, False),
    "A=B": (0, False),
    "A<B": (-1, False),
    "A<<B": (-2, False),
    "B>>A": (-2, False),
    "B>A": (-1, False),
    "B=A": (0, False),
    "B<A": (1, False),
    "B<<A": (2, False),
    **dict.fromkeys(_EVEN.split(), (0, False)),
    **dict.fromkeys(_BOTH_BAD.split(), (0, True)),
}
_BETTER_WORD = r"(?:ISBETTER|WINS|更好|较好|更优|更佳|胜出|获胜|胜)"
_SIGNS = {"≫": ">>", "≪": "<<", "&GT;": ">", "&LT;": "<", "==": "="}
_NUMBERED = re.compile(rf"{ANSWER_WORD}?(?:(第[一1]个|[1一])|(第[二2]个|[2二]))(?:{ANSWER_WORD})?")
_LABEL = r"(?:FINAL)?(?:VERDICT|WINNER|CHOICE|PREFERENCE|DECISION|JUDGE?MENT|最终)?(?:选择|结论|判定|裁决|胜者)?[:=]"


_SET_OFF = re.compile(r"[\s\"'“”`*()_.。，,\[\]-]")
_AROUND = re.compile(rf"^{_LABEL}|{_BETTER_WORD}$")
_NAMED_ANSWER = re.compile(rf"^{ANSWER_WORD}")


def pair_word(word: str) -> Pair | None:
    """The verdict that a word or two say: `A`, `a >> b`, `Answer B is better`, `Response 2`, `平局`."""
    if word in _WORDS:  # as most are written
        return _WORDS[word]
    bare = _SET_OFF.sub("", word).upper()
    for odd, sign in _SIGNS.items():
        bare = bare.replace(odd, sign)
    bare = _AROUND.sub("", bare)
    numbered = _NUMBERED.fullmatch(bare)
    if numbered and len(bare) > 1:
        return _WORDS["A" if numbered.group(1) else "B"]
    return _WORDS.get(_NAMED_ANSWER.sub("", bare))


# In the form that was asked for


def _asked(reply: Reply) -> Pair | None:
    return asked(reply, _from_json, _from_brackets)


def _from_brackets(text: str, quotes_count: bool) -> Iterator[_Placed]:
    """Verdicts in brackets with their places, without lists of what may be said."""
    lines: dict[int, list[_Placed]] = {}
    line = at = 0
    for start, end, content in bracketed(text, quotes_count):
        line, at = line + text.count("\n", at, start), start
        word = pair_word(content) or _compared(content)
        if word is not None:
            lines.setdefault(line, []).append((start, end, word))
    for words in _runs(lines, text.split("\n")):
        yield from _without_a_list(words)


_ITEM = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)、])|.*(?:\bif\b|如果|若|表示|代表)", re.IGNORECASE)


def _runs(lines: Mapping[int, list[_Placed]], texts: list[str]) -> Iterator[list[_Placed]]:
    """The verdicts line by line; those of lines one after the other that look like a list together."""
    run: list[_Placed] = []
    before = -2
    for number, words in lines.items():
        is_item = bool(_ITEM.match(texts[number]))
        if run and not (is_item and number == before + 1):
            yield run
            run = []
        run = run + words
        before = number if is_item else -2
    if run:
        yield run


def _without_a_list(words: list[_Placed]) -> Iterable[_Placed]:
    """Three different verdicts together are the list of what may be said; only one that is said again after them is meant."""
    said = [word for _, _, word in words]
    if len(set(said)) < 3:
        return words
    return words[-1:] if said[-1] in said[:-1] else ()


def _compared(content: str) -> Pair | None:
    """The verdict of `[[8, 6.5]]`: the higher score is better."""
    match = re.fullmatch(rf"\s*({NUMBER})\s*[,;]\s*({NUMBER})\s*", content)
    if match is None or min(float(match.group(1)), float(match.group(2))) < 0:
        return None
    return _sign(float(match.group(1)) - float(match.group(2))), False


_KEYS = {"verdict", "winner", "choice", "preference", "preferred", "better", "decision", "judgment", "judgement"}
_KEYS |= {
    "final_verdict",
    "better_answer",
    "选择",
    "结论",
    "胜者",
    "判定",
    "裁决",
    "最终结论",
    "最终选择",
    "更好的回答",
}
_FIRST_KEYS = ("a", "score_a", "a_score", "answer_a", "assistant_a", "score_1", "score1", "assistant_1", "回答a")
_SECOND_KEYS = ("b", "score_b", "b_score", "answer_b", "assistant_b", "score_2", "score2", "assistant_2", "回答b")


def _from_json(found: Mapping[str, Any]) -> Pair | None:
    """The verdict by its key, or that of two scores."""
    values = {key.casefold().strip(): value for key, value in found.items()}
    said = (pair_word(value) for key, value in values.items() if key in _KEYS and isinstance(value, str))
    word = next((word for word in said if word is not None), None)
    if word is not None:
        return word
    for first, second in zip(_FIRST_KEYS, _SECOND_KEYS, strict=True):
        one, other = _score(values.get(first)), _score(values.get(second))
        if one is not None and other is not None:
            return _sign(one - other), False
    return None


def _score(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 1e6 else None


# In looser forms

_RANK = re.compile(r"""['"]model['"]\s*:\s*['"]([^'"]{1,40})['"]\s*,\s*['"]rank['"]\s*:\s*['"]?(\d{1,2})""")
_RANKED_NAMES = {"m": "A", "M": "B", "model_1": "A", "model_2": "B", "model_a": "A", "model_b": "B", "A": "A", "B": "B"}


def _ranked(reply: Reply) -> Pair | None:
    """The verdict of a list of ranks, `[{'model': 'model_1', 'rank': 1}, …]`."""
    ranked = [] if reply.is_cut_off else _RANK.findall(reply.text)
    found = [(_RANKED_NAMES.get(name), int(rank)) for name, rank in ranked]
    ranks = {name: rank for name, rank in found[-2:] if name}
    return (_sign(ranks["B"] - ranks["A"]), False) if len(ranks) == 2 else None


_SAID = r"[AB]\s*(?:>>?|<<?|=|≫|≪)\s*[AB]|[ABC]|(?i:tied?|draw|both\s+(?:are\s+)?bad)|" + "|".join(
    sorted((word for word in _WORDS if not word.isascii()), key=len, reverse=True)
)
_LABELLED = re.compile(
    rf"""(?:(?i:verdict|winner|choice|preference|judge?ment|decision|better\s+(?:answer|assistant|response|one))
          |选择|结论|裁决|判定|胜者|胜出者|更好的(?:回答|一个|是)|最终判断|我选)
        [\s"'”`*]*(?:(?i:is)|[:=为是]|(?<=更好的是)|(?<=我选))[\s"'“`*:\[(]*
        (?:(?i:answer|assistant|response)|回答|助手)?\s*
        ({_SAID})
        (?![A-Za-z0-9>=<]|\s*(?:(?i:tie|draw|and\b|or\b|/)|[和或与、]))""",
    re.VERBOSE,
)
_TAGGED = re.compile(rf"<((?i:verdict|winner|choice|answer|decision))>\s*({_SAID})\s*</\1>")


def _labelled(reply: Reply) -> Pair | None:
    """The last `Verdict: A`, `选择：B` or `<verdict>A</verdict>`."""
    found = [(match.end(), match.group(1)) for match in settled_matches(reply, _LABELLED)]
    found += [(match.end(), match.group(2)) for match in settled_matches(reply, _TAGGED, closed=True)]
    words = [pair_word(word) for _, word in sorted(found)]
    return next((word for word in reversed(words) if word is not None), None)


def _lone(reply: Reply) -> Pair | None:
    """The verdict of a last line that is nothing else; a reply of `m` or `M` alone is the first or the second.

    Nobody can tell of a line that was cut off.
    """
    if reply.is_cut_off:
        return None
    alone = reply.text.strip().strip("\"'`*.")
    if alone in ("m", "M"):
        return _WORDS["A" if alone == "m" else "B"]
    return pair_word(last_line(reply.text))


_POINTS = rf"({NUMBER})(?:\s*/\s*\d{{1,4}})?\s*(?:分|points)?"
_TWO_NUMBERS = re.compile(
    rf"(?:scores?|ratings?|评分|得分|分数|打分)?[^\w-]*{_POINTS}(?:\s*[,;、|]\s*|\s+){_POINTS}\W*", re.IGNORECASE
)
_NAMED = re.compile(
    rf"(?:{ANSWER_WORD}\s*([AB12一二])|(?<![A-Za-z0-9])([AB]))(?![A-Za-z0-9])(?:'s)?\s*的?\s*"
    rf"(?:score|rating|得分|评分|分数|打分)?[\s*]*(?:[:=为是]|\bis\b)[\s*\[(]*{_POINTS}(?![\d.]*\d)",
    re.IGNORECASE,
)
_FIRST_NAMES = "Aa1一"


def two_scores(text: str) -> tuple[float, float] | None:
    """Two scores on the last line or the first, `8 7.5`; else the last one given to each, `Answer A: 8, Answer B: 7`."""
    lines = [line for line in text.splitlines() if line.strip()]
    for line in lines[-1:] + lines[:1]:
        match = _TWO_NUMBERS.fullmatch(line)
        if match:
            return float(match.group(1)), float(match.group(2))
    named: dict[bool, float] = {}
    for match in _NAMED.finditer(text):
        named[(match.group(1) or match.group(2)) in _FIRST_NAMES] = float(match.group(3))
    return (named[True], named[False]) if len(named) == 2 else None
