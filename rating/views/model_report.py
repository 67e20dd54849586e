"""Pages of one model: its report, the report as a file, its failures, and itself beside another version."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_safe

from arena.border import asked
from arena.frame import is_lead, is_viewer
from arena.models import LanguageModel
from judging.access import is_blind_on
from judging.views.export import in_parts
from rating.models import Profile
from rating.reporting import failures, sections
from rating.reporting.building import identity, report_of
from rating.reporting.compared import Comparison, compared, shared_benchmarks
from rating.reporting.comparison_sections import marker_name
from rating.reporting.comparison_sections import sections as comparison_sections
from rating.reporting.files import FORMS, file_name
from rating.reporting.gating import gates_of
from rating.reporting.report import BASES, WEIGHTED
from rating.seen import Seen

OTHERS = 500  # models to choose from
TOLERANCE = 1.0  # points of 100


@require_safe
def model(request, pk):
    """All that is known of one model; `?basis=` of the totals and `?profile=` of the gates live in the address."""
    model = get_object_or_404(LanguageModel, pk=pk)
    seen = Seen.of(request.user)
    report, gates, chosen = _read(request, model, seen)
    document = sections.document(report, gates)
    context = {
        "is_held": bool(seen.held),
        "model": model,
        "report": report,
        "document": document,
        "gates": gates,
        "profiles": Profile.objects.order_by("name"),
        "chosen": chosen,
        "basis": report.basis,
        "formats": FORMS,
        "may_take_failures": may_take_failures(request.user),
        "provenance": [kind for kind in report.provenances if kind != "real"],
    }
    return render(request, "rating/model_report.html", context)


def _read(request, model, seen):
    """The report on the basis asked for, by what is `seen`, its gates where a profile was chosen, and that profile."""
    basis = asked(request.GET, "basis")
    report = report_of(model, basis=basis if basis in BASES else WEIGHTED, seen=seen)
    chosen = Profile.objects.filter(name=asked(request.GET, "profile")).first() if request.GET.get("profile") else None
    return report, gates_of(model, chosen, report=report, seen=seen) if chosen else None, chosen


@require_safe
def model_export(request, pk, format_):
    """The report as a file, in the reader's language; the address takes what the page takes."""
    form = FORMS.get(format_)
    if form is None:
        raise Http404(_("There is no such file of this report."))
    model = get_object_or_404(LanguageModel, pk=pk)
    report, gates, _chosen = _read(request, model, Seen.of(request.user))
    document = sections.document(report, gates)
    response = HttpResponse(form.content(document), content_type=form.media_type)
    response["Content-Disposition"] = f'attachment; filename="{file_name(document.title, format_)}"'
    return response


def may_take_failures(user) -> bool:
    """Whether this person may have a model's failures: leads, and those who may look at runs that are under way."""
    return is_lead(user) or is_viewer(user)


@require_GET
def model_failures(request, pk):
    """What went wrong with the model's answers, a JSON object a line, sent as it is found."""
    if not may_take_failures(request.user):
        raise PermissionDenied(_("Only evaluation leads and viewers may take a model’s failures."))
    model = get_object_or_404(LanguageModel, pk=pk)
    parts = in_parts(failures.lines(model, request.user))
    response = StreamingHttpResponse(_sent(request, parts), content_type="application/x-ndjson; charset=utf-8")
    name = file_name(f"{model.name} {model.version}", "jsonl").replace("report-", "failures-", 1)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _sent(request, parts: Iterator[str]) -> Iterator[str] | AsyncIterator[str]:
    """The parts as this server wants them: an asynchronous one has each made in a thread when the last was sent."""

    async def one_by_one() -> AsyncIterator[str]:
        while (part := await sync_to_async(next)(parts, None)) is not None:
            yield part

    return one_by_one() if isinstance(request, ASGIRequest) else parts


@require_safe
def model_compare(request, pk):
    """The model beside another, question by question; `?with=`, `?benchmark=`, `?by=` and `?tolerance=` live in the address."""
    model = get_object_or_404(LanguageModel, pk=pk)
    other = _other(request, model)
    context = {
        "model": model,
        "other": other,
        "others": _others(model),
        "tolerance": asked(request.GET, "tolerance") or f"{TOLERANCE:g}",
        "benchmarks": shared_benchmarks(other, model) if other else [],
    }
    tolerance = _tolerance(context["tolerance"])
    if tolerance is None:
        context["problem"] = _("Tolerance: a number of points from 0 to 100 is meant.")
        return render(request, "rating/model_compare.html", context, status=422)
    chosen = _chosen(context["benchmarks"], asked(request.GET, "benchmark"))
    context |= {"benchmark": chosen, "is_blind": chosen is not None and is_blind_on(request.user, chosen)}
    if chosen and not context["is_blind"]:
        context |= _told(compared(other, model, chosen, marker=asked(request.GET, "by"), tolerance=tolerance))
    return render(request, "rating/model_compare.html", context)


def _told(found: Comparison) -> dict:
    provenances = {found.before.provenance, found.after.provenance, found.benchmark.provenance}
    return {
        "found": found,
        "sections": comparison_sections(found),
        "sides": [identity(found.before), identity(found.after)],
        "markers": [(one.key, marker_name(one)) for one in found.markers],
        "provenance": sorted(provenances - {"real"}),
    }


def _other(request, model: LanguageModel) -> LanguageModel | None:
    """The model to compare with: that of the address, else none. Raises Http404 for one there is not."""
    pk = asked(request.GET, "with")
    if not pk:
        return None
    if not pk.isdecimal() or len(pk) > 18 or int(pk) == model.pk:
        raise Http404(_("There is no other model of this number to compare with."))
    return get_object_or_404(LanguageModel, pk=int(pk))


def _others(model: LanguageModel) -> list[LanguageModel]:
    """Models to choose from: those of this name first, then of its family, then all others."""
    found = LanguageModel.objects.exclude(pk=model.pk).only("pk", "name", "version", "family", "stage", "precision")
    family = model.family or None
    return sorted(found[:OTHERS], key=lambda one: (one.name != model.name, one.family != family, one.name, one.version))


def _chosen(benchmarks, pk: str):
    """The benchmark of the address, else the first there is."""
    return next((one for one in benchmarks if str(one.pk) == pk), benchmarks[0] if benchmarks else None)


def _tolerance(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 100 else None
