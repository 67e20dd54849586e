"""A run carried out: missing answers collected, missing judgments made, every one saved as it arrives."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from arena.background import arrivals
from arena.chat import ChatError
from arena.collecting import NoKey, collect, key_of
from arena.live import ring
from arena.models import Answer, Provenance
from judging.items import Item, items_of, participants, questions_of, undecided
from judging.judges import EndpointDown, engine
from judging.judges.base import Engine, Verdict
from judging.models import Grade, Judge, Preference, Run
from judging.progress import judgments_of
from judging.signals import judged

log = logging.getLogger(__name__)
STAGES = ("answers", "judgments")
UNHEARD = (OSError, RedisError, OperationalError)  # what ringing raises when the broker is not there


class Lost(Exception):
    """The lease is gone: cancelled, or another worker has the run."""


def carry_out(run: Run, *, stages: tuple[str, ...] = STAGES, watch: Callable[[Run], None] | None = None) -> bool:
    """Do what is missing of `run`; False when another worker has it.

    `watch` is called after every batch (for a progress line). The run ends as done or failed; a failure's reason stands
    in `run.error`. What was saved stays, whatever happens.
    """
    token = run.claim()
    if token is None:
        return False
    run.refresh_from_db()

    def beat() -> None:
        if not run.renew(token):
            raise Lost
        tell(run)
        if watch:
            watch(run)

    try:
        if "answers" in stages and run.collects:
            _stage(run, "answers")
            collect_answers(run, beat)
        if "judgments" in stages:
            _stage(run, "judgments")
            make_judgments(run, beat)
        run.release(token, status=Run.Status.DONE)
    except Lost:
        log.info("run %s: the lease is gone", run.pk)
        run.release(token, status=Run.Status.RUNNING)
    except (NoKey, EndpointDown, ChatError, ValueError) as error:
        run.release(token, status=Run.Status.FAILED, error=str(error))
    except KeyboardInterrupt:
        run.release(token, status=Run.Status.CANCELLED)
        raise
    except BaseException as error:
        run.release(token, status=Run.Status.FAILED, error=f"{type(error).__name__}: {error}")
        raise
    finally:
        run.refresh_from_db()
        tell(run)
    return True


def tell(run: Run) -> None:
    """Ring for whoever listens. Without Redis nobody hears it, and nothing is lost: pages and the clock look again."""
    try:
        ring(f"run-{run.pk}")
        judged.send(sender=Run, run=run)
    except UNHEARD as error:
        log.warning("run %s: nobody could be told (%s)", run.pk, error)


def _stage(run: Run, stage: str) -> None:
    Run.objects.filter(pk=run.pk).update(stage=stage)


def collect_answers(run: Run, beat: Callable[[], None]) -> None:
    """Ask every model of the run that has an endpoint the questions it has not answered. Raises NoKey, Lost."""
    models = run.candidates.model.objects.filter(pk__in=participants(run)).exclude(provider="")
    for model in models:
        key_of(model)
    for model in models:
        questions = list(questions_of(run).unanswered_by(model))
        concurrency = int(run.limits.get("concurrency", 8))
        for _saved in collect(model, questions, concurrency=concurrency, provenance=run.provenance):
            beat()


def make_judgments(run: Run, beat: Callable[[], None]) -> None:
    """Let every machine judge of the run judge what it has not judged. Raises NoKey, EndpointDown, Lost.

    Nobody is asked before all keys are found; a judge whose endpoint is down does not keep the others from judging.
    """
    judges = run.judges.filter(kind__in=Judge.WITH_ENGINE).select_related("model")
    machines = [(judge, engine_of(judge, run)) for judge in judges]
    if run.provenance != Provenance.DRY_RUN:
        run.benchmark.freeze()
    run.rubric.freeze()
    items = items_of(run)
    down: list[EndpointDown] = []
    for judge, machine in machines:
        todo = undecided(run, judge, items)
        if not todo:
            continue
        judge.freeze()
        exhibits = [item.exhibit() for item in todo]
        try:
            for batch in arrivals(lambda machine=machine, exhibits=exhibits: machine.judge(exhibits)):
                save(run, judge, [(exhibit.id, verdict) for exhibit, verdict in batch])
                beat()
        except EndpointDown as error:
            down.append(error)
    if down:
        raise down[0]


def engine_of(judge: Judge, run: Run) -> Engine:
    """The engine that judges for `judge`, under the run's rubric. Raises NoKey."""
    endpoint = (
        judge.model.endpoint(key_of(judge.model), **judge.options.get("sampling", {})) if judge.model_id else None
    )
    options = {key: value for key, value in judge.options.items() if key != "sampling"}
    if "concurrency" in run.limits:
        options["concurrency"] = int(run.limits["concurrency"])
    return engine(judge.kind, rubric=run.rubric.text(), endpoint=endpoint, options=options)


def save(run: Run, judge: Judge, verdicts: list[tuple[Item, Verdict]]) -> None:
    """Keep these verdicts; one that is already on record stays as it is. One transaction."""
    where = {"judge": judge, "rubric": run.rubric, "run": run, "provenance": provenance_of(run, judge)}
    rows = [_row(item, verdict, where) for item, verdict in verdicts]
    if rows:
        type(rows[0]).objects.bulk_create(rows, ignore_conflicts=True)


def _row(item: Item, verdict: Verdict, where: dict) -> Preference | Grade:
    if item.battle is None:
        return Grade.record(verdict, answer=item.answer, **where)
    return Preference.record(verdict, battle=item.battle, swapped=item.swapped, **where)


def provenance_of(run: Run, judge: Judge) -> str:
    """What a judgment of this judge in this run is: a dry run is always a dry run, and a demo's is a demo's."""
    if judge.kind == Judge.Kind.DRY_RUN or run.provenance == Provenance.DRY_RUN:
        return Provenance.DRY_RUN
    return Provenance.DEMO if Provenance.DEMO in (run.provenance, judge.provenance) else run.provenance


@transaction.atomic
def retry_failed(run: Run) -> int:
    """Set the run's failed judgments and answers aside, so that the next go asks again; how many."""
    aside = judgments_of(run).failed().filter(judge__in=run.judges.all()).update(superseded_at=timezone.now())
    failed = Answer.objects.failed().filter(question__in=questions_of(run), model__in=participants(run))
    return aside + (failed.count() if run.collects else 0)


def cancel(run: Run) -> None:
    """End the run now; what was saved stays."""
    Run.objects.filter(pk=run.pk, status__in=(Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.OPEN)).update(
        status=Run.Status.CANCELLED, finished_at=timezone.now()
    )
    with suppress(*UNHEARD):
        ring(f"run-{run.pk}")
