"""How many of a model's answers to a question passed its Python tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, F, Q

from arena.models import Benchmark, LanguageModel
from judging.models import Grade, Judge


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
    """The tests passed on this benchmark, by judge, model and question. Three queries."""
    rows = (
        Grade.objects.counting()
        .decided()
        .filter(
            judge__kind=Judge.Kind.PYTHON_TESTS,
            answer__question__benchmark=benchmark,
            turn=0,
            provenance__in=benchmark.counted_provenances,
        )
    )
    judges = {judge.pk: str(judge) for judge in Judge.objects.filter(kind=Judge.Kind.PYTHON_TESTS)}
    models = _names()
    names = "judge", "answer__model", "answer__question__category__key", "answer__question"
    good = Q(score__gte=F("rubric__highest"))
    # an answer that was tested under two rubrics, or again, is one answer
    counts = {"n": Count("answer", distinct=True), "passed": Count("answer", filter=good, distinct=True)}
    for judge, model, category, question, n, passed in rows.order_by().values_list(*names).annotate(**counts):
        yield Passed(judges[judge], models[model], category, question, n, passed)


def _names() -> dict[int, str]:
    """What models are called here, by id: with their version where two have one name. One query."""
    rows = list(LanguageModel.objects.values_list("pk", "name", "version"))
    often = Counter(name for _pk, name, _version in rows)
    return {pk: name if often[name] == 1 else f"{name} {version}" for pk, name, version in rows}
