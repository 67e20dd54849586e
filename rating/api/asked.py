"""Benchmarks, categories and questions: what is asked, and how programs of leads add questions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from arena.loading import BadInput, Report
from arena.loading.records import Batch, QuestionRecord
from arena.loading.writing import Target, write
from arena.models import Answer, Benchmark, Category, Question, storable
from judging.access import is_blind_on
from judging.judges.rules import validate_check
from judging.views.record import shuffled
from rating.api.answers import AnswerRow, answer_row
from rating.api.auth import LEADS
from rating.api.posted import MOST_AT_ONCE, Posted, faults_of, place_of, refusing_repeats
from rating.api.problems import Problem, ProblemRow, unusable
from rating.api.rows import Data, Id, Page, Paging, Provenance, Text, narrowed, one, paged

router = Router(tags=["What is asked"])


class BenchmarkRow(Schema):
    id: int
    name: str
    version: str
    title_en: Text
    title_zh: Text
    description: Text
    questions: int = Field(description="how many there are")
    provenance: Provenance
    frozen_at: datetime | None = Field(description="since when its questions do not change; null: not judged yet")
    created_at: datetime


class CategoryRow(Schema):
    id: int
    key: str
    group: str | None = Field(description="key of the kind it belongs to")
    name_en: Text
    name_zh: Text


class QuestionRow(Schema):
    id: int
    benchmark: int = Field(description="its id")
    key: str
    category: str = Field(description="its key")
    language: str
    turns: list[str] = Field(description="what the user writes, in order")
    system: Text
    reference: list[str] = Field(description="one text per turn, or empty")
    checks: list[Data]
    tags: list[Any]
    provenance: Provenance


class QuestionWhole(QuestionRow):
    """A question with its answers. While people vote on it they are in an order that tells nothing, without id and model."""

    is_blind: bool
    answers: list[AnswerRow]
    battles: list[int] | None = Field(description="their ids; null while people vote on it")


class BenchmarkFilters(Paging):
    name: str | None = None


class QuestionFilters(Paging):
    benchmark: Id | None = Field(None, description="its id")
    category: str | None = Field(None, description="its key")
    language: str | None = None
    text: str | None = Field(None, max_length=200, description="in the key or the first two turns")


class CategoryFilters(Paging):
    pass


class QuestionSent(Schema):
    key: str = Field(min_length=1, max_length=120)
    category: str = Field(min_length=1, max_length=80, description="its key; made where there is none")
    turns: list[str] = Field(min_length=1, max_length=50)
    language: str = Field("en", min_length=2, max_length=12)
    system: str = ""
    reference: list[str] = []
    checks: list[Data] = []
    tags: list[str] = []
    meta: Data = {}


class QuestionsSent(Schema):
    questions: list[QuestionSent] = Field(min_length=1, max_length=MOST_AT_ONCE)


@router.get("/benchmarks", response=Page[BenchmarkRow], summary="Benchmarks")
def benchmarks(request: HttpRequest, filters: Query[BenchmarkFilters]) -> Data:
    """All benchmarks, with how many questions each has."""
    rows = Benchmark.objects.annotate(n=Count("questions"))
    return paged(request, rows.filter(name=filters.name) if filters.name else rows, filters, _benchmark)


@router.get("/benchmarks/{int:pk}", response=BenchmarkRow, summary="One benchmark")
def benchmark(request: HttpRequest, pk: int) -> Data:
    return _benchmark(one(Benchmark.objects.annotate(n=Count("questions")), pk))


@router.get("/categories", response=Page[CategoryRow], summary="Categories")
def categories(request: HttpRequest, filters: Query[CategoryFilters]) -> Data:
    """The kinds of question, in two levels."""
    return paged(request, Category.objects.ordinary().select_related("group"), filters, _category)


@router.get("/questions", response=Page[QuestionRow], summary="Questions")
def questions(request: HttpRequest, filters: Query[QuestionFilters]) -> Data:
    """Questions of all benchmarks, or of one."""
    wanted = {"benchmark": filters.benchmark, "category__key": filters.category, "language": filters.language}
    rows = narrowed(Question.objects.select_related("benchmark", "category"), wanted)
    if filters.text:
        # By turn, not over the column: its JSON may hold Chinese as escapes.
        text = storable(filters.text)
        rows = rows.filter(Q(key__icontains=text) | Q(turns__0__icontains=text) | Q(turns__1__icontains=text))
    return paged(request, rows, filters, question_row)


@router.get("/questions/{int:pk}", response=QuestionWhole, summary="One question with its answers")
def question(request: HttpRequest, pk: int) -> Data:
    """The answers name their models, unless people are voting on the benchmark and you may not know."""
    found = one(Question.objects.select_related("benchmark", "category"), pk)
    blind = is_blind_on(request.user, found.benchmark)
    answers = list(Answer.objects.filter(question=found).select_related("model", "question").order_by("pk"))
    shown = shuffled(answers, request.user) if blind else answers
    battles = None if blind else list(found.battles.order_by("pk").values_list("pk", flat=True))
    return {
        **question_row(found),
        "is_blind": blind,
        "answers": [answer_row(row, blind=blind) for row in shown],
        "battles": battles,
    }


@router.post(
    "/benchmarks/{int:pk}/questions",
    response={200: Posted, 201: Posted, 403: ProblemRow, 409: ProblemRow, 422: ProblemRow},
    summary="Add questions (leads)",
    auth=LEADS,
)
def add_questions(request: HttpRequest, pk: int, sent: QuestionsSent) -> Any:
    """All of them or none, 500 at the most. A question that is there already with the same words is left as it is; one with
    other words under the same key is refused, and so is any new one once the benchmark is frozen."""
    to = one(Benchmark.objects, pk)
    refusing_repeats("questions", [(question.key,) for question in sent.questions])
    report = Report()
    batch = Batch(questions=[_record(question, place, report) for place, question in enumerate(sent.questions)])
    before = to.questions.count()
    target = Target(to.name, to.version, provenance=to.provenance)
    try:
        write(batch, target, report, check_problems=validate_check)
    except BadInput as bad:
        if to.frozen_at and any("is frozen" in problem.message for problem in bad.report.problems):
            raise Problem(409, f"{to} is frozen: make another version", word="frozen", errors=faults_of(bad)) from None
        raise unusable(*faults_of(bad)) from None
    return Posted.of(to.questions.count() - before, len(sent.questions))


def _record(sent: QuestionSent, place: int, report: Report) -> QuestionRecord:
    told = sent.dict()
    told |= {name: storable(told[name]) for name in ("key", "category", "language", "system")}
    told |= {name: [storable(text) for text in told[name]] for name in ("turns", "reference", "tags")}
    return QuestionRecord(row=place_of("questions", place, report), **told)


def _benchmark(row: Benchmark) -> Data:
    names = (
        "name", "version", "title_en", "title_zh", "description", "provenance", "frozen_at", "created_at",
    )  # fmt: skip
    return {"id": row.pk, **{name: getattr(row, name) for name in names}, "questions": row.n}


def _category(row: Category) -> Data:
    group = row.group.key if row.group else None
    return {"id": row.pk, "key": row.key, "group": group, "name_en": row.name_en, "name_zh": row.name_zh}


def question_row(row: Question) -> Data:
    """A question as a row; its benchmark and category are loaded."""
    names = ("key", "language", "turns", "system", "reference", "checks", "tags")
    told = {name: getattr(row, name) for name in names}
    return {
        "id": row.pk,
        "benchmark": row.benchmark_id,
        "category": row.category.key,
        "provenance": row.benchmark.provenance,
        **told,
    }
