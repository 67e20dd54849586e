"""The pages a stakeholder reads, logged out, in a real Chromium: accessible, whole on a phone, and on our own origin only."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.urls import reverse
from django.utils import timezone

from arena.models import Category, LanguageModel
from tests.browser.visiting import LOOKS
from tests.rating import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def rows():
    """A board with an older snapshot, its agreement and a judge: everything these pages show."""
    older = make.snapshot(n=200, created_at=timezone.now() - timedelta(hours=5))
    made, judge = make.models(5, prefix="Old"), make.judge("leaning")
    make.ranking(older, made)
    speed = {"first_token": 0.4, "per_second": 61.5, "n": 20}
    fields = {"provenances": ["demo"], "excluded": {"parse_error": 2}, "judges": {str(judge.pk): "leaning"}}
    snapshot = make.board(5, of=older.leaderboard.benchmark, **fields, details=[{"speed": {str(made[0].pk): speed}}])
    models = list(LanguageModel.objects.filter(name__startswith="M"))
    LanguageModel.objects.filter(pk=models[0].pk).update(price_in=0.5, price_out=2)
    make.ranking(snapshot, models[::-1], source="judges")
    make.ranking(snapshot, models, source="judge:leaning")
    make.ranking(snapshot, models, category=Category.objects.get(key="reasoning"))
    for code in ("en", "zh"):
        make.ranking(snapshot, models, language=code)
    for model in made[3:]:
        make.rating(snapshot, model, 6, weighted=1000).save()
    make.agreement(snapshot)
    make.agreement(snapshot, n=12, alpha=None, low=None, high=None, note="only one value used", kind="grade")
    make.agreement(snapshot, "people_judge", "people–leaning", alpha=0.2, low=0.1, high=0.3)
    for relation in ("orders", "flips", "first_slot"):
        make.agreement(snapshot, relation, "leaning", kappa=None, alpha=None)
    return snapshot, judge


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_every_page_a_visitor_reads_is_accessible_and_fits(visit, theme, language):
    snapshot, judge = rows()
    benchmark = snapshot.leaderboard.benchmark_id
    board = reverse("leaderboard", args=[benchmark])
    paths = [
        reverse("home"), board, f"{board}?category=maths", f"{board}?source=people",
        reverse("snapshot", args=[snapshot.pk]), reverse("agreement", args=[benchmark]),
        reverse("trust", args=[benchmark]),
        reverse("judge", args=[judge.pk]),
        f"{board}?language=zh", f"{board}?q=M&price=dear&sort=-price", f"{board}?vendor=nobody",
        reverse("history", args=[benchmark]), f"{reverse('compare')}?other={snapshot.pk}",
        f"{reverse('compare')}?one={snapshot.pk}&other={snapshot.pk}&other_source=judges", reverse("compare"),
        reverse("embed", args=[snapshot.pk]), reverse("guide", args=["stakeholder"]), reverse("guide", args=["operator"]),
    ]  # fmt: skip
    assert visit(theme=theme, language=language).faults(*paths) == []


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
        page = visit(theme=theme).open("/")
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


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_the_menu_closes_on_escape_and_gives_the_focus_back(visit, theme, language):
    window = visit(theme=theme, language=language)
    page = window.open("/")
    page.locator("details[data-menu] summary").click()
    assert window.faults() == []
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


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_a_visitor_signs_in_and_is_told_when_the_password_is_wrong(visit, django_user_model, theme, language):
    django_user_model.objects.create_user("ann", password="paper-lantern-7")
    window = visit(theme=theme, language=language)
    page = window.open(reverse("login"))
    page.locator("#id_username").fill("ann")
    page.locator("#id_password").fill("wrong")
    page.locator("main form:has(#id_password) button").click()
    assert page.locator("#id_username").input_value() == "ann"
    assert page.locator("#sign-in-error").is_visible() and window.faults(status=422) == []
    page.locator("#id_password").fill("paper-lantern-7")
    page.locator("main form:has(#id_password) button").click()
    assert page.locator("details[data-menu] summary").inner_text() == "ann"


def test_rows_are_chosen_and_two_compared_by_forms_alone(visit):
    snapshot, _ = rows()
    page = visit(scripts=False).open(
        reverse("leaderboard", args=[snapshot.leaderboard.benchmark_id]) + "?category=maths"
    )
    page.get_by_text("Show some of the models").click()
    page.get_by_label("Name holds").fill("M3")
    page.get_by_role("button", name="Show", exact=True).click()
    assert "category=maths" in page.url and page.locator("table.board tbody tr").count() == 1
    page.get_by_role("link", name="Show all").click()
    page.get_by_text("Compare any two").click()
    page.get_by_label("One model").select_option(label="M4")
    page.get_by_role("button", name="Compare").click()
    assert page.locator(".board-words__odds").inner_text().startswith("M4 wins about")
    page.get_by_role("link", name="Rating").click()
    assert "sort=" in page.url and page.locator("th[aria-sort=descending]").inner_text().startswith("Rating")


@contextmanager
def other_site(html: str):
    """The address of a site of somebody else's that answers with this page."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_origin_frames_the_board_only_where_it_is_allowed(visit, settings):
    snapshot, _ = rows()
    window = visit()
    frame = f'<iframe src="{window.origin}{reverse("embed", args=[snapshot.pk])}"></iframe>'
    shown = []
    with other_site(frame) as elsewhere:
        for origins in ([], [elsewhere]):
            settings.EMBED_ORIGINS = origins
            window.page.goto(elsewhere, wait_until="networkidle")
            shown.append(window.page.frames[1].locator("table.board").count())
    assert shown == [0, 1]


def test_the_picture_of_a_board_loads_as_an_image(visit):
    snapshot, _ = rows()
    window = visit()
    page = window.open(reverse("help"))
    size = page.evaluate(
        """async address => { const image = new Image(); image.src = address; await image.decode(); return image.naturalWidth }""",
        reverse("board_svg", args=[snapshot.pk]),
    )
    assert size == 640
