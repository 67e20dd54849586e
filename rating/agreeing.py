"""Agreement of one benchmark's record: among people, people with each judge, any two judges, one with itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from rating import stats
from rating.data import Marks, Record, Votes
from rating.models import Agreement

Columns = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

PEOPLE = "people"
OUTCOMES = 3  # the second answer, a tie, the first answer
TIE = 1
MAJORITY = 0  # no row of the database has this id


def agreements(record: Record) -> Iterator[dict[str, Any]]:
    """Rows of the Agreement table (without its snapshot), over all categories and then for each."""
    votes, marks = _last_words(record.votes), _last_words(record.marks)
    for category in _categories(record):
        yield from _of_votes(votes if category is None else votes.where(votes.category == category), record, category)
        yield from _with_itself(record, category)
        yield from _of_marks(marks if category is None else marks.where(marks.category == category), record, category)


def _categories(record: Record) -> list[int | None]:
    seen = np.unique(np.concatenate([record.votes.category, record.marks.category]))
    return [None, *(int(category) for category in seen)]


def _last_words(table: Votes | Marks):
    """The last judgment of each judge on each item: repeats measure consistency, not agreement."""
    if not len(table):
        return table
    keys = np.stack([table.judge, table.item], axis=1)[::-1]
    _, last = np.unique(keys, axis=0, return_index=True)
    mask = np.zeros(len(table), dtype=bool)
    mask[len(table) - 1 - last] = True
    return table.where(mask)


def _of_votes(votes: Votes, record: Record, category: int | None) -> Iterator[dict]:
    outcome = np.sign(votes.value).astype(np.int64) + 1
    columns = (votes.item, votes.judge, outcome, votes.cluster)
    agree = partial(stats.agree, values=OUTCOMES, level="nominal", tie=TIE)
    where = {"kind": Agreement.Kind.PREFERENCE, "category_id": category}
    for row in _relations(columns, votes.person, _majority(votes), record, agree):
        yield {**where, **row}


def _of_marks(marks: Marks, record: Record, category: int | None) -> Iterator[dict]:
    columns = (marks.item, marks.judge, marks.score, marks.cluster)
    where = {"kind": Agreement.Kind.GRADE, "category_id": category}
    for row in _relations(columns, marks.person, _mean_mark(marks), record, stats.agree_on_scores):
        yield {**where, **row}


def _relations(columns: Columns, person, people: Columns, record: Record, agree) -> Iterator[dict]:
    """Among people; each machine judge with the people as one; any two machine judges.

    `columns` and `people` are item, judge, value and question, (n,) each; `agree` takes them.
    """
    item, judge, value, cluster = columns

    def among(mask) -> stats.Agreement:
        return agree(item[mask], judge[mask], value[mask], cluster=cluster[mask])

    if person.any():
        yield {"judges": PEOPLE, "relation": "people", **_numbers(among(person))}
    machines = [int(one) for one in np.unique(judge[~person])]
    for one in machines if len(people[0]) else ():
        mine = judge == one
        joined = [np.concatenate([column[mine], other]) for column, other in zip(columns, people, strict=True)]
        found = agree(*joined[:3], cluster=joined[3])
        names = f"{PEOPLE}–{record.names[one]}"
        yield {"judges": names, "relation": "people_judge", "judge_id": one, **_numbers(found)}
    for one, other in combinations(machines, 2):
        names = f"{record.names[one]}–{record.names[other]}"
        found = among((judge == one) | (judge == other))
        yield {"judges": names, "relation": "judges", "judge_id": one, "other_id": other, **_numbers(found)}


def _majority(votes: Votes) -> Columns:
    """The people's majority on each item, as one more judge (MAJORITY): the side with more votes, a tie when equal."""
    mine = votes.where(votes.person)
    items, first, code = np.unique(mine.item, return_index=True, return_inverse=True)
    lead = np.bincount(code, weights=np.sign(mine.value), minlength=len(items))
    outcome = np.sign(lead).astype(np.int64) + 1
    return items, np.full(len(items), MAJORITY, dtype=np.int64), outcome, mine.cluster[first]


def _mean_mark(marks: Marks) -> Columns:
    """The mean of the people's scores of each answer, as one more judge (MAJORITY)."""
    mine = marks.where(marks.person)
    items, first, code = np.unique(mine.item, return_index=True, return_inverse=True)
    mean = np.bincount(code, weights=mine.score, minlength=len(items)) / np.bincount(code, minlength=len(items))
    return items, np.full(len(items), MAJORITY, dtype=np.int64), mean, mine.cluster[first]


def _numbers(found: stats.Agreement) -> dict[str, Any]:
    note = found.note if found.note else ("" if found.n >= 30 else "few")
    numbers = ("n", "raw", "kappa", "alpha", "low", "high")
    return {**{name: getattr(found, name) for name in numbers}, "note": note}


def _with_itself(record: Record, category: int | None) -> Iterator[dict]:
    """What each machine judge decides when the order is swapped, and how often it takes the first slot."""
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
