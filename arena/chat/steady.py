"""A chat whose calls wait their turn: no more at once than the endpoint takes, and none faster than all workers may together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from arena.chat.base import ChatError, Closing, Completion, Message, OpenChat
from arena.chat.pace import Pace
from arena.chat.throttle import Throttle, Ticket
from arena.chat.turnstile import Turnstile

BYTES_PER_TOKEN = 4
FIRST_GUESS = 256.0
"""Tokens of a reply, until some have come."""
MEMORY = 0.1
"""How much one reply counts in what is expected of the next."""


@dataclass(frozen=True, slots=True)
class _Passage:
    """A call on its way, and the tokens that it was expected to take."""

    ticket: Ticket
    tokens: float


class SteadyChat(Closing):
    """Another chat, its calls held back by a Throttle and, where there is a pace, by a Turnstile; otherwise the same."""

    def __init__(self, chat: OpenChat, pace: Pace | None = None) -> None:
        self._chat = chat
        self._throttle = Throttle()
        self._turnstile = Turnstile(pace) if pace and not pace.limits.is_none else None
        self._counts_tokens = bool(pace and pace.limits.tpm)
        self._reply = FIRST_GUESS

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        stream: bool = False,
        logprobs: int | None = None,
    ) -> Completion:
        """See `Chat.complete`; the time it waited is not in the completion's seconds."""
        passage = await self._enter(messages)
        try:
            completion = await self._chat.complete(messages, schema=schema, stream=stream, logprobs=logprobs)
        except BaseException as exc:
            self._failed(passage, exc)
            raise
        self._answered(passage, completion)
        return completion

    async def stream(self, messages: Sequence[Message]) -> AsyncIterator[str | Completion]:
        """See `Chat.stream`."""
        passage = await self._enter(messages)
        completion: Completion | None = None
        try:
            async with aclosing(self._chat.stream(messages)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    if isinstance(piece, Completion):
                        completion = piece
                    yield piece
        except BaseException as exc:
            self._failed(passage, exc)
            raise
        self._answered(passage, completion)

    async def close(self) -> None:
        """See `Chat.close`."""
        if self._turnstile:
            await self._turnstile.close()
        await self._chat.close()

    async def _enter(self, messages: Sequence[Message]) -> _Passage:
        ticket = await self._throttle.enter()
        tokens = _tokens_of(messages) + self._reply if self._counts_tokens else 0.0
        if self._turnstile is None:
            return _Passage(ticket, tokens)
        try:
            await self._turnstile.enter(tokens)
        except BaseException:
            self._throttle.dropped(ticket)
            raise
        passage = _Passage(ticket, tokens)
        try:
            await self._throttle.opened()
        except BaseException as exc:
            self._failed(passage, exc)
            raise
        return passage

    def _answered(self, passage: _Passage, completion: Completion | None) -> None:
        self._throttle.answered(passage.ticket)
        if self._turnstile is None:
            return
        taken = passage.tokens
        if self._counts_tokens and completion and completion.tokens_out is not None:
            self._reply += MEMORY * (completion.tokens_out - self._reply)
            if completion.tokens_in is not None:
                taken = completion.tokens_in + completion.tokens_out
        self._turnstile.leave(taken - passage.tokens)

    def _failed(self, passage: _Passage, exc: BaseException) -> None:
        if not isinstance(exc, ChatError):
            self._throttle.dropped(passage.ticket)
            if self._turnstile:
                self._turnstile.leave()
            return
        self._throttle.failed(passage.ticket, exc)
        if self._turnstile is None:
            return
        # Who was told an error's status has taken no tokens; of a call that was never answered nobody knows.
        self._turnstile.leave(-passage.tokens if exc.status is not None else 0.0)
        if exc.retry_after and not exc.down:
            self._turnstile.shut(exc.retry_after)


def _tokens_of(messages: Sequence[Message]) -> float:
    """About how many tokens: four bytes each, so that a Han character is three quarters of one."""
    return sum(len(message.content.encode("utf-8", "replace")) for message in messages) / BYTES_PER_TOKEN
