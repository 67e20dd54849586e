"""Everything that a page of a board shows, and the part of it that is kept, as a snapshot never changes."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from arena.border import asked
from arena.models import Benchmark, Category, LanguageModel
from rating import boards, worth
from rating.models import Rating, Snapshot
from rating.recipe_words import basis, in_words

SOURCES = list(boards.SOURCE_NAMES.items())
"""Whose votes there may be, with their names."""
WHICH = ("source", "method", "category", "language")
"""What of an address says which board; there are so many boards of a snapshot and no more."""
KEPT = 600  # seconds
SHOWN_OF_MODEL = ("pk", "name", "version", "vendor", "family", "licence", "price_in", "price_out")
SHOWN_OF_CATEGORY = ("pk", "key", "name_en", "name_zh", "group", "position")
FORMATS = (("csv", "CSV"), ("txt", "TXT"), ("md", "Markdown"), ("json", "JSON"), ("parquet", "Parquet"))


@dataclass(frozen=True)
class Asked:
    """A board by what an address asks for, with the choices that its snapshot leaves.

    `rated` is the same board as the snapshot has it, where `board` is live.
    """

    benchmark: Benchmark
    snapshot: Snapshot | None
    choices: boards.Choices
    source: str
    board: boards.Board
    rated: boards.Board

    @property
    def title(self) -> str:
        """What the page is called: the benchmark, and what part of it is shown."""
        board = self.board
        part = board.category.name if board.category else ""
        return " · ".join(filter(None, (self.benchmark.title, part, str(self.language_name))))

    @property
    def language_name(self) -> Any:
        return boards.language_name(self.board.language) if self.board.language else ""


def read(request: HttpRequest, benchmark: Benchmark, snapshot: Snapshot | None, *, live: bool = False) -> Asked:
    """The board that the address asks for. At most seven queries. Raises NoSuchBoard."""
    query = request.GET
    there = boards.choices(snapshot)
    source = asked(query, "source") or boards.ALL
    which = {
        "category": asked(query, "category"),
        "source": source,
        "method": asked(query, "method") or there.method(source),
        "language": asked(query, "language"),
    }
    board = boards.board_in(snapshot, benchmark, **which, live=live)
    # the overview is the snapshot's, also where the board is live: half of one and half of the other would mislead
    rated = boards.board_in(snapshot, benchmark, **which) if board.live else board
    return Asked(benchmark, snapshot, there, source, board, rated)


def context(request: HttpRequest, found: Asked) -> dict[str, Any]:
    """What the templates of a board show. At most seven queries."""
    board, rated, snapshot = found.board, found.rated, found.snapshot
    live = live_context(request, found)
    is_whole = board.category is None and not board.language
    return {
        **live,
        **choosing(found.choices, found.source),
        "benchmark": found.benchmark,
        "snapshot": snapshot,
        "heat": boards.heat(rated, found.choices.categories) if is_whole else None,
        "counted": [(one, snapshot.name_of(one.judge)) for one in worth.counted(rated)] if snapshot else [],
        "title": found.title,
        "recipe": in_words(snapshot.recipe) if snapshot else [],
        "permalink": permalink(request, snapshot) if snapshot else "",
        "formats": FORMATS,
        "options": _options(board, live["pair"]),
        "hidden": [(name, request.GET[name]) for name in (*WHICH, "sort", "a", "b") if request.GET.get(name)],
        "filters": [(name, request.GET[name]) for name in FILTERS if request.GET.get(name)],
    }


def live_context(request: HttpRequest, found: Asked) -> dict[str, Any]:
    """What the parts of a board show that change with every vote: its words and its table. At most one query."""
    board = found.board
    shown = boards.Shown(board, boards.Wanted.of(request.GET))
    return {
        "board": board,
        "shown": shown,
        "pair": boards.pair(board, request.GET),
        "language_name": found.language_name,
        "basis": basis(found.snapshot.recipe) if found.snapshot else "",
        "preliminary": gettext("preliminary"),
        "has_rates": not board.is_score,
        "has_totals": board.has_totals,
        "has_speeds": shown.has_speeds,
    }


FILTERS = (*WHICH, "sort", "vendor", "family", "licence", "q", "price", "sure")


def _options(board: boards.Board, pair: boards.Pair) -> list[SafeString]:
    """The models of the board to choose from, twice, with those that are compared chosen."""
    duel = pair.duel
    chosen = (duel.one.model_id, duel.other.model_id) if duel else (None, None)
    mark = '<option value="{}"{}>{}</option>'
    rows = [(row.model_id, row.model.name) for row in board.rows if row.rating is not None]
    here = mark_safe(" selected")
    return [format_html_join("", mark, ((pk, here if pk == one else "", name) for pk, name in rows)) for one in chosen]


def choosing(there: boards.Choices, source: str) -> dict[str, Any]:
    """What the choice of a board shows: the sources and methods there are."""
    return {
        "choices": there,
        "source": source,
        "sources": [one for one in SOURCES if one[0] in there.sources],
        "methods": Rating.Method.choices,
    }


def permalink(request: HttpRequest, snapshot: Snapshot) -> str:
    """The whole address at which this very board stays, whatever is judged later."""
    which = request.GET.copy()
    for name in [name for name in which if name not in WHICH]:
        del which[name]
    query = f"?{which.urlencode()}" if which else ""
    return request.build_absolute_uri(reverse("snapshot", args=[snapshot.pk]) + query)


@dataclass(frozen=True)
class Body:
    """What a page of a board says: its title, and the HTML under the frame's own head; `is_there` where it has rows."""

    title: str
    html: str
    is_there: bool = True

    def packed(self) -> bytes:
        """Both in few bytes: tables say the same over and over."""
        return zlib.compress(f"{self.title.replace(chr(10), ' ')}\n{self.html}".encode(), 1)

    @classmethod
    def unpacked(cls, data: bytes) -> Body:
        title, _line, html = zlib.decompress(data).decode().partition("\n")
        return cls(title, mark_safe(html))  # noqa: S308 - our own templates rendered it


def kept(request: HttpRequest, snapshot: Snapshot | None, rendered: Callable[[], Body], *, at: object = None) -> Body:
    """The body of a board's page as it was rendered before, else `rendered` now. Two queries where it is kept.

    What is kept is the same for every reader of a language. It is asked for by all that it says: the snapshot, the time
    `at` of live rows, the names and prices of models, the names of categories. An address with filters, or of a board that
    is not there, is not kept: of those there is no end.
    """
    if snapshot is None or not _is_plain(request.GET):
        return rendered()
    key = _key(request, snapshot, at)
    packed = cache.get(key)
    if packed is not None:
        return Body.unpacked(packed)
    body = rendered()
    if body.is_there:
        cache.set(key, body.packed(), KEPT)
    return body


def _is_plain(query: QueryDict) -> bool:
    """Whether the address names a board and nothing else, each part once."""
    return all(name in WHICH and values == [asked(query, name)] for name, values in query.lists())


def _key(request: HttpRequest, snapshot: Snapshot, at: object) -> str:
    names = (
        list(LanguageModel.objects.values_list(*SHOWN_OF_MODEL)),
        list(Category.objects.values_list(*SHOWN_OF_CATEGORY)),
    )
    about = (settings.VERSION, get_language(), request.build_absolute_uri(), snapshot.pk, snapshot.digest)
    return f"board-{sha256(repr((about, snapshot.created_at, at, names)).encode()).hexdigest()}"
