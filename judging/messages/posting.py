"""Messages posted, several at a time: no redirect is followed, nothing is waited for long, little is read of an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from time import time
from urllib.parse import parse_qsl, urlsplit

import aiohttp

from judging.messages.base import Request, Sent

TIMEOUT = 10.0  # seconds for the whole of a try
CONNECT = 5.0  # of which to connect
MOST_READ = 64 * 1024  # bytes of an answer
AT_ONCE = 20
LONGEST_WAIT = 3600.0  # seconds that we let the other side make us wait
LONGEST_ERROR = 300  # characters, as a row keeps them
SHORTEST_SECRET = 6  # characters; what is shorter is a word that many texts hold
AGAIN = (408, 425, 429)  # errors of ours by their number that a later try may not meet
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Failure = Callable[[int, bytes], str]


def is_web_address(url: str) -> bool:
    """Whether this is an address of http or https with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def post_all(posts: Sequence[tuple[Request, Failure]]) -> list[Sent]:
    """What became of each of these, all tried at the same time; TIMEOUT seconds and a little at the longest for each AT_ONCE."""
    return asyncio.run(_post_all(posts)) if posts else []


async def _post_all(posts: Sequence[tuple[Request, Failure]]) -> list[Sent]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(request: Request, failure: Failure) -> Sent:
        async with turns:
            return await _post(request, failure)

    return list(await asyncio.gather(*(in_turn(*one) for one in posts)))


async def _post(request: Request, failure: Failure) -> Sent:
    if not is_web_address(request.url):
        return Sent("the address is none of http or https", is_final=True)
    patience = aiohttp.ClientTimeout(total=TIMEOUT, connect=CONNECT)
    is_here = urlsplit(request.url).hostname in LOOPBACK
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Juryroom", **request.headers}
    try:
        async with (
            aiohttp.ClientSession(
                timeout=patience, trust_env=not is_here, cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
            session.post(request.url, data=request.body, headers=headers, allow_redirects=False) as response,
        ):
            body = await _read(response)
            return _told(response.status, dict(response.headers), body, failure)
    except TimeoutError:
        return Sent(f"no answer within {TIMEOUT:g} seconds")
    except aiohttp.ClientConnectorError:
        return Sent("no connection")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # only the kind of the error: its words hold the address
        return Sent(f"the exchange broke off ({type(error).__name__})")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The answer's body, as much of it as is read."""
    found = bytearray()
    async for part in response.content.iter_chunked(8192):
        found += part
        if len(found) >= MOST_READ:
            break
    return bytes(found[:MOST_READ])


def _told(status: int, headers: dict[str, str], body: bytes, failure: Failure) -> Sent:
    wait = _seconds({name.lower(): text for name, text in headers.items()}.get("retry-after", ""))
    if 200 <= status < 300:
        return Sent(failure(status, body), wait)
    if 300 <= status < 400:
        return Sent(f"HTTP {status}: it leads elsewhere, where we do not follow", is_final=True)
    return Sent(f"HTTP {status}", wait, is_final=400 <= status < 500 and status not in AGAIN)


def _seconds(text: str) -> float | None:
    """How long a Retry-After asks to wait, from 0 to LONGEST_WAIT; None where it says nothing that can be read."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else None


def without_address(text: str, *, url: str, secret: str = "") -> str:
    """The text without the address, any part of it that is as good as a key, or the secret; cut to what a row keeps."""
    for part in sorted(_parts(url, secret), key=len, reverse=True):
        text = text.replace(part, "…")
    return text if len(text) <= LONGEST_ERROR else text[: LONGEST_ERROR - 1] + "…"


def _parts(url: str, secret: str) -> set[str]:
    try:
        address = urlsplit(url)
    except ValueError:
        return {url, secret} - {""}
    pieces = [*address.path.split("/"), *(value for _, value in parse_qsl(address.query)), address.password or ""]
    pieces.append(address.netloc)
    return {url, secret, *(piece for piece in pieces if len(piece) >= SHORTEST_SECRET)} - {""}
