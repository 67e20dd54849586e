"""What kind of seat a person is due: practice, a gold item, a hidden repeat, or the next vote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from judging.models import Assignment, Gold, Grade, Judge, KeptOut, Membership, Preference, Run, VotingItem
from judging.models.people import PRACTICE_NOT_PASSED
from judging.voting import Voting
from judging.voting_items import field_of, taken_out

MOST_TRIES = 3  # practice rounds, after which a person waits for the lead, each time anew
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
            paused_why=row.paused_because,
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
    """How a round of practice went: right answers, items, whether that passes, and whether there is no further try."""

    right: int
    items: int
    passed: bool
    is_last: bool = False

    @property
    def share(self) -> float:
        return self.right / self.items if self.items else 0.0


def practice_due(run: Run, judge: Judge, member: Member) -> Due | None:
    """The next item of the practice round; None where there is none to do. Three queries where practice is asked for."""
    if not Voting.of(run).practice or member.practised:
        return None
    return _next_of(_round(run, judge, member), run, judge, member)


def _next_of(golds: Collection[int], run: Run, judge: Judge, member: Member) -> Due | None:
    done = Assignment.objects.filter(run=run, judge=judge, purpose=For.PRACTICE, trial=member.tries)
    seen = set(done.values_list(field_of(run), flat=True))
    item = next((pk for pk in list(golds)[: Voting.of(run).practice] if pk not in seen), None)
    return Due(For.PRACTICE, item, trial=member.tries) if item else None


def _round(run: Run, judge: Judge, member: Member) -> dict[int, Gold]:
    """The practice items for this person by item, oldest first: in their languages, not taken out, not seen otherwise. Two queries."""
    field, out = field_of(run), taken_out(run)
    seen = Assignment.objects.filter(run=run, judge=judge, **{field: OuterRef(field)}).exclude(purpose=For.PRACTICE)
    golds = Gold.objects.filter(run=run, is_practice=True).exclude(Exists(seen)).order_by("pk")
    found = {getattr(gold, f"{field}_id"): gold for gold in in_languages(golds, field, member.languages)}
    return {item: gold for item, gold in found.items() if item not in out}


def in_languages(rows: QuerySet, field: str, languages: Collection[str]) -> QuerySet:
    """Those on questions in these languages; all where there are none."""
    return rows.filter(**{f"{field}__question__language__in": languages}) if languages else rows


def practice_of(run: Run, judge: Judge, member: Member) -> Practice:
    """How this person's present round went so far. Four queries."""
    return _result(_round(run, judge, member), run, judge, member)


def _result(golds: Mapping[int, Gold], run: Run, judge: Judge, member: Member) -> Practice:
    field, voting = field_of(run), Voting.of(run)
    seats = Assignment.objects.filter(run=run, judge=judge, purpose=For.PRACTICE, trial=member.tries, status=Seat.DONE)
    items = set(seats.values_list(field, flat=True)) & set(golds)
    right = sum(golds[item].is_right(said) for item, said in practised(run, judge, items).items())
    of = min(voting.practice, len(golds))
    return Practice(right, of, passed=bool(of) and right >= voting.pass_mark * of - 1e-9)


def practised(run: Run, judge: Judge, items: Collection[int]) -> dict[int, list[float]]:
    """What this person said last in practice of each of these items: a value for each turn that was judged. One query."""
    field = field_of(run)
    table, value = (Grade, "score") if run.is_single else (Preference, "value")
    said = table.objects.decided().filter(run=run, judge=judge, kept_out=KeptOut.PRACTICE, **{f"{field}__in": items})
    latest: dict[int, dict[int, float]] = defaultdict(dict)
    for item, turn, told in said.order_by("pk").values_list(field, "turn", value):
        latest[item][turn] = told
    return {item: list(turns.values()) for item, turns in latest.items()}


def close_practice(run: Run, judge: Judge, member: Member) -> Practice | None:
    """End a round that is through: passed, or one more try. None while it is not, or without practice."""
    if not Voting.of(run).practice or member.practised:
        return None
    golds = _round(run, judge, member)
    if not golds or _next_of(golds, run, judge, member):
        return None
    result = _result(golds, run, judge, member)
    mine = Membership.objects.get_or_create(run=run, user=judge.user)[0]
    if result.passed:
        Membership.objects.filter(pk=mine.pk, practised_at=None).update(practised_at=timezone.now())
        return result
    told: dict = {"practice_tries": member.tries + 1}
    if is_last := (member.tries + 1) % MOST_TRIES == 0:
        told |= {"paused_at": timezone.now(), "paused_why": PRACTICE_NOT_PASSED}
    Membership.objects.filter(pk=mine.pk, practice_tries=member.tries).update(**told)
    return replace(result, is_last=is_last)


def check_due(run: Run, judge: Judge, member: Member, *, votes: int, golds: int, repeats: int) -> Due | None:
    """The gold item or hidden repeat that is due after so many votes. No query while none is."""
    due = _gold(run, judge, member) if _planned(run, judge, "gold", votes) > golds else None
    if due is None and _planned(run, judge, "repeat", votes) > repeats:
        due = _repeat(run, judge, member)
    return due


def checks_with(run: Run, judge: Judge, *, items: int, golds: int, unseen: int, repeats: int) -> int:
    """How many gold items and hidden repeats go with so many items, where `golds` and `repeats` came and `unseen` golds may.

    It is the same before and after each of them, so that nobody can tell from it which they are; a few of them may never
    come, such as repeats of votes that are too fresh.
    """
    gold = min(_planned(run, judge, "gold", items), golds + unseen)
    repeat = _planned(run, judge, "repeat", items) if items + gold > APART else 0
    return max(gold, golds) + max(repeat, repeats)


def _planned(run: Run, judge: Judge, kind: str, votes: int) -> int:
    """How many checks of this kind are due by so many votes: one in every so many, at a place that nobody can count out."""
    voting = Voting.of(run)
    every = voting.gold_every if kind == "gold" else voting.repeat_every
    if not every:
        return 0
    whole = votes // every
    seed = repr(((run.pk, run.seed, judge.pk, kind), whole)).encode()
    place = int.from_bytes(blake2b(seed, digest_size=4, person=b"juryroom check").digest()) % every
    return whole + (votes % every > place)


def unseen_golds(field: str, run: Any, judge: Any, languages: Collection[str]) -> QuerySet[Gold]:
    """The silent gold items in these languages, or in any, that this person was never shown; by numbers, or slots for them."""
    seen = Assignment.objects.filter(run=run, judge=judge, **{field: OuterRef(field)})
    golds = Gold.objects.filter(run=run, is_practice=False).exclude(Exists(seen))
    return in_languages(golds, field, languages)


def _gold(run: Run, judge: Judge, member: Member) -> Due | None:
    """One that no flag is open on and that no lead took out. Two queries."""
    field = field_of(run)
    flagged = Assignment.objects.filter(run=run, status=Seat.FLAGGED, settled_at__isnull=True).values(field)
    golds = unseen_golds(field, run.pk, judge.pk, member.languages).exclude(**{f"{field}__in": flagged}).order_by("pk")
    found = list(golds.values_list(field, flat=True))
    out = taken_out(run) if found else set()
    items = [item for item in found if item not in out]
    if not items:
        return None
    digest = blake2b(repr((run.seed, judge.pk, len(items))).encode(), digest_size=4).digest()
    return Due(For.GOLD, items[int.from_bytes(digest) % len(items)])


def _repeat(run: Run, judge: Judge, member: Member) -> Due | None:
    """The oldest vote of this person that lies far enough back and was not asked again, with the sides changed."""
    field = field_of(run)
    left = Assignment.objects.filter(run=run, judge=judge).exclude(status=Seat.LEASED).order_by("-closed_at", "-pk")
    border = left.values_list("closed_at", flat=True)[APART - 1 : APART]
    again = Assignment.objects.filter(run=run, judge=judge, trial__gt=0, **{field: OuterRef(field)})
    out = VotingItem.objects.filter(run=run, is_out=True, **{field: OuterRef(field)})
    old = left.filter(status=Seat.DONE, purpose=For.VOTE, closed_at__lt=border).exclude(Exists(again) | Exists(out))
    old = in_languages(old, field, member.languages).reverse()
    seat = old.annotate(what=F(field)).values_list("what", "swapped").first()
    return Due(For.REPEAT, seat[0], trial=1, swapped=not seat[1]) if seat else None
