"""What judges said when they were asked anew about their anchor sets, beside what they had said at first; see `judging.anchors`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from arena.models import Benchmark
from judging.anchors import TIMES
from judging.models import Grade, Judge, KeptOut, Preference, Run
from rating.data.record import Bools, Floats, Ints


@dataclass(frozen=True)
class Again:
    """One asking of one judge: n items that it judged `then` and, asked anew from `at` on, `now` and once more (`twin`); (n,) each.

    Of pairs, with the two orders as two items, a verdict is the share that the answer shown first got: 1, 0, or .5 for a tie. Of
    marks it is the place on the rubric's scale.
    """

    judge: int
    trial: int
    at: datetime
    is_pair: bool
    then: Floats
    now: Floats
    twin: Floats
    cluster: Ints
    category: Ints

    def of(self, mask: Bools) -> tuple[NDArray[Any], ...]:
        """The columns `then`, `now`, `twin` and `cluster` of these rows."""
        return self.then[mask], self.now[mask], self.twin[mask], self.cluster[mask]


@dataclass(frozen=True)
class _Said:
    """One verdict: `where` is the judge, the rubric and the item."""

    judge: int
    rubric: int
    item: tuple[int, ...]
    trial: int
    value: float
    at: datetime
    cluster: int
    category: int


def askings(benchmark: Benchmark, *, judge: Judge | None = None) -> list[Again]:
    """Every asking anew on the benchmark (of one judge) in which an item was asked as often as it should, by the rubric that was
    used last; in time order. One query where there is none, else at most five."""
    runs = Run.objects.of_anchors().filter(benchmark=benchmark)
    runs = list((runs if judge is None else runs.filter(judges=judge)).values_list("pk", flat=True))
    found = [] if not runs else [*_of(Preference, "battle", runs, benchmark), *_of(Grade, "answer", runs, benchmark)]
    last: dict[int, tuple[datetime, int]] = {}
    for rubric, one in found:
        last[one.judge] = max(last.get(one.judge, (one.at, rubric)), (one.at, rubric))
    return sorted(
        (one for rubric, one in found if rubric == last[one.judge][1]), key=lambda one: (one.judge, one.trial)
    )


def _of(table: Any, item: str, runs: list[int], benchmark: Benchmark) -> Iterator[tuple[int, Again]]:
    """The askings in one table, each with the id of its rubric."""
    rows = table.objects.decided().filter(provenance__in=benchmark.counted_provenances)
    again = rows.filter(run__in=runs, kept_out=KeptOut.AGAIN)
    by_asking: dict[tuple[int, int, int], dict[tuple[int, ...], dict[int, _Said]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for said in _said(again, item):
        first = said.trial - (said.trial - 1) % TIMES
        by_asking[said.judge, said.rubric, first][said.item][said.trial - first] = said
    if not by_asking:
        return
    whose = {"judge__in": {key[0] for key in by_asking}, "rubric__in": {key[1] for key in by_asking}}
    begun = rows.filter(trial=0, **whose, **{f"{item}__in": again.order_by().values(item)})
    firsts = {(said.judge, said.rubric, said.item): said.value for said in _said(begun, item)}
    for (judge, rubric, trial), asked in by_asking.items():
        whole = [
            (firsts[judge, rubric, key], told)
            for key, told in sorted(asked.items())
            if len(told) == TIMES and (judge, rubric, key) in firsts
        ]
        if whole:
            yield rubric, _again(judge, trial, whole, is_pair=table is Preference)


def _again(judge: int, trial: int, whole: list[tuple[float, dict[int, _Said]]], *, is_pair: bool) -> Again:
    def column(name: str) -> Ints:
        return np.array([getattr(told[0], name) for _first, told in whole], dtype=np.int64)

    return Again(
        judge=judge,
        trial=trial,
        at=min(said.at for _first, told in whole for said in told.values()),
        is_pair=is_pair,
        then=np.array([first for first, _told in whole]),
        now=np.array([told[0].value for _first, told in whole]),
        twin=np.array([told[1].value for _first, told in whole]),
        cluster=column("cluster"),
        category=column("category"),
    )


def _said(rows: QuerySet, item: str) -> Iterator[_Said]:
    """These verdicts. One query."""
    is_pair = item == "battle"
    own = ("value", "swapped") if is_pair else ("score", "rubric__lowest", "rubric__highest")
    names = ("judge", "rubric", item, "turn", "trial", "created_at", f"{item}__question", f"{item}__question__category")
    for judge, rubric, pk, turn, trial, at, question, category, value, *more in rows.order_by().values_list(
        *names, *own
    ):
        key = (pk, turn, *([int(more[0])] if is_pair else []))
        share = (float(np.sign(-value if more[0] else value)) + 1) / 2 if is_pair else _place(value, *more)
        yield _Said(judge, rubric, key, trial, share, at, question, category)


def _place(score: float, lowest: float, highest: float) -> float:
    """Where a mark stands on its scale, 0..1."""
    return min(max((score - lowest) / (highest - lowest), 0.0), 1.0)
