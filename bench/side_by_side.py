"""One run of a benchmark: data of each size, every row in its own process, tables, growth and bars."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import tables
from bench.measure import Measurement, Row, measured
from bench.peers import environment

Found = Mapping[str, Measurement]


@dataclass(frozen=True, slots=True)
class Size:
    """`n` battles or items, as `label` says; `rows` to be measured on what `write` writes. Sizes of one `family` show growth."""

    label: str
    n: float
    rows: tuple[Row, ...]
    write: Callable[[Path], None]
    family: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """What must hold on the size of this label: `figure` of the rows by key is at most, or at least, `limit`."""

    text: str
    figure: Callable[[Found], float | None]
    limit: float
    at_most: bool = False
    unit: str = "×"


def ratio(slower: str, faster: str, *, swept: bool = False) -> Callable[[Found], float | None]:
    """How many times longer one row takes than another, with warm or with swept caches; None where one is missing."""

    def figure(found: Found) -> float | None:
        pair = [found[key] for key in (slower, faster) if key in found]
        taken = [one.swept if swept else one.median for one in pair]
        return None if len(taken) < 2 or None in taken else taken[0] / taken[1]

    return figure


def milliseconds(key: str) -> Callable[[Found], float | None]:
    def figure(found: Found) -> float | None:
        one = found.get(key)
        return None if one is None or one.median is None else one.median * 1000

    return figure


def arguments(explained: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=explained, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="two sizes (the default)")
    which.add_argument("--full", action="store_true", help="all sizes")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="keep the peers' environment here")
    parser.add_argument("--only", metavar="WORD", help="rows whose task or library has this word")
    parser.add_argument(
        "--limit", type=float, default=120.0, metavar="SECONDS", help="of one call, and of all after it"
    )
    parser.add_argument("--markdown", action="store_true", help="tables for bench/README.md")
    return parser.parse_args()


def run(sizes: Sequence[Size], bars: Sequence[Bar], *, at: str, apart: str, options: argparse.Namespace) -> None:
    """Measure and print; the bars speak of the size labelled `at`, the last column of what `apart` names."""
    print(
        f"{tables.machine()}\n\n`{tables.command()}`" if options.markdown else f"{tables.machine()}\n{tables.command()}"
    )
    every: dict[str, tuple[Size, list[Measurement]]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _python_of_peers(options) as python:
        for size in sizes:
            found = list(_measured(size, Path(folder) / "data.npz", peers=python, options=options))
            every[size.label] = size, found
            print(tables.title(size.label, markdown=options.markdown))
            print(_side_by_side(found, apart=apart, markdown=options.markdown), flush=True)
            if size.label == at:
                print("\n" + "\n".join(_said(bar, found, markdown=options.markdown) for bar in bars), flush=True)
    for family in dict.fromkeys(size.family for size in sizes if size.family):
        members = [one for one in every.values() if one[0].family == family]
        if len(members) > 1:
            print(tables.title(f"Growth, {family}", markdown=options.markdown))
            print(_growth(members, markdown=options.markdown))


@contextmanager
def _python_of_peers(options: argparse.Namespace) -> Iterator[Path | None]:
    if options.no_peers:
        yield None
        return
    print("installing the peers", file=sys.stderr)
    with environment(options.peers) as python:
        yield python


def _measured(size: Size, path: Path, *, peers: Path | None, options: argparse.Namespace) -> Iterator[Measurement]:
    word = (options.only or "").lower()
    rows = [row for row in size.rows if word in f"{row.task} {row.who}".lower() and (row.ours or peers is not None)]
    size.write(path)
    for row in rows:
        python = sys.executable if row.ours else str(peers)
        found = measured(row, path, python=python, limit=options.limit)
        told = f"{size.label}: {row.task}, {row.who}, {row.what}: {tables.median(found)}"
        print(told, file=sys.stderr, flush=True)
        yield found
    path.unlink()


def _side_by_side(found: Sequence[Measurement], *, apart: str, markdown: bool) -> str:
    ours = {one.row.key: one for one in found if one.row.key}
    lines = []
    for one in found:
        row, mine = one.row, ours.get(one.row.against)
        known = mine is not None and mine.median is not None and one.median is not None
        slower = one.median / mine.median if known else None
        lines.append(
            [
                row.task,
                f"{row.who}: {row.what}",
                tables.median(one),
                tables.seconds(one.swept),
                tables.seconds(one.first),
                "" if one.peak is None else f"{one.peak:,.0f} MB",
                tables.times(slower),
                tables.difference(tables.apart(one, mine)),
            ]
        )
    head = ["task", "who", "median", "caches swept", "first call", "memory", "ours is faster", f"apart, {apart}"]
    return tables.table(head, lines, markdown=markdown)


def _growth(members: Sequence[tuple[Size, list[Measurement]]], *, markdown: bool) -> str:
    names = list(
        dict.fromkeys((one.row.task, f"{one.row.who}: {one.row.what}") for _, found in members for one in found)
    )
    lines = []
    for task, who in names:
        cells = [
            (size.n, next((m for m in found if (m.row.task, f"{m.row.who}: {m.row.what}") == (task, who)), None))
            for size, found in members
        ]
        lines.append(
            [task, who, *("" if one is None else tables.median(one) for _, one in cells), tables.growth(cells)]
        )
    head = ["task", "who", *(f"{size.n:,.0f}" for size, _ in members), "grows as"]
    return tables.table(head, lines, markdown=markdown)


def _said(bar: Bar, found: Sequence[Measurement], *, markdown: bool) -> str:
    """Whether the bar holds, in one line. A peer that was ended at the limit has no figure: it is not measured."""
    figure = bar.figure({one.row.key: one for one in found if one.row.key})
    start = f"{'* ' if markdown else ''}bar: {bar.text}:"
    if figure is None:
        return f"{start} not measured"
    holds = figure <= bar.limit if bar.at_most else figure >= bar.limit
    number = tables.times(figure) if bar.unit == "×" else f"{figure:,.0f} {bar.unit}"
    return f"{start} {'holds' if holds else 'does not hold'} (measured {number})"
