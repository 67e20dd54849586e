"""The situations that judging is measured in, what was found in them, and that as text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bench import tables

LATENCY, DRAWN = 0.2, "lognormal:0.5:8"
MIDDLE = 32
OURS, CLIENT, FASTCHAT = "Juryroom", "its client alone", "FastChat"


@dataclass(frozen=True, slots=True)
class Row:
    """A situation: calls at a time, the endpoint's manners, how many times it is measured (the quickest counts), the
    efficiency that is the bar, and how many times as many judgments as in the others."""

    what: str
    concurrency: int
    manners: dict[str, object]
    times: int = 1
    bar: float = 0.0
    more: int = 1


ROWS = (
    Row("200 ms", 8, {"latency": LATENCY}, 1, 0.97),
    Row("200 ms", 32, {"latency": LATENCY}, 2, 0.95),
    Row("200 ms", 128, {"latency": LATENCY}, 3, 0.88),
    Row("200 ms, four times as many", 128, {"latency": LATENCY}, 1, 0.88, 4),
    Row("0.5 to 8 s", 128, {"latency": DRAWN}),
    Row("5 % errors", MIDDLE, {"latency": LATENCY, "fail": 0.05}),
    Row("40 % errors", MIDDLE, {"latency": LATENCY, "fail": 0.4}),
    Row("10 % garbage", MIDDLE, {"latency": LATENCY, "garble": 0.1}),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What one row and who came to; `failed` says in words why there are no figures. `lost` are verdicts without a value too."""

    row: Row
    who: str
    n: int
    seconds: float = math.nan
    efficiency: float = math.nan
    cpu: float = math.nan
    peak: float = math.nan
    lost: int = 0
    repeated: int = 0
    failed: str = ""


def holds(it_does: bool) -> str:
    return "holds" if it_does else "does not hold"


def said(found: Found) -> str:
    return found.failed or f"{found.efficiency:.3f}, {found.seconds:.2f} s, {found.cpu * 1e3:.2f} ms CPU a call"


def table(found: list[Found], *, markdown: bool) -> str:
    lines = []
    for one in sorted(found, key=lambda one: ROWS.index(one.row)):
        rounds = math.ceil(one.n / one.row.concurrency)
        most = f"{one.n / one.row.concurrency / rounds:.3f}" if isinstance(one.row.manners["latency"], float) else ""
        place = [f"{one.row.what}, {one.row.concurrency} at a time", one.who]
        if one.failed:
            lines.append([*place, one.failed, *[""] * 6])
            continue
        figures = [
            f"{one.seconds:.2f} s",
            f"{one.efficiency:.3f}",
            most,
            f"{one.cpu * 1e3:.2f} ms",
            f"{one.peak:.0f} MB",
        ]
        lines.append([*place, *figures, f"{one.lost}", f"{one.repeated}"])
    head = ["situation", "who", "time", "efficiency", "ideal", "CPU per call", "memory", "lost", "repeated"]
    return tables.table(head, lines, markdown=markdown)


def bars(found: list[Found], *, markdown: bool) -> Iterator[str]:
    star = "* " if markdown else ""
    ours = [one for one in found if one.who.startswith(OURS) and not one.failed]
    steady = {one.who: one.seconds for one in ours if (one.row.what, one.row.concurrency) == ("200 ms", MIDDLE)}
    for one in ours:
        where = f"{one.row.what}, {one.row.concurrency} at a time, {one.who}"
        if one.row.bar:
            yield f"{star}bar: {where}: efficiency ≥ {one.row.bar}: {holds(one.efficiency >= one.row.bar)} ({one.efficiency:.3f})"
        yield f"{star}bar: {where}: CPU ≤ 2 ms a call: {holds(one.cpu <= 2e-3)} ({one.cpu * 1e3:.2f} ms)"
        if one.row.what == "5 % errors" and one.who in steady:
            cost = one.seconds / steady[one.who]
            yield f"{star}bar: {where}: < 1.3 × the time without: {holds(cost < 1.3)} ({cost:.2f} ×)"
        if "fail" in one.row.manners or "garble" in one.row.manners:
            yield f"{star}bar: {where}: nothing lost: {holds(one.lost == 0)} ({one.lost} lost)"
