"""The letter that an answer to a multiple-choice question chooses."""

from __future__ import annotations

import re
import unicodedata

from judging.judges.rules.base import Check, Outcome


def check_choice(text: str, check: Check) -> Outcome:
    """The letter chosen is the expected one."""
    letter = chosen_letter(text)
    seen = f"the choice is {letter}" if letter else "no choice was found"
    return Outcome(letter == str(check["expected"]).strip().upper(), seen)


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
