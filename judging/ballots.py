"""What stands on a ballot, and reading a cast one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from arena import border
from arena.models import Question, in_reader_language
from judging.judges.base import OK, Verdict
from judging.models import Assignment, Rubric

CHOICES = {"a": (1.0, False), "b": (-1.0, False), "tie": (0.0, False), "bad": (0.0, True)}
MOST_STEPS = 11  # marks that are offered as buttons; a longer scale is a number to type
LONGEST_NOTE = 2000


class Unreadable(ValueError):
    """A ballot that cannot be counted; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]):
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class Turn:
    """One exchange in a pane: what was asked (empty in the last turn, which stands above), and the answer's HTML."""

    asked: str
    html: SafeString


@dataclass(frozen=True)
class Pane:
    """One answer as a person sees it; it says nothing about who wrote it."""

    side: str
    language: str
    turns: list[Turn]


@dataclass(frozen=True)
class Dimension:
    """One row of marks on the ballot of a single answer."""

    key: str
    name: str
    description: str
    share: int | None
    value: str = ""
    error: str = ""


@dataclass(frozen=True)
class Marks:
    """The rubric as a form, with what was filled in."""

    dimensions: list[Dimension]
    steps: list[int]
    lowest: float
    highest: float
    note: str = ""


@dataclass(frozen=True)
class Asked:
    """The question as it stands above the answers: the last turn open, earlier ones folded."""

    language: str
    category: str
    system: str
    last: SafeString
    earlier: list[SafeString] = field(default_factory=list)
    reference: list[str] = field(default_factory=list)


def asked(question: Question) -> Asked:
    """The question of a ballot."""
    *earlier, last = [mark_safe(turn) for turn in question.html_turns]  # noqa: S308  arena.rendering made it safe
    return Asked(
        language=question.language,
        category=question.category.name,
        system=question.system,
        last=last,
        earlier=earlier,
        reference=[text for text in question.reference if text],
    )


def panes(seat: Assignment) -> list[Pane]:
    """The answers of a seat on the sides they are shown: one, or A and B."""
    answers = [seat.answer] if seat.answer_id else seat.battle.shown(swapped=seat.swapped)
    question = question_of(seat)
    return [_pane(side, answer, question) for side, answer in zip(("A", "B"), answers, strict=False)]


def are_the_same(seat: Assignment) -> bool:
    """Whether the two answers of a seat are one text, which a reader would look for the difference of in vain."""
    return bool(seat.battle_id) and seat.battle.first.turns == seat.battle.second.turns


def question_of(seat: Assignment) -> Question:
    return (seat.answer or seat.battle).question


def preference(post: Mapping[str, str]) -> Verdict:
    """The verdict of a ballot on two answers, towards the one shown first. Raises Unreadable."""
    choice = post.get("choice", "")
    if choice not in CHOICES:
        raise Unreadable({"choice": _("Choose one of the four: A, B, a tie, or both bad.")})
    value, both_bad = CHOICES[choice]
    return Verdict(status=OK, value=value, both_bad=both_bad)


def grade(post: Mapping[str, str], rubric: Rubric) -> Verdict:
    """The verdict of a ballot on one answer: a mark for each dimension and their weighted total. Raises Unreadable."""
    scores: dict[str, float] = {}
    errors: dict[str, str] = {}
    for key in _keys(rubric):
        try:
            scores[key] = _mark(post.get(f"mark-{key}", ""), rubric)
        except ValueError as error:
            errors[key] = str(error)
    if errors:
        raise Unreadable(errors)
    if not rubric.dimensions:
        return Verdict(status=OK, value=scores["overall"])
    return Verdict(status=OK, value=rubric.weighted(scores), scores=scores)


def marks(rubric: Rubric, *, post: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None) -> Marks:
    """The form for one answer; with what was posted, and why it could not be counted."""
    post, errors = post or {}, errors or {}
    lowest, highest = rubric.lowest, rubric.highest
    whole = lowest == int(lowest) and highest == int(highest) and highest - lowest < MOST_STEPS
    dimensions = [
        Dimension(
            key=row["key"],
            name=in_reader_language(row.get("name_en", ""), row.get("name_zh", "")) or row["key"],
            description=in_reader_language(row.get("description_en", ""), row.get("description_zh", "")),
            share=row["share"],
            value=post.get(f"mark-{row['key']}", ""),
            error=errors.get(row["key"], ""),
        )
        for row in _rows(rubric)
    ]
    steps = list(range(int(lowest), int(highest) + 1)) if whole else []
    return Marks(dimensions, steps, lowest, highest, note=post.get("note", ""))


def note(post: Mapping[str, str]) -> str:
    """The note on a ballot, cut where it is far too long."""
    return border.asked(post, "note", longest=LONGEST_NOTE)


def _pane(side: str, answer, question: Question) -> Pane:
    earlier = question.turns[:-1]
    turns = [
        Turn(asked or "", mark_safe(html))  # noqa: S308  arena.rendering made it safe
        for asked, html in zip_longest(earlier, answer.html_turns)
        if html is not None
    ]
    return Pane(side, question.language, turns)


def _rows(rubric: Rubric) -> list[dict]:
    """The rubric's dimensions with their share of the total in percent; one overall mark where there are none."""
    if not rubric.dimensions:
        return [{"key": "overall", "name_en": _("Overall"), "name_zh": _("Overall"), "share": None}]
    total = sum(float(row.get("weight", 1)) for row in rubric.dimensions)
    return [{**row, "share": round(100 * float(row.get("weight", 1)) / total)} for row in rubric.dimensions]


def _keys(rubric: Rubric) -> list[str]:
    return [row["key"] for row in _rows(rubric)]


def _mark(text: str, rubric: Rubric) -> float:
    if not text.strip():
        raise ValueError(_("This mark is missing."))
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not rubric.lowest <= value <= rubric.highest:
        raise ValueError(
            _("A mark lies between %(lowest)g and %(highest)g.") % {"lowest": rubric.lowest, "highest": rubric.highest}
        )
    return value
