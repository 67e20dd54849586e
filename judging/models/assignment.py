"""A person's seat on one item: which pair or answer, on which sides, for how long."""

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
        """Seats that still count against the overlap: voted on, or leased and not run out."""
        leased = Q(status=Assignment.Status.LEASED, lease_until__gte=timezone.now())
        return self.filter(leased | Q(status=Assignment.Status.DONE))


class Assignment(models.Model):
    """Sides are drawn when the seat is given and kept through refresh and undo."""

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
    swapped = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.LEASED)
    reason = models.CharField(max_length=200, blank=True)
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
                fields=["run", "judge", "battle"],
                condition=Q(battle__isnull=False),
                name="a_person_sees_a_battle_once_a_run",
            ),
            models.UniqueConstraint(
                fields=["run", "judge", "answer"],
                condition=Q(answer__isnull=False),
                name="a_person_sees_an_answer_once_a_run",
            ),
        ]
        indexes = [models.Index(fields=["run", "judge", "status"], name="seats_of_a_person")]

    def __str__(self) -> str:
        return f"{self.judge} on {self.battle or self.answer}"

    def hold(self) -> None:
        """Lease the seat from now on. One update."""
        self.status = self.Status.LEASED
        self.lease_until = timezone.now() + LEASE
        self.closed_at = None
        self.save(update_fields=["status", "lease_until", "closed_at"])

    def close(self, status: str, *, reason: str = "") -> None:
        """Leave the seat: voted, skipped or flagged. One update."""
        self.status = status
        self.reason = reason
        self.closed_at = timezone.now()
        self.save(update_fields=["status", "reason", "closed_at"])
