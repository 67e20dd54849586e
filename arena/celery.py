"""The Celery app: doorbells for work that the database already knows of."""

import os
from importlib import import_module
from typing import Any

from celery import Celery, concurrency
from celery.concurrency import prefork
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "arena.settings")

app = Celery("juryroom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

HEAVY = ("arena.chat.openai", "arena.chat.anthropic", "numpy.ma", "scipy.special")
"""What runs and boards need and pages do not: a second and more to load."""


@worker_init.connect
def load(sender: Any, **_told: Any) -> None:
    """Load once, before a worker forks, what each of its processes would load with its first run and its first board."""
    if concurrency.get_implementation(sender.pool_cls) is prefork.TaskPool:
        for name in HEAVY:
            import_module(name)
