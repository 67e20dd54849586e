"""Full text of questions and answers, in any language, on SQLite and PostgreSQL: every word must occur, in any order.

Chinese has no breaks between words, so that a word is found wherever its characters stand. The turns of a question or
answer are one JSON column; the text of that column is searched as the database writes it, without unpacking it for each
row. SQLite tells capitals from small letters outside A to Z, PostgreSQL does not.

There is no index. Those of three characters (pg_trgm, FTS5) know no word of two Chinese characters, are as large as the texts or
larger, and take longer to write than the answers to load: see `bench/README.md`. A list is looked through in its order, a piece
at a time, for as long as a page may take; who reads it goes on from there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Replace

from arena.listing import is_listed
from arena.models import Answer, Battle, Question

MOST_WORDS = 8  # each is one more look at every text
MOST_TURNS = 4  # that are looked at one by one
PIECE = 2_000  # rows that are looked at between two looks at the clock
SECONDS = 2.0  # in which a search has to come to something
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


@dataclass(frozen=True)
class Found:
    """Ids in the order of the list, and the id of the row after which to go on: None where nothing is left to look at, or enough
    was found."""

    ids: list[int]
    reached: int | None


def search(
    rows: QuerySet[Any],
    text: str,
    *,
    most: int,
    is_down: bool = False,
    beyond: int | None = None,
    seconds: float | None = None,
) -> Found:
    """The first `most` battles, answers or questions of a list with every word, by ids upwards or downwards from `beyond`.

    Stops when so many `seconds` (SECONDS) are over, but never before a piece was looked at. A piece costs two queries, of battles
    three: a text is looked at once, however many battles it is in.
    """
    until = monotonic() + (SECONDS if seconds is None else seconds)
    columns = ("pk", "question", "first", "second") if rows.model is Battle else ("pk",)
    ordered, ids = rows.order_by("-pk" if is_down else "pk").values_list(*columns), []
    while True:
        left = ordered if beyond is None else ordered.filter(**{"pk__lt" if is_down else "pk__gt": beyond})
        piece = list(left[:PIECE])
        ids += _with_words(rows.model, piece, text)
        if len(piece) < PIECE or len(ids) >= most:
            return Found(ids[:most], None)
        beyond = piece[-1][0]
        if monotonic() >= until:
            return Found(ids, beyond)


def _with_words(table: type, piece: Sequence[tuple[int, ...]], text: str) -> list[int]:
    """Of these rows, as `search` reads them, the ids of those with every word: in the question, or in one of the two answers."""
    if table is not Battle:
        found = _ids(table, (pk for (pk,) in piece), text)
        return [pk for (pk,) in piece if pk in found]
    asked = _ids(Question, {row[1] for row in piece}, text)
    written = _ids(Answer, {pk for _, question, *both in piece if question not in asked for pk in both}, text)
    return [pk for pk, question, *both in piece if question in asked or not written.isdisjoint(both)]


def _ids(table: Any, ids: Iterable[int], text: str) -> set[int]:
    rows = table.objects.order_by().filter(is_listed(table, ids))
    return set((questions if table is Question else answers)(rows, text).values_list("pk", flat=True))


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
            spellings |= _has(spelling)
        if connection.vendor == "sqlite" and ESCAPED.fullmatch(word):
            by_turn = Q()
            for turn in range(MOST_TURNS):
                by_turn |= Q(**{f"turns__{turn}__icontains": word})
            spellings &= by_turn
        found &= spellings
    return found


def _has(spelling: str) -> Q:
    """Whether what is written has this; what has no capitals is not put into capitals for it.

    What is kept comes first, where each piece of it has to be as well: to put spaces into every text takes longer than to look,
    on SQLite five times as long. SQLite looks twice as fast for what begins with no escape. A backslash of the text itself is
    kept as two, and a \\n or \\t behind the first made a space there is made one here.
    """
    how = "contains" if spelling.upper() == spelling.lower() else "icontains"
    spaced = spelling.replace("\\n", " ").replace("\\t", " ")
    said = Q(**{f"_written__{how}": spaced})
    pieces = Q()
    for piece in spaced.split():
        pieces &= Q(**{f"_kept__{how}": piece.removeprefix("\\u")})
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
