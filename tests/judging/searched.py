"""Texts of all kinds and searches for parts of them; what a search finds piece by piece, and what one look at the table finds."""

from __future__ import annotations

import random
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from arena.models import Answer, Battle, Question
from judging import searching
from tests.judging import recorded as make

WRITTEN = """
    egg Egg EGG boil n t u9e21 9e2 a é É ß ſ ı İ K 鸡蛋 鸡 蛋羹 蛋 羹 ， 🥚 👩‍🍳 ＥＧＧ ｅｇｇ ％ ＿ % _ %% 100% a_b " ' , [ ] {} / * ( é
"""
PARTS = WRITTEN.split()
SPACES = ("", "", " ", "\n", "\t", "\u3000")


def _text(drawn: random.Random, parts: int) -> str:
    return "".join(drawn.choice(PARTS) + drawn.choice(SPACES) for _ in range(parts))


def fill(drawn: random.Random, *, questions: int = 24) -> None:
    """Questions of one or two turns, with two answers and a battle each."""
    benchmark, models = make.benchmark(), [make.model("Ash"), make.model("Birch")]
    for k in range(questions):
        turns = [_text(drawn, drawn.randint(1, 9)) for _ in range(drawn.randint(1, 2))]
        asked = make.question(benchmark, f"q{k}", *turns)
        for model in models:
            make.answer(asked, model, *(_text(drawn, drawn.randint(1, 9)) for _ in turns)).save()
        make.battle(asked)


def searches(drawn: random.Random, number: int) -> list[str]:
    """Each a part, or two that stand together or apart."""
    found = [_text(drawn, drawn.choice((1, 1, 2))) for _ in range(number)]
    return [text for text in found if searching.words(text)]


def at_once(table: type, text: str) -> set[int]:
    """The ids that the bare condition finds in the whole table: every word, in a spelling of the database, in the written text."""
    if table is Battle:
        asked, written = (at_once(one, text) for one in (Question, Answer))
        battles = Battle.objects.filter(Q(question__in=asked) | Q(first__in=written) | Q(second__in=written))
        return set(battles.values_list("pk", flat=True))
    rows: QuerySet[Any] = searching._readable(table.objects.all())
    every = Q()
    for word in searching.words(text):
        spelled = Q()
        for spelling in searching._spellings(word, connection.vendor):
            spelled |= Q(_written__icontains=spelling)
        if connection.vendor == "sqlite" and searching.ESCAPED.fullmatch(word):
            spelled &= Q(turns__0__icontains=word) | Q(turns__1__icontains=word)
        every &= spelled
    if table is Question:
        every |= Q(key__icontains=text.strip())
    return set(rows.filter(every).values_list("pk", flat=True))


def by_pieces(table: type, text: str, *, is_down: bool = False) -> list[int]:
    """The ids that a search finds whose time is up after every piece."""
    ids: list[int] = []
    beyond, rows = None, table.objects.all()
    while True:
        found = searching.search(rows, text, most=10**6, is_down=is_down, beyond=beyond, seconds=0)
        ids, beyond = ids + found.ids, found.reached
        if beyond is None:
            return ids


def wrong(*, seed: int, number: int) -> list[tuple[str, str]]:
    """What is found otherwise by pieces than at once, as (table, search), upwards and downwards in turn; and each (table, "") of which
    nothing was found at all."""
    drawn = random.Random(seed)
    fill(drawn)
    told = []
    for table in (Question, Answer, Battle):
        anything = False
        for n, text in enumerate(searches(drawn, number)):
            expected = sorted(at_once(table, text), reverse=n % 2 == 1)
            anything = anything or bool(expected)
            if by_pieces(table, text, is_down=n % 2 == 1) != expected:
                told.append((table.__name__, text))
        if not anything:
            told.append((table.__name__, ""))
    return told
