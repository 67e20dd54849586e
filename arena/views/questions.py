"""Adding, changing and removing the questions of a benchmark that was not judged yet. Leads only."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import Max
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from arena.editing import leads_only
from arena.models import Benchmark, Category, Question
from arena.question_form import QuestionForm
from arena.versioning import is_settled


@leads_only
@require_http_methods(["GET", "POST"])
@transaction.atomic
def question_new(request, pk):
    """Add a question to a benchmark; one that was judged gets a new version instead."""
    benchmark = get_object_or_404(Benchmark.objects.select_for_update(), pk=pk)
    if is_settled(benchmark):
        return _next_version(request, benchmark)
    blank = Question(benchmark=benchmark)
    form = QuestionForm(request.POST or None, instance=blank, initial={"language": "en"})
    if request.method == "POST" and form.is_valid():
        question = form.save(commit=False)
        question.position = 1 + (benchmark.questions.aggregate(last=Max("position"))["last"] or 0)
        question.save()
        messages.success(request, _("The question is added."))
        return redirect("question_new" if "again" in request.POST else "benchmark", pk=pk)
    context = {"form": form, "benchmark": benchmark, "has_categories": Category.objects.exists()}
    return render(request, "arena/question_edit.html", context, status=422 if form.errors else 200)


@leads_only
@require_http_methods(["GET", "POST"])
@transaction.atomic
def question_edit(request, pk):
    """Change a question. Answers to other words than it has now are dropped, once the lead has said so."""
    question = get_object_or_404(Question.objects.select_related("benchmark"), pk=pk)
    benchmark = Benchmark.objects.select_for_update().get(pk=question.benchmark_id)
    if is_settled(benchmark):
        return _next_version(request, benchmark)
    form = QuestionForm(request.POST or None, instance=question)
    if request.method == "POST" and form.is_valid():
        if form.changes_words:
            question.answers.all().delete()
        form.save()
        messages.success(request, _("The question is saved."))
        return redirect("benchmark", pk=benchmark.pk)
    saved = Question.objects.get(pk=pk)
    context = {
        "form": form,
        "benchmark": benchmark,
        "question": saved,
        "answers": saved.answers.count(),
        "has_categories": True,
    }
    return render(request, "arena/question_edit.html", context, status=422 if form.errors else 200)


@leads_only
@require_POST
@transaction.atomic
def question_delete(request, pk):
    """Remove a question with its answers, from a benchmark that was not judged."""
    question = get_object_or_404(Question, pk=pk)
    benchmark = Benchmark.objects.select_for_update().get(pk=question.benchmark_id)
    if is_settled(benchmark):
        return _next_version(request, benchmark)
    question.delete()
    messages.success(request, _("The question and its answers are removed."))
    return redirect("benchmark", pk=benchmark.pk)


def _next_version(request, benchmark: Benchmark):
    """What was judged does not change: where the next version is made, with a word why."""
    messages.info(
        request, _("Answers to this benchmark were judged, so that its questions stay. Make its next version.")
    )
    return redirect("benchmark_version", pk=benchmark.pk)
