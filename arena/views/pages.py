"""Pages of what is judged: benchmarks, their questions, the models."""

from collections import defaultdict
from statistics import median

from django.conf import settings
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from arena.border import asked
from arena.models import Answer, Benchmark, Category, LanguageModel, Question

PAGE = 50


@require_POST
def theme(request):
    """Remember the theme the reader chose, and go back to where they were."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    chosen = request.POST.get("theme", "")
    response.set_cookie("theme", chosen if chosen in ("light", "dark") else "", max_age=365 * 24 * 3600, samesite="Lax")
    return response


@require_GET
def health(request):
    """Whether the site can reach its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ok": True, "version": settings.VERSION, "database": connection.vendor})


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
    """One benchmark's questions by category; filters and page live in the address."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    chosen = {name: asked(request.GET, name) for name in ("category", "language", "text")}
    found = matching(benchmark.questions.select_related("category"), **chosen)
    found = found.annotate(answer_count=Count("answers", filter=Q(answers__error="")))
    page = Paginator(found.order_by("category__position", "category__key", "position", "pk"), PAGE)
    context = {
        "benchmark": benchmark,
        "chosen": chosen,
        "page": page.get_page(request.GET.get("page")),
        "categories": Category.objects.filter(questions__benchmark=benchmark).distinct(),
        "languages": benchmark.questions.order_by("language").values_list("language", flat=True).distinct(),
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


@require_GET
def model(request, pk):
    """All that is known of one model: who it is, its answers and their speed, its latest ratings."""
    model = get_object_or_404(LanguageModel, pk=pk)
    ratings = latest_ratings(model)
    context = {
        "model": model,
        "benchmarks": answers_by_benchmark(model),
        "ratings": ratings,
        "provenance": sorted(
            {model.provenance, *(p for rating in ratings for p in rating.snapshot.provenances)} - {"real"}
        ),
    }
    return render(request, "arena/model.html", context)


def latest_ratings(model) -> list:
    """The model's Bradley–Terry ratings in each board's current snapshot, by benchmark, category and source. One query."""
    current = model.ratings.filter(snapshot__leaderboard__current=F("snapshot"))
    found = current.filter(method="bt", source__in=("people", "judges", "all"))
    found = found.select_related("category", "snapshot__leaderboard__benchmark")
    return list(
        found.order_by(
            "snapshot__leaderboard__benchmark__name", F("category__position").asc(nulls_first=True), "source"
        )
    )


def answers_by_benchmark(model) -> list[dict]:
    """For each benchmark the model answered: how many answers are good and how many failed, and their speed. Two queries.

    `seconds` and `first_token` are medians in seconds, `per_second` the median of tokens a second; None where not measured.
    """
    columns = ("question__benchmark", "error", "seconds", "first_token_s", "tokens_out")
    rows = defaultdict(list)
    for benchmark, *row in model.answers.order_by().values_list(*columns):
        rows[benchmark].append(row)
    return [{"benchmark": one, **speed(rows[one.pk])} for one in Benchmark.objects.filter(pk__in=rows)]


def speed(rows: list[list]) -> dict:
    """Counts and medians of (error, seconds, first_token_s, tokens_out) rows."""
    good = [row for row in rows if not row[0]]
    rates = [tokens / seconds for _, seconds, _, tokens in good if seconds and tokens]
    return {
        "good": len(good),
        "failed": len(rows) - len(good),
        "timed": sum(row[1] is not None for row in good),
        "seconds": _median(row[1] for row in good),
        "first_token": _median(row[2] for row in good),
        "per_second": _median(rates),
    }


def _median(values) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
