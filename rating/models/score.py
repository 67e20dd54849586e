"""Numbers measured elsewhere, and the profiles by which numbers are weighed and models let pass."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, Provenance


class Score(models.Model):
    """A number measured elsewhere or by a rule. `n` is how many questions it is of: its weight in a weighted average."""

    class Kind(models.TextChoices):
        OBJECTIVE = "objective", _("objective score")
        SAFETY = "safety", _("safety rate")
        SPEED = "speed", _("speed")

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.OBJECTIVE)
    model = models.ForeignKey(LanguageModel, on_delete=models.CASCADE, related_name="measured")
    benchmark = models.CharField(max_length=120)
    category = models.CharField(max_length=120, blank=True)
    metric = models.CharField(max_length=80)
    value = models.FloatField()
    unit = models.CharField(max_length=20, blank=True)
    n = models.PositiveIntegerField(null=True, blank=True)
    target = models.FloatField(null=True, blank=True)
    lower_is_better = models.BooleanField(default=False)
    source = models.CharField(max_length=300)
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.IMPORTED)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["benchmark", "category", "metric"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "benchmark", "category", "metric", "source"],
                name="one_score_per_model_metric_and_source",
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.benchmark} {self.metric} = {self.value}"


class Profile(models.Model):
    """Weights of categories for the total, and gates.

    Where the weights come from is its `basis`: given by people, one for each, or each category's share of the questions.
    `gates`: see `rating.gates`, which reads them.
    """

    class Basis(models.TextChoices):
        GIVEN = "given", _("weights of our own")
        ONES = "ones", _("every category once")
        COUNTS = "counts", _("share of the questions")

    class Mode(models.TextChoices):
        MEAN = "mean", _("weighted mean")
        SUM = "sum", _("weighted sum")

    name = models.CharField(max_length=120, unique=True)
    mode = models.CharField(max_length=5, choices=Mode, default=Mode.MEAN)
    basis = models.CharField(max_length=8, choices=Basis, default=Basis.GIVEN)
    weights = models.JSONField(default=dict, help_text="category key → weight")
    gates = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
