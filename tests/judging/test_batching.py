"""Judging by batch APIs: handed over once and all at once, found again after a crash, and nothing that was paid is thrown away."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from arena.chat import ChatError
from arena.models import Answer
from judging import anchors, batching, running, tasks
from judging.items import items_of
from judging.judges.dry_run import REPLY_TOKENS, prompt_tokens
from judging.judges.llm import ASKED_AGAIN
from judging.machines import machines_of
from judging.models import Judge, Preference, Run, Submission
from judging.progress import progress
from judging.purse import spent
from tests import batch_wire
from tests.judging import recorded as make
from tests.judging.asked import panel, priced, reload

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


def ended(
    wire,
    batch_id: str,
    reply: str = "The first is right. [[A]]",
    *,
    state: str = "",
    only: int | None = None,
    **replies,
) -> None:
    """End a batch in that state with this reply to every request, or with that of the request's id; to the `only` first ones."""
    rows = []
    for request in wire.batches[batch_id].requests[:only]:
        said = replies.get(request["custom_id"], reply)
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        body = {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}
        answer = {"status_code": 200, "request_id": "r", "body": body}
        rows.append({"id": "b", "custom_id": request["custom_id"], "response": answer, "error": None})
    wire.end(batch_id, state, results=b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    wire.batches[batch_id].facts["error_file_id"] = None


def at_work(wire) -> list[str]:
    return [id_ for id_, batch in wire.batches.items() if batch.facts["status"] in ("validating", "in_progress")]


def while_waiting(monkeypatch, act) -> None:
    """What happens whenever somebody waits for a batch."""
    monkeypatch.setattr(batching, "sleep", lambda _seconds: (act(), time.sleep(0.01)))
    monkeypatch.setattr(batching, "POLL", 0.01)


def ending(wire, monkeypatch, reply: str = "The first is right. [[A]]", **replies: str) -> list[int]:
    """Whoever waits for a batch finds all of them ended; how many were at work each time somebody waited."""
    counts = []

    def end_all() -> None:
        counts.append(len(at_work(wire)))
        for batch_id in at_work(wire):
            ended(wire, batch_id, reply, **replies)

    while_waiting(monkeypatch, end_all)
    return counts


def again(run: Run) -> Run:
    """The run carried out once more."""
    run.refresh_from_db()
    run.enqueue()
    assert running.carry_out(run)
    run.refresh_from_db()
    return run


def in_pieces(monkeypatch, size: int) -> None:
    monkeypatch.setattr("judging.items.AT_ONCE", size)
    monkeypatch.setattr("judging.running.AT_ONCE", size)
    monkeypatch.setattr("judging.running.ROUNDS", 0)


def second_judge(run: Run, name: str = "pythia", **options) -> Judge:
    """Another model behind the same address, not in the run yet."""
    first = run.judges.get().model
    fields = {name: getattr(first, name) for name in ("base_url", "key_env", "price_in", "price_out")}
    judge = make.llm_judge(name, endpoint_model="gpt-other", **fields)
    judge.options = options
    judge.save()
    return judge


def test_a_judge_that_is_asked_anew_to_see_drift_hands_its_prompts_over_again(run, wire, monkeypatch):
    ending(wire, monkeypatch)
    assert running.carry_out(run)
    judge = run.judges.get()
    for place, one in enumerate(anchors.start(anchors.asking(judge, run.benchmark)), start=1):
        assert running.carry_out(one) and len(wire.batches) == 1 + place
        assert Preference.objects.decided().filter(run=one, trial=place, kept_out="again").count() == 6
    assert not Submission.objects.filter(finished_at=None).exists()


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


# --- nothing paid is thrown away


def test_a_reply_that_cannot_be_read_begins_with_the_repair_turn_and_costs_what_it_took(run, wire, monkeypatch):
    ending(wire, monkeypatch, v0="I cannot say.")
    assert running.carry_out(run)
    assert len(wire.asked) == 1 and wire.asked[0]["messages"][-2] == {"role": "assistant", "content": "I cannot say."}
    mended = Preference.objects.decided().get(asked=2)
    assert mended.reply == f"I cannot say.{ASKED_AGAIN}{wire.says}" and mended.value_shown == -1
    assert (mended.tokens_in, mended.tokens_out) == (300, 30)
    assert mended.cost == pytest.approx((120 / 2 + 240) / 1e6), "half the price for what was in the batch alone"
    assert Preference.objects.decided().count() == 6 and Submission.objects.get().finished_at
    assert reload(run).status == "done" and spent(run) == pytest.approx((6 * 60 + 240) / 1e6)


def test_a_reply_that_stays_unreadable_is_on_record_with_all_that_was_said_and_its_cost(run, wire, monkeypatch):
    ending(wire, monkeypatch, v0="I cannot say.")
    wire.says = "Nor now."
    assert running.carry_out(run)
    failed = Preference.objects.failed().get()
    assert failed.reply.split(ASKED_AGAIN) == ["I cannot say.", *["Nor now."] * 3] and len(wire.asked) == 3
    assert failed.cost == pytest.approx((60 + 3 * 240) / 1e6)


def test_replies_whose_repair_could_not_be_asked_for_are_asked_of_the_batch_again_and_not_paid_twice(
    run, wire, monkeypatch
):
    """The endpoint refuses all calls outside batches, until somebody has seen to it."""
    ending(wire, monkeypatch, v0="I cannot say.", v1="Nor I.", v2="")
    Run.objects.filter(pk=run.pk).update(limits={"concurrency": 1})
    run.refresh_from_db()
    wire.says, says = "", wire.says
    assert running.carry_out(run)
    run.refresh_from_db()
    assert run.status == "failed" and "not now" in run.error and Submission.objects.filter(finished_at=None).exists()
    assert Preference.objects.decided().count() == 3 and Preference.objects.failed().get().reply == "I cannot say."
    wire.says = says
    assert again(run).status == "done"
    assert len(wire.batches) == 1 and len(wire.asked) == 1 + 2
    assert Preference.objects.decided().count() == 5 and not Submission.objects.filter(finished_at=None).exists()


def test_what_a_batch_did_not_answer_is_asked_one_by_one(run, wire, monkeypatch):
    while_waiting(monkeypatch, lambda: [ended(wire, id_, only=4, state="expired") for id_ in at_work(wire)])
    assert running.carry_out(run)
    assert reload(run).status == "done" and len(wire.batches) == 1 and len(wire.asked) == 2
    costs = sorted(Preference.objects.decided().values_list("cost", flat=True))
    assert costs == pytest.approx([60 / 1e6] * 4 + [240 / 1e6] * 2)


def test_a_batch_that_failed_fails_the_run_with_its_reason_and_nobody_is_asked_at_full_price(run, wire, monkeypatch):
    def refuse() -> None:
        for id_ in at_work(wire):
            facts = wire.batches[id_].facts
            facts["status"] = "failed"
            facts["errors"] = {"data": [{"line": 3, "message": "the model is not made for batches", "code": "no"}]}

    while_waiting(monkeypatch, refuse)
    assert running.carry_out(run)
    run.refresh_from_db()
    assert run.status == "failed" and not wire.asked and not Preference.objects.exists()
    assert run.error == "judge oracle: batch batch_1 failed: line 3: the model is not made for batches"
    ending(wire, monkeypatch)
    assert again(run).status == "done" and len(wire.batches) == 2 and not wire.asked


def test_a_batch_that_the_endpoint_no_longer_knows_fails_the_run_and_is_handed_over_anew_by_the_next(
    run, wire, monkeypatch
):
    while_waiting(monkeypatch, wire.batches.clear)
    assert running.carry_out(run)
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "judge oracle: the endpoint knows no batch batch_1 any more")
    ending(wire, monkeypatch)
    assert again(run).status == "done" and not wire.asked and Preference.objects.decided().count() == 6


# --- cancelled


def test_a_run_that_is_cancelled_cancels_its_batches_and_keeps_what_they_were_answered(run, wire, monkeypatch):
    while_waiting(monkeypatch, lambda: running.cancel(run))
    assert running.carry_out(run)
    run = reload(run)
    assert (run.status, run.lease) == ("cancelled", None)
    assert wire.batches["batch_1"].facts["status"] == "cancelling" and not Preference.objects.exists()
    running.wind_up(run)
    assert run in Run.objects.to_wind_up(), "it takes its time to stop"
    ended(wire, "batch_1", state="cancelled", only=4, v1="I cannot say.")
    running.wind_up(run)
    assert not Run.objects.to_wind_up().exists() and Submission.objects.get().finished_at
    assert Preference.objects.decided().count() == 3 and not wire.asked
    unread = Preference.objects.failed().get()
    assert (unread.status, unread.reply, unread.cost) == ("parse_error", "I cannot say.", 60 / 1e6)
    assert (reload(run).status, reload(run).lease) == ("cancelled", None)
    ending(wire, monkeypatch)
    assert again(run).status == "done" and not wire.asked
    assert [len(batch.requests) for batch in wire.batches.values()] == [6, 2]


def test_the_sweep_winds_up_a_run_that_was_paused_when_somebody_cancelled_it(run, wire, monkeypatch):
    while_waiting(monkeypatch, lambda: running.pause(run))
    assert running.carry_out(run)
    assert reload(run).is_paused and at_work(wire) == ["batch_1"] and not Run.objects.to_wind_up().exists()
    running.cancel(run)
    monkeypatch.setattr(tasks.wind_up, "apply_async", lambda args, **_how: tasks.wind_up(*args))
    tasks.sweep()
    assert wire.batches["batch_1"].facts["status"] == "cancelling"
    tasks.sweep()
    assert sum(path.endswith("/cancel") for path in wire.paths("POST")) == 1, "it was told to stop once"
    ended(wire, "batch_1", state="cancelled", only=5)
    tasks.sweep()
    assert Preference.objects.decided().count() == 5 and Submission.objects.get().finished_at


def test_a_cancelled_run_that_is_resumed_before_its_batch_has_stopped_waits_for_it(run, wire, monkeypatch):
    while_waiting(monkeypatch, lambda: running.cancel(run))
    assert running.carry_out(run)

    def end() -> None:
        if wire.batches["batch_1"].facts["status"] == "cancelling":
            ended(wire, "batch_1", state="cancelled", only=4)
        for id_ in at_work(wire):
            ended(wire, id_)

    while_waiting(monkeypatch, end)
    assert again(run).status == "done" and not wire.asked
    assert [len(batch.requests) for batch in wire.batches.values()] == [6, 2]


def test_a_batch_that_somebody_cancels_at_the_endpoint_fails_the_run_and_keeps_what_was_answered(
    run, wire, monkeypatch
):
    while_waiting(monkeypatch, lambda: [ended(wire, id_, state="cancelled", only=2) for id_ in at_work(wire)])
    assert running.carry_out(run)
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "judge oracle: batch batch_1 was cancelled at the endpoint")
    assert Preference.objects.decided().count() == 2 and not wire.asked


# --- all at once


def test_all_pieces_of_all_judges_are_handed_over_before_any_is_waited_for(run, wire, monkeypatch):
    """Also those of members, and after the others have judged."""
    in_pieces(monkeypatch, 2)
    jury = panel("a jury", run.judges.get(), second_judge(run, batch=True))
    run.judges.set([make.judge("dry", kind="dry_run"), jury, run.judges.get()])
    counts = ending(wire, monkeypatch)
    assert running.carry_out(run)
    assert counts == [6] and reload(run).status == "done"
    assert Preference.objects.decided().filter(judge=jury).count() == 6 and not wire.asked
    assert [len(batch.requests) for batch in wire.batches.values()] == [2] * 6


def test_a_cascade_hands_over_a_step_at_a_time_and_only_what_is_left_open(run, wire, monkeypatch):
    in_pieces(monkeypatch, 2)
    steps = panel("a stair", run.judges.get(), second_judge(run, batch=True), kind="cascade", agree=1)
    run.judges.set([steps])
    wire.says = "Nor now."
    counts = ending(wire, monkeypatch, v1="I cannot say.")
    assert running.carry_out(run)
    assert counts == [3, 3] and [len(batch.requests) for batch in wire.batches.values()] == [2, 2, 2, 1, 1, 1]
    assert progress(reload(run)).is_all_judged and Preference.objects.decided().filter(judge=steps).count() == 6


def test_judges_without_batches_judge_while_batches_are_at_work(run, wire, monkeypatch):
    other = second_judge(run)
    run.judges.add(other)
    seen = []
    real = ending(wire, monkeypatch)
    end = batching.sleep

    def look(seconds: float) -> None:
        seen.append(Preference.objects.filter(judge=other).count())
        end(seconds)

    monkeypatch.setattr(batching, "sleep", look)
    assert running.carry_out(run)
    assert seen == [6] and real == [1] and Preference.objects.decided().count() == 12


@pytest.mark.parametrize("cache", [True, False])
def test_the_same_prompt_in_two_pieces_is_handed_over_once(run, wire, monkeypatch, cache):
    in_pieces(monkeypatch, 2)
    run.benchmark.questions.update(turns=["How long does an egg boil?"])
    for name in ("Ash", "Birch"):
        Answer.objects.filter(model__name=name).update(turns=[f"{name} says so."])
    Run.objects.filter(pk=run.pk).update(cache=cache)
    run.refresh_from_db()
    ending(wire, monkeypatch)
    assert running.carry_out(run)
    handed = sum(len(batch.requests) for batch in wire.batches.values())
    assert handed == (2 if cache else 6) and not wire.asked
    assert Preference.objects.decided().count() == 6
    assert Preference.objects.filter(cached=True).count() == (4 if cache else 0)


def test_a_prompt_that_is_under_way_since_an_earlier_go_is_not_handed_over_for_another_item(run, wire, monkeypatch):
    run.benchmark.questions.update(turns=["How long does an egg boil?"])
    for name in ("Ash", "Birch"):
        Answer.objects.filter(model__name=name).update(turns=[f"{name} says so."])
    while_waiting(monkeypatch, lambda: running.pause(run))
    assert running.carry_out(run)
    ending(wire, monkeypatch)
    assert again(run).status == "done"
    assert [len(batch.requests) for batch in wire.batches.values()] == [2] and not wire.asked
    assert Preference.objects.decided().count() == 6


def test_what_waits_in_batches_of_any_judge_is_not_spent_again(run, wire, monkeypatch):
    """Room for six or seven prompts: the second judge waits for what the first one's batch leaves."""
    price = 0.5 * (prompt_tokens_of(run) + 2 * REPLY_TOKENS) / 1e6
    run.judges.add(second_judge(run, batch=True))
    Run.objects.filter(pk=run.pk).update(budget=6.5 * price)
    run.refresh_from_db()
    counts = ending(wire, monkeypatch)
    assert running.carry_out(run)
    assert counts[0] == 1 and [len(batch.requests) for batch in wire.batches.values()][0] == 6
    assert spent(run) <= 6.5 * price and Preference.objects.count() == sum(
        len(b.requests) for b in wire.batches.values()
    )


def test_who_is_asked_call_by_call_waits_for_money_that_batches_may_need(run, wire, monkeypatch):
    price = 0.5 * (prompt_tokens_of(run) + 2 * REPLY_TOKENS) / 1e6
    run.judges.add(other := second_judge(run))
    Run.objects.filter(pk=run.pk).update(budget=6 * price)
    run.refresh_from_db()
    seen = []

    def look() -> None:
        seen.append(len(wire.asked))
        for id_ in at_work(wire):
            ended(wire, id_)

    while_waiting(monkeypatch, look)
    assert running.carry_out(run)
    assert seen == [0] and wire.asked and Preference.objects.filter(judge=other).exists()


def test_a_run_that_is_paused_with_its_budget_in_a_batch_takes_it_in_when_it_is_resumed(run, wire, monkeypatch):
    price = 0.5 * (prompt_tokens_of(run) + 2 * REPLY_TOKENS) / 1e6
    Run.objects.filter(pk=run.pk).update(budget=3.5 * price)
    run.refresh_from_db()
    while_waiting(monkeypatch, lambda: running.pause(run))
    assert running.carry_out(run)
    assert [len(batch.requests) for batch in wire.batches.values()] == [3]
    seen = ending(wire, monkeypatch)
    again(run)
    assert seen[0] == 1 and Preference.objects.count() >= 3, "nothing more was handed over before it came back"


def test_what_comes_back_while_references_wait_for_money_has_its_turn_too(run, wire, monkeypatch):
    """The second judge writes references first, for which the first one's batch leaves nothing."""
    price = 0.5 * (prompt_tokens_of(run) + 2 * REPLY_TOKENS) / 1e6
    run.judges.add(other := second_judge(run, reference="own"))
    priced(other, 0.001, 0.002)
    Run.objects.filter(pk=run.pk).update(budget=6 * price)
    run.refresh_from_db()
    seen = []

    def look() -> None:
        seen.append(len(wire.asked))
        for id_ in at_work(wire):
            ended(wire, id_, only=5, state="expired")

    while_waiting(monkeypatch, look)
    assert running.carry_out(run)
    assert seen == [0] and reload(run).status == "done"
    assert Preference.objects.decided().count() == 12 and len(wire.asked) == 3 + 6 + 1


def prompt_tokens_of(run: Run) -> int:
    """The longest prompt of the run in tokens, as a budget counts them."""
    machine = machines_of(run)[0]
    return max(prompt_tokens(list(machine.engine.request(item.exhibit())[0])) for item in items_of(run))


def test_a_run_that_waits_for_another_runs_judge_collects_its_own_batches_meanwhile(run, wire, monkeypatch):
    other = second_judge(run)
    ahead = make.run(run.benchmark, judges=[other], status="queued", name="ahead")
    token = ahead.claim()
    ahead.begin_judging()
    run.judges.add(other)
    seen = []

    def wait(seconds: float) -> None:
        seen.append(Preference.objects.count())
        for batch in at_work(wire):
            ended(wire, batch)
        if Preference.objects.count() == 6 and ahead.lease is None:
            ahead.release(token, status="done")
        time.sleep(0.01)

    monkeypatch.setattr(batching, "POLL", 0.01)
    monkeypatch.setattr(running, "POLL", 0.02)
    monkeypatch.setattr(running, "sleep", wait)
    assert running.carry_out(run)
    assert seen[0] == 0 and seen[-1] == 6, "its batch is on record while it waits still"
    assert progress(reload(run)).done == 12 and len(wire.asked) == 6
