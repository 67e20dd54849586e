"""Items whose true verdict is known: to practise on, and to see silently how good votes are."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from arena.models import Answer, Battle, in_reader_language
from judging.models.run import Run
from judging.models.voting_item import VotingItem

ROUNDING = 1e-9


def is_within(said: Sequence[float], lowest: float, highest: float) -> bool:
    """Whether a vote is right: the truth holds for the whole conversation, so that the mean over its turns is held against it."""
    return lowest - ROUNDING <= fmean(said) <= highest + ROUNDING


class Gold(models.Model):
    """What a right vote says: between `lowest` and `highest`, towards the battle's first answer or on the rubric's scale."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="golds")
    battle = models.ForeignKey(Battle, null=True, blank=True, on_delete=models.CASCADE, related_name="golds")
    answer = models.ForeignKey(Answer, null=True, blank=True, on_delete=models.CASCADE, related_name="golds")
    lowest = models.FloatField()
    highest = models.FloatField()
    is_practice = models.BooleanField(default=False, help_text="shown in the practice round, with the truth afterwards")
    why_en = models.TextField(blank=True, help_text="why this is right, shown after practice")
    why_zh = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["run", "pk"]
        verbose_name_plural = "gold items"
        constraints = [
            models.CheckConstraint(
                condition=Q(battle__isnull=False, answer__isnull=True) | Q(battle__isnull=True, answer__isnull=False),
                name="gold_is_a_battle_or_an_answer",
            ),
            models.CheckConstraint(condition=Q(lowest__lte=models.F("highest")), name="the_truth_has_two_ends"),
            models.UniqueConstraint(
                fields=["run", "battle"], condition=Q(battle__isnull=False), name="a_battle_is_gold_once_a_run"
            ),
            models.UniqueConstraint(
                fields=["run", "answer"], condition=Q(answer__isnull=False), name="an_answer_is_gold_once_a_run"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.battle or self.answer}: {self.lowest:g} to {self.highest:g}"

    def save(self, *args, **kwargs) -> None:
        """Saved, and no item of the ordinary kind any longer."""
        super().save(*args, **kwargs)
        self._item().update(is_out=True)

    def delete(self, *args, **kwargs):
        """Deleted, and an item like any other again."""
        self._item().update(is_out=False)
        return super().delete(*args, **kwargs)

    def _item(self) -> models.QuerySet[VotingItem]:
        item = {"answer": self.answer_id} if self.answer_id else {"battle": self.battle_id}
        return VotingItem.objects.filter(run=self.run_id, **item)

    @property
    def why(self) -> str:
        return in_reader_language(self.why_en, self.why_zh)

    def is_right(self, said: Sequence[float]) -> bool:
        """Whether a vote is right that says this of each turn judged (of the whole: one value), towards the first answer or on the scale."""
        return is_within(said, self.lowest, self.highest)
