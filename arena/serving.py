"""The whole product in one process: pages and sockets, a worker, and beat; or the pages alone."""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
import warnings
from collections.abc import Iterator

import uvicorn
from celery.beat import EmbeddedService
from celery.worker import WorkController, state

from arena.celery import app

PATIENCE = 5  # seconds a busy worker gets to finish what it is at; its leases run out otherwise


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own way raises the signal again after its shutdown: our worker would never be stopped
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield


@contextlib.contextmanager
def worker(threads: int = 4) -> Iterator[None]:
    """A Celery worker and beat as threads of this process, stopped warmly at the end.

    The first thing they do is to look for what an earlier life left unfinished.
    """
    state.should_stop = state.should_terminate = None
    controller = WorkController(
        app=app,
        pool="threads",
        concurrency=threads,
        hostname="embedded@localhost",
        quiet=True,
        loglevel="WARNING",
        without_heartbeat=True,
        without_mingle=True,
        without_gossip=True,
    )
    thread = threading.Thread(target=controller.start, name="celery-worker", daemon=True)
    thread.start()
    beat = EmbeddedService(app, thread=True, max_interval=0.5, scheduler_cls="celery.beat:Scheduler")
    beat.daemon = True
    beat.start()
    app.send_task("judging.tasks.sweep")
    try:
        yield
    finally:
        beat.stop()
        state.should_stop = 0
        thread.join(PATIENCE)


def serve(host: str, port: int) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    # WhiteNoise hands files over as ordinary iterators; Django says so once for every file.
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
    config = uvicorn.Config(
        "arena.asgi:application",
        host=host,
        port=port,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=3,
        ws_per_message_deflate=False,
    )
    config.load()
    # What was loaded to start with stays: to go through it again and again in search of garbage would hold up a vote for
    # a tenth of a second now and then.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    _Server(config).run()
