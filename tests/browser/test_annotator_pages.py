"""The pages of annotators and gold in a real Chromium: accessible in both themes and languages, whole on a phone."""

from __future__ import annotations

import pytest
from django.urls import reverse

from judging import golding
from judging.models import Gold, Run
from tests.browser.visiting import LOOKS
from tests.judging import recorded, voting
from tests.rating import crowd_rows, simulated

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_every_page_is_accessible_and_fits(visit, theme, language):
    lead = recorded.person("lea", "lead")
    run, judges = crowd_rows.put(simulated.crowd(3, items=60))
    battle = golding.items_of(run).exclude(golds__run=run).first()
    addresses = [
        reverse("annotators", args=[run.pk]),
        reverse("annotator", args=[judges[-1].pk]),
        reverse("gold", args=[run.pk]),
        reverse("gold", args=[run.pk]) + f"?item={battle.pk}&q=item",
        reverse("annotators", args=[voting.open_run().pk]),
    ]
    assert visit(lead, theme=theme, language=language).faults(*addresses) == []
    window = visit(judges[0].user, theme=theme, language=language)
    wrong = window.faults(reverse("me"))
    Run.objects.update(status="done")
    assert wrong + window.faults(reverse("me")) == []


def test_a_lead_makes_an_item_gold_without_scripts_and_takes_it_back(visit):
    run = voting.open_run()
    page = visit(recorded.person("lea", "lead"), scripts=False).open(reverse("gold", args=[run.pk]))
    page.get_by_label("Words of the question").fill("What is 2")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Make it gold").first.click()
    page.get_by_label("The first answer is better", exact=True).check()
    page.get_by_label("For the practice round").check()
    page.get_by_label("Why this is right, in English").fill("It adds up.")
    page.get_by_role("button", name="Make it gold").click()
    assert "The item is gold now." in page.content()
    gold = Gold.objects.get()
    assert (gold.lowest, gold.highest, gold.is_practice, gold.why_en) == (0.5, 2.0, True, "It adds up.")
    page.get_by_role("button", name="Remove").click()
    assert not Gold.objects.exists()


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_a_file_with_a_mistake_names_the_line_and_adds_nothing(visit, theme, language):
    run = voting.open_run()
    window = visit(recorded.person("lea", "lead"), theme=theme, language=language)
    page = window.open(reverse("gold", args=[run.pk]))
    file = {"name": "gold.csv", "mimeType": "text/csv", "buffer": b"item,right\n1234567,a\n"}
    page.locator("#gold-file").set_input_files(file)
    page.locator("form:has(#gold-file) button").click()
    assert {"en": "line 2, item", "zh-hans": "第 2 行"}[language] in page.locator(".banner--bad").inner_text()
    assert window.faults(status=422) == [] and not Gold.objects.exists()
