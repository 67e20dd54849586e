"""When an endpoint is not asked any more: at once, at first, or after too many failures in a row."""

from __future__ import annotations

import pytest

from arena.chat import Breaker, ChatError
from arena.chat.breaker import FAILURES_IN_A_ROW


def error(status: int | None = None, *, transient: bool = False) -> ChatError:
    return ChatError(f"HTTP {status}", transient=transient, status=status)


@pytest.mark.parametrize("status", [401, 402, 404, 429])
def test_a_refusal_of_whoever_asks_is_enough(status):
    breaker = Breaker()
    breaker.succeeded()
    assert breaker.failed(error(status)) and breaker.reason == f"HTTP {status}"


def test_forbidden_is_of_the_endpoint_until_it_has_answered_and_of_the_text_afterwards():
    assert Breaker().failed(error(403))
    breaker = Breaker()
    breaker.succeeded()
    assert not breaker.failed(error(403)) and not breaker.reason


def test_failures_count_only_in_a_row_and_the_one_that_was_too_many_is_the_reason():
    breaker = Breaker()
    for _ in range(FAILURES_IN_A_ROW - 1):
        breaker.failed(error(400))
    breaker.succeeded()
    for _ in range(FAILURES_IN_A_ROW - 1):
        assert not breaker.failed(error(500, transient=True))
    assert breaker.error is None
    assert not breaker.failed(error(503, transient=True))
    breaker.failed(error(401))
    assert breaker.reason == "HTTP 503"


def test_a_rate_that_was_too_high_is_of_the_moment_and_a_quota_of_the_endpoint():
    breaker = Breaker()
    assert not breaker.failed(error(429, transient=True)) and not breaker.reason
    assert breaker.failed(error(429)) and breaker.reason


def test_an_endpoint_that_was_given_up_is_not_asked_any_more():
    breaker = Breaker()
    breaker.succeeded()
    assert breaker.failed(ChatError("no answer for a minute", transient=False, down=True))
    assert breaker.reason == "no answer for a minute"
