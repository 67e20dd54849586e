"""Checks on the words of an answer: what it is, holds, lacks, matches, and how long it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import regex

from judging.judges.rules.base import LONGEST_SEARCHED, PATTERN_SECONDS, Check, Outcome, is_count

LONGEST_COUNTED = 200_000  # characters of an answer whose script is told


def check_exact(text: str, check: Check) -> Outcome:
    """The answer is the expected text; white space around it and the width of characters make no difference."""
    said = squeezed(text)
    return Outcome(said == squeezed(check["expected"]), f"the answer is {said!r:.80}")


def check_contains(text: str, check: Check) -> Outcome:
    """All of `all` and one of `any` occur; case and width make no difference."""
    plain = folded(text)
    missing = [word for word in check.get("all", ()) if folded(word) not in plain]
    if missing:
        return Outcome(False, f"{missing[0]!r:.80} is missing")
    one_of = check.get("any", ())
    if one_of and not any(folded(word) in plain for word in one_of):
        return Outcome(False, f"none of {len(one_of)} texts was found")
    return Outcome(True, "found")


def check_not_contains(text: str, check: Check) -> Outcome:
    """None of `any` occurs."""
    plain = folded(text)
    found = [word for word in check["any"] if folded(word) in plain]
    return Outcome(not found, f"{found[0]!r:.80} was found" if found else "nothing was found")


def check_length(text: str, check: Check) -> Outcome:
    """Characters, words and sentences are within the limits."""
    counts = {"chars": len(text.strip()), "words": count_words(text), "sentences": count_sentences(text)}
    for unit, count in counts.items():
        if count < check.get(f"min_{unit}", 0) or count > check.get(f"max_{unit}", count):
            return Outcome(False, f"{count} {unit}")
    return Outcome(True, ", ".join(f"{count} {unit}" for unit, count in counts.items()))


def check_regex(text: str, check: Check) -> Outcome:
    """The pattern is found. A pattern that takes too long has not been found."""
    try:
        found = regex.search(check["pattern"], text[:LONGEST_SEARCHED], timeout=PATTERN_SECONDS)
    except TimeoutError:
        return Outcome(False, "the pattern took too long")
    return Outcome(found is not None, "found" if found else "the pattern was not found")


# What they look at


def squeezed(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def folded(text: str) -> str:
    return squeezed(text).casefold()


_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff"
_WORD = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+(?:['’.,-][^\W_{_HAN}]+)*")
_SENTENCE_END = re.compile(r"[。！？!?…]+[\"'”’」』）)]*|\.+[\"'”’)]*(?=\s|$)|\n\s*\n")


def count_words(text: str) -> int:
    """Words of a text; a Chinese character or a kana is a word."""
    return sum(1 for _ in _WORD.finditer(text))


def count_sentences(text: str) -> int:
    """Sentences by their end marks and blank lines; the full stop of "3.5" or "example.org" ends none."""
    return sum(1 for part in _SENTENCE_END.split(text) if re.search(r"\w", part))


def limits_in_order(check: Check) -> Iterator[str]:
    for unit in ("chars", "words", "sentences"):
        low, high = check.get(f"min_{unit}"), check.get(f"max_{unit}")
        if is_count(low) and is_count(high) and low > high:  # type: ignore[operator]  # both are counts
            yield f"'min_{unit}' of a check of type 'length' is above 'max_{unit}'"
