"""The pages of a run's people and the ways in, in a real Chromium: accessible in both themes and languages, whole on a phone."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from judging.models import Invitation
from judging.people import pause
from tests.browser.axe import violations
from tests.judging import voting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = [("light", "en", 1366), ("dark", "zh-hans", 390), ("dark", "en", 390), ("light", "zh-hans", 320)]


@pytest.fixture
def window(chromium, live_server):
    """Make windows of a person (None: of a visitor) by their look; they are closed afterwards."""
    made = []

    def open_window(user, theme, language, width):
        cookies = {"theme": theme, settings.LANGUAGE_COOKIE_NAME: language}
        if user:
            client = Client()
            client.force_login(user)
            cookies[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
        context = chromium.new_context(viewport={"width": width, "height": 900})
        context.add_cookies([{"name": name, "value": text, "url": live_server.url} for name, text in cookies.items()])
        made.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.visit = lambda address: page.goto(live_server.url + address)
        return page

    yield open_window
    for context in made:
        context.close()


def faults(page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return violations(page) + ([f"{page.url} is {wide} px too wide"] if wide > 0 else [])


@pytest.mark.parametrize(("theme", "language", "width"), LOOKS)
def test_every_page_is_accessible_and_fits(window, theme, language, width):
    run = voting.open_run(voting={"open_to": "guests"})
    lead, ann = voting.person("lena", role="lead"), voting.person("ann-with-a-rather-long-user-name")
    pause(run, ann, why="Far too quick.", by=lead)
    _, token = Invitation.issue(run, role="annotator", created_by=lead, note="the new colleague")
    page, found = window(lead, theme, language, width), []
    for address in (reverse("people", args=[run.pk]), reverse("person", args=[run.pk, ann.pk])):
        page.visit(address)
        found += faults(page)
    page.visit(reverse("people", args=[run.pk]))
    page.locator("form.form--narrow button").click()
    page.locator("[data-new-link]").wait_for()
    found += faults(page)
    page = window(None, theme, language, width)
    ways_in = ("login", "password_reset", "password_reset_done")
    for address in (
        reverse("join", args=[token]),
        reverse("join", args=["nothing"]),
        reverse("guest", args=[run.pk]),
        *map(reverse, ways_in),
    ):
        page.visit(address)
        found += faults(page)
    assert found == []
