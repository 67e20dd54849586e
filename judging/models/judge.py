"""Who judges: a person, a language model, a rule."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, Provenance
from judging.judges.composed import LEARNT, never_learnt


class JudgeQuerySet(models.QuerySet["Judge"]):
    def people(self) -> JudgeQuerySet:
        return self.filter(kind__in=Judge.PEOPLE)

    def machines(self) -> JudgeQuerySet:
        return self.exclude(kind__in=Judge.PEOPLE)

    def unlearnt(self) -> list[Judge]:
        """The panels among these that go by learnt weights which nobody let them learn. Two queries at most."""
        panels = self.filter(kind=Judge.Kind.PANEL, options__weights=LEARNT).prefetch_related("seats")
        return [panel for panel in panels if never_learnt(seat.weight for seat in panel.seats.all())]

    def who_hear(self, members: set[int]) -> set[int]:
        """The panels and cascades that any of these judges sits in, at whatever depth. A query for each level."""
        found: set[int] = set()
        ahead = members
        while ahead:
            ahead = set(self.filter(seats__member__in=ahead).values_list("pk", flat=True)) - found
            found |= ahead
        return found


class Judge(models.Model):
    """Another prompt, model or temperature is another judge; frozen once used."""

    class Kind(models.TextChoices):
        LLM = "llm", _("language model")
        REWARD = "reward", _("reward model")
        RULE = "rule", _("rule")
        METRIC = "metric", _("metric")
        PYTHON_TESTS = "python_tests", _("Python tests")
        PANEL = "panel", _("panel of judges")
        CASCADE = "cascade", _("cascade of judges")
        DRY_RUN = "dry_run", _("dry run")
        PERSON = "person", _("person")
        SIMULATED = "simulated", _("simulated person")
        IMPORTED = "imported", _("imported judge")
        IMPORTED_PERSON = "imported_person", _("imported person")

    PEOPLE = (Kind.PERSON, Kind.SIMULATED, Kind.IMPORTED_PERSON)
    WITH_MODEL = (Kind.LLM, Kind.REWARD)
    COMPOSED = (Kind.PANEL, Kind.CASCADE)
    WITH_ENGINE = (*WITH_MODEL, Kind.RULE, Kind.METRIC, Kind.PYTHON_TESTS, *COMPOSED, Kind.DRY_RUN)

    name = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=20, choices=Kind)
    model = models.ForeignKey(LanguageModel, null=True, blank=True, on_delete=models.PROTECT, related_name="judges")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="judge"
    )
    options = models.JSONField(default=dict, blank=True, help_text="temperature, max_tokens, schema_bound, seed …")
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.REAL)
    frozen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    members = models.ManyToManyField(
        "self", symmetrical=False, through="judging.Seat", through_fields=("panel", "member"), related_name="panels"
    )

    objects = JudgeQuerySet.as_manager()

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="one_judge_per_name_and_version"),
            models.CheckConstraint(
                condition=Q(kind="person", user__isnull=False) | (~Q(kind="person") & Q(user__isnull=True)),
                name="a_person_and_nobody_else_is_a_user",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("llm", "reward"), model__isnull=False)
                | (~Q(kind__in=("llm", "reward")) & Q(model__isnull=True)),
                name="a_judge_that_is_a_model_and_no_other_has_one",
            ),
        ]

    def __str__(self) -> str:
        return self.name if self.version == 1 else f"{self.name} v{self.version}"

    @property
    def is_person(self) -> bool:
        return self.kind in self.PEOPLE

    def freeze(self) -> None:
        """Mark as used; from now on it does not change."""
        if self.frozen_at is None:
            self.frozen_at = timezone.now()
            self.save(update_fields=["frozen_at"])


class Seat(models.Model):
    """A judge's place in a panel, or its step in a cascade: members judge in the order of `position`."""

    panel = models.ForeignKey(Judge, on_delete=models.CASCADE, related_name="seats")
    member = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="seats_held")
    position = models.PositiveSmallIntegerField(default=0)
    weight = models.FloatField(default=1.0, help_text="what its voice counts in a panel, from 0")

    class Meta:
        ordering = ["panel", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["panel", "member"], name="a_judge_has_one_seat_in_a_panel"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="a_seat_has_no_weight_below_zero"),
            models.CheckConstraint(condition=~Q(panel=models.F("member")), name="no_judge_sits_in_its_own_panel"),
        ]

    def __str__(self) -> str:
        return f"{self.member} in {self.panel}"

    def clean(self) -> None:
        """Raises ValidationError where the member is this panel, or has it in turn among its own members."""
        ahead, seen = [self.member_id], set()
        while ahead:
            pk = ahead.pop()
            if pk == self.panel_id:
                raise ValidationError(_("A judge cannot sit in itself, not even through another panel."))
            if pk not in seen:
                seen.add(pk)
                ahead += Seat.objects.filter(panel=pk).values_list("member", flat=True)
