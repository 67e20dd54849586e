"""What is said of a file: English as it stands, with its words and its values kept apart, so that a page says it in another language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from django.utils.translation import gettext

Kept = str | dict[str, Any]
"""A sentence as JSON keeps it: as it stands, or `words` and `values`, each of which may be such a sentence."""


class Said(str):
    """An English sentence that knows the `words` it was made of, with %(name)s for each of its `values`."""

    __slots__ = ("values", "words")

    words: str
    values: Mapping[str, Any]


def said(words: str, **values: Any) -> Said:
    """The sentence of these words and values; a value may be such a sentence itself. Words are marked as text to translate."""
    sentence = Said(words % values)
    sentence.words, sentence.values = words, values
    return sentence


_ = said


def either(names: Sequence[str]) -> str:
    """The names, sentences perhaps, with "or" between them; "" for none."""
    return _between(names, lambda one, other: _("%(one)s or %(other)s", one=one, other=other))


def together(names: Sequence[str]) -> str:
    """The names, sentences perhaps, with "and" between them; "" for none."""
    return _between(names, lambda one, other: _("%(one)s and %(other)s", one=one, other=other))


def listed(names: Sequence[str]) -> str:
    """The names, sentences perhaps, with commas between them; "" for none."""
    return _between(names, lambda one, other: _("%(one)s, %(other)s", one=one, other=other))


def _between(names: Sequence[str], pair: Callable[[str, str], str]) -> str:
    return reduce(pair, names) if names else ""


def kept(sentence: str, clean: Callable[[str], str] = str) -> Kept:
    """The sentence as JSON keeps it, every text of it that is not our own made `clean`."""
    if not isinstance(sentence, Said):
        return clean(sentence)
    numbers = {name: one for name, one in sentence.values.items() if isinstance(one, int | float)}
    texts = {name: kept(one if isinstance(one, str) else str(one), clean) for name, one in sentence.values.items()}
    values = texts | numbers
    return {"words": sentence.words, "values": values}


def in_words(told: Kept) -> str:
    """What was kept, in the language that is active; as it stands where it is no sentence of ours."""
    if isinstance(told, str):
        return told
    values = {name: in_words(one) if isinstance(one, str | dict) else one for name, one in told["values"].items()}
    return gettext(told["words"]) % values
