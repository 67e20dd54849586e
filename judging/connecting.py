"""Whether a judge's model answers: one tiny prompt, asked at once; what came, or why nothing did. The key is never shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import perf_counter

from django.utils.translation import gettext as _

from arena.background import arrivals
from arena.chat import ChatError, Endpoint, Message, open_chat
from arena.collecting import NoKey
from arena.models import LanguageModel
from judging.machines import endpoint_of
from judging.models import Judge

PROMPT = "Reply with the single word: ready"
SECONDS = 15.0
LONGEST = 300


@dataclass(frozen=True)
class Heard:
    """What came of it: a text, or an error with its name; and the seconds that it took."""

    text: str = ""
    error: str = ""
    seconds: float = 0.0


def hear(judge: Judge, *, seconds: float = SECONDS) -> Heard:
    """What the judge's model replies to one tiny prompt within so many seconds. Nothing is kept, and nothing is tried again."""
    if not judge.model_id:
        return Heard(error=_("This judge asks no model."))
    if judge.model.provider == LanguageModel.Provider.LOCAL:
        return Heard(
            error=_("This model runs in the worker itself, which loads it when a run begins: it is not asked here.")
        )
    started = perf_counter()
    try:
        endpoint = endpoint_of(judge)
        text = "".join(piece for pieces in arrivals(lambda: _ask(endpoint, seconds)) for piece in pieces)
    except (NoKey, ChatError, ValueError) as error:
        return Heard(error=_without_key(f"{type(error).__name__}: {error}", judge), seconds=perf_counter() - started)
    except TimeoutError:
        told = _("no answer within %(n)d seconds") % {"n": seconds}
        return Heard(error=told, seconds=perf_counter() - started)
    return Heard(text=_without_key(text, judge)[:LONGEST], seconds=perf_counter() - started)


async def _ask(endpoint: Endpoint, seconds: float) -> AsyncIterator[str]:
    async with open_chat(endpoint) as chat:
        completion = await asyncio.wait_for(chat.complete([Message("user", PROMPT)]), seconds)
    yield completion.text.strip() or f"({completion.finish})"


def _without_key(text: str, judge: Judge) -> str:
    """The text without the key, should an endpoint have sent it back."""
    try:
        key = endpoint_of(judge).key
    except (NoKey, ValueError):
        key = ""
    return text.replace(key, "…") if key else text
