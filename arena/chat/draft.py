"""A completion in the making: text, thoughts and token counts as they arrive."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from arena.chat.base import Completion

OPEN, CLOSE = "<think>", "</think>"
MOST_TOKENS = 2**31 - 1  # what a database's integer holds; no reply is as long
MOST_TOP = 64  # tokens of a reply whose alternatives are kept


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
    tokens_cached: int | None = None
    tokens_cache_written: int | None = None
    calls: int = 1
    notes: tuple[str, ...] = ()
    _texts: list[str] = field(default_factory=list)
    _thoughts: list[str] = field(default_factory=list)
    _tools: dict[int, list[str]] = field(default_factory=dict)
    _tokens: list[Mapping[str, Any]] = field(default_factory=list)
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

    def call(self, piece: str, index: int = 0) -> None:
        """Adds a piece of the arguments of the tool call with that index."""
        self._touch(piece)
        self._tools.setdefault(index, []).append(piece)

    @property
    def tool_calls(self) -> int:
        """How many tool calls there have been."""
        return len(self._tools)

    def count(
        self, tokens_in: int | None, tokens_out: int | None, *, cached: int | None = None, written: int | None = None
    ) -> None:
        """Takes over the numbers of tokens that were told; None leaves what was told before."""
        self.tokens_in = self.tokens_in if tokens_in is None else tokens_in
        self.tokens_out = self.tokens_out if tokens_out is None else tokens_out
        self.tokens_cached = self.tokens_cached if cached is None else cached
        self.tokens_cache_written = self.tokens_cache_written if written is None else written

    def weigh(self, tokens: Any) -> None:
        """Adds tokens with their alternatives, as OpenAI writes them: token, logprob, top_logprobs."""
        if isinstance(tokens, list):
            self._tokens += [row for row in tokens if isinstance(row, Mapping)]

    def completion(self, *, streamed: bool) -> Completion:
        """The whole, as a value. Where a tool was called, its arguments are the text, and what was said before it a thought."""
        thought, said = split_thinking("".join(self._texts))
        text = self._arguments() or said
        before = "" if text == said else said.strip()
        thoughts = [part for part in ("".join(self._thoughts).strip(), thought, before) if part]
        return Completion(
            text=text,
            reasoning="\n\n".join(thoughts),
            finish=self.finish or "stop",
            tokens_in=_count(self.tokens_in),
            tokens_out=_count(self.tokens_out),
            first_token_s=self.first_token_s if streamed else None,
            seconds=time.perf_counter() - self.started,
            attempts=self.calls,
            tokens_cached=_count(self.tokens_cached),
            tokens_cache_written=_count(self.tokens_cache_written),
            top=tuple(_alternatives(row) for row in _without_thinking(self._tokens, text)[:MOST_TOP]),
            notes=self.notes,
        )

    def _arguments(self) -> str:
        """Those of the first tool call: of several, each is an answer, and two answers are no JSON."""
        return "".join(self._tools[min(self._tools)]) if self._tools else ""

    def _touch(self, piece: str) -> None:
        if piece and self.first_token_s is None:
            self.first_token_s = time.perf_counter() - self.started


def _count(told: object) -> int | None:
    """A number of tokens as the endpoint told it; None where that is no such number, as -1 for "not counted"."""
    if isinstance(told, bool) or not isinstance(told, int):
        return None
    return told if 0 <= told <= MOST_TOKENS else None


def _without_thinking(tokens: list[Mapping[str, Any]], text: str) -> list[Mapping[str, Any]]:
    """The tokens of the answer: some servers count those of the thoughts in, though they tell the thoughts apart."""
    tail = ""
    for at, row in enumerate(tokens):
        tail = tail[-len(CLOSE) :] + str(row.get("token") or "")
        if CLOSE in tail and CLOSE not in text:
            return tokens[at + 1 :]
    return tokens if text else []


def _alternatives(row: Mapping[str, Any]) -> Mapping[str, float]:
    """Token to log-probability, the token that was written first; what is no number is left out."""
    others = row.get("top_logprobs")
    listed: Iterable[Any] = [row, *others] if isinstance(others, list) else [row]
    weights: dict[str, float] = {}
    for token, weight in _weights(listed):
        # Two tokens may read the same, as halves of one character do.
        weights[token] = max(weight, weights.get(token, weight))
    return weights


def _weights(rows: Iterable[Any]) -> Iterator[tuple[str, float]]:
    for row in rows:
        token, weight = (row.get("token"), row.get("logprob")) if isinstance(row, Mapping) else (None, None)
        if isinstance(token, str) and isinstance(weight, int | float) and math.isfinite(weight):
            yield token, float(weight)
