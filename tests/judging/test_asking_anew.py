"""A run that asks every prompt anew does so, whatever is on record, and what it brings stands beside what counts."""

from __future__ import annotations

import pytest
from django.urls import reverse

from judging import anchors, judging_again, running
from judging.billing import estimate
from judging.models import Grade, Preference, Run
from judging.progress import progress
from judging.trials import settle, trial_of
from rating import data, snapshots
from rating.models import Rating
from tests import openai_server
from tests.judging import recorded as make
from tests.judging.asked import MODELS, answered, by_mode, oracle, panel, queued, reload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server():
    with openai_server.serve() as served:
        yield served


@pytest.fixture
def lead(client):
    client.force_login(make.person("lea", "lead"))
    return client


@pytest.mark.parametrize("mode", ["single", "baseline", "pairwise"])
def test_all_is_asked_anew_and_kept_beside_the_first_verdicts(server, mode):
    benchmark, judge = answered(4), oracle(server)
    running.carry_out(by_mode(benchmark, mode, judge))
    n, before = server.count, list(Rating.objects.filter(snapshot=snapshots.take(benchmark)).values_list("rating"))
    server.forget()
    anew = by_mode(benchmark, mode, judge, cache=False)
    running.carry_out(anew)
    anew = reload(anew)
    assert (server.count, anew.status, anew.trial, progress(anew).done) == (n, "done", 1, n)
    table = Grade if mode == "single" else Preference
    mine = table.objects.filter(run=anew)
    assert set(mine.values_list("trial", "kept_out", "cached")) == {(1, "again", False)}
    assert list(Rating.objects.filter(snapshot=snapshots.take(benchmark)).values_list("rating")) == before
    server.forget()
    anew.enqueue()
    running.carry_out(anew)
    assert server.count == 0, "the same run again does only what is missing"
    running.carry_out(third := by_mode(benchmark, mode, judge, cache=False))
    assert (server.count, reload(third).trial) == (n, 2)


def test_what_nobody_judged_counts_though_it_is_asked_anew(server):
    benchmark, judge = answered(2), oracle(server)
    running.carry_out(queued(benchmark, judge, names=MODELS[:2]))
    other = queued(benchmark, judge, names=MODELS[:2], cache=False, rubric=make.rubric("narrow"))
    running.carry_out(other)
    assert reload(other).trial == 0 and not Preference.objects.exclude(kept_out="").exists()


def test_who_sits_in_a_panel_is_asked_anew_too(server):
    benchmark, judge = answered(2), oracle(server)
    running.carry_out(queued(benchmark, judge))
    server.forget()
    run = queued(benchmark, panel("jury", judge, make.judge("rules"), quorum=1), cache=False)
    running.carry_out(run)
    assert server.count == 12 and reload(run).trial == 1 and progress(run).done == 12


def test_what_another_run_is_about_to_judge_is_not_waited_for(server):
    benchmark, judge = answered(2), oracle(server)
    ahead = queued(benchmark, judge, names=MODELS[:2])
    anew = queued(benchmark, judge, cache=False)
    settle(anew)
    assert anew.trial == 1
    running.cancel(ahead)
    again = queued(benchmark, make.judge("rules"), cache=False)
    assert trial_of(again, again.candidates.all(), again.judges.all()) == 0


def test_the_estimate_says_that_all_is_asked_and_that_nothing_of_it_counts(server, lead):
    benchmark, judge = answered(2), oracle(server)
    running.carry_out(queued(benchmark, judge))
    told = {
        "name": "anew", "benchmark": benchmark.pk, "mode": "pairwise", "order": "both", "turns": "whole", "seed": 1, "fresh": "on",
        "candidates": [make.model(name).pk for name in MODELS], "judges": [judge.pk], "rubric": make.rubric().pk,
        "ballot": "", "check": "1",
    }  # fmt: skip
    page = lead.post(reverse("run_new"), told)
    found = page.context["estimate"]
    assert (found.known, found.calls, found.trial) == (0, 12, 1) and "kept apart as repeat 1" in page.text
    lead.post(reverse("run_new"), {name: value for name, value in told.items() if name != "check"})
    run = Run.objects.latest("pk")
    assert (run.name, run.trial, estimate(run).judges[0].calls) == ("anew", 1, 12)
    server.forget()
    running.carry_out(run)
    assert server.count == 12
    page = lead.get(reverse("run", args=[run.pk])).text
    assert "not used: every prompt is asked" in page and "Kept apart as repeat 1" in page and "drifts" not in page


def test_it_says_nothing_of_drift_and_takes_no_trial_of_an_anchor_set(server):
    benchmark, judge = answered(6), oracle(server)
    running.carry_out(queued(benchmark, judge))
    running.carry_out(anew := queued(benchmark, judge, cache=False))
    assert reload(anew).trial == 1 and data.askings(benchmark) == []
    plan = anchors.asking(judge, benchmark, items=6)
    assert plan.is_first and [run.trial for run in plan.runs] == [3, 4]
    for run in anchors.start(plan):
        running.carry_out(run)
    assert [one.trial for one in data.askings(benchmark)] == [3]


def test_judging_again_by_a_new_rubric_uses_what_is_on_record(server):
    run = queued(answered(2), oracle(server), cache=False)
    assert judging_again._unsaved(make.rubric("narrow"), run, ["q0"]).cache is True
