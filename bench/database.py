"""From judgments in a database to a stored snapshot, and a vote's effect on the standing counts: SQLite and PostgreSQL.

    .venv/bin/python bench/database.py                        # SQLite, in a temporary folder
    .venv/bin/python bench/database.py --postgres postgres://USER@HOST:PORT/postgres    # and a database made there for it

Prints, for each database, what one plain SELECT of the columns that ratings need costs, fetched row by row as Python does,
and beside it the door (`rating.data.read`), a stored snapshot (every source and category with intervals clustered by
question, and agreement), the same with online Elo, the live refresh from the standing counts, and one vote brought into them
with 10³ to 10⁶ judgments on record. Medians; the first of each apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent
JOINED = ("battle__question__category", "battle__first__model", "battle__second__model")
COLUMNS = (
    "pk",
    "battle",
    "judge",
    "rubric",
    "run",
    "trial",
    "swapped",
    "status",
    "superseded_at",
    "provenance",
    "value",
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--postgres", metavar="URL", help="a PostgreSQL server to measure on too")
    options.add_argument("--n", type=int, default=1_000_000, help="judgments (default: a million)")
    options.add_argument("--models", type=int, default=100)
    options.add_argument("--categories", type=int, default=10)
    options.add_argument("--child", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.child:
        print(json.dumps(measured(asked.n, asked.models, asked.categories)))
        return
    found = []
    with tempfile.TemporaryDirectory() as folder:
        found.append(in_child(asked, {"JURYROOM_DATA": folder, "DATABASE_URL": ""}))
    if asked.postgres:
        with database(asked.postgres) as url:
            found.append(in_child(asked, {"DATABASE_URL": url}))
    print(table(found, asked))


def in_child(asked: argparse.Namespace, environment: dict[str, str]) -> dict:
    """The figures of one database, from a process of its own."""
    command = [
        sys.executable,
        __file__,
        "--child",
        "yes",
        *(f"--{name}={getattr(asked, name)}" for name in ("n", "models", "categories")),
    ]
    told = subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(told.stdout.splitlines()[-1])


class database:
    """A database of its own on that server, gone at the end; its URL."""

    def __init__(self, url: str):
        self.url, self.name = url, f"juryroom_bench_{os.getpid()}"

    def _say(self, sql: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql)

    def __enter__(self) -> str:
        self._say(f"CREATE DATABASE {self.name}")
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{self.name}"))

    def __exit__(self, *_: object) -> None:
        self._say(f"DROP DATABASE {self.name} WITH (FORCE)")


def timed(act: Callable[[], object], *, times: int = 5) -> dict[str, float]:
    """Seconds of the first call, and the median, least and most of `times` further ones."""
    taken = []
    for _ in range(times + 1):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    rest = sorted(taken[1:])
    return {"first": taken[0], "median": statistics.median(rest), "least": rest[0], "most": rest[-1]}


def measured(n: int, models: int, categories: int) -> dict:
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "arena.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from bench import made
    from rating import counting, data, live, snapshots
    from rating.models import Leaderboard, PairCount

    call_command("migrate", verbosity=0)
    sizes = [size for size in (1_000, 10_000, 100_000) if size < n]
    votes = {}
    for size in sizes:
        made.judged(size, models=min(models, 20), categories=categories, questions=max(20, min(2000, size // 10)))
        while not counting.catch_up(at_most=1000):
            pass
        votes[size] = timed(one_vote(f"bench {size}"), times=20)
    benchmark = made.judged(n, models=models, categories=categories)
    start = time.perf_counter()
    while not counting.catch_up(at_most=1000):
        pass
    counted = time.perf_counter() - start
    votes[n] = timed(one_vote(benchmark.name), times=20)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    told = {
        "database": connection.vendor,
        "select": timed(plain_select(benchmark)),
        "door": timed(lambda: data.read(benchmark)),
        "joined": timed(plain_select(benchmark, *JOINED), times=3),
        "snapshot": timed(fresh_snapshot(benchmark, methods=["bt", "score"])),
        "everything": timed(fresh_snapshot(benchmark), times=3),
    }
    leaderboard = Leaderboard.objects.select_related("benchmark", "current").get(benchmark=benchmark)
    how = snapshots.recipe(leaderboard)[1]
    told["live"] = timed(lambda: live.refresh(leaderboard, how))
    told["live"]["rows"] = PairCount.objects.filter(benchmark=benchmark).count()
    boards = leaderboard.current.ratings.order_by().values("source", "method", "category").distinct().count()
    return {**told, "votes": votes, "backlog": counted, "boards": boards, "live_boards": leaderboard.live.count()}


def plain_select(benchmark, *more: str) -> Callable[[], object]:
    """One SELECT of the judgments' own columns, and `more` through joins, all rows fetched."""
    from django.db import connection

    from judging.models import Preference

    items = Preference.objects.filter(battle__question__benchmark=benchmark).order_by("battle")
    first, last = items.values_list("battle", flat=True).first(), items.values_list("battle", flat=True).last()
    rows = Preference.objects.filter(battle__gte=first, battle__lte=last).order_by().values_list(*COLUMNS, *more)
    sql, params = rows.query.sql_with_params()

    def select() -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return len(cursor.fetchall())

    return select


def fresh_snapshot(benchmark, **recipe: object) -> Callable[[], object]:
    """Takes a new snapshot each time: another level of the intervals is another recipe."""
    from rating import snapshots
    from rating.models import Leaderboard

    levels = iter(range(1, 100))

    def take() -> object:
        Leaderboard.objects.filter(benchmark=benchmark).update(recipe={**recipe, "level": 0.95 - next(levels) / 1e6})
        return snapshots.take(benchmark, passing=True)

    return take


def one_vote(name: str) -> Callable[[], object]:
    """Changes one vote on that benchmark and brings the counts up to it."""
    from django.utils import timezone

    from judging.models import Preference
    from rating import counting

    ours = Preference.objects.filter(battle__question__benchmark__name=name, judge__kind="person")
    there = iter(list(ours.current().order_by("pk")[:100]))

    def vote() -> None:
        old = next(there)
        Preference.objects.filter(pk=old.pk).update(superseded_at=timezone.now())
        old.pk, old.counted, old.value = None, False, -old.value
        old.save(force_insert=True)
        counting.catch_up()

    return vote


def table(found: list[dict], asked: argparse.Namespace) -> str:
    """The figures as Markdown."""
    rows = [f"{asked.n:,} judgments · {asked.models} models · {asked.categories} categories", ""]
    rows += ["| | " + " | ".join(one["database"] for one in found) + " |", "|---|" + "---:|" * len(found)]

    def row(title: str, tell: Callable[[dict], str]) -> str:
        return f"| {title} | " + " | ".join(tell(one) for one in found) + " |"

    def ms(key: str) -> Callable[[dict], str]:
        return lambda one: (
            f"{one[key]['median'] * 1e3:,.0f} ms ({one[key]['median'] / one['select']['median']:.2f} ×; first {one[key]['first'] * 1e3:,.0f})"
        )

    rows.append(row("one plain SELECT of the columns, fetched", lambda one: f"{one['select']['median'] * 1e3:,.0f} ms"))
    rows.append(row("the door: judgments to arrays", ms("door")))
    rows.append(
        row(
            "the SELECT with models and category through joins, as it would be without columns of the battle's own",
            ms("joined"),
        )
    )
    rows.append(
        row(
            "a stored snapshot: Bradley–Terry with clustered intervals by source and category, calibrated, agreement",
            ms("snapshot"),
        )
    )
    rows.append(row("the same with online Elo in its order and in 20 others", ms("everything")))
    rows.append(row("boards in it", lambda one: f"{one['boards']}"))
    rows.append(row("live refresh from the standing counts, stored", ms("live")))
    rows.append(row("boards in it, from so many counts", lambda one: f"{one['live_boards']}, {one['live']['rows']:,}"))
    for size in found[0]["votes"]:
        rows.append(
            row(
                f"one vote into the counts, {int(size):,} on record",
                lambda one, size=size: f"{one['votes'][size]['median'] * 1e3:.1f} ms",
            )
        )
    rows.append(row("all of them into the counts, in the background", lambda one: f"{one['backlog']:.0f} s"))
    return "\n".join(rows)


if __name__ == "__main__":
    main()
