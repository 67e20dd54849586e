"""The pages of a run's people and the ways in, in a real Chromium: accessible in both themes and languages, whole on a phone."""

from __future__ import annotations

import pytest
from django.urls import reverse

from judging.models import Invitation
from judging.people import pause
from tests.browser.visiting import LOOKS
from tests.judging import voting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_every_page_is_accessible_and_fits(visit, theme, language):
    run = voting.open_run(voting={"open_to": "guests"})
    lead, ann = voting.person("lena", role="lead"), voting.person("ann-with-a-rather-long-user-name")
    pause(run, ann, why="Far too quick.", by=lead)
    Invitation.issue(run, role="annotator", created_by=lead, note="the new colleague")
    window = visit(lead, theme=theme, language=language)
    wrong = window.faults(reverse("person", args=[run.pk, ann.pk]), reverse("people", args=[run.pk]))
    window.page.locator("form.form--narrow button").click()
    window.page.locator("[data-new-link]").wait_for()
    wrong += window.faults()
    visitor = visit(theme=theme, language=language)
    assert wrong + visitor.faults(reverse("join", args=["nothing"]), status=410) == []
