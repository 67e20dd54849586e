"""What two models of a board have in common: all that a snapshot keeps of a fit's covariance, in few bytes.

Kept is, for every two models, the half width of the interval of their difference (`rating.stats.contrasts`) as a ratio to what
it would be if the two were independent, `√(half² + half²)` of their own intervals. A ratio holds for a live board too, whose own
intervals are newer. In sixteen bits on a logarithmic scale it is off by less than 0.01 %; a board of 200 models takes some
25 KB, about what its ratings take.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rating.models import BoardContrasts, Snapshot

UNKNOWN = 0
FURTHEST = 8.0
"""Ratios from 2⁻⁸ to 2⁸ are kept; a smaller one as the smallest."""
STEPS = 65_534
MOST_BYTES = 32_000_000
"""Of one snapshot. Boards of all categories are kept first; what is beyond has cautious intervals of differences."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Place = tuple[str, str, int | None, str]
"""Source, method, category (None: all) and language ("": all) of a board."""


class Interval(Protocol):
    """A number with its interval, such as a rating."""

    low: float | None
    high: float | None


class Row(Interval, Protocol):
    model_id: int


@dataclass(frozen=True)
class Contrasts:
    """Of the k `models` (ids, going up) of a board the `ratio` (k, k) for every two; NaN where none is known."""

    models: Ints
    ratio: Floats

    @cached_property
    def _place(self) -> dict[int, int]:
        return {model: place for place, model in enumerate(self.models.tolist())}

    def half(self, one: Row, other: Row) -> float | None:
        """Half the width of the interval of the difference of two rows of the board; None where it is not known."""
        places = self._place.get(one.model_id), self._place.get(other.model_id)
        apart = independent(one, other)
        if None in places or apart is None or math.isnan(ratio := float(self.ratio[places])):
            return None
        return ratio * apart

    def half_from_mean(self, row: Row, among: Iterable[Row]) -> float | None:
        """Half the width of the interval of the row's rating less the mean rating of these k rows, of which it is one.

        Σ half(row, j)²/k − Σ half(j, l)²/2k² over these rows, which is that of the contrast where all have one t quantile.
        None where any of it is not known.
        """
        rows = list(among)
        places = [self._place.get(one.model_id, -1) for one in rows]
        own = [half_width(one) for one in rows]
        if -1 in places or None in own:
            return None
        squares = np.square(np.array(own, dtype=np.float64))
        pairs = self.ratio[np.ix_(places, places)] ** 2 * (squares[:, None] + squares[None, :])
        np.fill_diagonal(pairs, 0.0)
        mine = places.index(self._place[row.model_id])
        square = float(pairs[mine].mean() - pairs.mean() / 2)
        return math.sqrt(square) if square > 0 else None  # NaN is not above 0

    def packed(self) -> bytes:
        upper = self.ratio[np.triu_indices(len(self.models), 1)]
        known = np.isfinite(upper) & (upper > 0)
        scaled = np.log2(upper, out=np.zeros_like(upper), where=known) / (2 * FURTHEST) + 0.5
        codes = np.where(known, 1 + np.rint(np.clip(scaled, 0.0, 1.0) * STEPS), UNKNOWN).astype("<u2")
        # high bytes are nearly all alike, and pack best next to each other
        planes = codes.view(np.uint8).reshape(-1, 2).T.tobytes()
        return zlib.compress(len(self.models).to_bytes(4, "little") + self.models.astype("<i8").tobytes() + planes, 1)

    @classmethod
    def unpacked(cls, data: bytes) -> Contrasts:
        raw = zlib.decompress(data)
        k = int.from_bytes(raw[:4], "little")
        models = np.frombuffer(raw, "<i8", k, offset=4).astype(np.int64)
        codes = np.frombuffer(raw, np.uint8, offset=4 + 8 * k).reshape(2, -1).T.copy().view("<u2").ravel()
        ratio = np.full((k, k), np.nan)
        upper = np.triu_indices(k, 1)
        ratio[upper] = np.where(
            codes == UNKNOWN, np.nan, 2.0 ** (2 * FURTHEST * ((codes.astype(np.float64) - 1) / STEPS - 0.5))
        )
        return cls(models, np.where(np.isnan(ratio), ratio.T, ratio))


def contrasts_of(models: Ints, half: Floats, apart: Floats) -> Contrasts:
    """From the half widths of the m models' own intervals (m,) and of their differences (m, m), in one unit.

    `models` are their ids, going up. A model without an interval is left out; a difference without a spread is not known.
    """
    known = np.flatnonzero(half > 0)
    square = half[known] ** 2
    return Contrasts(models[known], apart[np.ix_(known, known)] / np.sqrt(square[:, None] + square[None, :]))


def half_width(row: Interval) -> float | None:
    """Half the width of its interval; None without one."""
    return None if row.low is None or row.high is None else (row.high - row.low) / 2


def independent(one: Interval, other: Interval) -> float | None:
    """Half the width of the interval of a difference whose sides have nothing in common; None where one has no interval."""
    halves = half_width(one), half_width(other)
    return None if None in halves else math.hypot(*halves)


# --- what a snapshot keeps


def rows(snapshot: Snapshot, packed: Mapping[Place, bytes]) -> Iterator[tuple[BoardContrasts, int | None]]:
    """The rows to keep, each with the number of the one before that says the same, if any; up to MOST_BYTES."""
    written: dict[bytes, int] = {}
    total = number = 0
    for place in sorted(packed, key=_whole_boards_first):
        data = packed[place]
        same = written.get(data)
        if not data or (same is None and total + len(data) > MOST_BYTES):
            continue
        if same is None:
            written[data] = number
            total += len(data)
        named = dict(zip(("source", "method", "category_id", "language"), place, strict=True))
        yield BoardContrasts(snapshot=snapshot, **named, data=b"" if same is not None else data), same
        number += 1


def _whole_boards_first(place: Place) -> tuple[Any, ...]:
    source, method, category, language = place
    return category is not None or bool(language), source, method, category or 0, language


def keep(snapshot: Snapshot, packed: Mapping[Place, bytes]) -> None:
    """Write what was packed of each board; boards that were rated once under several names are kept once."""
    told = list(rows(snapshot, packed))
    first = [row for row, same in told if same is None]
    BoardContrasts.objects.bulk_create(first, batch_size=50)
    again = []
    for row, same in told:
        if same is not None:
            row.same_as = told[same][0]
            again.append(row)
    BoardContrasts.objects.bulk_create(again, batch_size=500)


def kept(snapshot: Snapshot | None, place: Place) -> Contrasts | None:
    """What the snapshot keeps of a board; None for one from before this was kept. One query."""
    if snapshot is None:
        return None
    source, method, category, language = place
    found = BoardContrasts.objects.filter(
        snapshot=snapshot, source=source, method=method, category=category, language=language
    )
    row = found.select_related("same_as").first()
    return None if row is None else Contrasts.unpacked(bytes((row.same_as or row).data))
