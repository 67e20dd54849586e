"""Battles and judgments: the record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from arena.frame import is_lead
from arena.models import Battle
from judging.access import is_blind_on
from judging.models import Grade, Preference
from judging.views.record import shuffled
from rating.api.answers import AnswerRow, answer_row
from rating.api.rows import (
    BlindPage,
    Data,
    Id,
    JudgeRef,
    ModelRef,
    Paging,
    Provenance,
    Text,
    blind_benchmarks,
    judge_ref,
    narrowed,
    one,
    paged,
)

router = Router(tags=["Battles and judgments"])


class BattleRow(Schema):
    """Two answers to one question, stored once; values of judgments point towards the first."""

    id: int
    question: int = Field(description="its id")
    first: int = Field(description="id of the answer")
    second: int = Field(description="id of the answer")
    first_model: ModelRef
    second_model: ModelRef


class JudgmentRow(Schema):
    """One verdict on record, or why there is none. Nothing is overwritten: what was superseded stays."""

    id: int
    judge: JudgeRef
    is_mine: bool
    rubric: int = Field(description="its id")
    run: int | None = Field(description="its id; null: from a file without a run, or a run you may not see")
    turn: int = Field(description="the turn that was judged; 0: the whole conversation")
    trial: int
    status: str = Field(description="ok, parse_error, truncated, refused, api_error or skipped")
    error: Text
    note: Text
    reasons: list[str]
    kept_out: Text = Field(description="why ratings leave it out")
    asked: int = Field(description="calls made to a model")
    cached: bool = Field(description="whether it repeats an earlier reply to the very same prompt")
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None = Field(description="in the prices’ currency; null: no price")
    seconds: float | None
    provenance: Provenance
    created_at: datetime
    superseded_at: datetime | None


class PreferenceRow(JudgmentRow):
    battle: int = Field(description="its id")
    value: float | None = Field(description="from -2 to 2, towards the battle’s first answer; null: no verdict")
    both_bad: bool
    scores: dict[str, float] = Field(description="by dimension, towards the first answer")
    swapped: bool = Field(description="whether the second answer was shown first")


class GradeRow(JudgmentRow):
    answer: int = Field(description="its id")
    score: float | None = Field(description="on the rubric’s scale; null: no verdict")
    scores: dict[str, float] = Field(description="by dimension")
    points: list[Any] = Field(description="deductions and bonuses with their passages")


class WholePreference(PreferenceRow):
    prompt: list[Data] = Field(description="what was sent to the judge")
    reply: Text
    reasoning: Text


class BattleWhole(Schema):
    """A battle with everything said of it. While people vote on it: its answers alone, in an order that tells nothing."""

    id: int
    question: int
    is_blind: bool
    first: int | None
    second: int | None
    answers: list[AnswerRow]
    judgments: list[WholePreference] | None = Field(description="null while people vote on it")


class BattleFilters(Paging):
    benchmark: Id | None = Field(None, description="its id")
    question: Id | None = Field(None, description="its id")
    category: str | None = Field(None, description="its key")
    model: Id | None = Field(None, description="id of either model")


class JudgmentFilters(Paging):
    benchmark: Id | None = Field(None, description="its id")
    question: Id | None = Field(None, description="its id")
    run: Id | None = Field(None, description="its id")
    judge: Id | None = Field(None, description="its id; of a person for leads only")
    rubric: Id | None = Field(None, description="its id")
    status: str | None = None
    by: str | None = Field(None, pattern="^(people|machines)$", description="people or machines")
    current: bool = Field(True, description="only what stands; false: superseded ones too")


@router.get("/battles", response=BlindPage[BattleRow], summary="Battles")
def battles(request: HttpRequest, filters: Query[BattleFilters]) -> Data:
    """Battles on benchmarks that people are voting on are left out for whoever may not know who wrote what."""
    withheld = blind_benchmarks(request.user)
    wanted = {
        "question__benchmark": filters.benchmark,
        "question": filters.question,
        "question__category__key": filters.category,
    }
    rows = narrowed(Battle.objects.exclude(question__benchmark__in=withheld), wanted)
    if filters.model is not None:
        rows = rows.filter(Q(first_model=filters.model) | Q(second_model=filters.model))
    return paged(request, rows.select_related("first_model", "second_model"), filters, _battle, withheld=withheld)


@router.get("/battles/{int:pk}", response=BattleWhole, summary="One battle with its judgments")
def battle(request: HttpRequest, pk: int) -> Data:
    """Each judgment with the prompt that was sent and the reply."""
    found = one(Battle.objects.select_related("question__benchmark", "first__model", "second__model"), pk)
    blind = is_blind_on(request.user, found.question.benchmark)
    both = [found.first, found.second]
    told: Data = {
        "id": found.pk,
        "question": found.question_id,
        "is_blind": blind,
        "first": None if blind else found.first_id,
        "second": None if blind else found.second_id,
        "answers": [answer_row(row, blind=blind) for row in (shuffled(both, request.user) if blind else both)],
        "judgments": None,
    }
    if not blind:
        rows = Preference.objects.filter(battle=found).select_related("judge", "run").order_by("pk")
        told["judgments"] = [_whole(row, request) for row in rows]
    return told


@router.get("/preferences", response=BlindPage[PreferenceRow], summary="Judgments on pairs")
def preferences(request: HttpRequest, filters: Query[JudgmentFilters]) -> Data:
    """Verdicts of people and machines on battles, each with the order it was shown in."""
    return _judgments(request, filters, Preference.objects.all(), "battle__question", _preference)


@router.get("/grades", response=BlindPage[GradeRow], summary="Judgments on single answers")
def grades(request: HttpRequest, filters: Query[JudgmentFilters]) -> Data:
    """Marks by people and machines."""
    return _judgments(request, filters, Grade.objects.all(), "answer__question", _grade)


def _judgments(request: HttpRequest, filters: JudgmentFilters, rows: QuerySet, question: str, shape: Any) -> Data:
    withheld = blind_benchmarks(request.user)
    wanted = {
        f"{question}__benchmark": filters.benchmark,
        question: filters.question,
        "run": filters.run,
        "judge": filters.judge,
        "rubric": filters.rubric,
        "status": filters.status,
    }
    rows = narrowed(rows.exclude(**{f"{question}__benchmark__in": withheld}), wanted)
    if filters.judge is not None and not is_lead(request.user):
        rows = rows.exclude(judge__kind="person")  # whose id would name them
    if filters.by:
        rows = rows.by_people() if filters.by == "people" else rows.by_machines()
    rows = rows.current() if filters.current else rows
    rows = rows.select_related("judge", "run").defer("prompt", "reply", "reasoning", "details")
    lead = is_lead(request.user)
    return paged(request, rows, filters, lambda row: shape(row, request, lead=lead), withheld=withheld)


JUDGMENT = (
    "turn", "trial", "status", "error", "note", "reasons", "kept_out", "asked", "cached", "tokens_in", "tokens_out", "cost",
    "seconds", "provenance", "created_at", "superseded_at",
)  # fmt: skip


def _judgment(row: Preference | Grade, request: HttpRequest, *, lead: bool) -> Data:
    user = request.user
    return {
        "id": row.pk,
        "judge": judge_ref(row.judge, lead=lead),
        "is_mine": user.is_authenticated and row.judge.user_id == user.pk,
        "rubric": row.rubric_id,
        "run": row.run_id,
        **{name: getattr(row, name) for name in JUDGMENT},
    }


def _preference(row: Preference, request: HttpRequest, *, lead: bool) -> Data:
    own = {name: getattr(row, name) for name in ("value", "both_bad", "scores", "swapped")}
    return {**_judgment(row, request, lead=lead), "battle": row.battle_id, **own}


def _grade(row: Grade, request: HttpRequest, *, lead: bool) -> Data:
    own = {name: getattr(row, name) for name in ("score", "scores", "points")}
    return {**_judgment(row, request, lead=lead), "answer": row.answer_id, **own}


def _whole(row: Preference, request: HttpRequest) -> Data:
    own = {name: getattr(row, name) for name in ("prompt", "reply", "reasoning")}
    return {**_preference(row, request, lead=is_lead(request.user)), **own}


def _battle(row: Battle) -> Data:
    models = {name: getattr(row, name) for name in ("first_model", "second_model")}
    named = {name: {"id": one.pk, "name": one.name, "version": one.version} for name, one in models.items()}
    return {"id": row.pk, "question": row.question_id, "first": row.first_id, "second": row.second_id, **named}
