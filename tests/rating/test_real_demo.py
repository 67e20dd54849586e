"""Real small models on this machine: they answer, rules mark them, and one of them judges."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from arena import setup

ROOT = setup.ROOT
MODEL = "SmolLM2-135M"
JUDGE = f"{MODEL} as judge"


def manage(*arguments, data, seconds):
    environment = {**os.environ, "JURYROOM_DATA": str(data), "DATABASE_URL": "", "REDIS_URL": ""}
    environment.pop("JURYROOM_NO_SETUP", None)  # the command installs what it needs itself
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder in which the real demo ran to its end; skipped where its packages cannot be installed."""
    folder = tmp_path_factory.mktemp("real")
    done = manage("demo", "--real", "--no-serve", data=folder, seconds=1800)
    if done.returncode == setup.FAILED:
        pytest.skip(f"the local models cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def told(data, *arguments):
    done = manage(*arguments, "--benchmark", "real-demo", "--format", "json", data=data, seconds=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["rows"]


pytestmark = [pytest.mark.slow, pytest.mark.local_models]


def test_the_model_answers_best_at_temperature_zero(data):
    rows = told(data, "leaderboard", "--source", "judge:Rules", "--method", "score")
    mean = {row["model"]: row["rating"] for row in rows}
    assert [row["n"] for row in rows] == [40, 40, 40]
    assert mean[f"{MODEL} at temperature 0"] > mean[f"{MODEL} at temperature 1.3"]


def test_its_verdicts_follow_the_first_slot_and_not_the_answers(data):
    rows = told(data, "agreement", "--consistency")
    mine = [row for row in rows if row["judges"] == JUDGE]
    first_slot = mine[-1]
    assert first_slot["n"] >= 48
    assert first_slot["raw"] > 0.9
    between = told(data, "agreement")
    assert all((row["alpha"] or 0) < 0.4 for row in between if JUDGE in row["judges"])
