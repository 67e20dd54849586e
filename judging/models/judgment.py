"""What was said, on record: preferences on battles, grades on answers, failures as failures."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models import Answer, Battle, LanguageModel, Provenance, storable
from judging.judges.base import UNREAD, Verdict
from judging.models.judge import Judge
from judging.models.rubric import Rubric
from judging.models.run import Run
from judging.replies import PARSER_VERSION

BATCH_PRICE = 0.5  # of a call's price, by a batch API
BY_PERSON = "person"  # as the version of the parser: a person has read the reply, and no parser reads it again
IN_BATCH = "batch"  # in a judgment's details: the tokens, in and out, that were paid for at that price


class Status(models.TextChoices):
    OK = "ok", _("ok")
    PARSE_ERROR = "parse_error", _("no verdict could be read")
    TRUNCATED = "truncated", _("the reply was cut off")
    REFUSED = "refused", _("the judge refused")
    API_ERROR = "api_error", _("the call failed")
    SKIPPED = "skipped", _("skipped")


class KeptOut(models.TextChoices):
    """Why a vote that stands is left out of ratings; it stays on record, and is counted where it is left out."""

    PRACTICE = "practice", _("practice")
    GOLD = "gold", _("gold item")
    REPEAT = "repeat", _("hidden repeat")
    ADJUDICATION = "adjudication", _("adjudication")
    LEAK = "leak", _("an answer names its maker")
    AGAIN = "again", _("judged again beside the first verdict")


class JudgmentQuerySet(models.QuerySet):
    def current(self):
        """What stands: neither a changed vote nor a retried failure."""
        return self.filter(superseded_at__isnull=True)

    def decided(self):
        """Current judgments with a value."""
        return self.current().filter(status=Status.OK)

    def failed(self):
        """Current judgments that should have a value and have none."""
        return self.current().exclude(status__in=(Status.OK, Status.SKIPPED))

    def skipped(self):
        """Current judgments of what the judge has no way to judge: nothing failed, and asking again brings nothing."""
        return self.current().filter(status=Status.SKIPPED)

    def unread(self):
        """Current judgments with a reply in which no parser found a verdict, and that no person has read."""
        found = self.current().filter(status__in=UNREAD, judge__kind=Judge.Kind.LLM)
        return found.exclude(reply="").exclude(parser=BY_PERSON)

    def new(self):
        """What came since the standing counts were last brought up to date."""
        return self.filter(counted=False, superseded_at__isnull=True, kept_out="")

    def gone(self):
        """What the standing counts hold still, though it was changed, taken back or kept out since."""
        return self.filter(~Q(kept_out="") | Q(superseded_at__isnull=False), counted=True)

    def counting(self):
        """Current judgments that ratings may use."""
        return self.current().filter(kept_out="")

    def by_people(self):
        return self.filter(judge__kind__in=Judge.PEOPLE)

    def by_machines(self):
        return self.exclude(judge__kind__in=Judge.PEOPLE)


class Judgment(models.Model):
    """One verdict of one judge under one rubric: a value or an error, never both, never neither."""

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="%(class)ss")
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="%(class)ss")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.PROTECT, related_name="%(class)ss")
    turn = models.PositiveSmallIntegerField(default=0, help_text="the turn that was judged; 0: the whole conversation")
    trial = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=12, choices=Status)
    error = models.TextField(blank=True)
    note = models.TextField(blank=True)
    reasons = models.JSONField(default=list, blank=True, help_text="why, as words of ours: wrong_fact, made_up …")
    kept_out = models.CharField(max_length=12, choices=KeptOut, blank=True, help_text="why ratings leave it out")
    reply = models.TextField(blank=True)
    reasoning = models.TextField(blank=True)
    prompt = models.JSONField(default=list, blank=True, help_text="what was sent: [{role, content}]")
    asked = models.PositiveSmallIntegerField(default=0, help_text="calls made to a model")
    details = models.JSONField(default=dict, blank=True, help_text="samples, probabilities, members, finish …")
    digest = models.CharField(max_length=49, blank=True, editable=False, help_text="hash of all that the judge saw")
    cached = models.BooleanField(default=False, editable=False, help_text="an earlier reply to the very same prompt")
    parser = models.CharField(max_length=12, blank=True, editable=False, help_text="version of the parser that read it")
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    cost = models.FloatField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.REAL)
    created_at = models.DateTimeField(default=timezone.now)
    superseded_at = models.DateTimeField(null=True, blank=True)
    counted = models.BooleanField(default=False, editable=False, help_text="whether the standing counts hold it")

    objects = JudgmentQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def asked_otherwise(self) -> list[str]:
        """What the endpoint was asked otherwise than wanted, in words; the details of an import are the file's own."""
        return [] if self.provenance == Provenance.IMPORTED else self.details.get("notes", [])

    @property
    def is_read_by_person(self) -> bool:
        """Whether a person read what the judge wrote, as no parser could."""
        return self.parser == BY_PERSON

    @classmethod
    def told(cls, verdict: Verdict, **where) -> dict:
        """The fields of a row that every verdict has, besides its value and `where` it belongs."""
        model = where["judge"].model if where["judge"].model_id else None
        return {
            **where,
            "status": verdict.status,
            "error": storable(verdict.error) or ("" if verdict.status == Status.OK else verdict.status),
            "reply": storable(verdict.reply),
            "reasoning": storable(verdict.reasoning),
            "prompt": list(verdict.prompt),
            "asked": verdict.asked,
            "details": dict(verdict.details),
            "digest": verdict.digest,
            "cached": verdict.cached,
            "parser": PARSER_VERSION if verdict.reply else "",
            "tokens_in": verdict.tokens_in,
            "tokens_out": verdict.tokens_out,
            "cost": _cost(model, verdict),
            "seconds": verdict.seconds,
        }


def _cost(model: LanguageModel | None, verdict: Verdict) -> float | None:
    """What the verdict's calls cost, None where that is unknown; a reply that was on record costs nothing, nor does a prompt that was not sent."""
    if model is None:
        return None
    if verdict.cached or not (verdict.asked or verdict.tokens_in):
        return model.cost(0, 0)
    cost = model.cost(verdict.tokens_in, verdict.tokens_out)
    told = verdict.details.get(IN_BATCH)
    if cost is None or not told:
        return cost
    if not isinstance(told, dict):  # of a record from before its tokens were noted: all of it was in the batch
        return cost * BATCH_PRICE
    in_batch = model.cost(told.get("tokens_in"), told.get("tokens_out"))
    return None if in_batch is None else cost - (1 - BATCH_PRICE) * in_batch


class Preference(Judgment):
    """A number in [-2, 2] towards the battle's first answer, whichever side it was shown on."""

    battle = models.ForeignKey(Battle, on_delete=models.CASCADE, related_name="preferences")
    value = models.FloatField(null=True, blank=True)
    both_bad = models.BooleanField(default=False)
    scores = models.JSONField(default=dict, blank=True, help_text="by dimension, in [-2, 2] towards the first answer")
    swapped = models.BooleanField(default=False, help_text="shown the other way round")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["judge", "rubric", "battle", "turn", "swapped", "trial"],
                condition=Q(superseded_at__isnull=True),
                name="one_current_preference_per_judge_rubric_battle_turn_order_trial",
            ),
            models.CheckConstraint(
                condition=Q(status="ok", value__isnull=False, error="")
                | (~Q(status="ok") & Q(value__isnull=True) & ~Q(error="")),
                name="a_preference_has_a_value_or_an_error",
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=True) | Q(value__gte=-2, value__lte=2),
                name="a_preference_is_between_minus_2_and_2",
            ),
            models.CheckConstraint(condition=Q(both_bad=False) | Q(value=0), name="both_bad_is_a_tie"),
        ]
        indexes = [
            models.Index(fields=["run", "judge"], name="preferences_of_a_run"),
            models.Index(
                fields=["digest"], condition=Q(status="ok", cached=False) & ~Q(digest=""), name="preferences_kept"
            ),
            models.Index(
                fields=[
                    "battle",
                    "judge",
                    "rubric",
                    "turn",
                    "trial",
                    "swapped",
                    "status",
                    "superseded_at",
                    "provenance",
                    "value",
                    "run",
                    "kept_out",
                ],
                name="preferences_as_columns",
            ),
            models.Index(
                fields=["battle"],
                condition=Q(counted=False, superseded_at__isnull=True, kept_out=""),
                name="preferences_new",
            ),
            models.Index(
                fields=["battle"],
                condition=Q(counted=True) & (~Q(kept_out="") | Q(superseded_at__isnull=False)),
                name="preferences_gone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge}: {self.value if self.status == Status.OK else self.status}"

    @classmethod
    def record(cls, verdict: Verdict, *, battle: Battle, swapped: bool, **where) -> Preference:
        """The row (not saved) for a verdict on `battle` as shown; turned into the battle's own frame here and nowhere else."""
        turned = -1.0 if swapped else 1.0
        return cls(
            **cls.told(verdict, **where),
            battle=battle,
            swapped=swapped,
            value=turned * verdict.value if verdict.value else verdict.value,
            scores={key: turned * value if value else value for key, value in verdict.scores.items()},
            both_bad=verdict.both_bad,
        )

    @property
    def value_shown(self) -> float | None:
        """The preference towards the answer that was shown first."""
        return -self.value if self.swapped and self.value else self.value


class Grade(Judgment):
    """A judge's mark for one answer, with marks per dimension where the rubric has them."""

    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="grades")
    score = models.FloatField(null=True, blank=True)
    scores = models.JSONField(default=dict, blank=True)
    points = models.JSONField(default=list, blank=True, help_text="deductions and bonuses with their quoted spans")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["judge", "rubric", "answer", "turn", "trial"],
                condition=Q(superseded_at__isnull=True),
                name="one_current_grade_per_judge_rubric_answer_turn_trial",
            ),
            models.CheckConstraint(
                condition=Q(status="ok", score__isnull=False, error="")
                | (~Q(status="ok") & Q(score__isnull=True) & ~Q(error="")),
                name="a_grade_has_a_score_or_an_error",
            ),
            models.CheckConstraint(condition=Q(score__range=(-1e9, 1e9)), name="a_score_is_of_a_size_that_people_use"),
        ]
        indexes = [
            models.Index(fields=["run", "judge"], name="grades_of_a_run"),
            models.Index(fields=["digest"], condition=Q(status="ok", cached=False) & ~Q(digest=""), name="grades_kept"),
            models.Index(
                fields=[
                    "answer",
                    "judge",
                    "rubric",
                    "turn",
                    "trial",
                    "status",
                    "superseded_at",
                    "provenance",
                    "score",
                    "run",
                    "kept_out",
                ],
                name="grades_as_columns",
            ),
            models.Index(
                fields=["answer"],
                condition=Q(counted=False, superseded_at__isnull=True, kept_out=""),
                name="grades_new",
            ),
            models.Index(
                fields=["answer"],
                condition=Q(counted=True) & (~Q(kept_out="") | Q(superseded_at__isnull=False)),
                name="grades_gone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge}: {self.score if self.status == Status.OK else self.status}"

    @classmethod
    def record(cls, verdict: Verdict, *, answer: Answer, **where) -> Grade:
        """The row (not saved) for a verdict on one answer."""
        marks = {"score": verdict.value, "scores": dict(verdict.scores), "points": list(verdict.points)}
        return cls(**cls.told(verdict, **where), answer=answer, **marks)
