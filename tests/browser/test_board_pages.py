"""The pages a stakeholder reads, logged out, in a real Chromium: accessible, whole on a phone, and on our own origin only."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.browser.axe import violations
from tests.rating import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

THEMES, LANGUAGES = ("light", "dark"), ("en", "zh-hans")
LOOKS = [(theme, language, width) for theme in THEMES for language in LANGUAGES for width in (1366, 390)]
LOOKS += [("light", "en", 320)]


class Visit:
    """A visitor's own browser window; remembers each request to an origin that is not ours."""

    def __init__(self, browser, origin: str, *, theme: str, language: str, width: int, scripts: bool = True):
        self.origin = origin
        self.context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
        cookies = {"theme": theme, "django_language": language}
        self.context.add_cookies([{"name": name, "value": value, "url": origin} for name, value in cookies.items()])
        self.page = self.context.new_page()
        self.elsewhere: list[str] = []
        self.said: list[str] = []
        self.page.on("request", self._note)
        self.page.on("console", lambda message: self.said.append(message.text))

    def _note(self, request) -> None:
        if not request.url.startswith((self.origin, "data:")):
            self.elsewhere.append(request.url)

    def open(self, path: str):
        self.page.goto(self.origin + path)
        return self.page

    def sideways(self) -> int:
        """CSS pixels by which the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.fixture
def visit(chromium, live_server):
    """Make visits by their look; their windows are closed afterwards."""
    made: list[Visit] = []

    def make_visit(theme="light", language="en", width=1366, **more) -> Visit:
        made.append(Visit(chromium, live_server.url, theme=theme, language=language, width=width, **more))
        return made[-1]

    yield make_visit
    for one in made:
        one.context.close()


def rows():
    """A board, its agreement and a judge: everything these pages show."""
    snapshot = make.board(5, provenances=["demo"], excluded={"parse_error": 2})
    judge = make.judge("leaning")
    make.agreement(snapshot)
    make.agreement(snapshot, n=12, alpha=None, low=None, high=None, note="only one value used", kind="grade")
    make.agreement(snapshot, "people_judge", "people–leaning", alpha=0.2, low=0.1, high=0.3)
    for relation in ("orders", "flips", "first_slot"):
        make.agreement(snapshot, relation, "leaning", kappa=None, alpha=None)
    return snapshot, judge


@pytest.mark.parametrize(("theme", "language", "width"), LOOKS)
def test_every_page_a_visitor_reads_is_accessible_and_fits(visit, theme, language, width):
    snapshot, judge = rows()
    benchmark = snapshot.leaderboard.benchmark_id
    window = visit(theme, language, width)
    board = reverse("leaderboard", args=[benchmark])
    paths = [
        reverse("home"), board, f"{board}?category=maths", f"{board}?source=people",
        reverse("snapshot", args=[snapshot.pk]), reverse("agreement", args=[benchmark]),
        reverse("trust", args=[benchmark]),
        reverse("judge", args=[judge.pk]), reverse("login"), reverse("help"),
    ]  # fmt: skip
    wrong = []
    for path in paths:
        page = window.open(path)
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("h1").count() == 1
        wrong += [f"{path} {found}" for found in violations(page)]
        if window.sideways() > 0:
            wrong.append(f"{path} is {window.sideways()} px too wide")
    assert wrong == []
    assert window.elsewhere == [] and window.said == []


def test_the_board_reads_without_scripts(visit):
    snapshot, _ = rows()
    window = visit(scripts=False)
    page = window.open(reverse("leaderboard", args=[snapshot.leaderboard.benchmark_id]))
    page.get_by_role("link", name="Maths and reasoning").first.click()
    assert page.locator("h1").inner_text() == "Kitchen table · Maths and reasoning"
    assert "category=maths" in page.url
    page.get_by_role("link", name="All", exact=True).click()
    assert page.locator("h1").inner_text() == "Kitchen table"


def test_the_computed_theme_follows_the_choice_and_not_the_system(visit):
    rows()
    paper = {}
    for theme in ("light", "dark"):
        page = visit(theme).open("/")
        paper[theme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(251, 250, 246)", "dark": "rgb(20, 22, 20)"}


def test_theme_and_language_are_chosen_in_the_menu_and_bring_the_reader_back(visit):
    snapshot, _ = rows()
    window = visit()
    page = window.open(reverse("leaderboard", args=[snapshot.leaderboard.benchmark_id]) + "?category=maths")
    menu = page.locator("details[data-menu]")
    menu.locator("summary").click()
    page.locator("button[name=theme][value=dark]").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.url.endswith("?category=maths")
    menu.locator("summary").click()
    page.locator("button[name=language][value=zh-hans]").click()
    assert page.locator("h1").inner_text().startswith("厨房餐桌")
    assert page.url.endswith("?category=maths")


def test_the_menu_closes_on_escape_and_gives_the_focus_back(visit):
    rows()
    page = visit().open("/")
    page.locator("details[data-menu] summary").click()
    assert violations(page) == []
    page.locator("button[name=theme]").first.focus()
    page.keyboard.press("Escape")
    assert not page.locator("details[data-menu]").evaluate("menu => menu.open")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_the_skip_link_is_the_first_stop_and_leads_to_the_content(visit):
    rows()
    page = visit().open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_a_visitor_signs_in_and_is_told_when_the_password_is_wrong(visit, django_user_model):
    rows()
    django_user_model.objects.create_user("ann", password="paper-lantern-7")
    page = visit().open(reverse("login"))
    page.get_by_label("User name").fill("ann")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    assert page.get_by_label("User name").input_value() == "ann"
    assert page.locator("#sign-in-error").is_visible() and violations(page) == []
    page.get_by_label("Password").fill("paper-lantern-7")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    assert page.locator("details[data-menu] summary").inner_text() == "ann"
