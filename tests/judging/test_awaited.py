"""What a run waits for, on its page: weights that are loaded, or a worker that runs models itself."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.urls import reverse

from judging import awaited, tasks
from judging.models import Seat
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forgotten():
    yield
    cache.clear()


def run(status, provider="local"):
    judge = make.judge("small", kind="llm", model=make.model("tiny", provider=provider))
    return make.run(make.benchmark(), judges=[judge], status=status)


def page(client, row) -> str:
    lead = get_user_model().objects.filter(username="lena").first() or make.person("lena", "lead")
    client.force_login(lead)
    return client.get(reverse("run", args=[row.pk])).content.decode()


def test_a_run_that_no_worker_of_its_queue_has_taken_says_so(client):
    assert "waits for a worker that runs models itself" in page(client, run("queued"))


@pytest.mark.parametrize(("status", "provider"), [("queued", "openai"), ("running", "local"), ("paused", "local")])
def test_others_do_not(client, status, provider):
    assert "data-awaited" not in page(client, run(status, provider))


def test_weights_that_a_worker_is_loading_are_named_until_it_says_no_more(client, monkeypatch):
    row = run("running")
    monkeypatch.setattr(awaited, "loading", lambda: ["tiny"])
    awaited.note(row)
    assert "Loading the weights of tiny" in page(client, row)
    cache.clear()
    assert "data-awaited" not in page(client, row)


def test_what_is_noted_is_of_that_run_alone(monkeypatch):
    row = run("running")
    other = make.run(row.benchmark, judges=list(row.judges.all()), status="running")
    monkeypatch.setattr(awaited, "loading", lambda: ["tiny"])
    awaited.note(row)
    assert (bool(awaited.awaited(row)), bool(awaited.awaited(other))) == (True, False)


def test_weights_that_another_run_loads_in_the_same_process_are_not_named(monkeypatch, django_assert_num_queries):
    row = run("running")
    other = make.judge("large", kind="llm", model=make.model("large", provider="local", endpoint_model="owl-70b"))
    elsewhere = make.run(row.benchmark, judges=[other], status="running")
    with django_assert_num_queries(0):
        assert awaited.loaded_for(row) == []
    monkeypatch.setattr(awaited, "loading", lambda: ["tiny", "owl-70b"])
    assert (awaited.loaded_for(row), awaited.loaded_for(elsewhere)) == (["tiny"], ["owl-70b"])
    monkeypatch.setattr(awaited, "loading", lambda: ["owl-70b"])
    awaited.note(row)
    assert awaited.awaited(row) == []


def test_weights_of_a_member_and_of_a_model_that_answers_are_the_runs_own(monkeypatch):
    row = run("running")
    row.candidates.filter(name="Ash").update(provider="local")
    panel = make.judge("panel", kind="panel")
    Seat.objects.create(panel=panel, member=row.judges.get())
    seated = make.run(row.benchmark, "Ash", "Birch", judges=[panel], status="running", collects=True)
    monkeypatch.setattr(awaited, "loading", lambda: ["Ash", "tiny"])
    assert (awaited.loaded_for(seated), awaited.loaded_for(row)) == (["Ash", "tiny"], ["tiny"])


def test_bells_do_not_pile_up_where_nobody_works_off_the_queue(monkeypatch):
    run("queued")
    rung = []
    monkeypatch.setattr(tasks.carry_out, "apply_async", lambda _args, **how: rung.append(how))
    tasks.sweep()
    assert rung == [{"queue": "local", "expires": 5.0}]
