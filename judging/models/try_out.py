"""Judging a handful of items before a run begins, to see what its judges make of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from judging.failing import in_words


class TryOut(models.Model):
    """A recipe tried on a few items. Its verdicts are shown and never counted: they are no judgments on record.

    `told` has one entry for each item, judge and order as it came: see `judging.trying`, which alone writes it.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    recipe = models.JSONField(default=dict, help_text="the form as it was filled in")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    told = models.JSONField(default=list, blank=True)
    total = models.PositiveIntegerField(default=0, help_text="entries that will be told")
    cost = models.FloatField(null=True, blank=True)
    error = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="try_outs")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"try-out {self.pk}"

    @property
    def why(self) -> str:
        """Why it failed, in the reader's language; "" where it did not."""
        return in_words(self.error)
