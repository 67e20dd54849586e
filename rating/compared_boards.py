"""Two boards beside each other: two snapshots, or two sources of votes in one. From rows that are kept; nothing is rated."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import Sum

from rating import boards
from rating.boards import Board, source_name
from rating.contrasts import half_width
from rating.models import Rating, Snapshot
from rating.recipe_words import differences


@dataclass(frozen=True)
class Row:
    """One model on both boards, on one of them alone where the other is None; `shift` takes both to one zero.

    `half` is half the width of the interval of the difference. None where that is not known: then the interval is a cautious
    one, from end to end of both intervals, which is never too narrow.
    """

    before: Rating | None
    after: Rating | None
    shift: float = 0.0
    is_comparable: bool = True
    half: float | None = None

    @property
    def model(self):
        return (self.after or self.before).model

    @property
    def difference(self) -> float | None:
        """After less before; None where the model is not rated on both, or the boards have no common scale."""
        if not self.is_comparable or not _is_rated(self.before) or not _is_rated(self.after):
            return None
        return self.after.rating - self.before.rating - self.shift

    @property
    def low(self) -> float | None:
        """The lower end of the difference; `high` the upper one; None where either side has no margin of error."""
        if not self.has_interval:
            return None
        return self.after.low - self.before.high - self.shift if self.half is None else self.difference - self.half

    @property
    def high(self) -> float | None:
        if not self.has_interval:
            return None
        return self.after.high - self.before.low - self.shift if self.half is None else self.difference + self.half

    @property
    def has_interval(self) -> bool:
        return self.difference is not None and boards.has_margins(self.before, self.after)

    @property
    def moved(self) -> int:
        """1 where the rating surely rose, -1 where it surely fell, else 0."""
        if not self.has_interval:
            return 0
        return 1 if self.low > 0 else -1 if self.high < 0 else 0

    @property
    def ranks(self) -> tuple[str, str]:
        return _ranks(self.before), _ranks(self.after)


@dataclass(frozen=True)
class Compared:
    """Two boards of one benchmark, or of two versions of it; rows in the order of the second, models of the first alone last.

    The variances of both sides add up to that of a difference. So it is where they have no vote and no question in common.
    Where they have, what they have in common cancels, how much is not kept, and the interval is wider than it need be: it is
    assumed that what they share does not move them opposite ways.
    """

    before: Board
    after: Board

    @cached_property
    def rows(self) -> list[Row]:
        """At most two queries, where the models on both are not all of either."""
        then = {row.model_id: row for row in self.before.rows}
        found = [self._row(then.pop(row.model_id, None), row) for row in self.after.rows]
        return found + [self._row(row, None) for row in then.values()]

    def _row(self, before: Rating | None, after: Rating | None) -> Row:
        row = Row(before, after, self.shift, self.is_comparable)
        if not row.has_interval:
            return row
        halves = self._half(self.before, before), self._half(self.after, after)
        return row if None in halves else replace(row, half=math.hypot(*halves))

    def _half(self, board: Board, row: Rating) -> float | None:
        """Half the width of the row's interval, relative to the models on both boards; None where that is not known."""
        rated = [one for one in board.rows if _is_rated(one)]
        among = [one for one in rated if one.model_id in self._on_both]
        if board.is_score or len(among) == len(rated):
            return half_width(row)  # ratings are relative to the mean of their board already
        return board.contrasts.half_from_mean(row, among) if board.contrasts else None

    @cached_property
    def _on_both(self) -> set[int]:
        """Models that both boards rate."""
        then, now = ({row.model_id for row in board.rows if _is_rated(row)} for board in (self.before, self.after))
        return then & now

    @cached_property
    def is_cautious(self) -> bool:
        """Whether some interval goes from end to end of both, as a snapshot does not keep what its models have in common."""
        return any(row.has_interval and row.half is None for row in self.rows)

    @property
    def is_apart(self) -> bool:
        """Whether no vote can be in both: people's beside machines', or those of two versions of the benchmark."""
        sides = self.before, self.after
        people = [board.source == Rating.PEOPLE for board in sides]
        machines = [board.source == Rating.JUDGES or board.source.startswith("judge:") for board in sides]
        return self.before.benchmark.pk != self.after.benchmark.pk or (any(people) and any(machines))

    @property
    def is_comparable(self) -> bool:
        """Whether both boards have one scale: the same method, and no groups of models that never met."""
        return self.before.method == self.after.method and not self.before.is_split and not self.after.is_split

    @cached_property
    def shift(self) -> float:
        """How much higher the models on both boards stand after on average: ratings have no zero of their own. 0 for scores."""
        if self.after.is_score or not self.is_comparable:
            return 0.0
        then = {row.model_id: row.rating for row in self.before.rows}
        pairs = [(then[row.model_id], row.rating) for row in self.after.rows if row.model_id in self._on_both]
        return sum(after - before for before, after in pairs) / len(pairs) if pairs else 0.0

    @property
    def is_shifted(self) -> bool:
        return abs(self.shift) >= 0.5

    @property
    def come(self) -> list[Row]:
        return [row for row in self.rows if row.before is None]

    @property
    def gone(self) -> list[Row]:
        return [row for row in self.rows if row.after is None]

    @property
    def risen(self) -> int:
        return sum(row.moved > 0 for row in self.rows)

    @property
    def fallen(self) -> int:
        return sum(row.moved < 0 for row in self.rows)

    @property
    def is_one_snapshot(self) -> bool:
        return self.before.snapshot.pk == self.after.snapshot.pk

    @property
    def is_same(self) -> bool:
        """Whether both sides are one and the same board."""
        return self.is_one_snapshot and self.before.place == self.after.place

    @property
    def recipe(self) -> list[str]:
        """The parts of the recipe that differ, by name."""
        return differences(self.before.snapshot.recipe, self.after.snapshot.recipe)

    @cached_property
    def judges(self) -> tuple[list[str], list[str]]:
        """Machine judges that only the first counts, and that only the second does, as each snapshot calls them."""
        then, now = (_machines(board.snapshot) for board in (self.before, self.after))
        return sorted(then[one] for one in then.keys() - now.keys()), sorted(
            now[one] for one in now.keys() - then.keys()
        )

    @cached_property
    def renamed(self) -> list[tuple[str, str]]:
        then, now = (_machines(board.snapshot) for board in (self.before, self.after))
        return [(then[one], now[one]) for one in then if one in now and then[one] != now[one]]

    @cached_property
    def counts(self) -> list[tuple[Any, ...]]:
        """Of each source how many comparisons or scores it has in the first snapshot and in the second. One query."""
        of = {board.snapshot.pk for board in (self.before, self.after)}
        rows = Rating.objects.filter(snapshot__in=of, category=None, language="", method=self.after.method).order_by()
        found = {(pk, source): n for pk, source, n in rows.values_list("snapshot", "source").annotate(Sum("n"))}
        halves = 1 if self.after.is_score else 2
        sides = (self.before.snapshot.pk, self.after.snapshot.pk)
        told = []
        for source in sorted({source for _pk, source in found}, key=_first_sources):
            counts = [found.get((pk, source)) for pk in sides]
            told.append((source, *(None if n is None else n // halves for n in counts)))
        return [(source_name(source), *counts) for source, *counts in told]

    @property
    def source_names(self) -> tuple[str, str]:
        """Whose votes each side counts, in the reader's words."""
        return source_name(self.before.source), source_name(self.after.source)


def _first_sources(source: str) -> tuple[int, str]:
    return (boards.SOURCES.index(source) if source in boards.SOURCES else len(boards.SOURCES)), source


def _machines(snapshot: Snapshot) -> dict[str, str]:
    """The names of the machine judges with a board of their own, by their id, or by their name where no id is known."""
    alone = {source.removeprefix("judge:") for source in boards.choices(snapshot).judges}
    known = {pk: name for pk, name in snapshot.judges.items() if name in alone}
    return known or {name: name for name in alone}


def _is_rated(row: Rating | None) -> bool:
    return row is not None and row.rating is not None


def _ranks(row: Rating | None) -> str:
    return boards.Line(row, False, False, None).ranks if row else ""
