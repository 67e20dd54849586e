"""Replies that no parser could read, read by a person: what did the judge say? Never what the reader thinks of the answers."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from judging.judges.base import NoRubric, Verdict
from judging.judges.reading import strongest
from judging.machines import Machine, judges_of
from judging.models import BY_PERSON, Assignment, AuditEntry, Grade, Preference, Run, Status
from judging.progress import judgments_of
from judging.prompts import Asking, Unfit
from judging.rereading import Reread, compose_anew, in_place_of, item_of, set_aside_composed
from judging.verdicts import exhibits_for
from judging.voting import FIVE, FOUR

MUCH_BETTER = 2.0  # as a value of a verdict on a pair
MARKS = ("read_by", "read_at", "read_from", "parser_before")  # in a judgment's details, of a reading by a person


class Gone(Exception):
    """The reply waits no more: somebody read it, or the judge was asked again."""


def queue(run: Run) -> QuerySet:
    """The run's failures with a reply in which no parser found a verdict, and that nobody has read, those of members too. Lazy."""
    return judgments_of(run).filter(judge__in=judges_of(run)).unread().order_by("pk")


def read_by_people(run: Run) -> QuerySet:
    """What people have read of the run's replies, and stands. Lazy."""
    return judgments_of(run).filter(judge__in=judges_of(run), parser=BY_PERSON)


def seat_on(row: Preference | Grade) -> Assignment:
    """What a ballot about the row's item stands on (never saved)."""
    if isinstance(row, Grade):
        return Assignment(run=row.run, judge=row.judge, answer=row.answer)
    row.battle.question = row.battle.first.question
    return Assignment(run=row.run, judge=row.judge, battle=row.battle, swapped=row.swapped)


def scale_of(row: Preference | Grade) -> str:
    """The scale of what this judge may have said of a pair: with "much better" where it was asked in those words."""
    how = {name: row.judge.options[name] for name in ("scale", "preset", "reference") if name in row.judge.options}
    item = item_of(row)
    exhibits, _without = exhibits_for(Machine(row.judge), [item])
    try:
        most = strongest(Asking(row.rubric.text(), **how), (exhibits or [item.exhibit()])[0])
    except (NoRubric, Unfit):  # the question was changed since
        return FOUR
    return FOUR if most is None or most < MUCH_BETTER else FIVE


@transaction.atomic
def settle(run: Run, pk: int, verdict: Verdict | None, *, by) -> Reread:
    """Put on record what the judge said, in place of the failure, which stays as replaced; None: it says nothing, the failure stays and
    leaves the queue. What came of panels that hear the judge. Raises Gone, and ValueError where their settings are refused."""
    row = queue(run).select_for_update(of=("self",)).filter(pk=pk).first()
    if row is None:
        raise Gone
    marks = {"read_by": by.get_username(), "read_at": timezone.now().isoformat()}
    if verdict is None:
        row.details = {**row.details, **marks, "parser_before": row.parser}
        row.parser = BY_PERSON
        row.save(update_fields=["details", "parser"])
        AuditEntry.note("reply_says_nothing", actor=by, run=run, judgment=row.pk, judge=row.judge_id)
        return Reread()
    new = in_place_of(row, replace(verdict, details={**row.details, **marks, "read_from": row.pk}))
    new.parser = BY_PERSON
    told = _in_place(row, new)
    AuditEntry.note("reply_read", actor=by, run=run, judgment=new.pk, read_from=row.pk, judge=row.judge_id)
    return told


@transaction.atomic
def take_back(run: Run, *, by) -> Preference | Grade | None:
    """Undo what this person read last in the run; the failure that waits again. None where there is nothing of theirs that stands."""
    mine = read_by_people(run).filter(details__read_by=by.get_username()).order_by("-details__read_at", "-pk")
    row = mine.select_for_update(of=("self",)).first()
    if row is None:
        return None
    if row.status == Status.OK:
        failure = type(row).objects.get(pk=row.details["read_from"])
        failure.superseded_at = None
        _in_place(row, failure)
    else:
        failure = row
        failure.parser = row.details["parser_before"]
        failure.details = {name: value for name, value in row.details.items() if name not in MARKS}
        failure.save(update_fields=["details", "parser"])
    AuditEntry.note("reading_undone", actor=by, run=run, judgment=failure.pk, judge=failure.judge_id)
    return failure


def _in_place(row: Preference | Grade, new: Preference | Grade) -> Reread:
    """Let `new` stand in the row's place, and let panels and cascades say anew what follows. Raises ValueError."""
    told = Reread()
    aside: dict[int, list[int]] = {}
    for judge, pk in set_aside_composed(row.judge, [row]):
        aside.setdefault(judge, []).append(pk)
    type(row).objects.filter(pk=row.pk).update(superseded_at=timezone.now())
    new.save(update_fields=["superseded_at"] if new.pk else None)
    compose_anew(row.run or new.run, aside, told)
    return told
