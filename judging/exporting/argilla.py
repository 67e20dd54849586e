"""Records as Argilla's feedback datasets have them: fields, people's responses, judges' suggestions; JSON lines."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from judging.exporting.base import Report, Wanted, json_line, origin
from judging.exporting.items import Item, Said, items
from judging.exporting.words import WORD_OF, word_of
from judging.models import Grade, Run


def as_lines(run: Run, wanted: Wanted, report: Report) -> Iterator[str]:
    """One record an item; `responses` of people, each with all its values, `suggestions` of judges if wanted.

    Adjudications are in the metadata, and no response of an annotator.
    """
    for item in items(run, wanted, report):
        report.written += 1
        yield json_line(_record(run, item, judges=wanted.judges))


def _record(run: Run, item: Item, *, judges: bool) -> dict[str, Any]:
    question = item.question
    texts = ("response",) if run.is_single else ("response_a", "response_b")
    answers = {name: answer.text for name, answer in zip(texts, item.answers, strict=True)}
    models = {
        f"model{name.removeprefix('response')}": answer.model.name
        for name, answer in zip(texts, item.answers, strict=True)
    }
    names = {"people": ", ".join(dict.fromkeys(one.who for one in item.votes))} if item.votes else {}
    ruled = {"adjudicated": _verdict(item.adjudications[-1].judgment)} if item.adjudications else {}
    return {
        "external_id": f"{question.key}:{item.pk}",
        "fields": {"prompt": "\n\n".join(question.turns), **answers},
        "responses": [_response(run, one) for one in item.votes],
        "suggestions": [part for one in item.verdicts for part in _suggested(one)] if judges else [],
        "metadata": {
            "category": question.category.key,
            "language": question.language,
            **origin(run),
            **models,
            **names,
            **ruled,
        },
    }


def _response(run: Run, said: Said) -> dict[str, Any]:
    """A person's vote. The user is a UUID, as Argilla has it: always the same of one person in one run."""
    values = {name: {"value": value} for name, value in _values(said).items()}
    return {"user_id": user_id(run, said), "status": "submitted", "values": values}


def user_id(run: Run, said: Said) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"juryroom/runs/{run.pk}/{said.who}"))


def _values(said: Said) -> dict[str, Any]:
    row = said.judgment
    turn = f"_turn_{row.turn}" if row.turn else ""
    is_grade = isinstance(row, Grade)
    told = {("score" if is_grade else "preference") + turn: _verdict(row)}
    told |= {f"{key}{turn}": value if is_grade else WORD_OF[round(value)] for key, value in row.scores.items()}
    return told | ({"reasons": row.reasons} if row.reasons else {}) | ({"note": row.note} if row.note else {})


def _verdict(row: Any) -> Any:
    return row.score if isinstance(row, Grade) else word_of(row)


def _suggested(said: Said) -> list[dict[str, Any]]:
    return [{"question_name": name, "value": value, "agent": said.who} for name, value in _values(said).items()]
