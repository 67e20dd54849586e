"""Pages of what follows: the home page, leaderboards, agreement, judges. Reading never computes a rating."""

from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from arena.border import asked
from arena.frame import is_lead
from arena.models import Benchmark
from judging.models import Judge
from rating import boards, comparing, front, worth
from rating.models import Rating, Snapshot


@require_safe
def home(request):
    """All leaderboards, and where to go next."""
    return render(request, "rating/home.html", {"cards": front.cards()})


@require_safe
def leaderboard(request, pk):
    """A benchmark's board from its newest snapshot."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    return _board_page(request, benchmark, boards.latest(benchmark), is_newest=True)


@require_safe
def snapshot(request, pk):
    """The same board from one snapshot, for ever."""
    found = get_object_or_404(Snapshot.objects.select_related("leaderboard__benchmark"), pk=pk)
    return _board_page(request, found.leaderboard.benchmark, found, is_newest=False)


def _board_page(request, benchmark, found, *, is_newest):
    there = boards.choices(found)
    source = asked(request.GET, "source") or boards.ALL
    frame = {
        "benchmark": benchmark, "snapshot": found, "choices": there, "source": source, "is_newest": is_newest,
        "methods": Rating.Method.choices, "sources": [one for one in SOURCES if one[0] in there.sources],
    }  # fmt: skip
    try:
        board = boards.board(
            benchmark,
            category=asked(request.GET, "category"),
            source=source,
            method=asked(request.GET, "method") or there.method(source),
            snapshot=found,
            live=is_newest,
        )
    except boards.NoSuchBoard as error:
        return render(request, "rating/no_board.html", {**frame, "error": error}, status=404)
    # the overview is the snapshot's, also where the board is live: half of one and half of the other would mislead
    rated = boards.board(benchmark, source=source, method=board.method, snapshot=found) if board.live else board
    heat = boards.heat(rated, there.categories) if board.category is None else None
    context = {**frame, "board": board, "heat": heat, "counted": worth.counted(rated)}
    return render(request, "rating/leaderboard.html", context)


SOURCES = [
    (Rating.ALL, _("people and judges")),
    (Rating.PEOPLE, _("people")),
    (Rating.JUDGES, _("judges")),
    (Rating.CALIBRATED, _("people, helped by judges")),
]


@require_safe
def agreement(request, pk):
    """How far judges agree on a benchmark, per category."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    found = boards.agreement_rows(benchmark)
    context = {"benchmark": benchmark, "snapshot": found.snapshot, "page": comparing.page(found)}
    return render(request, "rating/agreement.html", context)


@require_safe
def trust(request, pk):
    """What each machine judge of a benchmark is worth: whether it is trusted where, and what it costs."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    panel = worth.judges(benchmark)
    return render(request, "rating/health.html", {"benchmark": benchmark, "snapshot": panel.snapshot, "panel": panel})


@require_safe
def judge(request, pk):
    """One judge: what it is, what it said, what it is worth. People with an account are named to leads only."""
    known = Judge.objects.select_related("model")
    found = get_object_or_404(known if is_lead(request.user) else known.exclude(kind=Judge.Kind.PERSON), pk=pk)
    return render(request, "rating/judge.html", comparing.judge_page(found))
