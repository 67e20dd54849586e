"""How the verdicts of any two judges fall together: tables of values by values, kept with a snapshot, read by one page.

Plain data: {"pairs": Told, "scores": Told, "contested": see `rating.contested.ranking`}, without what is empty; Told is

* `values`: what each row and column of a table is, "second", "tie", "first" for pairs; [from, to] for scores
* `people`: [id of a judge who is a person, those with the most verdicts first], `left_out`: how many more there are
* `tables`: [[one, other, category or None, n, share alike, Cohen's κ or None, counts row by row]]; an id 0 is all people
* `habits` (pairs): [[person, n, share of the first shown, low, high, n, share of the longer one, low, high]]

Values point to the battle's first answer, whichever was shown first. A row is what `one` said, a column what `other` did.
All people beside a judge are each person beside it on each item, as in the rows of agreement; all people beside themselves are
any two different people, each pair counted both ways round. Single persons have no tables by category.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.style import FEATURES
from rating import contested, stats
from rating.agreeing import last_words
from rating.data import Looks, Marks, Record, Votes
from rating.stats.bias import Cases
from rating.stats.kappa import cohen_of_table

VALUES = ("second", "tie", "first")
PEOPLE = 0  # no row of the database has this id
MOST_PEOPLE = 12  # of single persons, those with the most verdicts
MOST_COLUMNS = 160  # judges times values: what the tables cost grows with its square
MOST_SCORES = 10  # of different scores; finer ones are put into as many steps of one width
AT_ONCE = 20_000  # items: 25 MB of numbers at most

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Told = dict[str, Any]


def confusions(record: Record, looks: Looks | None = None) -> Told:
    """The tables of all that two judged, as plain data; {} where nothing was judged twice. No query.

    `looks` are those of `record.verdicts`; without them nothing is said of the longer answer.
    """
    found: Told = {}
    votes, marks = last_words(record.verdicts), last_words(record.marks)
    if len(votes):
        outcome = np.sign(votes.value).astype(np.int64) + 1
        told = _told(votes, outcome, list(VALUES))
        habits = list(_habits(record, looks, told.get("people", [])))
        found["pairs"] = {**told, "habits": habits} if habits else told
    if len(marks):
        step, names = _steps(marks.score)
        found["scores"] = _told(marks, step, names)
    found = {name: told for name, told in found.items() if told.get("tables") or told.get("habits")}
    ranking = contested.ranking(record)
    return {**found, "contested": ranking} if ranking else found


def _steps(score: Floats) -> tuple[Ints, list[Any]]:
    """The place (n,) of each score on the scale, and what each place is: [from, to]."""
    values = np.unique(score)
    if len(values) <= MOST_SCORES:
        return np.searchsorted(values, score), [[float(value)] * 2 for value in values]
    edges = np.linspace(values[0], values[-1], MOST_SCORES + 1)
    place = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, MOST_SCORES - 1)
    return place, [[float(low), float(high)] for low, high in zip(edges[:-1], edges[1:], strict=True)]


def _told(table: Votes | Marks, value: Ints, values: list[Any]) -> Told:
    machines, people = _by_verdicts(table, person=False), _by_verdicts(table, person=True)
    room = max(MOST_COLUMNS // len(values) - 1, 1)
    machines = machines[:room]
    named = people[: min(MOST_PEOPLE, room - len(machines))]
    tables = list(_tables(table, value, [*machines, *named], size=len(values), machines=len(machines)))
    return {"values": values, "people": named, "left_out": len(people) - len(named), "tables": tables}


def _by_verdicts(table: Votes | Marks, *, person: bool) -> list[int]:
    """The judges of this kind, those with the most verdicts first."""
    who, times = np.unique(table.judge[table.person == person], return_counts=True)
    return who[np.lexsort((who, -times))].tolist()


@dataclass(frozen=True)
class _Cells:
    """Verdicts as cells of a table: `item` (n,) from 0 in the order of categories, `column` (n,) of judge and value."""

    item: Ints
    column: Ints
    ends: Ints
    categories: list[int]


def _tables(table: Votes | Marks, value: Ints, judges: list[int], *, size: int, machines: int) -> Iterator[list[Any]]:
    """The tables of all that two judged: over everything first, then in each category without single persons."""
    columns = (len(judges) + 1) * size
    cells = _cells(table, value, judges, size=size)
    if not len(cells.ends):
        return
    by_category = [
        _products(cells, start, end, columns=columns)
        for start, end in zip([0, *cells.ends[:-1]], cells.ends, strict=True)
    ]
    whole = [(None, sum(by_category, start=np.zeros((columns, columns))), len(judges))]
    parts = zip(cells.categories, by_category, [machines] * len(by_category), strict=True)
    names = [PEOPLE, *judges]
    for category, product, many in [*whole, *parts]:
        for one in range(many + 1):
            for other in range(one, many + 1):
                if one == other != 0 or (one == 0 and other > machines):
                    continue  # nobody beside itself, and no person beside all people, which has that person in it
                counts = product[one * size : (one + 1) * size, other * size : (other + 1) * size]
                if n := int(counts.sum()):
                    yield [names[one], names[other], category, n // 2 if one == other else n, *_numbers(counts)]


def _numbers(counts: Floats) -> tuple[float, float | None, list[int]]:
    kappa = cohen_of_table(counts)
    share = float(np.trace(counts) / counts.sum())
    return round(share, 4), None if kappa is None else round(kappa, 4), counts.astype(np.int64).ravel().tolist()


def _cells(table: Votes | Marks, value: Ints, judges: list[int], *, size: int) -> _Cells:
    """Cells of the columns of all people, then of each of these judges; a person has a cell in both."""
    item = np.unique(table.item, return_inverse=True)[1]
    several = np.bincount(item)[item] > 1
    item, judge, value = np.unique(item[several], return_inverse=True)[1], table.judge[several], value[several]
    person, category = table.person[several], table.category[several]
    order = np.argsort(judges, kind="stable")
    known = np.asarray(judges, dtype=np.int64)[order]
    place = np.minimum(np.searchsorted(known, judge), max(len(known) - 1, 0))
    has = known[place] == judge if len(known) else np.zeros(len(judge), dtype=bool)
    own = (order[place] + 1) * size + value if len(known) else value
    rows = np.concatenate([item[has], item[person]])
    columns = np.concatenate([own[has], value[person]])
    names, code = np.unique(category, return_inverse=True)
    home = np.zeros(int(item.max(initial=-1)) + 1, dtype=np.int64)
    home[item] = code
    number = np.empty(len(home), dtype=np.int64)
    number[np.argsort(home, kind="stable")] = np.arange(len(home))
    return _Cells(number[rows], columns, np.cumsum(np.bincount(home, minlength=len(names))), names.tolist())


def _products(cells: _Cells, start: int, end: int, *, columns: int) -> Floats:
    """How often (columns, columns) two cells are of one item, over the items from `start` to `end`; nobody's with itself."""
    found = np.zeros((columns, columns))
    for first in range(start, end, AT_ONCE):
        last = min(first + AT_ONCE, end)
        mine = (cells.item >= first) & (cells.item < last)
        flat = (cells.item[mine] - first) * columns + cells.column[mine]
        said = np.bincount(flat, minlength=(last - first) * columns).reshape(-1, columns).astype(np.float64)
        found += said.T @ said
        np.einsum("ii->i", found)[:] -= said.sum(axis=0)  # of single judges too, whose own blocks nobody reads
    return found


def _habits(record: Record, looks: Looks | None, people: list[int]) -> Iterator[list[Any]]:
    """What each of these persons takes: how often the first shown, how often the longer one, with n and interval."""
    longer = None if looks is None else _longer(record.verdicts, looks)
    for one in people:
        sides = record.sides.where(record.sides.judge == one)
        first = stats.first_slot_share(sides.shown, cluster=sides.cluster)
        mine = None if longer is None else _cases(longer, one)
        length = stats.share_of_cases(mine) if mine is not None and len(mine.hit) else None
        yield [one, *_share(first), *_share(length)]


def _share(found: Any) -> list[Any]:
    if found is None:
        return [0, None, None, None]
    told = asdict(found)
    return [told["n"], told["share"], told["low"], told["high"]]


@dataclass(frozen=True)
class _Longer:
    """Decided votes on answers of two lengths: whether the longer won, the question, and who judged; (n,) each."""

    hit: Floats
    cluster: Ints
    judge: Ints


def _longer(votes: Votes, looks: Looks) -> _Longer:
    place = FEATURES.index("length")
    first, second = looks.first[:, place], looks.second[:, place]
    counted = looks.known & (votes.value != 0) & (first != second)
    hit = ((votes.value > 0) == (first > second)).astype(np.float64)
    return _Longer(hit[counted], votes.cluster[counted], votes.judge[counted])


def _cases(longer: _Longer, judge: int) -> Cases:
    mine = longer.judge == judge
    return Cases(hit=longer.hit[mine], cluster=longer.cluster[mine])
