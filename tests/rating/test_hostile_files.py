"""Files that leave the site: what others wrote in names and questions is text in every one of them, and nothing else."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree

import pytest
from django.urls import reverse

from arena.models import Answer, LanguageModel
from rating.models import Rating, Score
from tests.judging import recorded
from tests.rating import make

pytestmark = pytest.mark.django_db
NAMES = [
    "<para>big</para>", '<img src="file:///etc/passwd"/>', "<b>bold", "&amp;&lt;", "=1+1", "@SUM(A1)", "a | b", "`code` *x* [y](z)",
    "]]><svg onload=alert(1)>", "</text><script>alert(1)</script>", "two\nlines", "\u202eright to left", "名字<font size=99>",
]  # fmt: skip


@pytest.fixture
def snapshot():
    """A board of models with such names."""
    made = LanguageModel.objects.bulk_create([LanguageModel(name=name, version="<1>", vendor="=v") for name in NAMES])
    found = make.snapshot(make.benchmark(title_en="<script>=title</script>"))
    make.ranking(found, made)
    return found


def body(client, name: str, *args) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200
    return answer.content.decode("utf-8", "replace")


def test_no_cell_of_a_board_is_a_formula_and_none_breaks_its_row(client, snapshot):
    rows = list(csv.DictReader(io.StringIO(body(client, "board_export", snapshot.pk, "csv"))))
    assert len(rows) == len(NAMES)
    assert {row["model"] for row in rows} >= {"'=1+1", "'@SUM(A1)", "<b>bold"}
    assert all(not cell.startswith(("=", "@", "+")) for row in rows for cell in row.values())


def test_no_cell_of_a_table_of_agreement_is_a_formula(client, snapshot):
    make.agreement(snapshot, relation="judges", judges="=cmd()–fair")
    text = body(client, "snapshot_agreement_export", snapshot.pk, "csv")
    [row] = csv.DictReader(io.StringIO(text))
    assert row["judges"] == "'=cmd()–fair"


def test_every_model_has_one_row_of_markdown_with_all_its_cells(client, snapshot):
    lines = [line for line in body(client, "board_export", snapshot.pk, "md").splitlines() if line.startswith("|")]
    assert len(lines) == len(NAMES) + 2
    assert {line.replace("\\|", "").count("|") for line in lines} == {11}
    assert not any("<" in line.replace("&lt;", "") for line in lines)


def test_the_picture_is_xml_with_the_names_as_text_alone(client, snapshot):
    root = ElementTree.fromstring(body(client, "board_svg", snapshot.pk))
    assert {node.tag.rpartition("}")[2] for node in root.iter()} <= {"svg", "rect", "text", "path", "circle"}
    assert any(node.text == "<para>big</para>" for node in root.iter())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["pdf", "html", "md"])
def test_a_report_is_made_whatever_its_model_is_called(client, name, form):
    model = LanguageModel.objects.create(name=name, version="<1>", vendor="<a href=x>", description_en="<para/> | =x")
    Score.objects.create(model=model, benchmark=name, metric="<b>", value=0.5, source="=<img src=x>|")
    snapshot = make.snapshot(make.benchmark(title_en=name))
    Rating.objects.bulk_create([make.rating(snapshot, model)])
    answer = client.get(reverse("model_export", args=[model.pk, form]))
    assert answer.status_code == 200 and "\n" not in answer["Content-Disposition"]
    text = answer.content.decode("utf-8", "replace")
    if form == "pdf":
        assert answer.content.startswith(b"%PDF")
        assert b"/Subtype /Image" not in answer.content and b"/Annot" not in answer.content
    elif form == "html":
        assert "<script" not in text and "<img" not in text and "<para" not in text and "<svg" not in text
    else:
        assert all(text[place - 1] == "\\" for place, letter in enumerate(text) if letter == "<")


def test_what_went_wrong_is_one_object_a_line(client):
    question = recorded.question(recorded.benchmark(), "q1", "two\nlines\u2028and \x85 three")
    Answer.objects.create(question=question, model=recorded.model("Ash"), error="a\nb\u2028c")
    client.force_login(recorded.person("lee", "lead"))
    answer = client.get(reverse("model_failures", args=[recorded.model("Ash").pk]))
    lines = b"".join(answer).decode().split("\n")
    assert [json.loads(line)["reason"] for line in lines if line] == ["a\nb\u2028c"]
