"""Pages where what people are split on is decided, flags are settled, comments are made, and the log is read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from arena import sheets
from arena.border import asked
from arena.models import Answer, Battle
from judging import adjudication, assignment, ballots, comments, filled, flags, reading_ballots
from judging.access import may_adjudicate, may_vote_in
from judging.assignment import judge_of
from judging.audit_facts import details
from judging.audit_words import sentence
from judging.models import Assignment, AuditEntry, Judge, Run
from judging.reading_ballots import Unreadable
from judging.views.runs import leads_only, of_our_own, told_elsewhere
from judging.views.vote import SAID, signed_in
from judging.voting import Voting

PAGE = 50
STAYS = {"show", "stay"}  # what a post may ask for instead of a decision: the votes, or the page as it is


def adjudicators_only(view):
    """For those who may decide in this run; a visitor signs in first."""

    @login_required
    @never_cache
    @wraps(view)
    def checked(request, pk, *args, **kwargs):
        run = get_object_or_404(Run.objects.select_related("benchmark", "rubric"), pk=pk)
        if not may_adjudicate(request.user, run):
            raise PermissionDenied(_("Only adjudicators and leads decide what people are split on."))
        return view(request, run, *args, **kwargs)

    return checked


def deciders_only(view):
    """As `adjudicators_only`, for a run in which people are asked."""

    @wraps(view)
    def checked(request, run, *args, **kwargs):
        return told_elsewhere(request, run.pk) if run.is_imported else view(request, run, *args, **kwargs)

    return adjudicators_only(checked)


@deciders_only
@require_http_methods(["GET", "POST"])
def adjudicate(request, run):
    """The most contested item; a post decides it and leads to the next."""
    judge = judge_of(request.user)
    if request.method == "POST" and not STAYS & request.POST.keys():
        return _post(request, run, judge)
    return _case_page(request, run, adjudication.next_case(run, judge), {})


def _post(request, run: Run, judge: Judge):
    """Decide the item in hand as posted; the page again with what could not be read."""
    mine = Assignment.objects.filter(run=run, judge=judge, purpose=adjudication.FOR, status="leased")
    held = mine.filter(token=_uuid(request.POST.get("seat", ""))).first()
    if held is None:
        messages.warning(request, _("This item is not in your hands any more. Nothing was recorded."))
        return redirect("adjudicate", run.pk)
    seat = assignment.open_seats().get(pk=held.pk)
    try:
        errors = _decided(request, seat)
    except adjudication.TooLate as late:
        messages.warning(request, str(late))
        return redirect("adjudicate", run.pk)
    if errors:
        return _case_page(request, run, seat, errors)
    messages.success(request, _("Decided."))
    return redirect("adjudicate", run.pk)


def _case_page(request, run: Run, seat: Assignment | None, errors: dict[str, str]):
    decided, split = adjudication.progress(run)
    context = {"run": run, "seat": seat, "decided": decided, "split": split, "errors": errors}
    if seat:
        context |= _exhibited(request, seat, errors)
    return render(request, "judging/adjudicate.html", context, status=422 if errors else 200)


def _decided(request, seat: Assignment) -> dict[str, str]:
    """Decide as posted; what could not be read, by field."""
    why = asked(request.POST, "note", longest=reading_ballots.LONGEST_NOTE)
    try:
        cast = reading_ballots.read(request.POST, seat)
    except Unreadable as unreadable:
        return unreadable.errors
    if not why and not cast.reasons:
        return {"note": _("Say why: a reason to tick, or your own words.")}
    adjudication.decide(seat, cast.verdicts, why=why, reasons=cast.reasons, saw_votes=adjudication.has_looked(seat))
    return {}


def _exhibited(request, seat: Assignment, errors: dict[str, str]) -> dict:
    post = request.POST if request.POST.get("seat") == str(seat.token) else QueryDict()
    shows = "votes" in request.GET or "show" in post or post.get("saw_votes") == "1"
    if shows:
        adjudication.look(seat)
    context = {
        "voting": Voting.of(seat.run),
        "asked": ballots.asked(ballots.question_of(seat)),
        "panes": ballots.panes(seat),
        "chips": ballots.chips(seat.run, ticked=post.getlist("reasons")),
        "note": post.get("note", ""),
        "shows_votes": shows,
        "by_turn": seat.run.turns == Run.Turns.EACH,
        "votes": adjudication.cases(seat) if shows else [],
        "comments": comments.visible_to(request.user, seat.answer or seat.battle) if shows else [],
    }
    if ballots.is_one_press(seat.run):
        return context | {"choices": ballots.choices(seat.run)}
    return context | {"form": ballots.form(seat, post=post, errors=errors)}


@deciders_only
@require_POST
def adjudicate_pass(request, run):
    """Leave the item in hand to another adjudicator."""
    mine = Assignment.objects.filter(run=run, judge=judge_of(request.user), purpose=adjudication.FOR, status="leased")
    if seat := mine.filter(token=_uuid(request.POST.get("seat", ""))).first():
        try:
            adjudication.pass_on(seat)
        except adjudication.TooLate as late:
            messages.warning(request, str(late))
    return redirect("adjudicate", run.pk)


@deciders_only
@require_POST
def adjudicate_undo(request, run):
    """Take the last decision back."""
    try:
        reopened = adjudication.take_back(run, judge_of(request.user))
    except adjudication.TooLate as late:
        messages.warning(request, str(late))
    else:
        told = _("Undone: here it is again, on the same sides.") if reopened else _("There is nothing more to undo.")
        messages.info(request, told)
    return redirect("adjudicate", run.pk)


def _uuid(text: str):
    try:
        return UUID(text)
    except ValueError:
        return None


@signed_in
def comment(request, token):
    """A comment on the item of one's own seat."""
    seats = Assignment.objects.select_related("run", "battle", "answer")
    seat = get_object_or_404(seats, token=token, judge__user=request.user)
    back = redirect("adjudicate" if seat.purpose == adjudication.FOR else "ballot", seat.run_id)
    if request.method != "POST":
        return back
    may = may_adjudicate if seat.purpose == adjudication.FOR else may_vote_in
    if not may(request.user, seat.run):
        raise PermissionDenied
    words = asked({"text": filled.comment(request.POST)}, "text", longest=2000)
    said = comments.say(seat.run, seat.answer or seat.battle, request.user, words)
    text = _("Your comment is on record.") if said else _("There was nothing to keep.")
    if request.htmx:
        filled.let_go(request, seat)
        return HttpResponse(text, content_type="text/plain; charset=utf-8", headers={SAID: "commented"})
    filled.keep_beside(request, seat)
    messages.info(request, text)
    return back


@adjudicators_only
@require_POST
def comment_on(request, run):
    """A comment on any item of the run, by whoever adjudicates or leads it."""
    table, name = (Answer, "answer") if run.is_single else (Battle, "battle")
    pk = request.POST.get(name, "")
    item = get_object_or_404(table, pk=pk if pk.isdecimal() and len(pk) < 19 else 0)
    if item.question.benchmark_id != run.benchmark_id:
        raise Http404
    if comments.say(run, item, request.user, asked(request.POST, "text", longest=2000)):
        messages.success(request, _("Your comment is on record."))
    where = reverse("question", args=[item.question_id]) if run.is_single else reverse("battle", args=[item.pk])
    return redirect(f"{where}#comments")


@leads_only
@require_http_methods(["GET", "POST"])
@of_our_own
def flagged(request, pk):
    """What people flagged in a run; a post settles an item or takes that back."""
    run = get_object_or_404(Run.objects.select_related("benchmark"), pk=pk)
    if request.method == "POST":
        item, act = request.POST.get("item", ""), request.POST.get("act", "")
        if item.isdecimal() and len(item) < 19:
            acts = {
                "keep": lambda: flags.settle(run, int(item), out=False, by=request.user),
                "out": lambda: flags.settle(run, int(item), out=True, by=request.user),
                "reopen": lambda: flags.reopen(run, int(item), by=request.user),
            }
            if act in acts:
                acts[act]()
                messages.success(request, _("Kept on record."))
        page = request.GET.get("page", "")
        return redirect(reverse("flags", args=[pk]) + (f"?page={page}" if page.isdecimal() and len(page) < 9 else ""))
    page = flags.flagged(run, page=request.GET.get("page"))
    return render(request, "judging/flags.html", {"run": run, "page": page, "open": flags.open_items(run)})


@leads_only
@require_GET
def audit(request, pk):
    """The log of one run, the newest first; filters live in the address."""
    run = get_object_or_404(Run, pk=pk)
    found = AuditEntry.objects.filter(run=run)
    return _log(request, found, {"run": run}, "judging/audit.html")


@login_required
@require_GET
def my_log(request):
    """What the reader did, and nobody else."""
    return _log(request, AuditEntry.objects.filter(actor=request.user), {"run": None}, "judging/audit.html")


def _log(request, found, context: dict, template: str):
    chosen = {"act": asked(request.GET, "act"), "who": asked(request.GET, "who")}
    acts = [(act, sentence(act)) for act in found.order_by("act").values_list("act", flat=True).distinct()]
    if chosen["act"]:
        found = found.filter(act=chosen["act"])
    if chosen["who"] and context["run"]:
        found = found.filter(actor_name__icontains=chosen["who"])
    if request.GET.get("format") == "csv":
        answer = StreamingHttpResponse(_lines(found), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="log.csv"'
        return answer
    page = Paginator(found.select_related("run"), PAGE).get_page(request.GET.get("page"))
    entries = list(page)
    for entry, told in zip(entries, details(entries), strict=True):
        entry.sentence, entry.details = sentence(entry.act), told
    return render(request, template, {**context, "page": page, "chosen": chosen, "acts": acts})


def _lines(found) -> Iterator[str]:
    yield sheets.line(["at", "who", "act", "facts"])
    for entry in found.iterator(chunk_size=1000):
        yield sheets.line([entry.at.isoformat(), entry.actor_name, entry.act, repr(entry.facts)])
