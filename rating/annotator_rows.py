"""What people said and did, read from the rows on record: current judgments and closed seats, whatever counts in ratings."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from django.utils import timezone

from judging.models import Assignment, Grade, Judge, KeptOut, Preference, Run
from rating.stats.annotators import FEWEST_SHARED
from rating.stats.pace import LONGEST_PAUSE

NOT_HERE = (KeptOut.PRACTICE, KeptOut.ADJUDICATION)
"""Kept-out votes that say nothing of how well somebody annotates."""

For = Assignment.Purpose
Place = tuple[int, int | None, int, bool]
"""A seat as judgments find it: judge, run, item, and whether it is a repeat."""


@dataclass(frozen=True)
class Vote:
    """One current judgment of a person: `worth` towards the battle's first answer, or the mark.

    `size` characters of what was read, 0 unknown; `longer` 1 where the first answer is the longer one, -1 the second.
    """

    pk: int
    judge: int
    run: int | None
    rubric: int
    item: int
    turn: int
    worth: float
    swapped: bool
    kept_out: str
    at: datetime
    question: int
    category: int
    size: int
    longer: int


@dataclass
class Seats:
    """What a person did in all: seats by purpose and status, seconds seen and not idle, `cast` votes with their seconds.

    `cast` are all but practice, gold and repeats among them, so that nobody can count from it how many of those there were.
    """

    done: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    flagged: int = 0
    active: float = 0.0
    timed: int = 0
    last: datetime | None = None
    cast: list[tuple[datetime, float | None]] = field(default_factory=list)

    @property
    def votes(self) -> int:
        """Ordinary votes, those that the overlap asks for."""
        return self.done[For.VOTE]

    @property
    def minutes(self) -> float | None:
        """Minutes seen and not idle; None where no page told."""
        return self.active / 60 if self.timed else None

    @property
    def pace(self) -> float | None:
        """Median seconds of a vote; None where there are too few to say."""
        return _middle([took for _, took in self.cast])

    @property
    def weeks(self) -> list[tuple[str, int, float | None]]:
        """All votes of each week, and the median seconds of one where there are enough."""
        by_week: dict[int, list[float | None]] = defaultdict(list)
        for at, took in self.cast:
            by_week[week_of(at)].append(took)
        return [(week_name(week), len(took), _middle(took)) for week, took in sorted(by_week.items())]


def _middle(took: list[float | None]) -> float | None:
    known = [one for one in took if one is not None]
    return median(known) if len(known) >= FEWEST_SHARED else None


def _people(table: type[Preference] | type[Grade], where: dict[str, Any]):
    return table.objects.decided().by_people().filter(**where).exclude(kept_out__in=NOT_HERE)


COMMON = ("pk", "judge", "run", "rubric", "turn", "kept_out", "created_at")


def preferences(where: dict[str, Any]) -> list[Vote]:
    """The votes on pairs, oldest first. One query."""
    of_battle = ("battle", "value", "swapped", "battle__question", "battle__question__category")
    lengths = ("battle__first__length", "battle__second__length")
    rows = _people(Preference, where).order_by("created_at", "pk").values_list(*COMMON, *of_battle, *lengths)
    return [
        Vote(
            pk=pk, judge=judge, run=run, rubric=rubric, item=battle, turn=turn, worth=value, swapped=swapped,
            kept_out=out, at=at, question=question, category=category,
            size=first + second if first and second else 0,
            longer=(first > second) - (first < second) if first and second else 0,
        )
        for pk, judge, run, rubric, turn, out, at, battle, value, swapped, question, category, first, second in rows
    ]  # fmt: skip


def grades(where: dict[str, Any]) -> list[Vote]:
    """The marks for single answers, oldest first. One query."""
    of_answer = ("answer", "score", "answer__question", "answer__question__category", "answer__length")
    scale = ("rubric__lowest", "rubric__highest")
    rows = _people(Grade, where).order_by("created_at", "pk").values_list(*COMMON, *of_answer, *scale)
    return [
        Vote(
            pk=pk, judge=judge, run=run, rubric=rubric, item=answer, turn=turn, worth=score, swapped=False,
            kept_out=out, at=at, question=question, category=category, size=length or 0, longer=0,
        )
        for pk, judge, run, rubric, turn, out, at, answer, score, question, category, length, low, high in rows
        if high > low
    ]  # fmt: skip


def seats_of(where: dict[str, Any], item: str) -> tuple[dict[int, Seats], dict[Place, float]]:
    """What each judge did, and the seconds of each seat voted on: active where a page told, else since the seat before."""
    found: dict[int, Seats] = defaultdict(Seats)
    took: dict[Place, float] = {}
    closed = Assignment.objects.filter(**where, judge__kind__in=Judge.PEOPLE, closed_at__isnull=False)
    closed = (
        closed.exclude(status=Assignment.Status.LEASED).exclude(purpose=For.ADJUDICATION).order_by("closed_at", "pk")
    )
    names = ("judge", "run", item, "purpose", "status", "active_ms", "closed_at")
    for judge, run, what, purpose, status, active, at in closed.values_list(*names):
        seats = found[judge]
        seconds = _took(seats, active, at)
        seats.skipped += status == Assignment.Status.SKIPPED
        seats.flagged += status == Assignment.Status.FLAGGED
        if active is not None:
            seats.active, seats.timed = seats.active + active / 1000, seats.timed + 1
        seats.last = at
        if status != Assignment.Status.DONE:
            continue
        seats.done[purpose] += 1
        if purpose != For.PRACTICE:
            seats.cast.append((at, seconds))
        if seconds and purpose != For.PRACTICE:
            took[judge, run, what, purpose == For.REPEAT] = seconds
    return dict(found), took


def _took(seats: Seats, active: int | None, at: datetime) -> float | None:
    if active:
        return active / 1000
    if seats.last is None:
        return None
    gap = (at - seats.last).total_seconds()
    return gap if 0 < gap <= LONGEST_PAUSE else None


def shown(vote: Vote) -> float:
    """The preference towards the answer that was shown first."""
    return -vote.worth if vote.swapped else vote.worth


def week_of(at: datetime) -> int:
    """The ISO week as a number that sorts: 202648."""
    year, week, _ = timezone.localtime(at).isocalendar()
    return 100 * year + week


def week_name(week: int) -> str:
    """A week as it is written: 2026-W48."""
    return f"{week // 100}-W{week % 100:02}"


def own_seats(run: Run, judge: Judge) -> Seats:
    """What this person did in the run: counts and pace, nothing of the others. One query."""
    item = "answer" if run.is_single else "battle"
    found, _ = seats_of({"run": run, "judge": judge}, item)
    return found.get(judge.pk) or Seats()
