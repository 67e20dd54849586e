"""Pages on how well people annotate: the lead's table, one annotator for the lead, and a person's own figures."""

from __future__ import annotations

from functools import wraps

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from arena.border import asked
from arena.frame import is_lead
from arena.models import Category
from judging.models import Assignment, Gold, Grade, Judge, Membership, Preference, Run
from judging.schedule import Member, Practice, practice_of
from judging.voting import Voting
from rating import annotating
from rating.stats.annotators import FEWEST_SHARED

LAST_VOTES = 20
PAGE = 200  # of those in files there may be thousands
WHOLE = "benchmark"


def leads_see(view):
    """A visitor signs in first; anybody else without the role gets the 403 page."""

    @login_required
    @wraps(view)
    def checked(request, *args, **kwargs):
        if not is_lead(request.user):
            raise PermissionDenied(
                _("Only evaluation leads see how others annotate; your own figures are on your own page.")
            )
        return view(request, *args, **kwargs)

    return checked


@require_safe
@leads_see
def annotators(request, pk):
    """Everybody who votes in a run, with figures and flags; with `of=benchmark` from all runs of its benchmark."""
    run = get_object_or_404(Run.objects.select_related("benchmark"), pk=pk)
    is_whole = asked(request.GET, "of") == WHOLE
    crowd = (
        annotating.of_benchmark(run.benchmark, is_single=run.is_single) if is_whole else annotating.of_run(run)
    )  # fmt: skip
    page = Paginator(crowd.people, PAGE).get_page(request.GET.get("page"))
    crowd.make(page.object_list)
    context = {
        "run": run, "crowd": crowd, "page": page, "is_whole": is_whole, "fewest": FEWEST_SHARED, **_links(run)
    }  # fmt: skip
    return render(request, "rating/annotators.html", context)


@require_safe
@leads_see
def annotator(request, pk):
    """One annotator in one run, the newest of theirs unless `run` names another: weeks, categories, what was mistaken for what."""
    judge = get_object_or_404(Judge.objects.people().select_related("user"), pk=pk)
    runs = runs_of(judge)
    run = _chosen(runs, asked(request.GET, "run"))
    context = {"judge": judge, "runs": runs, "run": run, "fewest": FEWEST_SHARED}
    if run:
        context |= _of_one(run, judge) | _links(run)
    return render(request, "rating/annotator.html", context)


def _links(run: Run) -> dict[str, str]:
    return {"people_url": f"{reverse('run', args=[run.pk])}people/"}


def runs_of(judge: Judge) -> list[Run]:
    """The runs this person has a seat or a vote in, the newest first. One query."""
    seats = Assignment.objects.filter(judge=judge).values("run")
    voted = [table.objects.filter(judge=judge, run__isnull=False).values("run") for table in (Preference, Grade)]
    there = Q(pk__in=seats) | Q(pk__in=voted[0]) | Q(pk__in=voted[1])
    return list(Run.objects.filter(there).select_related("benchmark"))


def _chosen(runs: list[Run], asked_for: str) -> Run | None:
    named = [one for one in runs if str(one.pk) == asked_for]
    return (named or runs or [None])[0]


def _of_one(run: Run, judge: Judge) -> dict:
    """What the page of one annotator shows of a run; the same number of queries for any number of people and votes."""
    crowd = annotating.of_run(run)
    person = crowd.of(judge.pk)
    row = person.row if person else None
    names = Category.objects.in_bulk([part.code for part in row.categories]) if row else {}
    return {
        "crowd": crowd,
        "person": person,
        "row": row,
        "weeks": [(annotating.week_name(part.code), part.share) for part in row.weeks] if row else [],
        "categories": [(names[part.code].name, part.share) for part in row.categories] if row else [],
        "crossed": [] if run.is_single else _crossed(crowd, judge),
        "last": _last(run, crowd, judge),
    }


def _crossed(crowd: annotating.Crowd, judge: Judge) -> list[tuple[str, list[int]]]:
    """The table of own choices against the others', a row for each own choice; empty without a shared vote."""
    table = annotating.crossed(crowd, judge.pk)
    if not table.any():
        return []
    words = (_("A is better"), _("neither"), _("B is better"))
    return [(word, row.tolist()) for word, row in zip(words, table, strict=True)]


def _last(run: Run, crowd: annotating.Crowd, judge: Judge) -> list[tuple]:
    """(the judgment with its question, the vote beside the others', its words) of the newest votes. One query."""
    found = annotating.last_votes(crowd, judge.pk, most=LAST_VOTES)
    if run.is_single:
        rows = Grade.objects.select_related("answer__question").in_bulk([one.vote.pk for one in found])
    else:
        rows = Preference.objects.select_related("battle__question").in_bulk([one.vote.pk for one in found])
    return [(rows[one.vote.pk], one, _said(one.vote, rows[one.vote.pk])) for one in found]


def _said(vote: annotating.Vote, row: Preference | Grade) -> str:
    if isinstance(row, Grade):
        return f"{vote.worth:g}"
    if row.both_bad:
        return _("both bad")
    value = annotating.shown(vote)
    if value == 0:
        return _("tie")
    return _("A is better") if value > 0 else _("B is better")


@require_safe
@login_required
def me(request):
    """A person's own figures in one run. What the others said shows in none of them until the run is closed."""
    judge = Judge.objects.filter(user=request.user).first()
    runs = runs_of(judge) if judge else []
    run = _chosen(runs, asked(request.GET, "run"))
    context = {"runs": runs, "run": run, "fewest": FEWEST_SHARED}
    if run:
        row = Membership.objects.filter(run=run, user=request.user).first()
        context |= {"member": row, "seats": annotating.own_seats(run, judge), "practice": _practice(run, judge, row)}
        if run.is_over:
            found = annotating.of_run(run).of(judge.pk)
            context["row"] = found.row if found else None
    return render(request, "rating/annotators_me.html", context)


def _practice(run: Run, judge: Judge, row: Membership | None) -> Practice | None:
    """How the last round of practice went; None where the run has none, or where a new round is to be gone through."""
    has_one = Voting.of(run).practice and row is not None and row.practised_at is not None
    if not has_one or not Gold.objects.filter(run=run, is_practice=True).exists():
        return None
    return practice_of(run, judge, Member.of(run, row))
