"""What a run judges: its answers, its battles, and what of that is still open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from arena.models import Answer, Battle, Question
from arena.pairing import against, all_pairs, shown_swapped
from judging.judges.base import Exhibit
from judging.models import Grade, Judge, Preference, Run

CHUNK = 200  # questions a query looks at, far below SQLite's limit of variables


@dataclass(frozen=True)
class Item:
    """One thing a judge is to see: a battle on the sides shown, or an answer."""

    battle: Battle | None = None
    answer: Answer | None = None
    swapped: bool = False

    @property
    def answers(self) -> tuple[Answer, ...]:
        return (self.answer,) if self.battle is None else self.battle.shown(swapped=self.swapped)

    @property
    def key(self) -> tuple:
        return (self.battle.pk, self.swapped) if self.battle else (self.answer.pk,)

    def exhibit(self) -> Exhibit:
        """What an engine sees of it; `id` is this item."""
        question = (self.battle or self.answer).question
        return Exhibit(
            id=self,
            turns=tuple(question.turns),
            answers=tuple(tuple(answer.turns) for answer in self.answers),
            system=question.system,
            reference=tuple(question.reference),
            checks=tuple(question.checks),
            category=question.category.key,
            language=question.language,
        )


def questions_of(run: Run) -> QuerySet[Question]:
    """The questions a run looks at: all of the benchmark's, or its first `limits.questions`."""
    questions = Question.objects.filter(benchmark=run.benchmark)
    limit = run.limits.get("questions")
    if not limit:
        return questions
    return questions.filter(pk__in=questions.values("pk")[: int(limit)])


def participants(run: Run) -> list[int]:
    """Ids of the models whose answers take part: the candidates, and the baseline."""
    models = list(run.candidates.order_by("name", "version").values_list("pk", flat=True))
    if run.baseline_id and run.baseline_id not in models:
        models.append(run.baseline_id)
    return models


def answers_of(run: Run) -> list[Answer]:
    """The good answers of the run's candidates, with question and category. One query for each 200 questions."""
    found: list[Answer] = []
    models = participants(run)
    for questions in chunks(questions_of(run).values_list("pk", flat=True)):
        answers = Answer.objects.ok().filter(question__in=questions, model__in=models, sample=0)
        found += answers.select_related("question__category", "model")
    return found


def battles_of(run: Run) -> list[Battle]:
    """The run's battles, made where they are missing; [] in single mode."""
    if run.is_single:
        return []
    models = list(run.candidates.order_by("name", "version").values_list("pk", flat=True))
    pairs = against(run.baseline_id, models) if run.mode == Run.Mode.BASELINE else all_pairs(models)
    by_question: dict[int, dict[int, Answer]] = defaultdict(dict)
    for answer in answers_of(run):
        by_question[answer.question_id][answer.model_id] = answer
    battles: list[Battle] = []
    for questions in chunks(by_question):
        wanted = [
            (by_question[question][one], by_question[question][other])
            for question in questions
            for one, other in pairs
            if one in by_question[question] and other in by_question[question]
        ]
        battles += Battle.objects.pair(wanted)
    return sorted(battles, key=lambda battle: battle.pk)


def items_of(run: Run) -> list[Item]:
    """Everything a machine judge sees in this run, in both orders where the run says so."""
    if run.is_single:
        return [Item(answer=answer) for answer in answers_of(run)]
    battles = battles_of(run)
    if run.order == Run.Order.BOTH:
        return [Item(battle=battle, swapped=swapped) for battle in battles for swapped in (False, True)]
    return [Item(battle=battle, swapped=_swapped(run, battle)) for battle in battles]


def _swapped(run: Run, battle: Battle) -> bool:
    """Which way round the one order of a run is: by the seed's fair coin, or as the run lists its models."""
    if run.order == Run.Order.RANDOM:
        return shown_swapped(run.seed, battle.pk)
    listed = run.recipe.get("models") or []
    if run.mode == Run.Mode.BASELINE:
        return battle.first.model_id == run.baseline_id
    places = {name: place for place, name in enumerate(listed)}
    last = len(places)
    return places.get(battle.first.model.name, last) > places.get(battle.second.model.name, last)


def undecided(run: Run, judge: Judge, items: Iterable[Item]) -> list[Item]:
    """The items this judge has no current judgment of, failed or not. One query."""
    known = judged_keys(run, judge)
    return [item for item in items if item.key not in known]


def judged_keys(run: Run, judge: Judge) -> set[tuple]:
    """Keys of the items that this judge has judged under the run's rubric, in this run or another one."""
    table = Grade if run.is_single else Preference
    mine = table.objects.current().filter(judge=judge, rubric=run.rubric)
    if run.is_single:
        return {(pk,) for pk in mine.filter(answer__question__benchmark=run.benchmark).values_list("answer", flat=True)}
    return set(mine.filter(battle__question__benchmark=run.benchmark).values_list("battle", "swapped"))


def chunks(values: Iterable, size: int = CHUNK) -> Iterator[list]:
    """The values in lists of at most `size`."""
    values = list(values)
    for start in range(0, len(values), size):
        yield values[start : start + size]
