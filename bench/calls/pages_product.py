"""The product's own database, seen from a measurement of pages: a board of any size, its page in this process, a run on it.

`main` reads JSON lines, [command, arguments], and answers each with one; see COMMANDS.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import Client

from arena.models import Battle, Benchmark
from bench import made
from bench.calls.ballot_product import people
from judging.assignment import prepare
from judging.models import Run, VotingItem
from judging.preparing import standard_rubric
from rating import counting, snapshots
from rating.models import Leaderboard, Rating

VOTED_ON = 4  # models of the run that is open for votes
WARM = 3  # requests before the first that counts


def fill() -> None:
    """An empty database."""
    call_command("migrate", verbosity=0)


def board(n: int, models: int, categories: int) -> dict[str, Any]:
    """A benchmark with so many judgments, counted and rated: its id, and the boards and rows of its snapshot."""
    benchmark = made.judged(n, models=models, categories=categories, questions=max(2 * categories, min(2000, n // 20)))
    while not counting.catch_up(at_most=1000):
        pass
    snapshot = snapshots.take(benchmark)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    places = Rating.objects.filter(snapshot=snapshot).order_by().values("source", "method", "category", "language")
    return {
        "benchmark": benchmark.pk,
        "boards": places.distinct().count(),
        "rows": snapshot.ratings.count(),
        "category": benchmark.questions.order_by("position").values_list("category__key", flat=True).first(),
    }


def served(benchmark: int, query: str, times: int) -> dict[str, list[float]]:
    """Milliseconds and statements of a visitor's requests for the board's page, in this process."""
    client = Client(SERVER_NAME="127.0.0.1")
    found: dict[str, list[float]] = {"milliseconds": [], "queries": []}
    for number in range(WARM + times):
        counted: list[str] = []

        def noted(execute, sql, params, many, context, counted=counted):
            counted.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(noted):
            began = time.perf_counter()
            answer = client.get(f"/leaderboard/{benchmark}/{query}")
            took = time.perf_counter() - began
        assert answer.status_code == 200, answer.content[:500]
        if number >= WARM:
            found["milliseconds"].append(took * 1e3)
            found["queries"].append(len(counted))
    return found


def opened(benchmark: int, questions: int) -> dict[str, Any]:
    """A run on the benchmark that is open for votes on a few of its questions; an annotator's session, and a viewer's, who
    may follow the board meanwhile."""
    found = Benchmark.objects.get(pk=benchmark)
    run = Run.objects.create(
        name="votes", benchmark=found, mode=Run.Mode.PAIRWISE, rubric=standard_rubric("pairwise"),
        limits={"overlap": 1, "questions": questions}, status=Run.Status.OPEN,
    )  # fmt: skip
    answered = Battle.objects.filter(question__benchmark=found).order_by("pk").first()
    run.candidates.set([answered.first.model_id, answered.second.model_id])
    prepare(run)
    (session,), (viewer,) = people(1), people(1, role="viewer")
    return {"run": run.pk, "items": VotingItem.objects.filter(run=run).count(), "session": session, "viewer": viewer}


def standing(benchmark: int) -> int:
    """How many judgments the current snapshot has."""
    return Leaderboard.objects.select_related("current").get(benchmark=benchmark).current.n


COMMANDS = {one.__name__: one for one in (fill, board, served, opened, standing)}


def main() -> None:
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(COMMANDS[name](**arguments)), flush=True)
