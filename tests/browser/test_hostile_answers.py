"""Hostile and huge answers on real ballots in a real Chromium: nothing runs, nothing is loaded, nothing is in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.urls import reverse

from arena.models import Answer, Question
from judging.models import Assignment, Preference, Run
from tests.hostile import HOSTILE, SIZES
from tests.judging import voting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SETTLED = 330  # milliseconds after which an item may be decided on
ON_A_BALLOT = 5  # turns of each hostile answer
NESTED_WIDE_AND_LONG = list(SIZES)[: list(SIZES).index("open brackets")]
FLOODS = ["links", "entities", "formulas", "headings", "list items", "fences", "changes of direction", "no width"]
FLOODS += ["joined faces", "honest and long", "marks on one letter"]

AUDIT = """() => {
  const tags = new Set("P BR HR H3 H4 H5 H6 STRONG EM S CODE PRE SPAN BLOCKQUOTE UL OL LI A TABLE THEAD TBODY TR TH TD".split(" "));
  const attributes = new Set("class start href rel tabindex role aria-label data-typeset data-later".split(" "));
  const never = new Set("SCRIPT STYLE IFRAME OBJECT EMBED IMG VIDEO AUDIO FORM INPUT BUTTON BASE LINK META DIALOG SVG:A".split(" "));
  const found = [];
  for (const answer of document.querySelectorAll("#ballot .answer")) {
    for (const element of answer.querySelectorAll("*")) {
      const name = element.tagName.toUpperCase();
      const inMaths = Boolean(element.closest(".katex, .katex-display, .katex-error"));
      if (never.has(name) || (!inMaths && !tags.has(name))) found.push(`<${name}>`);
      for (const { name: attribute } of element.attributes) {
        if (/^(on|hx-|data-hx|id$|name$|src|popover|form)/.test(attribute) || (!inMaths && !attributes.has(attribute)))
          found.push(`<${name} ${attribute}>`);
      }
      const href = element.getAttribute("href");
      if (href !== null && !/^(https?:\\/\\/|mailto:)/i.test(href)) found.push(href.slice(0, 80));
      if (getComputedStyle(element).position === "fixed") found.push(`<${name}> is fixed`);
    }
  }
  return found.slice(0, 20);
}"""
IN_THE_WAY = """() => [...document.querySelectorAll("#ballot [data-key]")].filter((button) => /^[1-4]$/.test(button.dataset.key)).flatMap((button) => {
  const box = button.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return button.contains(top) ? [] : [`${button.dataset.key}: ${top?.outerHTML.slice(0, 80)}`];
})"""


@dataclass
class Seen:
    """What happened on a page that should not happen."""

    dialogs: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)


@pytest.fixture
def watched(visit, live_server) -> Iterator[tuple]:
    """An annotator's page, and what happened on it."""
    seen, page = Seen(), visit(voting.person("ann")).page
    page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("popup", lambda other: seen.windows.append(other.url))
    page.on("console", lambda said: seen.console.append(said.text) if said.type in ("error", "warning") else None)
    page.on(
        "request", lambda asked: seen.foreign.append(asked.url) if _is_foreign(asked.url, live_server.url) else None
    )
    yield page, seen
    assert seen == Seen()


def _is_foreign(address: str, ours: str) -> bool:
    return not address.startswith((f"{ours}/", "data:font/"))


def ballots_of(texts: list[str], turns: int) -> Run:
    """A run whose answers, and last questions, are these texts: `turns` of them in each answer, two answers on a ballot."""
    bundles = [texts[at : at + turns] for at in range(0, len(texts), turns)]
    bundles[-1] += ["nothing more"] * (turns - len(bundles[-1]))
    run = voting.open_run(questions=(len(bundles) + 1) // 2, turns=turns)
    answers = list(Answer.objects.order_by("question__position", "model"))
    for answer, bundle in zip(answers, bundles + bundles[:1], strict=False):
        answer.turns = bundle
        answer.rendered().save()
    for question in Question.objects.all():
        question.turns[-1] = question.answers.earliest("pk").turns[-1]
        question.save()
    return run


def vote_through(page, run: Run, live_server) -> Iterator[int]:
    """Each ballot of the run in turn, voted on by key after it was looked at."""
    page.goto(live_server.url + reverse("ballot", args=[run.pk]))
    page.wait_for_function("() => window.htmx && document.documentElement.dataset.keys")
    for number in range(run.benchmark.questions.count()):
        page.wait_for_timeout(SETTLED)
        yield number
        before = page.locator("#ballot").get_attribute("data-token")
        page.keyboard.press("1")
        page.wait_for_function("(before) => document.querySelector('#ballot').dataset.token !== before", arg=before)
    assert page.locator("#ballot").get_attribute("data-ballot") == "done"


def look_for_harm(page, *widths: int) -> None:
    assert page.evaluate(AUDIT) == []
    assert page.evaluate("window.__pwned") is None
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(IN_THE_WAY) == []


def everything_was_shown(run: Run, texts: list[str]) -> bool:
    shown = Assignment.objects.filter(run=run, status="done").values_list(
        "battle__first__turns", "battle__second__turns"
    )
    return {text for turns in shown for answer in turns for text in answer} >= set(texts)


def test_hostile_answers_are_inert_on_a_ballot(watched, live_server):
    page, seen = watched
    texts = list(HOSTILE.values())
    run = ballots_of(texts, ON_A_BALLOT)
    for _ballot in vote_through(page, run, live_server):
        page.wait_for_function("() => !document.querySelector('#ballot .maths:not([data-typeset])')")
        look_for_harm(page, 320, 1280)
        assert seen == Seen()
    assert len(texts) >= 40 and everything_was_shown(run, texts)
    assert Preference.objects.current().filter(run=run).count() == run.benchmark.questions.count()


def test_huge_answers_leave_the_ballot_in_reach(watched, live_server):
    page, _seen = watched
    names = [*NESTED_WIDE_AND_LONG, *FLOODS]
    texts = [SIZES[name] for name in names]
    run = ballots_of(texts, 1)
    for _ballot in vote_through(page, run, live_server):
        look_for_harm(page, 390, 1280)
    assert len(texts) >= 16 and everything_was_shown(run, texts)
