"""Pages for leads and stakeholders: a large board read, a vote that reaches every open board, a run with many watchers.

    .venv/bin/python bench/pages.py                    # all of it, some fifteen minutes
    .venv/bin/python bench/pages.py --only page vote   # parts of it
    .venv/bin/python bench/pages.py --database SQLite  # one database

*page*: the board of 200 models and 30 categories over a million judgments. *warm* is the time to the first byte over HTTP on a
connection that stands, asked by a visitor who was not the first; *cold* is a request with a filter that nobody asked for before, so that
nothing is kept of it. *first paint* is Chromium's own first contentful paint, with an empty cache. Queries are counted in one process, for
three sizes of board. *vote*: an annotator in a Chromium votes by key on the real site while sockets and another Chromium have boards of the
same benchmark open; measured from the key to the message with the new board, and to the new number in the open page. *recompute*:
`bench/database.py` with this size: from the database to a stored snapshot, beside one plain SELECT of the rows. *watchers*:
two hundred sockets on one run while its rows change; the processor time of the site is what they cost. Site, database, browser and sockets
share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from playwright.sync_api import sync_playwright

from arena.setup import chromium
from bench import product, servers, tables
from bench.ballot import FLAGS, SETTLED, Site, site
from bench.judged import holds

PARTS = ("page", "vote", "recompute", "watchers")
LOOKING = "import django; django.setup(); from bench.calls import pages_product; pages_product.main()"
SMALL, MIDDLE = (2_000, 5, 3), (20_000, 50, 10)
"""Judgments, models and categories of the smaller boards."""
SHOWN = ("", "?source=people", "?category={category}", "?method=elo")
TTFB, PAINT, REACHES = 0.060, 0.5, 1.0
"""Bars, in seconds."""


def main() -> None:
    asked = _asked()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends with us
    print(tables.machine(), tables.command(), sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="pages-", ignore_cleanup_errors=True) as place, ExitStack() as stack:
        try:
            sites = list(_sites(Path(place), stack, asked)) if {"page", "vote"} & set(asked.only) else []
        except servers.NotThere as missing:
            sys.exit(f"left out: {missing}")
        for part in PARTS:
            if part in asked.only:
                print(tables.title(TITLES[part], markdown=asked.markdown), flush=True)
                for line in MEASURED[part](sites, asked):
                    print(line, flush=True)


def _asked() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", nargs="*", default=PARTS, choices=PARTS, help="these parts")
    options.add_argument("--database", nargs="*", default=("SQLite", "PostgreSQL"), choices=("SQLite", "PostgreSQL"))
    options.add_argument("--n", type=int, default=1_000_000, help="judgments of the large board")
    options.add_argument("--models", type=int, default=200)
    options.add_argument("--categories", type=int, default=30)
    options.add_argument("--times", type=int, default=40, help="requests of each kind")
    options.add_argument("--votes", type=int, default=12)
    options.add_argument("--sockets", type=int, default=40, help="open boards beside the one in a browser")
    options.add_argument("--markdown", action="store_true")
    return options.parse_args()


def _sites(folder: Path, stack: ExitStack, asked: argparse.Namespace) -> Iterator[Site]:
    """The product as one process on SQLite; as site, worker, PostgreSQL and Redis. Raises NotThere."""
    for name in asked.database:
        told = {
            "JURYROOM_DATA": str(folder / f"data-{name}"),
            "JURYROOM_NO_SETUP": "1",
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        alone = {}
        if name == "PostgreSQL":
            told |= {"DATABASE_URL": stack.enter_context(servers.postgres(folder))}
            told |= {"REDIS_URL": stack.enter_context(servers.redis(folder))}
            alone = {"JURYROOM_WORKER": "0"}
        (folder / f"data-{name}").mkdir()
        environment = {
            **os.environ,
            **told,
            "DJANGO_SETTINGS_MODULE": "arena.settings",
            "PYTHONPATH": str(servers.ROOT),
        }
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
        looking = servers.process([sys.executable, "-c", LOOKING], folder / f"looking-{name}.log", **pipes)
        database = product.Database(name, environment, stack.enter_context(looking))
        database.say("fill")
        database.large = database.say("board", n=asked.n, models=asked.models, categories=asked.categories)
        if alone:
            stack.enter_context(product.worker(database))
        log = folder / f"site-{name}.log"
        yield Site(database, stack.enter_context(site(environment | alone, log)), log)


# --- a large board ----------------------------------------------------------------------------------------------------


def _read(sites: list[Site], asked: argparse.Namespace) -> Iterator[str]:
    lines, bars = [], []
    for place in sites:
        large = place.database.large
        paths = [
            f"/leaderboard/{large['benchmark']}/{query.format(category=quote(large['category']))}" for query in SHOWN
        ]
        warm = np.concatenate([_first_bytes(place.address, [path] * asked.times) for path in paths])
        cold = _first_bytes(place.address, [f"{paths[0]}?q=model+{k}" for k in range(asked.times)], warm=0)
        painted, weight = _painted(place.address + paths[0], times=8)
        cells = [
            f"{1e3 * q:.0f} ms"
            for q in (*np.percentile(warm, [50, 95]), np.median(cold), np.median(painted), max(painted))
        ]
        lines.append(
            [f"{asked.n:,} judgments, {large['rows']:,} ratings", place.name, *cells, f"{weight / 1e3:.0f} KB"]
        )
        p50 = np.median(warm)
        bars.append(f"{place.name}: first byte, warm ≤ {TTFB * 1e3:.0f} ms: {holds(p50 <= TTFB)} ({1e3 * p50:.0f} ms)")
        first = np.median(painted)
        bars.append(f"{place.name}: first paint ≤ {PAINT} s: {holds(first <= PAINT)} ({first:.2f} s)")
        counts = _queries(place, asked)
        same = len({tuple(one) for one in counts}) == 1
        bars.append(
            f"{place.name}: queries, whatever the size: {holds(same)} ({', '.join(str(max(one)) for one in counts)})"
        )
    head = ["the board's page", "database", "warm, p50", "p95", "cold", "first paint", "slowest", "HTML"]
    yield tables.table(head, lines, markdown=asked.markdown)
    yield from _bars(bars, asked)


def _first_bytes(address: str, paths: list[str], *, warm: int = 3) -> np.ndarray:
    """Seconds to the first byte of each of these pages, one after the other on one connection."""
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    found = []
    for number, path in enumerate([*paths[:1] * warm, *paths]):
        began = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        took = time.perf_counter() - began
        body = answer.read()
        assert answer.status == 200, body[:300]
        if number >= warm:
            found.append(took)
    connection.close()
    return np.array(found)


def _painted(address: str, *, times: int) -> tuple[list[float], int]:
    """Seconds to the first contentful paint in a browser that has nothing kept; and the bytes of the page's HTML."""
    found, weight = [], 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for _ in range(times + 1):
            context = browser.new_context(locale="en-GB", viewport={"width": 1366, "height": 768})
            page = context.new_page()
            page.goto(address)
            page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
            found.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1e3)
            weight = page.evaluate("performance.getEntriesByType('navigation')[0].decodedBodySize")
            context.close()
        browser.close()
    return found[1:], weight


def _queries(place: Site, asked: argparse.Namespace) -> list[list[int]]:
    """Statements of the board's page for three sizes of board, as it is kept and with a filter."""
    boards = [place.database.say("board", n=n, models=models, categories=kinds) for n, models, kinds in (SMALL, MIDDLE)]
    found = []
    for one in (*boards, place.database.large):
        told = [
            place.database.say("served", benchmark=one["benchmark"], query=query, times=2) for query in ("", "?q=model")
        ]
        found.append([int(max(each["queries"])) for each in told])
    return found


# --- a vote reaches every open board ----------------------------------------------------------------------------------


class Sockets:
    """Boards that are open, in a thread of their own: when each was last told something, by time.monotonic()."""

    def __init__(self, address: str, benchmark: int, number: int, *, session: str) -> None:
        self.session = session
        self.paths = [
            f"{address.replace('http', 'ws', 1)}/ws/boards/{benchmark}/?lang=en&source={s}" for s in ("all", "people")
        ]
        self.number = number
        self.told: dict[int, float] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Sockets:
        self._thread.start()
        self._open = [asyncio.run_coroutine_threadsafe(self._listen(k), self._loop) for k in range(self.number)]
        end = time.monotonic() + 30
        while len(self.told) < self.number:
            if time.monotonic() > end:
                raise servers.NotThere(f"only {len(self.told)} of {self.number} sockets were told their board")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._open:
            one.cancel()
        time.sleep(1.0)  # each says good-bye
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _listen(self, k: int) -> None:
        from websockets.asyncio.client import connect

        async with connect(
            self.paths[k % len(self.paths)],
            origin=self.paths[0].split("/ws/")[0].replace("ws", "http", 1),
            additional_headers={"Cookie": f"sessionid={self.session}"},
            max_size=None,
        ) as socket:
            async for message in socket:
                json.loads(message)
                self.told[k] = time.monotonic()

    def wait(self, since: float, *, seconds: float = 30) -> list[float]:
        """Seconds after `since` at which each was told something; raises NotThere where some are not."""
        while any(at < since for at in self.told.values()):
            if time.monotonic() > since + seconds:
                raise servers.NotThere("a vote did not reach every open board")
            time.sleep(0.005)
        return [at - since for at in self.told.values()]


NUMBER = "() => document.querySelector('[data-board]').textContent.match(/n = ([\\d,]+)/)[1]"


def _reached(sites: list[Site], asked: argparse.Namespace) -> Iterator[str]:
    lines, bars = [], []
    for place in sites:
        benchmark = place.database.large["benchmark"]
        run = place.database.say("opened", benchmark=benchmark, questions=200)
        with (
            Sockets(place.address, benchmark, asked.sockets, session=run["viewer"]) as sockets,
            _two_windows(place, run, benchmark) as (ballot, board),
        ):
            by_socket, by_page = [], []
            for number in range(asked.votes):
                time.sleep(1.5 + SETTLED)
                before, since = board.evaluate(NUMBER), time.monotonic()
                ballot.keyboard.press("12"[number % 2])
                board.wait_for_function(f"(before) => ({NUMBER})() !== before", arg=before, timeout=30_000)
                by_page.append(time.monotonic() - since)
                by_socket += sockets.wait(since)
        p50, p95, most = np.percentile(by_socket, [50, 95, 100])
        shown = max(by_page)
        cells = [f"{1e3 * q:.0f} ms" for q in (p50, p95, most, np.median(by_page), shown)]
        lines.append([f"{asked.votes} votes, {asked.sockets} sockets", place.name, *cells])
        worst = max(most, shown)
        bars.append(
            f"{place.name}: a vote reaches every open board in ≤ {REACHES:.0f} s: {holds(worst <= REACHES)} ({worst:.2f} s)"
        )
    yield tables.table(
        ["from the key to", "", "a socket, p50", "p95", "last", "the page, p50", "slowest"],
        lines,
        markdown=asked.markdown,
    )
    yield from _bars(bars, asked)


@contextmanager
def _two_windows(place: Site, run: dict, benchmark: int):
    """A ballot of the run, and a board of the benchmark, each in a browser window of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        voting, reading = browser.new_context(locale="en-GB"), browser.new_context(locale="en-GB")
        for window, session in ((voting, run["session"]), (reading, run["viewer"])):
            window.add_cookies([{"name": "sessionid", "value": session, "url": place.address}])
        ballot, board = voting.new_page(), reading.new_page()
        ballot.goto(f"{place.address}/vote/{run['run']}/")
        ballot.wait_for_function("() => window.htmx && document.documentElement.dataset.keys")
        board.goto(f"{place.address}/leaderboard/{benchmark}/")
        time.sleep(2)
        yield ballot, board
        browser.close()


# --- what other scripts measure ---------------------------------------------------------------------------------------


def _recomputed(sites: list[Site], asked: argparse.Namespace) -> Iterator[str]:
    how = ["--n", str(asked.n), "--models", str(asked.models), "--categories", str(asked.categories)]
    with tempfile.TemporaryDirectory(prefix="pages-") as place, ExitStack() as stack:
        if "PostgreSQL" in asked.database:
            how += ["--postgres", stack.enter_context(servers.postgres(Path(place)))]
        yield _said([str(servers.ROOT / "bench" / "database.py"), *how])


def _watched(sites: list[Site], asked: argparse.Namespace) -> Iterator[str]:
    yield _said(["-m", "bench.calls.watchers"])


def _said(command: list[str]) -> str:
    done = subprocess.run([sys.executable, *command], cwd=servers.ROOT, stdout=subprocess.PIPE, text=True)
    return done.stdout if not done.returncode else f"failed: {' '.join(command)}"


def _bars(bars: list[str], asked: argparse.Namespace) -> Iterator[str]:
    star = "* " if asked.markdown else ""
    yield ""
    yield from (f"{star}bar: {line}" for line in bars)


TITLES = {
    "page": "A large board",
    "vote": "A vote reaches every open board",
    "recompute": "From the database to a stored snapshot",
    "watchers": "Two hundred watchers of one run",
}
MEASURED = {"page": _read, "vote": _reached, "recompute": _recomputed, "watchers": _watched}

if __name__ == "__main__":
    main()
