"""The ballot: where people vote, blind, one pair or one answer at a time."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from arena.frame import is_lead
from arena.planning import planned_once
from judging import assignment, ballots, casting, filled, remaining
from judging.access import may_vote_in, open_with_memberships, runs_open_to, runs_to_adjudicate
from judging.casting import Said
from judging.filled import Filled
from judging.models import Assignment, Run
from judging.reading_ballots import Unreadable
from judging.schedule import Member
from judging.voting import Voting

Seat = Assignment.Status
SAID = "X-Juryroom-Said"
"""The header by which the page knows an answer of ours, and whether a vote is on record: the word of what was said."""
NOT_YET = {"wait": 429, "rubric": 409, "unreadable": 422}
"""What leaves an item in hand, to be shown again as it was filled in; the status of the page for those without scripts."""
STATUS = NOT_YET | {"full": 409}


def signed_in(view):
    """Only for people with an account: whoever is signed out signs in and comes back. A run that is deleted meanwhile is not found."""

    @wraps(view)
    @never_cache
    def guarded(request, *args, **kwargs):
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        try:
            return view(request, *args, **kwargs)
        except Run.DoesNotExist as gone:
            raise Http404 from gone

    return guarded


def _refused(request):
    """Why this person may not vote here: a lead, who sees who wrote what, is told so."""
    if is_lead(request.user):
        return render(request, "judging/vote_not_blind.html", status=403)
    raise PermissionDenied


@signed_in
@require_safe
def vote(request):
    """The runs that are open for this person's votes."""
    open_to, split = open_with_memberships(request.user), runs_to_adjudicate(request.user)
    if open_to is None and not split:
        return _refused(request)
    runs = remaining.with_counts(request.user, open_to or ())
    return render(request, "judging/vote.html", {"runs": runs, "split": split})


@signed_in
@require_safe
def ballot(request, pk):
    """The next item of a run, or a word of thanks. Whoever asks for the headers alone is given no seat."""
    run = get_object_or_404(Run.objects.select_related("benchmark", "rubric").exclude(status=Run.Status.DRAFT), pk=pk)
    if not may_vote_in(request.user, run):
        return _refused(request)
    if request.method == "HEAD":
        return HttpResponse()
    judge = assignment.judge_of(request.user)
    if run.status == Run.Status.OPEN and not run.assignments.filter(judge=judge).exists():
        assignment.prepare(run)
    member = assignment.member_of(run, request.user)
    goes_on = run.status == Run.Status.OPEN and not member.paused_at
    if goes_on and (back := filled.kept(request, run, judge)):
        told = _("You had been signed out, so nothing was recorded. What you filled in is here: send it again.")
        said = None if back.is_sent else Said(told, messages.WARNING, "kept")
        return _show(request, run, judge, member=member, said=said, seat=back.seat, again=back.filled)
    return _show(request, run, judge, member=member)


@signed_in
def cast(request, token: UUID):
    """Count this vote, once, and show the next item."""
    return _leave(request, token, casting.count)


@signed_in
def skip(request, token: UUID):
    """Leave this item without a vote: this person cannot judge it."""
    return _leave(request, token, casting.skip)


@signed_in
def flag(request, token: UUID):
    """Leave this item because it is broken; the lead reads why."""
    return _leave(request, token, casting.flag)


@signed_in
@require_POST
def beat(request, token: UUID):
    """Hold on to the item while its page is looked at by somebody who may vote on it."""
    return JsonResponse({"held": casting.beat(token, request.user)})


@signed_in
def undo(request, pk):
    """Reopen what this person left last."""
    run = get_object_or_404(Run.objects.select_related("benchmark", "rubric"), pk=pk)
    if not may_vote_in(request.user, run):
        return _refused(request)
    if request.method != "POST" or run.status != Run.Status.OPEN:
        return redirect("ballot", pk)
    judge = assignment.judge_of(request.user)
    member = assignment.member_of(run, request.user)
    if member.paused_at:  # what is taken back could not be given again
        return _show(request, run, judge, member=member) if request.htmx else redirect("ballot", pk)
    try:
        reopened = assignment.undo(run, judge, last=_token(request.POST.get("last", "")), member=member)
    except assignment.NoRoom as full:
        return _show(request, run, judge, member=member, said=casting.no_room(full), last=full.before)
    if reopened is None:
        return _answer(request, run, judge, Said(_("There is nothing more to undo."), messages.INFO), member)
    said = Said(_("Undone: here it is again, on the same sides."), messages.INFO)
    return _answer(request, run, judge, said, member)


@planned_once()
def _leave(request, token: UUID, act: casting.Act):
    """Do `act` with a seat of this person's own that is still open; say so where it is not."""
    with transaction.atomic():
        seat = assignment.seat_to_leave(token, request.user)
        if seat is None and runs_open_to(request.user) is not None:
            raise Http404
        member = seat and casting.voter(seat, request.user)
        if member is None:
            return _refused(request)
        run, judge = seat.run, seat.judge
        if request.method != "POST":
            return redirect("ballot", run.pk)
        said = casting.why_not(request.POST, seat, member, request.user)
        if said is None:
            try:
                said = act(request.POST, seat, member, request.user)
            except Unreadable as unreadable:
                return _show(request, run, judge, member=member, seat=seat, errors=unreadable.errors)
    return _answer(request, run, judge, said, member, seat)


def _answer(request, run: Run, judge, said: Said, member: Member, seat: Assignment | None = None):
    """The next item as a fragment for htmx, else the way to it; the same one again where it could not be left yet."""
    if said.word in NOT_YET:
        return _show(request, run, judge, member=member, said=said, seat=seat, again=filled.posted(request))
    if seat is not None:
        filled.let_go(request, seat)
    if request.htmx:
        if run.voting.get("practice"):  # the end of a round changes what the run knows of the person
            member = assignment.member_of(run, request.user)
        return _show(request, run, judge, said=said, member=member)
    messages.add_message(request, said.level, said.text)
    return redirect("ballot", run.pk)


def _show(
    request,
    run: Run,
    judge,
    *,
    member: Member,
    said: Said | None = None,
    seat: Assignment | None = None,
    errors=None,
    again: Filled | None = None,
    last: UUID | None = None,
):
    """The ballot page or its fragment; `seat`, `errors` and `again` show an item once more, with what was filled in.

    `last` is what Undo means next where what was left last is "full", which cannot come back.
    """
    if seat is None:
        given = casting.next_for(run, judge, member)
        now, why, seat = given.now, given.why, given.seat
        again = filled.taken_back(seat) if seat and seat.pk == now.held else None
    else:
        now = assignment.standing(run, judge, member=member)
        why = casting.nothing_because(run, member, now)
        seat = seat if why else assignment.with_item(seat)
    word = "unreadable" if errors else said.word if said else ""
    if word == "full":
        now = replace(now, last=last)
    context = {"run": run, "said": said, "errors": errors or {}, "standing": now, "member": member, "why": why}
    if why or seat is None:
        return _page(request, "judging/_ballot_done.html", "judging/vote_done.html", context, word)
    context |= _exhibited(seat, filled.posted(request) if errors else again or Filled(), errors)
    return _page(request, "judging/_ballot.html", "judging/ballot.html", context, word)


def _page(request, fragment: str, page: str, context: dict, word: str):
    """The page; or its fragment, with nothing around it that would pile up on a page that shows one after the other."""
    if not request.htmx:
        return render(request, page, context, status=STATUS.get(word, 200))
    response = render(request, fragment, context)
    response.content = response.content.strip()
    response.headers[SAID] = word or "shown"
    return response


def _exhibited(seat: Assignment, again: Filled, errors) -> dict[str, Any]:
    """What the templates of a ballot show of a seat, with what was filled in."""
    post = again.of("cast")
    context = {
        "seat": seat,
        "voting": Voting.of(seat.run),
        "asked": ballots.asked(ballots.question_of(seat)),
        "panes": ballots.panes(seat),
        "same": ballots.are_the_same(seat),
        "guide": ballots.guide(seat),
        "chips": ballots.chips(seat.run, ticked=post.getlist("reasons")),
        "note": post.get("note", ""),
        "skip_causes": ballots.skip_causes(),
        "skipped": again.why("skip"),
        "flag_causes": ballots.flag_causes(),
        "flagged": again.why("flag"),
        "comment": again.comment,
    }
    if ballots.is_one_press(seat.run):
        return context | {"choices": ballots.choices(seat.run)}
    return context | {"form": ballots.form(seat, post=post, errors=errors)}


def _to_sign_in(request):
    """The sign-in page, which leads back to where the person was; what a plain form said waits in the session."""
    if not request.htmx:
        filled.keep(request)
        return redirect_to_login(request.get_full_path())
    back = request.htmx.current_url_abs_path or request.path
    return HttpResponseClientRedirect(redirect_to_login(back, resolve_url("login")).url)


def _token(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
