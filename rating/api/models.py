"""Models, and numbers measured of them elsewhere."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from arena.frame import is_lead
from arena.keys import lack_of
from arena.models import LanguageModel
from arena.withholding import without_secrets
from rating.api.rows import Data, Id, ModelRef, Page, Paging, Provenance, Text, narrowed, one, paged
from rating.models import Score

router = Router(tags=["Models"])


class EndpointRow(Schema):
    """How a model is asked; leads alone see it."""

    provider: Text
    endpoint_model: Text
    base_url: Text
    key_env: Text = Field(description="name of the environment variable with the key; never the key")
    key_is_set: bool | None
    options: Data
    limits: Data


class ModelRow(Schema):
    id: int
    name: str
    version: str
    vendor: str
    family: Text
    licence: Text
    stage: Text = Field(description="of its training: pretrained, sft, rlhf …")
    precision: Text = Field(description="of its weights as it was asked: bf16, int8 …")
    description_en: Text
    description_zh: Text
    price_in: float | None = Field(description="per million tokens, in the prices’ currency")
    price_out: float | None = Field(description="per million tokens, in the prices’ currency")
    provenance: Provenance
    created_at: datetime
    endpoint: EndpointRow | None = Field(description="null for anybody but leads, and without an endpoint")


class ScoreRow(Schema):
    """A number measured elsewhere or by a rule."""

    id: int
    kind: str = Field(description="objective, safety or speed")
    model: ModelRef
    benchmark: str
    category: Text
    metric: str
    value: float
    unit: Text
    n: int | None = Field(description="questions it is of; null: unknown")
    target: float | None
    lower_is_better: bool
    source: str
    provenance: Provenance
    created_at: datetime


class ModelFilters(Paging):
    name: str | None = None
    vendor: str | None = None
    family: str | None = None
    stage: str | None = None


class ScoreFilters(Paging):
    model: Id | None = Field(None, description="its id")
    kind: str | None = Field(None, description="objective, safety or speed")
    benchmark: str | None = None
    metric: str | None = None


@router.get("/models", response=Page[ModelRow], summary="Models")
def models(request: HttpRequest, filters: Query[ModelFilters]) -> Data:
    """Every language model, whether its answers are compared or it judges."""
    wanted = {name: getattr(filters, name) for name in ("name", "vendor", "family", "stage")}
    lead = is_lead(request.user)
    return paged(request, narrowed(LanguageModel.objects.all(), wanted), filters, lambda row: model_row(row, lead=lead))


@router.get("/models/{int:pk}", response=ModelRow, summary="One model")
def model(request: HttpRequest, pk: int) -> Data:
    return model_row(one(LanguageModel.objects, pk), lead=is_lead(request.user))


@router.get("/scores", response=Page[ScoreRow], summary="Scores measured elsewhere")
def scores(request: HttpRequest, filters: Query[ScoreFilters]) -> Data:
    """Objective scores, safety rates and speed, each with its source."""
    wanted = {name: getattr(filters, name) for name in ("model", "kind", "benchmark", "metric")}
    return paged(request, narrowed(Score.objects.select_related("model"), wanted), filters, _score)


MODEL = (
    "name", "version", "vendor", "family", "licence", "stage", "precision", "description_en", "description_zh",
    "price_in", "price_out", "provenance", "created_at",
)  # fmt: skip


def model_row(row: LanguageModel, *, lead: bool) -> Data:
    told = {name: getattr(row, name) for name in MODEL}
    return {"id": row.pk, **told, "endpoint": _endpoint(row) if lead and row.provider else None}


def _endpoint(row: LanguageModel) -> Data:
    names = ("provider", "endpoint_model", "base_url", "key_env")
    told = {name: getattr(row, name) for name in names}
    is_set = lack_of(row) is None if row.key_env else None
    return {**told, "key_is_set": is_set, "options": without_secrets(row.options), "limits": row.limits}


def model_ref(row: LanguageModel) -> Data:
    return {"id": row.pk, "name": row.name, "version": row.version}


SCORE = ("kind", "benchmark", "category", "metric", "value", "unit", "n", "target", "lower_is_better", "source")


def _score(row: Score) -> Data:
    told = {name: getattr(row, name) for name in (*SCORE, "provenance", "created_at")}
    return {"id": row.pk, **told, "model": model_ref(row.model)}
