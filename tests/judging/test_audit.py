"""The audit log: never changed, read by leads for a run and by everybody for themselves."""

from __future__ import annotations

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from judging.audit_words import sentence
from judging.models import AppendOnly, AuditEntry
from tests.judging import voting

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return voting.person("ann")


@pytest.fixture
def run(ann):
    run = voting.open_run()
    AuditEntry.note("vote_undone", actor=ann, run=run, seat="s1")
    AuditEntry.note("run_closed", actor=voting.person("lea", role="lead"), run=run, name=run.name)
    return run


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def change(entry):
    entry.act = "nothing"
    entry.save()


@pytest.mark.parametrize(
    "act",
    [
        change,
        lambda entry: entry.delete(),
        lambda entry: AuditEntry.objects.update(act="nothing"),
        lambda entry: AuditEntry.objects.filter(pk=entry.pk).delete(),
        lambda entry: AuditEntry.objects.bulk_update([entry], ["act"]),
        lambda entry: AuditEntry.objects.update_or_create(pk=entry.pk, defaults={"act": "nothing"}),
    ],
)
def test_no_entry_is_changed_or_deleted(run, act):
    with pytest.raises(AppendOnly), transaction.atomic():
        act(AuditEntry.objects.get(act="vote_undone"))
    assert AuditEntry.objects.filter(act="vote_undone").count() == 1


@pytest.mark.parametrize("what", ["change", "delete"])
def test_the_administration_only_looks_at_it(run, what):
    client = signed_in(User.objects.create_superuser("root"))
    entry = AuditEntry.objects.get(act="vote_undone")
    client.post(reverse(f"admin:judging_auditentry_{what}", args=[entry.pk]), {"post": "yes", "act": "nothing"})
    assert AuditEntry.objects.get(pk=entry.pk).act == "vote_undone"
    assert client.get(reverse("admin:judging_auditentry_add")).status_code == 403


@pytest.mark.parametrize("model", ["auditentry", "comment", "membership", "invitation", "gold", "votingitem"])
def test_what_the_machinery_writes_is_not_typed_in_the_administration(model):
    client = signed_in(User.objects.create_superuser("root"))
    assert client.get(reverse(f"admin:judging_{model}_changelist")).status_code == 200
    assert client.get(reverse(f"admin:judging_{model}_add")).status_code == 403


def test_a_lead_reads_what_happened_in_words_and_by_person_and_act(run):
    client = signed_in(User.objects.get(username="lea"))
    address = reverse("audit", args=[run.pk])
    page = client.get(address).text
    assert "took the last vote back" in page
    assert "UTC" in page
    assert ">took the last vote back</th>" not in client.get(address, {"who": "lea"}).text
    assert "Item: s1" in client.get(address).text
    assert "Item: s1" not in client.get(address, {"act": "run_closed"}).text


def test_the_log_comes_as_a_file_whose_cells_are_no_formulas(run):
    AuditEntry.note("guest_came", actor=User.objects.create(username="=1+1"), run=run)
    client = signed_in(User.objects.get(username="lea"))
    answer = client.get(reverse("audit", args=[run.pk]), {"format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode())))
    assert [row[1] for row in rows[1:]] == ["'=1+1", "lea", "ann"]


def test_a_page_holds_fifty(run, django_assert_max_num_queries):
    for number in range(60):
        AuditEntry.note("vote_undone", actor=None, run=run, seat=str(number))
    client = signed_in(User.objects.get(username="lea"))
    with django_assert_max_num_queries(12):
        page = client.get(reverse("audit", args=[run.pk])).text
    assert page.count("<time") == 50


def test_everybody_reads_ones_own_rows_and_no_others(run, ann):
    page = signed_in(ann).get(reverse("my_log")).text
    assert "took the last vote back" in page
    assert "closed the run" not in page
    assert signed_in(ann).get(reverse("audit", args=[run.pk])).status_code == 403


def test_an_act_without_words_is_shown_as_it_is(run):
    assert sentence(AuditEntry.note("moon_landed", run=run).act) == "moon_landed"


def test_a_fact_that_is_called_as_a_method_of_dicts_is_shown_as_any_other(run, ann):
    AuditEntry.note("practice_done", actor=ann, run=run, right=3, items=4)
    told = signed_in(ann).get(reverse("my_log")).content.decode()
    assert "Items: 4" in told and ": 3" in told, "and one of another shape than today's shuts no log"
