"""What was judged in a run, in our own formats: questions.jsonl and answers.jsonl, which `load juryroom` reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from arena.models import Answer, Question
from judging.exporting.base import Report, Wanted, batches, json_line
from judging.models import Run
from judging.voting_items import questions_of

NO_TEXT = "answers without their text"


def questions_as_lines(run: Run, wanted: Wanted, report: Report) -> Iterator[str]:
    """One JSON object a question, with all that it is."""
    for batch in batches(Question.objects.filter(pk__in=questions_of(run).values("pk")), related=("category",)):
        for row in batch:
            report.written += 1
            yield json_line(_question(row))


def answers_as_lines(run: Run, wanted: Wanted, report: Report) -> Iterator[str]:
    """One JSON object an answer of the run's models; those without a text are left out and counted."""
    by = Q(model__in=run.candidates.order_by().values("pk")) | Q(model=run.baseline_id)
    rows = Answer.objects.filter(by, question__in=questions_of(run).values("pk"))
    report.left_out[NO_TEXT] += rows.without_text().count()
    for batch in batches(rows.ok(), related=("question", "model"), without=("html",)):
        for row in batch:
            report.written += 1
            yield json_line(_answer(row))


def _question(row: Question) -> dict[str, Any]:
    told = {"key": row.key, "category": row.category.key, "turns": row.turns, "language": row.language}
    more = {name: getattr(row, name) for name in ("system", "reference", "checks", "tags", "meta")}
    return told | {name: value for name, value in more.items() if value}


def _answer(row: Answer) -> dict[str, Any]:
    model = row.model
    told = {"question": row.question.key, "model": model.name, "version": model.version, "vendor": model.vendor}
    told |= {"turns": row.turns, "sample": row.sample}
    names = ("reasoning", "trace", "tokens_in", "tokens_out", "first_token_s", "seconds", "finish")
    more = {name: getattr(row, name) for name in names}
    return told | {name: value for name, value in more.items() if value not in (None, "", [])}
