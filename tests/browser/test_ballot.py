"""The ballot in a real Chromium: by keyboard, in both languages, on phones, in both themes."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.urls import reverse

from judging.models import Assignment, Comment, Grade, Preference, Rubric, Run
from tests.browser.visiting import LOOKS
from tests.judging import voting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SETTLED = 330  # milliseconds after which an item may be decided on
LONG = "\n\n".join(f"Paragraph {number} of an answer that goes on, with `code` and **weight**." for number in range(30))


def open_ballot(page, run: Run) -> None:
    page.go(reverse("ballot", args=[run.pk]))
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


def votes() -> list[float]:
    return [vote.value_shown for vote in Preference.objects.current().order_by("pk")]


def test_five_votes_by_keyboard(signed_in):
    run = voting.open_run(questions=6)
    open_ballot(signed_in, run)
    seen = []
    for key in "12341":
        seen.append(token(signed_in))
        press(signed_in, key)
    assert votes() == [1, -1, 0, 0, 1]
    assert [str(seat) for seat in Assignment.objects.filter(status="done").values_list("token", flat=True)] == seen
    assert signed_in.locator("[data-done]").inner_text() == "5 of 6"
    assert signed_in.evaluate("document.activeElement.matches('[data-heading]')")
    assert "5 of 6" in signed_in.locator("[data-announcer]").text_content()


def test_a_vote_in_chinese(signed_in):
    run = voting.open_run()
    signed_in.cookie(settings.LANGUAGE_COOKIE_NAME, "zh-hans")
    open_ballot(signed_in, run)
    assert signed_in.evaluate("document.documentElement.lang") == "zh-hans"
    press(signed_in, "4")
    assert Preference.objects.get().both_bad


def test_the_last_vote_ends_with_thanks(signed_in):
    run = voting.open_run(questions=1)
    open_ballot(signed_in, run)
    press(signed_in, "1")
    assert signed_in.locator("#ballot").get_attribute("data-ballot") == "done"


def test_u_brings_the_last_pair_back_on_the_same_sides(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    before, panes = token(signed_in), signed_in.locator("[data-pane]").all_inner_texts()
    press(signed_in, "1")
    press(signed_in, "u")
    assert token(signed_in) == before
    assert signed_in.locator("[data-pane]").all_inner_texts() == panes
    press(signed_in, "2")
    assert votes() == [-1]
    assert Preference.objects.count() == 2


def test_skip_and_note_by_keyboard(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.keyboard.press("n")
    signed_in.keyboard.type("1 thing: the 2nd is wrong")
    signed_in.keyboard.press("Escape")
    press(signed_in, "2")
    signed_in.keyboard.press("s")
    signed_in.keyboard.type("no idea")
    press(signed_in, "Enter")
    assert Preference.objects.get().note == "1 thing: the 2nd is wrong"
    assert Assignment.objects.get(status="skipped").reason == "no idea"


@pytest.mark.parametrize(
    "key", ["Enter", "Space", "Backspace", "ArrowLeft", "ArrowDown", "Control+1", "Meta+2", "Alt+3", "5", "a"]
)
def test_keys_that_never_decide(signed_in, key):
    run = voting.open_run()
    open_ballot(signed_in, run)
    before = token(signed_in)
    signed_in.keyboard.press(key)
    signed_in.wait_for_timeout(150)
    assert votes() == []
    if not key.startswith("Alt"):
        assert token(signed_in) == before


def test_a_key_held_down_votes_once(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    before = token(signed_in)
    signed_in.keyboard.down("1")
    signed_in.wait_for_function("(before) => document.querySelector('#ballot').dataset.token !== before", arg=before)
    signed_in.wait_for_timeout(SETTLED)
    signed_in.keyboard.down("1")  # the browser repeats a held key
    signed_in.wait_for_timeout(200)
    assert votes() == [1]
    signed_in.keyboard.up("1")
    press(signed_in, "1")
    assert votes() == [1, 1]


def test_two_quick_presses_and_a_double_click_are_one_vote_each(signed_in):
    run = voting.open_run(questions=6)
    open_ballot(signed_in, run)
    signed_in.keyboard.press("1")
    signed_in.keyboard.press("1")
    signed_in.wait_for_timeout(SETTLED + 200)
    assert votes() == [1]
    signed_in.locator('[data-key="2"]').dblclick(delay=20)
    signed_in.wait_for_timeout(SETTLED + 200)
    assert votes() == [1, -1]


def test_keys_do_nothing_while_typing_or_while_a_sheet_is_open(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.keyboard.press("?")
    assert signed_in.locator("#ballot-help").is_visible()
    signed_in.keyboard.press("1")
    signed_in.keyboard.press("Escape")
    signed_in.keyboard.press("f")
    signed_in.keyboard.type("1234")
    signed_in.wait_for_timeout(150)
    assert votes() == []
    assert signed_in.locator("#flag-reason").input_value() == "1234"


def test_keys_can_be_switched_off_and_stay_off(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.keyboard.press("?")
    signed_in.locator("[data-keys-switch]").uncheck()
    open_ballot(signed_in, run)
    signed_in.keyboard.press("1")
    signed_in.wait_for_timeout(200)
    assert votes() == []
    before = token(signed_in)
    signed_in.locator('[data-key="1"]').click()
    signed_in.wait_for_function("(before) => document.querySelector('#ballot').dataset.token !== before", arg=before)
    assert votes() == [1]


def test_a_vote_that_does_not_arrive_is_kept_and_sent_when_the_connection_is_back(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    before = token(signed_in)
    signed_in.context.set_offline(True)
    signed_in.keyboard.press("1")
    signed_in.locator("[data-trouble] p").wait_for()
    assert votes() == []
    signed_in.context.set_offline(False)
    signed_in.wait_for_function("(before) => document.querySelector('#ballot').dataset.token !== before", arg=before)
    assert votes() == [1]
    assert signed_in.locator("[data-trouble]").inner_text() == ""


def test_a_note_outlives_a_reload(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.keyboard.press("n")
    signed_in.keyboard.type("keep me")
    open_ballot(signed_in, run)
    press(signed_in, "3")
    assert Preference.objects.get().note == "keep me"


def test_a_session_that_ended_leads_to_the_sign_in_page_and_back(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    signed_in.keyboard.press("1")
    signed_in.wait_for_url(re.compile(re.escape(f"{reverse('login')}?next={reverse('ballot', args=[run.pk])}")))


def test_marks_outlive_the_end_of_a_session_without_javascript(visit):
    run, ann = voting.open_run(mode="single"), voting.person("ann")
    ann.set_password("correct horse battery")
    ann.save()
    window = visit(ann, scripts=False)
    page = window.open(reverse("ballot", args=[run.pk]))
    for name, mark in (("right", "2"), ("kind", "5")):
        page.locator(f'input[name="mark-{name}"][value="{mark}"]').check(force=True)
    window.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.locator("[data-submit]").click()
    page.locator("input[name=username]").fill("ann")
    page.locator("input[name=password]").fill("correct horse battery")
    page.keyboard.press("Enter")
    page.locator("[data-said]", has_text="signed out").wait_for()
    page.locator("[data-submit]").click()
    page.locator(".message", has_text="Recorded").or_(page.get_by_text("Recorded")).first.wait_for()
    assert Grade.objects.get().scores == {"right": 2.0, "kind": 5.0}


def test_it_works_without_javascript(visit):
    run = voting.open_run()
    page = visit(voting.person("ann"), scripts=False).open(reverse("ballot", args=[run.pk]))
    assert page.locator("[data-toggle]:visible, [data-more]:visible, .tool--keys:visible").count() == 0
    page.locator('button[value="b"]').click()
    assert votes() == [-1]
    page.locator('[data-key="s"]').click()
    page.locator("#plain-skip-reason").fill("why not")
    page.locator("#skip .button--primary:visible").click()
    assert Assignment.objects.filter(status="skipped").count() == 1
    page.locator('[data-key="u"]').click()
    assert Assignment.objects.filter(status="skipped").count() == 0


def test_a_refused_skip_keeps_the_marks_without_javascript(visit):
    run = voting.open_run(mode="single")
    page = visit(voting.person("ann"), scripts=False).open(reverse("ballot", args=[run.pk]))
    page.locator('input[name="mark-right"][value="2"]').check(force=True)
    Run.objects.update(rubric=Rubric.objects.create(name="plain", version=9, dimensions=voting.DIMENSIONS, highest=5))
    page.locator('[data-key="s"]').click()
    assert page.locator("#skip-form").is_hidden()
    page.locator("#plain-skip-reason").fill("no Latin")
    page.locator("#plain-skip-reason").press("Enter")  # votes for nothing
    page.locator("#skip .button--primary:visible").click()
    page.locator("[data-said]", has_text="guidelines changed").wait_for()
    assert page.locator('input[name="mark-right"][value="2"]').is_checked()
    page.locator('[data-key="s"]').click()
    page.locator("#skip .button--primary:visible").click()
    page.get_by_text("Skipped.").first.wait_for()
    assert Assignment.objects.get(status="skipped").reason == "no Latin" and not Grade.objects.exists()


def test_a_comment_keeps_the_marks_without_javascript(visit):
    run = voting.open_run(mode="single")
    page = visit(voting.person("ann"), scripts=False).open(reverse("ballot", args=[run.pk]))
    page.locator('input[name="mark-right"][value="2"]').check(force=True)
    page.locator('[data-key="c"]').click()
    assert page.locator("#comment-form").is_hidden()
    page.locator("#plain-comment-text").fill("which law is meant?")
    page.locator("#comment .button--primary:visible").click()
    page.get_by_text("Your comment is on record.").first.wait_for()
    assert page.locator('input[name="mark-right"][value="2"]').is_checked()
    assert page.locator("#plain-comment-text").input_value() == "" and Comment.objects.count() == 1


def test_ctrl_enter_in_another_sheet_is_not_the_ballots(signed_in):
    run = voting.open_run(mode="single")
    open_ballot(signed_in, run)
    signed_in.keyboard.press("5")
    signed_in.keyboard.press("5")
    signed_in.keyboard.press("c")
    signed_in.locator("#comment-text").fill("both marks are given, this is a question")
    signed_in.keyboard.press("Control+Enter")
    signed_in.wait_for_timeout(SETTLED)
    assert Grade.objects.count() == 0
    assert signed_in.locator("#comment").is_visible()
    assert signed_in.locator("[data-error]").count() == 0


def test_a_comment_leaves_the_reader_where_it_was_written(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.keyboard.press("c")
    signed_in.locator("#comment-text").fill("which law is meant?")
    signed_in.locator("#comment-form .button--primary").click()
    signed_in.locator("#comment-said:not(:empty)").wait_for()
    assert signed_in.evaluate("document.querySelector('#comment').contains(document.activeElement)")


def test_a_comment_that_was_said_leaves_an_empty_field_and_pressed_twice_is_one(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.keyboard.press("c")
    signed_in.locator("#comment-text").fill("which law is meant?")
    signed_in.locator("#comment-form .button--primary").dblclick()
    signed_in.locator("#comment-said:not(:empty)").wait_for()
    signed_in.wait_for_function("() => document.querySelector('#comment-text').value === ''")
    assert Comment.objects.count() == 1
    open_ballot(signed_in, run)
    assert signed_in.locator("#comment-text").input_value() == ""


def test_a_comment_outlives_a_reload_and_the_end_of_a_session(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.keyboard.press("c")
    signed_in.keyboard.type("which law is meant?")
    open_ballot(signed_in, run)
    signed_in.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    signed_in.keyboard.press("c")
    assert signed_in.locator("#comment-text").input_value() == "which law is meant?"
    signed_in.locator("#comment-form .button--primary").click()
    signed_in.wait_for_url(re.compile(re.escape(f"{reverse('login')}?next={reverse('ballot', args=[run.pk])}")))
    signed_in.sign_in(signed_in.user)
    open_ballot(signed_in, run)
    assert signed_in.locator("#comment-text").input_value() == "which law is meant?"
    assert votes() == []


def test_single_answers_are_marked_with_digits(signed_in):
    run = voting.open_run(mode="single")
    open_ballot(signed_in, run)
    signed_in.keyboard.press("5")
    signed_in.keyboard.press("Control+Enter")
    signed_in.locator("#error-mark-kind").wait_for()
    assert Grade.objects.count() == 0
    signed_in.wait_for_timeout(SETTLED)
    signed_in.keyboard.press("1")
    press(signed_in, "Control+Enter")
    assert Grade.objects.get().scores == {"right": 5.0, "kind": 1.0}


@pytest.mark.parametrize("mode", ["pairwise", "single"])
@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_shows_everything_without_scrolling_sideways(signed_in, width, mode):
    run = voting.open_run(
        mode=mode, turns=2, text=LONG + "\n\n```\n" + "x" * 300 + "\n```\n\n" + "|a|b|\n|-|-|\n|" + "w" * 200 + "|2|"
    )
    signed_in.set_viewport_size({"width": width, "height": 700})
    open_ballot(signed_in, run)
    assert signed_in.evaluate("document.documentElement.scrollWidth") <= width
    targets = signed_in.locator("#ballot button:visible, .ballot__switch label:visible, .steps label:visible").all()
    boxes = [target.bounding_box() for target in targets]
    assert min(box["height"] for box in boxes) >= 43.9
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)


def test_a_phone_shows_one_answer_at_a_time_and_the_choices_in_reach(signed_in):
    run = voting.open_run(text=LONG)
    signed_in.set_viewport_size({"width": 390, "height": 700})
    open_ballot(signed_in, run)
    shown = lambda side: signed_in.locator(f'[data-pane="{side}"]').is_visible()  # noqa: E731
    assert (shown("A"), shown("B")) == (True, False)
    signed_in.locator(".ballot__switch label", has_text="B").click()
    assert (shown("A"), shown("B")) == (False, True)
    boxes = [signed_in.locator(f'[data-key="{key}"]').bounding_box() for key in "1234"]
    assert len({round(box["x"]) for box in boxes}) == len({round(box["y"]) for box in boxes}) == 2
    assert all(box["y"] + box["height"] <= 700 for box in boxes)
    signed_in.wait_for_timeout(SETTLED)
    signed_in.locator('[data-key="2"]').click()
    signed_in.wait_for_function("() => document.querySelector('#side-a').checked")
    assert votes() == [-1]


def test_a_wide_screen_shows_both_answers_and_the_choices_at_once(signed_in):
    run = voting.open_run(text=LONG)
    signed_in.set_viewport_size({"width": 1366, "height": 768})
    open_ballot(signed_in, run)
    assert signed_in.evaluate("document.documentElement.scrollHeight") <= 768
    one, other = (signed_in.locator(f'[data-pane="{side}"]').bounding_box() for side in "AB")
    assert abs(one["width"] - other["width"]) <= 1
    assert one["height"] == other["height"] > 250
    choice = signed_in.locator('[data-key="1"]').bounding_box()
    assert choice["y"] + choice["height"] <= 768
    assert signed_in.locator('[data-pane="A"]').evaluate("pane => pane.scrollHeight > pane.clientHeight")


@pytest.mark.parametrize(
    ("mode", "how"),
    [
        ("pairwise", {}),
        ("pairwise", {"ballot": "five", "confirm": True}),
        ("pairwise", {"ballot": "dimensions"}),
        ("single", {}),
    ],
)
@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_every_ballot_is_accessible_and_fits(signed_in, theme, language, mode, how):
    run = voting.open_run(mode=mode, turns=2, provenance="demo", voting=how)
    signed_in.window.look(theme, language)
    open_ballot(signed_in, run)
    wrong = signed_in.window.faults()
    signed_in.keyboard.press("n")
    assert wrong + signed_in.window.faults() == []


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_the_list_and_the_end_are_accessible_and_fit(signed_in, theme, language):
    signed_in.window.look(theme, language)
    wrong = signed_in.window.faults(reverse("vote"))
    run = voting.open_run(questions=1)
    wrong += signed_in.window.faults(reverse("vote"))
    open_ballot(signed_in, run)
    press(signed_in, "1")
    assert wrong + signed_in.window.faults() == []


def test_the_next_pair_is_painted_quickly(signed_in):
    run = voting.open_run(questions=12, text=LONG)
    open_ballot(signed_in, run)
    signed_in.evaluate("""() => {
      window.times = [];
      let since = 0;
      document.addEventListener("keydown", () => { since = performance.now(); }, true);
      document.addEventListener("htmx:afterSwap", () => requestAnimationFrame(() => setTimeout(() => window.times.push(performance.now() - since))));
    }""")
    for _turn in range(10):
        press(signed_in, "1")
    times = sorted(signed_in.evaluate("window.times"))
    print("vote to paint, milliseconds:", [round(time) for time in times])
    assert times[len(times) // 2] <= 400  # 150 on a quiet machine
