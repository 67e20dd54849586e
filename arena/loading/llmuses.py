"""llmuses files: question.jsonl, answer_*.jsonl, review_*.jsonl (three shapes) and its judge prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from arena.loading.judge_prompts import rubric
from arena.loading.naming import Naming
from arena.loading.records import (
    ANSWERS,
    JUDGMENTS,
    PROMPTS,
    QUESTIONS,
    AnswerRecord,
    Batch,
    GradeRecord,
    ModelRecord,
    QuestionRecord,
    Report,
    Row,
    VoteRecord,
    is_left_out,
    rows_of,
)
from arena.loading.said import said as _

QUESTION_FIELDS = {"question_id", "text", "category"}
REVIEW_FIELDS = ("review_text", "review_text_1", "win", "win_1", "score")
WINS = {"model_a": 1.0, "tie": 0.0, "model_b": -1.0, "unknown": None}
DRY_RUNS = _(
    "llmuses reviews do not say whether a judge was asked: its dry runs write random verdicts in the same form, and those it publishes as examples are such"
)


def read(
    files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str, naming: Naming
) -> Batch:
    """All that the files hold, told apart by their fields."""
    batch = Batch()
    for path in files:
        for row in rows_of(path, report):
            kind = _kind(row)
            if is_left_out(row, kind, kinds):
                continue
            if kind == PROMPTS:
                batch.rubrics.append(rubric(row))
            elif kind == JUDGMENTS:
                _review(row, batch, naming.judge or f"llmuses {naming.name(path).split('.')[0]}", language)
            elif kind == ANSWERS:
                batch.answers.append(answer(row, model))
            else:
                batch.questions.append(question(row, language))
    return batch


def _kind(row: Row) -> str:
    if "prompt_template" in row.values:
        return PROMPTS
    if any(name in row.values for name in REVIEW_FIELDS):
        return JUDGMENTS
    return ANSWERS if "answer" in row.values else QUESTIONS


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


# Reviews


def _review(row: Row, batch: Batch, judge: str, language: str) -> None:
    """The verdicts of one review, with the question and the answers they are about."""
    row.report.note(DRY_RUNS)
    told = {
        "row": row,
        "question": row.key("question_id"),
        "judge": judge,
        "is_person": False,
        "extra": row.extra(tstamp="tstamp"),
    }
    if "model" in row.values:
        batch.grades.append(_grade(row, told))
        batch.imply_answers(batch.grades[-1])
    else:
        votes = _votes(row, told)
        batch.votes += votes
        batch.imply_answers(votes[0])
        batch.answers += _outputs(row, told["question"])
    if "question" in row.values:
        asked, category = [row.text("question")], row.text("category")
        batch.questions.append(QuestionRecord(row, told["question"], category, asked, language, implied=True))


def _outputs(row: Row, question: str) -> Iterator[AnswerRecord]:
    """The two answers of a battle, which those files have that are made to be looked through."""
    for side in ("a", "b"):
        if f"output_{side}" in row.values:
            text, model = row.take(f"output_{side}", str, default=""), model_of(row.text(f"model_{side}"))
            yield AnswerRecord(row, question, model, [text], may_be_empty=True, implied=True)


def _grade(row: Row, told: dict[str, Any]) -> GradeRecord:
    """A mark; the tool's own scale is 1 to 10, and its dry runs give shares of 1. −1 and null are failures."""
    model = model_of(row.text("model"))
    score = row.number("score")
    is_failure = score is None or score == -1
    return GradeRecord(
        **told,
        model=model.name,
        version=model.version,
        score=None if is_failure else score,
        lowest=0.0,
        status="parse_error" if is_failure else "ok",
        error="the file has no mark" if is_failure else "",
        reply=row.text("review_text", required=False),
    )


def _votes(row: Row, told: dict[str, Any]) -> list[VoteRecord]:
    """One verdict; or two, the second with the answers the other way round. Both name the winner, not its place."""
    first, second = model_of(row.text("model_a")), model_of(row.text("model_b"))
    scores = row.values.get("scores")
    if isinstance(scores, list):
        told = {**told, "extra": {**told["extra"], "scores": scores}}
    if "win_1" in row.values or "win_2" in row.values:
        return [
            _vote(row, told, ("win_1", "review_text_1"), (first, second), sign=1, both_ways=True),
            _vote(row, told, ("win_2", "review_text_2"), (second, first), sign=-1, both_ways=True),
        ]
    return [_vote(row, told, ("win", "review_text"), (first, second), sign=1, both_ways=False)]


def _vote(
    row: Row,
    told: dict[str, Any],
    fields: tuple[str, str],
    shown: tuple[ModelRecord, ModelRecord],
    *,
    sign: int,
    both_ways: bool,
) -> VoteRecord:
    towards = row.label(fields[0], WINS)
    return VoteRecord(
        **told,
        first=shown[0].name,
        version_first=shown[0].version,
        second=shown[1].name,
        version_second=shown[1].version,
        value=None if towards is None else sign * towards + 0.0,
        status="parse_error" if towards is None else "ok",
        error="the file says unknown: no verdict could be read" if towards is None else "",
        reply=row.text(fields[1], required=False),
        both_ways=both_ways,
        told_in=fields[0],
    )
