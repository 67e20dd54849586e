"""The socket of a board: it is sent the board anew a moment after a vote, and says which boards are looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from functools import partial
from typing import NamedTuple
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import translation

from arena.models import Benchmark, Provenance
from arena.pumps import FragmentSocket, Pump, asked_of
from judging.access import who_follow
from judging.models import Run
from rating import boards, watched
from rating.seen import Seen
from rating.views.boards import fragment

EVERY = 0.5  # seconds between two states of a board that are sent


class Look(NamedTuple):
    """All that what one reader of a benchmark's boards sees depends on; `user` is None for a visitor."""

    query: str
    language: str
    host: str
    is_secure: bool
    user: int | None = None

    @property
    def page(self) -> Look:
        """What readers of the same page share, whoever they are."""
        return self._replace(user=None)


class BoardChanges(FragmentSocket):
    """Whoever votes reads a board as it was before the vote; anybody else follows it. What comes is the part that votes change."""

    async def subscribe(self) -> tuple[str, Hashable, Callable[[], Pump]] | None:
        pk = self.scope["url_route"]["kwargs"]["pk"]
        reader = self.scope["user"].pk
        if not await database_sync_to_async(may_follow)(pk, {reader}):
            return None
        hosts = [value.decode("latin-1") for name, value in self.scope["headers"] if name == b"host"]
        asked = parse_qs(asked_of(self.scope))
        language = asked.pop("lang", [""])[0]
        known = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        query = QueryDict(mutable=True)
        for name, values in asked.items():
            query.setlist(name, values)
        look = Look(query.urlencode(), known, hosts[0] if hosts else "", self.scope.get("scheme") == "wss", reader)
        return f"board-{pk}", look, partial(Pump, f"board-{pk}", partial(shown, pk), every=EVERY, stale=watched.AGAIN)


def shown(pk: int, looks: Collection[Look]) -> dict[Hashable, str | None]:
    """What each of these readers of the benchmark's boards sees now; none of it where the benchmark is gone, and for whoever votes."""
    benchmark = Benchmark.objects.filter(pk=pk).first()
    following = may_follow(pk, {look.user for look in looks})
    looks = [look for look in looks if look.user in following]
    if benchmark is None:
        return {}
    found: dict[Hashable, str | None] = {}
    places = []
    for look in {look.page for look in looks}:
        with translation.override(look.language):
            try:
                read, html = fragment(request_of(look, benchmark), benchmark)
            except boards.NoSuchBoard:
                continue
        found[look] = html
        if not read.language:
            places.append((read.source, str(read.method), read.category.pk if read.category else None))
    watched.look_at(pk, places)
    return {look: found[look.page] for look in looks if look.page in found}


def may_follow(pk: int, readers: Collection[int | None]) -> set[int | None]:
    """Those of these people, by id, who may follow the boards of this benchmark; None is a visitor. None where it is gone.

    Two queries where nobody votes, else two more for all readers together; only of a demo ten for each of the others.
    """
    benchmark = Benchmark.objects.filter(pk=pk).first()
    if benchmark is None:
        return set()
    votes = set(
        benchmark.runs.filter(status=Run.Status.OPEN).order_by().values_list("provenance", flat=True).distinct()
    )
    if not votes:
        return set(readers)
    following: set[int | None] = set(who_follow([reader for reader in readers if reader is not None]))
    if votes != {Provenance.DEMO}:
        return following
    others = set(readers) - following
    people = get_user_model().objects.in_bulk([reader for reader in others if reader is not None])
    known = {reader: people.get(reader) or AnonymousUser() for reader in others}
    return following | {reader for reader, user in known.items() if not Seen.of(user, benchmark).is_held(benchmark)}


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
