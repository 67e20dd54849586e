"""Pages of machine judges: the list, the editor, and whether a judge's model answers. What a judge is worth is rating's."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from arena.border import asked
from arena.keys import lack_of
from judging.access import runs_seen_by
from judging.connecting import hear
from judging.editing_judges import Meanwhile, NameTaken, create, mark, newest_of, save, use_of
from judging.judge_form import JudgeForm
from judging.models import Judge, Seat
from judging.views.runs import leads_only

KINDS = [(kind, Judge.Kind(kind).label) for kind in Judge.WITH_ENGINE]


@require_GET
def judges(request):
    """Machine judges by name and version: kind, model, and how many runs use each."""
    seen = Count("runs", filter=Q(runs__in=runs_seen_by(request.user)), distinct=True)
    found = Judge.objects.filter(kind__in=Judge.WITH_ENGINE).select_related("model").annotate(n_runs=seen)
    kind = asked(request.GET, "kind")
    if kind in Judge.WITH_ENGINE:
        found = found.filter(kind=kind)
    context = {"judges": list(found.order_by("name", "-version")), "kinds": KINDS, "kind": kind}
    for judge in context["judges"]:
        judge.lack = judge.model and lack_of(judge.model)
    return render(request, "judging/judges.html", context)


@leads_only
@require_http_methods(["GET", "POST"])
def judge_new(request):
    """Make a judge: first its kind is chosen, then what such a judge is told. `from` begins with another one."""
    start = _machine_or_404(asked(request.GET, "from")) if asked(request.GET, "from") else None
    kind = asked(request.POST if request.method == "POST" else request.GET, "kind") or (start.kind if start else "llm")
    if kind not in Judge.WITH_ENGINE:
        raise Http404
    if request.method == "POST":
        return _worked_on(request, None, kind)
    initial = {**JudgeForm.initial_of(start), "name": ""} if start and start.kind == kind else {}
    return _editor(request, JudgeForm(initial=initial, kind=kind), None)


@leads_only
@require_http_methods(["GET", "POST"])
def judge_edit(request, pk):
    """Edit a judge: what judged already becomes the next version when it is saved."""
    judge = _machine_or_404(pk)
    if request.method == "POST":
        return _worked_on(request, judge, judge.kind)
    seats = judge.seats.count() + 2 if judge.kind in Judge.COMPOSED else 0
    form = JudgeForm(initial=JudgeForm.initial_of(judge), kind=judge.kind, judge=judge, seats=seats)
    return _editor(request, form, judge)


@leads_only
@require_POST
def judge_check(request, pk):
    """Ask the judge's model one tiny prompt now, and tell what came."""
    judge = _machine_or_404(pk)
    heard = hear(judge)
    context = {"judge": judge, "heard": heard}
    if request.htmx:
        return render(request, "judging/_judge_heard.html", context)
    if heard.error:
        messages.error(request, _("%(judge)s does not answer: %(why)s") % {"judge": judge, "why": heard.error})
    else:
        told = _("%(judge)s answered in %(s).1f s: %(text)s")
        messages.success(request, told % {"judge": judge, "s": heard.seconds, "text": heard.text})
    return redirect("judge_edit", pk=pk)


def _machine_or_404(pk) -> Judge:
    is_id = str(pk).isdecimal() and len(str(pk)) < 19
    machines = Judge.objects.filter(kind__in=Judge.WITH_ENGINE).select_related("model")
    return get_object_or_404(machines, pk=int(pk) if is_id else 0)


def _worked_on(request, judge: Judge | None, kind: str):
    seats = asked(request.POST, "seats")
    seats = int(seats) if seats.isascii() and seats.isdecimal() and len(seats) < 4 else 0
    if "add" in request.POST:
        return _editor(request, JudgeForm(request.POST, kind=kind, judge=judge, seats=seats + 2), judge, checking=False)
    form = JudgeForm(request.POST, kind=kind, judge=judge, seats=seats)
    if not form.is_valid():
        return _editor(request, form, judge, status=422)
    try:
        saved = (
            create(form.said)
            if judge is None
            else save(judge, form.said, base=request.POST.get("mark", ""), as_next="as_next" in request.POST)
        )
    except NameTaken as taken:
        form.add_error("name", _("There is a judge of this name already: %(judge)s") % {"judge": taken.newest})
        return _editor(request, form, judge, status=422)
    except Meanwhile as late:
        return _editor(request, form, judge, theirs=late.newest, status=409)
    is_next = judge is not None and saved.pk != judge.pk
    told = _("Saved as %(judge)s; %(old)s stays as it was.") if is_next else _("%(judge)s is saved.")
    messages.success(request, told % {"judge": saved, "old": judge})
    return redirect("judge_edit", pk=saved.pk)


def _editor(request, form: JudgeForm, judge: Judge | None, *, status=200, checking=True, theirs=None):
    newest = newest_of(judge.name) if judge else None
    kept = request.POST.get("mark", "") if request.method == "POST" and not theirs else ""
    context = {
        "form": form,
        "judge": judge,
        "newest": newest,
        "use": use_of(judge) if judge else None,
        "next_version": newest.version + 1 if newest else 1,
        "as_next": bool(theirs) or "as_next" in request.POST,
        "mark": kept or (mark(judge) if judge else ""),
        "kinds": KINDS,
        "kind": form.kind,
        "kind_label": Judge.Kind(form.kind).label,
        "seats": len(form.seats),
        "lack": judge and judge.model and lack_of(judge.model),
        "checking": checking,
        "theirs": theirs,
        "their_lines": _lines(theirs) if theirs else [],
        "panels": list(Seat.objects.filter(member=judge).select_related("panel")) if judge else [],
    }
    return render(request, "judging/judge_edit.html", context, status=status)


def _lines(judge: Judge) -> list[tuple[str, object]]:
    """What another lead wrote, in lines of name and value."""
    lines = [(_("Name"), judge.name), (_("Model"), judge.model)] + sorted(judge.options.items())
    if judge.kind in Judge.COMPOSED:
        lines.append(
            (
                _("Members"),
                ", ".join(f"{seat.member} × {seat.weight:g}" for seat in judge.seats.select_related("member")),
            )
        )
    return [(name, value) for name, value in lines if value not in (None, "")]
