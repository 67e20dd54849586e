"""One share of each person, in parts: week by week, or category by category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rating.stats.arrays import Bools, Floats, Ints, compressed
from rating.stats.figure import Figure, figure_of
from rating.stats.intervals import clustered_means, share_interval


@dataclass(frozen=True, slots=True)
class Part:
    """A person's share in one part (`code`: a week, a category), in the order of the codes."""

    code: int
    share: Figure


def shares_by_part(
    who: Ints, part: Ints, cluster: Ints, value: Floats, *, people: int, fewest: int, level: float
) -> list[tuple[Part, ...]]:
    """For each of `people` the mean of `value` (n,), shares 0..1, in each of their parts, with its interval.

    `who` (0..people-1), `part`, `cluster` (question): codes (n,). Each question is one observation, as in the whole;
    a part with fewer than `fewest` values has no figure, and says how many are wanting. Nobody without a row has a part.
    """
    found: list[list[Part]] = [[] for _ in range(people)]
    codes = np.unique(part)
    place, places = compressed(part)
    cell, cells = compressed(who * max(places, 1) + place)
    means = clustered_means(cell, cluster, value=value, groups=cells)
    lows, highs = share_interval(means, level=level)
    first = np.unique(cell, return_index=True)[1]
    for k, row in enumerate(first):
        share = figure_of(means.mean[k], lows[k], highs[k], n=int(means.n[k]), fewest=fewest)
        found[int(who[row])].append(Part(int(codes[place[row]]), share))
    return [tuple(parts) for parts in found]


@dataclass(frozen=True, slots=True)
class SharesByPart:
    """What `shares_by_part` takes (n,), for whom it is asked about later."""

    who: Ints
    part: Ints
    cluster: Ints
    value: Floats

    def of(self, asked: Bools, *, fewest: int, level: float) -> list[tuple[Part, ...]]:
        """The shares of the people who are `asked` about (people,); the others have no part."""
        rows = np.flatnonzero(asked[self.who])
        who, part, where, value = self.who[rows], self.part[rows], self.cluster[rows], self.value[rows]
        return shares_by_part(who, part, where, value, people=asked.size, fewest=fewest, level=level)
