"""Measurements as text: aligned for a terminal, or as Markdown; and what they were measured on."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.measure import AT_LEAST, Measurement


def title(text: str, *, markdown: bool) -> str:
    return f"\n### {text}\n" if markdown else f"\n{text}\n{'=' * len(text)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    """Columns aligned; the first two to the left, numbers to the right."""
    wide = [max(len(line[k]) for line in [head, *rows]) for k in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        filled = [cell.ljust(wide[k]) if k < 2 else cell.rjust(wide[k]) for k, cell in enumerate(cells)]
        return f"| {' | '.join(filled)} |" if markdown else "  ".join(filled).rstrip()

    rule = ["-" * (width if k < 2 else width - 1) + ("" if k < 2 else ":") for k, width in enumerate(wide)]
    return "\n".join([line(head), line(rule), *(line(row) for row in rows)])


def seconds(value: float | None) -> str:
    if value is None:
        return ""
    if value < 0.1:
        return f"{value * 1000:.2g} ms" if value < 0.01 else f"{value * 1000:.0f} ms"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s" if value < 100 else f"{value:,.0f} s"


def median(found: Measurement) -> str:
    """The median, or why there is none; how many calls, where they were fewer than usual; ≈ where it is a part times more."""
    if found.median is None:
        return found.failed
    about = "≈ " if found.row.times != 1 else ""
    return about + seconds(found.median) + (f" ({found.calls} calls)" if found.calls < AT_LEAST else "")


def times(value: float | None) -> str:
    """A ratio with two digits that mean something."""
    if value is None:
        return ""
    return f"{value:,.0f}×" if value >= 20 else f"{value:.1f}×" if value >= 1 else f"{value:.2f}×"


def growth(found: Sequence[tuple[float, Measurement | None]]) -> str:
    """Exponent p of n^p between the first and the last size that were measured."""
    there = [(n, one.median) for n, one in found if one is not None and one.median is not None]
    if len(there) < 2:
        return ""
    (low, fast), (high, slow) = there[0], there[-1]
    return f"n^{np.log(slow / fast) / np.log(high / low):.2f}"


def apart(found: Measurement, ours: Measurement | None) -> float | None:
    """Largest difference from our numbers, after both are centred; None where there is nothing to compare.

    A single number, such as α, is not centred.
    """
    if ours is None or not found.told or len(found.told) != len(ours.told):
        return None
    theirs, mine = np.array(found.told), np.array(ours.told)
    if theirs.size > 1:
        theirs, mine = theirs - np.nanmean(theirs), mine - np.nanmean(mine)
    return float(np.nanmax(np.abs(theirs - mine)))


def difference(value: float | None) -> str:
    """A difference with two digits that mean something, or that there is none to speak of."""
    return "" if value is None else "< 0.00001" if value < 1e-5 else f"{value:.2g}"


def machine() -> str:
    """Date, cores, processor, Python and NumPy, what steers its linear algebra, and what else kept the machine busy."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    steered = [
        f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(("OPENBLAS_", "OMP_"))
    ]
    parts = [
        f"{datetime.now(UTC):%Y-%m-%d}",
        f"{os.cpu_count()} cores of {model}",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        f"NumPy {np.__version__}",
        *steered,
        f"load {os.getloadavg()[0]:.1f} at the start",
        f"a million rounds of a Python loop in {pace() * 1000:.0f} ms",
    ]
    return ", ".join(parts)


def pace() -> float:
    """Seconds that a million rounds of a loop take here and now, the best of five: what absolute figures are to be read by."""
    return min(_loop() for _ in range(5))


def _loop() -> float:
    began, total = time.perf_counter(), 0
    for number in range(1_000_000):
        total += number * number
    return time.perf_counter() - began


def command() -> str:
    script = Path(sys.argv[0])
    return f"python {script.parent.name}/{script.name} {shlex.join(sys.argv[1:])}".strip()
