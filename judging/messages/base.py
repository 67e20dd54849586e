"""What a message says, what is posted for it, and what became of that: plain values."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EVENTS = ("run_started", "run_failed", "run_paused", "run_done", "run_cancelled")
TEST = "test"
LONGEST_REASON = 300  # characters of why a run failed or was paused


@dataclass(frozen=True)
class RunFacts:
    """What a message tells of a run. Numbers that are not known are None; there is never an answer's text or a key in it."""

    id: int
    name: str
    status: str
    benchmark: str
    models: tuple[str, ...] = ()
    provenance: str = "real"
    done: int | None = None
    failed: int | None = None
    total: int | None = None
    spent: float | None = None
    budget: float | None = None
    reason: str = ""
    link: str = ""


@dataclass(frozen=True)
class Message:
    """One message: `delivery` is its number, the same at every try; `at` is when the event was noted, as ISO 8601.

    `run` is None in a test message.
    """

    event: str
    delivery: int
    at: str
    language: str = "en"
    run: RunFacts | None = None


@dataclass(frozen=True)
class Request:
    """What is posted, whole: the address may hold a signature."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """What became of a try: `error` is empty where it arrived; `retry_after` seconds, where the other side asked for that."""

    error: str = ""
    retry_after: float | None = None
    is_final: bool = False

    @property
    def arrived(self) -> bool:
        return not self.error


def as_json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode()


def signed(key: str, text: str) -> str:
    """The HMAC-SHA256 of a text under a key, in Base64."""
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def code_in(body: bytes, *names: str) -> str:
    """Why an answer of JSON says that the message did not arrive; "" where the first of these fields there is says 0."""
    try:
        told = json.loads(body)
    except ValueError:
        return "the answer is no JSON, so that nobody knows whether it arrived"
    code = next((told[name] for name in names if name in told), None) if isinstance(told, dict) else None
    if code is None:
        return f"the answer has no {names[0]}, so that nobody knows whether it arrived"
    if code == 0 and not isinstance(code, bool):
        return ""
    said = next((str(told[name]) for name in ("msg", "errmsg", "StatusMessage") if told.get(name)), "")
    return f"refused with code {str(code)[:40]}" + (f": {said}" if said else "")
