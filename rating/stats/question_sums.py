"""Sums by question: how the scores of models scatter where battles on one question are one observation.

Two routes to the same numbers. A table of questions by models where that is no larger than the columns; else, for many
small questions, the pairs of rows that share a question, found by one counting sort. Neither needs more memory than
a few columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rating.stats.arrays import Bools, Floats, Indices, Ints, compressed
from rating.stats.battles import row_blocks

Scores = Callable[[slice | Ints], tuple[Floats, Floats]]
"""What rows, by slice or by number, give to their first and to their second model: two columns."""

_CELLS = 10_000_000
_ROWS = 1 << 17


@dataclass(frozen=True, slots=True)
class QuestionSums:
    """`moments` (m, m): sum over questions of the products of what each model gathered there;
    `seen` (m,): questions of each model; `total`: questions."""

    moments: Floats
    seen: Ints
    total: int


def question_sums(first: Indices, second: Indices, cluster: Indices, *, models: int, scores: Scores) -> QuestionSums:
    """Second moments of the question sums of `scores`; all columns (n,), of whatever width.

    Without rows: zeros.
    """
    n = cluster.size
    most = min(_CELLS, max(16 * n, 1 << 16))
    reach = 1 + int(cluster.max(initial=-1))
    if reach * models > most:
        cluster, reach = compressed(cluster)
    if reach * models <= most:
        return _by_table(first, second, cluster, reach=reach, models=models, scores=scores)
    return _by_pairs(first, second, cluster, reach=reach, models=models, scores=scores)


def _by_table(
    first: Indices, second: Indices, cluster: Indices, *, reach: int, models: int, scores: Scores
) -> QuestionSums:
    gathered, met = np.zeros(reach * models), np.zeros(reach * models, dtype=np.bool_)
    for rows in row_blocks(cluster.size):
        row = np.multiply(cluster[rows], models, dtype=np.int64)
        for side, score in zip((first, second), scores(rows), strict=True):
            cell = row + side[rows]
            np.add.at(gathered, cell, score)
            met[cell] = True
    table, seen = gathered.reshape(reach, models), met.reshape(reach, models)
    return QuestionSums(table.T @ table, np.count_nonzero(seen, axis=0), int(seen.any(axis=1).sum()))


def _by_pairs(
    first: Indices, second: Indices, cluster: Indices, *, reach: int, models: int, scores: Scores
) -> QuestionSums:
    """Questions in order, a chunk of rows at a time: small ones by pairs of rows, large ones by table."""
    from scipy.sparse import csr_array  # 0.3 s, not at import

    n = cluster.size
    sorting = csr_array((np.ones(n, dtype=np.int8), cluster, np.arange(n + 1)), shape=(n, reach)).tocsc()
    order, edges = sorting.indices, sorting.indptr.astype(np.int64)
    size = np.diff(edges)
    # a pair of rows costs four steps, a question in a table about models² / 16²
    small = size <= max(4, models // 16)
    moments, seen = np.zeros((models, models)), np.zeros(models, dtype=np.int64)
    cuts = np.unique(np.searchsorted(edges, np.append(np.arange(0, n, _ROWS), n)))
    for start, stop in zip(cuts[:-1], cuts[1:], strict=True):
        rows = order[edges[start] : edges[stop]]
        question = np.repeat(np.arange(stop - start), size[start:stop])
        few = small[start:stop][question]
        for part, route in ((few, _small), (~few, _large)):
            found = route(first, second, rows[part], question[part], models, scores)
            moments += found.moments
            seen += found.seen
    return QuestionSums(moments, seen, int((size > 0).sum()))


def _large(first: Indices, second: Indices, rows: Ints, question: Ints, models: int, scores: Scores) -> QuestionSums:
    index, reach = compressed(question)
    return _by_table(
        first[rows], second[rows], index, reach=reach, models=models, scores=lambda part: scores(rows[part])
    )


def _small(first: Indices, second: Indices, rows: Ints, question: Ints, models: int, scores: Scores) -> QuestionSums:
    """The square of a sum, written out as products of pairs of rows; `question` is sorted."""
    left = np.searchsorted(question, question, side="right") - np.arange(rows.size) - 1
    columns = first[rows].astype(np.int64), second[rows].astype(np.int64)
    given = scores(rows)
    again: tuple[Bools, Bools] = (np.zeros(rows.size, dtype=np.bool_), np.zeros(rows.size, dtype=np.bool_))
    own, mixed = np.zeros(models * models), np.zeros(models * models)
    for lag in range(int(left.max(initial=-1)) + 1):
        here = np.flatnonzero(left >= lag)
        there = here + lag
        for a, u in zip(columns, given, strict=True):
            for b, v, seen_before in zip(columns, given, again, strict=True):
                one, other = a[here], b[there]
                np.add.at(mixed if lag else own, one * models + other, u[here] * v[there])
                if lag:
                    seen_before[there] |= one == other
    pairs = mixed.reshape(models, models)
    seen = sum(np.bincount(c[~old], minlength=models) for c, old in zip(columns, again, strict=True))
    return QuestionSums(own.reshape(models, models) + pairs + pairs.T, np.asarray(seen, dtype=np.int64), 0)
