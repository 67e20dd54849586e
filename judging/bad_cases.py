"""Bad cases: marked by who reads the record, dismissed with a reason, or taken up by a rubric's next version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from arena.models import Answer, Battle, Question, storable
from judging.editing_rubrics import Base, save
from judging.judges.rubrics import problems
from judging.models import Assignment, BadCase, Rubric, Run

DIMENSION, DEDUCTION, BONUS = "dimensions", "deductions", "bonuses"
CAUSES = ("wrong_fact", "made_up", "unsafe", "off_topic", "style", "incomplete", "language", "verdict", "other")
LONGEST_KEY = 80


def causes() -> list[tuple[str, str]]:
    """What may be wrong, as (word, label)."""
    labels = (
        _("A fact is wrong"),
        _("Something is made up"),
        _("It is unsafe"),
        _("It is off topic"),
        _("The style is wrong"),
        _("Something asked for is missing"),
        _("It is in the wrong language"),
        _("The verdict is wrong"),
        _("Something else"),
    )
    return list(zip(CAUSES, labels, strict=True))


class NotOpen(Exception):
    """Some of the cases were settled meanwhile, or are not there."""


class CannotTakeUp(ValueError):
    """What is to be added does not go into the rubric; `problems` are pairs of field and message."""

    def __init__(self, found: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}".lstrip(": ") for field, message in found))
        self.problems = list(found)


@dataclass(frozen=True)
class Criterion:
    """What a rubric is to look at from now on: a row of its dimensions, deductions or bonuses, of all or of one `category`."""

    kind: str
    row: dict[str, Any]
    category: str = ""


def mark(
    question: Question,
    *,
    text: str,
    by: Any,
    cause: str = "",
    answer: Answer | None = None,
    battle: Battle | None = None,
    run: Run | None = None,
) -> BadCase:
    """A new open case about a question, one answer to it or one pair. Raises ValueError for an answer or a pair of another."""
    for part in (answer, battle):
        if part is not None and part.question_id != question.pk:
            raise ValueError("an answer or a pair of another question")
    return BadCase.objects.create(
        question=question, answer=answer, battle=battle, run=run, cause=cause, text=storable(text).strip(), by=by
    )


def of_flag(seat: Assignment, *, by: Any) -> BadCase:
    """The case that an annotator's flag is, its text the flag's own words."""
    item = seat.answer or seat.battle
    text = seat.reason.strip() or _("flagged by an annotator without words")
    return mark(item.question, text=text, by=by, cause="other", answer=seat.answer, battle=seat.battle, run=seat.run)


@transaction.atomic
def dismiss(cases: Iterable[int], *, reason: str, by: Any) -> int:
    """Close open cases with the reason; how many. Raises NotOpen where one of them is not open any more, and closes none."""
    found = _open(cases)
    _close(found, BadCase.Status.DISMISSED, by=by, decision=storable(reason).strip())
    return len(found)


@transaction.atomic
def reopen(case: BadCase) -> None:
    """Open a dismissed case again; one that was taken up stays, as the rubric does."""
    BadCase.objects.filter(pk=case.pk, status=BadCase.Status.DISMISSED).update(
        status=BadCase.Status.OPEN, decision="", closed_at=None, closed_by=None
    )


@transaction.atomic
def take_up(
    cases: Iterable[int], rubric: Rubric, criterion: Criterion, *, base: Base, by: Any, decision: str = ""
) -> Rubric:
    """The rubric's next version with one criterion more, that takes up all these cases; everything is written, or nothing.

    Raises NotOpen, CannotTakeUp, and `editing_rubrics.Meanwhile` where somebody saved the rubric in between.
    """
    found = _open(cases)
    data, where = with_criterion(rubric.as_data(), criterion)
    if told := problems(data):
        raise CannotTakeUp([(_short(field, where), message) for field, message in told])
    saved = save(rubric.name, data, base=base)
    more = {"decision": storable(decision).strip(), "rubric": saved, "dimension": criterion.row["key"]}
    _close(found, BadCase.Status.TAKEN_UP, by=by, **more)
    return saved


def with_criterion(data: dict[str, Any], criterion: Criterion) -> tuple[dict[str, Any], str]:
    """The rubric's data with the row added, and the field that it stands in. Raises CannotTakeUp where nobody would look at it."""
    variants = data.get("variants") or {}
    if criterion.category and criterion.category not in variants:
        raise CannotTakeUp([("category", _("The rubric has no variant for this category."))])
    said = dict(variants[criterion.category]) if criterion.category else dict(data)
    if said.get("template") or (criterion.category and "template" not in said and data.get("template")):
        raise CannotTakeUp(
            [("kind", _("A published prompt asks in its own words and shows no such rows: edit the prompt itself."))]
        )
    stem = f"variants.{criterion.category}." if criterion.category else ""
    if (
        criterion.category and not {"dimensions", "points"} & said.keys()
    ):  # it marks as the rubric does, and from now on by itself
        said |= {way: data[way] for way in ("dimensions", "points") if way in data}
    if criterion.kind == DIMENSION:
        rows = [*(said.get("dimensions") or ()), criterion.row]
        said["dimensions"], where = rows, f"{stem}dimensions[{len(rows) - 1}]"
    else:
        if not said.get("points"):
            raise CannotTakeUp([("kind", _("This rubric does not count points: add a dimension."))])
        rows = [*(said["points"].get(criterion.kind) or ()), criterion.row]
        said["points"] = {**said["points"], criterion.kind: rows}
        where = f"{stem}points.{criterion.kind}[{len(rows) - 1}]"
    return ({**data, "variants": {**variants, criterion.category: said}} if criterion.category else said), where


def _short(field: str, where: str) -> str:
    """The field of the row that a problem is about; the problem of another field keeps its name."""
    return field.removeprefix(where).lstrip(".") if field.startswith(where) else field


def _open(cases: Iterable[int]) -> list[BadCase]:
    """These cases, held until the transaction ends. Raises NotOpen where one is missing or settled, or there are none."""
    wanted = set(cases)
    found = list(BadCase.objects.select_for_update().filter(pk__in=wanted, status=BadCase.Status.OPEN).order_by("pk"))
    if not wanted or len(found) != len(wanted):
        raise NotOpen
    return found


def _close(cases: Sequence[BadCase], status: str, *, by: Any, **more: Any) -> None:
    pks = [case.pk for case in cases]
    BadCase.objects.filter(pk__in=pks).update(status=status, closed_by=by, closed_at=timezone.now(), **more)
