"""The ballot around the vote, in a real Chromium: views of the answers, keys of one's own, offline and back, maths, bytes."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.urls import reverse

from arena.models import Answer
from judging.models import Assignment, Grade, Preference, Rubric, Run
from tests.browser.test_ballot import LONG, SETTLED, open_ballot, press, token, votes
from tests.browser.visiting import LOOKS
from tests.judging import voting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MATHS = r"So $\sum_{k=1}^n k = \frac{n(n+1)}{2}$ and" + "\n\n" + r"\[ \boxed{\begin{pmatrix}1&2\\3&4\end{pmatrix}} \]"


def answers(first: str, second: str) -> None:
    """What the two models of every pair have written, in the order of their names' rows."""
    for answer in Answer.objects.select_related("model"):
        answer.turns = [first if answer.model.name == voting.NAMES[0][0] else second]
        answer.rendered().save()


def raw(page, side: str):
    return page.locator(f'[data-pane="{side}"] [data-raw]')


def marked(page) -> set[str]:
    return set(page.locator("[data-raw] mark").all_inner_texts())


def unreachable(page) -> str:
    """Cut the connection and vote for A; the token of the pair, whose vote is kept."""
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.locator("[data-trouble]", has_text="kept here").wait_for()
    return token(page)


def wait_for_another(page, before: str) -> None:
    page.wait_for_function("(before) => document.querySelector('#ballot').dataset.token !== before", arg=before)


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_all_that_opens_around_a_vote_is_accessible_and_fits(signed_in, theme, language):
    levels = [{"mark": 1, "words_en": "wrong throughout", "words_zh": "全错"}, {"mark": 5, "words_en": "flawless"}]
    rubric = [{"key": "right", "weight": 1, "name_en": "Right", "levels": levels}]
    signed_in.window.look(theme, language)
    open_ballot(signed_in, voting.open_run(text=MATHS, dimensions=rubric, voting={"ballot": "five", "confirm": True}))
    signed_in.locator('[data-pane="A"] .katex').first.wait_for()
    signed_in.keyboard.press("1")
    signed_in.locator('#cast [aria-pressed="true"]').wait_for()
    wrong = signed_in.window.faults()
    signed_in.keyboard.press("r")
    signed_in.keyboard.press("d")
    raw(signed_in, "A").wait_for()
    wrong += signed_in.window.faults()
    signed_in.keyboard.press("g")
    signed_in.locator("#guide").wait_for()
    wrong += signed_in.window.faults()
    signed_in.keyboard.press("g")
    signed_in.keyboard.press("?")
    signed_in.locator("[data-key-rows] button").first.click()
    assert wrong + signed_in.window.faults() == []


# --- how the answers are shown


def test_r_shows_what_was_written_as_it_was_written(signed_in):
    run = voting.open_run(text="**Bold** <img src=x onerror=alert(1)>\n\n- one")
    open_ballot(signed_in, run)
    assert not raw(signed_in, "A").is_visible()
    signed_in.keyboard.press("r")
    assert raw(signed_in, "A").text_content() == "**Bold** <img src=x onerror=alert(1)>\n\n- one"
    assert not signed_in.locator('[data-pane="A"] .answer').is_visible()
    assert signed_in.locator('[data-toggle="raw"]').get_attribute("aria-pressed") == "true"
    signed_in.keyboard.press("r")
    assert signed_in.locator('[data-pane="A"] .answer strong').is_visible()


def test_the_way_answers_are_shown_is_kept_for_the_next_pair_and_the_next_visit(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.keyboard.press("r")
    press(signed_in, "1")
    assert raw(signed_in, "B").is_visible()
    open_ballot(signed_in, run)
    assert raw(signed_in, "B").is_visible()


def test_y_scrolls_both_answers_by_the_same_share(signed_in):
    run = voting.open_run()
    answers(LONG, LONG + "\n\n" + LONG)
    open_ballot(signed_in, run)
    signed_in.keyboard.press("y")
    shares = """() => [...document.querySelectorAll("[data-pane]")].map(
      (pane) => pane.scrollTop / (pane.scrollHeight - pane.clientHeight))"""
    signed_in.locator('[data-pane="A"]').evaluate("pane => { pane.scrollTop = pane.scrollHeight / 3; }")
    signed_in.wait_for_timeout(100)
    one, other = signed_in.evaluate(shares)
    assert one > 0.3
    assert abs(one - other) < 0.01
    signed_in.keyboard.press("y")
    signed_in.locator('[data-pane="B"]').evaluate("pane => { pane.scrollTop = 0; }")
    signed_in.wait_for_timeout(100)
    assert signed_in.evaluate(shares) == [one, 0]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("The cat sat on a mat.", "The dog sat on the mat.", {"cat", "a", "dog", "the"}),
        ("今天天气很好", "今天心情很好", {"天气", "心情"}),
        ("the very same", "the very same", set()),
        ("only <b>here</b>", "", {"only <b>here</b>"}),
    ],
)
def test_d_marks_the_words_that_one_answer_alone_has(signed_in, first, second, expected):
    run = voting.open_run()
    answers(first, second)
    open_ballot(signed_in, run)
    signed_in.keyboard.press("d")
    raw(signed_in, "A").wait_for(state="attached")
    signed_in.wait_for_function(
        "(some) => Boolean(document.querySelector('[data-raw] mark')) === some", arg=bool(expected)
    )
    assert marked(signed_in) == expected
    assert {raw(signed_in, side).text_content() for side in "AB"} == {first, second}
    signed_in.keyboard.press("d")
    assert marked(signed_in) == set()


def test_answers_too_long_to_compare_say_so_and_cost_nothing(signed_in):
    run = voting.open_run()
    answers("one " * 6000, "two " * 6000)
    open_ballot(signed_in, run)
    signed_in.keyboard.press("d")
    signed_in.locator("[data-diff-said]", has_text="too long").wait_for()
    assert marked(signed_in) == set()


def test_the_drawer_shows_the_version_and_the_words_of_each_level(signed_in):
    levels = [{"mark": 1, "words_en": "wrong throughout", "words_zh": "全错"}, {"mark": 5, "words_en": "flawless"}]
    run = voting.open_run(dimensions=[{"key": "right", "weight": 1, "name_en": "Right", "levels": levels}])
    open_ballot(signed_in, run)
    signed_in.keyboard.press("g")
    drawer = signed_in.locator("#guide")
    assert re.search(rf"version {run.rubric.version}\b", drawer.inner_text())
    assert "wrong throughout" in drawer.inner_text()
    box = drawer.bounding_box()
    assert box["x"] + box["width"] == signed_in.viewport_size["width"]
    assert box["height"] == signed_in.viewport_size["height"]
    signed_in.keyboard.press("1")
    assert votes() == []
    signed_in.keyboard.press("g")
    assert not drawer.is_visible()
    press(signed_in, "1")
    assert votes() == [1]


def test_a_mark_under_focus_shows_the_words_of_its_level(signed_in):
    levels = [{"mark": 1, "words_en": "wrong throughout"}, {"mark": 4, "words_en": "one slip"}]
    dimensions = [{"key": "right", "weight": 1, "name_en": "Right", "levels": levels}]
    open_ballot(signed_in, voting.open_run(mode="single", dimensions=dimensions))
    shown = signed_in.locator("#cast [data-level]:visible")
    signed_in.keyboard.press("3")
    signed_in.locator('#cast input[value="3"]').focus()
    assert shown.all_inner_texts() == ["1\nwrong throughout"]
    signed_in.keyboard.press("ArrowRight")
    assert shown.all_inner_texts() == ["4\none slip"]


# --- keys


def rebind(page, what: str, key: str) -> str:
    """Give an action another key in the sheet; what the sheet says then."""
    if not page.locator("#ballot-help").is_visible():
        page.keyboard.press("?")
    page.locator("[data-key-rows] li", has_text=what).get_by_role("button").click()
    page.keyboard.press(key)
    return page.locator("[data-key-said]").inner_text()


def test_a_key_of_ones_own_works_is_shown_and_stays(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    assert "q is the key" in rebind(signed_in, "A is better", "q")
    signed_in.keyboard.press("Escape")
    choice = signed_in.locator('#cast button[value="a"]')
    assert choice.locator("kbd").text_content() == "q"
    assert choice.get_attribute("aria-keyshortcuts") == "q"
    press(signed_in, "q")
    assert votes() == [1]
    open_ballot(signed_in, run)
    signed_in.keyboard.press("1")
    signed_in.wait_for_timeout(150)
    assert votes() == [1]
    press(signed_in, "q")
    assert votes() == [1, 1]


def test_a_key_that_is_taken_or_that_may_not_decide_is_refused(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    assert "already the key for “Tie”" in rebind(signed_in, "A is better", "3")
    for key in ("Enter", "Space", "Backspace", "ArrowLeft", "F5"):
        signed_in.keyboard.press(key)
        assert "cannot be chosen" in signed_in.locator("[data-key-said]").inner_text()
    signed_in.keyboard.press("Escape")
    assert signed_in.locator("#ballot-help").is_visible()
    signed_in.keyboard.press("Escape")
    press(signed_in, "1")
    assert votes() == [1]


def test_keys_of_ones_own_can_be_reset(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    rebind(signed_in, "Both bad", "x")
    signed_in.locator("[data-key-reset]").click()
    signed_in.keyboard.press("Escape")
    press(signed_in, "4")
    assert Preference.objects.get().both_bad


def test_digits_stay_the_marks_of_a_single_answer(signed_in):
    run = voting.open_run(mode="single")
    open_ballot(signed_in, run)
    assert "Digits give the marks" in rebind(signed_in, "write a note", "5")


@pytest.mark.parametrize("told", [{"isComposing": True}, {"keyCode": 229}])
def test_a_key_of_an_input_method_decides_nothing(signed_in, told):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.evaluate(
        """(told) => document.body.dispatchEvent(
      new KeyboardEvent("keydown", {key: "1", code: "Digit1", bubbles: true, ...told}))""",
        told,
    )
    signed_in.wait_for_timeout(150)
    assert votes() == []


# --- confirm


def test_where_the_run_asks_for_it_a_choice_counts_when_it_is_pressed_again(signed_in):
    run = voting.open_run(voting={"ballot": "five", "confirm": True})
    open_ballot(signed_in, run)
    pressed = signed_in.locator('#cast [aria-pressed="true"]')
    signed_in.keyboard.press("1")
    assert pressed.get_attribute("value") == "a2"
    assert "again to record" in pressed.inner_text()
    signed_in.keyboard.press("4")
    assert pressed.get_attribute("value") == "b"
    open_ballot(signed_in, run)
    assert pressed.get_attribute("value") == "b"
    assert votes() == []
    press(signed_in, "4")
    assert votes() == [-1]
    assert pressed.count() == 0


def test_a_key_held_down_does_not_confirm(signed_in):
    run = voting.open_run(voting={"confirm": True})
    open_ballot(signed_in, run)
    for key, focus in (("2", False), ("Enter", True)):
        if focus:
            signed_in.locator('#cast button[value="b"]').focus()
        for _press in range(4):  # the browser repeats a held key
            signed_in.keyboard.down(key)
        signed_in.wait_for_timeout(200)
        assert votes() == []
        assert signed_in.locator('#cast [aria-pressed="true"]').get_attribute("value") == "b"
        signed_in.keyboard.up(key)
        signed_in.locator('#cast button[value="a"]').click()
    signed_in.locator('#cast button[value="b"]').focus()
    signed_in.keyboard.press("Enter")
    press(signed_in, "Enter")
    assert votes() == [-1]


# --- offline, signed out, stale


def answered(page, **how):
    """From now on the votes on the pair in hand are answered so."""
    page.route(f"**{page.locator('#cast').get_attribute('action')}", lambda route: route.fulfill(**how))


UNSENT = """() => {
  XMLHttpRequest.prototype.send = function () { setTimeout(() => this.onerror(new ProgressEvent("error"))); };
  window.fetch = () => Promise.reject(new TypeError("unsent"));
}"""
"""A page that sends nothing from now on: a request that the browser was told to cut off can reach the server all the same."""


def kept_and_left(page, run: Run) -> str:
    """Vote on a pair of this run without reaching the server, and leave the page; the token of the pair."""
    open_ballot(page, run)
    page.keyboard.press("n")
    page.keyboard.type("my words")
    page.keyboard.press("Escape")
    page.locator("#note").wait_for(state="hidden")
    page.evaluate(UNSENT)
    kept = unreachable(page)
    page.goto("about:blank")
    page.context.set_offline(False)
    page.wait_for_timeout(SETTLED)  # the server lets go of its tables
    return kept


def stored(page) -> list[str]:
    """The names of what this browser keeps of votes and of what was filled in."""
    found = page.evaluate("Object.keys(localStorage).map((key) => key.replace('juryroom-', ''))")
    return sorted(name for name in found if name.startswith(("vote:", "draft:")))


@pytest.mark.parametrize("page_of", ["ballot", "vote_done"])
def test_a_kept_vote_that_is_refused_elsewhere_is_said_not_to_be_recorded(signed_in, page_of):
    run = voting.open_run()
    kept = kept_and_left(signed_in, run)
    Run.objects.update(status=Run.Status.DONE)
    Run.objects.exclude(pk=run.pk).delete()
    other, before = run, votes()  # what was cut off may have reached the server all the same
    if page_of == "ballot":
        other = Run.objects.create(
            name="two", benchmark=run.benchmark, mode="pairwise", rubric=run.rubric, status="open"
        )
        other.candidates.set(run.candidates.all())
    signed_in.go(reverse("ballot", args=[other.pk]))
    told = signed_in.locator("[data-told]")
    told.get_by_text("closed meanwhile; your last choice was not recorded").wait_for()
    assert votes() == before
    assert stored(signed_in) == [f"draft:{kept}"]
    assert "has been sent" not in signed_in.locator("[data-trouble]").inner_text()
    told.get_by_role("button").click()
    assert told.inner_text() == ""


def test_a_kept_vote_under_other_guidelines_is_not_recorded_and_shown_again(signed_in):
    run = voting.open_run()
    kept = kept_and_left(signed_in, run)
    Run.objects.update(rubric=Rubric.objects.create(name="plain", version=run.rubric.version + 1))
    signed_in.go(reverse("ballot", args=[run.pk]))
    signed_in.locator("[data-said]", has_text="guidelines changed").wait_for()
    assert votes() == []
    assert token(signed_in) == kept
    assert signed_in.locator("#note-text").input_value() == "my words"
    assert stored(signed_in) == [f"draft:{kept}"]
    signed_in.wait_for_timeout(SETTLED)
    press(signed_in, "1")
    assert Preference.objects.get().note == "my words"


def test_a_kept_vote_that_cannot_be_read_says_what_is_wrong(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    before = unreachable(signed_in)
    Run.objects.update(voting={"note": "required"})
    signed_in.context.set_offline(False)
    signed_in.locator("[data-error]", has_text="say why").wait_for()
    assert (votes(), token(signed_in)) == ([], before)
    assert not [name for name in stored(signed_in) if name.startswith("vote:")]


def test_a_kept_vote_that_comes_too_soon_is_kept_and_sent_later(signed_in):
    signed_in.clock.install()
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.clock.run_for(SETTLED)
    before = unreachable(signed_in)
    wait = {"X-Juryroom-Said": "wait", "Content-Type": "text/html"}
    answered(signed_in, status=200, headers=wait, body='<section id="ballot"></section>')
    signed_in.context.set_offline(False)
    signed_in.locator("[data-trouble]", has_text="in a little while").wait_for()
    assert (token(signed_in), votes()) == (before, [])
    signed_in.unroute_all()
    signed_in.clock.run_for(60_000)
    wait_for_another(signed_in, before)
    assert votes() == [1]


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_page_that_is_not_ours_is_no_answer(signed_in, when):
    signed_in.clock.install()
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.clock.run_for(SETTLED)
    before = token(signed_in)
    if when == "later":
        unreachable(signed_in)
    answered(signed_in, status=200, content_type="text/html", body="<h1>Welcome to our airport</h1>")
    if when == "later":
        with signed_in.expect_response(f"**{signed_in.locator('#cast').get_attribute('action')}"):
            signed_in.context.set_offline(False)
    else:
        signed_in.keyboard.press("1")
    signed_in.locator("[data-trouble]", has_text="kept here").wait_for()
    assert (token(signed_in), votes()) == (before, [])
    assert "airport" not in signed_in.locator("main").inner_text()
    signed_in.unroute_all()
    signed_in.clock.run_for(60_000)
    wait_for_another(signed_in, before)
    assert votes() == [1]


def test_a_comment_does_not_hide_that_a_vote_is_kept(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    answered(signed_in, status=503, body="restarting")
    signed_in.keyboard.press("2")
    signed_in.locator("[data-trouble]", has_text="kept here").wait_for()
    signed_in.locator('[popovertarget="comment"][data-key]').click()
    signed_in.locator("#comment-text").fill("which law is meant?")
    signed_in.locator("#comment-form .button--primary").click()
    signed_in.locator("#comment-said:not(:empty)").wait_for()
    assert "kept here" in signed_in.locator("[data-trouble]").inner_text()


def test_a_vote_made_offline_is_kept_and_sent_when_the_connection_is_back(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    before = unreachable(signed_in)
    signed_in.wait_for_timeout(SETTLED)
    signed_in.keyboard.press("2")  # another choice takes the place of the first
    signed_in.wait_for_timeout(200)
    signed_in.context.set_offline(False)
    wait_for_another(signed_in, before)
    assert votes() == [-1]
    assert signed_in.locator("[data-trouble]").inner_text() == ""
    assert "1 of 4" in signed_in.locator("[data-announcer]").text_content()


def test_a_kept_vote_outlives_the_page_and_is_sent_once(signed_in, live_server):
    run = voting.open_run()
    open_ballot(signed_in, run)
    before = unreachable(signed_in)
    signed_in.evaluate("window.addEventListener('online', (event) => event.stopImmediatePropagation(), true)")
    signed_in.goto("about:blank")
    signed_in.context.set_offline(False)
    signed_in.go(reverse("ballot", args=[run.pk]))
    wait_for_another(signed_in, before)
    assert votes() == [1]
    open_ballot(signed_in, run)
    signed_in.wait_for_timeout(300)
    assert votes() == [1]


def test_undo_takes_back_a_vote_that_was_not_sent_yet(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    press(signed_in, "3")
    before = unreachable(signed_in)
    signed_in.wait_for_timeout(SETTLED)
    signed_in.keyboard.press("u")
    signed_in.context.set_offline(False)
    signed_in.wait_for_timeout(400)
    assert token(signed_in) == before
    assert votes() == [0]
    assert signed_in.locator("[data-trouble]").inner_text() == ""


def test_a_server_that_is_being_restarted_loses_no_vote(signed_in):
    signed_in.clock.install()
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.clock.run_for(SETTLED)
    before = token(signed_in)
    cast = signed_in.locator("#cast").get_attribute("action")
    signed_in.route(f"**{cast}", lambda route: route.fulfill(status=503, body="restarting"))
    signed_in.keyboard.press("2")
    signed_in.locator("[data-trouble]", has_text="kept here").wait_for()
    signed_in.unroute_all()
    signed_in.clock.run_for(6_000)
    wait_for_another(signed_in, before)
    assert votes() == [-1]


def test_an_expired_session_loses_neither_the_vote_nor_what_was_ticked_and_written(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    before = token(signed_in)
    signed_in.locator(".chip", has_text="made up").click()
    signed_in.keyboard.press("n")
    signed_in.keyboard.type("see the second line")
    signed_in.keyboard.press("Escape")
    signed_in.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    signed_in.keyboard.press("1")
    signed_in.wait_for_url(re.compile(re.escape(reverse("login"))))
    assert votes() == []
    signed_in.sign_in(signed_in.user)
    signed_in.go(reverse("ballot", args=[run.pk]))
    wait_for_another(signed_in, before)
    vote = Preference.objects.get()
    assert (vote.value_shown, vote.note, vote.reasons) == (1, "see the second line", ["made_up"])


def test_marks_outlive_a_closed_tab(signed_in):
    run = voting.open_run(mode="single")
    open_ballot(signed_in, run)
    signed_in.keyboard.press("5")
    signed_in.evaluate("sessionStorage.clear()")
    open_ballot(signed_in, run)
    signed_in.keyboard.press("2")
    press(signed_in, "Control+Enter")
    assert Grade.objects.get().scores == {"right": 5.0, "kind": 2.0}


def test_a_vote_on_a_page_older_than_the_last_sign_in_offers_to_reload(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.cookie(settings.CSRF_COOKIE_NAME, "a" * 32)
    signed_in.keyboard.press("1")
    trouble = signed_in.locator("[data-trouble]")
    trouble.get_by_role("button", name="Reload the page").click()
    signed_in.wait_for_function("() => !document.querySelector('[data-trouble] button') && window.htmx")
    signed_in.wait_for_timeout(SETTLED)
    press(signed_in, "1")
    assert votes() == [1]


def test_an_item_of_whoever_was_signed_in_before_says_so(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.sign_in(voting.person("ben"))
    signed_in.keyboard.press("1")
    signed_in.locator("[data-trouble]", has_text="somebody else").wait_for()
    assert votes() == []


def test_the_same_pair_in_two_tabs_is_one_vote_and_the_second_is_told(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    other = signed_in.context.new_page()
    other.go = signed_in.go
    other.goto(signed_in.url)
    other.wait_for_function("() => window.htmx && document.documentElement.dataset.keys")
    press(signed_in, "1")
    other.wait_for_timeout(SETTLED)
    press(other, "2")
    assert votes() == [1]
    assert "already" in other.locator("[data-said]").inner_text()
    assert "already" in other.locator("[data-announcer]").text_content()


def test_a_closed_run_and_changed_guidelines_say_so_on_the_page(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    Run.objects.update(rubric=Rubric.objects.create(name="plain", version=run.rubric.version + 1))
    signed_in.keyboard.press("1")
    signed_in.locator("[data-said]", has_text="guidelines changed").wait_for()
    signed_in.wait_for_timeout(SETTLED)
    Run.objects.update(status=Run.Status.DONE)
    signed_in.keyboard.press("1")
    signed_in.locator("[data-said]", has_text="closed").wait_for()
    assert votes() == []


# --- being there


def test_the_page_keeps_its_seat_and_says_when_it_is_lost(signed_in):
    signed_in.clock.install()
    run = voting.open_run()
    open_ballot(signed_in, run)
    beats = []
    answer = {"held": True}
    signed_in.route(
        f"**{signed_in.locator('#ballot').get_attribute('data-beat')}",
        lambda route: (beats.append(route.request.method), route.fulfill(json=answer)),
    )
    signed_in.clock.run_for(61_000)
    signed_in.wait_for_timeout(200)
    assert beats == ["POST"]
    answer["held"] = False
    signed_in.mouse.move(50, 50)
    signed_in.clock.run_for(60_000)
    signed_in.locator("[data-trouble]", has_text="your vote counts all the same").wait_for()
    assert signed_in.locator("[data-trouble] button").count() == 0  # a reload might show another item
    beaten = len(beats)
    signed_in.clock.run_for(400_000)  # nobody is there: the seat is let go
    assert len(beats) - beaten <= 3


def test_the_server_is_asked_to_hold_the_seat(signed_in):
    signed_in.clock.install()
    run = voting.open_run()
    open_ballot(signed_in, run)
    before = Assignment.objects.get(token=token(signed_in)).lease_until
    with signed_in.expect_response(f"**{signed_in.locator('#ballot').get_attribute('data-beat')}") as response:
        signed_in.clock.run_for(61_000)
    assert response.value.json() == {"held": True}
    assert Assignment.objects.get(token=token(signed_in)).lease_until >= before


def test_the_time_that_counts_is_the_time_somebody_was_there(signed_in):
    signed_in.clock.install()
    run = voting.open_run()
    open_ballot(signed_in, run)
    before = token(signed_in)
    signed_in.clock.run_for(10_000)
    signed_in.mouse.move(80, 80)
    signed_in.clock.run_for(300_000)  # of which a minute counts
    signed_in.keyboard.press("1")
    wait_for_another(signed_in, before)
    seat = Assignment.objects.get(token=before)
    assert 69_000 <= seat.active_ms <= 75_000


def test_time_goes_on_counting_after_a_reload_and_after_a_form_with_an_error(signed_in):
    signed_in.clock.install()
    run = voting.open_run(mode="single")
    open_ballot(signed_in, run)
    before = token(signed_in)
    signed_in.clock.run_for(20_000)
    open_ballot(signed_in, run)
    signed_in.clock.run_for(20_000)
    signed_in.keyboard.press("Control+Enter")
    signed_in.locator("[data-error]").first.wait_for()
    signed_in.clock.run_for(20_000)
    signed_in.keyboard.press("5")
    signed_in.keyboard.press("5")
    signed_in.keyboard.press("Control+Enter")
    wait_for_another(signed_in, before)
    assert 60_000 <= Assignment.objects.get(token=before).active_ms <= 66_000


def test_an_item_that_is_skipped_has_its_time_too(signed_in):
    run = voting.open_run()
    open_ballot(signed_in, run)
    signed_in.keyboard.press("s")
    signed_in.locator("#skip-reason").fill("no idea")
    press(signed_in, "Enter")
    assert Assignment.objects.get(status="skipped").active_ms >= SETTLED


# --- maths


def watch(page) -> list[str]:
    """The addresses of all that is fetched from now on."""
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    return fetched


def test_formulas_are_typeset_under_our_policy_with_fonts_of_our_own(signed_in, live_server):
    fetched = watch(signed_in)
    run = voting.open_run(text=MATHS + r" $\fcolorbox{red}{blue}{x}$ $\pmb{x}$")
    open_ballot(signed_in, run)
    signed_in.locator('[data-pane="A"] .katex').nth(3).wait_for(state="attached")
    assert signed_in.locator(".katex-display").count() == 2
    assert signed_in.evaluate("() => document.fonts.ready.then(() => document.fonts.check('16px KaTeX_Main'))")
    assert any(address.endswith(".woff2") for address in fetched)
    assert all(address.startswith(live_server.url) for address in fetched)
    assert signed_in.evaluate("window.reports") == []
    press(signed_in, "1")
    signed_in.locator('[data-pane="A"] .katex').first.wait_for()
    assert signed_in.evaluate("window.reports") == []


def test_the_formulas_that_go_are_not_told_so_one_by_one(signed_in):
    open_ballot(signed_in, voting.open_run(text=MATHS * 10))
    signed_in.locator('[data-pane="B"] .katex').nth(5).wait_for(state="attached")
    signed_in.evaluate("""() => {
      window.told = { all: 0, answers: 0 };
      document.addEventListener("htmx:beforeCleanupElement", ({ target }) => {
        window.told.all += 1;
        window.told.answers += Boolean(target.closest(".answer > *"));
      });
    }""")
    press(signed_in, "1")
    told = signed_in.evaluate("window.told")
    assert told["all"] > 50 and told["answers"] == 0, told


def test_formulas_of_the_next_pair_stand_before_the_page_is_laid_out_for_its_focus(signed_in):
    open_ballot(signed_in, voting.open_run(text=MATHS))
    signed_in.locator('[data-pane="B"] .katex').first.wait_for()
    signed_in.evaluate("""() => document.addEventListener("focusin", ({ target }) => {
      if (target.matches("[data-heading]")) window.standing = document.querySelectorAll(".answer .maths .katex").length;
    })""")
    press(signed_in, "1")
    assert signed_in.evaluate("window.standing") > 0


def test_what_typesets_formulas_is_asked_for_again_each_time_it_cannot_be_fetched(signed_in):
    lost = []

    def twice(route):
        lost.append(route.request.url)
        route.abort() if len(lost) < 3 else route.continue_()

    signed_in.route("**/katex.min.css", twice)
    open_ballot(signed_in, voting.open_run(text=MATHS))
    for number in (1, 2):
        with signed_in.expect_request("**/katex.min.css"):
            press(signed_in, "1")
        assert len(lost) == number + 1
    signed_in.locator('[data-pane="A"] .katex').first.wait_for()


def test_what_nobody_sees_of_formulas_is_laid_out_after_the_paint(signed_in):
    open_ballot(signed_in, voting.open_run(text=MATHS + "\n\nword" * 60 + "\n\n" + MATHS))
    signed_in.locator('[data-pane="B"] .katex').nth(3).wait_for(state="attached")
    signed_in.evaluate("""() => document.addEventListener("focusin", ({ target }) => {
      const seen = (element) => element.checkVisibility({ contentVisibilityAuto: true });
      const formulas = [...document.querySelectorAll("[data-pane] .katex")];
      window.standing = formulas.map((one) => [seen(one), seen(one.querySelector("math"))]);
    }, { once: true })""")
    press(signed_in, "1")
    standing = signed_in.evaluate("window.standing")
    assert len(standing) == 8
    assert [True, False] in standing and [False, False] in standing
    assert not any(read for _seen, read in standing)
    signed_in.wait_for_function("() => !document.querySelector('[data-later]')")
    assert signed_in.evaluate(
        "[...document.querySelectorAll('[data-pane] math')].every((one) => one.checkVisibility({ contentVisibilityAuto: true }))"
    )
    assert not signed_in.locator('[data-pane] .answer > [style*="contain"]').count()


def test_a_vote_on_its_way_is_shown_only_where_it_takes_a_moment(signed_in):
    open_ballot(signed_in, voting.open_run(questions=3))
    signed_in.evaluate("""() => {
      new MutationObserver(() => { window.shown ??= performance.now(); })
        .observe(document.body, { subtree: true, attributeFilter: ["aria-busy", "disabled"] });
    }""")
    gate: list = []
    signed_in.route("**/cast/", lambda route: gate.append(route))
    before = token(signed_in)
    signed_in.evaluate("window.began = performance.now(); document.querySelector('[data-key=\"1\"]').click()")
    signed_in.locator('#ballot[aria-busy="true"]').wait_for()
    assert signed_in.evaluate("window.shown - window.began") >= 149
    assert signed_in.locator("#cast button:not(:disabled)").count() == 0
    gate[0].continue_()
    wait_for_another(signed_in, before)
    assert signed_in.locator('#ballot[aria-busy="true"]').count() == 0


def test_a_page_without_maths_fetches_no_katex(signed_in):
    fetched = watch(signed_in)
    open_ballot(signed_in, voting.open_run())
    assert not [address for address in fetched if "katex" in address]


@pytest.mark.parametrize(
    "formula",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\includegraphics{http://elsewhere.example/x.png}",
        r"\htmlStyle{position:fixed}{x}",
        r"\def\a{\a\a}\a",
        "{" * 1500 + "x" + "}" * 1500,
        r"\rule{9999em}{9999em}",
        r"\frac{",
    ],
)
def test_a_hostile_formula_harms_nothing(signed_in, live_server, formula):
    fetched = watch(signed_in)
    open_ballot(signed_in, voting.open_run(text=f"before ${formula}$ after, and $x^2$"))
    signed_in.locator('[data-pane="A"] .katex').first.wait_for(state="attached")
    pane = signed_in.locator('[data-pane="A"] .answer')
    assert pane.locator("a, img, [style*=fixed]").count() == 0
    assert pane.bounding_box()["height"] < 2500
    assert all(address.startswith(live_server.url) for address in fetched)
    assert signed_in.evaluate("window.reports") == []


@pytest.mark.parametrize("page_of", ["question", "battle"])
def test_formulas_are_typeset_on_the_pages_of_the_record(signed_in, page_of):
    run = voting.open_run(text=MATHS)
    battle = Assignment.objects.filter(run=run).first()
    open_ballot(signed_in, run)
    battle = Assignment.objects.get(token=token(signed_in)).battle
    signed_in.go(reverse(page_of, args=[battle.question_id if page_of == "question" else battle.pk]))
    signed_in.locator(".katex").first.wait_for()


# --- phones


@pytest.mark.parametrize("voted", [{"ballot": "five"}, {"ballot": "five", "confirm": True}, {"ballot": "dimensions"}])
@pytest.mark.parametrize("width", [390, 320])
def test_every_ballot_fits_a_phone(signed_in, width, voted):
    run = voting.open_run(text=LONG, turns=2, voting=voted)
    signed_in.set_viewport_size({"width": width, "height": 700})
    open_ballot(signed_in, run)
    signed_in.locator("[data-more]").click()
    assert signed_in.evaluate("document.documentElement.scrollWidth") <= width
    targets = signed_in.locator(
        "#ballot button:visible, .chip:visible, .ballot__switch label:visible, .steps label:visible"
    )
    assert min(target.bounding_box()["height"] for target in targets.all()) >= 43.9


def test_a_phone_keeps_most_of_the_tools_behind_one_button(signed_in):
    run = voting.open_run()
    signed_in.set_viewport_size({"width": 390, "height": 700})
    open_ballot(signed_in, run)
    assert not signed_in.locator('[data-toggle="raw"]').is_visible()
    signed_in.locator("[data-more]").click()
    signed_in.locator('[data-toggle="raw"]').click()
    assert raw(signed_in, "A").is_visible()
    signed_in.locator("[data-more]").click()
    assert not signed_in.locator('[data-toggle="raw"]').is_visible()


# --- bytes


def zipped(address: str) -> int:
    found = finders.find(address.split("?")[0].partition(settings.STATIC_URL)[2])
    return len(gzip.compress(Path(found).read_bytes(), 9))


@pytest.mark.parametrize("mode", ["pairwise", "single"])
@pytest.mark.parametrize(("text", "scripts", "styles"), [("plain", 30_000, 15_000), (MATHS, 110_000, 15_000)])
def test_the_page_stays_within_its_bytes(signed_in, text, scripts, styles, mode):
    fetched = watch(signed_in)
    open_ballot(signed_in, voting.open_run(text=text, mode=mode))
    signed_in.wait_for_load_state("networkidle")
    sizes = {end: sum(zipped(one) for one in set(fetched) if one.endswith(end)) for end in (".js", ".css")}
    print("gzipped bytes of the ballot:", sizes)
    assert 0 < sizes[".js"] <= scripts
    assert 0 < sizes[".css"] <= styles
