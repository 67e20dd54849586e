"""Charts of a snapshot. Each has its table on the same page; scripts only draw what the page already says."""

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from arena.border import asked
from arena.security import CHART_POLICY
from rating import boards
from rating import charts as drawing
from rating.board_page import SOURCES
from rating.models import Rating
from rating.seen import Seen


@require_safe
def charts(request, pk):
    """Ratings, quality against price, radar and heat-map of one board of a snapshot."""
    snapshot = Seen.of(request.user).snapshot(pk)
    there = boards.choices(snapshot)
    source = asked(request.GET, "source") or boards.ALL
    price = asked(request.GET, "price") or drawing.MIX
    if price not in drawing.PRICES:
        raise Http404
    by_kinds = asked(request.GET, "over") == "kinds" and bool(there.kinds)
    try:
        board = boards.board(
            snapshot.leaderboard.benchmark,
            source=source,
            category=asked(request.GET, "category"),
            method=asked(request.GET, "method") or there.method(source),
            snapshot=snapshot,
        )
    except boards.NoSuchBoard as error:
        raise Http404(str(error)) from None
    shown = drawing.charts(board, there.kinds if by_kinds else there.categories, chosen=_chosen(request), price=price)
    context = {
        "benchmark": snapshot.leaderboard.benchmark, "snapshot": snapshot, "board": board, "charts": shown,
        "source": source, "price": price, "over": "kinds" if by_kinds else "categories",
        "choices": there, "sources": [one for one in SOURCES if one[0] in there.sources],
        "methods": Rating.Method.choices, "prices": drawing.PRICES.items(), "most": drawing.MOST_RADAR,
    }  # fmt: skip
    response = render(request, "rating/charts.html", context)
    response.headers["Content-Security-Policy"] = CHART_POLICY
    return response


def _chosen(request):
    """The models asked for on the radar, by id; what is no id is nobody."""
    asked_for = request.GET.getlist("model")[:100]
    return [int(one) for one in asked_for if one.isascii() and one.isdecimal() and len(one) < 19]
