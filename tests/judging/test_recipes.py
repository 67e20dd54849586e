"""Recipes: ours and llmuses's YAML read into one value; everything that is wrong named with file, line and field."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from arena.loading import BadInput
from judging.recipes import read_recipe
from tests.judging.llmuses_files import BASELINE, MODELS, adapted

OURS = """\
name: eggs
mode: baseline
baseline: Ash
benchmark:
  name: pantry
  version: 1.10
  questions: q.jsonl
models:
  - name: Ash
    version: 7b
    vendor: Northmoor
    answers: [a.jsonl]
  - name: Birch
    version: "2"
    vendor: Else
    provider: openai
    model: birch-2-chat
    base_url: http://localhost:1234/v1
    key_env: BIRCH_KEY
    options: {temperature: 0.5}
    price_in: 2
judges:
  - kind: llm
    name: oracle
    version: "4"
    vendor: Delphi
    provider: openai
    schema_bound: true
    options: {temperature: 0}
  - kind: rule
order: random
seed: 7
limits: {questions: 5, concurrency: 3}
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "q.jsonl").touch()
    (tmp_path / "a.jsonl").touch()
    return tmp_path


def written(folder: Path, text: str) -> Path:
    file = folder / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder: Path, text: str) -> list[str]:
    """Every problem of this recipe, without the folder's name."""
    with pytest.raises(BadInput) as refused:
        read_recipe(written(folder, text))
    return [line.replace(f"{folder}/", "") for line in str(refused.value).splitlines()]


def test_our_recipe_says_everything_a_run_needs(folder):
    recipe = read_recipe(written(folder, OURS))
    assert (recipe.name, recipe.mode, recipe.baseline, recipe.order, recipe.seed) == (
        "eggs",
        "baseline",
        "Ash",
        "random",
        7,
    )
    assert (recipe.benchmark, recipe.benchmark_version, recipe.format) == ("pantry", "1.10", "juryroom")
    assert recipe.questions == [folder / "q.jsonl"] and recipe.models[0].answers == [folder / "a.jsonl"]
    birch, oracle = recipe.models[1], recipe.judges[0]
    assert (birch.model, birch.key_env, birch.options, birch.price_in) == (
        "birch-2-chat",
        "BIRCH_KEY",
        {"temperature": 0.5},
        2,
    )
    assert (oracle.kind, oracle.model.name, oracle.options) == ("llm", "oracle", {"schema_bound": True})
    assert [judge.name for judge in recipe.judges] == ["oracle", "rules"]
    assert recipe.limits == {"questions": 5, "concurrency": 3} and recipe.stages == ("answers", "judgments", "ratings")


def test_what_a_run_echoes_of_its_recipe_names_no_folder_of_this_machine(folder):
    assert str(folder) not in str(read_recipe(written(folder, OURS)).as_json())


WRONG = [
    ("order: random", "ordre: random", "recipe.yaml:31: ordre: is not a key of a recipe"),
    ("  name: pantry", "  name: pantry\n  nmae: x", "recipe.yaml:6: benchmark.nmae: is not a key of benchmark"),
    ("mode: baseline", "mode: tournament", "recipe.yaml:2: mode: is 'tournament', not one of single, baseline, pairwise"),
    ("mode: baseline\n", "", "recipe.yaml:1: mode: is missing"),
    ("baseline: Ash", "baseline: Cedar", "recipe.yaml:3: baseline: is 'Cedar', not one of the models"),
    ("baseline: Ash\n", "", "recipe.yaml:1: baseline: is missing, and the mode is baseline"),
    ("mode: baseline", "mode: single", "recipe.yaml:3: baseline: is only for the mode baseline, and the mode is single"),
    ("order: random", "order: backwards", "recipe.yaml:31: order: is 'backwards', not one of both, random, balanced, fixed"),
    ("seed: 7", "seed: lucky", "recipe.yaml:32: seed: is text, not a whole number"),
    ("seed: 7", "seed: 7\nseed: 8", "recipe.yaml:33: seed: stands here twice"),
    ("questions: q.jsonl", "questions: absent.jsonl", "recipe.yaml:7: benchmark.questions: there is no absent.jsonl"),
    ("questions: q.jsonl", "questions: [5]", "recipe.yaml:7: benchmark.questions: is not a path or a list of paths"),
    ("questions: q.jsonl", "questions: q.jsonl\n  format: xml", "recipe.yaml:8: benchmark.format: is 'xml', not one of"),
    ('    version: "2"\n', "", "recipe.yaml:13: models[1].version: is missing"),
    ("name: Birch", "name: Ash", "recipe.yaml:8: models: Ash stands here twice"),
    ("provider: openai\n    model", "provider: telepathy\n    model", "recipe.yaml:16: models[1].provider: is 'telepathy'"),
    ("key_env: BIRCH_KEY", "key_env: sk-123", "recipe.yaml:19: models[1].key_env: is not the name of an environment variable"),
    ("key_env: BIRCH_KEY", "key_env: abcdef0123456789abcdef", "recipe.yaml:19: models[1].key_env: is not the name of an environment variable"),
    ("key_env: BIRCH_KEY", "key_env: AKIAIOSFODNN7EXAMPLE", "recipe.yaml:19: models[1].key_env: is not the name of an environment variable"),
    ("{temperature: 0.5}", "{api_key: sk-123}", "recipe.yaml:20: models[1].options.api_key: looks like a key"),
    ("{temperature: 0.5}", "\n      top_p: 1\n      extra_body:\n        list: [{client-secret: x}]", "recipe.yaml:23: models[1].options.extra_body.list[0].client-secret: looks like a key"),
    ("{temperature: 0}", "{user: sk-proj-abcdefghijklmnop}", "recipe.yaml:29: judges[0].options.user: looks like a key"),
    ("http://localhost:1234/v1", "http://me:sesame@localhost/v1", "recipe.yaml:18: models[1].base_url: holds a password or a key"),
    ("kind: rule", "kind: oracle", "recipe.yaml:30: judges[1].kind: is 'oracle', not one of llm, reward, rule, metric, python_tests, dry_run"),
    ("kind: rule", "kind: rule\n    schema_bound: true", "recipe.yaml:31: judges[1].schema_bound: is not a key of judges[1]"),
    ("schema_bound: true", "schema_bound: 1", "recipe.yaml:28: judges[0].schema_bound: is a whole number, not true or false"),
    ("concurrency: 3", "concurrency: 0", "recipe.yaml:33: limits.concurrency: is below 1"),
    ("concurrency: 3", "concurrency: 1001", "recipe.yaml:33: limits.concurrency: is above 1000"),
    ("questions: 5", "questions: 0", "recipe.yaml:33: limits.questions: is below 1"),
    ("questions: 5", f"questions: 1{'0' * 400}", "recipe.yaml:33: limits.questions: is above 1000000"),
    ("seed: 7", "seed: -1", "recipe.yaml:32: seed: is below 0"),
    ("seed: 7", "seed: 2147483648", "recipe.yaml:32: seed: is above 2147483647"),
    ("schema_bound: true", "attempts: 0", "recipe.yaml:28: judges[0].attempts: is below 1"),
    ("schema_bound: true", "concurrency: 0", "recipe.yaml:28: judges[0].concurrency: is below 1"),
    ("kind: rule", "kind: dry_run\n    seed: -1", "recipe.yaml:31: judges[1].seed: is below 0"),
    ("price_in: 2", "price_in: -0.5", "recipe.yaml:21: models[1].price_in: is below 0"),
    ("price_in: 2", "price_out: .nan", "recipe.yaml:21: models[1].price_out: is not a finite number"),
    ("price_in: 2", "aliases: [b2, 5]", "recipe.yaml:21: models[1].aliases: holds something that is not text"),
    ("{temperature: 0.5}", "{temperature: .inf}", "recipe.yaml:20: models[1].options: holds something that is not plain data"),
    ("{temperature: 0.5}", '{stop: "a\\0b"}', "recipe.yaml:20: models[1].options: holds a NUL"),
    ("vendor: Else", 'vendor: "a\\0b"', "recipe.yaml:15: models[1].vendor: holds a NUL"),
    ("vendor: Else", 'vendor: "  "', "recipe.yaml:15: models[1].vendor: is empty"),
    ("questions: q.jsonl", f"questions: q.jsonl\n  language: {'x' * 13}", "recipe.yaml:8: benchmark.language: is 13 characters long; at most 12 are kept"),
    ("name: eggs", f"name: {'e' * 191}", "recipe.yaml:1: name: is 191 characters long; at most 190 are kept"),
    ("name: pantry", f"name: {'p' * 121}", "recipe.yaml:5: benchmark.name: is 121 characters long; at most 120 are kept"),
    ("version: 1.10", f"version: {'p' * 41}", "recipe.yaml:6: benchmark.version: is 41 characters long; at most 40 are kept"),
    ("name: Birch", f"name: {'b' * 121}", "recipe.yaml:13: models[1].name: is 121 characters long; at most 120 are kept"),
    ("vendor: Else", f"vendor: {'v' * 121}", "recipe.yaml:15: models[1].vendor: is 121 characters long; at most 120 are kept"),
    ("model: birch-2-chat", f"model: {'m' * 201}", "recipe.yaml:17: models[1].model: is 201 characters long; at most 200 are kept"),
    ("name: oracle", f"name: {'o' * 110}", "recipe.yaml:24: judges[0].name: is 110 characters long; at most 109 are kept"),
    ("kind: rule", f"kind: rule\n    name: {'r' * 110}", "recipe.yaml:31: judges[1].name: is 110 characters long; at most 109 are kept"),
    ("concurrency: 3", "pairs: 0", "recipe.yaml:33: limits.pairs: is below 1"),
    ("concurrency: 3", "workers: 3", "recipe.yaml:33: limits.workers: is not a key of limits"),
    ("limits: {", "limits: [", "recipe.yaml:33: is not YAML"),
    ("judges:", "judges: rule\nx:", "recipe.yaml:22: judges: is not a list"),
    ("seed: 7", "stages: [answers, prizes]", "recipe.yaml:32: stages: holds 'prizes', not one of answers, judgments, ratings"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "problem"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named_with_file_line_and_field(folder, old, new, problem):
    assert old in OURS
    told = problems(folder, OURS.replace(old, new, 1))
    assert any(line.startswith(problem) for line in told), told


def test_all_that_is_wrong_is_told_at_once(folder):
    told = problems(
        folder, OURS.replace("seed: 7", "sed: 7").replace("kind: rule", "kind: x").replace("q.jsonl", "z.jsonl")
    )
    assert len(told) == 3


def test_a_file_that_is_no_recipe_at_all_is_one_line(folder):
    assert problems(folder, "just a sentence") == ["recipe.yaml:1: is not a section of keys and values"]
    assert problems(folder, "") == ["recipe.yaml:1: is not a section of keys and values"]
    assert problems(folder, "a: 1\n\tb: 2")[0].startswith("recipe.yaml:2: is not YAML")
    with pytest.raises(BadInput, match=r"absent\.yaml: there is no such file"):
        read_recipe(folder / "absent.yaml")


def test_yaml_cannot_make_anything_but_plain_values(folder):
    told = problems(folder, OURS.replace("seed: 7", "seed: !!python/object/apply:os.getpid []"))
    assert len(told) == 1 and told[0].startswith(
        "recipe.yaml:32: seed: cannot be read: could not determine a constructor"
    )


def test_a_date_is_a_version_as_written_and_no_option(folder):
    recipe = read_recipe(written(folder, OURS.replace("version: 7b", "version: 2024-06-01")))
    assert recipe.models[0].version == "2024-06-01"
    told = problems(folder, OURS.replace("{temperature: 0.5}", "{since: 2024-06-01}"))
    assert told == ["recipe.yaml:20: models[1].options: holds something that is not plain data"]


def test_a_key_that_is_no_text_is_an_unknown_key(folder):
    assert any("is not a key of a recipe" in line for line in problems(folder, OURS + "? [a, b]\n: 1\n"))


# --- llmuses


def test_the_single_recipe_of_llmuses_marks_every_answer_once(shared, tmp_path):
    recipe = read_recipe(adapted(shared, "single", tmp_path))
    assert (recipe.mode, recipe.format, recipe.baseline) == ("single", "llmuses", "")
    assert {model.name for model in recipe.models} == set(MODELS)
    judge = recipe.judges[0]
    assert (judge.name, judge.kind, judge.model.key_env) == ("gpt-4", "llm", "OPENAI_API_KEY")
    assert judge.model.options == {"temperature": 0, "max_tokens": 1024}


def test_the_baseline_recipe_of_llmuses_meets_one_model_both_ways_round(shared, tmp_path):
    recipe = read_recipe(adapted(shared, "pairwise_baseline", tmp_path))
    assert (recipe.mode, recipe.baseline, recipe.order) == ("baseline", BASELINE, "both")
    assert {model.name for model in recipe.models} == set(MODELS)


def test_the_arena_recipe_of_llmuses_meets_all_with_all(shared, tmp_path):
    recipe = read_recipe(adapted(shared, "arena", tmp_path))
    assert (recipe.mode, recipe.order) == ("pairwise", "both")
    assert [model.name for model in recipe.models] == list(MODELS)
    assert "reviews_gen.reviewer.args.model is missing: gpt-4, as llmuses does" in recipe.notes
    assert recipe.judges[0].model.options["temperature"] == 0.2


def test_a_model_that_is_switched_off_is_left_out_and_said_to_be(shared, tmp_path):
    file = adapted(shared, "arena", tmp_path)
    told = yaml.safe_load(file.read_text())
    told["answers_gen"]["llama2-7b"]["enable"] = False
    told["answers_gen"]["llama2-7b"]["output_file"] = "not/there/yet.jsonl"
    file.write_text(yaml.safe_dump(told))
    recipe = read_recipe(file)
    assert "llama2-7b" not in [model.name for model in recipe.models]
    assert "answers_gen.llama2-7b: enable is false, left out" in recipe.notes


def test_what_has_no_effect_here_is_said(shared, tmp_path):
    notes = "\n".join(read_recipe(adapted(shared, "pairwise_baseline", tmp_path)).notes)
    for key in ("prompt_file", "review_file", "cache_file", "report_file", "precision", "generation_config", "metrics"):
        assert key in notes


def test_a_recipe_of_june_2023_is_read_and_what_has_no_effect_is_said(shared, tmp_path):
    file = adapted(shared, "arena", tmp_path)
    told = yaml.safe_load(file.read_text())
    for name, about in told["answers_gen"].items():
        args = {key: about.pop(key) for key in ("revision", "precision", "generation_config") if key in about}
        about.pop("model_id_or_path", None), about.pop("template_type", None)
        args |= {"model_id_or_path": f"Owls/{name}", "device": "cuda"}
        told["answers_gen"][name] = {"ref": "llmuses.predict.owl:Owl", "args": args, **about}
    told["elo_rating"] = told.pop("rating_gen")
    file.write_text(yaml.safe_dump(told, sort_keys=False))
    recipe = read_recipe(file)
    assert [(model.name, model.vendor) for model in recipe.models] == [(name, "Owls") for name in MODELS]
    for key in ("ref", "args.precision", "args.device"):
        assert any(note.startswith(f"answers_gen.llama2-7b.{key} has no effect here") for note in recipe.notes)


def test_a_parser_that_llmuses_names_is_said_to_have_no_effect(shared, tmp_path):
    key = "reviews_gen.reviewer.args.fn_completion_parser"
    recipe = read_recipe(adapted(shared, "arena", tmp_path, fn_completion_parser="ranking_parser"))
    assert sum(key in note for note in recipe.notes) == 1
    assert not any(
        key in note for note in read_recipe(adapted(shared, "arena", tmp_path, fn_completion_parser=None)).notes
    )


@pytest.mark.parametrize(("random_seed", "seed"), [(7, 7), (0, 0), (None, 1)])
def test_the_seed_of_llmuses_is_the_runs(shared, tmp_path, random_seed, seed):
    recipe = read_recipe(adapted(shared, "arena", tmp_path, random_seed=random_seed))
    assert recipe.seed == recipe.as_json()["seed"] == seed


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("reviews_gen", "reviewer", "ref"), "os:system", "reviews_gen.reviewer.ref: names 'os:system'"),
        (("answers_gen", "llama2-7b", "precision"), "torch.int3", "answers_gen.llama2-7b.precision: is 'torch.int3'"),
        (("reviews_gen", "reviewer", "args", "mode"), "triples", "reviews_gen.reviewer.args.mode: is 'triples'"),
        (("reviews_gen", "reviewer", "args", "top_p"), 1, "reviews_gen.reviewer.args.top_p: is not a key"),
        (("reviews_gen", "reviewer", "args", "position_bias_mitigation"), "hope", "position_bias_mitigation: is 'hope'"),
        (("reviews_gen", "reviewer", "args", "max_tokens"), 0, "reviews_gen.reviewer.args.max_tokens: is below 1"),
        (("reviews_gen", "reviewer", "args", "random_seed"), -1, "reviews_gen.reviewer.args.random_seed: is below 0"),
        (("reviews_gen", "reviewer", "args", "model"), "m" * 110, "args.model: is 110 characters long; at most 109 are kept"),
        (("answers_gen", "llama2-7b", "revision"), "r" * 81, "answers_gen.llama2-7b.revision: is 81 characters long"),
        (("reviews_gen", "target_answers"), ["absent.jsonl"], "reviews_gen.target_answers: there is no absent.jsonl"),
        (("rating_gen", "metrics"), ["luck"], "rating_gen.metrics: holds 'luck'"),
        (("question_file",), None, "question_file: is missing"),
        (("questions",), 5, "questions: is not a key of a recipe"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_llmuses_files_is_named_too(shared, tmp_path, path, value, problem):
    file = adapted(shared, "arena", tmp_path)
    told = yaml.safe_load(file.read_text())
    place = told
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    lines = problems(tmp_path, yaml.safe_dump(told, sort_keys=False))
    assert any(problem in line and line.startswith("recipe.yaml:") for line in lines), lines
