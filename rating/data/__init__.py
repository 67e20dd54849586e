"""The only door from rows to arrays: a benchmark's judgments as columns, and the counts that are kept up vote by vote."""

from rating.data.bulk import columns, insert
from rating.data.looks import Looks, looks
from rating.data.record import (
    ANOTHER_RUBRIC,
    OLDER_RUBRIC,
    ONE_ORDER,
    SET_ASIDE,
    Marks,
    Orders,
    Record,
    Votes,
    counted_provenances,
    newest,
    read,
)

__all__ = [
    "ANOTHER_RUBRIC",
    "OLDER_RUBRIC",
    "ONE_ORDER",
    "SET_ASIDE",
    "Looks",
    "Marks",
    "Orders",
    "Record",
    "Votes",
    "columns",
    "counted_provenances",
    "insert",
    "looks",
    "newest",
    "read",
]
