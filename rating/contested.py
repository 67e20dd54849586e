"""What is contested: the items that people are divided on, that judges are divided on, and where people and judges differ.

The ranking is made with a snapshot (`ranking`) and kept in it, so that a page reads a list and no votes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.models import Answer, Battle, Category
from rating.agreeing import last_words
from rating.data import Marks, Record, Votes

PEOPLE, AGAINST, JUDGES = "people", "against", "judges"
BY = (PEOPLE, AGAINST, JUDGES)
PAIRS, SCORES = "pairs", "scores"
MOST = 500  # items of each ranking that are kept
FEWEST = 2  # who must have judged an item that they can be divided on

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def ranking(record: Record) -> dict[str, Any]:
    """{"pairs": {by: {"n", "rows"}}, "scores": …} as plain data, the most contested first; without what is empty. No query.

    A row is [item, category, measure, people, machines]; `people` and `machines` say of pairs how often the second, neither
    and the first was chosen, of scores [n, lowest, mean, highest], or None where there are none. `measure`: of a division on
    pairs the entropy of the verdicts in bits, on scores highest minus lowest; between people and judges the distance of their
    means, on pairs from -1 to 1 and only where they lean to different sides. `n` counts what is contested at all. Each judge
    has one verdict on an item: both orders together, against each other as a tie.
    """
    found = {
        PAIRS: _ranked(record.verdicts, _of_votes),
        SCORES: _ranked(record.marks, _of_marks),
    }
    return {name: told for name, told in found.items() if told}


def _ranked(table: Votes | Marks, measured: Any) -> dict[str, Any]:
    if not len(table):
        return {}
    turns = int(table.turn.max()) + 1 if table.turn.any() else 1
    last = last_words(table)  # which numbers items anew where single turns were judged
    ids = last.item // turns
    item, first, code = np.unique(ids, return_index=True, return_inverse=True)
    told: dict[str, Any] = {}
    for by, measure, rows in measured(last, code, len(item)):
        places = np.flatnonzero(measure > 1e-9)
        if len(places):
            order = places[np.lexsort((item[places], -rows.n[places], -np.round(measure[places], 6)))][:MOST]
            kept = [
                [int(item[at]), int(last.category[first[at]]), round(float(measure[at]), 4), *rows.told(at)]
                for at in order
            ]
            told[by] = {"n": len(places), "rows": kept}
    return told


@dataclass(frozen=True)
class _Said:
    """What people and machines said of every item: (items, k) each, and how many judgments (items,) there are."""

    people: Floats
    machines: Floats
    n: Ints
    is_pair: bool

    def told(self, at: int) -> list[Any]:
        return [_plain(part[at], is_pair=self.is_pair) for part in (self.people, self.machines)]


def _plain(said: Floats, *, is_pair: bool) -> list[Any] | None:
    if is_pair:
        return [int(count) for count in said] if said.any() else None
    return [int(said[0]), *(round(float(value), 4) for value in said[1:])] if said[0] else None


def _of_votes(votes: Votes, code: Ints, items: int) -> Iterator[tuple[str, Floats, _Said]]:
    side = np.sign(votes.value).astype(np.int64) + 1
    counts = [_counted(code[mask], side[mask], items) for mask in (votes.person, ~votes.person)]
    said = _Said(counts[0], counts[1], np.bincount(code, minlength=items), is_pair=True)
    yield PEOPLE, _entropy(counts[0]), said
    mean = [_mean_side(part) for part in counts]
    yield AGAINST, np.where(mean[0] * mean[1] < 0, np.abs(mean[0] - mean[1]), 0.0), said
    yield JUDGES, _entropy(counts[1]), said


def _counted(code: Ints, side: Ints, items: int) -> Floats:
    return np.bincount(code * 3 + side, minlength=items * 3).reshape(items, 3).astype(np.float64)


def _entropy(counts: Floats) -> Floats:
    """Bits (items,) of the shares of three verdicts; 0 where fewer than two judged."""
    n = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, n, out=np.zeros_like(counts), where=n > 0)
    bits = -(share * np.log2(share, out=np.zeros_like(share), where=share > 0)).sum(axis=1)
    return np.where(n[:, 0] >= FEWEST, bits, 0.0)


def _mean_side(counts: Floats) -> Floats:
    n = counts.sum(axis=1)
    return np.divide(counts[:, 2] - counts[:, 0], n, out=np.zeros(len(n)), where=n > 0)


def _of_marks(marks: Marks, code: Ints, items: int) -> Iterator[tuple[str, Floats, _Said]]:
    people, machines = (_spread(code[mask], marks.score[mask], items) for mask in (marks.person, ~marks.person))
    said = _Said(people, machines, np.bincount(code, minlength=items), is_pair=False)
    both = (people[:, 0] > 0) & (machines[:, 0] > 0)
    yield PEOPLE, people[:, 3] - people[:, 1], said
    yield AGAINST, np.where(both, np.abs(people[:, 2] - machines[:, 2]), 0.0), said
    yield JUDGES, machines[:, 3] - machines[:, 1], said


def _spread(code: Ints, score: Floats, items: int) -> Floats:
    """n, lowest, mean and highest (items, 4) of the scores; zeros where there is none."""
    n = np.bincount(code, minlength=items)
    low, high = np.full(items, np.inf), np.full(items, -np.inf)
    np.minimum.at(low, code, score)
    np.maximum.at(high, code, score)
    mean = np.bincount(code, weights=score, minlength=items) / np.maximum(n, 1)
    table = np.stack([n.astype(np.float64), low, mean, high], axis=1)
    table[n == 0] = 0.0
    return table


@dataclass(frozen=True)
class Item:
    """One contested item with its row loaded; what people and machines said as the ranking has it."""

    row: Battle | Answer
    measure: float
    people: list[Any] | None
    machines: list[Any] | None


def rows(told: Mapping[str, Any], kind: str, by: str) -> list[list[Any]]:
    """The kept rows of one ranking, [] where there is none."""
    return told.get(kind, {}).get(by, {}).get("rows", [])


def total(told: Mapping[str, Any], kind: str, by: str) -> int:
    """How many items are contested at all in this way, kept or not."""
    return told.get(kind, {}).get(by, {}).get("n", 0)


def items(kind: str, kept: Iterable[list[Any]]) -> list[Item]:
    """These rows with their battles or answers, in their order; those that are gone are left out. One query."""
    kept = list(kept)
    ids = [one[0] for one in kept]
    if kind == PAIRS:
        found: Any = Battle.objects.select_related("question__category", "first_model", "second_model")
    else:
        found = Answer.objects.select_related("question__category", "model").defer("html", "reasoning", "trace")
    by_pk = found.in_bulk(ids)
    return [Item(by_pk[pk], *told) for pk, _category, *told in kept if pk in by_pk]


def categories(kept: Iterable[list[Any]]) -> list[Category]:
    """The categories of these rows, in their order. One query."""
    return list(Category.objects.filter(pk__in={one[1] for one in kept}))
