"""What a measurement needs beside it: a mock endpoint, Redis, PostgreSQL; and what processes take, as Linux tells.

Everything listens on loopback only, lives in the folder it is given, and ends with its block.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 20.0  # seconds for anything to start or to stop


class NotThere(Exception):
    """A server cannot be had on this machine; the message says why."""


@contextmanager
def process(command: list[str], log: Path, **how: Any) -> Iterator[subprocess.Popen]:
    """A process of ours in a session of its own, so that all it starts ends with the block; what it says is in `log`."""
    with log.open("a") as out:
        child = subprocess.Popen(
            command, cwd=ROOT, stderr=out, start_new_session=True, **{"stdout": out, "stdin": subprocess.DEVNULL, **how}
        )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def wait_for(log: Path, word: str, child: subprocess.Popen) -> None:
    """Wait until the word stands in the log. Raises NotThere when the process ends before, or does not say it."""
    end = time.monotonic() + 2 * PATIENCE
    while word not in log.read_text():
        if child.poll() is not None or time.monotonic() > end:
            raise NotThere(f"{child.args[0]} did not start: {log.read_text().strip()[-200:]}")
        time.sleep(0.05)


class Endpoint:
    """A running mock endpoint: its `base_url`, and what it saw."""

    def __init__(self, base_url: str, log: Path) -> None:
        self.base_url = base_url
        self.log = log

    def stats(self) -> dict[str, Any]:
        """See `tests.openai_server.Record.stats`."""
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + "/stats", timeout=30) as told:  # noqa: S310
            return json.load(told)

    def answered_at(self) -> list[float]:
        """When each chat call was answered, by time.time(); needs a log."""
        rows = map(json.loads, self.log.read_text().splitlines())
        return [row["at"] for row in rows if row["path"].endswith("/chat/completions")]


@contextmanager
def endpoint(folder: Path, *, kept: bool = False, **manners: object) -> Iterator[Endpoint]:
    """`tests/openai_server.py` with these manners, in a process of its own; with `kept` it logs every call."""
    said, log = folder / f"endpoint-{time.monotonic_ns()}.log", folder / f"calls-{time.monotonic_ns()}.jsonl"
    command = [sys.executable, str(ROOT / "tests" / "openai_server.py"), "--port", "0"]
    command += [part for name, value in manners.items() for part in (f"--{name}", str(value))]
    command += ["--log", str(log)] if kept else []
    with process(command, said) as child:
        wait_for(said, "answering on ", child)
        yield Endpoint(said.read_text().split("answering on ", 1)[1].split()[0], log)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis that keeps nothing; its URL. Raises NotThere."""
    if not shutil.which("redis-server"):
        raise NotThere("there is no redis-server")
    port, log = free_port(), folder / "redis.log"
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with process([*command, "--dir", str(folder)], log) as child:
        wait_for(log, "Ready to accept connections", child)
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL as `.ci/run` starts it, with fsync off; the URL of its database. Raises NotThere."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if not initdb:
        raise NotThere("there is no PostgreSQL")
    cluster, port = folder / "postgres", free_port()
    cluster.mkdir()
    as_postgres = [] if os.getuid() else ["runuser", "-u", "postgres", "--"]
    if as_postgres:
        folder.chmod(0o755)
        shutil.chown(cluster, "postgres")
    control = [*as_postgres, str(Path(initdb).with_name("pg_ctl")), "-D", str(cluster)]
    options = f"-p {port} -k {cluster} -c listen_addresses=127.0.0.1 -c fsync=off"
    make = [*as_postgres, initdb, "-D", str(cluster), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    start = [*control, "-w", "-s", "-l", f"{cluster}/log", "-o", options, "start"]
    for command in (make, start):
        done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise NotThere(f"PostgreSQL does not start: {done.stdout.strip()[-200:]}")
    try:
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "-s", "stop"], cwd="/", check=False)


def members(leader: int) -> list[int]:
    """The processes of a session that are there now."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if os.getsid(int(folder.name)) == leader:
                found.append(int(folder.name))
    return found


def cpu(leader: int) -> float:
    """Seconds of CPU time that all processes of a session have taken, those that ended and were waited for included."""
    total = 0.0
    for pid in members(leader):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / TICKS
    return total


def peak_begins(leader: int) -> None:
    """Let the high-water mark of each process of a session start again."""
    for pid in members(leader):
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(leader: int) -> float:
    """Megabytes at the high-water mark of the largest process of a session."""
    found = [0.0]
    for pid in members(leader):
        with contextlib.suppress(OSError, StopIteration):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            found.append(next(float(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM:")))
    return max(found)
