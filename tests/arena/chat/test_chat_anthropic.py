"""Chat over Anthropic's protocol, against a real server on the loopback."""

import asyncio
import json
import traceback
from typing import Any

import pytest

from arena.chat import ChatError, Completion, Endpoint, Message, open_chat, patiently
from arena.chat.messages import MAX_TOKENS, REDACTED
from tests.anthropic_wire import KEY, serve_messages

HELLO = [Message("system", "Be brief."), Message("user", "Echo this, please.")]
THINKING = {"type": "enabled", "budget_tokens": 1024}
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


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_that_is_not_shown_is_told_of_and_is_no_text(wire, stream):
    got = ask(endpoint(wire, "redacting", options={"thinking": THINKING}), stream=stream)
    assert got.text == "Echo this, please."
    assert got.reasoning.split("\n\n") == ["Let me see.", REDACTED]
    assert "0pAqUe" not in got.reasoning + got.text


def test_a_budget_to_think_is_added_to_the_limit_that_is_not_given(wire):
    ask(endpoint(wire, options={"thinking": {"type": "enabled", "budget_tokens": 20_000}}))
    assert wire.bodies[-1]["max_tokens"] == 20_000 + MAX_TOKENS
    assert wire.bodies[-1]["thinking"] == {"type": "enabled", "budget_tokens": 20_000}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"thinking": THINKING, "max_tokens": 1024},
            r"'max_tokens' \(1024\) must exceed thinking.budget_tokens \(1024\)",
        ),
        ({"thinking": {"type": "enabled"}}, "budget_tokens' must be a whole number from 1024, not None"),
        ({"thinking": {"type": "enabled", "budget_tokens": 100}}, "whole number from 1024, not 100"),
        ({"thinking": {"type": "much"}}, "'thinking' must be a mapping whose 'type' is one of adaptive, between_tools"),
        ({"thinking": True}, "'thinking' must be a mapping"),
        ({"cache": "yes"}, "'cache' must be true or false, not 'yes'"),
        ({"system": "x"}, "'system' is set by the call itself"),
    ],
)
def test_an_option_that_cannot_be_is_a_permanent_error_before_anything_is_sent(wire, options, words):
    before = len(wire.bodies)
    with pytest.raises(ChatError, match=words) as caught:
        open_chat(endpoint(wire, options=options))
    assert not caught.value.transient and len(wire.bodies) == before


@pytest.mark.parametrize(("temperature", "noted"), [(0, True), (1, False), (None, False)])
def test_a_temperature_that_does_not_go_with_thinking_is_left_out_and_that_is_noted(wire, temperature, noted):
    got = ask(endpoint(wire, options={"thinking": THINKING, "temperature": temperature}))
    assert any("temperature was left out" in note for note in got.notes) == noted
    assert wire.bodies[-1].get("temperature") == (1 if temperature == 1 else None)


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_thinks_is_offered_the_tool_and_what_it_says_before_is_no_part_of_the_reply(wire, stream):
    got = ask(endpoint(wire, "toolonly", options={"thinking": THINKING}), schema=SCHEMA, stream=stream)
    assert json.loads(got.text) == {"verdict": "A"}
    assert got.reasoning == "I shall reply." and got.attempts == 2
    assert wire.bodies[-1]["tool_choice"] == {"type": "auto"}
    assert any("as a tool call" in note for note in got.notes)


@pytest.mark.parametrize("stream", [False, True])
def test_a_marked_system_text_is_written_to_the_cache_and_then_read_from_it(wire, stream):
    where = endpoint(wire, options={"cache": True})
    text = f"Judge well, {'whole' if not stream else 'piece by piece'}."
    asked = [Message("system", text), Message("user", "Go.")]
    first, second = ask(where, asked, stream=stream), ask(where, asked, stream=stream)
    block = {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}
    assert wire.bodies[-1]["system"] == [block] and "cache" not in wire.bodies[-1]
    assert (first.tokens_cached, first.tokens_cache_written) == (4, len(text))
    assert (second.tokens_cached, second.tokens_cache_written) == (4 + len(text), 0)
    assert first.tokens_in == second.tokens_in == 15 + len(text)


@pytest.mark.parametrize(
    ("text", "cache", "kept"),
    [
        ("Be fair. " * 456, None, True),
        ("Be fair. " * 450, None, False),
        ("公正评判。" * 250, None, True),
        ("公正评判。" * 190, None, False),
        ("Be fair. " * 456, False, False),
        (" ", True, False),
    ],
)
def test_a_long_system_text_is_kept_in_the_cache_unless_the_options_say_otherwise(wire, text, cache, kept):
    ask(endpoint(wire, options={"cache": cache}), [Message("system", text), Message("user", "Go.")])
    assert isinstance(wire.bodies[-1]["system"], list) == kept


def test_an_endpoint_without_a_cache_is_asked_without_one_from_then_on(wire):
    async def twice(where: Endpoint) -> list[Completion]:
        async with open_chat(where) as chat:
            return [await chat.complete(HELLO) for _ in range(2)]

    first, second = asyncio.run(twice(endpoint(wire, "forgetful", options={"cache": True})))
    assert (first.attempts, second.attempts) == (2, 1)
    assert wire.bodies[-1]["system"] == "Be brief."


def test_a_request_that_would_be_the_same_again_is_not_sent_again(wire):
    before = len(wire.bodies)
    error = failure(endpoint(wire, "stubborn"))
    assert not error.transient and error.status == 400 and len(wire.bodies) == before + 1


def test_there_are_no_log_probabilities_and_asking_for_them_changes_nothing(wire):
    ask(endpoint(wire), logprobs=5)
    asked = wire.bodies[-1]
    assert ask(endpoint(wire)).top == () and wire.bodies[-1] == asked


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
