"""What every chat endpoint takes and gives: messages in, a completion out, one family of errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from arena.chat.pace import Pace


HOMES = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
"""Where a provider's models answer when an endpoint has no address of its own."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is "system", "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a language model answers, and how it is asked.

    `provider` names a row of `arena.chat.PROVIDERS`; `model` is the id that the endpoint knows;
    `key` never shows in `repr`. `options` are sent with every call (temperature, max_tokens, top_p,
    stop, seed, extra_body …); None as temperature leaves it to the endpoint. A few are for us and never
    sent: `api` (openai: "chat", the default, or "responses") and `cache` (anthropic). `timeout` in seconds.
    `pace` is what all workers together keep to; None where nobody set limits.
    """

    provider: str
    model: str
    base_url: str = ""
    key: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 120.0
    pace: Pace | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model replied, and what it took.

    `text` is the answer alone, `reasoning` what the model thought before it (may be empty).
    `finish` is "stop", "length", "refused" or the endpoint's own word. Tokens are None where the
    endpoint does not count them. `first_token_s` (None when not streamed) and `seconds` are seconds of
    the attempt that succeeded (0 in a batch); `attempts` counts all of them.

    Of `tokens_in`, `tokens_cached` were read from the endpoint's cache and `tokens_cache_written` put into
    it. `top` has, for each of the reply's first tokens (at most 64, thinking left out), the tokens that could have stood
    there with their log-probabilities in nats, the one that does stand there first; empty where they were not
    asked for or not given. `notes` says, in words for people, what was asked otherwise than wanted.
    """

    text: str
    reasoning: str = ""
    finish: str = "stop"
    tokens_in: int | None = None
    tokens_out: int | None = None
    first_token_s: float | None = None
    seconds: float = 0.0
    attempts: int = 1
    tokens_cached: int | None = None
    tokens_cache_written: int | None = None
    top: tuple[Mapping[str, float], ...] = ()
    notes: tuple[str, ...] = ()


class ChatError(Exception):
    """A call that gave no completion.

    `transient` says whether the same call may succeed later; `status` is the HTTP status (None when
    there was no answer), `retry_after` seconds the endpoint asked to wait, `attempts` the calls made.
    `down` says that the endpoint was given up: whatever is asked, nobody would answer.
    The message never holds the key.
    """

    def __init__(
        self,
        message: str,
        *,
        transient: bool,
        status: int | None = None,
        retry_after: float | None = None,
        attempts: int = 1,
        down: bool = False,
    ) -> None:
        super().__init__(message)
        self.transient = transient
        self.status = status
        self.retry_after = retry_after
        self.attempts = attempts
        self.down = down


class Chat(Protocol):
    """An open connection to one endpoint, used within one event loop and closed with it."""

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        stream: bool = False,
        logprobs: int | None = None,
    ) -> Completion:
        """The model's completion; with `schema`, bound to that JSON schema where the endpoint can.

        `stream` asks token by token, so that `first_token_s` is known; an endpoint that cannot stream
        answers whole. `logprobs` asks for so many alternatives to each token, for `Completion.top`; an
        endpoint that has none answers without. One attempt: retrying is `arena.chat.patiently`'s job. Raises ChatError.
        """
        ...

    def stream(self, messages: Sequence[Message]) -> AsyncIterator[str | Completion]:
        """The text as it comes, piece by piece, and last the whole Completion. Raises ChatError."""
        ...

    async def close(self) -> None:
        """Give back the connections."""
        ...


class OpenChat(Chat, Protocol):
    """A chat that `async with` closes."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...


class Closing:
    """Makes what has `close()` usable with `async with`."""

    async def close(self) -> None:
        """Give back what is held; nothing, unless overridden."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


async def whole(pieces: AsyncIterator[str | Completion]) -> Completion:
    """The Completion that ends a stream of pieces."""
    last: str | Completion = ""
    async for piece in pieces:
        last = piece
    if isinstance(last, Completion):
        return last
    raise ValueError("a stream of pieces ends with a Completion")
