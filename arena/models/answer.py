"""What the models wrote, and the pairs of answers that are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from arena.models.benchmark import Question
from arena.models.language_model import LanguageModel
from arena.models.words import Provenance
from arena.rendering import RENDERER_VERSION, render
from arena.style import style_of

HTML_VERSION = int(RENDERER_VERSION)  # as Answer.html_version keeps it


UNPUBLISHED = "its text was not published"
"""The error of an answer that is known by verdicts on it alone: it can be neither judged nor asked for again."""
UNFINISHED = "not all of its turns have been asked yet"
"""The error of an answer of which some turns are there: `trace` holds them, and the next collection asks the others."""


class AnswerQuerySet(models.QuerySet["Answer"]):
    def ok(self) -> AnswerQuerySet:
        """Answers that can be judged."""
        return self.filter(error="")

    def failed(self) -> AnswerQuerySet:
        """Calls for an answer that failed; they are asked again by the next collection."""
        return self.exclude(error__in=("", UNPUBLISHED, UNFINISHED))

    def begun(self) -> AnswerQuerySet:
        """Answers, failed or unfinished, of which some turns were said and paid for."""
        return self.exclude(error__in=("", UNPUBLISHED)).exclude(trace=[])

    def without_text(self) -> AnswerQuerySet:
        """Answers that nobody can be shown: those that failed, and those that were judged elsewhere and not published."""
        return self.filter(~Q(error=""))


class Answer(models.Model):
    """What a model wrote to a question, turn by turn; or why there is nothing."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="answers")
    model = models.ForeignKey(LanguageModel, on_delete=models.PROTECT, related_name="answers")
    sample = models.PositiveSmallIntegerField(default=0)
    turns = models.JSONField(default=list, help_text="one text per turn of the question")
    html = models.JSONField(default=list, editable=False)
    html_version = models.PositiveSmallIntegerField(default=0, editable=False)
    length = models.PositiveIntegerField(null=True, editable=False, help_text="characters, over all turns")
    headers = models.PositiveIntegerField(null=True, editable=False)
    lists = models.PositiveIntegerField(null=True, editable=False, help_text="list items")
    bold = models.PositiveIntegerField(null=True, editable=False, help_text="bold passages")
    reasoning = models.JSONField(default=list, blank=True)
    trace = models.JSONField(default=list, blank=True)
    error = models.TextField(blank=True)
    finish = models.CharField(max_length=40, blank=True)
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    first_token_s = models.FloatField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.REAL)
    created_at = models.DateTimeField(default=timezone.now)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ["question", "model", "sample"]
        constraints = [
            models.UniqueConstraint(
                fields=["question", "model", "sample"], name="one_answer_per_question_model_and_sample"
            ),
            models.CheckConstraint(
                condition=(Q(error="") & ~Q(turns=[])) | (~Q(error="") & Q(turns=[])),
                name="an_answer_has_turns_or_an_error",
            ),
        ]
        indexes = [models.Index(fields=["question"], condition=~Q(error=""), name="answers_without_text")]

    def __str__(self) -> str:
        return f"{self.model} to {self.question}"

    def rendered(self) -> Answer:
        """This answer with its HTML and its style made anew from its turns (not saved)."""
        self.html = [render(turn) for turn in self.turns]
        self.html_version = HTML_VERSION
        for feature, value in asdict(style_of(self.turns)).items():
            setattr(self, feature, value)
        return self

    @property
    def html_turns(self) -> list[str]:
        """The turns as safe HTML; cached in the row unless the renderer has changed since."""
        return self.html if self.html_version == HTML_VERSION else [render(turn) for turn in self.turns]

    @property
    def text(self) -> str:
        return "\n\n".join(self.turns)


class BattleQuerySet(models.QuerySet["Battle"]):
    def pair(self, pairs: Iterable[tuple[Answer, Answer]]) -> list[Battle]:
        """The battles of these answers, made where they are missing; an unordered pair is one battle.

        They hold the very answers that were given. Raises ValueError when two answers are not to the same
        question or are by the same model. One query, and two more where some are missing.
        """
        wanted: dict[tuple[int, int], tuple[Answer, Answer]] = {}
        for one, other in pairs:
            if one.question_id != other.question_id or one.model_id == other.model_id:
                raise ValueError(f"no battle between {one} and {other}")
            first, second = sorted((one, other), key=lambda answer: answer.pk)
            wanted[first.pk, second.pk] = first, second
        found = self._between(wanted)
        if missing := {key: both for key, both in wanted.items() if key not in found}:
            made = (
                Battle(question_id=one.question_id, first=one, second=other).named() for one, other in missing.values()
            )
            self.bulk_create(made, ignore_conflicts=True, batch_size=500)
            found |= self._between(missing)
        return list(found.values())

    def _between(self, wanted: Mapping[tuple[int, int], tuple[Answer, Answer]]) -> dict[tuple[int, int], Battle]:
        """Those of these battles that there are, by their answers' ids."""
        if not wanted:
            return {}
        firsts, seconds = zip(*wanted.values(), strict=True)
        rows = self.filter(
            question__in={answer.question_id for answer in firsts},
            first_model__in={answer.model_id for answer in firsts},
            second_model__in={answer.model_id for answer in seconds},
        )
        found = {(battle.first_id, battle.second_id): battle for battle in rows}
        for key in found.keys() & wanted.keys():
            found[key].first, found[key].second = wanted[key]
        return {key: found[key] for key in wanted if key in found}


class Battle(models.Model):
    """Two answers to one question: an unordered pair, stored once, the older answer first.

    Who wrote them never changes, so the battle holds it too: ratings read a million battles without a join.
    """

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="battles")
    first = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="battles_as_first")
    second = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="battles_as_second")
    first_model = models.ForeignKey(
        LanguageModel, on_delete=models.PROTECT, related_name="+", db_index=False, editable=False
    )
    second_model = models.ForeignKey(
        LanguageModel, on_delete=models.PROTECT, related_name="+", db_index=False, editable=False
    )

    objects = BattleQuerySet.as_manager()

    class Meta:
        ordering = ["question", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="a_pair_of_answers_is_one_battle"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="a_battle_is_stored_in_one_order"),
        ]
        indexes = [models.Index(fields=["question", "first_model", "second_model"], name="battles_as_columns")]

    def __str__(self) -> str:
        return f"{self.first} against {self.second.model}"

    def named(self) -> Battle:
        """This battle with its models as its answers have them (not saved)."""
        self.first_model_id, self.second_model_id = self.first.model_id, self.second.model_id
        return self

    def save(self, *args: Any, **fields: Any) -> None:
        super(Battle, self.named()).save(*args, **fields)

    def shown(self, *, swapped: bool) -> tuple[Answer, Answer]:
        """The two answers in the order they are shown."""
        return (self.second, self.first) if swapped else (self.first, self.second)
