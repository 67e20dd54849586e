"""How sure machine judges were of their verdicts on pairs that people have judged too, from what is kept with each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arena.models import Benchmark, Provenance
from judging.models import Judge, Preference
from rating.data.record import Columns, Floats, Ints, Record

PROBABILITIES, SAMPLES, MEMBERS, STRENGTH = "probabilities", "samples", "members", "strength"
BASES = (PROBABILITIES, SAMPLES, MEMBERS, STRENGTH)
"""What confidence is read from: the probability of the verdict's word; the share of the samples drawn, or of the members' weight,
that said the same; or whether one answer is better or much better."""
STRONG = 1.5  # of a preference: from here on one answer is much better


@dataclass(frozen=True)
class Sure(Columns):
    """Single replies of machine judges, n rows: `side` (n,) −1, 0 or 1 towards the battle's first answer, `sure` (n,) how
    sure, `basis` (n,) the place in BASES of what tells it. Of STRENGTH it is 1 or 2, else the share 0..1 it gave its verdict.
    """

    turn: Ints
    judge: Ints
    side: Ints
    sure: Floats
    basis: Ints


def sure(benchmark: Benchmark, record: Record) -> Sure:
    """What machine judges said of battles that people have judged too, and how sure they were. One query.

    Each order of a battle is a row. Those whose details tell nothing are of STRENGTH, but for ties, which have none.
    """
    people = record.verdicts.where(record.verdicts.person)
    if not len(people):
        return _table([])
    told = list(_told(benchmark, record))
    known = {row[:3] for row in told}
    sides = record.sides.where(
        ~record.sides.person & (record.sides.value != 0) & np.isin(record.sides.item, np.unique(people.item))
    )
    columns = (
        sides.item,
        sides.turn,
        sides.judge,
        np.sign(sides.value),
        np.where(np.abs(sides.value) >= STRONG, 2.0, 1.0),
    )
    strengths = zip(*(column.tolist() for column in columns), strict=True)
    return _table(told + [(*row, BASES.index(STRENGTH)) for row in strengths if row[:3] not in known])


def _told(benchmark: Benchmark, record: Record) -> Any:
    """A row for each reply whose details tell how sure it was. Those of imported ones are the file's own and not read."""
    provenances = set(benchmark.counted_provenances) - {Provenance.IMPORTED}
    rows = Preference.objects.counting().decided().exclude(judge__kind__in=Judge.PEOPLE)
    rows = rows.filter(
        battle__in=Preference.objects.counting()
        .decided()
        .filter(judge__kind__in=Judge.PEOPLE, battle__question__benchmark=benchmark)
        .values("battle"),
        provenance__in=provenances,
        rubric__in=record.rubrics,
        details__has_any_keys=BASES[:3],
    )
    names = "battle", "turn", "judge", "swapped", "value", *(f"details__{basis}" for basis in BASES[:3])
    for battle, turn, judge, swapped, value, *details in rows.order_by().values_list(*names):
        side = int(np.sign(value))
        if found := _of(-side if swapped else side, *details):
            yield battle, turn, judge, side, *found


def _of(shown: int, probabilities: Any, samples: Any, members: Any) -> tuple[float, int] | None:
    """How sure a reply was of its side (−1, 0, 1 towards the answer shown first), and the place in BASES of what tells it."""
    if probabilities:
        letter = "BCA"[shown + 1]
        each = probabilities if isinstance(probabilities, list) else [probabilities]
        return sum(one.get(letter, 0.0) for one in each) / len(each), BASES.index(PROBABILITIES)
    voices, basis = (_samples(samples), SAMPLES) if samples else (_members(members or ()), MEMBERS)
    whole = sum(weight for _, weight in voices)
    if not whole:
        return None
    return sum(weight for value, weight in voices if np.sign(value) == shown) / whole, BASES.index(basis)


def _samples(samples: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """The value of each sample that could be read; all weigh the same."""
    return [(one["value"], 1.0) for one in samples if one.get("value") is not None]


def _members(members: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """The value of each member that counted, and its weight."""
    return [(one["value"], one["weight"]) for one in members if one["counted"] and one["value"] is not None]


def _table(rows: Sequence[tuple[Any, ...]]) -> Sure:
    names = "item", "turn", "judge", "side", "sure", "basis"
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    kinds = {"sure": np.float64}
    return Sure(
        **{name: np.array(column, dtype=kinds.get(name, np.int64)) for name, column in zip(names, columns, strict=True)}
    )
