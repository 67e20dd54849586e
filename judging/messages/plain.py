"""Our own JSON, for programs: signed with HMAC-SHA256 over "timestamp.body" where there is a secret."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict

from judging.messages.base import Message, Request, as_json
from judging.messages.wording import worded


def request(message: Message, *, url: str, secret: str, at: float) -> Request:
    """What is posted. `at` is now in seconds since 1970, as signed; the body is the same at every try."""
    told = asdict(message.run) if message.run else None
    body = as_json(
        {
            "event": message.event,
            "delivery": message.delivery,
            "at": message.at,
            "title": worded(message).title,
            "run": told and {**told, "link": told["link"] or None, "reason": told["reason"] or None},
        }
    )
    stamp = str(int(at))
    headers = {"X-Juryroom-Delivery": str(message.delivery), "X-Juryroom-Timestamp": stamp}
    if secret:
        digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers["X-Juryroom-Signature"] = f"sha256={digest}"
    return Request(url, body, headers)


def failure(status: int, body: bytes) -> str:
    """Why the message did not arrive; any answer of 2xx says that it did."""
    return ""
