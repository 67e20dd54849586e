"""Pages of the snapshots of a board: their history, and any two beside each other."""

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from arena.border import asked
from arena.models import Benchmark
from rating import board_page, boards
from rating.compared_boards import Compared
from rating.history import HEAVY, history
from rating.models import Leaderboard
from rating.seen import Seen

OFFERED = 100  # snapshots to choose from; others by their address


@require_safe
def history_page(request, pk):
    """A board's snapshots, newest first, with what changed each time."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    leaderboard = Leaderboard.objects.filter(benchmark=benchmark).first()
    seen = Seen.of(request.user, benchmark)
    found = history(leaderboard, before=_number(request, "before"), seen=seen) if leaderboard else None
    context = {
        "benchmark": benchmark,
        "history": found,
        "is_held": seen.is_held(benchmark),
        "more": seen.more(benchmark),
    }
    return render(request, "rating/history.html", context)


@require_safe
def compare(request):
    """Two snapshots of a board beside each other, or two sources of votes in one."""
    seen = Seen.of(request.user)
    after = _snapshot(request, "other", seen) or _snapshot(request, "one", seen)
    if after is None:
        newest = seen.current().select_related("leaderboard__benchmark").order_by("leaderboard__benchmark__name")
        return render(request, "rating/compare.html", {"newest": newest})
    before = _snapshot(request, "one", seen) or _one_before(after, seen)
    context = {"benchmark": after.leaderboard.benchmark, "snapshot": after, **_choices(before, after, seen)}
    if before.leaderboard.benchmark.name != after.leaderboard.benchmark.name:
        return render(request, "rating/compare.html", {**context, "is_other_benchmark": True}, status=400)
    try:
        context["compared"] = _compared(request, before, after)
    except boards.NoSuchBoard as error:
        return render(request, "rating/compare.html", {**context, "error": error}, status=404)
    return render(request, "rating/compare.html", context)


def _compared(request, before, after):
    there = boards.choices(after)
    source = asked(request.GET, "source") or boards.ALL
    method = asked(request.GET, "method") or there.method(source)
    which = {name: asked(request.GET, name) for name in ("category", "language")}
    sources = source, asked(request.GET, "other_source") or source
    one, other = (
        boards.board(snapshot.leaderboard.benchmark, source=of, method=method, snapshot=snapshot, **which)
        for snapshot, of in zip((before, after), sources, strict=True)
    )
    return Compared(one, other)


def _choices(before, after, seen):
    listed = list(seen.of_these(after.leaderboard.snapshots.defer(*HEAVY))[:OFFERED])
    there = {one.pk for one in listed}
    choices = boards.choices(after)
    told = board_page.choosing(choices, "")
    judges = [(key, key.removeprefix("judge:")) for key in choices.judges]
    more = [one for one in (before, after) if one.pk not in there]
    return {**told, "offered": [*listed, *dict.fromkeys(more)], "all_sources": [*told["sources"], *judges]}


def _snapshot(request, name, seen):
    """The snapshot that the address names; None where it names none. Raises Http404 or PermissionDenied, as `Seen.snapshot`."""
    pk = _number(request, name)
    return None if pk is None else seen.snapshot(pk)


def _one_before(after, seen):
    """The snapshot kept for good before this one, or the one before, or this one itself where it is the first."""
    older = seen.of_these(after.leaderboard.snapshots.filter(pk__lt=after.pk)).select_related("leaderboard__benchmark")
    return older.order_by("passing", "-pk").first() or after


def _number(request, name):
    """A row's id; None where the address has none. Raises Http404 for what is none."""
    text = asked(request.GET, name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Http404(name)
    return int(text)
