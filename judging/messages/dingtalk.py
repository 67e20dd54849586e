"""DingTalk's custom robots: Markdown, with the signature in the address.

https://open.dingtalk.com/document/robots/custom-robot-access
"""

from __future__ import annotations

from urllib.parse import urlencode

from judging.messages.base import Message, Request, as_json, code_in, signed
from judging.messages.wording import without_markdown, worded


def request(message: Message, *, url: str, secret: str, at: float) -> Request:
    """What is posted. `at` is signed in milliseconds, under the secret."""
    said = worded(message, without_markdown)
    lines = [f"### {said.title}", *(f"- **{label}**{said.colon}{value}" for label, value in said.lines)]
    if message.run and message.run.link:
        lines += ["", f"[{said.link_words}]({message.run.link})"]
    body = {"msgtype": "markdown", "markdown": {"title": said.title, "text": "\n".join(lines)}}
    return Request(_signed(url, secret, at) if secret else url, as_json(body))


def _signed(url: str, secret: str, at: float) -> str:
    stamp = str(int(at * 1000))
    signature = urlencode({"timestamp": stamp, "sign": signed(secret, f"{stamp}\n{secret}")})
    return f"{url}{'&' if '?' in url else '?'}{signature}"


def failure(status: int, body: bytes) -> str:
    """Why the message did not arrive: the status is 200 whatever went wrong."""
    return code_in(body, "errcode")
