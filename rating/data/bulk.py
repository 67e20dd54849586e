"""A query's rows as arrays, one a column, without a Python object for each value.

A million rows of eight columns become eight million objects by a cursor. SQLite can instead join each column to one text
that NumPy reads, PostgreSQL to one string of bytes that NumPy takes as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import F, FloatField, QuerySet
from django.db.models.expressions import Expression
from numpy.typing import NDArray

SCALE = 2.0**46


class NotFixed(ValueError):
    """A column that holds nothing in some row."""


def columns(rows: QuerySet, **wanted: Expression | str) -> dict[str, NDArray[Any]]:
    """The `wanted` columns of these rows by name: int64 for whole numbers, float64 for floats, all (n,), in no order.

    No column may be NULL. One query; raises NotFixed.
    """
    named = {f"{name}_": F(value) if isinstance(value, str) else value for name, value in wanted.items()}
    rows = rows.order_by().annotate(**named)
    kinds = {name: _kind(rows, name) for name in named}
    in_bulk = _sent if connections[rows.db].vendor == "postgresql" else _joined
    try:
        arrays = in_bulk(rows, kinds)
    except EmptyResultSet:  # Django knows without asking that there is no row
        arrays = [np.empty(0, dtype=np.dtype(kind)) for kind in kinds.values()]
    return dict(zip(wanted, arrays, strict=True))


def _kind(rows: QuerySet, name: str) -> type:
    return float if isinstance(rows.query.annotations[name].output_field, FloatField) else int


def _joined(rows: QuerySet, kinds: dict[str, type]) -> list[NDArray[Any]]:
    """Each column as one text with commas, in SQLite."""
    sql, params = rows.values_list(*kinds).query.sql_with_params()
    texts = [text for name, kind in kinds.items() for text in _texts(name, kind)]
    with connections[rows.db].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(texts)} FROM ({sql})", params)  # noqa: S608  names are ours
        told = iter(cursor.fetchone())
    arrays = [_numbers(next(told)) if kind is int else _floats(next(told), next(told)) for kind in kinds.values()]
    if len({array.size for array in arrays}) > 1:
        raise NotFixed("a column holds NULL")
    return arrays


def _texts(name: str, kind: type) -> tuple[str, ...]:
    """SQL of a column as text; of a float in two texts.

    SQLite writes 15 digits of a float, too few to have it back. A float is its whole part, doubled, plus 1 where there
    is more; what is more follows apart as two whole numbers of 46 bits, exact for all that is not tiny.
    """
    if kind is int:
        return (f"group_concat({name})",)
    whole = f"CAST({name} AS INTEGER)"
    scaled = f"({name} - {whole}) * {SCALE:.1f}"
    high = f"CAST({scaled} AS INTEGER)"
    low = f"CAST(({scaled} - {high}) * {SCALE:.1f} AS INTEGER)"
    return (
        f"group_concat({whole} * 2 + ({name} <> {whole}))",
        f"group_concat(CASE WHEN {name} <> {whole} THEN {high} || ',' || {low} END)",
    )


def _numbers(text: str | None) -> NDArray[np.int64]:
    return np.fromstring(text or "", dtype=np.int64, sep=",")


def _floats(first: str | None, rest: str | None) -> NDArray[np.float64]:
    code = _numbers(first)
    value = (code >> 1).astype(np.float64)
    high, low = _numbers(rest).reshape(-1, 2).T
    value[(code & 1) == 1] += (high + low / SCALE) / SCALE
    return value


def _sent(rows: QuerySet, kinds: dict[str, type]) -> list[NDArray[Any]]:
    """Each column as one string of bytes, eight for a number, in PostgreSQL."""
    sql, params = rows.values_list(*kinds).query.sql_with_params()
    send = {int: "int8send({}::bigint)", float: "float8send({})"}
    parts = ", ".join(f"string_agg({send[kind].format(name)}, '')" for name, kind in kinds.items())
    ours = connections[rows.db]
    ours.ensure_connection()
    # the cursor of psycopg itself: Django's cannot ask for bytes as they are
    from psycopg import Cursor

    with Cursor(ours.connection) as cursor:
        told = cursor.execute(f"SELECT {parts} FROM ({sql}) AS told", params, binary=True).fetchone()  # noqa: S608
    dtypes = [">f8" if kind is float else ">i8" for kind in kinds.values()]
    raw = [np.frombuffer(part or b"", dtype=dtype) for part, dtype in zip(told, dtypes, strict=True)]
    if len({array.size for array in raw}) > 1:
        raise NotFixed("a column holds NULL")
    return [array.astype(array.dtype.newbyteorder("=")) for array in raw]
