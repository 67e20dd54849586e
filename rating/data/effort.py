"""What machine judges cost, and when they said what: the columns of a judgment that no rating needs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, F, Q, QuerySet, Sum

from arena.models import Benchmark, Question
from judging.anchors import ANCHOR
from judging.models import Grade, Judge, KeptOut, Preference, Status
from rating.data.record import Columns, Floats, Ints

MOST = 20_000  # judgments whose time is looked at; a benchmark with more needs an anchor set

Place = tuple[int, int]
"""Ids of a judge and a category."""


@dataclass
class Spent:
    """What one judge's judgments took, with those that failed or were set aside: they are paid for too.

    `judgments` are all, `verdicts` those that stand and count; `asked` counts calls, `cached` judgments that repeat an earlier reply.
    `cost` is of the `priced` judgments, in the prices' currency, `seconds` of the `timed` ones, which asked a model.
    """

    judgments: int = 0
    verdicts: int = 0
    asked: int = 0
    cached: int = 0
    cost: float = 0.0
    priced: int = 0
    seconds: float = 0.0
    timed: int = 0

    def add(self, other: Spent) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class Dated(Columns):
    """Verdicts of machine judges by calendar week, n rows: `week` (n,) as ISO year · 100 + week.

    `item` (n,) codes what was judged, under which rubric and in which order; `share` (n,) is the verdict from 0 to 1: of a
    pair how far it went to the battle's first answer, of a mark its place on the rubric's scale.
    """

    judge: Ints
    cluster: Ints
    category: Ints
    week: Ints
    share: Floats


@dataclass(frozen=True)
class Dates:
    """`rows` by week, of the anchor set where `is_anchored`; None where there are more than MOST and no anchor set."""

    rows: Dated | None
    is_anchored: bool


def spent(benchmark: Benchmark) -> dict[Place, Spent]:
    """What the judgments of runs took, by judge and category, but for those that were made again to see drift. Two queries."""
    found: dict[Place, Spent] = defaultdict(Spent)
    for table, item in ((Preference, "battle"), (Grade, "answer")):
        rows = table.objects.filter(run__benchmark=benchmark).exclude(kept_out=KeptOut.AGAIN)
        rows = _of_machines(rows, benchmark).order_by()
        rows = rows.values_list("judge", f"{item}__question__category").annotate(
            in_all=Count("pk"),
            in_verdicts=Count("pk", filter=Q(status=Status.OK, superseded_at__isnull=True, kept_out="")),
            in_asked=Sum("asked"),
            in_cached=Count("pk", filter=Q(cached=True)),
            in_cost=Sum("cost"),
            in_priced=Count("cost"),
            in_seconds=Sum("seconds", filter=Q(asked__gt=0)),
            in_timed=Count("seconds", filter=Q(asked__gt=0)),
        )
        for judge, category, *numbers in rows:
            found[judge, category].add(Spent(*(number or 0 for number in numbers)))
    return dict(found)


def dates(benchmark: Benchmark) -> Dates:
    """When machine judges said what on the anchor questions, or on all where none has that tag. Three queries."""
    tags = Question.objects.filter(benchmark=benchmark).order_by().values_list("pk", "tags")
    anchors = [pk for pk, named in tags if ANCHOR in named]
    most = None if anchors else MOST + 1
    rows = [(True, *row) for row in _pairs(benchmark, anchors)[:most]]
    rows += [(False, *row) for row in _marks(benchmark, anchors)[:most]]
    if not anchors and len(rows) > MOST:
        return Dates(None, is_anchored=False)
    return Dates(_dated(rows), is_anchored=bool(anchors))


def _pairs(benchmark: Benchmark, anchors: list[int]) -> QuerySet:
    share = (F("value") + 2.0) / 4.0
    return _wanted(Preference.objects.all(), "battle", benchmark, anchors, order="swapped", share=share)


def _marks(benchmark: Benchmark, anchors: list[int]) -> QuerySet:
    share = (F("score") - F("rubric__lowest")) / (F("rubric__highest") - F("rubric__lowest"))
    return _wanted(Grade.objects.all(), "answer", benchmark, anchors, order="turn", share=share)


def _wanted(rows: Any, item: str, benchmark: Benchmark, anchors: list[int], *, order: str, share: Any) -> QuerySet:
    where = {f"{item}__question__in": anchors} if anchors else {f"{item}__question__benchmark": benchmark}
    rows = _of_machines(rows.counting().decided().filter(**where), benchmark).order_by()
    names = item, "rubric", "turn", order, "judge", f"{item}__question", f"{item}__question__category", "created_at"
    return rows.values_list(*names, share)


def _of_machines(rows: Any, benchmark: Benchmark) -> Any:
    return rows.exclude(judge__kind__in=Judge.PEOPLE).filter(provenance__in=benchmark.counted_provenances)


def _dated(rows: list[tuple]) -> Dated:
    codes: dict[tuple, int] = {}
    item = [codes.setdefault(row[:5], len(codes)) for row in rows]  # pair or mark, id, rubric, turn, order
    weeks = [row[8].isocalendar() for row in rows]

    def ints(values: list[int]) -> Ints:
        return np.array(values, dtype=np.int64)

    return Dated(
        item=ints(item),
        judge=ints([row[5] for row in rows]),
        cluster=ints([row[6] for row in rows]),
        category=ints([row[7] for row in rows]),
        week=ints([week.year * 100 + week.week for week in weeks]),
        share=np.clip(np.array([row[9] for row in rows], dtype=np.float64), 0.0, 1.0),
    )
