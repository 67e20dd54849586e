"""Our own JSONL and CSV: questions, answers and judgments, told apart by their fields."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from arena.loading import own_judgments
from arena.loading.naming import Naming
from arena.loading.records import (
    JUDGMENTS,
    AnswerRecord,
    Batch,
    ModelRecord,
    QuestionRecord,
    Report,
    Row,
    is_left_out,
    rows_of,
)
from arena.loading.rows import ending_of
from arena.loading.said import said as _
from arena.loading.tables import table_rows_of

QUESTION_FIELDS = {"key", "category", "turns", "language", "system", "reference", "checks", "tags", "meta"}
LARGEST_NUMBER, LARGEST = 2_000_000_000, {"sample": 32_767}
NUMBERS = {"tokens_in": int, "tokens_out": int, "first_token_s": (int, float), "seconds": (int, float)}


def read(
    files: list[Path],
    report: Report,
    *,
    kinds: Sequence[str],
    model: ModelRecord | None,
    language: str,
    naming: Naming,
) -> Batch:
    """Questions, answers and judgments of our own files. Problems go to `report`."""
    batch = Batch()
    judgments: list[Row] = []
    for path in files:
        for row in (table_rows_of if ending_of(path) == ".csv" else rows_of)(path, report):
            if own_judgments.is_judgment(row):
                if ending_of(path) == ".csv":
                    row.problem("judge", _("judgments are not read from CSV; export them as JSON lines"))
                    break
                if not is_left_out(row, JUDGMENTS, kinds):
                    judgments.append(row)
            elif "question" in row.values:
                batch.answers.append(answer(row, model))
            else:
                batch.questions.append(question(row, language))
    own_judgments.add(judgments, batch, language)
    return batch


def question(row: Row, language: str) -> QuestionRecord:
    """One row of questions.jsonl; keys we do not know are kept in `meta`."""
    meta = dict(row.take("meta", dict, required=False, default={}))
    meta.update({name: value for name, value in row.values.items() if name not in QUESTION_FIELDS})
    reference = row.values.get("reference")
    if isinstance(reference, str):
        row.values["reference"] = [reference]
    checks = row.take("checks", list, required=False, default=[])
    if any(not isinstance(check, dict) for check in checks):
        row.problem("checks", _("holds something that is not an object"))
        checks = []
    return QuestionRecord(
        row=row,
        key=row.key("key"),
        category=row.text("category"),
        turns=row.asked("turns"),
        language=row.text("language", required=False) or language,
        system=row.text("system", required=False),
        reference=row.texts("reference", required=False),
        checks=checks,
        tags=row.texts("tags", required=False),
        meta=meta,
    )


def answer(row: Row, model: ModelRecord | None) -> AnswerRecord:
    """One row of answers.jsonl; who answered stands in the row, or in `model` for the whole file."""
    if model is None:
        model = ModelRecord(row.text("model"), row.text("version"), row.text("vendor"))
    extra = {name: row.take(name, kind, required=False) for name, kind in NUMBERS.items()}
    sample = row.take("sample", int, required=False, default=0)
    for name, value in {**extra, "sample": sample}.items():
        if value is not None and not 0 <= value <= LARGEST.get(name, LARGEST_NUMBER):
            row.problem(
                name, _("is %(value)s, not from 0 to %(most)s", value=value, most=LARGEST.get(name, LARGEST_NUMBER))
            )
    reasoning = row.values.get("reasoning")
    extra["reasoning"] = [reasoning] if isinstance(reasoning, str) else row.texts("reasoning", required=False)
    extra["trace"] = row.take("trace", list, required=False, default=[])
    extra["finish"] = row.text("finish", required=False)[:40]
    return AnswerRecord(row, row.key("question"), model, row.texts("turns"), sample, extra)
