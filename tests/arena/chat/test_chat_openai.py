"""Chat over the OpenAI protocol, against real servers on the loopback."""

import asyncio
import contextlib
import json
import traceback
from typing import Any

import pytest

from arena.chat import ChatError, Completion, Endpoint, Message, open_chat, patiently
from tests.openai_server import chunk, read_body, run_app, send_json, serve, start_message

KEY = "sk-secret-0123456789"
HELLO = [Message("system", "Be brief."), Message("user", "How far away is the Moon?")]


def endpoint(url: str, **more: Any) -> Endpoint:
    return Endpoint(**{"provider": "openai", "model": "m", "base_url": url, "key": KEY, "timeout": 5.0, **more})


def ask(where: Endpoint, messages=HELLO, **how: Any) -> Completion:
    async def work() -> Completion:
        async with open_chat(where) as chat:
            return await chat.complete(messages, **how)

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


@contextlib.contextmanager
def replying(*rows: Any, status: int = 200, kind: str = "application/json", headers=None, stall: float = 0.0):
    """A server that gives the same reply to all: one value, or the events of a stream."""

    async def app(scope, receive, send):
        await read_body(receive)
        await asyncio.sleep(stall)
        if kind == "application/json" and not isinstance(rows[0], bytes):
            await send_json(send, status, rows[0], headers)
            return
        await send(start_message(status, kind, headers or {}))
        for row in rows:
            await send(chunk(row if isinstance(row, bytes) else b"data: " + json.dumps(row).encode() + b"\n\n"))
        await send({"type": "http.response.body", "body": b""})

    with run_app(app) as address:
        yield f"{address}/v1"


def message(content: Any = "Hi.", finish: str = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": content, **more}, "finish_reason": finish}]}


def delta(finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": more, "finish_reason": finish}]}


def test_a_completion_has_text_tokens_and_time():
    with serve() as server:
        got = ask(endpoint(server.base_url))
    assert got.text.startswith("You asked about")
    assert got.finish == "stop" and got.attempts == 1
    assert got.tokens_in > 0 and got.tokens_out > 0
    assert got.seconds > 0 and got.first_token_s is None


def test_a_streamed_completion_says_the_same_and_when_it_began():
    with serve(latency=0.05) as server:
        plain, streamed = ask(endpoint(server.base_url)), ask(endpoint(server.base_url), stream=True)
    assert streamed.text == plain.text
    assert (streamed.tokens_in, streamed.tokens_out) == (plain.tokens_in, plain.tokens_out)
    assert 0.05 <= streamed.first_token_s <= streamed.seconds


def test_the_pieces_of_a_stream_make_its_completion():
    with serve() as server:
        *pieces, last = pieces_of(endpoint(server.base_url))
    assert len(pieces) > 3
    assert "".join(pieces) == last.text


def test_options_are_sent_and_those_that_are_none_are_not():
    options = {"temperature": None, "max_tokens": 5, "top_p": 0.5, "extra_body": {"top_k": 3}}
    with serve() as server:
        ask(endpoint(server.base_url, options=options))
        body = server.calls[0].body
    assert {"max_tokens": 5, "top_p": 0.5, "top_k": 3}.items() <= body.items()
    assert "temperature" not in body and "extra_body" not in body
    assert body["messages"] == [{"role": m.role, "content": m.content} for m in HELLO]


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ('谁? \t\n\r\x00\x1f\x7f\u2028 "quoted" \\ </s> 😀', None),
        ("half a character: \ud800 \udc80.", "half a character: ? ?."),
        ("", None),
    ],
)
def test_any_text_arrives_as_it_is_and_half_a_character_as_a_question_mark(said, sent):
    with serve() as server:
        ask(endpoint(server.base_url, options={"seed": 2**70}), [Message("user", said)])
        body = server.calls[0].body
    assert body["messages"] == [{"role": "user", "content": said if sent is None else sent}] and body["seed"] == 2**70


def test_an_option_that_would_replace_the_messages_is_refused():
    with pytest.raises(ChatError, match="'messages'") as caught:
        open_chat(endpoint("http://127.0.0.1:9/v1", options={"messages": []}))
    assert not caught.value.transient


def test_a_schema_is_sent_as_a_strict_response_format():
    schema = {"type": "object", "properties": {"verdict": {"enum": ["A", "B", "C"]}}}
    fences = "<<<ANSWER A 0123abcd>>>\none two\n<<<END ANSWER A 0123abcd>>>\n"
    fences += "<<<ANSWER B 0123abcd>>>\none\n<<<END ANSWER B 0123abcd>>>\nReply in JSON."
    with serve() as server:
        got = ask(endpoint(server.base_url), [Message("user", fences)], schema=schema)
        form = server.calls[0].body["response_format"]
    assert form["json_schema"]["strict"] is True and form["json_schema"]["schema"] == schema
    assert json.loads(got.text) == {"verdict": "A"}


@pytest.mark.parametrize("how", [{"stream": True}, {"schema": {"type": "object"}}])
def test_what_a_server_refuses_and_can_be_spared_is_left_out_from_then_on(how):
    async def twice(where):
        async with open_chat(where) as chat:
            return [await chat.complete(HELLO, **how) for _ in range(2)]

    with serve(refuse=("stream_options", "response_format")) as server:
        first, second = asyncio.run(twice(endpoint(server.base_url)))
        assert server.count == 3
    assert (first.attempts, second.attempts) == (2, 1)
    assert first.text == second.text != ""


FORMS = {
    "schema": lambda body: (body.get("response_format") or {}).get("type") == "json_schema",
    "tool": lambda body: "tools" in body,
    "object": lambda body: (body.get("response_format") or {}).get("type") == "json_object",
}
REFUSALS = {
    "schema": "This response_format type is unavailable now",
    "tool": '"auto" tool choice requires --enable-auto-tool-choice to be set',
    "object": "JSON mode is not supported",
}


@contextlib.contextmanager
def refusing(*forms: str, status: int = 400):
    """A server that refuses these ways to ask for JSON, one by one, and answers in the others; yields address and bodies."""
    bodies: list[dict[str, Any]] = []

    async def app(scope, receive, send):
        body = json.loads(await read_body(receive))
        bodies.append(body)
        form = next((name for name, asked in FORMS.items() if asked(body)), "text")
        if form in forms:
            return await send_json(send, status, {"error": {"message": REFUSALS[form]}})
        if form == "tool":
            call = {"id": "c1", "type": "function", "function": {"name": "reply", "arguments": '{"verdict": "A"}'}}
            return await send_json(send, 200, message(None, "tool_calls", tool_calls=[call]))
        return await send_json(send, 200, message(form))

    with run_app(app) as address:
        yield f"{address}/v1", bodies


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("refused", "text", "note"),
    [
        ([], "schema", ""),
        (["schema"], '{"verdict": "A"}', "as a tool call"),
        (["schema", "tool"], "object", "as any JSON object"),
        (["schema", "tool", "object"], "text", "as plain text"),
    ],
)
def test_a_schema_is_asked_for_in_the_best_form_that_the_server_takes(status, refused, text, note):
    async def twice(url):
        async with open_chat(endpoint(url)) as chat:
            return [await chat.complete(HELLO, schema={"type": "object"}) for _ in range(2)]

    with refusing(*refused, status=status) as (url, bodies):
        first, second = asyncio.run(twice(url))
    assert first.text == second.text == text and first.finish == "stop"
    assert (first.attempts, second.attempts) == (len(refused) + 1, 1) and len(bodies) == len(refused) + 2
    assert [note in told for told in second.notes] == ([True] if note else [])


def test_many_calls_that_learn_the_same_at_once_skip_no_form():
    async def at_once(url):
        async with open_chat(endpoint(url)) as chat:
            return await asyncio.gather(*(chat.complete(HELLO, schema={"type": "object"}) for _ in range(5)))

    with refusing("schema") as (url, _):
        assert {got.text for got in asyncio.run(at_once(url))} == {'{"verdict": "A"}'}


def test_a_call_without_a_schema_is_not_bound_to_any_form():
    with refusing("schema", "tool", "object") as (url, bodies):
        assert ask(endpoint(url)).text == "text"
    assert not {"response_format", "tools", "tool_choice"} & bodies[0].keys()


@pytest.mark.parametrize("words", ["the context is too long", "temperature must be below 2"])
def test_what_is_wrong_for_another_reason_is_not_asked_again_in_another_form(words):
    with replying({"error": {"message": words}}, status=400) as url:
        error = failure(endpoint(url), schema={"type": "object"})
    assert not error.transient and error.attempts == 1 and words in str(error)


def test_a_refusal_may_name_the_field_and_not_say_its_name():
    seen = []

    async def app(scope, receive, send):
        body = json.loads(await read_body(receive))
        seen.append(body)
        if "response_format" in body:
            error = {"message": "Unknown parameter.", "param": "response_format"}
            return await send_json(send, 400, {"error": error})
        return await send_json(send, 200, message("{}"))

    with run_app(app) as address:
        got = ask(endpoint(f"{address}/v1"), schema={"type": "object"})
    assert got.attempts == 2 and "tools" in seen[1]


@pytest.mark.parametrize(
    ("calls", "text", "reasoning"),
    [
        ([{"function": {"arguments": '{"a": 1}'}}], '{"a": 1}', "Well."),
        ([{"function": {"arguments": {"a": 1}}}], '{"a": 1}', "Well."),
        ([{"function": {"arguments": '{"a": 1}'}}, {"function": {"arguments": '{"a": 2}'}}], '{"a": 1}', "Well."),
        ([], "Well.", ""),
        ([{"function": None}, None], "Well.", ""),
    ],
)
def test_the_arguments_of_the_first_tool_call_are_the_text(calls, text, reasoning):
    with replying(message("Well.", "tool_calls", tool_calls=calls)) as url:
        got = ask(endpoint(url), schema={"type": "object"})
    assert (got.text, got.reasoning, got.finish) == (text, reasoning, "stop")


def test_the_arguments_of_a_streamed_tool_call_are_put_together():
    parts = ['{"a"', ": 1}"]
    events = [delta(tool_calls=[{"index": 0, "function": {"name": "reply", "arguments": part}}]) for part in parts]
    other = delta(tool_calls=[{"index": 1, "function": {"name": "reply", "arguments": "{}"}}])
    with replying(events[0], other, events[1], delta("tool_calls"), kind="text/event-stream") as url:
        got = ask(endpoint(url), schema={"type": "object"}, stream=True)
    assert (got.text, got.finish) == ('{"a": 1}', "stop")


def token(text: str, weight: float, **others: float) -> dict[str, Any]:
    """A token with its alternatives, as the protocol writes them."""
    top = [{"token": name, "logprob": value, "bytes": None} for name, value in {**others, text: weight}.items()]
    return {"token": text, "logprob": weight, "bytes": None, "top_logprobs": top}


def weighed(*tokens: dict[str, Any]) -> dict[str, Any]:
    return {"logprobs": {"content": list(tokens), "refusal": None}}


def test_log_probabilities_are_asked_for_and_told_for_each_token_the_written_one_first():
    row = message("A.")
    row["choices"][0] |= weighed(token("A", -0.5, B=-1.0), token(".", -0.1))
    with replying(row) as url:
        got = ask(endpoint(url), logprobs=2)
    assert got.top == ({"A": -0.5, "B": -1.0}, {".": -0.1})
    assert list(got.top[0]) == ["A", "B"] and got.notes == ()


def test_log_probabilities_are_read_from_a_stream_too():
    events = [delta(content="A"), delta(content="."), delta("stop")]
    for event, part in zip(events, [token("A", -0.5, B=-1.0), token(".", -0.1)], strict=False):
        event["choices"][0] |= weighed(part)
    with replying(*events, kind="text/event-stream") as url:
        assert ask(endpoint(url), logprobs=2, stream=True).top == ({"A": -0.5, "B": -1.0}, {".": -0.1})


def test_only_the_answers_first_tokens_are_kept_and_none_of_the_thoughts():
    thoughts = [token(part, -1.0) for part in ("<think>", "Hm", ".</", "think>", "\n")]
    row = message("", reasoning_content="Hm.")
    row["choices"][0]["message"]["content"] = "x" * 100
    row["choices"][0] |= weighed(*thoughts, *[token("x", -0.1)] * 100)
    with replying(row) as url:
        top = ask(endpoint(url), logprobs=2).top
    assert len(top) == 64 and list(top[0]) == ["\n"] and list(top[1]) == ["x"]


@pytest.mark.parametrize(
    ("logprobs", "top"),
    [
        (None, ()),
        ({"content": None}, ()),
        ({"content": [{"token": "A", "logprob": -1, "top_logprobs": None}]}, ({"A": -1.0},)),
        ({"content": [{"token": "A", "logprob": float("nan")}, "B"]}, ({},)),
        (
            {"content": [{"token": "A", "logprob": -2.0, "top_logprobs": [{"token": "A", "logprob": -1}, None]}]},
            ({"A": -1.0},),
        ),
    ],
)
def test_log_probabilities_that_are_none_are_left_out(logprobs, top):
    row = message("A")
    row["choices"][0]["logprobs"] = logprobs
    with replying(row) as url:
        assert ask(endpoint(url), logprobs=2).top == top


def test_a_server_without_log_probabilities_is_asked_without_and_that_is_noted():
    async def twice(url):
        async with open_chat(endpoint(url)) as chat:
            return [await chat.complete(HELLO, logprobs=5) for _ in range(2)]

    with serve(refuse=("top_logprobs",)) as server:
        first, second = asyncio.run(twice(server.base_url))
        assert server.calls[0].body["logprobs"] is True and server.calls[0].body["top_logprobs"] == 5
        assert not {"logprobs", "top_logprobs"} & server.calls[-1].body.keys()
        assert ask(endpoint(server.base_url)).notes == ()
    assert (first.attempts, second.attempts) == (2, 1)
    assert first.top == () and any("log-probabilities were left out" in note for note in second.notes)


@pytest.mark.parametrize(
    ("usage", "cached", "written"),
    [
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3}}, 4, 3),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 5}, 5, None),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}}, 0, None),
        ({"prompt_tokens": 9, "prompt_tokens_details": None}, None, None),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": True}}, None, None),
        (None, None, None),
    ],
)
def test_tokens_read_from_the_cache_are_told_where_the_server_counts_them(usage, cached, written):
    with replying({**message(), "usage": usage}) as url:
        got = ask(endpoint(url))
    assert (got.tokens_cached, got.tokens_cache_written) == (cached, written)


def test_an_api_that_is_none_is_a_permanent_error():
    with pytest.raises(ChatError, match="'api' must be one of chat, responses, not 'soap'") as caught:
        open_chat(endpoint("http://127.0.0.1:9/v1", options={"api": "soap"}))
    assert not caught.value.transient


def test_the_api_is_no_field_of_the_request():
    with serve() as server:
        ask(endpoint(server.base_url, options={"api": "chat"}))
        assert "api" not in server.calls[0].body


def test_max_tokens_takes_its_newer_name_where_the_server_asks_for_it():
    seen = []

    async def app(scope, receive, send):
        body = json.loads(await read_body(receive))
        seen.append(body)
        if "max_tokens" in body:
            words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return await send_json(send, 400, {"error": {"message": words}})
        return await send_json(send, 200, message())

    with run_app(app) as address:
        got = ask(endpoint(f"{address}/v1", options={"max_tokens": 7}))
    assert got.attempts == 2
    assert seen[1]["max_completion_tokens"] == 7


def test_a_refused_temperature_is_an_error_and_not_left_out():
    with serve(refuse=("temperature",)) as server:
        error = failure(endpoint(server.base_url, options={"temperature": 0}))
        assert server.count == 1
    assert not error.transient and "temperature" in str(error)


@pytest.mark.parametrize(
    ("row", "text", "reasoning", "finish"),
    [
        (message("Hi.", reasoning_content="Hm."), "Hi.", "Hm.", "stop"),
        (message("Hi.", reasoning="Hm."), "Hi.", "Hm.", "stop"),
        (message("\n<think>Hm.</think>\n\nHi."), "Hi.", "Hm.", "stop"),
        (message("<think>Hm. I wonder", "length"), "", "Hm. I wonder", "length"),
        (message("The tag <think> opens."), "The tag <think> opens.", "", "stop"),
        (message(None, refusal="I will not."), "I will not.", "", "refused"),
        (message("", "content_filter"), "", "", "refused"),
        (message([{"type": "text", "text": "Hi."}]), "Hi.", "", "stop"),
        (message("Hi.", "eos_unusual"), "Hi.", "", "eos_unusual"),
    ],
)
def test_a_reply_is_read_as_text_reasoning_and_finish(row, text, reasoning, finish):
    with replying(row) as url:
        got = ask(endpoint(url))
    assert (got.text, got.reasoning, got.finish) == (text, reasoning, finish)


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 100])
def test_thinking_is_held_back_from_a_stream_however_it_is_cut(cut):
    said = " <think>Hm, hm.</think>\n\nHi there <think>."
    events = [delta(content=said[i : i + cut]) for i in range(0, len(said), cut)]
    with replying(*events, delta("stop"), b"data: [DONE]\n\n", kind="text/event-stream") as url:
        *pieces, last = pieces_of(endpoint(url))
    assert "".join(pieces) == last.text == "Hi there <think>."
    assert last.reasoning == "Hm, hm."
    assert last.first_token_s is not None


def test_streamed_reasoning_fields_are_kept_apart():
    events = [delta(reasoning_content="Hm."), delta(content="<"), delta("stop")]
    with replying(*events, kind="text/event-stream") as url:
        *pieces, last = pieces_of(endpoint(url))
    assert pieces == ["<"]
    assert (last.text, last.reasoning) == ("<", "Hm.")


def test_a_server_that_cannot_stream_answers_whole():
    with replying(message("<think>Hm.</think>Hi.")) as url:
        assert pieces_of(endpoint(url))[0] == "Hi."
        got = ask(endpoint(url), stream=True)
    assert got.text == "Hi." and got.first_token_s is None


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_what_may_pass_is_transient(status):
    with replying({"error": {"message": "busy"}}, status=status, headers={"retry-after": "7"}) as url:
        error = failure(endpoint(url))
    assert error.transient and error.status == status and error.retry_after == 7
    assert f"HTTP {status}: busy" in str(error)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 307])
def test_what_will_not_pass_is_permanent(status):
    with replying({"error": {"message": "no"}}, status=status, headers={"location": "/elsewhere"}) as url:
        error = failure(endpoint(url))
    assert not error.transient and error.status == status


def test_an_account_without_money_is_permanent_though_it_is_a_429():
    with replying({"error": {"message": "no quota", "code": "insufficient_quota"}}, status=429) as url:
        assert not failure(endpoint(url)).transient


@pytest.mark.parametrize(
    "body", [b"{garbled", b'"text"', b"{}", b'{"choices": []}', b'{"choices": [{"message": null}]}', b"<html>"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_garbled_body_is_transient(body, stream):
    with replying(body) as url:
        error = failure(endpoint(url), stream=stream)
    assert error.transient and "the reply" in str(error)


def test_an_error_told_with_status_200_is_an_error():
    with replying({"error": {"message": "upstream is down", "code": 502}}) as url:
        error = failure(endpoint(url))
    assert error.transient and "upstream is down" in str(error)


@pytest.mark.parametrize("last", [{"error": {"message": "overloaded"}}, b": nothing more\n\n", b"data: {gar\n\n"])
def test_a_stream_that_breaks_off_is_transient_and_no_completion(last):
    with replying(delta(content="Hi"), last, kind="text/event-stream") as url:
        assert failure(endpoint(url), stream=True).transient


def test_a_stream_cut_in_the_connection_is_transient():
    async def cut(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        writer.write(b"1f\r\ndata: " + b'{"choices": [], "x": 1}' + b"\r\n")
        writer.close()
        await writer.wait_closed()

    async def work():
        async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with open_chat(endpoint(f"http://127.0.0.1:{port}/v1")) as chat:
                await chat.complete(HELLO, stream=True)

    with pytest.raises(ChatError) as caught:
        asyncio.run(work())
    assert caught.value.transient and "no connection" in str(caught.value)


@pytest.mark.parametrize("stream", [False, True])
def test_a_late_answer_is_a_transient_timeout(stream):
    with replying(message(), stall=0.6) as url:
        error = failure(endpoint(url, timeout=0.1), stream=stream)
    assert error.transient and error.status is None and "0.1 s" in str(error)


def test_a_closed_port_is_transient_and_a_wrong_address_permanent():
    assert failure(endpoint("http://127.0.0.1:9/v1")).transient
    assert not failure(endpoint("localhost/v1")).transient


def test_a_wrong_key_is_permanent_and_no_key_is_not_sent(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    with serve(key="another") as server:
        error = failure(endpoint(server.base_url))
        assert failure(endpoint(server.base_url, key="")).status == 401
        assert "authorization" not in server.calls[1].headers
    assert not error.transient and error.status == 401


@pytest.mark.parametrize("key", [KEY, KEY + "\n", KEY + "\nx", KEY + "…"])
def test_the_key_never_shows_in_an_error(key):
    with serve(key="another") as server:
        where = endpoint(server.base_url, key=key)
        error = failure(where)
    shown = str(error) + repr(error) + repr(vars(error)) + repr(where)
    shown += "".join(traceback.format_exception(error))
    assert KEY not in shown
    assert error.__cause__ is None and error.__context__ is None
    assert not error.transient


def test_failures_are_outlived_with_patience_and_counted():
    async def work(url):
        async with open_chat(endpoint(url)) as chat:
            return [
                await patiently(lambda n=n: chat.complete([Message("user", f"Question {n}")]), base=0.001, attempts=20)
                for n in range(40)
            ]

    with serve(fail=0.4) as server:
        got = asyncio.run(work(server.base_url))
        assert server.answered == 40 and server.failed > 5
        assert sum(completion.attempts for completion in got) == server.count
        assert {call.status for call in server.calls} == {200, 429, 500}


def test_one_chat_serves_many_calls_over_few_connections():
    async def work(url):
        async with open_chat(endpoint(url)) as chat:
            await asyncio.gather(*(chat.complete([Message("user", str(n))]) for n in range(100)))

    with serve(latency=0.05) as server:
        asyncio.run(work(server.base_url))
        assert server.count == 100 and server.peak > 50
