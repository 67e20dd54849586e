"""What all exports share: what is wanted, what was left out and why, who people are, rows a batch at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from arena.models import Provenance
from judging.models import Grade, Judge, Preference, Run

BATCH = 200  # items read at a time

_M = TypeVar("_M", bound=Model)


class CannotExport(ValueError):
    """What is wanted is not to be had of this run; the message says why."""


@dataclass(frozen=True)
class Wanted:
    """`names`: people by their names, else as person 1, 2 …; `judges`: machines' verdicts too.

    A label wants at least `minimum` people, and at least this share of them on its side (`agreement`, 0..1).
    """

    names: bool = False
    judges: bool = False
    minimum: int = 1
    agreement: float = 0.5

    def __post_init__(self) -> None:
        if self.minimum < 1:
            raise CannotExport("minimum: at least one vote makes a label")
        if not 0 < self.agreement <= 1:
            raise CannotExport("agreement: a share above 0, at most 1, is meant")


@dataclass
class Report:
    """How much was `written`, and what was left out, by why."""

    written: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def table_of(run: Run) -> type[Grade] | type[Preference]:
    return Grade if run.is_single else Preference


def batches(rows: QuerySet[_M], *, related: Sequence[str] = (), without: Sequence[str] = ()) -> Iterator[list[_M]]:
    """The rows in the order of their ids, BATCH at a time, with the rows they point to and `without` some columns.

    A query for all ids, which are small, and one a batch: to look for the next ids again and again would sort them again.
    """
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        some = rows.model._default_manager.filter(pk__in=ids[start : start + BATCH])
        yield list(some.select_related(*related).defer(*without).order_by("pk"))


def people(run: Run, *, names: bool) -> dict[int, tuple[int, str]]:
    """For each person (by the judge's id) who voted in a run: a number from 1 in the order they began, and what to call them.

    One query.
    """
    ids = table_of(run).objects.current().by_people().filter(run=run).order_by().values("judge").distinct()
    judges = Judge.objects.filter(pk__in=ids).order_by("pk")
    return {
        judge.pk: (number, str(judge) if names else f"person {number}") for number, judge in enumerate(judges, start=1)
    }


def origin(run: Run) -> dict[str, str]:
    """What a file says of judgments that were not made here by people and judges at work: imported, of the demo, a dry run."""
    return {} if run.provenance == Provenance.REAL else {"provenance": run.provenance}


def json_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def json_list(values: Iterable[Any]) -> Iterator[str]:
    """One JSON list, an item a line."""
    ahead = "[\n"
    for value in values:
        yield ahead + json.dumps(value, ensure_ascii=False)
        ahead = ",\n"
    yield "[]\n" if ahead == "[\n" else "\n]\n"
