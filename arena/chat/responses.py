"""OpenAI's responses API as it is written: chosen by the endpoint's option `api: responses`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from arena.chat.base import ChatError, Endpoint, Message
from arena.chat.connections import checked_options
from arena.chat.dialect import OBJECT, SCHEMA, TEXT, TOOL, TOOL_NAME, TOOL_WORDS, Ask, Dialect, count_in, finish_word
from arena.chat.draft import Draft
from arena.chat.errors import body_error, malformed

INCOMPLETE = {"max_output_tokens": "length", "content_filter": "refused"}
LOGPROBS = "message.output_text.logprobs"


class Responses(Dialect):
    """Calls and replies of `/responses`.

    System messages stay where they are, as items of the input. `max_tokens` is called `max_output_tokens` here.
    Nothing is kept at the endpoint (`store`) unless the options say so.
    """

    path = "/responses"
    taken = frozenset(
        {"model", "input", "messages", "stream", "tools", "tool_choice", "background", "top_logprobs"}
        | {"previous_response_id", "conversation", "n"}
    )
    spares = {"store": ("'store'", '"store"', "`store`", "store:", ": store"), "top_logprobs": ("logprobs",)}
    forms = {
        SCHEMA: ("text.format", "json_schema", "structured output", "'text'"),
        TOOL: ("tool", "function"),
        OBJECT: ("text.format", "json_object", "json mode", "'text'"),
        TEXT: (),
    }

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._options = _renamed(checked_options(endpoint, self.taken))

    def body(self, ask: Ask, *, stream: bool = False) -> dict[str, Any]:
        """See `Dialect.body`."""
        body: dict[str, Any] = {
            "store": False,
            **self._options,
            "model": self.endpoint.model,
            "input": [_item(message) for message in ask.messages],
        }
        if "store" in self.refused:
            del body["store"]
        if ask.schema is not None:
            body |= self._bound(ask.schema)
        if ask.logprobs and "top_logprobs" not in self.refused:
            body |= {"top_logprobs": ask.logprobs, "include": [*self._options.get("include", []), LOGPROBS]}
        return body | {"stream": True} if stream else body

    def read_whole(self, row: Any, draft: Draft) -> list[str]:
        """See `Dialect.read_whole`."""
        reply = self.row(row)
        if not isinstance(reply.get("output"), list):
            raise malformed("the reply has no output", self.endpoint)
        shown = [_read_part(part, draft) for item in reply["output"] for part in _parts(item)]
        self._read_end(reply, draft)
        return [piece for piece in (*shown, draft.rest()) if piece]

    def read_event(self, row: Any, draft: Draft) -> str:
        """See `Dialect.read_event`."""
        event = self.row(row)
        kind = event.get("type")
        if kind == "error":
            raise body_error({**event, "type": None}, self.endpoint)
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            self._read_end(self.row(event.get("response")), draft)
            return ""
        return _read_delta(kind, event, draft)

    def _bound(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that ask for a reply of that schema."""
        if self.form == TOOL:
            tool = {"type": "function", "name": TOOL_NAME, "description": TOOL_WORDS}
            choice = {"type": "function", "name": TOOL_NAME}
            return {"tools": [{**tool, "parameters": dict(schema), "strict": False}], "tool_choice": choice}
        named = {"type": "json_schema", "name": TOOL_NAME, "strict": True, "schema": dict(schema)}
        form = {SCHEMA: named, OBJECT: {"type": "json_object"}}.get(self.form)
        return {"text": {**self._options.get("text", {}), "format": form}} if form else {}

    def _read_end(self, reply: Mapping[str, Any], draft: Draft) -> None:
        """Reads why the reply ended, and what it took."""
        usage = reply.get("usage")
        draft.count(
            count_in(usage, "input_tokens"),
            count_in(usage, "output_tokens"),
            cached=count_in(usage, "input_tokens_details", "cached_tokens"),
            written=count_in(usage, "input_tokens_details", "cache_write_tokens"),
        )
        status = reply.get("status")
        if status == "incomplete":
            details = reply.get("incomplete_details")
            reason = details.get("reason") if isinstance(details, Mapping) else None
            draft.finish = draft.finish or finish_word(reason, INCOMPLETE) or "incomplete"
        elif status == "completed":
            draft.finish = draft.finish or "stop"
        else:
            raise malformed(f"the reply's status is {str(status)[:40]!r}", self.endpoint)


def _item(message: Message) -> dict[str, Any]:
    """A message as an item; the model's own is written as it came, since llama.cpp takes it in no other way."""
    if message.role != "assistant":
        return {"role": message.role, "content": message.content}
    part = {"type": "output_text", "text": message.content}
    return {"type": "message", "role": "assistant", "content": [part]}


def _renamed(options: dict[str, Any]) -> dict[str, Any]:
    """The options under the names they have here. Raises ChatError where a part of `text` is set by the call itself."""
    options.pop("api", None)
    for name in ("max_tokens", "max_completion_tokens"):
        if name in options:
            options.setdefault("max_output_tokens", options.pop(name))
    for name, kind in (("text", Mapping), ("include", list)):
        if name in options and not isinstance(options[name], kind):
            raise ChatError(f"option '{name}' must be a {'mapping' if name == 'text' else 'list'}", transient=False)
    if "format" in options.get("text", {}):
        raise ChatError("option 'text.format' is set by the call itself", transient=False)
    return options


def _parts(item: Any) -> Iterator[Mapping[str, Any]]:
    """What one item of the output consists of: itself, or the parts of a message or a thought."""
    if not isinstance(item, Mapping):
        return
    if item.get("type") == "function_call":
        yield item
        return
    # The summary of a thought stands in for it where the thought itself is not told.
    for part in item.get("content") or item.get("summary") or ():
        if isinstance(part, Mapping):
            yield part


def _read_part(part: Mapping[str, Any], draft: Draft) -> str:
    """Reads one part of the output; a refusal's words are its text."""
    kind = part.get("type")
    if kind == "output_text":
        draft.weigh(part.get("logprobs"))
        return draft.say(str(part.get("text") or ""))
    if kind == "refusal":
        draft.finish = "refused"
        return draft.say(str(part.get("refusal") or ""))
    if kind in ("reasoning_text", "summary_text"):
        draft.think(f"{part.get('text') or ''}\n\n")
    elif kind == "function_call":
        draft.call(str(part.get("arguments") or ""), draft.tool_calls)
    return ""


def _read_delta(kind: Any, event: Mapping[str, Any], draft: Draft) -> str:
    piece = str(event.get("delta") or "")
    if kind == "response.output_text.delta":
        draft.weigh(event.get("logprobs"))
        return draft.say(piece)
    if kind == "response.refusal.delta":
        draft.finish = "refused"
        return draft.say(piece)
    if kind in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
        draft.think(piece)
    elif kind in ("response.reasoning_text.done", "response.reasoning_summary_text.done"):
        draft.think("\n\n")
    elif kind == "response.function_call_arguments.delta":
        draft.call(piece, count_in(event, "output_index") or 0)
    return ""
