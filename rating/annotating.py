"""How well each person annotates in a run, or on a benchmark: from the rows on record to figures, kept-out votes too.

What ratings leave out is what shows the quality: gold items are held against their truth, hidden repeats against the first
vote. Practice and adjudication say nothing of it and stay out. Everything is read; nothing is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.models import Benchmark
from judging.models import Gold, Judge, KeptOut, Membership, Run
from judging.models.gold import is_within
from rating.annotator_rows import (
    Place,
    Seats,
    Vote,
    grades,
    own_seats,
    preferences,
    seats_of,
    shown,
    week_name,
    week_of,
)
from rating.annotator_words import Flag, in_words
from rating.stats.annotators import FEWEST_SHARED, Annotator, Annotators, annotators

__all__ = [
    "Beside",
    "Crowd",
    "Person",
    "Seats",
    "Vote",
    "crossed",
    "last_votes",
    "of_benchmark",
    "of_run",
    "own_seats",
    "shown",
    "week_name",
    "week_of",
]

OUTCOMES = 3  # the second answer, neither, the first
MOST_STEPS = 40  # into which a scale of marks is divided
STEPS = 20  # where marks fall between any such steps


class Figures:
    """The figures of all who voted: whose are shown are made, each once."""

    def __init__(self, table: Annotators | None) -> None:
        self._table = table
        self.flags = {} if table is None else dict(zip(table.codes.tolist(), table.flags, strict=True))
        self._made: dict[int, Annotator] = {}

    def make(self, judges: Iterable[int]) -> None:
        """Make those of these judges, all at once."""
        ahead = [pk for pk in judges if pk in self.flags and pk not in self._made]
        if self._table is not None and ahead:
            self._made |= {row.annotator: row for row in self._table.rows(ahead)}

    def of(self, judge: int) -> Annotator | None:
        """The figures of one judge; None without a vote."""
        self.make([judge])
        return self._made.get(judge)


@dataclass(frozen=True)
class Person:
    """One annotator: figures, seats, and the membership (None where nothing is known of them)."""

    judge: Judge
    figures: Figures
    seats: Seats
    membership: Membership | None = None

    @property
    def row(self) -> Annotator | None:
        """The figures; None without a vote."""
        return self.figures.of(self.judge.pk)

    @cached_property
    def flags(self) -> tuple[Flag, ...]:
        return in_words(self.figures.flags.get(self.judge.pk, ()))

    @property
    def is_paused(self) -> bool:
        return self.membership is not None and self.membership.paused_at is not None

    @property
    def wanted(self) -> int:
        """How many more shared votes there must be before anything is said of agreement; 0 where it is said."""
        return self.row.agreement.wanted if self.row else FEWEST_SHARED


@dataclass(frozen=True)
class Crowd:
    """All people of a run or benchmark, those with a flag first, then by name; with the votes that they are known by."""

    people: tuple[Person, ...]
    votes: tuple[Vote, ...]
    is_single: bool
    figures: Figures

    def make(self, people: Iterable[Person]) -> None:
        """Make the figures of these people, which takes less time at once than one by one."""
        self.figures.make(one.judge.pk for one in people)

    @property
    def flagged(self) -> tuple[Person, ...]:
        return tuple(one for one in self.people if one.flags)

    @cached_property
    def words(self) -> tuple[Flag, ...]:
        """Each flag that somebody has, once."""
        return tuple({flag.word: flag for one in self.people for flag in one.flags}.values())

    def of(self, judge: int) -> Person | None:
        return next((one for one in self.people if one.judge.pk == judge), None)


def of_run(run: Run) -> Crowd:
    """Everybody who voted in this run, or was given a seat. Five queries."""
    item = "answer" if run.is_single else "battle"
    members = {one.user_id: one for one in Membership.objects.filter(run=run)}
    return _crowd({"run": run}, {"run": run}, item=item, members=members)


def of_benchmark(benchmark: Benchmark, *, is_single: bool = False) -> Crowd:
    """Everybody who voted on pairs (or single answers) of this benchmark, in any run or in files. Four queries."""
    item = "answer" if is_single else "battle"
    seats = {"run__benchmark": benchmark, f"{item}__isnull": False}
    return _crowd({f"{item}__question__benchmark": benchmark}, seats, item=item, members={})


def _crowd(
    judged: dict[str, Any], seated: dict[str, Any], *, item: str, members: dict[int | None, Membership]
) -> Crowd:
    votes = (grades if item == "answer" else preferences)(judged)
    seats, took = seats_of(seated, item)
    gold_of = {**seated, f"{item}__isnull": False}
    truth = {(run, what): (low, high) for run, what, low, high in _golds(gold_of, item)}
    figures = Figures(_table(votes, took, truth, is_single=item == "answer"))
    judges = Judge.objects.people().select_related("user").in_bulk({*figures.flags, *seats})
    people = [
        Person(judge, figures, seats.get(pk) or Seats(), members.get(judge.user_id)) for pk, judge in judges.items()
    ]
    people.sort(key=lambda one: (not one.flags, str(one.judge).casefold(), one.judge.pk))
    return Crowd(tuple(people), tuple(votes), item == "answer", figures)


def _golds(where: dict[str, Any], item: str) -> Iterable[tuple[int, int, float, float]]:
    return Gold.objects.filter(**where, is_practice=False).order_by().values_list("run", item, "lowest", "highest")


def _table(
    votes: Sequence[Vote], took: dict[Place, float], truth: dict[tuple[int | None, int], tuple[float, float]], *,
    is_single: bool,
) -> Annotators | None:  # fmt: skip
    """What all votes say of each person; None without any. No query."""
    if not votes:
        return None
    took, scale = dict(took), _scale(votes) if is_single else None
    column = Columns(votes)
    return annotators(
        column.items,
        column.of("judge"),
        scale.codes if scale else np.sign(column.of("worth", float)).astype(np.int64) + 1,
        values=scale.values if scale else OUTCOMES,
        weights="linear" if scale else None,
        marks=scale.marks if scale else None,
        cluster=column.of("question"),
        right=np.array(_right(votes, truth), dtype=np.int64),
        shown=None if scale else np.array([np.sign(shown(one)) for one in votes]),
        longer=None if scale else np.array([np.sign(one.worth) * one.longer for one in votes]),
        time=np.array([one.at.timestamp() for one in votes]),
        seconds=np.array([took.pop(_place(one), 0.0) for one in votes]),  # of several turns, the first has them
        size=column.of("size", float),
        week=np.array([week_of(one.at) for one in votes]),
        category=column.of("category"),
    )


def _place(vote: Vote) -> Place:
    return vote.judge, vote.run, vote.item, vote.kept_out == KeptOut.REPEAT


def _right(votes: Sequence[Vote], truth: dict[tuple[int | None, int], tuple[float, float]]) -> list[int]:
    """For each vote 1 or 0 on a gold item, -1 elsewhere: what was made gold after a vote says nothing of that vote.

    Where each turn was judged, the item is one case, at the turn that was judged first: the mean is held against the truth.
    """
    said: dict[tuple[int, int | None, int], list[float]] = defaultdict(list)
    places = [(one.judge, one.run, one.item) if _is_checked(one, truth) else None for one in votes]
    for one, place in zip(votes, places, strict=True):
        if place is not None:
            said[place].append(one.worth)
    right = {place: int(is_within(worths, *truth[place[1:]])) for place, worths in said.items()}
    return [-1 if place is None else right.pop(place, -1) for place in places]


def _is_checked(vote: Vote, truth: dict[tuple[int | None, int], tuple[float, float]]) -> bool:
    return vote.kept_out == KeptOut.GOLD and (vote.run, vote.item) in truth


@dataclass(frozen=True)
class Columns:
    """Votes as arrays (n,)."""

    votes: Sequence[Vote]

    def of(self, name: str, kind: type = int) -> NDArray[Any]:
        return np.array([getattr(one, name) for one in self.votes], dtype=np.float64 if kind is float else np.int64)

    @cached_property
    def items(self) -> NDArray[np.int64]:
        """What was judged, from 0. A gold item is one of its own for each person: it is held against the truth alone."""
        numbers: dict[tuple[Any, ...], int] = {}
        keys = [
            (one.rubric, one.item, one.turn, one.judge if one.kept_out == KeptOut.GOLD else None) for one in self.votes
        ]
        return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


@dataclass(frozen=True)
class Scale:
    """Marks on steps of one width: `codes` (n,), and what each of the `values` is worth."""

    codes: NDArray[np.int64]
    marks: NDArray[np.float64]

    @property
    def values(self) -> int:
        return int(self.marks.size)


def _scale(votes: Sequence[Vote]) -> Scale:
    """The marks on the fewest steps that hold them all, between the lowest and the highest that were given."""
    scores = np.array([one.worth for one in votes])
    low, high = float(scores.min()), float(scores.max())
    if low == high:
        return Scale(np.zeros(scores.size, dtype=np.int64), np.array([low, low + 1]))
    share = (scores - low) / (high - low)
    steps = next((n for n in range(1, MOST_STEPS + 1) if np.allclose(share * n, np.rint(share * n), atol=1e-6)), STEPS)
    return Scale(np.rint(share * steps).astype(np.int64), low + (high - low) * np.arange(steps + 1) / steps)


@dataclass(frozen=True)
class Beside:
    """A vote beside those of the others on the same item: how many said the same, and how many others there are."""

    vote: Vote
    same: int
    others: int


def crossed(crowd: Crowd, judge: int) -> NDArray[np.int64]:
    """How often (3, 3) this person said A, neither or B, and others B, neither or A of the same two answers.

    Rows: this person's choice; columns: the others'; both in the order A, neither, B on the sides this person saw. Each
    vote of another on a shared item counts once.
    """
    table = np.zeros((OUTCOMES, OUTCOMES), dtype=np.int64)
    for mine, others in _shared(crowd, judge):
        turned = -1 if mine.swapped else 1
        for other in others:
            table[1 - _sign(shown(mine)), 1 - _sign(turned * other.worth)] += 1
    return table


def last_votes(crowd: Crowd, judge: int, *, most: int) -> list[Beside]:
    """The newest ordinary votes of a person, each beside the others'."""
    same = _sign if not crowd.is_single else float
    found = list(_shared(crowd, judge, alone=True))[::-1][:most]
    return [
        Beside(mine, sum(same(one.worth) == same(mine.worth) for one in others), len(others)) for mine, others in found
    ]


def _shared(crowd: Crowd, judge: int, *, alone: bool = False) -> Iterable[tuple[Vote, list[Vote]]]:
    """The ordinary votes of this person, oldest first, each with those of others on the item; `alone`: also without any."""
    by_item: dict[tuple[int, int, int], list[Vote]] = defaultdict(list)
    ordinary = [one for one in crowd.votes if one.kept_out in ("", KeptOut.LEAK)]
    for one in ordinary:
        by_item[one.rubric, one.item, one.turn].append(one)
    for mine in ordinary:
        if mine.judge == judge:
            others = [one for one in by_item[mine.rubric, mine.item, mine.turn] if one.judge != judge]
            if others or alone:
                yield mine, others


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
