"""WeCom's group robots: Markdown of 4,096 bytes at most. https://developer.work.weixin.qq.com/document/path/91770"""

from __future__ import annotations

from judging.messages.base import Message, Request, as_json, code_in
from judging.messages.wording import without_markdown, worded

MOST_BYTES = 4096


def request(message: Message, *, url: str, secret: str, at: float) -> Request:
    """What is posted; WeCom has no secret beside the address. Lines that do not fit are left out, the link never."""
    said = worded(message, without_markdown)
    link = f"\n[{said.link_words}]({message.run.link})" if message.run and message.run.link else ""
    room = MOST_BYTES - len(link.encode())
    lines = [f"## {said.title}", *(f"> {label}{said.colon}{value}" for label, value in said.lines)]
    text = cut_bytes("\n".join(lines), room) + link
    return Request(url, as_json({"msgtype": "markdown", "markdown": {"content": text}}))


def cut_bytes(text: str, most: int) -> str:
    """The text in at most so many bytes of UTF-8, cut between two characters and marked where it was cut."""
    if len(text.encode()) <= most:
        return text
    return text.encode()[: most - len("…".encode())].decode("utf-8", "ignore") + "…"


def failure(status: int, body: bytes) -> str:
    """Why the message did not arrive: the status is 200 whatever went wrong."""
    return code_in(body, "errcode")
