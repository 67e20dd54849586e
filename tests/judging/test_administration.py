"""Panels and rubrics in the administration: members in their seats, no circles, and what is wrong said by field."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from judging.models import Seat
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(client):
    client.force_login(User.objects.create_superuser("root"))
    return client


def panel(**fields):
    return make.judge("jury", kind="panel", **fields)


def seated(judge, *members) -> dict:
    """The form of a judge with these members."""
    told = {"name": judge.name, "version": 1, "kind": judge.kind, "options": "{}", "provenance": "real"}
    told |= {"created_at_0": "2026-01-01", "created_at_1": "00:00:00"}
    told |= {"seats-TOTAL_FORMS": len(members), "seats-INITIAL_FORMS": 0}
    for place, member in enumerate(members):
        told |= {f"seats-{place}-member": member.pk, f"seats-{place}-position": place, f"seats-{place}-weight": 1}
    return told


def test_members_are_seated_on_the_panels_page(root):
    jury, rules, owl = panel(), make.judge("rules"), make.llm_judge()
    address = reverse("admin:judging_judge_change", args=[jury.pk])
    assert root.post(address, seated(jury, rules, owl)).status_code == 302
    assert [seat.member for seat in jury.seats.all()] == [rules, owl]


def test_a_used_panel_keeps_its_members(root):
    jury = panel(frozen_at=timezone.now())
    Seat.objects.create(panel=jury, member=make.judge("rules"))
    address = reverse("admin:judging_judge_change", args=[jury.pk])
    assert root.get(address).status_code == 200
    assert root.post(address, seated(jury, make.llm_judge())).status_code == 403


def test_no_judge_sits_in_itself_however_far_away(root):
    jury, inner = panel(), make.judge("inner", kind="panel")
    Seat.objects.create(panel=jury, member=inner)
    with pytest.raises(ValidationError, match="cannot sit in itself"):
        Seat(panel=inner, member=jury).full_clean()
    said = root.post(reverse("admin:judging_judge_change", args=[inner.pk]), seated(inner, jury))
    assert "cannot sit in itself" in said.text and not inner.seats.exists()


def test_a_rubric_that_is_none_is_refused_with_the_field(root):
    rubric = make.rubric()
    fields = {"name": "helpful", "version": 1, "lowest": 1, "highest": 5, "dimensions": '[{"key": "a", "weight": -1}]'}
    fields |= {"created_at_0": "2026-01-01", "created_at_1": "00:00:00"}
    said = root.post(reverse("admin:judging_rubric_change", args=[rubric.pk]), fields)
    assert said.status_code == 200 and "dimensions[0].weight: is below 0" in said.text
    rubric.refresh_from_db()
    assert rubric.dimensions == []
