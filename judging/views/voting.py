"""How people vote in a run, changed by a lead; the run opened for votes and closed."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arena.locking import MEANWHILE, mark_of
from judging import opening
from judging.leaking import leak_counts
from judging.models import Run
from judging.views.runs import leads_only, of_our_own
from judging.voting import BadVoting, Voting
from judging.voting_form import VotingForm, has_votes, in_words


@leads_only
@require_http_methods(["GET", "POST"])
@of_our_own
def run_voting(request, pk):
    """The settings of how people vote: shown, and changed for all votes to come."""
    run = get_object_or_404(Run.objects.select_related("rubric", "benchmark"), pk=pk)
    if not opening.is_for_people(run):
        messages.info(request, _("Machines judge in this run: there is nothing to set about votes."))
        return redirect("run", pk=pk)
    form, mark = VotingForm(request.POST or None, run=run), mark_of(run, ("voting", "limits"))
    if request.method == "POST" and request.POST.get("mark", mark) != mark and form.is_valid():
        form.add_error(None, MEANWHILE)
    if request.method == "POST" and form.is_valid() and (changed := _changed(form, request.user)) is not None:
        if changed:
            messages.success(request, _("The settings are changed, for all votes to come."))
        else:
            messages.info(request, _("Nothing was changed."))
        return redirect("run", pk=pk)
    context = {"run": run, "form": form, "has_votes": has_votes(run), "mark": mark}
    if form.non_field_errors():
        context["theirs"] = in_words(Voting.of(run), is_single=run.is_single)
    return render(request, "judging/run_voting.html", context, status=422 if form.errors else 200)


def _changed(form: VotingForm, user) -> list[str] | None:
    """The names of the settings that were changed; None where somebody voted meanwhile, which the form then says."""
    try:
        return opening.change(form.run, form.voting, by=user)
    except BadVoting as bad:
        for name, sentence in bad.errors.items():
            form.add_error(name, sentence)
        return None


@leads_only
@require_safe
def run_leaks(request, pk):
    """Which answers of a run name their maker, and how many votes ratings leave out for it."""
    run = get_object_or_404(Run.objects.select_related("benchmark"), pk=pk)
    return render(request, "judging/leaks.html", {"run": run, "leaks": leak_counts(run)})


@leads_only
@require_POST
@of_our_own
def run_close(request, pk):
    """Close a run for votes: it is done, and its votes stay."""
    if opening.close(get_object_or_404(Run, pk=pk), by=request.user):
        messages.success(request, _("The run is closed for votes."))
    else:
        messages.info(request, _("The run was not open for votes."))
    return redirect("run", pk=pk)


@leads_only
@require_POST
@of_our_own
def run_open(request, pk):
    """Open a run for votes, or open it again."""
    run = get_object_or_404(Run, pk=pk)
    if opening.reopen(run, by=request.user):
        messages.success(request, _("The run is open for votes."))
    elif not opening.is_for_people(run):
        messages.error(request, _("Machines judge in this run: it is not opened for votes."))
    else:
        messages.info(request, _("The run is open for votes already, or under way."))
    return redirect("run", pk=pk)
