"""The batch APIs, against a real server on the loopback."""

import asyncio
import json
import traceback
from typing import Any

import pytest

from arena.chat import BatchRequest, ChatError, Completion, Endpoint, Message, open_batches, open_chat
from arena.chat.anthropic_batches import AnthropicBatches
from arena.chat.batch_lines import Lines
from arena.chat.openai_batches import OpenAIBatches
from tests.anthropic_wire import KEY as MESSAGES_KEY
from tests.anthropic_wire import serve_messages
from tests.batch_wire import KEY, serve_batches
from tests.openai_server import serve

SCHEMA = {"type": "object", "properties": {"verdict": {"enum": ["A", "B"]}}}
both = pytest.mark.parametrize("provider", ["openai", "anthropic"])


@pytest.fixture
def wire():
    with serve_batches() as running:
        yield running


def endpoint(wire: Any, provider: str, **more: Any) -> Endpoint:
    url = wire.base_url + ("/v1" if provider == "openai" else "")
    return Endpoint(**{"provider": provider, "model": "m", "base_url": url, "key": KEY, "timeout": 5.0, **more})


def requests(*texts: str, schema: Any = None) -> list[BatchRequest]:
    said = [[Message("system", "Be brief."), Message("user", text)] for text in texts]
    return [BatchRequest(f"q-{number}", messages, schema) for number, messages in enumerate(said)]


def run(where: Endpoint, work: Any) -> Any:
    async def all_of_it() -> Any:
        async with open_batches(where) as batches:
            return await work(batches)

    return asyncio.run(all_of_it())


def submitted(where: Endpoint, *texts: str, **more: Any) -> str:
    return run(where, lambda batches: batches.submit(requests(*texts, **more)))


def status_of(where: Endpoint, batch: str) -> Any:
    return run(where, lambda batches: batches.poll(batch))


def results_of(where: Endpoint, batch: str) -> dict[str, Completion | ChatError]:
    """The results, and under "" the error that ended them."""

    async def work(batches: Any) -> dict[str, Completion | ChatError]:
        found: dict[str, Completion | ChatError] = {}
        try:
            async for name, result in batches.results(batch):
                found[name] = result
        except ChatError as error:
            found[""] = error
        return found

    return run(where, work)


def failure(where: Endpoint, work: Any) -> ChatError:
    with pytest.raises(ChatError) as caught:
        run(where, work)
    return caught.value


@both
def test_a_batch_is_submitted_watched_and_read(wire, provider):
    where = endpoint(wire, provider)
    batch = submitted(where, "one", "two")
    assert status_of(where, batch).state == "working" and status_of(where, batch).total == 2
    wire.end(batch)
    ended = status_of(where, batch)
    assert (ended.state, ended.done, ended.failed, ended.total) == ("done", 2, 0, 2)
    results = results_of(where, batch)
    assert [results["q-0"].text, results["q-1"].text] == ["one", "two"]
    assert (results["q-0"].tokens_in, results["q-0"].tokens_cached, results["q-0"].tokens_out) == (9, 4, 3)
    assert results["q-0"].seconds == 0.0


def test_a_request_of_a_batch_is_what_a_chat_would_send(wire):
    options = {"temperature": 0, "max_tokens": 9}
    batch = submitted(endpoint(wire, "openai", options=options), "one", schema=SCHEMA)
    with serve() as server:
        body = sent_by_chat(endpoint(wire, "openai", options=options, base_url=server.base_url))
        assert server.calls[0].body == wire.batches[batch].requests[0]["body"] and body
    sent = wire.batches[batch].requests[0]
    assert (sent["method"], sent["url"]) == ("POST", "/v1/chat/completions")
    assert wire.batches[batch].facts["completion_window"] == "24h"


def test_a_request_of_a_batch_to_anthropic_is_what_a_chat_would_send(wire):
    options = {"max_tokens": 3000, "thinking": {"type": "enabled", "budget_tokens": 2000}, "cache": True}
    batch = submitted(endpoint(wire, "anthropic", options=options), "one", schema=SCHEMA)
    with serve_messages() as other:
        where = endpoint(wire, "anthropic", options=options, base_url=other.base_url, key=MESSAGES_KEY)
        assert sent_by_chat(where)
        assert other.bodies[0] == wire.batches[batch].requests[0]["params"]


def sent_by_chat(where: Endpoint) -> Completion:
    async def work() -> Completion:
        async with open_chat(where) as chat:
            return await chat.complete(requests("one")[0].messages, schema=SCHEMA)

    return asyncio.run(work())


def test_the_responses_api_has_batches_of_its_own(wire):
    batch = submitted(endpoint(wire, "openai", options={"api": "responses"}), "one")
    assert wire.batches[batch].facts["endpoint"] == "/v1/responses"
    sent = wire.batches[batch].requests[0]
    assert sent["url"] == "/v1/responses" and "input" in sent["body"] and "api" not in sent["body"]


@both
def test_a_request_that_failed_within_a_batch_is_a_permanent_error_of_its_own(wire, provider):
    where = endpoint(wire, provider)
    batch = submitted(where, "one", "wrong", "garbled")
    wire.end(batch)
    results = results_of(where, batch)
    assert results["q-0"].text == "one"
    assert not results["q-1"].transient and "the prompt is wrong" in str(results["q-1"])
    assert results["q-2"].transient and "the reply has no" in str(results["q-2"])
    assert "" not in results


@both
def test_an_expired_batch_keeps_what_was_answered_and_the_rest_may_be_asked_again(wire, provider):
    where = endpoint(wire, provider)
    batch = submitted(where, "one", "late")
    wire.end(batch, "expired")
    status = status_of(where, batch)
    assert (status.state, status.done, status.failed) == ("expired", 1, 1)
    results = results_of(where, batch)
    assert results["q-0"].text == "one" and results["q-1"].transient


@both
def test_a_cancelled_batch_is_at_work_until_it_has_stopped(wire, provider):
    where = endpoint(wire, provider)
    batch = submitted(where, "one", "late")
    run(where, lambda batches: batches.cancel(batch))
    assert status_of(where, batch).state == "working"
    wire.end(batch, "cancelled" if provider == "openai" else "canceled")
    assert status_of(where, batch).state == "cancelled"
    assert results_of(where, batch)["q-1"].transient


@both
def test_a_batch_at_work_has_no_results_yet(wire, provider):
    where = endpoint(wire, provider)
    assert results_of(where, submitted(where, "one"))[""].transient


def test_a_batch_that_was_not_taken_says_why_and_has_no_results(wire):
    where = endpoint(wire, "openai")
    batch = submitted(where, "one")
    wire.end(batch, "failed")
    errors = [{"line": 1, "message": f"the model is not known, {KEY}", "code": "model_not_found", "param": None}]
    wire.batches[batch].facts["errors"] = {"object": "list", "data": errors}
    status = status_of(where, batch)
    assert status.state == "failed" and status.error == "line 1: the model is not known, [key]"
    ended = results_of(where, batch)[""]
    assert not ended.transient and "the model is not known" in str(ended)


@both
def test_a_line_cut_in_half_loses_no_other_and_is_told_at_the_end(wire, provider):
    where = endpoint(wire, provider)
    batch = submitted(where, "one", "two", "three")
    wire.end(batch)
    name = f"{batch}-output" if provider == "openai" else batch
    first, second, third = wire.files[name].splitlines()
    wire.end(batch, results=b"\n".join([first, second[: len(second) // 2], third]))
    results = results_of(where, batch)
    assert [results["q-0"].text, results["q-2"].text] == ["one", "three"]
    assert results[""].transient and "1 of the lines" in str(results[""])
    assert "q-1" not in results


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_lines_are_ended_by_line_feeds_alone_however_they_arrive(size):
    text = "one\u2028two\u0085three\u000bfour 你好"
    raw = json.dumps({"custom_id": "q", "text": text}, ensure_ascii=False).encode()
    whole = raw + b"\r\n\n" + raw + b'\n[1]\n{"no": "id"}'

    async def chunks():
        for start in range(0, len(whole), size):
            yield whole[start : start + size]

    async def work():
        return [row async for row in lines.rows(chunks())]

    lines = Lines(Endpoint("openai", "m"))
    assert [row["text"] for row in asyncio.run(work())] == [text, text]
    assert lines.broken == 2


@both
def test_results_elsewhere_are_not_asked_for_and_the_key_stays_here(wire, provider):
    where = endpoint(wire, provider)
    batch = submitted(where, "one")
    wire.end(batch)
    with serve() as other:
        wire.redirect = other.base_url
        redirected = results_of(where, batch)[""]
        if provider == "anthropic":
            wire.batches[batch].facts["results_url"] = f"{other.base_url}/messages/batches/{batch}/results"
            named = results_of(where, batch)[""]
            assert not named.transient and "another address" in str(named)
        assert other.calls == []
    assert not redirected.transient and "redirects" in str(redirected)


@both
def test_a_wrong_key_is_permanent_and_never_shown(wire, provider):
    where = endpoint(wire, provider, key="sk-wrong-0123456789")
    error = failure(where, lambda batches: batches.submit(requests("one")))
    assert not error.transient and error.status == 401
    shown = str(error) + repr(vars(error)) + repr(where) + "".join(traceback.format_exception(error))
    assert "sk-wrong-0123456789" not in shown
    assert error.__cause__ is None and error.__context__ is None


@both
def test_an_unknown_batch_is_a_permanent_error_whatever_its_id_looks_like(wire, provider):
    error = failure(endpoint(wire, provider), lambda batches: batches.poll("../../files/file-1/content?x"))
    assert not error.transient and error.status == 404


def test_a_batch_whose_making_was_not_answered_is_found_and_not_made_twice(wire):
    wire.lose_next = True
    batch = submitted(endpoint(wire, "openai"), "one")
    assert list(wire.batches) == [batch]
    assert wire.paths("POST").count("/v1/batches") == 1


@both
@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([], "at least one"),
        ([BatchRequest("a b", [])], "letters, digits"),
        ([BatchRequest("x" * 65, [])], "letters, digits"),
        ([BatchRequest("a", []), BatchRequest("a", [])], "two requests"),
    ],
)
def test_requests_that_cannot_be_are_refused_before_anything_is_sent(wire, provider, wanted, words):
    error = failure(endpoint(wire, provider), lambda batches: batches.submit(wanted))
    assert not error.transient and words in str(error) and wire.seen == []


@pytest.mark.parametrize(("provider", "kind"), [("openai", OpenAIBatches), ("anthropic", AnthropicBatches)])
def test_more_than_a_batch_may_hold_is_refused_and_can_be_split(wire, provider, kind, monkeypatch):
    where, wanted = endpoint(wire, provider), requests("one", "two", "three", "four" * 50, "five")
    monkeypatch.setattr(kind, "most_requests", 2)
    many = failure(where, lambda batches: batches.submit(wanted))
    monkeypatch.setattr(kind, "most_bytes", 400)
    large = failure(where, lambda batches: batches.submit([wanted[3], wanted[4]]))

    async def split(batches: Any) -> list[list[str]]:
        return [[request.id for request in part] for part in batches.split(wanted)]

    assert "5 requests are more than the 2" in str(many) and "more than the 400" in str(large)
    assert not many.transient and not large.transient and wire.seen == []
    assert run(where, split) == [["q-0", "q-1"], ["q-2"], ["q-3"], ["q-4"]]


def test_the_limits_are_those_of_the_apis():
    assert (OpenAIBatches.most_requests, OpenAIBatches.most_bytes) == (50_000, 200_000_000)
    assert (AnthropicBatches.most_requests, AnthropicBatches.most_bytes) == (100_000, 256_000_000)


def test_openai_itself_is_asked_for_tokens_by_the_newer_name(wire, monkeypatch):
    monkeypatch.setattr("arena.chat.openai_batches.DEFAULT_URL", wire.base_url)
    batch = submitted(endpoint(wire, "openai", options={"max_tokens": 7}), "one")
    body = wire.batches[batch].requests[0]["body"]
    assert body["max_completion_tokens"] == 7 and "max_tokens" not in body


def test_a_provider_without_batches_says_which_have_them():
    with pytest.raises(ChatError, match="'scripted' has no batches.*openai, anthropic"):
        open_batches(Endpoint("scripted", "echo"))
