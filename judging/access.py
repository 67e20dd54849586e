"""Who may see what of runs and of the record."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from arena.frame import is_adjudicator, is_annotator, is_lead, is_viewer
from arena.models import Benchmark, Provenance
from judging.models import Grade, Judge, Membership, Preference, Role, Run, VotingItem
from judging.voting import GUESTS, INVITED, Voting


def runs_seen_by(user) -> QuerySet[Run]:
    """Leads and viewers see every run; everybody else those that ended well, as the origin of what the boards show.

    Whoever was invited to look at a run sees it as well. At most two queries before the set's own.
    """
    if is_lead(user) or is_viewer(user):
        return Run.objects.all()
    seen = Q(status=Run.Status.DONE)
    if user.is_authenticated:
        seen |= Q(pk__in=Membership.objects.filter(user=user, role=Role.VIEWER).values("run"))
    return Run.objects.filter(seen)


def may_see_run(user, run: Run) -> bool:
    """Whether this person may look at the run's page. At most three queries."""
    return runs_seen_by(user).filter(pk=run.pk).exists()


def membership_of(user, run: Run) -> Membership | None:
    """What binds this person to the run. One query."""
    return Membership.objects.filter(run=run, user=user).first() if user.is_authenticated else None


def may_vote_in(user, run: Run) -> bool:
    """Whether this person may vote in this run now. At most three queries."""
    if not user.is_authenticated:
        return False
    annotates = is_annotator(user)
    leads = not annotates and is_lead(user)
    return lets_vote(run, membership_of(user, run), annotates=annotates, leads=leads)


def lets_vote(run: Run, row: Membership | None, *, annotates: bool, leads: bool) -> bool:
    """Whether a run lets somebody vote: an annotator of the site, unless one has to be invited; or a member.

    A guest is a member while the run is open to guests. Leads see who wrote what, so that they vote only where they are
    annotators as well.
    """
    open_to = Voting.of(run).open_to
    is_member = row is not None and row.role != Role.VIEWER and (open_to == GUESTS or not row.is_guest)
    if annotates:
        return open_to != INVITED or is_member
    return is_member and not leads


def may_adjudicate(user, run: Run) -> bool:
    """Whether this person may decide what people are split on in this run. At most three queries."""
    if not user.is_authenticated:
        return False
    mine = Membership.objects.filter(run=run, user=user, role=Role.ADJUDICATOR)
    return is_lead(user) or is_adjudicator(user) or mine.exists()


def runs_open_to(user) -> QuerySet[Run] | None:
    """The open runs that this person may vote in; None for somebody who votes nowhere. At most four queries."""
    rows = {row.run_id: row for row in Membership.objects.filter(user=user).exclude(role=Role.VIEWER)}
    runs, annotates = Run.objects.filter(status=Run.Status.OPEN), is_annotator(user)
    if not annotates:
        if not rows or is_lead(user):
            return None
        runs = runs.filter(pk__in=rows)
    mine = [run.pk for run in runs if lets_vote(run, rows.get(run.pk), annotates=annotates, leads=False)]
    return Run.objects.filter(pk__in=mine)


def is_blind_on(user, benchmark: Benchmark) -> bool:
    """Whether names and judgments on the benchmark are kept from this reader, because people are asked to vote on it.

    From everybody but leads, visitors too: an annotator could sign out and look. A demo is there to be looked at, so
    that only its annotators are kept blind. At most four queries; one where nothing is open.
    """
    votes = Run.objects.filter(benchmark=benchmark, status=Run.Status.OPEN).order_by()
    open_for = set(votes.values_list("provenance", flat=True).distinct())
    if not open_for or is_lead(user):
        return False
    return open_for != {Provenance.DEMO} or is_annotator(user) or _is_asked_on(user, benchmark)


def _is_asked_on(user, benchmark: Benchmark) -> bool:
    return user.is_authenticated and Membership.objects.filter(user=user, run__benchmark=benchmark).exists()


def name_people(judgments: Iterable[Preference | Grade], user) -> None:
    """Put `who` on the judgments of people with an account, whose names are for leads: "you", or a number.

    The numbers follow the order in which people began to judge, and hold for these judgments. At most one query.
    """
    by_people = [one for one in judgments if one.judge.kind == Judge.Kind.PERSON]
    if not by_people or is_lead(user):
        return
    numbers = {pk: number for number, pk in enumerate(sorted({one.judge_id for one in by_people}), start=1)}
    for one in by_people:
        is_reader = one.judge.user_id == user.pk
        one.who = _("you") if is_reader else _("person %(number)d") % {"number": numbers[one.judge_id]}


def runs_to_adjudicate(user) -> list[Run]:
    """The runs with items for adjudicators, where this person, who is no lead, is one; leads find them on the run's page. Two queries."""
    mine = Membership.objects.filter(user=user, role=Role.ADJUDICATOR).values("run")
    runs = Run.objects.exclude(status=Run.Status.DRAFT) if is_adjudicator(user) else Run.objects.filter(pk__in=mine)
    waiting = VotingItem.objects.for_adjudicators().values("run")
    return list(runs.filter(pk__in=waiting).select_related("benchmark"))
