"""Setting up a run, trying it out and watching it, in a real Chromium: accessible, whole on a phone, our own origin only, and without scripts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from judging import calling, tasks, trying
from judging.copying import form_of
from judging.items import battles_of
from judging.models import Run, TryOut
from tests import openai_server
from tests.browser.visiting import LOOKS
from tests.judging import asked
from tests.judging import recorded as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lead():
    return make.person("lena", "lead")


def scene(server) -> tuple[Run, TryOut]:
    """A run under way by a panel and a judge, with failures, a budget and a pace; and a try-out that has ended."""
    benchmark = asked.answered(8)
    benchmark.questions.filter(key__in=("q6", "q7")).update(category=make.category("sums"), language="zh")
    oracle = asked.oracle(server, price_in=1.0, price_out=2.0)
    panel = asked.panel("jury", make.judge("rules"), oracle)
    told = {"status": "paused", "stage": "judgments", "budget": 0.001, "started_at": timezone.now()}
    run = make.run(benchmark, *asked.MODELS, judges=[oracle, panel], **told)
    Run.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(minutes=9))
    for n, battle in enumerate(battles_of(run)[:14]):
        fields = {"run": run, "asked": 1, "cost": 0.00005, "seconds": 1 + n / 7}
        fields["created_at"] = timezone.now() - timedelta(minutes=n % 8, seconds=5)
        make.preference(battle, oracle, **fields)
        make.preference(battle, oracle, swapped=True, value=1 if n % 4 else -1, **fields)
        if n < 4:
            make.preference(battle, panel, run=run, status="parse_error", error=f"no verdict, {n}", reply="Hm…")
    form = form_of(
        {
            "name": "tried",
            "benchmark": benchmark.pk,
            "mode": "pairwise",
            "candidates": list(run.candidates.values_list("pk", flat=True)),
            "judges": [panel.pk],
            "rubric": run.rubric_id,
        }
    )
    row = trying.begin(form, None)
    tasks.try_out(row.pk)
    return run, TryOut.objects.get(pk=row.pk)


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_set_up_try_out_and_monitor_are_accessible_and_fit(visit, lead, theme, language):
    with openai_server.serve() as server:
        run, row = scene(server)
    paths = [
        f"{reverse('run_new')}?try_out={row.pk}",
        reverse("try_out", args=[row.pk]),
        f"{reverse('run', args=[run.pk])}?status=parse_error&judge=jury",
    ]
    assert visit(lead, theme=theme, language=language).faults(*paths) == []


def test_without_scripts_a_run_is_previewed_tried_checked_and_started(visit, lead, monkeypatch):
    rung = []
    monkeypatch.setattr(calling, "call_try_out", rung.append)
    monkeypatch.setattr(calling, "call", lambda run: rung.append(run.pk))
    with openai_server.serve() as server:
        asked.answered(6)
        asked.oracle(server, price_in=1.0, price_out=2.0)
        make.rubric()
        page = visit(lead, scripts=False).open(reverse("run_new"))
        page.get_by_label("Name", exact=True).fill("by hand")
        for name in asked.MODELS:
            page.get_by_label(f"{name} 1 (Northmoor)").check()
        page.get_by_label("oracle (language model)").check()
        page.get_by_role("button", name="Show the prompt").click()
        assert "How long does egg" in page.locator("#preview-body").inner_text()
        assert page.get_by_label("Name", exact=True).input_value() == "by hand"
        page.get_by_role("button", name="Try it on five items").click()
        assert page.locator("#try-out").get_attribute("data-status") == "queued"
        tasks.try_out(rung[0])
    page.reload()
    assert page.locator("#try-out section").count() == 5
    page.get_by_role("link", name="Back to the set-up, with these numbers").click()
    assert "36 calls to judging models" in page.locator("#estimate-body").inner_text()
    page.get_by_role("button", name="Start the run").click()
    assert page.get_by_role("heading", name="by hand").is_visible() and Run.objects.get().status == "queued"
    assert rung[1:] == [Run.objects.get().pk]


def test_a_budget_that_is_marked_is_typed_over_after_the_next_fragment(visit, lead):
    with openai_server.serve() as server:
        run, _row = scene(server)
    page = visit(lead).open(reverse("run", args=[run.pk]))
    page.locator("#run-budget").select_text()
    page.evaluate("document.querySelector('#run-progress').dataset.old = 'yes'")
    page.locator("#run-progress:not([data-old])").wait_for(timeout=15_000)
    page.keyboard.type("5")
    assert page.locator("#run-budget").input_value() == "5"


def test_a_half_typed_budget_and_open_folds_outlive_the_next_fragment(visit, lead):
    with openai_server.serve() as server:
        run, _row = scene(server)
    page = visit(lead).open(reverse("run", args=[run.pk]))
    page.locator("#run-budget").fill("12")
    page.locator("#by-models summary").click()
    was = page.locator("#by-models").evaluate("fold => fold.open")
    mark = page.locator("#run-budget-mark").input_value()
    page.locator("#run-budget").focus()
    Run.objects.filter(pk=run.pk).update(budget=3)
    page.evaluate("document.querySelector('#run-progress').dataset.old = 'yes'")
    # the socket cannot open on this server, so that the page polls
    page.locator("#run-progress:not([data-old])").wait_for(timeout=15_000)
    assert page.locator("#run-budget").input_value() == "12"
    assert page.locator("#run-budget").evaluate("field => field === document.activeElement")
    assert page.locator("#by-models").evaluate("fold => fold.open") is was
    assert page.locator("#run-budget-mark").input_value() == mark, "so that the server tells of the other's 3"
