"""What became of a bad case: what judges said before, and what they say by the rubric that took it up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from judging.access import name_people
from judging.models import BadCase, Grade, KeptOut, Preference
from judging.views.record import graded, in_words

MOST = 200


@dataclass
class Side:
    """What one judge said of one thing in one order, before and after: the newest judgment of each."""

    about: str
    judge: Any
    old: Any = None
    new: Any = None

    @property
    def differs(self) -> bool:
        """Whether the verdict changed; unknown, and so False, while one of them is missing."""
        return bool(self.old and self.new) and self.old.verdict != self.new.verdict


@dataclass
class History:
    """Judgments of a case, side by side; `has_new`: whether anything was judged by the rubric that took it up."""

    sides: list[Side] = field(default_factory=list)
    has_new: bool = False


def history(case: BadCase, user: Any) -> History:
    """The current judgments on what the case is about, the newest by the rubric that took it up beside those by others; none that
    came of asking again to see drift.

    Of a case about a question alone, those on all its answers and pairs. At most five queries.
    """
    found: dict[tuple, Side] = {}
    said = [*_grades(case), *_preferences(case)]
    name_people([one for _key, one in said], user)
    for key, one in said:
        side = found.setdefault(key, Side(_about(one), one.judge))
        is_new = (
            case.rubric is not None
            and one.rubric.name == case.rubric.name
            and one.rubric.version >= case.rubric.version
        )
        setattr(side, "new" if is_new else "old", one)  # in the order they were given: the last one stays
    sides = list(found.values())
    return History(sides, any(side.new for side in sides))


def _grades(case: BadCase) -> list[tuple[tuple, Grade]]:
    if case.battle_id:
        return []
    what = Q(answer=case.answer_id) if case.answer_id else Q(answer__question=case.question_id)
    rows = (
        Grade.objects.current()
        .filter(what)
        .exclude(kept_out=KeptOut.AGAIN)
        .select_related("judge", "rubric", "run", "answer__model")
        .defer("prompt", "reply")
    )
    return [(("grade", one.answer_id, one.judge_id, one.turn), graded(one)) for one in rows.order_by("pk")[:MOST]]


def _preferences(case: BadCase) -> list[tuple[tuple, Preference]]:
    if case.answer_id:
        what = Q(battle__first=case.answer_id) | Q(battle__second=case.answer_id)
    else:
        what = Q(battle=case.battle_id) if case.battle_id else Q(battle__question=case.question_id)
    related = ("judge", "rubric", "run", "battle__first__model", "battle__second__model")
    rows = Preference.objects.current().filter(what).exclude(kept_out=KeptOut.AGAIN)
    rows = rows.select_related(*related).defer("prompt", "reply").order_by("pk")
    return [
        (("pair", one.battle_id, one.judge_id, one.swapped, one.turn), in_words(one, one.battle)) for one in rows[:MOST]
    ]


def _about(one: Grade | Preference) -> str:
    if isinstance(one, Grade):
        return one.answer.model.name
    return " | ".join(model.name for model in one.shown)
