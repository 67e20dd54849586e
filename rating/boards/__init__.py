"""What a snapshot says, shaped for reading: a board of ratings, the boards there are, agreement. Nothing is computed anew."""

from rating.boards.agreements import NUMBERS, Agreements, agreement_rows, of_judge, ordered
from rating.boards.board import (
    ALL,
    METHODS,
    SOURCES,
    Board,
    NoSuchBoard,
    board,
    board_in,
    category_of,
    key_of,
    latest,
)
from rating.boards.choices import SOURCE_NAMES, Choices, choices, language_name, source_name
from rating.boards.duel import Duel, Pair, duel, has_margins, pair
from rating.boards.heat import Cell, Heat, Places, heat
from rating.boards.line import FEW, Line
from rating.boards.shown import Shown, Wanted

__all__ = [
    "ALL", "FEW", "METHODS", "NUMBERS", "SOURCES", "SOURCE_NAMES",
    "Agreements", "Board", "Cell", "Choices", "Duel", "Heat", "Line", "NoSuchBoard", "Pair", "Places", "Shown", "Wanted",
    "agreement_rows", "board", "board_in", "category_of", "choices", "duel", "has_margins", "heat", "key_of", "language_name", "latest", "of_judge", "ordered",
    "pair", "source_name",
]  # fmt: skip
