"""Chat over Anthropic's messages API."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import anthropic

from arena.chat.base import HOMES, Closing, Completion, Endpoint, Message, whole
from arena.chat.connections import StatusError, Wire, forget_the_environment, http_client, timeout
from arena.chat.dialect import Ask
from arena.chat.draft import Draft
from arena.chat.errors import guarded, guarded_pieces, malformed
from arena.chat.messages import AnthropicMessages

DEFAULT_URL = HOMES["anthropic"]


class AnthropicChat(Closing):
    """A connection to Anthropic's API, or to one that speaks the same protocol.

    A schema is sent as `output_config`, and as a tool that must be called once the endpoint has refused that; such
    extra calls are in `Completion.attempts`. There are no log-probabilities here.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._dialect = AnthropicMessages(endpoint)
        self._client = sdk_client(endpoint)
        headers = {**self._client.default_headers, "X-Api-Key": self._client.api_key}
        self._wire = Wire(endpoint, str(self._client.base_url), headers)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        stream: bool = False,
        logprobs: int | None = None,
    ) -> Completion:
        """See `Chat.complete`."""
        ask = Ask(messages, schema)
        if stream:
            return await whole(self._guarded_stream(ask))
        return await guarded(self.endpoint, self._complete(ask), anthropic.AnthropicError)

    async def stream(self, messages: Sequence[Message]) -> AsyncIterator[str | Completion]:
        """See `Chat.stream`."""
        async with aclosing(self._guarded_stream(Ask(messages))) as pieces:
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        """See `Chat.close`."""
        await self._wire.close()
        await self._client.close()

    def _guarded_stream(self, ask: Ask) -> AsyncGenerator[str | Completion, None]:
        return guarded_pieces(self.endpoint, self._pieces(ask), anthropic.AnthropicError)

    async def _complete(self, ask: Ask) -> Completion:
        draft = Draft()
        reply = await self._dialect.sent(ask, draft, self._post, StatusError)
        self._dialect.read_whole(json.loads(reply), draft)
        return self._dialect.completion(ask, draft, streamed=False)

    async def _pieces(self, ask: Ask) -> AsyncGenerator[str | Completion, None]:
        draft = Draft()
        events = await self._dialect.sent(ask, draft, self._post_stream, anthropic.APIStatusError, stream=True)
        try:
            async for event in events:
                if shown := self._dialect.read_event(event, draft):
                    yield shown
        finally:
            await events.close()
        if draft.finish is None:
            raise malformed("the stream ended before the reply did", self.endpoint)
        if rest := draft.rest():
            yield rest
        yield self._dialect.completion(ask, draft, streamed=True)

    async def _post(self, body: dict[str, Any]) -> bytes:
        return await self._wire.post(self._dialect.path, body)

    # `client.post` and not `messages.create`: options that the SDK has no keyword for (`temperature`
    # among them) travel like all others.

    async def _post_stream(self, body: dict[str, Any]) -> anthropic.AsyncStream[Any]:
        return await self._client.post(
            self._dialect.path, cast_to=object, body=body, stream=True, stream_cls=anthropic.AsyncStream[Any]
        )


def sdk_client(endpoint: Endpoint) -> anthropic.AsyncAnthropic:
    """The SDK's client. Nothing of the environment is in it: key and address are always given, its headers are dropped."""
    # The SDK adds /v1 itself, and people copy the address with it.
    address = (endpoint.base_url or DEFAULT_URL).rstrip("/").removesuffix("/v1")
    key = endpoint.key.strip()
    client = anthropic.AsyncAnthropic(
        api_key=key or "none",
        base_url=address,
        max_retries=0,
        timeout=timeout(endpoint),
        http_client=http_client(endpoint, address),
    )
    forget_the_environment(client)
    return client
