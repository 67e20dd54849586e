"""Many calls at half the price and without hurry: the batch APIs, of which an answer comes within a day.

    async with open_batches(endpoint) as batches:
        batch = await batches.submit([BatchRequest("17-1", messages)])
        ...
        if (await batches.poll(batch)).state != "working":
            async for id, result in batches.results(batch): ...

What is asked and how it is read is the chats' own; all that goes wrong is a ChatError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from arena.chat.base import ChatError, Endpoint
from arena.chat.batch import OpenBatches


def _openai(endpoint: Endpoint) -> OpenBatches:
    from arena.chat.openai_batches import OpenAIBatches

    return OpenAIBatches(endpoint)


def _anthropic(endpoint: Endpoint) -> OpenBatches:
    from arena.chat.anthropic_batches import AnthropicBatches

    return AnthropicBatches(endpoint)


PROVIDERS: Mapping[str, Callable[[Endpoint], OpenBatches]] = {
    "openai": _openai,
    "anthropic": _anthropic,
}


def open_batches(endpoint: Endpoint) -> OpenBatches:
    """The endpoint's batches. Raises ChatError (permanent) for a provider without any, and as `open_chat` does."""
    if endpoint.provider not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        raise ChatError(f"provider '{endpoint.provider}' has no batches; these have: {known}", transient=False)
    return PROVIDERS[endpoint.provider](endpoint)
