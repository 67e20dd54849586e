"""FairEval files: questions and answers in the Vicuna shape, and one human verdict a line in a text file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from arena.loading.llmuses import model_of, question
from arena.loading.naming import Naming
from arena.loading.records import (
    JUDGMENTS,
    AnswerRecord,
    Batch,
    ModelRecord,
    Problem,
    Report,
    Row,
    VoteRecord,
    is_left_out,
    lines_of,
    rows_of,
)

FIRST, SECOND = "CHATGPT", "VICUNA13B"
VALUES = {FIRST: 1.0, SECOND: -1.0, "TIE": 0.0}
FAMILIES = {FIRST: "gpt-3.5", SECOND: "vicuna-13b"}
JUDGE = "FairEval annotators"


def read(
    files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str, naming: Naming
) -> Batch:
    """Questions, answers and verdicts; line i of a verdict file is about the i-th question of the question file.

    That is all the format offers to join them, so the number of lines must be the number of questions.
    """
    batch = Batch()
    verdicts: list[Path] = []
    for path in files:
        if path.suffix == ".txt":
            verdicts.append(path)
            continue
        for row in rows_of(path, report):
            if "answer_id" in row.values:
                batch.answers.append(_answer(row, model))
            else:
                batch.questions.append(question(row, language))
    for path in verdicts:
        if JUDGMENTS in kinds:
            _votes(path, batch, report)
        else:
            _leave_out(path, report, kinds)
    return batch


def _answer(row: Row, model: ModelRecord | None) -> AnswerRecord:
    return AnswerRecord(
        row, row.key("question_id"), model or model_of(row.text("model_id")), [row.take("text", str, default="")]
    )


def _leave_out(path: Path, report: Report, kinds: Sequence[str]) -> None:
    for number, line in lines_of(path, report):
        if line.strip():
            is_left_out(Row(path, number, {}, report), JUDGMENTS, kinds)


def _votes(path: Path, batch: Batch, report: Report) -> None:
    before = len(report.problems)
    lines = [(number, line.strip()) for number, line in lines_of(path, report) if line.strip()]
    if len(report.problems) > before:
        return
    if len(lines) != len(batch.questions):
        message = (
            f"has {len(lines)} verdicts for {len(batch.questions)} questions; load it together with its question file"
        )
        report.problems.append(Problem(str(path), 0, "", message))
        return
    sides = {label: _models_like(family, batch) for label, family in FAMILIES.items()}
    if several := [names for names in sides.values() if len(names) > 1]:
        message = f"does not say which of {', '.join(several[0])} it is about; load it with the answers of one alone"
        report.problems.append(Problem(str(path), 0, "", message))
        return
    for (number, label), asked in zip(lines, batch.questions, strict=True):
        row = Row(path, number, {"verdict": label}, report)
        if label not in VALUES:
            row.problem("verdict", f"is {label!r}, not one of {', '.join(VALUES)}")
        elif not sides[FIRST] or not sides[SECOND]:
            row.problem("verdict", "names a model whose answers are not among the files")
        else:
            batch.votes.append(
                VoteRecord(row, asked.key, sides[FIRST][0], sides[SECOND][0], VALUES[label], JUDGE, is_person=True)
            )


def _models_like(family: str, batch: Batch) -> list[str]:
    return sorted({answer.model.name for answer in batch.answers if answer.model.name.startswith(family)})
