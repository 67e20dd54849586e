"""Everything that can go wrong on the way to an endpoint, as one ChatError that never holds the key."""

from __future__ import annotations

import asyncio
import email.utils
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2

from arena.chat.base import ChatError, Endpoint

T = TypeVar("T")

# What may succeed later. 425 is "too early"; every 5xx is the endpoint's own trouble.
TRANSIENT_STATUS = frozenset({408, 409, 425, 429})
# An account without money is not cured by waiting, though it is told as 429.
PERMANENT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
# The same text will be found fault with again.
_PERMANENT_RESPONSE_CODES = frozenset(
    {"invalid_prompt", "data_residency_mismatch", "bio_policy", "misalignment_policy_violation"}
)
# Errors inside a stream that began with status 200: only their type tells what they are.
PERMANENT_TYPES = frozenset(
    {"invalid_request_error", "authentication_error", "permission_error", "not_found_error", "request_too_large"}
)
# Mistakes in the address or in the key, found before anything was sent.
_MISTAKES = (httpx2.LocalProtocolError, httpx2.UnsupportedProtocol, httpx2.InvalidURL, UnicodeError)
_LONGEST_REASON = 300


async def guarded(endpoint: Endpoint, work: Awaitable[T], family: type[Exception]) -> T:
    """The result of the work within the endpoint's timeout; `family` is the SDK's base exception.

    Raises ChatError, outside of any `except`, so that no chained exception carries the SDK's request
    (and with it the key) along.
    """
    try:
        async with asyncio.timeout(endpoint.timeout):
            return await work
    except (family, httpx2.HTTPError, httpx2.StreamError, *_MISTAKES, OSError, ValueError) as exc:
        failure = chat_error(exc, endpoint)
    raise failure


async def guarded_pieces(
    endpoint: Endpoint, pieces: AsyncGenerator[T, None], family: type[Exception]
) -> AsyncGenerator[T, None]:
    """The pieces as they come, all of them within the endpoint's timeout. Raises ChatError like `guarded`."""
    deadline = asyncio.get_running_loop().time() + endpoint.timeout
    # The timeout is set around each wait and not around the loop: a timeout that spans a `yield`
    # would cancel the consumer.
    async with aclosing(pieces):
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except (family, httpx2.HTTPError, httpx2.StreamError, *_MISTAKES, OSError, ValueError) as exc:
                failure = chat_error(exc, endpoint)
                break
            yield piece
    raise failure


def chat_error(exc: Exception, endpoint: Endpoint) -> ChatError:
    """The ChatError for an exception of an SDK, of httpx2 or of asyncio."""
    status = getattr(exc, "status_code", None)
    if isinstance(exc, TimeoutError) or isinstance(exc.__cause__ or exc, httpx2.TimeoutException):
        return _error(f"no answer within {endpoint.timeout:g} s", endpoint, transient=True)
    if isinstance(status, int) and status >= 300:
        response = getattr(exc, "response", None)
        return status_error(status, getattr(exc, "body", None), endpoint, getattr(response, "headers", None))
    if getattr(exc, "body", None) is not None:
        return body_error(getattr(exc, "body", None), endpoint)
    if isinstance(exc, ValueError) and not isinstance(exc, UnicodeError):
        return _error("the reply is not JSON", endpoint, transient=True)
    return _connection_error(exc, endpoint)


def body_error(body: Any, endpoint: Endpoint) -> ChatError:
    """The ChatError for an error that came with status 200, whole or in the middle of a stream."""
    facts = _facts(body)
    code = facts.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else None
    transient = _is_transient(status, facts) if status else not _is_permanent_kind(facts)
    return _error(f"the reply is an error: {reason(body, endpoint.key)}", endpoint, transient=transient, status=status)


def status_error(status: int, body: Any, endpoint: Endpoint, headers: Mapping[str, str] | None = None) -> ChatError:
    """The ChatError for an answer with this HTTP status, whether it came by itself or within a batch's results."""
    headers = headers or {}
    words = reason(body, endpoint.key)
    if status < 400:
        where = reason(headers.get("location", "nowhere"), endpoint.key)
        words = f"it redirects to {where}; give that address as its base URL"
    return _error(
        f"HTTP {status}: {words}",
        endpoint,
        transient=_is_transient(status, _facts(body)),
        status=status,
        retry_after=seconds_to_wait(headers),
    )


def malformed(what: str, endpoint: Endpoint) -> ChatError:
    """The ChatError for a reply that came with status 200 and is not one; worth another try."""
    return _error(what, endpoint, transient=True, status=200)


def failed(what: str, endpoint: Endpoint, *, transient: bool) -> ChatError:
    """The ChatError for what is no fault of a single HTTP answer, as a batch that has expired."""
    return _error(what, endpoint, transient=transient)


def refusal(body: Any) -> str:
    """All that an error's body says of what was wrong with a request, case folded: its words and the field they name."""
    facts = _facts(body)
    told = [facts.get("param"), facts.get("code"), facts.get("message") or facts.get("detail") or body]
    return " ".join(str(part) for part in told if part).casefold()


def reason(body: Any, key: str = "") -> str:
    """The endpoint's own words in an error's body, or the body itself, on one line and not too long; without the key.

    The key goes before the words are cut: half of one that stood at the end would stay.
    """
    facts = _facts(body)
    words = facts.get("message") or facts.get("detail") or body or "no reason given"
    line = redacted(" ".join(str(words).split()), key)
    return line if len(line) <= _LONGEST_REASON else line[: _LONGEST_REASON - 1] + "…"


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for (a number or a date; also `retry-after-ms`), or None."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            wait = float(headers[name]) / scale
        except (KeyError, ValueError):
            continue
        # NaN and negative numbers are no waiting times.
        return wait if 0 <= wait < float("inf") else None
    try:
        return max(0.0, email.utils.parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (KeyError, ValueError):
        return None


def _is_permanent_kind(facts: Mapping[str, Any]) -> bool:
    codes = PERMANENT_CODES | _PERMANENT_RESPONSE_CODES
    return facts.get("type") in PERMANENT_TYPES | PERMANENT_CODES or facts.get("code") in codes


def _is_transient(status: int, facts: Mapping[str, Any]) -> bool:
    if facts.get("code") in PERMANENT_CODES or facts.get("type") in PERMANENT_CODES:
        return False
    return status in TRANSIENT_STATUS or status >= 500


def _connection_error(exc: Exception, endpoint: Endpoint) -> ChatError:
    cause = exc.__cause__ or exc
    if isinstance(cause, UnicodeError | httpx2.LocalProtocolError):
        return _error("the key or a header has characters that HTTP does not allow", endpoint, transient=False)
    if isinstance(cause, _MISTAKES):
        return _error(f"its base URL is not a web address: {reason(str(cause))}", endpoint, transient=False)
    bad_certificate = "CERTIFICATE_VERIFY_FAILED" in str(cause)
    words = reason(str(cause)) if str(cause) else type(cause).__name__
    return _error(f"no connection: {words}", endpoint, transient=not bad_certificate)


def _facts(body: Any) -> Mapping[str, Any]:
    """The mapping that tells what went wrong: the body's `error`, or the body."""
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error")
    if isinstance(inner, Mapping):
        return inner
    return {**body, "message": inner} if isinstance(inner, str) else body


def _error(
    words: str,
    endpoint: Endpoint,
    *,
    transient: bool,
    status: int | None = None,
    retry_after: float | None = None,
) -> ChatError:
    message = f"{_where(endpoint)}: {words}"
    return ChatError(redacted(message, endpoint.key), transient=transient, status=status, retry_after=retry_after)


def redacted(text: str, key: str) -> str:
    """The text without the key, should an endpoint have echoed it."""
    key = key.strip()
    return re.sub(re.escape(key), "[key]", text) if key else text


def _where(endpoint: Endpoint) -> str:
    """The endpoint's host, without the user name and password an address may hold."""
    try:
        host = urlsplit(endpoint.base_url).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return f"{endpoint.model} at {host}" if host else f"{endpoint.model} ({endpoint.provider})"
