"""What follows from the record: snapshots of ratings and agreement, scores measured elsewhere, profiles."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models import Benchmark, Category, LanguageModel, Provenance
from judging.models import Judge


class Leaderboard(models.Model):
    """A benchmark's board: the recipe by which its judgments are counted."""

    benchmark = models.OneToOneField(Benchmark, on_delete=models.CASCADE, related_name="leaderboard")
    recipe = models.JSONField(default=dict, blank=True, help_text="flip rule, weights, level of the intervals …")
    current = models.ForeignKey(
        "Snapshot",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="what the record says now; none when nothing counts",
    )
    seen = models.TextField(blank=True, editable=False, help_text="the record and recipe that the last look found")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["benchmark__name"]

    def __str__(self) -> str:
        return str(self.benchmark)


class Snapshot(models.Model):
    """All ratings and agreement of a board at one moment; never changed afterwards.

    The same judgments under the same recipe and code give the same `digest`, and no second snapshot.
    """

    leaderboard = models.ForeignKey(Leaderboard, on_delete=models.CASCADE, related_name="snapshots")
    recipe = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the input columns, the recipe and the code version")
    code_version = models.CharField(max_length=40)
    n = models.PositiveIntegerField(help_text="judgments counted")
    excluded = models.JSONField(default=dict, help_text="judgments left out, by reason")
    notes = models.JSONField(default=list, help_text="[{source, method, category, note}]")
    provenances = models.JSONField(default=list, help_text="what the counted rows are: real, imported, demo, dry_run")
    passing = models.BooleanField(default=False, help_text="taken while votes came in; thinned out after a day")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["leaderboard", "digest"], name="one_snapshot_per_input")]

    def __str__(self) -> str:
        return f"{self.leaderboard} · {self.digest[:8]}"

    @property
    def is_demo(self) -> bool:
        return Provenance.DEMO in self.provenances


class Rating(models.Model):
    """One model's place on one board: by source of votes, method and category (None = all categories)."""

    class Method(models.TextChoices):
        BT = "bt", _("Bradley–Terry")
        ELO = "elo", _("online Elo")
        SCORE = "score", _("mean score")

    PEOPLE, JUDGES, ALL = "people", "judges", "all"

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="ratings")
    source = models.CharField(max_length=140, help_text="people, judges, all, or judge:NAME")
    method = models.CharField(max_length=8, choices=Method)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.PROTECT)
    model = models.ForeignKey(LanguageModel, on_delete=models.PROTECT, related_name="ratings")
    rating = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    rank = models.PositiveIntegerField(null=True)
    rank_low = models.PositiveIntegerField(null=True, help_text="best rank the data allow")
    rank_high = models.PositiveIntegerField(null=True, help_text="worst rank the data allow")
    n = models.PositiveIntegerField()
    win_rate = models.FloatField(null=True)
    weighted = models.FloatField(
        null=True, help_text="total over categories by the recipe's weights; overall rows only"
    )

    class Meta:
        ordering = ["rank", "model__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["snapshot", "source", "method", "category", "model"],
                condition=Q(category__isnull=False),
                name="one_rating_per_board_category_and_model",
            ),
            models.UniqueConstraint(
                fields=["snapshot", "source", "method", "model"],
                condition=Q(category__isnull=True),
                name="one_overall_rating_per_board_and_model",
            ),
            models.CheckConstraint(
                condition=Q(low__isnull=True, high__isnull=True) | Q(low__lte=models.F("high")),
                name="an_interval_goes_up",
            ),
        ]
        indexes = [models.Index(fields=["snapshot", "source", "method", "category"], name="ratings_of_a_board")]

    def __str__(self) -> str:
        return f"{self.model} {self.rating}"


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
    raw = models.FloatField(null=True)
    kappa = models.FloatField(null=True)
    alpha = models.FloatField(null=True)
    low = models.FloatField(
        null=True, help_text="interval of alpha; of the share, for relation = orders and first_slot"
    )
    high = models.FloatField(null=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.judges}: α {self.alpha}"


class Score(models.Model):
    """A number measured elsewhere or by a rule."""

    model = models.ForeignKey(LanguageModel, on_delete=models.CASCADE, related_name="measured")
    benchmark = models.CharField(max_length=120)
    category = models.CharField(max_length=120, blank=True)
    metric = models.CharField(max_length=80)
    value = models.FloatField()
    unit = models.CharField(max_length=20, blank=True)
    n = models.PositiveIntegerField(null=True, blank=True)
    target = models.FloatField(null=True, blank=True)
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
    """Weights of categories for the total, and gates."""

    class Mode(models.TextChoices):
        MEAN = "mean", _("weighted mean")
        SUM = "sum", _("weighted sum")

    name = models.CharField(max_length=120, unique=True)
    mode = models.CharField(max_length=5, choices=Mode, default=Mode.MEAN)
    weights = models.JSONField(default=dict, help_text="category key → weight")
    gates = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
