"""Reading a dict whose keys are words of people, in a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def pairs(mapping: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """Key and value of each entry; none for None. `mapping.items` would look up a key "items" first, and a category may be called that."""
    return list(mapping.items()) if mapping else []
