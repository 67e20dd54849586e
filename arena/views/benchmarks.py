"""Pages of the benchmarks: what each holds for everybody; making, changing and the next version for leads."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from arena import versioning
from arena.benchmark_form import BenchmarkForm, VersionForm
from arena.border import asked
from arena.editing import leads_only
from arena.frame import is_lead
from arena.models import UNFINISHED, UNPUBLISHED, Answer, Benchmark, Category, Question

PAGE = 50
MOST_CHANGES = 200


@require_GET
def benchmarks(request):
    """All benchmarks, with how much they hold. Three queries or fewer, whatever their number."""
    found = Benchmark.objects.annotate(
        question_count=_count(Question, "benchmark", "pk"),
        category_count=_count(Question, "benchmark", "category"),
        answer_count=_count(Answer.objects.ok(), "question__benchmark", "pk"),
        model_count=_count(Answer.objects.ok(), "question__benchmark", "model"),
    )
    return render(request, "arena/benchmarks.html", {"benchmarks": found})


def _count(rows, of: str, what: str):
    """How many different `what` there are among the rows of one benchmark, as a column."""
    rows = getattr(rows, "objects", rows)
    counted = (
        rows.filter(**{of: OuterRef("pk")}).order_by().values(of).annotate(n=Count(what, distinct=True)).values("n")
    )
    return Coalesce(Subquery(counted), 0)


@require_GET
def benchmark(request, pk):
    """One benchmark's questions by category, who answered them, and its versions; filters and page live in the address."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    chosen = {name: asked(request.GET, name) for name in ("category", "language", "text")}
    found = matching(benchmark.questions.select_related("category"), **chosen)
    found = found.annotate(answer_count=Count("answers", filter=Q(answers__error="")))
    page = Paginator(found.order_by("category__position", "category__key", "position", "pk"), PAGE)
    versions = versioning.versions_of(benchmark)
    context = {
        "benchmark": benchmark,
        "chosen": chosen,
        "page": page.get_page(request.GET.get("page")),
        "categories": Category.objects.filter(questions__benchmark=benchmark).distinct(),
        "languages": benchmark.questions.order_by("language").values_list("language", flat=True).distinct(),
        "versions": list(zip(versions, [None, *versions], strict=False)) if len(versions) > 1 else [],
        "coverage": coverage(benchmark) if _may_see_who(request.user, benchmark) else [],
        "may_add": is_lead(request.user) and not benchmark.frozen_at,
    }
    return render(request, "arena/benchmark.html", context)


def matching(questions, *, category: str, language: str, text: str):
    """The questions of this category key and language with this text in their key or turns; empty means any."""
    if category:
        questions = questions.filter(category__key=category)
    if language:
        questions = questions.filter(language=language)
    if text:
        # By turn, not over the column: its JSON may hold Chinese as escapes.
        in_turns = Q(turns__0__icontains=text) | Q(turns__1__icontains=text)
        questions = questions.filter(Q(key__icontains=text) | in_turns)
    return questions


def _may_see_who(user, benchmark: Benchmark) -> bool:
    """Whether this reader may see who answered: leads always, others while nobody is asked to vote on it. One query."""
    return is_lead(user) or not benchmark.runs.filter(status="open").exists()


def coverage(benchmark: Benchmark) -> list[dict]:
    """For each model that was asked: of how many questions its answer is good, failed or unpublished, and how many it lacks.

    `missing` counts the questions without any row but an unfinished one: nothing was asked, or nothing came from a file. Two
    queries.
    """
    total = benchmark.questions.count()
    told = Answer.objects.filter(question__benchmark=benchmark).exclude(error=UNFINISHED)
    rows = told.order_by("model__name", "model__version")
    good, unpublished = Q(error=""), Q(error=UNPUBLISHED)
    counted = rows.values("model", "model__name", "model__version").annotate(
        good=Count("question", distinct=True, filter=good),
        unpublished=Count("question", distinct=True, filter=unpublished),
        failed=Count("question", distinct=True, filter=~(good | unpublished)),
        told=Count("question", distinct=True),
        answers=Count("pk", filter=good),
    )
    return [{**row, "total": total, "missing": total - row["told"]} for row in counted]


@leads_only
@require_http_methods(["GET", "POST"])
def benchmark_new(request):
    """Make an empty benchmark; its questions are typed or uploaded afterwards."""
    form = BenchmarkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        benchmark = form.save()
        messages.success(request, _("The benchmark is made. Add its questions."))
        return redirect("benchmark", pk=benchmark.pk)
    return render(request, "arena/benchmark_edit.html", {"form": form}, status=422 if form.errors else 200)


@leads_only
@require_http_methods(["GET", "POST"])
@transaction.atomic
def benchmark_edit(request, pk):
    """Change how a benchmark is called and described. What somebody else saved meanwhile is shown first."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    is_settled = versioning.is_settled(benchmark)
    form = BenchmarkForm(request.POST or None, instance=benchmark, is_settled=is_settled)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("The benchmark is saved."))
        return redirect("benchmark", pk=pk)
    saved = Benchmark.objects.get(pk=pk)
    context = {
        "form": form,
        "benchmark": saved,
        "is_settled": is_settled,
        "is_empty": not saved.questions.exists(),
    }
    return render(request, "arena/benchmark_edit.html", context, status=422 if form.errors else 200)


@leads_only
@require_POST
@transaction.atomic
def benchmark_delete(request, pk):
    """Delete a benchmark that has no questions, and that no run or board names."""
    benchmark = get_object_or_404(Benchmark.objects.select_for_update(), pk=pk)
    if benchmark.questions.exists() or benchmark.runs.exists() or versioning.is_settled(benchmark):
        messages.error(request, _("The benchmark stays: only one without questions and runs can be deleted."))
        return redirect("benchmark_edit", pk=pk)
    benchmark.delete()
    messages.success(request, _("The benchmark is deleted."))
    return redirect("benchmarks")


@leads_only
@require_http_methods(["GET", "POST"])
def benchmark_version(request, pk):
    """Make the next version: a copy of the questions, and of the answers where the lead wants them."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    initial = {"version": versioning.next_version(benchmark), "answers": True}
    form = VersionForm(request.POST or None, benchmark=benchmark, initial=initial)
    if request.method == "POST" and form.is_valid():
        copied = versioning.copy(benchmark, form.cleaned_data["version"], answers=form.cleaned_data["answers"])
        text = _("%(benchmark)s is made: %(questions)d questions and %(answers)d answers were copied.")
        told = {"benchmark": copied.benchmark, "questions": copied.questions, "answers": copied.answers}
        messages.success(request, text % told)
        return redirect("benchmark", pk=copied.benchmark.pk)
    context = {
        "form": form,
        "benchmark": benchmark,
        "questions": benchmark.questions.count(),
        "answers": Answer.objects.ok().filter(question__benchmark=benchmark).count(),
        "is_settled": versioning.is_settled(benchmark),
    }
    return render(request, "arena/benchmark_version.html", context, status=422 if form.errors else 200)


@require_GET
def benchmark_changes(request, pk, other):
    """What changed from one version of a benchmark (`other`) to this one, question by question."""
    new = get_object_or_404(Benchmark, pk=pk)
    old = get_object_or_404(Benchmark, pk=other, name=new.name)
    found = versioning.changes(old, new)
    context = {"benchmark": new, "old": old, "changes": found, "most": MOST_CHANGES}
    return render(request, "arena/benchmark_changes.html", context)
