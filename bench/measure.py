"""Measures one call in a process of its own, so that the first call and the memory are its alone.

The parent asks `measured(row, ...)`; the child is `python -m bench.measure module:function data limit flags`, which
prepares the call (uncounted), makes the first one (with whatever the library still has to import or compile), then at
least five more (three when the first took over 20 s), and for a row that is `cold` as many again with the caches swept
in between.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import math
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
MARK = "measured: "
SWEPT = 25_000_000  # floats, 200 MB: more than any cache
SLOW = 20.0
AT_LEAST, AT_LEAST_WHEN_SLOW, AT_MOST = 5, 3, 50
ENOUGH = 1.0  # seconds of calls after which five are enough

Data = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Row:
    """One call to be measured: who answers which task, by what; `call` is "module:function" in bench.calls.

    `key`: a name by which bars find the row; `against`: the key of our row that it is held against. `cold`: measured with
    swept caches too. `times`: the task is so many of the call (5 of 100 bootstraps: 20). `most`: sizes above are not tried.
    """

    task: str
    who: str
    what: str
    call: str
    key: str = ""
    against: str = ""
    cold: bool = False
    times: float = 1.0
    most: float = math.inf

    @property
    def ours(self) -> bool:
        return self.who == "Juryroom"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call ready to be timed, and what of its result is compared between libraries (None: nothing)."""

    call: Callable[[], Any]
    told: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """Seconds and megabytes; `failed` says in a word why there are none. `median` of `calls`, `first` apart."""

    row: Row
    failed: str = ""
    median: float | None = None
    first: float | None = None
    swept: float | None = None
    calls: int = 0
    peak: float | None = None
    told: tuple[float, ...] = ()


def measured(row: Row, data: Path, *, python: str, limit: float) -> Measurement:
    """The row's measurement, the first call ended after `limit` seconds; whatever goes wrong becomes `failed`."""
    command = [python, "-m", "bench.measure", row.call, str(data), str(limit), "cold" if row.cold else "warm"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"JAX_PLATFORMS": "cpu"}
    # files, not pipes: the workers of a pool would keep a pipe open after their parent was ended
    with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as complained:
        child = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=told, stderr=complained, start_new_session=True
        )
        try:
            child.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        told.seek(0)
        complained.seek(0)
        out, complaints = told.read(), complained.read()
    if child.returncode == -signal.SIGALRM:
        return Measurement(row, failed=f"> {limit * row.times:,.0f} s")
    for line in out.splitlines():
        if line.startswith(MARK):
            return _read(row, json.loads(line.removeprefix(MARK)))
    last = (complaints.strip().splitlines() or [""])[-1]
    return Measurement(row, failed=f"failed: ended with {child.returncode} {last[:60]}".strip())


def _read(row: Row, found: dict[str, Any]) -> Measurement:
    if "missing" in found:
        return Measurement(row, failed="not there" if row.ours else f"failed: {found['missing']}")
    if "failed" in found:
        return Measurement(row, failed=f"failed: {found['failed']}")
    median, first = found["median"] * row.times, found["first"] * row.times
    return Measurement(
        row,
        median=median,
        first=first,
        swept=found.get("swept"),
        calls=found["calls"],
        peak=found["peak"],
        told=tuple(found["told"]),
    )


def _child(call: str, data: str, limit: str, caches: str) -> None:
    try:
        module, function = call.split(":")
        prepared = getattr(importlib.import_module(f"bench.calls.{module}"), function)(np.load(data))
        found = _timed(prepared, limit=float(limit), cold=caches == "cold")
    except (ImportError, AttributeError) as error:
        found = {"missing": f"{type(error).__name__} {error}"[:80]}
    except Exception as error:  # any library may fail in any way; the table says how
        found = {"failed": f"{type(error).__name__} {error}".splitlines()[0][:80]}
    print(MARK + json.dumps(found), flush=True)


def _timed(prepared: Prepared, *, limit: float, cold: bool) -> dict[str, Any]:
    gc.collect()
    before = _peak_begins()
    signal.alarm(math.ceil(limit))  # ends the process, whatever library it is in
    first, result = _once(prepared.call)
    signal.alarm(0)
    told = [] if prepared.told is None else np.ravel(prepared.told(result)).astype(float).tolist()
    del result
    times = _several(prepared.call, at_least=AT_LEAST if first <= SLOW else AT_LEAST_WHEN_SLOW, limit=limit)
    peak = _peak() - before
    found = {"first": first, "median": statistics.median(times), "calls": len(times), "peak": peak, "told": told}
    if cold:
        large = np.ones(SWEPT)
        swept = _several(prepared.call, at_least=AT_LEAST, limit=limit, between=large.sum)
        found["swept"] = statistics.median(swept)
    return found


def _several(
    call: Callable[[], Any], *, at_least: int, limit: float, between: Callable[[], Any] = lambda: None
) -> list[float]:
    """Seconds of each call: at least so many, more of quick ones, fewer where the limit comes first, but one."""
    times: list[float] = []
    while len(times) < at_least or (sum(times) < ENOUGH and len(times) < AT_MOST):
        between()
        taken, result = _once(call)
        del result
        times.append(taken)
        if sum(times) + taken > limit:
            break
    return times


def _once(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def _peak_begins() -> float:
    """Megabytes held now; on Linux the high-water mark starts again from here."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    return _peak()


def _peak() -> float:
    with contextlib.suppress(OSError):
        return _status("VmHWM")
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1e3 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    _child(*sys.argv[1:])
