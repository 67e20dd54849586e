"""Ratings of one benchmark's record: every source, method and category, as rows not yet saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rating import stats
from rating.data import Looks, Marks, Record, Votes
from rating.details import number
from rating.methods import (
    BT,
    OF_MARKS,
    OF_VOTES,
    SCORE,
    STYLE,
    Bools,
    Coded,
    Ints,
    Part,
    Rate,
    Recipe,
    Told,
    coded_marks,
    coded_votes,
    corrected,
)
from rating.models import Rating
from rating.sorting import Sorting, members

EDITION = "3"
"""Part of a snapshot's digest: other figures beside a rating make another snapshot."""


@dataclass
class Rated:
    """One table of ratings: `rows` by model id, in no order; `category` None is all of them, `language` "" all of those.

    `details` is what the method says beside the ratings, as plain data: coefficients of style, the weight of a judge;
    `contrasts` what the models have in common, packed (`rating.contrasts`).
    """

    source: str
    method: str
    category: int | None
    rows: dict[int, dict[str, Any]]
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    language: str = ""
    contrasts: bytes = b""

    @classmethod
    def of(cls, source: str, method: str, category: int | None, found: Told, *, language: str = "") -> Rated:
        return cls(source, method, category, found.rows, found.notes, found.details, language, found.contrasts)

    @classmethod
    def unrated(cls, source: str, method: str, category: int | None, error: Exception, *, language: str = "") -> Rated:
        """A board without rows, and why."""
        return cls(source, method, category, {}, (str(error),), {}, language)


def boards(
    record: Record, recipe: Recipe, looks: Looks | None = None, sorting: Sorting | None = None
) -> Iterator[Rated]:
    """Every board that the record has data for, with totals over categories on the overall ones.

    `looks` of the votes' answers, row by row, make boards that are controlled for style; `sorting` makes boards of kinds of
    categories and of languages.
    """
    votes = coded_votes(record.votes, looks, sorting)
    speaks = record.speaks(record.votes)
    has_style = recipe.wants_style and looks is not None and looks.known.any()
    asked = {name: rate for name, rate in OF_VOTES.items() if name in recipe.methods and (name != STYLE or has_style)}
    yield from _boards(votes, record, recipe, asked)
    machines = ~record.votes.person & speaks
    if BT in recipe.methods and record.votes.person.any() and machines.any():
        yield from totalled(list(_calibrated(votes, machines, recipe)), recipe)
    if SCORE in recipe.methods:
        yield from _boards(coded_marks(record.marks, sorting), record, recipe, OF_MARKS)


def _boards(coded: Coded, record: Record, recipe: Recipe, methods: dict[str, Rate]) -> Iterator[Rated]:
    def of_source(source: str, mask: Bools) -> list[Rated]:
        return totalled(list(_of_source(source, coded, np.flatnonzero(mask), recipe, methods)), recipe)

    yield from each_once(sources(coded.table, record), of_source)


def each_once(sources: Iterable[tuple[str, Bools]], rated: Callable[[str, Bools], list[Rated]]) -> Iterator[Rated]:
    """The boards of each source; sources with the same rows, such as the only judge and all judges, are rated once."""
    done: list[tuple[Bools, list[Rated]]] = []
    for source, mask in sources:
        found = next((boards for other, boards in done if np.array_equal(mask, other)), None)
        if found is None:
            found = rated(source, mask)
            done.append((mask, found))
        yield from (replace(board, source=source) for board in found)


def sources(table: Votes | Marks, record: Record) -> Iterator[tuple[str, Bools]]:
    """All, people, judges, and each machine judge alone, with the rows (n,) of each; those without a row are left out."""
    yield from ((source, mask) for source, mask in _masks(table, record) if mask.any())


def _masks(table: Votes | Marks, record: Record) -> Iterator[tuple[str, Bools]]:
    speaks = record.speaks(table)
    yield Rating.ALL, speaks
    yield Rating.PEOPLE, table.person
    yield Rating.JUDGES, ~table.person & speaks
    for judge in np.unique(table.judge[~table.person]):
        yield f"judge:{record.names[int(judge)]}", table.judge == judge


def _of_source(source: str, coded: Coded, rows: Ints, recipe: Recipe, methods: dict[str, Rate]) -> Iterator[Rated]:
    done: dict[tuple[str, frozenset[int], str], Rated] = {}
    for part, mine in coded.parts(rows):
        for method, rate in methods.items():
            same = method, part.codes, part.language  # a kind of one category, or of all, is rated already
            if same not in done:
                done[same] = _rated((source, method, part), lambda rate=rate, mine=mine: rate(coded, mine, recipe))
            yield replace(done[same], category=part.category)


def _rated(place: tuple[str, str, Part], rate: Callable[[], Told]) -> Rated:
    source, method, part = place
    try:
        return Rated.of(source, method, part.category, rate(), language=part.language)
    except (stats.StatsError, np.linalg.LinAlgError) as error:
        return Rated.unrated(source, method, part.category, error, language=part.language)


def _calibrated(coded: Coded, machines: Bools, recipe: Recipe) -> Iterator[Rated]:
    """People's votes with the verdicts of the machine judges that speak (rows `machines`) on the same questions."""
    for part, people in coded.parts(np.flatnonzero(coded.table.person)):
        judged = coded.among(machines, part)
        place = Rating.CALIBRATED, BT, part
        yield _rated(place, lambda people=people, judged=judged: corrected(coded, people, judged, recipe))


def totalled(found: list[Rated], recipe: Recipe) -> list[Rated]:
    """The boards of one source, with each overall row's total over the categories; None where a category is missing.

    Kinds of categories are no part of a total: their categories are.
    """
    there = {board.category for board in found if board.category is not None}
    wanted = sorted(there - set(members(recipe.kinds, there)))
    weights = np.array([recipe.weights.get(category, 0.0 if recipe.weights else 1.0) for category in wanted])
    for overall in (board for board in found if board.category is None and not board.language):
        parts = {board.category: board.rows for board in found if board.method == overall.method and not board.language}
        models = list(overall.rows)
        values = [[parts[category].get(model, {}).get("rating") for category in wanted] for model in models]
        table = np.array(values, dtype=np.float64).reshape(len(models), len(wanted))
        totals = (
            stats.weighted_total(table, weights, mode=recipe.mode) if weights.any() else np.full(len(models), np.nan)
        )
        for model, total in zip(models, totals, strict=True):
            overall.rows[model]["weighted"] = number(total)
    return found
