"""Statements whose SQL is put together once: for the few that a request takes longer to put together than to ask.

A statement is written as a query set is, with a `Slot` wherever another value stands each time:

    OF_A_PERSON = Statement(lambda: Seat.objects.filter(judge=Slot("judge"))[:1])
    OF_A_PERSON.first(judge=3)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import Field, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler


class Slot(Value):
    """Where a value is put when the statement is asked. `field` says how it is written to the database; numbers and words need none."""

    def __init__(self, name: str, field: Field | None = None) -> None:
        super().__init__(name, output_field=field)

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        return "%s", [self]

    def _resolve_output_field(self) -> None:
        return None

    def filled(self, values: dict[str, Any], connection: Any) -> Any:
        value, field = values[self.value], self._output_field_or_none
        return value if field is None else field.get_db_prep_value(value, connection)


@dataclass
class _Kept:
    """A query as one database wants it: its SQL, what stands in its places, and how its columns are read."""

    compiler: SQLCompiler
    sql: str
    places: Sequence[Any]
    converters: dict[int, Any]


class Statement:
    """A query set, put together when it is first asked and kept for each kind of database."""

    def __init__(self, build: Callable[[], QuerySet]) -> None:
        self._build = build
        self._kept: dict[str, tuple[QuerySet, _Kept]] = {}

    def rows(self, **values: Any) -> list[Any]:
        """What the query set holds with these values in its slots; its conditions on a transaction are the caller's to keep."""
        queryset, kept = self._put_together()
        asked = queryset.all()
        asked.query.get_compiler = lambda using=None, **_: self._filled(kept, connections[using], values)
        return list(asked)

    def first(self, **values: Any) -> Any:
        """The first of the rows; None where there is none."""
        rows = self.rows(**values)
        return rows[0] if rows else None

    def sql(self, **values: Any) -> tuple[str, tuple[Any, ...]]:
        """Its SQL and parameters, for a statement around it."""
        queryset, kept = self._put_together()
        return kept.sql, _filled(kept.places, values, connections[queryset.db])

    def _put_together(self) -> tuple[QuerySet, _Kept]:
        from django.db import connection

        if connection.vendor not in self._kept:
            queryset = self._build()
            compiler = queryset.query.get_compiler(queryset.db)
            sql, places = compiler.as_sql()
            converters = compiler.get_converters([column[0] for column in compiler.select[: compiler.col_count]])
            compiler.connection = None  # it belongs to the thread that came first
            self._kept[connection.vendor] = queryset, _Kept(compiler, sql, tuple(places), converters)
        return self._kept[connection.vendor]

    @staticmethod
    def _filled(kept: _Kept, connection: Any, values: dict[str, Any]) -> SQLCompiler:
        told = kept.sql, _filled(kept.places, values, connection)
        compiler = copy(kept.compiler)
        compiler.connection = connection
        compiler.as_sql = lambda *_, **__: told
        compiler.get_converters = lambda _columns: kept.converters
        return compiler


def _filled(places: Sequence[Any], values: dict[str, Any], connection: Any) -> tuple[Any, ...]:
    return tuple(place.filled(values, connection) if isinstance(place, Slot) else place for place in places)
