"""Votes on PostgreSQL: what a person's other tab does, one seat for tabs reloaded at once, and what is planned once for many votes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

pytestmark = [pytest.mark.services, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path) -> Iterator[dict[str, str]]:
    """The environment of a process that uses a database of its own on the server that CI started."""
    postgres = os.environ.get("TEST_DATABASE_URL")
    if not postgres:
        pytest.skip("TEST_DATABASE_URL names no PostgreSQL to test on")
    name = f"juryroom_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    yield {
        **os.environ,
        "DATABASE_URL": urlunsplit(urlsplit(postgres)._replace(path=f"/{name}")),
        "JURYROOM_DATA": str(tmp_path),
        "JURYROOM_SECRET": uuid.uuid4().hex,
        "JURYROOM_NO_SETUP": "1",
        "JURYROOM_WORKER": "0",
        "DJANGO_SETTINGS_MODULE": "arena.settings",
    }
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def said(place: dict[str, str], module: str) -> dict:
    command = [sys.executable, "-m", f"tests.services.{module}"]
    done = subprocess.run(command, cwd=ROOT, env=place, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_another_tab_does_while_a_vote_is_recorded_waits_for_it_and_changes_nothing(place):
    told = {"waited": [True], "status": "done", "votes": 1, "standing": 1, "done": 1, "shows": True}
    undone = {"waited": [True], "seats": 1, "shows": True}
    assert said(place, "two_tabs") == {"reload": told, "vote": told, "skip": told, "undo": undone}


def test_tabs_that_are_reloaded_at_once_by_somebody_without_an_item_show_one(place):
    one = [{"seats": 1, "shown": 1, "failed": 0}] * 5
    assert said(place, "two_reloads") == {"votes": one, "practice": one}


def test_the_statements_of_a_vote_are_planned_once_for_a_connection_and_no_others(place):
    assert said(place, "many_votes") == {"votes": 12, "planned": {"seat": 1, "vote": 1}, "outside": 0}
