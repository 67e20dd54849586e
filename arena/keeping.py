"""Rows saved as they arrive: all that the database takes, and never a loss that nobody hears of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from typing import TypeVar

from django.db import DataError, IntegrityError, models, transaction

from arena.inserting import insert_rows, is_one_statement

log = logging.getLogger(__name__)
Row = TypeVar("Row", bound=models.Model)
REFUSALS = (IntegrityError, DataError, OverflowError, ValueError)  # of this row, and not of the database itself


class NotKept(Exception):
    """Rows that the database would not take; the message says how many of what, and its reason for the first."""


def keep(rows: Sequence[Row], *, key: Callable[[Row], Hashable], known: Callable[[], set]) -> None:
    """Save these rows of one table; one whose `key` is `known` (on record) stays as it is on record. They are not told their ids.

    Where they are not all taken it looks at what is on record afterwards: SQLite passes over a row that breaks any
    constraint as if it were there already, PostgreSQL refuses all rows for one. Raises NotKept when a row is not there; the
    others then are. A transaction; one more and a query where a row is on record already, and two for each that is refused.
    """
    if not rows or _all_taken(rows):
        return
    try:
        with transaction.atomic():
            type(rows[0]).objects.bulk_create(rows, ignore_conflicts=True)
    except REFUSALS:
        log.debug("not all of these rows are taken; saving them one by one", exc_info=True)
    there = known()
    reasons = {key(row): _refusal(row) for row in rows if key(row) not in there}
    if not reasons:
        return
    there = known()  # another worker may have been quicker with some of them
    if lost := [(row, reasons[key(row)]) for row in rows if key(row) not in there]:
        for row, reason in lost:
            log.error("%s could not be saved: %s", type(row).__name__, reason)
        name = type(rows[0])._meta.verbose_name
        raise NotKept(f"{len(lost)} of {len(rows)} {name} rows could not be saved: {lost[0][1]}")


def _all_taken(rows: Sequence[Row]) -> bool:
    """Save these rows together, or none of them; whether they are saved."""
    try:
        with nullcontext() if is_one_statement() else transaction.atomic():
            insert_rows(rows)
    except REFUSALS:
        return False
    return True


def _refusal(row: models.Model) -> str:
    """Save this row alone; why it cannot be, or "" where it can."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except REFUSALS as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""
