"""The first rows of a file, as a report shows them: plain texts, cut to what fits a page."""

from __future__ import annotations

from collections.abc import Iterable

from arena.loading import ANSWERS, JUDGMENTS, PROMPTS, QUESTIONS, Batch
from arena.models import storable
from rating.score_files import ScoreRow

ROWS = 5
LONGEST = 240


def of(batch: Batch) -> list[dict]:
    """For each kind in the batch its first rows: {kind, rows: [{line, cells}]}; every cell is a text."""
    found = {
        QUESTIONS: [(r.row.line, (r.key, r.category, r.language, r.turns)) for r in batch.questions[:ROWS]],
        ANSWERS: [
            (r.row.line, (r.question, f"{r.model.name} {r.model.version}", r.turns)) for r in batch.answers[:ROWS]
        ],
        JUDGMENTS: [
            *(
                (r.row.line, (r.judge, r.question, f"{r.first} – {r.second}", _value(r.value)))
                for r in batch.votes[:ROWS]
            ),
            *((r.row.line, (r.judge, r.question, r.model, _value(r.score))) for r in batch.grades[:ROWS]),
        ],
        PROMPTS: [(r.row.line, (r.name, r.form, [r.prompt])) for r in batch.rubrics[:ROWS]],
    }
    return [
        {"kind": kind, "rows": [{"line": line, "cells": [_text(cell) for cell in cells]} for line, cells in rows]}
        for kind, rows in found.items()
        if rows
    ]


def of_scores(rows: list[ScoreRow]) -> list[dict]:
    """The same for a table of scores."""
    cells = [
        (f"{row.model} {row.version}", row.benchmark, row.metric, f"{row.value:g} {row.unit}") for row in rows[:ROWS]
    ]
    lines = [
        {"line": row.place.rpartition(" ")[2], "cells": [_text(cell.strip()) for cell in told]}
        for row, told in zip(rows, cells, strict=False)
    ]
    return [{"kind": "scores", "rows": lines}] if lines else []


def _value(value: float | None) -> str:
    return "—" if value is None else f"{value:g}"


def _text(cell: str | Iterable[str]) -> str:
    text = storable(cell if isinstance(cell, str) else " ⏎ ".join(cell))
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
