"""What is wrong with a rubric, in the reader's language: `judging.judges.rubric_problems` says it in English, for files."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

PLAIN = frozenset(
    {
        gettext_noop("is missing"),
        gettext_noop("is missing or empty"),
        gettext_noop("is not text"),
        gettext_noop("is not text, or empty"),
        gettext_noop("is not a number"),
        gettext_noop("is not a finite number"),
        gettext_noop("is neither true nor false"),
        gettext_noop("is not a list"),
        gettext_noop("is not a section of keys and values"),
        gettext_noop("is below 0"),
        gettext_noop("is not above 0"),
        gettext_noop("all weights are 0"),
        gettext_noop("is the lowest mark: no mark is below it"),
        gettext_noop("has no words: words_en, words_zh or both"),
        gettext_noop("has neither deductions nor bonuses"),
        gettext_noop("there are no variants: nothing could be judged"),
        gettext_noop("stand beside dimensions: a mark is counted by the one or by the other"),
        gettext_noop("is not a section with a rubric for each category"),
        gettext_noop("is empty"),
        gettext_noop("is for a case that one before it is for"),
        gettext_noop("stands beside cases: each of them says its own"),
        gettext_noop("ask for verdicts on one answer and on two"),
        gettext_noop("is not text: put the category in quotation marks"),
    }
)
WITH_FACTS = (
    (
        r"is outside the scale from (?P<low>\S+) to (?P<high>\S+)",
        gettext_noop("is outside the scale from %(low)s to %(high)s"),
    ),
    (r"is not above the lowest mark, (?P<low>\S+)", gettext_noop("is not above the lowest mark, %(low)s")),
    (r"is above the base, (?P<base>\S+)", gettext_noop("is above the base, %(base)s")),
    (r"is below the base, (?P<base>\S+)", gettext_noop("is below the base, %(base)s")),
    (r"(?P<what>.+) stands here twice", gettext_noop("%(what)s stands here twice")),
    (r"(?P<what>.+) is not known; there are (?P<known>.+)", gettext_noop("%(what)s is not known; there are %(known)s")),
    (r"is not known; there are (?P<known>.+)", gettext_noop("is not known; there are %(known)s")),
    (r"(?P<what>\{\w+\}) is not known", gettext_noop("%(what)s is not known")),
    (r"is not one of (?P<known>.+)", gettext_noop("is not one of %(known)s")),
    (
        r"(?P<what>\{\w+\}) is not there in every case it is for",
        gettext_noop("%(what)s is not there in every case it is for"),
    ),
    (r"does not show (?P<what>\{\w+\})", gettext_noop("does not show %(what)s")),
    (
        r"is (?P<n>\d+) characters long; at most (?P<most>\d+) are kept",
        gettext_noop("is %(n)s characters long; at most %(most)s are kept"),
    ),
)


def in_words(message: str) -> str:
    """The message in the reader's language; one that has no words yet as it is."""
    if message in PLAIN:
        return _(message)
    for pattern, words in WITH_FACTS:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            return _(words) % found.groupdict()
    return message
