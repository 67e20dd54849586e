"""Ctrl-C: kept until it does no harm, at once when pressed again."""

from __future__ import annotations

import signal
import threading

import pytest

from arena.stopping import ctrl_c


def test_ctrl_c_is_heard_where_it_is_asked_for_and_pressed_again_at_once():
    before = signal.getsignal(signal.SIGINT)
    with ctrl_c() as heard:
        heard()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            heard()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_nothing_is_kept():
    done = []

    def work():
        with ctrl_c() as heard:
            heard()
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(5)
    assert done == [True]
