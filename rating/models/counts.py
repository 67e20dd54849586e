"""The standing counts of the record, kept up judgment by judgment; see `rating.counting`."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from arena.models import Benchmark


class PairCount(models.Model):
    """Votes between two models in one category, kept up vote by vote; numbers are ids, and judge 0 is people.

    `share`, `squares`: sums of the first model's share of the win and of its square; a tie is half a win. `failed` verdicts of a
    machine are in none of the others.
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
    failed = models.IntegerField(default=0)

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
    """Grades of one model in one category, kept up grade by grade: their number, sum and sum of squares; judge 0 is people.

    `failed` grades of a machine are in none of these.
    """

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="+", db_index=False)
    category = models.PositiveBigIntegerField()
    rubric = models.PositiveBigIntegerField()
    judge = models.PositiveBigIntegerField()
    model = models.PositiveBigIntegerField()
    n = models.IntegerField()
    total = models.FloatField()
    squares = models.FloatField()
    failed = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["benchmark", "category", "rubric", "judge", "model"],
                name="one_count_per_model_category_judge_and_rubric",
            )
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.n}"
