"""Agreement, trust and contested items in a real Chromium, as a visitor and as a lead: accessible, whole, our own origin."""

from __future__ import annotations

import pytest
from django.urls import reverse

from rating.models import Health, SnapshotTable
from tests.browser.visiting import LOOKS
from tests.judging import recorded
from tests.rating import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHARE = {"share": 0.6, "low": 0.5, "high": 0.7, "n": 44}


def rows():
    """A snapshot with two judges of every kind of figure, their confusion, and one contested battle."""
    battle = recorded.battle(recorded.answered(recorded.benchmark(), "Ash", "Birch")[0])
    snapshot = make.snapshot(battle.question.benchmark, provenances=["demo"])
    strict, lax = make.judge("strict"), make.judge("lax")
    for relation, judges in (("people", "people"), ("people_judge", "people–strict"), ("judges", "strict–lax")):
        for category in (None, battle.question.category):
            make.agreement(snapshot, relation, judges, category=category, difference=-0.03, difference_n=60)
    make.agreement(snapshot, "first_slot", "strict", kappa=None, alpha=None)
    for judge in (strict, lax):
        told = {"failures": {"mute": SHARE}, "verdicts": [1, 8, 2, 9, 0], "longer": SHARE, "own_family": SHARE}
        Health.objects.create(snapshot=snapshot, judge=judge, told=told)
    counts = [15, 0, 5, 0, 0, 0, 5, 0, 15]
    tables = [[0, strict.pk, None, 40, 0.75, 0.5, counts], [strict.pk, lax.pk, None, 40, 0.75, 0.5, counts]]
    pairs = {"values": ["second", "tie", "first"], "people": [], "left_out": 0, "tables": tables}
    contested = {"people": {"n": 1, "rows": [[battle.pk, battle.question.category_id, 1.0, [2, 0, 2], [1, 0, 0]]]}}
    data = {"pairs": pairs, "contested": {"pairs": contested}}
    SnapshotTable.objects.create(snapshot=snapshot, name="confusions", data=data)
    return snapshot, strict, lax


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_the_pages_of_agreement_are_accessible_and_fit(visit, theme, language):
    snapshot, strict, lax = rows()
    benchmark = snapshot.leaderboard.benchmark_id
    paths = [
        reverse("agreement", args=[benchmark]) + f"?one={strict.pk}&other={lax.pk}",
        reverse("snapshot_trust", args=[snapshot.pk]),
        reverse("contested", args=[benchmark]),
    ]
    assert visit(theme=theme, language=language).faults(*paths) == []


def test_a_number_of_any_two_leads_to_the_verdicts_behind_it_without_scripts(visit):
    snapshot, *_ = rows()
    page = visit(scripts=False).open(reverse("agreement", args=[snapshot.leaderboard.benchmark_id]))
    page.locator(".agreement-matrix td a").last.click()
    assert "strict beside lax" in page.locator("#confusion h2").inner_text()
    page.get_by_role("link", name="Close").click()
    assert page.locator("#confusion").count() == 0
