"""Places per category and model: what one ranking hides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q

from arena.models import Category, LanguageModel
from rating.boards.board import Board
from rating.models import Rating


@dataclass(frozen=True)
class Cell:
    """One model in one category; `shade` runs from 1 (first) to 5 (last)."""

    rating: Rating | None
    shade: int = 0


@dataclass(frozen=True)
class Places:
    """One category: who ranks first in it, and a cell for each model."""

    category: Category
    leaders: list[Rating]
    cells: list[Cell]

    @property
    def is_unclear(self) -> bool:
        """Whether the data cannot tell the first from the second."""
        return len(self.leaders) > 1 or any((row.rank_high or 1) > 1 for row in self.leaders)

    @property
    def counts(self) -> list[int]:
        """The fewest and the most judgments behind a rating here, one number where they are the same; none without a rating."""
        there = {cell.rating.n for cell in self.cells if cell.rating}
        return sorted({min(there), max(there)}) if there else []


@dataclass(frozen=True)
class Heat:
    """Places per category (rows) and model (columns): what one ranking hides.

    `leader` ranks first overall; None where several do.
    """

    models: list[LanguageModel]
    rows: list[Places]
    missing: list[tuple[LanguageModel, int]]
    leader: LanguageModel | None

    @property
    def others_lead(self) -> list[Places]:
        """The categories in which somebody else than the overall leader ranks first; none without one leader."""
        if self.leader is None:
            return []
        return [row for row in self.rows if row.leaders and self.leader not in [one.model for one in row.leaders]]

    @property
    def others_lead_unclearly(self) -> bool:
        return any(row.is_unclear for row in self.others_lead)

    @property
    def is_unclear(self) -> bool:
        """Whether any category has no clear first."""
        return any(row.is_unclear for row in self.rows)


def heat(overall: Board, categories: list[Category], *, widest: int = 12) -> Heat | None:
    """The places of the `widest` best models in every category; None without one overall ranking. Two queries.

    `missing` lists all models that lack a category, with the number of categories they have.
    """
    if not overall.rows or not categories or overall.is_split:
        return None
    columns = [row.model for row in overall.rows[:widest]]
    placed = overall.snapshot.ratings.order_by("rank").filter(
        source=overall.source, method=overall.method, category__in=categories, rank__isnull=False
    )
    cells: dict[int, dict[int, Rating]] = {}
    for row in placed.filter(Q(model__in=columns) | Q(rank=1)).select_related("model"):
        cells.setdefault(row.category_id, {})[row.model_id] = row
    rows = [
        Places(found, _leaders(cells[found.pk]), _cells(cells[found.pk], columns))
        for found in categories
        if found.pk in cells
    ]
    counts = dict(placed.order_by().values_list("model").annotate(Count("category")))
    missing = [
        (row.model, counts.get(row.model_id, 0)) for row in overall.rows if counts.get(row.model_id, 0) < len(rows)
    ]
    first = [row.model for row in overall.rows if row.rank == 1]
    return Heat(columns, rows, missing, first[0] if len(first) == 1 else None)


def _leaders(places: Mapping[int, Rating]) -> list[Rating]:
    return [row for row in places.values() if row.rank == 1]


def _cells(places: Mapping[int, Rating], columns: list[LanguageModel]) -> list[Cell]:
    last = max((row.rank for row in places.values()), default=1)
    return [_cell(places.get(model.pk), last) for model in columns]


def _cell(row: Rating | None, last: int) -> Cell:
    return Cell(row, 1 + round(4 * (row.rank - 1) / max(1, last - 1))) if row else Cell(None)
