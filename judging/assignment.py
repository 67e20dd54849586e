"""Giving out seats: which item a person judges next, on which sides; votes recorded, and taken back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    F,
    Func,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from arena.models import Answer, Battle, Provenance
from judging.items import battles_of, questions_of
from judging.judges.base import Verdict
from judging.models import Assignment, Grade, Judge, Preference, Run
from judging.models.assignment import LEASE
from judging.progress import expected
from judging.running import tell

OVERLAP = 3  # people who see an item, where the run does not say
MOST_COVERED = 5  # people on an item, up to which the least covered comes first
UNDOABLE = 20  # seats that can be reopened one after another
PRIME = 2**31 - 1  # with factors below it, a product fits the database's 64 bits

Seat = Assignment.Status


@dataclass(frozen=True)
class Standing:
    """How far a person is in a run: items behind them, votes today, items still open to them, the last seat left."""

    done: int
    today: int
    left: int
    last: UUID | None

    @property
    def total(self) -> int:
        return self.done + self.left


def judge_of(user) -> Judge:
    """The judge that this user is, made on their first vote. One query, more the first time."""
    known = Judge.objects.filter(user=user).first()
    if known:
        return known
    name = user.get_username()[:120]
    taken = Judge.objects.filter(name=name).aggregate(last=Max("version"))["last"] or 0
    try:
        with transaction.atomic():
            return Judge.objects.create(user=user, kind=Judge.Kind.PERSON, name=name, version=taken + 1)
    except IntegrityError:  # made by this person's other tab meanwhile
        return Judge.objects.get(user=user)


def overlap(run: Run) -> int:
    """How many people are to see each item."""
    return int(run.limits.get("overlap") or OVERLAP)


def pool(run: Run) -> QuerySet[Battle] | QuerySet[Answer]:
    """The items of a run that can be judged, as rows: battles, or answers in single mode.

    Battles that nobody has made yet are not among them: see `prepare`.
    """
    questions = questions_of(run)
    if run.is_single:
        return Answer.objects.ok().filter(_takes_part(run), question__in=questions)
    battles = Battle.objects.filter(_takes_part(run, "first__"), _takes_part(run, "second__"), question__in=questions)
    battles = battles.filter(second__sample=F("first__sample"))
    if run.mode == Run.Mode.BASELINE:
        battles = battles.filter(Q(first__model=run.baseline_id) | Q(second__model=run.baseline_id))
    # found by their index: to look at each battle's own answers would read every text of the run
    textless = Answer.objects.without_text().filter(question__in=questions).values("pk")
    return battles.exclude(first__in=textless).exclude(second__in=textless)


def _takes_part(run: Run, answer: str = "") -> Q:
    """Whether an answer is by one of the run's models, without a query of its own."""
    models = Q(**{f"{answer}model__in": run.candidates.order_by().values("pk")})
    if run.baseline_id:
        models |= Q(**{f"{answer}model": run.baseline_id})
    return models & Q(**{f"{answer}sample__lt": run.samples})


def prepare(run: Run) -> bool:
    """Make the run's missing battles; whether there were any. Counts first, so that again is cheap."""
    if run.is_single or pool(run).count() >= expected(run) // run.orders:
        return False
    battles_of(run)
    return True


def next_seat(run: Run, judge: Judge) -> Assignment | None:
    """The seat this person holds, or a new one: least covered item first, in an order of this person's own.

    None when nothing in this run is open to them. No item is given to more people than the overlap; the
    transaction is the guard (SQLite begins IMMEDIATE; elsewhere the run's row is locked).
    """
    with transaction.atomic():
        _lock(run)
        return _held_seat(run, judge) or _new_seat(run, judge) or (_new_seat(run, judge) if prepare(run) else None)


def cast(seat: Assignment, verdict: Verdict, *, note: str = "") -> Preference | Grade:
    """Record this vote from a seat that is still open, and close the seat. Call it in a transaction.

    A lease that ran out does not matter: the vote is kept, even where the item was given to somebody else since.
    """
    run, demo = seat.run, seat.run.provenance == Provenance.DEMO
    where = {
        "judge": seat.judge,
        "rubric": run.rubric,
        "run": run,
        "provenance": Provenance.DEMO if demo else Provenance.REAL,
        "trial": seat.next_trial,
        "note": note,
    }
    if seat.answer_id:
        judgment = Grade.record(verdict, answer=seat.answer, **where)
    else:
        judgment = Preference.record(verdict, battle=seat.battle, swapped=seat.swapped, **where)
    judgment.save(force_insert=True)
    seat.close(Seat.DONE)
    for used in (seat.judge, run.rubric, run.benchmark):
        used.freeze()
    transaction.on_commit(lambda: tell(run))
    return judgment


def undo(run: Run, judge: Judge, *, last: UUID | None = None) -> Assignment | None:
    """Reopen the seat this person left last, on the same sides; its vote is superseded and stays on record.

    `last` is what the person saw as their last seat: when another tab has undone it already, nothing happens.
    None when there is nothing to take back, or the last 20 were taken back already. An item that others have filled
    since it was skipped is reopened all the same.
    """
    with transaction.atomic():
        _lock(run)
        mine = Assignment.objects.filter(run=run, judge=judge)
        seat = mine.exclude(status=Seat.LEASED).select_related("run", "judge").order_by("-closed_at", "-pk").first()
        reopened = mine.filter(status=Seat.LEASED).count()
        if seat is None or reopened > UNDOABLE or (last and seat.token != last):
            return None
        if seat.status == Seat.DONE:
            _judgments(run).filter(run=run, judge=judge, **_item(seat)).update(superseded_at=timezone.now())
            transaction.on_commit(lambda: tell(run))
        seat.hold()
        return seat


def open_seats() -> QuerySet[Assignment]:
    """Seats with all that a vote needs; `next_trial` counts this person's repeats of the item under this rubric."""

    def trial(table, field: str):
        mine = table.objects.current().filter(judge=OuterRef("judge"), rubric=OuterRef("run__rubric"))
        last = mine.filter(**{field: OuterRef(field)}).order_by("-trial").values("trial")[:1]
        return Coalesce(Subquery(last, output_field=IntegerField()) + 1, 0)

    is_grade = When(answer__isnull=False, then=trial(Grade, "answer"))
    return Assignment.objects.select_related("run__rubric", "run__benchmark", "judge", "battle", "answer").annotate(
        next_trial=Case(is_grade, default=trial(Preference, "battle"), output_field=IntegerField())
    )


def standing(run: Run, judge: Judge) -> Standing:
    """How far this person is. One query."""
    mine = Assignment.objects.filter(run=OuterRef("pk"), judge=judge)
    closed = mine.exclude(status=Seat.LEASED)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    row = Run.objects.filter(pk=run.pk).values(
        done=_number(closed),
        today=_number(closed.filter(status=Seat.DONE, closed_at__gte=midnight)),
        held=_number(mine.filter(status=Seat.LEASED)),
        free=_number(_open_items(run, judge)),
        last=Subquery(closed.order_by("-closed_at", "-pk").values("token")[:1]),
    )[0]
    return Standing(row["done"], row["today"], row["held"] + row["free"], row["last"])


def _lock(run: Run) -> None:
    """Let nobody else give out seats of this run until the transaction ends."""
    if connection.features.has_select_for_update:  # SQLite's IMMEDIATE transaction has the lock already
        Run.objects.select_for_update(no_key=True).values_list("pk").get(pk=run.pk)


def _item(seat: Assignment) -> dict:
    return {"answer": seat.answer_id} if seat.answer_id else {"battle": seat.battle_id}


def _judgments(run: Run) -> QuerySet:
    return (Grade if run.is_single else Preference).objects.current()


def _field(run: Run) -> str:
    return "answer" if run.is_single else "battle"


def _number(rows: QuerySet) -> Coalesce:
    """COUNT of a correlated set of rows, as a column of another query."""
    counted = rows.order_by().annotate(number=Func(F("pk"), function="COUNT")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _held_seat(run: Run, judge: Judge) -> Assignment | None:
    """The oldest seat this person has not left; one that ran out only while the item still wants people."""
    field = _field(run)
    others = Assignment.objects.held().filter(run=run, **{field: OuterRef(field)}).exclude(judge=judge)
    seats = Assignment.objects.filter(run=run, judge=judge, status=Seat.LEASED).annotate(others=_number(others))
    wanted = Q(lease_until__gte=timezone.now()) | Q(others__lt=overlap(run))
    seat = _with_item(seats.filter(wanted), run).order_by("pk").first()
    if seat:
        seat.hold()
    return seat


def with_item(seat: Assignment) -> Assignment:
    """This seat with its item, question and category loaded. One query."""
    return _with_item(Assignment.objects.filter(pk=seat.pk), seat.run).get()


def _with_item(seats: QuerySet, run: Run) -> QuerySet:
    if run.is_single:
        return seats.select_related("answer__question__category")
    return seats.select_related("battle__question__category", "battle__first", "battle__second")


def _new_seat(run: Run, judge: Judge) -> Assignment | None:
    """A seat on the open item that the fewest people hold, not of the category just seen. Two queries."""
    field = _field(run)
    last = Assignment.objects.filter(run=run, judge=judge).order_by("-pk").values(f"{field}__question__category")[:1]
    again = Case(When(question__category=Subquery(last), then=1), default=0, output_field=IntegerField())
    ordered = _open_items(run, judge).order_by(_coverage(run), again, _shuffled(run, judge))
    joined = ("question__category",) if run.is_single else ("question__category", "first", "second")
    model = Answer if run.is_single else Battle
    item = model.objects.select_related(*joined).filter(pk=Subquery(ordered.values("pk")[:1])).first()
    if item is None:
        return None
    swapped = not run.is_single and bool(secrets.randbits(1))
    until = timezone.now() + LEASE
    return Assignment.objects.create(run=run, judge=judge, swapped=swapped, lease_until=until, **{field: item})


def _open_items(run: Run, judge: Judge) -> QuerySet:
    """Items below the overlap that this person has neither seen in this run nor judged under this rubric.

    Sets that are made once, not a look-up for each item: SQLite picks the wrong index for the latter, and takes minutes
    over a run of 20,000 battles.
    """
    field = _field(run)
    seen = Assignment.objects.filter(run=run, judge=judge).values(field)
    known = _judgments(run).filter(judge=judge, rubric=run.rubric_id).values(field)
    return pool(run).exclude(pk__in=seen).exclude(pk__in=known).exclude(pk__in=_held_by(run, overlap(run)))


def _held_by(run: Run, people: int) -> QuerySet:
    """Ids of the items that at least so many people hold."""
    field = _field(run)
    held = Assignment.objects.held().filter(run=run).order_by().values(field)
    return held.annotate(people=Count("pk")).filter(people__gte=people).values(field)


def _coverage(run: Run):
    """How many people hold an item, as an expression to order by; from five on it counts no further."""
    levels = range(1, min(overlap(run), MOST_COVERED + 1))
    return sum(
        (Case(When(pk__in=_held_by(run, people), then=1), default=0, output_field=IntegerField()) for people in levels),
        start=Value(0),
    )


def _shuffled(run: Run, judge: Judge):
    """An expression that orders items differently for every person, and always the same for one."""
    digest = blake2b(repr((run.pk, run.seed, judge.pk)).encode(), digest_size=8, person=b"juryroom seats").digest()
    factor, shift = (int.from_bytes(part) % (PRIME - 1) + 1 for part in (digest[:4], digest[4:]))
    big = [Value(number, output_field=BigIntegerField()) for number in (factor, shift, PRIME)]
    return (F("pk") * big[0] + big[1]) % big[2]
