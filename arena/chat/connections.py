"""The HTTP client beneath the SDKs: wide enough for many calls at once, and sending the key nowhere else."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx2

from arena.chat.base import ChatError, Endpoint

LIMITS = httpx2.Limits(max_connections=2048, max_keepalive_connections=1024, keepalive_expiry=30.0)
CONNECT_SECONDS = 10.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


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
