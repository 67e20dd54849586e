"""AlpacaEval files: model_outputs.json and annotations.json, lists of objects joined by their instruction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from arena.loading.naming import Naming
from arena.loading.records import (
    JUDGMENTS,
    UNSTATED,
    AnswerRecord,
    Batch,
    ModelRecord,
    QuestionRecord,
    Report,
    Row,
    VoteRecord,
    is_left_out,
    objects_of,
)
from arena.loading.said import said as _

DRAW = 1.5
OLD_DRAW = 0.0
MISSING = -1.0
ORDER_UNKNOWN = _("the order the answers were shown in is not said; output_1 is taken as shown first")


def read(
    files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str, naming: Naming
) -> Batch:
    """Questions, outputs and annotations. `model` wrote `output`, or in annotations `output_2`: the first is the baseline's."""
    batch = Batch()
    for path in files:
        for row in objects_of(path, report):
            asked = _question(row, language)
            batch.questions.append(asked)
            if "output_1" in row.values or "output_2" in row.values:
                _annotation(row, asked.key, batch, model, kinds)
            else:
                batch.answers.append(_answer(row, asked.key, "output", model or ModelRecord(row.text("generator"))))
    return batch


def key_of(instruction: str) -> str:
    """The key of a question that has none but its text: 16 hex digits of its SHA-256."""
    return hashlib.sha256(instruction.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _question(row: Row, language: str) -> QuestionRecord:
    asked = row.text("instruction")
    category = row.text("dataset", required=False) or UNSTATED
    key = key_of(asked) if asked else ""
    return QuestionRecord(row, key, category, [asked], language, implied=True, told_in="instruction")


def _answer(row: Row, question: str, name: str, model: ModelRecord) -> AnswerRecord:
    """An output, which may be empty: it was judged as it was."""
    text = row.take(name, str, default="")
    return AnswerRecord(row, question, model, [text], may_be_empty=True, implied=True, told_in=name)


def _annotation(row: Row, question: str, batch: Batch, model: ModelRecord | None, kinds: Sequence[str]) -> None:
    """Both outputs and the verdict on them; a model against itself says nothing and is left out, counted."""
    baseline = ModelRecord(row.text("generator_1"))
    candidate = model or ModelRecord(row.text("generator_2"))
    if baseline.name == candidate.name:
        row.report.counts["verdicts on a model against itself, left out"] += 1
        return
    batch.answers += [_answer(row, question, "output_1", baseline), _answer(row, question, "output_2", candidate)]
    if is_left_out(row, JUDGMENTS, kinds):
        return
    row.report.note(_("%(file)s: %(note)s", file=row.file.name, note=ORDER_UNKNOWN))
    value = _value(row)
    batch.votes.append(
        VoteRecord(
            row,
            question,
            baseline.name,
            candidate.name,
            value,
            row.text("annotator"),
            is_person=False,
            status="parse_error" if value is None else "ok",
            error="the file has no preference" if value is None else "",
            reply=_reply(row),
            version_first=baseline.version,
            version_second=candidate.version,
            baseline=baseline.name,
            extra=row.extra(cost="price_per_example", seconds="time_per_example", preference="preference"),
            told_in="preference",
        )
    )


def _value(row: Row) -> float | None:
    """The preference from 1 (output_1) to 2 (output_2) as one from 1 to −1; None where there is none, or −1.

    Between the two it is the probability of output_2, plus 1; 0 was once written for a draw.
    """
    preference = row.number("preference")
    if preference is None or preference == MISSING:
        return None
    if preference in (DRAW, OLD_DRAW):
        return 0.0
    if not 1 <= preference <= 2:
        row.problem("preference", _("is %(preference)s, not from 1 to 2", preference=f"{preference:g}"))
        return None
    return 2 * (DRAW - preference)


def _reply(row: Row) -> str:
    """What the judge wrote, where it was kept; of a weighted verdict, the one token whose probability it is."""
    raw: Any = row.values.get("raw_completion")
    text = raw.get("text") if isinstance(raw, dict) else raw
    return text if isinstance(text, str) else ""
