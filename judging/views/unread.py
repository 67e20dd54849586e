"""The page on which a lead reads, one by one, the replies of judges that no parser could read."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from arena.border import asked
from judging import ballots, reading_by_hand, running
from judging.models import Run
from judging.reading_ballots import Unreadable, said
from judging.views.runs import leads_only, seen_by


@leads_only
@never_cache
@require_http_methods(["GET", "POST"])
def unread(request, pk):
    """One raw reply and what it may say; a post puts on record what the judge said, or that it says nothing."""
    run = _run(request, pk)
    errors: dict[str, str] = {}
    if request.method == "POST":
        row = _wanted(run, request.POST)
        if row is None:
            messages.warning(request, _("That reply was read already, or the judge was asked again."))
            return redirect("run_unread", pk)
        errors = _settled(request, run, row)
        if not errors:
            return redirect(_at(run, after=row.pk))
    else:
        row = _next(run, request.GET)
    context = {"run": run, "row": row, "errors": errors, "left": reading_by_hand.queue(run).count()}
    context["read"] = reading_by_hand.read_by_people(run).count()
    if row:
        context |= _exhibited(row, request.POST, errors)
    return render(request, "judging/unread.html", context, status=422 if errors else 200)


@leads_only
@require_POST
def unread_undo(request, pk):
    """Take back what this person read last in the run."""
    run = _run(request, pk)
    try:
        row = reading_by_hand.take_back(run, by=request.user)
    except ValueError as error:  # a panel whose settings are refused today
        messages.error(request, str(error))
        return redirect("run_unread", pk)
    if row is None:
        messages.info(request, _("There is nothing more to undo."))
        return redirect("run_unread", pk)
    running.tell(run)
    messages.info(request, _("Undone: here it is again."))
    return redirect(_at(run, after=row.pk - 1))


def _run(request, pk) -> Run:
    run = get_object_or_404(Run.objects.select_related("benchmark", "rubric"), pk=pk)
    if seen_by(request.user, run).blind:
        raise Http404
    return run


def _at(run: Run, *, after: int) -> str:
    return f"{reverse('run_unread', args=[run.pk])}?after={after}"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _rows(run: Run):
    item = ("answer__question__category",) if run.is_single else ("battle__first__question__category", "battle__second")
    return reading_by_hand.queue(run).select_related("judge", "rubric", "run", *item)


def _wanted(run: Run, post):
    return _rows(run).filter(pk=_number(asked(post, "judgment"))).first()


def _next(run: Run, fields):
    """The reply after the one that was passed over, from the beginning again where that was the last; None where none is left."""
    rows = _rows(run)
    return rows.filter(pk__gt=_number(asked(fields, "after"))).first() or rows.first()


def _settled(request, run: Run, row) -> dict[str, str]:
    """Settle the reply as posted; what could not be read of the post, by field."""
    verdict = None
    try:
        if asked(request.POST, "says") != "nothing":
            scale = reading_by_hand.scale_of(row)
            verdict = said(request.POST, reading_by_hand.seat_on(row), row.turn, scale=scale)
        told = reading_by_hand.settle(run, row.pk, verdict, by=request.user)
    except Unreadable as unreadable:
        return unreadable.errors
    except reading_by_hand.Gone:
        messages.warning(request, _("That reply was read already, or the judge was asked again."))
        return {}
    except ValueError as error:  # a panel whose settings are refused today
        return {"": str(error)}
    running.tell(run)
    nothing = _("On record: it says nothing. The failure stays.")
    messages.success(request, nothing if verdict is None else _("On record: what the judge said."))
    if told.to_compose:
        text = _(
            "%(n)d verdicts of panels and cascades were set aside: “Run again” asks the members that they now wait for."
        )
        messages.warning(request, text % {"n": told.to_compose})
    return {}


def _exhibited(row, post, errors: dict[str, str]) -> dict:
    seat = reading_by_hand.seat_on(row)
    question = ballots.question_of(seat)
    context = {"question": question, "asked": row.asked}
    if not row.run.is_single:
        return context | {"choices": ballots.choices_of(reading_by_hand.scale_of(row))}
    return context | {"form": ballots.form_of_turn(seat, row.turn, post=post if errors else {}, errors=errors)}
