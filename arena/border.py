"""What readers send in an address or a form, made fit for every database before it goes any further."""

from __future__ import annotations

from collections.abc import Mapping

from arena.models import storable

LONGEST = 200


def asked(fields: Mapping[str, str], name: str, *, longest: int = LONGEST) -> str:
    """The text of one field: without what no database takes, without space around it, cut at `longest` characters."""
    return storable(fields.get(name, "")).strip()[:longest]
