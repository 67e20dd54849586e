"""The language that an answer is written in, told by its script."""

from __future__ import annotations

import re
from collections import Counter

import regex

from judging.judges.rules.base import Check, Outcome
from judging.judges.rules.texts import LONGEST_COUNTED

SHARE = 0.5  # of the words, that must be in the language where the check names no other

# Languages that share a script cannot be told apart so: French passes for English, and Ukrainian for Russian.
SCRIPTS = {
    "zh": ("Han",),
    "ja": ("Han", "Kana"),
    "ko": ("Hangul",),
    "en": ("Latin",),
    "ru": ("Cyrillic",),
    "ar": ("Arabic",),
    "el": ("Greek",),
    "he": ("Hebrew",),
    "hi": ("Devanagari",),
    "th": ("Thai",),
}
# A Chinese character or a kana counts as a word, as elsewhere; of the other scripts, a run of letters does.
_WORDS = regex.compile(
    r"(?P<Han>\p{Han})|(?P<Kana>[\p{Hiragana}\p{Katakana}])|(?P<Hangul>\p{Hangul}+)|(?P<Latin>\p{Latin}+)"
    r"|(?P<Cyrillic>\p{Cyrillic}+)|(?P<Arabic>\p{Arabic}+)|(?P<Greek>\p{Greek}+)|(?P<Hebrew>\p{Hebrew}+)"
    r"|(?P<Devanagari>\p{Devanagari}+)|(?P<Thai>\p{Thai}+)|(?P<Other>\p{L}+)"
)
_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)


def check_language(text: str, check: Check) -> Outcome:
    """At least `share` of the answer's words (half, unless given) are in the script of the language."""
    language = check["expected"]
    share = share_in(text, language)
    if share is None:
        return Outcome(False, "there are no words")
    return Outcome(share >= check.get("share", SHARE), f"{share:.0%} of the words are in the script of '{language}'")


def share_in(text: str, language: str) -> float | None:
    """The share (0..1) of a text's words in the script of a language of SCRIPTS; code blocks do not count.

    None where there are no words. Chinese without kana is not Japanese, and a text with kana is not Chinese
    by its Han alone: kana count among all words.
    """
    prose = _CODE.sub(" ", text[:LONGEST_COUNTED])
    counts = Counter(match.lastgroup for match in _WORDS.finditer(prose))
    words = sum(counts.values())
    if not words:
        return None
    if language == "ja" and not counts["Kana"]:
        return 0.0
    return sum(counts[script] for script in SCRIPTS[language]) / words
