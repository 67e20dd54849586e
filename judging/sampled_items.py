"""A few items of a run that is not there yet: what its judges would see, for a look, a try-out and an estimate. Nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from random import Random

from arena.models import Answer, Battle, LanguageModel, Question
from judging.estimating import Shown
from judging.items import NOT_JUDGED, Item, meetings, questions_of, turns_of
from judging.models import Run

LOOKED_AT = 400  # questions among which a few with answers are sought
SAMPLE = 0  # of the answers that are shown


def few_items(run: Run, candidates: Sequence[LanguageModel], n: int, *, key: str = "") -> list[Item]:
    """At most `n` items of different questions, spread over categories and pairs of models; of the question `key` alone, if given.

    The run may be unsaved. The same run and seed give the same items. Three queries.
    """
    questions = questions_of(run).filter(key=key) if key else questions_of(run)
    ids = spread(questions.values_list("pk", "category"), seed=run.seed)[:LOOKED_AT]
    models = {model.pk: model for model in candidates}
    if run.baseline_id:
        models.setdefault(run.baseline_id, run.baseline)
    there: dict[int, set[int]] = defaultdict(set)
    good = Answer.objects.ok().filter(question__in=ids, model__in=list(models), sample=SAMPLE)
    answers: dict[tuple[int, int], int] = {}
    for pk, question, model in good.values_list("pk", "question", "model"):
        there[question].add(model)
        answers[question, model] = pk
    listed, shown = [model.pk for model in candidates], list[Shown]()
    met = meetings(run, listed)
    for question in ids:
        if len(shown) == n:
            break
        options = _options(there[question], listed, None if run.is_single else met(question, SAMPLE))
        if options:
            chosen = options[len(shown) % len(options)]
            shown.append(tuple(answers[question, model] for model in chosen))
    return items_shown(run, shown)


def _options(there: set[int], listed: list[int], pairs: Iterable[tuple[int, int]] | None) -> list[tuple[int, ...]]:
    """What may be shown of a question that the models `there` answered: of the pairs, or each one listed where there are none."""
    if pairs is None:
        return [(pk,) for pk in listed if pk in there]
    return [(one, other) for one, other in pairs if one in there and other in there]


def spread(questions: Iterable[tuple[int, int]], *, seed: int) -> list[int]:
    """Ids of these (question, category), in an order in which categories take turns; drawn by the seed within each."""
    by_category: dict[int, list[int]] = defaultdict(list)
    for pk, category in questions:
        by_category[category].append(pk)
    dice = Random(seed)
    for each in by_category.values():
        dice.shuffle(each)
    rounds = zip_longest(*by_category.values())
    return [pk for each in rounds for pk in each if pk is not None]


def items_shown(run: Run, shown: Iterable[Shown]) -> list[Item]:
    """The items of these answers, the older one first; where turns are judged one by one, the last. One query."""
    wanted = [tuple(sorted(pk for pk in one if pk is not None)) for one in shown]
    ids = {pk for one in wanted for pk in one}
    rows = Answer.objects.filter(pk__in=ids).select_related("question__category", "model").defer(*NOT_JUDGED)
    answers = {answer.pk: answer for answer in rows}
    found = []
    for one in wanted:
        if not all(pk in answers for pk in one):
            continue
        turn = turns_of(run, len(answers[one[0]].question.turns))[-1]
        if run.is_single:
            found.append(Item(answer=answers[one[0]], turn=turn))
        else:
            found.append(Item(battle=_battle(answers[one[0]], answers[one[1]]), turn=turn))
    return found


def _battle(first: Answer, second: Answer) -> Battle:
    """The battle of two answers as a row that is not saved."""
    question: Question = first.question
    return Battle(question=question, first=first, second=second)
