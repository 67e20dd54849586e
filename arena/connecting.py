"""Whether a model's endpoint answers: one tiny prompt, asked at once; what came, or why nothing did. The key is never shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from time import perf_counter

from django.utils.translation import gettext as _

from arena.background import arrivals
from arena.chat import ChatError, Endpoint, Message, open_chat
from arena.chat.errors import redacted
from arena.keys import NoKey
from arena.models import LanguageModel

PROMPT = "Reply with the single word: ready"
SECONDS = 15.0
LONGEST = 300


@dataclass(frozen=True)
class Heard:
    """What came of it: a text, or why none came, in a sentence; and the seconds that it took."""

    text: str = ""
    error: str = ""
    seconds: float = 0.0


def hear(model: LanguageModel, endpoint_of: Callable[[], Endpoint], *, seconds: float = SECONDS) -> Heard:
    """What the model replies to one tiny prompt within so many seconds, asked where `endpoint_of` says.

    Nothing is kept and nothing tried again. `endpoint_of` may raise NoKey or ValueError: that is told like any other error.
    """
    if model.provider == LanguageModel.Provider.LOCAL:
        return Heard(
            error=_("This model runs in the worker itself, which loads it when a run begins: it is not asked here.")
        )
    started, key = perf_counter(), ""
    try:
        # Outside the tally: one word more does not count, and a check that waits its turn would say nothing.
        endpoint = replace(endpoint_of(), pace=None)
        key = endpoint.key
        text = "".join(piece for pieces in arrivals(lambda: _ask(endpoint, seconds)) for piece in pieces)
    except NoKey as error:
        return Heard(error=error.told, seconds=perf_counter() - started)
    except (ChatError, ValueError) as error:
        return Heard(error=redacted(str(error), key), seconds=perf_counter() - started)
    except TimeoutError:
        told = _("no answer within %(n)d seconds") % {"n": seconds}
        return Heard(error=told, seconds=perf_counter() - started)
    return Heard(text=redacted(" ".join(text.split()), key)[:LONGEST], seconds=perf_counter() - started)


async def _ask(endpoint: Endpoint, seconds: float) -> AsyncIterator[str]:
    async with open_chat(endpoint) as chat:
        completion = await asyncio.wait_for(chat.complete([Message("user", PROMPT)]), seconds)
    yield (completion.text or completion.reasoning).strip() or f"({completion.finish})"
