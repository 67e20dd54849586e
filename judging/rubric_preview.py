"""The prompt that a judge would be sent under a rubric, for a question that somebody chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Min
from django.utils.translation import gettext as _

from arena.border import asked
from arena.chat import Message
from arena.models import Answer, Question
from judging.access import is_blind_on
from judging.judges.base import Exhibit, NoRubric, RubricText
from judging.prompts import FORMS, Asking, Unfit

PAIR, SINGLE = "pair", "single"
LANGUAGES = ("en", "zh")
MOST_QUESTIONS = 60


@dataclass(frozen=True)
class Wish:
    """What somebody wants to see: which question ("" for the first there is), how many answers, in which language."""

    question: str = ""
    kind: str = ""
    language: str = ""

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Wish:
        kind, language = asked(fields, "kind"), asked(fields, "language")
        return cls(
            asked(fields, "question"),
            kind if kind in (PAIR, SINGLE) else "",
            language if language in LANGUAGES else "",
        )


@dataclass(frozen=True)
class Preview:
    """The messages that would be sent, or the reason why there are none; `made_up` where an answer is only a stand-in."""

    kind: str
    language: str
    question: Question | None
    questions: Sequence[Question]
    messages: tuple[Message, ...] = ()
    problem: str = ""
    made_up: bool = False


def preview(rubric: RubricText, wish: Wish, user: Any) -> Preview:
    """The prompt under this rubric. At most eight queries."""
    questions = questions_to_show(rubric)
    question = _chosen(wish.question, questions)
    category = question.category.key if question else ""
    kind = wish.kind or usual_kind(rubric, category)
    language = wish.language or ("zh" if question and question.language.startswith("zh") else "en")
    shown = Preview(kind, language, question, questions)
    if question is None:
        return replace(shown, problem=_("There is no question here yet: load a benchmark first."))
    answers, made_up = _answers(question, 2 if kind == PAIR else 1, user)
    exhibit = Exhibit(
        id=None,
        turns=tuple(question.turns),
        answers=answers,
        system=question.system,
        reference=tuple(question.reference),
        category=category,
        language=question.language,
    )
    try:
        messages = Asking(rubric, language=language).render(exhibit)
    except (NoRubric, Unfit) as error:
        return replace(shown, problem=str(error))
    return replace(shown, messages=messages, made_up=made_up)


def usual_kind(rubric: RubricText, category: str = "") -> str:
    """What the rubric seems to be for: a template says it, points and dimensions are marks of one answer."""
    try:
        text = rubric.of(category)
    except NoRubric:
        return PAIR
    text = next(iter(text.cases.values()), text)
    if text.template:
        return SINGLE if FORMS.get(text.template.form) == "score" else PAIR
    return SINGLE if text.points or text.dimensions else PAIR


def questions_to_show(rubric: RubricText) -> list[Question]:
    """One question of each category and benchmark, of those that the rubric can judge, the newest benchmarks first. Two queries."""
    known = Question.objects.all()
    if rubric.only_variants:
        known = known.filter(category__key__in=list(rubric.variants))
    firsts = known.order_by("-benchmark").values("benchmark", "category").annotate(first=Min("pk"))
    chosen = [row["first"] for row in firsts[:MOST_QUESTIONS]]
    return list(
        Question.objects.filter(pk__in=chosen)
        .select_related("category", "benchmark")
        .order_by("-benchmark", "position", "pk")
    )


def _chosen(pk: str, questions: Sequence[Question]) -> Question | None:
    if pk.isascii() and pk.isdecimal() and len(pk) < 19:
        found = Question.objects.select_related("category", "benchmark").filter(pk=int(pk)).first()
        if found:
            return found
    return questions[0] if questions else None


def _answers(question: Question, n: int, user: Any) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """So many answers, each as its turns; stand-ins where there are not enough, or where this reader may yet vote on them."""
    rows: list[Answer] = []
    if not is_blind_on(user, question.benchmark):
        rows = list(Answer.objects.ok().filter(question=question, sample=0).order_by("pk").only("turns")[:n])
    texts = [tuple(row.turns) for row in rows]
    stand_in = tuple(_("(an answer stands here)") for _turn in question.turns)
    return tuple(texts + [stand_in] * (n - len(texts))), len(texts) < n
