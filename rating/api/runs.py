"""Runs: how far each is, who votes in it how well, and starting one by its recipe."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema
from ninja.responses import Status

from arena.loading import BadInput, Report
from arena.models import LanguageModel
from judging import calling, running
from judging.access import is_blind_on, runs_seen_by
from judging.models import AuditEntry, Run
from judging.opening import ELSEWHERE
from judging.preparing import prepare
from judging.progress import Line, progress
from judging.purse import spent
from judging.recipes import recipe_of
from rating import annotating
from rating.api.auth import LEADS
from rating.api.models import model_ref
from rating.api.posted import faults_of
from rating.api.problems import Problem, ProblemRow, unusable
from rating.api.rows import (
    Data,
    Id,
    ModelRef,
    Page,
    Paging,
    Provenance,
    Text,
    blind_benchmarks,
    narrowed,
    one,
    paged,
    plain,
)

router = Router(tags=["Runs"])


class RunRow(Schema):
    """One frozen recipe carried out. Its name and its models are null while people vote on its benchmark and you may not know them."""

    id: int
    name: str | None
    benchmark: int = Field(description="its id")
    mode: str = Field(description="single, baseline or pairwise")
    rubric: int = Field(description="its id")
    status: str = Field(description="draft, open, queued, running, paused, done, failed or cancelled")
    budget: float | None = Field(description="in the prices’ currency; null: none")
    provenance: Provenance
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class LineRow(Schema):
    """How far one judge is, or all people together."""

    label: str
    done: int
    failed: int
    skipped: int
    left: int
    total: int


class CauseRow(Schema):
    judge: str
    status: str
    error: Text = Field(description="null while people vote on the benchmark and you may not know")
    n: int


class RunWhole(RunRow):
    models: list[ModelRef] | None
    baseline: int | None = Field(description="id of the model")
    baselines: dict[str, int] | None = Field(
        description="of categories that have a baseline of their own: id of the category, id of the model"
    )
    order: str
    turns: str
    seed: int
    trial: int = Field(
        description="above 0: asks anew what is on record; what it brings is kept apart and no rating counts it"
    )
    pairs: int | None = Field(description="of models that meet on each question, in mode pairwise; null: all of them")
    error: Text
    spent: float | None = Field(description="by its judgments, in the prices’ currency; null: no prices")
    answers: LineRow | None = Field(description="where the run collects them")
    judges: list[LineRow]
    failures: list[CauseRow]
    skips: list[CauseRow]


class AnnotatorRow(Schema):
    """How well one person annotates; figures of too few cases are null, and `wanted` says how many are wanting."""

    judge: int
    name: str
    votes: int = Field(description="ordinary ones")
    skipped: int
    flagged: int
    minutes: float | None = Field(description="seen and not idle")
    is_paused: bool
    flags: list[str]
    figures: Data | None = Field(
        description="agreement, gold, repeats, sides, drift and pace, each with interval and n"
    )


class AnnotatorRows(Schema):
    run: int
    provenance: Provenance
    rows: list[AnnotatorRow]


class RunFilters(Paging):
    benchmark: Id | None = Field(None, description="its id")
    status: str | None = None
    mode: str | None = None


class RecipeSent(Schema):
    recipe: Data = Field(description="the keys of an `evaluate` recipe; questions and answers must be here already")
    dry_run: bool = Field(False, description="dry judges in place of the recipe’s: nobody is asked")
    start: bool = True


class Queued(Schema):
    id: int
    status: str


OTHERS = ("answers_gen", "reviews_gen", "rating_gen", "elo_rating", "question_file", "questions_file")
"""Keys of llmuses's recipes, which name files."""
REFUSALS = {401: ProblemRow, 403: ProblemRow, 404: ProblemRow, 409: ProblemRow, 422: ProblemRow}


@router.get("/runs", response=Page[RunRow], summary="Runs")
def runs(request: HttpRequest, filters: Query[RunFilters]) -> Data:
    """Those you may see: all of them for leads and viewers, else those that are done."""
    wanted = {name: getattr(filters, name) for name in ("benchmark", "status", "mode")}
    blind = blind_benchmarks(request.user)
    rows = narrowed(runs_seen_by(request.user), wanted)
    return paged(request, rows, filters, lambda row: _run(row, blind=row.benchmark_id in blind))


@router.get("/runs/{int:pk}", response=RunWhole, summary="One run with its progress")
def run(request: HttpRequest, pk: int) -> Data:
    """Progress is a count of what is on record."""
    found = one(runs_seen_by(request.user).select_related("benchmark", "baseline", "rubric"), pk)
    blind = is_blind_on(request.user, found.benchmark)
    now = progress(found)
    names = ("order", "turns", "seed", "trial", "pairs")
    return {
        **_run(found, blind=blind),
        **{name: getattr(found, name) for name in names},
        "models": None if blind else [model_ref(row) for row in found.candidates.order_by("pk")],
        "baseline": None if blind else found.baseline_id,
        "baselines": None if blind else found.baselines,
        "error": None if blind else found.error,
        "spent": spent(found),
        "answers": _line(now.answers) if now.answers else None,
        "judges": [_line(line) for line in now.lines],
        "failures": _causes(now.failures, blind=blind),
        "skips": _causes(now.skips, blind=blind),
    }


@router.get(
    "/runs/{int:pk}/annotators",
    response={200: AnnotatorRows, 403: ProblemRow},
    summary="Who votes how well (leads)",
    auth=LEADS,
)
def annotators(request: HttpRequest, pk: int) -> Data:
    found = one(Run.objects.select_related("benchmark"), pk)
    crowd = annotating.of_run(found)
    crowd.make(crowd.people)
    rows = [_annotator(person) for person in crowd.people]
    return {"run": found.pk, "provenance": found.provenance, "rows": rows}


@router.post(
    "/runs", response={200: Queued, 201: Queued, **REFUSALS}, summary="Set up a run by its recipe (leads)", auth=LEADS
)
def make_run(request: HttpRequest, sent: RecipeSent) -> Any:
    """The same recipe is the same run: sent again, it goes on where it stopped. Recipes from here name no files, and only
    models that are set up here already may be asked."""
    _refuse_files(sent.recipe)
    before = Run.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    try:
        recipe = recipe_of(copy.deepcopy(sent.recipe))
        _refuse_strangers(recipe)
        with transaction.atomic():
            made = prepare(recipe, Report(), dry_run=sent.dry_run)
            is_new = made.pk > before
            if is_new:
                Run.objects.filter(pk=made.pk).update(created_by=request.user)
                AuditEntry.note("run_set_up", actor=request.user, run=made, name=made.name)
    except BadInput as bad:
        raise unusable(*((f"recipe.{field}", message) for field, message in faults_of(bad))) from None
    if sent.start and not made.is_live:
        _start(made)
    made.refresh_from_db()
    return Status(201 if is_new else 200, {"id": made.pk, "status": made.status})


@router.post(
    "/runs/{int:pk}/start", response={200: Queued, **REFUSALS}, summary="Start or resume a run (leads)", auth=LEADS
)
def start(request: HttpRequest, pk: int) -> Data:
    """Only what is missing is judged."""
    found = _steered(request, pk)
    if not found.is_live:
        _start(found)
    return _queued(found)


@router.post("/runs/{int:pk}/pause", response={200: Queued, **REFUSALS}, summary="Pause a run (leads)", auth=LEADS)
def pause(request: HttpRequest, pk: int) -> Data:
    """What is under way is waited for and kept."""
    found = _steered(request, pk)
    if not running.pause(found):
        raise Problem(409, _("The run is not under way: there is nothing to pause."), word="not_live")
    return _queued(found)


@router.post("/runs/{int:pk}/cancel", response={200: Queued, **REFUSALS}, summary="Cancel a run (leads)", auth=LEADS)
def cancel(request: HttpRequest, pk: int) -> Data:
    """What was judged is kept."""
    found = _steered(request, pk)
    if not (found.is_live or found.is_paused):
        raise Problem(409, _("The run had ended already."), word="not_live")
    running.cancel(found)
    return _queued(found)


def _steered(request: HttpRequest, pk: int) -> Run:
    found = one(Run.objects.select_related("benchmark"), pk)
    _refuse_without_machine(found)
    return found


def _refuse_without_machine(run: Run) -> None:
    """Raises Problem for a run in which no machine is asked here."""
    if run.is_imported:
        raise Problem(409, str(ELSEWHERE), word="no_machine")
    if not run.judges.machines().exists():
        raise Problem(409, _("This run has no machine judge: there is nothing for us to carry out."), word="no_machine")


def _start(run: Run) -> None:
    _refuse_without_machine(run)
    run.enqueue()
    calling.call(run)


def _queued(run: Run) -> Data:
    run.refresh_from_db()
    return {"id": run.pk, "status": run.status}


def _refuse_files(recipe: Mapping[str, Any]) -> None:
    """Raises Problem for a recipe that names files: they would be files of the server."""
    faults = []
    benchmark = recipe.get("benchmark")
    if isinstance(benchmark, Mapping) and "questions" in benchmark:
        faults.append(("recipe.benchmark.questions", _("names a file; upload it, or post questions first")))
    models = recipe.get("models")
    for index, one_model in enumerate(models if isinstance(models, list) else []):
        if isinstance(one_model, Mapping) and "answers" in one_model:
            faults.append((f"recipe.models[{index}].answers", _("names a file; upload it, or post answers first")))
    faults += [(f"recipe.{name}", _("is a key of another program’s recipes")) for name in OTHERS if name in recipe]
    if faults:
        raise unusable(*faults)


def _refuse_strangers(recipe: Any) -> None:
    """Raises Problem for a model that would be asked elsewhere, or with another key, than leads have set up here.

    Else a recipe could send any variable of the environment to any address.
    """
    specs = [
        *recipe.models,
        *(one_judge.model for judge in recipe.judges for one_judge in judge.everybody() if one_judge.model),
    ]
    faults = []
    for spec in specs:
        if not spec.provider:
            continue
        row = LanguageModel.objects.filter(name=spec.name, version=spec.version).first()
        if row is None or (row.provider, row.base_url, row.key_env) != (spec.provider, spec.base_url, spec.key_env):
            told = _("%(name)s %(version)s is not set up here with this endpoint: add the model first")
            faults.append(("recipe.models", told % {"name": spec.name, "version": spec.version}))
    if faults:
        raise unusable(*faults)


RUN = ("mode", "status", "budget", "provenance", "created_at", "started_at", "finished_at")


def _run(row: Run, *, blind: bool) -> Data:
    told = {"id": row.pk, "name": None if blind else row.name, "benchmark": row.benchmark_id, "rubric": row.rubric_id}
    return {**told, **{name: getattr(row, name) for name in RUN}}


def _line(line: Line) -> Data:
    return {name: getattr(line, name) for name in LineRow.model_fields}


def _causes(rows: list[Data], *, blind: bool) -> list[Data]:
    return [{**row, "error": None if blind else row["error"]} for row in rows]


def _annotator(person: annotating.Person) -> Data:
    return {
        "judge": person.judge.pk,
        "name": str(person.judge),
        "votes": person.seats.votes,
        "skipped": person.seats.skipped,
        "flagged": person.seats.flagged,
        "minutes": person.seats.minutes,
        "is_paused": person.is_paused,
        "flags": list(person.row.flags) if person.row else [],
        "figures": plain(person.row) if person.row else None,
    }
