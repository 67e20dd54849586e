"""Judging again only what a new criterion touches: a run like another one, with the rubric's new version, on those questions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from arena.keys import Lack, lacking
from arena.models import Question
from judging import calling
from judging.estimating import Count, count
from judging.forecasting import Forecast, forecast
from judging.items import questions_of
from judging.machines import machines_of, with_models
from judging.models import AuditEntry, BadCase, Judge, Rubric, Run
from judging.rubric_lacks import cases_without, categories_without, no_template_for, nothing_for

CASES, CATEGORIES = "cases", "categories"
KEPT_LIMITS = ("samples", "concurrency", "pairs", "voted")
LONGEST_NAME = Run.name.field.max_length


class CannotJudge(ValueError):
    """The run would come to nothing; the message says why."""


@dataclass(frozen=True)
class Again:
    """What would be judged again: the questions of `keys` of the benchmark's `all`, and what that takes and comes to."""

    like: Run
    rubric: Rubric
    scope: str
    keys: list[str]
    all: int
    told: Count
    forecast: Forecast
    missing_keys: list[Lack]

    @property
    def judgments(self) -> int:
        return sum(work.total for work in self.told.works)

    @property
    def known(self) -> int:
        return sum(work.known for work in self.told.works)

    @property
    def calls(self) -> int:
        return sum(work.calls for work in self.told.works)

    @property
    def left_alone(self) -> int:
        """Questions that are not asked again."""
        return self.all - self.told.questions


def cases_of(rubric: Rubric) -> QuerySet[BadCase]:
    """The cases that this version took up."""
    return rubric.bad_cases.filter(status=BadCase.Status.TAKEN_UP)


def runs_like(rubric: Rubric) -> list[Run]:
    """Runs by machines on the benchmarks of the cases, those by an earlier version of this rubric first. Two queries."""
    touched = cases_of(rubric).values("question__benchmark")
    found = Run.objects.filter(benchmark__in=touched, judges__kind__in=Judge.WITH_ENGINE, trial=0).exclude(
        rubric=rubric
    )
    runs = list(found.select_related("benchmark", "rubric", "baseline").distinct().order_by("-pk")[:200])
    return sorted(runs, key=lambda run: run.rubric.name != rubric.name)


def keys_of(rubric: Rubric, like: Run, scope: str) -> list[str]:
    """The keys of the questions to be judged: those of the cases, or all of their categories. One query."""
    cases = cases_of(rubric).filter(question__benchmark=like.benchmark)
    questions = Question.objects.filter(benchmark=like.benchmark)
    if scope == CATEGORIES:
        questions = questions.filter(category__in=cases.values("question__category"))
    else:
        questions = questions.filter(pk__in=cases.values("question"))
    if within := like.limits.get("keys"):
        questions = questions.filter(key__in=within)
    return list(questions.order_by("position", "pk").values_list("key", flat=True))


def again(rubric: Rubric, like: Run, scope: str) -> Again:
    """What judging again would take; nothing is written. A dozen queries, and a handful more for each judge."""
    keys = keys_of(rubric, like, scope)
    judges = list(like.judges.filter(kind__in=Judge.WITH_ENGINE).select_related("model"))
    run = _unsaved(rubric, like, keys)
    told = count(run, like.candidates.all(), judges)
    return Again(
        like=like,
        rubric=rubric,
        scope=scope,
        keys=keys,
        all=like.benchmark.questions.count(),
        told=told,
        forecast=forecast(run, told),
        missing_keys=lacking(model for judge in judges for model in with_models(judge)),
    )


@transaction.atomic
def start(plan: Again, *, by: Any) -> Run:
    """The run, saved and queued. Raises CannotJudge where there is nothing to judge, the rubric lacks a category, or a judge does not go with it."""
    if not plan.keys or not plan.judgments:
        raise CannotJudge(_("There is nothing to judge: none of these questions has answers by this run's models."))
    like = plan.like
    run = _unsaved(plan.rubric, like, plan.keys)
    if missing := categories_without(plan.rubric, questions_of(run)):
        raise CannotJudge(nothing_for(missing))
    if lacking_cases := cases_without(plan.rubric, run, like.judges.filter(kind__in=Judge.WITH_ENGINE)):
        raise CannotJudge(no_template_for(lacking_cases))
    run.created_by = by
    run.save()
    run.candidates.set(like.candidates.all())
    run.judges.set(like.judges.filter(kind__in=Judge.WITH_ENGINE))
    try:
        machines_of(run, key=lambda _model: "")
    except ValueError as error:
        raise CannotJudge(str(error)) from None
    AuditEntry.note("judged_again", actor=by, run=run, name=run.name, like=like.pk, questions=len(plan.keys))
    run.enqueue()
    calling.call(run)
    return run


def _unsaved(rubric: Rubric, like: Run, keys: Iterable[str]) -> Run:
    """A run like this one, by the rubric, on the questions of these keys alone."""
    limits = {name: like.limits[name] for name in KEPT_LIMITS if name in like.limits} | {"keys": list(keys)}
    run = alike(like, name=f"{like.name}: {rubric}", limits=limits, rubric=rubric)
    run.cache = run.recipe["cache"] = True  # what is on record by the new rubric is not asked again
    return run


def alike(like: Run, *, name: str, limits: dict[str, Any], rubric: Rubric | None = None) -> Run:
    """A run like this one (not saved) by another name, with these limits. No answers are collected, and nobody votes."""
    rubric, name = rubric or like.rubric, name[:LONGEST_NAME]
    told = {key: value for key, value in like.recipe.items() if key not in ("digest", "voting")}
    return Run(
        name=name,
        benchmark=like.benchmark,
        mode=like.mode,
        baseline=like.baseline,
        baselines=like.baselines,
        rubric=rubric,
        order=like.order,
        turns=like.turns,
        budget=like.budget,
        cache=like.cache,
        collects=False,
        limits=limits,
        seed=like.seed,
        recipe={**told, "name": name, "rubric": str(rubric), "limits": limits, "collects": False, "like": like.pk},
        provenance=like.provenance,
    )
