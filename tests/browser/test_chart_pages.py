"""Charts and matrices in a real Chromium: drawn under a policy that refuses everything else, whole on a phone, names as text."""

from __future__ import annotations

import pytest
from django.urls import reverse

from arena import security
from arena.models import LanguageModel
from tests.browser.visiting import LOOKS, Visit
from tests.rating.test_charts import priced
from tests.rating.test_matrices import counted

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HOSTILE = [
    "<b onclick=alert(1)>Bold</b> &amp; co",
    '<a href="javascript:alert(1)">click</a>',
    "%{x} <br> $x$ <sup>2</sup>",
]


def drawn(window: Visit, snapshot, **query):
    """The page of charts, once all four are drawn."""
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    page = window.open(reverse("charts", args=[snapshot.pk]) + (f"?{asked}" if asked else ""))
    page.wait_for_function("document.querySelectorAll('[data-chart][data-ready]').length === 4")
    return page


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_charts_are_accessible_fit_and_break_no_policy(visit, theme, language):
    snapshot = priced(5)
    window = visit(theme=theme, language=language)
    drawn(window, snapshot)
    assert window.faults() == []


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_matrices_are_accessible_and_fit(visit, theme, language):
    snapshot, *_ = counted(8)
    matrix = reverse("matrix", args=[snapshot.pk])
    assert visit(theme=theme, language=language).faults(f"{matrix}?of=battles", f"{matrix}?of=wins") == []


def test_every_style_that_the_policy_of_charts_lets_through_is_needed(visit, monkeypatch):
    from rating.views import charts as view

    snapshot = priced(4)
    monkeypatch.setattr(view, "CHART_POLICY", security.POLICY)
    page = drawn(visit(), snapshot)
    reports = page.evaluate("window.reports")
    assert len(set(reports)) == len(security.STYLES_OF_CHARTS) and all(one.startswith("style-src") for one in reports)


def test_the_names_of_models_are_text_on_every_chart(visit):
    snapshot = priced(3)
    for name, model in zip(HOSTILE, LanguageModel.objects.order_by("pk"), strict=True):  # the better the dearer
        LanguageModel.objects.filter(pk=model.pk).update(name=name, price_in=9000 - model.pk, price_out=9000 - model.pk)
    window = visit()
    page = drawn(window, snapshot)
    page.on("dialog", lambda _dialog: pytest.fail("a name ran as a script"))
    assert page.locator(".js-plotly-plot a").count() == 0
    for chart in ("ratings", "price", "radar", "heat"):
        words = page.locator(f"[data-chart={chart}]").evaluate("box => box.textContent")
        assert "<b onclick=alert(1)>" in words and '<a href="javascri' in words, chart
    assert "<b onclick=alert(1)>Bold</b> &amp; co" in hovered(page, "ratings")


def hovered(page, chart: str) -> str:
    """What the chart says about its first point."""
    page.locator(f"[data-chart={chart}]").scroll_into_view_if_needed()
    page.locator(f"[data-chart={chart}] .points path").first.hover(force=True)
    page.wait_for_selector(f"[data-chart={chart}] .hovertext")
    return page.locator(f"[data-chart={chart}] .hovertext").first.evaluate("label => label.textContent")


def test_charts_keep_to_the_theme(visit):
    snapshot = priced(3)
    inks = []
    for theme in ("light", "dark"):
        page = drawn(visit(theme=theme), snapshot)
        inks.append(
            page.locator("[data-chart=ratings] .ytick text").first.evaluate("text => getComputedStyle(text).fill")
        )
    assert inks == ["rgb(28, 29, 26)", "rgb(236, 236, 230)"]


def test_without_scripts_the_pareto_line_is_drawn_and_the_tables_say_the_rest(visit):
    page = visit(scripts=False).open(reverse("charts", args=[priced(3).pk]))
    assert page.locator("svg.pareto").is_visible() and not page.locator("[data-chart]").first.is_visible()
    page.locator("summary", has_text="The same as a table").first.click()
    assert page.get_by_role("cell", name="[1075, 1125]").first.is_visible()
    page.locator("summary", has_text="Models on the radar").click()
    page.get_by_label("M1").uncheck()
    page.get_by_role("button", name="Show").click()
    assert "model=" in page.url and page.locator("h1").inner_text() == "Charts"


def test_no_other_page_lets_the_styles_of_charts_through(visit):
    snapshot, *_ = counted(2)
    board = snapshot.leaderboard.benchmark_id
    window = visit()
    for path in ("/", reverse("leaderboard", args=[board]), reverse("matrix", args=[snapshot.pk]), reverse("help")):
        with window.page.expect_response(lambda answer, path=path: answer.url.endswith(path)) as seen:
            window.open(path)
        assert seen.value.headers["content-security-policy"] == security.POLICY


def test_the_page_does_not_jump_when_the_charts_are_drawn(visit):
    snapshot = priced(3)
    window = visit()
    window.page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => { for (const one of list.getEntries()) shift += one.value; })"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    assert drawn(window, snapshot).evaluate("window.shift") <= 0.1
