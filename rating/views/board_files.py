"""A board taken away: as a file, as a picture, as a page that other pages may frame."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from arena.models import Benchmark
from rating import board_files, board_page, boards
from rating.board_picture import picture
from rating.models import Rating
from rating.seen import Seen

FRAMED = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors {origins}"
)
"""No script at all: a page in a frame does nothing but show."""
FRAMED_ROWS = 20
HOUR = 3600


@require_safe
def export(request, pk, format):
    """The board that the address asks for, as a file: the rows that its filters leave, in their order."""
    wanted = board_files.FORMATS.get(format)
    if wanted is None:
        raise Http404(format)
    shown, _title = _shown(request, pk)
    response = HttpResponse(wanted.write(shown), content_type=wanted.media_type)
    name = board_files.file_name(shown, wanted.ending)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_safe
def export_newest(request, pk, format):
    """The same of the benchmark's newest snapshot: sends the reader to that snapshot's own address."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    newest = Seen.of(request.user, benchmark).latest(benchmark)
    if newest is None or format not in board_files.FORMATS:
        raise Http404(format)
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return redirect(reverse("board_export", args=[newest.pk, format]) + query)


@require_safe
def board_svg(request, pk):
    """The head of the board as a picture that any page may show."""
    shown, title = _shown(request, pk)
    response = HttpResponse(picture(shown, title), content_type="image/svg+xml; charset=utf-8")
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Cache-Control"] = f"public, max-age={HOUR}"
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    return response


@require_safe
def embed(request, pk):
    """The board alone, for other pages to frame where the operator allows their origin; else how to ask for that."""
    shown, title = _shown(request, pk)
    origins = settings.EMBED_ORIGINS
    snapshot = shown.board.snapshot
    context = {
        "shown": shown,
        "lines": shown.lines[:FRAMED_ROWS],
        "board": shown.board,
        "snapshot": snapshot,
        "title": title,
        "voters": boards.source_name(shown.board.source),
        "method": Rating.Method(shown.board.method).label,
        "origins": origins,
        "permalink": board_page.permalink(request, snapshot),
        "frame": request.build_absolute_uri(),
        "svg": request.build_absolute_uri(reverse("board_svg", args=[pk]) + _query(request)),
    }
    response = render(request, "rating/embed.html", context)
    response.xframe_options_exempt = bool(origins)  # the older header knows no list of origins
    response["Content-Security-Policy"] = FRAMED.format(origins=" ".join(origins) or "'none'")
    return response


def _query(request) -> str:
    return f"?{request.GET.urlencode()}" if request.GET else ""


def _shown(request, pk):
    """What the address asks for of this snapshot, and its title. Raises Http404 or PermissionDenied."""
    snapshot = Seen.of(request.user).snapshot(pk)
    try:
        page = board_page.read(request, snapshot.leaderboard.benchmark, snapshot)
    except boards.NoSuchBoard as error:
        raise Http404(str(error)) from None
    return boards.Shown(page.board, boards.Wanted.of(request.GET)), page.title
