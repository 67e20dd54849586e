"""New rows written with little work for each: what Django asks of every value of every row is asked once for a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any

from django.db import connection, models
from pydantic_core import PydanticSerializationError, to_json

PLAIN: tuple[tuple[type[models.Field], type], ...] = (
    (models.IntegerField, int),
    (models.BooleanField, bool),
    (models.FloatField, float),
    (models.CharField, str),
    (models.TextField, str),
)
"""Fields, and the type of value that a database takes of them as it is: one of another type is prepared by its field."""


def insert(table: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows, each the values of these fields in this order, as the database takes them fastest.

    For values that are ready to be sent: no model's save, default or signal has a say.
    """
    ours = connection.ops.quote_name
    fields = ", ".join(ours(table._meta.get_field(name).column) for name in names)
    where = f"{ours(table._meta.db_table)} ({fields})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.cursor.copy(f"COPY {where} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(names))
            cursor.executemany(f"INSERT INTO {where} VALUES ({marks})", rows)  # noqa: S608  names are ours


def is_one_statement() -> bool:
    """Whether rows are written whole or not at all without a transaction around: by COPY, where none is open that a refusal would spoil."""
    return connection.vendor == "postgresql" and not connection.in_atomic_block


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Write these new rows of one table. They are not told their ids, for who writes many at once has no use for these.

    To be called within a transaction, unless it `is_one_statement`. Raises what the database says of a row, and what a field says of a value that is none of its own.
    """
    names, _read, _kinds, _prepare = _columns(type(rows[0]))
    insert(type(rows[0]), names, _values(rows))


def _values(rows: Sequence[models.Model]) -> Iterator[list[Any]]:
    _names, read, kinds, prepare = _columns(type(rows[0]))
    for row in rows:
        yield [
            value if value is None or type(value) is kind else ready(value)
            for value, kind, ready in zip(read(row), kinds, prepare, strict=True)
        ]


Columns = tuple[
    tuple[str, ...],
    Callable[[models.Model], tuple[Any, ...]],
    tuple[type | None, ...],
    tuple[Callable[[Any], Any], ...],
]


@lru_cache(maxsize=64)
def _columns(table: type[models.Model]) -> Columns:
    """Of all columns but the id: the names, what reads a row's values, the type of value that goes as it is (None: none does), and
    what prepares others. Raises TypeError for a table with a field that fills itself in: it would stay empty."""
    fields = tuple(field for field in table._meta.concrete_fields if not field.primary_key)
    for field in fields:
        if type(field).pre_save not in (
            models.Field.pre_save,
            models.DateField.pre_save,
            models.DateTimeField.pre_save,
        ):
            raise TypeError(f"{field} is filled in as a row is saved")
        if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False) or field.generated:
            raise TypeError(f"{field} is filled in as a row is saved")
    read = attrgetter(*(field.attname for field in fields))
    return tuple(field.name for field in fields), read, tuple(map(_plain, fields)), tuple(map(_prepared_by, fields))


def _plain(field: models.Field) -> type | None:
    """The type of a value that needs no preparing, None where each does."""
    kind = field.target_field if isinstance(field, models.ForeignKey) else field
    if type(kind).get_db_prep_save is not models.Field.get_db_prep_save:
        return None
    return next((plain for known, plain in PLAIN if isinstance(kind, known)), None)


def _prepared_by(field: models.Field) -> Callable[[Any], Any]:
    """What makes of a value what is sent; JSON is sent as its text, to both databases."""
    if type(field) is models.JSONField and field.encoder is None:
        return _json_text
    return partial(_by_field, field)


def _json_text(value: Any) -> str:
    """The value as JSON in ASCII, each text as Django writes it: who looks for one in a column looks for it so. The spaces after
    commas and colons may be missing."""
    try:
        text = to_json(value).decode()
    except PydanticSerializationError:
        return json.dumps(value)
    return text if text.isascii() else json.dumps(value)


def _by_field(field: models.Field, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)
