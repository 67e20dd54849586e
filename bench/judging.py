"""1,000 judgments through the product: how much of the ideal time it takes, what it costs, and what is lost.

    .venv/bin/python bench/judging.py                  # all of it, some ten minutes
    .venv/bin/python bench/judging.py --n 200          # fewer judgments; --only WORD takes rows by situation or by who
    .venv/bin/python bench/judging.py --peers no       # without FastChat; --peers FOLDER keeps its environment there

A mock endpoint on loopback, in a process of its own, answers after 200 ms, or after a time that is drawn (log-normal, 95 in
100 between 0.5 and 8 s); it fails, or garbles what it says, as often as the row tells. *Juryroom* is a Celery worker as
`compose.yaml` starts it, with Redis, on SQLite or on PostgreSQL with fsync off; the script starts them all and ends them.
*Its client alone* is `arena.chat.many` over one chat: what judging adds is the difference. *FastChat* is its own
`gen_judgment` with its thread pool.

Efficiency is the sum of the endpoint's own latencies divided by the calls at a time, divided by the seconds from the first
request to the end of the run, which is after the last save. Where calls fail it is that of a run without failures. *ideal* is
the most that constant latencies allow (1,000 calls of 128 at a time are eight rounds, the last one not full). CPU per call is of all of the
worker's processes together, from the call for a worker to the end of the run, shared by all calls that the endpoint saw. *repeated* are calls that had been answered
before.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import product, servers, tables
from bench.calls.judging_texts import ANSWERS, answer, question
from bench.judged import CLIENT, FASTCHAT, LATENCY, MIDDLE, OURS, ROWS, Found, Row, bars, holds, said, table
from bench.peers import JUDGES, environment

SLOW = 60.0  # seconds after which a peer is ended

Who = Callable[[Row, servers.Endpoint], Found]


def main() -> None:
    asked = _asked()
    print(tables.machine(), tables.command(), sep="\n")
    with tempfile.TemporaryDirectory(prefix="judging-", ignore_cleanup_errors=True) as place, ExitStack() as stack:
        folder = Path(place)
        databases = _databases(folder, stack, asked)
        found = list(_measured(folder, databases, stack, asked))
        if found:
            print(table(found, markdown=asked.markdown), *bars(found, markdown=asked.markdown), sep="\n", flush=True)
        for line in _apart(folder, databases, asked):
            print(line, flush=True)


def _asked() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--n", type=int, default=1000, help="judgments of each row")
    options.add_argument(
        "--only", default="", metavar="WORD", help="rows whose situation, parallelism or who has this in it"
    )
    options.add_argument("--peers", default="yes", help="no, or a folder to keep FastChat's environment in")
    options.add_argument("--times", type=int, help="how often each row is measured, the quickest counts")
    options.add_argument("--markdown", action="store_true")
    return options.parse_args()


def _wanted(asked: argparse.Namespace, *words: object) -> bool:
    return asked.only.lower() in " ".join(map(str, words)).lower()


def _is_for(row: Row, name: str) -> bool:
    """The client alone does not judge, so garbage is nothing to it; and what others do with more, they do with less."""
    return name.startswith(OURS) or (row.more == 1 and (name != CLIENT or row.manners.keys() == {"latency"}))


def _databases(folder: Path, stack: ExitStack, asked: argparse.Namespace) -> list[product.Database]:
    """SQLite, and PostgreSQL where it can be started; [] without Redis."""
    found = []
    try:
        redis = stack.enter_context(servers.redis(folder))
        for name in ("SQLite", "PostgreSQL"):
            if not any(_wanted(asked, row.what, row.concurrency, f"{OURS}, {name}") for row in (*ROWS, *APART)):
                continue
            url = stack.enter_context(servers.postgres(folder)) if name == "PostgreSQL" else ""
            # each has a Redis database of its own: a worker takes what was rung for on the other one
            mine = redis.removesuffix("/0") + f"/{len(found)}"
            made = product.database(name, folder, redis=mine, url=url, questions=2 * asked.n)
            found.append(stack.enter_context(made))
    except servers.NotThere as missing:
        print(f"left out: {missing}", flush=True)
    return found


def _measured(
    folder: Path, databases: list[product.Database], stack: ExitStack, asked: argparse.Namespace
) -> Iterator[Found]:
    with ExitStack() as working:
        for name, who in _everybody(folder, databases, stack, working, asked):
            for row in ROWS:
                if _wanted(asked, row.what, row.concurrency, name) and _is_for(row, name):
                    several = [_once(folder, row, name, who, asked) for _ in range(asked.times or row.times)]
                    best = min(several, key=lambda one: (bool(one.failed), one.seconds))
                    print(f"{row.what}, {row.concurrency} at a time, {name}: {said(best)}", file=sys.stderr, flush=True)
                    yield best


def _everybody(
    folder: Path, databases: list[product.Database], stack: ExitStack, working: ExitStack, asked: argparse.Namespace
) -> Iterator[tuple[str, Who]]:
    """Who is measured, one after the other: ours on each database, the client alone, FastChat."""
    for database in databases:
        name = f"{OURS}, {database.name}"
        if not any(_wanted(asked, row.what, row.concurrency, name) for row in ROWS):
            continue
        with product.worker(database) as worker:
            product.warm(database, worker.pid, folder)
            yield name, _ours(database, worker, asked.n)
    if databases:
        yield (
            CLIENT,
            _other(
                CLIENT,
                [sys.executable, "-m", "bench.calls.judging_client"],
                _prompts(databases[0], folder, asked.n),
                asked.n,
            ),
        )
    if asked.peers == "no" or not any(_wanted(asked, row.what, row.concurrency, FASTCHAT) for row in ROWS):
        return
    kept = None if asked.peers == "yes" else Path(asked.peers)
    try:
        python = stack.enter_context(environment(kept, which=JUDGES))
    except subprocess.CalledProcessError as error:
        print(f"left out: {FASTCHAT} cannot be installed ({error})", flush=True)
        return
    command = [str(python), "-m", "bench.calls.judging_fastchat"]
    yield FASTCHAT, _other(FASTCHAT, command, _questions(databases, folder, asked.n), asked.n)


def _once(folder: Path, row: Row, name: str, who: Who, asked: argparse.Namespace) -> Found:
    try:
        with servers.endpoint(folder, **row.manners) as mock:
            return who(row, mock)
    except servers.NotThere as error:
        return Found(row, name, asked.n, failed=str(error))


def _ours(database: product.Database, worker: subprocess.Popen, usual: int) -> Who:
    def measured(row: Row, mock: servers.Endpoint) -> Found:
        n = usual * row.more
        told = product.judged(database, worker.pid, mock, n=n, concurrency=row.concurrency)
        return Found(
            row,
            f"{OURS}, {database.name}",
            n,
            told.seconds,
            _ideal(told.seen, row, n) / told.seconds,
            told.cpu / told.seen["chat"],
            told.peak,
            told.lost + told.without,
            told.repeated,
        )

    return measured


def _other(name: str, command: list[str], texts: Path, n: int) -> Who:
    """A process that is given the texts, the address and the calls at a time, and tells when it ended."""

    def measured(row: Row, mock: servers.Endpoint) -> Found:
        log = texts.with_suffix(".log")
        told = [*command, str(texts), mock.base_url, str(row.concurrency)]
        with servers.process(told, log, stdout=subprocess.PIPE, text=True) as child:
            try:
                out, _ = child.communicate(timeout=SLOW)
            except subprocess.TimeoutExpired:
                return Found(row, name, n, failed=f"> {SLOW:.0f} s")
            if child.returncode:
                return Found(row, name, n, failed=f"failed: {log.read_text().strip()[-60:]}")
        facts, seen = json.loads(out), mock.stats()
        seconds = facts["ended"] - seen["first"]
        repeated = seen["again"] - seen["outcomes"].get("failed", 0)
        return Found(
            row,
            name,
            n,
            seconds,
            _ideal(seen, row, n) / seconds,
            facts["cpu"] / seen["chat"],
            facts["peak"],
            n - facts["ok"],
            repeated,
        )

    return measured


def _ideal(seen: dict, row: Row, n: int) -> float:
    """N · latency / calls at a time, in seconds; the latencies that were drawn, where they were."""
    latency = row.manners["latency"]
    return (n * latency if isinstance(latency, float) else seen["latency"]) / row.concurrency


def _prompts(database: product.Database, folder: Path, n: int) -> Path:
    run = database.say("make", name="prompts", n=n, concurrency=1, base_url="http://127.0.0.1:9/v1")
    path = folder / "prompts.json"
    path.write_text(json.dumps(database.say("prompts", run=run)))
    return path


def _questions(databases: list[product.Database], folder: Path, n: int) -> Path:
    """FastChat's questions and answers, and what our judge is told, as its system prompt."""
    told = json.loads((folder / "prompts.json").read_text()) if databases else [[{"content": ""}]]
    numbers = range(n // 2)
    texts = {"system": told[0][0]["content"], "questions": [question(k) for k in numbers]}
    texts["answers"] = {name: [answer(name, k) for k in numbers] for name in ANSWERS}
    path = folder / "questions.json"
    path.write_text(json.dumps(texts))
    return path


# --- what is measured apart ---------------------------------------------------------------------------------------------

APART = (
    Row("40 % errors, kill -9", MIDDLE, {"latency": LATENCY, "fail": 0.4}),
    Row("two workers, one limit", 8, {"latency": 0.05}),
)
RPM = 600


def _apart(folder: Path, databases: list[product.Database], asked: argparse.Namespace) -> Iterator[str]:
    kill, both = APART
    star = "* " if asked.markdown else ""
    for database in databases:
        if _wanted(asked, kill.what, kill.concurrency, f"{OURS}, {database.name}"):
            yield star + _killed(folder, database, kill, asked.n)
    for database in databases[:1]:
        if _wanted(asked, both.what, both.concurrency, f"{OURS}, {database.name}"):
            yield star + _shared(folder, database, both, min(asked.n, 160))


def _killed(folder: Path, database: product.Database, row: Row, n: int) -> str:
    with servers.endpoint(folder, **row.manners) as mock:
        found = product.killed(database, mock, n=n, concurrency=row.concurrency)
    told = found.told
    lost = told.lost + told.without
    kept = lost == 0 and told.repeated <= found.in_flight
    return (
        f"bar: {row.what} of the worker at 50 %, {row.concurrency} at a time, {database.name}: nothing lost, and only what was in flight"
        f" asked again: {holds(kept)} ({lost} lost, {told.repeated} asked again of {found.in_flight} in flight)"
    )


def _shared(folder: Path, database: product.Database, row: Row, n: int) -> str:
    with servers.endpoint(folder, kept=True, **row.manners) as mock:
        found = product.shared(database, mock, n=n, rpm=RPM)
    shared = found.lost == 0 and 0.98 * RPM <= found.rate <= RPM
    one, two = found.by_worker
    return (
        f"bar: two workers on two queues share one limit of {RPM} calls a minute: {holds(shared)} (together"
        f" {found.rate:.1f} a minute, at most {found.most} in ten seconds; {one} and {two} verdicts, {found.lost} lost)"
    )


if __name__ == "__main__":
    main()
