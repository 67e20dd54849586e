"""Pages of rubrics: the list, one version, two compared, and the editor with its preview."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from arena.border import asked
from arena.frame import is_lead
from judging.access import runs_seen_by
from judging.editing_rubrics import LONGEST_NAME, Base, Meanwhile, NameTaken, create, newest_of, save, use_of
from judging.judges.rubrics import data_of, text_of
from judging.models import Rubric
from judging.prompts import DEFAULT_RUBRICS
from judging.rubric_diff import compare
from judging.rubric_form import Draft
from judging.rubric_list import bad_cases_of, listed, seen_by, versions_of
from judging.rubric_preview import Wish, preview
from judging.rubric_rows import drawn
from judging.rubric_source import FORMATS, Pasted, read, written
from judging.views.runs import leads_only

FORM = "form"
PRESETS = {"pair": "pairwise", "single": "single"}


@require_GET
def rubrics(request):
    """Every rubric by name: its newest version, what it looks at, who uses it."""
    return render(request, "judging/rubrics.html", {"rubrics": listed(request.user), "presets": list(PRESETS)})


@require_GET
def rubric(request, pk):
    """One version in full, in both languages, with the prompt it makes; for everybody who may see a run of it."""
    found = _seen_or_404(request, pk)
    text = found.text()
    context = {
        "rubric": found,
        "text": text,
        "data": found.as_data(),
        "versions": versions_of(found, request.user),
        "runs": list(runs_seen_by(request.user).filter(rubric=found).select_related("benchmark")[:50]),
        "cases": bad_cases_of(found) if is_lead(request.user) else [],
        "preview": preview(text, Wish.read(request.GET), request.user),
        "formats": FORMATS,
    }
    context["provenance"] = sorted({one.provenance for one in context["runs"]} - {"real"})
    return render(request, "judging/rubric.html", context)


@require_GET
def rubric_export(request, pk, format_):
    """One version as a file in YAML or JSON, with its name; what was exported can be pasted into the editor."""
    found = _seen_or_404(request, pk)
    if format_ not in FORMATS:
        raise Http404
    kind = "application/json" if format_ == "json" else "application/yaml"
    response = HttpResponse(written(found.as_data(), format_, name=found.name), content_type=f"{kind}; charset=utf-8")
    name = f"rubric-{slugify(found.name) or found.pk}-v{found.version}.{format_}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
def rubric_compare(request):
    """Two versions, dimension by dimension and word by word; without `other` the newest of the same name."""
    one = _seen_or_404(request, asked(request.GET, "one"))
    wanted = asked(request.GET, "other")
    other = _seen_or_404(request, wanted) if wanted else newest_of(one.name)
    context = {
        "one": one,
        "other": other,
        "groups": compare(one.as_data(), other.as_data()),
        "choices": seen_by(request.user).only("pk", "name", "version"),
    }
    return render(request, "judging/rubric_compare.html", context)


@leads_only
@require_http_methods(["GET", "POST"])
def rubric_new(request):
    """Write a rubric: from nothing, from another one (`from`), from one of ours (`preset`), or from a text pasted."""
    if request.method == "POST":
        return _worked_on(request, None)
    data = _beginning(request)
    view = asked(request.GET, "as") if asked(request.GET, "as") in FORMATS else FORM
    return _editor(request, None, Draft.of_data(data), view=view, source=written(data, view) if view != FORM else "")


@leads_only
@require_http_methods(["GET", "POST"])
def rubric_edit(request, pk):
    """Edit a rubric, starting from this version: what is used already becomes the next version when it is saved."""
    found = get_object_or_404(Rubric, pk=pk)
    if request.method == "POST":
        return _worked_on(request, found)
    return _editor(request, found, Draft.of_data(found.as_data()))


@leads_only
@require_POST
def rubric_preview(request):
    """The prompt of what the form holds now, as a fragment."""
    draft, _pasted = _posted(request)
    return render(request, "judging/_rubric_preview.html", {"preview": _preview(request, draft), "live": True})


def _seen_or_404(request, pk) -> Rubric:
    is_id = str(pk).isdecimal() and len(str(pk)) < 19
    return get_object_or_404(seen_by(request.user), pk=int(pk) if is_id else 0)


def _beginning(request) -> dict:
    """The data that a new rubric starts from."""
    if preset := PRESETS.get(asked(request.GET, "preset")):
        return data_of(DEFAULT_RUBRICS[preset])
    if start := asked(request.GET, "from"):
        return _seen_or_404(request, start).as_data()
    return {"lowest": 1, "highest": 10}


def _posted(request) -> tuple[Draft | None, Pasted | None]:
    """The draft that the form or its text holds; None for a text that cannot be read, and what is wrong with it."""
    if request.POST.get("view", FORM) == FORM:
        return Draft.read(request.POST), None
    pasted = read(request.POST.get("source", ""))
    return (None if pasted.faults else Draft.of_data(pasted.data)), pasted


def _worked_on(request, found: Rubric | None):
    """What a button of the editor does: a row more or less, another view, a preview, or saving."""
    draft, pasted = _posted(request)
    act = asked(request.POST, "act")
    view = asked(request.POST, "view") if asked(request.POST, "view") in FORMATS else FORM
    if draft is None:
        return _editor(request, found, Draft.of_data({}), view=view, pasted=pasted, status=422)
    if act == "save":
        return _save(request, found, draft, view)
    if act.startswith("as:"):
        view = act[3:] if act[3:] in FORMATS else FORM
        return _editor(request, found, draft, view=view, source=written(draft.data(), view) if view != FORM else "")
    if act == "preview":
        return _editor(request, found, draft.checked(), view=view, previewing=True)
    return _editor(request, found, draft.acted(act), view=view)


def _save(request, found: Rubric | None, draft: Draft, view: str):
    draft = draft.checked()
    name, problem = _name(request) if found is None else (found.name, "")
    if draft.found or problem:
        return _editor(request, found, draft, view=view, problem=problem, status=422)
    try:
        saved = (
            create(name, draft.data())
            if found is None
            else save(name, draft.data(), base=Base.read(request.POST), as_next="as_next" in request.POST)
        )
    except NameTaken as taken:
        return _editor(request, found, draft, view=view, taken=taken.newest, status=422)
    except Meanwhile as late:
        return _editor(request, found, draft, view=view, theirs=late.newest, status=409)
    told = _("Saved as %(rubric)s.") if found is None or saved.pk != found.pk else _("%(rubric)s is saved.")
    messages.success(request, told % {"rubric": saved})
    return redirect("rubric", pk=saved.pk)


def _name(request) -> tuple[str, str]:
    """The name of a new rubric, and what is wrong with it."""
    try:
        return forms.CharField(max_length=LONGEST_NAME).clean(request.POST.get("name", "")), ""
    except ValidationError as error:
        return "", " ".join(error.messages)


def _editor(request, found: Rubric | None, draft: Draft, *, view=FORM, source="", pasted=None, status=200, **told):
    """The editor's page, or for htmx its form alone."""
    newest = newest_of(found.name) if found else None
    theirs = told.get("theirs")
    fits = request.method == "POST" and not theirs
    context = {
        "rubric": found,
        "newest": newest,
        "base": Base.read(request.POST) if fits and found else Base.of(theirs or newest) if newest else None,
        "use": use_of(newest) if newest else None,
        "next_version": newest.version + 1 if newest else 1,
        "as_next": bool(theirs) or "as_next" in request.POST or bool(found and found.pk != newest.pk),
        "view": view,
        "views": [(FORM, _("Form")), *FORMATS.items()],
        "name": asked(request.POST, "name"),
        "source": request.POST.get("source", "") if pasted or not source and view != FORM else source,
        "faults": pasted.faults if pasted else (),
        "fields": drawn(draft),
        "wrong": bool(draft.found or (pasted and pasted.faults) or told.get("problem") or told.get("taken")),
        "faulty": draft.found,
        "groups": compare(theirs.as_data(), draft.data()) if theirs else [],
        "preview": None if request.htmx else _preview(request, draft),
        **told,
    }
    if pasted and pasted.name and found is None:
        context["name"] = context["name"] or pasted.name
    template = "judging/_rubric_editor.html" if request.htmx else "judging/rubric_edit.html"
    return render(request, template, context, status=200 if request.htmx else status)


def _preview(request, draft: Draft | None):
    """The prompt under the draft; None while it is no rubric."""
    fields = request.POST if request.method == "POST" else request.GET
    if draft is None or (checked := draft.checked()).found:
        return None
    return preview(text_of(asked(fields, "name") or _("draft"), checked.data()), Wish.read(fields), request.user)
