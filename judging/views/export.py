"""A run's votes as a file to keep, for leads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponseBadRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from arena.border import asked
from judging.exporting import FORMATS, CannotExport, Report, Wanted
from judging.models import AuditEntry, Run
from judging.views.runs import leads_only

PART = 64_000  # characters sent at once


@leads_only
@require_GET
def export(request, pk, format_):
    """The file, sent as it is written. `?names=1` tells people by their names, `?judges=1` machines' verdicts too."""
    run = get_object_or_404(Run.objects.select_related("rubric", "benchmark"), pk=pk)
    form = FORMATS.get(format_)
    if form is None or not form.suits(run):
        raise Http404(_("There is no such file of this run."))
    try:
        wanted = _wanted(request.GET)
    except (CannotExport, ValueError) as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    AuditEntry.note("export_downloaded", actor=request.user, run=run, format=format_, names=wanted.names)
    parts = in_parts(form.write(run, wanted, Report()))
    body = _one_by_one(parts) if isinstance(request, ASGIRequest) else parts
    response = StreamingHttpResponse(body, content_type=f"{form.media_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="run-{run.pk}-{format_}{form.ending}"'
    response["Cache-Control"] = "no-store"
    return response


def _wanted(query) -> Wanted:
    """What the address asks for. Raises ValueError for a number that is none."""
    return Wanted(
        names=asked(query, "names") == "1",
        judges=asked(query, "judges") == "1",
        minimum=int(asked(query, "minimum") or 1),
        agreement=float(asked(query, "agreement") or 0.5),
    )


def in_parts(lines: Iterator[str]) -> Iterator[str]:
    """The lines put together to parts worth sending."""
    held, size = [], 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= PART:
            yield "".join(held)
            held, size = [], 0
    if held:
        yield "".join(held)


async def _one_by_one(parts: Iterator[str]) -> AsyncIterator[str]:
    """The parts for a server that is asynchronous: each is made in a thread when the last was sent."""
    while (part := await sync_to_async(next)(parts, None)) is not None:
        yield part
