"""Chat over Anthropic's protocol, against a real server on the loopback."""

import asyncio
import json
import traceback
from typing import Any

import pytest

from arena.chat import ChatError, Completion, Endpoint, Message, open_chat, patiently
from tests.anthropic_wire import KEY, serve_messages

HELLO = [Message("system", "Be brief."), Message("user", "Echo this, please.")]
SCHEMA = {"type": "object", "properties": {"verdict": {"type": "string"}}}


@pytest.fixture(scope="module")
def wire():
    with serve_messages() as running:
        yield running


def endpoint(wire: Any, model: str = "claude", **more: Any) -> Endpoint:
    return Endpoint(**{"provider": "anthropic", "model": model, "base_url": wire.base_url, "key": KEY, **more})


def ask(where: Endpoint, messages=HELLO, **how: Any) -> Completion:
    async def work() -> Completion:
        async with open_chat(where) as chat:
            return await patiently(lambda: chat.complete(messages, **how), base=0.001, attempts=2)

    return asyncio.run(work())


def failure(where: Endpoint, **how: Any) -> ChatError:
    with pytest.raises(ChatError) as caught:
        ask(where, **how)
    return caught.value


@pytest.mark.parametrize("stream", [False, True])
def test_a_completion_has_text_tokens_and_time(wire, stream):
    got = ask(endpoint(wire), stream=stream)
    assert got.text == "Echo this, please." and got.finish == "stop"
    assert (got.tokens_in, got.tokens_out) == (15, 7)
    assert (got.first_token_s is not None) == stream


def test_the_system_message_stands_before_the_conversation(wire):
    ask(endpoint(wire), [*HELLO, Message("system", "In English.")])
    body = wire.bodies[-1]
    assert body["system"] == "Be brief.\n\nIn English."
    assert [message["role"] for message in body["messages"]] == ["user"]


def test_options_travel_under_their_names_and_none_stays_at_home(wire):
    ask(endpoint(wire, options={"temperature": 0, "stop": "END", "top_p": None}))
    body = wire.bodies[-1]
    assert body["temperature"] == 0 and body["stop_sequences"] == ["END"] and body["max_tokens"] > 0
    assert "top_p" not in body and "stop" not in body
    ask(endpoint(wire, options={"temperature": None, "max_tokens": 30_000}))
    assert "temperature" not in wire.bodies[-1] and wire.bodies[-1]["max_tokens"] == 30_000


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_blocks_are_reasoning(wire, stream):
    got = ask(endpoint(wire, options={"thinking": {"type": "enabled", "budget_tokens": 1024}}), stream=stream)
    assert (got.text, got.reasoning) == ("Echo this, please.", "Let me see.")


@pytest.mark.parametrize(("model", "finish"), [("refusing", "refused"), ("cut", "length")])
@pytest.mark.parametrize("stream", [False, True])
def test_the_stop_reason_is_told_in_our_words(wire, model, finish, stream):
    assert ask(endpoint(wire, model), stream=stream).finish == finish


@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_goes_as_output_config_and_else_as_a_tool(wire, stream):
    structured, by_tool = ask(endpoint(wire), schema=SCHEMA, stream=stream), None
    assert json.loads(structured.text) == {"verdict": "B"}
    by_tool = ask(endpoint(wire, "toolonly"), schema=SCHEMA, stream=stream)
    assert json.loads(by_tool.text) == {"verdict": "A"}
    assert by_tool.finish == "stop" and by_tool.attempts == 2
    assert wire.bodies[-1]["tools"][0]["input_schema"] == SCHEMA


def test_a_busy_endpoint_is_called_again(wire):
    assert ask(endpoint(wire, "limited")).attempts == 2


def test_an_overload_in_the_middle_of_a_stream_is_transient(wire):
    error = failure(endpoint(wire, "overloaded"), stream=True)
    assert error.transient and "Overloaded" in str(error) and error.attempts == 2


def test_the_address_may_end_in_v1(wire):
    where = Endpoint("anthropic", "claude", f"{wire.base_url}/v1/", KEY)
    assert ask(where).text


def test_a_wrong_key_is_permanent_and_never_shown(wire, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", KEY)
    error = failure(endpoint(wire, key="sk-wrong-99"))
    assert not error.transient and error.status == 401 and error.attempts == 1
    assert "sk-wrong-99" not in str(error) + "".join(traceback.format_exception(error))
    assert failure(endpoint(wire, key="")).status == 401
    assert KEY not in str(wire.headers[-2:])


def test_a_closed_port_is_transient():
    where = Endpoint("anthropic", "claude", "http://127.0.0.1:9", KEY)
    assert failure(where).transient
