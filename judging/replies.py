"""What a judge's reply says: text in, a verdict or a named failure out.

The last well-formed verdict wins. The form that was asked for (double brackets, JSON) goes before looser
ones (`Rating: 9/10`, `选择：A`), and those before a bare letter or number on the last line. What the judge
thought, and what it repeats of the exhibit, never counts.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from judging.judges.base import OK, PARSE_ERROR, REFUSED, Dimension, RubricText

PARSER_VERSION = "1"
"""Changes whenever the same reply may be read differently: replies of another version can be read again."""

EMPTY = "the reply is empty"
TRUNCATED = "the reply was cut off before its verdict"
NO_VERDICT = "the reply holds no verdict"
ERROR_MARK = "the reply is an error mark"
DECLINED = "the judge declined to judge"
OUT_OF_SCALE = "the mark {mark:g} is outside the scale from {lowest:g} to {highest:g}"
OTHER_SCALE = "the mark is out of {given:g}, the scale ends at {highest:g}"
NEGATIVE_SCORES = "a score below zero is no score"
NO_MARK = "the reply holds no mark for {keys}"

_V = TypeVar("_V")

LONGEST_REPLY = 100_000  # characters; of a longer reply only the end is read, where verdicts stand


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: a value, or the reason why not.

    `status` is "ok", "parse_error" or "refused"; `value` is None unless it is "ok". For a pair the value
    in [-2, 2] points towards the answer shown first; for one answer it is the mark (with dimensions the
    weighted mean of `scores`).
    """

    value: float | None = None
    both_bad: bool = False
    scores: Mapping[str, float] = field(default_factory=dict)
    status: str = OK
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Json:
    """A JSON object in a reply: where it stands, and the objects within it, itself last."""

    start: int
    end: int
    objects: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply ready to be searched: `text` without thoughts and repeated fences, in plain characters."""

    text: str
    cut_off: bool
    json: Sequence[_Json]
    finish: str


def parse_pair(text: str, *, finish: str = "stop") -> Reading:
    """The preference of a reply about two answers; `finish` is how the reply ended, see `Completion`."""
    reply = _prepared(text, finish)
    if finish == "refused":
        return _failed(DECLINED, status=REFUSED)
    for find in (_asked_pair, _ranked_pair, _labelled_pair, _lone_pair):
        word = find(reply)
        if word is not None:
            return Reading(value=float(word[0]), both_bad=word[1])
    return _two_scores(reply) or _why_nothing(reply)


def parse_score(text: str, lowest: float, highest: float, *, finish: str = "stop") -> Reading:
    """The mark of a reply about one answer, on the scale from `lowest` to `highest`."""
    reply = _prepared(text, finish)
    if finish == "refused":
        return _failed(DECLINED, status=REFUSED)
    for find in (_asked_mark, _labelled_mark, _lone_mark):
        mark = find(reply)
        if mark is not None:
            return _on_scale(mark, lowest, highest)
    return _why_nothing(reply)


def parse_scores(text: str, rubric: RubricText, *, finish: str = "stop") -> Reading:
    """The marks of a reply for each dimension of the rubric, and their weighted mean as value."""
    reply = _prepared(text, finish)
    if finish == "refused":
        return _failed(DECLINED, status=REFUSED)
    marks = _json_marks(reply, rubric.dimensions) or _labelled_marks(reply, rubric.dimensions)
    missing = [dimension.key for dimension in rubric.dimensions if dimension.key not in marks]
    if len(missing) == len(rubric.dimensions) or (missing and _is_cut_off(reply)):
        return _why_nothing(reply)
    if missing:
        return _failed(NO_MARK.format(keys=", ".join(missing)))
    readings = {key: _on_scale(mark, rubric.lowest, rubric.highest) for key, mark in marks.items()}
    bad = next((f"{key}: {reading.error}" for key, reading in readings.items() if reading.error), "")
    if bad:
        return _failed(bad)
    scores = {key: reading.value for key, reading in readings.items() if reading.value is not None}
    return Reading(value=weighted_mean(scores, rubric.dimensions), scores=scores)


def weighted_mean(scores: Mapping[str, float], dimensions: Sequence[Dimension]) -> float:
    """The mean of the scores by the dimensions' weights; the plain mean where these add up to nothing."""
    weights = [dimension.weight for dimension in dimensions]
    if sum(weights) <= 0:
        weights = [1.0] * len(dimensions)
    products = (weight * scores[dimension.key] for weight, dimension in zip(weights, dimensions, strict=True))
    return sum(products) / sum(weights)


# Failures


def _failed(error: str, *, status: str = PARSE_ERROR) -> Reading:
    return Reading(status=status, error=error)


def _is_cut_off(reply: _Reply) -> bool:
    return reply.cut_off or reply.finish == "length"


def _why_nothing(reply: _Reply) -> Reading:
    """The name of the failure of a reply in which no verdict was found."""
    if _is_cut_off(reply):
        return _failed(TRUNCATED)
    if not reply.text.strip():
        return _failed(EMPTY)
    if "$ERROR$" in reply.text:
        return _failed(ERROR_MARK)
    if _REFUSAL.match(reply.text):
        return _failed(DECLINED, status=REFUSED)
    return _failed(NO_VERDICT)


_REFUSAL = re.compile(
    r"""\W*(?:
      (?:i\b|i'm|sorry|apolog|my\s+apolog|unfortunately|as\s+an?\s+(?:ai|language)).{0,120}?
      (?:sorry|unable|can(?:no|')t|won't|will\s+not|not\s+able|decline|refuse|not\s+comfortable).{0,60}?
      (?:assist|help|judge|evaluat|compar|comply|provide|rate|rating|engage|continue|fulfil|participate|discuss)
    | (?:我|抱歉|对不起|很遗憾|非常抱歉|很抱歉|作为|由于).{0,40}?(?:不能|无法|不便|不会|拒绝).{0,20}?
      (?:评判|评价|评估|评分|打分|比较|协助|帮助|提供|处理|满足|参与|讨论|继续)
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


# Making a reply readable


def _prepared(text: str, finish: str) -> _Reply:
    # Closed fences first: a candidate may write tags of reasoning, and a judge may leave a fence open in its own.
    kept, cut_off = _without_reasoning(_without_fences(text[-LONGEST_REPLY:], open_ones=False))
    plain = _plain(_without_fences(kept, open_ones=True))
    return _Reply(plain, cut_off, _json_objects(plain), finish)


_OPENS_REASONING = re.compile(r"<(think|thinking|thought|reasoning|analysis)>", re.IGNORECASE)
_CLOSES_REASONING = re.compile(r"</(?:think|thinking|thought|reasoning|analysis)>", re.IGNORECASE)
# Without an opening: the endpoint's template had opened it.
_ENDS_REASONING = re.compile(r"(?im)^[ \t]*</think(?:ing)?>|</think(?:ing)?>[ \t]*$")


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


_FENCE = re.compile(r"<<<(?!END )([A-Z][A-Z ]{0,30}) ([0-9a-f]{16})>>>")


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
        alone = not text[opening.end() :].split("\n", 1)[0].strip()
        if end < 0 and not (open_ones and alone):
            kept.append(text[at : opening.end()])
            at = opening.end()
            continue
        kept.append(text[at : opening.start()])
        at = len(text) if end < 0 else end + len(closing)
    return "".join(kept) + text[at:]


_LOOKALIKES = str.maketrans(
    {"【": "[", "】": "]", "〔": "[", "〕": "]", "〖": "[", "〗": "]", "≫": ">>", "≪": "<<", "’": "'", "‘": "'"}
)


def _plain(text: str) -> str:
    """Full-width letters, digits and brackets as their plain forms; escaped brackets as brackets."""
    folded = unicodedata.normalize("NFKC", text).translate(_LOOKALIKES)
    return folded.replace("\\[", "[").replace("\\]", "]").replace("&gt;", ">").replace("&lt;", "<")


def _json_objects(text: str) -> list[_Json]:
    """The JSON objects in the text, in their order; of very many braces only the last 200 are tried."""
    decoder, at = json.JSONDecoder(), 0
    found: list[_Json] = []
    starts = [match.start() for match in re.finditer(r"\{", text)][-200:]
    for start in starts:
        if start < at:
            continue
        try:
            value, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        found.append(_Json(start, at, list(_objects_within(value))))
    return found


def _objects_within(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _objects_within(part)
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _objects_within(part)


def _asked(
    reply: _Reply,
    from_json: Callable[[Mapping[str, Any]], _V | None],
    from_brackets: Callable[[str], Iterator[tuple[int, _V]]],
) -> _V | None:
    """The last verdict in one of the forms that prompts ask for: JSON, or double brackets outside of it."""
    found: list[tuple[int, _V]] = []
    text = reply.text
    for item in reply.json:
        verdict = next((said for each in reversed(item.objects) if (said := from_json(each)) is not None), None)
        if verdict is not None:
            found.append((item.end, verdict))
            text = text[: item.start] + " " * (item.end - item.start) + text[item.end :]
    found.extend(from_brackets(text))
    return max(found, key=lambda one: one[0])[1] if found else None


# Pairs: each finder gives (value, both bad) or None

_Pair = tuple[float, bool]

_PAIR_WORDS: Mapping[str, _Pair] = {
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
    "TIE": (0, False),
    "DRAW": (0, False),
    "EQUAL": (0, False),
    "平局": (0, False),
    "平手": (0, False),
    "不分高下": (0, False),
    "不分上下": (0, False),
    "BOTHBAD": (0, True),
    "BOTHAREBAD": (0, True),
    "TIEBOTHBAD": (0, True),
    "都差": (0, True),
    "都不好": (0, True),
    "两个都差": (0, True),
    "两个都不好": (0, True),
}
_ANSWER_WORD = r"(?:ANSWER|ASSISTANT|RESPONSE|MODEL|OUTPUT|OPTION|回答|助手|答案|选项|模型)"
_BETTER_WORD = r"(?:ISBETTER|WINS|更好|较好|更优|胜出|胜)"


def _pair_word(word: str) -> _Pair | None:
    """The verdict that a word or two say: `A`, `a >> b`, `Answer B is better`, `平局`."""
    bare = re.sub(r"[\s\"'“”`*()_.。\[\]-]", "", word).upper()
    return _PAIR_WORDS.get(re.sub(rf"^{_ANSWER_WORD}|{_BETTER_WORD}$", "", bare))


_BRACKETS = re.compile(r"\[\[([^\[\]\n]{1,40})\]\]|\\boxed\{([^{}\n]{1,40})\}")
_OPENING_QUOTES, _CLOSING_QUOTES = "\"'“「『`«", "\"'”」』`»"


def _bracketed(text: str) -> Iterator[re.Match[str]]:
    """What stands in double brackets, without what is only quoted.

    Quoted is what stands between quotation marks or on a line that starts with `>`, unless the
    reply ends there: some judges put quotation marks around their own verdict.
    """
    for match in _BRACKETS.finditer(text):
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        in_marks = before in _OPENING_QUOTES and after in _CLOSING_QUOTES and bool(before and after)
        in_block = text[text.rfind("\n", 0, match.start()) + 1 :].lstrip()[:1] == ">"
        if not (in_marks or in_block) or not re.search(r"\w", text[match.end() : match.end() + 1_000]):
            yield match


def _asked_pair(reply: _Reply) -> _Pair | None:
    return _asked(reply, _json_pair, _bracketed_pairs)


def _bracketed_pairs(text: str) -> Iterator[tuple[int, _Pair]]:
    """Verdicts in brackets with their places; three different ones on a line are the list of what may be said."""
    lines: dict[int, list[tuple[int, _Pair]]] = {}
    for match in _bracketed(text):
        content = match.group(1) or match.group(2)
        word = _pair_word(content) or _compared(content)
        if word is not None:
            lines.setdefault(text.count("\n", 0, match.start()), []).append((match.end(), word))
    for words in lines.values():
        if len({word for _, word in words}) < 3:
            yield from words


def _compared(content: str) -> _Pair | None:
    """The verdict of `[[8, 6.5]]`: the higher score is better."""
    match = re.fullmatch(rf"\s*({_NUMBER})\s*[,;]\s*({_NUMBER})\s*", content)
    if match is None or min(float(match.group(1)), float(match.group(2))) < 0:
        return None
    return _sign(float(match.group(1)) - float(match.group(2))), False


def _sign(difference: float) -> float:
    return float((difference > 0) - (difference < 0))


_PAIR_KEYS = {"verdict", "winner", "choice", "preference", "preferred", "better", "decision", "judgment", "judgement"}
_PAIR_KEYS |= {"选择", "结论", "胜者", "判定", "裁决"}


def _json_pair(found: Mapping[str, Any]) -> _Pair | None:
    said = (value for key, value in found.items() if key.casefold() in _PAIR_KEYS and isinstance(value, str))
    words = (_pair_word(value) for value in said)
    return next((word for word in words if word is not None), None)


_RANK = re.compile(r"""['"]model['"]\s*:\s*['"]([^'"]{1,40})['"]\s*,\s*['"]rank['"]\s*:\s*['"]?(\d{1,2})""")
_RANKED_NAMES = {"m": "A", "M": "B", "model_1": "A", "model_2": "B", "model_a": "A", "model_b": "B", "A": "A", "B": "B"}


def _ranked_pair(reply: _Reply) -> _Pair | None:
    """The verdict of a list of ranks, `[{'model': 'model_1', 'rank': 1}, …]`."""
    found = [(_RANKED_NAMES.get(name), int(rank)) for name, rank in _RANK.findall(reply.text)]
    ranks = {name: rank for name, rank in found[-2:] if name}
    return (_sign(ranks["B"] - ranks["A"]), False) if len(ranks) == 2 else None


_LABELLED_PAIR = re.compile(
    r"""(?:(?i:verdict|winner|choice|preference|judge?ment|decision|better\s+(?:answer|response|one))
          |选择|结论|裁决|判定|胜者|更好的回答|最终判断)
        [\s"'”`*]*(?:(?i:is)|[:=为是])[\s"'“`*:\[(]*
        (?:(?i:answer|assistant|response)|回答|助手)?\s*
        ([AB]\s*(?:>>?|<<?|=)\s*[AB]|[ABC]|(?i:tie|draw|both\s+bad)|平局|平手|都差|都不好)
        (?![A-Za-z0-9>=<]|\s*(?:(?i:tie|draw|and\b|or\b|/)|[和或与、]))""",
    re.VERBOSE,
)


def _labelled_pair(reply: _Reply) -> _Pair | None:
    """The last `Verdict: A` or `选择：B`."""
    words = [_pair_word(match.group(1)) for match in _LABELLED_PAIR.finditer(reply.text)]
    said = [word for word in words if word is not None]
    return said[-1] if said else None


def _lone_pair(reply: _Reply) -> _Pair | None:
    """The verdict of a last line that is nothing else; a reply of `m` or `M` alone is the first or the second."""
    if reply.text.strip() in ("m", "M"):
        return _PAIR_WORDS["A" if reply.text.strip() == "m" else "B"]
    return _pair_word(_last_line(reply.text))


_NUMBER = r"-?\d{1,6}(?:\.\d{1,6})?"
_TWO_NUMBERS = re.compile(rf"[^\w-]*({_NUMBER})分?(?:\s*[,;、]\s*|\s+)({_NUMBER})分?\W*")
_TWO_NAMED = re.compile(
    rf"\b(?:A|1)\s*(?:score|得分|评分)?\s*[:=]\s*({_NUMBER})(?:\s*/\s*\d+)?\s*(?:分|points)?[\s,;、。.|]*(?:and|和)?\s*"
    rf"{_ANSWER_WORD}?\s*(?:B|2)\s*(?:score|得分|评分)?\s*[:=]\s*({_NUMBER})",
    re.IGNORECASE,
)


def _two_scores(reply: _Reply) -> Reading | None:
    """The verdict of two scores on one line, the higher being better: `8 7.5`, `Answer A: 8, Answer B: 7`."""
    lines = [line for line in reply.text.splitlines() if line.strip()]
    spread = re.sub(rf"(?i){_ANSWER_WORD}\s*(?=[AB12]\b)", " ", reply.text)
    found = [match for line in (lines[-1:] + lines[:1]) if (match := _TWO_NUMBERS.fullmatch(line))]
    found = found or list(_TWO_NAMED.finditer(spread))[-1:]
    if not found:
        return None
    first, second = float(found[0].group(1)), float(found[0].group(2))
    return _failed(NEGATIVE_SCORES) if min(first, second) < 0 else Reading(value=_sign(first - second))


# Marks: each finder gives (mark, "out of" or None) or None

_Mark = tuple[float, float | None]
_MARK = rf"({_NUMBER})(?![\d.]*\d)\s*(?:分|points?)?(?:\s*(?:/|out\s+of|满分)\s*(\d{{1,4}}))?\s*分?"
_MARK_LABEL = r"(?:rating|score|mark|grade|总分|总评|评分|得分|分数|打分)"
_BARE_MARK = re.compile(rf"(?:{_MARK_LABEL}\s*[:=]?\s*)?<?\s*{_MARK}\s*>?", re.IGNORECASE)
_LABELLED_MARK = re.compile(
    rf"{_MARK_LABEL}[\s\"'”`*]*(?:\bis\b|[:=为是]|(?=[\[(<]))[\s\"'“`*:\[(<]*{_MARK}(?!\s*[-–~至到]\s*\d)",
    re.IGNORECASE,
)
_MARK_KEYS = {"score", "rating", "mark", "grade", "overall", "总分", "总评", "评分", "得分", "分数"}


def _mark_of(match: re.Match[str]) -> _Mark:
    return float(match.group(1)), float(match.group(2)) if match.group(2) else None


def _mark_word(value: Any) -> _Mark | None:
    """The mark that a JSON value is: a number, `"8/10"`, `"8分"` or an object with a mark in it."""
    if isinstance(value, Mapping):
        marks = (_mark_word(part) for key, part in value.items() if str(key).casefold() in _MARK_KEYS)
        return next((mark for mark in marks if mark is not None), None)
    if isinstance(value, str):
        match = _BARE_MARK.fullmatch(value.strip())
        return _mark_of(match) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e6 or math.isnan(value):
        return None
    return float(value), None


def _asked_mark(reply: _Reply) -> _Mark | None:
    return _asked(reply, _mark_word, _bracketed_marks)


def _bracketed_marks(text: str) -> Iterator[tuple[int, _Mark]]:
    """Marks in brackets with their places."""
    for match in _bracketed(text):
        found = _BARE_MARK.fullmatch((match.group(1) or match.group(2)).strip())
        if found:
            yield match.end(), _mark_of(found)


def _labelled_mark(reply: _Reply) -> _Mark | None:
    """The last `Rating: 9/10`, `得分：8`."""
    marks = [_mark_of(match) for match in _LABELLED_MARK.finditer(reply.text)]
    return marks[-1] if marks else None


def _lone_mark(reply: _Reply) -> _Mark | None:
    """The mark of a last line that is nothing else."""
    match = _BARE_MARK.fullmatch(_last_line(reply.text))
    return _mark_of(match) if match else None


def _last_line(text: str) -> str:
    """The last line that says anything, without brackets, emphasis and a full stop around it."""
    lines = [line.strip(" \t\r*_`\"'“”[]().。#") for line in text.splitlines()]
    return next((line for line in reversed(lines) if line), "")


def _on_scale(mark: _Mark, lowest: float, highest: float) -> Reading:
    """The mark, or the failure of one that the scale does not have. Marks are never moved to another scale."""
    value, out_of = mark
    if out_of is not None and out_of != highest:
        return _failed(OTHER_SCALE.format(given=out_of, highest=highest))
    if not lowest <= value <= highest:
        return _failed(OUT_OF_SCALE.format(mark=value, lowest=lowest, highest=highest))
    return Reading(value=value)


# Marks for each dimension


def _names(dimension: Dimension) -> set[str]:
    """What a judge may call the dimension: its key or its name in any language."""
    return {_plain(name).casefold() for name in (dimension.key, *dimension.name.values()) if name}


def _json_marks(reply: _Reply, dimensions: Sequence[Dimension]) -> dict[str, _Mark]:
    """The marks of the last JSON object that has all dimensions; where none has, of the last that has any."""
    best: dict[str, _Mark] = {}
    for found in (each for item in reply.json for each in item.objects):
        values = {key.casefold().strip(): value for key, value in found.items()}
        marks = {}
        for dimension in dimensions:
            named = [mark for name in _names(dimension) if (mark := _mark_word(values.get(name))) is not None]
            if named:
                marks[dimension.key] = named[0]
        if marks and len(marks) >= min(len(best), len(dimensions)):
            best = marks
    return best


def _labelled_marks(reply: _Reply, dimensions: Sequence[Dimension]) -> dict[str, _Mark]:
    """The last `name: mark` of each dimension, in prose or in a list."""
    marks = {}
    for dimension in dimensions:
        names = "|".join(re.escape(name) for name in sorted(_names(dimension), key=len, reverse=True))
        found = list(
            re.finditer(
                rf"(?i)(?<![A-Za-z0-9_])(?:{names})[\s\"'”`*]*[:=为是][\s\"'“`*:\[(]*{_MARK}(?!\s*[-–~至到]\s*\d)",
                reply.text,
            )
        )
        if found:
            marks[dimension.key] = _mark_of(found[-1])
    return marks
