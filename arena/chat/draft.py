"""A completion in the making: text, thoughts and token counts as they arrive."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from arena.chat.base import Completion

OPEN, CLOSE = "<think>", "</think>"
MOST_TOKENS = 2**31 - 1  # what a database's integer holds; no reply is as long


def split_thinking(text: str) -> tuple[str, str]:
    """(reasoning, answer) of a reply that may begin with `<think>…</think>`.

    A block that is never closed was cut off while thinking: all of it is reasoning and the answer is
    empty. Tags further inside the text are the answer's own.
    """
    opened = text.lstrip()
    if not opened.startswith(OPEN):
        return "", text
    thought, _, answer = opened.removeprefix(OPEN).partition(CLOSE)
    return thought.strip(), answer.lstrip()


class Visible:
    """Lets through the pieces of a streamed reply, and holds back the thinking at its start."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def feed(self, piece: str) -> str:
        """What of this piece, and of what was held, may be shown now."""
        if self._state == "answer":
            return piece
        self._held += piece
        if self._state == "start":
            self._look_for_thinking()
        if self._state == "thinking" and CLOSE in self._held:
            self._state, self._held = "gap", self._held.partition(CLOSE)[2]
        if self._state == "gap":
            self._held = self._held.lstrip()
            self._state = "answer" if self._held else "gap"
        return self._release() if self._state == "answer" else ""

    def finish(self) -> str:
        """What was held and turned out to be no thinking."""
        return self._release() if self._state == "start" else ""

    def _look_for_thinking(self) -> None:
        opened = self._held.lstrip()
        if opened.startswith(OPEN):
            self._state = "thinking"
        elif not OPEN.startswith(opened):
            self._state = "answer"

    def _release(self) -> str:
        held, self._held = self._held, ""
        return held


@dataclass
class Draft:
    """What has come of one reply so far; `first_token_s` counts thoughts as tokens too."""

    started: float = field(default_factory=time.perf_counter)
    first_token_s: float | None = None
    finish: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    calls: int = 1
    _texts: list[str] = field(default_factory=list)
    _thoughts: list[str] = field(default_factory=list)
    _visible: Visible = field(default_factory=Visible)

    def say(self, piece: str) -> str:
        """Adds a piece of text; returns what of it is to be shown."""
        self._touch(piece)
        self._texts.append(piece)
        return self._visible.feed(piece)

    def rest(self) -> str:
        """What is still to be shown when no more will come."""
        return self._visible.finish()

    def think(self, piece: str) -> None:
        """Adds a piece of reasoning."""
        self._touch(piece)
        self._thoughts.append(piece)

    def completion(self, *, streamed: bool) -> Completion:
        """The whole, as a value."""
        thought, text = split_thinking("".join(self._texts))
        thoughts = [part for part in ("".join(self._thoughts).strip(), thought) if part]
        return Completion(
            text=text,
            reasoning="\n\n".join(thoughts),
            finish=self.finish or "stop",
            tokens_in=_count(self.tokens_in),
            tokens_out=_count(self.tokens_out),
            first_token_s=self.first_token_s if streamed else None,
            seconds=time.perf_counter() - self.started,
            attempts=self.calls,
        )

    def _touch(self, piece: str) -> None:
        if piece and self.first_token_s is None:
            self.first_token_s = time.perf_counter() - self.started


def _count(told: object) -> int | None:
    """A number of tokens as the endpoint told it; None where that is no such number, as -1 for "not counted"."""
    if isinstance(told, bool) or not isinstance(told, int):
        return None
    return told if 0 <= told <= MOST_TOKENS else None
