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
    seen = models.TextField(blank=True, editable=False, help_text="the changes and recipe that the last look found")
    changes = models.PositiveBigIntegerField(default=0, editable=False, help_text="of the record, counted so far")
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
    details = models.JSONField(
        default=list, help_text="[{source, method, category, …}]: coefficients, weight of a judge"
    )
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
        STYLE = "style", _("Bradley–Terry, style held equal")
        SCORE = "score", _("mean score")

    PEOPLE, JUDGES, ALL, CALIBRATED = "people", "judges", "all", "calibrated"

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="ratings", db_index=False)
    source = models.CharField(max_length=140, help_text="people, judges, all, calibrated, or judge:NAME")
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
    inflation = models.FloatField(
        null=True, help_text="square of the width of the interval over that of independent judgments"
    )
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


class LiveBoard(models.Model):
    """One board by what has been counted since the current snapshot; written over as votes come in, gone with the next.

    `rows` are ratings as plain data, best first: [{model, rating, low, high, rank, rank_low, rank_high, n, win_rate}].
    """

    leaderboard = models.ForeignKey(Leaderboard, on_delete=models.CASCADE, related_name="live", db_index=False)
    source = models.CharField(max_length=140)
    method = models.CharField(max_length=8, choices=Rating.Method)
    category = models.ForeignKey(Category, null=True, on_delete=models.CASCADE, db_index=False)
    rows = models.JSONField(default=list)
    notes = models.JSONField(default=list)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["leaderboard", "source", "method", "category"],
                condition=Q(category__isnull=False),
                name="one_live_board_per_source_method_and_category",
            ),
            models.UniqueConstraint(
                fields=["leaderboard", "source", "method"],
                condition=Q(category__isnull=True),
                name="one_overall_live_board_per_source_and_method",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.leaderboard} · {self.source} · {self.method} · {self.category or 'all'}"


class PairCount(models.Model):
    """Votes between two models in one category, kept up vote by vote; numbers are ids, and judge 0 is people.

    `share`, `squares`: sums of the first model's share of the win and of its square; a tie is half a win.
    """

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="+", db_index=False)
    category = models.PositiveBigIntegerField()
    rubric = models.PositiveBigIntegerField()
    judge = models.PositiveBigIntegerField()
    first = models.PositiveBigIntegerField()
    second = models.PositiveBigIntegerField()
    n = models.IntegerField()
    ties = models.IntegerField()
    share = models.FloatField()
    squares = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["benchmark", "category", "rubric", "judge", "first", "second"],
                name="one_count_per_pair_category_judge_and_rubric",
            ),
            models.CheckConstraint(condition=Q(first__lt=models.F("second")), name="a_pair_is_counted_in_one_order"),
        ]

    def __str__(self) -> str:
        return f"{self.first}–{self.second}: {self.n}"


class ScoreCount(models.Model):
    """Grades of one model in one category, kept up grade by grade: their number, sum and sum of squares; judge 0 is people."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="+", db_index=False)
    category = models.PositiveBigIntegerField()
    rubric = models.PositiveBigIntegerField()
    judge = models.PositiveBigIntegerField()
    model = models.PositiveBigIntegerField()
    n = models.IntegerField()
    total = models.FloatField()
    squares = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["benchmark", "category", "rubric", "judge", "model"],
                name="one_count_per_model_category_judge_and_rubric",
            )
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.n}"


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
