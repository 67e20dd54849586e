"""Answers: what models wrote, and how programs of leads bring in more."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from arena.models import UNPUBLISHED, Answer, LanguageModel, Provenance, Question, storable
from judging.access import is_blind_on
from rating.api.auth import LEADS
from rating.api.posted import MOST_AT_ONCE, Posted, refusing_repeats
from rating.api.problems import Problem, ProblemRow, unusable
from rating.api.rows import BlindPage, Data, Id, ModelRef, Paging, Text, blind_benchmarks, narrowed, one, paged
from rating.api.rows import Provenance as ProvenanceText

router = Router(tags=["Answers"])
LONGEST_TURN = 1_000_000  # characters
UNTOLD = dict.fromkeys(
    (
        "id",
        "model",
        "sample",
        "finish",
        "tokens_in",
        "tokens_out",
        "first_token_s",
        "seconds",
        "characters",
        "created_at",
    )
)
"""What is not told of an answer while people vote on it."""


class AnswerRow(Schema):
    """What a model wrote to a question; fields that would tell who wrote it are null while people vote on it."""

    id: int | None
    question: int = Field(description="its id")
    model: ModelRef | None
    sample: int | None
    turns: list[str] = Field(description="one text per turn; empty where there is an error")
    error: Text = Field(description="why there is nothing")
    finish: Text
    tokens_in: int | None
    tokens_out: int | None
    first_token_s: float | None = Field(description="seconds to the first token")
    seconds: float | None = Field(description="of the whole call")
    characters: int | None = Field(description="over all turns")
    provenance: ProvenanceText
    created_at: datetime | None


class AnswerFilters(Paging):
    benchmark: Id | None = Field(None, description="its id")
    question: Id | None = Field(None, description="its id")
    category: str | None = Field(None, description="its key")
    model: Id | None = Field(None, description="its id")
    sample: int | None = Field(None, ge=0, le=32_767)
    failed: bool | None = Field(None, description="only those that failed, or only those that have a text")


class AnswerSent(Schema):
    question: Id = Field(description="its id")
    model: Id = Field(description="its id")
    sample: int = Field(0, ge=0, le=32_767)
    turns: list[Annotated[str, Field(max_length=LONGEST_TURN)]] = Field(min_length=1, max_length=50)
    finish: str = Field("", max_length=40)
    tokens_in: int | None = Field(None, ge=0, le=2**31 - 1)
    tokens_out: int | None = Field(None, ge=0, le=2**31 - 1)
    first_token_s: float | None = Field(None, ge=0, allow_inf_nan=False)
    seconds: float | None = Field(None, ge=0, allow_inf_nan=False)


class AnswersSent(Schema):
    answers: list[AnswerSent] = Field(min_length=1, max_length=MOST_AT_ONCE)


@router.get("/answers", response=BlindPage[AnswerRow], summary="Answers")
def answers(request: HttpRequest, filters: Query[AnswerFilters]) -> Data:
    """Answers of benchmarks that people are voting on are left out for whoever may not know who wrote them."""
    withheld = blind_benchmarks(request.user)
    wanted = {
        "question__benchmark": filters.benchmark,
        "question": filters.question,
        "question__category__key": filters.category,
        "model": filters.model,
        "sample": filters.sample,
    }
    rows = narrowed(Answer.objects.exclude(question__benchmark__in=withheld), wanted)
    if filters.failed is not None:
        rows = rows.failed() if filters.failed else rows.ok()
    return paged(
        request,
        rows.select_related("model").defer("html", "reasoning", "trace"),
        filters,
        answer_row,
        withheld=withheld,
    )


@router.get("/answers/{int:pk}", response={200: AnswerRow, 403: ProblemRow}, summary="One answer")
def answer(request: HttpRequest, pk: int) -> Data:
    found = one(Answer.objects.select_related("model", "question__benchmark"), pk)
    refuse_if_blind(request, found.question)
    return answer_row(found)


def refuse_if_blind(request: HttpRequest, question: Question) -> None:
    """Raises Problem where people vote on the question's benchmark and this reader may not know who wrote what.

    An answer's id is enough to put answers of one model together.
    """
    if is_blind_on(request.user, question.benchmark):
        raise Problem(
            403, _("People are voting on this benchmark: who wrote what is hidden until they are done."), word="blind"
        )


@router.post(
    "/answers",
    response={200: Posted, 201: Posted, 403: ProblemRow, 409: ProblemRow, 422: ProblemRow},
    summary="Add answers (leads)",
    auth=LEADS,
)
def add_answers(request: HttpRequest, sent: AnswersSent) -> Any:
    """All of them or none, 500 at the most. An answer that is there already with the same words is left as it is; other
    words for the same question, model and sample are refused."""
    refusing_repeats("answers", [(row.question, row.model, row.sample) for row in sent.answers])
    try:
        with transaction.atomic():
            new = _checked(sent.answers)
            _make_room(new)
            Answer.objects.bulk_create([row.rendered() for row in new], batch_size=200)
    except IntegrityError:
        told = _("Somebody else posted one of these at the same moment. Nothing was added: send them again.")
        raise Problem(409, told, word="meanwhile") from None
    return Posted.of(len(new), len(sent.answers))


def _checked(sent: list[AnswerSent]) -> list[Answer]:
    """The answers that are new, not saved. Raises Problem with all that is wrong. Three queries."""
    questions = Question.objects.select_related("benchmark").in_bulk({row.question for row in sent})
    models = LanguageModel.objects.in_bulk({row.model for row in sent})
    there = _there(sent)
    faults, new = [], []
    for index, row in enumerate(sent):
        problems = _faults(
            row, questions.get(row.question), models.get(row.model), there.get((row.question, row.model, row.sample))
        )
        faults += [(f"answers[{index}].{field}", message) for field, message in problems]
        if not problems and (row.question, row.model, row.sample) not in there:
            new.append(_row(row, questions[row.question]))
    if faults:
        raise unusable(*faults)
    return new


def _there(sent: list[AnswerSent]) -> dict[tuple[int, int, int], list[str]]:
    """The turns of the good answers in these places. One query."""
    rows = Answer.objects.ok().filter(
        question__in={row.question for row in sent}, model__in={row.model for row in sent}
    )
    found = rows.order_by().values_list("question", "model", "sample", "turns")
    return {(question, model, sample): turns for question, model, sample, turns in found}


def _faults(
    row: AnswerSent, question: Question | None, model: LanguageModel | None, there: list[str] | None
) -> list[tuple[str, str]]:
    faults = []
    if question is None:
        faults.append(("question", _("there is no such question")))
    elif len(row.turns) != len(question.turns):
        faults.append(
            (
                "turns",
                _("has %(n)d texts for a question of %(of)d turns") % {"n": len(row.turns), "of": len(question.turns)},
            )
        )
    if model is None:
        faults.append(("model", _("there is no such model")))
    if not "".join(row.turns).strip():
        faults.append(("turns", _("is empty")))
    if there is not None and there != [storable(text) for text in row.turns]:
        faults.append(("turns", _("differs from the answer already there")))
    return faults


def _row(sent: AnswerSent, question: Question) -> Answer:
    told = {name: getattr(sent, name) for name in ("sample", "tokens_in", "tokens_out", "first_token_s", "seconds")}
    return Answer(
        question=question,
        model_id=sent.model,
        turns=[storable(text) for text in sent.turns],
        finish=storable(sent.finish),
        provenance=Provenance.DEMO if question.benchmark.is_demo else Provenance.IMPORTED,
        **told,
    )


def _make_room(new: list[Answer]) -> None:
    """Delete failed answers in these places; one whose text had not been published gives its row to the new one."""
    places = {(row.question_id, row.model_id, row.sample): row for row in new}
    textless = Answer.objects.without_text().filter(
        question__in={row.question_id for row in new}, model__in={row.model_id for row in new}
    )
    for old in textless.select_for_update().only("question", "model", "sample", "error"):
        row = places.get((old.question_id, old.model_id, old.sample))
        if row is None:
            continue
        if old.error == UNPUBLISHED:
            raise Problem(
                409,
                _("An answer in this place was judged elsewhere and not published: load it from a file."),
                word="unpublished",
            )
        old.delete()


def answer_row(row: Answer, *, blind: bool = False) -> Data:
    """An answer as a row, its model loaded; without what would tell who wrote it where the reader is blind on it."""
    told: Data = {"question": row.question_id, "turns": row.turns, "error": row.error, "provenance": row.provenance}
    if blind:
        return {**told, **UNTOLD, "error": "hidden" if row.error else "", "provenance": row.provenance}
    names = ("sample", "finish", "tokens_in", "tokens_out", "first_token_s", "seconds", "created_at")
    model = {"id": row.model_id, "name": row.model.name, "version": row.model.version}
    return {
        "id": row.pk,
        "model": model,
        "characters": row.length,
        **told,
        **{name: getattr(row, name) for name in names},
    }
