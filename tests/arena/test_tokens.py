"""Tokens: made once, kept as a hash, checked, revoked; and the page where people see to their own."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arena import tokens
from arena.models import ApiToken

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def client(ann) -> Client:
    client = Client()
    client.force_login(ann)
    return client


def made_by(client: Client, **fields) -> str:
    page = client.post(reverse("tokens"), {"name": "a script", "days": "90", **fields}).text
    return re.search(r'value="(jr_[\w-]+)"', page)[1]


def test_a_token_is_kept_as_its_hash_alone_and_known_by_its_first_characters(ann):
    row, token = tokens.make(ann, "a script")
    assert re.fullmatch(r"jr_[\w-]{43}", token)
    assert row.digest == tokens.digest_of(token) and token.startswith(row.start)
    kept = " ".join(str(value) for value in ApiToken.objects.values().get().values())
    assert token not in kept and len(row.start) == 9
    assert tokens.check(token) == row


@pytest.mark.parametrize("token", ["", "jr_", "jr_\udcff", "Bearer", "jr_" + "a" * 100_000])
def test_anything_else_is_no_token(ann, token):
    tokens.make(ann, "a script")
    assert tokens.check(token) is None


def test_neither_the_hash_nor_the_start_lets_anybody_in(ann):
    row, _token = tokens.make(ann, "a script")
    assert tokens.check(row.digest) is None and tokens.check(row.start) is None


def test_a_token_ends_when_it_is_taken_back_expires_or_its_person_leaves(ann):
    row, token = tokens.make(ann, "a", expires_at=timezone.now() + timedelta(days=1))
    assert tokens.check(token)
    ApiToken.objects.update(expires_at=timezone.now())
    assert tokens.check(token) is None
    ApiToken.objects.update(expires_at=None)
    User.objects.update(is_active=False)
    assert tokens.check(token) is None
    User.objects.update(is_active=True)
    tokens.revoke(row)
    assert tokens.check(token) is None


def test_that_it_was_used_is_written_once_a_minute(ann, django_assert_num_queries):
    row, token = tokens.make(ann, "a script")
    with django_assert_num_queries(2):
        tokens.check(token)
    first = ApiToken.objects.get().used_at
    with django_assert_num_queries(1):
        tokens.check(token)
    ApiToken.objects.update(used_at=first - timedelta(seconds=61))
    tokens.check(token)
    assert ApiToken.objects.get().used_at >= first


def test_the_page_shows_a_new_token_this_once(client, ann):
    token = made_by(client, may_write="on")
    row = tokens.check(token)
    assert (row.user, row.name, row.may_write) == (ann, "a script", True)
    assert 89 < (row.expires_at - timezone.now()).total_seconds() / 86_400 <= 90
    page = client.get(reverse("tokens"))
    assert token not in page.text and row.start in page.text and "read and write" in page.text
    assert "no-store" in page["Cache-Control"]


def test_a_token_is_taken_back_on_the_page_and_stays_in_the_list(client):
    token = made_by(client)
    client.post(reverse("token_revoke", args=[ApiToken.objects.get().pk]))
    assert tokens.check(token) is None
    assert "taken back" in client.get(reverse("tokens")).text


def test_nobody_sees_or_takes_back_the_token_of_another(client):
    row, token = tokens.make(User.objects.create_user("bob"), "bob's")
    assert "bob" not in client.get(reverse("tokens")).text
    assert client.post(reverse("token_revoke", args=[row.pk])).status_code == 404
    assert tokens.check(token)
    assert Client().get(reverse("tokens")).status_code == 302


@pytest.mark.parametrize("fields", [{"name": " "}, {"name": "x" * 81}, {"days": "0"}, {"days": "soon"}])
def test_input_that_cannot_be_used_stays_in_the_form(client, fields):
    page = client.post(reverse("tokens"), {"name": "a script", "days": "90", **fields})
    assert page.status_code == 422 and not ApiToken.objects.exists()
    assert 'class="errorlist"' in page.text and "jr_" not in page.text.replace("jr_…", "")


def test_a_person_has_fifty_tokens_at_the_most(client, ann):
    for n in range(tokens.MOST):
        tokens.make(ann, str(n))
    page = client.post(reverse("tokens"), {"name": "one more"})
    assert page.status_code == 422 and "take one back" in page.text
