"""What kind of seat a person is due: practice, a gold item, a hidden repeat, or the next vote."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from django.db.models import Exists, F, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from judging.models import Assignment, Gold, Grade, Judge, KeptOut, Membership, Preference, Run, VotingItem
from judging.voting import Voting
from judging.voting_items import field_of

MOST_TRIES = 3  # practice rounds, after which a person waits for the lead
APART = 20  # seats left between a vote and its hidden repeat, at least

Seat = Assignment.Status
For = Assignment.Purpose

KEPT_OUT = {
    For.PRACTICE: KeptOut.PRACTICE,
    For.GOLD: KeptOut.GOLD,
    For.REPEAT: KeptOut.REPEAT,
    For.ADJUDICATION: KeptOut.ADJUDICATION,
}
"""Why ratings leave out what is said from a seat that is not for the count."""


@dataclass(frozen=True)
class Member:
    """What a run knows of a person; the same for somebody it knows nothing of."""

    languages: tuple[str, ...] = ()
    per_day: int = 0
    per_person: int = 0
    practised: bool = False
    tries: int = 0
    paused_at: datetime | None = None
    paused_why: str = ""
    seen_rubric: int | None = None
    is_guest: bool = field(default=False)

    @classmethod
    def of(cls, run: Run, row: Membership | None) -> Member:
        """This row with the run's own settings where it says nothing; None is a person without a row."""
        voting = Voting.of(run)
        if row is None:
            return cls(per_day=voting.per_day, per_person=voting.per_person)
        return cls(
            languages=tuple(row.languages),
            per_day=voting.per_day if row.per_day is None else row.per_day,
            per_person=voting.per_person if row.per_person is None else row.per_person,
            practised=row.practised_at is not None,
            tries=row.practice_tries,
            paused_at=row.paused_at,
            paused_why=row.paused_why,
            seen_rubric=row.seen_rubric,
            is_guest=row.is_guest,
        )


@dataclass(frozen=True)
class Due:
    """A seat to be made: on what, for what, which time round; `swapped` is None where sides are to be drawn."""

    purpose: str
    item: int
    trial: int = 0
    swapped: bool | None = None


@dataclass(frozen=True)
class Practice:
    """How a round of practice went: right answers, items, and whether that passes."""

    right: int
    items: int
    passed: bool

    @property
    def share(self) -> float:
        return self.right / self.items if self.items else 0.0


def practice_due(run: Run, judge: Judge, member: Member) -> Due | None:
    """The next item of the practice round; None where there is none to do. One query where practice is asked for."""
    voting = Voting.of(run)
    if not voting.practice or member.practised:
        return None
    field = field_of(run)
    done = Assignment.objects.filter(run=run, judge=judge, purpose=For.PRACTICE, trial=member.tries)
    items = (
        Gold.objects.filter(run=run, is_practice=True).order_by("pk").values_list(field, flat=True)[: voting.practice]
    )
    seen = set(done.values_list(field, flat=True))
    item = next((pk for pk in items if pk not in seen), None)
    return Due(For.PRACTICE, item, trial=member.tries) if item else None


def practice_of(run: Run, judge: Judge, member: Member) -> Practice:
    """How this person's present round went so far. Two queries."""
    field, voting = field_of(run), Voting.of(run)
    golds = {getattr(gold, f"{field}_id"): gold for gold in Gold.objects.filter(run=run, is_practice=True)}
    seats = Assignment.objects.filter(run=run, judge=judge, purpose=For.PRACTICE, trial=member.tries, status=Seat.DONE)
    items = set(seats.values_list(field, flat=True)) & set(golds)
    table = Grade if run.is_single else Preference
    value = "score" if run.is_single else "value"
    said = table.objects.decided().filter(run=run, judge=judge, kept_out=KeptOut.PRACTICE, **{f"{field}__in": items})
    latest = dict(said.order_by("pk").values_list(field, value))
    right = sum(golds[item].is_right(told) for item, told in latest.items())
    of = min(voting.practice, len(golds))
    return Practice(right, of, passed=bool(of) and right >= voting.pass_mark * of - 1e-9)


def close_practice(run: Run, judge: Judge, member: Member) -> Practice | None:
    """End a round that is through: passed, or one more try. None while it is not, or without practice."""
    voting = Voting.of(run)
    if not voting.practice or member.practised or not Gold.objects.filter(run=run, is_practice=True).exists():
        return None
    if practice_due(run, judge, member):
        return None
    result = practice_of(run, judge, member)
    mine = Membership.objects.get_or_create(run=run, user=judge.user)[0]
    if result.passed:
        Membership.objects.filter(pk=mine.pk, practised_at=None).update(practised_at=timezone.now())
    else:
        told: dict = {"practice_tries": member.tries + 1}
        if member.tries + 1 >= MOST_TRIES:
            told |= {"paused_at": timezone.now(), "paused_why": _("The practice round was not passed.")}
        Membership.objects.filter(pk=mine.pk, practice_tries=member.tries).update(**told)
    return result


def check_due(run: Run, judge: Judge, *, votes: int, golds: int, repeats: int) -> Due | None:
    """The gold item or hidden repeat that is due after so many votes. No query while none is."""
    voting = Voting.of(run)
    seed = (run.pk, run.seed, judge.pk)
    due = _gold(run, judge) if _is_due(voting.gold_every, votes, golds, seed=(*seed, "gold")) else None
    if due is None and _is_due(voting.repeat_every, votes, repeats, seed=(*seed, "repeat")):
        due = _repeat(run, judge)
    return due


def _is_due(every: int, votes: int, so_far: int, *, seed: tuple) -> bool:
    """Whether the next one has its turn: once in every so many votes, at a place that nobody can count out."""
    if not every:
        return False
    digest = blake2b(repr((seed, so_far)).encode(), digest_size=4, person=b"juryroom check").digest()
    return votes >= so_far * every + 1 + int.from_bytes(digest) % every


def _gold(run: Run, judge: Judge) -> Due | None:
    field = field_of(run)
    seen = Assignment.objects.filter(run=run, judge=judge, **{field: OuterRef(field)})
    golds = Gold.objects.filter(run=run, is_practice=False).exclude(Exists(seen)).order_by("pk")
    flagged = Assignment.objects.filter(run=run, status=Seat.FLAGGED, settled_at__isnull=True).values(field)
    items = list(golds.exclude(**{f"{field}__in": flagged}).values_list(field, flat=True))
    if not items:
        return None
    digest = blake2b(repr((run.seed, judge.pk, len(items))).encode(), digest_size=4).digest()
    return Due(For.GOLD, items[int.from_bytes(digest) % len(items)])


def _repeat(run: Run, judge: Judge) -> Due | None:
    """The oldest vote of this person that lies far enough back and was not asked again, with the sides changed."""
    field = field_of(run)
    left = Assignment.objects.filter(run=run, judge=judge).exclude(status=Seat.LEASED).order_by("-closed_at", "-pk")
    border = left.values_list("closed_at", flat=True)[APART - 1 : APART]
    again = Assignment.objects.filter(run=run, judge=judge, trial__gt=0, **{field: OuterRef(field)})
    out = VotingItem.objects.filter(run=run, is_out=True, **{field: OuterRef(field)})
    old = left.filter(status=Seat.DONE, purpose=For.VOTE, closed_at__lt=border).exclude(Exists(again) | Exists(out))
    old = old.reverse()
    seat = old.annotate(what=F(field)).values_list("what", "swapped").first()
    return Due(For.REPEAT, seat[0], trial=1, swapped=not seat[1]) if seat else None
