"""A real HTTP server that speaks Anthropic's messages protocol, plain and streamed; for tests.

It says back the last user message, thinking first when the request asks for thinking. Words in the
request's model id choose what goes wrong: `limited` answers 429 once per body, `overloaded` breaks off
the stream, `refusing` refuses, `toolonly` knows no `output_config`, `cut` stops at the limit, `redacting` hides a part
of its thinking, `forgetful` knows no `cache_control`, `stubborn`
refuses it where there is none. Like the API it refuses what does not go with thinking, and a marked
system text is written to the cache the first time and read from it after that.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.openai_server import Receive, Scope, Send, chunk, dumps, read_body, run_app, send_json, start_message

KEY = "sk-ant-of-the-test-server"


@dataclass
class Wire:
    """A running server: its address, and every request body and header seen."""

    base_url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    cached: set[str] = field(default_factory=set)


@contextlib.contextmanager
def serve_messages() -> Iterator[Wire]:
    """The server, running in a thread for as long as the block lasts."""
    wire = Wire()
    seen: Counter[bytes] = Counter()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raw = await read_body(receive)
        seen[raw] += 1
        headers = {k.decode().lower(): v.decode("latin-1") for k, v in scope["headers"]}
        body = json.loads(raw)
        wire.bodies.append(body)
        wire.headers.append(headers)
        problem = _problem(scope["path"], headers, body, seen[raw])
        if problem:
            status, kind, words = problem
            extra = {"retry-after": "0"} if status == 429 else {}
            return await send_json(send, status, _error(kind, words), extra)
        usage = _usage(wire, body)
        if body.get("stream"):
            return await _stream(send, body, usage)
        return await send_json(send, 200, _message(body, usage))

    with run_app(app) as address:
        wire.base_url = address
        yield wire


def _problem(
    path: str, headers: Mapping[str, str], body: Mapping[str, Any], attempt: int
) -> tuple[int, str, str] | None:
    given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    if given != KEY:
        return 401, "authentication_error", f"invalid x-api-key: {given}"
    if path != "/v1/messages" or "anthropic-version" not in headers:
        return 404, "not_found_error", "not found"
    if "max_tokens" not in body or any(message["role"] == "system" for message in body["messages"]):
        return 400, "invalid_request_error", "max_tokens: Field required"
    if "toolonly" in body["model"] and "output_config" in body:
        return 400, "invalid_request_error", "output_config: this model does not support structured outputs"
    kept = isinstance(body.get("system"), list)
    if "stubborn" in body["model"] or ("forgetful" in body["model"] and kept):
        return 400, "invalid_request_error", "system.0.cache_control: Extra inputs are not permitted"
    if "limited" in body["model"] and attempt == 1:
        return 429, "rate_limit_error", "slow down"
    words = _against_thinking(body)
    return (400, "invalid_request_error", words) if words else None


def _against_thinking(body: Mapping[str, Any]) -> str:
    """What the API says of fields that do not go with thinking; empty where all is well."""
    thinking = body.get("thinking")
    if not thinking or thinking["type"] == "disabled":
        return ""
    if body["max_tokens"] <= thinking.get("budget_tokens", 0):
        return "`max_tokens` must be greater than `thinking.budget_tokens`"
    if body.get("temperature", 1) != 1:
        return "`temperature` may only be set to 1 when thinking is enabled"
    if body.get("tool_choice", {}).get("type") == "tool":
        return "Thinking may not be enabled when tool_choice forces tool use."
    return ""


def _usage(wire: Wire, body: Mapping[str, Any]) -> dict[str, int]:
    usage = {"input_tokens": 11, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0, "output_tokens": 7}
    system = body.get("system")
    if isinstance(system, list):
        text = "".join(block["text"] for block in system if block.get("cache_control") == {"type": "ephemeral"})
        usage["cache_read_input_tokens" if text in wire.cached else "cache_creation_input_tokens"] += len(text)
        wire.cached.add(text)
    return usage


def _blocks(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "tool_choice" in body:
        name = body["tools"][0]["name"]
        called = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {"verdict": "A"}}
        # A model that is only offered a tool says something first.
        offered = body["tool_choice"]["type"] == "auto"
        return [{"type": "text", "text": "I shall reply."}, called] if offered else [called]
    if "output_config" in body:
        return [{"type": "text", "text": '{"verdict": "B"}'}]
    said: dict[str, Any] = {"type": "text", "text": body["messages"][-1]["content"]}
    if "thinking" not in body:
        return [said]
    redacted = [{"type": "redacted_thinking", "data": "0pAqUe=="}] if "redacting" in body["model"] else []
    return [{"type": "thinking", "thinking": "Let me see.", "signature": "x"}, *redacted, said]


def _reason(body: Mapping[str, Any]) -> str:
    if "refusing" in body["model"]:
        return "refusal"
    if "tool_choice" in body:
        return "tool_use"
    return "max_tokens" if "cut" in body["model"] else "end_turn"


def _head(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"]}


def _message(body: Mapping[str, Any], usage: Mapping[str, int]) -> dict[str, Any]:
    return {
        **_head(body),
        "content": _blocks(body),
        "stop_reason": _reason(body),
        "stop_sequence": None,
        "usage": usage,
    }


def _error(kind: str, words: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": words}}


async def _stream(send: Send, body: Mapping[str, Any], usage: Mapping[str, int]) -> None:
    async def event(row: Mapping[str, Any]) -> None:
        await send(chunk(f"event: {row['type']}\n".encode() + b"data: " + dumps(row) + b"\n\n"))

    await send(start_message(200, "text/event-stream", {}))
    opening = {**_head(body), "content": [], "stop_reason": None, "stop_sequence": None}
    opening["usage"] = {**usage, "output_tokens": 1}
    await event({"type": "message_start", "message": opening})
    await event({"type": "ping"})
    if "overloaded" in body["model"]:
        await event(_error("overloaded_error", "Overloaded"))
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    for index, block in enumerate(_blocks(body)):
        await event({"type": "content_block_start", "index": index, "content_block": _empty(block)})
        for delta in _deltas(block):
            await event({"type": "content_block_delta", "index": index, "delta": delta})
        await event({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": _reason(body), "stop_sequence": None}
    await event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}})
    await event({"type": "message_stop"})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _empty(block: Mapping[str, Any]) -> dict[str, Any]:
    if block["type"] == "text":
        return {"type": "text", "text": ""}
    if block["type"] == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {**block, "input": {}} if block["type"] == "tool_use" else block


def _deltas(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    if block["type"] == "thinking":
        return [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": "x"},
        ]
    if block["type"] == "redacted_thinking":
        return []
    if block["type"] == "tool_use":
        raw = json.dumps(block["input"])
        return [{"type": "input_json_delta", "partial_json": part} for part in (raw[:5], raw[5:])]
    return [{"type": "text_delta", "text": part} for part in (block["text"][:4], block["text"][4:]) if part]
