"""Replies that no parser could read, in a real Chromium: accessible, whole on a phone, read by keyboard."""

from __future__ import annotations

import pytest
from django.urls import reverse

from judging.items import battles_of
from judging.models import Grade, Preference, Run
from tests.browser.visiting import LOOKS
from tests.judging import recorded as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SETTLED = 330  # milliseconds after which an item may be decided on
FAILED = {"status": "parse_error", "error": "the reply holds no verdict", "parser": "3"}
REPLY = "It is a <b>close</b> call, and a long-word-" + "without-end-" * 20 + " for the first."


def run_of(mode: str) -> Run:
    """A run with a reply that nobody has read yet, in each order; as rows, for this thread has Playwright's loop."""
    benchmark = make.benchmark(f"pantry {mode}")
    (question,) = make.answered(benchmark)
    judge = make.llm_judge()
    run = make.run(benchmark, mode=mode, judges=[judge])
    if mode == "single":
        for answer in question.answers.all():
            make.grade(answer, judge, run=run, reply=REPLY, **FAILED)
    else:
        for swapped in (False, True):
            make.preference(battles_of(run)[0], judge, run=run, swapped=swapped, reply=REPLY, **FAILED)
    return run


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_the_page_is_accessible_and_fits(visit, theme, language):
    addresses = [reverse("run_unread", args=[run_of(mode).pk]) for mode in ("pairwise", "single")]
    assert visit(make.person("lea", "lead"), theme=theme, language=language).faults(*addresses) == []


def test_replies_are_read_and_taken_back_by_keyboard(signed_in):
    run = run_of("pairwise")
    signed_in.sign_in(make.person("lea", "lead"))
    signed_in.go(reverse("run_unread", args=[run.pk]))
    for key in ("1", "n", "u"):
        signed_in.wait_for_function("() => document.documentElement.dataset.keys")
        signed_in.wait_for_timeout(SETTLED)
        with signed_in.expect_navigation():
            signed_in.keyboard.press(key)
    assert Preference.objects.decided().get().value_shown == 1
    assert Preference.objects.failed().get().parser == "3", "what said nothing was taken back"


def test_marks_are_given_by_digits(signed_in):
    run = run_of("single")
    signed_in.sign_in(make.person("lea", "lead"))
    signed_in.go(reverse("run_unread", args=[run.pk]))
    signed_in.wait_for_function("() => document.documentElement.dataset.keys")
    signed_in.wait_for_timeout(SETTLED)
    signed_in.keyboard.press("7")
    with signed_in.expect_navigation():
        signed_in.keyboard.press("Control+Enter")
    assert Grade.objects.decided().get().score == 7
