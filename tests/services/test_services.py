"""The product on real PostgreSQL and Redis: its own processes, talking through nothing else."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from websockets.sync.client import connect

from arena import setup
from tests import openai_server

pytestmark = [pytest.mark.services, pytest.mark.slow]
QUESTIONS = 12
RECIPE = """
name: eggs
mode: pairwise
benchmark: {{name: eggs, questions: q.jsonl}}
models:
  - {{name: Ash, version: "1", vendor: N, answers: ash.jsonl}}
  - {{name: Birch, version: "1", vendor: N, answers: birch.jsonl}}
judges:
  - {{kind: llm, name: oracle, version: "1", vendor: N, provider: openai, base_url: "{base_url}", model: vocabulary}}
limits: {{concurrency: 2}}
"""
LEAD = """
import django
django.setup()
from django.contrib.auth.models import Group, User
from django.test import Client
lead = User.objects.create_user("lena")
lead.groups.add(Group.objects.get_or_create(name="lead")[0])
client = Client()
client.force_login(lead)
print(client.cookies["sessionid"].value)
"""
RIVALS = """
import threading, django
django.setup()
from django.db import connection
from arena.models import Benchmark
from rating import snapshots
from rating.models import Snapshot
benchmark = Benchmark.objects.get()
Snapshot.objects.all().delete()
taken = []

def take():
    taken.append(snapshots.take(benchmark).pk)
    connection.close()

def overtaken(execute, sql, *rest):
    # just before our snapshot is written, another process writes the same one
    if sql.startswith('INSERT INTO "rating_snapshot"') and not taken:
        rival = threading.Thread(target=take)
        rival.start()
        rival.join()
    return execute(sql, *rest)

with connection.execute_wrapper(overtaken):
    take()
print(len(taken), len(set(taken)), Snapshot.objects.count())
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory) -> Iterator[dict[str, str]]:
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
        "JURYROOM_DATA": str(tmp_path_factory.mktemp("services")),
        "JURYROOM_NO_SETUP": "1",
        "JURYROOM_WORKER": "0",
        "DJANGO_SETTINGS_MODULE": "arena.settings",
        "PYTHONPATH": str(setup.ROOT),
    }
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[openai_server.Served]:
    with openai_server.serve(latency=0.3) as server:
        yield server


def run_python(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=setup.ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def process(environment: dict[str, str], log: Path, *arguments: str) -> Iterator[subprocess.Popen]:
    """A process of ours for as long as the block lasts; what it said stands in `log`."""
    with log.open("w") as out:
        running = subprocess.Popen(
            [sys.executable, *arguments], cwd=setup.ROOT, env=environment, stdout=out, stderr=out
        )
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def wait_until(met: Callable[[], bool], log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.1)


def rows(environment: dict[str, str], sql: str) -> list[tuple]:
    with psycopg.connect(environment["DATABASE_URL"]) as database:
        cursor = database.execute(sql)
        return cursor.fetchall() if cursor.description else []


def recipe(folder: Path, base_url: str) -> Path:
    for name, said in (("q", ""), ("ash", "six minutes and a pinch of salt"), ("birch", "six minutes")):
        with (folder / f"{name}.jsonl").open("w") as file:
            for n in range(QUESTIONS):
                question = {"key": str(n), "category": "c", "turns": [f"How long does egg {n} boil?"], "meta": {"n": n}}
                file.write(json.dumps({"question": str(n), "turns": [f"{said} 煮 {n}"]} if said else question) + "\n")
    file = folder / "recipe.yaml"
    file.write_text(RECIPE.format(base_url=base_url))
    return file


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def queued(services, endpoint, tmp_path_factory) -> dict[str, str]:
    """A database with everything loaded and one run in the queue; `load` and `evaluate` made it on PostgreSQL."""
    folder = tmp_path_factory.mktemp("eggs")
    file = recipe(folder, endpoint.base_url)
    run_python(services, "manage.py", "load", "juryroom", str(folder / "q.jsonl"), "--benchmark", "eggs")
    run_python(services, "manage.py", "evaluate", str(file), "--stage", "answers")
    assert rows(services, "SELECT count(*) FROM arena_answer") == [(2 * QUESTIONS,)] and endpoint.count == 0
    rows(services, "UPDATE judging_run SET status = 'queued'")
    return {**services, "RECIPE": str(file)}


def test_the_doctor_finds_both_servers(queued):
    findings = {row["what"]: row for row in json.loads(run_python(queued, "manage.py", "doctor", "--format", "json"))}
    assert (findings["database"]["says"], findings["redis"]["says"]) == ("postgresql", "answers")
    assert {row["state"] for row in findings.values()} == {"ok"}


def test_a_celery_worker_carries_the_run_out_and_an_open_page_hears_of_it(queued, endpoint, tmp_path):
    """Three processes: the site, a worker with its clock, and us as the browser; bells ring over Redis."""
    session = run_python(queued, "-c", LEAD).strip()
    port, site_log, worker_log = free_port(), tmp_path / "site.log", tmp_path / "worker.log"
    (run,) = rows(queued, "SELECT id FROM judging_run")[0]
    celery = ("-m", "celery", "-A", "arena.celery", "worker", "-B", "-s", str(tmp_path / "beat"), "--concurrency", "2")
    site = ("-m", "uvicorn", "arena.asgi:application", "--port", str(port), "--lifespan", "off")
    with process(queued, site_log, *site):
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/health/"), site_log)
        headers = {"Cookie": f"sessionid={session}"}
        address = f"ws://127.0.0.1:{port}/ws/runs/{run}/?lang=en"
        with connect(address, additional_headers=headers, origin=f"http://127.0.0.1:{port}") as page:
            heard = [json.loads(page.recv(timeout=20))]
            with process(queued, worker_log, *celery):
                wait_until(lambda: rows(queued, "SELECT status FROM judging_run") == [("done",)], worker_log)
                wait_until(lambda: rows(queued, "SELECT count(*) FROM rating_snapshot") == [(1,)], worker_log)
                while 'data-status="done"' not in heard[-1]["html"]:
                    heard.append(json.loads(page.recv(timeout=20)))
    assert [message["seq"] for message in heard] == list(range(1, len(heard) + 1)) and len(heard) >= 3
    assert endpoint.count == 2 * QUESTIONS
    judged = "SELECT status, value, count(*) FROM judging_preference GROUP BY status, value"
    assert rows(queued, judged) == [("ok", 1.0, 2 * QUESTIONS)]
    board = json.loads(run_python(queued, "manage.py", "leaderboard", "--format", "json"))
    assert (board["n"], [row["model"] for row in board["rows"]]) == (QUESTIONS, ["Ash", "Birch"])


def test_evaluating_again_on_postgresql_asks_nobody(queued, endpoint):
    before = endpoint.count
    told = json.loads(run_python(queued, "manage.py", "evaluate", queued["RECIPE"], "--format", "json"))
    assert told["judges"] == [{"judge": "oracle", "done": 2 * QUESTIONS, "failed": 0, "total": 2 * QUESTIONS}]
    assert endpoint.count == before == 2 * QUESTIONS


def test_without_redis_a_run_is_carried_out_all_the_same(queued, endpoint):
    """Redis carries doorbells only: nobody hears them, and nothing is lost."""
    deaf = {**queued, "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    rows(queued, "UPDATE judging_preference SET status = 'api_error', value = NULL, error = 'as if it had failed'")
    told = json.loads(run_python(deaf, "manage.py", "evaluate", queued["RECIPE"], "--retry-failed", "--format", "json"))
    assert (told["status"], told["judges"][0]["done"]) == ("done", 2 * QUESTIONS)
    assert endpoint.count == 4 * QUESTIONS


def test_a_snapshot_that_another_process_takes_at_the_same_moment_is_taken_once(queued):
    assert run_python(queued, "-c", RIVALS).split() == ["2", "1", "1"]


def test_the_door_the_counts_and_the_boards_keep_their_promises_on_postgresql(services):
    """Their own tests once more, in a database of PostgreSQL."""
    files = [f"tests/rating/test_{name}.py" for name in ("data", "counting", "live", "snapshots")]
    said = run_python({**services, "REDIS_URL": ""}, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    assert re.search(r"^\d{2,} passed in ", said, re.MULTILINE), said


COUNTERS = """
import random, sys, threading, time, django
django.setup()
from django.db import connection
from django.utils import timezone
from arena.models import Battle
from judging.models import Judge, Preference, Rubric
from rating import counting
from tests.judging import recorded as make
from tests.rating.test_counting import on_record, standing

benchmark = make.benchmark("busy")
pairs = [tuple(question.answers.all()) for question in make.answered(benchmark, questions=20)]
battles = Battle.objects.pair(pairs)
people = [make.judge(f"p{n}", kind="person", user=make.person(f"p{n}")) for n in range(4)]
rubric, errors, voting = make.rubric(), [], threading.Event()

def vote(judge):
    try:
        chance = random.Random(judge.pk)
        for _ in range(60):
            battle = chance.choice(battles)
            Preference.objects.current().filter(battle=battle, judge=judge).update(superseded_at=timezone.now())
            Preference.objects.create(battle=battle, judge=judge, rubric=rubric, status="ok", value=chance.choice((-1, 0, 1)))
    except Exception as error:
        errors.append(error)
    finally:
        connection.close()

def delete():
    try:
        chance = random.Random(0)
        while not voting.is_set():
            found = list(Preference.objects.order_by("-pk")[:20])
            if len(found) == 20:
                chance.choice(found).delete()
            time.sleep(0.02)
    except Exception as error:
        errors.append(error)
    finally:
        connection.close()

def count():
    try:
        while not voting.is_set():
            counting.catch_up()
    except Exception as error:
        errors.append(error)
    finally:
        connection.close()

counters = [threading.Thread(target=count) for _ in range(3)] + [threading.Thread(target=delete)]
voters = [threading.Thread(target=vote, args=(judge,)) for judge in people]
for thread in counters + voters:
    thread.start()
for thread in voters:
    thread.join()
voting.set()
for thread in counters:
    thread.join()
counting.catch_up()
print(errors, standing(benchmark) == on_record(benchmark), Preference.objects.new().count(), Preference.objects.gone().count())
"""


@pytest.mark.parametrize("on_postgres", [True, False])
def test_several_who_count_while_people_vote_and_votes_are_deleted_count_every_vote_once(
    services, tmp_path, on_postgres
):
    place = services if on_postgres else {**services, "DATABASE_URL": "", "JURYROOM_DATA": str(tmp_path)}
    run_python(place, "manage.py", "migrate", "-v0")
    assert run_python({**place, "REDIS_URL": ""}, "-c", COUNTERS).strip() == "[] True 0 0"
