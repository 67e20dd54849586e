"""The description of the API as OpenAPI 3.1, and the same shaped for reading on our own page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from rating.api.problems import MEDIA_TYPE, TITLES

REF = "#/components/schemas/"
PROBLEM = {"$ref": f"{REF}ProblemRow"}
METHODS = ("get", "post")
IN_PATH = {"pk": "the id", "other": "id of the other model", "token": "of the seat, as it was given out"}
OFTEN = ("401", "404", "422", "429")  # errors that any operation may answer with


def described(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The description that django-ninja makes, with what it cannot know: errors, and that reading needs no token."""
    told = deepcopy(dict(schema))
    told["servers"] = [{"url": "/", "description": "this site"}]
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            operation["responses"] = _responses(operation["responses"], path)
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    parameter["description"] = IN_PATH.get(parameter["name"], "")
            if method == "get":
                operation["security"] = [{}, *operation.get("security", [])]
    return told


def _responses(responses: Mapping[Any, Any], path: str) -> dict[str, Any]:
    found = {str(status): response for status, response in responses.items()}
    wanted = [status for status in OFTEN if status != "404" or "{" in path]
    for status in {*wanted, *(status for status in found if status.startswith("4"))}:
        found[status] = {
            "description": TITLES.get(int(status), "Error"),
            "content": {MEDIA_TYPE: {"schema": PROBLEM}},
        }
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Field:
    """One field of a row, or one parameter: its name, kind and words."""

    name: str
    kind: str
    words: str = ""
    is_required: bool = False
    limits: str = ""


@dataclass(frozen=True)
class Operation:
    """One thing that may be asked for."""

    method: str
    path: str
    anchor: str
    title: str
    words: str
    parameters: list[Field]
    sent: list[Field]
    answer: list[Field]
    is_list: bool


@dataclass(frozen=True)
class Part:
    """The operations about one kind of thing."""

    name: str
    anchor: str
    operations: list[Operation] = field(default_factory=list)


def parts(told: Mapping[str, Any]) -> list[Part]:
    """The description as parts of a page, in its own order."""
    found: dict[str, Part] = {}
    for path, method, operation in _operations(told):
        name = operation["tags"][0]
        part = found.setdefault(name, Part(name, f"part-{len(found) + 1}"))
        part.operations.append(_operation(told, path, method, operation))
    return list(found.values())


def _operations(told: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, operations in told["paths"].items():
        for method in METHODS:
            if method in operations:
                yield path, method, operations[method]


def _operation(told: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Operation:
    answer = next((response for status, response in operation["responses"].items() if status.startswith("2")), {})
    shape = _resolved(told, _json(answer))
    rows = _rows(told, shape)
    sent = _resolved(told, _json(operation.get("requestBody", {})))
    return Operation(
        method=method.upper(),
        path=path,
        anchor=operation["operationId"],
        title=operation["summary"],
        words=operation.get("description", ""),
        parameters=[_parameter(told, one) for one in operation.get("parameters", [])],
        sent=_fields(told, sent),
        answer=_fields(told, rows if rows is not None else shape),
        is_list=rows is not None,
    )


def _json(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return body.get("content", {}).get("application/json", {}).get("schema", {})


def _resolved(told: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    ref = schema.get("$ref", "")
    return told["components"]["schemas"][ref.removeprefix(REF)] if ref else schema


def _rows(told: Mapping[str, Any], shape: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What one row of a page looks like; None where the answer is no page of rows."""
    properties = shape.get("properties", {})
    if "next" not in properties or "rows" not in properties:
        return None
    return _resolved(told, properties["rows"].get("items", {}))


def _fields(told: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Field]:
    required = schema.get("required", [])
    return [
        Field(name, _kind(told, inner), inner.get("description", ""), name in required)
        for name, inner in schema.get("properties", {}).items()
    ]


def _parameter(told: Mapping[str, Any], one: Mapping[str, Any]) -> Field:
    schema = one.get("schema", {})
    words = one.get("description") or schema.get("description", "")
    return Field(one["name"], _kind(told, schema), words, one.get("required", False), _limits(schema))


def _limits(schema: Mapping[str, Any]) -> str:
    ends = [("minimum", "from"), ("maximum", "to"), ("default", "else")]
    return ", ".join(
        f"{word} {schema[name]}" for name, word in ends if schema.get(name) is not None and schema[name] != 2**63 - 1
    )


def _kind(told: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What a value is, in a few words: "integer or null", "list of AnswerRow"."""
    if choices := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(_kind(told, one) for one in choices))
    if ref := schema.get("$ref"):
        return _resolved(told, {"$ref": ref}).get("title", "object")
    if schema.get("type") == "array":
        inner = schema.get("items")
        return f"list of {_kind(told, inner)}" if inner else "list"
    kind = str(schema.get("type", "anything"))
    return {"date-time": "time", "uuid": "UUID"}.get(schema.get("format", ""), kind)
