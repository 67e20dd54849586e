"""What of a run's questions a rubric has nothing for, and that in words."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from arena.models import Category, Question
from judging.items import questions_of, turns_of
from judging.judges.base import Case, Exhibit
from judging.judges.rubrics import missing_cases, missing_variants
from judging.models import Judge, Rubric, Run
from judging.prompts import REFERENCES, Asking


def categories_without(rubric: Rubric, questions: QuerySet[Question]) -> list[Category]:
    """The categories of these questions that the rubric has nothing for, and nothing that stands for all. Two queries at most."""
    text = rubric.text()
    if not text.only_variants:
        return []
    there = questions.order_by("category__key").values_list("category__key", flat=True).distinct()
    return list(Category.objects.filter(key__in=missing_variants(text, there)).order_by("key"))


def cases_without(rubric: Rubric, run: Run, judges: Iterable[Judge]) -> list[tuple[str, Case]]:
    """The cases of the run's questions, by category, for which the rubric has no template though it has some for others.

    The run may be unsaved. No query where the rubric has no templates for cases or nobody is shown any; else one, of as many
    rows as there are questions, and one for each panel.
    """
    text = rubric.text()
    if not any(one.cases for one in (text, *text.variants.values())):
        return []
    askings = [Asking(text, reference=reference) for reference in sorted(_references(judges))]
    rows = questions_of(run).values_list("category__key", "turns", "reference") if askings else ()
    found = [
        (category, asking.case_of(exhibit))
        for category, turns, reference in rows
        for asking in askings
        for exhibit in _shown(run, turns, reference or (turns if asking.reference == "own" else ()))
    ]
    return missing_cases(text, found)


def _references(judges: Iterable[Judge]) -> set[str]:
    """Whose reference these judges, and those that sit in them, are shown; nothing of judges that are shown no prompt."""
    found = set()
    for judge in judges:
        if judge.kind in Judge.COMPOSED:
            found |= _references(seat.member for seat in judge.seats.select_related("member"))
        elif judge.kind in (Judge.Kind.LLM, Judge.Kind.DRY_RUN):
            found.add(judge.options.get("reference", REFERENCES[0]))
    return found


def _shown(run: Run, turns: list[str], reference: Iterable[str]) -> list[Exhibit]:
    """A question as it would be shown, without answers: once, or once for each turn."""
    whole = {"id": None, "turns": tuple(turns), "answers": ((),), "reference": tuple(reference)}
    return [Exhibit(**whole, turn=turn) for turn in turns_of(run, len(turns))]


def told_cases(cases: Iterable[tuple[str, Case]]) -> str:
    """These cases by their categories, in English: for files."""
    return "; ".join(f"{category}: {case}" for category, case in cases)


def nothing_for(categories: list[Category]) -> str:
    """That a rubric cannot be used for these categories, in the reader's language."""
    named = ", ".join(category.name for category in categories)
    return _("This rubric has nothing for these categories, and nothing that stands for all: %s") % named


def no_template_for(cases: list[tuple[str, Case]]) -> str:
    """That a rubric has no template for what some questions have, in the reader's language. One query."""
    names = {category.key: category.name for category in Category.objects.filter(key__in={key for key, _case in cases})}
    words = {
        Case(False, False): _("a single turn without a reference"),
        Case(True, False): _("a single turn with a reference"),
        Case(False, True): _("several turns without a reference"),
        Case(True, True): _("several turns with a reference"),
    }
    named = "; ".join(f"{names.get(key, key)}: {words[case]}" for key, case in cases)
    return _("This rubric has templates, and none for these questions: %s") % named
