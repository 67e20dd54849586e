"""What rows of every kind share: their types, pages of them, and values made fit for JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, is_dataclass
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

import numpy as np
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from ninja import Schema
from pydantic import BeforeValidator, Field

from judging.access import blinding_runs
from judging.models import Judge
from rating.api.problems import unusable

T = TypeVar("T")
LARGEST = 2**63 - 1
MOST_ROWS = 500

Text = Annotated[str | None, BeforeValidator(lambda text: text or None)]
"""A text, null where nothing is known."""
Id = Annotated[int, Field(ge=0, le=LARGEST)]
Data = dict[str, Any]
Provenance = Annotated[str, Field(description="where the row comes from: real, imported, dry_run or demo")]


class Named(Schema):
    """Something else by its id and name."""

    id: int
    name: str


class ModelRef(Schema):
    id: int
    name: str
    version: str


class JudgeRef(Schema):
    """A judge. A person with an account has neither id nor name for anybody but leads."""

    id: int | None
    name: str | None
    kind: str = Field(
        description="llm, reward, rule, metric, python_tests, panel, cascade, dry_run, person, simulated …"
    )
    is_person: bool


class Paging(Schema):
    limit: int = Field(100, ge=1, le=MOST_ROWS, description="rows on a page")
    after: int | None = Field(None, ge=0, le=LARGEST, description="the id of the last row before this page")


class Page(Schema, Generic[T]):
    """Rows in the order of their ids; `next` is the address of the rows after them."""

    rows: list[T]
    next: str | None = Field(description="path and query of the next page; null on the last")


class BlindPage(Page[T], Generic[T]):
    """The same, where people are voting on some of it."""

    withheld: list[int] = Field(
        description="ids of benchmarks of which nothing is listed, because people are voting on them and may not know who wrote what"
    )


def paged(
    request: HttpRequest, rows: QuerySet, filters: Paging, shape: Callable[[Any], Any] | None = None, **more: Any
) -> Data:
    """One page of these rows, each put in shape. One query, and those of prefetching. Raises Problem for a parameter there is not."""
    check_parameters(request, filters)
    if filters.after is not None:
        rows = rows.filter(pk__gt=filters.after)
    found = list(rows.order_by("pk")[: filters.limit + 1])
    shown = found[: filters.limit]
    following = None
    if len(found) > filters.limit:
        query = {**request.GET.dict(), "after": shown[-1].pk}
        following = f"{request.path}?{urlencode(query)}"
    return {"rows": [shape(row) for row in shown] if shape else shown, "next": following, **more}


def check_parameters(request: HttpRequest, filters: Schema) -> None:
    """Raises Problem for a query parameter that does not exist: a filter that was mistyped would show everything."""
    known = type(filters).model_fields
    if unknown := [name for name in request.GET if name not in known]:
        raise unusable(*((name, f"there is no such parameter; there are: {', '.join(known)}") for name in unknown))


def one(rows: QuerySet, pk: int) -> Any:
    """The row of this id. Raises Http404 where there is none among these."""
    found = rows.filter(pk=pk).first() if pk <= LARGEST else None
    if found is None:
        raise Http404
    return found


def narrowed(rows: QuerySet, wanted: Mapping[str, Any]) -> QuerySet:
    """The rows by these look-ups, those left out that are None."""
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})


def blind_benchmarks(user: Any) -> list[int]:
    """Ids of the benchmarks whose names and judgments are kept from this reader. At most seven queries."""
    return sorted(blinding_runs(user))


def judge_ref(judge: Judge, *, lead: bool) -> Data:
    """The judge as a row names it; people with an account by nothing, to anybody but leads."""
    hidden = judge.kind == Judge.Kind.PERSON and not lead
    return {
        "id": None if hidden else judge.pk,
        "name": None if hidden else str(judge),
        "kind": judge.kind,
        "is_person": judge.is_person,
    }


def ref(row: Model | None) -> Data | None:
    return None if row is None else {"id": row.pk, "name": str(row)}


def plain(value: Any) -> Any:
    """The value as JSON takes it: dataclasses as objects, arrays as lists, what is no number as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str | int | bool) or value is None:
        return value
    if isinstance(value, Iterable):
        return [plain(inner) for inner in value]
    return str(value)
