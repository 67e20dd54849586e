"""Pages of uploads: bringing files, the report of what they hold, loading what a lead has looked at. Leads only."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from arena.border import asked
from arena.editing import leads_only
from arena.models import Benchmark, Upload
from rating import tasks, upload_words, uploading
from rating.upload_examples import EXAMPLES, TYPES
from rating.upload_form import ReadingForm, UploadForm

PAGE = 50
Status = Upload.Status


@leads_only
@require_GET
def uploads(request):
    """All uploads, the newest first. The same queries for any number."""
    page = Paginator(Upload.objects.select_related("by"), PAGE).get_page(request.GET.get("page"))
    return render(request, "rating/uploads.html", {"page": page, "rows": [upload_words.line(one) for one in page]})


@leads_only
@require_http_methods(["GET", "POST"])
def upload_new(request):
    """Bring one or several files; each is looked at, and nothing is written before its report is accepted."""
    form = UploadForm(request.POST or None, request.FILES or None, initial=_initial(request))
    if request.method == "POST" and form.is_valid():
        kept = _keep(form, request.user)
        _check(uploading.group_of(kept[0]))
        return redirect("upload", pk=uploading.group_of(kept[0])[0].pk)
    context = {"form": form, "examples": list(EXAMPLES)}
    return render(request, "rating/upload_new.html", context, status=422 if form.errors else 200)


def _initial(request) -> dict:
    """The benchmark that the address names by its id, where there is one."""
    pk = asked(request.GET, "benchmark")
    is_id = pk.isascii() and pk.isdecimal() and len(pk) < 19
    found = Benchmark.objects.filter(pk=int(pk)).first() if is_id else None
    return {"benchmark": found, "version": "1", "language": "en"}


def _keep(form: UploadForm, user) -> list[Upload]:
    options = {**form.reading(), "group": uuid.uuid4().hex}
    told = {"format_": form.cleaned_data["format"], "kind": form.cleaned_data["kind"]}
    return [uploading.keep(file, options=options, by=user, **told) for file in form.cleaned_data["files"]]


def _check(group: list[Upload]) -> None:
    """Look at these files: at once where they are small together, else a worker does."""
    if sum(upload.size for upload in group) <= uploading.SMALL:
        for upload in group:
            uploading.check(upload)
    else:
        uploading.ring(tasks.check_uploads, *(upload.pk for upload in group))


@leads_only
@require_GET
def upload(request, pk):
    """One upload: what it is, and the report of what loading it would do, or did. htmx asks for the report alone."""
    upload = get_object_or_404(Upload.objects.select_related("by"), pk=pk)
    context = _context(upload)
    template = "rating/_upload_report.html" if request.htmx else "rating/upload.html"
    if not request.htmx:
        context["form"] = ReadingForm.of(upload)
    return render(request, template, context)


def _context(upload: Upload) -> dict:
    """What the page shows; a handful of queries."""
    group = uploading.group_of(upload)
    about = upload.options
    place = {"name": about.get("benchmark", ""), "version": about.get("benchmark_version", "")}
    return {
        "upload": upload,
        "group": [upload_words.line(one) for one in group] if len(group) > 1 else [],
        "waiting": [one for one in group if one.status == Status.CHECKED],
        "before": uploading.before(upload),
        "twins": list(Upload.objects.filter(digest=upload.digest).exclude(pk=upload.pk)[:5]),
        "counts": upload_words.counts(upload),
        "read": upload.report.get("counts", {}).get("rows read", 0),
        "problems": upload_words.problems(upload),
        "n_problems": len(upload.report.get("problems", [])) + upload.report.get("more", 0),
        "notes": upload_words.notes(upload),
        "told": upload.report.get("told", {}),
        "sample": upload_words.sample(upload),
        "line": upload_words.line(upload),
        "is_at_work": uploading.is_at_work(upload),
        "is_stuck": upload.status in (Status.CHECKING, Status.LOADING) and not uploading.is_at_work(upload),
        "benchmark": Benchmark.objects.filter(**place).first(),
    }


@leads_only
@require_POST
def upload_check(request, pk):
    """Look at the file again, as the form says it is to be read."""
    upload = get_object_or_404(Upload, pk=pk)
    if upload.status == Status.LOADED or (upload.status == Status.LOADING and uploading.is_at_work(upload)):
        messages.info(request, _("This file is loaded, or is just being loaded: it is not looked at again."))
        return redirect("upload", pk=pk)
    form = ReadingForm(request.POST)
    if not form.is_valid():
        return render(request, "rating/upload.html", {**_context(upload), "form": form}, status=422)
    uploading.read_as(upload, form.cleaned_data["format"], form.cleaned_data["kind"], form.reading())
    _check([upload])
    return redirect("upload", pk=pk)


@leads_only
@require_POST
def upload_load(request, pk):
    """Load the file, after those of the same go that come first; with `all`, every file of the go that was looked at."""
    upload = get_object_or_404(Upload, pk=pk)
    wanted = uploading.group_of(upload) if "all" in request.POST else [*uploading.before(upload), upload]
    claimed = [one for one in wanted if uploading.claim(one)]
    if not claimed:
        messages.info(request, _("There is nothing here that waits to be loaded."))
    elif sum(one.size for one in claimed) > uploading.SMALL:
        uploading.ring(tasks.load_uploads, *(one.pk for one in claimed))
        messages.info(request, _("A worker loads it; this page keeps up."))
    else:
        _say(request, claimed, uploading.load_in_turn(claimed))
    return redirect("upload", pk=pk)


def _say(request, claimed: list[Upload], loaded: list[Upload]) -> None:
    if loaded:
        text = ngettext("%(n)d file is loaded.", "%(n)d files are loaded.", len(loaded))
        messages.success(request, text % {"n": len(loaded)})
    if len(loaded) < len(claimed):
        messages.error(
            request, _("%s was not loaded: see its report. Nothing of it was written.") % claimed[len(loaded)]
        )


@leads_only
@require_POST
def upload_delete(request, pk):
    """Delete the file; what was loaded from it stays."""
    upload = get_object_or_404(Upload, pk=pk)
    if uploading.is_at_work(upload) and upload.status == Status.LOADING:
        messages.error(request, _("This file is just being loaded."))
        return redirect("upload", pk=pk)
    uploading.delete(upload)
    messages.success(request, _("The file is deleted. What was loaded from it stays."))
    return redirect("uploads")


@leads_only
@require_GET
def upload_example(request, name):
    """A small file of our own format, to start from."""
    if name not in EXAMPLES:
        raise Http404
    text = EXAMPLES[name]
    # Spreadsheets take a file without this mark for one in another encoding.
    body = ("\ufeff" + text if name.endswith(".csv") else text).encode()
    about = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(body, content_type=TYPES[name.rpartition(".")[2]], headers=about)
