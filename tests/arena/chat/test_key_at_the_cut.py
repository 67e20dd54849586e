"""A key that an endpoint sends back is taken out before its words are cut: no half of one is left at the end."""

from __future__ import annotations

import pytest

from arena.chat import Endpoint
from arena.chat.errors import body_error, status_error

KEY = "sk-abcdefghijklmnopqrstuvwxyz0123456789"
ENDPOINT = Endpoint("openai", "m", "http://127.0.0.1:1/v1", key=KEY)


@pytest.mark.parametrize("before", range(0, 520, 13))
def test_no_beginning_of_a_key_stands_at_the_end_of_a_reason(before):
    body = {"error": {"message": "x" * before + " " + KEY + " is no key of ours"}}
    for error in (status_error(401, body, ENDPOINT, None), body_error(body, ENDPOINT)):
        assert KEY[:8] not in str(error)


def test_where_it_redirects_to_is_told_shortly_and_without_the_key():
    error = status_error(302, None, ENDPOINT, {"location": f"http://elsewhere.example/{KEY}/" + "y" * 5000})
    assert "http://elsewhere.example/" in str(error) and KEY[:8] not in str(error) and len(str(error)) < 800
