"""What is judged: benchmarks and their questions, language models and their answers, battles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from arena.chat.base import Endpoint
from arena.pacing import pace_of
from arena.rendering import RENDERER_VERSION, render
from arena.style import style_of

HTML_VERSION = int(RENDERER_VERSION)  # as Answer.html_version keeps it


class Provenance(models.TextChoices):
    """Where a row comes from; only real and imported rows count unless a page says otherwise."""

    REAL = "real", _("real")
    IMPORTED = "imported", _("imported")
    DRY_RUN = "dry_run", _("dry run")
    DEMO = "demo", _("demo")


def in_reader_language(english: str, chinese: str) -> str:
    """The text in the language the reader chose, or the other one where that is missing."""
    wants_chinese = (get_language() or "en").startswith("zh")
    return (chinese or english) if wants_chinese else (english or chinese)


def storable(text: str) -> str:
    """The text as every database takes it: PostgreSQL refuses NUL, and UTF-8 has no half characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


class Benchmark(models.Model):
    """A named, versioned set of questions; frozen once answers to it were judged."""

    name = models.CharField(max_length=120)
    version = models.CharField(max_length=40, default="1")
    title_en = models.CharField(max_length=200, blank=True)
    title_zh = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.REAL)
    frozen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="one_benchmark_per_name_and_version"),
            models.CheckConstraint(condition=~Q(name=""), name="a_benchmark_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def title(self) -> str:
        return in_reader_language(self.title_en, self.title_zh) or self.name

    @property
    def is_demo(self) -> bool:
        return self.provenance == Provenance.DEMO

    def freeze(self) -> None:
        """Mark as used; from now on its questions do not change."""
        if self.frozen_at is None:
            self.frozen_at = timezone.now()
            self.save(update_fields=["frozen_at"])


class Category(models.Model):
    """A kind of question, in two levels, named in both languages; data, never an enum in code."""

    key = models.CharField(max_length=80, unique=True)
    group = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="members")
    name_en = models.CharField(max_length=120, blank=True)
    name_zh = models.CharField(max_length=120, blank=True)
    position = models.PositiveIntegerField(default=1000)

    class Meta:
        ordering = ["position", "key"]
        verbose_name_plural = "categories"
        constraints = [models.CheckConstraint(condition=~Q(key=""), name="a_category_has_a_key")]

    def __str__(self) -> str:
        return self.key

    @property
    def name(self) -> str:
        return in_reader_language(self.name_en, self.name_zh) or self.key


class QuestionQuerySet(models.QuerySet["Question"]):
    def unanswered_by(self, model: LanguageModel, *, sample: int = 0) -> QuestionQuerySet:
        """Questions that `model` has no good answer to, for this sample, and may be asked. One query."""
        answered = Answer.objects.filter(error__in=("", UNPUBLISHED), model=model, sample=sample).values("question")
        return self.exclude(pk__in=answered)


class Question(models.Model):
    """What is asked, all turns."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="questions")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="questions")
    key = models.CharField(max_length=120)
    turns = models.JSONField(help_text="the texts the user writes, in order")
    language = models.CharField(max_length=12, default="en")
    system = models.TextField(blank=True)
    reference = models.JSONField(default=list, blank=True, help_text="one text per turn, or empty")
    checks = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True)
    meta = models.JSONField(default=dict, blank=True)
    position = models.PositiveIntegerField(default=0)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["benchmark", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["benchmark", "key"], name="one_question_per_key_and_benchmark"),
            models.CheckConstraint(condition=~Q(key=""), name="a_question_has_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.benchmark} · {self.key}"

    @property
    def title(self) -> str:
        """The first line of the first turn, cut to a line's length."""
        first = self.turns[0].strip().splitlines()[0] if self.turns and self.turns[0].strip() else self.key
        return first if len(first) <= 120 else first[:119] + "…"

    @property
    def html_turns(self) -> list[str]:
        return [render(turn) for turn in self.turns]


class LanguageModel(models.Model):
    """A language model with its endpoint; a candidate when its answers are compared."""

    class Provider(models.TextChoices):
        OPENAI = "openai", _("OpenAI-compatible")
        ANTHROPIC = "anthropic", "Anthropic"
        LOCAL = "local", _("on this machine (transformers)")
        SCRIPTED = "scripted", _("scripted (demo and tests)")
        NONE = "", _("no endpoint: answers come from files")

    name = models.CharField(max_length=120)
    version = models.CharField(max_length=80)
    vendor = models.CharField(max_length=120)
    family = models.CharField(max_length=80, blank=True)
    licence = models.CharField(max_length=80, blank=True)
    description_en = models.TextField(blank=True)
    description_zh = models.TextField(blank=True)
    aliases = models.JSONField(default=list, blank=True)
    provider = models.CharField(max_length=20, choices=Provider, blank=True, default=Provider.NONE)
    endpoint_model = models.CharField(max_length=200, blank=True, help_text="the id that the endpoint knows")
    base_url = models.CharField(max_length=300, blank=True)
    key_env = models.CharField(
        max_length=80, blank=True, help_text="name of the environment variable that holds the key; never the key"
    )
    options = models.JSONField(default=dict, blank=True, help_text="sent with every call: temperature, max_tokens …")
    limits = models.JSONField(
        default=dict, blank=True, help_text="what all workers together keep to: rpm, tpm (a minute), concurrency"
    )
    price_in = models.FloatField(null=True, blank=True, help_text="per million tokens")
    price_out = models.FloatField(null=True, blank=True, help_text="per million tokens")
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.REAL)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="one_model_per_name_and_version"),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(version="") & ~Q(vendor=""), name="a_model_has_name_version_and_vendor"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def description(self) -> str:
        return in_reader_language(self.description_en, self.description_zh)

    def endpoint(self, key: str, **options: Any) -> Endpoint:
        """Where to ask this model, with `key` from the environment; `options` override the row's own.

        Raises ValueError for limits that are none.
        """
        merged = {**self.options, **options}
        timeout = float(merged.pop("timeout", 120))
        return Endpoint(
            provider=self.provider,
            model=self.endpoint_model or self.name,
            base_url=self.base_url,
            key=key,
            options=merged,
            timeout=timeout,
            pace=pace_of(self),
        )

    def cost(self, tokens_in: int | None, tokens_out: int | None) -> float | None:
        """What a call costs in the price's currency; None where price or tokens are unknown."""
        if self.price_in is None or self.price_out is None or tokens_in is None or tokens_out is None:
            return None
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


UNPUBLISHED = "its text was not published"
"""The error of an answer that is known by verdicts on it alone: it can be neither judged nor asked for again."""


class EndpointTally(models.Model):
    """How much an endpoint with limits was asked lately, by all workers together; see `arena.pacing`. Times are seconds since 1970."""

    name = models.CharField(max_length=64, unique=True)
    calls_at = models.FloatField(default=0.0, help_text="when the next call may start")
    tokens_at = models.FloatField(default=0.0, help_text="when the tokens of those before are paid off")
    shut_until = models.FloatField(default=0.0, help_text="until when it asked to be left alone")
    places = models.JSONField(default=dict, help_text="for each worker: calls under way, calls wanted, until when")

    class Meta:
        verbose_name_plural = "endpoint tallies"
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="a_tally_has_a_name")]

    def __str__(self) -> str:
        return self.name


class AnswerQuerySet(models.QuerySet["Answer"]):
    def ok(self) -> AnswerQuerySet:
        """Answers that can be judged."""
        return self.filter(error="")

    def failed(self) -> AnswerQuerySet:
        """Calls for an answer that failed; they are asked again by the next collection."""
        return self.exclude(error__in=("", UNPUBLISHED))

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

        Raises ValueError when two answers are not to the same question or are by the same model. Two queries.
        """
        wanted: dict[tuple[int, int], Battle] = {}
        for one, other in pairs:
            if one.question_id != other.question_id or one.model_id == other.model_id:
                raise ValueError(f"no battle between {one} and {other}")
            first, second = sorted((one, other), key=lambda answer: answer.pk)
            wanted[first.pk, second.pk] = Battle(question_id=first.question_id, first=first, second=second).named()
        if not wanted:
            return []
        self.bulk_create(wanted.values(), ignore_conflicts=True, batch_size=500)
        questions = {battle.question_id for battle in wanted.values()}
        found = self.filter(question__in=questions).select_related(
            "first__model", "second__model", "question__category"
        )
        return [battle for battle in found if (battle.first_id, battle.second_id) in wanted]


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
