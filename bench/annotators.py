"""Annotators who vote over HTTP as a browser does: a session cookie, the ballot's page, posts as htmx sends them.

Each answers what is put before them until nothing is left, or until all of them together have cast so many votes. With
patience they take a site that does not answer as people do: the same post again, at the next address.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from html import unescape

import aiohttp
from yarl import URL

CHOICES = ("a", "b", "tie", "bad")
LOOKS = 2  # times that somebody who is told that nothing is left looks again
PAUSE = 0.3  # seconds before the same is tried again
LONGEST = 60.0  # seconds that an answer may take
GONE = (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError)

_BALLOT = re.compile(r'<[a-z]+ id="ballot"[^>]*>')
_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass
class Told:
    """What all annotators saw: seconds of each vote, tokens of the seats voted from (as the site acknowledged them), answers
    that are none, posts and pages asked for again as nobody answered, and how often somebody was told that nothing is left
    and was given something a moment later; `began` and `ended` are the moments of the start and of the last vote."""

    seconds: list[float] = field(default_factory=list)
    voted: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    retried: int = 0
    early: int = 0
    began: float = 0.0
    ended: float = 0.0

    @property
    def rate(self) -> float:
        """Votes a second."""
        return len(self.voted) / max(1e-9, self.ended - self.began)


class Refused(Exception):
    """The site answered, but not with a ballot."""


@dataclass(frozen=True)
class Ballot:
    """What an annotator sees: what kind of ballot, and what its form holds."""

    kind: str
    token: str = ""
    csrf: str = ""

    @classmethod
    def of(cls, html: str) -> Ballot:
        """The ballot of a page or a fragment. Raises Refused."""
        tag = _BALLOT.search(html)
        if tag is None:
            raise Refused(f"no ballot: {' '.join(html.split())[:120]}")
        facts = dict(re.findall(r'data-(ballot|token)="([^"]*)"', tag[0]))
        csrf = _CSRF.search(html)
        return cls(facts.get("ballot", ""), facts.get("token", ""), unescape(csrf[1]) if csrf else "")


async def crowd(
    addresses: Sequence[str],
    sessions: Sequence[str],
    run: int,
    *,
    most: int | None = None,
    patience: float = 0.0,
    told: Told | None = None,
) -> Told:
    """Everybody whose session it is votes in this run, all at once; each begins at an address of their own.

    `most` votes in all, or as many as there are. `patience`, in seconds, is for how long a site may not answer: 0 makes
    the first time an error. `told` is filled as they go, for whoever looks on.
    """
    told = told or Told()
    told.began = time.monotonic()
    left = [most]
    people = [
        _Annotator(addresses[k:] + addresses[:k], session, run, told, left, patience)
        for number, session in enumerate(sessions)
        for k in [number % len(addresses)]
    ]
    await asyncio.gather(*(person.work() for person in people))
    return told


class _Annotator:
    def __init__(
        self, addresses: Sequence[str], session: str, run: int, told: Told, left: list[int | None], patience: float
    ) -> None:
        self.addresses = list(addresses)
        self.session = session
        self.run = run
        self.told = told
        self.left = left
        self.patience = patience
        self.dice = random.Random(session)

    async def work(self) -> None:
        jar = aiohttp.CookieJar(unsafe=True)  # addresses are numbers
        jar.update_cookies({"sessionid": self.session}, URL(self.addresses[0]))
        limits = aiohttp.ClientTimeout(total=LONGEST)
        headers = {"Accept-Language": "en"}
        async with aiohttp.ClientSession(cookie_jar=jar, timeout=limits, headers=headers) as self.http:
            try:
                await self._vote(await self._look())
            except Refused as refused:
                self.told.errors.append(str(refused))

    async def _look(self) -> Ballot:
        return Ballot.of(await self._asked("GET", f"/vote/{self.run}/"))

    async def _vote(self, ballot: Ballot) -> None:
        looks = 0
        while looks <= LOOKS:
            if not ballot.token:
                looks += 1
                await asyncio.sleep(PAUSE)
                ballot = await self._look()
                self.told.early += bool(ballot.token)
                continue
            if not self._may():
                return
            looks, began = 0, time.perf_counter()
            after = await self._cast(ballot)
            self.told.seconds.append(time.perf_counter() - began)
            self.told.ended = time.monotonic()
            if after.token == ballot.token:
                raise Refused(f"the vote from seat {ballot.token} was not taken")
            self.told.voted.append(ballot.token)
            ballot = after

    def _may(self) -> bool:
        if self.left[0] is None:
            return True
        self.left[0] -= 1
        return self.left[0] >= 0

    async def _cast(self, ballot: Ballot) -> Ballot:
        form = {"choice": self.dice.choice(CHOICES), "csrfmiddlewaretoken": ballot.csrf}
        return Ballot.of(
            await self._asked("POST", f"/vote/{ballot.token}/cast/", data=form, headers={"HX-Request": "true"})
        )

    async def _asked(self, method: str, path: str, **more) -> str:
        """What the site says; the same once more, at the next address, for as long as patience lasts. Raises Refused."""

        async def once() -> str:
            async with self.http.request(method, self.addresses[0] + path, **more) as answer:
                text = await answer.text()
                if answer.status != 200 or "HX-Redirect" in answer.headers or answer.history:
                    raise Refused(f"{method} {path}: {answer.status}, {' '.join(text.split())[:120]}")
                return text

        return await self._patiently(once)

    async def _patiently(self, once: Callable[[], Awaitable[str]]) -> str:
        end = time.monotonic() + self.patience
        while True:
            try:
                return await once()
            except GONE as error:
                if time.monotonic() >= end:
                    raise Refused(f"no answer: {error!r}") from error
            self.told.retried += 1
            self.addresses.append(self.addresses.pop(0))
            await asyncio.sleep(PAUSE * self.dice.random())


async def inserts(address: str, people: int, *, most: int) -> Told:
    """The same number of people post to a view that inserts a row and says so: the most that votes could come to."""
    told, left = Told(began=time.monotonic()), [most]

    async def one() -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LONGEST)) as http:
            while left[0] > 0:
                left[0] -= 1
                began = time.perf_counter()
                async with http.post(f"{address}/insert/", data={"choice": "a"}) as answer:
                    await answer.text()
                told.seconds.append(time.perf_counter() - began)
                (told.voted if answer.status == 200 else told.errors).append(str(answer.status))

    await asyncio.gather(*(one() for _ in range(people)))
    told.ended = time.monotonic()
    return told
