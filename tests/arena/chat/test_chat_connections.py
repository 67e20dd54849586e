"""What whole replies come over: careful with keys and proxies, and as the SDK would have sent it."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from arena.chat import BatchRequest, ChatError, Completion, Endpoint, Message, open_batches, open_chat
from arena.chat.connections import _proxy
from tests.openai_server import read_body, run_app, send_json, serve, start_message

REPLY = {"choices": [{"message": {"content": "Hi. 你好"}, "finish_reason": "stop"}]}


def ask(url: str, times: int = 1, **facts) -> list[Completion]:
    async def work() -> list[Completion]:
        async with open_chat(Endpoint("openai", "m", url, "sesame", timeout=5.0, **facts)) as chat:
            return [await chat.complete([Message("user", f"Half a character: \ud83d {n}")]) for n in range(times)]

    return asyncio.run(work())


def test_loopback_is_reached_directly_whatever_proxy_the_environment_names(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with serve() as server:
        assert ask(server.base_url)


@pytest.mark.parametrize(
    ("address", "proxy"),
    [
        ("https://api.example.org/v1", "http://proxy:3128"),
        ("http://api.example.org/v1", "http://plain:3128"),
        ("https://inside.example.net/v1", None),
        ("http://localhost:8000/v1", None),
    ],
)
def test_others_are_reached_by_the_proxy_that_the_environment_names(monkeypatch, address, proxy):
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("http_proxy", "http://plain:3128")
    monkeypatch.setenv("no_proxy", "inside.example.net")
    assert _proxy(address) == proxy


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else():
    with serve() as other:

        async def app(scope, receive, send):
            await read_body(receive)
            await send_json(send, 307, {}, {"location": f"{other.base_url}/chat/completions"})

        with run_app(app) as address, pytest.raises(ChatError, match="redirects") as caught:
            ask(f"{address}/v1")
        assert not caught.value.transient and other.calls == []


def test_cookies_are_not_kept_and_a_packed_reply_is_unpacked():
    seen = []

    async def app(scope, receive, send):
        seen.append(dict(scope["headers"]))
        json.loads(await read_body(receive))
        headers = {"content-encoding": "gzip", "set-cookie": "who=me"}
        await send(start_message(200, "application/json", headers))
        await send({"type": "http.response.body", "body": gzip.compress(json.dumps(REPLY).encode())})

    with run_app(app) as address:
        got = ask(f"{address}/v1", times=2)
    assert [completion.text for completion in got] == ["Hi. 你好"] * 2
    assert not any(b"cookie" in headers for headers in seen)


def test_what_is_meant_for_the_makers_of_the_sdk_is_not_told_to_others(monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-ours")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-ours")
    with serve() as server:
        ask(server.base_url)
        (call,) = server.calls
    assert "of-ours" not in str(call.headers)
    assert (call.headers["authorization"], call.headers["content-type"]) == ("Bearer sesame", "application/json")


@pytest.mark.parametrize("key", ["sesame", ""])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_headers_that_the_environment_adds_for_an_sdk_go_to_no_endpoint(provider, key, monkeypatch):
    for name in ("OPENAI", "ANTHROPIC"):
        secret = "X-Secret: of-ours\nX-Api-Key: of-ours\nAuthorization: Bearer of-ours\nUser-Agent: of-ours"
        monkeypatch.setenv(f"{name}_CUSTOM_HEADERS", secret)
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:9")
    heard = []

    async def app(scope, receive, send):
        await read_body(receive)
        heard.append((scope["path"], scope["headers"]))
        await send_json(send, 400, {"error": {"message": "no", "type": "invalid_request_error"}})

    async def work(url):
        where = Endpoint(provider, "m", url, key)
        request = BatchRequest("one", [Message("user", "Hello?")])
        async with open_chat(where) as chat, open_batches(where) as batches:
            for call in (
                chat.complete([Message("user", "Hello?")]),
                chat.complete([Message("user", "Hello?")], stream=True),
                batches.submit([request]),
                batches.poll("b"),
            ):
                with pytest.raises(ChatError, match="no"):
                    await call

    with run_app(app) as address:
        asyncio.run(work(address))
    assert len(heard) == 4
    assert "of-ours" not in str(heard)


def test_a_connection_that_the_server_has_closed_meanwhile_is_an_error_that_may_pass():
    async def cut(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def work() -> None:
        async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with open_chat(Endpoint("openai", "m", f"http://127.0.0.1:{port}/v1")) as chat:
                await chat.complete([Message("user", "Hello?")])

    with pytest.raises(ChatError, match="no connection") as caught:
        asyncio.run(work())
    assert caught.value.transient
