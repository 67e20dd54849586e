"""A run carried out: missing answers collected, missing judgments made, every one saved as it arrives."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from time import monotonic, sleep

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from arena.chat import ChatError
from arena.keeping import NotKept
from arena.keys import NoKey, key_of
from arena.live import UNHEARD, ring
from arena.models import LanguageModel, Provenance
from judging import awaited, elsewhere, failing, notifying, trials
from judging.batching import POLL
from judging.items import (
    AT_ONCE,
    KEYS,
    Item,
    items_of,
    participants,
    question_chunks,
    questions_of,
    table_of,
    undecided,
)
from judging.judges import EndpointDown
from judging.machines import Machine, everybody, judges_of, machine_of, machines_of
from judging.models import Judge, Run
from judging.progress import expected, judgments_of, progress, wanted_answers
from judging.purse import Purse, Spent
from judging.signals import judged
from judging.verdicts import (
    Go,
    Lost,
    collect_from,
    judge_items,
    look_at_batches,
    open_batches,
    save,
    wait_for_batches,
    write_references,
)

__all__ = [
    "Lost",
    "STAGES",
    "cancel",
    "carry_out",
    "carry_out_in_turn",
    "pause",
    "retry_failed",
    "save",
    "tell",
    "wind_up",
]

log = logging.getLogger(__name__)
STAGES = ("answers", "judgments")
BELL = 1.0  # seconds between two bells at the least; that the run is over is told at once
ROUNDS = 32  # of calls, at the least, before more is loaded: between two pieces an endpoint has nothing to do
LOOK = 2.0  # seconds between two looks at a run that another worker has
LONGEST = 30.0  # seconds between two looks at what other runs ask of the same judges


def carry_out(run: Run, *, stages: Sequence[str] | None = None, watch: Callable[[Run], None] | None = None) -> bool:
    """Do what is missing of `run`; False when another worker has it, or nobody should.

    `stages` limits this go, and whoever takes it over should we die; None leaves the limit that `enqueue` set. `watch` is
    called after every batch (for a progress line). The run ends as done, as failed with the reason in `run.error`, as a draft
    when its stages left something to judge, or paused where its budget is spent. A process that is stopped leaves it in the queue: cancelled it is by
    a person only. What was saved stays, whatever happens.
    """
    token = run.claim()
    if token is None:
        return False
    if stages is not None:
        Run.objects.filter(pk=run.pk).update(stages=list(stages))
    run.refresh_from_db()
    notifying.note(run)

    due = 0.0

    def beat() -> None:
        nonlocal due
        if not run.renew(token):
            raise Lost
        if monotonic() >= due:
            awaited.note(run)
            tell(run)
            due = monotonic() + BELL
        if watch:
            watch(run)

    try:
        run.release(token, **_worked(run, tuple(run.stages or STAGES), beat, partial(run.hold, token)))
    except Lost:
        log.info("run %s: the lease is gone", run.pk)
        run.release(token, status=Run.Status.RUNNING)
    except Spent as spent:
        run.release(token, status=Run.Status.PAUSED, error=str(spent))
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
        notifying.note(run)
    wind_up(run)
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
        sleep(min(max(left, 0) + 0.1, LOOK))
        if watch:
            watch(run)


def _worked(run: Run, stages: tuple[str, ...], beat: Callable[[], None], hold: Callable[[], bool]) -> dict[str, str]:
    """Do these stages; how the run ends: its status, and the reason or the stage it got to. Raises NoKey, Lost, NotKept, Spent.

    All keys and prices are looked for before anybody is asked. An endpoint that is down keeps nobody else from being asked.
    """
    asked = models_to_ask(run) if "answers" in stages else []
    machines = machines_of(run) if "judgments" in stages else []
    models = [*asked, *(machine.model for machine in everybody(machines) if machine.model)]
    go = Go(run, beat, Purse.of(run, models), hold)
    down: list[str] = []
    if asked:
        _stage(run, "answers")
        down += collect_answers(go, asked)
    if "judgments" in stages:
        trials.settle(run)
        run.begin_judging()
        down += make_judgments(go, machines)
    if short := [*dict.fromkeys(down), *_shortcomings(run, stages, machines)]:
        return {"status": Run.Status.FAILED, "error": "; ".join(short)}
    if "judgments" in stages or progress(run).is_all_judged:
        return {"status": Run.Status.DONE}
    return {"status": Run.Status.DRAFT, "stage": "answers"}


def _shortcomings(run: Run, stages: tuple[str, ...], machines: list) -> list[str]:
    """Why a go that nobody stopped is no success: answers that failed, or nothing there to judge."""
    short: list[str] = []
    if run.collects and "answers" in stages:
        failed = wanted_answers(run).failed()
        if first := failed.select_related("model").first():
            n, told = failed.count(), {"model": first.model.name, "error": first.error}
            short.append(failing.ANSWERS % {"n": n, **told} if n > 1 else failing.AN_ANSWER % told)
    if machines and not short and expected(run) == 0:
        short.append(failing.NOTHING)
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


def collect_answers(go: Go, models: Iterable[LanguageModel]) -> list[str]:
    """Ask these models the questions they have not answered; why some could not be asked on. Raises Lost, NotKept, Spent."""
    down: list[str] = []
    for model in models:
        try:
            for sample in range(go.run.samples):
                collect_from(go, model, questions_of(go.run).unanswered_by(model, sample=sample), sample=sample)
        except ChatError as error:
            down.append(f"model {model.name}: {error}")
    return down


def make_judgments(go: Go, machines: Iterable[Machine]) -> list[str]:
    """Let these judges judge what they have not judged; why some could not go on. Raises Lost, NotKept, Spent.

    Who is asked by batches comes first and hands over all there is; the others judge meanwhile. What the batches bring back may
    be something to compose, or a reason to ask: then all have another turn.
    """
    run = go.run
    if run.provenance != Provenance.DRY_RUN:
        run.benchmark.freeze()
    run.rubric.freeze()
    down: list[str] = []
    judges = sorted(machines, key=lambda machine: not machine.waits_for_batches)
    for one in everybody(judges):
        if one.in_batches:
            open_batches(go, one)
    while True:
        settled, waiting = go.settled, judges
        while waiting:
            held, began = [], monotonic()
            for machine in waiting:
                try:
                    failures, is_held = _judge_free(go, machine)
                except (EndpointDown, ChatError) as error:
                    down.append(str(error))
                    judges = [one for one in judges if one is not machine]
                    continue
                down += failures
                held += [machine] if is_held else []
            if waiting := held:
                _let_others_ask(go, held, took=monotonic() - began)
        wait_for_batches(go)
        if go.settled == settled:
            return [*down, *(batches.failure for batches in go.batches.values() if batches.failure)]


def _judge_free(go: Go, machine: Machine) -> tuple[list[str], bool]:
    """Let this judge judge what it has not judged and no run that began before asks it or its members just now: what both want is
    paid for once, as the later one finds it on record. Why some members could not go on, and whether something was left. Raises as
    `judge_items`."""
    if elsewhere.writes_references(go.run, machine):
        return [], True
    write_references(go, machine)
    down: list[str] = []
    is_held = False
    for todo in batches_to_judge(go.run, machine.judge, go.beat, at_once=_at_once(go, machine)):
        mine = elsewhere.free(go.run, machine, todo)
        is_held = is_held or len(mine) < len(todo)
        down += judge_items(go, machine, mine) if mine else []
    return down, is_held


def _let_others_ask(go: Go, held: Sequence[Machine], *, took: float) -> None:
    """Wait until it is worth looking again at what other runs ask of these judges, where looking took so many seconds: while they
    ask, not longer than LONGEST, and until they are through. Batches of our own are collected meanwhile. Raises Lost, NotKept,
    Spent."""
    pause = POLL if look_at_batches(go) else min(LONGEST, max(LOOK, 4 * took))
    until = monotonic() + pause
    while monotonic() < until and any(elsewhere.is_asked(go.run, machine) for machine in held):
        go.beat()
        sleep(LOOK / 4)


def _at_once(go: Go, machine: Machine) -> int:
    """How many items are judged before more are loaded: enough that the last round of calls, when fewer and fewer are under
    way, is one of many."""
    return max(AT_ONCE, ROUNDS * go.concurrency) if machine.model else AT_ONCE


def batches_to_judge(
    run: Run, judge: Judge, beat: Callable[[], None] = lambda: None, *, at_once: int | None = None
) -> Iterator[list[Item]]:
    """What this judge has not judged, `at_once` (None: AT_ONCE) items or so at a time: never the whole run in memory, and never so much
    work between two beats that the lease runs out."""
    todo: list[Item] = []
    for questions in question_chunks(run):
        todo += undecided(run, judge, items_of(run, questions), questions)
        beat()
        if len(todo) >= (at_once or AT_ONCE):
            yield todo
            todo = []
    if todo:
        yield todo


@transaction.atomic
def retry_failed(run: Run, *, status: str = "", judge: str = "") -> int:
    """Set the run's failed judgments and answers aside, so that the next go asks again; how many.

    With a `status` those that failed by this cause alone, with a `judge` those of judges of this name alone, and no answers.
    A panel that failed hears those of its members again that failed.
    """
    rows = _failed_judgments(run, status=status, judge=judge)
    # in the order of their ids, as whoever counts locks them: else the two could wait for each other
    list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
    aside = rows.update(superseded_at=timezone.now())
    answers = run.collects and not (status or judge)
    return aside + (wanted_answers(run).failed().count() if answers else 0)


def _failed_judgments(run: Run, *, status: str = "", judge: str = "") -> QuerySet:
    """The failed judgments of the run's judges, and those of members whose panel or cascade failed on the same item.

    `status` and `judge` (a name) choose among those of the run's own judges; empty chooses all.
    """
    chosen = {name: value for name, value in (("status", status), ("judge__name", judge)) if value}
    listed = list(run.judges.values_list("pk", flat=True))
    members = set(judges_of(run)) - set(listed)
    failed = judgments_of(run).failed()
    mine = Q(judge__in=listed, **chosen)
    if members:
        same = {name: OuterRef(name) for name in KEYS[table_of(run)[1]]}
        composed = failed.filter(judge__in=listed, judge__kind__in=Judge.COMPOSED, **chosen, **same)
        mine |= Q(judge__in=members) & Exists(composed)
    return failed.filter(mine)


def pause(run: Run) -> bool:
    """Hold the run until somebody resumes it (`enqueue`): what is under way is waited for and kept. False where it was not live."""
    live = Run.objects.filter(pk=run.pk, status__in=(Run.Status.QUEUED, Run.Status.RUNNING))
    held = live.update(status=Run.Status.PAUSED)
    ring(f"run-{run.pk}")
    return bool(held)


def cancel(run: Run) -> None:
    """End the run now; what was saved stays. Its batches are stopped by `wind_up`, which whoever has the run does at once, and the
    sweep else."""
    stoppable = (Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.OPEN, Run.Status.PAUSED)
    Run.objects.filter(pk=run.pk, status__in=stoppable).update(status=Run.Status.CANCELLED, finished_at=timezone.now())
    ring(f"run-{run.pk}")
    notifying.note(run)


def wind_up(run: Run) -> None:
    """Stop a cancelled run's batches at their endpoints, and save what they were answered by then: it is paid for.

    Nobody is asked again. Where a batch takes its time to stop, the next one to call this saves what it brings. Without effect
    where there is nothing to wind up, or somebody else does so.
    """
    token = run.claim_cancelled()
    if token is None:
        return
    try:
        _wind_up(Go(run, lambda: None, Purse(), partial(run.hold, token)))
    finally:
        run.release(token, status=Run.Status.CANCELLED)


def _wind_up(go: Go) -> None:
    open_ = go.run.submissions.filter(finished_at=None)
    for judge in Judge.objects.filter(pk__in=open_.values("judge")).select_related("model"):
        try:
            batches = open_batches(go, machine_of(judge, go.run, go.run.rubric.text()), mends=False)
        except (NoKey, ValueError) as error:
            log.warning("run %s: its batches cannot be stopped: %s", go.run.pk, error)
            continue
        batches.collect()
        batches.cancel()
