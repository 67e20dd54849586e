"""Runs that ask every prompt anew: where that was judged already, what they bring is a trial of its own, beside what stands."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from arena.models import Benchmark, LanguageModel
from judging.estimating import count
from judging.items import table_of
from judging.machines import with_members
from judging.models import Judge, Rubric, Run

AT_WORK = (Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.PAUSED)


def trial_of(run: Run, candidates: Iterable[LanguageModel], judges: Iterable[Judge]) -> int:
    """The trial that `run` (which may be unsaved) judges in: 0, as all that counts, unless it asks anew and any of these judges,
    or who sits in them, has judged any of its items by its rubric, or is about to in another run. Then one that nobody had.

    No query where the run does not ask anew; else a dozen, and one for each judge.
    """
    if run.cache or run.trial:
        return run.trial
    listed, asked = list(candidates), _asked(judges)
    if not asked.exists() or not (_is_about_to_be_judged(run, listed, asked) or _is_judged(run, listed, asked)):
        return 0
    return last_trial(asked, run.benchmark, run.rubric, is_single=run.is_single) + 1


def settle(run: Run) -> None:
    """Give a saved run that asks anew its trial before it judges: others may have judged since it was set up. Without effect
    once it has judged anything itself. Two that begin at once are given trials one after the other."""
    if run.cache or run.trial or table_of(run)[0].objects.filter(run=run).exists():
        return
    with transaction.atomic():
        Rubric.objects.select_for_update(no_key=True).get(pk=run.rubric_id)
        run.trial = trial_of(run, run.candidates.all(), run.judges.filter(kind__in=Judge.WITH_ENGINE))
        Run.objects.filter(pk=run.pk).update(trial=run.trial)


def last_trial(judges: QuerySet[Judge], benchmark: Benchmark, rubric: Rubric, *, is_single: bool) -> int:
    """The last trial of any of these judges on the benchmark by the rubric, by a run of ours or in a file; 0 where there is none
    but the first. Two queries, and one for each level of panels."""
    mode = {"mode": Run.Mode.SINGLE} if is_single else {}
    table, item = table_of(Run(**mode))
    where = {"rubric": rubric, "trial__gt": 0}
    told = table.objects.filter(judge__in=judges, **{f"{item}__question__benchmark": benchmark}, **where)
    runs = Run.objects.filter(benchmark=benchmark, judges__in=_who_ask(judges), **where)
    return max(rows.order_by().aggregate(last=Max("trial"))["last"] or 0 for rows in (told, runs))


def _asked(judges: Iterable[Judge]) -> QuerySet[Judge]:
    """These judges and all that sit in them."""
    return Judge.objects.filter(pk__in=with_members(judge.pk for judge in judges))


def _who_ask(judges: QuerySet[Judge]) -> set[int]:
    """Ids of these judges, and of the panels and cascades that any of them sits in."""
    asked = set(judges.values_list("pk", flat=True))
    return asked | Judge.objects.who_hear(asked)


def _is_judged(run: Run, candidates: list[LanguageModel], asked: QuerySet[Judge]) -> bool:
    """Whether there is a verdict of any of these judges on any of the run's items."""
    return any(work.known for work in count(run, candidates, asked).works)


def _is_about_to_be_judged(run: Run, candidates: list[LanguageModel], asked: QuerySet[Judge]) -> bool:
    """Whether another run that has not ended asks any of these judges about answers of any of these models."""
    models = {model.pk for model in candidates} | ({run.baseline_id} if run.baseline_id else set())
    others = Run.objects.filter(
        Q(candidates__in=models) | Q(baseline__in=models),
        benchmark=run.benchmark,
        rubric=run.rubric,
        trial=0,
        status__in=AT_WORK,
        judges__in=_who_ask(asked),
    ).exclude(pk=run.pk)
    alike = others.filter(mode=Run.Mode.SINGLE) if run.is_single else others.exclude(mode=Run.Mode.SINGLE)
    return alike.exists()
