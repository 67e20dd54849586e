"""Which models of a board were judged less than the others, and how much of that failed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from arena.models import Benchmark, Question
from judging.models import Run
from rating.models import Rating

MOST_MISSING = 0.05  # share of the judgments that the others have


@dataclass(frozen=True)
class Gap:
    """A model with `n` judgments of `due`, which is what the most judged model beside it has, with those that failed."""

    row: Rating
    due: int

    @property
    def missing(self) -> float:
        """The share of the judgments that is missing, 0..1."""
        return 1.0 - self.row.n / self.due

    def as_json(self) -> dict[str, object]:
        row = self.row
        return {"model": row.model.name, "n": row.n, "n_failed": row.n_failed, "due": self.due}


def gaps(rows: Sequence[Rating], *, battles: bool, baselines: Collection[int] = ()) -> list[Gap]:
    """The models that lack more than MOST_MISSING, and that much more than the model that lacks least; the worst first.

    A model that takes part in all of the `battles`, as a baseline does, was judged more often by design, and is no measure; nor
    are the `baselines` (ids) of some of the categories that the rows are of.
    """
    tried = [_tried(row) for row in rows]
    common = sum(tried) / 2 if battles else None
    beside = [row for row, n in zip(rows, tried, strict=True) if n != common and row.model_id not in baselines]
    due = max(map(_tried, beside), default=0)
    found = [Gap(row, due) for row in beside if due]
    least = min((gap.missing for gap in found), default=0.0)
    # a rounded share that is just at the limit is not beyond it
    lacking = [gap for gap in found if min(gap.missing, gap.missing - least) > MOST_MISSING + 1e-9]
    return sorted(lacking, key=lambda gap: (-gap.missing, gap.row.model.name))


def baselines_of_categories(benchmark: Benchmark) -> set[int]:
    """Ids of the baselines of runs that count here and have several, each in its categories. A query, or two."""
    runs = Run.objects.filter(benchmark=benchmark, mode=Run.Mode.BASELINE, trial=0)
    runs = [run for run in runs.filter(provenance__in=benchmark.counted_provenances) if run.baselines]
    if not runs:
        return set()
    categories = set(Question.objects.filter(benchmark=benchmark).values_list("category", flat=True))
    return {run.baseline_of(category) for run in runs for category in categories}


def _tried(row: Rating) -> int:
    return row.n + (row.n_failed or 0)
