"""A person's seat on one item: which pair or answer, on which sides, for how long, and what for."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models import Answer, Battle
from judging.models.judge import Judge
from judging.models.run import Run

LEASE = timedelta(minutes=10)


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def held(self) -> AssignmentQuerySet:
        """Seats that count against the overlap: voted on, or leased and not let go."""
        return self.filter(holds=True)

    def run_out(self) -> AssignmentQuerySet:
        """Seats that nobody is at any longer, and that still hold their item."""
        return self.filter(status=Assignment.Status.LEASED, holds=True, lease_until__lt=timezone.now())


class Assignment(models.Model):
    """Sides are drawn when the seat is given and kept through refresh and undo.

    A seat to vote `holds` its item against the overlap, until it is skipped, flagged or its lease runs out.
    """

    class Purpose(models.TextChoices):
        VOTE = "vote", _("vote")
        REPEAT = "repeat", _("hidden repeat")
        GOLD = "gold", _("gold item")
        PRACTICE = "practice", _("practice")
        ADJUDICATION = "adjudication", _("adjudication")

    class Status(models.TextChoices):
        LEASED = "leased", _("leased")
        DONE = "done", _("voted")
        SKIPPED = "skipped", _("skipped")
        FLAGGED = "flagged", _("flagged")

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="assignments")
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="assignments")
    battle = models.ForeignKey(Battle, null=True, blank=True, on_delete=models.CASCADE, related_name="assignments")
    answer = models.ForeignKey(Answer, null=True, blank=True, on_delete=models.CASCADE, related_name="assignments")
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.VOTE)
    trial = models.PositiveSmallIntegerField(default=0, help_text="of this person on this item in this run")
    swapped = models.BooleanField(default=False)
    holds = models.BooleanField(default=False, editable=False, help_text="counts against the overlap")
    status = models.CharField(max_length=10, choices=Status, default=Status.LEASED)
    cause = models.CharField(max_length=20, blank=True, help_text="why it was skipped or flagged, as a word of ours")
    reason = models.CharField(max_length=200, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="when a lead had looked at the flag")
    active_ms = models.PositiveIntegerField(null=True, blank=True, help_text="milliseconds seen and not idle")
    lease_until = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(battle__isnull=False, answer__isnull=True) | Q(battle__isnull=True, answer__isnull=False),
                name="a_seat_is_on_a_battle_or_on_an_answer",
            ),
            models.UniqueConstraint(
                fields=["run", "judge", "battle", "trial"],
                condition=Q(battle__isnull=False),
                name="a_person_sees_a_battle_once_a_trial",
            ),
            models.UniqueConstraint(
                fields=["run", "judge", "answer", "trial"],
                condition=Q(answer__isnull=False),
                name="a_person_sees_an_answer_once_a_trial",
            ),
        ]
        indexes = [
            models.Index(fields=["run", "judge", "status"], name="seats_of_a_person"),
            models.Index(
                fields=["run", "lease_until"], condition=Q(status="leased", holds=True), name="seats_with_a_lease"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge} on {self.battle or self.answer}"

    @property
    def is_for_the_count(self) -> bool:
        """Whether it is one of the seats that the overlap asks for."""
        return self.purpose == self.Purpose.VOTE

    @property
    def item(self) -> dict[str, int | None]:
        """What it is on, as a filter of judgments and of items."""
        return {"answer": self.answer_id} if self.answer_id else {"battle": self.battle_id}
