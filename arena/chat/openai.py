"""Chat over any endpoint that speaks OpenAI's chat completions: vLLM, llama.cpp, Qwen, DeepSeek, OpenAI."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx2
import openai

from arena.chat.base import Closing, Completion, Endpoint, Message, whole
from arena.chat.connections import checked_options, http_client, timeout
from arena.chat.draft import Draft
from arena.chat.errors import body_error, guarded, guarded_pieces, malformed, reason

DEFAULT_URL = "https://api.openai.com/v1"
FINISH = {"stop": "stop", "tool_calls": "stop", "length": "length", "content_filter": "refused"}

# Fields that some servers refuse and a call can do without, with the words their refusals use.
DISPENSABLE = {
    "stream_options": ("stream_options", "include_usage"),
    "response_format": ("response_format", "json_schema", "structured output"),
}
_TAKEN = frozenset({"model", "messages", "stream", "stream_options", "response_format", "n"})


class OpenAIChat(Closing):
    """A connection to an OpenAI-compatible endpoint.

    What the server refuses of `DISPENSABLE` is left out from then on, and `max_tokens` is called
    `max_completion_tokens` where the server asks for it; such extra calls are in `Completion.attempts`.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._options = checked_options(endpoint, _TAKEN)
        self._refused: set[str] = set()
        self._client = _client(endpoint)
        # Without a key there is no such header, rather than an empty one.
        self._how: openai.RequestOptions = {} if endpoint.key.strip() else {"headers": {"Authorization": openai.Omit()}}

    async def complete(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None, stream: bool = False
    ) -> Completion:
        """See `Chat.complete`."""
        if stream:
            return await whole(self._guarded_stream(messages, schema))
        return await guarded(self.endpoint, self._complete(messages, schema), openai.OpenAIError)

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
        return guarded_pieces(self.endpoint, self._pieces(messages, schema), openai.OpenAIError)

    async def _complete(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> Completion:
        draft = Draft()
        response = await self._post(self._body(messages, schema), draft)
        _read_whole(json.loads(response.content), draft, self.endpoint)
        return draft.completion(streamed=False)

    async def _pieces(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None
    ) -> AsyncGenerator[str | Completion, None]:
        draft = Draft()
        events = await self._post_stream(self._body(messages, schema), draft)
        try:
            if not _is_event_stream(events.response):
                for piece in _read_whole(json.loads(await events.response.aread()), draft, self.endpoint):
                    yield piece
                yield draft.completion(streamed=False)
                return
            async for event in events:
                shown = _read_event(event, draft, self.endpoint)
                if shown:
                    yield shown
        finally:
            await events.close()
        if draft.finish is None:
            raise malformed("the stream ended before the reply did", self.endpoint)
        if rest := draft.rest():
            yield rest
        yield draft.completion(streamed=True)

    def _body(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            **self._options,
            "model": self.endpoint.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
        }
        if schema is not None:
            form = {"name": "reply", "strict": True, "schema": dict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return body

    # `client.post` and not `chat.completions.create`: the latter builds a model of every reply, at half as much
    # CPU time again, and takes whatever JSON comes for a completion anyway.

    async def _post(self, body: dict[str, Any], draft: Draft) -> httpx2.Response:
        while True:
            self._adapt(body)
            try:
                return await self._client.post(
                    "/chat/completions", cast_to=httpx2.Response, body=body, options=self._how
                )
            except openai.APIStatusError as exc:
                if not self._learn(exc, body):
                    raise
            draft.calls += 1

    async def _post_stream(self, body: dict[str, Any], draft: Draft) -> openai.AsyncStream[Any]:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        while True:
            self._adapt(body)
            try:
                return await self._client.post(
                    "/chat/completions",
                    cast_to=object,
                    body=body,
                    options=self._how,
                    stream=True,
                    stream_cls=openai.AsyncStream[Any],
                )
            except openai.APIStatusError as exc:
                if not self._learn(exc, body):
                    raise
            draft.calls += 1

    def _adapt(self, body: dict[str, Any]) -> None:
        """Leaves out or renames what this server is known to refuse."""
        for name in self._refused & DISPENSABLE.keys():
            body.pop(name, None)
        if "max_tokens" in self._refused and "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")

    def _learn(self, exc: openai.APIStatusError, body: Mapping[str, Any]) -> bool:
        """Notes a field that the server refused and that can be helped; False if there is none."""
        if exc.status_code not in (400, 422):
            return False
        words = reason(exc.body).casefold()
        found = {name for name, hints in DISPENSABLE.items() if name in body and any(hint in words for hint in hints)}
        if "max_tokens" in body and "max_completion_tokens" in words:
            found.add("max_tokens")
        self._refused |= found
        return bool(found)


def _client(endpoint: Endpoint) -> openai.AsyncOpenAI:
    """The SDK's client. Key and address are always given, or the SDK would take them from the environment."""
    address = endpoint.base_url or DEFAULT_URL
    key = endpoint.key.strip()
    client = openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=address,
        max_retries=0,
        timeout=timeout(endpoint),
        http_client=http_client(endpoint, address),
    )
    if endpoint.base_url:
        # From the environment too, and nobody's business but OpenAI's.
        client.organization = client.project = None
    return client


def _is_event_stream(response: httpx2.Response) -> bool:
    """False where a server that cannot stream answered whole."""
    return "json" not in response.headers.get("content-type", "")


def _read_whole(row: Any, draft: Draft, endpoint: Endpoint) -> list[str]:
    """Puts a whole reply into the draft; returns what of it may be shown."""
    choice = _first_choice(row, endpoint)
    if choice is None or not isinstance(choice.get("message"), Mapping):
        raise malformed("the reply has no message", endpoint)
    shown = _read_message(choice["message"], draft)
    draft.finish = draft.finish or _finish(choice.get("finish_reason"))
    _read_usage(row.get("usage"), draft)
    return [piece for piece in (shown, draft.rest()) if piece]


def _read_event(row: Any, draft: Draft, endpoint: Endpoint) -> str:
    """Puts one piece of a streamed reply into the draft; returns what of it may be shown."""
    choice = _first_choice(row, endpoint)
    _read_usage(row.get("usage"), draft)
    if choice is None:
        return ""
    delta = choice.get("delta")
    shown = _read_message(delta, draft) if isinstance(delta, Mapping) else ""
    draft.finish = draft.finish or _finish(choice.get("finish_reason"))
    return shown


def _first_choice(row: Any, endpoint: Endpoint) -> Mapping[str, Any] | None:
    if not isinstance(row, Mapping):
        raise malformed("the reply is not a JSON object", endpoint)
    if row.get("error"):
        raise body_error(row, endpoint)
    choices = row.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        return None
    return choices[0]


def _read_message(message: Mapping[str, Any], draft: Draft) -> str:
    """Reads a message or a delta; a refusal's words are its text."""
    # Some servers send the same thoughts under both names.
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str):
        draft.think(thought)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        draft.finish = "refused"
        return draft.say(refusal)
    return draft.say(_text(message.get("content")))


def _text(content: Any) -> str:
    """The text of a message's content: a string, nothing, or parts of which some are text."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _finish(word: Any) -> str | None:
    return FINISH.get(word, word) if isinstance(word, str) and word else None


def _read_usage(usage: Any, draft: Draft) -> None:
    if not isinstance(usage, Mapping):
        return
    if isinstance(usage.get("prompt_tokens"), int):
        draft.tokens_in = usage["prompt_tokens"]
    if isinstance(usage.get("completion_tokens"), int):
        draft.tokens_out = usage["completion_tokens"]
