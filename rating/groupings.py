"""Another sorting of the categories into kinds, each of which has a board of its own."""

from __future__ import annotations

from arena.models import Category
from rating.models import Grouping

RESERVED = ":"
"""Stands between a grouping's name and a kind's key; no other category's key has it."""


def places(grouping: Grouping) -> dict[int, Category]:
    """The kind of each category that has one, by the category's id. Two queries."""
    keys = {key: f"{grouping.name}{RESERVED}{kind['key']}" for kind in grouping.kinds for key in kind["of"]}
    found = {one.key: one for one in Category.objects.filter(key__in=[*keys, *keys.values()])}
    return {found[key].pk: found[kind] for key, kind in keys.items() if key in found and kind in found}
