"""Battles as columns, and the counts that nearly everything else is computed from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Indices, Ints, Numbers, codes, floats, indices, numbers, same_length
from rating.stats.errors import ImpossibleInput

MOST_MODELS = 5000
"""More models than this would need tables of gigabytes: refused by name."""
MOST = 2
"""The strongest preference: much better."""
HEAVIEST = 1e100
"""The largest weight of a battle: sums of its squares are still numbers."""

_BLOCK = 1 << 16
"""Rows worked on at a time: their temporaries stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Battles:
    """n judged battles, one row each, in the order of time.

    `first`, `second`: model indices from 0, whole numbers of any width (n,). `value`: preference towards first in
    [-2, 2], (n,): ±2 much better, ±1 better, 0 a tie, between -1 and 1 a probability p as 2p - 1. `cluster`: question
    index (n,); battles on one question are not independent. Anything array-like is taken; integer columns are kept
    as they are, neither copied nor widened, so widen them before arithmetic.
    Raises ImpossibleInput for a model against itself, NaN, a value out of range or true and false.
    """

    first: Indices
    second: Indices
    value: Numbers
    cluster: Indices
    _reach: int = field(init=False, repr=False, compare=False)
    _outcomes: Ints | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("first", "second", "cluster"):
            object.__setattr__(self, name, indices(getattr(self, name), name))
        if np.asarray(self.value).dtype.kind == "b":  # False would be a tie
            raise ImpossibleInput(f"value must be preferences {-MOST}..{MOST}, not bool")
        object.__setattr__(self, "value", numbers(self.value, "value", most=MOST))
        n = same_length(first=self.first, second=self.second, value=self.value, cluster=self.cluster)
        object.__setattr__(self, "_reach", 1 + max(int(self.first.max()), int(self.second.max())) if n else 0)
        object.__setattr__(self, "_outcomes", _tally(self))
        if self._outcomes is None or self._outcomes.diagonal(axis1=1, axis2=2).any():
            itself = np.flatnonzero(self.first == self.second)
            if itself.size:
                raise ImpossibleInput(f"a model against itself at row {int(itself[0])}")

    def __len__(self) -> int:
        return int(self.first.size)

    @property
    def is_whole(self) -> bool:
        """Whether every battle is known to be won, tied or lost outright; large tables are not looked through."""
        return self._outcomes is not None

    def share(self, rows: slice | Ints = slice(None)) -> Floats:
        """Share of the win that goes to first, 0..1 (n,), or of these rows: a tie is one half, ±2 counts as ±1."""
        return np.asarray(np.clip(self.value[rows], -1, 1) * 0.5 + 0.5, dtype=np.float64)

    def where(self, mask: Ints | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Battles:
        """The battles of these rows, by mask or by number."""
        return Battles(self.first[mask], self.second[mask], self.value[mask], self.cluster[mask])


@dataclass(frozen=True, slots=True)
class Counts:
    """Battles between m models as tables (m, m); row i, column j speaks of i against j.

    `wins`: sum of shares for the row (a tie is half a win for each); `games`: battles, symmetric;
    `ties`: battles of value 0, symmetric; `squares`: sum of squared shares for the row, from which the
    spread of the shares follows without going back to the battles.
    """

    wins: Floats
    games: Floats
    ties: Floats
    squares: Floats

    @property
    def models(self) -> int:
        return int(self.games.shape[0])

    def won(self) -> Floats:
        """Battles (m, m) that the row won outright. Raises ImpossibleInput where some were decided by a share."""
        won = self.wins - self.ties / 2
        if (np.abs(self.squares - won - self.ties / 4) > 1e-9 * (1 + self.games)).any():
            raise ImpossibleInput("some battles are shares of a win; only wins, ties and losses can be told apart here")
        return np.maximum(won, 0.0)


def counts(battles: Battles, models: int, *, weight: ArrayLike | None = None) -> Counts:
    """The battles of `models` models as tables. Raises ImpossibleInput for an index or a weight out of range.

    `weight` (n,): what each battle counts, from 0 to HEAVIEST; None is 1 for each.
    """
    check_models(battles, models)
    if weight is not None:
        return _weighted(battles, models, _weights(battles, weight))
    if battles._outcomes is not None:
        return _from_outcomes(battles._outcomes, models)
    return _weighted(battles, models, None)


def _weights(battles: Battles, weight: ArrayLike) -> Floats:
    given = floats(weight, "weight")
    same_length(first=battles.first, weight=given)
    if given.size and not (given.min() >= 0 and given.max() <= HEAVIEST):
        row = int(np.flatnonzero((given < 0) | (given > HEAVIEST))[0])
        raise ImpossibleInput(f"weight {given[row]:g} at row {row} is outside 0..{HEAVIEST:g}")
    return given


def _weighted(battles: Battles, models: int, weight: Floats | None) -> Counts:
    cell = np.multiply(battles.first, models, dtype=np.int64) + battles.second
    share = battles.share()

    def table(values: Floats | None) -> Floats:
        weights = weight if values is None else values if weight is None else values * weight
        sums = np.bincount(cell, weights, minlength=models * models)
        return sums.astype(np.float64, copy=False).reshape(models, models)

    ahead, met = table(share), table(None)
    squared, tied = table(share * share), table((battles.value == 0).astype(np.float64))
    wins = ahead + (met - ahead).T
    # (1 - s)² = 1 - 2s + s², for the share of the model that stands second
    squares = squared + (met - 2.0 * ahead + squared).T
    return Counts(wins=wins, games=met + met.T, ties=tied + tied.T, squares=squares)


def check_models(battles: Battles, models: int) -> None:
    """Raise ImpossibleInput unless every battle is between models 0..models-1 and the tables fit."""
    if not 0 < models <= MOST_MODELS:
        raise ImpossibleInput(f"{models} models; between 1 and {MOST_MODELS} can be rated together")
    if battles._reach > models:
        codes(battles.first, "first", below=models)
        codes(battles.second, "second", below=models)


def row_blocks(n: int, *, size: int = _BLOCK) -> Iterator[slice]:
    """Slices of 0..n-1, so many rows each that their temporaries stay in the cache."""
    return (slice(start, start + size) for start in range(0, n, size))


def _tally(battles: Battles) -> Ints | None:
    """Battles by (value, first, second), int64 (5, k, k) or (3, k, k) without any ±2; one pass over the columns.

    None where a value lies between the whole ones, or where the table would be larger than the columns.
    """
    n, k, value = len(battles), battles._reach, battles.value
    most = MOST if n and max(value.max(), -value.min()) > 1 else 1
    size = (2 * most + 1) * k * k
    if not n or size > max(4 * n, _BLOCK):
        return None
    total = np.zeros(size, dtype=np.int64)
    narrow = max(battles.first.itemsize, battles.second.itemsize) <= 4
    block = max(_BLOCK, size)  # a block costs a table of its own
    cell = np.empty(min(block, n), dtype=np.int32 if narrow else np.int64)
    for start in range(0, n, block):
        rows = slice(start, start + block)
        part = cell[: value[rows].size]
        np.add(value[rows], most, out=part, casting="unsafe")
        if value.dtype.kind == "f" and (part - most != value[rows]).any():
            return None
        for column in (battles.first, battles.second):
            np.multiply(part, k, out=part)
            np.add(part, column[rows], out=part, casting="unsafe")
        total += np.bincount(part, minlength=size)
    return total.reshape(-1, k, k)


def _from_outcomes(outcomes: Ints, models: int) -> Counts:
    k, most = outcomes.shape[1], outcomes.shape[0] // 2
    ahead, tied, behind = outcomes[most + 1 :].sum(axis=0), outcomes[most], outcomes[:most].sum(axis=0)
    won, ties = np.zeros((2, models, models))
    won[:k, :k] = ahead + behind.T
    ties[:k, :k] = tied + tied.T
    return Counts(wins=won + ties / 2, games=won + won.T + ties, ties=ties, squares=won + ties / 4)
