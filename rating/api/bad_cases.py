"""Bad cases: what readers of the record found wrong, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from judging.bad_cases import CAUSES
from judging.models import BadCase, Grade
from judging.views.case_history import Side, history
from rating.api.auth import LEADS
from rating.api.models import model_ref
from rating.api.problems import ProblemRow
from rating.api.rows import (
    Data,
    Id,
    JudgeRef,
    ModelRef,
    Page,
    Paging,
    Provenance,
    Text,
    judge_ref,
    narrowed,
    one,
    paged,
)

router = Router(tags=["Bad cases"])
ALL = "all"
STATES = (*BadCase.Status.values, ALL)


class CaseRow(Schema):
    """An answer, a pair or a question on which the rubric does not see what a person does."""

    id: int
    status: str = Field(description="open, taken_up or dismissed")
    cause: Text = Field(description=", ".join(CAUSES))
    text: str = Field(description="what is wrong, in the words of whoever marked it")
    benchmark: int = Field(description="its id")
    question: int = Field(description="its id")
    category: str = Field(description="its key")
    answer: int | None = Field(description="id of the answer it is about; null: of a pair or of the question")
    model: ModelRef | None = Field(description="who wrote that answer")
    battle: int | None = Field(description="id of the pair it is about")
    run: int | None = Field(description="id of the run it was seen in")
    decision: Text = Field(description="why it was dismissed, or what was done")
    rubric: int | None = Field(description="id of the rubric that took it up")
    dimension: Text = Field(description="key of the dimension, deduction or bonus that sees it now")
    by: str | None = Field(description="who marked it")
    closed_by: str | None
    provenance: Provenance
    created_at: datetime
    closed_at: datetime | None = Field(description="null while it is open")


class Said(Schema):
    """The newest judgment of one side."""

    id: int
    kind: str = Field(description="preference or grade")
    rubric: int = Field(description="its id")
    run: int | None = Field(description="its id")
    status: str
    value: float | None = Field(description="a preference, towards the pair’s first answer; or a grade’s score")
    verdict: str = Field(description="the same in words")


class BeforeAfter(Schema):
    """What one judge said of one thing in one order before, and by the rubric that took the case up."""

    about: str = Field(description="the model, or both in the order they were shown")
    judge: JudgeRef
    before: Said | None
    after: Said | None
    differs: bool = Field(description="whether the verdict changed; false while one of them is missing")


class CaseWhole(CaseRow):
    history: list[BeforeAfter]
    alike: list[int] = Field(description="ids of other open cases of the same cause, of an open case; 50 at the most")
    runs: list[int] = Field(description="ids of runs by the rubric that took it up; 20 at the most")


class CaseFilters(Paging):
    status: str = Field("open", pattern=f"^({'|'.join(STATES)})$", description=", ".join(STATES))
    cause: str | None = Field(None, description=", ".join(CAUSES))
    category: str | None = Field(None, description="key of the question’s")
    benchmark: Id | None = Field(None, description="its id")


@router.get("/bad-cases", response={200: Page[CaseRow], 403: ProblemRow}, summary="Bad cases (leads)", auth=LEADS)
def bad_cases(request: HttpRequest, filters: Query[CaseFilters]) -> Data:
    """Open ones, unless another status or all are asked for."""
    wanted = {
        "status": None if filters.status == ALL else filters.status,
        "cause": filters.cause,
        "question__category__key": filters.category,
        "question__benchmark": filters.benchmark,
    }
    return paged(request, narrowed(_cases(), wanted), filters, _row)


@router.get(
    "/bad-cases/{int:pk}", response={200: CaseWhole, 403: ProblemRow}, summary="One bad case (leads)", auth=LEADS
)
def bad_case(request: HttpRequest, pk: int) -> Data:
    """With what judges said of it before, and what they say by the rubric that took it up."""
    found = one(_cases(), pk)
    others = BadCase.objects.filter(status=BadCase.Status.OPEN, cause=found.cause).exclude(pk=pk).order_by("pk")
    is_open = found.status == BadCase.Status.OPEN
    return {
        **_row(found),
        "history": [_side(side) for side in history(found, request.user).sides],
        "alike": list(others.values_list("pk", flat=True)[:50]) if is_open else [],
        "runs": list(found.rubric.runs.order_by("pk").values_list("pk", flat=True)[:20]) if found.rubric else [],
    }


def _cases():
    related = ("question__benchmark", "question__category", "answer__model", "rubric", "by", "closed_by")
    without = ("html", "reasoning", "trace", "turns")
    return BadCase.objects.select_related(*related).defer(*(f"answer__{name}" for name in without))


CASE = ("status", "cause", "text", "decision", "dimension", "created_at", "closed_at")
POINTS_TO = ("question", "answer", "battle", "run", "rubric")


def _row(row: BadCase) -> Data:
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in CASE},
        **{name: getattr(row, f"{name}_id") for name in POINTS_TO},
        "benchmark": row.question.benchmark_id,
        "category": row.question.category.key,
        "model": model_ref(row.answer.model) if row.answer else None,
        "by": row.by.get_username() if row.by else None,
        "closed_by": row.closed_by.get_username() if row.closed_by else None,
        "provenance": row.question.benchmark.provenance,
    }


def _side(side: Side) -> Data:
    told = {"about": side.about, "judge": judge_ref(side.judge, lead=True), "differs": side.differs}
    return {**told, "before": _said(side.old), "after": _said(side.new)}


def _said(row: Any) -> Data | None:
    """A judgment with its `verdict` in words."""
    if row is None:
        return None
    is_grade = isinstance(row, Grade)
    told = {"id": row.pk, "kind": "grade" if is_grade else "preference", "rubric": row.rubric_id, "run": row.run_id}
    return {**told, "status": row.status, "value": row.score if is_grade else row.value, "verdict": str(row.verdict)}
