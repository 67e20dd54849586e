"""Recipes: what a run is to do, read from YAML; ours, or llmuses's as it is."""

from judging.recipes.reading import read_recipe, recipe_of
from judging.recipes.recipe import JudgeSpec, ModelSpec, Recipe

__all__ = ["JudgeSpec", "ModelSpec", "Recipe", "read_recipe", "recipe_of"]
