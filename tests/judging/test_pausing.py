"""Runs that are paused, cancelled and resumed: what the endpoint sent is kept, and nothing is asked twice."""

from __future__ import annotations

import threading
import time
from collections import Counter
from random import Random

import pytest
from django.db import connection

from arena.models import Answer
from judging import running, verdicts
from judging.billing import estimate
from judging.models import Grade, Preference, Run
from judging.progress import progress
from tests import openai_server
from tests.judging import recorded as make
from tests.judging.asked import answered, any_run, oracle, panel, prompts, queued, reload

pytestmark = pytest.mark.django_db(transaction=True)


def meanwhile(stop, server: openai_server.Served, run: Run, *, under_way: int) -> threading.Thread:
    """A person elsewhere who stops the run as soon as so many calls are under way."""

    def wait_and_stop() -> None:
        try:
            until = time.monotonic() + 20
            while server.record.in_flight < under_way and time.monotonic() < until:
                time.sleep(0.005)
            stop(Run.objects.get(pk=run.pk))
        finally:
            connection.close()

    thread = threading.Thread(target=wait_and_stop)
    thread.start()
    return thread


def stopped(stop, server: openai_server.Served, run: Run, *, under_way: int) -> None:
    """Carry the run out until somebody stops it."""
    person = meanwhile(stop, server, run, under_way=under_way)
    running.carry_out(run)
    person.join(30)


def judged(server: openai_server.Served, *, questions: int, concurrency: int) -> Run:
    """A queued run of marks, each of another prompt."""
    judge = oracle(server)
    return queued(
        answered(questions, models=("Ash", "Birch")),
        judge,
        names=("Ash", "Birch"),
        mode="single",
        limits={"concurrency": concurrency},
    )


@pytest.mark.parametrize("stop", [running.pause, running.cancel])
@pytest.mark.parametrize(
    ("questions", "concurrency", "latency"),
    [(80, 16, 0.1), pytest.param(300, 128, 0.8, marks=pytest.mark.slow)],
)
def test_replies_under_way_when_a_run_is_stopped_are_kept_and_nothing_is_asked_twice(
    stop, questions, concurrency, latency
):
    with openai_server.serve(latency=latency) as server:
        run = judged(server, questions=questions, concurrency=concurrency)
        stopped(stop, server, run, under_way=concurrency)
        run = reload(run)
        wanted = "paused" if stop is running.pause else "cancelled"
        assert (run.status, run.error, run.lease) == (wanted, "", None)
        assert server.record.in_flight == 0, "what is under way is waited for"
        kept = Grade.objects.decided().count()
        assert concurrency <= kept == server.count < 2 * questions
        run.enqueue()
        running.carry_out(run)
        assert server.count == len(set(prompts(server))) == 2 * questions
    assert reload(run).status == "done" and progress(run).done == Grade.objects.count() == 2 * questions


def test_a_paused_run_is_nobodys_until_it_is_resumed():
    with openai_server.serve(latency=0.05) as server:
        run = judged(server, questions=8, concurrency=4)
        stopped(running.pause, server, run, under_way=4)
        asked_by_then = server.count
        assert not running.carry_out(reload(run)) and run not in Run.objects.unfinished()
        assert server.count == asked_by_then and reload(run).is_paused and not reload(run).is_live
        run.enqueue()
        assert run in Run.objects.unfinished()


def test_only_a_run_that_is_live_can_be_paused():
    with openai_server.serve() as server:
        run = judged(server, questions=1, concurrency=4)
        assert running.pause(run) and not running.pause(run)
        run.enqueue()
        running.carry_out(run)
        assert not running.pause(run) and reload(run).status == "done"


def test_a_run_that_is_resumed_while_its_calls_are_still_under_way_is_done_once():
    """The worker that has it ends quietly, what it asked is kept, and the next one asks only for the rest."""
    with openai_server.serve(latency=0.15) as server:
        run = judged(server, questions=40, concurrency=8)

        def pause_and_resume(run):
            running.pause(run)
            run.enqueue()

        stopped(pause_and_resume, server, run, under_way=8)
        assert reload(run).status == "queued" and Grade.objects.count() == server.count < 80
        assert running.carry_out(reload(run))
        assert server.count == len(set(prompts(server))) == 80
    assert reload(run).status == "done"


def test_a_panel_that_is_paused_goes_on_where_its_members_are():
    with openai_server.serve(latency=0.05) as server:
        jury = panel("jury", oracle(server, "first"), oracle(server, "second"))
        run = queued(answered(6), jury, limits={"concurrency": 4})
        stopped(running.pause, server, run, under_way=4)
        assert reload(run).is_paused and Preference.objects.count() == server.count < 72
        run.enqueue()
        running.carry_out(reload(run))
        assert server.count == 72 and Preference.objects.filter(judge=jury, status="ok").count() == 36


def test_answers_under_way_are_kept_too():
    with openai_server.serve(latency=0.1) as server:
        benchmark = answered(32, models=())
        make.model("Ash", provider="openai", base_url=server.base_url, endpoint_model="Ash")
        run = queued(
            benchmark,
            make.judge("rules"),
            names=("Ash",),
            mode="single",
            collects=True,
            limits={"concurrency": 4},
        )
        stopped(running.pause, server, run, under_way=4)
        assert reload(run).is_paused and 4 <= Answer.objects.count() == server.count < 32
        run.enqueue()
        running.carry_out(reload(run))
        assert server.count == Answer.objects.ok().count() == 32 and reload(run).status == "done"


def test_a_call_that_fails_for_now_while_the_run_is_stopped_is_kept_as_what_it_comes_to():
    with openai_server.serve(latency=0.1, fail=0.3) as server:
        run = judged(server, questions=40, concurrency=8)
        stopped(running.pause, server, run, under_way=8)
        assert reload(run).is_paused and Grade.objects.count() == server.answered < 80
        run.enqueue()
        running.carry_out(reload(run))
        answered_calls = Counter(call.body["messages"][-1]["content"] for call in server.calls if call.status == 200)
        assert set(answered_calls.values()) == {1} and len(answered_calls) == 80
    assert progress(run).done == 80


@pytest.mark.parametrize("seed", range(4))
def test_a_run_of_any_make_that_is_stopped_again_and_again_asks_no_more_than_one_that_is_not(seed):
    with openai_server.serve(latency=0.01) as server:
        run, luck, stops = any_run(server, Random(seed)), Random(seed), 0
        bills = estimate(run).judges
        server.forget()

        def now_and_then(run):
            if stops == 0 or luck.random() < 0.3:
                luck.choice([running.pause, running.cancel])(run)

        while reload(run).status != "done":
            run.enqueue()
            running.carry_out(reload(run), watch=now_and_then if stops < 12 else None)
            stops += 1
            assert reload(run).status in ("paused", "cancelled", "done") and server.record.in_flight == 0
        assert stops > 1 and progress(reload(run)).failed == 0
        assert sum(bill.calls for bill in bills) <= server.count <= sum(bill.calls_at_most for bill in bills)


@pytest.mark.slow
def test_what_does_not_come_is_not_waited_for_longer_than_a_lease_lasts(monkeypatch):
    monkeypatch.setattr(verdicts, "DRAIN", 0.1)
    with openai_server.serve(latency=4) as server:
        run = judged(server, questions=4, concurrency=4)
        stopped(running.pause, server, run, under_way=4)
        assert reload(run).is_paused and not reload(run).lease
        assert server.count == 0 == Grade.objects.count()
        while server.record.in_flight:
            time.sleep(0.05)
