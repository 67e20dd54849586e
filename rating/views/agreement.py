"""Pages of agreement: how far judges agree, what each machine judge is worth, one judge. Reading computes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from arena.border import asked
from arena.frame import is_lead
from arena.models import Benchmark
from arena.sheets import as_csv
from judging.models import Judge
from rating import boards, comparing, crossing, learning, worth
from rating.boards import Agreements
from rating.models import Agreement, Snapshot
from rating.seen import Seen


@require_safe
def agreement(request, pk):
    """How far judges agree on a benchmark by its newest snapshot; filters, and the two who are crossed, in the address."""
    found, more = _newest(request, pk)
    return _agreement_page(request, found, is_newest=True, more=more)


@require_safe
def snapshot_agreement(request, pk):
    """The same by one snapshot, for ever."""
    return _agreement_page(request, _of_snapshot(request, pk), is_newest=False)


def _newest(request, pk: int) -> tuple[Agreements, datetime | None]:
    """The rows of the newest snapshot that this reader may see, and when newer ones follow that are kept back."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    seen = Seen.of(request.user, benchmark)
    newest = seen.latest(benchmark)
    rows = boards.agreement_rows(benchmark, snapshot=newest) if newest else Agreements(benchmark, None, [])
    return rows, seen.more(benchmark)


def _of_snapshot(request, pk: int) -> Agreements:
    """The rows of agreement of a snapshot."""
    found = Seen.of(request.user).snapshot(pk)
    return boards.agreement_rows(found.leaderboard.benchmark, snapshot=found)


def _agreement_page(request, found: Agreements, *, is_newest: bool, more: datetime | None = None):
    filters = comparing.Filters.of(found, {name: asked(request.GET, name) for name in comparing.FILTERS})
    context: dict[str, Any] = {
        "benchmark": found.benchmark,
        "snapshot": found.snapshot,
        "is_newest": is_newest,
        "is_held": more is not None,
        "more": more,
        "page": comparing.page(filters.applied(found)),
        "filters": filters,
        "has_any": bool(found.rows),
    }
    if found.snapshot and found.rows:
        context |= _crossed(request, found, filters)
    return render(request, "rating/agreement.html", context)


def _crossed(request, found: Agreements, filters: comparing.Filters) -> dict[str, Any]:
    """The matrix, the confusion asked for, and the leanings. Two queries."""
    told = crossing.kept(found.snapshot)
    category = filters.category and filters.category.pk
    names = {**{str(pk): name for pk, name in filters.judges}, **found.snapshot.judges}
    known = crossing.Crossed.of(
        told, names=names, kind=filters.matrix_kind, category=category, names_people=is_lead(request.user)
    )
    one, other = (_number(asked(request.GET, name)) for name in ("one", "other"))
    health = found.snapshot.health.filter(category=None).order_by("pk")
    return {
        "matrix": known.matrix(found.rows),
        "confusion": known.confusion(one, other) if one is not None and other is not None else None,
        "is_crossed": one is not None and other is not None,
        "leanings": known.leanings(found.rows, health) if filters.matrix_kind == Agreement.Kind.PREFERENCE else [],
    }


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


@require_safe
def agreement_export(request, pk, format_):
    """The whole table of the newest snapshot, as CSV or JSON: what the command `agreement` prints."""
    return _exported(_newest(request, pk)[0], format_)


@require_safe
def snapshot_agreement_export(request, pk, format_):
    """The whole table of one snapshot, for ever."""
    return _exported(_of_snapshot(request, pk), format_)


def _exported(found: Agreements, format_: str) -> HttpResponse:
    told = found.as_json()
    digest = found.snapshot.digest[:8] if found.snapshot else "empty"
    if format_ == "json":
        response: HttpResponse = JsonResponse(told, json_dumps_params={"ensure_ascii": False})
    elif format_ == "csv":
        names = ("category", "judges", *boards.NUMBERS)
        text = as_csv(names, [[row[name] for name in names] for row in told["rows"]])
        response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    else:
        raise Http404
    response["Content-Disposition"] = f'attachment; filename="agreement-{found.benchmark.pk}-{digest}.{format_}"'
    return response


@require_safe
def trust(request, pk):
    """What each machine judge of a benchmark is worth: whether it is trusted where, and what it costs."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    seen = Seen.of(request.user, benchmark)
    return _trust_page(request, benchmark, seen.latest(benchmark), is_newest=True, more=seen.more(benchmark))


@require_safe
def snapshot_trust(request, pk):
    """The same by one snapshot, for ever."""
    found = Seen.of(request.user).snapshot(pk)
    return _trust_page(request, found.leaderboard.benchmark, found, is_newest=False)


def _trust_page(
    request, benchmark: Benchmark, snapshot: Snapshot | None, *, is_newest: bool, more: datetime | None = None
):
    panel = worth.judges(benchmark, snapshot=snapshot) if snapshot else worth.Panel(benchmark, None, [])
    context = {"benchmark": benchmark, "snapshot": panel.snapshot, "panel": panel, "is_newest": is_newest}
    return render(request, "rating/health.html", {**context, "is_held": more is not None, "more": more})


@require_safe
def judge(request, pk):
    """One judge: what it is, what it said, what it is worth. People with an account are named to leads only."""
    known = Judge.objects.select_related("model")
    found = get_object_or_404(known if is_lead(request.user) else known.exclude(kind=Judge.Kind.PERSON), pk=pk)
    context = comparing.judge_page(found, Seen.of(request.user))
    if found.kind in learning.LEARNERS:
        context |= {
            "learnt": learning.learnt_by(found),
            "is_unlearnt": bool(Judge.objects.filter(pk=found.pk).unlearnt()),
            "may_learn_on": learning.places(found) if is_lead(request.user) else [],
        }
    return render(request, "rating/judge.html", context)
