"""What is asked: benchmarks, their questions, and the kinds of question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from arena.models.words import Provenance, in_reader_language
from arena.rendering import render

if TYPE_CHECKING:
    from arena.models.language_model import LanguageModel


class Benchmark(models.Model):
    """A named, versioned set of questions; frozen once answers to it were judged."""

    name = models.CharField(max_length=120)
    version = models.CharField(max_length=40, default="1")
    title_en = models.CharField(max_length=200, blank=True)
    title_zh = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.REAL)
    frozen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="one_benchmark_per_name_and_version"),
            models.CheckConstraint(condition=~Q(name=""), name="a_benchmark_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def title(self) -> str:
        return in_reader_language(self.title_en, self.title_zh) or self.name

    @property
    def is_demo(self) -> bool:
        return self.provenance == Provenance.DEMO

    @property
    def counted_provenances(self) -> list[str]:
        """What counts on its board: real and imported rows; on a demo's board, demo rows."""
        return [Provenance.DEMO] if self.is_demo else [Provenance.REAL, Provenance.IMPORTED]

    def freeze(self) -> None:
        """Mark as used; from now on its questions do not change."""
        if self.frozen_at is None:
            self.frozen_at = timezone.now()
            self.save(update_fields=["frozen_at"])


class CategoryQuerySet(models.QuerySet["Category"]):
    def ordinary(self) -> CategoryQuerySet:
        """Categories that questions are sorted into: without the kinds of a board's grouping, whose keys have a colon."""
        return self.exclude(key__contains=":", questions__isnull=True)


class Category(models.Model):
    """A kind of question, in two levels, named in both languages; data, never an enum in code."""

    key = models.CharField(max_length=80, unique=True)
    group = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="members")
    name_en = models.CharField(max_length=120, blank=True)
    name_zh = models.CharField(max_length=120, blank=True)
    position = models.PositiveIntegerField(default=1000)

    objects = CategoryQuerySet.as_manager()

    class Meta:
        ordering = ["position", "key"]
        verbose_name_plural = "categories"
        constraints = [models.CheckConstraint(condition=~Q(key=""), name="a_category_has_a_key")]

    def __str__(self) -> str:
        return self.key

    @property
    def name(self) -> str:
        return in_reader_language(self.name_en, self.name_zh) or self.key


class QuestionQuerySet(models.QuerySet["Question"]):
    def unanswered_by(self, model: LanguageModel, *, sample: int = 0) -> QuestionQuerySet:
        """Questions that `model` has no good answer to, for this sample, and may be asked. One query."""
        from arena.models.answer import UNPUBLISHED, Answer  # which needs questions to be there first

        answered = Answer.objects.filter(error__in=("", UNPUBLISHED), model=model, sample=sample).values("question")
        return self.exclude(pk__in=answered)


class Question(models.Model):
    """What is asked, all turns."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="questions")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="questions")
    key = models.CharField(max_length=120)
    turns = models.JSONField(help_text="the texts the user writes, in order")
    language = models.CharField(max_length=12, default="en")
    system = models.TextField(blank=True)
    reference = models.JSONField(default=list, blank=True, help_text="one text per turn, or empty")
    checks = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True)
    meta = models.JSONField(default=dict, blank=True)
    position = models.PositiveIntegerField(default=0)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["benchmark", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["benchmark", "key"], name="one_question_per_key_and_benchmark"),
            models.CheckConstraint(condition=~Q(key=""), name="a_question_has_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.benchmark} · {self.key}"

    @property
    def title(self) -> str:
        """The first line of the first turn, cut to a line's length."""
        first = self.turns[0].strip().splitlines()[0] if self.turns and self.turns[0].strip() else self.key
        return first if len(first) <= 120 else first[:119] + "…"

    @property
    def html_turns(self) -> list[str]:
        return [render(turn) for turn in self.turns]
