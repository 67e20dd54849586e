"""The page of a judge's anchor set in a browser: a lead asks again, and the table says what came of it."""

from __future__ import annotations

import pytest

from judging.models import KeptOut, Run
from tests.judging import recorded as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("language", "theme", "width"), [("en", "light", 1280), ("zh-hans", "dark", 390)])
def test_a_lead_asks_a_judge_again_and_reads_whether_it_drifts(visit, language, theme, width):
    benchmark, judge = make.benchmark(), make.llm_judge()
    battles = [make.battle(question) for question in make.answered(benchmark, questions=6)]
    run = make.run(benchmark, judges=[judge], order="random")
    for battle in battles:
        make.preference(battle, judge, run=run)
    window = visit(make.person("lea", "lead"), language=language, theme=theme, width=width)
    path = f"/judges/{judge.pk}/anchors/"
    assert window.faults(path) == []
    window.page.locator("main form[action$='/ask/'] button").click()
    window.page.wait_for_selector(".banner a[href^='/runs/']")
    for again in Run.objects.filter(trial__gt=0):
        for battle in battles:
            make.preference(battle, judge, run=again, value=-1, trial=again.trial, kept_out=KeptOut.AGAIN)
    assert window.faults(f"{path}?benchmark={benchmark.pk}", f"/runs/{again.pk}/") == []
    window.open(path)
    table = window.page.locator("table", has=window.page.locator("#anchors-caption"))
    assert table.locator("tbody tr").count() == 2
    assert ("drifts" if language == "en" else "前后变化") in table.inner_text()
