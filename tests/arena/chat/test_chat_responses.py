"""Chat over OpenAI's responses API, against a real server on the loopback."""

import asyncio
import contextlib
import json
from typing import Any

import pytest

from arena.chat import ChatError, Completion, Endpoint, Message, open_chat
from tests.openai_server import chunk, read_body, run_app, send_json, start_message

KEY = "sk-secret-0123456789"
HELLO = [
    Message("system", "Be brief."),
    Message("user", "How far?"),
    Message("assistant", "Far."),
    Message("user", "And?"),
]
SCHEMA = {"type": "object", "properties": {"verdict": {"type": "string"}}}
USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 16,
}


def text_item(text: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": [], **more}],
    }


def thought(**more: Any) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs_1", "summary": [], **more}


def reply(*items: Any, **more: Any) -> dict[str, Any]:
    head = {"id": "resp_1", "object": "response", "status": "completed", "error": None, "incomplete_details": None}
    return {**head, "output": list(items), "usage": USAGE, **more}


@contextlib.contextmanager
def replying(*rows: Any, status: int = 200, refuse: Any = None):
    """A server that gives one reply, or the events of a stream, to all it does not refuse; yields address and bodies.

    `refuse` takes the body and returns the words of a refusal, or nothing.
    """
    bodies: list[dict[str, Any]] = []

    async def app(scope, receive, send):
        body = json.loads(await read_body(receive))
        bodies.append(body)
        if scope["path"] != "/v1/responses":
            return await send_json(send, 404, {"error": {"message": "no such path"}})
        if words := refuse and refuse(body):
            return await send_json(send, 400, {"error": {"message": words, "type": "invalid_request_error"}})
        if not body.get("stream"):
            return await send_json(send, status, rows[0])
        await send(start_message(200, "text/event-stream", {}))
        for number, row in enumerate(rows):
            data = json.dumps({**row, "sequence_number": number})
            await send(chunk(f"event: {row['type']}\ndata: {data}\n\n".encode()))
        return await send({"type": "http.response.body", "body": b""})

    with run_app(app) as address:
        yield f"{address}/v1", bodies


def endpoint(url: str, **options: Any) -> Endpoint:
    return Endpoint("openai", "m", url, KEY, {"api": "responses", **options}, timeout=5.0)


def ask(where: Endpoint, **how: Any) -> Completion:
    async def work() -> Completion:
        async with open_chat(where) as chat:
            return await chat.complete(HELLO, **how)

    return asyncio.run(work())


def failure(where: Endpoint, **how: Any) -> ChatError:
    with pytest.raises(ChatError) as caught:
        ask(where, **how)
    return caught.value


def pieces_of(where: Endpoint) -> list[str | Completion]:
    async def work() -> list[str | Completion]:
        async with open_chat(where) as chat:
            return [piece async for piece in chat.stream(HELLO)]

    return asyncio.run(work())


def test_a_completion_has_text_reasoning_and_tokens():
    summary = [{"type": "summary_text", "text": "Near."}, {"type": "summary_text", "text": "No, far."}]
    with replying(reply(thought(summary=summary), text_item("384,400 km."))) as (url, _):
        got = ask(endpoint(url))
    assert (got.text, got.reasoning, got.finish) == ("384,400 km.", "Near.\n\nNo, far.", "stop")
    assert (got.tokens_in, got.tokens_out, got.tokens_cached, got.tokens_cache_written) == (9, 7, 4, 2)
    assert got.first_token_s is None and got.seconds > 0


def test_the_conversation_travels_as_items_and_options_under_their_names():
    options = {"max_tokens": 50, "temperature": None, "reasoning": {"effort": "low"}, "text": {"verbosity": "low"}}
    with replying(reply(text_item("Hi."))) as (url, bodies):
        ask(endpoint(url, **options), schema=SCHEMA)
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Far."}]}
    system, first, last = ({"role": m.role, "content": m.content} for m in HELLO if m.role != "assistant")
    assert bodies[0]["input"] == [system, first, said, last]
    assert bodies[0]["max_output_tokens"] == 50 and bodies[0]["reasoning"] == {"effort": "low"}
    named = {"type": "json_schema", "name": "reply", "strict": True, "schema": SCHEMA}
    assert bodies[0]["text"] == {"verbosity": "low", "format": named}
    assert bodies[0]["store"] is False
    assert not {"api", "max_tokens", "temperature", "messages", "stream"} & bodies[0].keys()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"input": "x"}, "'input' is set by the call itself"),
        ({"text": {"format": {}}}, "'text.format' is set by the call itself"),
        ({"text": "low"}, "'text' must be a mapping"),
        ({"include": "x"}, "'include' must be a list"),
        ({"background": True}, "'background' is set by the call itself"),
    ],
)
def test_an_option_that_cannot_be_is_a_permanent_error(options, words):
    with pytest.raises(ChatError, match=words) as caught:
        open_chat(endpoint("http://127.0.0.1:9/v1", **options))
    assert not caught.value.transient


@pytest.mark.parametrize(
    ("row", "text", "reasoning", "finish"),
    [
        (reply(thought(content=[{"type": "reasoning_text", "text": "Hm."}]), text_item("Hi.")), "Hi.", "Hm.", "stop"),
        (reply(text_item("Hi."), text_item(" And more.")), "Hi. And more.", "", "stop"),
        (reply(text_item("<think>Hm.</think>Hi.")), "Hi.", "Hm.", "stop"),
        (
            reply(text_item("Hi"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "Hi",
            "",
            "length",
        ),
        (reply(status="incomplete", incomplete_details={"reason": "content_filter"}), "", "", "refused"),
        (reply(status="incomplete", incomplete_details=None), "", "", "incomplete"),
        (reply({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}), "No.", "", "refused"),
        (reply({"type": "web_search_call", "id": "ws_1"}, None, text_item("Hi.")), "Hi.", "", "stop"),
    ],
)
def test_a_reply_is_read_as_text_reasoning_and_finish(row, text, reasoning, finish):
    with replying(row) as (url, _):
        got = ask(endpoint(url))
    assert (got.text, got.reasoning, got.finish) == (text, reasoning, finish)


@pytest.mark.parametrize(
    ("row", "transient"),
    [
        (reply(status="failed", error={"code": "server_error", "message": "it broke"}), True),
        (reply(status="failed", error={"code": "rate_limit_exceeded", "message": "it broke"}), True),
        (reply(status="failed", error={"code": "invalid_prompt", "message": "it broke"}), False),
        (reply(status="failed", error={"code": "insufficient_quota", "message": "it broke"}), False),
        (reply(status="in_progress"), True),
        (reply(status=None), True),
        ({"id": "resp_1", "status": "completed"}, True),
        ("text", True),
    ],
)
def test_a_reply_that_is_none_is_an_error(row, transient):
    with replying(row) as (url, _):
        error = failure(endpoint(url))
    assert error.transient == transient and ("it broke" in str(error) or "the reply" in str(error))


def test_log_probabilities_are_asked_for_in_this_protocols_way():
    weighed = [
        {"token": "A", "logprob": -0.5, "bytes": [], "top_logprobs": [{"token": "B", "logprob": -1, "bytes": []}]}
    ]
    with replying(reply(text_item("A", logprobs=weighed))) as (url, bodies):
        got = ask(endpoint(url, include=["reasoning.encrypted_content"]), logprobs=3)
    assert got.top == ({"A": -0.5, "B": -1.0},)
    assert bodies[0]["top_logprobs"] == 3
    assert bodies[0]["include"] == ["reasoning.encrypted_content", "message.output_text.logprobs"]


def no_log_probabilities(body: dict[str, Any]) -> str:
    return "logprobs are not supported with reasoning models." if "top_logprobs" in body else ""


def nothing_kept(body: dict[str, Any]) -> str:
    return "Unknown parameter: 'store'." if "store" in body else ""


@pytest.mark.parametrize(("refuse", "how"), [(no_log_probabilities, {"logprobs": 3}), (nothing_kept, {})])
def test_what_a_server_refuses_and_can_be_spared_is_left_out(refuse, how):
    with replying(reply(text_item("Hi.")), refuse=refuse) as (url, bodies):
        got = ask(endpoint(url), **how)
    assert got.attempts == 2 and got.text == "Hi." and len(bodies) == 2


@pytest.mark.parametrize("forms", [("schema",), ("schema", "tool"), ("schema", "tool", "object")])
def test_a_schema_is_asked_for_in_the_best_form_that_the_server_takes(forms):
    def form_of(body: dict[str, Any]) -> str:
        if "tools" in body:
            return "tool"
        kind = body.get("text", {}).get("format", {}).get("type")
        return {"json_schema": "schema", "json_object": "object"}.get(kind, "text")

    def refuse(body: dict[str, Any]) -> str:
        words = {
            "schema": "text.format is not supported",
            "tool": "tools are not supported",
            "object": "no json_object here",
        }
        return words[form_of(body)] if form_of(body) in forms else ""

    call = {"type": "function_call", "call_id": "c", "name": "reply", "arguments": '{"verdict": "A"}'}
    with replying(reply(text_item("I reply."), call), refuse=refuse) as (url, bodies):
        got = ask(endpoint(url), schema=SCHEMA)
    assert got.attempts == len(forms) + 1 and got.text == '{"verdict": "A"}' and got.reasoning == "I reply."
    assert [form_of(body) for body in bodies] == ["schema", "tool", "object", "text"][: len(forms) + 1]
    if len(forms) == 1:
        tool = {
            "type": "function",
            "name": "reply",
            "description": "Gives the reply.",
            "parameters": SCHEMA,
            "strict": False,
        }
        assert bodies[1]["tools"] == [tool] and bodies[1]["tool_choice"] == {"type": "function", "name": "reply"}


def streamed(*deltas: tuple[str, str], end: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    created = {"type": "response.created", "response": reply(status="in_progress", usage=None)}
    events = [{"type": f"response.{kind}.delta", "output_index": 0, "delta": piece} for kind, piece in deltas]
    return [created, *events, *([end] if end else [])]


COMPLETED = {"type": "response.completed", "response": reply(text_item("Hi there."))}


def test_the_pieces_of_a_stream_make_its_completion():
    said = [
        ("reasoning_summary_text", "Hm, "),
        ("reasoning_summary_text", "hm."),
        ("output_text", "Hi"),
        ("output_text", " there."),
    ]
    with replying(*streamed(*said, end=COMPLETED)) as (url, bodies):
        *pieces, last = pieces_of(endpoint(url))
    assert pieces == ["Hi", " there."] and last.text == "Hi there."
    assert (last.reasoning, last.finish, last.tokens_in, last.tokens_out) == ("Hm, hm.", "stop", 9, 7)
    assert last.first_token_s is not None
    assert bodies[0]["stream"] is True and "stream_options" not in bodies[0]


def test_a_streamed_tool_call_is_the_text():
    said = [("function_call_arguments", '{"a"'), ("function_call_arguments", ": 1}")]
    with replying(*streamed(*said, end=COMPLETED)) as (url, _):
        assert ask(endpoint(url), schema=SCHEMA, stream=True).text == '{"a": 1}'


@pytest.mark.parametrize(
    ("said", "end", "finish"),
    [
        (("refusal", "No."), COMPLETED, "refused"),
        (
            ("output_text", "No."),
            {
                "type": "response.incomplete",
                "response": reply(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            },
            "length",
        ),
    ],
)
def test_the_end_of_a_stream_is_told_in_our_words(said, end, finish):
    with replying(*streamed(said, end=end)) as (url, _):
        got = ask(endpoint(url), stream=True)
    assert (got.text, got.finish) == ("No.", finish)


@pytest.mark.parametrize(
    ("end", "transient"),
    [
        (None, True),
        ({"type": "error", "code": "server_error", "message": "it broke", "param": None}, True),
        ({"type": "error", "code": "invalid_prompt", "message": "it broke", "param": None}, False),
        (
            {
                "type": "response.failed",
                "response": reply(status="failed", error={"code": "server_error", "message": "x"}),
            },
            True,
        ),
        ({"type": "response.completed", "response": None}, True),
    ],
)
def test_a_stream_that_breaks_off_is_an_error_and_no_completion(end, transient):
    with replying(*streamed(("output_text", "Hi"), end=end)) as (url, _):
        assert failure(endpoint(url), stream=True).transient == transient


def test_a_wrong_key_is_permanent_and_never_shown():
    with replying({"error": {"message": f"wrong key {KEY}"}}, status=401) as (url, _):
        error = failure(endpoint(url))
    assert not error.transient and error.status == 401 and KEY not in str(error)
