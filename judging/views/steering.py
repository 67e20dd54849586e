"""What a lead may do with a run: start it, pause it, cancel it, ask again for what failed.

Every form says in which state its run was when it was shown (`seen`). Where that has changed since, by another lead's doing or
because the run came to its end, the form does nothing and says so: nobody undoes what they have not seen.
"""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arena.border import asked
from arena.live import ring
from arena.locking import mark_of
from judging import calling, opening, running
from judging.models import AuditEntry, Run, Status
from judging.monitoring import phase_of
from judging.rereading import reread
from judging.views.runs import leads_only, of_our_own


@leads_only
@require_POST
@of_our_own
def run_start(request, pk):
    """Carry the run out, or carry it on: only what is missing is judged."""
    run = get_object_or_404(Run, pk=pk)
    if not run.judges.machines().exists():
        messages.error(request, _("This run has no machine judge: there is nothing for us to carry out."))
        return redirect("run", pk=pk)
    with transaction.atomic():
        run = _unchanged(request, pk)
        started = run is not None and _raised_budget(request, run)
        if started:
            _queue(run)
            AuditEntry.note("run_started", actor=request.user, run=run)
    if started:
        messages.success(request, _("The run is queued; only what is missing is judged."))
    return _told(pk)


@leads_only
@require_POST
@of_our_own
def run_cancel(request, pk):
    """Stop a run; what was judged stays. A run for people is closed for votes, and is done."""
    get_object_or_404(Run, pk=pk)
    with transaction.atomic():
        run = _unchanged(request, pk)
        if run is None:
            pass
        elif run.status == Run.Status.OPEN:
            opening.close(run, by=request.user)
            messages.success(request, _("The run is closed for votes."))
        elif run.is_live or run.is_paused:
            running.cancel(run)
            AuditEntry.note("run_cancelled", actor=request.user, run=run)
            messages.success(request, _("The run is cancelled; what it judged is kept."))
        else:
            messages.info(request, _("The run had ended already."))
    return _told(pk)


@leads_only
@require_POST
@of_our_own
def run_pause(request, pk):
    """Hold a run: calls under way are waited for and kept, nothing more is asked until it is resumed."""
    get_object_or_404(Run, pk=pk)
    with transaction.atomic():
        run = _unchanged(request, pk)
        if run is None:
            pass
        elif running.pause(run):
            AuditEntry.note("run_paused", actor=request.user, run=run)
            messages.success(request, _("The run is paused; what is under way is waited for and kept."))
        else:
            messages.info(request, _("The run is not under way: there is nothing to pause."))
    return _told(pk)


@leads_only
@require_POST
def run_reread(request, pk):
    """Read the replies on record again that could not be read, or that an older parser read; nobody is asked."""
    run = get_object_or_404(Run, pk=pk)
    try:
        told = reread(run)
    except ValueError as error:  # a judge whose settings are refused today
        messages.error(request, str(error))
        return redirect("run", pk=pk)
    if told.changed:
        text = _("%(n)d replies were read again; %(changed)d verdicts changed.")
        messages.success(request, text % {"n": told.read, "changed": told.changed})
    else:
        messages.info(request, _("Nothing changed: today's parser reads what is on record as before."))
    if told.composed:
        said = _("%(n)d verdicts of panels and cascades were composed anew; nobody was asked.")
        messages.success(request, said % {"n": told.composed})
    if told.to_compose:
        said = _(
            "%(n)d verdicts of panels and cascades were set aside: “Run again” asks the members that they now wait for."
        )
        messages.warning(request, said % {"n": told.to_compose})
    return redirect("run", pk=pk)


@leads_only
@require_POST
@of_our_own
def run_retry(request, pk):
    """Judge what failed once more, all of it or of one cause and judge: the failures stay in the record, superseded."""
    run = get_object_or_404(Run, pk=pk)
    if run.is_live:
        messages.info(request, _("The run is still under way: retry what failed when it has ended."))
        return redirect("run", pk=pk)
    status, judge = _cause(request)
    with transaction.atomic():
        run = _unchanged(request, pk)
        again = running.retry_failed(run, status=status, judge=judge) if run else 0
        if again:
            _queue(run)
            AuditEntry.note("run_retried", actor=request.user, run=run, judgments=again, cause=status, judge=judge)
    if again:
        messages.success(request, _("What failed is asked for again."))
    elif run:
        messages.info(request, _("Nothing failed."))
    return _told(pk)


def _cause(request) -> tuple[str, str]:
    """The status and the judge's name that a button stands for, as "status|name"; empty for all that failed."""
    status, _bar, judge = asked(request.POST, "cause").partition("|")
    return (status, judge) if status in Status.values else ("", "")


def _unchanged(request, pk) -> Run | None:
    """The run, locked; None where it is in another state by now than the form says it saw, which is told."""
    run = Run.objects.select_for_update().get(pk=pk)
    seen = request.POST.get("seen", "")
    if not seen or seen == phase_of(run):
        return run
    said = _("The run is “%(status)s” by now; it was not when this page was shown. Nothing was done: look again.")
    messages.error(request, said % {"status": run.get_status_display()})
    return None


def _raised_budget(request, run) -> bool:
    """Whether the run may go on with the budget that the form holds, if it holds one; what keeps it from that is told."""
    text = request.POST.get("budget", "").strip()
    if not text:
        return True
    mark = request.POST.get("mark", "")
    if mark and mark != mark_of(run, ("budget",)):
        said = _("Somebody else changed the budget meanwhile: it is %(budget)s now. Nothing was done: look again.")
        messages.error(request, said % {"budget": _("none") if run.budget is None else f"{run.budget:g}"})
        return False
    try:
        budget = forms.FloatField(min_value=0).clean(text)
    except ValidationError as error:
        messages.error(request, _("Budget: %(reason)s") % {"reason": " ".join(error.messages)})
        return False
    if budget != run.budget:
        Run.objects.filter(pk=run.pk).update(budget=budget)
        AuditEntry.note("budget_changed", actor=request.user, run=run, before=run.budget, now=budget)
    return True


def _queue(run) -> None:
    """Put the run where a worker finds it, and ring the bell once that is committed."""
    run.enqueue()
    calling.call(run)


def _told(pk):
    """Back to the run's page, once all who watch it are told."""
    ring(f"run-{pk}")
    return redirect("run", pk=pk)
