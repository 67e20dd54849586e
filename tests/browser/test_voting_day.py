"""A whole day of an annotator without a mouse, and all that can come between: tabs, leases, sessions, languages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from arena.models import Battle
from judging.models import Assignment, Gold, Grade, Membership, Preference, Run
from judging.voting_items import let_all_go
from tests.browser.axe import violations
from tests.judging import voting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SETTLED = 330  # milliseconds after which an item may be decided on
LANGUAGES = ["en", "zh-hans"]


def ready(page) -> None:
    page.wait_for_function("() => window.htmx && document.documentElement.dataset.keys")
    page.wait_for_timeout(SETTLED)


def token(page) -> str:
    return page.locator("#ballot").get_attribute("data-token")


def press(page, key: str) -> None:
    """Press a key that leaves the item in hand, and wait until another one may be decided on."""
    before = token(page)
    page.keyboard.press(key)
    page.wait_for_function("(before) => document.querySelector('#ballot').dataset.token !== before", arg=before)
    page.wait_for_timeout(SETTLED)


def tab_to(page, selector: str) -> None:
    """Go on by Tab until this is in focus; a page that cannot be used without a mouse fails here."""
    for _step in range(60):
        if page.evaluate("(wanted) => Boolean(document.activeElement?.closest(wanted))", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by Tab")


def open_ballot(page, run: Run) -> None:
    page.go(reverse("ballot", args=[run.pk]))
    ready(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_day_without_a_mouse(visit, language):
    ann = voting.person("ann")
    ann.set_password("correct horse battery")
    ann.save()
    run = voting.open_run(questions=5, voting={"practice": 1})
    practised = Battle.objects.order_by("pk")[0]
    Gold.objects.create(
        run=run, battle=practised, lowest=-2, highest=2, is_practice=True, why_en="Any.", why_zh="都行。"
    )

    page = visit(language=language).open(reverse("vote"))
    tab_to(page, "input[name=username]")
    page.keyboard.type("ann")
    tab_to(page, "input[name=password]")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    page.locator("[data-run]").wait_for()
    assert page.evaluate("document.documentElement.lang") == language
    tab_to(page, "[data-run] a")
    page.keyboard.press("Enter")

    page.locator("[data-practice]").wait_for()
    ready(page)
    press(page, "3")
    assert page.locator("[data-practice]").count() == 0
    assert ("Any." if language == "en" else "都行。") in page.locator("[data-said]").inner_text()

    first = token(page)
    press(page, "1")
    press(page, "u")
    assert token(page) == first
    press(page, "2")
    page.keyboard.press("s")
    page.keyboard.type("too deep for me")
    press(page, "Enter")
    page.keyboard.press("f")
    page.keyboard.type("cut off in the middle")
    press(page, "Enter")
    press(page, "4")
    assert page.locator("#ballot").get_attribute("data-ballot") == "done"

    assert list(Preference.objects.counting().order_by("pk").values_list("both_bad", flat=True)) == [False, True]
    assert Assignment.objects.get(status="skipped").reason == "too deep for me"
    assert Assignment.objects.get(status="flagged").reason == "cut off in the middle"
    assert Assignment.objects.filter(status="leased").count() == 0
    assert violations(page) == []


def test_two_tabs_are_one_person_and_one_vote_an_item(signed_in):
    run = voting.open_run(questions=3)
    open_ballot(signed_in, run)
    other = signed_in.context.new_page()
    other.goto(signed_in.url)
    ready(other)
    assert token(other) == token(signed_in)
    press(signed_in, "1")
    press(other, "2")
    assert "that vote stands" in other.locator("[data-said]").inner_text() or Preference.objects.get().value_shown == 1
    assert Preference.objects.count() == 1
    assert token(other) == token(signed_in)
    other.close()


def test_a_lease_that_was_lost_loses_no_vote(signed_in):
    run = voting.open_run(questions=1, limits={"overlap": 1})
    open_ballot(signed_in, run)
    Assignment.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    assert let_all_go() == 1
    press(signed_in, "1")
    assert "You were away for a while" in signed_in.locator("[data-said]").inner_text()
    assert Preference.objects.counting().count() == 1


def test_marks_survive_the_end_of_a_session(signed_in):
    run = voting.open_run(questions=2, mode="single")
    open_ballot(signed_in, run)
    signed_in.keyboard.press("4")
    signed_in.keyboard.press("2")
    signed_in.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    signed_in.keyboard.press("Control+Enter")
    signed_in.wait_for_url(f"**{reverse('login')}**")
    signed_in.sign_in(signed_in.user)
    before = str(Assignment.objects.get().token)
    signed_in.go(reverse("ballot", args=[run.pk]))  # what was kept is sent as soon as somebody is signed in
    signed_in.wait_for_function("(before) => document.querySelector('#ballot').dataset.token !== before", arg=before)
    assert Grade.objects.get().scores == {"right": 4.0, "kind": 2.0}


def test_a_run_that_closed_meanwhile_says_so(signed_in):
    run = voting.open_run(questions=2)
    open_ballot(signed_in, run)
    Run.objects.update(status=Run.Status.DONE)
    press(signed_in, "1")
    assert "closed meanwhile" in signed_in.locator("[data-said]").inner_text()
    assert not Preference.objects.exists()


def test_a_pause_says_why(signed_in):
    run = voting.open_run(questions=2)
    Membership.objects.create(run=run, user=signed_in.user, paused_at=timezone.now(), paused_why="Call me first.")
    signed_in.go(reverse("ballot", args=[run.pk]))
    assert "Call me first." in signed_in.locator("#ballot").inner_text()


def test_nothing_moves_when_the_next_pair_is_painted(signed_in):
    run = voting.open_run(questions=4)
    signed_in.set_viewport_size({"width": 1366, "height": 768})
    open_ballot(signed_in, run)
    signed_in.evaluate("""() => {
      window.moved = 0;
      new PerformanceObserver((list) => { for (const one of list.getEntries()) window.moved += one.value; })
        .observe({ type: "layout-shift", buffered: true });
    }""")
    for _vote in range(3):
        press(signed_in, "1")
    assert signed_in.evaluate("window.moved") <= 0.02
