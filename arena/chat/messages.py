"""Anthropic's messages API as it is written: thinking with a budget, and a prompt's beginning kept in the cache."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from arena.chat.base import ChatError, Endpoint
from arena.chat.connections import checked_options
from arena.chat.dialect import SCHEMA, TOOL, TOOL_NAME, TOOL_WORDS, Ask, Dialect, count_in, finish_word
from arena.chat.draft import Draft
from arena.chat.errors import body_error, malformed

# The API wants a limit with every call; thinking counts towards it, and its budget is added where no limit is given.
MAX_TOKENS = 8192
LEAST_BUDGET = 1024
# Shorter beginnings are not kept, whatever is asked for; a write costs a quarter more, a read a tenth.
LEAST_CACHED = 1024
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refused",
}
THINKING = frozenset({"enabled", "adaptive", "between_tools", "disabled"})
REDACTED = "[thinking that the endpoint does not show]"


class AnthropicMessages(Dialect):
    """Calls and replies of `/v1/messages`.

    System messages go before the conversation, as the API wants them; `stop` is called `stop_sequences`
    here. Options of ours: `thinking` is checked before it is sent, and a temperature other than 1, which the API refuses
    beside it, is left out with a note; `cache` (true, false) asks to keep the system text in the endpoint's cache. Where
    it is not given, that is asked for system texts of 1,024 tokens and more, by estimate.
    """

    path = "/v1/messages"
    taken = frozenset({"model", "messages", "stream", "system", "tools", "tool_choice"})
    # The field is the one at fault: a system text without blocks is never refused.
    spares = {"system": ("cache_control",)}
    forms = {SCHEMA: ("output_config", "output_format", "structured output", "json_schema"), TOOL: ()}

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        options = _renamed(checked_options(endpoint, self.taken))
        self._cache = _checked_cache(options.pop("cache", None))
        self._thinks = _checked_thinking(options)
        self._cooled = self._thinks and options.get("temperature", 1) != 1
        if self._cooled:
            del options["temperature"]
        self._options = options

    def body(self, ask: Ask, *, stream: bool = False) -> dict[str, Any]:
        """See `Dialect.body`."""
        rest = [message for message in ask.messages if message.role != "system"]
        body: dict[str, Any] = {
            **self._options,
            "model": self.endpoint.model,
            "messages": [{"role": message.role, "content": message.content} for message in rest],
        }
        system = "\n\n".join(message.content for message in ask.messages if message.role == "system")
        if system:
            body["system"] = self._kept(system) if self._is_kept(system) else system
        if ask.schema is not None:
            body |= self._bound(ask.schema)
        return body | {"stream": True} if stream else body

    def notes(self, ask: Ask) -> tuple[str, ...]:
        """See `Dialect.notes`."""
        cooled = ("temperature was left out: the API takes no other than 1 while the model thinks",)
        return super().notes(ask) + (cooled if self._cooled else ())

    def read_whole(self, row: Any, draft: Draft) -> list[str]:
        """See `Dialect.read_whole`."""
        reply = self.row(row)
        if not isinstance(reply.get("content"), list):
            raise malformed("the reply has no content", self.endpoint)
        shown = [_read_block(block, index, draft) for index, block in enumerate(reply["content"])]
        draft.finish = finish_word(reply.get("stop_reason"), FINISH)
        _read_usage(reply.get("usage"), draft)
        return [piece for piece in (*shown, draft.rest()) if piece]

    def read_event(self, row: Any, draft: Draft) -> str:
        """See `Dialect.read_event`."""
        event = self.row(row)
        kind = event.get("type")
        if kind == "error":
            raise body_error(event, self.endpoint)
        if kind == "message_start":
            message = event.get("message")
            _read_usage(message.get("usage") if isinstance(message, Mapping) else None, draft)
        elif kind == "message_delta":
            delta = event.get("delta")
            reason = delta.get("stop_reason") if isinstance(delta, Mapping) else None
            draft.finish = finish_word(reason, FINISH) or draft.finish
            _read_usage(event.get("usage"), draft)
        elif kind == "content_block_start":
            _read_opening(event.get("content_block"), draft)
        elif kind == "content_block_delta":
            return _read_delta(event.get("delta"), count_in(event, "index") or 0, draft)
        return ""

    def _bound(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that ask for a reply of that schema."""
        if self.form == TOOL:
            tool = {"name": TOOL_NAME, "description": TOOL_WORDS, "input_schema": dict(schema)}
            # A model that thinks cannot be made to call a tool, only be offered one.
            choice = {"type": "auto"} if self._thinks else {"type": "tool", "name": TOOL_NAME}
            return {"tools": [tool], "tool_choice": choice}
        form = {"type": "json_schema", "schema": dict(schema)}
        return {"output_config": {**self._options.get("output_config", {}), "format": form}}

    def _is_kept(self, system: str) -> bool:
        if "system" in self.refused or not system.strip():
            return False
        return _tokens(system) >= LEAST_CACHED if self._cache is None else self._cache

    @staticmethod
    def _kept(system: str) -> list[dict[str, Any]]:
        return [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]


def _renamed(options: dict[str, Any]) -> dict[str, Any]:
    """The options with `stop` under the name it has here, always a list."""
    stop = options.pop("stop", None)
    if stop is not None:
        options["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    return options


def _checked_cache(cache: Any) -> bool | None:
    if cache is not None and not isinstance(cache, bool):
        raise ChatError(f"option 'cache' must be true or false, not {cache!r:.40}", transient=False)
    return cache


def _checked_thinking(options: dict[str, Any]) -> bool:
    """Whether the model thinks first; sets `max_tokens`. Raises ChatError for a budget that cannot be."""
    thinking = options.get("thinking", {"type": "disabled"})
    kind = str(thinking.get("type")) if isinstance(thinking, Mapping) else ""
    if kind not in THINKING:
        known = ", ".join(sorted(THINKING))
        raise ChatError(f"option 'thinking' must be a mapping whose 'type' is one of {known}", transient=False)
    budget = _checked_budget(thinking) if kind == "enabled" else 0
    limit = options.setdefault("max_tokens", MAX_TOKENS + budget)
    if budget and isinstance(limit, int) and limit <= budget:
        words = f"option 'max_tokens' ({limit}) must exceed thinking.budget_tokens ({budget}), which counts towards it"
        raise ChatError(words, transient=False)
    return kind != "disabled"


def _checked_budget(thinking: Mapping[str, Any]) -> int:
    budget = thinking.get("budget_tokens")
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < LEAST_BUDGET:
        words = f"option 'thinking.budget_tokens' must be a whole number from {LEAST_BUDGET}, not {budget!r:.40}"
        raise ChatError(words, transient=False)
    return budget


def _tokens(text: str) -> int:
    """About how many tokens a text has: one for a Chinese, Japanese or Korean character, one for four others."""
    wide = len(re.findall("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", text))
    return wide + (len(text) - wide) // 4


def _read_block(block: Any, index: int, draft: Draft) -> str:
    kind = block.get("type") if isinstance(block, Mapping) else None
    if kind == "text":
        return draft.say(str(block.get("text") or ""))
    if kind == "thinking":
        draft.think(f"{block.get('thinking') or ''}\n\n")
    elif kind == "tool_use":
        draft.call(json.dumps(block.get("input"), ensure_ascii=False), index)
    elif kind == "redacted_thinking":
        draft.think(f"{REDACTED}\n\n")
    return ""


def _read_opening(block: Any, draft: Draft) -> None:
    """Reads the beginning of a streamed block: redacted thinking comes with it, all else in pieces after it."""
    kind = block.get("type") if isinstance(block, Mapping) else None
    if kind == "redacted_thinking":
        draft.think(f"{REDACTED}\n\n")


def _read_delta(delta: Any, index: int, draft: Draft) -> str:
    kind = delta.get("type") if isinstance(delta, Mapping) else None
    if kind == "text_delta":
        return draft.say(str(delta.get("text") or ""))
    if kind == "input_json_delta":
        draft.call(str(delta.get("partial_json") or ""), index)
    elif kind == "thinking_delta":
        draft.think(str(delta.get("thinking") or ""))
    elif kind == "signature_delta":
        # It ends a block of thinking.
        draft.think("\n\n")
    return ""


def _read_usage(usage: Any, draft: Draft) -> None:
    """Tokens read count whether they came from the cache or not."""
    fresh, cached = count_in(usage, "input_tokens"), count_in(usage, "cache_read_input_tokens")
    written = count_in(usage, "cache_creation_input_tokens")
    total = None if fresh is None else fresh + (cached or 0) + (written or 0)
    draft.count(total, count_in(usage, "output_tokens"), cached=cached, written=written)
