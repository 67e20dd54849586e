"""Whether anything remains for a person to vote on, in each of the runs that are open for their votes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Case, Count, Exists, F, Q, Value, When
from django.utils import timezone

from arena.models import Benchmark
from judging.access import open_with_memberships
from judging.models import Assignment, Judge, Membership, Run
from judging.schedule import Member, in_languages
from judging.standing import Shape, Standing, in_hand, numbers, open_items
from judging.voting import Voting
from judging.voting_items import field_of

Seat = Assignment.Status
For = Assignment.Purpose


def with_counts(user: Any, open_to: Iterable[tuple[Run, Membership | None]]) -> list[Run]:
    """These runs, as `access.open_with_memberships` has them, with `mine` and `all` votes, and in `nothing` why this person would be given no item: "paused",
    "day", "run", "done"; "" where they would.

    It goes by the items that are known: opening the ballot may find new ones. Two queries, however many runs.
    """
    judge = Judge.objects.filter(user=user).first()
    members = {run.pk: (run, Member.of(run, row)) for run, row in open_to}
    done = Q(assignments__status=Seat.DONE, assignments__purpose__in=(For.VOTE, For.REPEAT, For.GOLD))
    mine = done & Q(assignments__judge__user=user)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    counted = (
        Run.objects.filter(pk__in=list(members))
        .select_related("benchmark", "rubric")
        .annotate(
            mine=Count("assignments", filter=mine),
            all=Count("assignments", filter=done),
            today=Count("assignments", filter=mine & Q(assignments__closed_at__gte=midnight)),
            votes=Count("assignments", filter=mine & Q(assignments__purpose=For.VOTE)),
            holds=Case(*(_holds(run, judge) for run, _ in members.values() if judge), default=Value(False)),
            goes_on=Case(*(_goes_on(run, judge, member) for run, member in members.values()), default=Value(False)),
        )
    )
    found = list(counted)
    for run in found:
        run.nothing = _why(run, members[run.pk][1])
    return found


def goes_on(user: Any, benchmark: Benchmark) -> bool:
    """Whether this person would be given an item of the benchmark in some run. At most six queries."""
    open_to = (open_with_memberships(user) if user.is_authenticated else None) or ()
    mine = [(run, row) for run, row in open_to if run.benchmark_id == benchmark.pk]
    return any(not run.nothing for run in with_counts(user, mine)) if mine else False


def _holds(run: Run, judge: Judge) -> When:
    """True for this run where this person has an item of it in hand."""
    return When(Q(pk=run.pk) & Q(Exists(in_hand(run, judge).order_by())), then=Value(True))


def _goes_on(run: Run, judge: Judge | None, member: Member) -> When:
    """True for this run where it has an item for this person: open, of the practice round, or not known yet."""
    items = run.items.order_by()
    if judge is None:  # who has voted nowhere yet
        mine = items.filter(held__lt=F("wanted"), is_out=False)
        mine = mine.filter(language__in=member.languages) if member.languages else mine
    else:
        mine = open_items(Shape.of(run, member), **numbers(run, judge)).order_by()
    ways = ~Q(Exists(items)) | Q(Exists(mine))
    if Voting.of(run).practice and not member.practised:
        golds = run.golds.filter(is_practice=True).order_by()
        ways |= Q(Exists(in_languages(golds, field_of(run), member.languages)))
    return When(Q(pk=run.pk) & ways, then=Value(True))


def _why(run: Any, member: Member) -> str:
    if member.paused_at:
        return "paused"
    if run.holds:  # whatever quota is used up
        return ""
    now = Standing(done=run.mine, today=run.today, items=0, checks=0, last=None, votes=run.votes)
    return now.exhausts(member) or ("" if run.goes_on else "done")
