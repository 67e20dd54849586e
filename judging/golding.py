"""Gold items of a run: added one by one, from a file, or from what people agreed on; removed; told in words.

An item that is gold is not voted on in the ordinary way any longer. Votes that were cast on it before stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Max, Min, Q
from django.utils.translation import gettext as _

from arena.models import Answer, Battle
from judging.items import chunks
from judging.models import AuditEntry, Gold, Grade, Judge, KeptOut, Preference, Run, VotingItem
from judging.voting_items import field_of, pool, taken_out

CLEARLY, FAR = 0.5, 2.0
VERDICTS = {
    "a": (CLEARLY, FAR),
    "tie": (0.0, 0.0),
    "b": (-FAR, -CLEARLY),
    "a_or_tie": (0.0, FAR),
    "b_or_tie": (-FAR, 0.0),
}
"""Right verdicts on a pair, as the ends of what a vote may be towards the first answer."""

MOST_SUGGESTED = 20
FEWEST_ALIKE = 3  # people who have to say the same before an item is suggested
MARKS_ALIKE = 0.1  # share of the scale that marks may lie apart and be the same
LONGEST_WHY = 2000


@dataclass(frozen=True)
class Problem:
    """What is wrong in a file: its line (1 is the head), the field and why."""

    line: int
    field: str
    text: str

    def __str__(self) -> str:
        facts = {"line": self.line, "field": self.field, "text": self.text}
        return _("line %(line)d, %(field)s: %(text)s") % facts


class BadGold(ValueError):
    """Gold that cannot be added; `problems` says all that is wrong. Nothing was written."""

    def __init__(self, problems: Sequence[Problem]):
        super().__init__("; ".join(map(str, problems)))
        self.problems = list(problems)


@dataclass(frozen=True)
class Truth:
    """What is to be gold: the id of a battle or answer, and the ends of a right vote."""

    item: int
    lowest: float
    highest: float
    is_practice: bool = False
    why_en: str = ""
    why_zh: str = ""


@dataclass(frozen=True)
class Suggestion:
    """An item that people agree on, or that was adjudicated: what would be right, and by how many people."""

    item: Battle | Answer
    lowest: float
    highest: float
    people: int
    is_adjudicated: bool


def scale_of(run: Run) -> tuple[float, float]:
    """The ends of what a vote may be: towards the first answer, or the rubric's marks."""
    return (run.rubric.lowest, run.rubric.highest) if run.is_single else (-FAR, FAR)


def items_of(run: Run):
    """What of the run may be gold, with all that a line about it needs."""
    related = ("question", "model") if run.is_single else ("question", "first__model", "second__model")
    return pool(run).select_related(*related)


def golds_of(run: Run):
    """The run's gold items, oldest first, with all that a line about each needs. One query."""
    field = field_of(run)
    names = ("question", "model") if run.is_single else ("question", "first__model", "second__model")
    return run.golds.select_related("created_by", *(f"{field}__{name}" for name in names)).order_by("pk")


def add(run: Run, truths: Sequence[Truth], *, by, source: str = "page") -> list[Gold]:
    """These items as gold, on record. Raises BadGold where one is gold already: then none is added. A few queries."""
    field = field_of(run)
    rows = [
        Gold(
            run=run,
            lowest=one.lowest,
            highest=one.highest,
            is_practice=one.is_practice,
            why_en=one.why_en,
            why_zh=one.why_zh,
            created_by=by,
            **{f"{field}_id": one.item},
        )
        for one in truths
    ]
    try:
        with transaction.atomic():
            made = Gold.objects.bulk_create(rows)
            for some in chunks(one.item for one in truths):
                VotingItem.objects.filter(run=run, **{f"{field}__in": some}).update(is_out=True)
            AuditEntry.note("gold_added", actor=by, run=run, source=source, items=[_facts(one) for one in truths])
    except IntegrityError:  # somebody else's tab was first
        raise BadGold([Problem(0, "item", _("is gold already"))]) from None
    return made


def _facts(one: Truth) -> dict[str, Any]:
    return {"item": one.item, "lowest": one.lowest, "highest": one.highest, "practice": one.is_practice}


@transaction.atomic
def remove(gold: Gold, *, by) -> None:
    """Make it an item like any other again, on record; one taken out stays out. Votes on it stay, and stay out of ratings."""
    run, item = gold.run, gold.answer_id or gold.battle_id
    AuditEntry.note("gold_removed", actor=by, run=run, item=item, lowest=gold.lowest, highest=gold.highest)
    gold.delete()
    if item in taken_out(run):
        VotingItem.objects.filter(run=run, **{field_of(run): item}).update(is_out=True)


def in_words(run: Run, gold: Gold | Suggestion) -> str:
    """The right verdict as a lead reads it, with the models' names."""
    low, high = gold.lowest, gold.highest
    if run.is_single:
        return _("a mark from %(lowest)g to %(highest)g") % {"lowest": low, "highest": high}
    battle = gold.item if isinstance(gold, Suggestion) else gold.battle
    first, second = battle.first.model.name, battle.second.model.name
    if low == high == 0:
        return _("a tie")
    if low >= 0:
        text = _("%(model)s is better") if low > 0 else _("%(model)s is better, or a tie")
        return text % {"model": first}
    if high <= 0:
        text = _("%(model)s is better") if high < 0 else _("%(model)s is better, or a tie")
        return text % {"model": second}
    return _("from %(lowest)g to %(highest)g towards %(model)s") % {"lowest": low, "highest": high, "model": first}


def suggested(run: Run, *, most: int = MOST_SUGGESTED) -> list[Suggestion]:
    """Items that are not gold yet and were adjudicated, or on which at least three people all said the same. Two queries."""
    field, value = field_of(run), "score" if run.is_single else "value"
    table = Grade if run.is_single else Preference
    said = table.objects.decided().filter(run=run, judge__kind__in=Judge.PEOPLE, turn=0).order_by()
    said = said.filter(kept_out__in=("", KeptOut.LEAK, KeptOut.ADJUDICATION))
    said = said.exclude(**{f"{field}__in": run.golds.filter(**{f"{field}__isnull": False}).values(field)})
    settled = Q(kept_out=KeptOut.ADJUDICATION)
    found = said.values(field).annotate(
        people=Count("judge", distinct=True, filter=~settled),
        settled=Count("pk", filter=settled),
        low=Min(value, filter=~settled),
        high=Max(value, filter=~settled),
        settled_low=Min(value, filter=settled),
        settled_high=Max(value, filter=settled),
    )
    alike = Q(people__gte=FEWEST_ALIKE) & _alike(run)
    rows = found.filter(Q(settled__gt=0) | alike).order_by("-settled", "-people", field)[: 2 * most]
    items = items_of(run).in_bulk([row[field] for row in rows])
    made = [_suggestion(run, items[row[field]], row) for row in rows if row[field] in items]
    return [one for one in made if one is not None][:most]


def _alike(run: Run) -> Q:
    if run.is_single:
        low, high = scale_of(run)
        return Q(high__lte=F("low") + MARKS_ALIKE * (high - low) + 1e-9)
    return Q(low__gt=0) | Q(high__lt=0) | Q(low=0, high=0)


def _suggestion(run: Run, item: Battle | Answer, row: dict[str, Any]) -> Suggestion | None:
    settled = row["settled"] > 0
    low, high = (row["settled_low"], row["settled_high"]) if settled else (row["low"], row["high"])
    if run.is_single:
        bottom, top = scale_of(run)
        near = MARKS_ALIKE * (top - bottom)
        ends = (max(low - near, bottom), min(high + near, top))
    elif low < 0 < high:  # adjudicated twice, against each other
        return None
    else:
        ends = (
            VERDICTS["a" if low > 0 else "b" if high < 0 else "tie"] if low == high or low * high > 0 else (low, high)
        )
    return Suggestion(item, *ends, people=row["people"], is_adjudicated=settled)
