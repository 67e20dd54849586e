"""Rubrics as lists show them: who sees which, how much each is used, what it took up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from arena.frame import is_lead, is_viewer
from judging.access import runs_seen_by
from judging.models import BadCase, Rubric


@dataclass(frozen=True)
class Named:
    """All versions of one rubric: the newest, how many there are, and how many runs they were used by."""

    newest: Rubric
    versions: int
    runs: int
    provenances: list[str]

    @property
    def ways(self) -> str:
        """How it marks, as a word: "template", "points", "dimensions", "variants" or "overall"."""
        rubric = self.newest
        for way in ("template", "points", "dimensions", "variants"):
            if getattr(rubric, way):
                return way
        return "overall"


def seen_by(user: Any) -> QuerySet[Rubric]:
    """Leads and viewers see every rubric; everybody else those of the runs that they may see. At most two queries."""
    if is_lead(user) or is_viewer(user):
        return Rubric.objects.all()
    return Rubric.objects.filter(pk__in=runs_seen_by(user).values("rubric"))


def listed(user: Any) -> list[Named]:
    """Every rubric that this person sees, by name. Two queries more than `seen_by`, whatever there is."""
    runs: dict[int, list[tuple[str, int]]] = {}
    told = runs_seen_by(user).order_by().values_list("rubric", "provenance").annotate(n=Count("pk"))
    for rubric, provenance, n in told:
        runs.setdefault(rubric, []).append((provenance, n))
    by_name: dict[str, list[Rubric]] = {}
    for one in seen_by(user).order_by("name", "-version"):
        by_name.setdefault(one.name, []).append(one)
    found = []
    for versions in by_name.values():
        used = [pair for one in versions for pair in runs.get(one.pk, ())]
        found.append(
            Named(
                versions[0],
                len(versions),
                sum(n for _provenance, n in used),
                sorted({word for word, _n in used} - {"real"}),
            )
        )
    return found


def versions_of(rubric: Rubric, user: Any) -> list[Rubric]:
    """All versions of this name that the person sees, the newest first, each with `n_runs`. One query more than `seen_by`."""
    versions = seen_by(user).filter(name=rubric.name).annotate(n_runs=Count("runs"))
    return list(versions.order_by("-version").only("pk", "name", "version", "created_at", "frozen_at"))


def bad_cases_of(rubric: Rubric) -> list[BadCase]:
    """The bad cases that this version took up. One query."""
    return list(rubric.bad_cases.select_related("question__benchmark", "question__category")[:100])
