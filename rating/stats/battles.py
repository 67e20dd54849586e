"""Battles as columns, and the counts that nearly everything else is computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rating.stats.arrays import Floats, Ints, codes, floats, same_length
from rating.stats.errors import ImpossibleInput

MOST_MODELS = 5000
"""More models than this would need tables of gigabytes: refused by name."""


@dataclass(frozen=True, slots=True)
class Battles:
    """n judged battles, one row each, in the order of time.

    `first`, `second`: model indices from 0, int64 (n,). `value`: preference towards first in [-2, 2],
    float64 (n,): ±2 much better, ±1 better, 0 a tie, between -1 and 1 a probability p as 2p - 1.
    `cluster`: question index, int64 (n,); battles on one question are not independent.
    Anything array-like is taken; raises ImpossibleInput for a model against itself, NaN, a value out of range.
    """

    first: Ints
    second: Ints
    value: Floats
    cluster: Ints

    def __post_init__(self) -> None:
        for name in ("first", "second", "cluster"):
            object.__setattr__(self, name, codes(getattr(self, name), name))
        object.__setattr__(self, "value", floats(self.value, "value"))
        same_length(first=self.first, second=self.second, value=self.value, cluster=self.cluster)
        itself = np.flatnonzero(self.first == self.second)
        if itself.size:
            raise ImpossibleInput(f"a model against itself at row {int(itself[0])}")
        outside = np.flatnonzero(np.abs(self.value) > 2)
        if outside.size:
            row = int(outside[0])
            raise ImpossibleInput(f"value {self.value[row]:g} at row {row} is outside -2..2")

    def __len__(self) -> int:
        return int(self.first.size)

    def share(self) -> Floats:
        """Share of the win that goes to first, 0..1 (n,): a tie is one half, ±2 counts as ±1."""
        return (np.clip(self.value, -1.0, 1.0) + 1.0) / 2.0


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


def counts(battles: Battles, models: int) -> Counts:
    """The battles of `models` models as tables. Raises ImpossibleInput for an index out of range."""
    check_models(battles, models)
    cell = battles.first * models + battles.second
    share = battles.share()

    def table(weights: Floats | None) -> Floats:
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
    codes(battles.first, "first", below=models)
    codes(battles.second, "second", below=models)
