"""Slack's incoming webhooks: blocks, with a text for notifications. https://docs.slack.dev/messaging/formatting-message-text"""

from __future__ import annotations

from judging.messages.base import Message, Request, as_json
from judging.messages.wording import worded

LONGEST_HEADER, LONGEST_SECTION = 150, 3000  # characters that Slack takes


def escaped(text: str) -> str:
    """The text with the three characters that mark Slack's links and mentions as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain_marks(text: str) -> str:
    """The same, and no emphasis begins in it: a zero-width space after each mark keeps it a mark."""
    return "".join(f"{one}\u200b" if one in "*_~`" else one for one in escaped(text))


def request(message: Message, *, url: str, secret: str, at: float) -> Request:
    """What is posted; Slack has no secret beside the address."""
    said, plain = worded(message, _plain_marks), worded(message)
    text = "\n".join(f"*{label}*{said.colon}{value}" for label, value in said.lines)
    blocks: list[dict[str, object]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": escaped(plain.title)[:LONGEST_HEADER], "emoji": False},
        },
        {"type": "section", "text": {"type": "mrkdwn", "text": text[:LONGEST_SECTION], "verbatim": True}},
    ]
    if message.run and message.run.link:
        link = f"<{escaped(message.run.link)}|{said.link_words}>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": link}})
    return Request(url, as_json({"text": said.title, "blocks": blocks}))


def failure(status: int, body: bytes) -> str:
    """Why the message did not arrive: Slack answers "ok" and nothing else where it did."""
    return "" if body.strip() == b"ok" else "the answer is not “ok”"
