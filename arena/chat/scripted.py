"""Replies computed by rules of ours instead of by a language model: for the demo and for tests.

An endpoint's `model` names one of SCRIPTS, its `options` are the script's. What comes out is the same
every time; nothing is read from the data but marks.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arena.chat.base import ChatError, Closing, Completion, Endpoint, Message
from arena.chat.demo_judge import DEMO, judged_by_notes, last_user_message

Say = Callable[[Sequence[Message], Mapping[str, Any], Mapping[str, Any] | None], str]

# Options that all endpoints are given and that change nothing in a rule.
WITHOUT_EFFECT = frozenset({"temperature", "max_tokens", "max_completion_tokens", "top_p", "stop"})


@dataclass(frozen=True, slots=True)
class Script:
    """What a script says, and the options it takes with their defaults (None: must be given)."""

    say: Say
    options: Mapping[str, Any] = field(default_factory=dict)


def _echo(messages: Sequence[Message], options: Mapping[str, Any], schema: Mapping[str, Any] | None) -> str:
    return last_user_message(messages)


def _fixed(messages: Sequence[Message], options: Mapping[str, Any], schema: Mapping[str, Any] | None) -> str:
    return str(options["text"])


def _demo_judge(messages: Sequence[Message], options: Mapping[str, Any], schema: Mapping[str, Any] | None) -> str:
    return judged_by_notes(messages, options, schema, folder=DEMO)


SCRIPTS: Mapping[str, Script] = {
    "echo": Script(_echo),
    "fixed": Script(_fixed, {"text": None}),
    "demo_judge": Script(
        _demo_judge, {"lean_first": 0.0, "lean_length": 0.0, "noise": 0.0, "tie_band": 0.5, "seed": 0}
    ),
}


class ScriptedChat(Closing):
    """An endpoint that is a rule; four characters count as a token. Takes `say` to try another rule."""

    def __init__(self, endpoint: Endpoint, *, say: Say | None = None) -> None:
        script = _script(endpoint.model)
        self.endpoint = endpoint
        self._say = say or script.say
        self._options = _options(endpoint, script)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        stream: bool = False,
        logprobs: int | None = None,
    ) -> Completion:
        """See `Chat.complete`; a rule has no log-probabilities."""
        started = time.perf_counter()
        text = self._say(messages, self._options, schema)
        seconds = time.perf_counter() - started
        return Completion(
            text=text,
            tokens_in=sum(len(message.content) for message in messages) // 4,
            tokens_out=len(text) // 4,
            first_token_s=seconds if stream else None,
            seconds=seconds,
        )

    async def stream(self, messages: Sequence[Message]) -> AsyncIterator[str | Completion]:
        """See `Chat.stream`; comes word by word."""
        completion = await self.complete(messages, stream=True)
        for piece in re.findall(r"\s*\S+\s*", completion.text):
            yield piece
        yield completion


def _script(name: str) -> Script:
    if name not in SCRIPTS:
        raise ChatError(f"unknown script '{name}'; there are {', '.join(SCRIPTS)}", transient=False)
    return SCRIPTS[name]


def _options(endpoint: Endpoint, script: Script) -> dict[str, Any]:
    """The script's options, the endpoint's own over the defaults. Raises ChatError for unknown or missing ones."""
    given = {k: v for k, v in endpoint.options.items() if v is not None and k not in WITHOUT_EFFECT}
    unknown = sorted(given.keys() - script.options.keys() - {"seed"})
    if unknown:
        raise ChatError(f"script '{endpoint.model}' has no option '{unknown[0]}'", transient=False)
    options = {**script.options, **given}
    missing = sorted(name for name, value in options.items() if value is None)
    if missing:
        raise ChatError(f"script '{endpoint.model}' needs the option '{missing[0]}'", transient=False)
    return {name: _like(script.options.get(name, 0), name, value) for name, value in options.items()}


def _like(default: Any, name: str, value: Any) -> Any:
    """The value as a number where the default is one: options from a form come as words."""
    if not isinstance(default, int | float):
        return value
    try:
        return type(default)(value)
    except (TypeError, ValueError):
        raise ChatError(f"option '{name}' must be a number, not {value!r}", transient=False) from None
