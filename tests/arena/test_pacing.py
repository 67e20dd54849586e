"""Limits that all workers keep to together: real processes, a real Redis, real rows, and a server that notes when it was asked."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from django.test import override_settings

from arena import setup
from arena.chat import ChatError
from arena.chat.pace import Limits, Tally, Wish, granted
from arena.collecting import collect
from arena.models import EndpointTally, LanguageModel
from arena.pacing import RedisPace, TablePace, pace_of, tally_of
from tests import openai_server
from tests.judging import recorded as make

pytestmark = pytest.mark.xdist_group("limits")  # one after the other: what they measure is time, and they share a Redis

WORKER = """
import asyncio, os, signal, sys
import django
from arena.chat import pace, turnstile
pace.LEASE, turnstile.RENEW = 2.0, 0.5  # shorter, as the test is to be
django.setup()
from arena.chat import Message, many, open_chat, patiently
from arena.models import LanguageModel

endpoint = LanguageModel.objects.get().endpoint("")
calls, dies = int(sys.argv[2]), sys.argv[3] == "dies"

async def work():
    async with open_chat(endpoint) as chat:
        def call(n):
            return lambda: patiently(lambda: chat.complete([Message("user", f"{sys.argv[1]} {n}")]))
        async for completion in many((call(n) for n in range(calls)), concurrency=8):
            if dies:
                os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(work())
"""
MAKE = """
import json, sys, django
django.setup()
from arena.models import LanguageModel
LanguageModel.objects.create(name="m", version="1", vendor="v", provider="openai", base_url=sys.argv[1], limits=json.loads(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory) -> Iterator[str]:
    """The Redis that CI started, else one of our own for as long as these tests take."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    if not shutil.which("redis-server"):
        pytest.skip("TEST_REDIS_URL names no Redis to test on, and none is installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = ["redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"]
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(int(port))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert time.monotonic() < end, "the Redis of these tests does not start"
            time.sleep(0.02)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory) -> Path:
    """A data folder with an empty database, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    environment = environment_of(folder, "")
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=setup.ROOT, env=environment, check=True)
    return folder


def environment_of(folder: Path, redis: str) -> dict[str, str]:
    ours = {"DATABASE_URL": "", "REDIS_URL": redis, "JURYROOM_DATA": str(folder), "JURYROOM_NO_SETUP": "1"}
    return {**os.environ, **ours, "DJANGO_SETTINGS_MODULE": "arena.settings", "PYTHONPATH": str(setup.ROOT)}


@dataclass(frozen=True)
class Workers:
    """Processes of ours that share a database, and a Redis or none."""

    environment: dict[str, str]

    def python(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", *arguments], cwd=setup.ROOT, env=self.environment)

    def ask(self, server: openai_server.Served, **limits: float) -> None:
        """From now on workers ask this server, within these limits."""
        assert self.python(MAKE, server.base_url, json.dumps(limits)).wait(60) == 0

    def start(self, name: str, calls: int, *, dies: bool = False) -> subprocess.Popen:
        return self.python(WORKER, name, str(calls), "dies" if dies else "lives")


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def workers(request, tmp_path, migrated) -> Workers:
    if request.param == "postgres":
        return Workers(environment_of(tmp_path, "") | {"DATABASE_URL": request.getfixturevalue("postgres")})
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    return Workers(environment_of(tmp_path, request.getfixturevalue("redis_url") if request.param == "redis" else ""))


@pytest.fixture(scope="module")
def migrated_postgres(tmp_path_factory) -> Iterator[str]:
    """An empty database of ours on the PostgreSQL that CI started."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        pytest.skip("TEST_DATABASE_URL names no PostgreSQL to test on")
    name = f"juryroom_{uuid.uuid4().hex[:12]}"
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        environment = environment_of(tmp_path_factory.mktemp("postgres"), "") | {"DATABASE_URL": url}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=setup.ROOT, env=environment, check=True)
        yield url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres(migrated_postgres) -> str:
    """The same, without models and tallies."""
    with psycopg.connect(migrated_postgres, autocommit=True) as connection:
        connection.execute("TRUNCATE arena_languagemodel, arena_endpointtally CASCADE")
    return migrated_postgres


def names(server: openai_server.Served) -> list[str]:
    """Who asked, call by call."""
    calls = sorted(server.calls, key=lambda call: call.came)
    return [call.body["messages"][0]["content"].split()[0] for call in calls]


@pytest.mark.slow
def test_two_processes_share_a_limit_of_calls_a_minute(workers):
    """Twenty a second between them; what the pace is exactly, the rule's own tests say, with a clock that does not jitter."""
    with openai_server.serve(latency=0.1) as server:
        workers.ask(server, rpm=1200)
        both = [workers.start("ash", 40), workers.start("birch", 40)]
        assert [process.wait(60) for process in both] == [0, 0]
        came = sorted(call.came for call in server.calls)
        asked = names(server)
    assert asked.count("ash") == asked.count("birch") == 40
    assert came[-1] - came[0] > 0.99 * 79 / 20
    first, last = asked.index("birch" if asked[0] == "ash" else "ash"), len(asked) - asked[::-1].index(asked[0])
    if last - first > 20:  # while both were there, the places of one were not left empty by the other
        assert came[last - 1] - came[first] < 1.5 * (last - first) / 20


@pytest.mark.slow
def test_two_processes_share_the_places_and_those_of_a_killed_one_come_back(workers):
    with openai_server.serve(latency=0.1) as server:
        workers.ask(server, concurrency=4)
        assert workers.start("ash", 1000, dies=True).wait(60) == -signal.SIGKILL
        both = [workers.start("birch", 30), workers.start("cedar", 30)]
        assert [process.wait(60) for process in both] == [0, 0]
        asked = names(server)
        assert server.peak == 4
    assert asked.count("birch") == asked.count("cedar") == 30


def test_redis_grants_what_the_rule_grants(redis_url):
    rng = random.Random(1)
    with override_settings(REDIS_URL=redis_url):
        for limits in (
            Limits(600),
            Limits(tpm=6000),
            Limits(concurrency=3),
            Limits(60, 6000, 5),
            Limits(6000, None, 1),
        ):
            told = RedisPace(uuid.uuid4().hex, limits)
            tally, now = Tally(), 1.7e9
            for _ in range(60):
                now += rng.choice([0, 0.01, 0.5, 4, 20])
                wish = any_wish(rng)
                tally, leave = granted(tally, wish, limits, now)
                same = told.ask(wish, now=now)
                assert same.places == leave.places
                assert (*same.waits, same.shut) == pytest.approx((*leave.waits, leave.shut), abs=1e-4)


def any_wish(rng: random.Random) -> Wish:
    held, waiting = rng.randrange(4), rng.randrange(5)
    tokens = tuple(rng.random() * 50 for _ in range(waiting))
    return Wish(rng.choice("abc"), held, held + waiting, tokens, rng.choice([0, 0, -20, 30.0]), rng.choice([0, 0, 2.0]))


def test_redis_goes_by_its_own_clock_and_forgets_what_is_past(redis_url):
    pace = RedisPace(uuid.uuid4().hex, Limits(rpm=60))
    with override_settings(REDIS_URL=redis_url):
        leave = pace.ask(Wish("a", tokens=(0.0, 0.0)))
        left = redis.Redis.from_url(redis_url).pttl(f"juryroom:pace:{pace.name}")
    assert leave.waits == pytest.approx((0, 1), abs=0.01) and 0 < left < 120_000


def test_a_redis_that_is_not_there_is_an_error_that_may_pass():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{probe.getsockname()[1]}/0"
        with override_settings(REDIS_URL=url), pytest.raises(ChatError, match="limits") as caught:
            RedisPace("x", Limits(rpm=60)).ask(Wish("a"))
    assert caught.value.transient


@pytest.mark.django_db
def test_the_database_grants_what_the_rule_grants():
    pace, began = TablePace("x" * 64, Limits(rpm=60, concurrency=3)), time.time()
    first = pace.ask(Wish("a", wanted=2, tokens=(0.0, 0.0)))
    second = pace.ask(Wish("b", wanted=2, tokens=(0.0, 0.0), shut=5.0))
    row = EndpointTally.objects.get()
    assert (first.places, second.places) == (2, 1) and first.waits == pytest.approx((0, 1.001))
    assert len(second.waits) == 1 and 4.9 < second.waits[0] <= 5 and row.shut_until > began + 4.9
    assert {worker: place[:2] for worker, place in row.places.items()} == {"a": [2, 2], "b": [1, 2]}


@pytest.mark.django_db(transaction=True)
def test_answers_are_collected_within_the_limits_of_their_model():
    with openai_server.serve(latency=0.02) as server:
        model = make.model("Ash", provider="openai", base_url=server.base_url, limits={"concurrency": 2})
        benchmark = make.benchmark()
        questions = [make.question(benchmark, f"q{n}", f"How long does egg {n} boil?") for n in range(8)]
        saved = [row for batch in collect(model, questions, concurrency=8) for row in batch]
        assert len(saved) == 8 and not any(row.error for row in saved) and server.peak == 2


def test_a_model_without_limits_has_no_pace_and_one_with_wrong_ones_says_which():
    assert pace_of(make_model()) is None and make_model().endpoint("").pace is None
    with override_settings(REDIS_URL=""):
        assert isinstance(make_model(limits={"rpm": 60}).endpoint("").pace, TablePace)
    with override_settings(REDIS_URL="redis://127.0.0.1:9/0"):
        assert isinstance(pace_of(make_model(limits={"rpm": 60})), RedisPace)
    with pytest.raises(ValueError, match="limits: rpm must be a number above 0, not 'many'"):
        make_model(limits={"rpm": "many"}).endpoint("")


def make_model(**fields) -> LanguageModel:
    return LanguageModel(**{"name": "Ash", "version": "1", "vendor": "Tree", "provider": "openai", **fields})


def test_models_at_one_endpoint_share_a_tally_whatever_they_are_called():
    here = {"base_url": "http://127.0.0.1:9/v1", "endpoint_model": "m", "key_env": "KEY"}
    one, other = (
        make_model(name="Ash", **here),
        make_model(name="Birch", **{**here, "base_url": here["base_url"] + "/"}),
    )
    assert tally_of(one) == tally_of(other)
    for field in here:
        assert tally_of(make_model(**{**here, field: "other"})) != tally_of(one)
