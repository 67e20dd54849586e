"""OpenAI's chat completions as they are written: the protocol that most servers speak."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from arena.chat.base import Endpoint
from arena.chat.connections import checked_options
from arena.chat.dialect import OBJECT, SCHEMA, TEXT, TOOL, TOOL_NAME, TOOL_WORDS, Ask, Dialect, count_in, finish_word
from arena.chat.draft import Draft
from arena.chat.errors import malformed

FINISH = {"stop": "stop", "tool_calls": "stop", "length": "length", "content_filter": "refused"}


class ChatCompletions(Dialect):
    """Calls and replies of `/chat/completions`.

    `max_tokens` is called `max_completion_tokens` once the server has asked for that.
    """

    path = "/chat/completions"
    taken = frozenset(
        {"model", "messages", "stream", "stream_options", "n"}
        | {"response_format", "tools", "tool_choice", "logprobs", "top_logprobs"}
    )
    spares = {
        "stream_options": ("stream_options", "include_usage"),
        "logprobs": ("logprobs",),
        "max_tokens": ("max_completion_tokens",),
    }
    forms = {
        SCHEMA: ("response_format", "json_schema", "structured output"),
        TOOL: ("tool", "function"),
        OBJECT: ("response_format", "json_object", "json mode"),
        TEXT: (),
    }

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._options = checked_options(endpoint, self.taken)
        self._options.pop("api", None)

    def body(self, ask: Ask, *, stream: bool = False) -> dict[str, Any]:
        """See `Dialect.body`."""
        body: dict[str, Any] = {
            **self._options,
            "model": self.endpoint.model,
            "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
        }
        if "max_tokens" in self.refused and "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")
        if ask.schema is not None:
            body |= _bound(ask.schema, self.form)
        if ask.logprobs and "logprobs" not in self.refused:
            body |= {"logprobs": True, "top_logprobs": ask.logprobs}
        if stream:
            body["stream"] = True
            if "stream_options" not in self.refused:
                body["stream_options"] = {"include_usage": True}
        return body

    def read_whole(self, row: Any, draft: Draft) -> list[str]:
        """See `Dialect.read_whole`."""
        reply = self.row(row)
        choice = _first_choice(reply)
        if choice is None or not isinstance(choice.get("message"), Mapping):
            raise malformed("the reply has no message", self.endpoint)
        shown = _read_message(choice["message"], draft)
        _read_choice(choice, draft)
        _read_usage(reply.get("usage"), draft)
        return [piece for piece in (shown, draft.rest()) if piece]

    def read_event(self, row: Any, draft: Draft) -> str:
        """See `Dialect.read_event`."""
        event = self.row(row)
        choice = _first_choice(event)
        _read_usage(event.get("usage"), draft)
        if choice is None:
            return ""
        delta = choice.get("delta")
        shown = _read_message(delta, draft) if isinstance(delta, Mapping) else ""
        _read_choice(choice, draft)
        return shown


def _bound(schema: Mapping[str, Any], form: str) -> dict[str, Any]:
    """The fields that ask for a reply of that schema."""
    if form == SCHEMA:
        named = {"name": TOOL_NAME, "strict": True, "schema": dict(schema)}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    if form == TOOL:
        function = {"name": TOOL_NAME, "description": TOOL_WORDS, "parameters": dict(schema)}
        choice = {"type": "function", "function": {"name": TOOL_NAME}}
        return {"tools": [{"type": "function", "function": function}], "tool_choice": choice}
    return {"response_format": {"type": "json_object"}} if form == OBJECT else {}


def _first_choice(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    choices = row.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        return None
    return choices[0]


def _read_choice(choice: Mapping[str, Any], draft: Draft) -> None:
    draft.finish = draft.finish or finish_word(choice.get("finish_reason"), FINISH)
    if isinstance(choice.get("logprobs"), Mapping):
        draft.weigh(choice["logprobs"].get("content"))


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
    _read_calls(message.get("tool_calls"), draft)
    return draft.say(_text(message.get("content")))


def _read_calls(calls: Any, draft: Draft) -> None:
    for at, call in enumerate(calls if isinstance(calls, list) else []):
        function = call.get("function") if isinstance(call, Mapping) else None
        arguments = function.get("arguments") if isinstance(function, Mapping) else None
        if arguments is None:
            continue
        index = call.get("index")
        # Some servers give the arguments as a value and not as its JSON.
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        draft.call(text, index if isinstance(index, int) else at)


def _text(content: Any) -> str:
    """The text of a message's content: a string, nothing, or parts of which some are text."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _read_usage(usage: Any, draft: Draft) -> None:
    if not isinstance(usage, Mapping):
        return
    draft.count(
        count_in(usage, "prompt_tokens"),
        count_in(usage, "completion_tokens"),
        # The second name is DeepSeek's.
        cached=_first(
            count_in(usage, "prompt_tokens_details", "cached_tokens"), count_in(usage, "prompt_cache_hit_tokens")
        ),
        written=count_in(usage, "prompt_tokens_details", "cache_write_tokens"),
    )


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)
