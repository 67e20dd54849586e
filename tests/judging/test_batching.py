"""Judging by batch APIs: handed over once, found again after a crash, and what cannot be read is asked one by one."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from arena.chat import ChatError
from judging import batching, running
from judging.items import items_of
from judging.machines import machines_of
from judging.models import Preference, Run, Submission
from judging.purse import Purse
from judging.verdicts import exhibits_for
from tests import batch_wire
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def wire():
    with batch_wire.serve_batches() as wire:
        yield wire


@pytest.fixture
def run(wire, monkeypatch) -> Run:
    """Three questions, two models, both orders: six verdicts by a judge that is asked in batches."""
    monkeypatch.setenv("ORACLE_KEY", batch_wire.KEY)
    benchmark = make.benchmark()
    for number in range(3):
        question = make.question(benchmark, f"q{number}", f"How long does egg number {number} boil?")
        for name in ("Ash", "Birch"):
            make.answer(question, make.model(name), f"{name} says {number} minutes.").save()
    judge = make.llm_judge(
        base_url=f"{wire.base_url}/v1", endpoint_model="gpt-small", key_env="ORACLE_KEY", price_in=1, price_out=2
    )
    judge.options = {"batch": True}
    judge.save()
    return make.run(benchmark, judges=[judge], status="queued")


def ended(wire, batch_id: str, reply: str = "The first is right. [[A]]", **replies: str) -> None:
    """End a batch with this reply to every request, or with that of the request's id."""
    rows = []
    for request in wire.batches[batch_id].requests:
        said = replies.get(request["custom_id"], reply)
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        body = {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}
        answer = {"status_code": 200, "request_id": "r", "body": body}
        rows.append({"id": "b", "custom_id": request["custom_id"], "response": answer, "error": None})
    wire.end(batch_id, results=b"".join(json.dumps(row).encode() + b"\n" for row in rows))


def ending(wire, monkeypatch, **replies: str) -> None:
    """Whoever waits for a batch finds it ended."""

    def sleep(_seconds: float) -> None:
        for batch_id, batch in wire.batches.items():
            if batch.facts["status"] in ("validating", "in_progress"):
                ended(wire, batch_id, **replies)

    monkeypatch.setattr(batching, "sleep", sleep)
    monkeypatch.setattr(batching, "POLL", 0.01)


def test_a_run_hands_its_prompts_over_in_one_batch_and_saves_what_comes_back(run, wire, monkeypatch):
    ending(wire, monkeypatch)
    assert running.carry_out(run)
    run.refresh_from_db()
    assert (run.status, run.error) == ("done", "")
    assert len(wire.batches) == 1 and Submission.objects.get().finished_at
    rows = Preference.objects.decided().filter(run=run)
    assert rows.count() == 6 and {row.value_shown for row in rows} == {1.0}
    assert {(row.tokens_in, row.cost) for row in rows} == {(100, 60 / 1e6)} and all(row.digest for row in rows)


def test_a_batch_handed_over_before_a_crash_is_found_again_and_not_paid_for_twice(run, wire, monkeypatch):
    class Killed(Exception):
        pass

    def killed(_seconds: float) -> None:
        raise Killed

    monkeypatch.setattr(batching, "sleep", killed)
    with pytest.raises(Killed):
        running.carry_out(run)
    assert len(wire.batches) == 1 and not Preference.objects.exists()
    ended(wire, next(iter(wire.batches)))
    run.refresh_from_db()
    run.enqueue()
    assert running.carry_out(run)
    assert len(wire.batches) == 1 and Preference.objects.decided().count() == 6


def test_what_cannot_be_read_is_given_back_to_be_asked_one_by_one(run, wire, monkeypatch):
    ending(wire, monkeypatch, v0="I cannot say.", v1="")
    machine = machines_of(run)[0]
    exhibits, _without = exhibits_for(machine, items_of(run))
    saved: list = []

    def save(verdicts: list) -> list[Preference]:
        saved.extend(verdicts)
        return [Preference(cost=0.0) for _ in verdicts]

    def show(items: list) -> list:
        return exhibits_for(machine, items)[0]

    left = batching.Batching(run, machine, Purse(), lambda: None, lambda: True, show, save).ask(exhibits)
    assert [exhibit.id.key for exhibit in left] == [exhibit.id.key for exhibit in exhibits[:2]]
    assert len(saved) == 4 and {verdict.status for _exhibit, verdict in saved} == {"ok"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"samples": 3}, "goes with one sample"), ({"verdict": "logprobs"}, "a verdict in words")],
)
def test_options_that_do_not_go_with_batches_fail_the_run_before_anybody_is_asked(run, wire, options, reason):
    judge = run.judges.get()
    judge.options = {"batch": True, **options}
    judge.save()
    running.carry_out(run)
    run.refresh_from_db()
    assert run.status == "failed" and reason in run.error and not wire.batches


def test_a_provider_without_batches_fails_the_run_before_anybody_is_asked(run):
    run.judges.get().model.__class__.objects.filter(judges__runs=run).update(provider="scripted")
    running.carry_out(run)
    run.refresh_from_db()
    assert run.status == "failed" and "option 'batch' is for the providers" in run.error


def test_an_upload_longer_than_a_lease_is_not_made_by_a_second_worker_too(run, wire, monkeypatch):
    """Another worker looks for the run all the while."""
    ending(wire, monkeypatch)
    monkeypatch.setattr("judging.models.run.LEASE", timedelta(seconds=0.6))
    monkeypatch.setattr(batching, "BEAT", 0.1)
    found = []
    real = batching.open_batches

    def look() -> None:
        found.append(Run.objects.unfinished().filter(pk=run.pk).exists())
        connection.close()

    def slow(endpoint):
        time.sleep(1.2)  # in the thread of the call
        other = threading.Thread(target=look)
        other.start()
        other.join()
        return real(endpoint)

    monkeypatch.setattr(batching, "open_batches", slow)
    assert running.carry_out(run)
    assert len(wire.batches) == 1 and Preference.objects.decided().count() == 6
    assert found and not any(found)


def test_a_passing_error_while_a_batch_is_at_work_is_waited_out(run, wire, monkeypatch):
    ending(wire, monkeypatch)
    real, failing = batching.open_batches, [503, 503]

    class Stumbling:
        def __init__(self, batches):
            self.batches = batches

        async def __aenter__(self):
            await self.batches.__aenter__()
            return self

        async def __aexit__(self, *exc):
            await self.batches.__aexit__(*exc)

        async def poll(self, batch_id):
            if failing:
                raise ChatError("HTTP 503", transient=True, status=failing.pop())
            return await self.batches.poll(batch_id)

        def __getattr__(self, name):
            return getattr(self.batches, name)

    monkeypatch.setattr(batching, "open_batches", lambda endpoint: Stumbling(real(endpoint)))
    assert running.carry_out(run)
    run.refresh_from_db()
    assert run.status == "done" and not failing and Preference.objects.decided().count() == 6


def test_what_was_handed_over_is_saved_also_where_the_next_go_is_cut_otherwise(run, wire, monkeypatch):
    monkeypatch.setattr(batching, "sleep", lambda _seconds: (_ for _ in ()).throw(InterruptedError))
    with pytest.raises(InterruptedError):
        running.carry_out(run)
    ended(wire, next(iter(wire.batches)))
    monkeypatch.setattr("judging.items.AT_ONCE", 2)
    monkeypatch.setattr("judging.running.AT_ONCE", 2)
    monkeypatch.setattr("judging.running.ROUNDS", 0)
    run.refresh_from_db()
    run.enqueue()
    assert running.carry_out(run)
    assert len(wire.batches) == 1 and Preference.objects.decided().count() == 6


def test_a_budget_hands_over_no_more_than_it_has_room_for(run, wire, monkeypatch):
    ending(wire, monkeypatch)
    Run.objects.filter(pk=run.pk).update(budget=0.0011)
    running.carry_out(run)
    sizes = [len(batch.requests) for batch in wire.batches.values()]
    assert sizes[0] < 6 and Preference.objects.decided().count() == sum(sizes) <= 6
