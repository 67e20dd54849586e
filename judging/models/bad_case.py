"""What a reader of the record found wrong, and what came of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models import Answer, Battle, Question
from judging.models.rubric import Rubric
from judging.models.run import Run


class BadCase(models.Model):
    """An answer, or a verdict on a pair, that the rubric does not see as a person does."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        TAKEN_UP = "taken_up", _("taken up in a rubric")
        DISMISSED = "dismissed", _("dismissed")

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="bad_cases")
    answer = models.ForeignKey(Answer, null=True, blank=True, on_delete=models.CASCADE, related_name="bad_cases")
    battle = models.ForeignKey(Battle, null=True, blank=True, on_delete=models.CASCADE, related_name="bad_cases")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="bad_cases")
    cause = models.CharField(max_length=40, blank=True, help_text="wrong_fact, made_up, unsafe, off_topic, style …")
    text = models.TextField(help_text="what is wrong with it")
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    decision = models.TextField(blank=True, help_text="why it was dismissed, or what was done")
    dimension = models.CharField(max_length=80, blank=True, help_text="key of the dimension that sees it now")
    rubric = models.ForeignKey(
        Rubric, null=True, blank=True, on_delete=models.SET_NULL, related_name="bad_cases",
        help_text="the version that has the dimension",
    )  # fmt: skip
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="bad_cases")
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="a_bad_case_says_what_is_wrong"),
            models.CheckConstraint(
                condition=Q(answer__isnull=True) | Q(battle__isnull=True),
                name="a_bad_case_is_of_an_answer_or_of_a_pair",
            ),
            models.CheckConstraint(
                condition=Q(status="open", closed_at__isnull=True) | (~Q(status="open") & Q(closed_at__isnull=False)),
                name="a_bad_case_is_open_or_was_closed_at_some_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.question}: {self.text[:60]}"
