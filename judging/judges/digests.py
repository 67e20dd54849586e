"""The hash of all that a judge sees: the same digest is the same prompt to the same judge, whatever it is called."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Any

from arena.chat import Message
from judging.judges.base import RubricText

# What a rubric is called, and what it says of other categories and cases, no judge sees.
_UNSEEN = frozenset({"name", "variants", "only_variants", "cases"})


def digest_of_judge(identity: Mapping[str, Any], rubric: RubricText, output: Mapping[str, Any]) -> str:
    """16 hex digits of a judge's model and parameters, the rubric for one category, and how the verdict is asked for."""
    seen = {name: value for name, value in _plain(rubric).items() if name not in _UNSEEN}
    return _hash(8, [_json({"judge": identity, "rubric": seen, "output": output})])


def digest_of_prompt(messages: Sequence[Message], schema: Mapping[str, Any] | None) -> str:
    """32 hex digits of the messages, and of the schema that the reply is bound to."""
    parts = [part for message in messages for part in (message.role, message.content)]
    return _hash(16, [*parts, "null" if schema is None else _json(schema)])


def _hash(size: int, parts: Sequence[str]) -> str:
    """The hash of the texts, of which none can run into the next."""
    shown = [part.encode("utf-8", "surrogatepass") for part in parts]
    return blake2b(b"".join(len(part).to_bytes(8, "big") + part for part in shown), digest_size=size).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> dict[str, Any]:
    """A value of ours as JSON has it. Raises TypeError for others: their text could be another each time."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in a digest")
