"""What a model on this machine is given, as its own chat template writes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from arena.chat.base import Message
from arena.chat.local_weights import refusal


def templated(tokenizer: Any, messages: Sequence[Message], **how: Any) -> str:
    """The messages as the tokenizer's template writes them; the words of a system turn that it has no place for go before the
    first question.

    Raises ChatError (permanent), with what the template says, where it takes these messages in neither way.
    """
    said = ""
    for turns in _ways(messages):
        try:
            return str(tokenizer.apply_chat_template(turns, tokenize=False, **how))
        except Exception as error:  # a template comes with the model, and raises what it likes
            said = said or " ".join(str(error).split())[:200] or type(error).__name__
    raise refusal(f"the model's chat template does not take these turns: {said}")


def _ways(messages: Sequence[Message]) -> Iterator[list[dict[str, str]]]:
    turns = [{"role": message.role, "content": message.content} for message in messages]
    yield turns
    if len(turns) > 1 and turns[0]["role"] == "system":
        yield [{**turns[1], "content": f"{turns[0]['content']}\n\n{turns[1]['content']}"}, *turns[2:]]
