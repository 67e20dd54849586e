"""A report as sections of words and tables in the reader's language: the one thing that page, Markdown, HTML and PDF show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

NOTHING = "—"


@dataclass(frozen=True)
class Cell:
    """A cell's text; `href` a path of this site, `note` smaller words after the text, `tone` good, bad, warn or quiet."""

    text: str
    href: str = ""
    note: str = ""
    tone: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.text, self.note) if part)


@dataclass(frozen=True)
class Column:
    """`number` columns stand to the right."""

    title: str
    number: bool = False


@dataclass(frozen=True)
class Table:
    """The first column names the row. `note` says what the numbers are."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    @property
    def lines(self) -> list[list[tuple[Column, Cell]]]:
        """Each row's cells with their columns."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Section:
    """`empty` says what to do where there is nothing; `words` stand above the tables, `computed` below: how the numbers came about.

    `choices` are links of which one is chosen: (text, query, whether it is).
    """

    key: str
    title: str
    words: tuple[Cell, ...] = ()
    tables: tuple[Table, ...] = ()
    empty: str = ""
    computed: str = ""
    choices: tuple[tuple[str, str, bool], ...] = ()


@dataclass(frozen=True)
class Document:
    """A whole report; `facts` are (name, value), `warnings` sentences on data that are not what they seem."""

    title: str
    subtitle: str
    language: str
    facts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: tuple[str, ...] = field(default=())


def columns(*titles: str) -> tuple[Column, ...]:
    """Columns of these titles; one that starts with "#" holds numbers."""
    return tuple(Column(title.removeprefix("#"), title.startswith("#")) for title in titles)


def cells(*texts: str | Cell) -> tuple[Cell, ...]:
    return tuple(text if isinstance(text, Cell) else Cell(text) for text in texts)


def as_rows(rows: Sequence[Sequence[str | Cell]]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(cells(*row) for row in rows)
