"""Our own judgments.jsonl, as `export_votes` writes it: a row is a judgment with all that is needed to rate it again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from arena.loading.records import (
    UNSTATED,
    Batch,
    GradeRecord,
    QuestionRecord,
    Row,
    RunRecord,
    VoteRecord,
)
from arena.loading.rows import LARGEST_NUMBER, is_number, short
from arena.loading.said import said as _

FIELDS = {"question", "judge", "kind", "status"}
PEOPLE = ("person", "simulated", "imported_person")
STATUSES = {name: name for name in ("ok", "parse_error", "truncated", "refused", "api_error", "skipped")}
KEPT_OUT = {name: name for name in ("", "practice", "gold", "repeat", "adjudication", "leak", "again")}
ORDERS = {name: name for name in ("both", "random", "balanced", "fixed")}
NUMBERED = re.compile(r"person \d+")
LARGEST = 32_767  # what the database takes as turn, trial or sample
NO_TEXT = "(The text of this question is not in the file of judgments.)"
LEFT_OUT = {"dry_run": "random verdicts of a dry run left out", "demo": "verdicts of a demo left out"}
SIMULATED = "simulated"  # people of a demo, who are not there
TELLING = ("run", "kind", "provenance", "rubric")


def is_judgment(row: Row) -> bool:
    return row.values.keys() >= FIELDS


def add(rows: Sequence[Row], batch: Batch, language: str) -> None:
    """Add the judgments, with what they tell of their questions and answers. Those of a dry run or a demo are left out, counted."""
    asked: dict[str, QuestionRecord] = {}
    for row in rows:
        if why := _why_left_out(row):
            row.report.counts[why] += 1
            continue
        record = _vote(row) if "first" in row.values else _grade(row)
        (batch.votes if isinstance(record, VoteRecord) else batch.grades).append(record)
        batch.imply_answers(record)
        known = asked.get(record.question)
        if known is None or len(known.turns) < record.turn:
            asked[record.question] = _question(row, record, language)
    batch.questions += asked.values()


def _why_left_out(row: Row) -> str | None:
    """Why a judgment would count here though nobody meant it to, were it loaded as imported; None where it may be loaded."""
    of = "demo" if row.values.get("kind") == SIMULATED else row.text("provenance", required=False)
    return LEFT_OUT.get(of)


def _question(row: Row, record: VoteRecord | GradeRecord, language: str) -> QuestionRecord:
    """The question of a judgment, as far as it tells: its key, its category, and that it has as many turns as were judged."""
    return QuestionRecord(
        row,
        record.question,
        row.text("category", required=False) or UNSTATED,
        [NO_TEXT] * max(1, record.turn),
        row.text("language", required=False) or language,
        meta={"published": False},
        implied=True,
        published=False,
    )


def _vote(row: Row) -> VoteRecord:
    """A preference: the file's value is towards `first`, which was shown second where it is `swapped`."""
    sides = [
        (row.text(name), row.text(f"{name}_version", required=False), _whole(row, f"{name}_sample"))
        for name in ("first", "second")
    ]
    value, both_bad = row.number("value"), row.take("both_bad", bool, required=False, default=False)
    scores = _scores(row, lowest=VoteRecord.lowest, highest=VoteRecord.highest)
    if row.take("swapped", bool, required=False, default=False):
        sides.reverse()
        value = -value if value else value
        scores = {name: -mark if mark else mark for name, mark in scores.items()}
    if both_bad and value != 0:
        row.problem("both_bad", _("is true, and the value is not 0"))
    (first, version_first, sample_first), (second, version_second, sample_second) = sides
    return VoteRecord(
        **_told(row, value),
        first=first,
        second=second,
        value=value,
        scores=scores,
        both_bad=both_bad,
        version_first=version_first,
        version_second=version_second,
        sample_first=sample_first,
        sample_second=sample_second,
        baseline=row.text("baseline", required=False),
        baseline_version=row.text("baseline_version", required=False),
    )


def _grade(row: Row) -> GradeRecord:
    value, lowest, highest = (
        row.number("value"),
        row.number("lowest", required=True),
        row.number("highest", required=True),
    )
    if lowest is not None and highest is not None and lowest >= highest:
        row.problem(
            "lowest",
            _("is %(lowest)s, which is not below highest, %(highest)s", lowest=short(lowest), highest=short(highest)),
        )
    told = _told(row, value)
    told["columns"]["points"] = row.take("points", list, required=False, default=[])
    return GradeRecord(
        **told,
        model=row.text("model"),
        version=row.text("version", required=False),
        sample=_whole(row, "sample"),
        score=value,
        scores=_scores(row),
        lowest=0.0 if lowest is None else float(lowest),
        highest=0.0 if highest is None else float(highest),
    )


def _told(row: Row, value: float | None) -> dict[str, Any]:
    """What preferences and grades say alike."""
    status = row.label("status", STATUSES) or "ok"
    if (status == "ok") != (value is not None):
        row.problem(
            "value", _("is missing") if value is None else _("is there, and the status is %(status)s", status=status)
        )
    return {
        "row": row,
        "question": row.key("question"),
        "judge": _judge(row),
        "is_person": row.text("kind") in PEOPLE,
        "status": status,
        "error": "" if status == "ok" else row.text("error", required=False) or status,
        "turn": _whole(row, "turn"),
        "trial": _whole(row, "trial"),
        "told_in": "value",
        "run": _run(row),
        "columns": {
            "reasons": row.texts("reasons", required=False),
            "note": row.take("note", str, required=False, default=""),
            "kept_out": row.label("kept_out", KEPT_OUT) if row.values.get("kept_out") else "",
        },
        "extra": _extra(row),
    }


def _judge(row: Row) -> str:
    """Who judged. Somebody without a name is known by the run: person 1 of another run is somebody else."""
    name = row.text("judge")
    return f"{name} of run {row.values.get('run')}" if NUMBERED.fullmatch(name) else name


def _run(row: Row) -> RunRecord | None:
    """The run it was part of, where the file says so."""
    if row.values.get("run") is None:
        return None
    name = row.text("run_name", required=False)
    order = row.label("order", ORDERS) if row.values.get("order") else "fixed"
    run = row.key("run")
    return RunRecord(
        f"{name} (run {run})" if name else f"run {run}", row.text("rubric", required=False), order or "fixed"
    )


def _extra(row: Row) -> dict[str, Any]:
    extra: dict[str, Any] = {"exported": {name: row.values[name] for name in TELLING if name in row.values}}
    if (active := row.number("active_ms")) is not None:
        extra["seconds"] = active / 1000
    moment = row.text("created_at", required=False)
    try:
        extra |= {"tstamp": datetime.fromisoformat(moment).timestamp()} if moment else {}
    except (ValueError, OverflowError):
        row.problem("created_at", _("is not a date and time"))
    return extra


def _scores(row: Row, *, lowest: float = -LARGEST_NUMBER, highest: float = LARGEST_NUMBER) -> dict[str, float]:
    """What was said by dimension, from `lowest` to `highest`."""
    scores = row.take("scores", dict, required=False, default={})
    if not all(map(is_number, scores.values())):
        row.problem("scores", _("holds something that is not a number"))
        return {}
    for name, mark in scores.items():
        if not lowest <= mark <= highest:
            row.problem(
                "scores",
                _(
                    "has %(mark)s for %(name)s, which is off the scale from %(lowest)s to %(highest)s",
                    mark=short(mark),
                    name=short(name),
                    lowest=f"{lowest:g}",
                    highest=f"{highest:g}",
                ),
            )
    return scores


def _whole(row: Row, name: str) -> int:
    value = row.take(name, int, required=False, default=0)
    if not 0 <= value <= LARGEST:
        row.problem(name, _("is not a whole number from 0 to %(most)s", most=LARGEST))
        return 0
    return value
