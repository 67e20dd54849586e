"""How calls and replies are written in an endpoint's protocol, and what that endpoint has refused so far."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from arena.chat.base import Completion, Endpoint, Message
from arena.chat.draft import Draft
from arena.chat.errors import body_error, malformed, refusal

T = TypeVar("T")

SCHEMA, TOOL, OBJECT, TEXT = "schema", "tool", "object", "text"
TOOL_NAME = "reply"
"""The tool that a schema travels as where an endpoint cannot bind its text to one."""
TOOL_WORDS = "Gives the reply."

_FORM_NOTES = {
    TOOL: "the reply was asked for as a tool call: the endpoint refused a schema",
    OBJECT: "the reply was asked for as any JSON object: the endpoint refused a schema and tools",
    TEXT: "the reply was asked for as plain text: the endpoint refused all kinds of JSON",
}
_LOGPROBS = frozenset({"logprobs", "top_logprobs"})


@dataclass(frozen=True, slots=True)
class Ask:
    """What one call wants: a conversation continued, bound to `schema`, with so many alternatives to each token."""

    messages: Sequence[Message]
    schema: Mapping[str, Any] | None = None
    logprobs: int | None = None


class Dialect(ABC):
    """Writes calls to one endpoint and reads its replies; remembers what it refused.

    `taken` are the options that the call itself sets. `spares` are fields that some endpoints refuse and a call can do
    without, `forms` the ways to ask for a schema, the best first, each with the words that their refusals use.
    """

    path: ClassVar[str]
    taken: ClassVar[frozenset[str]]
    spares: ClassVar[Mapping[str, tuple[str, ...]]]
    forms: ClassVar[Mapping[str, tuple[str, ...]]]

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.refused: set[str] = set()
        self.form = next(iter(self.forms))

    @abstractmethod
    def body(self, ask: Ask, *, stream: bool = False) -> dict[str, Any]:
        """The request, without what the endpoint is known to refuse."""

    @abstractmethod
    def read_whole(self, row: Any, draft: Draft) -> list[str]:
        """Puts a whole reply into the draft; returns what of it may be shown. Raises ChatError."""

    @abstractmethod
    def read_event(self, row: Any, draft: Draft) -> str:
        """Puts one event of a streamed reply into the draft; returns what of it may be shown. Raises ChatError."""

    async def sent(
        self,
        ask: Ask,
        draft: Draft,
        send: Callable[[dict[str, Any]], Awaitable[T]],
        family: type[Exception],
        *,
        stream: bool = False,
    ) -> T:
        """What sending the request brings; sent again without what the endpoint refuses, as long as that can be helped.

        `family` is the SDK's exception for an answer with an error's status. Calls made are counted in the draft.
        """
        while True:
            body, form = self.body(ask, stream=stream), self.form if ask.schema is not None else None
            try:
                return await send(body)
            except family as exc:
                # Only a request that is another one now is worth sending again.
                if not self._learn(exc, body, form) or self.body(ask, stream=stream) == body:
                    raise
            draft.calls += 1

    def _learn(self, exc: Any, body: Mapping[str, Any], form: str | None) -> bool:
        """Notes what an error says was refused of this request; False where nothing can be helped.

        `form` is the one the request was made in, None without a schema. Many calls may learn the same at the
        same time, so having learnt it before is no reason to give up.
        """
        if exc.status_code not in (400, 422):
            return False
        words = refusal(exc.body)
        found = {name for name, hints in self.spares.items() if name in body and any(hint in words for hint in hints)}
        self.refused |= found
        return self._refuse_form(words, form) or bool(found)

    def notes(self, ask: Ask) -> tuple[str, ...]:
        """What such a call is not asked for as it wants, in words for people."""
        found = []
        if ask.schema is not None and self.form in _FORM_NOTES:
            found.append(_FORM_NOTES[self.form])
        if ask.logprobs and self.refused & _LOGPROBS:
            found.append("log-probabilities were left out: the endpoint refused them")
        return tuple(found)

    def completion(self, ask: Ask, draft: Draft, *, streamed: bool) -> Completion:
        """The draft as a value, with the notes."""
        draft.notes = self.notes(ask)
        return draft.completion(streamed=streamed)

    def row(self, value: Any) -> Mapping[str, Any]:
        """The reply or event as a mapping. Raises ChatError where it is none, or an error."""
        if not isinstance(value, Mapping):
            raise malformed("the reply is not a JSON object", self.endpoint)
        if value.get("error"):
            raise body_error(value, self.endpoint)
        return value

    def _refuse_form(self, words: str, form: str | None) -> bool:
        names = list(self.forms)
        if form is None or form == names[-1] or not any(hint in words for hint in self.forms[form]):
            return False
        self.form = names[max(names.index(self.form), names.index(form) + 1)]
        return True


def finish_word(word: Any, ours: Mapping[str, str]) -> str | None:
    """The reason a reply ended for, in our words where we have one; None while it has not."""
    return ours.get(word, word) if isinstance(word, str) and word else None


def count_in(usage: Any, *names: str) -> int | None:
    """The whole number that is found by following the names; None where there is none."""
    for name in names:
        usage = usage.get(name) if isinstance(usage, Mapping) else None
    return usage if isinstance(usage, int) and not isinstance(usage, bool) else None
