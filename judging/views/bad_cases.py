"""Pages of bad cases: marking one, the list, one in full, taking cases up in a rubric, and judging again what that touches. Leads only."""

from __future__ import annotations

from itertools import groupby

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from arena.border import asked
from arena.models import Benchmark, Category
from judging import bad_cases as cases_
from judging import judging_again
from judging.bad_case_form import MarkForm, TakeUpForm
from judging.ballots import flag_causes
from judging.editing_rubrics import Base, Meanwhile, newest_of, newest_versions, use_of
from judging.models import Assignment, BadCase, Rubric
from judging.views.case_history import history
from judging.views.runs import leads_only

PAGE = 100
MOST_FLAGS = 20


@leads_only
@require_GET
def bad_cases(request):
    """Bad cases by cause, filtered; and what annotators flagged and nobody settled."""
    chosen = {name: asked(request.GET, name) for name in ("status", "cause", "category", "benchmark")}
    found = BadCase.objects.select_related("question__benchmark", "question__category", "answer__model", "rubric", "by")
    status = chosen["status"] or BadCase.Status.OPEN
    if status in BadCase.Status.values:
        found = found.filter(status=status)
    if chosen["cause"]:
        found = found.filter(cause=chosen["cause"])
    for name in ("category", "benchmark"):
        if chosen[name].isascii() and chosen[name].isdecimal() and len(chosen[name]) < 19:
            found = found.filter(**{f"question__{name}": int(chosen[name])})
    page = Paginator(found.order_by("cause", "-pk"), PAGE).get_page(request.GET.get("page"))
    labels = dict(cases_.causes())
    context = {
        "page": page,
        "groups": [
            (labels.get(cause, cause or _("no cause named")), list(rows))
            for cause, rows in groupby(page, lambda one: one.cause)
        ],
        "chosen": {**chosen, "status": status},
        "statuses": BadCase.Status.choices,
        "causes": cases_.causes(),
        "categories": Category.objects.filter(questions__bad_cases__isnull=False).distinct(),
        "benchmarks": Benchmark.objects.filter(questions__bad_cases__isnull=False).distinct(),
        "flags": _flags(),
    }
    return render(request, "judging/bad_cases.html", context)


def _flags() -> list[Assignment]:
    """What annotators flagged as broken and nobody settled, the newest first. One query."""
    seats = Assignment.objects.filter(status=Assignment.Status.FLAGGED, settled_at=None).order_by("-closed_at")
    found = list(seats.select_related("run", "battle__question", "answer__question")[:MOST_FLAGS])
    labels = dict(flag_causes())
    for seat in found:
        seat.question = (seat.answer or seat.battle).question
        seat.cause_in_words = labels.get(seat.cause, seat.cause)
    return found


@leads_only
@require_POST
def bad_case_new(request):
    """Mark an answer, a pair or a question as a bad case; or, with `flag`, what an annotator flagged."""
    if flag := asked(request.POST, "flag"):
        wanted = int(flag) if flag.isascii() and flag.isdecimal() and len(flag) < 19 else 0
        seat = get_object_or_404(Assignment.objects.filter(status=Assignment.Status.FLAGGED), pk=wanted)
        case = cases_.of_flag(seat, by=request.user)
    else:
        form = MarkForm(request.POST)
        if not form.is_valid():
            return render(request, "judging/bad_case_new.html", {"form": form, "causes": cases_.causes()}, status=422)
        case = cases_.mark(by=request.user, **form.cleaned_data)
    messages.success(request, _("Marked as a bad case."))
    return redirect("bad_case", pk=case.pk)


@leads_only
@require_GET
def bad_case(request, pk):
    """One case: what it is about, what judges said of it, and what was decided."""
    case = _case(pk)
    answers = [case.answer] if case.answer_id else []
    if case.battle_id:
        answers = [case.battle.first, case.battle.second]
    elif not answers:
        answers = list(case.question.answers.select_related("model").order_by("model__name", "sample")[:20])
    context = {
        "case": case,
        "question": case.question,
        "answers": answers,
        "cause": dict(cases_.causes()).get(case.cause, case.cause),
        "history": history(case, request.user),
        "alike": _alike(case) if case.status == BadCase.Status.OPEN else [],
        "runs": list(case.rubric.runs.all()[:20]) if case.rubric_id else [],
    }
    return render(request, "judging/bad_case.html", context)


def _case(pk) -> BadCase:
    related = ["question__benchmark", "question__category", "answer__model", "rubric", "by", "closed_by", "run__rubric"]
    related += ["battle__first__model", "battle__second__model"]
    return get_object_or_404(BadCase.objects.select_related(*related), pk=pk)


def _alike(case: BadCase) -> list[BadCase]:
    """Other open cases of the same cause: one dimension may see them all. One query."""
    others = BadCase.objects.filter(status=BadCase.Status.OPEN, cause=case.cause).exclude(pk=case.pk)
    return list(others.select_related("question__benchmark")[:50])


@leads_only
@require_POST
def bad_case_dismiss(request):
    """Close cases with a reason; or, with `reopen`, open a dismissed one again."""
    if again := asked(request.POST, "reopen"):
        case = _case(int(again) if again.isascii() and again.isdecimal() and len(again) < 19 else 0)
        cases_.reopen(case)
        messages.success(request, _("The case is open again."))
        return redirect("bad_case", pk=case.pk)
    pks, reason = _pks(request.POST), asked(request.POST, "reason", longest=10_000)
    back = redirect("bad_case", pk=pks[0]) if len(pks) == 1 else redirect("bad_cases")
    if not reason:
        messages.error(request, _("A case is dismissed with a reason: say why."))
        return back
    try:
        n = cases_.dismiss(pks, reason=reason, by=request.user)
    except cases_.NotOpen:
        messages.error(request, _("Nothing was dismissed: some of these cases are not open any more."))
        return back
    messages.success(request, ngettext("%(n)d case is dismissed.", "%(n)d cases are dismissed.", n) % {"n": n})
    return back


@leads_only
@require_http_methods(["GET", "POST"])
def bad_case_take_up(request):
    """Write the dimension or the deduction that sees these cases from now on: the rubric's next version is made with it."""
    fields = request.POST if request.method == "POST" else request.GET
    pks = _pks(fields)
    found = list(
        BadCase.objects.filter(pk__in=pks, status=BadCase.Status.OPEN).select_related(
            "question__benchmark", "question__category", "run__rubric"
        )
    )
    if not found:
        messages.error(request, _("Choose at least one open case first."))
        return redirect("bad_cases")
    rubric = _rubric(fields, found)
    if rubric is None:
        messages.error(request, _("There is no rubric yet: write one first."))
        return redirect("rubric_new")
    if request.method == "GET":
        return _take_up_page(request, found, rubric, TakeUpForm(rubric=rubric))
    form = TakeUpForm(request.POST, rubric=rubric)
    if form.is_valid():
        try:
            told = {"base": Base.read(request.POST), "by": request.user, "decision": form.cleaned_data["decision"]}
            saved = cases_.take_up(pks, rubric, form.criterion, **told)
        except cases_.NotOpen:
            form.add_error(None, _("Nothing was written: some of these cases are not open any more."))
        except cases_.CannotTakeUp as cannot:
            form.tell(cannot.problems)
        except Meanwhile as late:
            form.add_error(
                None,
                _("Somebody else saved the rubric meanwhile, as %(rubric)s. Look at it, and save again.")
                % {"rubric": late.newest},
            )
            return _take_up_page(request, found, late.newest, form, status=409)
        else:
            messages.success(request, _("%(rubric)s takes it up.") % {"rubric": saved})
            return redirect(f"{reverse('bad_case_again')}?rubric={saved.pk}")
    return _take_up_page(request, found, rubric, form, status=422)


def _take_up_page(request, found, rubric: Rubric, form: TakeUpForm, *, status=200):
    fits = request.method == "POST" and status == 422
    context = {
        "cases": found,
        "form": form,
        "rubric": rubric,
        "rubrics": newest_versions(),
        "base": Base.read(request.POST) if fits else Base.of(rubric),
        "use": use_of(rubric),
        "next_version": rubric.version + 1,
        "first_of_all": not rubric.dimensions and not rubric.points and not rubric.template,
    }
    return render(request, "judging/bad_case_take_up.html", context, status=status)


def _rubric(fields, found) -> Rubric | None:
    """The newest version of the rubric that was chosen: by its name, else the one that a case was judged by, else any."""
    names = [asked(fields, "rubric"), *(case.run.rubric.name for case in found if case.run_id)]
    for name in filter(None, names):
        if newest := newest_of(name):
            return newest
    return next(iter(newest_versions()), None)


def _pks(fields) -> list[int]:
    return [int(one) for one in fields.getlist("case") if one.isascii() and one.isdecimal() and len(one) < 19]


@leads_only
@require_http_methods(["GET", "POST"])
def bad_case_again(request):
    """Judge again only what a rubric's new version touches: the estimate first, then a run like one that there was."""
    fields = request.POST if request.method == "POST" else request.GET
    wanted = asked(fields, "rubric")
    rubric = get_object_or_404(
        Rubric, pk=int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 19 else 0
    )
    runs = judging_again.runs_like(rubric)
    chosen = asked(fields, "run")
    like = next((run for run in runs if str(run.pk) == chosen), runs[0] if runs else None)
    scope = judging_again.CATEGORIES if asked(fields, "scope") == judging_again.CATEGORIES else judging_again.CASES
    plan = judging_again.again(rubric, like, scope) if like else None
    told, status = "", 200
    if request.method == "POST" and plan:
        try:
            run = judging_again.start(plan, by=request.user)
        except judging_again.CannotJudge as cannot:
            told, status = str(cannot), 422
        else:
            messages.success(request, _("The run is queued: only what the new rubric touches is judged again."))
            return redirect("run", pk=run.pk)
    cases = judging_again.cases_of(rubric).select_related("question__benchmark", "question__category")
    context = {"rubric": rubric, "runs": runs, "plan": plan, "scope": scope, "told": told, "cases": cases}
    return render(request, "judging/bad_case_again.html", context, status=status)
