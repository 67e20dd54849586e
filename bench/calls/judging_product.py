"""The product's own database, seen from a measurement: runs made and rung for, waited for, counted.

`main` reads JSON lines, [command, arguments], and answers each with one; see COMMANDS. Django is set up before, with the
environment of the worker that is measured (DATABASE_URL, REDIS_URL, JURYROOM_DATA).
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from django.core.management import call_command

from arena.models import Answer, Benchmark, Category, LanguageModel, Question
from bench.calls.judging_texts import ANSWERS, answer, question
from judging.items import items_of
from judging.machines import machines_of
from judging.models import Judge, Preference, Run
from judging.preparing import standard_rubric
from judging.tasks import carry_out

LOOK = 0.05  # seconds between two looks at a run, a query that costs next to nothing: what comes after its end, its rating, is not to be counted


def fill(questions: int) -> None:
    """A database with so many questions, and two answers to each."""
    call_command("migrate", verbosity=0)
    benchmark = Benchmark.objects.create(name="bench", version="1")
    category = Category.objects.get_or_create(key="bench")[0]
    made = Question.objects.bulk_create(
        Question(benchmark=benchmark, category=category, key=str(k), turns=[question(k)], position=k, language="en")
        for k in range(questions)
    )
    for name in ANSWERS:
        model = LanguageModel.objects.create(name=name, version="1", vendor="bench")
        rows = [Answer(question=one, model=model, turns=[answer(name, k)]) for k, one in enumerate(made)]
        Answer.objects.bulk_create(rows)


def make(
    name: str,
    n: int,
    concurrency: int,
    base_url: str,
    limits: dict[str, Any] | None = None,
    endpoint: str = "vocabulary",
) -> int:
    """A run of `n` judgments in the queue, by a judge of its own: nothing that is on record answers it. Its id."""
    model = LanguageModel.objects.create(
        name=name,
        version="1",
        vendor="bench",
        provider="openai",
        base_url=base_url,
        endpoint_model=endpoint,
        options={"temperature": 0.0},
        limits=limits or {},
    )
    judge = Judge.objects.create(name=name, kind=Judge.Kind.LLM, model=model)
    run = Run.objects.create(
        name=name,
        benchmark=Benchmark.objects.get(name="bench"),
        mode=Run.Mode.PAIRWISE,
        rubric=standard_rubric("pairwise"),
        order=Run.Order.BOTH,
        limits={"questions": n // 2, "concurrency": concurrency},
    )
    run.candidates.set(LanguageModel.objects.filter(name__in=ANSWERS))
    run.judges.set([judge])
    return run.pk


def ring(run: int, queue: str = "celery") -> None:
    """Put the run into the queue and call a worker, as `judging.calling.call` does."""
    Run.objects.get(pk=run).enqueue()
    carry_out.apply_async((run,), queue=queue)


def wait(runs: list[int], seconds: float) -> bool:
    """Whether these runs came to their end in so many seconds."""
    end = time.monotonic() + seconds
    while Run.objects.filter(pk__in=runs, status__in=("queued", "running")).exists():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK)
    return True


def saved(run: int) -> int:
    """How many verdicts of the run are on record."""
    return Preference.objects.filter(run=run).count()


def facts(run: int) -> dict[str, Any]:
    """How the run ended: status, error, when (by time.time()), and its verdicts by status."""
    row = Run.objects.get(pk=run)
    mine = Preference.objects.current().filter(run=run)
    statuses = mine.values_list("status", flat=True)
    ended = row.finished_at.timestamp() if row.finished_at else None
    return {
        "status": row.status,
        "error": row.error,
        "ended": ended,
        "ok": mine.decided().count(),
        "all": len(statuses),
    }


def prompts(run: int) -> list[list[dict[str, str]]]:
    """What the run's judge is sent for each of its items."""
    row = Run.objects.get(pk=run)
    (machine,) = machines_of(row)
    asked = [machine.engine.request(item.exhibit())[0] for item in items_of(row)]
    return [[{"role": message.role, "content": message.content} for message in messages] for messages in asked]


COMMANDS = {one.__name__: one for one in (fill, make, ring, wait, saved, facts, prompts)}


def main() -> None:
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(COMMANDS[name](**arguments)), flush=True)
