"""A run's recipe as what the form for a new run starts from: to do the same again, in part, or by another rubric."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from judging.baselines import lines_of
from judging.models import Judge, Rubric, Run
from judging.run_form import RunForm
from judging.voting import Voting
from judging.voting_form import as_initial

LONGEST = 200


def copy_of(
    run: Run,
    user: Any = None,
    *,
    rubric: Rubric | None = None,
    keys: Iterable[str] | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """What the form starts from for a run like this one: by another `rubric`, on the questions of these `keys` alone, if given.

    People may be asked again, judges of people's imported votes may not. Give it to `form_of`, whose form can be shown, checked
    and started. Two queries.
    """
    chosen = list(keys) if keys is not None else list(run.limits.get("keys", ()))
    judges = list(run.judges.filter(kind__in=Judge.WITH_ENGINE).values_list("pk", flat=True))
    people = not judges
    return {
        **as_initial(Voting.of(run)),
        "name": (name or _("%(name)s, again") % {"name": run.name})[:LONGEST],
        "benchmark": run.benchmark_id,
        "mode": run.mode,
        "candidates": list(run.candidates.values_list("pk", flat=True)),
        "baseline": run.baseline_id,
        "baselines": lines_of(run.baselines),
        "collects": run.collects,
        "questions": None if keys is not None else run.limits.get("questions"),
        "keys": "\n".join(chosen),
        "people": people,
        "judges": [] if people else judges,
        "rubric": (rubric or run.rubric).pk,
        "order": run.order,
        "turns": run.turns,
        "pairs": run.limits.get("pairs"),
        "voted": run.is_voted,
        "samples": run.limits.get("samples"),
        "concurrency": run.limits.get("concurrency"),
        "budget": run.budget,
        "seed": run.seed,
        "fresh": not run.cache,
    }


def form_of(initial: Mapping[str, Any]) -> RunForm:
    """The form filled in with this, as if it had been posted, and looked through: `is_valid`, `estimate` and `start` work."""
    form = RunForm(posted(initial))
    form.full_clean()
    return form


def posted(initial: Mapping[str, Any]) -> QueryDict:
    """These values as a browser would post them; None, False and empty ones are left out."""
    data = QueryDict(mutable=True)
    for name, value in initial.items():
        if isinstance(value, list | tuple | set):
            data.setlist(name, [str(one) for one in value])
        elif value is True:
            data[name] = "on"
        elif value is not None and value is not False and value != "":
            data[name] = str(value)
    data["ballot"] = data.get("ballot", "")
    return data
