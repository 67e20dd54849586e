"""Pages of gold items: what is gold in a run, what could be, adding, removing, and loading from a file. Leads only."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from arena.border import asked
from judging import gold_files, golding
from judging.gold_form import GoldForm
from judging.models import Gold, Run
from judging.views.runs import leads_only, of_our_own
from judging.voting import Voting

PAGE = 50
MOST_FOUND = 20
MOST_PROBLEMS = 100


@leads_only
@require_http_methods(["GET", "POST"])
@of_our_own
def gold(request, pk):
    """The gold items of a run; a post adds the one that the form describes."""
    run = _run(pk)
    if request.method == "GET":
        return render(request, "judging/gold.html", _page(request, run))
    form = GoldForm(request.POST, run=run)
    if form.is_valid():
        try:
            golding.add(run, [form.truth], by=request.user)
        except golding.BadGold:
            form.add_error("item", _("This item is gold already."))
        else:
            messages.success(request, _("The item is gold now."))
            return redirect("gold", pk=pk)
    context = _page(request, run, form=form, chosen=asked(request.POST, "item"))
    return render(request, "judging/gold.html", context, status=422)


@leads_only
@require_POST
@of_our_own
def gold_remove(request, pk, gold):
    """Make a gold item an ordinary one again."""
    found = get_object_or_404(Gold.objects.select_related("run"), pk=gold, run=pk)
    golding.remove(found, by=request.user)
    messages.success(request, _("The item is like any other again. Votes on it stay out of ratings."))
    return redirect("gold", pk=pk)


@leads_only
@require_POST
@of_our_own
def gold_import(request, pk):
    """Add all items of a CSV file, or none where anything in it is wrong."""
    run = _run(pk)
    file = request.FILES.get("file")
    if file is None:
        problems = [golding.Problem(1, "file", _("is missing"))]
        return render(request, "judging/gold.html", _page(request, run, problems=problems), status=422)
    try:
        made = golding.add(
            run, gold_files.read(run, file.read(gold_files.MOST_BYTES + 1)), by=request.user, source="file"
        )
    except golding.BadGold as error:
        return render(request, "judging/gold.html", _page(request, run, problems=error.problems), status=422)
    text = ngettext("%(n)d gold item was added.", "%(n)d gold items were added.", len(made))
    messages.success(request, text % {"n": len(made)})
    return redirect("gold", pk=pk)


def _run(pk) -> Run:
    return get_object_or_404(Run.objects.select_related("benchmark", "rubric"), pk=pk)


def _page(request, run: Run, *, form: GoldForm | None = None, chosen: str = "", problems=()) -> dict:
    """What the page shows; the same number of queries for any number of gold items."""
    chosen = chosen or asked(request.GET, "item")
    words = asked(request.GET, "q")
    item = _item(run, chosen)
    page = Paginator(golding.golds_of(run), PAGE).get_page(request.GET.get("page"))
    bottom, top = golding.scale_of(run)
    return {
        "run": run,
        "page": page,
        "golds": [(one, golding.in_words(run, one)) for one in page],
        "suggestions": [(one, golding.in_words(run, one)) for one in golding.suggested(run)],
        "words": words,
        "found": list(_found(run, words)) if words else None,
        "chosen": item,
        "form": form or (GoldForm(run=run, initial=_initial(request, item)) if item else None),
        "problems": list(problems)[:MOST_PROBLEMS],
        "more_problems": max(len(problems) - MOST_PROBLEMS, 0),
        "unused": _unused(run),
        "bottom": bottom,
        "top": top,
    }


def _unused(run: Run) -> list[str]:
    """What gold items there are that nobody is ever shown, because of how people vote in the run. One query."""
    voting = Voting.of(run)
    kinds = set(run.golds.order_by().values_list("is_practice", flat=True).distinct())
    found = []
    if False in kinds and not voting.gold_every:
        found.append(_("Silent gold items are not shown: this run does not say after how many votes one comes."))
    if True in kinds and not voting.practice:
        found.append(_("Practice items are not shown: this run has no practice round."))
    return found


def _item(run: Run, chosen: str):
    is_id = chosen.isascii() and chosen.isdecimal() and len(chosen) < 19
    return golding.items_of(run).filter(pk=int(chosen)).first() if is_id else None


def _initial(request, item) -> dict:
    """The item, with the ends that a suggestion had."""
    told = {name: asked(request.GET, name) for name in ("lowest", "highest", "right")}
    return {"item": item.pk, **{name: text for name, text in told.items() if text}}


def _found(run: Run, words: str):
    """Items whose question has these words in its key or text, or whose id this is. One query."""
    where = Q(question__key__icontains=words) | Q(question__turns__icontains=words)
    if words.isascii() and words.isdecimal() and len(words) < 19:
        where |= Q(pk=int(words))
    return golding.items_of(run).filter(where).order_by("question__position", "pk")[:MOST_FOUND]
