"""Pages of what follows: the home page and leaderboards. Reading never computes a rating."""

from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from arena.models import Benchmark
from rating import board_page, boards, front
from rating.models import LiveBoard
from rating.seen import Seen


@require_safe
def home(request):
    """All leaderboards, and where to go next."""
    return render(request, "rating/home.html", {"cards": front.cards(Seen.of(request.user))})


@require_safe
def leaderboard(request, pk):
    """A benchmark's board from its newest snapshot; for whoever votes, from the last that it may see."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    seen = Seen.of(request.user, benchmark)
    return _board_page(request, benchmark, seen.latest(benchmark), is_newest=True, more=seen.more(benchmark))


@require_safe
def snapshot(request, pk):
    """The same board from one snapshot, for ever."""
    found = Seen.of(request.user).snapshot(pk)
    return _board_page(request, found.leaderboard.benchmark, found, is_newest=False)


def _board_page(request, benchmark, found, *, is_newest, more=None):
    is_held = more is not None
    frame = {"benchmark": benchmark, "snapshot": found, "is_newest": is_newest, "is_held": is_held, "more": more}
    if is_held and found is None:
        return render(request, "rating/leaderboard.html", {**frame, "body": board_page.Body(benchmark.title, "")})
    at = _live_at(found) if is_newest and found and not is_held else None

    def rendered():
        page = board_page.read(request, benchmark, found, live=at is not None)
        told = {**board_page.context(request, page), **frame}
        html = render_to_string("rating/_board_body.html", told, request)
        return board_page.Body(page.title, html, bool(page.board.rows))

    try:
        body = board_page.kept(request, found, rendered, at=at)
    except boards.NoSuchBoard as error:
        choosing = board_page.choosing(boards.choices(found), boards.ALL)
        return render(request, "rating/no_board.html", {**frame, **choosing, "error": error}, status=404)
    return render(request, "rating/leaderboard.html", {**frame, "body": body})


def fragment(request, benchmark):
    """The newest board that the address asks for, and the HTML of what votes change on its page. Raises NoSuchBoard."""
    page = board_page.read(request, benchmark, boards.latest(benchmark), live=True)
    told = {**board_page.live_context(request, page), "benchmark": benchmark, "snapshot": page.snapshot}
    return page.board, render_to_string("rating/_board_live.html", told, request)


def _live_at(snapshot):
    """When the live boards of this snapshot's leaderboard were counted; None where there are none. One query."""
    fresh = LiveBoard.objects.filter(leaderboard=snapshot.leaderboard_id, at__gt=snapshot.created_at)
    return fresh.order_by("-at").values_list("at", flat=True).first()
