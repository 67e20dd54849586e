"""Judges, rubrics and profiles: who judges, by what, and what weighs how much."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from arena.frame import is_lead
from arena.withholding import without_secrets
from judging.models import Judge, Rubric
from judging.rubric_list import seen_by
from rating.api.auth import LEADS
from rating.api.models import model_ref
from rating.api.problems import ProblemRow
from rating.api.rows import Data, ModelRef, Page, Paging, Provenance, Text, narrowed, one, paged
from rating.models import Grouping, Profile

router = Router(tags=["Judges and rubrics"])


class JudgeRow(Schema):
    id: int
    name: str
    version: int
    kind: str
    is_person: bool
    model: ModelRef | None
    options: Data = Field(description="temperature, max_tokens, seed … as it was made")
    members: list[int] = Field(description="ids of the judges in a panel or cascade, in their order")
    provenance: Provenance
    frozen_at: datetime | None = Field(description="since when it is used and does not change")
    created_at: datetime


class RubricRow(Schema):
    id: int
    name: str
    version: int
    title_en: Text
    title_zh: Text
    lowest: float = Field(description="of the scale")
    highest: float = Field(description="of the scale")
    frozen_at: datetime | None
    created_at: datetime


class RubricWhole(RubricRow):
    data: Data = Field(description="dimensions, weights, points, instructions and prompts, as a recipe says them")


class ProfileRow(Schema):
    id: int
    name: str
    mode: str = Field(description="mean or sum")
    basis: str = Field(description="given, ones or counts")
    weights: dict[str, float] = Field(description="category key → weight")
    gates: list[Data]


class GroupingRow(Schema):
    id: int
    name: str
    title_en: Text
    title_zh: Text
    kinds: list[Data] = Field(description="[{key, name_en, name_zh, of: [category keys]}]")


class JudgeFilters(Paging):
    kind: str | None = None
    name: str | None = None


class RubricFilters(Paging):
    name: str | None = None


class PlainFilters(Paging):
    pass


@router.get("/judges", response=Page[JudgeRow], summary="Judges")
def judges(request: HttpRequest, filters: Query[JudgeFilters]) -> Data:
    """People with an account are listed to leads only."""
    rows = narrowed(_seen(request), {"kind": filters.kind, "name": filters.name})
    return paged(request, rows.prefetch_related("seats"), filters, _judge)


@router.get("/judges/{int:pk}", response=JudgeRow, summary="One judge")
def judge(request: HttpRequest, pk: int) -> Data:
    return _judge(one(_seen(request), pk))


def _seen(request: HttpRequest):
    rows = Judge.objects.select_related("model")
    return rows if is_lead(request.user) else rows.exclude(kind=Judge.Kind.PERSON)


@router.get("/rubrics", response=Page[RubricRow], summary="Rubrics")
def rubrics(request: HttpRequest, filters: Query[RubricFilters]) -> Data:
    """Those that runs use which you may see; all of them for leads."""
    return paged(request, narrowed(seen_by(request.user), {"name": filters.name}), filters, _rubric)


@router.get("/rubrics/{int:pk}", response=RubricWhole, summary="One rubric in full")
def rubric(request: HttpRequest, pk: int) -> Data:
    found = one(seen_by(request.user), pk)
    return {**_rubric(found), "data": found.as_data()}


@router.get("/profiles", response={200: Page[ProfileRow], 403: ProblemRow}, summary="Profiles (leads)", auth=LEADS)
def profiles(request: HttpRequest, filters: Query[PlainFilters]) -> Data:
    """Weights of categories for totals, and gates."""
    return paged(request, Profile.objects.all(), filters)


@router.get("/groupings", response={200: Page[GroupingRow], 403: ProblemRow}, summary="Groupings (leads)", auth=LEADS)
def groupings(request: HttpRequest, filters: Query[PlainFilters]) -> Data:
    """Other sortings of the categories into kinds."""
    return paged(request, Grouping.objects.all(), filters)


JUDGE = ("name", "version", "kind", "is_person", "provenance", "frozen_at", "created_at")
RUBRIC = ("name", "version", "title_en", "title_zh", "lowest", "highest", "frozen_at", "created_at")


def _judge(row: Judge) -> Data:
    told = {name: getattr(row, name) for name in JUDGE}
    model = model_ref(row.model) if row.model else None
    members = [seat.member_id for seat in row.seats.all()]
    return {"id": row.pk, **told, "model": model, "options": without_secrets(row.options), "members": members}


def _rubric(row: Rubric) -> Data:
    return {"id": row.pk, **{name: getattr(row, name) for name in RUBRIC}}
