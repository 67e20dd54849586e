"""MT-bench files: question.jsonl, model_answer/*.jsonl, reference_answer/*.jsonl."""

from __future__ import annotations

from pathlib import Path

from arena.loading.records import (
    AnswerRecord,
    Batch,
    ModelRecord,
    QuestionRecord,
    ReferenceRecord,
    Report,
    Row,
    files_of,
    is_other_kind,
    rows_of,
)

QUESTION_FIELDS = {"question_id", "category", "turns", "reference"}
OTHERS = {"judgments": ("judgment", "g1_judgment"), "judge prompts": ("prompt_template",)}


def read(paths: list[Path], report: Report, *, model: ModelRecord | None = None, language: str = "en") -> Batch:
    """Questions, answers and reference answers, told apart by fields and by "reference_answer" in the path."""
    batch = Batch()
    for path in files_of(paths, report):
        is_reference = "reference_answer" in str(path)
        for row in rows_of(path, report):
            if is_other_kind(row, OTHERS):
                continue
            if "choices" not in row.values:
                batch.questions.append(question(row, language))
            elif is_reference:
                batch.references += [
                    ReferenceRecord(row, row.key("question_id"), _turns(row, choice)) for choice in _choices(row)[:1]
                ]
            else:
                batch.answers += answers(row, model)
    return batch


def question(row: Row, language: str) -> QuestionRecord:
    reference = row.texts("reference", required=False)
    meta = {name: value for name, value in row.values.items() if name not in QUESTION_FIELDS}
    return QuestionRecord(
        row, row.key("question_id"), row.text("category"), row.asked("turns"), language, reference=reference, meta=meta
    )


def answers(row: Row, model: ModelRecord | None) -> list[AnswerRecord]:
    """One answer for each choice; the format has no place for version and vendor."""
    name = row.text("model_id")
    model = model or ModelRecord(name)
    return [
        AnswerRecord(row, row.key("question_id"), model, _turns(row, choice), sample)
        for sample, choice in enumerate(_choices(row))
    ]


def _choices(row: Row) -> list[dict]:
    choices = row.take("choices", list, default=[])
    if not choices or any(not isinstance(choice, dict) for choice in choices):
        row.problem("choices", "is not a list of objects with turns")
        return []
    return choices


def _turns(row: Row, choice: dict) -> list[str]:
    turns = choice.get("turns")
    if not isinstance(turns, list) or not turns or any(not isinstance(turn, str) for turn in turns):
        row.problem("choices.turns", "is not a list of texts")
        return []
    return turns
