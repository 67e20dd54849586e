"""The product as it runs: a Celery worker with its clock, on a database, with Redis; measured from outside.

A second process looks at the database for us, so that several databases can be measured in one go.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import servers

WARM = 16  # judgments of each of the runs before the first that counts: imports, connections
LOOKING = "import django; django.setup(); from bench.calls import judging_product; judging_product.main()"
ENDING = 300.0  # seconds after which a run is not waited for any longer


class Database:
    """A database with questions and answers, and a way to ask it: `say(command, **arguments)`, see `judging_product`."""

    def __init__(self, name: str, environment: dict[str, str], child: subprocess.Popen) -> None:
        self.name = name
        self.environment = environment
        self._child = child
        self.large: dict[str, Any] = {}

    def say(self, command: str, **arguments: Any) -> Any:
        self._child.stdin.write(json.dumps([command, arguments]) + "\n")
        self._child.stdin.flush()
        told = self._child.stdout.readline()
        if not told:
            raise servers.NotThere(f"{self.name}: {command} failed; see {self.environment['JURYROOM_DATA']}")
        return json.loads(told)


@contextmanager
def database(name: str, folder: Path, *, redis: str, url: str = "", questions: int) -> Iterator[Database]:
    """An empty database of the product, filled with so many questions; SQLite in the folder, unless there is a URL."""
    data = folder / f"data-{name}"
    data.mkdir()
    told = {"DATABASE_URL": url, "REDIS_URL": redis, "JURYROOM_DATA": str(data), "JURYROOM_NO_SETUP": "1"}
    environment = {**os.environ, **told, "DJANGO_SETTINGS_MODULE": "arena.settings", "PYTHONPATH": str(servers.ROOT)}
    command = [sys.executable, "-c", LOOKING]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    with servers.process(command, data / "looking.log", **pipes) as child:
        found = Database(name, environment, child)
        found.say("fill", questions=questions)
        yield found


@contextmanager
def worker(database: Database, *how: str) -> Iterator[subprocess.Popen]:
    """A worker as `compose.yaml` starts it, ready to work; `how` are more of Celery's options."""
    folder = Path(database.environment["JURYROOM_DATA"])
    log = folder / f"worker-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "celery", "-A", "arena.celery", "worker", "--concurrency", "2"]
    if "-Q" not in how:
        command += ["-B", "-s", str(folder / "beat")]
    with servers.process([*command, "--loglevel", "info", *how], log, env=database.environment) as child:
        servers.wait_for(log, " ready.", child)
        yield child


def warm(database: Database, leader: int, folder: Path) -> None:
    """Let both of the worker's processes judge and rate a little, at the same time: what is imported late is there then."""
    with servers.endpoint(folder, latency=0.1) as mock:
        runs = [
            database.say("make", name=f"warm {time.monotonic_ns()}", n=WARM, concurrency=1, base_url=mock.base_url)
            for _ in "ab"
        ]
        for run in runs:
            database.say("ring", run=run)
        database.say("wait", runs=runs, seconds=ENDING)
    settle(leader)


def settle(leader: int) -> None:
    """Wait until the worker has nothing to do: a run that is done is rated."""
    end, quiet = time.monotonic() + servers.PATIENCE, 0
    while quiet < 3 and time.monotonic() < end:
        before = servers.cpu(leader)
        time.sleep(0.3)
        quiet = quiet + 1 if servers.cpu(leader) - before < 0.03 else 0


@dataclass(frozen=True, slots=True)
class Told:
    """One run seen from outside. Seconds from the first request to the end, which is after the last save; CPU seconds of all
    of the worker's processes, megabytes of the largest; verdicts that are not on record, verdicts without a value, and calls
    that were answered and made again."""

    seconds: float
    cpu: float
    peak: float
    lost: int
    without: int
    repeated: int
    seen: dict[str, Any]


def judged(database: Database, leader: int, mock: servers.Endpoint, *, n: int, concurrency: int) -> Told:
    """A run of n judgments by the worker that leads this session."""
    run = database.say(
        "make", name=f"judge {time.monotonic_ns()}", n=n, concurrency=concurrency, base_url=mock.base_url
    )
    settle(leader)
    servers.peak_begins(leader)
    before = servers.cpu(leader)
    database.say("ring", run=run)
    database.say("wait", runs=[run], seconds=ENDING)
    cpu, peak = servers.cpu(leader) - before, servers.peak(leader)
    return _told(database, run, mock, n=n, cpu=cpu, peak=peak)


def _told(database: Database, run: int, mock: servers.Endpoint, *, n: int, cpu: float, peak: float) -> Told:
    facts, seen = database.say("facts", run=run), mock.stats()
    if facts["ended"] is None or facts["status"] != "done":
        raise servers.NotThere(f"the run is {facts['status']}: {facts['error'][:80]}")
    repeated = seen["again"] - seen["outcomes"].get("failed", 0)
    return Told(facts["ended"] - seen["first"], cpu, peak, n - facts["all"], facts["all"] - facts["ok"], repeated, seen)


@dataclass(frozen=True, slots=True)
class Killed:
    """A run whose worker was killed half-way: calls under way then (sent, and no verdict on record), and how it ended."""

    in_flight: int
    told: Told


def killed(database: Database, mock: servers.Endpoint, *, n: int, concurrency: int) -> Killed:
    """A run whose worker is ended by SIGKILL when half of the verdicts are there, carried on by the next worker once
    the lease has run out."""
    name = f"killed {time.monotonic_ns()}"
    run = database.say("make", name=name, n=n, concurrency=concurrency, base_url=mock.base_url)
    with worker(database) as first:
        database.say("ring", run=run)
        while database.say("saved", run=run) < n // 2:
            time.sleep(0.01)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        time.sleep(1.0)  # what was sent is answered, though nobody listens
        seen = mock.stats()
        sent = seen["chat"] - seen["again"]  # different prompts
        in_flight = sent - database.say("saved", run=run)
    with worker(database) as second:
        database.say("wait", runs=[run], seconds=ENDING)
        told = _told(database, run, mock, n=n, cpu=0.0, peak=servers.peak(second.pid))
    return Killed(in_flight, told)


@dataclass(frozen=True, slots=True)
class Shared:
    """Two workers at one endpoint that takes `rpm` calls a minute: calls a minute between the first and the last, and the
    most in any ten seconds."""

    rpm: int
    rate: float
    most: int
    lost: int
    by_worker: tuple[int, int]


def shared(database: Database, mock: servers.Endpoint, *, n: int, rpm: int) -> Shared:
    """Two runs of n / 2 judgments at once, on two queues with a worker each, at one endpoint with a limit."""
    runs = [
        database.say(
            "make",
            name=f"shared {k} {time.monotonic_ns()}",
            n=n // 2,
            concurrency=8,
            base_url=mock.base_url,
            limits={"rpm": rpm},
        )
        for k in range(2)
    ]
    with worker(database, "-Q", "celery", "-n", "one@%h"), worker(database, "-Q", "local", "-n", "two@%h"):
        for run, queue in zip(runs, ("celery", "local"), strict=True):
            database.say("ring", run=run, queue=queue)
        database.say("wait", runs=runs, seconds=ENDING)
    facts = [database.say("facts", run=run) for run in runs]
    at = sorted(mock.answered_at())
    rate = 60.0 * (len(at) - 1) / (at[-1] - at[0])
    most = max(sum(start <= one < start + 10.0 for one in at) for start in at)
    return Shared(rpm, rate, most, n - sum(one["ok"] for one in facts), tuple(one["ok"] for one in facts))
