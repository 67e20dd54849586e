"""Coverage: of the intervals that promise 95 %, how many hold the truth, on simulated records whose truth is known.

    python bench/coverage.py --markdown      the table of docs/coverage.md, a minute or two
    python bench/coverage.py --records 400   fewer records a row
    python bench/coverage.py --only α        rows whose name has this word

A record is drawn (bench/records.py), intervals are made of it as the product makes them, and each is asked whether it holds
the true number; two thousand times. tests/rating/stats/test_stats_coverage.py holds these very rows to their promise. Lines
that begin with *if* show what another way would do on the same records; lines that begin with *limit* are our own, where they
promise too much.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # tables this small: a second thread only waits
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # not this folder: its rating.py would hide the package

import numpy as np  # noqa: E402

from bench import records, tables  # noqa: E402
from bench.records import Crowd, Held, Random, agreement  # noqa: E402

SEED = 20261125
RECORDS = 2000
PROMISE = 0.95
SLACK = 0.015
"""How far a coverage may lie from the promise, beside chance, before we call the interval wrong."""
ERRORS = 2.6
"""Monte-Carlo errors allowed beside that: beyond by chance once in a hundred."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one kind of interval did: the `share` of `intervals` that hold the truth, with its Monte-Carlo `error`."""

    name: str
    share: float
    error: float
    intervals: int

    @property
    def is_limit(self) -> bool:
        return self.name.startswith("limit")

    @property
    def is_another_way(self) -> bool:
        return self.name.startswith("if ")

    def keeps(self, *, at_least: bool) -> bool:
        """Whether the share is the promise, up to SLACK and ERRORS errors; `at_least`: or anything above."""
        room = SLACK + ERRORS * self.error
        return self.share >= PROMISE - room and (at_least or self.share <= PROMISE + room)


@dataclass(frozen=True, slots=True)
class Row:
    """What is measured: `record` draws one record. `at_least`: the promise is 95 % or more."""

    name: str
    record: Callable[[Random], Held]
    at_least: bool = False


def coverage(row: Row, *, times: int = RECORDS, seed: int = SEED) -> list[Line]:
    """What the lines of `row` did on so many seeded records. The error knows that intervals of one record hang together."""
    found: dict[str, list[float]] = {}
    size: dict[str, int] = {}
    for number in range(times):
        for name, held in row.record(np.random.default_rng((seed, number))).items():
            found.setdefault(name, []).append(float(np.mean(held)))
            size[name] = size.get(name, 0) + int(np.size(held))
    # shares that never differ do not say how far the next one may be: as if one in all had been the other way
    return [
        Line(name, float(np.mean(held)), max(float(np.std(held)) / times**0.5, 1 / times), size[name])
        for name, held in found.items()
    ]


ROWS = (
    Row("Bradley–Terry, 80 questions × 20 battles", records.bradley_terry),
    Row("Bradley–Terry, 12 questions × 50 battles", records.few_questions),
    Row("Difference of two, 80 questions × 20 battles", records.differences),
    Row("Difference of two, 12 questions × 50 battles", records.few_differences),
    Row("Live board, from counts", records.live),
    Row("Difference of two, live board", records.live_differences),
    Row("Bradley–Terry, weights and strength", records.weighted),
    Row("Style control", records.styled),
    Row("Davidson, independent battles", records.with_ties),
    Row("Rank ranges, 10 models 35 points apart", records.ranks, at_least=True),
    Row("Rank ranges, 10 models 2 points apart", records.close_ranks, at_least=True),
    Row("α nominal, 150 items × 3 votes", agreement(Crowd())),
    Row("α nominal, 150 items × 10 votes", agreement(Crowd(votes=10))),
    Row("α nominal, 40 items × 3 votes", agreement(Crowd(items=40))),
    Row("α ordinal, 150 items × 3 votes", agreement(Crowd(common=(0.1, 0.2, 0.4, 0.2, 0.1), level="ordinal"))),
    Row("α interval, 150 items × 10 votes", agreement(Crowd((0.1, 0.2, 0.4, 0.2, 0.1), votes=10, level="interval"))),
    Row("α nominal, 30 questions × 10 items", agreement(Crowd(items=300, together=0.6))),
    Row("α nominal, 5 questions × 9 items", agreement(Crowd(items=45, together=0.6, each=9))),
    Row("Shares (Wilson)", records.shares),
    Row("Mean scores, 40 questions", records.mean_scores),
    Row("Difference of two mean scores, 40 questions", records.differences_of_scores),
    Row("Calibrated, 300 votes of 1800", records.with_judges),
    Row("Judge minus people, 30 questions", records.judge_minus_people),
    Row("Two snapshots, 80 questions", records.changes),
)


def cells(row: Row, times: int) -> Iterator[tuple[str, ...]]:
    for place, line in enumerate(coverage(row, times=times)):
        numbers = f"{100 * line.share:.1f} %", f"± {100 * line.error:.1f}", f"{line.intervals:,}"
        yield "" if place else row.name, line.name, *numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=RECORDS, metavar="N", help=f"of each row (default: {RECORDS})")
    parser.add_argument("--only", metavar="WORD", default="", help="rows whose name has this word")
    parser.add_argument("--markdown", action="store_true", help="the table of docs/coverage.md")
    options = parser.parse_args()
    command = f"`{tables.command()}`" if options.markdown else tables.command()
    print(
        f"{command}, {datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, NumPy {np.__version__}, seed {SEED}\n"
    )
    rows = [line for row in ROWS if options.only in row.name for line in cells(row, options.records)]
    head = ("what", "interval", "holds the truth", "chance", "intervals")
    print(tables.table(head, rows, markdown=options.markdown))


if __name__ == "__main__":
    main()
