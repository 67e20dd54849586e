"""The page of contested items, from which a lead sends one to the adjudicators."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from arena.border import asked
from arena.models import Answer, Battle, Benchmark
from judging import adjudication, remaining
from judging.access import is_blind_on
from judging.models import AuditEntry, Run, VotingItem
from judging.views.runs import leads_only
from rating import boards, crossing
from rating import contested as ranked

PAGE = 25
BY = [
    (ranked.PEOPLE, gettext_lazy("People among themselves")),
    (ranked.AGAINST, gettext_lazy("People against judges")),
    (ranked.JUDGES, gettext_lazy("Judges among themselves")),
]
KINDS = [(ranked.PAIRS, gettext_lazy("pairs")), (ranked.SCORES, gettext_lazy("scores"))]


@require_safe
def contested(request, pk):
    """The items of a benchmark that are contested most, as its newest snapshot ranks them. Hidden while people vote."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    blind = is_blind_on(request.user, benchmark)
    context = {"benchmark": benchmark, "blind": blind}
    if blind:
        context["goes_on"] = remaining.goes_on(request.user, benchmark)
    else:
        context |= _ranked(request, benchmark)
    return render(request, "rating/contested.html", context)


def _ranked(request, benchmark: Benchmark) -> dict:
    snapshot = boards.latest(benchmark)
    told = crossing.kept(snapshot).get("contested", {}) if snapshot else {}
    there = [one for one in KINDS if one[0] in told] or KINDS[:1]
    kind = asked(request.GET, "kind") if asked(request.GET, "kind") in dict(there) else there[0][0]
    by = asked(request.GET, "by") if asked(request.GET, "by") in dict(BY) else ranked.PEOPLE
    kept = ranked.rows(told, kind, by)
    categories = ranked.categories(kept)
    category = next((one for one in categories if one.key == asked(request.GET, "category")), None)
    page = Paginator([one for one in kept if category is None or one[1] == category.pk], PAGE)
    page = page.get_page(request.GET.get("page"))
    return {
        "snapshot": snapshot,
        "is_kept": bool(told),
        "kinds": there,
        "kind": kind,
        "ways": BY,
        "by": by,
        "categories": categories,
        "category": category,
        "page": page,
        "items": ranked.items(kind, page.object_list),
        "total": ranked.total(told, kind, by),
        "most": ranked.MOST,
    }


@leads_only
@require_POST
def contested_send(request, pk):
    """Put an item before the adjudicators of the newest run that asked people about it."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    table, field = (Answer, "answer") if "answer" in request.POST else (Battle, "battle")
    text = request.POST.get(field, "")
    item = get_object_or_404(
        table,
        pk=int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0,
        question__benchmark=benchmark,
    )
    asked_in = VotingItem.objects.filter(run__benchmark=benchmark, is_out=False, **{field: item})
    found = asked_in.exclude(run__status=Run.Status.DRAFT).select_related("run").order_by("-run").first()
    if found is None:
        messages.warning(request, _("No run asks people about this item yet: open a run for people with it first."))
    elif item.pk in adjudication.adjudicated(found.run):
        messages.info(request, _("An adjudicator has decided this item already."))
    else:
        VotingItem.objects.filter(pk=found.pk).update(is_sent=True)
        AuditEntry.note("sent_to_adjudication", actor=request.user, run=found.run, **{field: item.pk})
        messages.success(request, _("It is before the adjudicators of “%(run)s” now.") % {"run": found.run.name})
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if is_ours else reverse("contested", args=[pk]))
