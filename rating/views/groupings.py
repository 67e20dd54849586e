"""Groupings: other sortings of the categories into kinds. For leads only."""

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from arena.border import asked
from judging.views.runs import leads_only
from rating import groupings as kinds
from rating.asking import ask, boards_with
from rating.grouping_form import GroupingForm
from rating.models import Grouping, Leaderboard
from rating.views.with_rows import edited

MOST_BYTES = 1_000_000
MOST_PROBLEMS = 100


@leads_only
@require_GET
def groupings(request):
    """All groupings, with the boards that use each and the categories in none of their kinds. Three queries."""
    return render(request, "rating/groupings.html", _listed())


def _listed(**more):
    used = {}
    for board in Leaderboard.objects.select_related("benchmark"):
        used.setdefault(board.recipe.get("grouping"), []).append(board)
    keys = [category.key for category in kinds.ordinary()]
    rows = [(one, used.get(one.name, []), kinds.unsorted(one, keys)) for one in Grouping.objects.all()]
    return {"rows": rows, **more}


@leads_only
@require_http_methods(["GET", "POST"])
@transaction.atomic
def grouping_new(request):
    """Set up a grouping."""
    return _edited(request, None)


@leads_only
@require_http_methods(["GET", "POST"])
@transaction.atomic
def grouping_edit(request, pk):
    """Change a grouping; a snapshot of each board that uses it is asked for."""
    return _edited(request, get_object_or_404(Grouping, pk=pk))


def _edited(request, grouping):
    def saved(row):
        messages.success(request, _("The grouping %(name)s is saved.") % {"name": row.title})
        return redirect("groupings")

    form_of = partial(GroupingForm, instance=grouping)
    return edited(request, form_of, parts="kinds", page=partial(_page, request), saved=saved)


def _page(request, form, *, status=200, is_checked=True):
    grouping = form.instance if form.instance.pk else None
    used = boards_with("grouping", grouping.name) if grouping else []
    context = {"form": form, "grouping": grouping, "used": used, "checking": not is_checked}
    return render(request, "rating/grouping_edit.html", context, status=status)


@leads_only
@require_POST
@transaction.atomic
def grouping_import(request):
    """Make a grouping of a file, or put the file's kinds in the place of those it has; nothing where anything is wrong."""
    name = asked(request.POST, "name")
    file = request.FILES.get("file")
    try:
        found = _read(name, file)
    except kinds.BadGrouping as error:
        context = _listed(problems=error.problems[:MOST_PROBLEMS], file=file.name if file else "", name=name)
        return render(request, "rating/groupings.html", context, status=422)
    grouping, is_new = Grouping.objects.select_for_update().get_or_create(name=name)
    grouping.kinds = found
    grouping.save(update_fields=["kinds"])
    kinds.refresh(grouping)
    ask(board.benchmark_id for board in boards_with("grouping", name))
    told = _("The grouping %(name)s is loaded.") if is_new else _("The kinds of %(name)s are those of the file now.")
    messages.success(request, told % {"name": name})
    return redirect("grouping_edit", pk=grouping.pk)


def _read(name, file):
    """The kinds of the uploaded file. Raises BadGrouping."""
    problems = [kinds.Problem(None, "name", reason) for reason in [kinds.name_problem(name)] if reason]
    if file is None:
        problems.append(kinds.Problem(None, "file", _("is missing")))
    elif file.size > MOST_BYTES:
        problems.append(kinds.Problem(None, "file", _("is larger than 1 MB")))
    if problems:
        raise kinds.BadGrouping(problems)
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise kinds.BadGrouping([kinds.Problem(line, "file", _("is not UTF-8"))]) from None
    return kinds.read(text.replace("\0", ""), name=name)


@leads_only
@require_GET
def grouping_export(request, pk, format_):
    """The grouping as a file, which can be loaded again."""
    grouping = get_object_or_404(Grouping, pk=pk)
    written = {"csv": (kinds.as_csv, "text/csv"), "json": (kinds.as_json, "application/json")}.get(format_)
    if written is None:
        raise Http404
    make, content_type = written
    headers = {"Content-Disposition": f'attachment; filename="{grouping.name}.{format_}"'}
    return HttpResponse(make(grouping), content_type=f"{content_type}; charset=utf-8", headers=headers)
