"""One frozen recipe carried out: answers, then judgments, then ratings."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from operator import or_

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models import Battle, Benchmark, Category, LanguageModel, Provenance
from judging.failing import in_words
from judging.models.judge import Judge
from judging.models.rubric import Rubric

LEASE = timedelta(seconds=30)
RESULTS_KEPT = timedelta(days=29)  # how long endpoints keep the results of a batch


class RunQuerySet(models.QuerySet["Run"]):
    def unfinished(self) -> RunQuerySet:
        """Runs that a worker should carry on with: started, and leased by nobody alive."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
        return self.filter(free, status__in=(Run.Status.QUEUED, Run.Status.RUNNING))

    def judging_before(self, run: Run) -> RunQuerySet:
        """Runs at work on the same benchmark by the same rubric, in the same trial, that began to judge before this one did."""
        return self.filter(
            benchmark=run.benchmark_id,
            rubric=run.rubric_id,
            status=Run.Status.RUNNING,
            stage="judgments",
            lease_until__gt=timezone.now(),
            judging_since__lt=run.judging_since,
            trial=run.trial,
        )

    def of_anchors(self) -> RunQuerySet:
        """Runs that ask a judge about its anchor set, to see whether it drifts; not others that ask anew."""
        return self.filter(trial__gt=0, limits__has_key="anchors")

    def to_wind_up(self) -> RunQuerySet:
        """Cancelled runs with a batch at an endpoint that is still to be stopped and collected, leased by nobody alive."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
        lately = timezone.now() - RESULTS_KEPT
        out = Submission.objects.filter(run=OuterRef("pk"), finished_at=None, created_at__gt=lately)
        return self.filter(free, Exists(out), status=Run.Status.CANCELLED)


class Run(models.Model):
    """The recipe is frozen when it starts; running again does only what is missing.

    A worker holds a lease on the run; when it dies, the lease runs out and the sweep finds the run again.
    """

    class Mode(models.TextChoices):
        SINGLE = "single", _("single: score each answer")
        BASELINE = "baseline", _("baseline: each model against one")
        PAIRWISE = "pairwise", _("pairwise: all against all")

    class Turns(models.TextChoices):
        WHOLE = "whole", _("the whole conversation")
        EACH = "each", _("each turn by itself")

    class Order(models.TextChoices):
        BOTH = "both", _("both orders, as two calls")
        RANDOM = "random", _("one order at random, by the seed")
        BALANCED = "balanced", _("one order, each answer first equally often")
        FIXED = "fixed", _("as listed")

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        OPEN = "open", _("open for votes")
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    name = models.CharField(max_length=200)
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="runs")
    mode = models.CharField(max_length=10, choices=Mode)
    candidates = models.ManyToManyField(LanguageModel, related_name="runs")
    baseline = models.ForeignKey(
        LanguageModel, null=True, blank=True, on_delete=models.PROTECT, related_name="runs_as_baseline"
    )
    baselines = models.JSONField(
        default=dict,
        blank=True,
        help_text="baselines of categories, where they have one of their own: {category: model}, by id",
    )
    battles = models.ManyToManyField(
        Battle, related_name="sparse_runs", blank=True, help_text="those made, where not all pairs meet on a question"
    )
    judges = models.ManyToManyField(Judge, related_name="runs", blank=True)
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="runs")
    order = models.CharField(max_length=10, choices=Order, default=Order.BOTH)
    turns = models.CharField(max_length=10, choices=Turns, default=Turns.WHOLE)
    budget = models.FloatField(null=True, blank=True, help_text="the most it may cost, in the prices' currency")
    cache = models.BooleanField(
        default=True,
        help_text="use what is on record again; false: ask every prompt anew, where it was judged as a trial",
    )
    collects = models.BooleanField(default=False, help_text="ask the models for missing answers first")
    limits = models.JSONField(
        default=dict,
        blank=True,
        help_text="questions, keys (of the only questions), anchors (ids of the only items), pairs, concurrency, overlap, samples",
    )
    voting = models.JSONField(default=dict, blank=True, help_text="how people vote; see judging.voting")
    seed = models.PositiveIntegerField(default=1)
    trial = models.PositiveSmallIntegerField(
        default=0, help_text="above 0: asks anew what was judged; ratings leave it out"
    )
    recipe = models.JSONField(default=dict, blank=True, help_text="the effective settings, echoed")
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.REAL)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    stage = models.CharField(max_length=20, blank=True)
    judging_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="when its latest go began to judge"
    )
    stages = models.JSONField(default=list, blank=True, help_text="what this go is limited to; empty: no limit")
    error = models.TextField(blank=True)
    lease = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(mode="baseline", baseline__isnull=False) | (~Q(mode="baseline") & Q(baseline__isnull=True)),
                name="a_baseline_run_and_no_other_has_a_baseline",
            ),
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | Q(budget__gte=0), name="a_budget_is_not_below_zero"
            ),
            models.CheckConstraint(
                condition=Q(lease__isnull=True, lease_until__isnull=True)
                | Q(lease__isnull=False, lease_until__isnull=False),
                name="a_lease_has_an_end",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_single(self) -> bool:
        return self.mode == self.Mode.SINGLE

    @property
    def is_imported(self) -> bool:
        """Whether its verdicts were given elsewhere and loaded from files: nobody is asked in it."""
        return self.provenance == Provenance.IMPORTED

    @property
    def is_live(self) -> bool:
        """Whether a worker is on it or should be."""
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def is_over(self) -> bool:
        """Whether it came to an end, good or bad."""
        return self.status in (self.Status.DONE, self.Status.FAILED, self.Status.CANCELLED)

    @property
    def orders(self) -> int:
        """How many times a machine sees each battle."""
        return 2 if self.order == self.Order.BOTH and not self.is_single else 1

    @property
    def samples(self) -> int:
        """How many answers of each model to each question take part."""
        return int(self.limits.get("samples", 1))

    @property
    def anchors(self) -> list[int] | None:
        """Ids of the only answers (single) or battles that it judges; None where it judges all there are."""
        return self.limits.get("anchors")

    @property
    def pairs(self) -> int | None:
        """How many pairs of models meet on each question at the most; None where all do."""
        return self.limits.get("pairs") if self.mode == self.Mode.PAIRWISE else None

    def baseline_of(self, category: int | None) -> int | None:
        """The id of the model that all others meet on questions of this category; None in other modes."""
        return self.baselines.get(str(category), self.baseline_id)

    def is_against_baseline(self, *sides: str, category: str) -> Q:
        """Whether a model on one of these `sides` is the baseline of the question's category; both are names of columns."""
        named = [int(pk) for pk in self.baselines]
        cases = [(Q(**{category: int(pk)}), model) for pk, model in self.baselines.items()]
        cases.append((~Q(**{f"{category}__in": named}) if named else Q(), self.baseline_id))
        return reduce(or_, (case & reduce(or_, (Q(**{side: model}) for side in sides)) for case, model in cases))

    def baselines_named(self) -> list[tuple[str, LanguageModel]]:
        """The categories that have a baseline of their own, by name, each with it. Two queries where there are any."""
        if not self.baselines:
            return []
        models = LanguageModel.objects.in_bulk(self.baselines.values())
        categories = Category.objects.filter(pk__in=self.baselines)
        return [(one.name, models[self.baselines[str(one.pk)]]) for one in categories]

    @property
    def is_voted(self) -> bool:
        """Whether only those pairs of models meet on a question that people have judged there."""
        return not self.is_single and bool(self.limits.get("voted"))

    @property
    def is_sparse(self) -> bool:
        """Whether not all pairs meet that the mode has."""
        return self.pairs is not None or self.is_voted

    @property
    def mode_words(self) -> str:
        """The mode as a reader is told it; not that all meet where only some do."""
        is_part = self.is_sparse and self.mode == self.Mode.PAIRWISE
        return _("pairwise: some pairs on each question") if is_part else self.get_mode_display()

    @property
    def why(self) -> str:
        """Why it failed or was paused, in the reader's language; "" where it was not, or by a person."""
        return in_words(self.error)

    @property
    def is_paused(self) -> bool:
        return self.status == self.Status.PAUSED

    def claim(self) -> uuid.UUID | None:
        """A lease on this run, or None when somebody else holds one. One update."""
        token = uuid.uuid4()
        now = timezone.now()
        free = Run.objects.unfinished().filter(pk=self.pk)
        if not free.update(lease=token, lease_until=now + LEASE, status=self.Status.RUNNING):
            return None
        Run.objects.filter(pk=self.pk, started_at=None).update(started_at=now)
        return token

    def claim_cancelled(self) -> uuid.UUID | None:
        """A lease on this run to wind it up, or None where that is not due or somebody else holds one. One update."""
        token = uuid.uuid4()
        due = Run.objects.to_wind_up().filter(pk=self.pk)
        return token if due.update(lease=token, lease_until=timezone.now() + LEASE) else None

    @transaction.atomic
    def begin_judging(self) -> None:
        """Note that it judges from now on, behind all runs on its benchmark that do so already: what two of them want, the one
        behind waits for. No two have the same time, whatever the clocks of their workers say. Four queries."""
        Benchmark.objects.select_for_update(no_key=True).get(pk=self.benchmark_id)  # one at a time
        last = Run.objects.filter(benchmark=self.benchmark_id).aggregate(last=Max("judging_since"))["last"]
        now = timezone.now()
        self.judging_since = max(now, last + timedelta(microseconds=1)) if last else now
        Run.objects.filter(pk=self.pk).update(stage="judgments", judging_since=self.judging_since)

    def renew(self, token: uuid.UUID) -> bool:
        """Whether the lease still holds (and the run was not cancelled); if so it holds on. One update."""
        mine = Run.objects.filter(pk=self.pk, lease=token, status=self.Status.RUNNING)
        return bool(mine.update(lease_until=timezone.now() + LEASE))

    def hold(self, token: uuid.UUID) -> bool:
        """Whether nobody else has the run, though it may be paused or cancelled; if so nobody gets it for as long again."""
        return bool(Run.objects.filter(pk=self.pk, lease=token).update(lease_until=timezone.now() + LEASE))

    def release(self, token: uuid.UUID, *, status: str, error: str = "", stage: str = "") -> None:
        """Give the lease back with the run's new status; without effect when the lease was lost."""
        told: dict[str, object] = {"status": status, "error": error, "stage": stage}
        if status not in (self.Status.QUEUED, self.Status.RUNNING):
            told |= {"stages": [], "finished_at": timezone.now()}
        Run.objects.filter(pk=self.pk, lease=token, status=self.Status.RUNNING).update(
            lease=None, lease_until=None, **told
        )
        Run.objects.filter(pk=self.pk, lease=token).update(lease=None, lease_until=None)

    def enqueue(self, *, stages: Sequence[str] = ()) -> None:
        """Put the run where the sweep finds it, limited to these stages; ring the bell with `judging.calling.call`."""
        Run.objects.filter(pk=self.pk).exclude(status=self.Status.RUNNING).update(
            status=self.Status.QUEUED, stages=list(stages), error="", finished_at=None
        )


class Submission(models.Model):
    """Prompts handed to an endpoint's batch API, paid for and not yet answered: found again after a crash."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="submissions")
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="submissions")
    batch = models.CharField(max_length=200, help_text="the id that the endpoint gave it")
    items = models.JSONField(default=dict, help_text="what each request is about, by its id in the batch")
    price = models.FloatField(null=True, blank=True, help_text="what it may cost at the most; empty: no price is known")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.batch} for {self.judge}"
