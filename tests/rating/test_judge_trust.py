"""What a judge's page says of it in one sentence: whether the order of the answers decides for it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from rating.trust import Steadiness, steadiness
from tests.rating import make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("n", "low", "high", "said"),
    [
        (48, 0.78, 1.0, Steadiness.TURNING),
        (500, 0.21, 0.30, Steadiness.TURNING),
        (500, 0.0, 0.07, Steadiness.STEADY),
        (60, 0.05, 0.3, Steadiness.UNSURE),
        (12, 0.78, 1.0, Steadiness.FEW),
        (48, None, None, Steadiness.FEW),
    ],
)
def test_only_a_whole_interval_on_one_side_decides(n, low, high, said):
    flips = make.agreement(make.snapshot(), "flips", "judge", raw=0.5, n=n, low=low, high=high)
    assert steadiness(flips) == said


def test_without_battles_in_both_orders_nothing_is_said():
    assert steadiness(None) == Steadiness.FEW


def page_of(client, *, raw, low, high):
    snapshot, judge = make.snapshot(), make.judge("small")
    make.agreement(snapshot, "flips", "small", raw=raw, low=low, high=high, n=48, kappa=None, alpha=None)
    make.agreement(snapshot, "first_slot", "small", raw=0.99, low=0.9, high=1.0, n=96, kappa=None, alpha=None)
    return " ".join(client.get(reverse("judge", args=[judge.pk])).content.decode().split())


def test_a_judge_that_the_order_decides_for_is_not_to_be_trusted(client):
    said = page_of(client, raw=1.0, low=0.78, high=1.0)
    assert "Not to be trusted here." in said
    assert "The order of the answers decides." in said
    assert "turns round in 100% [78%, 100%] of 48 battles" in said
    assert "shown first in 99% of its decided verdicts" in said


def test_a_judge_that_turns_in_fewer_than_half_is_swayed_and_not_decided_for(client):
    said = page_of(client, raw=0.4, low=0.3, high=0.5)
    assert "The order of the answers sways it." in said and "answers decides" not in said


def test_a_steady_judge_is_called_so(client):
    said = page_of(client, raw=0.02, low=0.0, high=0.06)
    assert "does not sway it" in said and "Not to be trusted" not in said
