"""What an address asks for may be absurd: a page says so, or shows the whole, and never fails."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.arena import every_page
from tests.arena.every_page import address, names

pytestmark = pytest.mark.django_db
ASKED = (
    "page", "sort", "price", "q", "text", "source", "method", "category", "language", "vendor", "family", "licence", "sure", "a",
    "b", "one", "other", "run", "judge", "status", "benchmark", "model", "from", "rubric", "key", "try_out", "name", "kind", "of",
    "with", "by", "basis", "profile", "tolerance", "snapshot", "after", "before", "limit", "cursor", "outcome", "group", "act",
    "as", "preset", "form", "cause", "other_source", "flips", "gap", "provenance", "collects",
)  # fmt: skip
"""Names that some page looks for."""
ABSURD = {
    "beyond 64 bits": "9" * 40,
    "below zero": "-1",
    "no number": "nan",
    "endless": "1e999",
    "a half character": "\udc80",
    "nothing": "\0",
    "attributes": "__class__.__init__",
    "long": "x" * 3000,
    "markup": "<script>alert(1)</script>",
    "Chinese digits": "１２",
}


@pytest.fixture
def there(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    cache.clear()
    return every_page.rows(tmp_path)


@pytest.mark.parametrize("what", ABSURD)
def test_no_page_fails_whatever_its_address_asks_for(there, what):
    lead = Client()
    lead.force_login(there["lead"])
    failed = []
    for name in sorted(names()):
        if name == "logout" or name.endswith("openapi"):
            continue
        query = dict.fromkeys(ASKED, ABSURD[what].encode("utf-8", "surrogatepass"))
        answer = lead.get(address(name, there), query)
        if answer.status_code >= 500:
            failed.append(name)
        elif what == "markup" and answer.get("Content-Type", "").startswith("text/html"):
            assert b"<script>alert(1)" not in b"".join(answer), name
    assert failed == []


def test_the_same_thing_asked_for_twice_is_asked_for_once(there):
    lead = Client()
    lead.force_login(there["lead"])
    query = [(name, value) for name in ASKED for value in ("1", "2")]
    text = "&".join(f"{name}={value}" for name, value in query)
    wanted = [name for name in sorted(names()) if name != "logout" and not name.startswith("api-v1:")]
    assert [name for name in wanted if lead.get(f"{address(name, there)}?{text}").status_code >= 500] == []


def test_a_board_is_not_kept_for_one_host_and_shown_to_another(there, settings):
    settings.ALLOWED_HOSTS = ["one.test", "other.test"]
    where = reverse("leaderboard", args=[there["benchmark"].pk])
    first = Client(headers={"host": "one.test"}).get(where).content.decode()
    second = Client(headers={"host": "other.test"}).get(where).content.decode()
    assert "one.test" not in second and "other.test" not in first
