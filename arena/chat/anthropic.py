"""Chat over Anthropic's messages API."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import anthropic
import httpx2

from arena.chat.base import Closing, Completion, Endpoint, Message, whole
from arena.chat.connections import checked_options, http_client, timeout
from arena.chat.draft import Draft
from arena.chat.errors import body_error, guarded, guarded_pieces, malformed, reason

DEFAULT_URL = "https://api.anthropic.com"
# The API wants a limit with every call; thinking counts towards it.
MAX_TOKENS = 8192
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refused",
}
# The tool a schema travels as where the model has no structured output.
TOOL = "reply"
_SCHEMA_HINTS = ("output_config", "output_format", "structured output", "json_schema")
_TAKEN = frozenset({"model", "messages", "stream", "system", "tools", "tool_choice"})


class AnthropicChat(Closing):
    """A connection to Anthropic's API, or to one that speaks the same protocol.

    System messages go before the conversation, as the API wants them; `stop` is called
    `stop_sequences` there. A schema is sent as `output_config`, and as a tool that must be called once
    the endpoint has refused that.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._options = _renamed(checked_options(endpoint, _TAKEN))
        self._schema_as_tool = False
        self._client = _client(endpoint)

    async def complete(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None, stream: bool = False
    ) -> Completion:
        """See `Chat.complete`."""
        if stream:
            return await whole(self._guarded_stream(messages, schema))
        return await guarded(self.endpoint, self._complete(messages, schema), anthropic.AnthropicError)

    async def stream(self, messages: Sequence[Message]) -> AsyncIterator[str | Completion]:
        """See `Chat.stream`."""
        async with aclosing(self._guarded_stream(messages, None)) as pieces:
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        """See `Chat.close`."""
        await self._client.close()

    def _guarded_stream(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None
    ) -> AsyncGenerator[str | Completion, None]:
        return guarded_pieces(self.endpoint, self._pieces(messages, schema), anthropic.AnthropicError)

    async def _complete(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> Completion:
        draft = Draft()
        try:
            response = await self._post(self._body(messages, schema))
        except anthropic.APIStatusError as exc:
            if not self._learn(exc, schema):
                raise
            draft.calls += 1
            response = await self._post(self._body(messages, schema))
        _read_whole(json.loads(response.content), draft, self.endpoint)
        return draft.completion(streamed=False)

    async def _pieces(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None
    ) -> AsyncGenerator[str | Completion, None]:
        draft = Draft()
        try:
            events = await self._post_stream(self._body(messages, schema))
        except anthropic.APIStatusError as exc:
            if not self._learn(exc, schema):
                raise
            draft.calls += 1
            events = await self._post_stream(self._body(messages, schema))
        try:
            async for event in events:
                if shown := _read_event(event, draft, self.endpoint):
                    yield shown
        finally:
            await events.close()
        if draft.finish is None:
            raise malformed("the stream ended before the reply did", self.endpoint)
        if rest := draft.rest():
            yield rest
        yield draft.completion(streamed=True)

    # `client.post` and not `messages.create`: options that the SDK has no keyword for (`temperature`
    # among them) travel like all others.

    async def _post(self, body: dict[str, Any]) -> httpx2.Response:
        return await self._client.post("/v1/messages", cast_to=httpx2.Response, body=body)

    async def _post_stream(self, body: dict[str, Any]) -> anthropic.AsyncStream[Any]:
        return await self._client.post(
            "/v1/messages",
            cast_to=object,
            body={**body, "stream": True},
            stream=True,
            stream_cls=anthropic.AsyncStream[Any],
        )

    def _body(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> dict[str, Any]:
        system = "\n\n".join(message.content for message in messages if message.role == "system")
        body: dict[str, Any] = {
            "max_tokens": MAX_TOKENS,
            **self._options,
            "model": self.endpoint.model,
            "messages": [
                {"role": message.role, "content": message.content} for message in messages if message.role != "system"
            ],
        }
        if system:
            body["system"] = system
        return body if schema is None else body | self._schema_fields(schema)

    def _schema_fields(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if self._schema_as_tool:
            tool = {"name": TOOL, "description": "Gives the reply.", "input_schema": dict(schema)}
            return {"tools": [tool], "tool_choice": {"type": "tool", "name": TOOL}}
        form = {"type": "json_schema", "schema": dict(schema)}
        return {"output_config": {**self._options.get("output_config", {}), "format": form}}

    def _learn(self, exc: anthropic.APIStatusError, schema: Mapping[str, Any] | None) -> bool:
        """Notes that the endpoint refused structured output; False if it refused something else."""
        words = reason(exc.body).casefold()
        if schema is None or exc.status_code not in (400, 422) or not any(hint in words for hint in _SCHEMA_HINTS):
            return False
        # Many calls may learn it at the same time, so having learnt it before is no reason to give up.
        self._schema_as_tool = True
        return True


def _client(endpoint: Endpoint) -> anthropic.AsyncAnthropic:
    """The SDK's client. Key and address are always given, or the SDK would take them from the environment."""
    # The SDK adds /v1 itself, and people copy the address with it.
    address = (endpoint.base_url or DEFAULT_URL).rstrip("/").removesuffix("/v1")
    key = endpoint.key.strip()
    return anthropic.AsyncAnthropic(
        api_key=key or "none",
        base_url=address,
        max_retries=0,
        timeout=timeout(endpoint),
        http_client=http_client(endpoint, address),
    )


def _renamed(options: dict[str, Any]) -> dict[str, Any]:
    """The options with `stop` under the name it has here, always a list."""
    stop = options.pop("stop", None)
    if stop is not None:
        options["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    return options


def _read_whole(row: Any, draft: Draft, endpoint: Endpoint) -> None:
    """Puts a whole reply into the draft."""
    if not isinstance(row, Mapping):
        raise malformed("the reply is not a JSON object", endpoint)
    if row.get("error"):
        raise body_error(row, endpoint)
    if not isinstance(row.get("content"), list):
        raise malformed("the reply has no content", endpoint)
    for block in row["content"]:
        _read_block(block, draft)
    draft.finish = _finish(row.get("stop_reason"))
    _read_usage(row.get("usage"), draft)


def _read_block(block: Mapping[str, Any], draft: Draft) -> None:
    kind = block.get("type")
    if kind == "text":
        draft.say(str(block.get("text") or ""))
    elif kind == "thinking":
        draft.think(str(block.get("thinking") or ""))
    elif kind == "tool_use":
        draft.say(json.dumps(block.get("input"), ensure_ascii=False))


def _read_event(row: Any, draft: Draft, endpoint: Endpoint) -> str:
    """Puts one event of a streamed reply into the draft; returns what of it may be shown."""
    if not isinstance(row, Mapping):
        raise malformed("an event of the stream is not a JSON object", endpoint)
    kind = row.get("type")
    if kind == "error":
        raise body_error(row, endpoint)
    if kind == "message_start":
        _read_usage((row.get("message") or {}).get("usage"), draft)
    elif kind == "message_delta":
        draft.finish = _finish((row.get("delta") or {}).get("stop_reason")) or draft.finish
        _read_usage(row.get("usage"), draft)
    elif kind == "content_block_delta":
        return _read_delta(row.get("delta") or {}, draft)
    return ""


def _read_delta(delta: Mapping[str, Any], draft: Draft) -> str:
    kind = delta.get("type")
    if kind == "text_delta":
        return draft.say(str(delta.get("text") or ""))
    if kind == "input_json_delta":
        return draft.say(str(delta.get("partial_json") or ""))
    if kind == "thinking_delta":
        draft.think(str(delta.get("thinking") or ""))
    return ""


def _finish(word: Any) -> str | None:
    return FINISH.get(word, word) if isinstance(word, str) and word else None


def _read_usage(usage: Any, draft: Draft) -> None:
    """Tokens read count whether they came from the cache or not."""
    if not isinstance(usage, Mapping):
        return
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    if isinstance(usage.get("input_tokens"), int):
        draft.tokens_in = sum(usage[name] for name in names if isinstance(usage.get(name), int))
    if isinstance(usage.get("output_tokens"), int):
        draft.tokens_out = usage["output_tokens"]
