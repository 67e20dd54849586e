"""Talking to language models: one way to ask, whoever answers.

    async with open_chat(Endpoint(provider="openai", model="qwen", base_url="http://localhost:8000/v1")) as chat:
        completion = await patiently(lambda: chat.complete([Message("user", "How far is the Moon?")]))

A chat belongs to the event loop it was opened in. All that goes wrong is a ChatError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from arena.chat.base import Chat, ChatError, Completion, Endpoint, Message, OpenChat
from arena.chat.batch import Batches, BatchRequest, BatchStatus
from arena.chat.batches import open_batches
from arena.chat.breaker import Breaker
from arena.chat.patience import ATTEMPTS, many, patiently
from arena.chat.steady import SteadyChat

__all__ = [
    "ATTEMPTS",
    "PROVIDERS",
    "WITH_LOGPROBS",
    "BatchRequest",
    "BatchStatus",
    "Batches",
    "Breaker",
    "Chat",
    "ChatError",
    "Completion",
    "Endpoint",
    "Message",
    "OpenChat",
    "many",
    "open_batches",
    "open_chat",
    "patiently",
]

# The SDKs take half a second and more to import: only who calls them pays.


def _openai(endpoint: Endpoint) -> OpenChat:
    from arena.chat.openai import OpenAIChat

    return OpenAIChat(endpoint)


def _anthropic(endpoint: Endpoint) -> OpenChat:
    from arena.chat.anthropic import AnthropicChat

    return AnthropicChat(endpoint)


def _local(endpoint: Endpoint) -> OpenChat:
    from arena.chat.local import LocalChat

    return LocalChat(endpoint)


def _scripted(endpoint: Endpoint) -> OpenChat:
    from arena.chat.scripted import ScriptedChat

    return ScriptedChat(endpoint)


PROVIDERS: Mapping[str, Callable[[Endpoint], OpenChat]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "local": _local,
    "scripted": _scripted,
}
WITH_LOGPROBS = frozenset({"openai", "local"})
"""The providers that can give `Completion.top`; a single server that speaks OpenAI's protocol may have none all the same."""


def open_chat(endpoint: Endpoint) -> OpenChat:
    """A chat with the endpoint, to be closed by `async with` or `close()`; connects with the first call.

    Calls that the endpoint does not take wait in it, see `throttle`, and all of them where the endpoint has a pace.
    Raises ChatError (permanent) for a provider that is not in PROVIDERS, an address that is none and
    options that cannot be sent.
    """
    if endpoint.provider not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        raise ChatError(f"unknown provider '{endpoint.provider}'; there are {known}", transient=False)
    return SteadyChat(PROVIDERS[endpoint.provider](endpoint), endpoint.pace)
