"""Why a run or a try-out stopped: on record it stands in English, a page says it in its reader's language."""

from __future__ import annotations

import re

from django.utils.translation import gettext, gettext_noop

from arena.keys import NOT_LET, NOT_SET, NOT_THERE, OURS

NO_PRICE = gettext_noop("a budget needs prices, and model %(model)s has none")
SPENT = gettext_noop("the budget of %(budget)s is spent (%(spent)s); raise it and resume to go on")
UNMETERED = gettext_noop("%(n)s calls, and the endpoint did not say what any of them took: no budget can be kept")
NOTHING = gettext_noop(
    "there is nothing to judge: the models have no answers to these questions, or not enough for a pair"
)
NO_ANSWERS = gettext_noop("these models have no answers to judge here")
ANSWERS = gettext_noop("%(n)s answers failed (%(model)s: %(error)s); the next go asks again")
AN_ANSWER = gettext_noop("an answer failed (%(model)s: %(error)s); the next go asks again")
OF_ENDPOINTS = (
    gettext_noop("its base URL is not a web address: "),
    gettext_noop("it redirects to %(address)s; give that address as its base URL"),
)
"""What `arena.chat.errors` says of the address of a model."""
SENTENCES = (
    *(NOT_SET, OURS, NOT_LET, NOT_THERE),
    *(NO_PRICE, SPENT, UNMETERED, NOTHING, NO_ANSWERS, ANSWERS, AN_ANSWER),
    *OF_ENDPOINTS,
)
WHOSE = (gettext_noop("model %(name)s: "), gettext_noop("judge %(name)s: "))
"""What a reason begins with, the first of several or a later one."""
LONGEST = 2_000
"""Characters that are looked through: reasons are no longer, and what an unforeseen error says may be of any length."""
OF_BEFORE = re.compile(r"the environment variable (\w+) is not set \(field key_env\)")
"""What earlier versions said of a key, in runs that are on record."""


def in_words(error: str) -> str:
    """What is on record as the error of a run, in the language that is active; an endpoint's own words in it stay as they are."""
    told = OF_BEFORE.sub(lambda found: NOT_SET % {"name": found[1]}, error[:LONGEST])
    for sentence, pattern in PATTERNS:
        told = pattern.sub(lambda found, words=sentence: gettext(words) % found.groupdict(), told)
    return told + error[LONGEST:]


def _pattern(sentence: str, *, begins: str = "") -> re.Pattern[str]:
    """What finds the sentence with any values in it, which are bounded."""
    parts = re.split(r"%\((\w+)\)s", sentence)
    values = {part: rf"(?P<{part}>\d{{1,9}})" if part == "n" else f"(?P<{part}>.{{1,500}}?)" for part in parts[1::2]}
    return re.compile(begins + "".join(values[part] if at % 2 else re.escape(part) for at, part in enumerate(parts)))


PATTERNS = [(words, _pattern(words)) for words in SENTENCES]
PATTERNS += [(words, _pattern(words, begins=r"(?:^|(?<=; ))")) for words in WHOSE]
