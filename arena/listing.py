"""Ids that a query is given, however many there are."""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.db import connection
from django.db.models import BooleanField, Model, Q
from django.db.models.expressions import RawSQL


def listed(ids: Iterable[int]) -> RawSQL:
    """These ids for `__in`, as one variable of the query: a database takes so many of them and no more."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", (list(ids),))
    return RawSQL("SELECT value FROM json_each(%s)", (json.dumps(list(ids)),))


def is_listed(table: type[Model], ids: Iterable[int]) -> RawSQL | Q:
    """Whether a row of this table is one of these. Whatever else is asked of its rows is asked of these alone: of a subquery
    PostgreSQL may think that it is cheaper to ask it of all rows first."""
    if connection.vendor == "postgresql":
        column = f"{connection.ops.quote_name(table._meta.db_table)}.id"
        return RawSQL(f"{column} = ANY(%s::bigint[])", (list(ids),), output_field=BooleanField())
    return Q(pk__in=listed(ids))
