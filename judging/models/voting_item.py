"""An item of a run that people vote on, and how many do: what seats are given out from."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from arena.models import Answer, Battle, Category
from judging.models.run import Run


class VotingItemQuerySet(models.QuerySet["VotingItem"]):
    def open(self) -> VotingItemQuerySet:
        """Items that want more people than hold them."""
        return self.filter(held__lt=F("wanted"), is_out=False)

    def for_adjudicators(self) -> VotingItemQuerySet:
        """Items that people are split on, or that a lead put before the adjudicators; not those taken out."""
        return self.filter(Q(is_split=True) | Q(is_sent=True), is_out=False)

    def covered(self) -> VotingItemQuerySet:
        """Items that as many people voted on as were wanted."""
        return self.filter(done__gte=F("wanted"))


class VotingItem(models.Model):
    """A row for each item makes the next seat a look-up in an index, however many there are.

    `held` counts the seats that hold it and `done` the votes; both change with the seat, in its transaction. `place` is a
    random order in which categories take turns.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="items")
    battle = models.ForeignKey(Battle, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    answer = models.ForeignKey(Answer, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", db_index=False)
    language = models.CharField(max_length=12, default="en")
    wanted = models.PositiveSmallIntegerField(default=3)
    held = models.PositiveSmallIntegerField(default=0)
    done = models.PositiveSmallIntegerField(default=0)
    is_split = models.BooleanField(default=False, help_text="people decided against each other")
    is_sent = models.BooleanField(default=False, help_text="a lead put it before the adjudicators")
    is_out = models.BooleanField(default=False, help_text="a lead took it out after a flag")
    urgency = models.FloatField(default=0.0, help_text="how much a further vote would tell")
    place = models.PositiveIntegerField(default=0)

    objects = VotingItemQuerySet.as_manager()

    class Meta:
        ordering = ["run", "place"]
        constraints = [
            models.CheckConstraint(
                condition=Q(battle__isnull=False, answer__isnull=True) | Q(battle__isnull=True, answer__isnull=False),
                name="a_voting_item_is_a_battle_or_an_answer",
            ),
            models.UniqueConstraint(
                fields=["run", "battle"], condition=Q(battle__isnull=False), name="one_voting_item_per_run_and_battle"
            ),
            models.UniqueConstraint(
                fields=["run", "answer"], condition=Q(answer__isnull=False), name="one_voting_item_per_run_and_answer"
            ),
        ]
        indexes = [
            models.Index(
                F("run"), F("held"), F("urgency").desc(), F("place"), condition=Q(is_out=False), name="items_next"
            ),
            models.Index(fields=["run"], condition=Q(is_split=True) | Q(is_sent=True), name="items_for_adjudicators"),
            models.Index(fields=["run", "place"], name="items_in_place"),
        ]

    def __str__(self) -> str:
        return f"{self.battle or self.answer} in {self.run}"
