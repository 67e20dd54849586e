"""The browser of the record in a real Chromium: each look, the filters without scripts, the keys, the link that is copied."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.browser.visiting import LOOKS
from tests.judging import recorded as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def rows():
    """Three battles with people and judges who differ, one of them turned round with the order."""
    benchmark = make.benchmark()
    battles = [make.battle(one) for one in make.answered(benchmark, "Ash", "Birch", questions=3)]
    person, oracle = make.judge("Simulated person 1", kind="simulated"), make.llm_judge()
    for number, battle in enumerate(battles):
        make.preference(battle, person, value=1)
        sent = [{"role": "user", "content": "Which is better? " * 40}]
        make.preference(battle, oracle, value=-1, reply="[[B]]", prompt=sent, tokens_in=90, tokens_out=4, cost=0.01)
        if number == 1:
            make.preference(battle, oracle, value=1, swapped=True, reply="[[B]] again")
        make.grade(battle.first, oracle, scores={"warm": 7})
    return battles


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_the_record_is_accessible_and_fits(visit, theme, language):
    battles = rows()
    record = reverse("record")
    paths = [
        record, f"{record}?kind=answers&text=six", f"{record}?kind=questions&text=zebra",
        reverse("battle", args=[battles[1].pk]) + "?list=battles", reverse("question", args=[battles[1].question_id]),
    ]  # fmt: skip
    assert visit(theme=theme, language=language).faults(*paths) == []


def test_filters_work_without_scripts_and_stay_in_the_address(visit):
    rows()
    page = visit(scripts=False).open(reverse("record"))
    page.get_by_label("turns round with the order").check()
    page.get_by_role("main").get_by_role("button", name="Show").click()
    assert "flips=1" in page.url and page.locator("tbody tr").count() == 1
    assert page.get_by_label("turns round with the order").is_checked()
    page.locator("tbody a").first.click()
    assert page.get_by_text("Both orders, side by side").is_visible()
    page.get_by_role("link", name="Back to the list").click()
    assert "flips=1" in page.url


def test_brackets_walk_the_list_and_can_be_switched_off(visit):
    battles = rows()
    page = visit().open(reverse("record"))
    page.locator("tbody a").first.click()
    for key, expected in (("]", battles[1]), ("]", battles[2]), ("[", battles[1])):
        page.locator("details[data-needs-script]").wait_for()
        page.keyboard.press(key)
        page.wait_for_url(f"**/battles/{expected.pk}/**")
    page.get_by_text("Keys", exact=True).click()
    page.get_by_label("Single keys work").uncheck()
    page.keyboard.press("]")
    page.wait_for_timeout(200)
    assert f"/battles/{battles[1].pk}/" in page.url
    page.reload()
    page.locator("details[data-needs-script]").wait_for()
    page.keyboard.press("]")
    page.wait_for_timeout(200)
    assert f"/battles/{battles[1].pk}/" in page.url, "the choice is kept in this browser"


def test_the_link_to_one_judgment_leads_to_it(visit):
    battle = rows()[0]
    window = visit()
    window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = window.open(reverse("battle", args=[battle.pk]))
    page.get_by_label("Link to this judgment").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == page.url and "#judgment-p" in page.url
