"""Agreement of one benchmark's record: among people, of people with each judge, of any two judges, of one with itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import combinations
from typing import Any

import numpy as np

from rating import stats
from rating.data import Marks, Record, Votes
from rating.models import Agreement
from rating.stats.agreement_table import agreement_table

PEOPLE = "people"
OUTCOMES = 3  # the second answer, a tie, the first answer
TIE = 1
MOST_STEPS = 100  # of a scale whose scores are compared as values
MEAN = 0  # no row of the database has this id
FIELDS = (
    "n", "clusters", "raw", "pairs", "raw_decided", "pairs_decided", "kappa", "kappa_kind", "alpha", "low", "high",
    "interval", "ac1", "top_share",
)  # fmt: skip
BESIDE = ("difference", "difference_low", "difference_high", "difference_n", "p_value")


def agreements(record: Record) -> Iterator[dict[str, Any]]:
    """Rows of the Agreement table (without its snapshot), over all categories and then for each."""
    yield from _of_votes(last_words(record.verdicts), record)
    yield from _of_marks(last_words(record.marks), record)
    yield from _with_itself(record)


def last_words(table: Votes | Marks):
    """The last judgment of each judge on each item: repeats measure consistency, not agreement.

    Where single turns were judged, each turn of a battle or answer is an item.
    """
    if table.turn.any():
        table = replace(table, item=table.item * (int(table.turn.max()) + 1) + table.turn)
    item, judge = (np.unique(column, return_inverse=True)[1] for column in (table.item, table.judge))
    seat = item.astype(np.int64) * (int(judge.max(initial=0)) + 1) + judge
    if seat.max(initial=0) > 8 * len(table) + 1000:  # many judges on few of many items each
        seat = np.unique(seat, return_inverse=True)[1]
    last = np.full(int(seat.max(initial=0)) + 1, -1, dtype=np.int64)
    last[seat] = np.arange(len(table))
    is_last = last[seat] == np.arange(len(table))
    return table if is_last.all() else table.where(is_last)


def _of_votes(votes: Votes, record: Record) -> Iterator[dict[str, Any]]:
    outcome = np.sign(votes.value).astype(np.int64) + 1
    for row in _table(votes, record, outcome, values=OUTCOMES, tie=TIE):
        yield {"kind": Agreement.Kind.PREFERENCE, **row}


def _of_marks(marks: Marks, record: Record) -> Iterator[dict[str, Any]]:
    """Scores on a scale of few steps as pairs are; of finer ones only α, and of a judge with the mean of people's scores."""
    steps, code = np.unique(marks.score, return_inverse=True)
    if len(steps) <= MOST_STEPS:
        worth = np.append(steps, steps[-1:] + 1) if len(steps) == 1 else steps  # a scale has two values, used or not
        found = _table(marks, record, code, values=len(worth), level="interval", marks=worth) if len(marks) else ()
    else:
        found = _of_fine_marks(marks, record)
    for row in found:
        yield {"kind": Agreement.Kind.GRADE, **row}


def _table(table: Votes | Marks, record: Record, value: Any, **scale: Any) -> Iterator[dict[str, Any]]:
    found = agreement_table(
        table.item,
        table.judge,
        value,
        is_person=table.person.astype(np.int64),
        cluster=table.cluster,
        category=table.category,
        **scale,
    )
    for row in found:
        beside = {name: getattr(row, name) for name in BESIDE}
        who = _who(record, row.relation, row.judge, row.other)
        yield {"category_id": row.category, **who, **_numbers(row.agreement), **beside}


def _of_fine_marks(marks: Marks, record: Record) -> Iterator[dict[str, Any]]:
    for category in _categories(marks):
        part = marks if category is None else marks.where(marks.category == category)
        for who, rows in _pairings(part, record):
            found = stats.agree_on_scores(rows.item, rows.judge, rows.score, cluster=rows.cluster)
            yield {"category_id": category, **who, **_numbers(found)}


def _categories(table: Any) -> list[int | None]:
    return [None, *np.unique(table.category).tolist()]


def _pairings(marks: Marks, record: Record) -> Iterator[tuple[dict[str, Any], Marks]]:
    """Who is compared with whom, and their scores."""
    machines = np.unique(marks.judge[~marks.person]).tolist()
    of = {one: marks.where(marks.judge == one) for one in machines}
    people = marks.where(marks.person)
    if len(people):
        yield _who(record, PEOPLE), people
        for one in machines:
            yield _who(record, "people_judge", one), _joined(of[one], _mean_marks(people))
    for one, other in combinations(machines, 2):
        yield _who(record, "judges", one, other), _joined(of[one], of[other])


def _joined(one: Marks, other: Marks) -> Marks:
    return Marks(
        **{key.name: np.concatenate([getattr(one, key.name), getattr(other, key.name)]) for key in fields(Marks)}
    )


def _mean_marks(people: Marks) -> Marks:
    """The mean of the people's scores of each answer, as one more judge, MEAN."""
    _, first, code = np.unique(people.item, return_index=True, return_inverse=True)
    mean = np.bincount(code, weights=people.score) / np.bincount(code)
    return replace(people.where(first), score=mean, judge=np.full(len(first), MEAN))


def _who(record: Record, relation: str, judge: int | None = None, other: int | None = None) -> dict[str, Any]:
    names = [record.names[one] for one in (judge, other) if one is not None]
    told = PEOPLE if judge is None else "–".join(names if relation == "judges" else [PEOPLE, *names])
    return {"relation": relation, "judges": told, "judge_id": judge, "other_id": other}


def _numbers(found: stats.Agreement) -> dict[str, Any]:
    note = found.note if found.note else ("few" if found.wanted else "")
    return {**{name: getattr(found, name) for name in FIELDS}, "note": note}


def _with_itself(record: Record) -> Iterator[dict[str, Any]]:
    """What each machine judge decides when the order is swapped, and how often it takes the first slot."""
    for category in _categories(record.sides):
        orders, sides = record.orders, record.sides
        if category is not None:
            orders, sides = orders.where(orders.category == category), sides.where(sides.category == category)
        where = {"kind": Agreement.Kind.PREFERENCE, "category_id": category}
        for one in np.unique(orders.judge):
            mine = orders.where(orders.judge == one)
            same = stats.consistency(mine.plain, mine.swapped, cluster=mine.cluster)
            flips = stats.flip_rate(mine.plain, mine.swapped, cluster=mine.cluster)
            taken = stats.first_slot_share(sides.shown[sides.judge == one], cluster=sides.cluster[sides.judge == one])
            who = {**where, "judges": record.names[int(one)], "judge_id": int(one)}
            yield {**who, "relation": "orders", **_share(same)}
            yield {**who, "relation": "flips", **_share(flips)}
            yield {**who, "relation": "first_slot", **_share(taken)}


def _share(found: stats.Share) -> dict[str, Any]:
    note = "" if found.share is not None else "no decided vote"
    ends = {"low": found.low, "high": found.high}
    return {"n": found.n, "raw": found.share, "kappa": None, "alpha": None, **ends, "note": note}
