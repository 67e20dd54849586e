"""Doorbells of judging: a task takes ids and calls one thing."""

import logging

from celery import shared_task
from django.db import transaction

from arena.live import UNHEARD
from judging import running
from judging.machines import queue_of
from judging.models import Run
from judging.voting_items import let_all_go

log = logging.getLogger(__name__)


def call(run: Run) -> None:
    """Ring for a worker once the run is committed. Without Redis nobody hears it, and the sweep finds the run later."""
    transaction.on_commit(lambda: _call(run.pk))


def _call(run_id: int) -> None:
    try:
        carry_out.apply_async((run_id,), queue=queue_of(run_id))
    except UNHEARD as error:
        log.warning("run %s: no worker could be called (%s)", run_id, error)


@shared_task
def carry_out(run_id: int) -> None:
    """Carry on with a run, unless somebody else has it or it is over."""
    if run := Run.objects.unfinished().filter(pk=run_id).first():
        running.carry_out(run)


@shared_task
def sweep() -> None:
    """Find runs that no living worker has, and ring for them: what a lost message or a dead worker left.

    And let go of the seats that people have left without a word.
    """
    let_all_go()
    for pk in Run.objects.unfinished().values_list("pk", flat=True):
        carry_out.apply_async((pk,), queue=queue_of(pk))
