"""Who judges, and what they said."""

from judging.models.assignment import Assignment
from judging.models.judge import Judge, Seat
from judging.models.judgment import BATCH_PRICE, Grade, Judgment, Preference, Status
from judging.models.rubric import Rubric
from judging.models.run import Run, Submission

__all__ = [
    "BATCH_PRICE",
    "Assignment",
    "Grade",
    "Judge",
    "Judgment",
    "Preference",
    "Rubric",
    "Run",
    "Seat",
    "Status",
    "Submission",
]
