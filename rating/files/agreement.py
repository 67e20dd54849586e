"""A vote file as rows of agreement: what `agree` prints, in the shape of `agreement`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rating import stats
from rating.files.problems import some
from rating.files.votes import VoteFile
from rating.stats.annotators import annotator_table

ALL = "all"
FEW = "few"
MOST_VALUES = 1000
MOST_STEPS = 100  # of a scale whose scores are compared as values too; finer ones have α alone
UNKNOWN = {"difference": None, "difference_low": None, "difference_high": None, "difference_n": 0, "p_value": None}
"""What a row of a benchmark says of a judge beside people: a file does not say who is a person."""
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


def agreement(
    file: VoteFile, *, values: int | None = None, tie: str | None = None, annotators: bool = False
) -> FileAgreement:
    """How far the annotators of the file agree: over all votes, then in each category. Raises StatsError.

    `values`: how many values there may be; None counts those that occur, and says so. `tie`: the value that decides
    nothing, for the share without ties. `annotators`: a row for each of them too, over all votes.
    """
    counted = max(file.values, 2) if values is None else values
    if file.level != "interval" and counted > MOST_VALUES:
        raise stats.ImpossibleInput(f"{counted} different values; at most {MOST_VALUES} can be compared at this level")
    if tie is not None and tie not in file.names:
        raise stats.ImpossibleInput(f"no value is {tie!r}; there are: {some(file.names)}")
    parts = chain([(ALL, file)], file.categories())
    return FileAgreement(
        name=file.name,
        rows=[_row(category, part, counted, tie) for category, part in parts],
        notes=() if _is_fine(file) or values is not None else (OCCURRING,),
        annotators=list(_annotators(file)) if annotators else None,
    )


def _row(category: str, file: VoteFile, values: int, tie: str | None) -> dict[str, Any]:
    """The keys of a row of a benchmark's agreement in their order, then what only a file says."""
    found = _agree(file, values, tie)
    numbers = ("n", "raw", "kappa", "alpha", "low", "high")
    more = ("clusters", "pairs", "raw_decided", "pairs_decided", "kappa_kind", "interval", "ac1", "top_share")
    return {
        "category": category,
        "judges": ALL,
        **{name: getattr(found, name) for name in numbers},
        "kind": file.level,
        "relation": ALL,
        **{name: getattr(found, name) for name in more},
        **UNKNOWN,
        "note": found.note or (FEW if found.wanted else ""),
        "annotators": found.judges,
        "wanted": found.wanted,
    }


def _is_fine(file: VoteFile) -> bool:
    """Whether the scale is so fine that equal scores say nothing."""
    return file.level == "interval" and file.values > MOST_STEPS


def _agree(file: VoteFile, values: int, tie: str | None) -> stats.Agreement:
    if file.scale is not None and _is_fine(file):
        return stats.agree_on_scores(file.item, file.annotator, file.scale[file.value], cluster=file.cluster)
    return stats.agree(
        file.item,
        file.annotator,
        file.value,
        values=values,
        level=file.level,
        cluster=file.cluster,
        tie=None if tie is None else file.names.index(tie),
        marks=_marks(file, values) if file.level == "interval" else None,
    )


def _marks(file: VoteFile, values: int) -> NDArray[np.float64] | None:
    """What the values are worth (V,); those that never occur follow upwards, which changes nothing. None for words."""
    if file.scale is None:
        return None
    further = np.arange(1, values - file.scale.size + 1)
    return np.concatenate([file.scale, file.scale[-1:] + further])


def _annotators(file: VoteFile) -> Iterator[dict[str, Any]]:
    values = max(file.values, 2)
    if values > MOST_VALUES:
        raise stats.ImpossibleInput(f"{values} different values; annotators can be compared on at most {MOST_VALUES}")
    marks = _marks(file, values)
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
