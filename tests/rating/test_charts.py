"""Charts as a reader without scripts gets them: the Pareto line, the tables, and the data that scripts draw."""

import json
import re
import zlib
from itertools import permutations
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from arena.models import LanguageModel
from arena.security import CHART_POLICY, POLICY
from rating import charts, pareto
from rating.models import Rating
from tests.rating import make

pytestmark = pytest.mark.django_db


def point(name: str, price: float, quality: float) -> pareto.Point:
    return pareto.Point(name, quality, price)


def names(points) -> list[str]:
    return [one.model for one in points]


def test_the_pareto_line_has_those_whom_nobody_beats_in_both():
    points = [
        point("cheap", 1, 10),
        point("middling", 2, 30),
        point("dear", 9, 40),
        point("worse", 3, 20),
        point("dearer", 9, 35),
    ]
    assert names(pareto.line(points)) == ["cheap", "middling", "dear"]


def test_of_equals_all_are_on_the_line_and_an_equal_in_one_is_beaten_in_the_other():
    assert sorted(names(pareto.line([point("a", 1, 10), point("b", 1, 10), point("c", 1, 9), point("d", 2, 10)]))) == [
        "a",
        "b",
    ]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_line_does_not_depend_on_the_order_of_the_models(order):
    points = [point("a", 1, 1), point("b", 2, 3), point("c", 3, 2), point("d", 4, 4)]
    assert names(pareto.line([points[place] for place in order])) == ["a", "b", "d"]


def test_no_point_has_no_line_and_no_plot():
    assert pareto.line([]) == [] and pareto.plot([], []) is None


def test_the_plot_puts_dearer_models_to_the_right_and_better_ones_higher():
    points = [point("cheap", 0.01, 900), point("dear", 100, 1200)]
    cheap, dear = pareto.plot(points, points).marks
    assert float(cheap.x) < float(dear.x) and float(cheap.y) > float(dear.y)


def test_one_point_is_drawn_within_the_plot():
    points = [point("only", 2, 1000)]
    found = pareto.plot(points, points)
    (mark,) = found.marks
    assert pareto.LEFT < float(mark.x) < pareto.WIDTH and 0 < float(mark.y) < pareto.HEIGHT and found.prices


@pytest.mark.parametrize(("kind", "expected"), [("mix", 3.0), ("in", 2.0), ("out", 6.0)])
def test_a_price_is_of_tokens_read_written_or_three_to_one(kind, expected):
    assert charts.price_of(LanguageModel(price_in=2, price_out=6), kind) == expected


@pytest.mark.parametrize("kind", ["mix", "in", "out"])
def test_a_price_that_is_not_known_is_none_and_never_0(kind):
    known = {"mix": {"price_in": 2}, "in": {"price_out": 6}, "out": {"price_in": 2}}[kind]
    assert charts.price_of(LanguageModel(**known), kind) is None


def priced(count: int = 3):
    """A board whose models cost less the worse they are; the last has no price."""
    snapshot = make.board(count)
    for place, model in enumerate(LanguageModel.objects.order_by("pk")):
        if place < count - 1:
            LanguageModel.objects.filter(pk=model.pk).update(price_in=8 / 2**place, price_out=8 / 2**place)
    return snapshot


def page(client, snapshot, **query) -> str:
    response = client.get(reverse("charts", args=[snapshot.pk]), query)
    assert response.status_code == 200
    return response.text


def drawn(html: str) -> dict:
    return json.loads(re.search(r'id="charts-data" type="application/json">(.*?)</script>', html, re.DOTALL)[1])


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_pareto_plot_is_there_without_scripts_and_whoever_has_no_price_is_named(client):
    html = page(client, priced())
    assert '<svg class="pareto"' in html and html.count("pareto__mark--best") == 2
    assert "On the line, cheapest first: M2 , M1" in words(html)
    assert "because the price is not known: M3" in words(html)


def test_a_free_model_is_on_the_line_and_named_because_the_axis_has_no_place_for_it(client):
    snapshot = priced()
    LanguageModel.objects.filter(name="M2").update(price_in=0, price_out=0)
    html = page(client, snapshot)
    assert "0 has no place on a logarithmic axis: M2" in words(html) and "cheapest first: M2 , M1" in words(html)
    assert html.count("pareto__mark--best") == 1


def test_without_any_price_the_page_says_who_can_add_one(client):
    html = page(client, make.board(2))
    assert "No price is known" in html and '<svg class="pareto"' not in html


def test_every_chart_has_its_numbers_in_a_table(client):
    html = page(client, priced())
    assert set(re.findall(r'data-chart="(\w+)"', html)) == {"ratings", "price", "radar", "heat"}
    for name in ("ratings", "price", "radar", "heatmap"):
        assert f'<caption id="{name}-caption">' in html
    assert "[1075, 1125]" in html and "n 20" in words(html)


def test_a_category_without_judgments_is_a_gap_and_a_blank_and_never_0(client):
    snapshot = priced()
    Rating.objects.filter(category__key="code", model__name="M3").delete()
    html = page(client, snapshot)
    (row,) = [row for row in drawn(html)["heat"]["models"] if row["name"] == "M3"]
    assert row["values"][3] is None and 0 not in row["values"]
    assert '<td class="number"></td>' in html


def test_the_reader_chooses_the_models_of_the_radar(client):
    snapshot = priced(5)
    chosen = LanguageModel.objects.filter(name__in=["M2", "M5"])
    html = page(client, snapshot, model=[one.pk for one in chosen])
    assert [row["name"] for row in drawn(html)["radar"]["models"]] == ["M2", "M5"]
    assert [row["name"] for row in drawn(page(client, snapshot, model="x"))["radar"]["models"]] == ["M1", "M2", "M3"]


def test_two_versions_of_one_name_are_told_apart(client):
    snapshot = priced(2)
    LanguageModel.objects.filter(name="M2").update(name="M1", version="2")
    assert [row["name"] for row in drawn(page(client, snapshot))["ratings"]] == ["M1 1", "M1 2"]


def test_a_name_cannot_leave_the_data_or_the_page(client):
    snapshot = priced(2)
    name = "</script><script>alert(1)</script>"
    LanguageModel.objects.filter(name="M1").update(name=name)
    html = page(client, snapshot)
    assert "<script>alert" not in html and drawn(html)["ratings"][0]["name"] == name


@pytest.mark.parametrize("query", [{"price": "gold"}, {"method": "guess"}, {"category": "nowhere"}])
def test_what_there_is_not_is_not_found(client, query):
    assert client.get(reverse("charts", args=[make.board(2).pk]), query).status_code == 404


def test_votes_that_rate_nothing_say_what_to_do(client):
    assert "No ratings for this choice" in page(client, make.board(2), source="people")


@pytest.mark.parametrize("query", [{}, {"category": "maths"}, {"price": "out"}])
def test_no_page_of_charts_shows_none_or_nan(client, query):
    html = page(client, priced(), **query)
    assert not re.search(r"\b(None|NaN|nan|inf)\b", re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))


def test_the_page_costs_the_same_for_3_models_and_for_40(client):
    snapshot = priced(40)
    costs = []
    for few in (40, 3):
        Rating.objects.filter(rank__gt=few).delete()
        page(client, snapshot)
        with CaptureQueriesContext(connection) as seen:
            page(client, snapshot)
        costs.append(len(seen))
    assert costs[0] == costs[1] <= 8


def test_the_policy_of_charts_allows_two_things_more_than_every_other_page(client):
    snapshot = priced()
    response = client.get(reverse("charts", args=[snapshot.pk]))
    assert response.headers["Content-Security-Policy"] == CHART_POLICY
    parts = set(CHART_POLICY.split("; ")) ^ set(POLICY.split("; "))
    assert parts == {"style-src 'self'", next(part for part in parts if "unsafe-hashes" in part)}
    assert "unsafe-inline" not in CHART_POLICY and "unsafe-eval" not in CHART_POLICY
    other = client.get(reverse("snapshot", args=[snapshot.pk]))
    assert other.headers["Content-Security-Policy"] == POLICY


def test_the_scripts_of_charts_keep_to_their_budget():
    folder = Path(settings.BASE_DIR) / "static"
    files = [folder / "vendor/plotly/plotly.min.js", *folder.glob("js/charts*.js"), folder / "js/menu.js"]
    assert sum(len(zlib.compress(file.read_bytes(), 9)) for file in files) < 530_000


def test_no_script_of_charts_makes_code_of_text():
    text = (Path(settings.BASE_DIR) / "static/vendor/plotly/plotly.min.js").read_text()
    assert not re.search(r"new Function\(|[^\w.$]Function\(|[^\w.$]eval\(", text)
