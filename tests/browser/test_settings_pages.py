"""The pages by which leads change how boards count, in a real Chromium: accessible, whole on a phone, and without scripts."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from rating.models import Grouping, Leaderboard, Profile
from tests.browser.axe import violations
from tests.browser.test_board_pages import Visit
from tests.rating import make
from tests.rating.test_groupings import grouping

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = [
    ("light", "en", 1366),
    ("dark", "zh-hans", 1366),
    ("dark", "en", 390),
    ("light", "zh-hans", 390),
    ("light", "en", 320),
]


@pytest.fixture
def visit(chromium, live_server, django_user_model):
    """Make visits of a lead by their look; their windows are closed afterwards."""
    user = django_user_model.objects.create_user("lena")
    user.groups.add(Group.objects.get_or_create(name="lead")[0])
    client = Client()
    client.force_login(user)
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
    made: list[Visit] = []

    def make_visit(theme="light", language="en", width=1366, **more) -> Visit:
        made.append(Visit(chromium, live_server.url, theme=theme, language=language, width=width, **more))
        made[-1].context.add_cookies([{**cookie, "url": live_server.url}])
        return made[-1]

    yield make_visit
    for one in made:
        one.context.close()


@pytest.mark.parametrize(("theme", "language", "width"), LOOKS)
def test_every_settings_page_is_accessible_and_fits(visit, theme, language, width):
    make.categories()
    benchmark = make.benchmark()
    gate = {"name": "good", "kind": "board", "benchmark": "kitchen", "op": ">=", "value": 1000}
    profile = Profile.objects.create(name="business", weights={"maths": 3.0}, gates=[gate])
    Leaderboard.objects.create(benchmark=benchmark, recipe={"profile": "business", "grouping": "effort"})
    paths = [
        reverse("board_settings", args=[benchmark.pk]), reverse("profiles"), reverse("profile_edit", args=[profile.pk]),
        reverse("groupings"), reverse("grouping_edit", args=[grouping().pk]),
    ]  # fmt: skip
    window = visit(theme, language, width)
    wrong = []
    for path in paths:
        page = window.open(path)
        assert page.locator("h1").count() == 1 and page.locator("html").get_attribute("lang") == language
        wrong += [f"{path} {found}" for found in violations(page)]
        if window.sideways() > 0:
            wrong.append(f"{path} is {window.sideways()} px too wide")
    assert wrong == [] and window.elsewhere == [] and window.said == []


def test_a_lead_without_scripts_sets_up_a_profile_and_a_grouping_and_gives_both_to_a_board(visit):
    make.categories()
    benchmark = make.benchmark()
    page = visit(scripts=False).open(reverse("profile_new"))
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


def test_an_error_is_shown_at_its_field_with_the_input_kept(visit):
    page = visit().open(reverse("board_settings", args=[make.benchmark().pk]))
    page.get_by_label("Level of the intervals (per cent)").fill("20")
    page.get_by_role("button", name="Save and ask for a snapshot").click()
    assert page.locator(".banner--bad[role=alert]").is_visible() and violations(page) == []
    assert page.get_by_label("Level of the intervals (per cent)").input_value() == "20"
