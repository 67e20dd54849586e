"""A judge's anchor set: what it says when it is asked the same anew, and asking it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from arena.border import asked
from arena.frame import is_lead
from arena.models import Benchmark
from judging import anchors
from judging.judging_again import CannotJudge
from judging.models import Judge
from judging.views.runs import leads_only
from rating import drift


@require_safe
def judge_anchors(request, pk):
    """Each asking of a judge on one benchmark, with intervals; for leads also what another one takes. A machine's alone."""
    return _page(request, _machine_or_404(pk))


@leads_only
@require_POST
def judge_anchors_ask(request, pk):
    """Ask the judge anew: two runs on the same items."""
    judge = _machine_or_404(pk)
    benchmark = _chosen(request.POST, anchors.judged_on(judge))
    plan = anchors.asking(judge, benchmark) if benchmark else None
    if plan is None:
        messages.error(request, _("There is nothing yet that this judge could be asked again."))
        return redirect("judge_anchors", pk=pk)
    try:
        anchors.start(plan, by=request.user)
    except CannotJudge as cannot:
        messages.error(request, str(cannot))
    else:
        messages.success(request, _("Two runs are queued: the judge is asked the same twice."))
    return redirect(f"{reverse('judge_anchors', args=[pk])}?benchmark={benchmark.pk}")


def _machine_or_404(pk) -> Judge:
    return get_object_or_404(Judge.objects.filter(kind__in=Judge.WITH_ENGINE).select_related("model"), pk=pk)


def _chosen(fields, there: list[Benchmark]) -> Benchmark | None:
    """The benchmark that was asked for, else the latest; None where there is none. Raises Http404 for one that the judge has not judged on."""
    wanted = asked(fields, "benchmark")
    if not wanted:
        return there[0] if there else None
    found = next((one for one in there if str(one.pk) == wanted), None)
    if found is None:
        raise Http404
    return found


def _page(request, judge: Judge):
    there = anchors.judged_on(judge)
    benchmark = _chosen(request.GET, there)
    context = {
        "judge": judge,
        "may_drift": judge.kind in anchors.MAY_DRIFT,
        "members": [seat.member for seat in judge.seats.select_related("member")],
        "benchmarks": there,
        "benchmark": benchmark,
        "places": drift.places(benchmark, judge) if benchmark else [],
        "plan": anchors.asking(judge, benchmark) if benchmark and is_lead(request.user) else None,
        "under_way": anchors.under_way(judge, benchmark) if benchmark and is_lead(request.user) else [],
        "fewest": drift.FEWEST,
    }
    return render(request, "rating/anchors.html", context)
