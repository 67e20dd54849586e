"""llmuses files: question.jsonl and answer_*.jsonl, one text each."""

from __future__ import annotations

from pathlib import Path

from arena.loading.records import (
    AnswerRecord,
    Batch,
    ModelRecord,
    QuestionRecord,
    Report,
    Row,
    files_of,
    is_other_kind,
    rows_of,
)

QUESTION_FIELDS = {"question_id", "text", "category"}
OTHERS = {"reviews": ("review_text", "review_text_1")}


def read(paths: list[Path], report: Report, *, model: ModelRecord | None = None, language: str = "en") -> Batch:
    """Questions and answers, told apart by their fields."""
    batch = Batch()
    for path in files_of(paths, report):
        for row in rows_of(path, report):
            if is_other_kind(row, OTHERS):
                continue
            if "answer" in row.values:
                batch.answers.append(answer(row, model))
            else:
                batch.questions.append(question(row, language))
    return batch


def question(row: Row, language: str) -> QuestionRecord:
    meta = {name: value for name, value in row.values.items() if name not in QUESTION_FIELDS}
    return QuestionRecord(row, row.key("question_id"), row.text("category"), [row.text("text")], language, meta=meta)


def answer(row: Row, model: ModelRecord | None) -> AnswerRecord:
    return AnswerRecord(
        row, row.key("question_id"), model or model_of(row.text("model_id")), [row.take("answer", str, default="")]
    )


def model_of(model_id: str) -> ModelRecord:
    """ "name:version" as these files write it; without a colon the version is unstated."""
    name, _, version = model_id.partition(":")
    return ModelRecord(name, version) if version else ModelRecord(name)
