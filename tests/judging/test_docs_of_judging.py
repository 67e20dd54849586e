"""The examples in the documents are what the code reads."""

from __future__ import annotations

import re

import pytest
import yaml

from arena.setup import ROOT
from judging.judges.rubrics import problems
from judging.judges.rules import RULES
from judging.recipes import read_recipe

RUBRICS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/rubrics.md").read_text(encoding="utf-8"), re.S)
RECIPES = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", RUBRICS, ids=range(len(RUBRICS)))
def test_every_rubric_of_the_documents_is_one(text):
    data = yaml.safe_load(text)["rubric"]
    assert data.pop("name") and problems(data) == []


def test_the_recipe_of_the_documents_is_one(tmp_path):
    for name in ("questions.jsonl", "answers.jsonl"):
        (tmp_path / name).write_text("{}\n")
    file = tmp_path / "recipe.yaml"
    file.write_text(re.search(r"```yaml\n(.*?)```", RECIPES, re.S)[1], encoding="utf-8")
    recipe = read_recipe(file)
    assert [judge.kind for judge in recipe.judges] == [
        "llm",
        "rule",
        "metric",
        "python_tests",
        "dry_run",
        "panel",
        "cascade",
    ]
    assert [(member.name, member.weight) for member in recipe.judges[-2].members] == [("rules", 1.0), ("near", 2.0)]
    assert recipe.judges[-1].options == {"agree": 2, "band": 1, "trust_first": ["rule"]}
    assert (recipe.budget, recipe.turns, recipe.models[1].limits["rpm"]) == (20.0, "whole", 60)


def test_every_check_is_told():
    assert set(re.findall(r'"type": "(\w+)"', RECIPES)) >= set(RULES)
