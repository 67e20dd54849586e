"""What a judge looks at, in both languages; versioned, frozen once used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from arena.models import in_reader_language
from judging.judges.base import RubricText
from judging.judges.rubrics import BadRubric, problems, text_of
from judging.replies import total_mark

# What data say of a rubric; of these, scale and texts always have a value.
SAID = (
    "title_en",
    "title_zh",
    "instructions_en",
    "instructions_zh",
    "dimensions",
    "points",
    "template",
    "variants",
    "only_variants",
)
SCALE = ("lowest", "highest")


class Rubric(models.Model):
    """Dimensions with weights, a scale and instructions; editing a used one makes the next version."""

    name = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1)
    title_en = models.CharField(max_length=200, blank=True)
    title_zh = models.CharField(max_length=200, blank=True)
    instructions_en = models.TextField(blank=True)
    instructions_zh = models.TextField(blank=True)
    dimensions = models.JSONField(
        default=list, blank=True, help_text="[{key, weight, name_en, name_zh, description_en, description_zh}]"
    )
    points = models.JSONField(
        default=dict,
        blank=True,
        help_text="{base, floor, cap, deductions: [{key, points, most, quoted, name_en …}], bonuses: […]}",
    )
    template = models.JSONField(default=dict, blank=True, help_text="a published judge prompt: {system, prompt, form}")
    variants = models.JSONField(
        default=dict,
        blank=True,
        help_text="by category: {instructions_en, instructions_zh, dimensions, points, template}",
    )
    only_variants = models.BooleanField(default=False, help_text="a category without a variant is an error")
    lowest = models.FloatField(default=1)
    highest = models.FloatField(default=10)
    frozen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="one_rubric_per_name_and_version"),
            models.CheckConstraint(condition=Q(lowest__lt=models.F("highest")), name="a_rubric_scale_goes_up"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def title(self) -> str:
        return in_reader_language(self.title_en, self.title_zh) or self.name

    @property
    def instructions(self) -> str:
        return in_reader_language(self.instructions_en, self.instructions_zh)

    def clean(self) -> None:
        """Raises ValidationError, by field, for data that are no rubric."""
        found: dict[str, list[str]] = {}
        for field, message in problems(self.as_data()):
            name = field.partition(".")[0].partition("[")[0]
            found.setdefault(name if name in (*SAID, *SCALE) else NON_FIELD_ERRORS, []).append(f"{field}: {message}")
        if found:
            raise ValidationError(found)

    @classmethod
    def of_data(cls, name: str, data: Mapping[str, Any], *, version: int = 1) -> Self:
        """A rubric of this name, not saved, as YAML, JSON or a form says it. Raises BadRubric with all that is wrong."""
        found = problems(data)
        if found:
            raise BadRubric(name, found)
        return cls(name=name, version=version, **data)

    def as_data(self) -> dict[str, Any]:
        """What `of_data` makes such a rubric of; what is empty is left out."""
        said = {field: getattr(self, field) for field in SAID}
        return {field: value for field, value in said.items() if value} | {end: getattr(self, end) for end in SCALE}

    def text(self) -> RubricText:
        """This rubric as the value that prompts are rendered from."""
        return text_of(self.name, self.as_data())

    def weighted(self, scores: Mapping[str, float]) -> float:
        """The total of these marks by the dimensions' weights, on the rubric's scale; a veto takes it to the lowest mark.

        Raises KeyError if a mark is missing.
        """
        return total_mark(scores, self.text())

    def freeze(self) -> None:
        """Mark as used; from now on it does not change."""
        if self.frozen_at is None:
            self.frozen_at = timezone.now()
            self.save(update_fields=["frozen_at"])
