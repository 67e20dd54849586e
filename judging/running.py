"""A run carried out: missing answers collected, missing judgments made, every one saved as it arrives."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from django.db import transaction
from django.utils import timezone

from arena.background import arrivals
from arena.chat import ChatError
from arena.collecting import NoKey, collect, key_of
from arena.keeping import NotKept, keep
from arena.live import UNHEARD, ring
from arena.models import Answer, LanguageModel, Provenance
from judging.items import AT_ONCE, Item, items_of, participants, question_chunks, questions_of, undecided
from judging.judges import EndpointDown, engine
from judging.judges.base import Engine, Verdict
from judging.models import Grade, Judge, Preference, Run
from judging.progress import expected, judgments_of, progress
from judging.signals import judged

log = logging.getLogger(__name__)
STAGES = ("answers", "judgments")
LOOK = 2.0  # seconds between two looks at a run that another worker has


class Lost(Exception):
    """The lease is gone: cancelled, or another worker has the run."""


def carry_out(run: Run, *, stages: Sequence[str] | None = None, watch: Callable[[Run], None] | None = None) -> bool:
    """Do what is missing of `run`; False when another worker has it, or nobody should.

    `stages` limits this go, and whoever takes it over should we die; None leaves the limit that `enqueue` set. `watch` is
    called after every batch (for a progress line). The run ends as done, as failed with the reason in `run.error`, or as
    a draft when its stages left something to judge. A process that is stopped leaves it in the queue: cancelled it is by
    a person only. What was saved stays, whatever happens.
    """
    token = run.claim()
    if token is None:
        return False
    if stages is not None:
        Run.objects.filter(pk=run.pk).update(stages=list(stages))
    run.refresh_from_db()

    def beat() -> None:
        if not run.renew(token):
            raise Lost
        tell(run)
        if watch:
            watch(run)

    try:
        run.release(token, **_worked(run, tuple(run.stages or STAGES), beat))
    except Lost:
        log.info("run %s: the lease is gone", run.pk)
        run.release(token, status=Run.Status.RUNNING)
    except (NoKey, NotKept, EndpointDown, ChatError, ValueError) as error:
        run.release(token, status=Run.Status.FAILED, error=str(error))
    except (KeyboardInterrupt, SystemExit):
        run.release(token, status=Run.Status.QUEUED)
        raise
    except BaseException as error:
        run.release(token, status=Run.Status.FAILED, error=f"{type(error).__name__}: {error}")
        raise
    finally:
        run.refresh_from_db()
        tell(run)
    return True


def carry_out_in_turn(
    run: Run,
    *,
    stages: Sequence[str] | None = None,
    watch: Callable[[Run], None] | None = None,
    waiting: Callable[[str], None] = log.info,
) -> None:
    """carry_out, after whoever has the run now: until it is over, whoever does the work.

    A worker that was killed does not renew its lease: it is waited for LEASE at the longest. `waiting` is told once, in a
    sentence, that there is somebody to wait for.
    """
    told = False
    while True:
        carry_out(run, stages=stages, watch=watch)
        run.refresh_from_db()
        if told and run.status == Run.Status.DRAFT and "judgments" in (stages or STAGES):
            run.enqueue(stages=stages or ())  # who had it was to do less than we are
            continue
        if not run.is_live:
            return
        if not told:
            waiting(f"another worker has run {run.pk}, or died with it: waiting for it")
            told = True
        left = (run.lease_until - timezone.now()).total_seconds() if run.lease_until else 0
        time.sleep(min(max(left, 0) + 0.1, LOOK))
        if watch:
            watch(run)


def _worked(run: Run, stages: tuple[str, ...], beat: Callable[[], None]) -> dict[str, str]:
    """Do these stages; how the run ends: its status, and the reason or the stage it got to. Raises NoKey, Lost, NotKept.

    All keys are looked for before anybody is asked. An endpoint that is down keeps nobody else from being asked.
    """
    asked = models_to_ask(run) if "answers" in stages else []
    machines = machines_of(run) if "judgments" in stages else []
    down: list[str] = []
    if asked:
        _stage(run, "answers")
        down += collect_answers(run, asked, beat)
    if "judgments" in stages:
        _stage(run, "judgments")
        down += make_judgments(run, machines, beat)
    if short := [*down, *_shortcomings(run, stages, machines)]:
        return {"status": Run.Status.FAILED, "error": "; ".join(short)}
    if "judgments" in stages or progress(run).is_all_judged:
        return {"status": Run.Status.DONE}
    return {"status": Run.Status.DRAFT, "stage": "answers"}


def _shortcomings(run: Run, stages: tuple[str, ...], machines: list) -> list[str]:
    """Why a go that nobody stopped is no success: answers that failed, or nothing there to judge."""
    short: list[str] = []
    if run.collects and "answers" in stages:
        failed = Answer.objects.failed().filter(question__in=questions_of(run), model__in=participants(run), sample=0)
        if first := failed.select_related("model").first():
            n = failed.count()
            said = f"{n} answers failed" if n > 1 else "an answer failed"
            short.append(f"{said} ({first.model.name}: {first.error}); the next go asks again")
    if machines and not short and expected(run) == 0:
        short.append(
            "there is nothing to judge: the models have no answers to these questions, or not enough for a pair"
        )
    return short


def tell(run: Run) -> None:
    """Ring for whoever listens. Without Redis nobody hears it, and nothing is lost: pages and the clock look again."""
    ring(f"run-{run.pk}")
    try:
        judged.send(sender=Run, run=run)
    except UNHEARD as error:
        log.warning("run %s: nobody could be told (%s)", run.pk, error)


def _stage(run: Run, stage: str) -> None:
    Run.objects.filter(pk=run.pk).update(stage=stage)


def models_to_ask(run: Run) -> list[LanguageModel]:
    """The models of the run that have an endpoint, where it collects answers. Raises NoKey."""
    if not run.collects:
        return []
    models = list(LanguageModel.objects.filter(pk__in=participants(run)).exclude(provider=""))
    for model in models:
        key_of(model)
    return models


def collect_answers(run: Run, models: list[LanguageModel], beat: Callable[[], None]) -> list[str]:
    """Ask these models the questions they have not answered; why some could not be asked on. Raises Lost, NotKept."""
    down: list[str] = []
    for model in models:
        beat()
        questions = list(questions_of(run).unanswered_by(model))
        concurrency = int(run.limits.get("concurrency", 8))
        try:
            for _saved in collect(model, questions, concurrency=concurrency, provenance=run.provenance):
                beat()
        except ChatError as error:
            down.append(f"model {model.name}: {error}")
    return down


def machines_of(run: Run) -> list[tuple[Judge, Engine]]:
    """The run's machine judges with their engines. Raises NoKey, and ValueError for options that a judge cannot have."""
    judges = run.judges.filter(kind__in=Judge.WITH_ENGINE).select_related("model")
    return [(judge, engine_of(judge, run)) for judge in judges]


def make_judgments(run: Run, machines: list[tuple[Judge, Engine]], beat: Callable[[], None]) -> list[str]:
    """Let these judges judge what they have not judged; why some could not go on. Raises Lost, NotKept."""
    if run.provenance != Provenance.DRY_RUN:
        run.benchmark.freeze()
    run.rubric.freeze()
    down: list[str] = []
    for judge, machine in machines:
        try:
            for todo in batches_to_judge(run, judge, beat):
                _judge(run, judge, machine, todo, beat)
        except EndpointDown as error:
            down.append(str(error))
    return down


def batches_to_judge(run: Run, judge: Judge, beat: Callable[[], None]) -> Iterator[list[Item]]:
    """What this judge has not judged, AT_ONCE items or so at a time: never the whole run in memory, and never so much
    work between two beats that the lease runs out."""
    todo: list[Item] = []
    for questions in question_chunks(run):
        todo += undecided(run, judge, items_of(run, questions), questions)
        beat()
        if len(todo) >= AT_ONCE:
            yield todo
            todo = []
    if todo:
        yield todo


def _judge(run: Run, judge: Judge, machine: Engine, items: list[Item], beat: Callable[[], None]) -> None:
    """Save this judge's verdicts on these items as they arrive. Raises EndpointDown, Lost, NotKept."""
    judge.freeze()
    exhibits = [item.exhibit() for item in items]
    for batch in arrivals(lambda: machine.judge(exhibits)):
        save(run, judge, [(exhibit.id, verdict) for exhibit, verdict in batch])
        beat()


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
    """Keep these verdicts; one that is already on record stays as it is. Raises NotKept when one is not on record then."""
    where = {"judge": judge, "rubric": run.rubric, "run": run, "provenance": provenance_of(run, judge)}
    rows = [_row(item, verdict, where) for item, verdict in verdicts]
    table, keys = (Grade, ("answer_id",)) if run.is_single else (Preference, ("battle_id", "swapped"))

    def known() -> set[tuple]:
        mine = table.objects.current().filter(judge=judge, rubric=run.rubric, trial=0)
        return set(mine.filter(**{f"{keys[0]}__in": {getattr(row, keys[0]) for row in rows}}).values_list(*keys))

    keep(rows, key=lambda row: tuple(getattr(row, key) for key in keys), known=known)


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
    rows = judgments_of(run).failed().filter(judge__in=run.judges.all())
    # in the order of their ids, as whoever counts locks them: else the two could wait for each other
    list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
    aside = rows.update(superseded_at=timezone.now())
    failed = Answer.objects.failed().filter(question__in=questions_of(run), model__in=participants(run))
    return aside + (failed.count() if run.collects else 0)


def cancel(run: Run) -> None:
    """End the run now; what was saved stays."""
    Run.objects.filter(pk=run.pk, status__in=(Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.OPEN)).update(
        status=Run.Status.CANCELLED, finished_at=timezone.now()
    )
    ring(f"run-{run.pk}")
