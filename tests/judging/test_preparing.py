"""From a recipe to rows: keys looked for before anything is written, where answers come from, who is who."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arena.loading import BadInput, Report
from arena.models import Answer, Benchmark, LanguageModel, Question
from judging.models import Judge, Rubric, Run
from judging.preparing import prepare
from judging.recipes import read_recipe
from tests.judging import recorded as make
from tests.judging.llmuses_files import adapted

pytestmark = pytest.mark.django_db
TABLES = (Benchmark, Question, Answer, LanguageModel, Judge, Rubric, Run)

RECIPE = """\
mode: pairwise
benchmark: {name: pantry, questions: q.jsonl}
models:
  - {name: Ash, version: "1", vendor: N, answers: a.jsonl}
  - name: Birch
    version: "1"
    vendor: N
    key_env: BIRCH_KEY_OF_TESTS
    provider: openai
judges:
  - kind: rule
  - kind: llm
    name: oracle
    version: "1"
    vendor: D
    provider: openai
    key_env: ORACLE_KEY_OF_TESTS
"""
BIRCH = "first.yaml:8: models[1].key_env: the environment variable BIRCH_KEY_OF_TESTS is not set"
ORACLE = "first.yaml:17: judges[1].key_env: the environment variable ORACLE_KEY_OF_TESTS is not set"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("BIRCH_KEY_OF_TESTS", "ORACLE_KEY_OF_TESTS", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def recipe(folder: Path, text: str = RECIPE):
    question = {"key": "q1", "category": "cooking", "turns": ["How long does an egg boil?"]}
    (folder / "q.jsonl").write_text(json.dumps(question) + "\n")
    (folder / "a.jsonl").write_text(json.dumps({"question": "q1", "turns": ["Six minutes."]}) + "\n")
    (folder / "first.yaml").write_text(text)
    return read_recipe(folder / "first.yaml")


def refused(wanted, **options) -> list[str]:
    """Every problem, without the folder's name; nothing may have been written."""
    before = [table.objects.count() for table in TABLES]
    with pytest.raises(BadInput) as told:
        prepare(wanted, Report(), **options)
    assert [table.objects.count() for table in TABLES] == before
    return [line.replace(f"{Path(wanted.file).parent}/", "") for line in str(told.value).splitlines()]


# --- keys


def test_every_key_that_is_not_set_is_named_with_file_line_and_field_and_nothing_is_written(tmp_path):
    assert refused(recipe(tmp_path)) == [BIRCH, ORACLE]


def test_only_the_keys_that_are_needed_are_looked_for(tmp_path, monkeypatch):
    wanted = recipe(tmp_path)
    assert refused(wanted, stages=("judgments", "ratings")) == [ORACLE]
    assert refused(recipe(tmp_path, RECIPE + "stages: [answers]\n")) == [BIRCH]
    prepare(wanted, Report(), dry_run=True)
    prepare(wanted, Report(), stages=())
    monkeypatch.setenv("BIRCH_KEY_OF_TESTS", "sesame")
    monkeypatch.setenv("ORACLE_KEY_OF_TESTS", "sesame")
    assert prepare(wanted, Report()).judges.count() == 2


def test_a_key_that_llmuses_wants_is_named_at_the_judges_model(shared, tmp_path):
    wanted = read_recipe(adapted(shared, "single", tmp_path))
    (told,) = refused(wanted)
    assert told.endswith("reviews_gen.reviewer.args.model: the environment variable OPENAI_API_KEY is not set")
    line = int(told.split(":")[1])
    assert Path(wanted.file).read_text().splitlines()[line - 1].strip().startswith("model:")


# --- where rows come from


@pytest.mark.parametrize("dry_run", [False, True])
def test_answers_from_files_are_imported_in_every_run(tmp_path, monkeypatch, dry_run):
    monkeypatch.setenv("BIRCH_KEY_OF_TESTS", "sesame")
    monkeypatch.setenv("ORACLE_KEY_OF_TESTS", "sesame")
    run = prepare(recipe(tmp_path), Report(), dry_run=dry_run)
    assert Answer.objects.get().provenance == "imported"
    assert run.provenance == ("dry_run" if dry_run else "real")


def test_a_recipe_on_a_demo_is_a_demo(tmp_path):
    make.question(make.benchmark(provenance="demo"))
    text = 'mode: single\nbenchmark: {name: pantry}\nmodels: [{name: Ash, version: "1", vendor: Northmoor}]\n'
    assert prepare(recipe(tmp_path, text), Report()).provenance == "demo"


# --- models that are there


MODEL = 'mode: single\nbenchmark: {{name: pantry}}\nmodels:\n  - {{name: Ash, version: "1", {}}}\n'


def test_another_vendor_under_the_same_name_and_version_is_refused(tmp_path):
    make.question(make.benchmark())
    make.model("Ash")
    assert refused(recipe(tmp_path, MODEL.format("vendor: Else"))) == [
        "first.yaml:4: models.Ash.vendor: Ash 1 is there with 'Northmoor'; give it another version"
    ]
    prepare(recipe(tmp_path, MODEL.format("vendor: unstated")), Report())
    assert make.model("Ash").vendor == "Northmoor"


def test_a_vendor_that_was_unstated_is_filled_in(tmp_path):
    make.question(make.benchmark())
    make.model("Ash", vendor="unstated")
    prepare(recipe(tmp_path, MODEL.format("vendor: Northmoor, licence: MIT")), Report())
    ash = LanguageModel.objects.get()
    assert (ash.vendor, ash.licence) == ("Northmoor", "MIT")


def test_a_recipe_that_names_no_endpoint_leaves_the_models_own_alone(tmp_path):
    make.question(make.benchmark())
    make.model("Ash", provider="openai", endpoint_model="ash-7b", options={"temperature": 1}, base_url="http://there")
    prepare(recipe(tmp_path, MODEL.format("vendor: Northmoor, options: {temperature: 0}")), Report())
    ash = LanguageModel.objects.get()
    assert (ash.provider, ash.options, ash.base_url) == ("openai", {"temperature": 1}, "http://there")


def test_what_is_there_is_told_without_what_looks_like_a_key(tmp_path):
    make.question(make.benchmark())
    make.model("Ash", provider="openai", options={"temperature": 1, "api_key": "sesame"})
    (told,) = refused(recipe(tmp_path, MODEL.format("vendor: Northmoor, provider: openai")))
    assert "'temperature': 1" in told and "sesame" not in told


def test_the_same_recipe_is_the_same_run_wherever_its_lines_stand(tmp_path, monkeypatch):
    monkeypatch.setenv("BIRCH_KEY_OF_TESTS", "sesame")
    monkeypatch.setenv("ORACLE_KEY_OF_TESTS", "sesame")
    first = prepare(recipe(tmp_path), Report())
    assert prepare(recipe(tmp_path, "# a line more\n" + RECIPE), Report()) == first
