"""The HTTP clients beneath the chats: wide enough for many calls at once, and sending the key nowhere else."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
from pydantic_core import PydanticSerializationError, to_json

from arena.chat.base import ChatError, Endpoint

if TYPE_CHECKING:
    import aiohttp

LIMITS = httpx2.Limits(max_connections=2048, max_keepalive_connections=1024, keepalive_expiry=30.0)
CONNECT_SECONDS = 10.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SENT = frozenset(
    {"accept", "content-type", "user-agent", "authorization", "x-api-key", "anthropic-version"}
    | {"openai-organization", "openai-project"}
)
"""The headers that go with a call, of all that an SDK would send."""


def http_client(endpoint: Endpoint, address: str) -> httpx2.AsyncClient:
    """A client for one endpoint and one event loop, used by the SDK and closed with it.

    Redirects are not followed, so the key stays with the address it was given for. Loopback addresses
    are reached directly, whatever proxy the environment names.
    """
    return httpx2.AsyncClient(
        limits=LIMITS,
        timeout=timeout(endpoint),
        verify=_trust(),
        follow_redirects=False,
        trust_env=urlsplit(address).hostname not in LOOPBACK,
    )


def forget_the_environment(client: Any) -> None:
    """Drops the headers that an SDK's client took from `OPENAI_CUSTOM_HEADERS` or `ANTHROPIC_CUSTOM_HEADERS`.

    They may hold a secret meant for one host, and a client of ours is for whatever host a model is at.
    """
    client._custom_headers = {}


class StatusError(httpx2.HTTPStatusError):
    """An answer with an error's status, or with one that leads elsewhere, in the SDKs' words."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__(f"HTTP {response.status_code}", request=response.request, response=response)
        self.status_code = response.status_code
        self.body: object = _json_or_text(response.content)


class Wire:
    """JSON posted to one endpoint and answered whole; for one event loop, connecting with the first call.

    The SDKs take ten times as much CPU time for such a call, and their pool looks through all of its connections each
    time: with 128 calls at once that is what one waits for. It is as careful as `http_client`: no redirects, no
    cookies, no proxy on loopback. Those of `headers` that are named in SENT go with every call.
    """

    def __init__(self, endpoint: Endpoint, address: str, headers: Mapping[str, object]) -> None:
        self._address = address.rstrip("/")
        self._connect = min(CONNECT_SECONDS, endpoint.timeout)
        self._headers = {
            name: value for name, value in headers.items() if name.lower() in SENT and isinstance(value, str)
        }
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """What is answered. Raises StatusError, and httpx2's errors as `http_client` does; waits as long as the caller lets it."""
        import aiohttp

        try:
            session = self._session or self._opened()
            async with session.post(f"{self._address}{path}", data=_dumped(body), allow_redirects=False) as answer:
                content = await answer.read()
                if answer.status < 300:
                    return content
                failure: Exception = StatusError(_response(answer, content))
        except aiohttp.ClientError as exc:
            failure = _as_httpx2(exc)
        raise failure

    async def close(self) -> None:
        """Give back the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        import aiohttp

        _check_headers(self._headers)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=LIMITS.max_connections or 0, ssl=_trust(), keepalive_timeout=30.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            proxy=_proxy(self._address),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect),
        )
        return self._session


def _dumped(body: Mapping[str, Any]) -> bytes:
    """The body as JSON; half characters, which no server reads, as question marks."""
    try:
        return to_json(body)
    except PydanticSerializationError:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _json_or_text(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")


def _response(answer: aiohttp.ClientResponse, content: bytes) -> httpx2.Response:
    # How the content travelled is not told: httpx2 would undo it once more.
    travel = {"content-encoding", "content-length", "transfer-encoding"}
    headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in travel]
    request = httpx2.Request("POST", str(answer.url))
    return httpx2.Response(answer.status, headers=headers, content=content, request=request)


def _check_headers(headers: Mapping[str, str]) -> None:
    """Raises UnicodeError or LocalProtocolError, neither of which shows the value, for what HTTP does not allow."""
    for name, value in headers.items():
        if not value.isascii():
            raise UnicodeError(f"the header {name} is not ASCII")
        if not value.isprintable():
            raise httpx2.LocalProtocolError(f"the header {name} has characters that HTTP does not allow")


def _proxy(address: str) -> str | None:
    """The proxy that the environment names for this address; None on loopback."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if host in LOOPBACK or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _as_httpx2(exc: Exception) -> httpx2.HTTPError:
    """The same failure in the words of httpx2, which all chats know."""
    import aiohttp

    if isinstance(exc, aiohttp.InvalidURL):
        return httpx2.UnsupportedProtocol(str(exc))
    if isinstance(exc, aiohttp.ServerTimeoutError):
        return httpx2.ConnectTimeout(str(exc))
    if isinstance(exc, aiohttp.ClientConnectorError):
        return httpx2.ConnectError(str(exc))
    if isinstance(exc, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError):
        return httpx2.RemoteProtocolError(str(exc) or "the server closed the connection")
    return httpx2.ReadError(str(exc) or type(exc).__name__)


def timeout(endpoint: Endpoint) -> httpx2.Timeout:
    """The endpoint's timeout for reading and writing, and a shorter one to connect; in seconds."""
    return httpx2.Timeout(endpoint.timeout, connect=min(CONNECT_SECONDS, endpoint.timeout))


def checked_options(endpoint: Endpoint, taken: frozenset[str]) -> dict[str, Any]:
    """The options to send: those that are None left out, `extra_body` unfolded.

    Raises ChatError (permanent) for an option that would overwrite what the call itself sets.
    """
    extra = endpoint.options.get("extra_body") or {}
    if not isinstance(extra, Mapping):
        raise ChatError("option 'extra_body' must be a mapping", transient=False)
    options = {**{k: v for k, v in endpoint.options.items() if k != "extra_body" and v is not None}, **extra}
    clash = sorted(taken & options.keys())
    if clash:
        raise ChatError(f"option '{clash[0]}' is set by the call itself", transient=False)
    return options


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """Loading the certificates takes tens of milliseconds: once per process is enough."""
    return httpx2.create_ssl_context()
