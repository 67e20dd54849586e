"""Plain data for the charts of a snapshot, for pages and scripts: ratings, price, radar, heat-map. Nothing is computed anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arena.models import Category, LanguageModel
from rating import pareto
from rating.boards import Board
from rating.models import Rating
from rating.templatetags.numbers import points

MOST_ROWS = 40  # models on the chart of ratings
MOST_HEAT = 30  # models in the heat-map
MOST_RADAR, USUAL_RADAR = 8, 3
MIX, IN, OUT = "mix", "in", "out"
PRICES = {
    MIX: gettext_lazy("3 read, 1 written"),
    IN: gettext_lazy("tokens read"),
    OUT: gettext_lazy("tokens written"),
}


def price_of(model: LanguageModel, kind: str) -> float | None:
    """The price of a million tokens: read, written, or three read for each one written; None where it is not known."""
    if kind == IN:
        return model.price_in
    if kind == OUT:
        return model.price_out
    if model.price_in is None or model.price_out is None:
        return None
    return (3 * model.price_in + model.price_out) / 4


@dataclass(frozen=True)
class Priced:
    """Quality against price: `best` is the Pareto line, cheapest first; `unknown` are models without a price."""

    kind: str
    points: list[pareto.Point]
    best: list[pareto.Point]
    unknown: list[Rating]

    @property
    def free(self) -> list[pareto.Point]:
        """Points without a place on a logarithmic axis: they cost nothing."""
        return [point for point in self.points if not point.price]

    @property
    def rows(self) -> list[tuple[pareto.Point, bool]]:
        """Every point, cheapest first, with whether it is on the line."""
        kept = {id(point) for point in self.best}
        return [(point, id(point) in kept) for point in sorted(self.points, key=lambda one: (one.price, -one.quality))]

    @cached_property
    def plot(self) -> pareto.Plot | None:
        return pareto.plot(self.points, self.best)

    @property
    def price_words(self) -> Any:
        return PRICES[self.kind]


@dataclass(frozen=True)
class Across:
    """Ratings of models (rows) in categories (columns); a cell is None where a model was not judged."""

    categories: list[Category]
    models: list[LanguageModel]
    cells: list[list[Rating | None]]

    @property
    def rows(self) -> list[tuple[LanguageModel, list[Rating | None]]]:
        return list(zip(self.models, self.cells, strict=True))


@dataclass(frozen=True)
class Charts:
    """All charts of one board of a snapshot. `labels` are what models are called on them, by id."""

    board: Board
    labels: dict[int, str]
    priced: Priced
    heat: Across
    radar: Across

    @property
    def rated(self) -> list[Rating]:
        """The rated models on the first chart, best first."""
        return [row for row in self.board.rows if row.rating is not None][:MOST_ROWS]

    @property
    def rated_in_all(self) -> int:
        return sum(row.rating is not None for row in self.board.rows)

    @property
    def chosen(self) -> list[int]:
        return [model.pk for model in self.radar.models]

    def as_json(self) -> dict[str, Any]:
        """What the scripts draw: names are plain text, unknown numbers None."""
        method = self.board.method
        return {
            "ratings": [
                {"name": self.labels[row.model_id], "value": row.rating, "low": row.low, "high": row.high,
                 "text": self._said(row)}
                for row in self.rated
            ],
            "price": {
                "points": [
                    {"name": one.label, "x": one.price, "y": one.quality, "low": one.low, "high": one.high, "best": is_best}
                    for one, is_best in self.priced.rows if one.price
                ],
                "line": [[one.price, one.quality] for one in self.priced.best if one.price],
            },
            "radar": self._across(self.radar),
            "heat": self._across(self.heat),
            "words": {
                "rating": _("Mean score") if method == Rating.Method.SCORE else _("Rating"),
                "price": _("Price of a million tokens"),
                "line": _("nobody beats these in both"),
                "others": _("beaten in both"),
                "blank": _("not judged there"),
            },
        }  # fmt: skip

    def _across(self, table: Across) -> dict[str, Any]:
        return {
            "categories": [category.name for category in table.categories],
            "models": [
                {
                    "name": self.labels[model.pk],
                    "values": [cell.rating if cell else None for cell in cells],
                    "texts": [self._said(cell) if cell else "" for cell in cells],
                }
                for model, cells in table.rows
            ],
        }

    def _said(self, row: Rating) -> str:
        """ "1034 [1010, 1058], n = 120" """
        value, low, high = (points(one, self.board.method) for one in (row.rating, row.low, row.high))
        between = f" [{low}, {high}]" if row.low is not None else ""
        return f"{value}{between}, n = {row.n}"


def charts(board: Board, categories: Sequence[Category], *, chosen: Iterable[int] = (), price: str = MIX) -> Charts:
    """The charts of a board, which is of all categories or one; heat-map and radar are over `categories`. One query.

    `chosen` are ids of models for the radar; the best few where it names none of the board.
    """
    labels = _labels([row.model for row in board.rows])
    cells: dict[tuple[int, int], Rating] = {}
    if board.snapshot is not None and board.rows:
        there = board.snapshot.ratings.filter(
            source=board.source, method=board.method, language="", category__in=categories
        )
        cells = {(row.model_id, row.category_id): row for row in there.exclude(rating=None)}
    judged = {category for _model, category in cells}
    shown = [category for category in categories if category.pk in judged]
    models = [row.model for row in board.rows]
    wanted = list(dict.fromkeys(chosen))
    radar = [model for model in models if model.pk in wanted][:MOST_RADAR] or models[:USUAL_RADAR]
    return Charts(
        board,
        labels,
        priced(board, labels, price),
        _table(models[:MOST_HEAT], shown, cells),
        _table(radar, shown, cells),
    )


def _table(models: list[LanguageModel], categories: list[Category], cells: dict[tuple[int, int], Rating]) -> Across:
    return Across(categories, models, [[cells.get((model.pk, one.pk)) for one in categories] for model in models])


def priced(board: Board, labels: dict[int, str], kind: str) -> Priced:
    """Each rated model at its price, and those whose price is not known."""
    rated = [row for row in board.rows if row.rating is not None]
    prices = {row.model_id: price_of(row.model, kind) for row in rated}
    found = [
        pareto.Point(row.model, row.rating, prices[row.model_id], row.low, row.high, labels[row.model_id])
        for row in rated
        if prices[row.model_id] is not None
    ]
    return Priced(kind, found, pareto.line(found), [row for row in rated if prices[row.model_id] is None])


def _labels(models: Iterable[LanguageModel]) -> dict[int, str]:
    """What each model is called on a chart, by id: with its version where two have one name."""
    models = list(models)
    often = Counter(model.name for model in models)
    return {model.pk: model.name if often[model.name] == 1 else f"{model.name} {model.version}" for model in models}
