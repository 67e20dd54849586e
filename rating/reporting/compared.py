"""Two versions or stages of a model on the same questions: what stayed the same, what got better or worse, what fails now.

Everything is paired by question: what makes a question hard is hard for both, and cancels. At most `MOST` questions are looked
at, in the order of their ids, and the result says when there are more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Avg, Count, Exists, F, OuterRef, QuerySet

from arena.models import Answer, Benchmark, Category, LanguageModel, Question
from judging.models import Grade, Judge, Rubric
from rating.reporting.report import Measure
from rating.stats import wilson
from rating.stats.intervals import clustered_means, student

MOST = 5_000  # questions
LISTED = 100  # questions that are named
BY_FULL_MARKS = (Judge.Kind.RULE, Judge.Kind.PYTHON_TESTS)
"""Judges whose mark is the share of checks passed: an answer passes with all of them."""
PASSING = 0.6
"""Of other judges' scale, from where an answer passes."""
PEOPLE = 0
LEVEL = 0.95


@dataclass(frozen=True)
class Marker:
    """Who graded both models under one rubric: a machine judge, or people together (`judge` 0). `n` grades of the one that has fewer."""

    judge: int
    rubric: int
    judge_name: str
    rubric_name: str
    lowest: float
    highest: float
    passes_at: float
    n: int

    @property
    def key(self) -> str:
        """As it stands in an address."""
        return f"{self.judge}-{self.rubric}"

    def points(self, score: float) -> float:
        """The score in points of 100 on its rubric's scale."""
        return 100 * (score - self.lowest) / (self.highest - self.lowest)


@dataclass(frozen=True)
class Change:
    """After less before on the `n` questions both have a mark for, in points of 100; the interval is None where it is not known.

    `certain` is 1 surely better, −1 surely worse, 0 not sure.
    """

    category: str
    name: str
    before: float
    after: float
    difference: float
    low: float | None
    high: float | None
    n: int

    @property
    def certain(self) -> int:
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 0 else -1 if self.high < 0 else 0

    @property
    def measure(self) -> Measure:
        return Measure(self.difference, self.low, self.high, self.n)


@dataclass(frozen=True)
class Turned:
    """A question that passes on one side only; marks in points of 100."""

    question: int
    title: str
    category: str
    before: float
    after: float


@dataclass(frozen=True)
class Comparison:
    """`after` beside `before` on one benchmark.

    `shared` questions both answered, of which `looked` were read; `same` of the read have equal texts, `same_share` with Wilson's
    interval. Without grades of both by one judge `marker` is None, and `overall` too.
    """

    before: LanguageModel
    after: LanguageModel
    benchmark: Benchmark
    shared: int
    looked: int
    same: int
    same_share: Measure
    markers: tuple[Marker, ...]
    marker: Marker | None
    overall: Change | None
    changes: tuple[Change, ...]
    failed: tuple[Turned, ...]
    fixed: tuple[Turned, ...]
    failed_n: int
    fixed_n: int
    tolerance: float

    @property
    def is_part(self) -> bool:
        return self.looked < self.shared

    @property
    def verdict(self) -> str:
        """Whether `after` is worse by more than the tolerance: "within", "worse" or "unknown", by the interval of the difference."""
        told = self.overall
        if told is None or told.low is None or told.high is None:
            return "unknown"
        return "within" if told.low > -self.tolerance else "worse" if told.high < -self.tolerance else "unknown"


def shared_benchmarks(one: LanguageModel, other: LanguageModel) -> list[Benchmark]:
    """Benchmarks that both answered, those with most answers of `one` first. One query."""
    asked = Answer.objects.ok().filter(question__benchmark=OuterRef("pk"))
    found = Benchmark.objects.filter(Exists(asked.filter(model=one)), Exists(asked.filter(model=other)))
    return list(found)


def compared(
    before: LanguageModel,
    after: LanguageModel,
    benchmark: Benchmark,
    *,
    marker: str = "",
    tolerance: float = 1.0,
    most: int = MOST,
) -> Comparison:
    """The comparison, by the grades of `marker` ("JUDGE-RUBRIC", ids; 0 for people) or else of whoever graded most. Eight queries or fewer."""
    shared = _shared(before, after, benchmark)
    total = shared.count()
    last = shared.order_by("pk").values_list("pk", flat=True)[most - 1 : most].first() if total > most else None
    looked = shared if last is None else shared.filter(pk__lte=last)
    same = _same(before, after, looked)
    markers = _markers(before, after, benchmark)
    chosen = next((one for one in markers if one.key == marker), markers[0] if markers else None)
    rows = _paired(before, after, looked, chosen) if chosen else []
    turned = [row for row in rows if (row.before >= row.line) != (row.after >= row.line)]
    failed = [row for row in turned if row.after < row.line]
    fixed = [row for row in turned if row.after >= row.line]
    titles = _titles([*failed[:LISTED], *fixed[:LISTED]])
    n = min(total, most)
    low, high = (float(end) for end in wilson(same, n)) if n else (None, None)
    return Comparison(
        before=before,
        after=after,
        benchmark=benchmark,
        shared=total,
        looked=n,
        same=same,
        same_share=Measure(same / n if n else None, low, high, n),
        markers=markers,
        marker=chosen,
        overall=_change(rows, "", "") if rows else None,
        changes=_by_category(rows),
        failed=tuple(_turned(row, titles) for row in failed[:LISTED]),
        fixed=tuple(_turned(row, titles) for row in fixed[:LISTED]),
        failed_n=len(failed),
        fixed_n=len(fixed),
        tolerance=tolerance,
    )


def _shared(before: LanguageModel, after: LanguageModel, benchmark: Benchmark) -> QuerySet[Question]:
    """Questions that both have a good first answer to."""
    asked = Answer.objects.ok().filter(question=OuterRef("pk"), sample=0)
    return benchmark.questions.filter(Exists(asked.filter(model=before)), Exists(asked.filter(model=after)))


def _same(before: LanguageModel, after: LanguageModel, questions: QuerySet[Question]) -> int:
    """Of these questions, those that both answered with the same words. One query, in which the database compares."""
    other = Answer.objects.ok().filter(
        question=OuterRef("question"), sample=0, model=before, turns=OuterRef("turns"), length=OuterRef("length")
    )
    mine = Answer.objects.ok().filter(model=after, sample=0, question__in=questions.order_by())
    return mine.filter(Exists(other)).count()


def _grades(before: LanguageModel, after: LanguageModel, benchmark: Benchmark) -> QuerySet:
    """Whole-answer grades of the two that count on the benchmark's board, by judge; `person` is True for people's."""
    return (
        Grade.objects.counting()
        .decided()
        .filter(
            answer__model__in=(before, after),
            answer__question__benchmark=benchmark,
            answer__sample=0,
            turn=0,
            provenance__in=benchmark.counted_provenances,
        )
    )


def _markers(before: LanguageModel, after: LanguageModel, benchmark: Benchmark) -> tuple[Marker, ...]:
    """Who graded both, most grades first. Three queries."""
    rows = _grades(before, after, benchmark).order_by().values_list("judge", "rubric", "answer__model")
    counts: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    rows = list(rows.annotate(n=Count("pk")))
    judges = Judge.objects.in_bulk({judge for judge, *_rest in rows})
    for judge, rubric, model, n in rows:
        counts[PEOPLE if judges[judge].is_person else judge, rubric][model] += n
    rubrics = Rubric.objects.in_bulk({rubric for _, rubric in counts})
    found = [
        _marker(judges.get(judge), rubrics[rubric], min(by_model.values()))
        for (judge, rubric), by_model in counts.items()
        if len(by_model) == 2
    ]
    return tuple(sorted(found, key=lambda one: (-one.n, one.judge_name, -one.rubric)))


def _marker(judge: Judge | None, rubric: Rubric, n: int) -> Marker:
    by_full = judge is not None and judge.kind in BY_FULL_MARKS
    passes_at = 100.0 if by_full else 100 * PASSING
    return Marker(
        judge=judge.pk if judge else PEOPLE,
        rubric=rubric.pk,
        judge_name=str(judge) if judge else "",
        rubric_name=str(rubric),
        lowest=rubric.lowest,
        highest=rubric.highest,
        passes_at=passes_at,
        n=n,
    )


@dataclass(frozen=True)
class _Pair:
    question: int
    category: str
    before: float
    after: float
    line: float


def _paired(before: LanguageModel, after: LanguageModel, questions: QuerySet[Question], marker: Marker) -> list[_Pair]:
    """Both models' mean marks on each question, in points. One query."""
    who: Mapping[str, Any] = {"judge": marker.judge} if marker.judge else {"judge__kind__in": Judge.PEOPLE}
    rows = Grade.objects.counting().decided().filter(
        answer__model__in=(before, after), answer__sample=0, answer__question__in=questions.order_by(), turn=0,
        rubric=marker.rubric, **who,
    )  # fmt: skip
    names = ("answer__question", "answer__question__category__key", "answer__model")
    marks: dict[tuple[int, str], dict[int, float]] = defaultdict(dict)
    for question, category, model, score in rows.order_by().values_list(*names).annotate(score=Avg("score")):
        marks[question, category][model] = marker.points(score)
    # what is a hair below full marks after averaging is full marks
    line = marker.passes_at - 1e-9
    return [
        _Pair(question, category, both[before.pk], both[after.pk], line)
        for (question, category), both in sorted(marks.items())
        if len(both) == 2
    ]


def _by_category(rows: Sequence[_Pair]) -> tuple[Change, ...]:
    """A line for each category, in reading order. One query."""
    found = defaultdict(list)
    for row in rows:
        found[row.category].append(row)
    names = Category.objects.filter(key__in=found).order_by(F("position"), "key")
    return tuple(_change(found[one.key], one.key, one.name) for one in names)


def _change(rows: Sequence[_Pair], category: str, name: str) -> Change:
    before, after = (np.array([getattr(row, side) for row in rows]) for side in ("before", "after"))
    difference = after - before
    told = clustered_means(np.zeros(len(rows), dtype=int), np.arange(len(rows)), value=difference, groups=1)
    low, high = _interval(difference, float(told.mean[0]), float(told.error[0]))
    return Change(category, name, float(before.mean()), float(after.mean()), float(told.mean[0]), low, high, len(rows))


def _interval(difference: np.ndarray, mean: float, error: float) -> tuple[float | None, float | None]:
    """The interval of a mean of differences (n,), paired by question; None where there is no spread to learn from.

    Where no question differs at all, the share of questions that would differ is at most 1 − 0.025^(1/n), and each could differ by 100 points.
    """
    n = difference.size
    if not difference.any():
        most = 100 * (1 - ((1 - LEVEL) / 2) ** (1 / n))
        return -most, most
    if n < 2 or not error > 0:
        return None, None
    half = error * float(student(LEVEL, n - 1))
    return mean - half, mean + half


def _titles(rows: Iterable[_Pair]) -> dict[int, str]:
    """One query."""
    found = Question.objects.filter(pk__in=[row.question for row in rows]).only("pk", "key", "turns")
    return {one.pk: one.title for one in found}


def _turned(row: _Pair, titles: Mapping[int, str]) -> Turned:
    return Turned(row.question, titles.get(row.question, ""), row.category, row.before, row.after)
