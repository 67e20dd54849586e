"""Boards: the recipe, its snapshots, the ratings in them, and what came since."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models import Benchmark, Category, LanguageModel, Provenance, in_reader_language
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
    judges = models.JSONField(default=dict, help_text="id of each judge → the name that this snapshot knows it by")
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

    def name_of(self, judge: Judge) -> str:
        """The name by which this snapshot knows the judge, whatever it is called by now."""
        return self.judges.get(str(judge.pk)) or str(judge)


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
    language = models.CharField(max_length=12, blank=True, default="", help_text="of the questions; empty: all")
    model = models.ForeignKey(LanguageModel, on_delete=models.PROTECT, related_name="ratings")
    rating = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    rank = models.PositiveIntegerField(null=True)
    rank_low = models.PositiveIntegerField(null=True, help_text="best rank the data allow")
    rank_high = models.PositiveIntegerField(null=True, help_text="worst rank the data allow")
    n = models.PositiveIntegerField()
    n_failed = models.PositiveIntegerField(
        null=True, help_text="verdicts of machines that would be in n and failed; none where that was not counted"
    )
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
                fields=["snapshot", "source", "method", "category", "language", "model"],
                condition=Q(category__isnull=False),
                name="one_rating_per_board_category_and_model",
            ),
            models.UniqueConstraint(
                fields=["snapshot", "source", "method", "language", "model"],
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


class LiveBoard(models.Model):
    """One board by what has been counted since the current snapshot; written over as votes come in, gone with the next.

    `rows` are ratings as plain data, best first: [{model, rating, low, high, rank, rank_low, rank_high, n, n_failed, win_rate}].
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


class SnapshotTable(models.Model):
    """A large table of a snapshot, read by one page alone: how often models met, how votes of two judges fall together."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="tables", db_index=False)
    name = models.CharField(max_length=20, help_text="matrix, confusions")
    data = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["snapshot", "name"], name="one_table_per_snapshot_and_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.snapshot}"


class BoardContrasts(models.Model):
    """How wide the intervals of differences are between the models of one board of a snapshot; see `rating.contrasts`.

    A board that says the same as another has no data of its own.
    """

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="contrasts", db_index=False)
    source = models.CharField(max_length=140)
    method = models.CharField(max_length=8, choices=Rating.Method)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.CASCADE, db_index=False)
    language = models.CharField(max_length=12, blank=True, default="")
    data = models.BinaryField(default=bytes)
    same_as = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["snapshot", "source", "method", "category"], name="contrasts_of_a_board"),
        ]

    def __str__(self) -> str:
        return f"{self.source} · {self.method} · {self.category or 'all'} of {self.snapshot}"


class Grouping(models.Model):
    """Another sorting of the categories into kinds: ratings by it need no new judgments."""

    name = models.CharField(max_length=80, unique=True)
    title_en = models.CharField(max_length=200, blank=True)
    title_zh = models.CharField(max_length=200, blank=True)
    kinds = models.JSONField(
        default=list, help_text="[{key, name_en, name_zh, of: [category keys]}]; a category belongs to one kind at most"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="a_grouping_has_a_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        return in_reader_language(self.title_en, self.title_zh) or self.name
