"""What formats share whose rows hold a question, two answers and who was thought better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arena.loading.records import AnswerRecord, Batch, ModelRecord, QuestionRecord, Row, VoteRecord


def add_pair(
    batch: Batch,
    row: Row,
    key: str,
    category: str,
    question: str,
    *,
    language: str,
    answers: Mapping[str, tuple[ModelRecord, str]],
    meta: dict[str, Any] | None = None,
) -> None:
    """The question and its two answers, told along with a verdict: `answers` is field → who wrote it, and the text.

    The answers may be empty: they were judged as they are.
    """
    batch.questions.append(QuestionRecord(row, key, category, [question], language, meta=meta or {}, implied=True))
    for field, (model, text) in answers.items():
        batch.answers.append(AnswerRecord(row, key, model, [text], may_be_empty=True, implied=True, told_in=field))


def vote(
    row: Row,
    key: str,
    shown: tuple[str, str],
    value: float | None,
    judge: str,
    *,
    told_in: str,
    is_person: bool = False,
    both_ways: bool = False,
    is_half: bool = False,
    reply: str = "",
    seconds: float | None = None,
    both_bad: bool = False,
) -> VoteRecord:
    """A verdict towards the first of the two shown; None is a failure: the file has none that can be used."""
    return VoteRecord(
        row,
        key,
        *shown,
        value,
        judge,
        is_person=is_person,
        both_bad=both_bad,
        both_ways=both_ways,
        is_half=is_half,
        status="parse_error" if value is None else "ok",
        error="the file has no verdict here" if value is None else "",
        reply=reply,
        extra={} if seconds is None else {"seconds": seconds},
        told_in=told_in,
    )
