"""Replies on record read again by today's parser: nobody is asked, nothing is paid, and the earlier reading stays as it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from judging.items import KEYS, Item, chunks, table_of
from judging.judges.base import UNREAD, AskingEngine, Verdict
from judging.machines import Machine, judges_of, machine_of
from judging.models import BY_PERSON, Grade, Judge, Preference, Run
from judging.progress import judgments_of
from judging.replies import PARSER_VERSION
from judging.verdicts import composed_of_record, exhibits_for, save


@dataclass
class Reread:
    """How many replies were `read`, how many verdicts `changed` by it, and how many were left because the prompt they
    answer is no longer the one that would be sent (`another_prompt`). As members' verdicts changed, `composed` of panels and cascades
    were made anew, without asking anybody; `to_compose` were set aside and wait for a member that has yet to be asked: the next go
    makes them."""

    read: int = 0
    changed: int = 0
    another_prompt: int = 0
    composed: int = 0
    to_compose: int = 0


def reread(run: Run, *, every: bool = False) -> Reread:
    """Read the run's replies again that could not be read, and those that an older parser read; with `every`, all of them; but none
    that a person has read.

    A verdict that changes takes the place of the earlier one, which stays on record as replaced; so do those of the panels and
    cascades that the judge sits in.
    """
    told, aside = Reread(), defaultdict[int, list[int]](list)
    for judge in Judge.objects.filter(pk__in=judges_of(run), kind=Judge.Kind.LLM).select_related("model"):
        machine = machine_of(judge, run, run.rubric.text(), key=lambda _model: "")
        for rows in _rows(run, judge, every=every):
            _reread(machine, rows, told, aside)
    compose_anew(run, aside, told)
    return told


def _rows(run: Run, judge: Judge, *, every: bool) -> Iterator[list[Preference | Grade]]:
    """The rows to be read again, 200 at a time, with all that an exhibit needs."""
    rows: QuerySet = judgments_of(run).filter(judge=judge).exclude(reply="").exclude(parser=BY_PERSON)
    if not every:
        rows = rows.filter(Q(status__in=UNREAD) | ~Q(parser=PARSER_VERSION))
    yield from _loaded(run, rows.order_by("pk").values_list("pk", flat=True))


def _loaded(run: Run, pks: Iterable[int]) -> Iterator[list[Preference | Grade]]:
    sides = ("answer",) if run.is_single else ("battle__first", "battle__second")
    with_texts = [f"{side}__{name}" for side in sides for name in ("model", "question__category")]
    table, _item = table_of(run)
    for some in chunks(pks):
        yield list(table.objects.filter(pk__in=some).select_related("judge", "rubric", "run", *with_texts))


def _reread(
    machine: Machine, rows: Sequence[Preference | Grade], told: Reread, aside: defaultdict[int, list[int]]
) -> None:
    """Read these rows again; those whose verdict changes are replaced, all in one transaction. `aside` takes the ids of what
    panels and cascades said by them, by judge."""
    engine = machine.engine
    if not isinstance(engine, AskingEngine):
        return
    exhibits, _without = exhibits_for(machine, [item_of(row) for row in rows])
    by_key = {exhibit.id.key: exhibit for exhibit in exhibits}
    verdicts = []
    for row in rows:
        exhibit = by_key.get(item_of(row).key)
        if exhibit is None or row.digest not in ("", engine.digest(exhibit)):
            told.another_prompt += 1
            continue
        verdicts.append((row, engine.reread(exhibit, reply=row.reply, details=row.details)))
    if not verdicts:
        return
    with transaction.atomic():
        standing = _held([row for row, _verdict in verdicts])
        verdicts = [(row, verdict) for row, verdict in verdicts if row.pk in standing]
        changed = [(row, verdict) for row, verdict in verdicts if _said(row) != _says(row, verdict)]
        table, replaced = type(rows[0]), [row.pk for row, _verdict in changed]
        for judge, pk in set_aside_composed(machine.judge, [row for row, _verdict in changed]):
            aside[judge].append(pk)
        table.objects.filter(pk__in=standing.difference(replaced)).update(parser=PARSER_VERSION)
        table.objects.filter(pk__in=replaced).update(superseded_at=timezone.now())
        table.objects.bulk_create(in_place_of(row, verdict) for row, verdict in changed)
    told.read += len(verdicts)
    told.changed += len(changed)


def _held(rows: Sequence[Preference | Grade]) -> set[int]:
    """Ids of those of these rows that stand still and that nobody has read meanwhile, held until the transaction ends."""
    theirs = type(rows[0]).objects.current().exclude(parser=BY_PERSON).filter(pk__in=[row.pk for row in rows])
    return set(theirs.select_for_update().order_by("pk").values_list("pk", flat=True))


def set_aside_composed(member: Judge, rows: Sequence[Preference | Grade]) -> list[tuple[int, int]]:
    """Set aside what panels and cascades said on these items by the member's earlier words; the judge and the id of each."""
    panels = Judge.objects.who_hear({member.pk})
    rows = [row for row in rows if row.trial == 0]  # they go by no other
    if not panels or not rows:
        return []
    table, names = type(rows[0]), KEYS["answer" if isinstance(rows[0], Grade) else "battle"]
    keys = {tuple(getattr(row, name) for name in names) for row in rows}
    theirs = table.objects.current().filter(judge__in=panels, rubric=rows[0].rubric_id, trial=0, run__isnull=False)
    theirs = theirs.filter(**{f"{names[0]}__in": {key[0] for key in keys}}).order_by("pk")
    stale = [(judge, pk) for judge, pk, *key in theirs.values_list("judge", "pk", *names) if tuple(key) in keys]
    table.objects.filter(pk__in=[pk for _judge, pk in stale]).update(superseded_at=timezone.now())
    return stale


def compose_anew(run: Run, aside: Mapping[int, Sequence[int]], told: Reread) -> None:
    """Save what these panels and cascades say by today's words of their members, each in the run that it said it in."""
    rubric = run.rubric.text()
    judges = Judge.objects.filter(pk__in=aside)
    machines = [machine_of(judge, run, rubric, key=lambda _model: "") for judge in judges]
    for machine in sorted(machines, key=lambda machine: len(machine.everybody())):  # who sits in another comes first
        for rows in _loaded(run, aside[machine.judge.pk]):
            said = {item.key: verdict for item, verdict in composed_of_record(run, machine, list(map(item_of, rows)))}
            anew = [row for row in rows if item_of(row).key in said]
            for where in {(row.run, row.provenance) for row in anew}:
                mine = [item_of(row) for row in anew if (row.run, row.provenance) == where]
                save(where[0], machine.judge, [(item, said[item.key]) for item in mine], provenance=where[1])
            told.composed += len(anew)
            told.to_compose += len(rows) - len(anew)


def item_of(row: Preference | Grade) -> Item:
    """What was judged, as it was shown."""
    if isinstance(row, Grade):
        return Item(answer=row.answer, turn=row.turn)
    row.battle.question = row.battle.first.question
    return Item(battle=row.battle, swapped=row.swapped, turn=row.turn)


def _said(row: Preference | Grade) -> tuple:
    if isinstance(row, Grade):
        return row.status, row.score, row.scores, row.points, row.error
    return row.status, row.value_shown, row.both_bad, row.error


def _says(row: Preference | Grade, verdict: Verdict) -> tuple:
    if isinstance(row, Grade):
        return (
            verdict.status,
            verdict.value,
            dict(verdict.scores),
            [dict(point) for point in verdict.points],
            verdict.error,
        )
    return verdict.status, verdict.value, verdict.both_bad, verdict.error


def in_place_of(row: Preference | Grade, verdict: Verdict) -> Preference | Grade:
    """The row (not saved) of a new reading; what the call took stays with the earlier one, so that nothing is counted twice."""
    kept = {"reply": row.reply, "reasoning": row.reasoning, "prompt": tuple(row.prompt), "digest": row.digest}
    verdict = replace(verdict, cached=row.cached, asked=0, tokens_in=None, tokens_out=None, seconds=0.0, **kept)
    names = ("judge", "rubric", "run", "turn", "trial", "kept_out", "provenance")
    where = {name: getattr(row, name) for name in names}
    if isinstance(row, Grade):
        return Grade.record(verdict, answer=row.answer, **where)
    return Preference.record(verdict, battle=row.battle, swapped=row.swapped, **where)
