"""Doorbells of judging: a task takes ids and calls one thing."""

from celery import shared_task

from judging import running
from judging.models import Run


@shared_task
def carry_out(run_id: int) -> None:
    """Carry on with a run, unless somebody else has it or it is over."""
    if run := Run.objects.unfinished().filter(pk=run_id).first():
        running.carry_out(run)


@shared_task
def sweep() -> None:
    """Find runs that no living worker has, and ring for them: what a lost message or a dead worker left."""
    for pk in Run.objects.unfinished().values_list("pk", flat=True):
        carry_out.delay(pk)
