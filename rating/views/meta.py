"""Pages of judges beside people's words: the tests there are, one test, and putting another judge to it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from arena.border import asked
from arena.frame import is_lead
from arena.models import Benchmark
from judging.access import runs_seen_by
from judging.run_estimate import Estimate
from judging.views.runs import leads_only
from rating import meta, meta_page
from rating.meta_form import MetaForm
from rating.seen import Seen

PAGE = 50
FIELDS = ("flips", "unread", "category", "sort", "judge")


@require_safe
def meta_evaluations(request):
    """The benchmarks that hold people's words on pairs, and how public judge tests are loaded. Two queries."""
    found = list(meta_page.with_truth(Benchmark.objects.all()))
    return render(request, "rating/meta_evaluations.html", {"benchmarks": found, "tests": meta_page.TESTS})


@require_safe
def meta_evaluation(request, pk):
    """The machine judges of a benchmark beside what most people say: policy, category, order and judge are in the address."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    wanted = meta_page.Wanted.of({name: asked(request.GET, name) for name in FIELDS})
    context: dict[str, Any] = {
        "benchmark": benchmark,
        "tests": meta_page.TESTS,
        "under_way": meta_page.under_way(benchmark, runs_seen_by(request.user)),
        "is_held": Seen.of(request.user, benchmark).is_held(benchmark),
    }
    if not context["is_held"] and (told := meta_page.figures(benchmark, wanted)) is not None:
        found = meta_page.page(told, wanted)
        context |= {
            "found": found,
            "provenance": told.provenances,
            "page": Paginator(found.lines, PAGE).get_page(request.GET.get("page")),
            "pairs": told.pairs if is_lead(request.user) else meta_page.unnamed(told.pairs, told.people),
        }
    return render(request, "rating/meta_evaluation.html", context)


@require_safe
def meta_export(request, pk, format_):
    """All judges in all categories, as the command `meta` prints them: CSV or JSON."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    Seen.of(request.user, benchmark).votes_of(benchmark)
    policy = meta_page.Wanted.of({name: asked(request.GET, name) for name in FIELDS}).policy
    found = meta_page.comparison(benchmark, policy)
    if format_ == "json":
        told = found if is_lead(request.user) else meta_page.without_names(found)
        response: HttpResponse = JsonResponse(told.as_json(), json_dumps_params={"ensure_ascii": False})
    elif format_ == "csv":
        response = HttpResponse(meta.as_csv(found), content_type="text/csv; charset=utf-8")
    else:
        raise Http404
    name = f"meta-{benchmark.pk}-{policy.flips}-{policy.unread}.{format_}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@leads_only
@require_http_methods(["GET", "POST"])
def meta_new(request, pk):
    """Put a judge to this test: a GET tells what it takes, writing nothing; a POST starts the run."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    votes = meta_page.labelled(benchmark)
    context = {"benchmark": benchmark, "labelled": votes.values("battle").distinct().count()}
    if request.method == "GET":
        form = MetaForm(request.GET if "judge" in request.GET else None, benchmark=benchmark)
        estimate = _estimate(form) if context["labelled"] and form.is_bound and form.is_valid() else None
        return render(request, "rating/meta_new.html", {**context, "form": form, "estimate": estimate})
    form = MetaForm(request.POST, benchmark=benchmark)
    if context["labelled"] and form.is_valid():
        with transaction.atomic():
            run_form = form.run_form()
            run = run_form.start(request.user) if run_form.is_valid() and run_form.has_work() else None
            transaction.set_rollback(run is None)
        if run is not None:
            messages.success(request, _("The run is set up; its figures will be on the page of this test."))
            return redirect("run", pk=run.pk)
        form.take_over(run_form)
    return render(request, "rating/meta_new.html", {**context, "form": form, "estimate": None}, status=422)


def _estimate(form: MetaForm) -> Estimate | None:
    """What the run would take; None where the form says why there can be none. A rubric that it needs is not kept."""
    with transaction.atomic():
        run_form = form.run_form()
        told = run_form.estimate if run_form.can_be_estimated else None
        transaction.set_rollback(True)
    if told is None:
        form.take_over(run_form)
    return told
