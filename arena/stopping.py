"""Ctrl-C heard where stopping does no harm."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread


@contextmanager
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Keeps Ctrl-C until the function given is called, which then raises KeyboardInterrupt; pressed again, it interrupts
    at once.

    An interrupt in the middle of ringing a bell would leave a thread behind that keeps the process from ending. Outside
    of the main thread nothing is kept and the function does nothing: signals do not come there.
    """
    pressed = Event()

    def heard() -> None:
        if pressed.is_set():
            raise KeyboardInterrupt

    def press(number, frame) -> None:
        heard()
        pressed.set()

    if current_thread() is not main_thread():
        yield heard
        return
    before = signal.signal(signal.SIGINT, press)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)
