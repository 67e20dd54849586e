"""The ballot: where people vote, blind, one pair or one answer at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from arena.border import asked
from arena.frame import is_annotator, is_lead
from judging import assignment, ballots
from judging.models import Assignment, Run

Seat = Assignment.Status


@dataclass(frozen=True)
class Said:
    """What the person is told beside the next item."""

    text: str = ""
    level: int = messages.SUCCESS

    @property
    def is_warning(self) -> bool:
        return self.level >= messages.WARNING


def for_annotators(view):
    """Only for people who may vote: others get 403, and whoever is signed out signs in and comes back.

    A lead, who sees who wrote what, is told why.
    """

    @wraps(view)
    @never_cache
    def guarded(request, *args, **kwargs):
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        if not is_annotator(request.user):
            if is_lead(request.user):
                return render(request, "judging/vote_not_blind.html", status=403)
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


@for_annotators
@require_safe
def vote(request):
    """The runs that are open for votes."""
    mine = Q(assignments__judge__user=request.user, assignments__status=Seat.DONE)
    runs = Run.objects.filter(status=Run.Status.OPEN).select_related("benchmark", "rubric")
    runs = runs.annotate(
        mine=Count("assignments", filter=mine), all=Count("assignments", filter=Q(assignments__status=Seat.DONE))
    )
    return render(request, "judging/vote.html", {"runs": runs})


@for_annotators
@require_safe
def ballot(request, pk):
    """The next item of a run, or a word of thanks. Whoever asks for the headers alone is given no seat."""
    run = get_object_or_404(Run.objects.select_related("benchmark", "rubric").exclude(status=Run.Status.DRAFT), pk=pk)
    if request.method == "HEAD":
        return HttpResponse()
    judge = assignment.judge_of(request.user)
    if run.status == Run.Status.OPEN and not run.assignments.filter(judge=judge).exists():
        assignment.prepare(run)
    return _show(request, run, judge)


@for_annotators
def cast(request, token: UUID):
    """Count this vote, once, and show the next item."""
    return _leave(request, token, _count)


@for_annotators
def skip(request, token: UUID):
    """Leave this item without a vote; a reason is welcome."""
    return _leave(request, token, _skip)


@for_annotators
def flag(request, token: UUID):
    """Leave this item because it is broken; the lead reads why."""
    return _leave(request, token, _flag)


@for_annotators
def undo(request, pk):
    """Reopen what this person left last."""
    run = get_object_or_404(Run.objects.select_related("benchmark", "rubric"), pk=pk)
    if request.method != "POST" or run.status != Run.Status.OPEN:
        return redirect("ballot", pk)
    judge = assignment.judge_of(request.user)
    reopened = assignment.undo(run, judge, last=_token(request.POST.get("last", "")))
    if reopened is None:
        return _answer(request, run, judge, Said(_("There is nothing more to undo."), messages.INFO))
    return _answer(request, run, judge, Said(_("Undone: here it is again, on the same sides."), messages.INFO))


def _leave(request, token: UUID, act):
    """Do `act` with a seat of this person's own that is still open; say so where it is not."""
    with transaction.atomic():
        seats = assignment.open_seats().select_for_update(of=("self",))
        seat = get_object_or_404(seats, token=token, judge__user=request.user)
        run, judge = seat.run, seat.judge
        if request.method != "POST":
            return redirect("ballot", run.pk)
        if run.status == Run.Status.OPEN:
            try:
                said = _already(seat) if seat.status != Seat.LEASED else act(seat, request.POST)
            except ballots.Unreadable as unreadable:
                return _show(request, run, judge, seat=seat, errors=unreadable.errors)
        else:
            said = Said(_("This run was closed meanwhile; your last choice was not recorded."), messages.WARNING)
    return _answer(request, run, judge, said)


def _count(seat: Assignment, post) -> Said:
    verdict = ballots.grade(post, seat.run.rubric) if seat.answer_id else ballots.preference(post)
    late = seat.lease_until < timezone.now()
    judgment = assignment.cast(seat, verdict, note=ballots.note(post))
    if late:
        return Said(_("Recorded. You were away for a while; your vote counts all the same."))
    if seat.answer_id:
        return Said(_("Recorded: %(total).2f in all.") % {"total": judgment.score})
    return Said(_("Recorded."))


def _skip(seat: Assignment, post) -> Said:
    seat.close(Seat.SKIPPED, reason=asked(post, "reason"))
    return Said(_("Skipped."))


def _flag(seat: Assignment, post) -> Said:
    reason = asked(post, "reason")
    if not reason:
        raise ballots.Unreadable({"reason": _("Say what is broken, so that the lead can mend it.")})
    seat.close(Seat.FLAGGED, reason=reason)
    return Said(_("Flagged: the lead will see your reason."))


def _already(seat: Assignment) -> Said:
    if seat.status == Seat.DONE:
        text = _("You have voted on that one already; that vote stands. Undo it to change it.")
    else:
        text = _("You have left that one already. Undo to come back to it.")
    return Said(text, messages.WARNING)


def _answer(request, run: Run, judge, said: Said):
    """The next item as a fragment for htmx, else the way to it."""
    if request.htmx:
        return _show(request, run, judge, said=said)
    messages.add_message(request, said.level, said.text)
    return redirect("ballot", run.pk)


def _show(request, run: Run, judge, *, said: Said | None = None, seat: Assignment | None = None, errors=None):
    """The ballot page or its fragment; `seat` and `errors` show an item again, with what was filled in."""
    is_open = run.status == Run.Status.OPEN
    if is_open:
        seat = assignment.next_seat(run, judge) if seat is None else assignment.with_item(seat)
    context = {"run": run, "said": said, "errors": errors or {}, "standing": assignment.standing(run, judge)}
    if not is_open or seat is None:
        return render(request, "judging/_ballot_done.html" if request.htmx else "judging/vote_done.html", context)
    context |= {"seat": seat, "asked": ballots.asked(ballots.question_of(seat)), "panes": ballots.panes(seat)}
    context["same"] = ballots.are_the_same(seat)
    if run.is_single:
        context["marks"] = ballots.marks(run.rubric, post=request.POST if errors else None, errors=errors)
    return render(request, "judging/_ballot.html" if request.htmx else "judging/ballot.html", context)


def _to_sign_in(request):
    """The sign-in page, which leads back to where the person was."""
    if not request.htmx:
        return redirect_to_login(request.get_full_path())
    back = request.htmx.current_url_abs_path or request.path
    return HttpResponseClientRedirect(redirect_to_login(back, resolve_url("login")).url)


def _token(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
