"""A vote file as rows of agreement: what `agree` prints, in the shape of `agreement`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rating import stats
from rating.files.votes import VoteFile
from rating.stats.annotators import annotator_table

ALL = "all"
FEW = 30  # items; fewer say nothing
MOST_VALUES = 1000
OCCURRING = "values counted are those that occur: say how many there may be with --values"
"""Note: AC1 and weighted κ depend on how many values there may be, which a file cannot tell."""


@dataclass(frozen=True)
class FileAgreement:
    """The `rows` of agreement of one file as plain data, all categories first; `annotators` likewise, None not asked for."""

    name: str
    rows: list[dict[str, Any]]
    notes: tuple[str, ...]
    annotators: list[dict[str, Any]] | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain data with the keys of the agreement of a benchmark."""
        annotators = {} if self.annotators is None else {"annotators": self.annotators}
        return {"benchmark": self.name, "rows": self.rows, **annotators}


def agreement(file: VoteFile, *, values: int | None = None, annotators: bool = False) -> FileAgreement:
    """How far the annotators of the file agree: over all votes, then in each category. Raises StatsError.

    `values`: how many values there may be; None counts those that occur, and says so. At level interval they are not
    counted at all. `annotators`: a row for each of them too, over all votes.
    """
    counted = len(file.names) if values is None else values
    if file.level != "interval" and counted > MOST_VALUES:
        raise stats.ImpossibleInput(f"{counted} different values; at most {MOST_VALUES} can be compared at this level")
    parts = [(ALL, file), *file.categories()]
    return FileAgreement(
        name=file.name,
        rows=[_row(category, part, counted) for category, part in parts],
        notes=() if file.level == "interval" or values is not None else (OCCURRING,),
        annotators=list(_annotators(file)) if annotators else None,
    )


def _row(category: str, file: VoteFile, values: int) -> dict[str, Any]:
    found = _agree(file, values)
    numbers = ("n", "raw", "kappa", "alpha", "low", "high", "kappa_kind", "interval", "ac1", "top_share", "pairs")
    told = {name: getattr(found, name) for name in numbers}
    return {
        "category": category,
        "judges": ALL,
        **told,
        "annotators": found.judges,
        "note": found.note or _few(found.n),
    }


def _few(n: int) -> str:
    return f"few items: about {FEW - n} more are needed" if n < FEW else ""


def _agree(file: VoteFile, values: int) -> stats.Agreement:
    if file.score is not None and file.level == "interval":
        return stats.agree_on_scores(file.item, file.annotator, file.score, cluster=file.cluster)
    return stats.agree(
        file.item, file.annotator, file.value, values=max(values, 2), level=file.level, cluster=file.cluster
    )


def _annotators(file: VoteFile) -> Iterator[dict[str, Any]]:
    values = max(len(file.names), 2)
    if values > MOST_VALUES:
        raise stats.ImpossibleInput(f"{values} different values; annotators can be compared on at most {MOST_VALUES}")
    marks = None
    if file.score is not None:
        marks = np.zeros(values)
        marks[file.value] = file.score
    found = annotator_table(
        file.item, file.annotator, file.value, values=values, cluster=file.cluster, marks=marks, time=file.time
    )
    for one in found:
        yield {
            "annotator": file.annotators[one.annotator],
            "votes": one.votes,
            "shared": one.shared,
            "agreement": one.agreement.value,
            "low": one.agreement.low,
            "high": one.agreement.high,
            "severity": one.severity.value,
            "drift": one.drift.z,
            "pace": one.pace,
            "flags": list(one.flags),
            "wanted": one.agreement.wanted,
        }
