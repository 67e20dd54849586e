"""Processes that a test starts: they hear Ctrl-C, and none outlives its test."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hears_ctrl_c() -> Iterator[None]:
    """What is started in here hears SIGINT, even where the suite itself was started in the background and ignores it.

    A signal that is ignored stays ignored in a new process; one that has a handler is back at its default there.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def start(command: list[str], **options) -> subprocess.Popen:
    """A process with one stream of words as its output; to be ended by `end`."""
    with hears_ctrl_c():
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def end(process: subprocess.Popen) -> None:
    """Kill the process if it is still there."""
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()
