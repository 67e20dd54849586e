"""Where messages about runs go, and what became of each."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from judging.models.run import Run


class Webhook(models.Model):
    """An address that hears of runs. The address is as good as a key: the environment has it, the row its name."""

    class Kind(models.TextChoices):
        JSON = "json", _("plain JSON")
        FEISHU = "feishu", _("Feishu or Lark")
        SLACK = "slack", "Slack"
        DINGTALK = "dingtalk", _("DingTalk")
        WECOM = "wecom", _("WeCom")

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.JSON)
    url_env = models.CharField(max_length=80, help_text="name of the environment variable that holds the address")
    secret_env = models.CharField(
        max_length=80, blank=True, help_text="name of the one that holds the secret to sign with"
    )
    events = models.JSONField(default=list, help_text="of run_started, run_failed, run_paused, run_done, run_cancelled")
    language = models.CharField(max_length=12, default="en")
    is_on = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="webhooks"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=~Q(name="") & ~Q(url_env=""), name="a_webhook_has_a_name_and_an_address")
        ]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One message to one webhook: due, sent, or given up, and why."""

    class Status(models.TextChoices):
        DUE = "due", _("due")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    run = models.ForeignKey(Run, null=True, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=20)
    status = models.CharField(max_length=10, choices=Status, default=Status.DUE)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True, help_text="why, without the address")
    due_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "deliveries"
        indexes = [models.Index(fields=["due_at"], condition=Q(status="due"), name="messages_that_are_due")]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook}"
