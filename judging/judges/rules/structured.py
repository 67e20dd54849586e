"""Checks on answers that are data: JSON, JSON of a given schema, a call of a tool."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import regex

from judging.judges.rules.base import PATTERN_SECONDS, Check, Outcome, is_pattern
from judging.judges.rules.texts import squeezed

NOT_JSON = "the answer is not JSON"
LOCAL_REFERENCE = re.compile(r"#(?:/[^\s#]*)?")
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
# Keys of schemas under which any key may stand that is no keyword of its own.
_BY_NAME = ("properties", "$defs", "definitions", "dependentSchemas")
_DATA = ("enum", "const", "default", "examples")


def check_json(text: str, check: Check) -> Outcome:
    """The answer is JSON and nothing else, in a code fence or not; an object with the required keys."""
    try:
        value = _json(text)
    except (ValueError, RecursionError):
        return Outcome(False, NOT_JSON)
    required = check.get("required", ())
    if required and not isinstance(value, dict):
        return Outcome(False, "the answer is not a JSON object")
    missing = [key for key in required if key not in value]
    return Outcome(not missing, f"the key {missing[0]!r} is missing" if missing else "JSON")


def check_json_schema(text: str, check: Check) -> Outcome:
    """The answer is JSON and nothing else, in a code fence or not, and valid against the schema (draft 2020-12)."""
    from jsonschema.exceptions import best_match

    try:
        value = _json(text)
    except (ValueError, RecursionError):
        return Outcome(False, NOT_JSON)
    try:
        error = best_match(_validator(json.dumps(check["schema"])).iter_errors(value))
    except RecursionError:
        return Outcome(False, "the schema never comes to an end on this answer")
    except TimeoutError:
        return Outcome(False, "a pattern of the schema took too long")
    if error is None:
        return Outcome(True, "JSON of that schema")
    return Outcome(False, f"at {error.json_path}: {error.message}"[:200])


def check_tool_call(text: str, check: Check) -> Outcome:
    """The answer calls the named tool, with the arguments given; others are allowed unless `exact` is true.

    Read are `{"name", "arguments"}`, the same within `<tool_call>` tags or a code fence, a list of them, and
    `{"tool_calls": [{"function": {…}}]}`; arguments may be JSON within a string. Of several calls, one must be it.
    """
    calls = tool_calls(text)
    if not calls:
        return Outcome(False, "no tool call was found")
    failures = [_call_problem(name, arguments, check) for name, arguments in calls]
    if "" in failures:
        return Outcome(True, f"{check['name']} was called")
    return Outcome(False, failures[-1])


def tool_calls(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    """(name, arguments) of each tool call that an answer makes; empty where it makes none."""
    parts = _TAGGED.findall(text) or [text]
    found: list[tuple[str, Mapping[str, Any]]] = []
    for part in parts:
        try:
            found += _calls_in(_json(part))
        except (ValueError, RecursionError):
            continue
    return found


_FENCED = re.compile(r"^```[a-zA-Z0-9]{0,20}[ \t]*\n(.*?)\n?```$", re.DOTALL)
_TAGGED = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)


def _json(text: str) -> Any:
    """The value of a text that is JSON, in a code fence or not. Raises ValueError, RecursionError."""
    return json.loads(_FENCED.sub(r"\1", text.strip()), parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _calls_in(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, list):
        for item in value:
            yield from _calls_in(item)
        return
    if not isinstance(value, dict):
        return
    inner = value.get("tool_calls") or value.get("function")
    if isinstance(inner, list | dict):
        yield from _calls_in(inner)
        return
    name = value.get("name")
    arguments = value.get("arguments", value.get("parameters", {}))
    arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    if isinstance(name, str) and isinstance(arguments, dict):
        yield name, arguments


def _call_problem(name: str, arguments: Mapping[str, Any], check: Check) -> str:
    """Why this is not the call that was wanted; empty when it is."""
    if name != check["name"]:
        return f"{name!r:.80} was called"
    wanted = check.get("arguments", {})
    for key, value in wanted.items():
        if key not in arguments:
            return f"the argument {key!r} is missing"
        if not _same(arguments[key], value):
            return f"the argument {key!r} is {arguments[key]!r:.80}"
    extra = sorted(arguments.keys() - wanted.keys())
    return f"there is an argument {extra[0]!r} too many" if extra and check.get("exact") else ""


def _same(said: Any, wanted: Any) -> bool:
    """Whether two JSON values are the same; 1 is 1.0 but not true, and width and white space of texts do not count."""
    if isinstance(said, str) and isinstance(wanted, str):
        return squeezed(said) == squeezed(wanted)
    if isinstance(said, bool) or isinstance(wanted, bool):
        return said is wanted
    if isinstance(said, dict) and isinstance(wanted, Mapping):
        return said.keys() == wanted.keys() and all(_same(said[key], wanted[key]) for key in said)
    if isinstance(said, list) and isinstance(wanted, list | tuple):
        return len(said) == len(wanted) and all(map(_same, said, wanted))
    return bool(said == wanted)


# Schemas


def is_schema(value: object) -> bool:
    """A JSON schema that can be run on hostile answers: valid, without references to elsewhere or dangerous patterns."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not isinstance(value, Mapping):
        return False
    try:
        schema = json.loads(json.dumps(value))
        Draft202012Validator.check_schema(schema)
        return all(_is_harmless(each) for each in _subschemas(schema)) and _resolves(schema)
    except (SchemaError, RecursionError, ValueError, TypeError):
        return False


def _subschemas(schema: Any) -> Iterator[Mapping[str, Any]]:
    """The schema and all within it."""
    if isinstance(schema, list):
        for item in schema:
            yield from _subschemas(item)
    if not isinstance(schema, dict):
        return
    yield schema
    for key, value in schema.items():
        if key in _BY_NAME and isinstance(value, dict):
            yield from _subschemas(list(value.values()))
        elif key not in _DATA:
            yield from _subschemas(value)


def _is_harmless(schema: Mapping[str, Any]) -> bool:
    # The library runs the patterns of property names with `re`, which cannot be stopped.
    if "patternProperties" in schema or "$id" in schema:
        return False
    local = all(LOCAL_REFERENCE.fullmatch(str(schema.get(key, "#"))) for key in REFERENCES)
    return local and ("pattern" not in schema or is_pattern(schema["pattern"]))


def _resolves(schema: Mapping[str, Any]) -> bool:
    """Whether every reference leads to a schema."""
    from referencing.exceptions import Unresolvable

    resolver = _validator(json.dumps(schema))._resolver
    try:
        for each in _subschemas(schema):
            for key in REFERENCES:
                if key in each:
                    resolver.lookup(each[key])
    except Unresolvable:
        return False
    return True


@lru_cache(maxsize=128)
def _validator(schema: str) -> Any:
    """A validator that fetches nothing and stops patterns in time; the schema as JSON, so that it can be a key."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    from referencing import Registry

    bounded = extend(Draft202012Validator, {"pattern": _pattern})
    return bounded(json.loads(schema), registry=Registry())


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if validator.is_type(instance, "string") and not regex.search(pattern, instance, timeout=PATTERN_SECONDS):
        yield ValidationError(f"{instance!r:.80} does not match {pattern!r}")
