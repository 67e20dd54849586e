"""MT-bench files: question, model_answer, reference_answer, model_judgment (single and pair) and judge_prompts."""

from __future__ import annotations

from collections.abc import Sequence
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
    ReferenceRecord,
    Report,
    Row,
    VoteRecord,
    is_left_out,
    rows_of,
)
from arena.loading.said import said as _

QUESTION_FIELDS = {"question_id", "category", "turns", "reference"}
WINNERS = {"model_1": 1.0, "tie": 0.0, "model_2": -1.0, "error": None}
REFERENCES, ANSWERED = "reference_answer", "model_answer_"
UNREAD = "the file says error: no verdict could be read"


def read(
    files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str, naming: Naming
) -> Batch:
    """All that the files hold, told apart by fields and by "reference_answer" in the name of the file or its folder."""
    batch = Batch()
    for path in files:
        named = naming.name(path).removesuffix(".gz").removesuffix(".jsonl")
        is_reference = any(REFERENCES in name for name in (*naming.folders(path)[-1:], named))
        if is_reference and naming.judge not in ("", named.removeprefix(REFERENCES + "_")):
            report.note(
                _(
                    "%(file)s: the references of another judge than %(judge)s are left out",
                    file=path.name,
                    judge=naming.judge,
                )
            )
            continue
        for row in rows_of(path, report):
            kind = _kind(row, is_reference=is_reference)
            if is_left_out(row, kind, kinds):
                continue
            if kind == PROMPTS:
                batch.rubrics.append(rubric(row))
            elif kind == JUDGMENTS:
                _judgment(row, batch)
            elif "choices" not in row.values:
                batch.questions.append(question(row, language))
            elif kind == QUESTIONS:
                batch.references += [
                    ReferenceRecord(row, row.key("question_id"), _turns(row, choice)) for choice in _choices(row)[:1]
                ]
            else:
                batch.answers += answers(row, model, named.removeprefix(ANSWERED))
    return batch


def _kind(row: Row, *, is_reference: bool) -> str:
    """What a row is; a reference answer is a part of its question."""
    if "prompt_template" in row.values:
        return PROMPTS
    if "judge" in row.values:
        return JUDGMENTS
    return ANSWERS if "choices" in row.values and not is_reference else QUESTIONS


def question(row: Row, language: str) -> QuestionRecord:
    reference = row.texts("reference", required=False)
    meta = {name: value for name, value in row.values.items() if name not in QUESTION_FIELDS}
    return QuestionRecord(
        row, row.key("question_id"), row.text("category"), row.asked("turns"), language, reference=reference, meta=meta
    )


def answers(row: Row, model: ModelRecord | None, named: str) -> list[AnswerRecord]:
    """One answer for each choice, by the model that the row or else the file is `named` for; no version, no vendor is told."""
    model = model or ModelRecord(row.text("model_id", required=False) or named)
    return [
        AnswerRecord(row, row.key("question_id"), model, _turns(row, choice), sample)
        for sample, choice in enumerate(_choices(row))
    ]


def _choices(row: Row) -> list[dict]:
    choices = row.take("choices", list, default=[])
    if not choices or any(not isinstance(choice, dict) for choice in choices):
        row.problem("choices", _("is not a list of objects with turns"))
        return []
    return choices


def _turns(row: Row, choice: dict) -> list[str]:
    turns = choice.get("turns")
    if not isinstance(turns, list) or not turns or any(not isinstance(turn, str) for turn in turns):
        row.problem("choices.turns", _("is not a list of texts"))
        return []
    return turns


# Judgments


def _judgment(row: Row, batch: Batch) -> None:
    """The verdicts of one row, with the answers they are about, whose texts are in files of their own."""
    if "model_1" in row.values or "model_2" in row.values:
        votes = _votes(row)
        batch.votes += votes
        for vote in votes[:1]:
            batch.imply_answers(vote)
    else:
        grade = _grade(row)
        batch.grades.append(grade)
        batch.imply_answers(grade)


def _judged(row: Row) -> dict[str, Any]:
    """What single and pair judgments say alike: the question, the turn, who judged, by which template and when."""
    judge = row.values.get("judge")
    name, template = "", ""
    if isinstance(judge, list) and judge and all(isinstance(part, str) for part in judge):
        name, template = judge[0].strip(), " ".join(judge[1:])
    elif isinstance(judge, str):
        name = judge.strip()
    if not name:
        row.problem("judge", _("is not a name, or a list of a name and a template"))
    turn = row.take("turn", int, required=False, default=1)
    if turn < 1:
        row.problem("turn", _("is %(turn)s, not 1 or more", turn=turn))
    extra = row.extra(tstamp="tstamp", m1_score="m1_score", m2_score="m2_score")
    if template:
        extra["template"] = template
    return {
        "row": row, "question": row.key("question_id"), "judge": name, "is_person": False, "turn": turn, "extra": extra
    }  # fmt: skip


def _grade(row: Row) -> GradeRecord:
    """A mark from 1 to 10; −1 is what the tool writes when it found none in the reply."""
    score = row.number("score", required=True)
    is_failure = score == -1
    return GradeRecord(
        **_judged(row),
        model=row.text("model"),
        score=None if is_failure else score,
        status="parse_error" if is_failure else "ok",
        error="the file says -1: no mark could be read" if is_failure else "",
        reply=row.text("judgment", required=False),
        prompt=row.text("user_prompt", required=False),
    )


def _votes(row: Row) -> list[VoteRecord]:
    """Two verdicts, the second with the answers the other way round; or the one of files that have `winner`.

    Both name the winner itself, not the place it was shown in. The order of a lone one is not said: it is taken as listed.
    """
    first, second = row.text("model_1"), row.text("model_2")
    told = _judged(row)
    if "winner" in row.values and "g1_winner" not in row.values:
        row.report.note(
            _("%(file)s: the order the answers were shown in is not said; they are taken as listed", file=row.file.name)
        )
        return [_vote(row, told, "", first, second, sign=1, both_ways=False)]
    return [
        _vote(row, told, "g1_", first, second, sign=1, both_ways=True),
        _vote(row, told, "g2_", second, first, sign=-1, both_ways=True),
    ]


def _vote(
    row: Row, told: dict[str, Any], game: str, shown_first: str, shown_second: str, *, sign: int, both_ways: bool
) -> VoteRecord:
    told_in = f"{game}winner"
    towards = row.label(told_in, WINNERS)
    return VoteRecord(
        **told,
        first=shown_first,
        second=shown_second,
        value=None if towards is None else sign * towards + 0.0,
        status="parse_error" if towards is None else "ok",
        error=UNREAD if towards is None else "",
        reply=row.text(f"{game}judgment", required=False),
        prompt=row.text(f"{game}user_prompt", required=False),
        both_ways=both_ways,
        told_in=told_in,
    )
