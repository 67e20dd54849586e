"""A real HTTP server that speaks the OpenAI chat protocol and answers by a fixed rule.

The rule, so that a test can predict every reply:

* A message that holds fenced answers (`<<<ANSWER A nonce>>>` … `<<<END ANSWER A nonce>>>`) is a judge's
  prompt. The *vocabulary* of an answer is the number of its distinct words, case folded, a Han character
  being a word. Of two answers the larger vocabulary wins; within 5 % of the larger it is a tie. The rule
  does not look at the order shown. A single answer scores 1 + vocabulary / 20, whole and at most 10.
* Every other prompt is answered by a text made from the prompt's own words.

On request a share of the calls fails (in turns 429 with `Retry-After: 0`, and 500) and a share of the judge's
replies is garbled (no verdict, or cut off). Both are drawn by hash of seed, body and how often that body was
seen, so a run can be repeated and a retry can succeed.

An answer comes so many seconds after its request, the server's own work included; where the latency is a
distribution, each request's is drawn by hash too.

Runs as `python tests/openai_server.py --port 8100 --latency lognormal:0.5:8 --fail 0.05 --garble 0.05`, or in a thread:

    with serve(fail=0.05) as server:
        ...  server.base_url, server.calls, server.count, server.answered, server.failed, server.garbled
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import math
import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import uvicorn

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"
STATS = "/stats"

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_FENCE = re.compile(r"<<<END ANSWER(?: [AB])? ([0-9a-f]{8,})>>>")
_WORD = re.compile(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+")


@dataclass(frozen=True)
class Lognormal:
    """Seconds of which 95 in 100 lie between `low` and `high`, log-normally; the others are cut to these."""

    low: float
    high: float

    def drawn(self, share: float) -> float:
        """The latency at this share (0..1) of the distribution."""
        middle, spread = math.log(self.low * self.high) / 2, math.log(self.high / self.low) / 2
        seconds = math.exp(middle + spread * NormalDist().inv_cdf(min(max(share, 1e-9), 1 - 1e-9)) / 1.96)
        return min(max(seconds, self.low), self.high)


def latency_from(text: str) -> float | Lognormal:
    """Seconds, or "lognormal:LOW:HIGH". Raises ValueError for anything else."""
    kind, *bounds = text.split(":")
    if not bounds:
        return float(kind)
    low, high = map(float, bounds)
    if kind != "lognormal" or not 0 < low < high:
        raise ValueError(f"a latency is seconds, or lognormal:LOW:HIGH; not {text!r}")
    return Lognormal(low, high)


@dataclass(frozen=True)
class Manners:
    """How the server behaves: `latency` in seconds, `fail` and `garble` shares 0..1, `key` or no check.

    `refuse` names request fields that are answered with 400, as small servers do with `stream_options`. More calls at a
    time than `capacity` (0: any number) are answered with 429, without a word on when to come again.
    """

    latency: float | Lognormal = 0.0
    fail: float = 0.0
    garble: float = 0.0
    seed: int = 1
    key: str = ""
    refuse: tuple[str, ...] = ()
    model: str = "vocabulary"
    log: Path | None = None
    capacity: int = 0


@dataclass(frozen=True)
class Call:
    """One request seen: `outcome` is "ok", "garbled", "failed", "busy", "unauthorized", "refused" or "bad".

    It `came` and was answered (`at`) by time.time(), with `latency` seconds between of the server's own will.
    """

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    status: int
    outcome: str
    judge: bool
    attempt: int
    at: float
    latency: float = 0.0
    came: float = 0.0


@dataclass
class Record:
    """What the server saw; appended to by its own thread only, safe to read from others."""

    calls: list[Call] = field(default_factory=list)
    in_flight: int = 0
    peak: int = 0
    first: float | None = None  # when the first chat call came, by time.time()

    def add(self, call: Call, log: Path | None) -> None:
        self.calls.append(call)
        if log is not None:
            row = {"at": call.at, "path": call.path, "status": call.status, "outcome": call.outcome}
            with log.open("a", encoding="utf-8") as out:
                out.write(json.dumps({**row, "attempt": call.attempt, "judge": call.judge}) + "\n")

    def stats(self) -> dict[str, Any]:
        """Counts by path, and of the chat calls by outcome; when the first came and the last was answered, and all latencies."""
        chats = [call for call in self.calls if call.path == CHAT]
        return {
            "paths": dict(Counter(call.path for call in self.calls)),
            "chat": len(chats),
            "judge": sum(call.judge for call in chats),
            "outcomes": dict(Counter(call.outcome for call in chats)),
            "statuses": dict(Counter(str(call.status) for call in chats)),
            "peak": self.peak,
            "first": self.first,
            "last": max((call.at for call in chats), default=None),
            "latency": sum(call.latency for call in chats),
            "longest": max((call.latency for call in chats), default=0.0),
            "again": sum(call.attempt > 1 for call in chats),
        }


# --- the rule -------------------------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def vocabulary(text: str) -> int:
    """The number of distinct words of a text, case folded; a Han character is a word."""
    return len(set(_WORD.findall(text.casefold())))


def preferred(first: str, second: str) -> str:
    """ "A", "B" or "C" (a tie) by the rule above; swapping the answers swaps A and B."""
    one, two = vocabulary(first), vocabulary(second)
    if abs(one - two) <= 0.05 * max(one, two):
        return "C"
    return "A" if one > two else "B"


def score(answer: str) -> int:
    """The mark of one answer, 1 to 10, by the rule above."""
    return min(10, 1 + vocabulary(answer) // 20)


def fenced(prompt: str) -> tuple[list[str], str] | None:
    """The fenced answers of a judge's prompt and the text after them, or None if there are none.

    The last end fence is the prompt's own (an answer cannot know the nonce), so its nonce is the true one.
    """
    ends = list(_FENCE.finditer(prompt))
    if not ends:
        return None
    nonce = ends[-1].group(1)
    texts = [_between(prompt, f"ANSWER{which} {nonce}") for which in ("", " A", " B")]
    found = [text for text in texts if text is not None]
    return (found, prompt[ends[-1].end() :]) if found else None


def _between(prompt: str, name: str) -> str | None:
    """The text between the fences of this name; None where there are none."""
    _, begins, rest = prompt.partition(f"<<<{name}>>>\n")
    text, ends, _ = rest.partition(f"<<<END {name}>>>")
    return text.removesuffix("\n") if begins and ends else None


def verdict(prompt: str, schema: Mapping[str, Any] | None) -> str | None:
    """The reply to a judge's prompt, in the form it asks for; None if it is not a judge's prompt."""
    found = fenced(prompt)
    if found is None:
        return None
    answers, tail = found
    sizes = " and ".join(str(vocabulary(answer)) for answer in answers)
    letter = preferred(answers[0], answers[1]) if len(answers) == 2 else ""
    mark = score(answers[0])
    if schema is not None:
        return json.dumps(_filled(schema, letter, mark, f"Distinct words: {sizes}."))
    if letter:
        return f"Distinct words: {sizes}.\n\n[[{letter}]]"
    keys = _dimensions(tail)
    if keys:
        return json.dumps(dict.fromkeys(keys, mark))
    return f"Distinct words: {sizes}.\n\n[[{mark}]]"


def _dimensions(tail: str) -> list[str]:
    """The keys of the last JSON object shown in the instructions, or [] if a bracketed mark is wanted."""
    shown = re.findall(r"\{[^{}]*\}", tail)
    return re.findall(r'"([^"]+)"\s*:', shown[-1]) if shown else []


def _filled(schema: Mapping[str, Any], letter: str, mark: int, reason: str) -> Any:
    """A value that fits the schema: letters where an enumeration has them, the mark where a number is wanted."""
    if "enum" in schema:
        options = list(schema["enum"])
        named = {"A": "A>B", "B": "B>A", "C": "A=B"}
        return next((o for o in (letter, named.get(letter), mark) if o in options), options[-1])
    kind = schema.get("type", "object")
    if kind == "object":
        return {k: _filled(v, letter, mark, reason) for k, v in schema.get("properties", {}).items()}
    if kind == "array":
        return []
    return mark if kind in ("integer", "number") else reason


def answer(prompt: str) -> str:
    """A plain answer made from the prompt's own words, the same every time."""
    words = _WORD.findall(prompt)[:60]
    pick = int(_digest(prompt)[:8], 16)
    turned = words[pick % len(words) :] + words[: pick % len(words)] if words else []
    return f"You asked about {len(words)} words. " + " ".join(turned) + "."


# --- the protocol ---------------------------------------------------------------------------------------


def build_app(manners: Manners, record: Record) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The ASGI application: `/v1/models`, `/v1/chat/completions` (plain and streamed) and `/stats`."""
    seen: Counter[str] = Counter()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        record.in_flight += 1
        record.peak = max(record.peak, record.in_flight)
        try:
            await respond(scope, receive, send)
        finally:
            record.in_flight -= 1

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        arrived, came = asyncio.get_running_loop().time(), time.time()
        raw = await read_body(receive)
        path = scope["path"]
        if path == CHAT and record.first is None:
            record.first = time.time()
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        if path == STATS:
            return await send_json(send, 200, record.stats())
        same = f"{path} {_digest(raw)}"
        seen[same] += 1
        attempt = seen[same]
        body = _loads(raw)
        latency = 0.0

        async def until_due() -> None:
            if latency:
                await asyncio.sleep(arrived + latency - asyncio.get_running_loop().time())

        def note(status: int, outcome: str, *, judge: bool = False) -> None:
            known = body if isinstance(body, dict) else {}
            seen_call = Call(path, known, headers, status, outcome, judge, attempt, time.time(), latency, came)
            record.add(seen_call, manners.log)

        if manners.key and headers.get("authorization") != f"Bearer {manners.key}":
            note(401, "unauthorized")
            shown = headers.get("authorization", "nothing")
            return await _error(send, 401, f"Incorrect API key provided: {shown}", "invalid_request_error")
        if path == MODELS and scope["method"] == "GET":
            note(200, "ok")
            row = {"id": manners.model, "object": "model", "created": 0, "owned_by": "tests"}
            return await send_json(send, 200, {"object": "list", "data": [row]})
        if path != CHAT or scope["method"] != "POST":
            note(404, "bad")
            return await _error(send, 404, f"no such path: {path}", "invalid_request_error")
        if not isinstance(body, dict) or not body.get("model") or not body.get("messages"):
            note(400, "bad")
            return await _error(send, 400, "model and messages are required", "invalid_request_error")
        refused = [name for name in manners.refuse if name in body]
        if refused:
            note(400, "refused")
            return await _error(send, 400, f"Unsupported parameter: '{refused[0]}'", "invalid_request_error")
        if manners.capacity and record.in_flight > manners.capacity:
            note(429, "busy")
            return await _error(send, 429, "too many at a time", "rate_limit_error")

        latency = manners.latency
        if isinstance(latency, Lognormal):
            latency = latency.drawn(_share(manners.seed, "latency", raw, attempt))
        luck = _share(manners.seed, "fail", raw, attempt) if manners.fail else 1.0
        if luck < manners.fail:
            await until_due()
            status = 429 if luck < manners.fail / 2 else 500
            note(status, "failed")
            headers_out = {"retry-after": "0"} if status == 429 else {}
            return await _error(send, status, "try again", "server_error", headers_out)

        text, judge = reply(body)
        garbled = judge and bool(manners.garble) and _share(manners.seed, "garble", raw, attempt) < manners.garble
        if garbled:
            text = garble(text, attempt)
        whole = b"" if body.get("stream") else dumps(_completion(body, text, _usage(body, text)))
        await until_due()
        note(200, "garbled" if garbled else "ok", judge=judge)
        if body.get("stream"):
            return await _stream(send, body, text, _usage(body, text))
        return await send_raw(send, 200, whole)

    return app


def reply(body: Mapping[str, Any]) -> tuple[str, bool]:
    """The reply to a request and whether it was a judge's prompt; the last prompt with fences counts."""
    prompts = [str(message.get("content") or "") for message in body["messages"] if message.get("role") == "user"]
    form = body.get("response_format") or {}
    schema = (form.get("json_schema") or {}).get("schema")
    for prompt in reversed(prompts):
        said = verdict(prompt, schema)
        if said is not None:
            return said, True
    return answer(prompts[-1] if prompts else ""), False


def garble(text: str, attempt: int) -> str:
    """The reply without its verdict: in turns a text that says nothing, and one that is cut off."""
    if attempt % 2:
        return "Both answers have their merits, and it is hard to say."
    return text[: len(text) // 3]


def _completion(body: Mapping[str, Any], text: str, usage: Mapping[str, int]) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": usage}


def _head(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-test", "object": kind, "created": int(time.time()), "model": body["model"]}


def _usage(body: Mapping[str, Any], text: str) -> dict[str, int]:
    """Tokens as if four characters were one; at least one on each side."""
    asked = sum(len(str(message.get("content") or "")) for message in body["messages"])
    tokens_in, tokens_out = max(1, asked // 4), max(1, len(text) // 4)
    return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


async def _stream(send: Send, body: Mapping[str, Any], text: str, usage: Mapping[str, int]) -> None:
    await send(start_message(200, "text/event-stream", {}))
    head = _head(body, "chat.completion.chunk")
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))

    async def event(row: dict[str, Any]) -> None:
        await send(chunk(b"data: " + dumps({**head, **row}) + b"\n\n"))

    await event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
    for piece in re.findall(r"\s*\S+\s*?|\s+", text):
        await event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
    await event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if wants_usage:
        await event({"choices": [], "usage": usage})
    await send(chunk(b"data: [DONE]\n\n"))
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _error(send: Send, status: int, message: str, kind: str, headers: Mapping[str, str] | None = None) -> None:
    await send_json(send, status, {"error": {"message": message, "type": kind, "param": None, "code": None}}, headers)


async def send_json(send: Send, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
    await send_raw(send, status, dumps(value), headers)


async def send_raw(send: Send, status: int, raw: bytes, headers: Mapping[str, str] | None = None) -> None:
    await send(start_message(status, "application/json", {"content-length": str(len(raw)), **(headers or {})}))
    await send({"type": "http.response.body", "body": raw})


def start_message(status: int, kind: str, headers: Mapping[str, str]) -> dict[str, Any]:
    pairs = [(k.encode(), v.encode()) for k, v in {"content-type": kind, **headers}.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


def chunk(raw: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": raw, "more_body": True}


async def read_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _loads(raw: bytes) -> Any:
    try:
        return json.loads(raw or b"null")
    except ValueError:
        return None


def dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _digest(value: str | bytes) -> str:
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()


def _share(seed: int, what: str, raw: bytes, attempt: int) -> float:
    """A number in [0, 1) fixed by the seed, the body and the attempt."""
    return int(_digest(f"{seed} {what} {attempt} ".encode() + raw)[:12], 16) / 16**12


# --- running --------------------------------------------------------------------------------------------


class Server(uvicorn.Server):
    """uvicorn in a thread: signals stay with the main thread, and it stops at once when told to."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Served:
    """A running server: where it answers and what it has seen so far."""

    base_url: str
    record: Record

    @property
    def calls(self) -> list[Call]:
        """Every request but those for `/stats`, in the order answered."""
        return list(self.record.calls)

    @property
    def count(self) -> int:
        """Chat calls of any outcome."""
        return sum(call.path == CHAT for call in self.calls)

    @property
    def answered(self) -> int:
        """Chat calls answered with 200, garbled ones too."""
        return sum(call.path == CHAT and call.status == 200 for call in self.calls)

    @property
    def failed(self) -> int:
        """Chat calls that were made to fail with 429 or 500."""
        return sum(call.outcome == "failed" for call in self.calls)

    @property
    def garbled(self) -> int:
        """Judge replies that were spoilt."""
        return sum(call.outcome == "garbled" for call in self.calls)

    @property
    def peak(self) -> int:
        """The most requests that were open at one moment."""
        return self.record.peak

    def stats(self) -> dict[str, Any]:
        """What `/stats` says."""
        return self.record.stats()

    def forget(self) -> None:
        """Starts counting from nothing; what failed before does not fail differently now."""
        self.record.calls.clear()
        self.record.peak = self.record.in_flight


@contextlib.contextmanager
def run_app(app: Any) -> Iterator[str]:
    """Serves an ASGI application from a thread on a free loopback port; yields its address, without a path."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False, timeout_graceful_shutdown=1)
    server = Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the server did not start")
            time.sleep(0.005)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)
        sock.close()


@contextlib.contextmanager
def serve(
    *,
    latency: float | Lognormal = 0.0,
    fail: float = 0.0,
    garble: float = 0.0,
    seed: int = 1,
    key: str = "",
    refuse: tuple[str, ...] = (),
    model: str = "vocabulary",
    log: Path | None = None,
    capacity: int = 0,
) -> Iterator[Served]:
    """The server, running in a thread for as long as the block lasts."""
    record = Record()
    manners = Manners(latency, fail, garble, seed, key, refuse, model, log, capacity)
    with run_app(build_app(manners, record)) as address:
        yield Served(f"{address}/v1", record)


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server that answers by a fixed rule.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100, help="0 for any that is free")
    parser.add_argument(
        "--latency",
        type=latency_from,
        default=0.0,
        help="seconds from request to answer, or lognormal:LOW:HIGH of which 95 in 100 are between the two",
    )
    parser.add_argument("--fail", type=float, default=0.0, help="share of calls answered 429 or 500")
    parser.add_argument("--garble", type=float, default=0.0, help="share of judge replies without a verdict")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--key", default="", help="the bearer key to ask for")
    parser.add_argument("--refuse", default="", help="request fields to refuse, by comma")
    parser.add_argument("--model", default="vocabulary", help="the model's id in /v1/models")
    parser.add_argument("--log", type=Path, default=None, help="a file that gets one JSON line per call")
    parser.add_argument(
        "--capacity", type=int, default=0, help="calls at a time; more are answered 429 (0: any number)"
    )
    args = parser.parse_args()
    record = Record()
    refuse = tuple(name for name in args.refuse.split(",") if name)
    how = {"model": args.model, "log": args.log, "capacity": args.capacity}
    manners = Manners(args.latency, args.fail, args.garble, args.seed, args.key, refuse, **how)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((args.host, args.port))
    print(f"answering on http://{args.host}:{sock.getsockname()[1]}/v1", flush=True)
    config = uvicorn.Config(
        build_app(manners, record),
        log_level="warning",
        lifespan="off",
        access_log=False,
        timeout_graceful_shutdown=2,
        backlog=2048,
    )
    uvicorn.Server(config).run(sockets=[sock])
    print(json.dumps(record.stats()), file=sys.stderr)


if __name__ == "__main__":
    main()
