"""Feishu and Lark custom bots: a card, with the signature in the body.

https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
"""

from __future__ import annotations

from judging.messages.base import Message, Request, as_json, code_in, signed
from judging.messages.wording import without_markdown, worded

COLOURS = {"run_failed": "red", "run_paused": "orange", "run_cancelled": "grey", "run_done": "green"}


def request(message: Message, *, url: str, secret: str, at: float) -> Request:
    """What is posted. The key of the signature is "timestamp, line end, secret", and what it signs is empty."""
    body: dict[str, object] = {"msg_type": "interactive", "card": _card(message)}
    if secret:
        stamp = str(int(at))
        body = {"timestamp": stamp, "sign": signed(f"{stamp}\n{secret}", ""), **body}
    return Request(url, as_json(body))


def _card(message: Message) -> dict[str, object]:
    said, plain = worded(message, without_markdown), worded(message)
    text = "\n".join(f"**{label}**{said.colon}{value}" for label, value in said.lines)
    elements: list[dict[str, object]] = [{"tag": "div", "text": {"tag": "lark_md", "content": text}}]
    if message.run and message.run.link:
        words = {"tag": "plain_text", "content": said.link_words}
        button = {"tag": "button", "text": words, "type": "default", "url": message.run.link}
        elements.append({"tag": "action", "actions": [button]})
    title = {"tag": "plain_text", "content": plain.title}
    return {
        "config": {"wide_screen_mode": True},
        "header": {"title": title, "template": COLOURS.get(message.event, "blue")},
        "elements": elements,
    }


def failure(status: int, body: bytes) -> str:
    """Why the message did not arrive: the status is 200 whatever went wrong."""
    return code_in(body, "code", "StatusCode")
