"""The pages of annotators and gold in Chinese: whole, with nothing of ours left in English."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.urls import reverse

from judging import golding
from judging.models import Membership, Run
from tests.arena.test_language import assert_chinese
from tests.judging import recorded, voting
from tests.rating import crowd_rows, simulated

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_chinese(client):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    return client


def test_the_leads_pages_are_in_chinese(in_chinese):
    in_chinese.force_login(recorded.person("lea", "lead"))
    made = simulated.crowd(3)
    run, judges = crowd_rows.put(made)
    for name, address in {
        "annotators": reverse("annotators", args=[run.pk]),
        "of the benchmark": reverse("annotators", args=[run.pk]) + "?of=benchmark",
        "annotator": reverse("annotator", args=[judges[-1].pk]),
        "nobody": reverse("annotators", args=[voting.open_run().pk]),
        "new": reverse("annotator", args=[voting.judge("new").pk]),
    }.items():
        assert_chinese(in_chinese.get(address), name)


def test_ones_own_page_is_in_chinese_open_closed_paused_and_empty(in_chinese):
    run, judges = crowd_rows.put(simulated.crowd(1, good=3, odd=(), items=24, golds=3))
    in_chinese.force_login(judges[0].user)
    assert_chinese(in_chinese.get(reverse("me")), "open")
    Membership.objects.create(run=run, user=judges[0].user, paused_at=run.created_at, practice_tries=2)
    Run.objects.update(status="done")
    assert_chinese(in_chinese.get(reverse("me")), "closed")
    in_chinese.force_login(voting.person("new"))
    assert_chinese(in_chinese.get(reverse("me")), "empty")


@pytest.mark.parametrize("mode", ["pairwise", "single"])
def test_the_pages_of_gold_are_in_chinese(in_chinese, mode):
    lead = recorded.person("lea", "lead")
    in_chinese.force_login(lead)
    run = voting.open_run(mode=mode)
    address = reverse("gold", args=[run.pk])
    assert_chinese(in_chinese.get(address), "none yet")
    items = list(golding.items_of(run).order_by("pk"))
    golding.add(run, [golding.Truth(items[0].pk, 1, 2), golding.Truth(items[1].pk, 1, 1, is_practice=True)], by=lead)
    for number in range(3):
        judge, where = voting.judge(f"ann{number}"), {"run": run, "rubric": run.rubric}
        if run.is_single:
            recorded.grade(items[2], judge, score=3, **where)
        else:
            recorded.preference(items[2], judge, value=0, **where)
    assert_chinese(in_chinese.get(address, {"item": items[3].pk, "q": "What"}), "choosing")
    assert_chinese(in_chinese.post(address, {"item": items[0].pk, "lowest": "9"}), "refused")
    assert_chinese(in_chinese.post(reverse("gold_import", args=[run.pk])), "no file")
    assert_chinese(in_chinese.get(address, {"q": "elephant"}), "nothing found")
