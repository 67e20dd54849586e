"""One axis for all bars of a table: where a value stands, in the units of an SVG's viewBox."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

WIDTH = 240.0
EDGE = 18.0  # room for half a tick label


@dataclass(frozen=True)
class Axis:
    """A scale from `low` to `high` over `WIDTH` units, with round ticks."""

    low: float
    high: float
    step: float

    @classmethod
    def around(cls, values: Iterable[float]) -> Axis:
        """The axis that holds all of these values (at least one) between two round ticks."""
        values = list(values)
        low, high = min(values), max(values)
        if high - low < 1e-9:
            low, high = low - 1, high + 1
        step = _round_step((high - low) / 4)
        return cls(low=math.floor(low / step) * step, high=math.ceil(high / step) * step, step=step)

    def at(self, value: float) -> float:
        """Where `value` stands, to a tenth of a unit."""
        inner = WIDTH - 2 * EDGE
        return round(EDGE + inner * (value - self.low) / (self.high - self.low), 1)

    @cached_property
    def grid(self) -> str:
        """The path of a vertical line at every tick, 24 units high."""
        return "".join(f"M{tick['x']} 0V24" for tick in self.ticks)

    @property
    def ticks(self) -> list[Mapping[str, float]]:
        """Value and place of every tick."""
        count = round((self.high - self.low) / self.step)
        values = [round(self.low + index * self.step, 6) for index in range(count + 1)]
        return [{"value": int(value) if value == int(value) else value, "x": self.at(value)} for value in values]

    def bar(self, value: float, low: float | None, high: float | None) -> Mapping[str, str]:
        """The places of a point and of its interval, as SVG writes numbers; without an interval its ends are the point."""
        start = self.at(value if low is None else low)
        end = self.at(value if high is None else high)
        return {"x": f"{self.at(value):g}", "start": f"{start:g}", "width": f"{end - start:g}"}


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5 × a power of ten that is not below `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= rough * 0.999999)
