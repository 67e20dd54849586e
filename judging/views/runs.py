"""Pages of runs: the list, setting one up, watching one, and what a lead may do with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import wraps

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from arena.border import asked
from arena.frame import is_annotator, is_lead
from arena.models import Benchmark
from judging import opening, running, tasks
from judging.access import is_blind_on, runs_seen_by
from judging.exporting import formats_of
from judging.forms import RunForm
from judging.models import Assignment, Grade, KeptOut, Preference, Run, Status
from judging.progress import judgments_of, progress
from judging.purse import spent
from judging.rereading import reread
from judging.voting import Voting
from judging.voting_form import in_words

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
    """How many judgments that count name a run as theirs, as one column."""
    counts = [
        Coalesce(
            Subquery(
                table.objects.counting()
                .filter(run=OuterRef("pk"))
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


@leads_only
@require_http_methods(["GET", "POST"])
def run_new(request):
    """Set up a run: `check` computes the estimate and keeps the input, anything else starts it."""
    form = RunForm(request.POST or None, initial=RunForm.sensible())
    checking = "check" in request.POST
    if request.method == "POST" and not checking and form.is_valid() and form.has_work():
        run = form.start(request.user)
        messages.success(request, _("The run is set up."))
        return redirect("run", pk=run.pk)
    context = {"form": form, "estimate": form.estimate if form.can_be_estimated else None, "checking": checking}
    template = "judging/_run_estimate.html" if request.htmx and checking else "judging/run_new.html"
    return render(request, template, context, status=422 if form.errors and not checking else 200)


@require_GET
def run(request, pk):
    """One run: its recipe, how far it is, what failed and why."""
    run = visible_or_refused(request, pk)
    context = {
        "run": run,
        "candidates": run.candidates.all(),
        "judges": run.judges.all(),
        "cause": asked(request.GET, "status"),
        "failed_of": asked(request.GET, "judge"),
        "flagged": flagged(run) if is_lead(request.user) else [],
        **progress_context(run, request.user),
    }
    may_read = context["progress"].failures and not context["blind"]
    people = context["people"] is not None
    context["voting"] = in_words(Voting.of(run), is_single=run.is_single) if people else []
    context["exports"] = formats_of(run) if people else {}
    context["failed"] = failed_items(run, context["cause"], context["failed_of"]) if may_read else []
    return render(request, "judging/run.html", context)


def flagged(run) -> list[Assignment]:
    """Items that annotators say are broken, newest first, as many as a page holds. One query."""
    seats = run.assignments.filter(status=Assignment.Status.FLAGGED).order_by("-closed_at")
    return list(seats.select_related("judge", "battle__question", "answer__question")[:FAILURES_SHOWN])


def failed_items(run, cause: str, judge: str) -> list:
    """The run's failed judgments of one cause and one judge (empty: of any), as many as a page holds. One query."""
    failed = judgments_of(run).failed().filter(judge__in=run.judges.all())
    if cause in Status.values:
        failed = failed.filter(status=cause)
    if judge:
        failed = failed.filter(judge__name=judge)
    where = "answer" if run.is_single else "battle"
    return list(failed.select_related("judge", f"{where}__question").order_by("pk")[:FAILURES_SHOWN])


@require_GET
def run_fragment(request, pk):
    """The live part of the run's page, for polling."""
    run = visible_or_refused(request, pk)
    return render(request, "judging/_run_progress.html", progress_context(run, request.user))


def progress_context(run, user) -> dict:
    """What the live part of a run's page shows; a handful of queries, whatever the run's size."""
    now = progress(run)
    seconds = elapsed(run)
    return {
        "run": run,
        "progress": now,
        "answers": Bar.of(now.answers) if now.answers else None,
        "bars": [Bar.of(line) for line in now.lines],
        "failures": [{**failure, "label": Status(failure["status"]).label} for failure in now.failures],
        "people": now.people,
        "kept_out": [(KeptOut(why).label, n) for why, n in sorted(now.people.kept_out.items())] if now.people else [],
        "skips": [{**skip, "label": Status(skip["status"]).label} for skip in now.skips],
        "may_steer": is_lead(user),
        "may_vote": is_annotator(user),
        "blind": is_blind_on(user, run.benchmark),
        "is_watched": run.is_live or run.status == Run.Status.OPEN,
        "spent": spent(run),
        "unread": any(failure["status"] == Status.PARSE_ERROR for failure in now.failures),
        "elapsed": seconds,
        "minutes": None if seconds is None else round(seconds / 60),
        "last_minute": last_minute(run) if run.is_live else None,
        "milestone": now.percent // 25 * 25,
    }


@dataclass(frozen=True)
class Bar:
    """One line of progress as it is drawn: widths in hundredths of the whole, as SVG wants them."""

    label: str
    done: int
    failed: int
    skipped: int
    left: int
    done_width: str
    failed_width: str
    percent: int

    @classmethod
    def of(cls, line) -> Bar:
        whole = max(line.total, line.behind, 1)
        return cls(
            label=line.label,
            done=line.done,
            failed=line.failed,
            skipped=line.skipped,
            left=line.left,
            done_width=f"{100 * (line.done + line.skipped) / whole:.2f}",
            failed_width=f"{100 * line.failed / whole:.2f}",
            percent=int(100 * line.share),
        )


def elapsed(run) -> float | None:
    """Seconds from the start to the end, or to now; None before the start."""
    if run.started_at is None:
        return None
    return max(0.0, ((run.finished_at or timezone.now()) - run.started_at).total_seconds())


def last_minute(run) -> int:
    """How many judgments came in during the last sixty seconds. One query."""
    table = Grade if run.is_single else Preference
    return table.objects.filter(run=run, created_at__gte=timezone.now() - timedelta(seconds=60)).count()


@leads_only
@require_POST
def run_start(request, pk):
    """Carry the run out, or carry it on: only what is missing is judged."""
    run = get_object_or_404(Run, pk=pk)
    if not run.judges.machines().exists():
        messages.error(request, _("This run has no machine judge: there is nothing for us to carry out."))
    else:
        if not _raised_budget(request, run):
            return redirect("run", pk=pk)
        _queue(run)
        messages.success(request, _("The run is queued; only what is missing is judged."))
    return redirect("run", pk=pk)


@leads_only
@require_POST
def run_cancel(request, pk):
    """Stop a run; what was judged stays. A run for people is closed for votes, and is done."""
    run = get_object_or_404(Run, pk=pk)
    if run.status == Run.Status.OPEN:
        opening.close(run, by=request.user)
        messages.success(request, _("The run is closed for votes."))
    elif run.is_live or run.is_paused:
        running.cancel(run)
        messages.success(request, _("The run is cancelled; what it judged is kept."))
    else:
        messages.info(request, _("The run had ended already."))
    return redirect("run", pk=pk)


def _raised_budget(request, run) -> bool:
    """Whether the run may go on with the budget that the form holds, if it holds one; an unusable one is told."""
    text = request.POST.get("budget", "").strip()
    if not text:
        return True
    try:
        budget = forms.FloatField(min_value=0).clean(text)
    except ValidationError as error:
        messages.error(request, _("Budget: %(reason)s") % {"reason": " ".join(error.messages)})
        return False
    Run.objects.filter(pk=run.pk).update(budget=budget)
    return True


@leads_only
@require_POST
def run_pause(request, pk):
    """Hold a run: calls under way are waited for and kept, nothing more is asked until it is resumed."""
    run = get_object_or_404(Run, pk=pk)
    if running.pause(run):
        messages.success(request, _("The run is paused; what is under way is waited for and kept."))
    else:
        messages.info(request, _("The run is not under way: there is nothing to pause."))
    return redirect("run", pk=pk)


@leads_only
@require_POST
def run_reread(request, pk):
    """Read the replies on record again that could not be read, or that an older parser read; nobody is asked."""
    run = get_object_or_404(Run, pk=pk)
    told = reread(run)
    if told.changed:
        text = _("%(n)d replies were read again; %(changed)d verdicts changed.")
        messages.success(request, text % {"n": told.read, "changed": told.changed})
    else:
        messages.info(request, _("Nothing changed: today's parser reads what is on record as before."))
    return redirect("run", pk=pk)


@leads_only
@require_POST
def run_retry(request, pk):
    """Judge what failed once more: the failures stay in the record, superseded."""
    run = get_object_or_404(Run, pk=pk)
    if run.is_live:
        messages.info(request, _("The run is still under way: retry what failed when it has ended."))
        return redirect("run", pk=pk)
    with transaction.atomic():
        again = running.retry_failed(run)
        if again:
            _queue(run)
    if again:
        messages.success(request, _("What failed is asked for again."))
    else:
        messages.info(request, _("Nothing failed."))
    return redirect("run", pk=pk)


def _queue(run) -> None:
    """Put the run where a worker finds it, and ring the bell once that is committed."""
    run.enqueue()
    tasks.call(run)
