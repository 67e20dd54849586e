"""Who may see what of runs and of the record."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import Exists, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from arena.frame import LEADS, is_adjudicator, is_annotator, is_lead, is_viewer
from arena.models import Benchmark, Provenance
from judging.models import Assignment, AuditEntry, Grade, Judge, Membership, Preference, Role, Run, Status, VotingItem
from judging.undecided import undecided_by
from judging.voting import GUESTS, INVITED, Voting

STEP = timedelta(days=7)
"""How long figures of an open run are kept back at least: then those of all its votes so far are shown at once, if the new ones are
enough to tell nobody what became of one."""
ENOUGH_VOTES, ENOUGH_PEOPLE = 5, 2
"""So many new votes, of so many people, are enough; where there are fewer, all wait another week."""
KEPT = 3600
"""Seconds that the end of what is shown is kept for: looking through the votes since takes the longer the more there are."""

Cast = tuple[int, tuple[str, int]]
"""By which judge was voted, and on what: a vote that is changed is no other one."""
Vote = tuple[datetime, *Cast]


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
    open_to = open_with_memberships(user)
    return None if open_to is None else Run.objects.filter(pk__in=[run.pk for run, _row in open_to])


def open_with_memberships(user) -> list[tuple[Run, Membership | None]] | None:
    """The same, each with what binds this person to it. At most four queries."""
    rows = {row.run_id: row for row in Membership.objects.filter(user=user).exclude(role=Role.VIEWER)}
    runs, annotates = Run.objects.filter(status=Run.Status.OPEN), is_annotator(user)
    if not annotates:
        if not rows or is_lead(user):
            return None
        runs = runs.filter(pk__in=rows)
    mine = ((run, rows.get(run.pk)) for run in runs)
    return [(run, row) for run, row in mine if lets_vote(run, row, annotates=annotates, leads=False)]


def is_blind_on(user, benchmark: Benchmark) -> bool:
    """Whether names and judgments on the benchmark are kept from this reader: see `blinding_runs`. At most seven queries."""
    return benchmark.pk in blinding_runs(user, benchmark)


def blinding_runs(user, benchmark: Benchmark | None = None) -> dict[int, list[Run]]:
    """The runs for whose sake names and judgments are kept from this reader, by benchmark; of one benchmark, or of all.

    While people are asked to vote on it, from everybody but leads, visitors too: an annotator could sign out and look. A
    demo is there to be looked at, so that only its annotators are kept blind. When the run is closed, from its
    adjudicators as long as they have something to decide. At most seven queries; one for a visitor where nothing is open.
    """
    runs = Run.objects.filter(benchmark=benchmark) if benchmark else Run.objects.all()
    found: dict[int, list[Run]] = defaultdict(list)
    columns = ("benchmark", "status", "provenance", "started_at", "created_at")
    for run in _open_among(runs).only(*columns):
        found[run.benchmark_id].append(run)
    if is_lead(user):
        return {}
    if found and not is_annotator(user):
        asked_on = _benchmarks_asked_on(user)
        found = {pk: mine for pk, mine in found.items() if pk in asked_on or not _are_all_demo(mine)}
    told = dict(found)
    for run in _runs_to_decide(user, runs).only(*columns):
        told[run.benchmark_id] = [*told.get(run.benchmark_id, ()), run]
    return told


def _open_among(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Those of these runs that are open for votes, each with when it was last opened as far as the log tells (`opened_at`)."""
    opened = AuditEntry.objects.filter(run=OuterRef("pk"), act="run_opened").order_by("-at")
    return runs.filter(status=Run.Status.OPEN).order_by("pk").annotate(opened_at=Subquery(opened.values("at")[:1]))


def _are_all_demo(runs: Iterable[Run]) -> bool:
    return all(run.provenance == Provenance.DEMO for run in runs)


def _benchmarks_asked_on(user) -> set[int]:
    mine = Membership.objects.filter(user=user) if user.is_authenticated else Membership.objects.none()
    return set(mine.values_list("run__benchmark", flat=True))


def _runs_to_decide(user, runs: QuerySet[Run]) -> QuerySet[Run]:
    """Those of these runs that are closed for votes and still have a split item that this person may decide."""
    if not user.is_authenticated:
        return Run.objects.none()
    if not is_adjudicator(user):
        runs = runs.filter(pk__in=Membership.objects.filter(user=user, role=Role.ADJUDICATOR).values("run"))
    items = undecided_by(VotingItem.objects.for_adjudicators(), Q(judge__user=user))
    shut = runs.exclude(status__in=(Run.Status.DRAFT, Run.Status.OPEN))
    return shut.filter(Exists(items.filter(run=OuterRef("pk"))))


@dataclass(frozen=True)
class Held:
    """Which figures of a benchmark are kept from somebody: those since `since`, but for the last before `end`. Newer ones follow
    at `more` at the earliest, unless the vote is over before."""

    since: datetime
    end: datetime
    more: datetime

    @classmethod
    def of(cls, began: Collection[datetime], votes: Iterable[Vote] | None = None) -> Held:
        """Where votes that nobody has seen the figures of began at these moments, at least one.

        All of them share the moments at which figures follow, a week apart from the first on, so that never the votes of less
        than a week come with the next; whatever began is left out until it is a week old. Of the `votes`, in any order, enough
        have to be new, or nothing follows until a week later; where they are None, that is not asked.
        """
        since, now = min(began), timezone.now()
        weeks = (since + step * STEP for step in count(1))
        moments = (moment for moment in weeks if not any(one < moment < one + STEP for one in began))
        waiting = deque(sorted(vote for vote in votes or () if vote[0] >= since))
        end, new = since, set[Cast]()
        while (moment := next(moments)) <= now:
            while waiting and waiting[0][0] < moment:
                new.add(waiting.popleft()[1:])
            if votes is None or _is_enough(new):
                end, new = moment, set()
        return cls(since, end, moment)


def _is_enough(new: Collection[Cast]) -> bool:
    return len(new) >= ENOUGH_VOTES and len({judge for judge, _item in new}) >= ENOUGH_PEOPLE


def _held(began: Collection[datetime], runs: Sequence[Run]) -> Held:
    """The same of these open runs of one benchmark; a demo's votes need not be many. Two queries once an hour, from a week after
    the first began on. Votes of runs that are over by now count too: what was shown once is not taken back as one of them ends."""
    since = min(began)
    passed = (timezone.now() - since) // STEP
    if passed < 1 or _are_all_demo(runs):
        return Held.of(began)
    told = (sorted(began), sorted(run.pk for run in runs), passed)
    key = f"held:{sha256(repr(told).encode()).hexdigest()}"
    return cache.get_or_set(key, lambda: Held.of(began, _votes_since(since, runs[0].benchmark_id)), KEPT)


def _votes_since(since: datetime, benchmark: int) -> Iterator[Vote]:
    """What people voted on this benchmark that counts, changed votes too: what was enough once stays enough. Two queries."""
    for table, item in ((Preference, "battle"), (Grade, "answer")):
        mine = {f"{item}__question__benchmark": benchmark, "provenance": Provenance.REAL}
        votes = table.objects.by_people().filter(**mine, created_at__gte=since, status=Status.OK, kept_out="")
        for at, judge, on in votes.order_by().values_list("created_at", "judge", item).iterator():
            yield at, judge, (item, on)


def figures_held(user, benchmark: Benchmark | None = None) -> dict[int, Held]:
    """Which figures of a benchmark are kept from this reader, by the benchmark's id; of one benchmark, or of all.

    Somebody who votes and sees a figure move knows whom the vote was for. So that figures stop where an open run of the
    benchmark was last opened; in a demo, where this person began to vote. A run may be open for years: a week later, and
    each week after that, figures of all votes so far follow if enough are new. Not for viewers who are asked nowhere. At most
    nine queries, and two once an hour for each benchmark with a run that is open for a week.
    """
    blinding = blinding_runs(user, benchmark).items()
    found = {pk: [run for run in runs if run.status == Run.Status.OPEN] for pk, runs in blinding}
    found = {pk: runs for pk, runs in found.items() if runs}
    if not found or (is_viewer(user) and not _is_asked_anywhere(user)):
        return {}
    began = _first_seats(user, [run for runs in found.values() for run in runs if run.provenance == Provenance.DEMO])
    told = {pk: [_votes_began(run, began) for run in runs] for pk, runs in found.items()}
    times = {pk: [at for at in mine if at] for pk, mine in told.items()}
    return {pk: _held(mine, found[pk]) for pk, mine in times.items() if mine}


def who_follow(people: Collection[int]) -> set[int]:
    """Those of these people, by id, from whom no figures are kept while others vote: leads, and viewers who are asked nowhere.
    Two queries."""
    groups: dict[int, set[str]] = defaultdict(set)
    leads: set[int] = set()
    known = get_user_model().objects.filter(pk__in=people).values_list("pk", "is_superuser", "groups__name")
    for pk, is_superuser, name in known:
        groups[pk].add(name)
        if is_superuser or name in LEADS:
            leads.add(pk)
    seats = Membership.objects.filter(user__in=people).exclude(role=Role.VIEWER)
    asked = set(seats.values_list("user", flat=True))
    viewers = {pk for pk, mine in groups.items() if "viewer" in mine and not mine & {"annotator", "adjudicator"}}
    return leads | (viewers - asked)


def figures_ends(benchmark: Benchmark) -> set[datetime]:
    """Every moment from which on figures of the benchmark are kept from somebody: see `figures_held`. Two queries, and two once an
    hour for a run that is open for a week."""
    runs = {run.pk: run for run in _open_among(Run.objects.filter(benchmark=benchmark))}
    demos = [pk for pk, run in runs.items() if run.provenance == Provenance.DEMO]
    seats = Assignment.objects.filter(run__in=demos, judge__user__isnull=False).order_by()
    firsts = seats.values_list("run", "judge__user").annotate(Min("created_at"))
    everybody = [at for at in (_votes_began(run, {}) for run in runs.values()) if at]
    began: dict[int, list[datetime]] = defaultdict(lambda: list(everybody))
    for run, user, first in firsts:
        began[user] += [at for at in [_votes_began(runs[run], {run: first})] if at]
    return {_held(mine, list(runs.values())).end for mine in (everybody, *began.values()) if mine}


def _is_asked_anywhere(user) -> bool:
    seats = Membership.objects.filter(user=user).exclude(role=Role.VIEWER)
    return is_annotator(user) or is_adjudicator(user) or seats.exists()


def _first_seats(user, runs: list[Run]) -> dict[int, datetime]:
    """When this person was first given an item of each of these runs. At most one query."""
    if not runs or not user.is_authenticated:
        return {}
    mine = Assignment.objects.filter(run__in=runs, judge__user=user).order_by()
    return dict(mine.values_list("run").annotate(Min("created_at")))


def _votes_began(run: Run, began: Mapping[int, datetime]) -> datetime | None:
    """When votes began that nobody has seen the figures of yet: while the run was closed, they were shown."""
    opened = run.opened_at or run.started_at or run.created_at
    if run.provenance != Provenance.DEMO:
        return opened
    return max(opened, began[run.pk]) if run.pk in began else None


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
