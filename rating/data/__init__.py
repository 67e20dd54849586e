"""The only door from rows to arrays: a benchmark's judgments as columns, and the counts that are kept up vote by vote."""

from rating.data.askings import Again, askings
from rating.data.bulk import columns
from rating.data.confidences import BASES, STRENGTH, Sure, sure
from rating.data.effort import Dated, Dates, Spent, dates, spent
from rating.data.looks import Looks, looks
from rating.data.members import silent_members
from rating.data.passed import Passed, passed
from rating.data.record import (
    ANOTHER_RUBRIC,
    FLIPPED,
    FLIPS,
    MEMBER,
    OLDER_RUBRIC,
    ONE_ORDER,
    SET_ASIDE,
    STATES,
    TIE,
    Attempts,
    Failed,
    Marks,
    Orders,
    Record,
    Votes,
    alike,
    newest,
    read,
)

__all__ = [
    "ANOTHER_RUBRIC",
    "BASES",
    "FLIPPED",
    "FLIPS",
    "MEMBER",
    "OLDER_RUBRIC",
    "ONE_ORDER",
    "SET_ASIDE",
    "STATES",
    "STRENGTH",
    "TIE",
    "Again",
    "Attempts",
    "Dated",
    "Dates",
    "Failed",
    "Looks",
    "Marks",
    "Orders",
    "Passed",
    "Record",
    "Spent",
    "Sure",
    "Votes",
    "alike",
    "askings",
    "columns",
    "dates",
    "looks",
    "newest",
    "passed",
    "read",
    "silent_members",
    "spent",
    "sure",
]
