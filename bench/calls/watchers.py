"""Many people watching one run while its worker judges: how soon they see what was judged, and what that costs the server.

    .venv/bin/python -m bench.calls.watchers --sockets 1 200 --judgments 600

A real `manage.py up` on a database of its own, with its worker and a mock endpoint behind its judge; each socket is another
lead's. The delay of a judgment is from when it was made to when a socket has the first fragment that counts it: about half a
second and at most one of it is that fragments come once a second. CPU is the server's own, its worker's part included, so that
a row with one socket is what to compare with. `main` prints a row for each number of sockets; `measured` returns them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from bench import servers

CONCURRENCY, LATENCY = 8, 0.25
LONGEST = 180.0  # seconds that a run may take
DONE = re.compile(r'data-status="(\w+)" data-percent="\d+" data-done="(\d+)"')
OURS = """
import json, sys
import django
django.setup()
from bench.calls.watchers import COMMANDS
print(json.dumps(COMMANDS[sys.argv[1]](*map(json.loads, sys.argv[2:]))))
"""


@dataclass(frozen=True)
class Row:
    """What came of one run: sockets, fragments that all of them had, median and p95 delay in seconds over judgments and sockets,
    CPU seconds of the server and seconds of wall time while the run went, kilobytes of a fragment, judgments."""

    sockets: int
    fragments: int
    median: float
    p95: float
    cpu: float
    seconds: float
    kilobytes: float
    judgments: int


@dataclass
class Heard:
    """What one socket was told: (when, judgments done) of each fragment."""

    fragments: list[tuple[float, int]] = field(default_factory=list)
    size: int = 0
    ended: bool = False


# --- in a process of the site's


def fill(endpoint: str, questions: int, sockets: int) -> dict[str, Any]:
    """An empty database with a run that nobody has started, and sessions of so many leads."""
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command
    from django.test import Client

    from arena.models import Answer, Benchmark, Category, LanguageModel, Question
    from judging.models import Judge, Run
    from judging.preparing import standard_rubric

    call_command("migrate", verbosity=0)
    benchmark = Benchmark.objects.create(name="watched", title_en="Watched")
    category = Category.objects.create(key="chat")
    rows = [
        Question(benchmark=benchmark, category=category, key=str(k), turns=[f"What is {k}?"], position=k)
        for k in range(questions)
    ]
    Question.objects.bulk_create(rows)
    models = [LanguageModel.objects.create(name=name, version="1", vendor="bench") for name in ("Ash", "Birch")]
    Answer.objects.bulk_create(
        Answer(question=question, model=model, turns=[f"It is {question.key} {'and more ' * place}"]).rendered()
        for question in rows
        for place, model in enumerate(models)
    )
    how = {"provider": "openai", "base_url": endpoint, "endpoint_model": "vocabulary", "vendor": "bench"}
    oracle = LanguageModel.objects.create(name="oracle", version="1", price_in=1, price_out=1, **how)
    judge = Judge.objects.create(name="oracle", kind=Judge.Kind.LLM, model=oracle)
    told = {"benchmark": benchmark, "mode": "pairwise", "rubric": standard_rubric("pairwise")}
    run = Run.objects.create(name="watched", status="draft", limits={"concurrency": CONCURRENCY}, **told)
    run.candidates.set(models)
    run.judges.set([judge])
    group, sessions = Group.objects.get_or_create(name="lead")[0], []
    for number in range(sockets):
        user = User.objects.create(username=f"lead {number}")
        user.groups.add(group)
        client = Client()
        client.force_login(user)
        sessions.append(client.cookies["sessionid"].value)
    return {"run": run.pk, "sessions": sessions}


def start(run: int) -> bool:
    """Put the run where the site's own sweep finds it, within five seconds."""
    from judging.models import Run

    return bool(Run.objects.filter(pk=run).update(status="queued"))


def made_at(run: int) -> list[float]:
    """When each judgment of the run was made, by time.time(), in order."""
    from judging.models import Preference

    return sorted(at.timestamp() for at in Preference.objects.filter(run=run).values_list("created_at", flat=True))


COMMANDS = {"fill": fill, "start": start, "made_at": made_at}


# --- outside


def ours(environment: dict[str, str], command: str, *arguments: Any) -> Any:
    """What one of COMMANDS says, carried out in a process of the site's."""
    call = [sys.executable, "-c", OURS, command, *map(json.dumps, arguments)]
    told = subprocess.run(call, cwd=servers.ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(told.stdout.splitlines()[-1])


def measured(sockets: int, judgments: int) -> Row:
    """One run of about so many judgments with so many sockets on it. Raises servers.NotThere."""
    with tempfile.TemporaryDirectory() as name, servers.endpoint(Path(name), latency=LATENCY) as endpoint:
        folder = Path(name)
        dropped = ("DATABASE_URL", "REDIS_URL")
        environment = {key: value for key, value in os.environ.items() if key not in dropped}
        environment |= {"JURYROOM_DATA": name, "JURYROOM_NO_SETUP": "1", "DJANGO_SETTINGS_MODULE": "arena.settings"}
        environment["PYTHONPATH"] = str(servers.ROOT)
        made = ours(environment, "fill", endpoint.base_url, max(1, judgments // 2), sockets)
        port, log = servers.free_port(), folder / "site.log"
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        with servers.process(command, log, env=environment) as server:
            address = f"127.0.0.1:{port}"
            heard, began, ended, cpu = asyncio.run(_watched(address, made, environment, server.pid))
            at = ours(environment, "made_at", made["run"])
    delays = sorted(delay for one in heard for delay in _delays(at, one.fragments))
    return Row(
        sockets=sockets,
        fragments=sum(len(one.fragments) for one in heard),
        median=_quantile(delays, 0.5),
        p95=_quantile(delays, 0.95),
        cpu=cpu,
        seconds=ended - began,
        kilobytes=max(one.size for one in heard) / 1000,
        judgments=len(at),
    )


async def _watched(
    address: str, made: dict[str, Any], environment: dict[str, str], server: int
) -> tuple[list[Heard], float, float, float]:
    """What every socket heard from the start of the run to its end; when it was queued and when it ended; the server's CPU."""
    heard = [Heard() for _ in made["sessions"]]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await _answering(http, address, server)
        tasks = [
            asyncio.create_task(_listen(http, address, made["run"], session, one))
            for session, one in zip(made["sessions"], heard, strict=True)
        ]
        while not all(one.fragments for one in heard):
            await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        for one in heard:
            one.fragments.clear()
        before, began = servers.cpu(server), time.time()
        await asyncio.to_thread(ours, environment, "start", made["run"])
        async with asyncio.timeout(LONGEST):
            await asyncio.gather(*tasks)
        return heard, began, time.time(), servers.cpu(server) - before


async def _answering(http: aiohttp.ClientSession, address: str, server: int) -> None:
    """Return when the site answers. Raises servers.NotThere where it ended, or takes too long."""
    end = time.monotonic() + 60
    while servers.members(server) and time.monotonic() < end:
        try:
            async with http.get(f"http://{address}/health/"):
                return
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)
    raise servers.NotThere("the site did not start")


async def _listen(http: aiohttp.ClientSession, address: str, run: int, session: str, heard: Heard) -> None:
    """Note every fragment until the run is over."""
    headers = {"Origin": f"http://{address}", "Cookie": f"sessionid={session}"}
    async with http.ws_connect(f"ws://{address}/ws/runs/{run}/?lang=en", headers=headers, max_msg_size=0) as socket:
        async for message in socket:
            now = time.time()
            found = DONE.search(json.loads(message.data)["html"])
            assert found, "a fragment says how far the run is"
            heard.fragments.append((now, int(found[2])))
            heard.size = len(message.data)
            if found[1] in ("done", "failed", "cancelled"):
                return


def _delays(made: list[float], fragments: list[tuple[float, int]]) -> list[float]:
    """For each judgment, seconds until the first fragment that counts it."""
    counts = [done for _at, done in fragments]
    places = (bisect_left(counts, number) for number in range(1, len(made) + 1))
    return [fragments[place][0] - at for at, place in zip(made, places, strict=True) if place < len(fragments)]


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def main() -> None:
    """Print a row for each number of sockets, as a table or (with --json) as lines of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, nargs="+", default=[1, 200])
    parser.add_argument("--judgments", type=int, default=600)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    if not told.json:
        print("| sockets | fragments | delay p50 | delay p95 | server CPU | of one core | KB each | judgments |")
        print("|---|---|---|---|---|---|---|---|")
    for sockets in told.sockets:
        row = measured(sockets, told.judgments)
        if told.json:
            print(json.dumps({"at": datetime.now().isoformat(), **asdict(row)}))
        else:
            print(
                f"| {row.sockets} | {row.fragments} | {row.median:.2f} s | {row.p95:.2f} s | {row.cpu:.1f} s "
                f"| {100 * row.cpu / row.seconds:.0f} % of {row.seconds:.0f} s | {row.kilobytes:.1f} | {row.judgments} |"
            )


if __name__ == "__main__":
    main()
