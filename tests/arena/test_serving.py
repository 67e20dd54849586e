"""The site as its operator starts and ends it: one command, one Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from arena import setup


def start(*arguments, data):
    """A `manage.py` process on a data folder of its own, with the packages of this interpreter."""
    environment = {**os.environ, "JURYROOM_DATA": str(data), "JURYROOM_NO_SETUP": "1", "PYTHONUNBUFFERED": "1"}
    environment.update(DATABASE_URL="", REDIS_URL="")
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.Popen(
        command, cwd=setup.ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port, *, process, seconds=60):
    """What the health page says, once the site is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/", timeout=2) as response:
                return json.load(response)
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the site did not come up: {process.communicate(timeout=10)[0]}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_site_worker_and_beat(tmp_path, number):
    port = free_port()
    process = start("up", "--port", str(port), data=tmp_path)
    try:
        assert answers(port, process=process)["ok"] is True
        process.send_signal(number)
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert said.rstrip().endswith("stopped")
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_taken_port_is_one_line_before_any_work(tmp_path, command):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(command, "--port", str(port), data=tmp_path)
        said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert f"Port {port} is taken" in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "juryroom.sqlite3").exists()


def test_the_demo_serves_what_it_printed_and_says_who_may_sign_in(tmp_path):
    port = free_port()
    process = start("demo", "--port", str(port), data=tmp_path)
    try:
        answers(port, process=process, seconds=180)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
            page = response.read().decode()
            policy = response.headers["Content-Security-Policy"]
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert "Pebble 7B" in said and "DEMO DATA" in said
    assert said.count("Sign in as") == 3
    assert f"http://127.0.0.1:{port}/" in said
    assert "Pebble 7B" in page
    assert "default-src 'none'" in policy and "unsafe" not in policy
