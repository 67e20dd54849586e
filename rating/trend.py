"""The ratings of the leaders over the snapshots of a board, as lines in the units of an SVG's viewBox, and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rating.axis import Axis
from rating.changed import Overall, Standing
from rating.models import Snapshot

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 24
MODELS = 5


@dataclass(frozen=True)
class Dot:
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """One model: the dots of the snapshots that rate it, and the path through them; `kind` 1..MODELS is how it is drawn."""

    name: str
    kind: int
    dots: list[Dot]

    @property
    def path(self) -> str:
        return "M" + "L".join(f"{dot.x:g} {dot.y:g}" for dot in self.dots) if self.dots else ""


@dataclass(frozen=True)
class Tick:
    value: float
    y: float


@dataclass(frozen=True)
class Row:
    """One snapshot in the table: a cell for each model, None where it does not rate it."""

    snapshot: Snapshot
    cells: list[Standing | None]


@dataclass(frozen=True)
class Trend:
    """Lines over time, oldest first; `rows` newest first. `method` is how the ratings are written."""

    lines: list[Line]
    ticks: list[Tick]
    rows: list[Row]
    first: Snapshot
    last: Snapshot
    method: str


def trend(snapshots: Sequence[Snapshot], boards: Mapping[int, Overall]) -> Trend | None:
    """The leaders of the newest of these snapshots (newest first) through all of them; None for fewer than two. No query.

    Snapshots rated by another method than the newest are left out: their numbers are on another scale.
    """
    if not snapshots:
        return None
    newest = boards[snapshots[0].pk]
    leaders = [row for row in newest.rows if row.rating is not None][:MODELS]
    told = [one for one in snapshots if boards[one.pk].rows and boards[one.pk].method == newest.method]
    if len(told) < 2 or not leaders:
        return None
    rows = [Row(one, [boards[one.pk].by_model.get(leader.model) for leader in leaders]) for one in told]
    values = [cell.rating for row in rows for cell in row.cells if cell and cell.rating is not None]
    axis = Axis.around(values)
    places = _places(told)
    lines = [
        Line(leader.name, kind + 1, [
            Dot(place, _height(row.cells[kind].rating, axis))
            for place, row in zip(places, rows, strict=True) if row.cells[kind] and row.cells[kind].rating is not None
        ])
        for kind, leader in enumerate(leaders)
    ]  # fmt: skip
    ticks = [Tick(tick["value"], _height(tick["value"], axis)) for tick in axis.ticks]
    return Trend(lines, ticks, rows, told[-1], told[0], newest.method)


def _places(snapshots: Sequence[Snapshot]) -> list[float]:
    """How far to the right each snapshot (newest first) stands, by its time."""
    newest, oldest = snapshots[0].created_at, snapshots[-1].created_at
    span = (newest - oldest).total_seconds() or 1.0
    inner = WIDTH - LEFT - RIGHT
    return [round(LEFT + inner * (one.created_at - oldest).total_seconds() / span, 1) for one in snapshots]


def _height(value: float, axis: Axis) -> float:
    inner = HEIGHT - TOP - BOTTOM
    return round(TOP + inner * (axis.high - value) / (axis.high - axis.low), 1)
