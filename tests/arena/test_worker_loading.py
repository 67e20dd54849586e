"""What a worker loads before it has work."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from arena import setup

ASKED = """
import sys
import django
django.setup()
from celery.signals import worker_init
import arena.urls
from arena.celery import HEAVY, app
app.loader.import_default_modules()
loaded = lambda: sum(name in sys.modules for name in HEAVY)
before = loaded()
worker_init.send(sender=type("Worker", (), {"pool_cls": sys.argv[1]}))
print(before, loaded(), len(HEAVY))
"""


@pytest.mark.parametrize(("pool", "loads"), [("prefork", True), ("solo", False)])
def test_a_worker_that_forks_loads_once_what_its_processes_need_and_nobody_else_does(tmp_path, pool, loads):
    ours = {"JURYROOM_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "arena.settings", "PYTHONPATH": str(setup.ROOT)}
    command = [sys.executable, "-c", ASKED, pool]
    done = subprocess.run(command, env={**os.environ, **ours}, cwd=setup.ROOT, capture_output=True, text=True)
    before, after, heavy = map(int, done.stdout.split() or [-1, -1, -1])
    assert (before, after) == (0, heavy if loads else 0), done.stderr
