"""Reports of models: what their pages say of scores, ratings, speed, safety and gates; failures; and one model beside another."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from arena.frame import is_lead
from arena.models import Benchmark, LanguageModel
from judging.access import is_blind_on
from rating.api.auth import ASKS_FOR_TOKEN
from rating.api.models import model_ref
from rating.api.problems import Problem, ProblemRow, unusable
from rating.api.rows import (
    BlindPage,
    Data,
    Id,
    JudgeRef,
    ModelRef,
    Paging,
    Provenance,
    Text,
    check_parameters,
    judge_ref,
    one,
    paged,
    plain,
)
from rating.models import Profile
from rating.reporting import failures
from rating.reporting.building import report_of
from rating.reporting.compared import Comparison, Marker, compared, shared_benchmarks
from rating.reporting.gating import gates_of
from rating.reporting.report import BASES, WEIGHTED, RatedLine, Report, SpeedLine
from rating.seen import Seen
from rating.views.model_report import TOLERANCE, may_take_failures

router = Router(tags=["Reports of models"])


class MeasuredRow(Schema):
    """A number with its 95 % interval, as far as they are known."""

    benchmark: str = Field(description="as it was loaded")
    category: Text
    metric: str
    value: float
    low: float | None
    high: float | None
    unit: Text = Field(description="share: from 0 to 1")
    n: int | None = Field(description="questions it is of; null: unknown")
    target: float | None
    delta: float | None = Field(description="value less target")
    lower_is_better: bool
    source: str
    provenance: Provenance


class SafetyRow(MeasuredRow):
    judge: Text = Field(description="the rule that found it; null where it was measured elsewhere")


class TotalRow(Schema):
    """The categories of one metric and source together."""

    benchmark: str
    metric: str
    source: str
    unit: Text
    lower_is_better: bool
    categories: int
    n: int | None
    avg: float = Field(description="each category once")
    weighted_avg: float | None = Field(
        description="by the questions of each; null where a category does not say how many"
    )
    value: float | None = Field(description="the total on the basis asked for")
    target: float | None = Field(description="on the same basis")
    delta: float | None


class RatedRow(Schema):
    """Its place on one board."""

    benchmark: int = Field(description="its id")
    snapshot: int = Field(description="its id")
    category: str = Field(description="its key, or all")
    source: str = Field(description="all, people or judges")
    method: str = Field(description="bt or score")
    rating: float | None
    low: float | None
    high: float | None
    level: float = Field(description="of the interval, as a share")
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    n: int = Field(description="judgments")
    win_rate: float | None
    preliminary: bool = Field(description="whether it is of fewer judgments than the board asks for")
    provenances: list[str]


class TimingRow(Schema):
    median: float | None
    low: float | None
    high: float | None
    p95: float | None
    p95_low: float | None
    p95_high: float | None
    n: int = Field(description="timed answers")


class SpeedRow(Schema):
    """How fast it answered one benchmark."""

    benchmark: int = Field(description="its id")
    answers: int
    failed: int
    first_token: TimingRow = Field(description="seconds")
    seconds: TimingRow = Field(description="of the whole answer")
    per_second: TimingRow = Field(description="tokens")


class GateRow(Schema):
    name: str
    outcome: str = Field(description="PASS, FAIL or NOT ENOUGH DATA")
    reason: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    limit: float | None


class GatesRow(Schema):
    profile: str
    outcome: str = Field(description="PASS, FAIL or NOT ENOUGH DATA")
    gates: list[GateRow]


class ReportRow(Schema):
    """Everything known of a model."""

    model: ModelRef
    basis: str = Field(description="of the totals: weighted_avg or avg")
    is_held: bool = Field(description="whether newer figures of some benchmark are kept from you: people vote on it")
    scores: list[MeasuredRow] = Field(description="objective scores")
    totals: list[TotalRow]
    ratings: list[RatedRow] = Field(
        description="on the current snapshot of each board, or on the last that may be seen while people vote"
    )
    speed: list[SpeedRow]
    timed: int = Field(description="how many of the newest answers the timings are of, at the most")
    measured_speed: list[MeasuredRow] = Field(description="as it was measured elsewhere")
    safety: list[SafetyRow]
    siblings: list[ModelRef] = Field(description="other versions, or of its family")
    gates: GatesRow | None = Field(description="of the profile asked for")
    provenances: list[str]


class FailureRow(Schema):
    """One thing that went wrong with an answer of the model."""

    id: int = Field(description="of the answer, grade or preference")
    failed: str
    benchmark: int = Field(description="its id")
    question: int = Field(description="its id")
    category: str = Field(description="its key")
    language: str
    asked: list[str]
    reference: list[str]
    answer_id: int
    answer: list[str] = Field(description="the model’s own turns")
    sample: int
    reason: Text = Field(description="the error, the judge’s reasoning, or a person’s note")
    judge: JudgeRef | None = Field(description="null: the answer itself failed")
    rubric: str | None
    status: str | None = Field(description="of the judgment")
    score: float | None
    scale: list[float] | None = Field(description="lowest and highest of the rubric")
    reply: Text
    provenance: Provenance


class MarkerRow(Schema):
    """Who graded both under one rubric."""

    key: str = Field(description="as parameter by takes it")
    judge: str | None = Field(description="null: people together")
    rubric: str
    passes_at: float = Field(description="points of 100 from where an answer passes")
    n: int = Field(description="grades of the one that has fewer")


class ChangeRow(Schema):
    """This model less the other, on the questions that both have a mark for, in points of 100; paired by question."""

    category: str = Field(description="its key, or all")
    before: float = Field(description="the other’s mean")
    after: float = Field(description="this model’s mean")
    difference: float
    low: float | None = Field(description="of the 95 % interval of the difference")
    high: float | None
    n: int = Field(description="questions")
    certain: int = Field(description="1 surely better, -1 surely worse, 0 not sure")


class TurnedRow(Schema):
    question: int = Field(description="its id")
    title: str
    category: str
    before: float
    after: float


class ComparedRow(Schema):
    """A model beside another on one benchmark, question by question."""

    before: ModelRef = Field(description="the other")
    after: ModelRef = Field(description="this model")
    benchmarks: list[int] = Field(description="ids of those that both answered")
    benchmark: int | None = Field(description="the one that is told; null: there is none")
    shared: int | None = Field(description="questions that both answered")
    looked: int | None = Field(description="of these, how many were looked at")
    same: int | None = Field(description="answers with the same words")
    markers: list[MarkerRow]
    marker: str | None = Field(description="key of the one whose marks are told; null: nobody graded both")
    tolerance: float = Field(description="points of 100")
    verdict: str | None = Field(description="within, worse or unknown, by the interval of the difference")
    changes: list[ChangeRow] = Field(description="over all categories, then each")
    failed: list[TurnedRow] = Field(description="passed before and fail now; 100 at the most")
    failed_n: int | None
    fixed: list[TurnedRow] = Field(description="failed before and pass now; 100 at the most")
    fixed_n: int | None


class ReportWanted(Schema):
    basis: str = Field(WEIGHTED, pattern=f"^({'|'.join(BASES)})$", description=" or ".join(BASES))
    profile: str | None = Field(None, max_length=200, description="name of the profile whose gates are held against it")


KIND_WORDS = {word.replace(" ", "_"): word for word in failures.KINDS}


class FailureFilters(Paging):
    kind: str = Field(
        "answer", pattern=f"^({'|'.join(KIND_WORDS)})$", description=f"what failed: {', '.join(KIND_WORDS)}"
    )


class CompareWanted(Schema):
    benchmark: Id | None = Field(None, description="its id; without one the first that both answered")
    by: str | None = Field(None, max_length=50, description="key of a marker; without one whoever graded most")
    tolerance: float = Field(TOLERANCE, ge=0, le=100, description="points of 100")


@router.get("/models/{int:pk}/report", response=ReportRow, summary="The report of a model")
def model_report(request: HttpRequest, pk: int, wanted: Query[ReportWanted]) -> Data:
    """Scores with their totals, ratings, speed and safety; and a profile's gates where one is named."""
    check_parameters(request, wanted)
    model, seen = one(LanguageModel.objects, pk), Seen.of(request.user)
    profile = Profile.objects.filter(name=wanted.profile).first() if wanted.profile else None
    if wanted.profile and profile is None:
        raise unusable(("profile", _("there is no such profile")))
    report = report_of(model, basis=wanted.basis, seen=seen)
    gates = gates_of(model, profile, report=report, seen=seen).as_json() if profile else None
    return {**_report(report), "model": model_ref(model), "is_held": bool(seen.held), "gates": plain(gates)}


@router.get(
    "/models/{int:pk}/failures",
    response={200: BlindPage[FailureRow], 401: ProblemRow, 403: ProblemRow},
    summary="Failures of a model (leads and viewers)",
)
def model_failures(request: HttpRequest, pk: int, filters: Query[FailureFilters]) -> Data:
    """Of one kind: answers that failed, marks that do not pass, judgments that came to nothing, or pairs where both were bad.
    Those on benchmarks that people are voting on are left out for whoever may not know what was said there."""
    if not may_take_failures(request.user):
        told = _("Only evaluation leads and viewers may take a model’s failures.")
        known = request.user.is_authenticated
        raise Problem(403, told) if known else Problem(401, told, headers=ASKS_FOR_TOKEN)
    model = one(LanguageModel.objects, pk)
    hidden, kind = failures.left_out(model, request.user), KIND_WORDS[filters.kind]
    rows = failures.of_kind(kind, model, hidden).select_related(*failures.RELATED[kind])
    withheld = sorted(benchmark.pk for benchmark in hidden)
    lead = is_lead(request.user)
    return paged(request, rows, filters, lambda row: _failure(row, model, lead=lead), withheld=withheld)


@router.get(
    "/models/{int:pk}/compare/{int:other}",
    response={200: ComparedRow, 403: ProblemRow, 404: ProblemRow},
    summary="A model beside another",
)
def model_compare(request: HttpRequest, pk: int, other: int, wanted: Query[CompareWanted]) -> Data:
    """What stayed the same, what got better or worse beyond a tolerance, what fails now and what no longer does."""
    check_parameters(request, wanted)
    after, before = one(LanguageModel.objects, pk), one(LanguageModel.objects.exclude(pk=pk), other)
    shared = shared_benchmarks(before, after)
    benchmark = _chosen(shared, wanted.benchmark)
    told: Data = {"before": model_ref(before), "after": model_ref(after), "benchmarks": [one.pk for one in shared]}
    if benchmark is None:
        return {**told, **NOTHING_SHARED, "tolerance": wanted.tolerance}
    if is_blind_on(request.user, benchmark):
        raise Problem(
            403, _("People are voting on this benchmark: who wrote what is hidden until they are done."), word="blind"
        )
    return told | _compared(compared(before, after, benchmark, marker=wanted.by or "", tolerance=wanted.tolerance))


def _chosen(shared: list[Benchmark], wanted: int | None) -> Benchmark | None:
    """The benchmark asked for, or the first. Raises Problem for one that not both answered."""
    if wanted is None:
        return shared[0] if shared else None
    found = next((one for one in shared if one.pk == wanted), None)
    if found is None:
        raise unusable(("benchmark", _("not both models answered it")))
    return found


def _report(report: Report) -> Data:
    return {
        "basis": report.basis,
        "scores": [line for group in report.scores for line in group.lines],
        "totals": [total for group in report.scores for total in group.totals],
        "ratings": [_rated(line) for line in report.ratings],
        "speed": [_speed(line) for line in report.speed],
        "timed": report.sampled,
        "measured_speed": report.measured_speed,
        "safety": report.safety,
        "siblings": [{"id": one.pk, "name": one.name, "version": one.version} for one in report.siblings],
        "provenances": report.provenances,
    }


RATED = tuple(
    name for name in RatedRow.model_fields if name not in ("benchmark", "snapshot", "category", "provenances")
)


def _rated(line: RatedLine) -> Data:
    told = {name: getattr(line, name) for name in RATED}
    held = {"snapshot": line.snapshot.pk, "provenances": line.snapshot.provenances}
    return {**told, **held, "benchmark": line.benchmark_pk, "category": line.category or "all"}


def _speed(line: SpeedLine) -> Data:
    names = [name for name in SpeedRow.model_fields if name != "benchmark"]
    return {"benchmark": line.benchmark_pk, **{name: getattr(line, name) for name in names}}


FAILURE = tuple(FailureRow.model_fields)


def _failure(row: Any, model: LanguageModel, *, lead: bool) -> Data:
    told, answer = failures.told_of(row, model), failures.answer_of(row, model)
    judge = getattr(row, "judge", None)
    return {
        **{name: told.get(name) for name in FAILURE},
        "id": row.pk,
        "benchmark": answer.question.benchmark_id,
        "question": answer.question_id,
        "answer_id": answer.pk,
        "judge": judge_ref(judge, lead=lead) if judge else None,
    }


NOTHING_SHARED: Data = {
    **dict.fromkeys(("benchmark", "shared", "looked", "same", "marker", "verdict", "failed_n", "fixed_n")),
    **{name: [] for name in ("markers", "changes", "failed", "fixed")},
}


def _compared(found: Comparison) -> Data:
    names = ("shared", "looked", "same", "tolerance", "verdict", "failed", "failed_n", "fixed", "fixed_n")
    changes = (found.overall, *found.changes) if found.overall else ()
    return {
        **{name: getattr(found, name) for name in names},
        "benchmark": found.benchmark.pk,
        "markers": [_marker(one) for one in found.markers],
        "marker": found.marker.key if found.marker else None,
        "changes": [_change(one) for one in changes],
    }


def _marker(one: Marker) -> Data:
    told = {"key": one.key, "judge": one.judge_name or None, "rubric": one.rubric_name}
    return {**told, "passes_at": one.passes_at, "n": one.n}


def _change(one: Any) -> Data:
    names = [name for name in ChangeRow.model_fields if name != "category"]
    return {"category": one.category or "all", **{name: getattr(one, name) for name in names}}
