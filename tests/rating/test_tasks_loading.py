"""What a worker loads before it has work."""

from __future__ import annotations

import os
import subprocess
import sys

from arena import setup

ASKED = """
import sys
import django
django.setup()
from celery.signals import worker_init
import arena.urls, rating.tasks
before = "scipy.special" in sys.modules
worker_init.send(sender=None)
print(before, "scipy.special" in sys.modules)
"""


def test_the_heavy_part_of_rating_is_loaded_by_a_worker_as_it_starts_and_by_no_page(tmp_path):
    ours = {"JURYROOM_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "arena.settings", "PYTHONPATH": str(setup.ROOT)}
    command = [sys.executable, "-c", ASKED]
    done = subprocess.run(command, env={**os.environ, **ours}, cwd=setup.ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"], done.stderr
