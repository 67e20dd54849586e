"""A battle file as boards of ratings: what `rate` prints, in the shape of `leaderboard`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rating import stats
from rating.details import number
from rating.files.battles import BattleFile
from rating.files.methods import ALL, METHODS, How, Rated
from rating.files.problems import some

NO_ANCHOR = "the anchor has no battles here: ratings are around 1000"


@dataclass(frozen=True)
class FileBoard:
    """One board: `rows` are plain data, best first; `groups` the boards of parts of it, None where none was asked for."""

    name: str
    category: str
    how: How
    n: int
    rows: list[dict[str, Any]]
    notes: tuple[str, ...]
    more: dict[str, Any]
    groups: list[FileBoard] | None = None

    def as_json(self) -> dict[str, Any]:
        """The board as plain data, with the keys of a leaderboard."""
        about = {
            "benchmark": self.name,
            "category": self.category,
            "source": self.how.source,
            "method": self.how.method,
        }
        groups = {} if self.groups is None else {"groups": [board.as_json() for board in self.groups]}
        return {**about, "n": self.n, "rows": self.rows, **self.more, **groups}


def board(file: BattleFile, how: How) -> FileBoard:
    """The file's board, with one for each group where the file has a group column.

    A group that cannot be rated is a board without rows and a note. Raises StatsError where the whole file cannot be.
    """
    how.check()
    for name in (how.anchor and how.anchor[0], how.baseline):
        if name and name not in file.models:
            raise stats.ImpossibleInput(f"holds no model {name}; there are: {some(file.models)}")
    whole = _board(file, how, ALL)
    if file.group is None:
        return whole
    return replace(whole, groups=[_part(part, how, category) for category, part in file.groups()])


def _part(file: BattleFile, how: How, category: str) -> FileBoard:
    try:
        return _board(file, how, category)
    except stats.StatsError as error:
        return FileBoard(file.name, category, how, len(file), [], (str(error),), {})


def _board(file: BattleFile, how: How, category: str) -> FileBoard:
    if how.baseline:
        file = file.against(how.baseline)
        if not len(file):
            raise stats.TooLittleData("the baseline has no battles here")
    table = file.counts
    rated = METHODS[how.method](file, table, how)
    notes = rated.notes
    if how.anchor and how.anchor[0] not in file.models:
        notes = (*notes, NO_ANCHOR)
    return FileBoard(file.name, category, how, len(file), _rows(file, table, rated), notes, rated.more)


def _rows(file: BattleFile, table: stats.Counts, rated: Rated) -> list[dict[str, Any]]:
    n = table.games.sum(axis=1)
    rates = table.wins.sum(axis=1) / n
    rows = [
        {
            "model": model,
            "rating": number(rated.rating[place]),
            "low": number(rated.low[place]),
            "high": number(rated.high[place]),
            "rank": int(rated.ranks.rank[place]) or None,
            "rank_low": int(rated.ranks.low[place]) or None,
            "rank_high": int(rated.ranks.high[place]) or None,
            "n": round(n[place]),
            "win_rate": number(rates[place]),
        }
        for place, model in enumerate(file.models)
    ]
    return sorted(rows, key=lambda row: (row["rank"] is None, row["rank"] or 0, row["model"]))
