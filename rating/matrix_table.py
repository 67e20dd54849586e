"""A matrix shaped for reading: a page of its rows against a page of its columns, each cell with n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel
from rating.matrices import Met, fractions

BATTLES, WINS, NONTIED = "battles", "wins", "nontied"
KINDS = {
    BATTLES: _("battles"),
    WINS: _("win fraction, a tie as half"),
    NONTIED: _("win fraction without ties"),
}
PAGE = 30


@dataclass(frozen=True)
class Cell:
    """Row against column: `n` battles; `value` the row's share of them, None in a table of battles. `shade` runs from 1 to 5."""

    other: LanguageModel
    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    shade: int = 0


@dataclass(frozen=True)
class Line:
    """One model against the models of the columns; a cell is None where there was no battle. `n` counts all its battles."""

    model: LanguageModel
    n: int
    cells: list[Cell | None]


@dataclass(frozen=True)
class Pages:
    """Which part of the models is shown, from 1; `parts` names each part by its first and last place."""

    chosen: int
    parts: list[tuple[int, int, int]]

    @property
    def has_more(self) -> bool:
        return len(self.parts) > 1


@dataclass(frozen=True)
class Table:
    """`lines` of the models of a page, `columns` the models they are held against; `n` counts battles between any two."""

    kind: str
    columns: list[LanguageModel]
    lines: list[Line]
    rows: Pages
    across: Pages
    models: int
    n: int
    level: float

    @property
    def is_of_battles(self) -> bool:
        return self.kind == BATTLES


def table(met: Met, models: dict[int, LanguageModel], *, kind: str, level: float, rows: Any, columns: Any) -> Table:
    """The part of a matrix that was asked for, models with the most battles first; `models` by id have all of them."""
    battles = met.battles
    names = [models[pk].name if pk in models else "" for pk in met.models]
    order = sorted((place for place in range(len(names)) if battles[place] and met.models[place] in models),
                   key=lambda place: (-battles[place], names[place], met.models[place]))  # fmt: skip
    down, across = _pages(rows, len(order)), _pages(columns, len(order))
    mine, others = _part(order, down), _part(order, across)
    cells = _cells(met, models, kind=kind, level=level)
    lines = [
        Line(models[met.models[row]], round(battles[row]), [cells(row, other) for other in others]) for row in mine
    ]
    shown = [models[met.models[place]] for place in others]
    return Table(kind, shown, lines, down, across, len(order), round(met.n.sum() / 2), level)


def _pages(asked: Any, count: int) -> Pages:
    parts = [(number, first + 1, min(first + PAGE, count)) for number, first in enumerate(range(0, count, PAGE), 1)]
    text = str(asked)
    chosen = int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 1
    return Pages(chosen if 1 <= chosen <= len(parts) else 1, parts)


def _part(order: Sequence[int], pages: Pages) -> Sequence[int]:
    return order[(pages.chosen - 1) * PAGE : pages.chosen * PAGE]


def _cells(met: Met, models: dict[int, LanguageModel], *, kind: str, level: float):
    """What makes the cell of a row and a column, by their places; None for a model against itself or without a battle."""
    if kind == BATTLES:
        most = max(float(met.n.max(initial=0.0)), 1.0)

        def counted(row: int, other: int) -> Cell | None:
            n = round(met.n[row, other])
            return Cell(models[met.models[other]], n, shade=1 + round(4 * (1 - n / most))) if n else None

        return counted
    won = fractions(met, ties=kind == WINS, level=level)

    def share(row: int, other: int) -> Cell | None:
        value = won.value[row, other]
        if np.isnan(value):
            return None
        ends = float(won.low[row, other]), float(won.high[row, other])
        return Cell(
            models[met.models[other]], round(won.n[row, other]), float(value), *ends, 1 + round(4 * (1 - value))
        )

    return share
