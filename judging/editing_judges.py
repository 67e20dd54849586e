"""Machine judges saved by people: a used one becomes its next version, and of two leads at once the second is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from arena.locking import mark_of
from arena.models import LanguageModel, Provenance
from judging.models import Grade, Judge, Preference, Seat

FIELDS = ("name", "version", "kind", "model", "options")


@dataclass(frozen=True)
class Member:
    """Who sits in a panel or cascade, in the order of the list; in a panel with this weight."""

    judge: Judge
    weight: float = 1.0


@dataclass(frozen=True)
class Said:
    """What a form says of a judge."""

    name: str
    kind: str
    model: LanguageModel | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    members: Sequence[Member] = ()

    @property
    def provenance(self) -> str:
        """A judge whose model belongs to a demo is one of the demo."""
        demo = any(one and one.provenance == Provenance.DEMO for one in (self.model, *(m.judge for m in self.members)))
        return Provenance.DEMO if demo else Provenance.REAL


class Meanwhile(Exception):
    """Somebody else saved first: `newest` is what they wrote."""

    def __init__(self, newest: Judge) -> None:
        super().__init__(f"{newest} was saved meanwhile")
        self.newest = newest


class NameTaken(ValueError):
    """Another judge has this name; `newest` is its newest version."""

    def __init__(self, newest: Judge) -> None:
        super().__init__(f"there is a judge {newest.name}")
        self.newest = newest


@dataclass(frozen=True)
class Use:
    """What a judge was used for; `runs` counts those set up with it or with a panel it sits in."""

    runs: int
    is_used: bool


def newest_of(name: str) -> Judge | None:
    """The newest version of a judge. One query."""
    return Judge.objects.filter(name=name).order_by("-version").first()


def use_of(judge: Judge) -> Use:
    """What this version was used for, by itself or in a panel. Three queries, and one for each level of panels around it."""
    everywhere = around(judge)
    runs = sum(one.runs.count() for one in everywhere)
    said = any(table.objects.filter(judge__in=everywhere).exists() for table in (Preference, Grade))
    return Use(runs, bool(runs or said or any(one.frozen_at for one in everywhere)))


def around(judge: Judge) -> list[Judge]:
    """The judge, and all panels and cascades that it sits in."""
    found, ahead = {judge.pk: judge}, [judge.pk]
    while ahead:
        panels = [one for one in Judge.objects.filter(seats__member__in=ahead) if one.pk not in found]
        found |= {one.pk: one for one in panels}
        ahead = [one.pk for one in panels]
    return list(found.values())


def mark(judge: Judge) -> str:
    """A text that changes whenever the judge or its seats do, or a next version is made. Two queries."""
    seats = list(judge.seats.values_list("member", "weight", "position"))
    newest = Judge.objects.filter(name=judge.name).order_by("-version").values_list("version", flat=True).first()
    return f"{mark_of(judge, FIELDS)}-{newest}-{_digest(seats)}"


def _digest(seats: list) -> str:
    return hashlib.sha256(repr(seats).encode()).hexdigest()[:16]


def create(said: Said) -> Judge:
    """A new judge, saved. Raises NameTaken."""
    try:
        with transaction.atomic():
            if there := newest_of(said.name):
                raise NameTaken(there)
            return _made(said, 1)
    except IntegrityError:
        raise NameTaken(Judge.objects.filter(name=said.name).latest("version")) from None


def save(judge: Judge, said: Said, *, base: str, as_next: bool = False) -> Judge:
    """The judge as it is said now, saved: the row itself while nothing uses it, else a next version, which may have another name.

    As it is where nothing changes; with `as_next` it stays though nothing uses it. `base` is the `mark` that the editing began from. Raises Meanwhile, NameTaken.
    """
    try:
        with transaction.atomic():
            return _saved(judge, said, base, as_next=as_next)
    except IntegrityError:
        raise Meanwhile(Judge.objects.filter(name=judge.name).latest("version")) from None


def _saved(judge: Judge, said: Said, base: str, *, as_next: bool) -> Judge:
    list(Judge.objects.select_for_update().filter(name__in={judge.name, said.name}).order_by("pk").values_list("pk"))
    held = Judge.objects.select_related("model").get(pk=judge.pk)
    if mark(held) != base:
        raise Meanwhile(Judge.objects.filter(name=held.name).latest("version"))
    if said.name != held.name and (there := newest_of(said.name)):
        raise NameTaken(there)
    if said == said_of(held):
        return held
    if as_next or use_of(held).is_used:
        newest = newest_of(said.name)
        return _made(said, newest.version + 1 if newest else 1)
    held.name, held.model, held.options, held.provenance = said.name, said.model, dict(said.options), said.provenance
    held.save(update_fields=["name", "model", "options", "provenance"])
    held.seats.all().delete()
    _seat(held, said.members)
    return held


def said_of(judge: Judge) -> Said:
    """What a form would have to say to get this judge. One query for panels."""
    seats = judge.seats.select_related("member") if judge.kind in Judge.COMPOSED else ()
    members = tuple(Member(seat.member, seat.weight) for seat in seats)
    return Said(judge.name, str(judge.kind), judge.model if judge.model_id else None, judge.options, members)


def _made(said: Said, version: int) -> Judge:
    judge = Judge.objects.create(
        name=said.name,
        version=version,
        kind=said.kind,
        model=said.model,
        options=dict(said.options),
        provenance=said.provenance,
    )
    _seat(judge, said.members)
    return judge


def _seat(judge: Judge, members: Sequence[Member]) -> None:
    Seat.objects.bulk_create(
        Seat(panel=judge, member=member.judge, weight=member.weight, position=place)
        for place, member in enumerate(members)
    )
