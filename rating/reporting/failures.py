"""What went wrong with a model's answers, for its developers: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from arena.models import Answer, Benchmark, LanguageModel
from judging.access import blinding_runs, name_people
from judging.exporting.base import batches
from judging.models import Grade, Judge, Preference, Status
from rating.reporting.compared import BY_FULL_MARKS, PASSING

ANSWER, MARK, JUDGMENT, BOTH_BAD = "answer", "mark", "judgment", "both bad"
KINDS = (ANSWER, MARK, JUDGMENT, BOTH_BAD)
"""An answer that failed, a mark that does not pass, a judgment that came to nothing, a verdict that neither answer will do."""
_OF_A_GRADE = ("judge", "rubric", "answer__question__category", "answer__question__benchmark")
RELATED = {
    ANSWER: ("question__category", "question__benchmark"),
    MARK: _OF_A_GRADE,
    JUDGMENT: _OF_A_GRADE,
    BOTH_BAD: (
        "judge",
        "rubric",
        *(f"battle__{side}__question__{what}" for side in ("first", "second") for what in ("category", "benchmark")),
    ),
}


def lines(model: LanguageModel, user) -> Iterator[str]:
    """All failures of the model that this reader may see, a line each: answers that failed, then marks that do not pass, then judgments
    that came to nothing, then battles in which both answers were called bad.

    Benchmarks that people are asked to vote on are left out for readers who must not know what was said there; a line says
    which. People are named to leads alone. A query for the ids of each kind and one a batch.
    """
    hidden = left_out(model, user)
    for benchmark in hidden:
        told = {"left_out": str(benchmark), "why": "people are voting on it"}
        yield _line(told)
    for kind in KINDS:
        rows = of_kind(kind, model, hidden)
        for row in _each(rows, related=RELATED[kind], user=None if kind == ANSWER else user):
            yield _line(told_of(row, model))


def of_kind(kind: str, model: LanguageModel, hidden: list[Benchmark]) -> QuerySet[Any]:
    """Failures of one of the KINDS that are not on these benchmarks: answers, grades or preferences. What `told_of` reads of them
    is RELATED."""
    rows = {ANSWER: _answers, MARK: _below, JUDGMENT: _without, BOTH_BAD: _both_bad}
    return rows[kind](model, hidden)


def told_of(row: Answer | Grade | Preference, model: LanguageModel) -> dict[str, Any]:
    """What a line says of a failure of this model. No query where its RELATED are loaded."""
    if isinstance(row, Answer):
        return {"failed": ANSWER, **_about(row), "reason": row.error, "finish": row.finish}
    return _graded(row) if isinstance(row, Grade) else _bad(row, model)


def left_out(model: LanguageModel, user) -> list[Benchmark]:
    """Benchmarks the model answered that this reader is blind on."""
    answered = Answer.objects.filter(model=model, question__benchmark=OuterRef("pk"))
    return list(Benchmark.objects.filter(Exists(answered), pk__in=list(blinding_runs(user))))


def _answers(model: LanguageModel, hidden: list[Benchmark]) -> QuerySet[Answer]:
    return model.answers.failed().exclude(question__benchmark__in=hidden)


def _below(model: LanguageModel, hidden: list[Benchmark]) -> QuerySet[Grade]:
    """Marks that do not pass: short of full by rules and tests, below PASSING of the scale by others."""
    line = F("rubric__lowest") + PASSING * (F("rubric__highest") - F("rubric__lowest"))
    by_full = Q(judge__kind__in=BY_FULL_MARKS)
    short = by_full & Q(score__lt=F("rubric__highest")) | ~by_full & Q(score__lt=line)
    return (
        Grade.objects.counting().decided().filter(short, **_of(model)).exclude(answer__question__benchmark__in=hidden)
    )


def _without(model: LanguageModel, hidden: list[Benchmark]) -> QuerySet[Grade]:
    """Judgments of its answers that should have a value and have none."""
    return Grade.objects.counting().failed().filter(**_of(model)).exclude(answer__question__benchmark__in=hidden)


def _both_bad(model: LanguageModel, hidden: list[Benchmark]) -> QuerySet[Preference]:
    """Verdicts on its battles that neither answer will do."""
    mine = Q(battle__first_model=model) | Q(battle__second_model=model)
    found = Preference.objects.counting().decided().filter(mine, both_bad=True)
    return found.exclude(battle__question__benchmark__in=hidden)


def _of(model: LanguageModel) -> dict[str, Any]:
    return {"answer__model": model}


def _each(rows: QuerySet, *, related: tuple[str, ...], user=None) -> Iterator[Any]:
    for batch in batches(rows, related=related):
        if user is not None:
            name_people(batch, user)
        yield from batch


def _about(answer: Answer) -> dict[str, Any]:
    question = answer.question
    return {
        "benchmark": str(question.benchmark),
        "question": question.key,
        "category": question.category.key,
        "language": question.language,
        "asked": question.turns,
        "reference": question.reference,
        "sample": answer.sample,
        "answer": answer.turns,
        "tokens_in": answer.tokens_in,
        "tokens_out": answer.tokens_out,
        "seconds": answer.seconds,
        "provenance": answer.provenance,
    }


def _graded(grade: Grade) -> dict[str, Any]:
    """The line of a mark that does not pass, or of a judgment that came to nothing."""
    return {
        "failed": MARK if grade.status == Status.OK else JUDGMENT,
        **_about(grade.answer),
        **_said(grade),
        "score": grade.score,
        "scale": [grade.rubric.lowest, grade.rubric.highest],
        "scores": grade.scores,
        "points": grade.points,
    }


def _bad(preference: Preference, model: LanguageModel) -> dict[str, Any]:
    """The line of a battle in which both answers were called bad: the answer is the model's own."""
    return {"failed": BOTH_BAD, **_about(answer_of(preference, model)), **_said(preference)}


def answer_of(row: Answer | Grade | Preference, model: LanguageModel) -> Answer:
    """The model's own answer that a failure is about."""
    if isinstance(row, Answer):
        return row
    if isinstance(row, Grade):
        return row.answer
    return row.battle.first if row.battle.first_model_id == model.pk else row.battle.second


def _said(judgment: Grade | Preference) -> dict[str, Any]:
    """Who judged, how and why. Of what a person said the note is told; a machine's whole reply is."""
    is_person = judgment.judge.kind in Judge.PEOPLE
    return {
        "judge": str(getattr(judgment, "who", judgment.judge)),
        "judge_kind": judgment.judge.kind,
        "rubric": str(judgment.rubric),
        "turn": judgment.turn,
        "trial": judgment.trial,
        "reasons": judgment.reasons,
        "reason": judgment.note if is_person else judgment.error or judgment.reasoning,
        "status": judgment.status,
        "reply": judgment.reply,
        "judge_tokens_in": judgment.tokens_in,
        "judge_tokens_out": judgment.tokens_out,
        "judgment_provenance": judgment.provenance,
    }


def _line(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False) + "\n"
