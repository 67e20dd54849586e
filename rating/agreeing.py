"""Agreement of one benchmark's record: among people, people with each judge, any two judges, one with itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from rating import stats
from rating.data import Marks, Record, Votes
from rating.models import Agreement

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
    settings = {"values": OUTCOMES, "level": "nominal", "tie": TIE}
    majority = _majority(votes)
    yield from _relations(votes, columns, majority, record, settings, kind=Agreement.Kind.PREFERENCE, category=category)


def _of_marks(marks: Marks, record: Record, category: int | None) -> Iterator[dict]:
    if not len(marks):
        return
    levels, code = np.unique(marks.score, return_inverse=True)
    if len(levels) < 2:
        levels = np.append(levels, levels[-1] + 1)
    columns = (marks.item, marks.judge, code, marks.cluster)
    settings = {"values": len(levels), "level": "interval", "marks": levels}
    yield from _relations(marks, columns, None, record, settings, kind=Agreement.Kind.GRADE, category=category)


def _relations(table, columns, majority, record: Record, settings: dict, *, kind: str, category) -> Iterator[dict]:
    """Among people; each machine judge with the people's majority; any two machine judges."""
    item, judge, value, cluster = columns
    where = {"kind": kind, "category_id": category}

    def among(mask) -> stats.Agreement:
        return stats.agree(item[mask], judge[mask], value[mask], cluster=cluster[mask], **settings)

    if table.person.any():
        yield {**where, "judges": PEOPLE, "relation": "people", **_numbers(among(table.person))}
    machines = [int(one) for one in np.unique(judge[~table.person])]
    if majority is not None and len(majority[0]):
        for one in machines:
            mine = judge == one
            joined = [np.concatenate([column[mine], other]) for column, other in zip(columns, majority, strict=True)]
            found = stats.agree(joined[0], joined[1], joined[2], cluster=joined[3], **settings)
            yield {**where, "judges": f"{PEOPLE}–{record.names[one]}", "relation": "people_judge", **_numbers(found)}
    for one, other in combinations(machines, 2):
        names = f"{record.names[one]}–{record.names[other]}"
        yield {**where, "judges": names, "relation": "judges", **_numbers(among((judge == one) | (judge == other)))}


def _majority(votes: Votes) -> tuple[np.ndarray, ...]:
    """The people's majority on each item, as one more judge (MAJORITY): the side with more votes, a tie when equal."""
    mine = votes.where(votes.person)
    items, first, code = np.unique(mine.item, return_index=True, return_inverse=True)
    lead = np.bincount(code, weights=np.sign(mine.value), minlength=len(items))
    outcome = np.sign(lead).astype(np.int64) + 1
    return items, np.full(len(items), MAJORITY, dtype=np.int64), outcome, mine.cluster[first]


def _numbers(found: stats.Agreement) -> dict[str, Any]:
    note = found.note if found.note else ("" if found.n >= 30 else "few")
    return {
        "n": found.n,
        "raw": found.raw,
        "kappa": found.kappa,
        "alpha": found.alpha,
        "low": found.low,
        "high": found.high,
        "note": note,
    }


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
        name = record.names[int(one)]
        yield {**where, "judges": name, "relation": "orders", **_share(same)}
        yield {**where, "judges": name, "relation": "flips", **_share(flips)}
    for one in np.unique(orders.judge):
        taken = stats.first_slot_share(sides.shown[sides.judge == one], cluster=sides.cluster[sides.judge == one])
        yield {**where, "judges": record.names[int(one)], "relation": "first_slot", **_share(taken)}


def _share(found: stats.Share) -> dict[str, Any]:
    note = "" if found.share is not None else "no decided vote"
    return {
        "n": found.n,
        "raw": found.share,
        "kappa": None,
        "alpha": None,
        "low": found.low,
        "high": found.high,
        "note": note,
    }
