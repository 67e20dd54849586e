"""A real HTTP server that speaks the batch APIs of OpenAI and of Anthropic; for tests.

A batch is at work when it is made; `wire.end(id)` answers it, every request by the words of its last message said back.
Words in that message choose what goes wrong with the request: `wrong` is refused, `late` expires, `garbled` is answered with
no reply at all. `end` takes the state the batch ends in, and `results` is what its results are replaced by. A call of OpenAI's
chat outside any batch is answered by `wire.says`, and refused where that is empty.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.openai_server import Receive, Scope, Send, dumps, read_body, run_app, send_json, start_message

KEY = "sk-of-the-batch-server"


@dataclass
class Batch:
    """One batch: its requests as they came, and what is known of it."""

    requests: list[dict[str, Any]]
    facts: dict[str, Any]
    anthropic: bool = False


@dataclass
class Wire:
    """A running server: its address, its batches and files by id, and every path and header seen.

    `lose_next` breaks the answer to the next batch that is made; `redirect` sends those who ask for results elsewhere. `asked`
    are the calls outside batches.
    """

    base_url: str = ""
    batches: dict[str, Batch] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    seen: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    lose_next: bool = False
    redirect: str = ""
    says: str = "The second is right. [[B]]"
    asked: list[dict[str, Any]] = field(default_factory=list)

    def end(self, batch_id: str, state: str = "", *, results: bytes | None = None) -> None:
        """Ends a batch in that state, with these results in place of its own."""
        batch = self.batches[batch_id]
        end = _end_anthropic if batch.anthropic else _end_openai
        end(self, batch_id, batch, state, results)

    def paths(self, method: str) -> list[str]:
        return [path for verb, path, _ in self.seen if verb == method]


@contextlib.contextmanager
def serve_batches() -> Iterator[Wire]:
    """The server, running in a thread for as long as the block lasts."""
    wire = Wire()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raw = await read_body(receive)
        headers = {k.decode().lower(): v.decode("latin-1") for k, v in scope["headers"]}
        method, path = scope["method"], scope["path"]
        wire.seen.append((method, path, headers))
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if given != KEY:
            return await send_json(
                send, 401, {"error": {"message": f"wrong key: {given}", "type": "authentication_error"}}
            )
        if wire.redirect and path.endswith(("/content", "/results")):
            return await send_json(send, 307, {}, {"location": wire.redirect})
        anthropic = path.startswith("/v1/messages")
        answer = (_anthropic if anthropic else _openai)(wire, method, path, headers, raw)
        if isinstance(answer, bytes):
            await send(start_message(200, "application/octet-stream", {}))
            return await send({"type": "http.response.body", "body": answer})
        return await send_json(send, *answer)

    with run_app(app) as address:
        wire.base_url = address
        yield wire


Answer = tuple[int, Any] | bytes


def _missing(what: str) -> Answer:
    return 404, {"error": {"message": f"No such {what}", "type": "not_found_error"}}


# --- OpenAI ---------------------------------------------------------------------------------------------


def _openai(wire: Wire, method: str, path: str, headers: Mapping[str, str], raw: bytes) -> Answer:
    parts = path.strip("/").split("/")[1:]
    match (method, *parts):
        case ("POST", "files"):
            return _upload(wire, headers, raw)
        case ("GET", "files", name, "content"):
            return wire.files.get(name) or _missing("file")
        case ("POST", "batches"):
            return _make_openai(wire, json.loads(raw))
        case ("GET", "batches"):
            return 200, {"object": "list", "data": [b.facts for b in wire.batches.values() if not b.anthropic]}
        case ("GET", "batches", name) if name in wire.batches:
            return 200, wire.batches[name].facts
        case ("POST", "batches", name, "cancel") if name in wire.batches:
            wire.batches[name].facts["status"] = "cancelling"
            return 200, wire.batches[name].facts
        case ("POST", "chat", "completions"):
            return _chat(wire, json.loads(raw))
    return _missing("path")


def _chat(wire: Wire, body: dict[str, Any]) -> Answer:
    wire.asked.append(body)
    if not wire.says:
        return 403, {"error": {"message": "not now", "type": "permission_error"}}
    message = {"role": "assistant", "content": wire.says}
    usage = {"prompt_tokens": 200, "completion_tokens": 20}
    return 200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}


def _upload(wire: Wire, headers: Mapping[str, str], raw: bytes) -> Answer:
    head = f"content-type: {headers['content-type']}\r\n\r\n".encode()
    form = email.message_from_bytes(head + raw, policy=email.policy.HTTP)
    fields = {str(part.get_param("name", header="content-disposition")): part for part in form.iter_parts()}
    if fields["purpose"].get_content().strip() != "batch":
        return 400, {"error": {"message": "purpose must be batch", "type": "invalid_request_error"}}
    name = f"file-{len(wire.files) + 1}"
    wire.files[name] = fields["file"].get_payload(decode=True)
    return 200, {"id": name, "object": "file", "purpose": "batch"}


def _make_openai(wire: Wire, wanted: Mapping[str, Any]) -> Answer:
    requests = [json.loads(line) for line in wire.files[wanted["input_file_id"]].splitlines()]
    name = f"batch_{len(wire.batches) + 1}"
    counts = {"total": len(requests), "completed": 0, "failed": 0}
    facts = {"id": name, "object": "batch", **wanted, "status": "validating", "request_counts": counts}
    wire.batches[name] = Batch(requests, facts)
    if wire.lose_next:
        wire.lose_next = False
        return 502, {"error": {"message": "bad gateway"}}
    return 200, facts


def _end_openai(wire: Wire, name: str, batch: Batch, state: str, results: bytes | None) -> None:
    rows = [_openai_row(request) for request in batch.requests]
    good = [row for row in rows if row["error"] is None and row["response"]["status_code"] == 200]
    bad = [row for row in rows if row not in good]
    for kind, found in (("output", good), ("error", bad)):
        batch.facts[f"{kind}_file_id"] = f"{name}-{kind}" if found else None
        wire.files[f"{name}-{kind}"] = b"".join(dumps(row) + b"\n" for row in found)
    if results is not None:
        wire.files[f"{name}-output"] = results
    batch.facts["status"] = state or "completed"
    batch.facts["request_counts"] = {"total": len(rows), "completed": len(good), "failed": len(bad)}


def _openai_row(request: Mapping[str, Any]) -> dict[str, Any]:
    row = {"id": "batch_req_1", "custom_id": request["custom_id"], "response": None, "error": None}
    said = request["body"]["messages"][-1]["content"]
    if "late" in said:
        error = {"code": "batch_expired", "message": "This request could not be executed before the window expired."}
        return row | {"error": error}
    if "wrong" in said:
        body = {"error": {"message": "the prompt is wrong", "type": "invalid_request_error", "code": None}}
        return row | {"response": {"status_code": 400, "request_id": "r", "body": body}}
    message = {"role": "assistant", "content": said}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    return row | {"response": {"status_code": 200, "request_id": "r", "body": {} if "garbled" in said else body}}


# --- Anthropic ------------------------------------------------------------------------------------------


def _anthropic(wire: Wire, method: str, path: str, headers: Mapping[str, str], raw: bytes) -> Answer:
    match (method, *path.strip("/").split("/")[2:]):
        case ("POST", "batches"):
            return _make_anthropic(wire, json.loads(raw))
        case ("GET", "batches", name) if name in wire.batches:
            return 200, wire.batches[name].facts
        case ("GET", "batches", name, "results"):
            return wire.files.get(name) or _missing("results")
        case ("POST", "batches", name, "cancel") if name in wire.batches:
            wire.batches[name].facts["processing_status"] = "canceling"
            return 200, wire.batches[name].facts
    return _missing("path")


def _counts(**known: int) -> dict[str, int]:
    return dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0) | known


def _make_anthropic(wire: Wire, wanted: Mapping[str, Any]) -> Answer:
    requests = wanted["requests"]
    name = f"msgbatch_{len(wire.batches) + 1}"
    facts = {"id": name, "type": "message_batch", "processing_status": "in_progress", "results_url": None}
    facts["request_counts"] = _counts(processing=len(requests))
    wire.batches[name] = Batch(requests, facts, anthropic=True)
    return 200, facts


def _end_anthropic(wire: Wire, name: str, batch: Batch, state: str, results: bytes | None) -> None:
    rows = [_anthropic_row(request, state) for request in batch.requests]
    counts = _counts()
    for row in rows:
        counts[row["result"]["type"]] += 1
    whole = b"".join(dumps(row) + b"\n" for row in rows)
    wire.files[name] = whole if results is None else results
    batch.facts |= {"processing_status": "ended", "request_counts": counts}
    batch.facts["results_url"] = f"{wire.base_url}/v1/messages/batches/{name}/results"


def _anthropic_row(request: Mapping[str, Any], state: str) -> dict[str, Any]:
    said = request["params"]["messages"][-1]["content"]
    usage = {"input_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0, "output_tokens": 3}
    message = {"content": [{"type": "text", "text": said}], "stop_reason": "end_turn", "usage": usage}
    result: dict[str, Any] = {"type": "succeeded", "message": {} if "garbled" in said else message}
    if "late" in said:
        result = {"type": "canceled" if state == "canceled" else "expired"}
    if "wrong" in said:
        error = {"type": "invalid_request_error", "message": "the prompt is wrong"}
        result = {"type": "errored", "error": {"type": "error", "error": error}}
    return {"custom_id": request["custom_id"], "result": result}
