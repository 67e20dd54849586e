"""Krippendorff's α with an interval that resamples items or questions, never vote pairs.

Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; jackknife as in Efron and Stein (1981).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rating.stats.arrays import Floats, Ints, compressed
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import student

Level = Literal["nominal", "ordinal", "interval"]

FEWEST_FOR_JACKKNIFE = 50
"""With fewer items than this the interval comes from the bootstrap: the jackknife is too narrow when one value is rare."""
BOOTSTRAP_DRAWS = 2000
BOOTSTRAP_SEED = 20240607

_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Votes:
    """Vote counts of the items that have two votes or more: `counts` (items, V), `unit` (items,) resampled together.

    Without clusters every item is its own unit.
    """

    counts: Floats
    unit: Ints
    clustered: bool

    @property
    def items(self) -> int:
        return int(self.counts.shape[0])

    @property
    def units(self) -> int:
        return int(self.unit.max(initial=-1)) + 1


@dataclass(frozen=True, slots=True)
class Interval:
    """Ends of an interval, and how it was made: "jackknife" or "bootstrap"."""

    low: float
    high: float
    kind: str


def votes_by_item(item: Ints, value: Ints, *, values: int, cluster: Ints | None = None) -> Votes:
    """Votes as counts by item, without the items that have a single vote.

    Raises ImpossibleInput where votes on one item name different clusters.
    """
    index, items = compressed(item)
    table = np.bincount(index * values + value, minlength=items * values).reshape(items, values).astype(np.float64)
    paired = table.sum(axis=1) >= 2
    if cluster is None:
        return Votes(counts=table[paired], unit=np.arange(int(paired.sum())), clustered=False)
    of_item = np.zeros(items, dtype=np.int64)
    of_item[index] = cluster
    if (of_item[index] != cluster).any():
        raise ImpossibleInput("one item belongs to two clusters")
    return Votes(counts=table[paired], unit=compressed(of_item[paired])[0], clustered=True)


def alpha(votes: Votes, *, level: Level = "nominal", marks: Floats | None = None) -> float | None:
    """Krippendorff's α; None without an item with two votes, 1.0 when only one value is used.

    `marks` (V,): what the values are worth at level "interval", default 0..V-1.
    """
    if votes.items == 0:
        return None
    return float(_alpha(_all_coincidences(votes.counts), level=level, marks=marks))


def alpha_interval(
    votes: Votes, *, level: Level = "nominal", marks: Floats | None = None, confidence: float = 0.95
) -> Interval | None:
    """Interval of α over units (items, or questions where votes are clustered); None with fewer than two units.

    Exact delete-one jackknife with t quantiles; below FEWEST_FOR_JACKKNIFE items the percentile bootstrap of the
    units with a fixed seed. Resamples that hold one value only count as 1.0.
    """
    middle = alpha(votes, level=level, marks=marks)
    if middle is None or votes.units < 2:
        return None
    if votes.items < FEWEST_FOR_JACKKNIFE:
        draws = _bootstrap(votes, level=level, marks=marks)
        low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
        return Interval(float(low), float(high), "bootstrap")
    half = float(student(confidence, votes.units - 1)) * jackknife_error(votes, level=level, marks=marks)
    return Interval(max(middle - half, -1.0), min(middle + half, 1.0), "jackknife")


def jackknife_error(votes: Votes, *, level: Level = "nominal", marks: Floats | None = None) -> float:
    """Standard error of α by leaving out each unit once, exactly; NaN with fewer than two units."""
    if votes.units < 2:
        return float("nan")
    total = _all_coincidences(votes.counts)
    without, times = zip(
        *((_alpha(total - sums, level=level, marks=marks), times) for sums, times in _unit_blocks(votes)), strict=True
    )
    left, often = np.concatenate(without), np.concatenate(times)
    centred = left - (often @ left) / votes.units
    return float(np.sqrt((votes.units - 1) / votes.units * (often @ centred**2)))


def _bootstrap(votes: Votes, *, level: Level, marks: Floats | None) -> Floats:
    """α of BOOTSTRAP_DRAWS resamples of the units (draws,)."""
    blocks, times = zip(*_unit_blocks(votes), strict=True)
    sums, often = np.concatenate(blocks), np.concatenate(times)
    drawn = np.random.default_rng(BOOTSTRAP_SEED).multinomial(votes.units, often / votes.units, size=BOOTSTRAP_DRAWS)
    values = sums.shape[1]
    step = max(1, _CELLS // (values * values))
    flat = sums.reshape(len(sums), -1)
    return np.concatenate(
        [
            _alpha((drawn[i : i + step] @ flat).reshape(-1, values, values), level=level, marks=marks)
            for i in range(0, BOOTSTRAP_DRAWS, step)
        ]
    )


def _coincidences(counts: Floats) -> Floats:
    """Coincidence matrix (items, V, V) of each item: ordered pairs of its votes, weighted by 1 / (votes - 1)."""
    pairs = counts[:, :, None] * counts[:, None, :]
    diagonal = np.arange(counts.shape[1])
    pairs[:, diagonal, diagonal] -= counts
    weighted: Floats = pairs / (counts.sum(axis=1) - 1)[:, None, None]
    return weighted


def _all_coincidences(counts: Floats) -> Floats:
    """Sum (V, V) of `_coincidences` without making a matrix for each item."""
    weighted = counts / (counts.sum(axis=1, keepdims=True) - 1)
    total: Floats = weighted.T @ counts - np.diag(weighted.sum(axis=0))
    return total


def _unit_blocks(votes: Votes) -> Iterator[tuple[Floats, Floats]]:
    """Coincidence sums (u, V, V) of different units and how often each occurs (u,), in blocks of bounded memory.

    Items with the same counts are one pattern, so that a million items cost as much as a few.
    """
    values = votes.counts.shape[1]
    step = max(1, _CELLS // (values * values))
    if not votes.clustered:
        patterns, times = _patterns(votes.counts)
        for i in range(0, len(patterns), step):
            yield _coincidences(patterns[i : i + step]), times[i : i + step]
        return
    order = np.argsort(votes.unit, kind="stable")
    counts, unit = votes.counts[order], votes.unit[order]
    for start in range(0, votes.units, step):
        stop = min(start + step, votes.units)
        rows = slice(*np.searchsorted(unit, [start, stop]))
        yield _cluster_sums(counts[rows], unit[rows] - start, units=stop - start), np.ones(stop - start)


def _cluster_sums(counts: Floats, unit: Ints, *, units: int) -> Floats:
    values = counts.shape[1]
    sums = np.zeros((units, values, values))
    weight = 1.0 / (counts.sum(axis=1) - 1)
    for a in range(values):
        for b in range(a, values):
            pairs = counts[:, a] * (counts[:, b] - (a == b)) * weight
            sums[:, a, b] = sums[:, b, a] = np.bincount(unit, pairs, minlength=units)
    return sums


def _patterns(counts: Floats) -> tuple[Floats, Floats]:
    most = int(counts.max(initial=0)) + 1
    if most ** counts.shape[1] < 2**62:
        key = counts.astype(np.int64) @ (most ** np.arange(counts.shape[1], dtype=np.int64))
        _, index, times = np.unique(key, return_index=True, return_counts=True)
        return counts[index], times.astype(np.float64)
    patterns, times = np.unique(counts, axis=0, return_counts=True)
    return patterns, times.astype(np.float64)


def _alpha(coincidence: Floats, *, level: Level, marks: Floats | None) -> Floats:
    """α of coincidence matrices (…, V, V); 1.0 where one value only is left."""
    margin = coincidence.sum(axis=-1)
    n = margin.sum(axis=-1)
    distance = _distance(margin, level=level, marks=marks)
    observed = (coincidence * distance).sum(axis=(-2, -1))
    expected = np.einsum("...a,...b,...ab->...", margin, margin, distance)
    varied = ((margin > 1e-9).sum(axis=-1) > 1) & (expected > 0)
    ratio = np.divide((n - 1) * observed, expected, out=np.zeros_like(n), where=varied)
    result: Floats = 1.0 - ratio
    return result


def _distance(margin: Floats, *, level: Level, marks: Floats | None) -> Floats:
    """Squared distances (…, V, V) between values: any two differ, by ranks in between, or by marks."""
    values = margin.shape[-1]
    if level == "nominal":
        return 1.0 - np.eye(values)
    if level == "ordinal":
        position = np.cumsum(margin, axis=-1) - margin / 2
    else:
        position = np.arange(values, dtype=np.float64) if marks is None else marks
    result: Floats = (position[..., :, None] - position[..., None, :]) ** 2
    return result
