"""Quality against price: which models nobody beats in both, and the plot of it, drawn without scripts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 16.0, 16.0, 48.0


@dataclass(frozen=True)
class Point:
    """A model with its quality (more is better) and its price (less is better); `low`, `high`: of the quality, or None."""

    model: Any
    quality: float
    price: float
    low: float | None = None
    high: float | None = None
    label: str = ""


def line(points: Iterable[Point]) -> list[Point]:
    """The Pareto line: points that no other beats in both, the cheapest first.

    One beats another by being no dearer and no worse, and better in one of them; of equals all are on the line.
    """
    found: list[Point] = []
    for point in sorted(points, key=lambda one: (one.price, -one.quality)):
        best = found[-1] if found else None
        same = best is not None and (best.price, best.quality) == (point.price, point.quality)
        if best is None or same or point.quality > best.quality:
            found.append(point)
    return found


@dataclass(frozen=True)
class Mark:
    """A point as it is drawn: places in the units of the plot, as SVG writes them."""

    point: Point
    x: str
    y: str
    top: str
    bottom: str
    is_best: bool
    anchor: str
    label_x: str


@dataclass(frozen=True)
class Plot:
    """Marks on a logarithmic axis of prices and a linear one of qualities; `steps` is the Pareto line as a path."""

    marks: list[Mark]
    steps: str
    prices: list[tuple[str, str]]
    qualities: list[tuple[str, str]]
    grid: str

    width, height = f"{WIDTH:g}", f"{HEIGHT:g}"
    left, right, foot = f"{LEFT:g}", f"{WIDTH - RIGHT:g}", f"{HEIGHT - BOTTOM:g}"
    price_y, title_y, middle = f"{HEIGHT - BOTTOM + 16:g}", f"{HEIGHT - 8:g}", f"{(LEFT + WIDTH - RIGHT) / 2:g}"
    label_x = f"{LEFT - 8:g}"


def plot(points: Sequence[Point], best: Sequence[Point]) -> Plot | None:
    """The plot of these points, of which `best` are the Pareto line; None without one. A price of 0 has no place on it."""
    shown = [point for point in points if point.price > 0]
    if not shown:
        return None
    logs = [math.log10(point.price) for point in shown]
    across = _Scale.around(logs, LEFT, WIDTH - RIGHT)
    ends = [end for one in shown for end in (one.quality, one.low, one.high) if end is not None]
    up = _Scale.around(ends, HEIGHT - BOTTOM, TOP)
    kept = {id(point) for point in best}
    marks = [_mark(point, across, up, is_best=id(point) in kept) for point in shown]
    prices = [(_price(value), f"{across.at(math.log10(value)):.1f}") for value in _prices(across)]
    qualities = [(f"{value:g}", f"{up.at(value):.1f}") for value in _round_values(up)]
    return Plot(marks, _steps([one for one in best if one.price > 0], across, up), prices, qualities, _grid(qualities))


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(cls, values: Sequence[float], start: float, end: float) -> _Scale:
        low, high = min(values), max(values)
        room = 0.08 * (high - low) or 0.5
        return cls(low - room, high + room, start, end)

    def at(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


def _mark(point: Point, across: _Scale, up: _Scale, *, is_best: bool) -> Mark:
    x, y = across.at(math.log10(point.price)), up.at(point.quality)
    top = up.at(point.quality if point.high is None else point.high)
    bottom = up.at(point.quality if point.low is None else point.low)
    is_left = x < 0.6 * WIDTH
    label_x = x + 9 if is_left else x - 9
    numbers = (f"{value:.1f}" for value in (x, y, top, bottom))
    return Mark(point, *numbers, is_best, "start" if is_left else "end", f"{label_x:.1f}")


def _steps(best: Sequence[Point], across: _Scale, up: _Scale) -> str:
    """The line as steps: what a price buys stays the same until the next model can be paid."""
    parts = []
    for number, point in enumerate(best):
        x, y = across.at(math.log10(point.price)), up.at(point.quality)
        parts.append(f"H{x:.1f}V{y:.1f}" if number else f"M{x:.1f} {y:.1f}")
    return "".join(parts) + (f"H{WIDTH - RIGHT:g}" if parts else "")


def _prices(across: _Scale) -> list[float]:
    """Round prices within the axis: 1, 2 and 5 times powers of ten, or the powers alone where they are many."""
    powers = range(math.floor(across.low), math.ceil(across.high) + 1)
    steps = (1, 2, 5) if across.high - across.low < 2.5 else (1,)
    found = [step * 10.0**power for power in powers for step in steps]
    return [value for value in found if across.low <= math.log10(value) <= across.high]


def _price(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _round_values(up: _Scale) -> list[float]:
    rough = (up.high - up.low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= rough * 0.999999)
    first = math.ceil(up.low / step)
    return [round(place * step, 6) for place in range(first, math.floor(up.high / step) + 1)]


def _grid(qualities: Sequence[tuple[str, str]]) -> str:
    return "".join(f"M{LEFT:g} {y}H{WIDTH - RIGHT:g}" for _value, y in qualities)
