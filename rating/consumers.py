"""The socket of a board: it is sent the board anew a moment after a vote, and says which boards are looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from functools import partial
from typing import NamedTuple
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import translation

from arena.models import Benchmark
from arena.pumps import FragmentSocket, Pump, asked_of
from rating import boards, watched
from rating.views.boards import fragment

EVERY = 0.5  # seconds between two states of a board that are sent


class Look(NamedTuple):
    """All that what one reader of a benchmark's boards sees depends on."""

    query: str
    language: str
    host: str
    is_secure: bool


class BoardChanges(FragmentSocket):
    """Anybody may read a board. What comes is the part of the page that votes change."""

    async def subscribe(self) -> tuple[str, Hashable, Callable[[], Pump]] | None:
        pk = self.scope["url_route"]["kwargs"]["pk"]
        if not await database_sync_to_async(Benchmark.objects.filter(pk=pk).exists)():
            return None
        hosts = [value.decode("latin-1") for name, value in self.scope["headers"] if name == b"host"]
        asked = parse_qs(asked_of(self.scope))
        language = asked.pop("lang", [""])[0]
        known = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        query = QueryDict(mutable=True)
        for name, values in asked.items():
            query.setlist(name, values)
        look = Look(query.urlencode(), known, hosts[0] if hosts else "", self.scope.get("scheme") == "wss")
        return f"board-{pk}", look, partial(Pump, f"board-{pk}", partial(shown, pk), every=EVERY, stale=watched.AGAIN)


def shown(pk: int, looks: Collection[Look]) -> dict[Hashable, str | None]:
    """What each of these readers of the benchmark's boards sees now; none of it where the benchmark is gone."""
    benchmark = Benchmark.objects.filter(pk=pk).first()
    if benchmark is None:
        return {}
    found: dict[Hashable, str | None] = {}
    places = []
    for look in looks:
        with translation.override(look.language):
            try:
                read, html = fragment(request_of(look, benchmark), benchmark)
            except boards.NoSuchBoard:
                continue
        found[look] = html
        if not read.language:
            places.append((read.source, str(read.method), read.category.pk if read.category else None))
    watched.look_at(pk, places)
    return found


def request_of(look: Look, benchmark: Benchmark) -> HttpRequest:
    """A visitor's request for the page that this reader has open."""
    request = HttpRequest()
    request.method, request.user = "GET", AnonymousUser()
    request.path = request.path_info = reverse("leaderboard", args=[benchmark.pk])
    request.GET = QueryDict(look.query)
    request.META = {"HTTP_HOST": look.host or "localhost", "QUERY_STRING": look.query}
    if look.is_secure:
        request.META["wsgi.url_scheme"] = "https"
    return request
