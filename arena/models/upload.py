"""A file that somebody brought in the browser: kept as it came, looked at before anything is written."""

from __future__ import annotations

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def uploads_folder() -> FileSystemStorage:
    """Where uploads lie: in the data folder, where no address leads."""
    return FileSystemStorage(location=settings.DATA_DIR / "uploads")


class Upload(models.Model):
    """One file, what it is said to be, and what reading it found. Nothing of it is written before its report is accepted."""

    class Status(models.TextChoices):
        CHECKING = "checking", _("being looked at")
        CHECKED = "checked", _("looked at, not loaded")
        REFUSED = "refused", _("has faults")
        LOADING = "loading", _("being loaded")
        LOADED = "loaded", _("loaded")
        FAILED = "failed", _("failed")

    file = models.FileField(storage=uploads_folder, upload_to="%Y/%m/", max_length=300)
    name = models.CharField(max_length=200, help_text="the file's own name")
    size = models.PositiveBigIntegerField(help_text="bytes")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file")
    format = models.CharField(max_length=40, help_text="own, mt_bench, arena …: a name of arena.loading")
    kind = models.CharField(max_length=20, blank=True, help_text="questions, answers, judgments, prompts, scores")
    options = models.JSONField(default=dict, blank=True, help_text="benchmark, model … as the loader takes them")
    status = models.CharField(max_length=10, choices=Status, default=Status.CHECKING)
    report = models.JSONField(
        default=dict, blank=True, help_text="{counts, problems: [{line, field, problem}], sample}"
    )
    error = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="uploads")
    created_at = models.DateTimeField(default=timezone.now)
    loaded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name
