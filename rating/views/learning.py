"""What a judge would learn from the people of a benchmark, and its next version that has learnt it. For leads."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from arena.border import asked
from arena.models import Benchmark
from judging.editing_judges import Meanwhile, newest_of
from judging.models import Judge
from judging.views.runs import leads_only
from rating.learning import LEARNERS, NothingToLearn, learn, lesson


@leads_only
@require_POST
def judge_learn(request, pk):
    """The figures first; `write` makes the next version."""
    judge = get_object_or_404(Judge.objects.filter(kind__in=LEARNERS).select_related("model"), pk=pk)
    wanted = asked(request.POST, "benchmark")
    is_id = wanted.isascii() and wanted.isdecimal() and len(wanted) < 18
    benchmark = get_object_or_404(Benchmark, pk=int(wanted) if is_id else 0)
    try:
        told = lesson(judge, benchmark)
        if "write" in request.POST:
            return _written(request, judge, learn(told, by=request.user))
    except NothingToLearn as error:
        messages.error(request, _("There is nothing to learn here: %(why)s.") % {"why": error})
        return redirect("judge", pk=pk)
    except Meanwhile as late:
        messages.error(request, _("%(judge)s was saved meanwhile: look again.") % {"judge": late.newest})
        return redirect("judge", pk=pk)
    next_version = newest_of(judge.name).version + 1
    return render(request, "rating/judge_learn.html", {"judge": judge, "lesson": told, "next_version": next_version})


def _written(request, judge: Judge, made: Judge):
    if made == judge:
        messages.info(request, _("%(judge)s goes by that already: nothing was changed.") % {"judge": judge})
    else:
        said = _("Saved as %(judge)s; %(old)s stays as it was.")
        messages.success(request, said % {"judge": made, "old": judge})
    return redirect("judge", pk=made.pk)
