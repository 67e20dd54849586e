"""The brake on guessing passwords: what it holds back, whom it leaves alone, and what it puts on record."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse

from arena.signing_in import MOST_OF_ADDRESS, MOST_OF_NAME, address_of
from judging.models import AuditEntry

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough one"


@pytest.fixture(autouse=True)
def ann(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    return User.objects.create_user("ann", password=PASSWORD)


def status(name="ann", password="a guess", address="198.51.100.1") -> int:
    form = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post(reverse("login"), form).status_code


def test_guessing_one_name_holds_it_back_from_that_address_and_from_no_other():
    assert [status() for _try in range(MOST_OF_NAME)] == [200] * MOST_OF_NAME
    assert status(password=PASSWORD) == 429
    assert status("ANN", PASSWORD) == 429
    assert status(password=PASSWORD, address="198.51.100.2") == 302


def test_the_right_password_forgives_what_was_mistyped_before_it():
    for _day in range(3):
        assert [status() for _try in range(MOST_OF_NAME - 1)] == [200] * (MOST_OF_NAME - 1)
        assert status(password=PASSWORD) == 302


def test_right_passwords_use_nothing_up():
    assert {status(password=PASSWORD) for _time in range(MOST_OF_ADDRESS + 5)} == {302}


def test_guessing_many_names_holds_the_address_back():
    assert {status(f"name{number}") for number in range(MOST_OF_ADDRESS)} == {200}
    assert status(password=PASSWORD) == 429


def test_hammering_one_name_leaves_others_at_the_address_alone():
    for _try in range(MOST_OF_ADDRESS + 5):
        status("bob")
    assert status(password=PASSWORD) == 302


def test_being_held_back_is_put_on_record_once_and_names_accounts_only():
    for name in ("ann", "my password in the wrong field"):
        for _try in range(MOST_OF_NAME + 3):
            status(name)
    facts = AuditEntry.objects.filter(act="signed_in_throttled").order_by("pk").values_list("facts", flat=True)
    assert list(facts) == [{"person": "ann", "address": "198.51.100.1"}, {"address": "198.51.100.1"}]


def test_a_name_no_database_takes_is_refused_like_any_other():
    assert [status("a\x00b") for _try in range(MOST_OF_NAME + 1)] == [200] * MOST_OF_NAME + [429]


def test_an_address_is_taken_from_the_proxy_only_behind_https(settings):
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR="made up, 198.51.100.7")
    settings.HTTPS = False
    assert address_of(request) == "192.0.2.1"
    settings.HTTPS = True
    assert address_of(request) == "198.51.100.7"
