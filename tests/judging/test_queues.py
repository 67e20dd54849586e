"""Which queue a run is rung for: models that run in the worker itself hold up nobody else."""

from __future__ import annotations

import pytest

from arena.celery import app
from judging import calling, tasks
from judging.machines import queue_of, queue_of_try_out
from judging.models import Seat, TryOut
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


def local(name: str):
    return make.model(name, provider="local")


def test_a_run_that_asks_endpoints_is_for_any_worker():
    run = make.run(make.benchmark(), judges=[make.llm_judge()])
    assert queue_of(run.pk) == "celery"


def test_a_judge_in_the_worker_itself_is_for_the_workers_of_such_models():
    run = make.run(make.benchmark(), judges=[make.judge("reward", kind="reward", model=local("tiny reward"))])
    assert queue_of(run.pk) == "local"


def test_a_member_of_a_panel_counts_as_much():
    panel = make.judge("panel", kind="panel")
    for member in (make.llm_judge(), make.judge("small", kind="llm", model=local("tiny"))):
        Seat.objects.create(panel=panel, member=member)
    assert queue_of(make.run(make.benchmark(), judges=[panel]).pk) == "local"


@pytest.mark.parametrize(("collects", "queue"), [(True, "local"), (False, "celery")])
def test_a_candidate_counts_where_its_answers_are_asked_for(collects, queue):
    local("Ash")
    run = make.run(make.benchmark(), "Ash", "Birch", judges=[make.judge("rules")], collects=collects)
    assert queue_of(run.pk) == queue


@pytest.mark.parametrize(("collects", "queue"), [(True, "local"), (False, "celery")])
def test_the_baseline_counts_as_a_candidate_does(collects, queue):
    baseline, judges = local("Cedar"), [make.judge("rules")]
    run = make.run(make.benchmark(), mode="baseline", baseline=baseline, judges=judges, collects=collects)
    assert queue_of(run.pk) == queue


@pytest.mark.parametrize(("provider", "queue"), [("local", "local"), ("openai", "celery")])
def test_a_try_out_is_rung_for_by_its_judges_and_their_members(provider, queue, monkeypatch):
    panel = make.judge("panel", kind="panel")
    member = make.judge("small", kind="llm", model=make.model("tiny", provider=provider))
    Seat.objects.create(panel=panel, member=member)
    row = TryOut.objects.create(recipe={"judges": [str(panel.pk)]})
    assert queue_of_try_out(row.pk) == queue
    rung = []
    monkeypatch.setattr(app, "send_task", lambda name, args, *_, **how: rung.append((name, args, how["queue"])))
    calling._for_try_out(row.pk)
    tasks.sweep()
    assert rung == [(tasks.try_out.name, (row.pk,), queue)] * 2


def test_a_worker_takes_from_both_unless_it_is_told_otherwise():
    assert set(app.amqp.queues) == {"celery", "local"}
