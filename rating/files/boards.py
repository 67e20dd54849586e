"""A battle file as boards of ratings: what `rate` prints, in the shape of `leaderboard`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rating import stats
from rating.files.battles import BattleFile
from rating.files.problems import some
from rating.stats.ranks import Ranks, ranked

ALL = "all"
NO_ANCHOR = "the anchor has no battles here: ratings are around 1000"
ORDER_SPREAD = "order_spread"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class How:
    """How a file is rated: `anchor` is a model and the rating it is to have, `strong` what a much better answer counts."""

    method: str = "bt"
    source: str = ALL
    level: float = 0.95
    k: float = 32.0
    anchor: tuple[str, float] | None = None
    clustered: bool = True
    strong: int = 1
    rule: str = "difference"


@dataclass(frozen=True)
class Rated:
    """Ratings of m models by one method, (m,) each; `more` is what the method says beside them, as plain data."""

    rating: Floats
    low: Floats
    high: Floats
    ranks: Ranks
    notes: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)


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
    if how.strong > 1 and how.method != "bt":
        raise stats.ImpossibleInput(
            f"much better answers count {how.strong} times with method bt only, not {how.method}"
        )
    if how.anchor and how.method == "elo":
        raise stats.ImpossibleInput("Elo has no anchor: every model starts at 1000")
    if how.anchor and how.anchor[0] not in file.models:
        raise stats.ImpossibleInput(f"holds no model {how.anchor[0]}; there are: {some(file.models)}")
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
            "rating": _number(rated.rating[place]),
            "low": _number(rated.low[place]),
            "high": _number(rated.high[place]),
            "rank": int(rated.ranks.rank[place]) or None,
            "rank_low": int(rated.ranks.low[place]) or None,
            "rank_high": int(rated.ranks.high[place]) or None,
            "n": round(n[place]),
            "win_rate": _number(rates[place]),
        }
        for place, model in enumerate(file.models)
    ]
    return sorted(rows, key=lambda row: (row["rank"] is None, row["rank"] or 0, row["model"]))


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _anchor(file: BattleFile, how: How) -> tuple[int, float] | None:
    if how.anchor is None or how.anchor[0] not in file.models:
        return None
    return file.models.index(how.anchor[0]), how.anchor[1]


def _bradley_terry(file: BattleFile, table: stats.Counts, how: How) -> Rated:
    anchor = _anchor(file, how)
    if how.strong > 1:
        battles = file.weighed(how.strong) if how.clustered else replace(file, cluster=None).weighed(how.strong)
        fitted = stats.fit(battles, len(file.models), anchor=anchor, level=how.level)
    elif how.clustered and file.cluster is not None:
        fitted = stats.fit(file.battles, len(file.models), anchor=anchor, level=how.level)
    else:
        fitted = stats.fit_counts(table, anchor=anchor, level=how.level)
    return Rated(fitted.rating, fitted.low, fitted.high, _ranks(fitted, how), fitted.notes)


def _ranks(fitted: stats.Strengths, how: How) -> Ranks:
    """Ranks by the differences, or by LMArena's rule: above is who has a low end above the other's high end."""
    if how.rule == "difference":
        return stats.rank_ranges(fitted, level=how.level)
    above = fitted.low[:, None] > fitted.high[None, :]
    return ranked(fitted.rating, above, component=fitted.component)


def _elo(file: BattleFile, table: stats.Counts, how: How) -> Rated:
    """Elo in the order of time; low and high are what other orders of the same battles give."""
    battles, models = file.battles, len(file.models)
    rating = stats.online_elo(battles, models, k=how.k)
    spread = stats.shuffled_elo(battles, models, k=how.k)
    low, high = np.minimum(spread.low, rating), np.maximum(spread.high, rating)
    ranks = ranked(rating, low[:, None] > high[None, :], component=np.zeros(models, dtype=np.int64))
    return Rated(rating, low, high, ranks, (ORDER_SPREAD,))


METHODS: dict[str, Callable[[BattleFile, stats.Counts, How], Rated]] = {"bt": _bradley_terry, "elo": _elo}
