"""The pages by which leads change how boards count, in a real Chromium: accessible, whole on a phone, and without scripts."""

from __future__ import annotations

import pytest
from django.urls import reverse

from rating.models import Grouping, Leaderboard, Profile
from tests.browser.visiting import LOOKS
from tests.judging import recorded
from tests.rating import make
from tests.rating.test_groupings import grouping

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lead():
    return recorded.person("lena", "lead")


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_every_settings_page_is_accessible_and_fits(visit, lead, theme, language):
    make.categories()
    benchmark = make.benchmark()
    gate = {"name": "good", "kind": "board", "benchmark": "kitchen", "op": ">=", "value": 1000}
    profile = Profile.objects.create(name="business", weights={"maths": 3.0}, gates=[gate])
    Leaderboard.objects.create(benchmark=benchmark, recipe={"profile": "business", "grouping": "effort"})
    paths = [
        reverse("board_settings", args=[benchmark.pk]), reverse("profiles"), reverse("profile_edit", args=[profile.pk]),
        reverse("groupings"), reverse("grouping_edit", args=[grouping().pk]),
    ]  # fmt: skip
    assert visit(lead, theme=theme, language=language).faults(*paths) == []


def test_a_lead_without_scripts_sets_up_a_profile_and_a_grouping_and_gives_both_to_a_board(visit, lead):
    make.categories()
    benchmark = make.benchmark()
    page = visit(lead, scripts=False).open(reverse("profile_new"))
    page.get_by_label("Name", exact=True).fill("business")
    page.get_by_label("Maths and reasoning").fill("3")
    page.get_by_role("button", name="Save the profile").click()
    page.goto(page.url.replace("/profiles/", "/groupings/new/"))
    page.get_by_label("Name", exact=True).fill("effort")
    page.get_by_label("Key").first.fill("hard")
    page.get_by_label("Maths and reasoning").select_option("1")
    page.get_by_role("button", name="Save the grouping").click()
    page.goto(page.url.replace("/groupings/", reverse("board_settings", args=[benchmark.pk])))
    page.get_by_label("Profile of the total").select_option("business")
    page.get_by_label("Kinds of categories").select_option("effort")
    page.get_by_role("button", name="Save and ask for a snapshot").click()
    assert page.locator("[role=status], .messages").get_by_text("Saved.").is_visible()
    recipe = Leaderboard.objects.get().recipe
    assert (recipe["profile"], recipe["grouping"]) == ("business", "effort")
    assert Grouping.objects.get().kinds[0]["of"] == ["maths"]


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_an_error_is_shown_at_its_field_with_the_input_kept(visit, lead, theme, language):
    window = visit(lead, theme=theme, language=language)
    page = window.open(reverse("board_settings", args=[make.benchmark().pk]))
    page.locator("#id_level").fill("20")
    page.locator("form:has(#id_level) button.button--primary").click()
    assert page.locator(".banner--bad[role=alert]").is_visible() and window.faults(status=422) == []
    assert page.locator("#id_level").input_value() == "20"
