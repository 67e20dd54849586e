"""Doorbells of judging: a task takes ids and calls one thing."""

import logging

from celery import shared_task

from judging import notifying, running, trying
from judging.machines import queue_of, queue_of_try_out
from judging.models import Run, TryOut
from judging.voting_items import let_all_go

log = logging.getLogger(__name__)


@shared_task
def try_out(pk: int) -> None:
    """Carry out a try-out, unless somebody else does so or did."""
    trying.carry_out(pk)


@shared_task
def messenger() -> None:
    """Send the messages that are due: all at a time, so that one that hangs takes one place of a worker, and not for long."""
    notifying.send_due()


@shared_task
def carry_out(run_id: int) -> None:
    """Carry on with a run, unless somebody else has it or it is over."""
    if run := Run.objects.unfinished().filter(pk=run_id).first():
        running.carry_out(run)


@shared_task
def wind_up(run_id: int) -> None:
    """Stop the batches of a cancelled run, and save what they were answered."""
    running.wind_up(Run.objects.get(pk=run_id))


@shared_task
def sweep() -> None:
    """Find runs that no living worker has, and ring for them: what a lost message or a dead worker left.

    And let go of the seats that people have left without a word, see to messages that nobody noted or sent, to try-outs
    that no worker heard of, and to batches of cancelled runs.
    """
    let_all_go()
    notifying.catch_up()
    if notifying.is_any_due():
        messenger.apply_async(expires=5.0)
    for pk in TryOut.objects.filter(status=TryOut.Status.QUEUED).values_list("pk", flat=True):
        try_out.apply_async((pk,), queue=queue_of_try_out(pk), expires=5.0)
    for pk in Run.objects.unfinished().values_list("pk", flat=True):
        # What no worker takes until then is rung for again: else bells pile up where nobody works off a queue.
        carry_out.apply_async((pk,), queue=queue_of(pk), expires=5.0)
    for pk in Run.objects.to_wind_up().values_list("pk", flat=True):
        wind_up.apply_async((pk,), expires=5.0)
