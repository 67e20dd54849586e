"""Pages of webhooks: leads name variables, never addresses; two of them lose nothing; a test message is queued."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from judging.models import AuditEntry, Delivery, Webhook
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db
GOOD = {
    "name": "team",
    "kind": "feishu",
    "url_env": "JURYROOM_WEBHOOK_TEAM",
    "secret_env": "JURYROOM_WEBHOOK_TEAM_SECRET",
    "events": ["run_done", "run_failed"],
    "language": "zh-hans",
    "is_on": "on",
}


@pytest.fixture
def lead() -> Client:
    client = Client()
    client.force_login(make.person("lea", "lead"))
    return client


def edit(row: Webhook) -> str:
    return reverse("webhook_edit", args=[row.pk])


def test_a_lead_adds_a_webhook(lead):
    response = lead.post(reverse("webhook_new"), GOOD, follow=True)
    row = Webhook.objects.get()
    assert (row.kind, row.language, row.created_by.username) == ("feishu", "zh-hans", "lea")
    assert set(row.events) == {"run_done", "run_failed"}
    assert "is added" in response.text
    assert AuditEntry.objects.get().act == "webhook_made"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url_env": "https://open.feishu.cn/open-apis/bot/v2/hook/x"}, "url_env"),
        ({"url_env": "DATABASE_URL"}, "url_env"),
        ({"url_env": "JURYROOM_SECRET"}, "url_env"),
        ({"url_env": "JURYROOM_WEBHOOK_"}, "url_env"),
        ({"url_env": "JURYROOM_WEBHOOK_é"}, "url_env"),
        ({"secret_env": "JURYROOM_SECRET"}, "secret_env"),
        ({"kind": "slack"}, "secret_env"),
        ({"kind": "fax"}, "kind"),
        ({"events": ["run_sighed"]}, "events"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_no_variable_for_webhooks_is_refused_and_kept_in_the_form(lead, change, field):
    response = lead.post(reverse("webhook_new"), {**GOOD, **change})
    assert response.status_code == 422 and field in response.context["form"].errors
    assert not Webhook.objects.exists()
    assert 'value="JURYROOM_WEBHOOK_TEAM_SECRET"' in response.text or field == "secret_env"


def test_the_list_says_what_is_set_without_telling_it_and_how_the_last_messages_went(lead, monkeypatch):
    monkeypatch.setenv("JURYROOM_WEBHOOK_TEAM", "https://chat.test/secret-token")
    for n in range(3):
        row = Webhook.objects.create(
            name=f"team {n}", url_env="JURYROOM_WEBHOOK_TEAM", secret_env="JURYROOM_WEBHOOK_NO", events=["run_done"]
        )
        for status in ("sent", "failed"):
            Delivery.objects.create(webhook=row, event="test", status=status)
    page = lead.get(reverse("webhooks"))
    assert page.text.count("is set here") == 3 and page.text.count("is not set here") == 3
    assert "secret-token" not in page.text
    assert page.text.count("badge--bad") == 3


def test_the_list_costs_the_same_for_one_and_for_many(lead):
    Webhook.objects.create(name="one", url_env="JURYROOM_WEBHOOK_TEAM")
    with CaptureQueriesContext(connection) as one:
        lead.get(reverse("webhooks"))
    for n in range(20):
        row = Webhook.objects.create(name=f"w{n}", url_env="JURYROOM_WEBHOOK_TEAM")
        Delivery.objects.create(webhook=row, event="test")
    with CaptureQueriesContext(connection) as many:
        lead.get(reverse("webhooks"))
    assert len(one) == len(many)


def test_a_test_message_is_queued_for_this_webhook_even_where_it_is_off(lead):
    row = Webhook.objects.create(name="team", url_env="JURYROOM_WEBHOOK_TEAM", is_on=False)
    lead.post(reverse("webhook_test", args=[row.pk]))
    made = Delivery.objects.get()
    assert (made.event, made.run, made.status, made.webhook) == ("test", None, "due", row)
    assert "a test" in lead.get(edit(row)).text


def test_two_leads_editing_one_webhook_lose_nothing(lead):
    row = Webhook.objects.create(name="team", url_env="JURYROOM_WEBHOOK_TEAM", events=["run_done"])
    mark = lead.get(edit(row)).context["form"].initial["mark"]
    Webhook.objects.update(name="team of the other lead")
    mine = {**GOOD, "name": "team of mine", "mark": mark}
    page = lead.post(edit(row), mine)
    assert page.status_code == 422 and "team of the other lead" in page.text
    assert Webhook.objects.get().name == "team of the other lead"
    lead.post(edit(row), {**mine, "mark": page.context["form"].data["mark"]})
    assert Webhook.objects.get().name == "team of mine"


def test_a_webhook_that_comes_to_hear_of_more_hears_of_nothing_that_was_before(lead):
    before = timezone.now() - timedelta(hours=2)
    row = Webhook.objects.create(name="team", url_env="JURYROOM_WEBHOOK_TEAM", events=["run_done"], created_at=before)
    same = {**GOOD, "name": "renamed", "kind": "json", "events": ["run_done"], "url_env": row.url_env}
    lead.post(edit(row), {**same, "mark": lead.get(edit(row)).context["form"].initial["mark"]})
    row.refresh_from_db()
    assert (row.name, row.created_at) == ("renamed", before)
    lead.post(
        edit(row),
        {**same, "events": ["run_done", "run_failed"], "mark": lead.get(edit(row)).context["form"].initial["mark"]},
    )
    row.refresh_from_db()
    assert row.created_at > before


def test_a_webhook_is_deleted_with_its_messages(lead):
    row = Webhook.objects.create(name="team", url_env="JURYROOM_WEBHOOK_TEAM")
    Delivery.objects.create(webhook=row, event="test")
    lead.post(reverse("webhook_delete", args=[row.pk]))
    assert not Webhook.objects.exists() and not Delivery.objects.exists()


@pytest.mark.parametrize("role", ["annotator", "viewer", "adjudicator"])
def test_only_leads_see_to_webhooks(role):
    row = Webhook.objects.create(name="team", url_env="JURYROOM_WEBHOOK_TEAM")
    client = Client()
    client.force_login(make.person("bob", role))
    for name in ("webhooks", "webhook_new"):
        assert client.get(reverse(name)).status_code == 403
    for name in ("webhook_edit", "webhook_test", "webhook_delete"):
        assert client.post(reverse(name, args=[row.pk]), GOOD).status_code == 403
    assert Client().get(reverse("webhooks")).status_code == 302
    assert Webhook.objects.get().name == "team" and not Delivery.objects.exists()
