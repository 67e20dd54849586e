"""The items of a run with all that was said of each, a batch at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from arena.models import Answer, Question
from judging.exporting.base import Report, Wanted, batches, people, table_of
from judging.models import Assignment, Grade, Judgment, KeptOut, Preference, Run, Status
from judging.voting_items import field_of, pool

READ = {True: ("question__category", "model"), False: ("question__category", "first__model", "second__model")}

WITHOUT_TEXT = "votes on answers whose text is not here"
NOT_TOLD = ("reply", "reasoning", "prompt", "details")
"""What judgments have besides, often longer than all the rest."""


@dataclass(frozen=True)
class Said:
    """A judgment with who said it: `number` and `who` of a person; a machine has number 0. `active_ms` of a person, if known."""

    judgment: Preference | Grade
    number: int
    who: str
    active_ms: int | None = None

    @property
    def seconds(self) -> float | None:
        return self.judgment.seconds if self.active_ms is None else self.active_ms / 1000


@dataclass
class Item:
    """One answer, or the two of a battle in its own order, with what people and machines said and what was adjudicated."""

    pk: int
    question: Question
    answers: tuple[Answer, ...]
    votes: list[Said] = field(default_factory=list)
    verdicts: list[Said] = field(default_factory=list)
    adjudications: list[Said] = field(default_factory=list)


def items(run: Run, wanted: Wanted, report: Report) -> Iterator[Item]:
    """All items of a run in the order of their ids; three queries a batch.

    Votes that ratings leave out are left out and counted, but adjudications; so are machines' failures.
    """
    known = people(run, names=wanted.names)
    for batch in batches(pool(run), related=READ[run.is_single]):
        found = {row.pk: _item(row) for row in batch}
        active = active_times(run, found)
        rows = table_of(run).objects.current().filter(run=run, **{f"{field_of(run)}__in": list(found)})
        for row in rows.select_related("judge").defer(*NOT_TOLD).order_by("pk"):
            item = found[_item_of(row)]
            _put(item, row, known, active, report, judges=wanted.judges)
        yield from found.values()
    without = votes_without_text(run).count()
    if without:
        report.left_out[WITHOUT_TEXT] += without


def votes_without_text(run: Run) -> QuerySet:
    """The standing votes of people on answers that have no text here: exports that show answers cannot hold them."""
    textless = Answer.objects.without_text().filter(question__benchmark=run.benchmark_id).values("pk")
    sides = ("answer",) if run.is_single else ("battle__first", "battle__second")
    where = reduce(or_, (Q(**{f"{side}__in": textless}) for side in sides))
    return table_of(run).objects.current().by_people().filter(where, run=run)


def _item(row: object) -> Item:
    answers = (row,) if isinstance(row, Answer) else (row.first, row.second)
    return Item(row.pk, row.question, answers)


def _item_of(row: Judgment) -> int:
    return row.answer_id if isinstance(row, Grade) else row.battle_id


def _put(item: Item, row: Judgment, known: dict, active: dict, report: Report, *, judges: bool) -> None:
    if not row.judge.is_person:
        if row.status != Status.OK and judges:
            report.left_out["verdicts of machines that failed"] += 1
        elif row.status == Status.OK:
            item.verdicts.append(Said(row, 0, str(row.judge)))
        return
    number, who = known[row.judge_id]
    said = Said(row, number, who, active.get(active_key(row)))
    if row.kept_out == KeptOut.ADJUDICATION:
        item.adjudications.append(said)
    elif row.kept_out:
        report.left_out[f"votes that ratings leave out: {row.kept_out}"] += 1
    elif row.status != Status.OK:
        report.left_out["votes without a verdict"] += 1
    else:
        item.votes.append(said)


def active_times(run: Run, items: Iterable[int]) -> dict[tuple[int, int, bool], int]:
    """Milliseconds people were at these items, by person, item and whether it was a hidden repeat. One query."""
    where = field_of(run)
    seats = run.assignments.filter(
        status=Assignment.Status.DONE, active_ms__isnull=False, **{f"{where}__in": list(items)}
    )
    rows = seats.values_list("judge", where, "purpose", "active_ms")
    return {(judge, item, purpose == Assignment.Purpose.REPEAT): ms for judge, item, purpose, ms in rows}


def active_key(row: Judgment) -> tuple[int, int, bool]:
    """Where `active_times` has the time of this judgment."""
    return row.judge_id, _item_of(row), row.kept_out == KeptOut.REPEAT


def by_turn(said: Iterable[Said]) -> dict[int, list[Said]]:
    """What was said, by the turn it is about (0: the whole)."""
    turns: dict[int, list[Said]] = defaultdict(list)
    for one in said:
        turns[one.judgment.turn].append(one)
    return turns
