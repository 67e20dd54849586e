"""Runs carried out: leases and workers, stops of every kind, what is asked again and what never is."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from arena import chat, setup
from arena.chat.draft import Draft
from arena.chat.scripted import ScriptedChat
from arena.keeping import NotKept
from arena.models import Answer, LanguageModel
from judging import items, running, tasks
from judging.billing import estimate
from judging.items import Item, battles_of, items_of, undecided
from judging.judges.base import OK, Verdict
from judging.judges.rule import RuleJudge
from judging.machines import machines_of
from judging.models import Grade, Judge, Preference, Run
from judging.progress import expected, judgments_of, progress, without_verdict
from judging.purse import Purse
from judging.verdicts import Go
from rating import snapshots
from rating.models import Snapshot
from tests import children, openai_server
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def benchmark():
    """Six questions, each answered by three models in texts of different vocabulary."""
    benchmark = make.benchmark()
    for number, question in enumerate(make.answered(benchmark, "Ash", "Birch", "Cedar", questions=6)):
        for place, answer in enumerate(question.answers.order_by("pk")):
            answer.turns = [" ".join(f"word{n}" for n in range(5 + 20 * place + number))]
            answer.save()
    return benchmark


def oracle(server, **fields) -> Judge:
    return make.llm_judge(base_url=server.base_url, endpoint_model="vocabulary", **fields)


def pairs(benchmark, *judges, **fields) -> Run:
    """A queued run of all three models in both orders: 6 questions × 3 battles × 2."""
    return make.run(benchmark, "Ash", "Birch", "Cedar", judges=judges, status="queued", **fields)


def reload(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def prompts(calls) -> list[str]:
    return [call.body["messages"][-1]["content"] for call in calls]


# --- the whole way


def test_a_run_asks_for_every_battle_in_both_orders_and_is_done(benchmark):
    with openai_server.serve() as server:
        run = pairs(benchmark, oracle(server))
        assert running.carry_out(run)
        assert server.count == len(set(prompts(server.calls))) == 36
    run = reload(run)
    assert (run.status, run.error, run.lease, run.stage) == ("done", "", None, "") and run.finished_at
    assert Preference.objects.decided().filter(run=run, provenance="real").count() == 36
    assert {
        (row.value > 0) == (row.battle.first.model.name > row.battle.second.model.name)
        for row in Preference.objects.all()
    } == {True}
    benchmark.refresh_from_db()
    run.rubric.refresh_from_db()
    assert benchmark.frozen_at and run.rubric.frozen_at and run.judges.get().frozen_at


@pytest.mark.parametrize(
    ("mode", "order", "count"),
    [
        ("single", "both", 18),
        ("pairwise", "both", 36),
        ("pairwise", "fixed", 18),
        ("pairwise", "random", 18),
        ("baseline", "both", 24),
    ],
)
def test_what_is_expected_estimated_and_made_is_the_same_number(benchmark, mode, order, count):
    with openai_server.serve() as server:
        fields = {"mode": mode, "order": order, "baseline": make.model("Ash") if mode == "baseline" else None}
        run = pairs(benchmark, oracle(server), **fields)
        assert estimate(run).judges[0].calls == progress(run).total == count
        running.carry_out(run)
        assert server.count == count and progress(reload(run)).done == count
        assert estimate(run).judges[0].calls == 0


def test_one_order_at_random_is_the_seeds_and_both_ways_about_equal(benchmark):
    with openai_server.serve() as server:
        run = pairs(benchmark, oracle(server), order="random", seed=5)
        shown = [item.swapped for item in items_of(run)]
        assert shown == [item.swapped for item in items_of(run)] and 3 <= sum(shown) <= 15
        run.seed = 6
        assert shown != [item.swapped for item in items_of(run)]


def test_in_fixed_order_the_baseline_is_shown_second(benchmark):
    run = pairs(benchmark, mode="baseline", order="fixed", baseline=make.model("Ash"))
    assert {item.answers[1].model.name for item in items_of(run)} == {"Ash"}


def test_every_judge_judges_and_the_limit_cuts_the_questions(benchmark):
    with openai_server.serve() as server:
        run = pairs(
            benchmark, oracle(server), make.judge("rules"), make.judge("dry", kind="dry_run"), limits={"questions": 2}
        )
        running.carry_out(run)
        assert server.count == 12
    kinds = {judge.name: Preference.objects.filter(judge=judge).count() for judge in Judge.objects.all()}
    assert kinds == {"oracle": 12, "rules": 12, "dry": 12}
    assert {row.provenance for row in Preference.objects.filter(judge__name="dry")} == {"dry_run"}


def test_carrying_out_again_asks_nothing_and_a_new_answer_asks_only_for_its_battles(benchmark):
    with openai_server.serve() as server:
        run = pairs(benchmark, oracle(server))
        running.carry_out(run)
        server.forget()
        again = pairs(benchmark, *run.judges.all(), name="the same under another name")
        running.carry_out(again)
        assert server.count == 0 and reload(again).status == "done" and progress(again).done == 36
        make.answer(benchmark.questions.first(), make.model("Dogwood"), "A few words.").save()
        again.candidates.add(make.model("Dogwood"))
        again.enqueue()
        running.carry_out(again)
        assert server.count == 6


def elsewhere(run: Run) -> object:
    """Another worker has this run and judges; its lease."""
    token = run.claim()
    run.begin_judging()
    return token


def meanwhile(monkeypatch, run: Run, token: object) -> list[float]:
    """While somebody waits, the other worker judges all of its run before the third look; how long the waits were."""
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            running.make_judgments(Go(run, lambda: None, Purse()), machines_of(run))
            run.release(token, status="done")

    monkeypatch.setattr(running, "sleep", sleep)
    return waited


@pytest.mark.parametrize("order", ["random", "balanced", "fixed"])
@pytest.mark.parametrize("mode", ["pairwise", "baseline"])
def test_what_an_earlier_run_judged_in_both_orders_counts_once_where_one_is_asked_for(benchmark, mode, order):
    baseline = {"baseline": make.model("Birch")} if mode == "baseline" else {}
    judge = make.judge("dry", kind="dry_run")
    both = pairs(benchmark, judge, mode=mode, **baseline)
    running.carry_out(both)
    run = pairs(benchmark, judge, mode=mode, order=order, seed=3, **baseline)
    told = progress(run)
    assert told.done == told.total == expected(run) == progress(both).done // 2
    assert {judgment.swapped for judgment in judgments_of(run)} == {item.swapped for item in items_of(run)}


def test_what_an_earlier_run_judged_the_other_way_round_is_still_to_be_done(benchmark):
    judge = make.judge("dry", kind="dry_run")
    running.carry_out(pairs(benchmark, judge, order="random", seed=1))
    run = pairs(benchmark, judge, order="random", seed=2)
    left = undecided(run, judge, items_of(run))
    assert left and progress(run).done == progress(run).total - len(left)
    running.carry_out(run)
    assert progress(run).done == progress(run).total == 18


@pytest.mark.parametrize("first", [0, 1])
def test_two_runs_at_once_that_want_the_same_of_one_judge_pay_for_it_once(benchmark, monkeypatch, first):
    """Who began to judge first is waited for, whichever was set up first; the other finds all of it on record."""
    with openai_server.serve() as server:
        judge = oracle(server)
        runs = [pairs(benchmark, judge), pairs(benchmark, judge, name="the same at the same time")]
        ahead, behind = runs[first], runs[1 - first]
        waited = meanwhile(monkeypatch, ahead, elsewhere(ahead))
        assert running.carry_out(behind)
        assert server.count == 36 and len(waited) == 3
    assert {reload(run).status for run in runs} == {"done"}


def test_a_run_that_is_resumed_waits_for_one_that_began_while_it_was_paused(benchmark, monkeypatch):
    with openai_server.serve() as server:
        judge = oracle(server)
        first, second = pairs(benchmark, judge), pairs(benchmark, judge, name="begun meanwhile")
        first.release(elsewhere(first), status="paused")
        token = elsewhere(second)
        assert reload(first).judging_since < reload(second).judging_since
        waited = meanwhile(monkeypatch, second, token)
        first.enqueue()
        assert running.carry_out(reload(first))
        assert server.count == 36 and len(waited) == 3
    assert {reload(first).status, reload(second).status} == {"done"}


def test_a_run_waits_for_no_judge_that_an_earlier_one_is_through_with(benchmark, monkeypatch):
    """The earlier run has one judge's verdicts, and waits for another's: a batch may take a day."""
    monkeypatch.setattr(running, "sleep", lambda _seconds: pytest.fail("it waited"))
    with openai_server.serve() as server:
        judge, slow = oracle(server), make.llm_judge("slow", base_url=server.base_url, endpoint_model="vocabulary")
        running.carry_out(pairs(benchmark, judge))
        elsewhere(pairs(benchmark, judge, slow, name="waits for the slow one"))
        make.answer(benchmark.questions.first(), make.model("Dogwood"), "A few words.").save()
        run = pairs(benchmark, judge, name="with one more")
        run.candidates.add(make.model("Dogwood"))
        assert running.carry_out(run)
        assert server.count == 36 + 6 and reload(run).status == "done"


def test_only_the_very_same_work_waits_for_an_earlier_run_and_the_rest_is_judged_meanwhile(benchmark, monkeypatch):
    with openai_server.serve() as server:
        judge = oracle(server)
        ahead = pairs(benchmark, judge, limits={"questions": 1})
        behind = pairs(benchmark, judge, name="all six")
        token, seen = elsewhere(ahead), []

        def sleep(seconds: float) -> None:
            seen.append(server.count)
            if len(seen) == 2:
                running.make_judgments(Go(ahead, lambda: None, Purse()), machines_of(ahead))
                ahead.release(token, status="done")

        monkeypatch.setattr(running, "sleep", sleep)
        assert running.carry_out(behind)
        assert seen == [30, 30] and server.count == 36 and progress(behind).done == 36
    assert reload(behind).status == "done"


def test_a_judge_waits_while_it_is_asked_as_a_member_and_not_once_the_panel_has_spoken(benchmark, monkeypatch):
    with openai_server.serve() as server:
        judge = oracle(server)
        jury = make.judge("jury", kind="panel")
        jury.seats.create(member=judge)
        jury.seats.create(member=make.judge("rules"), position=1)
        ahead, behind = pairs(benchmark, jury), pairs(benchmark, judge, name="alone")
        waited = meanwhile(monkeypatch, ahead, elsewhere(ahead))
        assert running.carry_out(behind)
        assert server.count == 36 and len(waited) == 3
        elsewhere(pairs(benchmark, jury, name="it has spoken"))
        running.retry_failed(behind)
        assert running.carry_out(pairs(benchmark, judge, name="alone again")) and len(waited) == 3


def test_no_two_runs_on_a_benchmark_begin_to_judge_at_the_same_time_whatever_their_clocks_say(benchmark, monkeypatch):
    first, second, third = pairs(benchmark), pairs(benchmark), pairs(benchmark)
    elsewhere(first)
    Run.objects.filter(pk=first.pk).update(judging_since=timezone.now() + timedelta(minutes=5))
    second.begin_judging()
    third.begin_judging()
    assert [list(Run.objects.judging_before(run)) for run in (reload(first), second)] == [[], [reload(first)]]
    assert reload(first).judging_since < second.judging_since < third.judging_since


def test_what_another_worker_died_with_is_not_waited_for(benchmark):
    with openai_server.serve() as server:
        judge = oracle(server)
        dead, alive = pairs(benchmark, judge), pairs(benchmark, judge, name="alive")
        elsewhere(dead)
        Run.objects.filter(pk=dead.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        assert running.carry_out(alive)
        assert server.count == 36 and reload(alive).status == "done"


# --- leases


def test_two_workers_and_one_does_the_work(benchmark):
    with openai_server.serve(latency=0.02) as server:
        run = pairs(benchmark, oracle(server))
        did = []

        def work():
            try:
                did.append(running.carry_out(reload(run)))
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(did) == [False, True] and server.count == 36
    assert Preference.objects.count() == 36


def test_a_worker_that_lost_its_lease_ends_quietly_and_leaves_the_run_to_the_other(benchmark):
    other = "12345678123456781234567812345678"
    with openai_server.serve(latency=0.05) as server:
        run = pairs(benchmark, oracle(server), limits={"concurrency": 2})

        def steal(run):
            Run.objects.filter(pk=run.pk).update(lease=other, lease_until=timezone.now() + timedelta(minutes=1))

        assert running.carry_out(run, watch=steal)
        assert server.count < 12
    run = reload(run)
    assert (run.status, run.lease.hex, run.error) == ("running", other, "")


def test_the_lease_is_renewed_while_a_slow_endpoint_says_nothing(benchmark):
    """Nothing arrives for three seconds; the lease, cut short from outside, is long again before it runs out."""
    seen = []
    with openai_server.serve(latency=2.5) as server:
        run = pairs(benchmark, oracle(server), limits={"questions": 1, "concurrency": 6})

        def shorten(run):
            seen.append(reload(run).lease_until - timezone.now())
            Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() + timedelta(seconds=1.5))

        running.carry_out(run, watch=shorten)
    assert len(seen) >= 3 and all(left > timedelta(seconds=20) for left in seen)
    assert reload(run).status == "done"


def test_the_sweep_finds_a_run_whose_worker_died_and_leaves_those_alive(benchmark):
    with openai_server.serve() as server:
        dead, alive = pairs(benchmark, oracle(server)), pairs(benchmark, name="alive")
        assert dead.claim() and alive.claim()
        Run.objects.filter(pk=dead.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        assert list(Run.objects.unfinished()) == [dead]
        tasks.carry_out(dead.pk)
        tasks.carry_out(alive.pk)
    assert (reload(dead).status, reload(alive).status) == ("done", "running")


# --- stops


def test_cancelling_in_the_middle_stops_the_asking_and_keeps_what_was_judged(benchmark):
    with openai_server.serve(latency=0.05) as server:
        run = pairs(benchmark, oracle(server), limits={"concurrency": 2})

        def stop(run):
            if Preference.objects.count() >= 6:
                running.cancel(run)

        running.carry_out(run, watch=stop)
        asked = server.count
        assert 6 <= Preference.objects.count() <= asked < 36
        assert (reload(run).status, reload(run).lease) == ("cancelled", None)
        time.sleep(0.2)
        assert server.count <= asked + 2
        kept = Preference.objects.count()
        run.enqueue()
        server.forget()
        running.carry_out(run)
        assert server.count == 36 - kept
    assert reload(run).status == "done" and Preference.objects.count() == 36


def test_a_missing_key_fails_the_run_in_one_line_before_anybody_is_asked(benchmark, monkeypatch):
    monkeypatch.delenv("ORACLE_KEY", raising=False)
    with openai_server.serve() as server:
        keyless = make.judge(
            "keyless",
            kind="llm",
            model=make.model("k", provider="openai", base_url=server.base_url, key_env="ORACLE_KEY"),
        )
        run = pairs(benchmark, oracle(server), keyless)
        running.carry_out(run)
        assert server.count == 0
    run = reload(run)
    assert run.error.startswith("model k: The environment variable ORACLE_KEY, which holds its key, is not set. Set it")
    assert (run.status, run.lease) == ("failed", None) and not Preference.objects.exists()
    benchmark.refresh_from_db()
    assert benchmark.frozen_at is None


def test_an_endpoint_that_refuses_the_key_fails_the_run_and_the_other_judges_still_judge(benchmark, monkeypatch):
    monkeypatch.setenv("ORACLE_KEY", "wrong-key")
    with openai_server.serve(key="right-key") as server:
        run = pairs(benchmark, oracle(server, key_env="ORACLE_KEY"), make.judge("rules"), limits={"concurrency": 2})
        running.carry_out(run)
        assert server.count <= 4
    run = reload(run)
    assert run.status == "failed" and "401" in run.error and "wrong-key" not in run.error and "\n" not in run.error
    assert Preference.objects.filter(judge__name="rules").count() == 36


def test_an_option_the_judge_does_not_have_fails_the_run_in_one_line(benchmark):
    run = pairs(benchmark, make.judge("rules", options={"mood": "mild"}))
    running.carry_out(run)
    assert reload(run).status == "failed" and "'mood'" in reload(run).error


def test_a_fault_of_ours_fails_the_run_and_is_raised(benchmark):
    run = pairs(benchmark, make.judge("rules"))

    def broken(run):
        raise ZeroDivisionError("a page fell over")

    with pytest.raises(ZeroDivisionError):
        running.carry_out(run, watch=broken)
    assert (reload(run).status, reload(run).error) == ("failed", "ZeroDivisionError: a page fell over")
    assert reload(run).lease is None


# --- failures


def test_a_failed_judgment_stays_until_it_is_retried_and_is_then_set_aside(benchmark):
    with openai_server.serve(garble=1) as server:
        run = pairs(benchmark, oracle(server), limits={"questions": 1})
        running.carry_out(run)
        assert server.count == 24 and set(Preference.objects.values_list("status", flat=True)) == {"parse_error"}
        now = progress(reload(run))
        assert (now.done, now.failed, now.percent) == (0, 6, 100) and now.failures[0]["n"] == 6
        run.enqueue()
        running.carry_out(run)
        assert server.count == 24, "a failure is not asked again by itself"
    with openai_server.serve() as server:
        LanguageModel.objects.filter(name="oracle-model").update(base_url=server.base_url)
        assert running.retry_failed(run) == 6
        run.enqueue()
        running.carry_out(reload(run))
        assert server.count == 6
    assert Preference.objects.count() == 12 and Preference.objects.decided().count() == 6
    assert running.retry_failed(run) == 0


def test_the_verdicts_of_one_batch_are_saved_together_and_a_second_saving_changes_nothing(benchmark):
    run = pairs(benchmark, make.judge("rules"))
    item = items_of(run)[0]
    for value in (1, -1):
        running.save(run, run.judges.get(), [(item, Verdict(OK, value=value))])
    assert [row.value for row in Preference.objects.all()] == [1]
    assert item not in undecided(run, run.judges.get(), [item])


def test_a_verdict_that_the_database_refuses_is_told_of_and_takes_no_other_with_it(benchmark):
    run = pairs(benchmark, make.judge("rules"))
    some = items_of(run)[:3]
    verdicts = [(item, Verdict(OK, value=1, tokens_out=-n)) for n, item in enumerate(some)]
    with pytest.raises(NotKept, match="^2 of 3 preference rows could not be saved: IntegrityError"):
        running.save(run, run.judges.get(), verdicts)
    assert Preference.objects.count() == 1


def test_a_run_whose_verdicts_cannot_be_kept_fails_with_the_reason(benchmark, monkeypatch):
    async def judge(self, exhibits):
        for exhibit in exhibits:
            yield exhibit, Verdict(OK, value=3.0)

    monkeypatch.setattr(RuleJudge, "judge", judge)
    run = pairs(benchmark, make.judge("rules"))
    running.carry_out(run)
    assert reload(run).status == "failed" and "rows could not be saved" in reload(run).error
    assert "a_preference_is_between_minus_2_and_2" in reload(run).error and "\n" not in reload(run).error


def test_an_endpoint_that_counts_tokens_below_zero_loses_no_verdict(benchmark):
    class Counting(ScriptedChat):
        async def complete(self, messages, **options):
            draft = Draft(tokens_in=12, tokens_out=-1)
            draft.say("[[A]]")
            return draft.completion(streamed=False)

    judge = make.llm_judge(endpoint_model="echo")
    LanguageModel.objects.filter(pk=judge.model_id).update(provider="scripted")
    run = pairs(benchmark, judge, limits={"questions": 1})
    with patch.dict(chat.PROVIDERS, scripted=Counting):
        running.carry_out(run)
    assert {(row.tokens_in, row.tokens_out) for row in Preference.objects.decided()} == {(12, None)}
    assert Preference.objects.count() == 6 and reload(run).status == "done"


def test_what_the_rules_cannot_judge_is_skipped_and_is_no_failure(benchmark):
    run = pairs(benchmark, make.judge("rules"))
    running.carry_out(run)
    now = progress(reload(run))
    assert (now.done, now.failed, now.skipped, now.total, now.percent) == (0, 0, 36, 36, 100)
    assert now.failures == [] and now.lines[0].left == 0
    assert now.skips == [{"judge": "rules", "status": "skipped", "error": "the question has no checks", "n": 36}]
    assert without_verdict(now.lines[0], now.skips) == ", 36 skipped: the question has no checks"
    assert not Preference.objects.failed().exists() and Preference.objects.skipped().count() == 36
    assert running.retry_failed(run) == 0 and Preference.objects.current().count() == 36


# --- many questions


@pytest.mark.parametrize(("mode", "count"), [("pairwise", 36), ("single", 18), ("baseline", 24)])
def test_a_run_is_worked_through_in_pieces_and_the_lease_renewed_between_them(benchmark, monkeypatch, mode, count):
    monkeypatch.setattr(items, "AT_ONCE", 7)
    monkeypatch.setattr(running, "AT_ONCE", 7)
    pieces, renewed = [], []
    real, renew = RuleJudge.judge, Run.renew
    monkeypatch.setattr(RuleJudge, "judge", lambda self, seen: (pieces.append(len(seen)), real(self, seen))[1])
    monkeypatch.setattr(Run, "renew", lambda self, token: (renewed.append(len(pieces)), renew(self, token))[1])
    run = pairs(benchmark, make.judge("rules"), mode=mode, baseline=make.model("Ash") if mode == "baseline" else None)
    running.carry_out(run)
    assert sum(pieces) == count and max(pieces) <= 14 and len(pieces) > 1
    assert renewed[0] == 0 and set(renewed) >= set(range(len(pieces) + 1)), "before each piece, and after the last"
    assert Preference.objects.count() + Grade.objects.count() == count


def test_battles_hold_each_answer_once_and_nothing_that_no_judge_sees(benchmark, django_assert_num_queries):
    battles = battles_of(pairs(benchmark))
    answers = [answer for battle in battles for answer in (battle.first, battle.second)]
    assert len(battles) == 18 and len({id(answer) for answer in answers}) == 18
    assert len({id(battle.question) for battle in battles}) == len({battle.question_id for battle in battles})
    assert len({id(answer.model) for answer in answers}) == 3
    with django_assert_num_queries(0):
        assert all(Item(battle=battle).exhibit().answers for battle in battles)
        assert {battle.first.model.name for battle in battles} == {"Ash", "Birch"}
    assert all({"html", "reasoning", "trace"} <= answer.get_deferred_fields() for answer in answers)


# --- stages


def test_a_limit_to_stages_is_the_runs_own_and_holds_for_the_worker_that_takes_it_over():
    with openai_server.serve() as server:
        run = collecting(server, 2, oracle(server))
        run.enqueue(stages=("answers",))
        tasks.carry_out(run.pk)
        assert Answer.objects.count() == 4 and not Preference.objects.exists()
        run = reload(run)
        assert (run.status, run.stage, run.stages) == ("draft", "answers", [])
        run.enqueue()
        tasks.carry_out(run.pk)
    assert reload(run).status == "done" and Preference.objects.count() == 4


def test_answers_alone_leave_a_run_done_in_which_nothing_is_left_to_judge():
    with openai_server.serve() as server:
        run = collecting(server, 2, oracle(server))
        running.carry_out(run)
        run.enqueue(stages=("answers",))
        running.carry_out(run)
    assert reload(run).status == "done"


# --- interrupted


@pytest.mark.parametrize("how", [KeyboardInterrupt, SystemExit])
def test_a_process_that_is_stopped_leaves_the_run_in_the_queue_with_its_stages(how):
    def stop(run):
        raise how

    with openai_server.serve() as server:
        run = collecting(server, 2)
        with pytest.raises(how):
            running.carry_out(run, stages=("answers",), watch=stop)
    run = reload(run)
    assert (run.status, run.stages, run.lease, run.finished_at) == ("queued", ["answers"], None, None)
    assert run in Run.objects.unfinished()


def test_a_dead_workers_run_is_waited_for_and_then_carried_out(benchmark):
    run, said = pairs(benchmark, make.judge("rules")), []
    assert run.claim()
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() + timedelta(seconds=1))
    running.carry_out_in_turn(run, waiting=said.append)
    assert run.status == "done" and Preference.objects.count() == 36
    assert len(said) == 1 and f"another worker has run {run.pk}" in said[0]


def test_a_run_that_another_worker_ends_is_over_for_who_waits_too(benchmark):
    run = pairs(benchmark, make.judge("rules"))
    token = run.claim()

    def ended(run):
        Run.objects.get(pk=run.pk).release(token, status="done")

    running.carry_out_in_turn(run, watch=ended)
    assert run.status == "done" and not Preference.objects.exists()


# --- collecting


def collecting(server, questions: int = 4, *judges, **fields) -> Run:
    benchmark = make.benchmark()
    for n in range(questions):
        make.question(benchmark, f"q{n}", f"How long does egg number {n} boil?", "And for how many people is that?")
    for name in ("Ash", "Birch"):
        LanguageModel.objects.update_or_create(
            name=name,
            version="1",
            defaults={"vendor": "N", "provider": "openai", "base_url": server.base_url, "endpoint_model": name},
        )
    return make.run(benchmark, judges=judges, status="queued", collects=True, **fields)


def test_answers_are_collected_over_their_turns_and_then_judged():
    with openai_server.serve() as server:
        run = collecting(server, 4, oracle(server), cache=False)  # both models may say the same
        bill = estimate(run)
        assert (bill.answers, bill.answer_calls, bill.judges[0].calls) == (8, 16, 8)
        running.carry_out(run)
        assert server.count == 16 + 8
        now = progress(reload(run))
        assert (now.answers.done, now.answers.total, now.done) == (8, 8, 8)
        run.enqueue()
        running.carry_out(run)
        assert server.count == 24
    assert all(len(answer.turns) == 2 for answer in Answer.objects.all()) and reload(run).status == "done"


def test_only_the_stage_asked_for_is_carried_out():
    with openai_server.serve() as server:
        run = collecting(server, 2, oracle(server))
        running.carry_out(run, stages=("answers",))
        assert Answer.objects.count() == 4 and not Preference.objects.exists()


def test_an_answer_that_failed_is_kept_as_a_failure_and_collected_by_the_next_go():
    with openai_server.serve() as server:
        run = collecting(server, 1)
        question, birch = run.benchmark.questions.get(), run.candidates.get(name="Birch")
        Answer.objects.create(question=question, model=birch, turns=[], error="timed out")
        now = progress(run)
        assert (now.answers.failed, now.answers.done, now.answers.total) == (1, 0, 2)
        running.carry_out(run)
    assert Answer.objects.ok().count() == Answer.objects.count() == 2


def test_answers_that_fail_are_no_success_and_the_next_go_mends_it():
    with openai_server.serve() as server:
        run = collecting(server, 1)
        address = server.base_url
        LanguageModel.objects.update(base_url="http://127.0.0.1:9/v1")
        running.carry_out(run)
        assert run.status == Run.Status.FAILED
        assert re.match(r"(\d+ answers|an answer) failed \(\w+: .+\); the next go asks again", run.error)
        LanguageModel.objects.update(base_url=address)
        run.enqueue()
        running.carry_out(run)
    assert run.status == Run.Status.DONE and not run.error
    assert Answer.objects.ok().count() == Answer.objects.count() == 2


def test_a_run_that_finds_nothing_to_judge_is_no_success(benchmark):
    Answer.objects.all().delete()
    run = make.run(benchmark, "Ash", "Birch", judges=[make.judge("rules")])
    run.enqueue()
    running.carry_out(run)
    assert run.status == Run.Status.FAILED and "nothing to judge" in run.error


def test_a_key_that_is_missing_for_answers_fails_the_run_before_anybody_is_asked(monkeypatch):
    monkeypatch.delenv("BIRCH_KEY", raising=False)
    with openai_server.serve() as server:
        run = collecting(server)
        LanguageModel.objects.filter(name="Birch").update(key_env="BIRCH_KEY")
        running.carry_out(run)
        assert server.count == 0 and reload(run).error.startswith("model Birch: The environment variable BIRCH_KEY")


def test_a_missing_key_of_a_judge_is_found_before_answers_are_paid_for(monkeypatch):
    monkeypatch.delenv("ORACLE_KEY", raising=False)
    with openai_server.serve() as server:
        run = collecting(server, 4, oracle(server, key_env="ORACLE_KEY"))
        running.carry_out(run)
        assert server.count == 0 and "ORACLE_KEY" in reload(run).error and reload(run).status == "failed"


def test_one_models_refused_key_stops_no_other_and_the_run_names_the_model(monkeypatch):
    monkeypatch.setenv("ASH_KEY", "wrong-key")
    monkeypatch.setenv("BIRCH_KEY", "right-key")
    with openai_server.serve(key="right-key") as server:
        run = collecting(server, 30, make.judge("rules"), mode="single")
        for name in ("Ash", "Birch"):
            LanguageModel.objects.filter(name=name).update(key_env=f"{name.upper()}_KEY")
        running.carry_out(run)
    run = reload(run)
    assert run.status == "failed" and run.error.startswith("model Ash: ") and "401" in run.error
    assert set(Answer.objects.values_list("model__name", flat=True)) == {"Birch"}
    assert Answer.objects.count() == Grade.objects.count() == 30


def test_a_refused_key_for_answers_fails_the_run(monkeypatch):
    monkeypatch.setenv("BIRCH_KEY", "wrong-key")
    with openai_server.serve(key="right-key") as server:
        run = collecting(server, 30)
        LanguageModel.objects.update(key_env="BIRCH_KEY")
        running.carry_out(run)
        assert reload(run).status == "failed" and "401" in reload(run).error and server.count <= 16


# --- dry runs


def test_a_dry_run_freezes_no_benchmark_and_no_rating_reads_it(benchmark):
    run = pairs(benchmark, make.judge("dry run of oracle", kind="dry_run"), provenance="dry_run")
    running.carry_out(run)
    benchmark.refresh_from_db()
    assert Preference.objects.filter(provenance="dry_run").count() == 36 and benchmark.frozen_at is None
    assert snapshots.take(benchmark) is None and not Snapshot.objects.exists()


def test_on_a_demo_everything_is_demo(benchmark):
    single = make.run(benchmark, "Ash", judges=[make.judge("rules")], mode="single", provenance="demo", status="queued")
    running.carry_out(single)
    assert {row.provenance for row in Grade.objects.all()} == {"demo"}


# --- real workers


RECIPE = """
name: killed
mode: pairwise
benchmark: {{name: eggs, questions: q.jsonl}}
models:
  - {{name: Ash, version: "1", vendor: N, answers: ash.jsonl}}
  - {{name: Birch, version: "1", vendor: N, answers: birch.jsonl}}
judges:
  - {{kind: llm, name: oracle, version: "1", vendor: N, provider: openai, base_url: "{base_url}", model: vocabulary}}
limits: {{concurrency: {concurrency}}}
"""


def project(folder: Path, base_url: str, *, questions: int, concurrency: int) -> tuple[Path, dict[str, str]]:
    """A recipe with its files, and the environment of a process that has a data folder of its own."""
    words = ["six minutes", "six minutes and a pinch of salt in the water", "about as long as a song"]
    for name, shift in (("q", 0), ("ash", 1), ("birch", 2)):
        with (folder / f"{name}.jsonl").open("w") as file:
            for n in range(questions):
                row = {"key": str(n), "category": "c", "turns": [f"How long does egg {n} boil?"]}
                answer = {"question": str(n), "turns": [f"{words[(n + shift) % 3]} for egg {n}"]}
                file.write(json.dumps(row if name == "q" else answer) + "\n")
    (folder / "recipe.yaml").write_text(RECIPE.format(base_url=base_url, concurrency=concurrency))
    return folder / "recipe.yaml", process_environment(folder)


def process_environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    ours = {"JURYROOM_DATA": str(folder / "data"), "JURYROOM_NO_SETUP": "1", "DJANGO_SETTINGS_MODULE": "arena.settings"}
    return {**kept, **ours, "PYTHONPATH": str(setup.ROOT)}


def manage(environment: dict[str, str], *arguments: str) -> subprocess.Popen:
    process = children.start([sys.executable, "manage.py", *arguments], cwd=setup.ROOT, env=environment)
    STARTED.append(process)
    return process


STARTED: list[subprocess.Popen] = []


@pytest.fixture(autouse=True)
def no_process_outlives_its_test():
    yield
    while STARTED:
        children.end(STARTED.pop())


def finish(process: subprocess.Popen, seconds: int = 60) -> str:
    """What the process said; fails where it failed."""
    said, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, said
    return said


def rows(environment: dict[str, str], sql: str, *values) -> list[tuple]:
    file = Path(environment["JURYROOM_DATA"]) / "juryroom.sqlite3"
    with sqlite3.connect(file, timeout=20) as database:
        return database.execute(sql, values).fetchall()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(met, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


@pytest.mark.slow
def test_kill_9_in_the_middle_loses_nothing_and_repeats_nothing_that_was_saved(tmp_path):
    questions, concurrency = 60, 4
    with openai_server.serve(latency=0.1) as server:
        recipe, environment = project(tmp_path, server.base_url, questions=questions, concurrency=concurrency)
        finish(manage(environment, "migrate", "--verbosity", "0"))
        victim = manage(environment, "evaluate", str(recipe))
        count = "SELECT count(*) FROM judging_preference"
        try:
            wait_until(lambda: rows(environment, count)[0][0] >= questions)
        finally:
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
        saved = {
            json.loads(prompt)[-1]["content"]
            for (prompt,) in rows(environment, "SELECT prompt FROM judging_preference")
        }
        assert questions <= len(saved) < 2 * questions
        time.sleep(0.3)
        before = set(prompts(server.calls))
        server.forget()

        # as if the dead worker's lease had run out
        rows(environment, "UPDATE judging_run SET lease_until = '2020-01-01 00:00:00'")
        finish(manage(environment, "evaluate", str(recipe)))
        after = prompts(server.calls)

    assert rows(environment, count)[0][0] == 2 * questions
    assert rows(environment, "SELECT status, lease FROM judging_run") == [("done", None)]
    assert not saved & set(after), "what was saved is not asked again"
    assert len(after) == len(set(after)) == 2 * questions - len(saved)
    assert len(before & set(after)) <= 2 * concurrency, "only what was under way or had just arrived is asked twice"


@pytest.mark.slow
def test_ctrl_c_leaves_the_run_ready_to_go_on(tmp_path):
    with openai_server.serve(latency=0.1) as server:
        recipe, environment = project(tmp_path, server.base_url, questions=30, concurrency=2)
        finish(manage(environment, "migrate", "--verbosity", "0"))
        process = manage(environment, "evaluate", str(recipe))
        wait_until(lambda: server.count > 8)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 130, said
        assert said == "CommandError: stopped: what was saved stays; `evaluate` again goes on\n"
        assert rows(environment, "SELECT status, lease FROM judging_run") == [("cancelled", None)]
        finish(manage(environment, "evaluate", str(recipe)))
    assert rows(environment, "SELECT count(*) FROM judging_preference") == [(60,)]


@pytest.mark.slow
def test_a_worker_of_the_site_picks_a_queued_run_up_and_rates_it(tmp_path):
    """`up` in a process of its own: a Celery worker in a thread, beat, and an in-memory broker."""
    with openai_server.serve() as server:
        recipe, environment = project(tmp_path, server.base_url, questions=5, concurrency=4)
        finish(manage(environment, "migrate", "--verbosity", "0"))
        finish(manage(environment, "evaluate", str(recipe), "--stage", "answers"))
        assert (
            rows(environment, "SELECT status, stage FROM judging_run") == [("draft", "answers")] and server.count == 0
        )
        rows(environment, "UPDATE judging_run SET status = 'queued'")
        site = manage(environment, "up", "--port", str(free_port()))
        try:
            wait_until(lambda: rows(environment, "SELECT status FROM judging_run") == [("done",)])
            wait_until(lambda: rows(environment, "SELECT n FROM rating_snapshot") == [(5,)])
        finally:
            site.send_signal(signal.SIGINT)
            said, _ = site.communicate(timeout=20)
        assert site.returncode == 0, said
        assert server.count == 10


# --- evaluate


@pytest.fixture
def recipe(tmp_path):
    with openai_server.serve() as server:
        yield project(tmp_path, server.base_url, questions=3, concurrency=2)[0]


def evaluated(recipe, **options) -> dict:
    out = StringIO()
    call_command("evaluate", str(recipe), format="json", stdout=out, **options)
    return json.loads(out.getvalue())


def test_evaluate_succeeds_only_when_its_run_is_done(recipe, monkeypatch):
    real = running.make_judgments

    def cancelled(go, machines):
        running.cancel(go.run)
        return real(go, machines)

    monkeypatch.setattr(running, "make_judgments", cancelled)
    with pytest.raises(CommandError, match=r"^run \d+ is cancelled, not done: what was saved stays"):
        evaluated(recipe)
    assert not Preference.objects.exists() and Run.objects.get().status == "cancelled"
    monkeypatch.undo()
    assert evaluated(recipe)["status"] == "done" and Preference.objects.count() == 6


def test_evaluate_ends_well_with_a_limited_stage_and_goes_on_from_there(recipe):
    assert evaluated(recipe, stage="answers")["status"] == "draft"
    assert not Preference.objects.exists()
    assert evaluated(recipe)["status"] == "done" and Preference.objects.count() == 6
    assert evaluated(recipe, stage="answers")["status"] == "done", "nothing is left to judge"


def test_evaluate_takes_what_another_worker_did_for_its_own(recipe, monkeypatch):
    """A worker of `up` is quicker to the queue, and has orders to collect answers only."""
    real, quicker = Run.claim, []

    def claim(run):
        if not quicker:
            quicker.append(real(run))
            Run.objects.filter(pk=run.pk).update(stages=["answers"])
            return None
        if len(quicker) == 1:
            quicker.append(Run.objects.get(pk=run.pk).release(quicker[0], status="draft", stage="answers"))
        return real(run)

    monkeypatch.setattr(Run, "claim", claim)
    assert evaluated(recipe)["status"] == "done" and Preference.objects.count() == 6


def test_evaluate_tells_what_was_skipped_apart_from_what_failed(recipe):
    text = recipe.read_text()
    rules = text[: text.index("judges:")] + "judges:\n  - {kind: rule, name: Rules}\n"
    recipe.write_text(rules)
    told = evaluated(recipe)
    assert told["failures"] == []
    assert told["skips"] == [{"judge": "Rules", "status": "skipped", "error": "the question has no checks", "n": 6}]
    out = StringIO()
    call_command("evaluate", str(recipe), stdout=out)
    assert "6 × skipped by Rules: the question has no checks" in out.getvalue()


# --- the demo, stopped and started again


def demo_ready(environment) -> None:
    """The demo loaded, with its runs in the queue: what a demo that was stopped early leaves behind."""
    finish(manage(environment, "migrate", "--verbosity", "0"))
    code = "import django; django.setup(); from judging import demo; demo.load()"
    process = children.start([sys.executable, "-c", code], cwd=setup.ROOT, env=environment)
    STARTED.append(process)
    finish(process)


STATES = "SELECT DISTINCT status, lease FROM judging_run WHERE name NOT LIKE '%people%'"


@pytest.mark.slow
def test_the_demo_goes_on_with_runs_that_were_cancelled_failed_or_left_by_a_killed_process(tmp_path):
    environment = process_environment(tmp_path)
    demo_ready(environment)
    ids = [pk for (pk,) in rows(environment, "SELECT id FROM judging_run WHERE status = 'queued' ORDER BY id")]
    for pk, status in zip(ids, ("running", "cancelled", "failed"), strict=True):
        rows(environment, "UPDATE judging_run SET status = ? WHERE id = ?", status, pk)
    soon = (timezone.now() + timedelta(seconds=10)).strftime("%Y-%m-%d %H:%M:%S")
    rows(
        environment,
        "UPDATE judging_run SET lease = '12345678123456781234567812345678', lease_until = ? WHERE id = ?",
        soon,
        ids[0],
    )
    said = finish(manage(environment, "demo", "--no-serve"))
    assert rows(environment, STATES) == [("done", None)]
    assert f"another worker has run {ids[0]}" in said
    assert "judged, 40 skipped: the question has no checks\n" in said


@pytest.mark.slow
def test_ctrl_c_in_the_demo_is_one_line_and_the_next_start_goes_on(tmp_path):
    environment = process_environment(tmp_path)
    demo_ready(environment)
    process = manage(environment, "demo", "--no-serve")
    wait_until(lambda: rows(environment, "SELECT count(*) FROM judging_run WHERE status = 'running'") == [(1,)])
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert said.endswith("CommandError: stopped; the next start goes on from here\n") and "Traceback" not in said
    assert ("queued", None) in rows(environment, STATES)
    assert not rows(environment, "SELECT id FROM judging_run WHERE status IN ('running', 'cancelled', 'failed')")
    finish(manage(environment, "demo", "--no-serve"))
    assert rows(environment, STATES) == [("done", None)]
