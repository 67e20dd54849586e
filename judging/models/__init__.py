"""Who judges, and what they said."""

from judging.models.assignment import Assignment
from judging.models.bad_case import BadCase
from judging.models.gold import Gold
from judging.models.judge import Judge, Seat
from judging.models.judgment import BATCH_PRICE, BY_PERSON, IN_BATCH, Grade, Judgment, KeptOut, Preference, Status
from judging.models.people import Invitation, Membership, Role
from judging.models.rubric import Rubric
from judging.models.run import Run, Submission
from judging.models.talk import AppendOnly, AuditEntry, Comment
from judging.models.try_out import TryOut
from judging.models.voting_item import VotingItem
from judging.models.webhook import Delivery, Webhook

__all__ = [
    "BATCH_PRICE",
    "BY_PERSON",
    "IN_BATCH",
    "AppendOnly",
    "Assignment",
    "AuditEntry",
    "BadCase",
    "Comment",
    "Delivery",
    "Gold",
    "Grade",
    "Invitation",
    "Judge",
    "Judgment",
    "KeptOut",
    "Membership",
    "Preference",
    "Role",
    "Rubric",
    "Run",
    "Seat",
    "Status",
    "Submission",
    "TryOut",
    "VotingItem",
    "Webhook",
]
