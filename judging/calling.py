"""Calls for a worker. Without Redis nobody hears one, and nothing is lost: the sweep finds what there is to do."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction

from arena.live import UNHEARD
from judging.machines import queue_of, queue_of_try_out
from judging.models import Run

log = logging.getLogger(__name__)


def call(run: Run) -> None:
    """For a worker that carries out the run, once it is committed."""
    transaction.on_commit(partial(_for_run, run.pk))


def call_try_out(pk: int) -> None:
    """For a worker that carries out a try-out, once it is committed."""
    transaction.on_commit(partial(_for_try_out, pk))


def call_messenger() -> None:
    """For a worker that sends the messages that are due."""
    _send("messenger", what="messages")


def _for_run(pk: int) -> None:
    _send("carry_out", pk, queue=queue_of(pk), what=f"run {pk}")


def _for_try_out(pk: int) -> None:
    _send("try_out", pk, queue=queue_of_try_out(pk), what=f"try-out {pk}")


def _send(task: str, *arguments: Any, what: str, **options: Any) -> None:
    """By name, since the tasks know all that calls for them."""
    try:
        current_app.send_task(f"judging.tasks.{task}", arguments, **options)
    except UNHEARD as error:
        log.warning("%s: no worker could be called (%s)", what, error)
