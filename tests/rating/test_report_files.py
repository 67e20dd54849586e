"""A model's report as Markdown, one HTML file and PDF, from the page and from the command; and boards by the same command."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import translation
from pypdf import PdfReader

from arena.models import LanguageModel
from rating.models import Profile, Score
from rating.reporting.building import report_of
from rating.reporting.document import Cell, Document, Section, Table, cells, columns
from rating.reporting.files import FORMS, file_name
from rating.reporting.markdown import as_markdown, escaped
from rating.reporting.pdf import as_pdf, in_fonts
from rating.reporting.sections import document
from tests.rating import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def ash():
    """A model of which everything is known, on a demo board."""
    snapshot = make.board(3, provenances=["demo"])
    model = LanguageModel.objects.get(name="M1")
    LanguageModel.objects.filter(pk=model.pk).update(family="白杨", stage="sft", precision="bf16", price_in=0.5)
    for category, n, value in (("人文", 4692, 0.4111), ("STEM", 3000, 0.3807)):
        Score.objects.create(
            model=model,
            benchmark="MMLU",
            category=category,
            metric="accuracy",
            value=value,
            unit="share",
            n=n,
            target=0.45,
            source="论文 [1]",
        )
    gate = {"kind": "score", "benchmark": "MMLU", "metric": "accuracy", "op": ">=", "value": 0.3, "name": "floor"}
    Profile.objects.create(name="release", gates=[gate])
    model.snapshot = snapshot
    return model


def exported(client, model, format_, **query):
    response = client.get(reverse("model_export", args=[model.pk, format_]), query)
    assert response.status_code == 200
    return response


def pdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


@pytest.mark.parametrize("format_", FORMS)
def test_every_file_says_the_numbers_where_they_come_from_and_when(client, ash, format_):
    response = exported(client, ash, format_, profile="release")
    text = pdf_text(response.content) if format_ == "pdf" else response.text
    plain = re.sub(r"\s+", "", text.replace("\\", ""))
    for words in (
        "39.92%",
        "人文",
        "4,692",
        "白杨",
        "sft",
        "bf16",
        "floor",
        "PASS",
        "Demodata",
        "Northmoor",
        ash.snapshot.digest,
        "2026",
    ):
        assert words in plain, words
    assert 'filename="report-M1-1.' in response["Content-Disposition"]


@pytest.mark.parametrize("format_", FORMS)
def test_every_file_is_in_the_readers_language_whatever_it_is(client, ash, format_):
    client.cookies["django_language"] = "zh-hans"
    response = exported(client, ash, format_)
    text = pdf_text(response.content) if format_ == "pdf" else response.text
    assert "数学与推理" in text and "厨房餐桌" in text


def test_another_kind_of_file_and_another_model_are_404s(client, ash):
    assert client.get(reverse("model_export", args=[ash.pk, "docx"])).status_code == 404
    assert client.get(reverse("model_export", args=[404, "pdf"])).status_code == 404


# --- Markdown


def test_nothing_that_others_wrote_is_markup():
    assert escaped("a|b\nc") == r"a\|b c" and escaped("<b> [x](y)") == r"\<b\> \[x\](y)"


def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_head(ash):
    LanguageModel.objects.filter(pk=ash.pk).update(vendor="a | b\n| c |")
    ash.refresh_from_db()
    text = as_markdown(document(report_of(ash)))
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) >= 3
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


# --- HTML


class Seen(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))


def test_the_html_file_asks_nothing_of_any_server_and_holds_no_script(client, ash):
    text = exported(client, ash, "html").text
    elements = Seen(text).elements
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in elements}
    assert not [attrs for _, attrs in elements if {"src", "href", "style"} & attrs.keys()]
    assert not any(name.startswith("on") for _, attrs in elements for name in attrs)
    assert "url(" not in text and "@import" not in text and "default-src 'none'" in text


def test_the_html_file_escapes_what_others_wrote(client, ash):
    LanguageModel.objects.filter(pk=ash.pk).update(vendor="<script>alert(1)</script>")
    text = exported(client, ash, "html").text
    assert "<script" not in text and "&lt;script&gt;" in text


# --- PDF


def test_the_pdf_numbers_its_pages(client, ash):
    for n in range(120):
        Score.objects.create(model=ash, benchmark="Many", category=f"part {n}", metric="f1", value=n, source="own")
    pages = PdfReader(io.BytesIO(exported(client, ash, "pdf").content)).pages
    texts = [page.extract_text() for page in pages]
    assert len(texts) > 3
    assert all(f"page {number} of {len(texts)}" in text for number, text in enumerate(texts, 1))
    assert all(f"part {n}" in "".join(texts) for n in range(120))


def test_a_table_that_goes_on_tells_its_head_again_on_the_next_page():
    table = Table("Long", columns("Thing", "#Value"), tuple(cells(f"row {n}", str(n)) for n in range(120)))
    told = Document("T", "", "en", (("Vendor", "V"),), (), (Section("s", "S", tables=(table,)),))
    texts = [page.extract_text() for page in PdfReader(io.BytesIO(as_pdf(told))).pages]
    assert len(texts) > 2 and all("Thing" in text for text in texts)
    assert "row 0" in texts[0]


def test_a_cell_longer_than_a_page_does_not_stop_the_pdf():
    table = Table("Long", columns("Thing", "Why"), (cells("row", "word " * 5000), cells("x" * 3000, Cell("很" * 3000))))
    told = Document(
        "T", "", "en", (("Vendor", "V"), ("Odd", "one")), ("Watch out",), (Section("s", "S", tables=(table,)),)
    )
    assert len(PdfReader(io.BytesIO(as_pdf(told))).pages) >= 1


def test_letters_no_font_has_are_told_and_markup_is_text():
    assert "�" in in_fonts("😀") and "<b>" not in in_fonts("<b>") and "&lt;b&gt;" in in_fonts("<b>")
    assert in_fonts("a中b").count("<font") == 3


def test_the_same_document_is_the_same_pdf_byte_for_byte():
    told = Document("T", "", "en", (("Vendor", "V"),), (), ())
    assert as_pdf(told) == as_pdf(told)


def test_a_files_name_is_plain_letters():
    assert file_name("白杨 7B/../x", "pdf") == "report-7B-..-x.pdf" and file_name("白杨", "md") == "report-model.md"


# --- the command


def run(*args, **options) -> str:
    out = StringIO()
    call_command("export", *args, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def test_the_command_writes_a_report_by_the_ending_of_the_file(tmp_path, ash):
    path = tmp_path / "ash.pdf"
    assert run("report", "M1", output=path, language="zh-hans") == ""
    assert "数学与推理" in pdf_text(path.read_bytes()) and translation.get_language() != "zh-hans"


def test_the_command_prints_text_and_refuses_to_print_a_pdf(ash):
    assert run("report", "M1", profile="release").startswith("# M1 1\n")
    with pytest.raises(CommandError, match="--output"):
        run("report", "M1", format="pdf")


def test_the_command_writes_a_board(tmp_path, ash):
    assert "M1" in run("board", "kitchen", format="md")
    assert run("board", "kitchen", format="csv").count("\n") == 4


@pytest.mark.parametrize(
    ("args", "options", "told"),
    [
        (("report", "Oak"), {}, "there is no model 'Oak'"),
        (("report", "M1"), {"format": "docx"}, "cannot be written as 'docx'; there are: md, html, pdf"),
        (("report", "M1"), {"profile": "nightly"}, "there is no profile 'nightly'"),
        (("board", "attic"), {}, "there is no benchmark 'attic'"),
        (("board", "kitchen"), {"category": "zoo"}, "no category 'zoo'"),
    ],
)
def test_what_is_not_there_is_told(ash, args, options, told):
    with pytest.raises(CommandError, match=re.escape(told)):
        run(*args, **options)


def test_a_file_that_cannot_be_written_is_named(tmp_path, ash):
    with pytest.raises(CommandError, match="cannot be written"):
        run("report", "M1", output=tmp_path / "nowhere" / "ash.md")
