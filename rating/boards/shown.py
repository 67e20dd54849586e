"""The rows of a board that a reader asked for, in the order asked for: ranks stay those of the whole board."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from arena.border import asked
from rating.boards.board import Board
from rating.boards.line import Line

RANK = "rank"
UP, DOWN = "ascending", "descending"


@dataclass(frozen=True)
class Column:
    """A column that rows can be ordered by: what of a line, and whether the highest value comes first."""

    of: Callable[[Line], Any]
    down: bool = True


COLUMNS: dict[str, Column] = {
    RANK: Column(lambda line: line.rating.rank, down=False),
    "model": Column(lambda line: line.model.name.casefold(), down=False),
    "rating": Column(lambda line: line.rating.rating),
    "n": Column(lambda line: line.rating.n),
    "failed": Column(lambda line: line.rating.n_failed),
    "win_rate": Column(lambda line: line.rating.win_rate),
    "weighted": Column(lambda line: line.rating.weighted),
    "price_in": Column(lambda line: line.model.price_in, down=False),
    "price": Column(lambda line: line.model.price_out, down=False),
    "speed": Column(lambda line: line.per_second),
    "first_token": Column(lambda line: line.first_token, down=False),
}


@dataclass(frozen=True)
class Wanted:
    """Which rows a reader asked for, and their order. `wrong` says by field what could not be understood, and is not used."""

    vendor: str = ""
    family: str = ""
    licence: str = ""
    text: str = ""
    price: str = ""
    is_sure: bool = False
    sort: str = RANK
    wrong: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Wanted:
        """What an address asks for: `vendor`, `family`, `licence`, `q`, `price`, `sure`, `sort`."""
        words = {name: asked(query, name) for name in ("vendor", "family", "licence", "price", "sort")}
        wrong = {}
        if words["price"] and _number(words["price"]) is None:
            wrong["price"] = _("“%(value)s” is no price: a number such as 2.5 is meant.") % {"value": words["price"]}
        if words["sort"].removeprefix("-") not in COLUMNS:
            if words["sort"]:
                wrong["sort"] = _("There is no column “%(value)s” to sort by.") % {"value": words["sort"]}
            words["sort"] = RANK
        return cls(**words, text=asked(query, "q"), is_sure=asked(query, "sure") == "1", wrong=wrong)

    @property
    def most(self) -> float | None:
        """The highest price for a million tokens written; None for any."""
        return _number(self.price)

    @property
    def is_narrow(self) -> bool:
        """Whether any row may be hidden."""
        return bool(self.vendor or self.family or self.licence or self.text or self.is_sure or self.most is not None)

    def has(self, line: Line) -> bool:
        """Whether this row is asked for. A model whose price nobody knows is not known to be cheap."""
        model = line.model
        exact = ((self.vendor, model.vendor), (self.family, model.family), (self.licence, model.licence))
        if any(wanted and wanted != there for wanted, there in exact) or (self.is_sure and line.preliminary):
            return False
        if self.most is not None and (model.price_out is None or model.price_out > self.most):
            return False
        return self.text.casefold() in f"{model.name} {model.version} {model.vendor} {model.family}".casefold()


@dataclass(frozen=True)
class Head:
    """One heading: the value of `sort` that a click on it asks for, and how the rows stand by it ("" for not at all)."""

    sort: str
    order: str = ""


@dataclass(frozen=True)
class Shown:
    """A board as it is shown: the rows asked for, of all there are."""

    board: Board
    wanted: Wanted

    @cached_property
    def lines(self) -> list[Line]:
        """The rows asked for in the order asked for; what is not known comes last in either direction."""
        found = [line for line in self.board.lines if self.wanted.has(line)]
        name = self.wanted.sort.removeprefix("-")
        if self.wanted.sort == RANK:
            return found
        column = COLUMNS[name]
        known = [line for line in found if column.of(line) is not None]
        down = column.down != self.wanted.sort.startswith("-")
        known.sort(key=column.of, reverse=down)
        return known + [line for line in found if column.of(line) is None]

    @property
    def total(self) -> int:
        return len(self.board.lines)

    @property
    def is_part(self) -> bool:
        return len(self.lines) < self.total

    @property
    def unpriced(self) -> int:
        """How many models have no price, and so are hidden by one."""
        return sum(line.model.price_out is None for line in self.board.lines) if self.wanted.most is not None else 0

    @cached_property
    def heads(self) -> dict[str, Head]:
        return {name: self._head(name, column) for name, column in COLUMNS.items()}

    def _head(self, name: str, column: Column) -> Head:
        if self.wanted.sort.removeprefix("-") != name:
            return Head(name)
        is_turned = self.wanted.sort.startswith("-")
        return Head(name if is_turned else f"-{name}", DOWN if column.down != is_turned else UP)

    @cached_property
    def has_speeds(self) -> bool:
        return any(line.speed for line in self.board.lines)

    @cached_property
    def vendors(self) -> list[str]:
        return _words(line.model.vendor for line in self.board.lines)

    @cached_property
    def families(self) -> list[str]:
        return _words(line.model.family for line in self.board.lines)

    @cached_property
    def licences(self) -> list[str]:
        return _words(line.model.licence for line in self.board.lines)


def _words(words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word}, key=str.casefold)


def _number(text: str) -> float | None:
    """The number that is written there, also with a decimal comma; None for none, or for one that no price has."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
