"""Statements that PostgreSQL plans once for a connection and not each time: for the few that a request takes longer to plan than to run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

AFTER = 5  # times a connection has asked the same, after which the statement is prepared


@contextmanager
def planned_once() -> Iterator[None]:
    """What is asked in this block is prepared in the connection, which keeps its last hundred; without effect on SQLite.

    Its plan holds for whatever values, as the settings say. For a block and not for the site, because the parameters are bound by the server here: a statement takes at most 65,535 of
    them, and cannot group by an expression that holds one. A pool keeps each connection whole, so that it finds again what it prepared.
    """
    if connection.vendor != "postgresql":
        yield
        return
    from django.db.backends.postgresql.base import ServerBindingCursor

    connection.ensure_connection()
    link = connection.connection
    before = link.cursor_factory, link.prepare_threshold
    link.cursor_factory, link.prepare_threshold = ServerBindingCursor, AFTER
    try:
        yield
    finally:
        link.cursor_factory, link.prepare_threshold = before
