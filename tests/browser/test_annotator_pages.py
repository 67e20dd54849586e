"""The pages of annotators and gold in a real Chromium: accessible in both themes and languages, whole on a phone."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from judging import golding
from judging.models import Gold, Run
from tests.browser.axe import violations
from tests.judging import recorded, voting
from tests.rating import crowd_rows, simulated

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = [("light", "en", 1366), ("dark", "zh-hans", 1366), ("dark", "en", 390), ("light", "zh-hans", 320)]


@pytest.fixture
def window(chromium, live_server):
    """Make windows of a signed-in person by their look; they are closed afterwards."""
    made = []

    def open_window(user, theme="light", language="en", width=1366, **more):
        client = Client()
        client.force_login(user)
        cookies = {
            "theme": theme,
            settings.LANGUAGE_COOKIE_NAME: language,
            settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value,
        }
        context = chromium.new_context(viewport={"width": width, "height": 900}, **more)
        context.add_cookies([{"name": name, "value": text, "url": live_server.url} for name, text in cookies.items()])
        made.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.visit = lambda address: page.goto(live_server.url + address)
        return page

    yield open_window
    for context in made:
        context.close()


def faults(page, address: str) -> list[str]:
    page.visit(address)
    found = [f"{address} {one}" for one in violations(page)]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found + ([f"{address} is {wide} px too wide"] if wide > 0 else [])


@pytest.mark.parametrize(("theme", "language", "width"), LOOKS)
def test_every_page_is_accessible_and_fits(window, theme, language, width):
    lead = recorded.person("lea", "lead")
    run, judges = crowd_rows.put(simulated.crowd(3, items=60))
    page = window(lead, theme, language, width)
    battle = golding.items_of(run).exclude(golds__run=run).first()
    addresses = [
        reverse("annotators", args=[run.pk]),
        reverse("annotator", args=[judges[-1].pk]),
        reverse("gold", args=[run.pk]),
        reverse("gold", args=[run.pk]) + f"?item={battle.pk}&q=item",
        reverse("annotators", args=[voting.open_run().pk]),
    ]
    assert [one for address in addresses for one in faults(page, address)] == []
    page = window(judges[0].user, theme, language, width)
    wrong = faults(page, reverse("me"))
    Run.objects.update(status="done")
    assert wrong + faults(page, reverse("me")) == []


def test_a_lead_makes_an_item_gold_without_scripts_and_takes_it_back(window):
    run = voting.open_run()
    page = window(recorded.person("lea", "lead"), java_script_enabled=False)
    page.visit(reverse("gold", args=[run.pk]))
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


def test_a_file_with_a_mistake_names_the_line_and_adds_nothing(window):
    run = voting.open_run()
    page = window(recorded.person("lea", "lead"))
    page.visit(reverse("gold", args=[run.pk]))
    file = {"name": "gold.csv", "mimeType": "text/csv", "buffer": b"item,right\n1234567,a\n"}
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Load").click()
    assert "line 2, item" in page.locator(".banner--bad").inner_text()
    assert violations(page) == [] and not Gold.objects.exists()
