"""How far judges agree, and how each machine judge does."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from arena.models import Category
from judging.models import Judge
from rating.models.board import Snapshot


class Agreement(models.Model):
    """How far judges agree on a category (None = all): among people, between any two, or of one with itself."""

    class Kind(models.TextChoices):
        PREFERENCE = "preference", _("pairs")
        GRADE = "grade", _("scores")

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="agreements")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PREFERENCE)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.PROTECT)
    judges = models.CharField(max_length=280, help_text="people, people–NAME, NAME–NAME, or NAME (with itself)")
    judge = models.ForeignKey(Judge, null=True, on_delete=models.PROTECT, related_name="+", help_text="none: people")
    other = models.ForeignKey(Judge, null=True, on_delete=models.PROTECT, related_name="+", help_text="of two judges")
    relation = models.CharField(max_length=20, help_text="people, people_judge, judges, orders")
    n = models.PositiveIntegerField(help_text="items with two votes or more")
    clusters = models.PositiveIntegerField(default=0, help_text="questions they are on")
    raw = models.FloatField(null=True, help_text="share of vote pairs that are equal (S1)")
    pairs = models.PositiveBigIntegerField(default=0, help_text="vote pairs")
    raw_decided = models.FloatField(null=True, help_text="the same without ties (S2)")
    pairs_decided = models.PositiveBigIntegerField(default=0, help_text="vote pairs without a tie")
    kappa = models.FloatField(null=True)
    kappa_kind = models.CharField(max_length=20, blank=True)
    alpha = models.FloatField(null=True)
    low = models.FloatField(
        null=True, help_text="interval of alpha; of the share, for relation = orders and first_slot"
    )
    high = models.FloatField(null=True)
    interval = models.CharField(max_length=12, blank=True, help_text="jackknife or bootstrap")
    ac1 = models.FloatField(null=True)
    top_share = models.FloatField(null=True, help_text="share of the commonest value")
    difference = models.FloatField(null=True, help_text="share of equal votes, judge–people minus people–people")
    difference_low = models.FloatField(null=True, help_text="interval, paired by question, for all categories at once")
    difference_high = models.FloatField(null=True)
    difference_n = models.PositiveIntegerField(default=0, help_text="items both shares are of")
    p_value = models.FloatField(null=True, help_text="that the difference is 0, for all categories at once")
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.judges}: α {self.alpha}"


class Health(models.Model):
    """How one machine judge does in a category (None = all): shares with intervals, histograms, cost, as plain data.

    `told`: see `rating.health`, which alone writes it.
    """

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="health", db_index=False)
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="health")
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.PROTECT)
    told = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["snapshot", "judge", "category"],
                condition=Q(category__isnull=False),
                name="one_health_per_snapshot_judge_and_category",
            ),
            models.UniqueConstraint(
                fields=["snapshot", "judge"],
                condition=Q(category__isnull=True),
                name="one_overall_health_per_snapshot_and_judge",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge} · {self.category or 'all'}"
