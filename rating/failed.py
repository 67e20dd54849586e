"""Verdicts of machine judges that failed, counted for each model of each board."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rating.data import Failed, Record, alike
from rating.models import Rating
from rating.ratings import Rated
from rating.sorting import Sorting, members

Ints = NDArray[np.int64]
Counts = dict[int, int]


def _none() -> Ints:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Tally:
    """Failed verdicts added up: `n` (k,) of a judge, about a model, in a category, on questions in a language; all (k,).

    `language` is a place in `languages`, -1 for none.
    """

    judge: Ints = field(default_factory=_none)
    category: Ints = field(default_factory=_none)
    model: Ints = field(default_factory=_none)
    language: Ints = field(default_factory=_none)
    n: Ints = field(default_factory=_none)

    @classmethod
    def of(cls, failed: Failed, sorting: Sorting) -> Tally:
        """The failed verdicts of a record."""
        keys = failed.judge, failed.category, failed.model, sorting.language_of(failed.cluster)
        place = alike(*keys)
        _found, first = np.unique(place, return_index=True)
        return cls(*(key[first] for key in keys), n=np.bincount(place, failed.n).astype(np.int64))

    def where(self, mask: NDArray[np.bool_]) -> Tally:
        return Tally(**{column.name: getattr(self, column.name)[mask] for column in fields(self)})

    @cached_property
    def by_model(self) -> Counts:
        models, place = np.unique(self.model, return_inverse=True)
        sums = np.bincount(place, self.n, len(models)).astype(np.int64)
        return dict(zip(models.tolist(), sums.tolist(), strict=True))


@dataclass(frozen=True)
class Failures:
    """What failed of all that boards of battles, or boards of scores, are made of, and whose boards those are.

    `names` are those of the machine judges by id, `silent` the ids of judges that speak through their panel alone, `members` the
    categories of each kind of them.
    """

    tally: Tally
    names: Mapping[int, str]
    silent: Collection[int]
    members: Mapping[int, list[int]]
    languages: tuple[str, ...] = ()
    _of_source: dict[str, Tally] = field(default_factory=dict)
    _of_part: dict[tuple[str, int | None, str], Counts] = field(default_factory=dict)

    def on(self, board: Rated) -> Rated:
        """The board, each row with `n_failed`; a model of which every verdict failed has a row without a rating.

        What machines say is no part of the `n` of calibrated ratings, so nothing is counted there.
        """
        if board.source == Rating.CALIBRATED or not board.rows:
            return board
        failed = self._counts(board)
        rows: dict[int, dict[str, Any]] = {
            model: {**row, "n_failed": failed.get(model, 0)} for model, row in board.rows.items()
        }
        rows |= {model: {"n": 0, "n_failed": n} for model, n in failed.items() if model not in rows}
        return replace(board, rows=rows)

    def _counts(self, board: Rated) -> Counts:
        place = board.source, board.category, board.language
        if board.source not in self._of_source:
            self._of_source[board.source] = self.tally.where(self._speaks(board.source))
        if place not in self._of_part:
            self._of_part[place] = self._part(self._of_source[board.source], board).by_model
        return self._of_part[place]

    def _speaks(self, source: str) -> NDArray[np.bool_]:
        """Which rows (k,) of the tally this source is made of."""
        judge = self.tally.judge
        if source == Rating.PEOPLE:
            return np.zeros(len(judge), dtype=bool)
        if source in (Rating.ALL, Rating.JUDGES):
            return ~np.isin(judge, list(self.silent))
        return np.isin(judge, [pk for pk, name in self.names.items() if f"judge:{name}" == source])

    def _part(self, tally: Tally, board: Rated) -> Tally:
        if board.language:
            return tally.where(tally.language == self.languages.index(board.language))
        if board.category is None:
            return tally
        return tally.where(np.isin(tally.category, self.members.get(board.category, [board.category])))


def on_boards(boards: Iterable[Rated], record: Record, sorting: Sorting) -> Iterator[Rated]:
    """The boards of a record, each row with what failed beside its judgments."""
    votes, marks = (
        Failures(
            Tally.of(failed, sorting),
            record.names,
            record.silent,
            members(sorting.kinds, {*np.unique(table.category).tolist(), *np.unique(failed.category).tolist()}),
            sorting.languages,
        )
        for table, failed in ((record.votes, record.failed_votes), (record.marks, record.failed_marks))
    )
    yield from ((marks if board.method == Rating.Method.SCORE else votes).on(board) for board in boards)
