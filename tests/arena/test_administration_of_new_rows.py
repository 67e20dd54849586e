"""The administration: rows that the machinery or a page of their own writes are read there, and no secret with them."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse

from arena.admin import LooksOnly
from arena.model_form import LanguageModelForm
from arena.models import ApiToken, LanguageModel, Upload
from judging.models import BadCase, Delivery, Run, TryOut, Webhook
from rating.models import Grouping, Score
from tests.arena import every_page

pytestmark = pytest.mark.django_db
READ_ONLY = [ApiToken, Upload, BadCase, Delivery, TryOut, Webhook, Grouping]


@pytest.fixture
def there(tmp_path, settings, client):
    settings.MEDIA_ROOT = tmp_path
    client.force_login(User.objects.create_superuser("root"))
    found = every_page.rows(tmp_path)
    Delivery.objects.create(webhook=found["webhook"], event="run_done")
    return found


@pytest.mark.parametrize("table", READ_ONLY)
def test_rows_with_a_page_of_their_own_are_only_read_here(client, there, table):
    name = f"admin:{table._meta.app_label}_{table._meta.model_name}"
    row = table.objects.first()
    assert isinstance(admin.site._registry[table], LooksOnly)
    assert client.get(reverse(f"{name}_changelist")).status_code == 200
    assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    assert client.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
    assert client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert table.objects.filter(pk=row.pk).exists()


def test_the_digest_of_a_token_is_shown_to_nobody(client, there):
    row = there["token"]
    for address in (reverse("admin:arena_apitoken_changelist"), reverse("admin:arena_apitoken_change", args=[row.pk])):
        text = client.get(address).text
        assert row.start in text and row.digest not in text


@pytest.mark.parametrize("name", ["JURYROOM_SECRET", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"])
def test_no_variable_of_the_site_itself_is_sent_to_an_endpoint(name):
    said = {"name": "Ash", "version": "1", "vendor": "N", "provider": "openai", "options": "{}", "limits": "{}"}
    assert "the site's own" in LanguageModelForm({**said, "key_env": name}).errors["key_env"][0]
    assert LanguageModelForm({**said, "key_env": "OPENAI_API_KEY"}).is_valid()


def test_a_model_is_written_on_its_own_page_and_deleted_here_while_nothing_hangs_on_it(client, there):
    row = LanguageModel.objects.create(name="Spare", version="1", vendor="N")
    change, delete = (reverse(f"admin:arena_languagemodel_{act}", args=[row.pk]) for act in ("change", "delete"))
    assert client.get(change).status_code == 200
    assert client.post(change, {"name": "Other"}).status_code == 403
    assert client.get(reverse("admin:arena_languagemodel_add")).status_code == 403
    client.post(delete, {"post": "yes"})
    assert not LanguageModel.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("what", ["a score", "a run"])
def test_a_model_that_something_hangs_on_is_not_deleted_here(client, there, what):
    row = LanguageModel.objects.create(name="Spare", version="1", vendor="N")
    if what == "a run":  # of which it is a candidate, without an answer yet
        Run.objects.first().candidates.add(row)
    else:
        Score.objects.create(model=row, benchmark="MMLU", metric="accuracy", value=0.5, source="a paper")
    listed, delete = reverse("admin:arena_languagemodel_changelist"), "admin:arena_languagemodel_delete"
    assert client.post(reverse(delete, args=[row.pk]), {"post": "yes"}).status_code == 403
    client.post(listed, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert LanguageModel.objects.filter(pk=row.pk).exists()
