"""Pages on which a lead sets up what is judged, in a real Chromium: accessible, whole on a phone, usable without scripts."""

from __future__ import annotations

import json

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from arena.models import Answer, Benchmark, LanguageModel, Question, Upload
from rating import uploading
from rating.upload_examples import EXAMPLES
from tests.browser.visiting import LOOKS
from tests.judging import recorded as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where uploads lie during a test."""
    monkeypatch.setattr(Upload._meta.get_field("file"), "storage", FileSystemStorage(location=tmp_path / "kept"))


@pytest.fixture
def lead():
    return make.person("lee", "lead")


def brought(name: str, text: str) -> Upload:
    upload = uploading.keep(SimpleUploadedFile(name, text.encode()), options={"benchmark": "larder", "group": "g"})
    uploading.check(upload)
    return upload


def paths() -> list[str]:
    """Every page of this module, with something on it."""
    old, new = make.benchmark(version="1"), make.benchmark(version="2")
    group = make.category("language", name_en="Language")
    kind = make.category("cooking", group=group)
    make.question(old, "gone", category=kind)
    question = make.answered(new, "Ash", "Birch", questions=2)[0]
    make.model("Cedar", provider="openai", key_env="NO_SUCH_KEY", price_in=0.5, licence="Apache-2.0", stage="sft")
    model = LanguageModel.objects.get(name="Cedar")
    good = brought("questions.jsonl", EXAMPLES["questions.jsonl"])
    bad = brought("answers.jsonl", EXAMPLES["answers.jsonl"] + "no json\n" + '{"question": "x", "model": ""}\n')
    return [
        reverse("models"), reverse("model_edit", args=[model.pk]),
        reverse("categories"), reverse("category_edit", args=[kind.pk]),
        reverse("benchmarks"), reverse("benchmark", args=[new.pk]),
        reverse("benchmark_version", args=[new.pk]), reverse("benchmark_changes", args=[new.pk, old.pk]),
        reverse("question_edit", args=[question.pk]),
        reverse("uploads"), reverse("upload", args=[good.pk]), reverse("upload", args=[bad.pk]),
    ]  # fmt: skip


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_every_page_of_a_lead_is_accessible_and_fits(visit, lead, theme, language):
    assert visit(lead, theme=theme, language=language).faults(*paths()) == []


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_empty_pages_and_refused_forms_are_accessible_too(visit, lead, theme, language):
    window = visit(lead, theme=theme, language=language)
    wrong = window.faults(*map(reverse, ("models", "categories", "benchmarks", "uploads")))
    for name in ("model_new", "category_new", "benchmark_new", "upload_new"):
        page = window.open(reverse(name))
        page.locator("main form .button--primary").click()
        told = page.locator("main .banner--bad[role=alert]").inner_text()
        assert language != "en" or "Nothing was" in told, name
        wrong += window.faults(status=422)
    assert wrong == []


def test_a_stranger_brings_a_benchmark_with_two_files_of_answers_without_scripts(visit, lead, tmp_path):
    for name, text in (("questions.csv", EXAMPLES["questions.csv"]), ("finch.csv", EXAMPLES["answers.csv"])):
        (tmp_path / name).write_text(text, encoding="utf-8")
    other = [{"question": key, "turns": [f"I do not know {key}."]} for key in ("boil-1", "sum-1")]
    told = {"model": "Wren", "version": "1", "vendor": "Own"}
    (tmp_path / "wren.jsonl").write_text("".join(json.dumps(row | told) + "\n" for row in other), encoding="utf-8")
    page = visit(lead, scripts=False).open(reverse("benchmarks"))
    page.locator("main").get_by_role("link", name="Upload files").first.click()
    page.locator("input[type=file]").set_input_files(
        [tmp_path / name for name in ("finch.csv", "questions.csv", "wren.jsonl")]
    )
    page.get_by_label("Name of a new benchmark").fill("larder")
    page.get_by_role("button", name="Look at the files").click()
    assert "3 files" in page.locator("#report form").inner_text()
    assert not Benchmark.objects.exists() and not Question.objects.exists()
    page.get_by_role("button", name="Load all 3 files").click()
    page.get_by_role("link", name="Open the benchmark").click()
    assert page.locator("h1").inner_text() == "larder"
    assert Question.objects.count() == 3 and Answer.objects.count() == 4
    assert set(LanguageModel.objects.values_list("name", flat=True)) == {"Finch", "Wren"}


def test_a_judges_model_with_its_own_address_is_made_in_the_browser(visit, lead):
    page = visit(lead).open(reverse("models"))
    page.locator("main").get_by_role("link", name="New model").first.click()
    for label, text in (("Name", "Magpie"), ("Version", "1"), ("Vendor", "Own")):
        page.get_by_label(label, exact=False).first.fill(text) if label != "Name" else page.locator("#id_name").fill(
            text
        )
    page.locator("#id_provider").select_option("openai")
    page.locator("#id_base_url").fill("http://127.0.0.1:9/v1")
    page.get_by_role("button", name="Add the model").click()
    page.get_by_role("button", name="Check the connection").click()
    assert "It did not answer" in page.locator("#alert").inner_text()
    assert LanguageModel.objects.get().base_url == "http://127.0.0.1:9/v1"
