"""Replies bound to a schema by choosing: for each key of an object, the allowed value that the model finds likeliest.

It needs nothing of a model but the log-likelihoods of texts, and so works with any that runs on this machine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_VALUES = 101  # of one key: the whole numbers from 0 to 100
STEPS = 10  # between the ends of a scale of fractions


class NotBound(ValueError):
    """A schema that cannot be filled by choosing; the message says which key."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A key and the values it may have, as JSON."""

    key: str
    values: tuple[str, ...]


def choices(schema: Mapping[str, Any]) -> tuple[Choice, ...]:
    """The choices that an object of this schema consists of, in its order. Raises NotBound.

    A property is an enum or a const of plain values, a truth value, or a whole number or a number with both ends. Numbers that
    are not whole are taken in tenths of their scale.
    """
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, Mapping) or not properties:
        raise NotBound("only an object with properties can be chosen value by value")
    return tuple(Choice(str(key), _values(str(key), form)) for key, form in properties.items())


def fill(schema: Mapping[str, Any], likelihoods: Callable[[str, Sequence[str]], Sequence[float]]) -> str:
    """JSON of that schema. Raises NotBound.

    `likelihoods(begun, endings)` gives for a reply begun so the log-likelihood, in nats, of each ending. Of equals the
    first is taken.
    """
    text = "{"
    wanted = choices(schema)
    for number, choice in enumerate(wanted, 1):
        text += f"{json.dumps(choice.key, ensure_ascii=False)}: "
        # With what follows the value, so that 1 is not the likelier for being the beginning of 10.
        after = "}" if number == len(wanted) else ", "
        endings = [value + after for value in choice.values]
        scores = likelihoods(text, endings)
        text += endings[max(range(len(endings)), key=lambda at: scores[at])]
    return text


def _values(key: str, form: Any) -> tuple[str, ...]:
    if not isinstance(form, Mapping):
        raise NotBound(f"the schema of {key!r} is not an object")
    found = _listed(form) if "enum" in form or "const" in form else _spanned(key, form)
    if not 0 < len(found) <= MOST_VALUES:
        raise NotBound(f"{key!r} may have {len(found)} values; 1 to {MOST_VALUES} can be chosen from")
    if any(isinstance(value, list | dict) for value in found):
        raise NotBound(f"the values of {key!r} are not plain")
    return tuple(json.dumps(value, ensure_ascii=False) for value in found)


def _listed(form: Mapping[str, Any]) -> Sequence[Any]:
    listed = form["enum"] if "enum" in form else [form["const"]]
    return listed if isinstance(listed, list | tuple) else ()


def _spanned(key: str, form: Mapping[str, Any]) -> Sequence[Any]:
    kind, low, high = form.get("type"), form.get("minimum"), form.get("maximum")
    if kind == "boolean":
        return (True, False)
    if kind not in ("integer", "number") or low is None or high is None or not (_is_number(low) and _is_number(high)):
        raise NotBound(f"{key!r} can be chosen only from an enum, or from numbers with both ends")
    if kind == "integer":
        return range(int(low), int(high) + 1)
    return [_short(low + step * (high - low) / STEPS) for step in range(STEPS + 1)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: float) -> float | int:
    rounded = round(value, 6)
    return int(rounded) if float(rounded).is_integer() else rounded
