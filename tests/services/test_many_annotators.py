"""A hundred annotators fill a run on PostgreSQL while a web process and the worker are killed: every item exactly three times."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from bench import annotators, servers

pytestmark = [pytest.mark.services, pytest.mark.slow]
ITEMS = int(os.environ.get("JURYROOM_CROWD_ITEMS") or 2000)
PEOPLE, OVERLAP = 100, 3
PATIENCE = 60.0  # seconds for which an annotator tries again
COUNTED = 60.0  # seconds after the last vote in which the worker brings the counts up to date
LOOKING = "import django; django.setup(); from bench.calls import ballot_product; ballot_product.main()"
SITE = ("manage.py", "up", "--port")
WORKER = ("-m", "celery", "-A", "arena.celery", "worker", "-B", "--concurrency", "1", "--loglevel", "warning")


@pytest.fixture
def place(tmp_path) -> Iterator[dict[str, str]]:
    """The environment of processes that use a database of their own on the servers that CI started."""
    postgres, redis = os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_REDIS_URL")
    if not postgres or not redis:
        pytest.skip("TEST_DATABASE_URL and TEST_REDIS_URL name no PostgreSQL and Redis to test on")
    name = f"juryroom_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    yield {
        **os.environ,
        "DATABASE_URL": urlunsplit(urlsplit(postgres)._replace(path=f"/{name}")),
        "REDIS_URL": redis,
        "JURYROOM_DATA": str(tmp_path),
        "JURYROOM_SECRET": uuid.uuid4().hex,
        "JURYROOM_NO_SETUP": "1",
        "JURYROOM_WORKER": "0",
        "DJANGO_SETTINGS_MODULE": "arena.settings",
        "PYTHONPATH": str(servers.ROOT),
    }
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def said(place: dict[str, str], *commands: tuple[str, dict[str, Any]]) -> list[Any]:
    """What `bench.calls.ballot_product` answers to each of these commands, in a process of its own."""
    asked = "\n".join(map(json.dumps, commands))
    done = subprocess.run(
        [sys.executable, "-c", LOOKING], env=place, cwd=servers.ROOT, input=asked, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class Killable:
    """A process of ours that can be killed without a word and started again."""

    def __init__(self, stack: ExitStack, place: dict[str, str], log: Path, *arguments: str) -> None:
        self.stack = stack
        self.place = place
        self.log = log
        self.arguments = arguments
        self.start()

    def start(self) -> None:
        command = [sys.executable, *self.arguments]
        self.child = self.stack.enter_context(servers.process(command, self.log, env=self.place))

    def kill(self) -> None:
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()


class Site(Killable):
    """A web process, and its address."""

    def __init__(self, stack: ExitStack, place: dict[str, str], log: Path) -> None:
        port = str(servers.free_port())
        self.address = f"http://127.0.0.1:{port}"
        super().__init__(stack, place, log, *SITE, port)

    def wait_until_it_answers(self) -> None:
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.address}/health/", timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError):
                assert time.monotonic() < end and self.child.poll() is None, self.log.read_text()[-3000:]
                time.sleep(0.1)


def kill_both_half_way(told: annotators.Told, site: Site, worker: Killable, killed: list[int]) -> None:
    """Once a third of the votes are in, end a web process and the worker at one stroke; start them again after a while."""
    while len(told.voted) < ITEMS * OVERLAP // 3:
        time.sleep(0.02)
    site.kill()
    worker.kill()
    killed.append(len(told.voted))
    time.sleep(2)
    site.start()
    worker.start()


def facts(place: dict[str, str], run: int, voted: list[str]) -> dict[str, int]:
    """What stands on record once the worker has counted every vote."""
    end = time.monotonic() + COUNTED
    while True:
        (found,) = said(place, ("facts", {"run": run, "voted": voted}))
        if not found["uncounted"] or time.monotonic() > end:
            return found
        time.sleep(1)


def test_a_hundred_annotators_fill_every_item_exactly_while_a_web_process_and_the_worker_are_killed(place, tmp_path):
    """Over HTTP, through two web processes, each annotator going to the other one where theirs does not answer."""
    made, sessions = said(
        place,
        ("fill", {}),
        ("make", {"name": "eggs", "items": ITEMS, "overlap": OVERLAP}),
        ("people", {"number": PEOPLE}),
    )[1:]
    told, killed = annotators.Told(), []
    with ExitStack() as stack:
        sites = [Site(stack, place, tmp_path / f"site-{n}.log") for n in range(2)]
        beat = ("-s", str(tmp_path / "beat"))
        worker = Killable(stack, place, tmp_path / "worker.log", *WORKER, *beat)
        for site in sites:
            site.wait_until_it_answers()
        killer = threading.Thread(target=kill_both_half_way, args=(told, sites[0], worker, killed), daemon=True)
        killer.start()
        addresses = [site.address for site in sites]
        asyncio.run(annotators.crowd(addresses, sessions, made["run"], patience=PATIENCE, told=told))
        killer.join(60)
        sites[0].wait_until_it_answers()
        print(
            f"{len(told.voted)} votes, {told.rate:.0f} a second, {told.retried} asked again, {told.early} told too early"
        )
        assert told.errors == []
        found = facts(place, made["run"], told.voted)
    votes = made["items"] * OVERLAP
    assert killed and killed[0] < votes - PEOPLE and told.retried > 0
    assert made["items"] == ITEMS == found["items"] == found["full"]
    assert len(told.voted) == len(set(told.voted)) == votes
    assert (found["votes"], found["on_record"], found["seats"]) == (votes, votes, votes)
    wrong = {name: found[name] for name in ("lost", "doubled", "over", "under", "miscounted", "in_hand", "uncounted")}
    assert not any(wrong.values()), wrong
