"""Who takes part in a run, as what, and the links that let them in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from judging.models.run import Run

VALID_FOR = timedelta(days=14)
PRACTICE_NOT_PASSED = "practice_not_passed"
"""Why the product pauses a person, as it is kept; a lead's reason is kept in the lead's words."""


class Role(models.TextChoices):
    VIEWER = "viewer", _("viewer")
    ANNOTATOR = "annotator", _("annotator")
    ADJUDICATOR = "adjudicator", _("adjudicator")


class Membership(models.Model):
    """A person in one run. Annotators of the site need none until something is known of them here: a pause, a practice."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role, default=Role.ANNOTATOR)
    is_guest = models.BooleanField(default=False, help_text="came by the run's open link")
    languages = models.JSONField(default=list, blank=True, help_text="of the questions they are given; empty: all")
    per_day = models.PositiveIntegerField(null=True, blank=True, help_text="votes a day, in place of the run's own")
    per_person = models.PositiveIntegerField(null=True, blank=True, help_text="votes in all, in place of the run's own")
    practised_at = models.DateTimeField(null=True, blank=True, help_text="when the practice round was passed")
    practice_tries = models.PositiveSmallIntegerField(default=0, help_text="rounds that were gone through")
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_why = models.CharField(max_length=200, blank=True, help_text="told to the person")
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    seen_rubric = models.PositiveIntegerField(null=True, blank=True, help_text="the guidelines this person has read")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["run", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "user"], name="a_person_is_in_a_run_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.run}"

    @property
    def paused_because(self) -> str:
        """Why this person is paused, in the reader's language where the product paused them."""
        if self.paused_why == PRACTICE_NOT_PASSED:
            return gettext("The practice round was not passed.")
        return self.paused_why


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def valid(self) -> InvitationQuerySet:
        """Links that still let somebody in."""
        return self.filter(used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """A link that lets one person into one run, once, until it expires or is revoked. Only the token's hash is kept."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=12, choices=Role, default=Role.ANNOTATOR)
    languages = models.JSONField(default=list, blank=True)
    note = models.CharField(max_length=200, blank=True, help_text="whom it is meant for")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(used_by__isnull=True) | Q(used_at__isnull=False), name="a_used_invitation_says_when"
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} in {self.run}"

    @staticmethod
    def digest_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    @classmethod
    def issue(
        cls, run: Run, *, role: str, created_by, valid_for: timedelta = VALID_FOR, **more
    ) -> tuple[Invitation, str]:
        """A new invitation, saved, and the token of its link, which is not to be had again."""
        token = secrets.token_urlsafe(24)
        row = cls.objects.create(
            run=run,
            role=role,
            created_by=created_by,
            digest=cls.digest_of(token),
            expires_at=timezone.now() + valid_for,
            **more,
        )
        return row, token
