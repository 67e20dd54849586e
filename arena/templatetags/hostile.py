"""Filters for text that a model wrote, where it is shown as it is."""

from __future__ import annotations

from django import template

from arena import rendering

register = template.Library()


@register.filter
def thinned(text: object) -> str:
    """The text without the combining marks that would pile up over what stands around it: see `arena.rendering.thinned`."""
    return rendering.thinned(str(text))
