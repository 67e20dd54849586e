"""Machine checks on one answer, one function each, and the table that names them.

A check is a mapping as it stands in a question: `{"type": "choice", "expected": "B"}`, with "turn" where it is not
about the last one. `validate_check` says what is wrong with it before it is ever used.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation, localcontext
from math import prod
from typing import Any

import regex

LONGEST_PATTERN = 500  # characters
LONGEST_WRITTEN_OUT = 200_000  # characters of a pattern times all its counted repeats, {3} or {1,3}
LONGEST_SEARCHED = 100_000  # characters of an answer that a pattern is run over
DIGITS = 100  # of the numbers compared
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


def run_check(check: Check, turns: Sequence[str]) -> Outcome:
    """The outcome of a valid check on an answer, given as its turns."""
    turn = int(check.get("turn", len(turns)))
    if not 1 <= turn <= len(turns):
        return Outcome(False, f"the answer has no turn {turn}")
    return RULES[check["type"]].run(turns[turn - 1], check)


def validate_check(check: object) -> list[str]:
    """What is wrong with a check, a sentence each; an empty list for a check that can be run."""
    if not isinstance(check, Mapping):
        return ["a check is an object with a 'type'"]
    rule = RULES.get(check.get("type", "")) if isinstance(check.get("type"), str) else None
    if rule is None:
        return [f"unknown type of check {check.get('type')!r}; there are {', '.join(RULES)}"]
    return list(_problems(check, rule))


def _problems(check: Check, rule: Rule) -> Iterator[str]:
    name = check["type"]
    keys = {"turn": (_is_positive, "a whole number from 1"), **rule.keys}
    for key, value in check.items():
        if key == "type":
            continue
        if key not in keys:
            yield f"a check of type '{name}' has no key {key!r}; its keys are {', '.join(keys)}"
        elif not keys[key][0](value):
            yield f"'{key}' of a check of type '{name}' must be {keys[key][1]}, not {value!r:.80}"
    if not any(key in check for key in rule.needs):
        yield f"a check of type '{name}' needs {' or '.join(repr(key) for key in rule.needs)}"
    yield from rule.also(check)


# The checks


def _exact(text: str, check: Check) -> Outcome:
    """The answer is the expected text; white space around it and the width of characters make no difference."""
    said = _squeezed(text)
    return Outcome(said == _squeezed(check["expected"]), f"the answer is {said!r:.80}")


def _choice(text: str, check: Check) -> Outcome:
    """The letter chosen is the expected one."""
    letter = chosen_letter(text)
    seen = f"the choice is {letter}" if letter else "no choice was found"
    return Outcome(letter == str(check["expected"]).strip().upper(), seen)


def _number(text: str, check: Check) -> Outcome:
    """The last number of the answer (or the one in the last box) is the expected one, within the tolerance."""
    expected, tolerance = Decimal(str(check["expected"])), Decimal(str(check.get("tolerance", 0)))
    numbers = final_numbers(text)
    with localcontext(prec=DIGITS):
        passed = any(abs(number - expected) <= tolerance for number in numbers)
    return Outcome(passed, f"the number is {numbers[0]}" if numbers else "no number was found")


def _contains(text: str, check: Check) -> Outcome:
    """All of `all` and one of `any` occur; case and width make no difference."""
    folded = _folded(text)
    missing = [word for word in check.get("all", ()) if _folded(word) not in folded]
    if missing:
        return Outcome(False, f"{missing[0]!r:.80} is missing")
    one_of = check.get("any", ())
    if one_of and not any(_folded(word) in folded for word in one_of):
        return Outcome(False, f"none of {len(one_of)} texts was found")
    return Outcome(True, "found")


def _not_contains(text: str, check: Check) -> Outcome:
    """None of `any` occurs."""
    folded = _folded(text)
    found = [word for word in check["any"] if _folded(word) in folded]
    return Outcome(not found, f"{found[0]!r:.80} was found" if found else "nothing was found")


def _length(text: str, check: Check) -> Outcome:
    """Characters, words and sentences are within the limits."""
    counts = {"chars": len(text.strip()), "words": count_words(text), "sentences": count_sentences(text)}
    for unit, count in counts.items():
        if count < check.get(f"min_{unit}", 0) or count > check.get(f"max_{unit}", count):
            return Outcome(False, f"{count} {unit}")
    return Outcome(True, ", ".join(f"{count} {unit}" for unit, count in counts.items()))


def _json(text: str, check: Check) -> Outcome:
    """The answer is JSON and nothing else, in a code fence or not; an object with the required keys."""
    try:
        value = json.loads(_FENCED.sub(r"\1", text.strip()), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Outcome(False, "the answer is not JSON")
    required = check.get("required", ())
    if required and not isinstance(value, dict):
        return Outcome(False, "the answer is not a JSON object")
    missing = [key for key in required if key not in value]
    return Outcome(not missing, f"the key {missing[0]!r} is missing" if missing else "JSON")


def _regex(text: str, check: Check) -> Outcome:
    """The pattern is found. A pattern that takes too long has not been found."""
    try:
        found = regex.search(check["pattern"], text[:LONGEST_SEARCHED], timeout=PATTERN_SECONDS)
    except TimeoutError:
        return Outcome(False, "the pattern took too long")
    return Outcome(found is not None, "found" if found else "the pattern was not found")


# What they look at


def _squeezed(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _folded(text: str) -> str:
    return _squeezed(text).casefold()


_STATED_CHOICE = re.compile(
    r"""(?:(?i:answer|choice|option|choose|pick|select)|答案|选项|选择|应?选)
        (?:\s*(?i:is|are|would\s+be|letter|option|choice|answer|the)\b|\s*[:=为是应该选]|[\s*_"'(\[]){0,8}
        ([A-H])(?![A-Za-z0-9'])(?!\s+[a-z])""",
    re.VERBOSE,
)
_BOXED_CHOICE = re.compile(r"\\boxed\{\s*(?:\\(?:text|textbf|mathrm)\{)?\s*\(?([A-H])\)?\s*\}")
_BARE_CHOICE = re.compile(r"[\s*_(\[\"'`]*([A-H])(?:[\s*_)\]\"'`]*$|[\s*_\"'`]*[.):,、\]*])")
_BRACKETED_CHOICE = re.compile(r"[(\[]([A-H])[)\]]")
# "A" before another word is mostly an article.
_LONE_CHOICE = re.compile(r"(?<![A-Za-z0-9'])(A(?!\s+(?!is\b)[a-z])|[B-H])(?![A-Za-z0-9'])")


def chosen_letter(text: str) -> str | None:
    """The letter A–H that an answer chooses, or None.

    What is boxed or stated as the answer ("Answer: B", "答案是B") goes first, the last such one;
    then a letter at the start ("B", "B. Paris") or alone on the last line; then the last one in
    brackets; then a letter that stands alone, if there is just one.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    for pattern in (_BOXED_CHOICE, _STATED_CHOICE):
        if found := pattern.findall(plain):
            return str(found[-1])
    for line in (plain.split("\n", 1)[0], plain.rsplit("\n", 1)[-1]):
        if match := _BARE_CHOICE.match(line.strip()):
            return match.group(1)
    if found := _BRACKETED_CHOICE.findall(plain):
        return str(found[-1])
    lone = set(_LONE_CHOICE.findall(plain))
    return lone.pop() if len(lone) == 1 else None


_BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]{0,100}\}){1,200})\}")
_FRACTION = re.compile(r"\\[dt]?frac\{\s*(-?\d{1,20})\s*\}\{\s*(\d{1,20})\s*\}")
_NUMBER = re.compile(
    r"""(?<![A-Za-z0-9_.])(-?)\$?(\d{1,3}(?:,\d{3})+(?!\d)|\d{1,40}(?!\d))(\.\d{1,40})?(?:[eE]([+-]?\d{1,3})(?!\d))?
        (?:\s*(?:×|x|\*|\\times)\s*10\s*\^\s*\{?(-?\d{1,3})\}?)?
        (?:\s*/\s*(\d{1,20})(?![\d.,/]))?\s*(\\?%|万|亿)?""",
    re.VERBOSE,
)
_SCALES = {"%": Decimal("0.01"), "\\%": Decimal("0.01"), "万": Decimal(10_000), "亿": Decimal(100_000_000)}


def final_numbers(text: str) -> list[Decimal]:
    """What the last number of a text may mean: as it is written, then (with %, 万 or 亿) as it counts.

    "1,234.5", "１２", "-3", "−3", "6e3", "2 × 10^8", "3/4", "\\frac{3}{4}" and "$5" are numbers; a number in the
    last `\\boxed{}` goes before all others. Empty where there is none.
    """
    plain = unicodedata.normalize("NFKC", text.replace("½", "1/2")).translate(_SIGNS)
    boxed = _BOXED.findall(plain)
    for part in (boxed[-1:] or []) + [plain]:
        matches = list(_NUMBER.finditer(_FRACTION.sub(r" \1/\2 ", part)))
        if matches:
            return _meanings(matches[-1])
    return []


_SIGNS = str.maketrans({"\u2212": "-", "\u2044": "/", "\u00a0": " ", "\u2009": "", "\u202f": ""})


def _meanings(match: re.Match[str]) -> list[Decimal]:
    sign, whole, fraction, exponent, power, divisor, scale = match.groups()
    try:
        number = Decimal(f"{sign}{whole.replace(',', '')}{fraction or ''}")
        with localcontext(prec=DIGITS):
            number = number.scaleb(int(exponent or 0) + int(power or 0))
            number = number / Decimal(divisor) if divisor else number
    except (InvalidOperation, ZeroDivisionError):
        return []
    return [number, number * _SCALES[scale]] if scale else [number]


_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff"
_WORD = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+(?:['’.,-][^\W_{_HAN}]+)*")
_SENTENCE_END = re.compile(r"[。！？!?…]+[\"'”’」』）)]*|\.+[\"'”’)]*(?=\s|$)|\n\s*\n")


def count_words(text: str) -> int:
    """Words of a text; a Chinese character or a kana is a word."""
    return sum(1 for _ in _WORD.finditer(text))


def count_sentences(text: str) -> int:
    """Sentences by their end marks and blank lines; the full stop of "3.5" or "example.org" ends none."""
    return sum(1 for part in _SENTENCE_END.split(text) if re.search(r"\w", part))


_FENCED = re.compile(r"^```[a-zA-Z0-9]{0,20}[ \t]*\n(.*?)\n?```$", re.DOTALL)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# What their keys must be


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(_is_text(item) for item in value)


def _is_letter(value: object) -> bool:
    return isinstance(value, str) and value.strip().upper() in tuple("ABCDEFGH")


def _is_finite(value: object) -> bool:
    """A number that can be compared; infinity and not-a-number cannot."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_positive(value: object) -> bool:
    return _is_count(value) and value != 0


def _is_pattern(value: object) -> bool:
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


def _limits_in_order(check: Check) -> Iterator[str]:
    for unit in ("chars", "words", "sentences"):
        low, high = check.get(f"min_{unit}"), check.get(f"max_{unit}")
        if _is_count(low) and _is_count(high) and low > high:  # type: ignore[operator]  # both are counts
            yield f"'min_{unit}' of a check of type 'length' is above 'max_{unit}'"


def _tolerance_not_below_zero(check: Check) -> Iterator[str]:
    tolerance = check.get("tolerance", 0)
    if _is_finite(tolerance) and tolerance < 0:
        yield "'tolerance' of a check of type 'number' is below zero"


_TEXT = (_is_text, "a text that is not empty")
_TEXTS = (_is_texts, "a list of texts that are not empty")
_COUNT = (_is_count, "a whole number from 0")
_FINITE = (_is_finite, "a number")
_LIMITS = tuple(f"{end}_{unit}" for unit in ("chars", "words", "sentences") for end in ("min", "max"))

RULES: Mapping[str, Rule] = {
    "exact": Rule(_exact, {"expected": _TEXT}, ["expected"]),
    "choice": Rule(_choice, {"expected": (_is_letter, "a letter from A to H")}, ["expected"]),
    "number": Rule(_number, {"expected": _FINITE, "tolerance": _FINITE}, ["expected"], _tolerance_not_below_zero),
    "contains": Rule(_contains, {"all": _TEXTS, "any": _TEXTS}, ["all", "any"]),
    "not_contains": Rule(_not_contains, {"any": _TEXTS}, ["any"]),
    "length": Rule(_length, dict.fromkeys(_LIMITS, _COUNT), _LIMITS, _limits_in_order),
    "json": Rule(_json, {"required": _TEXTS}, ["type"]),
    "regex": Rule(
        _regex,
        {
            "pattern": (
                _is_pattern,
                f"a pattern that compiles, of up to {LONGEST_PATTERN} characters and without huge repeats",
            )
        },
        ["pattern"],
    ),
}
