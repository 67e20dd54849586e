"""A judge asked anew about what it has judged, to see whether it drifts: the same items each time, and each of them twice.

Twice, as a judge whose replies vary differs from itself by chance: only what changes by more than it does between two askings
at once is drift. The two are runs of two trials, the odd one and the next; nothing of them counts but in drift.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from random import Random
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext as _

from arena.keys import Lack, lacking
from arena.models import Benchmark, Provenance, Question
from judging import calling
from judging.estimating import Count as Counted
from judging.estimating import count
from judging.forecasting import Forecast, forecast
from judging.items import questions_of, table_of, turns_of
from judging.judging_again import KEPT_LIMITS, CannotJudge, alike
from judging.machines import machines_of, with_models
from judging.models import AuditEntry, Judge, Run
from judging.progress import judgments_of
from judging.trials import last_trial

ANCHOR = "anchor"
"""Tag of the questions that a judge is given again and again, to see whether it drifts."""
ITEMS = 40
FEWEST, MOST = 5, 200
TIMES = 2  # that each item is asked at an asking
LATEST = 20  # runs among which one with verdicts to ask again is sought
MAY_DRIFT = (Judge.Kind.LLM,)
"""Kinds of judges that somebody else's machine may change under the same name."""


@dataclass(frozen=True)
class Asking:
    """What asking a judge anew would be: `items` (ids of answers or battles) as they were asked in the run `like`, which for the
    first time is one that counts, and then the last time's."""

    judge: Judge
    like: Run
    items: list[int]
    is_first: bool

    @cached_property
    def runs(self) -> list[Run]:
        """The runs, not saved."""
        return _unsaved(self)

    @cached_property
    def told(self) -> Counted:
        return count(self.runs[0], self.like.candidates.all(), [self.judge])

    @cached_property
    def forecast(self) -> Forecast:
        """Of one of the two runs."""
        return forecast(self.runs[0], self.told)

    @property
    def calls(self) -> int:
        """How often the judge's model is asked, at the most."""
        return TIMES * sum(work.calls for work in self.told.works)

    @property
    def missing_keys(self) -> list[Lack]:
        return lacking(with_models(self.judge))


def judged_on(judge: Judge) -> list[Benchmark]:
    """The benchmarks on which a run asked this judge, as itself or in a panel, the latest first. A query for each level of panels, and one."""
    if judge.kind not in MAY_DRIFT:
        return []
    runs = _runs_of(judge).values("benchmark").annotate(last=Max("pk"))
    last = {row["benchmark"]: row["last"] for row in runs.order_by()}
    return sorted(Benchmark.objects.filter(pk__in=last), key=lambda benchmark: -last[benchmark.pk])


def asking(judge: Judge, benchmark: Benchmark, *, items: int = ITEMS) -> Asking | None:
    """What asking this judge anew on this benchmark would be: about its anchor set, or about a new one of so many items where it
    has none under the rubric that it judged by last. None where it has judged nothing. A handful of queries for each run looked at."""
    if judge.kind not in MAY_DRIFT:
        return None
    runs = _runs_of(judge).filter(benchmark=benchmark).select_related("benchmark", "rubric", "baseline").order_by("-pk")
    for run in runs.distinct()[:LATEST]:
        if last := _last_of(judge, run):
            return Asking(judge, last, last.anchors or [], is_first=False)
        if chosen := _chosen(judge, run, items):
            return Asking(judge, run, chosen, is_first=True)
    return None


def under_way(judge: Judge, benchmark: Benchmark) -> list[Run]:
    """The runs that ask this judge anew and are not over. One query."""
    runs = Run.objects.of_anchors().filter(benchmark=benchmark, judges=judge).order_by("pk")
    return list(runs.filter(status__in=(Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.PAUSED)))


@transaction.atomic
def start(plan: Asking, *, by: Any = None) -> list[Run]:
    """The two runs, saved and queued. Raises CannotJudge where a judge's options are refused today, or where it is being asked."""
    Benchmark.objects.select_for_update(no_key=True).get(pk=plan.like.benchmark_id)  # one at a time
    if under_way(plan.judge, plan.like.benchmark):
        raise CannotJudge(_("It is being asked just now: wait until that is over."))
    runs = _unsaved(plan)
    for run in runs:
        run.created_by = by
        run.save()
        run.candidates.set(plan.like.candidates.all())
        run.judges.set([plan.judge])
    try:
        machines_of(runs[0], key=lambda _model: "")
    except ValueError as error:
        raise CannotJudge(str(error)) from None
    for run in runs:
        AuditEntry.note(
            "asked_for_drift", actor=by, run=run, name=run.name, judge=str(plan.judge), items=len(plan.items)
        )
        run.enqueue()
        calling.call(run)
    return runs


def _runs_of(judge: Judge) -> QuerySet[Run]:
    """The runs that asked this judge, as itself or in a panel, for verdicts that count."""
    asked = {judge.pk} | Judge.objects.who_hear({judge.pk})
    return Run.objects.filter(judges__in=asked, trial=0).exclude(provenance=Provenance.DRY_RUN)


def _last_of(judge: Judge, like: Run) -> Run | None:
    """The last run that asked this judge anew by the rubric of this one; its items are the anchor set."""
    runs = Run.objects.of_anchors().filter(benchmark=like.benchmark, rubric=like.rubric, judges=judge)
    return runs.select_related("benchmark", "rubric", "baseline").order_by("-pk").first()


def _chosen(judge: Judge, run: Run, items: int) -> list[int]:
    """Ids of so many items of the run that this judge decided in whole: each category as many, as many questions as can be;
    where there are questions with the tag `anchor`, of them alone."""
    item = table_of(run)[1]
    rows = judgments_of(run).counting().decided().filter(judge=judge).order_by()
    rows = rows.values_list(item, f"{item}__question", f"{item}__question__category").annotate(n=Count("pk"))
    asked = {
        pk: (len(turns), ANCHOR in tags) for pk, turns, tags in questions_of(run).values_list("pk", "turns", "tags")
    }
    whole = [
        (category, question, pk)
        for pk, question, category, n in rows
        if n == run.orders * len(turns_of(run, asked[question][0]))
    ]
    tagged = [one for one in whole if asked[one[1]][1]]
    return sorted(balanced(tagged or whole, seed=judge.pk)[:items])


def balanced(items: Iterable[tuple[int, int, int]], *, seed: int) -> list[int]:
    """Items (category, question, id) in an order in which categories take turns, and within each the questions; drawn by the seed."""
    drawn = sorted(items)
    Random(seed).shuffle(drawn)
    times: Counter[int] = Counter()
    by_category: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for category, question, pk in drawn:
        by_category[category].append((times[question], pk))
        times[question] += 1
    rounds = zip_longest(*(sorted(each, key=lambda one: one[0]) for _, each in sorted(by_category.items())))
    return [one[1] for each in rounds for one in each if one]


def _unsaved(plan: Asking) -> list[Run]:
    judge, like = Judge.objects.filter(pk=plan.judge.pk), plan.like
    first = last_trial(judge, like.benchmark, like.rubric, is_single=like.is_single) + 1
    first += 1 - first % TIMES  # an odd one
    side = "answers" if plan.like.is_single else "battles"
    asked = Question.objects.filter(**{f"{side}__in": plan.items}).order_by("position", "pk").distinct()
    kept = set(KEPT_LIMITS) - {"pairs", "voted"}  # the items are listed
    limits = {name: limit for name, limit in plan.like.limits.items() if name in kept}
    limits |= {"keys": list(asked.values_list("key", flat=True)), "anchors": plan.items}
    return [_like(plan, trial, limits) for trial in range(first, first + TIMES)]


def _like(plan: Asking, trial: int, limits: dict[str, Any]) -> Run:
    run = alike(plan.like, name=f"{plan.judge}: {plan.like.benchmark.name}, anchors {trial}", limits=limits)
    run.trial = trial
    return run
