"""Any two models of a board beside each other: who wins how often, or by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from arena.border import asked
from rating.boards.board import Board
from rating.models import Rating


@dataclass(frozen=True)
class Duel:
    """Two rated rows of one board.

    `half` is half the width of the interval of their difference, from what the two have in common. None where that is not
    kept: then the interval is a cautious one, the ends of both intervals apart. That is never too narrow, as the standard
    error of a difference is at most the sum of both, and mostly wider than it need be. A board of online Elo has no
    interval: its own are no margin of error.
    """

    one: Rating
    other: Rating
    is_score: bool = False
    half: float | None = None

    @property
    def difference(self) -> float:
        return self.one.rating - self.other.rating

    @property
    def has_interval(self) -> bool:
        return has_margins(self.one, self.other)

    @property
    def is_cautious(self) -> bool:
        """Whether the interval is wider than it need be, as what the two have in common is not known."""
        return self.has_interval and self.half is None

    @property
    def low(self) -> float | None:
        """The lower end of the difference; `high` the upper one."""
        if not self.has_interval:
            return None
        return self.one.low - self.other.high if self.half is None else self.difference - self.half

    @property
    def high(self) -> float | None:
        if not self.has_interval:
            return None
        return self.one.high - self.other.low if self.half is None else self.difference + self.half

    @property
    def share(self) -> float:
        """The share of battles that the first is expected to win, a tie being half of one; `share_low`, `share_high`."""
        return _share(self.difference)

    @property
    def share_low(self) -> float | None:
        return None if self.low is None else _share(self.low)

    @property
    def share_high(self) -> float | None:
        return None if self.high is None else _share(self.high)

    @property
    def of_ten(self) -> int:
        return round(10 * self.share)

    @property
    def is_off_zero(self) -> bool:
        """Whether the interval leaves out that both are alike."""
        return self.low is not None and (self.low > 0 or self.high < 0)

    @property
    def ranks_meet(self) -> bool | None:
        """Whether their rank ranges overlap, which those of two that are apart may: a range is about all other models too, and
        of mean scores about shared questions alone. None where one has no range.
        """
        ends = (self.one.rank_low, self.one.rank_high, self.other.rank_low, self.other.rank_high)
        if None in ends:
            return None
        return max(self.one.rank_low, self.other.rank_low) <= min(self.one.rank_high, self.other.rank_high)

    @property
    def is_sure(self) -> bool:
        """Whether the data tell the two apart: by that interval, or as their rank ranges do not meet."""
        return self.ranks_meet is False or self.is_off_zero

    @property
    def is_of_order(self) -> bool:
        """Whether the same votes in another order may turn the two round: online Elo whose ranges over orders meet."""
        ends = (self.one.low, self.one.high, self.other.low, self.other.high)
        if self.one.method != Rating.Method.ELO or None in ends:
            return False
        return max(self.one.low, self.other.low) <= min(self.one.high, self.other.high)


@dataclass(frozen=True)
class Pair:
    """The two models that a reader chose by `a` and `b`, or the two best; `duel` is None where nothing can be said of them.

    `a`, `b` are ids as text, "" for none chosen. `is_same` where both are one model.
    """

    duel: Duel | None
    a: str = ""
    b: str = ""

    @property
    def is_same(self) -> bool:
        return bool(self.a) and self.a == self.b

    @property
    def is_chosen(self) -> bool:
        return bool(self.a or self.b)


def pair(board: Board, query: Mapping[str, str]) -> Pair:
    """Whom to compare in words. Where one is chosen it meets the best of the others; on a split board nobody is compared.

    One query where the two have intervals.
    """
    rated = {str(row.model_id): row for row in board.rows if row.rating is not None}
    a, b = (asked(query, name) if asked(query, name) in rated else "" for name in ("a", "b"))
    if board.is_split or len(rated) < 2 or (a and a == b):
        return Pair(None, a, b)
    others = [key for key in rated if key not in (a, b)]
    one = a or others.pop(0)
    other = b or others.pop(0)
    return Pair(duel(board, rated[one], rated[other]), a, b)


def duel(board: Board, one: Rating, other: Rating) -> Duel:
    """Two rated rows of the board, with what they have in common. One query where both have an interval."""
    common = board.contrasts if has_margins(one, other) else None
    return Duel(one, other, board.is_score, common.half(one, other) if common else None)


def has_margins(*rows: Rating) -> bool:
    """Whether every row has an interval that is a margin of error."""
    return all(row.method != Rating.Method.ELO and None not in (row.low, row.high) for row in rows)


def _share(points: float) -> float:
    return 1 / (1 + 10 ** (-points / 400))
