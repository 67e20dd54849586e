"""How many of a model's answers to a question passed its Python tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, F, Q

from arena.models import Benchmark
from judging.models import Grade, Judge
from rating.data.record import counted_provenances


@dataclass(frozen=True)
class Passed:
    """Of `n` tested answers of a model to a question (its id), `passed` passed every test."""

    judge: str
    model: str
    category: str
    question: int
    n: int
    passed: int


def passed(benchmark: Benchmark) -> Iterator[Passed]:
    """The tests passed on this benchmark, by judge, model and question. One query."""
    rows = Grade.objects.decided().filter(
        judge__kind=Judge.Kind.PYTHON_TESTS,
        answer__question__benchmark=benchmark,
        provenance__in=counted_provenances(benchmark),
    )
    names = "judge__name", "answer__model__name", "answer__question__category__key", "answer__question"
    counts = {"n": Count("pk"), "passed": Count("pk", filter=Q(score__gte=F("rubric__highest")))}
    for judge, model, category, question, n, good in rows.order_by().values_list(*names).annotate(**counts):
        yield Passed(judge, model, category, question, n, good)
