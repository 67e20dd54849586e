"""The thread of a local model: what becomes one batch, and what failures and cancelling do to the others."""

import subprocess
import sys
import threading

import pytest

from arena.chat.local_queue import Worker


@pytest.fixture
def worker(monkeypatch):
    monkeypatch.setattr("arena.chat.local_queue.GATHER_SECONDS", 0.2)
    return Worker("test")


def busy(worker):
    """Keeps the thread busy until the returned event is set."""
    go = threading.Event()
    return worker.alone(go.wait), go


def test_jobs_of_a_group_become_batches_and_results_keep_their_places(worker):
    _, go = busy(worker)
    batches = []

    def double(numbers):
        batches.append(list(numbers))
        return [2 * number for number in numbers]

    futures = [worker.together("double", double, number, most=3) for number in range(5)]
    go.set()
    assert [future.result(5) for future in futures] == [0, 2, 4, 6, 8]
    assert batches == [[0, 1, 2], [3, 4]]


def test_other_groups_and_lone_jobs_wait_their_turn(worker):
    _, go = busy(worker)
    order = []

    def noting(name):
        return lambda given: order.append((name, len(given))) or given

    futures = [
        worker.together("a", noting("a"), 1, most=4),
        worker.together("b", noting("b"), 2, most=4),
        worker.alone(lambda: order.append(("alone", 1))),
        worker.together("a", noting("a"), 3, most=4),
    ]
    go.set()
    assert [future.result(5) for future in futures] == [1, 2, None, 3]
    assert order == [("a", 2), ("b", 1), ("alone", 1)]


def test_a_failure_is_that_of_its_batch_and_the_thread_goes_on(worker):
    failed = worker.alone(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        failed.result(5)
    assert worker.alone(lambda: 7).result(5) == 7


def test_what_is_cancelled_in_time_is_never_run(worker):
    _, go = busy(worker)
    ran = []
    cancelled = worker.alone(lambda: ran.append(1))
    assert cancelled.cancel()
    go.set()
    assert worker.alone(lambda: 1).result(5) == 1
    assert ran == []


ENDING = """
import time
from arena.chat.local_queue import Worker, closing

def write():
    print("began", flush=True)
    while not closing.is_set():
        time.sleep(0.01)
    print("ended", flush=True)

worker = Worker("writes")
worker.alone(write)
worker.alone(lambda: print("never", flush=True))
time.sleep(0.3)
"""


def test_a_process_that_ends_waits_for_what_is_under_way_and_begins_nothing_new():
    done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["began", "ended"]), done.stderr
