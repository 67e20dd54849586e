"""Our own table of votes, with everything that is on record of each: JSON lines or CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from arena import sheets
from judging.exporting.base import Report, Wanted, batches, json_line, people, table_of
from judging.exporting.items import NOT_TOLD, active_key, active_times
from judging.models import Grade, Judge, Preference, Run, Status
from judging.voting_items import field_of

COMMON = (
    "run", "benchmark", "question", "category", "language", "item", "judge", "kind", "turn", "trial", "status", "value", "both_bad",
    "scores", "points", "reasons", "note", "active_ms", "kept_out", "rubric", "provenance", "created_at", "error", "run_name", "order",
)  # fmt: skip
PAIR = (
    "first",
    "first_version",
    "first_sample",
    "second",
    "second_version",
    "second_sample",
    "swapped",
    "baseline",
    "baseline_version",
)
ONE = ("model", "version", "sample", "lowest", "highest")


def as_lines(run: Run, wanted: Wanted, report: Report) -> Iterator[str]:
    """One JSON object a vote."""
    for row in _rows(run, wanted, report):
        yield json_line(row)


def as_csv(run: Run, wanted: Wanted, report: Report) -> Iterator[str]:
    """One row a vote; cells that a spreadsheet would take for formulas begin with an apostrophe."""
    names = (*COMMON, *(ONE if run.is_single else PAIR))
    yield sheets.line(names)
    for row in _rows(run, wanted, report):
        yield sheets.line(_cell(row[name]) for name in names)


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return value


def _rows(run: Run, wanted: Wanted, report: Report) -> Iterator[dict[str, Any]]:
    """Every standing vote of a run, those too that ratings leave out; verdicts of machines if wanted. Two queries a batch."""
    table, known = table_of(run), people(run, names=wanted.names)
    report.left_out["votes changed or taken back since"] += (
        table.objects.filter(run=run, superseded_at__isnull=False).by_people().count()
    )
    votes = table.objects.current().filter(run=run)
    where = "answer" if run.is_single else "battle"
    sides = ("answer__model",) if run.is_single else ("battle__first__model", "battle__second__model")
    related = ("judge", "rubric", "run__benchmark", "run__baseline", f"{where}__question__category", *sides)
    votes = votes if wanted.judges else votes.by_people()
    for batch in batches(votes, related=related, without=(*NOT_TOLD, *_texts(run))):
        active = active_times(run, {getattr(row, f"{field_of(run)}_id") for row in batch})
        for row in batch:
            report.written += 1
            yield _row(row, known, active)


def _texts(run: Run) -> list[str]:
    """The texts of questions and answers, which a table of votes has no column for and which are most of the rows."""
    where = ["answer"] if run.is_single else ["battle__first", "battle__second"]
    question = ("answer" if run.is_single else "battle") + "__question__"
    asked = [question + name for name in ("turns", "system", "reference", "checks", "meta")]
    return asked + [f"{side}__{name}" for side in where for name in ("turns", "html", "reasoning", "trace")]


def _row(row: Preference | Grade, known: dict[int, tuple[int, str]], active: dict) -> dict[str, Any]:
    item = row.answer if isinstance(row, Grade) else row.battle
    question = item.question
    return {
        "run": row.run_id,
        "benchmark": str(row.run.benchmark),
        "question": question.key,
        "category": question.category.key,
        "language": question.language,
        "item": item.pk,
        "judge": known[row.judge_id][1] if row.judge_id in known else str(row.judge),
        "kind": row.judge.kind,
        "turn": row.turn,
        "trial": row.trial,
        "status": str(Status(row.status)),
        "reasons": row.reasons,
        "note": row.note,
        "active_ms": active.get(active_key(row), _imported_ms(row)),
        "kept_out": row.kept_out,
        "rubric": str(row.rubric),
        "provenance": row.provenance,
        "created_at": row.created_at.isoformat(),
        "error": row.error,
        "run_name": row.run.name,
        "order": row.run.order,
        "scores": row.scores,
        **(_graded(row) if isinstance(row, Grade) else _preferred(row)),
    }


def _imported_ms(row: Preference | Grade) -> int | None:
    """The time that the file told of an imported person."""
    is_told = row.judge.kind == Judge.Kind.IMPORTED_PERSON and row.seconds is not None
    return round(row.seconds * 1000) if is_told else None


def _graded(row: Grade) -> dict[str, Any]:
    model = row.answer.model
    told = {"model": model.name, "version": model.version, "sample": row.answer.sample}
    told |= {"lowest": row.rubric.lowest, "highest": row.rubric.highest}
    return {"value": row.score, "both_bad": None, "points": row.points, **told}


def _preferred(row: Preference) -> dict[str, Any]:
    """Values point towards `first`, whichever side it was shown on; `swapped`: it was shown on the right."""
    told: dict[str, Any] = {"value": row.value, "both_bad": row.both_bad, "points": [], "swapped": row.swapped}
    baseline = row.run.baseline_of(row.battle.question.category_id)
    told |= {"baseline": "", "baseline_version": ""}
    for side in ("first", "second"):
        answer = getattr(row.battle, side)
        if answer.model_id == baseline:
            told |= {"baseline": answer.model.name, "baseline_version": answer.model.version}
        told |= {side: answer.model.name, f"{side}_version": answer.model.version, f"{side}_sample": answer.sample}
    return told
