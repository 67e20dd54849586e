"""The pairs that a benchmark has already, for verdicts whose files tell which pair they are about and not its texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from arena.models import UNPUBLISHED, Answer, Question


@dataclass(frozen=True)
class Partner:
    """A question that is there, by its key, with the names of the models that answered it."""

    key: str
    models: frozenset[str]
    meta: dict[str, Any]


Partners = Callable[[], list[Partner]]
"""Looked up only where a file needs them."""


def nobody() -> list[Partner]:
    """The partners that a benchmark has which is not there yet."""
    return []


def partners_in(name: str, version: str) -> Partners:
    """The questions of a benchmark with who answered them, in its order; calling what this returns costs two queries."""

    def look() -> list[Partner]:
        where = {"benchmark__name": name, "benchmark__version": version}
        answered: dict[int, set[str]] = {}
        told = Answer.objects.filter(
            error__in=("", UNPUBLISHED), **{f"question__{field}": value for field, value in where.items()}
        )
        for question, model in told.order_by().values_list("question", "model__name").iterator():
            answered.setdefault(question, set()).add(model)
        asked = Question.objects.filter(**where).order_by("position", "pk").values_list("pk", "key", "meta")
        return [Partner(key, frozenset(answered.get(pk, ())), meta) for pk, key, meta in asked.iterator()]

    return look


def first_object(text: str) -> dict[str, Any]:
    """The first object of JSON lines or of a list, {} where there is none."""
    try:
        value, _end = json.JSONDecoder().raw_decode(text.lstrip().removeprefix("[").lstrip())
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def answered_by(partners: Collection[Partner], *models: str) -> list[Partner]:
    """Those of the partners that all these models answered, in their order."""
    return [one for one in partners if one.models.issuperset(models)]
