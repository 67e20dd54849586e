"""Rubrics saved by people: a used one becomes its next version, and of two leads at once the second is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from arena.locking import mark_of
from judging.judges.rubrics import BadRubric, problems
from judging.models import Grade, Preference, Rubric
from judging.models.rubric import SAID, SCALE

LONGEST_NAME = Rubric.name.field.max_length


class Meanwhile(Exception):
    """Somebody else saved first: `newest` is what they wrote."""

    def __init__(self, newest: Rubric) -> None:
        super().__init__(f"{newest} was saved meanwhile")
        self.newest = newest


class NameTaken(ValueError):
    """There is a rubric of this name already; `newest` is its newest version."""

    def __init__(self, newest: Rubric) -> None:
        super().__init__(f"there is a rubric {newest.name}")
        self.newest = newest


@dataclass(frozen=True)
class Base:
    """What somebody began to edit from: the number and the content of the newest version at that time."""

    version: int
    mark: str

    @classmethod
    def of(cls, newest: Rubric) -> Base:
        return cls(newest.version, mark_of(newest, (*SAID, *SCALE)))

    @classmethod
    def read(cls, post: Mapping[str, str]) -> Base:
        """What the form says it began from; nothing that there is where it says nothing readable."""
        number = post.get("version", "")
        return cls(
            int(number) if number.isascii() and number.isdecimal() and len(number) < 9 else -1, post.get("mark", "")
        )


@dataclass(frozen=True)
class Use:
    """What a version was used for; `runs` counts those set up with it, under way or not."""

    runs: int
    is_judged: bool
    is_frozen: bool

    @property
    def is_used(self) -> bool:
        """Whether a change would change what others rely on: then it makes the next version."""
        return bool(self.runs) or self.is_judged or self.is_frozen


def newest_of(name: str) -> Rubric | None:
    """The newest version of a rubric. One query."""
    return Rubric.objects.filter(name=name).order_by("-version").first()


def newest_versions() -> list[Rubric]:
    """The newest version of every rubric, by name. One query."""
    found: dict[str, Rubric] = {}
    for rubric in Rubric.objects.order_by("name", "-version"):
        found.setdefault(rubric.name, rubric)
    return list(found.values())


def use_of(rubric: Rubric) -> Use:
    """What this version was used for. At most three queries."""
    runs = rubric.runs.count()
    judged = runs > 0 or any(table.objects.filter(rubric=rubric).exists() for table in (Preference, Grade))
    return Use(runs, judged, rubric.frozen_at is not None)


def create(name: str, data: Mapping[str, Any]) -> Rubric:
    """The first version of a rubric by this name, saved. Raises BadRubric, NameTaken."""
    rubric = Rubric.of_data(name, data)
    try:
        with transaction.atomic():
            if there := newest_of(name):
                raise NameTaken(there)
            rubric.save(force_insert=True)
    except IntegrityError:
        raise NameTaken(Rubric.objects.filter(name=name).latest("version")) from None
    return Rubric.objects.get(pk=rubric.pk)  # as it is kept: a whole number on the scale is a float there


def save(name: str, data: Mapping[str, Any], *, base: Base, as_next: bool = False) -> Rubric:
    """The rubric with these data, saved: the newest version itself while nothing uses it, else the next one.

    The newest as it is where the data change nothing; with `as_next` it stays though nothing uses it. `base` is what the editing began from. Raises Meanwhile where that is
    no longer the newest, BadRubric, and Rubric.DoesNotExist for a name that there is not.
    """
    if found := problems(data):
        raise BadRubric(name, found)
    try:
        with transaction.atomic():
            return _saved(name, data, base, as_next=as_next)
    except IntegrityError:  # where rows are not locked, the constraint on name and version decides who was first
        raise Meanwhile(Rubric.objects.filter(name=name).latest("version")) from None


def _saved(name: str, data: Mapping[str, Any], base: Base, *, as_next: bool) -> Rubric:
    list(Rubric.objects.select_for_update().filter(name=name).order_by("pk").values_list("pk", flat=True))
    newest = Rubric.objects.filter(name=name).latest("version")  # looked at after the lock was had
    if Base.of(newest) != base:
        raise Meanwhile(newest)
    if Rubric.of_data(name, data).as_data() == newest.as_data():
        return newest
    if as_next or use_of(newest).is_used:
        made = Rubric.of_data(name, data, version=newest.version + 1)
        made.save(force_insert=True)
        return Rubric.objects.get(pk=made.pk)
    blank = Rubric(name=name)
    for field in (*SAID, *SCALE):
        setattr(newest, field, data.get(field, getattr(blank, field)))
    newest.save(update_fields=[*SAID, *SCALE])
    return Rubric.objects.get(pk=newest.pk)
