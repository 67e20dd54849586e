"""What a judge looks at, in both languages; versioned, frozen once used."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from arena.models import in_reader_language
from judging.judges.base import Dimension, RubricText


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

    def text(self) -> RubricText:
        """This rubric as the value that prompts are rendered from."""
        return RubricText(
            name=self.name,
            instructions={"en": self.instructions_en, "zh": self.instructions_zh},
            dimensions=tuple(
                Dimension(
                    key=row["key"],
                    weight=float(row.get("weight", 1)),
                    name={"en": row.get("name_en", row["key"]), "zh": row.get("name_zh", row["key"])},
                    description={"en": row.get("description_en", ""), "zh": row.get("description_zh", "")},
                )
                for row in self.dimensions
            ),
            lowest=self.lowest,
            highest=self.highest,
        )

    def weighted(self, scores: dict[str, float]) -> float:
        """The total of these marks by the dimensions' weights, on the rubric's scale. Raises KeyError if one is missing."""
        total = sum(float(row.get("weight", 1)) for row in self.dimensions)
        return sum(scores[row["key"]] * float(row.get("weight", 1)) for row in self.dimensions) / total

    def freeze(self) -> None:
        """Mark as used; from now on it does not change."""
        if self.frozen_at is None:
            self.frozen_at = timezone.now()
            self.save(update_fields=["frozen_at"])
