"""Chat over any endpoint that speaks OpenAI's protocols: vLLM, llama.cpp, Qwen, DeepSeek, OpenAI."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx2
import openai

from arena.chat.base import HOMES, ChatError, Closing, Completion, Endpoint, Message, whole
from arena.chat.completions import ChatCompletions
from arena.chat.connections import StatusError, Wire, forget_the_environment, http_client, timeout
from arena.chat.dialect import Ask, Dialect
from arena.chat.draft import Draft
from arena.chat.errors import guarded, guarded_pieces, malformed
from arena.chat.responses import Responses

DEFAULT_URL = HOMES["openai"]

APIS: Mapping[str, Callable[[Endpoint], Dialect]] = {
    "chat": ChatCompletions,
    "responses": Responses,
}


class OpenAIChat(Closing):
    """A connection to an OpenAI-compatible endpoint.

    What the server refuses and a call can do without is left out from then on, and a schema is asked for as a JSON
    schema, else as a tool call, else as any JSON object, else in plain text; such extra calls are in `Completion.attempts`.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._dialect = dialect_of(endpoint)
        self._client = sdk_client(endpoint)
        self._how = sdk_options(endpoint)
        self._wire = wire(endpoint, self._client)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        stream: bool = False,
        logprobs: int | None = None,
    ) -> Completion:
        """See `Chat.complete`."""
        ask = Ask(messages, schema, logprobs)
        if stream:
            return await whole(self._guarded_stream(ask))
        return await guarded(self.endpoint, self._complete(ask), openai.OpenAIError)

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
        return guarded_pieces(self.endpoint, self._pieces(ask), openai.OpenAIError)

    async def _complete(self, ask: Ask) -> Completion:
        draft = Draft()
        reply = await self._dialect.sent(ask, draft, self._post, StatusError)
        self._dialect.read_whole(json.loads(reply), draft)
        return self._dialect.completion(ask, draft, streamed=False)

    async def _pieces(self, ask: Ask) -> AsyncGenerator[str | Completion, None]:
        draft, dialect = Draft(), self._dialect
        events = await dialect.sent(ask, draft, self._post_stream, openai.APIStatusError, stream=True)
        try:
            if not _is_event_stream(events.response):
                for piece in dialect.read_whole(json.loads(await events.response.aread()), draft):
                    yield piece
                yield dialect.completion(ask, draft, streamed=False)
                return
            async for event in events:
                if shown := dialect.read_event(event, draft):
                    yield shown
        finally:
            await events.close()
        if draft.finish is None:
            raise malformed("the stream ended before the reply did", self.endpoint)
        if rest := draft.rest():
            yield rest
        yield dialect.completion(ask, draft, streamed=True)

    async def _post(self, body: dict[str, Any]) -> bytes:
        return await self._wire.post(self._dialect.path, body)

    # `client.post` and not `chat.completions.create`: the latter builds a model of every event, and takes whatever
    # JSON comes for one anyway.

    async def _post_stream(self, body: dict[str, Any]) -> openai.AsyncStream[Any]:
        return await self._client.post(
            self._dialect.path,
            cast_to=object,
            body=body,
            options=self._how,
            stream=True,
            stream_cls=openai.AsyncStream[Any],
        )


def dialect_of(endpoint: Endpoint) -> Dialect:
    """The protocol that the endpoint's option `api` names. Raises ChatError (permanent) for an unknown one."""
    api = endpoint.options.get("api") or "chat"
    if api not in APIS:
        raise ChatError(f"option 'api' must be one of {', '.join(APIS)}, not {api!r:.40}", transient=False)
    return APIS[api](endpoint)


def sdk_client(endpoint: Endpoint) -> openai.AsyncOpenAI:
    """The SDK's client. Key and address are always given, or the SDK would take them from the environment.

    Of the environment it has the organisation and the project alone, and these for OpenAI itself.
    """
    address = endpoint.base_url or DEFAULT_URL
    key = endpoint.key.strip()
    client = openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=address,
        max_retries=0,
        timeout=timeout(endpoint),
        http_client=http_client(endpoint, address),
    )
    forget_the_environment(client)
    if endpoint.base_url:
        # From the environment too, and nobody's business but OpenAI's.
        client.organization = client.project = None
    return client


def wire(endpoint: Endpoint, client: openai.AsyncOpenAI) -> Wire:
    """What whole replies come over, with the headers that the SDK would send."""
    key = endpoint.key.strip()
    authorization = {"Authorization": f"Bearer {key}"} if key else {}
    return Wire(endpoint, str(client.base_url), {**client.default_headers, **authorization})


def sdk_options(endpoint: Endpoint) -> openai.RequestOptions:
    """What goes with every call: without a key there is no such header, rather than an empty one."""
    return {} if endpoint.key.strip() else {"headers": {"Authorization": openai.Omit()}}


def _is_event_stream(response: httpx2.Response) -> bool:
    """False where a server that cannot stream answered whole."""
    return "json" not in response.headers.get("content-type", "")
