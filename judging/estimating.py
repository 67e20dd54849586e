"""What carrying out a run would cost, before anybody is called."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from judging.items import answers_of, items_of, participants, questions_of, undecided
from judging.judges.dry_run import prompt_tokens
from judging.models import Judge, Run
from judging.prompts import render

SAMPLE = 200  # prompts whose length is looked at


@dataclass(frozen=True)
class Bill:
    """What one judge would be asked: calls, tokens of all prompts (about), and their price; None where unknown."""

    judge: str
    calls: int
    tokens_in: int | None
    cost: float | None


@dataclass(frozen=True)
class Estimate:
    """Answers still to be collected, the calls they take (one a turn), and each judge's bill."""

    answers: int
    answer_calls: int
    judges: list[Bill]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def estimate(run: Run) -> Estimate:
    """The calls that carrying out `run` would make now; retries and repairs come on top.

    Answers still to be collected count as if every one came. Makes the run's missing battles.
    """
    missing = _missing_answers(run)
    items = items_of(run)
    total = _items_when_answered(run, missing)
    bills = []
    for judge in run.judges.filter(kind__in=Judge.WITH_ENGINE).select_related("model"):
        todo = undecided(run, judge, items)
        calls = len(todo) + total - len(items)
        tokens = _tokens(run, todo, calls)
        cost = judge.model.cost(tokens, 0) if judge.model_id else 0.0
        bills.append(Bill(str(judge), calls if judge.kind == Judge.Kind.LLM else 0, tokens, cost))
    return Estimate(len(missing), sum(turns for _question, _model, turns in missing), bills)


def _missing_answers(run: Run) -> list[tuple[int, int, int]]:
    """(question, model, turns) of every answer still to be collected. One query a model."""
    if not run.collects:
        return []
    models = run.candidates.model.objects.filter(pk__in=participants(run)).exclude(provider="")
    return [
        (question.pk, model.pk, len(question.turns))
        for model in models
        for question in questions_of(run).unanswered_by(model)
    ]


def _items_when_answered(run: Run, missing: list[tuple[int, int, int]]) -> int:
    """How many items the run has once the missing answers are there."""
    answered: dict[int, set[int]] = defaultdict(set)
    for answer in answers_of(run):
        answered[answer.question_id].add(answer.model_id)
    for question, model, _turns in missing:
        answered[question].add(model)
    return sum(_items_of_question(run, models) for models in answered.values()) * run.orders


def _items_of_question(run: Run, models: set[int]) -> int:
    if run.mode == Run.Mode.SINGLE:
        return len(models)
    if run.mode == Run.Mode.BASELINE:
        return len(models - {run.baseline_id}) if run.baseline_id in models else 0
    return len(models) * (len(models) - 1) // 2


def _tokens(run: Run, todo: list, calls: int) -> int | None:
    """Tokens of `calls` prompts, from the mean of the first that can be rendered; None when there is none yet."""
    if not todo:
        return 0 if not calls else None
    rubric = run.rubric.text()
    looked_at = todo[:SAMPLE]
    return round(sum(prompt_tokens(render(item.exhibit(), rubric)) for item in looked_at) * calls / len(looked_at))
