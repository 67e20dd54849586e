"""FairEval files: questions and answers in the Vicuna shape, and one human verdict a line in a text file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from arena.loading.llmuses import model_of, question
from arena.loading.naming import Naming
from arena.loading.partners import Partner, Partners, nobody
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
from arena.loading.rows import ending_of
from arena.loading.said import said as _

FIRST, SECOND = "CHATGPT", "VICUNA13B"
VALUES = {FIRST: 1.0, SECOND: -1.0, "TIE": 0.0}
FAMILIES = {FIRST: "gpt-3.5", SECOND: "vicuna-13b"}
JUDGE = "FairEval annotators"


def read(
    files: list[Path],
    report: Report,
    *,
    kinds: Sequence[str],
    model: ModelRecord | None,
    language: str,
    naming: Naming,
    partners: Partners = nobody,
) -> Batch:
    """Questions, answers and verdicts; line i of a verdict file is about the i-th question of the question file.

    That is all the format offers to join them, so the number of lines must be the number of questions. Verdicts that come
    without questions are about those that are there already.
    """
    batch = Batch()
    verdicts: list[Path] = []
    for path in files:
        if ending_of(path) == ".txt":
            verdicts.append(path)
            continue
        for row in rows_of(path, report):
            if "answer_id" in row.values:
                batch.answers.append(_answer(row, model))
            else:
                batch.questions.append(question(row, language))
    if verdicts and JUDGMENTS in kinds:
        there = [] if batch.questions and batch.answers else partners()
        keys = [record.key for record in batch.questions] or [one.key for one in there if _is_answered(one)]
        names = {answer.model.name for answer in batch.answers} or {name for one in there for name in one.models}
        for path in verdicts:
            _votes(path, batch, report, keys=keys, names=names)
    else:
        for path in verdicts:
            _leave_out(path, report, kinds)
    return batch


def is_alone(text: str) -> bool:
    """Whether this is how a file of verdicts begins."""
    return text.lstrip().partition("\n")[0].strip() in VALUES


def _is_answered(asked: Partner) -> bool:
    """Whether models of both families, which verdicts are about, answered a question that is there."""
    return all(_models_like(family, asked.models) for family in FAMILIES.values())


def _answer(row: Row, model: ModelRecord | None) -> AnswerRecord:
    return AnswerRecord(
        row, row.key("question_id"), model or model_of(row.text("model_id")), [row.take("text", str, default="")]
    )


def _leave_out(path: Path, report: Report, kinds: Sequence[str]) -> None:
    for number, line in lines_of(path, report):
        if line.strip():
            is_left_out(Row(path, number, {}, report), JUDGMENTS, kinds)


def _votes(path: Path, batch: Batch, report: Report, *, keys: Sequence[str], names: Collection[str]) -> None:
    """The verdicts of a file on the questions of these keys, one a line, about two of the models of these names."""
    before = len(report.problems)
    lines = [(number, line.strip()) for number, line in lines_of(path, report) if line.strip()]
    if len(report.problems) > before or not lines:
        return
    rows = [Row(path, number, {"verdict": label}, report) for number, label in lines]
    report.counts["rows read"] += len(rows)
    if len(rows) != len(keys):
        rows[min(len(rows) - 1, len(keys))].problem("verdict", _why_alone(len(rows), len(keys)))
        return
    sides = {label: _models_like(family, names) for label, family in FAMILIES.items()}
    if several := [names for names in sides.values() if len(names) > 1]:
        message = _(
            "does not say which of %(known)s it is about; load it with the answers of one alone",
            known=", ".join(several[0]),
        )
        report.problems.append(Problem(str(path), 0, "", message))
        return
    for row, key in zip(rows, keys, strict=True):
        value = row.label("verdict", VALUES)
        if value is not None and not (sides[FIRST] and sides[SECOND]):
            row.problem("verdict", _("names a model whose answers are not here"))
        elif value is not None:
            batch.votes.append(
                VoteRecord(row, key, sides[FIRST][0], sides[SECOND][0], value, JUDGE, is_person=True, told_in="verdict")
            )


def _why_alone(verdicts: int, questions: int) -> str:
    """Why verdicts, which tell only by their line what they are about, cannot be joined."""
    if not questions:
        return _(
            "is about a question that is not here; load it together with its questions and answers, or into the benchmark that has them"
        )
    where = (
        _("this and those after it have none") if verdicts > questions else _("it is the last, and questions are left")
    )
    return _(
        "has no question that it is surely about: the file has %(verdicts)s verdicts for %(questions)s questions, %(where)s",
        verdicts=verdicts,
        questions=questions,
        where=where,
    )


def _models_like(family: str, names: Collection[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(family))
