"""Pages of runs: the list, and watching one."""

from __future__ import annotations

from functools import wraps

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from arena.border import asked
from arena.frame import is_annotator, is_lead
from arena.models import Benchmark, Provenance
from judging.access import is_blind_on, runs_seen_by
from judging.ballots import flag_causes
from judging.exporting import formats_of
from judging.exporting.items import votes_without_text
from judging.machines import judges_of
from judging.models import Assignment, Grade, Judge, KeptOut, Preference, Run, Status
from judging.monitoring import monitor
from judging.opening import ELSEWHERE
from judging.progress import judgments_of
from judging.voting import Voting
from judging.voting_form import in_words
from judging.watching import Sight, fragment

PAGE = 50
FAILURES_SHOWN = 100


def leads_only(view):
    """A visitor signs in first; anybody else without the role gets the 403 page."""

    @login_required
    @wraps(view)
    def checked(request, *args, **kwargs):
        if not is_lead(request.user):
            raise PermissionDenied(_("Only evaluation leads set up and steer runs."))
        return view(request, *args, **kwargs)

    return checked


def of_our_own(view):
    """What is done with people or judges that a run asks: an imported run asks nobody, says so on its page, and stays as it is."""

    @wraps(view)
    def checked(request, pk, *args, **kwargs):
        if Run.objects.filter(pk=pk, provenance=Provenance.IMPORTED).exists():
            return told_elsewhere(request, pk)
        return view(request, pk, *args, **kwargs)

    return checked


def told_elsewhere(request, pk) -> HttpResponse:
    """To the page of an imported run, with why nothing was done."""
    messages.error(request, ELSEWHERE)
    return redirect("run", pk=pk)


def visible_or_refused(request, pk) -> Run:
    """The run, with what its page shows; 404 where there is none, 403 where this person may not see it."""
    run = get_object_or_404(Run.objects.select_related("benchmark", "baseline", "rubric", "created_by"), pk=pk)
    if not runs_seen_by(request.user).filter(pk=pk).exists():
        raise PermissionDenied(_("This run is still under way; only evaluation leads see it before it is done."))
    return run


@require_GET
def runs(request):
    """All runs this person may see, the newest first, with how many judgments each brought in."""
    chosen = {name: asked(request.GET, name) for name in ("status", "benchmark")}
    benchmarks = list(Benchmark.objects.all())
    found = (
        runs_seen_by(request.user).select_related("benchmark", "created_by").annotate(judgments=_judgments_of_each())
    )
    if chosen["status"] in Run.Status.values:
        found = found.filter(status=chosen["status"])
    if chosen["benchmark"]:
        found = found.filter(benchmark__in=[one.pk for one in benchmarks if str(one.pk) == chosen["benchmark"]])
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "chosen": chosen, "statuses": Run.Status.choices, "benchmarks": benchmarks}
    return render(request, "judging/runs.html", context)


def _judgments_of_each():
    """How many judgments that count, or were made to see drift, name a run as theirs, as one column."""
    counts = [
        Coalesce(
            Subquery(
                table.objects.current()
                .filter(run=OuterRef("pk"), kept_out__in=("", KeptOut.AGAIN))
                .order_by()
                .values("run")
                .annotate(n=Count("pk"))
                .values("n")
            ),
            0,
        )
        for table in (Preference, Grade)
    ]
    return counts[0] + counts[1]


@require_GET
def run(request, pk):
    """One run: its recipe, how far it is, what failed and why."""
    run = visible_or_refused(request, pk)
    sight = seen_by(request.user, run)
    context = {
        **monitor(run),
        "candidates": run.candidates.all(),
        "judges": run.judges.all(),
        "baselines": run.baselines_named(),
        "unlearnt": Judge.objects.filter(pk__in=judges_of(run)).unlearnt(),
        "cause": asked(request.GET, "status"),
        "failed_of": asked(request.GET, "judge"),
        "flagged": flagged(run) if sight.may_steer else [],
        "may_steer": sight.may_steer,
        "may_vote": sight.may_vote,
        "blind": sight.blind,
    }
    may_read = context["progress"].failures and not sight.blind
    people, asks = context["people"] is not None, context["people"] is not None and not run.is_imported
    context["voting"] = in_words(Voting.of(run), is_single=run.is_single) if asks else []
    context["gold_lacking"] = gold_lacking(run) if asks and sight.may_steer else []
    context["exports"] = formats_of(run) if sight.may_steer and (people or run.is_imported) else {}
    context["is_invited_to"] = run.is_imported and sight.may_steer and run.invitations.exists()
    context["export_query"] = "?judges=1" if run.is_imported else ""
    context["without_text"] = votes_without_text(run).count() if context["exports"] else 0
    context["failed"] = failed_items(run, context["cause"], context["failed_of"]) if may_read else []
    return render(request, "judging/run.html", context)


def seen_by(user, run) -> Sight:
    """What somebody who may see the run may do on its page. At most six queries."""
    return Sight(is_lead(user), is_annotator(user), is_blind_on(user, run.benchmark))


def gold_lacking(run) -> list[str]:
    """Which of "practice" and "votes" is to have gold items, and has none. No query where neither is, otherwise one."""
    voting = Voting.of(run)
    wanted = [(voting.practice, True, "practice"), (voting.gold_every, False, "votes")]
    if not any(many for many, _is_practice, _kind in wanted):
        return []
    there = set(run.golds.order_by().values_list("is_practice", flat=True).distinct())
    return [kind for many, is_practice, kind in wanted if many and is_practice not in there]


def flagged(run) -> list[Assignment]:
    """Items that annotators say are broken, newest first, as many as a page holds. One query."""
    seats = run.assignments.filter(status=Assignment.Status.FLAGGED).order_by("-closed_at")
    found = list(seats.select_related("judge", "battle__question", "answer__question")[:FAILURES_SHOWN])
    causes = dict(flag_causes())
    for seat in found:
        seat.cause_in_words = causes.get(seat.cause, seat.cause)
    return found


def failed_items(run, cause: str, judge: str) -> list:
    """The run's failed judgments of one cause and one judge (empty: of any), as many as a page holds. One query."""
    failed = judgments_of(run).failed().filter(judge__in=run.judges.all())
    if cause in Status.values:
        failed = failed.filter(status=cause)
    if judge:
        failed = failed.filter(judge__name=judge)
    where = "answer" if run.is_single else "battle"
    heavy = ("prompt", "reasoning", "details")
    return list(failed.select_related("judge", f"{where}__question").defer(*heavy).order_by("pk")[:FAILURES_SHOWN])


@require_GET
def run_fragment(request, pk):
    """The live part of the run's page, for polling; the same HTML as the socket sends."""
    run = visible_or_refused(request, pk)
    return HttpResponse(fragment(monitor(run), seen_by(request.user, run)))
