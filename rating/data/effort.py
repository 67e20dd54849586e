"""What machine judges cost, and when they said what: the columns of a judgment that no rating needs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db.models import Case, CharField, Count, F, IntegerField, Q, QuerySet, Sum, TextField, Value, When
from django.db.models.functions import Cast, Replace, Substr
from numpy.typing import NDArray

from arena.models import Benchmark, Question
from judging.anchors import ANCHOR
from judging.models import Grade, Judge, KeptOut, Preference, Status
from rating.data.bulk import columns
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
    """When machine judges said what on the anchor questions, or on all where none has that tag. Five queries at most."""
    named = Question.objects.filter(benchmark=benchmark).annotate(text=Cast("tags", TextField()))
    tags = named.filter(text__contains=ANCHOR).order_by().values_list("pk", "tags")
    anchors = [pk for pk, tags in tags if ANCHOR in tags]
    tables = _pairs(benchmark, anchors), _marks(benchmark, anchors)
    if not anchors and sum(rows[: MOST + 1].count() for rows, _ in tables) > MOST:
        return Dates(None, is_anchored=False)
    return Dates(_dated([columns(rows, **wanted) for rows, wanted in tables]), is_anchored=bool(anchors))


def _pairs(benchmark: Benchmark, anchors: list[int]) -> tuple[QuerySet, dict[str, Any]]:
    share = (F("value") + 2.0) / 4.0
    order = Case(When(swapped=True, then=Value(1)), default=Value(0))
    return _wanted(Preference.objects.all(), "battle", benchmark, anchors, order=order, share=share)


def _marks(benchmark: Benchmark, anchors: list[int]) -> tuple[QuerySet, dict[str, Any]]:
    share = (F("score") - F("rubric__lowest")) / (F("rubric__highest") - F("rubric__lowest"))
    return _wanted(Grade.objects.all(), "answer", benchmark, anchors, order=Value(0), share=share)


def _wanted(
    rows: Any, item: str, benchmark: Benchmark, anchors: list[int], *, order: Any, share: Any
) -> tuple[QuerySet, dict[str, Any]]:
    """The rows, and the columns of them; `day` is a calendar day in UTC as year · 10000 + month · 100 + day."""
    where = {f"{item}__question__in": anchors} if anchors else {f"{item}__question__benchmark": benchmark}
    day = Replace(Substr(Cast("created_at", CharField()), 1, 10), Value("-"), Value(""))
    wanted = {
        "item": item, "rubric": "rubric", "turn": "turn", "order": order, "judge": "judge",
        "cluster": f"{item}__question", "category": f"{item}__question__category",
        "day": Cast(day, IntegerField()), "share": share,
    }  # fmt: skip
    return _of_machines(rows.counting().decided().filter(**where), benchmark), wanted


def _of_machines(rows: Any, benchmark: Benchmark) -> Any:
    return rows.exclude(judge__kind__in=Judge.PEOPLE).filter(provenance__in=benchmark.counted_provenances)


def _dated(tables: list[dict[str, NDArray[Any]]]) -> Dated:
    told = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    which = np.repeat(np.arange(len(tables)), [len(table["item"]) for table in tables])
    keys = np.column_stack([which, *(told[name] for name in ("item", "rubric", "turn", "order"))])
    item = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    return Dated(
        item=item,
        judge=told["judge"],
        cluster=told["cluster"],
        category=told["category"],
        week=_weeks(told["day"]),
        share=np.clip(told["share"], 0.0, 1.0),
    )


def _weeks(days: Ints) -> Ints:
    """The ISO week of each day, as year · 100 + week."""
    there, place = np.unique(days, return_inverse=True)
    weeks = [date(one // 10_000, one // 100 % 100, one % 100).isocalendar() for one in there.tolist()]
    return np.array([week.year * 100 + week.week for week in weeks], dtype=np.int64)[place.reshape(-1)]
