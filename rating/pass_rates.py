"""pass@k of each model, from the Python tests that its answers passed: how likely one of k answers passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from arena.models import Benchmark
from judging.judges.pass_at_k import pass_at_k
from rating import data, stats
from rating.data import Passed

KS = (1, 5, 10)


@dataclass(frozen=True)
class PassRate:
    """pass@k of one model by one judge in a category (None: in all).

    `rate` 0..1 is the mean over the `questions` that the model has at least k tested answers to, with a 95 % interval in which a
    question is one observation; None where there are none. `answers` were tested.
    """

    judge: str
    model: str
    category: str | None
    k: int
    rate: float | None
    low: float | None
    high: float | None
    questions: int
    answers: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def pass_rates(benchmark: Benchmark, *, ks: Sequence[int] = KS) -> list[PassRate]:
    """The rates of every model that was tested, over all categories first. One query. Raises ValueError for a k below 1."""
    if any(k < 1 for k in ks):
        raise ValueError(f"k is a whole number from 1, not {min(ks)}")
    found: dict[tuple[str, str], list[Passed]] = {}
    for passed in data.passed(benchmark):
        found.setdefault((passed.judge, passed.model), []).append(passed)
    return [rate for (judge, model), rows in sorted(found.items()) for rate in _rates(judge, model, rows, ks)]


def _rates(judge: str, model: str, rows: list[Passed], ks: Sequence[int]) -> Iterator[PassRate]:
    for category in (None, *sorted({row.category for row in rows})):
        mine = [row for row in rows if category in (None, row.category)]
        for k in ks:
            known = [row for row in mine if row.n >= k]
            hit = np.array([pass_at_k(row.n, row.passed, k) for row in known])
            share = stats.share_of_cases(
                stats.Cases(hit=hit, cluster=np.array([row.question for row in known], dtype=int))
            )
            answers = sum(row.n for row in known)
            yield PassRate(judge, model, category, k, share.share, share.low, share.high, len(known), answers)
