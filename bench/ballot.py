"""The ballot: from the key to the next pair, what a vote costs the server, how many people can vote at once, what the page weighs.

    .venv/bin/python bench/ballot.py                   # all of it, some fifteen minutes
    .venv/bin/python bench/ballot.py --only crowd      # one part: paint, server, crowd, bytes, memory; or several
    .venv/bin/python bench/ballot.py --database SQLite # one database

*paint*: a real Chromium, sixty votes by key, measured in the page from the event's own time stamp of the keydown to the second
animation frame after the last change to the ballot, formulas typeset. The 300 ms in which nothing can be decided on a new pair are waited for
between votes and are no part of it. *server*: the same post through all of Django's layers in one process; queries are all
statements but BEGIN and COMMIT, the session's included. *crowd*: annotators over HTTP, all at once, each with a session of their
own: post, read the next ballot from the answer, post. They fill a run to the last seat. On SQLite the site is the one process that
`manage.py up` starts, with its worker in it; on PostgreSQL it is what `compose.yaml` starts: the site alone, a Celery worker,
Redis (fsync is off). *inserts* is the peer in the same run: a bare Django view that inserts one row, served the same way on the
same database, asked by the same number of people. *lost*: acknowledged, and not on record; *doubled*: two votes from a seat or by a
person on a pair; *over*: pairs that more people voted on or hold than the run wants. The crowd, the site and
the database share the machine.
*bytes*: what the page fetches, gzip -9. *memory*: JavaScript's heap and the page's nodes after collecting garbage.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from playwright.sync_api import Page, sync_playwright

from arena.setup import chromium
from bench import annotators, product, servers, tables
from bench.judged import holds

PARTS = ("paint", "server", "crowd", "bytes", "memory")
LOOKING = "import django; django.setup(); from bench.calls import ballot_product; ballot_product.main()"
SETTLED = 0.31  # seconds after which a new pair may be decided on
SIZES = (100, 10_000, 100_000)
CROWDS = {1: 200, 8: 600, 32: 1200, 100: 1800}
"""How many votes so many people cast."""
VOTES_OF_A_CROWD = 1000  # of any other size
OVERLAP = 3
KB = 1000
JS, JS_WITH_MATHS, CSS = 30 * KB, 110 * KB, 15 * KB
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
WATCH = """(() => {
  const times = (window.__times = []);
  let pressed = 0, token = null, place = -1, last = 0;
  const ballot = () => document.querySelector("#ballot")?.dataset.token;
  addEventListener("keydown", (event) => { pressed = event.timeStamp; token = ballot(); place = -1; }, true);
  new MutationObserver((changes) => {
    if (!pressed || ballot() === token) return;
    const inside = (change) => change.target === document || change.target.closest?.(".answer") || place < 0;
    if (!changes.some(inside)) return;
    if (place < 0) place = times.push(0) - 1;
    const [began, at, mine] = [pressed, place, ++last];
    requestAnimationFrame(() => requestAnimationFrame(() => { if (mine === last) times[at] = performance.now() - began; }));
  }).observe(document, { subtree: true, childList: true });
})()"""


@dataclass(frozen=True, slots=True)
class Site:
    """A database of the product and the site that runs on it."""

    database: product.Database
    address: str
    log: Path

    @property
    def name(self) -> str:
        return self.database.name


def main() -> None:
    asked = _asked()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends with us
    print(tables.machine(), tables.command(), sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="ballot-", ignore_cleanup_errors=True) as place, ExitStack() as stack:
        try:
            sites = list(_sites(Path(place), stack, asked))
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
    options.add_argument("--votes", type=int, default=60, help="by key, and of the server")
    options.add_argument("--long", type=int, default=500, help="votes after which the page's memory is looked at again")
    options.add_argument("--largest", type=int, default=SIZES[-1], help="items of the largest run")
    options.add_argument("--people", type=int, nargs="*", default=list(CROWDS), help="how many vote at once")
    options.add_argument("--share", type=float, default=1.0, help="of the votes that the crowds cast")
    options.add_argument("--markdown", action="store_true")
    return options.parse_args()


# --- what is started --------------------------------------------------------------------------------------------------


def _sites(folder: Path, stack: ExitStack, asked: argparse.Namespace) -> Iterator[Site]:
    """The product as one process on SQLite; as site, worker, PostgreSQL and Redis. Raises NotThere."""
    for name in asked.database:
        if name == "SQLite":
            database = stack.enter_context(_database(name, folder))
            alone = {}
        else:
            url, redis = stack.enter_context(servers.postgres(folder)), stack.enter_context(servers.redis(folder))
            database = stack.enter_context(_database(name, folder, url=url, redis=redis))
            stack.enter_context(product.worker(database))
            alone = {"JURYROOM_WORKER": "0"}
        log = folder / f"site-{name}.log"
        yield Site(database, stack.enter_context(site(database.environment | alone, log)), log)


@contextmanager
def _database(name: str, folder: Path, *, url: str = "", redis: str = "") -> Iterator[product.Database]:
    data = folder / f"data-{name}"
    data.mkdir()
    told = {"DATABASE_URL": url, "REDIS_URL": redis, "JURYROOM_DATA": str(data), "JURYROOM_NO_SETUP": "1"}
    environment = {**os.environ, **told, "DJANGO_SETTINGS_MODULE": "arena.settings", "PYTHONPATH": str(servers.ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    with servers.process([sys.executable, "-c", LOOKING], data / "looking.log", **pipes) as child:
        found = product.Database(name, environment, child)
        found.say("fill")
        yield found


@contextmanager
def site(environment: dict[str, str], log: Path) -> Iterator[str]:
    """The address of the product's pages, served by `manage.py up` until the block ends. Raises NotThere."""
    port = servers.free_port()
    with servers.process([sys.executable, "manage.py", "up", "--port", str(port)], log, env=environment) as child:
        servers.wait_for(log, "Juryroom is at", child)
        address = f"http://127.0.0.1:{port}"
        _wait_for_an_answer(f"{address}/health/")
        yield address


def _wait_for_an_answer(url: str) -> None:
    end = time.monotonic() + servers.PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError) as error:
            if time.monotonic() > end:
                raise servers.NotThere(f"{url} does not answer: {error}") from error
            time.sleep(0.05)


# --- from the key to the next pair ------------------------------------------------------------------------------------


@contextmanager
def _page(place: Site, run: int, *, slower: int = 1) -> Iterator[Page]:
    """A ballot of this run in a Chromium whose processor is so many times slower, watched and ready to be voted on."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(locale="en-GB", viewport={"width": 1366, "height": 768})
        (session,) = place.database.say("people", number=1)
        context.add_cookies([{"name": "sessionid", "value": session, "url": place.address}])
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(f"{place.address}/vote/{run}/")
        page.wait_for_function("() => window.htmx && document.documentElement.dataset.keys")
        if slower > 1:
            page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
        time.sleep(2 * SETTLED)
        yield page
        browser.close()


def _vote(page: Page, votes: int) -> None:
    """So many votes by key, each once the pair before it has settled."""
    for number in range(votes):
        before = page.evaluate("window.__times.length")
        page.keyboard.press("1234"[number % 4])
        page.wait_for_function("(before) => window.__times[before] > 0", arg=before)
        time.sleep(SETTLED)


def _painted(sites: list[Site], asked: argparse.Namespace) -> Iterator[str]:
    lines, bars = [], []
    for place in sites:
        for what, maths, slower, most in (
            ("plain", False, 1, (90, 150)),
            ("formulas, CPU 4× slower", True, 4, (None, 400)),
        ):
            run = place.database.say("make", name=f"paint {what}", items=asked.votes + 10, maths=maths)["run"]
            with _page(place, run, slower=slower) as page:
                _vote(page, 5)
                warm = page.evaluate(
                    "window.__times.length"
                )  # kept: what is still to be painted of them is noted there
                _vote(page, asked.votes)
                times = np.array(page.evaluate("window.__times")[warm:])
                typeset = page.locator("#ballot .katex").count()
            p50, p95 = np.percentile(times, [50, 95])
            where = f"{what}, {place.name}"
            lines.append(
                [where, f"{len(times)} votes", f"{p50:.0f} ms", f"{p95:.0f} ms", f"{times.max():.0f} ms", f"{typeset}"]
            )
            if most[0]:
                bars.append(f"{where}: p50 ≤ {most[0]} ms: {holds(p50 <= most[0])} ({p50:.0f} ms)")
            bars.append(f"{where}: p95 ≤ {most[1]} ms: {holds(p95 <= most[1])} ({p95:.0f} ms)")
            if maths:
                bars.append(f"{where}: formulas are typeset: {holds(typeset > 0)} ({typeset} on the page)")
    head = ["key → next pair painted", "", "p50", "p95", "longest", "formulas"]
    yield tables.table(head, lines, markdown=asked.markdown)
    yield from _bars(bars, asked)


# --- what a vote costs the server -------------------------------------------------------------------------------------


def _served(sites: list[Site], asked: argparse.Namespace) -> Iterator[str]:
    lines, bars = [], []
    for place in sites:
        seen = []
        for size in (*SIZES[:-1], asked.largest):
            made = place.database.say("make", name=f"server {size}", items=size)
            found = place.database.say("served", run=made["run"], votes=asked.votes)
            times, queries = np.array(found["milliseconds"]), np.array(found["queries"])
            p50, p95 = np.percentile(times, [50, 95])
            seen.append((p50, queries.max()))
            figures = [f"{p50:.1f} ms", f"{p95:.1f} ms", f"{int(np.median(queries))}", f"{queries.max()}"]
            lines.append([f"{made['items']:,} items", place.name, *figures, f"{made['seconds']:.1f} s"])
            where = f"{made['items']:,} items, {place.name}"
            bars.append(f"{where}: server time ≤ 40 ms: {holds(p50 <= 40)} ({p50:.1f} ms)")
            bars.append(f"{where}: queries ≤ 12: {holds(queries.max() <= 12)} ({queries.max()})")
        same = len({queries for _, queries in seen}) == 1
        bars.append(
            f"{place.name}: as many queries whatever the size: {holds(same)} ({', '.join(str(n) for _, n in seen)})"
        )
        slower = seen[-1][0] / seen[0][0]
        bars.append(f"{place.name}: time is constant (within 1.5 ×): {holds(slower <= 1.5)} ({slower:.2f} ×)")
    head = ["a vote and the next ballot", "database", "median", "p95", "queries", "most", "items made in"]
    yield tables.table(head, lines, markdown=asked.markdown)
    yield from _bars(bars, asked)


# --- many at once -----------------------------------------------------------------------------------------------------


def _voted(sites: list[Site], asked: argparse.Namespace) -> Iterator[str]:
    lines, bars = [], []
    for place in sites:
        sessions = place.database.say("people", number=max(asked.people), first=1)
        with _bare(place) as bare:
            for people in asked.people:
                votes = max(people, int(CROWDS.get(people, VOTES_OF_A_CROWD) * asked.share))
                told, found = _filled(place, sessions[:people], votes)
                least = asyncio.run(annotators.inserts(bare, people, most=votes))
                p50, p95 = np.percentile(np.array(told.seconds or [np.nan]) * 1e3, [50, 95])
                wrong = {
                    "errors": len(told.errors),
                    **{name: found[name] for name in ("lost", "doubled", "over", "miscounted")},
                }
                figures = [
                    f"{len(told.voted):,}",
                    f"{told.rate:.0f}",
                    f"{p50:.0f} ms",
                    f"{p95:.0f} ms",
                    *map(str, wrong.values()),
                ]
                lines.append(
                    [f"{people} at once", place.name, *figures, f"{least.rate:.0f}", f"{told.rate / least.rate:.2f}"]
                )
                where = f"{people} at once, {place.name}"
                clean = not any(wrong.values())
                told_wrong = ", ".join(f"{number} {name}" for name, number in wrong.items() if number) or "none"
                bars.append(f"{where}: no error, nothing lost, doubled or over: {holds(clean)} ({told_wrong})")
                if told.errors:
                    said = [*told.errors[:2], *place.log.read_text().splitlines()[-3:]]
                    print(f"{where}:", *said, sep="\n  ", file=sys.stderr, flush=True)
    head = [
        "people",
        "database",
        "votes",
        "votes a second",
        "p50",
        "p95",
        "errors",
        "lost",
        "doubled",
        "over",
        "miscounted",
    ]
    yield tables.table([*head, "inserts a second", "ratio"], lines, markdown=asked.markdown)
    yield from _bars(bars, asked)


def _filled(place: Site, sessions: list[str], votes: int) -> tuple[annotators.Told, dict]:
    """A run with room for so many votes, voted on by all of them until it is full; what they saw, and what is on record."""
    items = max(votes // len(sessions), votes // OVERLAP)
    run = place.database.say("make", name=f"crowd {time.monotonic_ns()}", items=items, overlap=OVERLAP)["run"]
    told = asyncio.run(annotators.crowd([place.address], sessions, run, most=votes))
    return told, place.database.say("facts", run=run, voted=told.voted)


@contextmanager
def _bare(place: Site) -> Iterator[str]:
    port, log = servers.free_port(), Path(place.database.environment["JURYROOM_DATA"]) / "bare.log"
    environment = {
        name: value for name, value in place.database.environment.items() if name != "DJANGO_SETTINGS_MODULE"
    }
    command = [sys.executable, "-m", "bench.calls.ballot_bare", str(port)]
    with servers.process(command, log, env=environment) as child:
        servers.wait_for(log, "serving", child)
        _wait_for_an_answer(f"http://127.0.0.1:{port}/insert/?")
        yield f"http://127.0.0.1:{port}"


# --- what the page weighs ---------------------------------------------------------------------------------------------


def _weighed(sites: list[Site], asked: argparse.Namespace) -> Iterator[str]:
    place = sites[0]
    lines, bars = [], []
    for what, maths, most in (("plain", False, JS), ("with formulas", True, JS_WITH_MATHS)):
        run = place.database.say("make", name=f"bytes {what}", items=10, maths=maths)["run"]
        found = _fetched(place, run)
        js, css, fonts = (
            sum(size for path, size in found.items() if path.endswith(ends)) for ends in (".js", ".css", ".woff2")
        )
        files = sum(path.endswith((".js", ".css")) for path in found)
        lines.append([f"vote, {what}", f"{files} files", f"{js:,} B", f"{css:,} B", f"{fonts:,} B"])
        bars.append(f"JavaScript, {what}: ≤ {most // KB} KB: {holds(js <= most)} ({js / KB:.1f} KB)")
        bars.append(f"CSS, {what}: ≤ {CSS // KB} KB: {holds(css <= CSS)} ({css / KB:.1f} KB)")
    yield tables.table(["page, gzipped", "", "JavaScript", "CSS", "fonts, as they are"], lines, markdown=asked.markdown)
    yield from _bars(bars, asked)


def _fetched(place: Site, run: int) -> dict[str, int]:
    """Bytes of each file that a ballot fetches, gzipped but for fonts, which are compressed already."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(locale="en-GB")
        (session,) = place.database.say("people", number=1)
        context.add_cookies([{"name": "sessionid", "value": session, "url": place.address}])
        page, found = context.new_page(), {}
        page.on("response", lambda answer: found.setdefault(answer.url, answer) if "/static/" in answer.url else None)
        page.goto(f"{place.address}/vote/{run}/", wait_until="networkidle")
        page.wait_for_timeout(1000)
        bodies = {url.split("?")[0]: answer.body() for url, answer in found.items()}
        browser.close()
    return {url: len(body if url.endswith(".woff2") else gzip.compress(body, 9)) for url, body in bodies.items()}


def _kept(sites: list[Site], asked: argparse.Namespace) -> Iterator[str]:
    place, lines, seen = sites[0], [], []
    run = place.database.say("make", name="memory", items=asked.long + 10)["run"]
    with _page(place, run) as page:
        browser = page.context.new_cdp_session(page)
        browser.send("Performance.enable")
        for votes, more in ((10, 10), (asked.long, asked.long - 10)):
            _vote(page, more)
            browser.send("HeapProfiler.collectGarbage")
            browser.send("HeapProfiler.collectGarbage")
            told = {one["name"]: one["value"] for one in browser.send("Performance.getMetrics")["metrics"]}
            seen.append(told)
            figures = [
                f"{told['JSHeapUsedSize'] / 1e6:.2f} MB",
                f"{told['Nodes']:,.0f}",
                f"{told['JSEventListeners']:,.0f}",
            ]
            lines.append([f"after {votes} votes", "", *figures])
    yield tables.table(["memory of the page", "", "heap", "nodes", "listeners"], lines, markdown=asked.markdown)
    first, last = seen
    bars = []
    for name, what in (("JSHeapUsedSize", "heap"), ("Nodes", "nodes"), ("JSEventListeners", "listeners")):
        times = last[name] / first[name]
        bars.append(f"{what} after {asked.long} votes ≤ 1.25 × those after 10: {holds(times <= 1.25)} ({times:.2f} ×)")
    yield from _bars(bars, asked)


def _bars(bars: list[str], asked: argparse.Namespace) -> Iterator[str]:
    star = "* " if asked.markdown else ""
    yield ""
    yield from (f"{star}bar: {line}" for line in bars)


TITLES = {
    "paint": "From the key to the next pair",
    "server": "What a vote costs the server",
    "crowd": "Many annotators at once",
    "bytes": "What the page weighs",
    "memory": "What the page keeps",
}
MEASURED = {"paint": _painted, "server": _served, "crowd": _voted, "bytes": _weighed, "memory": _kept}

if __name__ == "__main__":
    main()
