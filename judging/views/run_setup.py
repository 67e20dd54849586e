"""Setting up a run: what it takes, the prompts it sends, five items tried, and its recipe as YAML."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from arena.border import asked
from judging import calling, trying
from judging.copying import copy_of, form_of
from judging.models import Judge, Rubric, Run, TryOut
from judging.previewing import Preview, preview
from judging.recipe_yaml import LONGEST, NotRead, as_yaml, initial_of
from judging.run_form import RunForm
from judging.trying import NothingToTry
from judging.views.runs import leads_only

ACTS = ("check", "preview", "kinds", "try", "as_yaml")
LOOKED = {
    "check": "judging/_run_estimate.html",
    "preview": "judging/_run_preview.html",
    "kinds": "judging/_run_kinds.html",
}


@leads_only
@require_http_methods(["GET", "POST"])
def run_new(request):
    """Set up a run. A button says what is to be done with what was entered: `check` counts what it takes, `preview` shows the
    prompts, `kinds` offers the categories of the benchmark, `try` tries five items, `as_yaml` hands the recipe out; anything else starts the run."""
    if request.method == "GET":
        return _page(request, _started_from(request), act="check" if request.GET else "")
    form = RunForm(request.POST)
    act = next((act for act in ACTS if act in request.POST), "")
    if act in LOOKED:
        return _page(request, form, act=act)
    if act == "as_yaml" and form.can_be_estimated:
        return _download(form.unsaved(), form.cleaned_data["candidates"], form.cleaned_data["judges"])
    if act == "try" and form.can_be_estimated and (row := _tried(form, request.user)):
        return redirect("try_out", pk=row.pk)
    if not act and form.is_valid() and form.has_work():
        run = form.start(request.user)
        messages.success(request, _("The run is set up."))
        return redirect("run", pk=run.pk)
    return _page(request, form, act="")


def _started_from(request) -> RunForm:
    """The form as another run, or a try-out, fills it in; the empty one where the address names none."""
    if "try_out" in request.GET:
        return trying.form_of(get_object_or_404(TryOut, pk=_number(request, "try_out")))
    if "from" in request.GET:
        run = get_object_or_404(Run.objects.select_related("rubric"), pk=_number(request, "from"))
        rubric = Rubric.objects.filter(pk=_number(request, "rubric")).first() if "rubric" in request.GET else None
        keys = request.GET.getlist("key") or None
        return form_of(copy_of(run, request.user, rubric=rubric, keys=keys, name=asked(request.GET, "name") or None))
    wanted = {"benchmark": _number(request, "benchmark"), "collects": asked(request.GET, "collects") == "on"}
    return RunForm(initial={**RunForm.sensible(), **{name: value for name, value in wanted.items() if value}})


def _number(request, name: str) -> int:
    """An id in the address; 0, which no row has, where it is none."""
    text = asked(request.GET, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _page(request, form: RunForm, *, act: str, problems=()):
    """The form with what there is to say of it; for htmx the part alone that was asked for."""
    checking = act in LOOKED
    context = {
        "form": form,
        "estimate": form.estimate if form.can_be_estimated else None,
        "checking": checking,
        "preview": _preview(form) if act == "preview" and form.can_be_estimated else None,
        "previewing": act == "preview",
        "problems": problems,
    }
    template = LOOKED[act] if request.htmx and checking else "judging/run_new.html"
    return render(request, template, context, status=422 if form.errors and not checking or problems else 200)


def _preview(form: RunForm) -> Preview:
    cleaned = form.cleaned_data
    judge: Judge | None = cleaned.get("preview_judge")
    key = cleaned.get("preview_question") or ""
    return preview(form.unsaved(), list(cleaned["candidates"]), cleaned["judges"], key=key, judge=judge)


def _tried(form: RunForm, user) -> TryOut | None:
    """A try-out of this recipe, for which a worker is called; None where there is nothing to try, which the form then says."""
    if not form.cleaned_data["judges"]:
        form.add_error("judges", _("Choose a machine judge to try out."))
        return None
    try:
        row = trying.begin(form, user)
    except NothingToTry:
        form.add_error("candidates", _("These models have no answers to judge here yet: there is nothing to try on."))
        return None
    except ValueError as error:
        form.add_error("judges", str(error))
        return None
    calling.call_try_out(row.pk)
    return row


@leads_only
@require_POST
def run_from_yaml(request):
    """The form filled in from YAML, as text or as a file; what of it is not here is told, and nothing is written."""
    text = request.POST.get("yaml", "")
    if file := request.FILES.get("file"):
        if file.size > 4 * LONGEST:
            return _page(
                request,
                RunForm(initial=RunForm.sensible()),
                act="",
                problems=[_("This file is too long for a recipe.")],
            )
        text = file.read().decode("utf-8-sig", "replace")
    try:
        initial, missing = initial_of(text)
    except NotRead as bad:
        return _page(request, RunForm(initial=RunForm.sensible()), act="", problems=bad.problems)
    for sentence in missing:
        messages.warning(request, sentence)
    messages.info(request, _("The form is filled in from YAML; nothing has started yet."))
    return _page(request, form_of(initial), act="check")


@leads_only
@require_GET
def run_recipe(request, pk):
    """The recipe of a run, as the YAML that `evaluate` reads."""
    run = get_object_or_404(Run.objects.select_related("benchmark", "baseline", "rubric"), pk=pk)
    judges = run.judges.filter(kind__in=Judge.WITH_ENGINE).select_related("model")
    return _download(run, run.candidates.all(), judges)


def _download(run: Run, candidates, judges) -> HttpResponse:
    name = slugify(run.name) or "run"
    told = HttpResponse(as_yaml(run, candidates, judges), content_type="application/yaml; charset=utf-8")
    told["Content-Disposition"] = f'attachment; filename="{name}.yaml"'
    return told
