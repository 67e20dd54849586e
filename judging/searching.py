"""Full text of questions and answers, in any language, on SQLite and PostgreSQL: every word must occur, in any order.

Chinese has no breaks between words, so that a word is found wherever its characters stand. The turns of a question or
answer are one JSON column; the text of that column is searched as the database writes it, without unpacking it for each
row. SQLite tells capitals from small letters outside A to Z, PostgreSQL does not.

There is no index: those of three characters (pg_trgm, FTS5) know no word of two Chinese characters, and are larger than the texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Replace

from arena.models import Answer, Battle, Question

MOST_WORDS = 8  # each is one more look at every text
MOST_TURNS = 4  # that are looked at one by one
PIECES = re.compile(r'"([^"]+)"|(\S+)')
ESCAPED = re.compile(r"[0-9a-fu]{1,5}", re.IGNORECASE)
"""What may be part of an escape as SQLite's text has it, \\u9e21."""


def words(text: str) -> list[str]:
    """The words of a search, each once; what stands between double quotes is one. At most MOST_WORDS, [] for nothing."""
    found = (quoted or plain.strip('"') for quoted, plain in PIECES.findall(text))
    return list(dict.fromkeys(" ".join(word.split()) for word in found if word.strip()))[:MOST_WORDS]


def questions(rows: QuerySet[Question], text: str) -> QuerySet[Question]:
    """Those with every word in what is asked; a key that has the whole search is found too."""
    if not words(text):
        return rows
    return _readable(rows).filter(Q(key__icontains=text.strip()) | _every(words(text)))


def answers(rows: QuerySet[Answer], text: str) -> QuerySet[Answer]:
    """Those with every word in what the model wrote."""
    return _readable(rows).filter(_every(words(text)))


def battles(rows: QuerySet[Battle], text: str) -> QuerySet[Battle]:
    """Those with every word in the question, or every word in one of the two answers. Each text is looked at once."""
    if not words(text):
        return rows
    asked = questions(Question.objects.order_by(), text).values("pk")
    written = answers(Answer.objects.order_by(), text).values("pk")
    return rows.filter(Q(question__in=asked) | Q(first__in=written) | Q(second__in=written))


def _readable(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows, to be filtered by their turns as the database keeps them (`_kept`) and as text (`_written`): there a new line or
    a tab is a space, so that a letter of an escape is no letter of a word."""
    kept = Cast("turns", TextField())
    return rows.alias(_kept=kept, _written=_spaced(_spaced(kept, "\\n"), "\\t"))


def _spaced(text: Any, escape: str) -> Replace:
    return Replace(text, Value(escape), Value(" "), output_field=TextField())


def _every(wanted: Sequence[str]) -> Q:
    """Whether what is written has each of these words in one of the spellings that the database may write it in."""
    found = Q()
    for word in wanted:
        spellings = Q()
        for spelling in _spellings(word, connection.vendor):
            spellings |= _has(spelling, connection.vendor)
        if connection.vendor == "sqlite" and ESCAPED.fullmatch(word):
            by_turn = Q()
            for turn in range(MOST_TURNS):
                by_turn |= Q(**{f"turns__{turn}__icontains": word})
            spellings &= by_turn
        found &= spellings
    return found


def _has(spelling: str, vendor: str) -> Q:
    """Whether what is written has this; what PostgreSQL need not put into capitals for it stays as it is.

    SQLite looks at what is kept first, where each piece of it has to be as well: to put spaces into every text takes five times
    as long as to look. It looks twice as fast for what begins with no escape.
    """
    said = Q(**{f"_written__{'contains' if spelling.upper() == spelling.lower() else 'icontains'}": spelling})
    if vendor != "sqlite":
        return said
    pieces = Q()
    for piece in spelling.split():
        pieces &= Q(_kept__icontains=piece.removeprefix("\\u"))
    return pieces & said


def _spellings(word: str, vendor: str) -> Iterator[str]:
    """How JSON text has this word: PostgreSQL as it is, SQLite as it was written, with or without escapes."""
    yield json.dumps(word, ensure_ascii=False)[1:-1]
    if vendor == "sqlite" and not word.isascii():
        yield json.dumps(word)[1:-1]


def excerpt(texts: Sequence[str], text: str, *, length: int = 160) -> str:
    """The part of these turns around the first word that was found, or else their beginning, with … where it was cut."""
    whole = " ".join(" ".join(texts).split())
    places = [whole.casefold().find(word.casefold()) for word in words(text)]
    start = max(0, min((place for place in places if place >= 0), default=0) - length // 4)
    cut = whole[start : start + length]
    return f"{'…' if start else ''}{cut}{'…' if start + length < len(whole) else ''}"
