"""Pages of tokens, webhooks and the API in a real Chromium: accessible, whole on a phone, and on our own origin only."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from arena import tokens
from judging.models import Delivery, Webhook
from tests.browser.axe import violations
from tests.browser.test_board_pages import LOOKS, Visit
from tests.judging import recorded

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visit(chromium, live_server):
    """Make visits of a lead by their look; their windows are closed afterwards."""
    made: list[Visit] = []
    client = Client()
    lead = recorded.person("lea", "lead")
    client.force_login(lead)

    def make_visit(theme="light", language="en", width=1366, **more) -> Visit:
        window = Visit(chromium, live_server.url, theme=theme, language=language, width=width, **more)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        window.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        window.user = lead
        made.append(window)
        return window

    yield make_visit
    for one in made:
        one.context.close()


def rows(user) -> Webhook:
    """A token and a webhook with a message of each state."""
    tokens.make(user, "a notebook of the evaluation team", may_write=True)
    events = ["run_started", "run_failed", "run_done"]
    row = Webhook.objects.create(
        name="evaluation team", kind="feishu", url_env="JURYROOM_WEBHOOK_TEAM", secret_env="JURYROOM_WEBHOOK_TEAM_SECRET",
        events=events,
    )  # fmt: skip
    run = recorded.run(recorded.benchmark(), name="Nightly comparison of all candidates")
    for status, error in (("sent", ""), ("failed", "refused with code 19021: sign match fail"), ("due", "HTTP 500")):
        Delivery.objects.create(webhook=row, run=run, event="run_done", status=status, error=error, attempts=2)
    return row


@pytest.mark.parametrize(("theme", "language", "width"), LOOKS)
def test_every_page_is_accessible_and_fits(visit, theme, language, width):
    window = visit(theme, language, width)
    row = rows(window.user)
    paths = [reverse("tokens"), reverse("webhooks"), reverse("webhook_edit", args=[row.pk]), reverse("api")]
    wrong = []
    for path in paths:
        page = window.open(path)
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("h1").count() == 1
        if path == reverse("api"):
            page.locator("details.details summary").first.click()
        wrong += [f"{path} {found}" for found in violations(page)]
        if window.sideways() > 0:
            wrong.append(f"{path} is {window.sideways()} px too wide")
    assert wrong == []
    assert window.elsewhere == [] and window.said == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_lead_adds_a_webhook_and_queues_a_test_message(visit, scripts):
    page = visit(scripts=scripts).open(reverse("webhooks"))
    page.get_by_role("link", name="New webhook").click()
    page.get_by_label("Name", exact=False).first.fill("the team")
    page.get_by_label("Variable with the address").fill("https://chat.test/hook")
    page.get_by_role("button", name="Add the webhook").click()
    assert page.get_by_label("Name", exact=False).first.input_value() == "the team"
    assert page.locator(".errorlist").count() == 1
    page.get_by_label("Variable with the address").fill("JURYROOM_WEBHOOK_TEAM")
    page.get_by_role("button", name="Add the webhook").click()
    page.get_by_role("button", name="Send a test message").click()
    assert "queued" in page.locator("#status").inner_text()
    assert Delivery.objects.get().event == "test"


def test_a_person_makes_a_token_and_a_program_reads_with_it(visit, live_server):
    page = visit().open(reverse("tokens"))
    page.get_by_label("Name", exact=False).first.fill("a script")
    page.get_by_role("button", name="Make a token").click()
    token = page.get_by_label("New token").input_value()
    assert violations(page) == []
    told = Client().get("/api/v1/profiles", headers={"Authorization": f"Bearer {token}"})
    assert told.status_code == 200
    page.get_by_role("button", name="Take back a script").click()
    assert Client().get("/api/v1/profiles", headers={"Authorization": f"Bearer {token}"}).status_code == 401
