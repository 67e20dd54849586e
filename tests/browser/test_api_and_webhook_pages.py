"""Pages of tokens, webhooks and the API in a real Chromium: accessible, whole on a phone, and on our own origin only."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from judging.models import Delivery, Webhook
from tests.browser.visiting import LOOKS
from tests.judging import recorded

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lead():
    return recorded.person("lea", "lead")


def rows() -> Webhook:
    """A webhook with a message of each state."""
    events = ["run_started", "run_failed", "run_done"]
    row = Webhook.objects.create(
        name="evaluation team", kind="feishu", url_env="JURYROOM_WEBHOOK_TEAM", secret_env="JURYROOM_WEBHOOK_TEAM_SECRET",
        events=events,
    )  # fmt: skip
    run = recorded.run(recorded.benchmark(), name="Nightly comparison of all candidates")
    for status, error in (("sent", ""), ("failed", "refused with code 19021: sign match fail"), ("due", "HTTP 500")):
        Delivery.objects.create(webhook=row, run=run, event="run_done", status=status, error=error, attempts=2)
    return row


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_every_page_is_accessible_and_fits(visit, lead, theme, language):
    paths = [reverse("webhooks"), reverse("webhook_edit", args=[rows().pk])]
    assert visit(lead, theme=theme, language=language).faults(*paths) == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_lead_adds_a_webhook_and_queues_a_test_message(visit, lead, scripts):
    page = visit(lead, scripts=scripts).open(reverse("webhooks"))
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


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_a_person_makes_a_token_and_a_program_reads_with_it(visit, lead, theme, language):
    window = visit(lead, theme=theme, language=language)
    page = window.open(reverse("tokens"))
    page.locator("#id_name").fill("a notebook of the evaluation team")
    page.locator("form:has(#id_name) button").click()
    token = page.locator("#new-token").input_value()
    assert window.faults() == []
    told = Client().get("/api/v1/profiles", headers={"Authorization": f"Bearer {token}"})
    assert told.status_code == 200
    page.get_by_role("button", name="a notebook of the evaluation team").click()
    assert Client().get("/api/v1/profiles", headers={"Authorization": f"Bearer {token}"}).status_code == 401
