"""A board taken away: files of five kinds, a picture, a page that others may frame."""

import csv
import io
import json
from xml.etree import ElementTree

import pyarrow.parquet as parquet
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.urls import reverse

from arena.models import Category, LanguageModel
from arena.settings import origins_from
from rating.board_files import ABOUT, COLUMNS, FORMATS
from rating.models import Rating
from tests.rating import make

pytestmark = pytest.mark.django_db
SVG = "{http://www.w3.org/2000/svg}"


def exported(client, snapshot, format: str, **query) -> bytes:
    response = client.get(reverse("board_export", args=[snapshot.pk, format]), query)
    assert response.status_code == 200
    return response.content


def csv_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def test_csv_has_a_row_a_model_with_the_board_it_is_of(client):
    snapshot = make.board(3, provenances=["demo", "real"], digest="cd" * 32)
    rows = csv_rows(exported(client, snapshot, "csv", category="maths"))
    assert [row["model"] for row in rows] == ["M2", "M1", "M3"]
    assert list(rows[0]) == [*COLUMNS, *ABOUT]
    first = rows[0]
    assert (first["benchmark"], first["category"], first["source"], first["method"]) == (
        "kitchen",
        "maths",
        "all",
        "bt",
    )
    assert (first["snapshot"], first["digest"], first["provenance"]) == (str(snapshot.pk), "cd" * 32, "demo real")
    assert (first["n"], first["judgments"], first["price_in"]) == ("20", "30", "")


def test_no_cell_of_the_csv_is_a_formula_and_numbers_stay_numbers(client):
    snapshot = make.board(1)
    LanguageModel.objects.update(name="=1+1", vendor="@sum", licence="-x")
    Rating.objects.update(rating=-5.5, low=-9, high=0)
    row = csv_rows(exported(client, snapshot, "csv"))[0]
    assert (row["model"], row["vendor"], row["licence"], row["rating"]) == ("'=1+1", "'@sum", "'-x", "-5.5")


def test_json_has_the_recipe_what_was_left_out_and_the_rows(client):
    snapshot = make.board(2, excluded={"refused": 3}, recipe={"level": 0.9})
    told = json.loads(exported(client, snapshot, "json"))
    assert (told["level"], told["recipe"], told["excluded"]) == (0.9, {"level": 0.9}, {"refused": 3})
    assert told["judgments"] == 80 and told["rows_of"] == 2
    assert told["rows"][0]["model"] == "M1" and told["rows"][0]["win_rate"] == 0.5


def test_parquet_has_typed_columns_and_metadata(client):
    snapshot = make.board(2)
    Rating.objects.filter(model__name="M2").update(rank=None, rating=None, low=None, high=None)
    table = parquet.read_table(io.BytesIO(exported(client, snapshot, "parquet")))
    assert table.column("rating").to_pylist() == [1100.0, None] and table.column("rank").to_pylist() == [1, None]
    assert str(table.schema.field("n").type) == "int64" and str(table.schema.field("model").type) == "string"
    assert json.loads(table.schema.metadata[b"juryroom"])["digest"] == snapshot.digest
    assert table.column("snapshot").to_pylist() == [snapshot.pk] * 2


@pytest.mark.parametrize("format", ["txt", "md"])
def test_tables_for_people_begin_with_what_they_are_of(client, format):
    snapshot = make.board(2, provenances=["imported"], excluded={"refused": 3})
    text = exported(client, snapshot, format, source="all").decode()
    for said in (
        "benchmark: kitchen",
        f"snapshot: {snapshot.pk}",
        snapshot.digest,
        "source: all",
        "provenance: imported",
        "M1",
    ):
        assert said in text
    assert "3 the judge refused" in text and "rows: 2 of 2" in text


def test_no_name_breaks_out_of_its_cell_in_markdown(client):
    snapshot = make.board(1)
    LanguageModel.objects.update(name="a|b\n# [x](http://evil) <b>`")
    lines = exported(client, snapshot, "md").decode().splitlines()
    row = lines[-1]
    assert "a\\|b \\# \\[x\\](http://evil) &lt;b>\\`" in row
    assert lines[-2].count("|") == row.replace("\\|", "").count("|")


def test_a_file_holds_the_rows_that_are_shown_in_their_order(client):
    snapshot = make.board(3)
    rows = csv_rows(exported(client, snapshot, "csv", sort="-rank", q="m"))
    assert [(row["rank"], row["model"]) for row in rows] == [("3", "M3"), ("2", "M2"), ("1", "M1")]


@pytest.mark.parametrize("format", list(FORMATS))
def test_an_empty_board_is_a_file_without_rows(client, format):
    exported(client, make.board(2), format, source="people")


def test_a_file_has_a_name_that_says_which_board_it_is(client):
    snapshot = make.board(2)
    response = client.get(reverse("board_export", args=[snapshot.pk, "csv"]), {"category": "maths"})
    expected = f'attachment; filename="kitchen-maths-all-bt-snapshot-{snapshot.pk}.csv"'
    assert response["Content-Disposition"] == expected


@pytest.mark.parametrize("path", ["/snapshots/1/export/xls/", "/snapshots/999/export/csv/"])
def test_a_kind_of_file_or_a_snapshot_there_is_not_is_not_found(client, path):
    make.board(1)
    assert client.get(path).status_code == 404


def test_a_board_there_is_not_is_no_file(client):
    snapshot = make.board(1)
    assert client.get(reverse("board_export", args=[snapshot.pk, "csv"]), {"category": "nowhere"}).status_code == 404


def test_the_newest_board_is_exported_from_its_own_snapshot(client):
    snapshot = make.board(2)
    response = client.get(
        reverse("leaderboard_export", args=[snapshot.leaderboard.benchmark_id, "csv"]), {"category": "maths"}
    )
    assert response["Location"] == reverse("board_export", args=[snapshot.pk, "csv"]) + "?category=maths"


def test_a_file_costs_the_same_queries_for_3_models_and_for_60(client, django_assert_num_queries):
    small, large = make.board(3), make.snapshot(make.benchmark("large"))
    many = make.models(60, prefix="N")
    for category in (None, Category.objects.get(key="maths")):
        make.ranking(large, many, category=category)
    for snapshot in (small, large):
        with django_assert_num_queries(5):
            exported(client, snapshot, "csv")


# on the command line


def said(**options) -> str:
    out = io.StringIO()
    call_command("leaderboard", stdout=out, **options)
    return out.getvalue()


def test_the_command_writes_the_same_files(client, tmp_path):
    snapshot = make.board(2)
    assert said(format="md", category="maths") == exported(client, snapshot, "md", category="maths").decode()
    said(format="parquet", out=str(tmp_path / "board.parquet"))
    assert parquet.read_table(tmp_path / "board.parquet").column("model").to_pylist() == ["M1", "M2"]


def test_the_command_reads_a_language():
    snapshot = make.board(2)
    make.ranking(snapshot, list(LanguageModel.objects.order_by("-pk")), language="zh")
    assert json.loads(said(format="json", language="zh"))["rows"][0]["model"] == "M2"


@pytest.mark.parametrize(
    ("options", "said_so"),
    [
        ({"format": "parquet"}, "needs --out"),
        ({"format": "md", "out": "/nowhere/board.md"}, "/nowhere/board.md: "),
        ({"method": "win_rate", "format": "md"}, "rates of wins come as"),
    ],
)
def test_the_command_says_in_one_line_what_cannot_be_written(options, said_so):
    make.board(2)
    with pytest.raises(CommandError, match=said_so):
        said(**options)


# the picture


def test_the_picture_is_an_svg_of_its_own_that_any_page_may_show(client):
    snapshot = make.board(3, provenances=["demo"])
    response = client.get(reverse("board_svg", args=[snapshot.pk]), {"category": "maths"})
    assert response["Content-Type"].startswith("image/svg+xml")
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    tree = ElementTree.fromstring(response.content)
    texts = [node.text for node in tree.iter(f"{SVG}text")]
    assert "Kitchen table · Maths and reasoning" in texts and "DEMO DATA" in texts
    assert texts.index("M2") < texts.index("M1") and f"n = 30 · {snapshot.created_at:%Y-%m-%d}" in " ".join(texts)
    names = {node.tag.removeprefix(SVG) for node in tree.iter()}
    assert names <= {"svg", "rect", "text", "path", "circle"}
    assert not any(
        "href" in name or name.startswith("on") or name == "style" for node in tree.iter() for name in node.attrib
    )


def test_a_hostile_name_stays_a_text_in_the_picture(client):
    snapshot = make.board(1)
    LanguageModel.objects.update(name='<script>"&\x01')
    tree = ElementTree.fromstring(client.get(reverse("board_svg", args=[snapshot.pk])).content)
    assert '<script>"&' in [node.text for node in tree.iter(f"{SVG}text")]


def test_the_picture_tells_how_many_models_it_leaves_out(client):
    svg = client.get(reverse("board_svg", args=[make.board(13).pk])).content.decode()
    assert "3 more models on the board" in svg and "M11" not in svg


# the page in a frame


def test_nobody_may_frame_a_board_unless_the_operator_said_so(client):
    response = client.get(reverse("embed", args=[make.board(2).pk]))
    assert response["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    html = response.content.decode()
    assert "JURYROOM_EMBED_ORIGINS" in html and "&lt;iframe" not in html and "board.svg" in html


def test_a_framed_board_says_who_judged_and_by_which_method(client):
    html = client.get(reverse("embed", args=[make.board(2).pk])).content.decode()
    assert "Bradley–Terry · Votes from: people and judges" in html


def test_the_origins_that_the_operator_named_may_frame_it_and_no_script_runs(client, settings):
    settings.EMBED_ORIGINS = ["https://wiki.example", "https://intranet.example:8443"]
    response = client.get(reverse("embed", args=[make.board(2).pk]), {"category": "maths"})
    policy = response["Content-Security-Policy"]
    assert "frame-ancestors https://wiki.example https://intranet.example:8443" in policy
    assert "script" not in policy and "X-Frame-Options" not in response
    html = response.content.decode()
    assert "<script" not in html and "&lt;iframe" in html and "?category=maths" in html


def test_no_other_page_may_be_framed(client, settings):
    settings.EMBED_ORIGINS = ["https://wiki.example"]
    snapshot = make.board(2)
    for address in (reverse("snapshot", args=[snapshot.pk]), reverse("board_svg", args=[snapshot.pk])):
        response = client.get(address)
        assert "frame-ancestors 'none'" in response["Content-Security-Policy"] and response["X-Frame-Options"] == "DENY"


def test_the_framed_page_shows_the_best_twenty_and_says_of_how_many(client):
    html = client.get(reverse("embed", args=[make.board(23).pk])).content.decode()
    assert "20 of 23 models" in html and "M21" not in html


@pytest.mark.parametrize(
    "text", ["*", "wiki.example", "https://a.example/path", "https://a;script-src *", "https://a b"]
)
def test_what_is_no_origin_does_not_get_into_a_header(text):
    with pytest.raises(ImproperlyConfigured, match="JURYROOM_EMBED_ORIGINS"):
        origins_from(text)


def test_origins_are_read_with_commas_between_them():
    assert origins_from(" https://a.example/, http://b.example:80 ,") == ["https://a.example", "http://b.example:80"]
