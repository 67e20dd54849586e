"""What people say about items, and what happened, on record."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from arena.models import Answer, Battle
from judging.models.run import Run


class Comment(models.Model):
    """A word on an item; other annotators read it once the item is closed."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="comments")
    battle = models.ForeignKey(Battle, null=True, blank=True, on_delete=models.CASCADE, related_name="comments")
    answer = models.ForeignKey(Answer, null=True, blank=True, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments")
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(battle__isnull=False, answer__isnull=True) | Q(battle__isnull=True, answer__isnull=False),
                name="a_comment_is_on_a_battle_or_on_an_answer",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="a_comment_says_something"),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class AppendOnly(RuntimeError):
    """The audit log is written to and read, never changed."""


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **fields):
        raise AppendOnly("entries of the audit log are not changed")

    def delete(self):
        raise AppendOnly("entries of the audit log are not deleted")


class AuditEntry(models.Model):
    """Something a person did: append-only. Names and numbers are copied, so that it outlives what it is about."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    actor_name = models.CharField(max_length=150, blank=True)
    run = models.ForeignKey(Run, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    act = models.CharField(max_length=40)
    facts = models.JSONField(default=dict, blank=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.act}"

    def save(self, *args, **kwargs) -> None:
        if self.pk is not None:
            raise AppendOnly("entries of the audit log are not changed")
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise AppendOnly("entries of the audit log are not deleted")

    @classmethod
    def note(cls, act: str, *, actor=None, run=None, **facts) -> AuditEntry:
        """Put on record that somebody did something. One insert."""
        name = actor.get_username()[:150] if actor else ""
        return cls.objects.create(act=act, actor=actor, actor_name=name, run=run, facts=facts)
